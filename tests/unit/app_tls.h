/* SPDX-License-Identifier: Apache-2.0 */
/* app_tls.h — clients of app_world.h that speak TLS. */
#ifndef TESTS_UNIT_APP_TLS_H
#define TESTS_UNIT_APP_TLS_H

#include "tests/unit/app_world.h"

static inline long client_send(void *ctx, const uint8_t *data, size_t len)
{
	struct peer *p = ctx;

	return (long)tcp_send_all(p->c, data, len, false);
}

/* TLS reads what client_events has gathered, from the front. */
static inline long client_recv(void *ctx, uint8_t *buf, size_t len)
{
	struct peer *p = ctx;
	const size_t n = p->len < len ? p->len : len;

	if (n == 0)
		return p->fin ? -1 : 0;
	memcpy(buf, p->reply, n);
	memmove(p->reply, p->reply + n, p->len - n);
	p->len -= n;
	return (long)n;
}

/* A client that has said hello. */
static inline struct tls_session *hello(struct peer *p)
{
	const struct tls_stream stream = {p, client_send, client_recv};
	struct tls_session *t = tls_session_create(p->w->tls_client, &stream);

	assert_int_equal(tls_session_handshake(t), TLS_WANT_READ);
	settle(p->w);
	return t;
}

static inline struct tls_session *shake_hands(struct peer *p)
{
	struct tls_session *t = hello(p);

	for (int i = 0; i < 50 && !tls_session_established(t); i++) {
		const enum tls_status status = tls_session_handshake(t);
		if (status != TLS_OK && status != TLS_WANT_READ)
			fail_msg("%s", tls_session_error(t));
		settle(p->w);
	}
	assert_true(tls_session_established(t));
	return t;
}

#endif
