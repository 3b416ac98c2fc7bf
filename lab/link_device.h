/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_device.h — the ends of the emulated link: a TUN device in a network namespace, and packets from and to
 * it. A super segment's and a partial checksum's description is kept, other than by tun_read, because the
 * packet leaves again as it came.
 */
#ifndef LAB_LINK_DEVICE_H
#define LAB_LINK_DEVICE_H

#include "lab/link_options.h"
#include "lab/link_packet.h"
#include "server/tun.h"

/* Makes and configures the devices of both sides. The process ends up in one of the namespaces: the way back
 * may be forbidden, and nothing needs it. Returns 0, or an exit status with one line in `error`. `note` is
 * as tun_open's. */
int link_devices_open(struct tun_device dev[2], const struct link_options *o,
		      char note[TUN_ERROR_SIZE], char error[LINK_ERROR_SIZE]);

/* Reads one packet. NULL when there is none now, or, with *err set to an errno, when the device is gone or
 * memory is short. `buf` has LINK_PACKET_MAX bytes. */
struct link_packet *link_device_read(const struct tun_device *dev, uint8_t *buf, int *err);
/* False when the device did not take it, because it is down, full, or the packet is no IP packet any more. */
bool link_device_write(const struct tun_device *dev, const struct link_packet *p);

#endif
