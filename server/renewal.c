/* SPDX-License-Identifier: Apache-2.0 */
/* renewal.c — see renewal.h. */
#include "server/renewal.h"

#include <string.h>
#include <sys/random.h>

#include "server/log.h"
#include "server/ticket_file.h"

#define NEVER UINT64_MAX
#define LOOK_US (2 * 1000000ull)
#define AUTHORITY_US (12 * 3600 * 1000000ull) /* the local authority's leaf: does it last? */

/* ------------------------------------------------------------------ files */

static struct file_mark mark_of(const char *path)
{
	struct file_mark m;
	struct stat st;

	memset(&m, 0, sizeof m);
	if (!path || stat(path, &st) != 0)
		return m;
	m.there = true;
	m.dev = st.st_dev;
	m.ino = st.st_ino;
	m.size = st.st_size;
	m.changed = st.st_mtim;
	return m;
}

static bool same_mark(const struct file_mark *a, const struct file_mark *b)
{
	return a->there == b->there && a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

/* Has the file become another? Remembers what it is now. */
static bool changed(struct file_mark *m, const char *path)
{
	const struct file_mark now = mark_of(path);
	const bool other = !same_mark(m, &now);

	*m = now;
	return other;
}

/* ------------------------------------------------------------------ ticket keys */

static bool random_key(struct tls_ticket_key *key)
{
	if (getrandom(key, sizeof *key, 0) == (ssize_t)sizeof *key)
		return true;
	log_error("no random numbers for session tickets: %m");
	return false;
}

/* Half a lifetime is the time of a key, so that a ticket of its last second still lives half of one. Keys of a
 * file are other people's to rotate; they are handed out anew in time (tls_context_set_ticket_keys). */
static void plan_rotation(struct renewal *r, uint64_t now_us)
{
	r->rotate_us = now_us + r->startup->options->ticket_lifetime_us / 2;
}

static bool first_tickets(struct renewal *r, uint64_t now_us)
{
	const struct options *o = r->startup->options;

	if (o->https == 0 || o->ticket_lifetime_us == 0)
		return true;
	r->secrets.has_tickets = true;
	r->secrets.tickets.lifetime_s = (uint32_t)(o->ticket_lifetime_us / 1000000);
	plan_rotation(r, now_us);
	if (!o->ticket_keys)
		return random_key(&r->secrets.tickets.current) &&
		       random_key(&r->secrets.tickets.previous);
	r->tickets = mark_of(o->ticket_keys);
	return ticket_file_read(o->ticket_keys, &r->secrets.tickets);
}

static bool new_tickets(struct renewal *r, uint64_t now_us, bool look)
{
	const struct options *o = r->startup->options;
	const bool due = now_us >= r->rotate_us;
	struct tls_ticket_key fresh;

	if (!r->secrets.has_tickets)
		return false;
	if (due)
		plan_rotation(r, now_us);
	if (o->ticket_keys)
		return (look && changed(&r->tickets, o->ticket_keys) &&
			ticket_file_read(o->ticket_keys, &r->secrets.tickets)) ||
		       due;
	if (!due || !random_key(&fresh))
		return false;
	r->secrets.tickets.previous = r->secrets.tickets.current;
	r->secrets.tickets.current = fresh;
	explicit_bzero(&fresh, sizeof fresh);
	return true;
}

/* ------------------------------------------------------------------ certificate and key */

/* Every file is looked at, so that each is remembered. */
static bool files_changed(struct renewal *r)
{
	const struct startup *s = r->startup;
	bool any = changed(&r->client_ca, s->options->client_ca);

	for (size_t i = 0; i < s->pairs; i++) {
		any = changed(&r->cert[i], s->cert_path[i]) || any;
		any = changed(&r->key[i], s->key_path[i]) || any;
	}
	return any;
}

static bool new_identities(struct renewal *r)
{
	struct startup *s = r->startup;
	struct identities fresh;

	if (!files_changed(r))
		return false;
	const bool read = startup_read_identities(s, &fresh);
	if (!read || !startup_try_identities(s, &fresh)) {
		log_error("the last good certificates stay in use");
		if (read)
			identities_free(&fresh);
		return false;
	}
	if (r->owned)
		identities_free(&r->secrets.identities);
	r->owned = true;
	r->secrets.identities = fresh;
	log_error("certificates were replaced; new connections get the new ones");
	return true;
}

/* ------------------------------------------------------------------ what the master calls */

bool renewal_init(struct renewal *r, struct startup *s, uint64_t now_us)
{
	const bool https = s->options->https != 0;

	*r = (struct renewal){.startup = s,
			      .secrets = {.identities = s->identities},
			      .look_us = https ? now_us + LOOK_US : NEVER,
			      .authority_us = s->ca_path ? now_us + AUTHORITY_US : NEVER,
			      .rotate_us = NEVER};
	(void)files_changed(r);
	return first_tickets(r, now_us);
}

enum renewal_news renewal_look(struct renewal *r, uint64_t now_us, bool at_once)
{
	const bool look = r->look_us != NEVER && (at_once || now_us >= r->look_us);
	enum renewal_news news = RENEWAL_NOTHING;

	if (now_us >= r->authority_us) {
		r->authority_us = now_us + AUTHORITY_US;
		startup_renew_local(r->startup);
	}
	if (new_tickets(r, now_us, look))
		news = RENEWAL_TICKETS;
	if (look) {
		r->look_us = now_us + LOOK_US;
		if (new_identities(r))
			news = RENEWAL_IDENTITIES;
	}
	r->secrets.same_identities = news == RENEWAL_TICKETS;
	return news;
}

uint64_t renewal_next(const struct renewal *r)
{
	uint64_t next = r->look_us < r->rotate_us ? r->look_us : r->rotate_us;

	return next < r->authority_us ? next : r->authority_us;
}

void renewal_free(struct renewal *r)
{
	if (r->owned)
		identities_free(&r->secrets.identities);
	explicit_bzero(&r->secrets.tickets, sizeof r->secrets.tickets);
}
