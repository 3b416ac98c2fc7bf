/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keylog.h — the file of --keylog: the secrets of every TLS connection, for Wireshark and its like (RFC 9850). Who has
 * it can read all that is said, so nobody else than its owner may read it, and the start of the server says that it is
 * there. The master opens it; all workers append.
 */
#ifndef SERVER_KEYLOG_H
#define SERVER_KEYLOG_H

#include <stddef.h>

#define KEYLOG_ERROR_SIZE 512

/* Opens the file, or makes it with mode 0600. -1 with one line in `error`, also when it is no regular file or others may
 * read or write it. */
int keylog_open(const char *path, char error[KEYLOG_ERROR_SIZE]);

/* Appends a line at once, in one write, so that the workers' lines stay apart. */
void keylog_write(int fd, const char *line, size_t len);

#endif
