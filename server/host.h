/* SPDX-License-Identifier: Apache-2.0 */
/* host.h — the host's side of the link: its address, MTU and queue, and what may stand in the way. */
#ifndef SERVER_HOST_H
#define SERVER_HOST_H

#include <stdbool.h>

#include "server/values.h"

#define HOST_ERROR_SIZE 512

/* False, with one line in `error`, when another interface than `name` has an address or a route in the
 * prefix: packets for us would go there, or theirs would come to us. */
bool host_prefix_is_free(const char *name, const struct link_address *addr,
			 char error[HOST_ERROR_SIZE]);

/* Gives the device its address and makes it ready: MTU, queue, up. When that is not allowed, but somebody
 * has configured the device beforehand, that is good too. *mtu becomes the device's. Returns false with
 * one line in `error`. */
bool host_configure(const char *name, const struct link_address *addr, unsigned *mtu,
		    char error[HOST_ERROR_SIZE]);

/* The same two for IPv6. The second comes after host_configure, and is not missed where it cannot be: false
 * with one line in `note` when the host has no IPv6, the process may not, or the MTU is below 1,280. */
bool host_prefix6_is_free(const char *name, const struct link_address *addr,
			  char error[HOST_ERROR_SIZE]);
bool host_configure6(const char *name, const struct link_address *addr, unsigned mtu,
		     char note[HOST_ERROR_SIZE]);

/* Brings the device up with this MTU. Returns 0 or an errno. */
int host_set_up(const char *name, unsigned mtu);

#endif
