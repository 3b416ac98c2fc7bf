/* SPDX-License-Identifier: Apache-2.0 */
/* tun.c — see tun.h, and Documentation/networking/tuntap.rst of the kernel. */
#include "server/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#define OFFLOADS (TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN)

/* ------------------------------------------------------------------ errors */

static bool in_container(void)
{
	return access("/.dockerenv", F_OK) == 0 || access("/run/.containerenv", F_OK) == 0 ||
	       getpid() == 1;
}

static void explain_open(int err, char error[TUN_ERROR_SIZE])
{
	const char *what = strerror(err);

	if (err == EPERM || err == EACCES)
		snprintf(error, TUN_ERROR_SIZE,
			 "cannot open /dev/net/tun: %s: run it as root, in a container with "
			 "--device /dev/net/tun --cap-add NET_ADMIN",
			 what);
	else if (in_container())
		snprintf(error, TUN_ERROR_SIZE,
			 "there is no /dev/net/tun here (%s): start the container with --device "
			 "/dev/net/tun --cap-add NET_ADMIN",
			 what);
	else
		snprintf(error, TUN_ERROR_SIZE,
			 "there is no /dev/net/tun here (%s): modprobe tun, and in a container "
			 "--device /dev/net/tun --cap-add NET_ADMIN",
			 what);
}

static void explain_attach(int err, const struct tun_device *dev, char error[TUN_ERROR_SIZE])
{
	const char *name = dev->name;

	if (err == EPERM || err == EACCES)
		snprintf(error, TUN_ERROR_SIZE,
			 "may not make the TUN device %s: run it as root (sudo), in a container "
			 "with --cap-add NET_ADMIN",
			 name);
	else if (err == EBUSY)
		snprintf(error, TUN_ERROR_SIZE,
			 "the TUN device %s is in use by another process: stop that one or choose "
			 "another name with %s",
			 name, dev->flag);
	else if (err == EINVAL)
		snprintf(error, TUN_ERROR_SIZE,
			 "there is a network device %s already, and it is no TUN device: choose "
			 "another name with %s",
			 name, dev->flag);
	else
		snprintf(error, TUN_ERROR_SIZE, "cannot make the TUN device %s: %s", name,
			 strerror(err));
}

/* ------------------------------------------------------------------ opening */

static int attach(int fd, const char *name, unsigned flags)
{
	struct ifreq ifr = {.ifr_flags = (short)flags};

	snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "%s", name);
	return ioctl(fd, TUNSETIFF, &ifr);
}

static bool is_persistent(int fd)
{
	struct ifreq ifr = {0};

	return ioctl(fd, TUNGETIFF, &ifr) == 0 && (ifr.ifr_flags & IFF_PERSIST);
}

/* The first queue decides: a new device, or one that somebody made for us beforehand. With multiple
 * queues the kernel would let us into the running device of another process, so what exists has to be
 * persistent. Returns 0 or an errno. */
static int attach_first(struct tun_device *dev, int fd, unsigned *flags)
{
	dev->created = attach(fd, dev->name, *flags | IFF_TUN_EXCL) == 0;
	if (dev->created || errno != EBUSY)
		return dev->created ? 0 : errno;
	if (attach(fd, dev->name, *flags) != 0) {
		if (errno != EINVAL)
			return errno;
		/* Perhaps it was made without multi_queue. */
		*flags &= ~(unsigned)IFF_MULTI_QUEUE;
		if (attach(fd, dev->name, *flags) != 0)
			return errno;
	}
	return is_persistent(fd) ? 0 : EBUSY;
}

static bool set_offload(int fd)
{
	int header = sizeof(struct virtio_net_hdr);

	return ioctl(fd, TUNSETVNETHDRSZ, &header) == 0 &&
	       (ioctl(fd, TUNSETOFFLOAD, OFFLOADS) == 0 ||
		ioctl(fd, TUNSETOFFLOAD, OFFLOADS & ~TUN_F_TSO_ECN) == 0);
}

/* One more queue of the device. Returns 0 or an errno; ENOTSUP: offloading was refused. */
static int open_queue(struct tun_device *dev, unsigned *flags, char error[TUN_ERROR_SIZE])
{
	const int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	int err = errno;

	if (fd < 0) {
		explain_open(err, error);
		return err;
	}
	dev->queue[dev->count++] = fd;
	if (dev->count == 1)
		err = attach_first(dev, fd, flags);
	else
		err = attach(fd, dev->name, *flags) == 0 ? 0 : errno;
	if (err == 0 && (*flags & IFF_VNET_HDR) && !set_offload(fd))
		err = ENOTSUP;
	if (err != 0)
		explain_attach(err, dev, error);
	return err;
}

/* Returns 0 or an errno. */
static int open_all(struct tun_device *dev, const struct tun_config *cfg, unsigned flags,
		    char note[TUN_ERROR_SIZE], char error[TUN_ERROR_SIZE])
{
	const unsigned asked = flags;

	do {
		const int err = open_queue(dev, &flags, error);
		if (err != 0)
			return err;
	} while (dev->count < cfg->queues && flags == asked);
	if (dev->count < cfg->queues)
		snprintf(note, TUN_ERROR_SIZE,
			 "the TUN device %s was made without multi_queue, so one worker serves "
			 "alone",
			 dev->name);
	return 0;
}

bool tun_open(struct tun_device *dev, const struct tun_config *cfg, char note[TUN_ERROR_SIZE],
	      char error[TUN_ERROR_SIZE])
{
	const unsigned flags = IFF_TUN | IFF_NO_PI | IFF_MULTI_QUEUE;
	int err = ENOTSUP;

	*dev = (struct tun_device){.offload = cfg->offload,
				   .flag = cfg->flag ? cfg->flag : "--tun"};
	snprintf(dev->name, sizeof dev->name, "%s", cfg->name);
	note[0] = '\0';
	if (cfg->offload)
		err = open_all(dev, cfg, flags | IFF_VNET_HDR, note, error);
	if (err == ENOTSUP) {
		tun_close(dev);
		dev->offload = false;
		err = open_all(dev, cfg, flags, note, error);
		if (err == 0 && cfg->offload)
			snprintf(note, TUN_ERROR_SIZE,
				 "the kernel refuses offloading on TUN devices: going on without, "
				 "slower");
	}
	if (err != 0)
		tun_close(dev);
	return err == 0;
}

void tun_close(struct tun_device *dev)
{
	for (unsigned i = 0; i < dev->count; i++)
		if (dev->queue[i] >= 0)
			close(dev->queue[i]);
	dev->count = 0;
}

/* ------------------------------------------------------------------ packets */

ssize_t tun_read(int fd, bool offload, void *buf, size_t size, struct packet_meta *meta)
{
	struct virtio_net_hdr h = {0};
	struct iovec v[2] = {{&h, sizeof h}, {buf, size}};
	ssize_t n;

	*meta = (struct packet_meta){0};
	do
		n = offload ? readv(fd, v, 2) : read(fd, buf, size);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -1;
	if (!offload)
		return n;
	if ((size_t)n <= sizeof h)
		return 0;
	/* NEEDS_CSUM: it came from this machine and its checksum is partial. DATA_VALID: verified. */
	meta->checksum_trusted =
		h.flags & (VIRTIO_NET_HDR_F_NEEDS_CSUM | VIRTIO_NET_HDR_F_DATA_VALID);
	if (h.gso_type != VIRTIO_NET_HDR_GSO_NONE)
		meta->gso_size = h.gso_size;
	return n - (ssize_t)sizeof h;
}

static void fill_header(struct virtio_net_hdr *h, const struct packet_out *out)
{
	*h = (struct virtio_net_hdr){.gso_type = VIRTIO_NET_HDR_GSO_NONE};
	if (out->needs_csum) {
		h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		h->csum_start = out->csum_start;
		h->csum_offset = out->csum_offset;
	}
	if (out->gso_size > 0) {
		h->gso_type =
			out->ip_version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
		h->hdr_len = (uint16_t)out->header_len;
		h->gso_size = out->gso_size;
	}
}

bool tun_write(int fd, bool offload, const struct packet_out *out)
{
	struct virtio_net_hdr h;
	struct iovec v[2 + PACKET_SLICES_MAX];
	int n = 0;
	ssize_t done;

	if (offload) {
		fill_header(&h, out);
		v[n++] = (struct iovec){&h, sizeof h};
	}
	/* writev only reads what iov_base points to. */
	v[n++] = (struct iovec){(void *)(uintptr_t)out->header, out->header_len};
	for (size_t i = 0; i < out->payload_count; i++)
		v[n++] = (struct iovec){(void *)(uintptr_t)out->payload[i].data,
					out->payload[i].len};
	do
		done = writev(fd, v, n);
	while (done < 0 && errno == EINTR);
	return done >= 0;
}
