/* SPDX-License-Identifier: Apache-2.0 */
/* htpasswd.c — see htpasswd.h. */
#include "server/htpasswd.h"

#include <crypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/blob.h"

#define BCRYPT_COST_MAX 12 /* about half a second; each step doubles it */
#define ROUNDS_MAX 200000  /* of SHA-crypt: the same                    */

/* How long what follows the last '$' is. */
static const struct {
	const char *prefix;
	size_t tail;
} taken[] = {{"$2y$", 53}, {"$2b$", 53}, {"$2a$", 53}, {"$y$", 43},
	     {"$7$", 43},  {"$6$", 86},  {"$5$", 43}};

/* ------------------------------------------------------------------ hashes */

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static const char *what_is_weak(const char *hash)
{
	if (begins(hash, "$apr1$") || begins(hash, "$1$"))
		return "is hashed with MD5";
	if (begins(hash, "{SHA}") || begins(hash, "{SSHA}"))
		return "is hashed with SHA-1";
	if (begins(hash, "$argon2"))
		return "is hashed with Argon2, which libcrypt does not have";
	if (begins(hash, "$2x$"))
		return "is hashed with a faulty bcrypt ($2x$)";
	return strlen(hash) == 13 && !strchr(hash, '$')
		       ? "is hashed with DES, or plain text"
		       : "is plain text, or of a kind that is not known";
}

/* "$2y$10$": libcrypt looks at these two digits only when it computes. */
static bool bcrypt_cost_valid(const char *hash)
{
	return hash[4] >= '0' && hash[4] <= '3' && hash[5] >= '0' && hash[5] <= '9' &&
	       hash[6] == '$' && atoi(hash + 4) >= 4;
}

/* Would a check take seconds, for which everybody else would wait? */
static bool is_slow(const char *hash)
{
	const char *rounds = strstr(hash, "$rounds=");

	if (begins(hash, "$2"))
		return atoi(hash + 4) > BCRYPT_COST_MAX;
	return rounds && strtoul(rounds + 8, NULL, 10) > ROUNDS_MAX;
}

/* NULL, or what is wrong with it, as the rest of "the password of NAME ...". */
static const char *hash_wrong(const char *hash)
{
	for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
		if (!begins(hash, taken[i].prefix))
			continue;
		if (strlen(strrchr(hash, '$') + 1) != taken[i].tail)
			return "is not whole";
		if (crypt_checksalt(hash) == CRYPT_SALT_INVALID ||
		    (begins(hash, "$2") && !bcrypt_cost_valid(hash)))
			return "is of a kind that libcrypt here does not have, or malformed";
		return is_slow(hash) ? "would take long to check, and all others have to wait"
				     : NULL;
	}
	return what_is_weak(hash);
}

/* ------------------------------------------------------------------ lines */

static bool add_user(struct http_users *users, const char *name, const char *hash)
{
	struct http_user *more = realloc(users->user, (users->count + 1) * sizeof *more);

	if (!more)
		return false;
	users->user = more;
	users->user[users->count] = (struct http_user){strdup(name), strdup(hash)};
	users->count++;
	return more[users->count - 1].name && more[users->count - 1].hash;
}

static bool is_known(const struct http_users *users, const char *name)
{
	for (size_t i = 0; i < users->count; i++)
		if (strcmp(users->user[i].name, name) == 0)
			return true;
	return false;
}

/* One line, of which it makes pieces. */
static bool take_line(struct http_users *users, char *line, const char *where,
		      char error[HTPASSWD_ERROR_SIZE])
{
	char *hash = strchr(line, ':');

	line[strcspn(line, "\r")] = '\0';
	if (line[strspn(line, " \t")] == '\0' || line[0] == '#')
		return true;
	if (!hash || hash == line || strlen(line) >= HTTP_CREDENTIALS_SIZE) {
		snprintf(error, HTPASSWD_ERROR_SIZE, "%s: this is not of the form name:hash",
			 where);
		return false;
	}
	*hash++ = '\0';
	hash[strcspn(hash, ":")] = '\0'; /* htpasswd lets a comment follow */
	const char *wrong = hash_wrong(hash);
	if (wrong)
		snprintf(error, HTPASSWD_ERROR_SIZE,
			 "%s: the password of %s %s; htpasswd -B -C 10 makes a good one", where,
			 line, wrong);
	else if (is_known(users, line))
		snprintf(error, HTPASSWD_ERROR_SIZE, "%s: there is another line for %s", where,
			 line);
	else if (add_user(users, line, hash))
		return true;
	else
		snprintf(error, HTPASSWD_ERROR_SIZE, "%s: out of memory", where);
	return false;
}

bool htpasswd_read(const char *path, struct http_users *out, char error[HTPASSWD_ERROR_SIZE])
{
	struct tls_blob blob;
	char where[HTPASSWD_ERROR_SIZE / 2];
	unsigned number = 0;

	*out = (struct http_users){0};
	if (!blob_read(&blob, "file of passwords", path, error))
		return false;
	char *text = strndup((const char *)blob.data, blob.len), *rest = text;
	bool good = text != NULL;
	if (!good)
		snprintf(error, HTPASSWD_ERROR_SIZE, "%s: out of memory", path);
	while (good && rest) {
		snprintf(where, sizeof where, "%s:%u", path, ++number);
		good = take_line(out, strsep(&rest, "\n"), where, error);
	}
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
	blob_free(&blob);
	if (good && out->count == 0) {
		snprintf(error, HTPASSWD_ERROR_SIZE, "%s: there is no user in it", path);
		good = false;
	}
	if (!good)
		htpasswd_free(out);
	return good;
}

void htpasswd_free(struct http_users *users)
{
	for (size_t i = 0; i < users->count; i++) {
		free(users->user[i].name);
		free(users->user[i].hash);
	}
	free(users->user);
	*users = (struct http_users){0};
}
