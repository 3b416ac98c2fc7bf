/* SPDX-License-Identifier: Apache-2.0 */
/*
 * htpasswd.h — files of users and their passwords: "name:hash", a line each, as Apache's htpasswd writes them.
 *
 * Taken are bcrypt, yescrypt, scrypt, SHA-512-crypt and SHA-256-crypt, as far as libcrypt has them. What a graphics card
 * reads back in an afternoon, MD5, Apache's $apr1$, {SHA}, DES and plain text, is refused.
 */
#ifndef SERVER_HTPASSWD_H
#define SERVER_HTPASSWD_H

#include "http/auth.h"

#define HTPASSWD_ERROR_SIZE 512

/* False with one line in `error`, which names file and line. */
bool htpasswd_read(const char *path, struct http_users *out, char error[HTPASSWD_ERROR_SIZE]);
void htpasswd_free(struct http_users *users);

#endif
