/* SPDX-License-Identifier: Apache-2.0 */
/* healthcheck.c — see healthcheck.h. */
#include "server/healthcheck.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "server/log.h"
#include "server/options.h"

#define TIMEOUT_US 3000000u
#define ARGUMENTS_SIZE 65536
#define ARGUMENTS_MAX 512

struct check {
	struct health_url url;
	uint64_t timeout_us;
	uint64_t deadline_us;
	char why[256];
};

/* ------------------------------------------------------------------ URLs and answers */

static bool take_port(const char *at, size_t len, char port[6])
{
	if (len == 0 || len > 5 || strspn(at, "0123456789") < len)
		return false;
	memcpy(port, at, len);
	port[len] = '\0';
	return atol(port) >= 1 && atol(port) <= 65535;
}

/* host[:port] or [address][:port] */
static bool take_authority(const char *text, size_t len, struct health_url *out)
{
	const char *host = text, *end = text + len, *after;

	if (len > 0 && text[0] == '[') {
		host = text + 1;
		after = memchr(host, ']', len - 1);
		if (!after)
			return false;
	} else {
		after = memchr(text, ':', len);
		after = after ? after : end;
	}
	const size_t n = (size_t)(after - host);
	if (n == 0 || n >= sizeof out->host || memchr(text, '@', len))
		return false;
	memcpy(out->host, host, n);
	out->host[n] = '\0';
	after += after < end && *after == ']';
	if (after == end)
		return true;
	return *after == ':' && take_port(after + 1, (size_t)(end - after - 1), out->port);
}

bool health_url_parse(const char *text, struct health_url *out)
{
	*out = (struct health_url){.tls = strncmp(text, "https://", 8) == 0};
	if (!out->tls && strncmp(text, "http://", 7) != 0)
		return false;
	for (const char *p = text; *p; p++)
		if (*p <= ' ' || *p >= 0x7f)
			return false;
	const char *authority = text + (out->tls ? 8 : 7);
	const size_t len = strcspn(authority, "/?#");
	const char *path = authority + len;
	const size_t path_len = strcspn(path, "#");
	snprintf(out->port, sizeof out->port, "%s", out->tls ? "443" : "80");
	if (path_len + 2 > sizeof out->path || !take_authority(authority, len, out))
		return false;
	snprintf(out->path, sizeof out->path, "%s%.*s", *path == '/' ? "" : "/", (int)path_len,
		 path);
	return true;
}

unsigned health_status(const char *text, size_t len)
{
	if (len < 12 || memcmp(text, "HTTP/1.", 7) != 0 || text[8] != ' ')
		return 0;
	for (size_t i = 9; i < 12; i++)
		if (text[i] < '0' || text[i] > '9')
			return 0;
	return (unsigned)(text[9] - '0') * 100 + (unsigned)(text[10] - '0') * 10 +
	       (unsigned)(text[11] - '0');
}

/* What every server can choose from: ECDHE with AES-GCM or ChaCha20 over P-256 or x25519, signed by ECDSA or RSA. */
size_t health_hello(uint8_t out[HEALTH_HELLO_SIZE], const uint8_t random[32])
{
	static const uint8_t rest[] = {
		0, /* session id */
		0,    12,   0xc0, 0x2b, 0xc0, 0x2f, 0xc0, 0x2c, 0xc0, 0x30, 0xcc, 0xa9,
		0xcc, 0xa8, 1,    0, /* compression */
		0,    41,            /* extensions */
		0,    10,   0,    8,    0,    6,    0,    29,   0,    23,   0,    24, /* groups */
		0,    11,   0,    2,    1,    0,                                      /* points */
		0,    13,   0,    10,   0,    8,    4,    3,    8,    4,    4,    1,
		5,    3,    0,    23,   0,    0, /* extended master secret (RFC 7627) */
		0xff, 1,    0,    1,    0,       /* renegotiation_info (RFC 5746) */
	};
	const size_t body = 2 + 32 + sizeof rest;
	uint8_t *p = out;

	*p++ = 22; /* handshake */
	*p++ = 3;
	*p++ = 1;
	*p++ = 0;
	*p++ = (uint8_t)(body + 4);
	*p++ = 1; /* client_hello */
	*p++ = 0;
	*p++ = 0;
	*p++ = (uint8_t)body;
	*p++ = 3;
	*p++ = 3;
	memcpy(p, random, 32);
	memcpy(p + 32, rest, sizeof rest);
	return 9 + body;
}

/* ------------------------------------------------------------------ a client */

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static bool fail(struct check *c, const char *what, int err)
{
	snprintf(c->why, sizeof c->why, "%s: %s", what, strerror(err));
	return false;
}

/* Until the socket is ready, or the time is up. */
static bool await(struct check *c, int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	for (;;) {
		const uint64_t now = now_us();
		const int left =
			now >= c->deadline_us ? 0 : (int)((c->deadline_us - now) / 1000 + 1);
		const int n = poll(&p, 1, left);
		if (n > 0)
			return true;
		if (n < 0 && errno != EINTR)
			return fail(c, "poll", errno);
		if (n == 0) {
			snprintf(c->why, sizeof c->why, "no answer within %g s",
				 (double)c->timeout_us / 1e6);
			return false;
		}
	}
}

static bool connect_to(struct check *c, const struct addrinfo *to, int *fd)
{
	socklen_t len = sizeof errno;
	int err = 0;

	*fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return fail(c, "socket", errno);
	if (connect(*fd, to->ai_addr, to->ai_addrlen) == 0)
		return true;
	if (errno != EINPROGRESS)
		return fail(c, "cannot connect", errno);
	if (!await(c, *fd, POLLOUT))
		return false;
	if (getsockopt(*fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0)
		err = errno;
	return err == 0 || fail(c, "cannot connect", err);
}

static bool send_all(struct check *c, int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		const ssize_t n = send(fd, p, len, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return fail(c, "cannot ask", errno);
		if (n < 0 && !await(c, fd, POLLOUT))
			return false;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
	return true;
}

/* Reads until `len` bytes are there. */
static bool read_start(struct check *c, int fd, char *buf, size_t len)
{
	size_t have = 0;

	while (have < len) {
		const ssize_t n = recv(fd, buf + have, len - have, 0);
		if (n == 0) {
			snprintf(c->why, sizeof c->why, "the server closed the connection");
			return false;
		}
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return fail(c, "no answer", errno);
		if (n < 0 && !await(c, fd, POLLIN))
			return false;
		if (n > 0)
			have += (size_t)n;
	}
	return true;
}

static bool ask_http(struct check *c, int fd)
{
	const struct health_url *u = &c->url;
	const bool v6 = strchr(u->host, ':') != NULL;
	char request[1024], answer[12];
	const int len = snprintf(
		request, sizeof request,
		"GET %s HTTP/1.1\r\nHost: %s%s%s:%s\r\nUser-Agent: tunhttpd-healthcheck\r\n"
		"Connection: close\r\n\r\n",
		u->path, v6 ? "[" : "", u->host, v6 ? "]" : "", u->port);

	if (!send_all(c, fd, request, (size_t)len) || !read_start(c, fd, answer, sizeof answer))
		return false;
	const unsigned status = health_status(answer, sizeof answer);
	if (status == 0)
		snprintf(c->why, sizeof c->why, "the answer is not HTTP");
	else
		snprintf(c->why, sizeof c->why, "status %u", status);
	return status >= 200 && status < 500;
}

static bool ask_tls(struct check *c, int fd)
{
	uint8_t random[32], hello[HEALTH_HELLO_SIZE], answer[7];

	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
		return fail(c, "no random numbers", errno);
	if (!send_all(c, fd, hello, health_hello(hello, random)) ||
	    !read_start(c, fd, (char *)answer, sizeof answer))
		return false;
	/* RFC 8446 5.1: handshake (22) with a ServerHello (2), or an alert (21) of two bytes. */
	if (answer[0] == 22 && answer[5] == 2)
		snprintf(c->why, sizeof c->why, "TLS answers");
	else if (answer[0] == 21)
		snprintf(c->why, sizeof c->why, "TLS answers with alert %u", answer[6]);
	else
		snprintf(c->why, sizeof c->why, "the answer is not TLS");
	return answer[0] == 22 && answer[5] == 2;
}

/* The first of the name's addresses that answers. */
static bool ask(struct check *c)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *all;
	bool good = false;

	const int err = getaddrinfo(c->url.host, c->url.port, &hints, &all);
	if (err != 0) {
		snprintf(c->why, sizeof c->why, "%s", gai_strerror(err));
		return false;
	}
	for (const struct addrinfo *to = all; to && !good; to = to->ai_next) {
		int fd = -1;
		good = connect_to(c, to, &fd) && (c->url.tls ? ask_tls(c, fd) : ask_http(c, fd));
		if (fd >= 0)
			close(fd);
	}
	freeaddrinfo(all);
	return good;
}

/* ------------------------------------------------------------------ where the server is */

/* `path` or the end of it is the program's name. */
static bool names_program(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strcmp(slash ? slash + 1 : path, "tunhttpd") == 0;
}

/* In a container the server is process 1, or that is an init which has the server's command line in its own: the flags
 * behind `serve` count. Returns how many there are. */
static int arguments_of_init(char *text, char *argv[ARGUMENTS_MAX], char ***flags)
{
	const int fd = open("/proc/1/cmdline", O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;
	int argc = 0;

	if (fd < 0)
		return 0;
	while (len < ARGUMENTS_SIZE - 1 && (n = read(fd, text + len, ARGUMENTS_SIZE - 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
	text[len] = '\0';
	for (size_t at = 0; at < len && argc < ARGUMENTS_MAX; at += strlen(text + at) + 1)
		argv[argc++] = text + at;
	for (int i = 0; i + 1 < argc; i++) {
		if (!names_program(argv[i]) || strcmp(argv[i + 1], "serve") != 0)
			continue;
		*flags = argv + i + 2;
		return argc - i - 2;
	}
	return 0;
}

static bool address_of_server(int argc, char *argv[], struct health_url *out)
{
	char *text = malloc(ARGUMENTS_SIZE), *init[ARGUMENTS_MAX];
	char error[OPTIONS_ERROR_SIZE];
	struct options o;

	if (argc == 0 && text)
		argc = arguments_of_init(text, init, &argv);
	const bool good =
		options_parse(&o, argc, argv, environ, error) == 0 && !o.help && !o.version;
	if (good) {
		*out = (struct health_url){.tls = o.http == 0, .path = "/"};
		ip_addr_text(&o.address.stack, out->host);
		const unsigned port = out->tls ? o.https : o.http;
		snprintf(out->port, sizeof out->port, "%u", port);
	} else {
		log_error("healthcheck: %s", o.help || o.version ? "see tunhttpd --help" : error);
	}
	options_free(&o);
	free(text);
	return good;
}

static bool is_url(const char *text)
{
	return strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;
}

int healthcheck_command(int argc, char *argv[])
{
	struct check c = {.timeout_us = TIMEOUT_US};

	if (argc >= 2 && strcmp(argv[0], "--timeout") == 0) {
		if (!value_seconds(argv[1], &c.timeout_us) || c.timeout_us == 0) {
			log_error("--timeout: seconds above 0, up to 86400, such as 3 or 0.5");
			return EXIT_USAGE;
		}
		argc -= 2;
		argv += 2;
	}
	if (argc == 1 && is_url(argv[0])) {
		if (!health_url_parse(argv[0], &c.url)) {
			log_error("%s is no URL of the kind http://HOST[:PORT][/PATH]", argv[0]);
			return EXIT_USAGE;
		}
	} else if (!address_of_server(argc, argv, &c.url)) {
		return EXIT_USAGE;
	}
	c.deadline_us = now_us() + c.timeout_us;
	const bool good = ask(&c), v6 = strchr(c.url.host, ':') != NULL;
	printf("%s: %s://%s%s%s:%s: %s\n", good ? "healthy" : "unhealthy",
	       c.url.tls ? "https" : "http", v6 ? "[" : "", c.url.host, v6 ? "]" : "", c.url.port,
	       c.why);
	return good ? 0 : EXIT_RUNTIME;
}
