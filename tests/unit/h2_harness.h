/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2_harness.h — nghttp2's client at the other end of a connection of ours: no network, no clock but a number.
 *
 * Included by the test_http_h2*.c programs; not every one uses every function.
 */
#ifndef TESTS_UNIT_H2_HARNESS_H
#define TESTS_UNIT_H2_HARNESS_H

#include <nghttp2/nghttp2.h>

#include "tests/unit/http_harness.h"

#define ANSWERS_MAX 256
#define H2_FRAME_HEAD 9u

/* What came on one stream. */
struct answer {
	int32_t id;
	int status, interim; /* final; 1xx before it */
	char fields[2048];   /* "name: value\n"      */
	struct output body;
	bool ended, closed;
	uint32_t error;
	unsigned order; /* among those that ended: from 1 */
};

struct h2_peer {
	nghttp2_session *ng;
	struct http_conn *c;
	struct http_time now;
	size_t step, room; /* most bytes at once in each direction */
	struct answer answers[ANSWERS_MAX];
	unsigned answer_count, ended_count;
	uint8_t frame[H2_FRAME_HEAD + 8]; /* the beginning of the frame that comes */
	size_t frame_at;                  /* bytes of it so far                    */
	unsigned goaways;
	int32_t goaway_last[4];
	uint32_t goaway_error;
	uint32_t max_streams, header_list, no_rfc7540; /* the server's SETTINGS */
	bool hold_pings, hold_windows;                 /* these frames are not sent */
};

static UNUSED struct answer *answer_of(struct h2_peer *p, int32_t id)
{
	for (unsigned i = 0; i < p->answer_count; i++)
		if (p->answers[i].id == id)
			return &p->answers[i];
	assert_true(p->answer_count < ANSWERS_MAX);
	struct answer *a = &p->answers[p->answer_count++];
	*a = (struct answer){.id = id};
	output_add(&a->body, "", 0);
	return a;
}

/* ------------------------------------------------------------------ nghttp2's callbacks */

static UNUSED int peer_header(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
			      size_t name_len, const uint8_t *value, size_t value_len,
			      uint8_t flags, void *user)
{
	struct answer *a = answer_of(user, frame->hd.stream_id);
	const size_t at = strlen(a->fields);

	(void)ng;
	(void)flags;
	for (size_t i = 0; i < name_len; i++)
		assert_true(name[i] < 'A' || name[i] > 'Z');
	if (name_len == 7 && !memcmp(name, ":status", 7)) {
		const int status = atoi((const char *)value);
		*(status < 200 ? &a->interim : &a->status) = status;
		return 0;
	}
	snprintf(a->fields + at, sizeof a->fields - at, "%.*s: %.*s\n", (int)name_len,
		 (const char *)name, (int)value_len, (const char *)value);
	return 0;
}

static UNUSED int peer_data(nghttp2_session *ng, uint8_t flags, int32_t id, const uint8_t *data,
			    size_t len, void *user)
{
	(void)ng;
	(void)flags;
	output_add(&answer_of(user, id)->body, data, len);
	return 0;
}

static void peer_settings(struct h2_peer *p, const nghttp2_settings *s)
{
	for (size_t i = 0; i < s->niv; i++) {
		if (s->iv[i].settings_id == NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
			p->max_streams = s->iv[i].value;
		if (s->iv[i].settings_id == NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE)
			p->header_list = s->iv[i].value;
		if (s->iv[i].settings_id == NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES)
			p->no_rfc7540 = s->iv[i].value;
	}
}

static UNUSED int peer_frame(nghttp2_session *ng, const nghttp2_frame *frame, void *user)
{
	struct h2_peer *p = user;

	(void)ng;
	if (frame->hd.type == NGHTTP2_SETTINGS && !(frame->hd.flags & NGHTTP2_FLAG_ACK))
		peer_settings(p, &frame->settings);
	if ((frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
	    (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) {
		struct answer *a = answer_of(p, frame->hd.stream_id);
		a->ended = true;
		a->order = ++p->ended_count;
	}
	return 0;
}

static UNUSED int peer_close(nghttp2_session *ng, int32_t id, uint32_t error, void *user)
{
	struct answer *a = answer_of(user, id);

	(void)ng;
	a->closed = true;
	a->error = error;
	return 0;
}

static UNUSED int peer_before_send(nghttp2_session *ng, const nghttp2_frame *frame, void *user)
{
	const struct h2_peer *p = user;

	(void)ng;
	return (p->hold_pings && frame->hd.type == NGHTTP2_PING) ||
			       (p->hold_windows && frame->hd.type == NGHTTP2_WINDOW_UPDATE)
		       ? NGHTTP2_ERR_CANCEL
		       : 0;
}

/* ------------------------------------------------------------------ the two ends */

/* `by_hand`: windows are opened by whoever calls nghttp2_submit_window_update. */
static UNUSED struct h2_peer *peer_make(struct http_server *server, enum http_protocol protocol,
					uint32_t window, bool by_hand)
{
	const nghttp2_settings_entry settings[] = {
		{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
		{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window},
		{NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
	};
	struct h2_peer *p = calloc(1, sizeof *p);
	nghttp2_session_callbacks *callbacks;
	nghttp2_option *option;

	p->now = at_us(0);
	p->step = p->room = SIZE_MAX;
	assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, peer_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, peer_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, peer_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, peer_close);
	nghttp2_session_callbacks_set_before_frame_send_callback(callbacks, peer_before_send);
	assert_int_equal(nghttp2_option_new(&option), 0);
	nghttp2_option_set_no_auto_window_update(option, by_hand);
	assert_int_equal(nghttp2_session_client_new2(&p->ng, callbacks, p, option), 0);
	nghttp2_option_del(option);
	nghttp2_session_callbacks_del(callbacks);
	assert_int_equal(nghttp2_submit_settings(p->ng, NGHTTP2_FLAG_NONE, settings, 3), 0);
	p->c = http_conn_create(server, p->now, protocol, false, NULL);
	assert_non_null(p->c);
	return p;
}

static UNUSED struct h2_peer *peer_with(struct http_server *server, enum http_protocol protocol,
					uint32_t window)
{
	return peer_make(server, protocol, window, false);
}

static UNUSED struct h2_peer *peer_new(struct http_server *server)
{
	return peer_with(server, HTTP_PROTOCOL_2, 65535);
}

static UNUSED void peer_free(struct h2_peer *p)
{
	for (unsigned i = 0; i < p->answer_count; i++)
		free(p->answers[i].body.data);
	http_conn_destroy(p->c);
	nghttp2_session_del(p->ng);
	free(p);
}

/* What the connection takes of these bytes. */
static UNUSED size_t give(struct h2_peer *p, const uint8_t *data, size_t len)
{
	size_t at = 0, room;
	uint8_t *buf;

	while (at < len && (room = http_conn_reserve(p->c, &buf)) > 0) {
		size_t n = len - at < room ? len - at : room;
		n = n < p->step ? n : p->step;
		memcpy(buf, data + at, n);
		http_conn_commit(p->c, p->now, n);
		at += n;
	}
	return at;
}

static void take_goaway(struct h2_peer *p)
{
	const uint8_t *at = p->frame + H2_FRAME_HEAD;

	assert_true(p->goaways < 4);
	p->goaway_last[p->goaways++] =
		(int32_t)((uint32_t)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3]);
	p->goaway_error = (uint32_t)at[4] << 24 | at[5] << 16 | at[6] << 8 | at[7];
}

/* nghttp2's client looks at nothing more once it was told to go: so this looks for the GOAWAYs. */
static UNUSED void watch_frames(struct h2_peer *p, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (p->frame_at < sizeof p->frame)
			p->frame[p->frame_at] = data[i];
		p->frame_at++;
		if (p->frame_at < H2_FRAME_HEAD ||
		    p->frame_at < H2_FRAME_HEAD + ((size_t)p->frame[0] << 16 |
						   (size_t)p->frame[1] << 8 | p->frame[2]))
			continue;
		if (p->frame[3] == NGHTTP2_GOAWAY)
			take_goaway(p);
		p->frame_at = 0;
	}
}

/* At most `most` bytes of the connection's to the client. True when there were any. */
static UNUSED bool fetch(struct h2_peer *p, size_t most)
{
	uint8_t buf[65536];
	size_t room = p->room < sizeof buf ? p->room : sizeof buf;

	room = room < most ? room : most;
	const size_t len = http_conn_produce(p->c, p->now, buf, room);
	assert_true(len <= room);
	watch_frames(p, buf, len);
	if (len == 0)
		assert_false(http_conn_has_output(p->c));
	else
		assert_int_equal(nghttp2_session_mem_recv(p->ng, buf, len), len);
	return len > 0;
}

/* What the client has to say now. */
static UNUSED bool speak(struct h2_peer *p)
{
	const uint8_t *data;
	bool any = false;
	ssize_t len;

	while ((len = nghttp2_session_mem_send(p->ng, &data)) > 0) {
		give(p, data, (size_t)len);
		any = true;
	}
	assert_int_equal(len, 0);
	return any;
}

/* Until neither has anything to say. */
static UNUSED void pump(struct h2_peer *p)
{
	bool progress = true;

	while (progress) {
		progress = speak(p);
		while (http_conn_has_output(p->c) && fetch(p, SIZE_MAX))
			progress = true;
	}
}

#define NV(name, value)                                                                    \
	{                                                                                  \
		(uint8_t *)(uintptr_t)(name), (uint8_t *)(uintptr_t)(value), strlen(name), \
			strlen(value), 0                                                   \
	}

/* `fields`: "name: value\n" each. The stream's number. */
static UNUSED int32_t ask_with(struct h2_peer *p, const char *method, const char *path,
			       const char *fields, const nghttp2_data_provider *content)
{
	nghttp2_nv nv[32] = {NV(":method", method), NV(":scheme", "http"), NV(":path", path),
			     NV(":authority", "h")};
	size_t count = 4;
	char *text = strdup(fields), *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *colon = strstr(line, ": ");
		assert_non_null(colon);
		*colon = '\0';
		nv[count++] = (nghttp2_nv)NV(line, colon + 2);
	}
	const int32_t id = nghttp2_submit_request(p->ng, NULL, nv, count, content, NULL);
	assert_true(id > 0);
	free(text);
	return id;
}

static UNUSED int32_t ask(struct h2_peer *p, const char *method, const char *path,
			  const char *fields)
{
	return ask_with(p, method, path, fields, NULL);
}

/* Fields as they are: nghttp2's client does not look at them. */
static UNUSED int32_t submit_raw(struct h2_peer *p, const nghttp2_nv *nv, size_t count)
{
	const int32_t id =
		nghttp2_submit_headers(p->ng, NGHTTP2_FLAG_END_STREAM, -1, NULL, nv, count, NULL);

	assert_true(id > 0);
	return id;
}

/* One request with its answer. */
static UNUSED struct answer *fetch_answer(struct h2_peer *p, const char *method, const char *path,
					  const char *fields)
{
	const int32_t id = ask(p, method, path, fields);

	pump(p);
	struct answer *a = answer_of(p, id);
	assert_true(a->ended);
	assert_true(a->closed);
	return a;
}

static UNUSED void advance_to(struct h2_peer *p, uint64_t us)
{
	p->now = at_us(us);
	if (us >= http_conn_deadline(p->c))
		http_conn_expire(p->c, p->now);
}

static UNUSED void expect_big(const struct answer *a, size_t from, size_t to)
{
	assert_int_equal(a->body.len, to - from);
	for (size_t i = from; i < to; i++)
		assert_int_equal(a->body.data[i - from], big_byte(i));
}

/* ------------------------------------------------------------------ content */

struct content {
	size_t left; /* bytes still to be sent             */
	bool stalls; /* then no more comes, and no end     */
	bool trailer;
};

static UNUSED ssize_t read_content(nghttp2_session *ng, int32_t id, uint8_t *buf, size_t len,
				   uint32_t *flags, nghttp2_data_source *source, void *user)
{
	struct content *content = source->ptr;
	const size_t n = content->left < len ? content->left : len;
	const nghttp2_nv nv = NV("x-trailer", "1");

	(void)user;
	if (n == 0 && content->stalls)
		return NGHTTP2_ERR_DEFERRED;
	memset(buf, 'x', n);
	content->left -= n;
	if (content->left == 0 && !content->stalls) {
		*flags |= NGHTTP2_DATA_FLAG_EOF;
		if (content->trailer) {
			*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
			assert_int_equal(nghttp2_submit_trailer(ng, id, &nv, 1), 0);
		}
	}
	return (ssize_t)n;
}

static UNUSED int32_t upload(struct h2_peer *p, const char *method, const char *path,
			     const char *fields, struct content *content)
{
	const nghttp2_data_provider provider = {{.ptr = content}, read_content};

	return ask_with(p, method, path, fields, &provider);
}

#endif
