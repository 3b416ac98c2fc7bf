/* SPDX-License-Identifier: Apache-2.0 */
/* notify.h — tells a service manager how we are (sd_notify(3)): a datagram with words to the socket that the environment names.
 * Without one nothing happens. */
#ifndef SERVER_NOTIFY_H
#define SERVER_NOTIFY_H

#include <stdint.h>

#define NOTIFY_NEVER UINT64_MAX

struct notify {
	int fd;             /* -1: nobody wants to know                                    */
	uint64_t period_us; /* of WATCHDOG=1, half of what the manager has patience for; 0: none */
	uint64_t next_us;   /* when it is due, or NOTIFY_NEVER                              */
};

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and takes them out of the environment. */
void notify_open(struct notify *n, uint64_t now_us);
/* "READY=1", "STOPPING=1", and others; one assignment a line. */
void notify_send(const struct notify *n, const char *words);
/* The watchdog's word, when it is due. */
void notify_alive(struct notify *n, uint64_t now_us);
void notify_close(struct notify *n);

#endif
