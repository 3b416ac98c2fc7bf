/* SPDX-License-Identifier: Apache-2.0 */
/* handshakes.c — see handshakes.h. */
#include "server/handshakes.h"

#include "server/session.h"

void handshakes_init(struct handshakes *h, size_t max)
{
	*h = (struct handshakes){.max = max};
	TAILQ_INIT(&h->held);
	TAILQ_INIT(&h->waiting);
	TAILQ_INIT(&h->gone);
}

/* The session's links: a session in its handshake is never busy, so `ready` is free. */
static void hold(struct handshakes *h, struct session *s, uint64_t now_us)
{
	handshakes_leave(h, s);
	s->place = PLACE_HELD;
	s->place_since = now_us;
	TAILQ_INSERT_TAIL(&h->held, s, ready);
	h->held_count++;
}

bool handshakes_enter(struct handshakes *h, struct session *s, uint64_t now_us)
{
	struct session *oldest = TAILQ_FIRST(&h->held);

	if (h->held_count >= h->max && now_us - oldest->place_since >= HANDSHAKE_SAFE_US) {
		handshakes_leave(h, oldest);
		h->gave_way++;
		session_give_way(oldest);
		TAILQ_INSERT_TAIL(&h->gone, oldest, ready);
	}
	if (h->held_count < h->max) {
		hold(h, s, now_us);
		return true;
	}
	if (s->place == PLACE_NONE) {
		s->place = PLACE_WAITED_FOR;
		TAILQ_INSERT_TAIL(&h->waiting, s, ready);
		h->waiting_count++;
		h->waited++;
	}
	return false;
}

void handshakes_leave(struct handshakes *h, struct session *s)
{
	if (s->place == PLACE_HELD) {
		TAILQ_REMOVE(&h->held, s, ready);
		h->held_count--;
	} else if (s->place == PLACE_WAITED_FOR) {
		TAILQ_REMOVE(&h->waiting, s, ready);
		h->waiting_count--;
	}
	s->place = PLACE_NONE;
}

uint64_t handshakes_retry_at(const struct handshakes *h)
{
	const struct session *oldest = TAILQ_FIRST(&h->held);

	return oldest ? oldest->place_since + HANDSHAKE_SAFE_US : 0;
}

struct session *handshakes_next(const struct handshakes *h)
{
	return h->held_count < h->max ? TAILQ_FIRST(&h->waiting) : NULL;
}
