/* SPDX-License-Identifier: Apache-2.0 */
/* What nghttp2 tells of the frames that came and of those that left: see h2_conn.h. */
#include "http/h2_conn.h"

#include <string.h>

/* A field section that would be larger than this is not decompressed to its end: a few bytes of HPACK can
 * stand for megabytes. Up to here there is an answer, 431. */
#define LIST_MAX (64u << 10)

const uint8_t h2_shutdown_ping[8] = "shutdown";

static struct h2_stream *stream_of(nghttp2_session *ng, int32_t id)
{
	return nghttp2_session_get_stream_user_data(ng, id);
}

/* ------------------------------------------------------------------ frames in */

/* Frames that ask for nothing are counted before they are looked at. */
static int on_begin_frame(nghttp2_session *ng, const nghttp2_frame_hd *hd, void *user)
{
	struct h2_conn *c = user;
	const uint64_t now = c->base.seen.mono_us;

	(void)ng;
	/* RFC 9113 4.3: nothing comes between the frames of a field section, so the last one is over. */
	if (hd->type != NGHTTP2_CONTINUATION)
		c->head = NULL;
	switch (hd->type) {
	case NGHTTP2_HEADERS:
		h2_bucket_add(&c->control, H2_CALM_PER_REQUEST);
		return 0;
	case NGHTTP2_DATA:
	case NGHTTP2_CONTINUATION:
	case NGHTTP2_GOAWAY:
		return 0; /* counted otherwise, or once */
	case NGHTTP2_RST_STREAM:
		return h2_bucket_take(&c->resets, now) ? 0 : h2_abuse(c, HTTP_END_RESETS);
	default:
		return h2_bucket_take(&c->control, now) ? 0 : h2_abuse(c, HTTP_END_FLOOD);
	}
}

static int on_begin_headers(nghttp2_session *ng, const nghttp2_frame *frame, void *user)
{
	struct h2_conn *c = user;
	struct h2_stream *s;

	if (frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	s = h2_stream_new(c, frame->hd.stream_id);
	if (!s)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	nghttp2_session_set_stream_user_data(ng, frame->hd.stream_id, s);
	return 0;
}

static int on_header(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
		     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
		     void *user)
{
	struct h2_conn *c = user;
	struct h2_stream *s = stream_of(ng, frame->hd.stream_id);
	const size_t max_head = c->base.server->cfg.max_head;

	(void)flags;
	if (!s)
		return 0;
	if (frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		s->req.list_size += name_len + value_len; /* a trailer: dropped */
	else if (!h2_request_field(&s->req, &c->base.server->limits,
				   (struct http_str){(const char *)name, name_len},
				   (struct http_str){(const char *)value, value_len}))
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	return s->req.list_size > max_head + LIST_MAX ? h2_abuse(c, HTTP_END_HEAD_TOO_LARGE) : 0;
}

static int on_data_chunk(nghttp2_session *ng, uint8_t flags, int32_t id, const uint8_t *data,
			 size_t len, void *user)
{
	struct h2_stream *s = stream_of(ng, id);

	(void)flags;
	(void)data;
	(void)user;
	nghttp2_session_consume_connection(ng, len);
	if (s)
		h2_stream_take_content(s, len);
	return 0;
}

static int take_data(struct h2_conn *c, struct h2_stream *s, const nghttp2_frame *frame)
{
	const bool end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;

	if (frame->hd.length <= frame->data.padlen && !end &&
	    !h2_bucket_take(&c->control, c->base.seen.mono_us))
		return h2_abuse(c, HTTP_END_FLOOD);
	if (s && end && s->state == H2_STREAM_BODY)
		h2_stream_respond(s);
	return 0;
}

static void take_headers(struct h2_stream *s, const nghttp2_frame *frame)
{
	const bool end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;

	if (s->state == H2_STREAM_HEAD)
		h2_stream_take_head(s, end);
	else if (end && s->state == H2_STREAM_BODY)
		h2_stream_respond(s); /* these were the trailers */
}

static int on_frame_recv(nghttp2_session *ng, const nghttp2_frame *frame, void *user)
{
	struct h2_conn *c = user;
	struct h2_stream *s = stream_of(ng, frame->hd.stream_id);
	const bool ack = frame->hd.flags & NGHTTP2_FLAG_ACK;

	switch (frame->hd.type) {
	case NGHTTP2_HEADERS:
		if (s)
			take_headers(s, frame);
		break;
	case NGHTTP2_DATA:
		return take_data(c, s, frame);
	case NGHTTP2_SETTINGS:
		c->settings_acked = c->settings_acked || ack;
		break;
	case NGHTTP2_PING:
		if (ack &&
		    memcmp(frame->ping.opaque_data, h2_shutdown_ping, sizeof h2_shutdown_ping) == 0)
			h2_shutdown_last(c);
		break;
	default:
		break;
	}
	return 0;
}

/* ------------------------------------------------------------------ frames out */

static int on_frame_send(nghttp2_session *ng, const nghttp2_frame *frame, void *user)
{
	struct h2_conn *c = user;
	struct h2_stream *s = stream_of(ng, frame->hd.stream_id);

	switch (frame->hd.type) {
	case NGHTTP2_HEADERS:
	case NGHTTP2_DATA:
		if (s && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
			h2_stream_end(s);
		break;
	case NGHTTP2_RST_STREAM:
		if (frame->rst_stream.error_code != NGHTTP2_NO_ERROR &&
		    !h2_bucket_take(&c->resets, c->base.seen.mono_us))
			return h2_abuse(c, HTTP_END_RESETS);
		break;
	case NGHTTP2_GOAWAY:
		if (frame->goaway.error_code != NGHTTP2_NO_ERROR)
			http_conn_note_end(&c->base, HTTP_END_REFUSED); /* nghttp2's verdict */
		break;
	default:
		break;
	}
	return 0;
}

static int on_stream_close(nghttp2_session *ng, int32_t id, uint32_t error, void *user)
{
	struct h2_conn *c = user;
	struct h2_stream *s = stream_of(ng, id);

	if (!s)
		return 0;
	if (s->ended && error == NGHTTP2_NO_ERROR)
		h2_bucket_add(&c->resets, 1);
	nghttp2_session_set_stream_user_data(ng, id, NULL);
	h2_stream_free(s, true);
	return 0;
}

/* A DATA frame is as long as there is room for it in what the caller of produce has. */
static ssize_t data_length(nghttp2_session *ng, uint8_t type, int32_t id, int32_t conn_window,
			   int32_t stream_window, uint32_t max_frame, void *user)
{
	const struct h2_conn *c = user;
	const size_t room = c->out_room - c->out_len;
	size_t len = room > H2_FRAME_HEAD ? room - H2_FRAME_HEAD : 1;

	(void)ng;
	(void)type;
	(void)id;
	if (len > H2_DATA_MAX)
		len = H2_DATA_MAX;
	if (len > max_frame)
		len = max_frame;
	if (len > (size_t)conn_window)
		len = (size_t)conn_window;
	return (ssize_t)(len < (size_t)stream_window ? len : (size_t)stream_window);
}

/* ------------------------------------------------------------------ the session */

static void set_callbacks(nghttp2_session_callbacks *callbacks)
{
	nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
	nghttp2_session_callbacks_set_data_source_read_length_callback(callbacks, data_length);
	nghttp2_session_callbacks_set_send_data_callback(callbacks, h2_stream_send_data);
}

static void set_options(nghttp2_option *option)
{
	/* Streams that are answered early get no more window: h2_stream_take_content. */
	nghttp2_option_set_no_auto_window_update(option, 1);
	nghttp2_option_set_builtin_recv_extension_type(option, NGHTTP2_PRIORITY_UPDATE);
	/* How many frames a field section may have (CVE-2024-28182). nghttp2 counts a frame each time that it
	 * reads of its head, which may come in nine pieces: so eight are always taken. */
	nghttp2_option_set_max_continuations(option, 8 * H2_FRAME_HEAD);
	nghttp2_option_set_no_closed_streams(option, 1);
	/* Ours is stricter, and asks no clock of its own. */
	nghttp2_option_set_stream_reset_rate_limit(option, 1u << 30, 1u << 30);
}

static int submit_settings(struct h2_conn *c)
{
	const nghttp2_settings_entry settings[] = {
		{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, H2_MAX_STREAMS},
		{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)c->base.server->cfg.max_head},
		{NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1}, /* RFC 9218 2.1: those of RFC 9218 */
	};

	return nghttp2_submit_settings(c->ng, NGHTTP2_FLAG_NONE, settings,
				       sizeof settings / sizeof settings[0]);
}

nghttp2_session *h2_session_new(struct h2_conn *c)
{
	nghttp2_session_callbacks *callbacks = NULL;
	nghttp2_option *option = NULL;

	if (nghttp2_session_callbacks_new(&callbacks) == 0 && nghttp2_option_new(&option) == 0) {
		set_callbacks(callbacks);
		set_options(option);
		if (nghttp2_session_server_new2(&c->ng, callbacks, c, option) == 0 &&
		    submit_settings(c) != 0) {
			nghttp2_session_del(c->ng);
			c->ng = NULL;
		}
	}
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_option_del(option);
	return c->ng;
}
