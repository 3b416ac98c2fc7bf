/* SPDX-License-Identifier: Apache-2.0 */
/* passwords.c — see passwords.h. */
#include "server/passwords.h"

#include <crypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

bool passwords_init(struct passwords *p)
{
	*p = (struct passwords){.budget = PASSWORDS_BURST, .crypt = calloc(1, sizeof *p->crypt)};
	return p->crypt && getrandom(p->key, sizeof p->key, 0) == (ssize_t)sizeof p->key;
}

void passwords_free(struct passwords *p)
{
	free(p->crypt);
	explicit_bzero(p, sizeof *p);
}

/* Without a branch that depends on where they differ. */
static bool same(const void *a, const void *b, size_t len)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t difference = 0;

	for (size_t i = 0; i < len; i++)
		difference |= (uint8_t)(x[i] ^ y[i]);
	return difference == 0;
}

/* ------------------------------------------------------------------ what is remembered */

/* Of the hash as well: where the same name has another password, this one is another. */
static bool make_mac(const struct passwords *p, const struct http_user *user, const char *password,
		     uint8_t mac[TLS_MAC_SIZE])
{
	char text[3 * HTTP_CREDENTIALS_SIZE];
	/* No part of it holds a line break. */
	const int len = snprintf(text, sizeof text, "%s\n%s\n%s", user->name, user->hash, password);
	const bool good =
		len > 0 && (size_t)len < sizeof text && tls_mac(p->key, text, (size_t)len, mac);

	explicit_bzero(text, sizeof text);
	return good;
}

static bool is_kept(const struct passwords *p, const uint8_t mac[TLS_MAC_SIZE])
{
	bool found = false;

	for (size_t i = 0; i < p->kept_count; i++)
		found = same(p->kept[i], mac, TLS_MAC_SIZE) || found;
	return found;
}

static void keep(struct passwords *p, const uint8_t mac[TLS_MAC_SIZE])
{
	memcpy(p->kept[p->next], mac, TLS_MAC_SIZE);
	p->next = (p->next + 1) % PASSWORDS_KEPT;
	if (p->kept_count < PASSWORDS_KEPT)
		p->kept_count++;
}

/* ------------------------------------------------------------------ what is checked */

static bool take_budget(struct passwords *p, time_t now)
{
	if (now != p->second) {
		/* A clock that was set back counts as one second. */
		const time_t passed = now > p->second ? now - p->second : 1;
		const unsigned more = passed > PASSWORDS_BURST
					      ? PASSWORDS_BURST
					      : (unsigned)passed * PASSWORDS_PER_SECOND;
		p->budget = p->budget + more > PASSWORDS_BURST ? PASSWORDS_BURST : p->budget + more;
		p->second = now;
	}
	if (p->budget == 0)
		return false;
	p->budget--;
	return true;
}

static bool matches(struct passwords *p, const char *password, const char *hash)
{
	const char *made = crypt_r(password, hash, p->crypt);
	const size_t len = strlen(hash);
	const bool good = made && strlen(made) == len && same(made, hash, len);

	p->checked++;
	explicit_bzero(p->crypt, sizeof *p->crypt);
	return good;
}

enum http_password passwords_check(void *passwords, const struct http_auth *auth,
				   const struct http_credentials *who, time_t now)
{
	struct passwords *p = passwords;
	const struct http_user *user = NULL;
	uint8_t mac[TLS_MAC_SIZE];

	for (size_t i = 0; i < auth->users.count; i++)
		if (strcmp(auth->users.user[i].name, who->name) == 0)
			user = &auth->users.user[i];
	const bool has_mac = user && make_mac(p, user, who->password, mac);
	if (has_mac && is_kept(p, mac))
		return HTTP_PASSWORD_RIGHT;
	if (!take_budget(p, now))
		return HTTP_PASSWORD_BUSY;
	const bool right = matches(p, who->password, user ? user->hash : auth->users.user[0].hash);
	if (!user || !right)
		return HTTP_PASSWORD_WRONG;
	if (has_mac)
		keep(p, mac);
	return HTTP_PASSWORD_RIGHT;
}
