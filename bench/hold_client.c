/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hold_client.c — opens many connections over plain http, asks each for one file, and leaves them open and silent.
 *
 *   hold_client ADDRESS PORT COUNT PATH SOURCE
 *
 * The source is an address of this machine. Prints how many are open once there are no more to come, and ends with its
 * standard input.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* One request, and all of the answer: its head says how long the body is. */
static bool ask(int fd, const char *path)
{
	char text[4096];
	size_t want = 0, have = 0;
	const int len =
		snprintf(text, sizeof text,
			 "GET %s HTTP/1.1\r\nHost: held\r\nConnection: keep-alive\r\n\r\n", path);

	if (send(fd, text, (size_t)len, 0) != len)
		return false;
	while (want == 0 || have < want) {
		const ssize_t n =
			recv(fd, text + (want ? 0 : have), sizeof text - 1 - (want ? 0 : have), 0);
		if (n <= 0)
			return false;
		have += (size_t)n;
		if (want == 0) {
			text[have] = '\0';
			const char *end = strstr(text, "\r\n\r\n");
			const char *length = strcasestr(text, "\r\ncontent-length:");
			if (end && (!length || strncmp(text, "HTTP/1.1 200", 12) != 0))
				return false;
			if (end)
				want = (size_t)(end + 4 - text) + strtoul(length + 17, NULL, 10);
		}
	}
	return true;
}

static bool open_one(const struct sockaddr_in *to, const char *source, const char *path)
{
	struct sockaddr_in from = {.sin_family = AF_INET};
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || inet_pton(AF_INET, source, &from.sin_addr) != 1 ||
	    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){1}, sizeof(int)) != 0 ||
	    bind(fd, (struct sockaddr *)&from, sizeof from) != 0 ||
	    connect(fd, (const struct sockaddr *)to, sizeof *to) != 0) {
		perror("hold_client: connect");
		return false;
	}
	if (!ask(fd, path)) {
		fprintf(stderr, "hold_client: no answer\n");
		return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET};

	if (argc != 6 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
		fprintf(stderr, "usage: hold_client ADDRESS PORT COUNT PATH SOURCE\n");
		return 2;
	}
	const unsigned long count = strtoul(argv[3], NULL, 10);
	struct rlimit files;
	unsigned long open = 0;

	to.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) != 0)
		perror("hold_client: RLIMIT_NOFILE");
	while (open < count && open_one(&to, argv[5], argv[4]))
		open++;
	printf("%lu\n", open);
	fflush(stdout);
	while (read(STDIN_FILENO, &(char){0}, 1) > 0)
		;
	return 0;
}
