/* SPDX-License-Identifier: Apache-2.0 */
/* notify.c — see notify.h. The protocol is a few lines; libsystemd would be one more library in every image. */
#include "server/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A path, or with @ a name without a file. */
static int connect_to(const char *name)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	const size_t len = strlen(name);

	if (len < 2 || len >= sizeof to.sun_path || (name[0] != '/' && name[0] != '@'))
		return -1;
	memcpy(to.sun_path, name, len);
	if (name[0] == '@')
		to.sun_path[0] = '\0';
	const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	const socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	if (connect(fd, (const struct sockaddr *)&to, size) == 0)
		return fd;
	close(fd);
	return -1;
}

static uint64_t number_of(const char *name)
{
	const char *text = getenv(name);
	char *end;

	if (!text || *text < '0' || *text > '9')
		return 0;
	const unsigned long long n = strtoull(text, &end, 10);
	return *end == '\0' ? n : 0;
}

void notify_open(struct notify *n, uint64_t now_us)
{
	const char *name = getenv("NOTIFY_SOCKET");
	const uint64_t patience_us = number_of("WATCHDOG_USEC"), pid = number_of("WATCHDOG_PID");

	*n = (struct notify){.fd = name ? connect_to(name) : -1, .next_us = NOTIFY_NEVER};
	/* Set for another process, the watchdog is not ours to feed. */
	if (n->fd >= 0 && patience_us > 1 && (pid == 0 || pid == (uint64_t)getpid())) {
		n->period_us = patience_us / 2;
		n->next_us = now_us;
	}
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

/* A manager that takes nothing now is told nothing: we never wait for it. */
void notify_send(const struct notify *n, const char *words)
{
	if (n->fd >= 0)
		(void)!send(n->fd, words, strlen(words), MSG_NOSIGNAL);
}

void notify_alive(struct notify *n, uint64_t now_us)
{
	if (now_us < n->next_us)
		return;
	notify_send(n, "WATCHDOG=1");
	n->next_us = now_us + n->period_us;
}

void notify_close(struct notify *n)
{
	if (n->fd >= 0)
		close(n->fd);
	*n = (struct notify){.fd = -1, .next_us = NOTIFY_NEVER};
}
