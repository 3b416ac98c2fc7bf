/* SPDX-License-Identifier: Apache-2.0 */
/* forwarding.h — the switches of the kernel without which it passes no packet on (ip-sysctl.rst). */
#ifndef SERVER_FORWARDING_H
#define SERVER_FORWARDING_H

#include <stdbool.h>

#include "server/values.h"

#define FORWARDING_ERROR_SIZE 512

/* Switches IPv4 on between the interfaces and `tun`; "auto" alone: everywhere. Says so when it was off. False with one line
 * in `error` that says what to set. */
bool forwarding_enable(const struct name_list *interfaces, const char *tun,
		       char error[FORWARDING_ERROR_SIZE]);
/* The same for IPv6, where it can only be switched for all interfaces; those that follow router advertisements go on doing
 * so. */
bool forwarding_enable6(char error[FORWARDING_ERROR_SIZE]);

#endif
