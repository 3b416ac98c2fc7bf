/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auth.h — paths for those who know a password (HTTP Basic, RFC 7617).
 *
 * A rule is 'PATH FILE "REALM"': it is for PATH and all that is below it, whether there is a file or not. The one with
 * the longest path counts. Who reads FILE, and what a password is compared with, is the owner's: see check_password in
 * http.h.
 */
#ifndef HTTP_AUTH_H
#define HTTP_AUTH_H

#include "http/str.h"

struct http_auth_rule {
	char *path; /* decoded, without a slash at its end: "" is everything */
	char *file;
	char *realm; /* what browsers show                                    */
};

struct http_auth_rules {
	struct http_auth_rule *rule;
	size_t count;
};

/* Reads one rule and appends it. False, with the reason in *why, when it is none. */
bool http_auth_rules_add(struct http_auth_rules *list, const char *line, const char **why);
void http_auth_rules_free(struct http_auth_rules *list);

struct http_user {
	char *name, *hash; /* crypt(5) */
};
struct http_users {
	struct http_user *user;
	size_t count;
};

/* A rule in force: those who may. */
struct http_auth {
	const struct http_auth_rule *rule;
	struct http_users users;
};

/* The rule for a decoded path; NULL for none. */
const struct http_auth *http_auth_find(const struct http_auth *auth, size_t count,
				       const char *path);

enum http_password {
	HTTP_PASSWORD_RIGHT,
	HTTP_PASSWORD_WRONG, /* or there is no such user */
	HTTP_PASSWORD_BUSY,  /* too many are being checked */
};

/* What somebody says who he is. */
#define HTTP_CREDENTIALS_SIZE 512
struct http_credentials {
	char name[HTTP_CREDENTIALS_SIZE], password[HTTP_CREDENTIALS_SIZE];
};
/* Reads the value of an Authorization field. False when it is not Basic, not base64, or holds control characters
 * (RFC 7617 2). */
bool http_credentials_read(struct http_str value, struct http_credentials *out);

#endif
