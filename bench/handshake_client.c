/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handshake_client.c — TLS handshakes, one connection after another on each of a few sockets, as fast as they go.
 *
 *   handshake_client ADDRESS PORT SECONDS CONNECTIONS 1.2|1.3 full|resumed
 *
 * Once its handshake is complete the client says goodbye, and a connection counts when the server has closed it, too:
 * so the server has done all that there is to do. Resumed ones use the ticket of a first connection, again and again; one
 * that was not resumed, or resumed where it should not be, is an error. Prints how many were completed and in how many seconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

struct client {
	SSL_CTX *ctx;
	struct sockaddr_in to;
	SSL_SESSION *session; /* to be resumed; NULL: full handshakes */
	int epoll;
	unsigned long done;
};

struct conn {
	SSL *ssl;
	int fd;
	bool leaving; /* our close_notify and FIN are out */
};

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "handshake_client: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void dial(struct client *c, struct conn *conn, int flags)
{
	conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	if (conn->fd < 0)
		die("socket");
	if (connect(conn->fd, (struct sockaddr *)&c->to, sizeof c->to) != 0 && errno != EINPROGRESS)
		die("connect");
	conn->leaving = false;
	conn->ssl = SSL_new(c->ctx);
	if (!conn->ssl || SSL_set_fd(conn->ssl, conn->fd) != 1 ||
	    (c->session && SSL_set_session(conn->ssl, c->session) != 1))
		die("SSL");
}

static void hang_up(struct conn *conn)
{
	/* Else OpenSSL throws away the ticket of a connection that was not closed in order. */
	SSL_set_shutdown(conn->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(conn->ssl);
	close(conn->fd);
}

static int keep_ticket(SSL *ssl, SSL_SESSION *session)
{
	struct client *c = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	if (c->session || !SSL_SESSION_is_resumable(session))
		return 0;
	c->session = session;
	return 1;
}

/* A request, so that a ticket behind the handshake is read. */
static void fetch_ticket(struct client *c)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n";
	struct conn conn;
	char text[4096];

	dial(c, &conn, 0);
	if (SSL_connect(conn.ssl) != 1 || SSL_write(conn.ssl, request, sizeof request - 1) <= 0)
		die("the first connection fails");
	while (SSL_read(conn.ssl, text, sizeof text) > 0)
		;
	if (!c->session)
		die("the server gives no ticket");
	hang_up(&conn);
}

static void watch(const struct client *c, struct conn *conn, int op, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = conn};

	if (epoll_ctl(c->epoll, op, conn->fd, &ev) != 0)
		die("epoll_ctl");
}

static void begin(struct client *c, struct conn *conn)
{
	dial(c, conn, SOCK_NONBLOCK);
	SSL_set_connect_state(conn->ssl);
	watch(c, conn, EPOLL_CTL_ADD, EPOLLOUT);
}

/* True when the server has closed its side. */
static bool drain(struct conn *conn)
{
	char bytes[4096];
	ssize_t n;

	while ((n = read(conn->fd, bytes, sizeof bytes)) > 0)
		;
	return n == 0 || errno != EAGAIN;
}

static void advance(struct client *c, struct conn *conn)
{
	if (conn->leaving) {
		if (!drain(conn))
			return;
		hang_up(conn);
		c->done++;
		begin(c, conn);
		return;
	}
	const int ret = SSL_do_handshake(conn->ssl);
	if (ret == 1) {
		if ((SSL_session_reused(conn->ssl) != 0) != (c->session != NULL))
			die(c->session ? "a ticket was refused" : "a handshake was not full");
		SSL_shutdown(conn->ssl);
		shutdown(conn->fd, SHUT_WR);
		conn->leaving = true;
		watch(c, conn, EPOLL_CTL_MOD, EPOLLIN);
		return;
	}
	const int want = SSL_get_error(conn->ssl, ret);
	if (want != SSL_ERROR_WANT_READ && want != SSL_ERROR_WANT_WRITE)
		die("a handshake fails");
	watch(c, conn, EPOLL_CTL_MOD, want == SSL_ERROR_WANT_READ ? EPOLLIN : EPOLLOUT);
}

int main(int argc, char **argv)
{
	struct client c = {.to = {.sin_family = AF_INET}, .epoll = epoll_create1(EPOLL_CLOEXEC)};

	if (argc != 7 || inet_pton(AF_INET, argv[1], &c.to.sin_addr) != 1) {
		fprintf(stderr, "usage: handshake_client ADDRESS PORT SECONDS CONNECTIONS 1.2|1.3 "
				"full|resumed\n");
		return 2;
	}
	const double seconds = atof(argv[3]);
	const int version = strcmp(argv[5], "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
	const bool resumed = strcmp(argv[6], "resumed") == 0;
	const size_t connections = strtoul(argv[4], NULL, 10);

	c.to.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
	c.ctx = SSL_CTX_new(TLS_client_method());
	if (!c.ctx || !SSL_CTX_set_min_proto_version(c.ctx, version) ||
	    !SSL_CTX_set_max_proto_version(c.ctx, version) ||
	    !SSL_CTX_set1_groups_list(c.ctx, "X25519:P-256"))
		die("SSL_CTX");
	SSL_CTX_set_app_data(c.ctx, &c);
	if (resumed) {
		SSL_CTX_set_session_cache_mode(c.ctx,
					       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
		SSL_CTX_sess_set_new_cb(c.ctx, keep_ticket);
		fetch_ticket(&c);
	}
	/* With a cache OpenSSL would use a ticket once only, as it should. */
	SSL_CTX_set_session_cache_mode(c.ctx, SSL_SESS_CACHE_OFF);
	struct conn *conn = calloc(connections, sizeof *conn);
	if (!conn)
		die("memory");
	const double start = now();
	for (size_t i = 0; i < connections; i++)
		begin(&c, &conn[i]);
	while (now() - start < seconds) {
		struct epoll_event ev[64];
		const int n = epoll_wait(c.epoll, ev, 64, 1000);

		for (int i = 0; i < n; i++)
			advance(&c, ev[i].data.ptr);
	}
	printf("%lu %.3f\n", c.done, now() - start);
	return 0;
}
