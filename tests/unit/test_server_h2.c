/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/2 through TLS and TCP: what ALPN chooses, that nothing is held back, and why connections end. */
#include <nghttp2/nghttp2.h>

#include "tests/unit/app_tls.h"

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define FRAME_HEAD 9u

struct client {
	struct peer *p;
	struct tls_session *t;
	uint8_t head[FRAME_HEAD]; /* of the frame that comes */
	size_t head_len, left;
	size_t headers, data; /* bytes of all HEADERS frames, heads included; of DATA, without */
	unsigned resets, goaways;
};

static struct client *connect_h2(struct world *w)
{
	struct client *c = calloc(1, sizeof *c);
	struct tls_info info;

	c->p = dial(w, 443);
	c->t = shake_hands(c->p);
	tls_session_info(c->t, &info);
	assert_string_equal(info.alpn, "h2");
	return c;
}

static void leave(struct client *c)
{
	struct world *w = c->p->w;

	if (c->p->c)
		tcp_shutdown(c->p->c);
	settle(w);
	tls_session_destroy(c->t);
	hang_up(c->p);
	settle(w);
	free(c);
}

static void take_byte(struct client *c, uint8_t byte)
{
	if (c->left > 0) {
		c->left--;
		return;
	}
	c->head[c->head_len++] = byte;
	if (c->head_len < FRAME_HEAD)
		return;
	c->head_len = 0;
	c->left = (size_t)c->head[0] << 16 | (size_t)c->head[1] << 8 | c->head[2];
	if (c->head[3] == NGHTTP2_DATA)
		c->data += c->left;
	else if (c->head[3] == NGHTTP2_HEADERS)
		c->headers += FRAME_HEAD + c->left;
	c->resets += c->head[3] == NGHTTP2_RST_STREAM;
	c->goaways += c->head[3] == NGHTTP2_GOAWAY;
}

/* Reads all that has arrived. */
static void hear(struct client *c)
{
	uint8_t buf[16384];
	size_t got;

	while (tls_session_read(c->t, buf, sizeof buf, &got) == TLS_OK)
		for (size_t i = 0; i < got; i++)
			take_byte(c, buf[i]);
	assert_int_equal(c->p->len, 0);
}

static void tell(struct client *c, const void *data, size_t len)
{
	size_t taken;

	assert_int_equal(tls_session_write(c->t, data, len, &taken), TLS_OK);
	assert_int_equal(taken, len);
	settle(c->p->w);
	hear(c);
}

static size_t frame(uint8_t *out, uint8_t type, uint8_t flags, uint32_t stream, const void *payload,
		    size_t len)
{
	const uint8_t head[FRAME_HEAD] = {0, (uint8_t)(len >> 8),    (uint8_t)len,   type, flags, 0,
					  0, (uint8_t)(stream >> 8), (uint8_t)stream};

	memcpy(out, head, sizeof head);
	memcpy(out + sizeof head, payload, len);
	return sizeof head + len;
}

/* With windows of so many bytes: SETTINGS, and GET /big. */
static void get_big(struct client *c, uint32_t stream, uint32_t window)
{
	const uint8_t setting[] = {0, 4, 0, 0, (uint8_t)(window >> 8), (uint8_t)window};
	static const uint8_t get[] = {0x82, 0x87, 0x04, 4, '/', 'b', 'i', 'g', 0x01, 1, 'h'};
	uint8_t out[100];
	size_t len = frame(out, NGHTTP2_SETTINGS, 0, 0, setting, sizeof setting);

	len += frame(out + len, NGHTTP2_HEADERS, 5, stream, get, sizeof get);
	tell(c, out, len);
}

/* A window that ends where a record does: then it is not known at once that nothing follows, and yet its last
 * segment must not wait. No time passes here. */
static void test_what_windows_let_through_arrives(void **state)
{
	struct world *w = *state;
	struct client *c = connect_h2(w);
	uint8_t out[64];
	uint32_t stream = 1;

	tell(c, PREFACE, strlen(PREFACE));
	tell(c, out, frame(out, NGHTTP2_SETTINGS, 0, 0, "", 0));
	tell(c, out, frame(out, NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, "", 0));
	tell(c, out, frame(out, NGHTTP2_WINDOW_UPDATE, 0, 0, "\x7f\0\0\0", 4));
	get_big(c, 1, 100);
	tell(c, out, frame(out, NGHTTP2_RST_STREAM, 0, 1, "\0\0\0\10", 4));
	for (int i = -140; i < 10; i++) {
		const size_t headers = c->headers, data = c->data;
		stream += 2;
		/* the acknowledgement, HEADERS of 20 or so bytes, which HPACK has seen before, and DATA */
		get_big(c, stream, (uint32_t)(16384 - 9 - 30 - 9 + i));
		assert_true(c->headers > headers);
		assert_int_equal(c->data - data, 16384 - 9 - 30 - 9 + i);
		tell(c, out, frame(out, NGHTTP2_RST_STREAM, 0, stream, "\0\0\0\10", 4));
	}
	leave(c);
	assert_int_equal(w->ended, 1);
	assert_string_equal(close_reason_text(w->ending.reason), "client-closed");
}

static void test_a_flood_is_named(void **state)
{
	struct world *w = *state;
	struct client *c = connect_h2(w);
	uint8_t out[17 * 100];
	size_t len = 0;

	for (int i = 0; i < 100; i++)
		len += frame(out + len, NGHTTP2_PING, 0, 0, "12345678", 8);
	tell(c, PREFACE, strlen(PREFACE));
	uint8_t settings[FRAME_HEAD];
	tell(c, settings, frame(settings, NGHTTP2_SETTINGS, 0, 0, "", 0));
	for (int i = 0; i < 15 && c->goaways == 0; i++)
		tell(c, out, len);
	assert_int_equal(c->goaways, 1);
	leave(c);
	assert_int_equal(w->ended, 1);
	assert_string_equal(close_reason_text(w->ending.reason), "h2-flood");
	assert_non_null(close_reason_notice(w->ending.reason));
}

static void test_a_drain_says_goodbye(void **state)
{
	struct world *w = *state;
	struct client *c = connect_h2(w);
	uint8_t out[FRAME_HEAD + 8];

	tell(c, PREFACE, strlen(PREFACE));
	tell(c, out, frame(out, NGHTTP2_SETTINGS, 0, 0, "", 0));
	tell(c, out, frame(out, NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, "", 0));
	app_drain(w->app, time_of(w));
	settle(w);
	hear(c);
	assert_int_equal(c->goaways, 1);
	assert_false(app_drained(w->app));
	tell(c, out, frame(out, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, "shutdown", 8));
	assert_int_equal(c->goaways, 2);
	assert_true(c->p->fin);
	assert_true(app_drained(w->app));
	leave(c);
	assert_string_equal(close_reason_text(w->ending.reason), "drain");
}

static int setup_h2(void **state)
{
	static const char *const alpn[] = {"h2", "http/1.1", NULL};

	setup(state);
	((struct world *)*state)->alpn = alpn;
	make_tls(*state);
	start(*state, 0);
	return 0;
}

int main(void)
{
#define H2(test) cmocka_unit_test_setup_teardown(test, setup_h2, teardown)
	const struct CMUnitTest tests[] = {
		H2(test_what_windows_let_through_arrives),
		H2(test_a_flood_is_named),
		H2(test_a_drain_says_goodbye),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
