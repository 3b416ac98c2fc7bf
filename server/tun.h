/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tun.h — the link: a TUN device whose packets carry a virtio_net_hdr, so that checksums and cutting into
 * segments are the kernel's work and one read or write moves up to 64 KiB.
 *
 * The device is not persistent: it goes, with its address and routes, when the last queue is closed.
 */
#ifndef SERVER_TUN_H
#define SERVER_TUN_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "stack/stack.h"

#define TUN_ERROR_SIZE 512
#define TUN_QUEUES_MAX 64
#define TUN_PACKET_MAX 65536 /* what tun_read's buffer must hold */

struct tun_device {
	char name[IFNAMSIZ];
	int queue[TUN_QUEUES_MAX]; /* file descriptors, non-blocking, close-on-exec           */
	unsigned count;
	bool offload;     /* packets carry a virtio_net_hdr, and the kernel does TCP's work */
	bool created;     /* by us; false: it was there, persistent, and stays              */
	const char *flag; /* as in tun_config                                           */
};

struct tun_config {
	const char *name;
	unsigned queues;
	bool offload;     /* false: do not even ask the kernel */
	const char *flag; /* the option that names it, for errors; NULL: --tun */
};

/* Opens one queue per worker. A kernel that refuses offloading, or an existing device that allows one
 * queue only, is worked with; `note` then says so in one line, else it is empty. Returns false with one
 * line in `error`. */
bool tun_open(struct tun_device *dev, const struct tun_config *cfg, char note[TUN_ERROR_SIZE],
	      char error[TUN_ERROR_SIZE]);
void tun_close(struct tun_device *dev);

/* Reads one packet. Returns its length, 0 when there is none now, -1 with errno when the device is gone
 * or broken. */
ssize_t tun_read(int fd, bool offload, void *buf, size_t size, struct packet_meta *meta);

/* Writes one packet. False with errno: EAGAIN means later, anything else that it was not taken. */
bool tun_write(int fd, bool offload, const struct packet_out *out);

#endif
