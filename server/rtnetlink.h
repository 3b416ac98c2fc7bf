/* SPDX-License-Identifier: Apache-2.0 */
/* rtnetlink.h — the one request to rtnetlink(7) that this program makes. */
#ifndef SERVER_RTNETLINK_H
#define SERVER_RTNETLINK_H

#include "stack/stack.h"

/* Gives a network interface an address of either version, and waits for the kernel's answer. One that it has
 * already is good. For IPv6 without duplicate address detection: nobody else is on this link, and the
 * address is to work at once. Returns 0 or an errno. */
int rtnetlink_add_address(unsigned ifindex, const struct ip_addr *addr, unsigned prefix_len);

#endif
