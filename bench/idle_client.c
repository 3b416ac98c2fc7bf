/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idle_client.c — opens many TLS connections, asks each for one file, reads the answer and leaves them open and silent.
 *
 *   idle_client ADDRESS PORT COUNT PATH
 *
 * The client's own TLS state is freed after the answer: only the sockets remain. Prints how many are open once they
 * all are, and ends with its standard input.
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

static bool say_and_hear(SSL *ssl, const char *path)
{
	char text[4096];
	const int len =
		snprintf(text, sizeof text,
			 "GET %s HTTP/1.1\r\nHost: idle\r\nConnection: keep-alive\r\n\r\n", path);
	size_t want = 0, have = 0;

	if (SSL_write(ssl, text, len) != len)
		return false;
	/* The head comes in one record, and says how long the body is. */
	while (want == 0 || have < want) {
		const int n = SSL_read(ssl, text, sizeof text - 1);
		if (n <= 0)
			return false;
		if (want == 0) {
			text[n] = '\0';
			const char *length = strcasestr(text, "\r\ncontent-length:");
			const char *end = strstr(text, "\r\n\r\n");
			if (!length || !end || strncmp(text, "HTTP/1.1 200", 12) != 0)
				return false;
			want = (size_t)(end + 4 - text) + strtoul(length + 17, NULL, 10);
		}
		have += (size_t)n;
	}
	return true;
}

static bool open_one(SSL_CTX *ctx, const struct sockaddr_in *to, const char *path)
{
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	SSL *ssl = SSL_new(ctx);

	if (fd < 0 || !ssl || connect(fd, (const struct sockaddr *)to, sizeof *to) != 0) {
		perror("idle_client: connect");
		return false;
	}
	if (!SSL_set_fd(ssl, fd) || SSL_connect(ssl) != 1 || !say_and_hear(ssl, path)) {
		fprintf(stderr, "idle_client: no answer over TLS\n");
		return false;
	}
	/* The socket stays open: SSL_set_fd does not close it. */
	SSL_free(ssl);
	return true;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	struct rlimit files;

	if (argc != 5 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
		fprintf(stderr, "usage: idle_client ADDRESS PORT COUNT PATH\n");
		return 2;
	}
	const unsigned long count = strtoul(argv[3], NULL, 10);

	to.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max = count + 64 > files.rlim_max ? count + 64 : files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) != 0)
		perror("idle_client: RLIMIT_NOFILE");
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	if (!ctx || !SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION))
		return 1;
	for (unsigned long i = 0; i < count; i++)
		if (!open_one(ctx, &to, argv[4]))
			return 1;
	printf("%lu\n", count);
	fflush(stdout);
	while (read(STDIN_FILENO, &(char){0}, 1) > 0)
		;
	return 0;
}
