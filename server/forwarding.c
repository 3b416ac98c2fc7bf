/* SPDX-License-Identifier: Apache-2.0 */
/* forwarding.c — see forwarding.h. */
#include "server/forwarding.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/log.h"
#include "server/publish.h"

#define SYSCTL "/proc/sys/"
#define CONF6 SYSCTL "net/ipv6/conf"

/* The one digit of a switch, -1 with errno when there is none. */
static int read_switch(const char *path)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	char digit = 0;

	if (fd < 0)
		return -1;
	const ssize_t n = read(fd, &digit, 1);
	close(fd);
	if (n == 1 && digit >= '0' && digit <= '9')
		return digit - '0';
	errno = EINVAL;
	return -1;
}

static bool write_switch(const char *path, char digit)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	const ssize_t n = write(fd, &digit, 1);
	const int err = errno;
	close(fd);
	errno = err;
	return n == 1;
}

/* net/ipv4/ip_forward as sysctl(8) has it: with points. An interface's own point is a slash there. */
static const char *sysctl_name(const char *path, char name[PATH_MAX])
{
	snprintf(name, PATH_MAX, "%s", path + strlen(SYSCTL));
	for (char *p = name; *p; p++)
		*p = *p == '/' ? '.' : *p == '.' ? '/' : *p;
	return name;
}

static bool switch_on(const char *path, char error[FORWARDING_ERROR_SIZE])
{
	const int now = read_switch(path);
	char name[PATH_MAX];

	if (now > 0)
		return true;
	sysctl_name(path, name);
	if (now < 0) {
		snprintf(error, FORWARDING_ERROR_SIZE, "cannot read %.128s: %s", path,
			 strerror(errno));
		return false;
	}
	if (!write_switch(path, '1')) {
		snprintf(error, FORWARDING_ERROR_SIZE,
			 "the kernel passes no packets on, and this process may not change that: "
			 "as root "
			 "sysctl -w %.128s=1, for a container docker run --sysctl %.128s=1",
			 name, name);
		return false;
	}
	log_error("%s was 0 and is 1 now, for --publish", name);
	return true;
}

static bool switch_on_for(const char *interface, char error[FORWARDING_ERROR_SIZE])
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, SYSCTL "net/ipv4/conf/%s/forwarding", interface);
	return switch_on(path, error);
}

bool forwarding_enable(const struct name_list *interfaces, const char *tun,
		       char error[FORWARDING_ERROR_SIZE])
{
	/* It sets all interfaces, those that come later, and the TUN device. */
	if (publish_is_auto(interfaces))
		return switch_on(SYSCTL "net/ipv4/ip_forward", error);
	for (size_t i = 0; i < interfaces->count; i++)
		if (!switch_on_for(interfaces->list[i], error))
			return false;
	return switch_on_for(tun, error);
}

/* A host that forwards does not follow router advertisements, and loses the routes that it has from them, unless accept_ra
 * is 2. */
static void keep_router_advertisements(void)
{
	DIR *dir = opendir(CONF6);
	char path[PATH_MAX];
	struct dirent *e;

	if (!dir)
		return;
	while ((e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.' || strcmp(e->d_name, "all") == 0)
			continue;
		snprintf(path, sizeof path, CONF6 "/%s/accept_ra", e->d_name);
		if (read_switch(path) == 1)
			(void)write_switch(path, '2');
	}
	closedir(dir);
}

bool forwarding_enable6(char error[FORWARDING_ERROR_SIZE])
{
	const char *path = CONF6 "/all/forwarding";

	if (read_switch(path) == 0 && access(path, W_OK) == 0)
		keep_router_advertisements();
	return switch_on(path, error);
}
