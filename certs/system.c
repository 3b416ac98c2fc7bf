/* SPDX-License-Identifier: Apache-2.0 */
/* system.c — see system.h. */
#include "certs/system.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const struct certs_system certs_systems[] = {
	{"Debian, Ubuntu",
	 " debian ubuntu ",
	 "/usr/local/share/ca-certificates",
	 ".crt",
	 {"update-ca-certificates"},
	 {"update-ca-certificates", "--fresh"}},
	{"Fedora, RHEL and their kin",
	 " fedora rhel centos ",
	 "/etc/pki/ca-trust/source/anchors",
	 ".pem",
	 {"update-ca-trust", "extract"},
	 {"update-ca-trust", "extract"}},
	{"Alpine",
	 " alpine ",
	 "/usr/local/share/ca-certificates",
	 ".crt",
	 {"update-ca-certificates"},
	 {"update-ca-certificates"}},
	{"Arch",
	 " arch archlinux ",
	 "/etc/ca-certificates/trust-source/anchors",
	 ".crt",
	 {"update-ca-trust"},
	 {"update-ca-trust"}},
	{"SUSE",
	 " suse opensuse sles ",
	 "/etc/pki/trust/anchors",
	 ".pem",
	 {"update-ca-certificates"},
	 {"update-ca-certificates"}},
};
const size_t certs_system_count = sizeof certs_systems / sizeof certs_systems[0];

static const struct certs_system *find(const char *id, size_t len)
{
	char word[66];

	if (len == 0 || len > 63)
		return NULL;
	snprintf(word, sizeof word, " %.*s ", (int)len, id);
	for (size_t i = 0; i < certs_system_count; i++)
		if (strstr(certs_systems[i].ids, word))
			return &certs_systems[i];
	return NULL;
}

/* The value of NAME=value or NAME="value" at the beginning of a line; NULL for none. */
static const char *value_of(const char *text, const char *name, size_t *len)
{
	const size_t name_len = strlen(name);

	for (; text; text = strchr(text, '\n')) {
		text += *text == '\n';
		if (strncmp(text, name, name_len) != 0 || text[name_len] != '=')
			continue;
		text += name_len + 1;
		text += *text == '"' || *text == '\'';
		*len = strcspn(text, "\"'\n");
		return text;
	}
	return NULL;
}

const struct certs_system *certs_system_of(const char *os_release)
{
	static const char *const fields[] = {"ID", "ID_LIKE"};
	const struct certs_system *found = NULL;

	for (size_t i = 0; i < 2 && !found; i++) {
		size_t len = 0;
		const char *at = value_of(os_release, fields[i], &len);
		const char *end = at ? at + len : NULL;
		while (at && at < end && !found) {
			const size_t space = strspn(at, " ");
			at += space;
			const size_t word = strcspn(at, " \"'\n");
			found = find(at, word);
			at += word;
		}
	}
	return found;
}

const struct certs_system *certs_system_here(void)
{
	static const char *const paths[] = {"/etc/os-release", "/usr/lib/os-release"};
	char text[8192];

	for (size_t i = 0; i < 2; i++) {
		const int fd = open(paths[i], O_RDONLY | O_CLOEXEC);
		const ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
		if (fd >= 0)
			close(fd);
		if (n < 0)
			continue;
		text[n] = '\0';
		return certs_system_of(text);
	}
	return NULL;
}
