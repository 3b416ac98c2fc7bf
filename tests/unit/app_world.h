/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_world.h — the app over a stack, in virtual time: a client's stack on the other end of a perfect wire.
 * What is tested with it is how connections live and end; bytes under loss are the simulator's matter.
 */
#ifndef TESTS_UNIT_APP_WORLD_H
#define TESTS_UNIT_APP_WORLD_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certs/certs.h"
#include "http/site.h"
#include "server/app.h"
#include "tls/tls_client.h"

#define MS 1000ull
#define SECOND (1000 * MS)
#define BIG_SIZE (3u << 20)
#define REPLY_MAX (8u << 20)

struct world {
	char dir[64];
	int root_fd;
	uint64_t now_us;
	struct stack *server, *client;
	struct http_server *http;
	struct tls_context *tls, *tls_client;
	struct app *app;
	char tls_why[256]; /* what app_config.tls_failed was told last */
	int logged, logged_complete;
	int ended; /* calls of app_config.closed, and what the last one said */
	struct app_ending ending;
	struct tcp_info ended_tcp;
	size_t max_requests;   /* 0: the default */
	size_t max_handshakes; /* 0: the default */
	/* May change what is started, NULL: nothing */
	void (*tune)(struct app_config *app, struct http_server_config *http);
	bool hold;               /* the client's packets are lost from now on */
	const char *const *alpn; /* of server and client; NULL: none */
};

/* One client connection. It reads everything at once unless told not to. */
struct peer {
	struct world *w;
	struct tcp_conn *c;
	uint8_t *reply;
	size_t len;
	bool reads, fin, closed;
	enum tcp_close_reason reason;
};

static inline struct ip_addr server_addr(void)
{
	return ip_addr_v4(10, 0, 0, 2);
}

/* ------------------------------------------------------------------ the world */

static inline void write_file(const char *dir, const char *name, size_t size)
{
	char path[128];
	uint8_t *bytes = malloc(size);

	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(i * 2654435761u >> 24);
	snprintf(path, sizeof path, "%s/www/%s", dir, name);
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), (ssize_t)size);
	close(fd);
	free(bytes);
}

static inline void on_log(void *ctx, const struct http_log_entry *entry)
{
	struct world *w = ctx;
	const struct app_client *client = entry->user;

	assert_int_equal(client->remote.addr.bytes[3], 1);
	w->logged++;
	w->logged_complete += entry->complete;
}

static inline void on_tls_failed(void *ctx, const struct app_client *client, const char *why)
{
	struct world *w = ctx;

	assert_true(client->secure);
	snprintf(w->tls_why, sizeof w->tls_why, "%s", why);
}

static inline void on_closed(void *ctx, const struct app_client *client,
			     const struct app_ending *ending)
{
	struct world *w = ctx;

	w->ended++;
	w->ending = *ending;
	tcp_get_info(client->tcp, &w->ended_tcp);
}

static inline struct tls_blob slurp(const char *dir, const char *name)
{
	char path[128];
	static uint8_t data[2][8192];
	static int turn;
	uint8_t *at = data[turn++ % 2];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	const int fd = open(path, O_RDONLY);
	const ssize_t n = read(fd, at, sizeof data[0]);
	assert_true(n > 0);
	close(fd);
	return (struct tls_blob){at, (size_t)n, name};
}

static inline void make_tls(struct world *w)
{
	static const char *const names[] = {"10.0.0.2", NULL};
	char error[CERTS_ERROR_SIZE] = "";

	if (certs_ensure_local(w->dir, names, time(NULL), NULL, error) != 0)
		fail_msg("%s", error);
	const struct tls_pair pem = {.cert = slurp(w->dir, CERTS_LEAF_FILE),
				     .key = slurp(w->dir, CERTS_LEAF_KEY_FILE)};
	const struct tls_config cfg = {.pair = &pem, .pair_count = 1, .alpn = w->alpn};
	w->tls = tls_context_create(&cfg, error);
	const struct tls_client_config client = {
		.ca = slurp(w->dir, CERTS_CA_FILE), .server_name = "10.0.0.2", .alpn = w->alpn};
	w->tls_client = tls_context_create_client(&client, error);
	if (!w->tls || !w->tls_client)
		fail_msg("%s", error);
}

static inline struct stack *make_stack(struct ip_addr addr, uint8_t seed, size_t memory)
{
	struct stack_config cfg;

	stack_config_default(&cfg);
	cfg.addr[0] = addr;
	cfg.addr_count = 1;
	memset(cfg.seed, seed, sizeof cfg.seed);
	cfg.recv_buffer_initial = 256u << 10; /* no round trip here for it to grow by */
	if (memory)
		cfg.memory_limit = memory;
	return stack_create(&cfg);
}

static inline void start(struct world *w, size_t server_memory)
{
	struct http_server_config http;
	struct http_site site;
	struct app_config cfg;

	w->server = make_stack(server_addr(), 1, server_memory);
	w->client = make_stack(ip_addr_v4(10, 0, 0, 1), 2, 0);
	http_server_config_default(&http);
	http_site_default(&site);
	site.root_fd = w->root_fd;
	http.sites = &site;
	http.site_count = 1;
	http.log = on_log;
	http.log_ctx = w;
	if (w->max_requests)
		http.max_requests = (unsigned)w->max_requests;
	app_config_default(&cfg);
	if (w->tune)
		w->tune(&cfg, &http);
	w->http = http_server_create(&http);
	cfg.stack = w->server;
	cfg.http = w->http;
	cfg.tls = w->tls;
	cfg.https_port = w->tls ? 443 : 0;
	if (w->max_handshakes)
		cfg.max_handshakes = w->max_handshakes;
	cfg.tls_failed = on_tls_failed;
	cfg.closed = on_closed;
	cfg.ctx = w;
	w->app = app_create(&cfg);
	assert_non_null(w->app);
	w->now_us = SECOND;
}

static inline int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	char path[128];

	strcpy(w->dir, "/tmp/tunhttpd-test-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(path, sizeof path, "%s/www", w->dir);
	assert_int_equal(mkdir(path, 0755), 0);
	write_file(w->dir, "small", 100);
	write_file(w->dir, "big", BIG_SIZE);
	w->root_fd = open(path, O_RDONLY | O_DIRECTORY);
	*state = w;
	return 0;
}

static inline int setup_plain(void **state)
{
	setup(state);
	start(*state, 0);
	return 0;
}

static inline int setup_tls(void **state)
{
	setup(state);
	make_tls(*state);
	start(*state, 0);
	return 0;
}

static inline int teardown(void **state)
{
	struct world *w = *state;
	static const char *const files[] = {"www/small",     "www/big",
					    CERTS_CA_FILE,   CERTS_CA_KEY_FILE,
					    CERTS_LEAF_FILE, CERTS_LEAF_KEY_FILE,
					    ".lock"};
	char path[128];

	app_destroy(w->app);
	stack_destroy(w->server);
	stack_destroy(w->client);
	http_server_destroy(w->http);
	if (w->tls) {
		tls_context_destroy(w->tls);
		tls_context_destroy(w->tls_client);
	}
	close(w->root_fd);
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", w->dir, files[i]);
		unlink(path);
	}
	snprintf(path, sizeof path, "%s/www", w->dir);
	rmdir(path);
	rmdir(w->dir);
	free(w);
	return 0;
}

/* ------------------------------------------------------------------ time and packets */

static inline struct http_time time_of(const struct world *w)
{
	return (struct http_time){.mono_us = w->now_us, .wall = 1700000000};
}

static inline bool carry(struct world *w, struct stack *from, struct stack *to, bool lost)
{
	static uint8_t packet[65536];
	struct packet_out out;
	bool any = false;
	size_t len;

	while ((len = stack_output(from, w->now_us, &out)) > 0) {
		memcpy(packet, out.header, out.header_len);
		size_t at = out.header_len;
		for (size_t i = 0; i < out.payload_count; i++) {
			memcpy(packet + at, out.payload[i].data, out.payload[i].len);
			at += out.payload[i].len;
		}
		assert_int_equal(at, len);
		any = true;
		if (!lost)
			stack_input(to, w->now_us, packet, len, (struct packet_meta){0});
	}
	return any;
}

/* Takes what waits in the client's receive ring. */
static inline void take(struct peer *p)
{
	struct slice in[2];
	size_t n;

	while ((n = tcp_recv_peek(p->c, in)) > 0) {
		assert_true(p->len + n <= REPLY_MAX);
		memcpy(p->reply + p->len, in[0].data, in[0].len);
		if (in[1].len)
			memcpy(p->reply + p->len + in[0].len, in[1].data, in[1].len);
		p->len += n;
		tcp_recv_consume(p->c, n);
	}
}

static inline void client_events(struct world *w)
{
	struct stack_event ev;

	while (stack_next_event(w->client, &ev)) {
		struct peer *p = tcp_user(ev.conn);
		if (ev.type == STACK_EVENT_CLOSED) {
			p->closed = true;
			p->reason = ev.reason;
			tcp_close(p->c);
			p->c = NULL;
			continue;
		}
		if (p->reads)
			take(p);
		p->fin |= ev.type == STACK_EVENT_PEER_FIN;
	}
}

/* One turn of both owners' loops; false when nothing moved. */
static inline bool turn(struct world *w)
{
	bool moved = carry(w, w->client, w->server, w->hold);

	moved |= app_run(w->app, time_of(w));
	const char *broken = stack_check(w->server);
	if (broken)
		fail_msg("%s", broken);
	moved |= carry(w, w->server, w->client, w->hold);
	client_events(w);
	return moved;
}

static inline void settle(struct world *w)
{
	while (turn(w)) {
	}
}

/* Lets so much time pass, timer by timer. */
static inline void pass(struct world *w, uint64_t us)
{
	const uint64_t end = w->now_us + us;

	settle(w);
	while (w->now_us < end) {
		uint64_t next = stack_next_timeout(w->server);
		if (stack_next_timeout(w->client) < next)
			next = stack_next_timeout(w->client);
		if (next <= w->now_us)
			next = w->now_us + 1;
		w->now_us = next < end ? next : end;
		stack_advance(w->server, w->now_us);
		stack_advance(w->client, w->now_us);
		settle(w);
	}
}

/* ------------------------------------------------------------------ clients */

static inline struct peer *dial(struct world *w, uint16_t port)
{
	const struct ip_endpoint to = {.addr = server_addr(), .port = port};
	struct peer *p = calloc(1, sizeof *p);

	p->w = w;
	p->reply = malloc(REPLY_MAX);
	p->reads = true;
	assert_int_equal(tcp_connect(w->client, w->now_us, NULL, &to, &p->c), 0);
	tcp_set_user(p->c, p);
	settle(w);
	return p;
}

static inline void hang_up(struct peer *p)
{
	if (p->c)
		tcp_abort(p->c);
	free(p->reply);
	free(p);
}

static inline void say(struct peer *p, const char *text)
{
	assert_int_equal(tcp_send_all(p->c, (const uint8_t *)text, strlen(text), false),
			 strlen(text));
	settle(p->w);
}

/* Takes so many bytes and leaves the others. */
static inline void sip(struct peer *p, size_t len)
{
	struct slice in[2];

	assert_true(tcp_recv_peek(p->c, in) >= len && in[0].len >= len);
	memcpy(p->reply + p->len, in[0].data, len);
	p->len += len;
	tcp_recv_consume(p->c, len);
	settle(p->w);
}

static inline const char *text_of(struct peer *p)
{
	p->reply[p->len < REPLY_MAX ? p->len : REPLY_MAX - 1] = '\0';
	return (const char *)p->reply;
}

static inline size_t body_len(struct peer *p)
{
	const char *end = strstr(text_of(p), "\r\n\r\n");

	return end ? p->len - (size_t)(end + 4 - (const char *)p->reply) : 0;
}

static inline void assert_no_sessions(const struct world *w)
{
	assert_int_equal(app_connections(w->app), 0);
}

#endif
