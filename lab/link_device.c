/* SPDX-License-Identifier: Apache-2.0 */
/* link_device.c — see link_device.h, setns(2), and virtio's struct virtio_net_hdr. */
#include "lab/link_device.h"

#include <errno.h>
#include <net/if.h>
#include <fcntl.h>
#include <linux/virtio_net.h>
#include <sched.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "server/host.h"
#include "server/rtnetlink.h"
#include "server/options.h"

/* ------------------------------------------------------------------ namespaces */

static const char *side_name(unsigned i)
{
	return i == 0 ? "left" : "right";
}

/* Returns 0, or an exit status with one line in `error`. *fd is -1 for the current namespace. */
static int open_namespace(const struct link_options *o, unsigned i, int *fd,
			  char error[LINK_ERROR_SIZE])
{
	const char *name = o->side[i].netns;
	char path[LINK_NETNS_MAX + 16];

	*fd = -1;
	if (name[0] == '\0')
		return 0;
	snprintf(path, sizeof path, "%s%s", strchr(name, '/') ? "" : "/run/netns/", name);
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*fd >= 0)
		return 0;
	const int err = errno;
	if (err == ENOENT && !strchr(name, '/'))
		snprintf(error, LINK_ERROR_SIZE,
			 "--%s: there is no namespace %s (%s): make it with ip netns add %s, or "
			 "give a path",
			 side_name(i), name, path, name);
	else
		snprintf(error, LINK_ERROR_SIZE, "--%s: cannot open the namespace %s: %s",
			 side_name(i), path, strerror(err));
	return EXIT_CONFIG;
}

static int enter_namespace(const struct link_options *o, unsigned i, int fd,
			   char error[LINK_ERROR_SIZE])
{
	if (fd < 0 || setns(fd, CLONE_NEWNET) == 0)
		return 0;
	const int err = errno;
	snprintf(error, LINK_ERROR_SIZE, "--%s: cannot enter the namespace %s: %s%s", side_name(i),
		 o->side[i].netns, strerror(err),
		 err == EPERM    ? ": run it as root (sudo)"
		 : err == EINVAL ? ": it is not the file of a network namespace"
				 : "");
	return err == EINVAL ? EXIT_CONFIG : EXIT_RUNTIME;
}

/* ------------------------------------------------------------------ devices */

static int configure(const struct tun_device *dev, const struct link_options *o, unsigned i,
		     char error[LINK_ERROR_SIZE])
{
	const struct link_side_options *side = &o->side[i];
	char text[IP_ADDR_TEXT_SIZE];
	int err = host_set_up(dev->name, o->device_mtu);

	if (err != 0) {
		snprintf(error, LINK_ERROR_SIZE, "--%s: cannot set %s up with MTU %u: %s",
			 side_name(i), dev->name, o->device_mtu, strerror(err));
		return EXIT_RUNTIME;
	}
	for (unsigned a = 0; a < side->address_count; a++) {
		const struct link_address_option *addr = &side->address[a];
		err = rtnetlink_add_address(if_nametoindex(dev->name), &addr->addr,
					    addr->prefix_len);
		if (err == 0)
			continue;
		snprintf(error, LINK_ERROR_SIZE, "--%s: cannot give %s the address %s/%u: %s",
			 side_name(i), dev->name, ip_addr_text(&addr->addr, text), addr->prefix_len,
			 strerror(err));
		return EXIT_RUNTIME;
	}
	return 0;
}

static int open_device(struct tun_device *dev, const struct link_options *o, unsigned i, int netns,
		       char note[TUN_ERROR_SIZE], char error[LINK_ERROR_SIZE])
{
	static const char *const flag[] = {"--left NETNS:DEV", "--right NETNS:DEV"};
	const struct tun_config cfg = {
		.name = o->side[i].device, .queues = 1, .offload = o->offload, .flag = flag[i]};
	char said[TUN_ERROR_SIZE], why[TUN_ERROR_SIZE];
	const int status = enter_namespace(o, i, netns, error);

	if (status != 0)
		return status;
	if (!tun_open(dev, &cfg, said, why)) {
		snprintf(error, LINK_ERROR_SIZE, "--%s: %s", side_name(i), why);
		return EXIT_RUNTIME;
	}
	if (said[0] != '\0')
		memcpy(note, said, sizeof said);
	return configure(dev, o, i, error);
}

int link_devices_open(struct tun_device dev[2], const struct link_options *o,
		      char note[TUN_ERROR_SIZE], char error[LINK_ERROR_SIZE])
{
	int netns[2] = {-1, -1};
	int status = 0;

	note[0] = '\0';
	dev[0].count = dev[1].count = 0;
	for (unsigned i = 0; i < 2 && status == 0; i++)
		status = open_namespace(o, i, &netns[i], error);
	/* The current namespace comes first, while it is the current one. */
	const unsigned first = netns[0] < 0 ? 0 : 1;
	if (status == 0)
		status = open_device(&dev[first], o, first, netns[first], note, error);
	if (status == 0)
		status = open_device(&dev[1 - first], o, 1 - first, netns[1 - first], note, error);
	for (unsigned i = 0; i < 2; i++) {
		if (netns[i] >= 0)
			close(netns[i]);
		if (status != 0)
			tun_close(&dev[i]);
	}
	return status;
}

/* ------------------------------------------------------------------ packets */

struct link_packet *link_device_read(const struct tun_device *dev, uint8_t *buf, int *err)
{
	struct virtio_net_hdr h = {0};
	struct iovec v[2] = {{&h, sizeof h}, {buf, LINK_PACKET_MAX}};
	const size_t header = dev->offload ? sizeof h : 0;
	ssize_t n;

	*err = 0;
	do
		n = dev->offload ? readv(dev->queue[0], v, 2)
				 : read(dev->queue[0], buf, LINK_PACKET_MAX);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		*err = errno == EAGAIN ? 0 : errno;
	if (n < 0 || (size_t)n <= header)
		return NULL;
	struct link_packet *p = link_packet_new(buf, (size_t)n - header);
	if (!p) {
		*err = ENOMEM;
		return NULL;
	}
	p->checksum_partial = h.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM;
	p->csum_start = h.csum_start;
	p->csum_offset = h.csum_offset;
	if (h.gso_type != VIRTIO_NET_HDR_GSO_NONE) {
		p->gso_size = h.gso_size;
		p->ecn = h.gso_type & VIRTIO_NET_HDR_GSO_ECN;
	}
	return p;
}

static void describe(struct virtio_net_hdr *h, const struct link_packet *p)
{
	*h = (struct virtio_net_hdr){.gso_type = VIRTIO_NET_HDR_GSO_NONE};
	if (p->checksum_partial) {
		h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		h->csum_start = p->csum_start;
		h->csum_offset = p->csum_offset;
	}
	if (p->gso_size > 0) {
		h->gso_type =
			p->bytes[0] >> 4 == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
		if (p->ecn)
			h->gso_type |= VIRTIO_NET_HDR_GSO_ECN;
		h->hdr_len = (uint16_t)(link_packet_largest(p) - p->gso_size);
		h->gso_size = p->gso_size;
	}
}

bool link_device_write(const struct tun_device *dev, const struct link_packet *p)
{
	struct virtio_net_hdr h;
	struct iovec v[2];
	int n = 0;
	ssize_t done;

	if (dev->offload) {
		describe(&h, p);
		v[n++] = (struct iovec){&h, sizeof h};
	}
	/* writev only reads what iov_base points to. */
	v[n++] = (struct iovec){(void *)(uintptr_t)p->bytes, p->len};
	do
		done = writev(dev->queue[0], v, n);
	while (done < 0 && errno == EINTR);
	return done >= 0;
}
