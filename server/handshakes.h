/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handshakes.h — how many TLS handshakes may be under way at once. One costs some 36 KiB until it is complete, an idle
 * connection a tenth of that.
 *
 * A client waits with its first bytes while the places are taken, and takes the place of whoever has had one longest, if
 * that is a second or more: so many clients at once are served one after another, and those that never finish, of
 * whom there may be any number, keep nobody out for longer than that. Internal to app.c and session.c.
 */
#ifndef SERVER_HANDSHAKES_H
#define SERVER_HANDSHAKES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct session;
TAILQ_HEAD(session_list, session);

#define HANDSHAKE_SAFE_US 1000000u /* so long a handshake keeps its place in any case */

enum handshake_place {
	PLACE_NONE,
	PLACE_WAITED_FOR,
	PLACE_HELD,
};

struct handshakes {
	size_t max;
	struct session_list held;    /* the oldest first                        */
	struct session_list waiting; /* the one that has waited longest first   */
	struct session_list gone;    /* whose place was taken: OVER, to be freed */
	size_t held_count;
	size_t waiting_count;
	uint64_t waited;   /* sessions that ever had to wait      */
	uint64_t gave_way; /* sessions whose place was taken      */
};

void handshakes_init(struct handshakes *h, size_t max);
/* True when the session has a place now; else it waits for one. May end another session. */
bool handshakes_enter(struct handshakes *h, struct session *s, uint64_t now_us);
/* Gives up the place, or the wait for one; does nothing without. */
void handshakes_leave(struct handshakes *h, struct session *s);
/* When a session that waits should try again, whatever happens. */
uint64_t handshakes_retry_at(const struct handshakes *h);
/* The session that is next while there is a free place, NULL for none. */
struct session *handshakes_next(const struct handshakes *h);

#endif
