/* SPDX-License-Identifier: Apache-2.0 */
/* session_out.c — responses on their way out: from HTTP into the send ring, or through TLS into it. */
#include <stdlib.h>
#include <string.h>

#include "server/session_parts.h"

#define PIECE_FIRST (16u << 10) /* asked of the send ring: most responses are smaller  */
#define PIECE_NEXT (64u << 10)  /* and then as much as one super segment takes         */

static void spend(struct session *s, size_t len)
{
	s->budget -= len < s->budget ? len : s->budget;
	if (http_conn_turn_is_over(s->http))
		s->budget = 0;
}

/* Nothing follows for now, though it was said that more would: HTTP/2 learns only when it tries that a stream has used
 * up its window. The stack must not hold the last bytes back for it. */
static void uncork(struct session *s)
{
	if (!s->corked || (!s->blocked && http_conn_has_output(s->http)))
		return;
	s->corked = false;
	tcp_send_commit(s->tcp, 0, false);
}

/* A long file goes from the page cache, without being copied. False: not now, or not this way. */
static bool lend_plain(struct session *s, struct http_time now)
{
	const size_t space = tcp_send_space(s->tcp);
	struct http_lent lent;

	if (!s->env->cfg.lend || space < TCP_LOAN_MIN || !http_conn_lend(s->http, space, &lent))
		return false;
	const struct tcp_loan loan = {lent.data, lent.len, lent.release, lent.owner};
	if (!tcp_send_loan(s->tcp, &loan, true)) {
		lent.release(lent.owner);
		return false;
	}
	http_conn_lent(s->http, now, lent.len);
	s->corked = true;
	s->progress.sent += lent.len;
	spend(s, lent.len);
	return true;
}

/* The file's bytes go straight into the send ring. */
bool session_write_plain(struct session *s, struct http_time now)
{
	size_t want = PIECE_FIRST;
	bool progress = false;

	while (!s->blocked && s->budget > 0 && http_conn_has_output(s->http)) {
		struct slice_mut out[2];

		if (lend_plain(s, now)) {
			progress = true;
			continue;
		}
		const size_t room = tcp_send_reserve(s->tcp, want, out);
		size_t got = 0;

		if (room > 0)
			got = http_conn_produce(s->http, now, out[0].data, out[0].len);
		if (got == out[0].len && out[1].len > 0)
			got += http_conn_produce(s->http, now, out[1].data, out[1].len);
		const bool more = http_conn_has_output(s->http);
		s->blocked = more && room < want;
		s->corked = more && !s->blocked;
		tcp_send_commit(s->tcp, got, s->corked);
		s->progress.sent += got;
		if (got == 0)
			break;
		spend(s, got);
		progress = true;
		want = PIECE_NEXT;
	}
	uncork(s);
	return progress;
}

/* Offers what TLS would not take before, with the same bytes. False when it still does not, or the
 * session ended. */
static bool write_held(struct session *s)
{
	while (s->held_len > 0) {
		size_t taken = 0;
		const enum tls_status status =
			tls_session_write(s->tls, s->held, s->held_len, &taken);
		if (status == TLS_WANT_WRITE || status == TLS_WANT_READ) {
			s->blocked = true;
			return false;
		}
		if (status != TLS_OK) {
			session_report_tls(s, tls_session_error(s->tls));
			session_abort(s, CLOSE_TLS_ERROR);
			return false;
		}
		s->held_len -= taken;
		memmove(s->held, s->held + taken, s->held_len);
	}
	free(s->held);
	s->held = NULL;
	return true;
}

/* Sends `len` bytes of the scratch buffer. What TLS does not take at once is held: the scratch buffer
 * belongs to all sessions. False when the session has to wait or ended. */
static bool write_scratch(struct session *s, size_t len)
{
	size_t taken = 0;
	const enum tls_status status = tls_session_write(s->tls, s->env->scratch, len, &taken);

	if (status == TLS_OK && taken == len)
		return true;
	s->held = malloc(len);
	if (!s->held || (status != TLS_OK && status != TLS_WANT_WRITE)) {
		session_report_tls(s, s->held ? tls_session_error(s->tls) : "out of memory");
		session_abort(s, s->held ? CLOSE_TLS_ERROR : CLOSE_OUT_OF_MEMORY);
		return false;
	}
	s->held_len = status == TLS_OK ? len - taken : len;
	memcpy(s->held, s->env->scratch + (len - s->held_len), s->held_len);
	if (status == TLS_OK)
		return write_held(s);
	s->blocked = true;
	return false;
}

/* How many bytes of plaintext the next record may have so that it surely fits; 0: wait for room. */
static size_t record_room(struct session *s)
{
	const size_t max = tls_session_max_write(s->tls);
	size_t want = max < sizeof s->env->scratch ? max : sizeof s->env->scratch;
	const size_t wire = tls_session_wire_size(s->tls, want);
	const size_t space = tcp_send_space(s->tcp);
	struct slice_mut out[2];

	if (space >= wire)
		return want;
	if (tcp_send_pending(s->tcp) == 0 && space > 2 * (wire - want))
		return space - 2 * (wire - want); /* there will never be more room than now */
	tcp_send_reserve(s->tcp, wire, out);      /* comes up short, so WRITABLE follows     */
	s->blocked = true;
	return 0;
}

bool session_write_tls(struct session *s, struct http_time now)
{
	bool progress = false;

	if (s->blocked || !write_held(s))
		return false;
	while (!s->blocked && s->budget > 0 && http_conn_has_output(s->http)) {
		const size_t room = record_room(s);
		if (room == 0)
			break;
		const size_t got = http_conn_produce(s->http, now, s->env->scratch, room);
		s->more = http_conn_has_output(s->http);
		if (got == 0 || !write_scratch(s, got))
			break;
		spend(s, got);
		progress = true;
	}
	if (s->phase == SESSION_OPEN)
		uncork(s);
	return progress;
}
