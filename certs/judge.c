/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge.c — what a client would say to a chain: see judge.h.
 *
 * Mbed TLS's own verification stops with flags for the whole of the chain and takes a common name for a name. Here every
 * finding is said of the certificate that it is about, as browsers and curl see it.
 */
#include "certs/judge.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <mbedtls/oid.h>

#include "certs/make.h"
#include "certs/names.h"
#include "tls/tls_chain.h"

#define PATH_MAX_CERTS 10
#define RSA_BITS_MIN 2048u
#define DN_SIZE 400

/* ------------------------------------------------------------------ one certificate */

bool certs_is_ca(const mbedtls_x509_crt *crt)
{
	return mbedtls_x509_crt_get_ca_istrue(crt) == 1;
}

static bool has_usage(const mbedtls_x509_crt *crt, const char *oid, size_t len)
{
	return mbedtls_x509_crt_check_extended_key_usage(crt, oid, len) == 0;
}

bool certs_is_for_servers(const mbedtls_x509_crt *crt)
{
	return has_usage(crt, MBEDTLS_OID_SERVER_AUTH, MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH));
}

bool certs_is_for_clients(const mbedtls_x509_crt *crt)
{
	return has_usage(crt, MBEDTLS_OID_CLIENT_AUTH, MBEDTLS_OID_SIZE(MBEDTLS_OID_CLIENT_AUTH));
}

static bool same(const mbedtls_x509_buf *a, const mbedtls_x509_buf *b)
{
	return a->len == b->len && memcmp(a->p, b->p, a->len) == 0;
}

bool certs_is_self_signed(const mbedtls_x509_crt *crt)
{
	return same(&crt->subject_raw, &crt->issuer_raw) && tls_chain_signed_by(crt, crt);
}

const char *certs_weak_key(const mbedtls_x509_crt *crt)
{
	if (mbedtls_pk_can_do(&crt->pk, MBEDTLS_PK_RSA) &&
	    mbedtls_pk_get_bitlen(&crt->pk) < RSA_BITS_MIN)
		return "its RSA key is shorter than 2048 bits";
	return NULL;
}

static bool weak_signature(const mbedtls_x509_crt *crt)
{
	const mbedtls_md_type_t md = crt->MBEDTLS_PRIVATE(sig_md);

	return md == MBEDTLS_MD_MD5 || md == MBEDTLS_MD_SHA1;
}

/* ------------------------------------------------------------------ words */

static void say(struct certs_verdict *v, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void say(struct certs_verdict *v, const char *format, ...)
{
	va_list args;

	if (v->count == CERTS_WORDS_MAX)
		return;
	va_start(args, format);
	vsnprintf(v->words[v->count++], CERTS_WORDS_SIZE, format, args);
	va_end(args);
}

static const char *subject_of(const mbedtls_x509_crt *crt, char text[DN_SIZE])
{
	if (mbedtls_x509_dn_gets(text, DN_SIZE, &crt->subject) <= 0)
		snprintf(text, DN_SIZE, "a certificate without a name");
	return text;
}

static long days_between(time_t earlier, time_t later)
{
	return (long)((later - earlier) / CERTS_DAY);
}

/* What makes every client refuse, whichever certificate of the path it is. */
static void judge_each(const struct certs_question *q, const mbedtls_x509_crt *crt, bool leaf,
		       struct certs_verdict *v)
{
	const time_t from = certs_time(&crt->valid_from), to = certs_time(&crt->valid_to);
	const char *weak = certs_weak_key(crt);
	char subject[DN_SIZE];
	const size_t before = v->count;

	if (leaf)
		snprintf(subject, sizeof subject, "it");
	else
		subject_of(crt, subject);
	if (to < q->now)
		say(v, "refused: %s has expired, %ld days ago", subject, days_between(to, q->now));
	if (from > q->now)
		say(v, "refused: %s is not valid yet, for %ld days more: is the clock right?",
		    subject, days_between(q->now, from));
	if (weak)
		say(v, "refused: %s is too weak: %s", subject, weak);
	if (weak_signature(crt) && !certs_is_self_signed(crt))
		say(v, "refused: %s is signed with a hash that can be forged", subject);
	v->refused = v->refused || v->count > before;
}

/* RFC 5280 4.2.1.3, 4.2.1.9: `below` certificates of CAs stand under it in the path. */
static void judge_issuer(const mbedtls_x509_crt *crt, int below, struct certs_verdict *v)
{
	const int path = crt->MBEDTLS_PRIVATE(max_pathlen); /* plus one; 0: no limit */
	char subject[DN_SIZE];
	const size_t before = v->count;

	subject_of(crt, subject);
	if (crt->version == 3 && !certs_is_ca(crt))
		say(v, "refused: %s is not a CA and signed another one all the same", subject);
	else if (mbedtls_x509_crt_check_key_usage(crt, MBEDTLS_X509_KU_KEY_CERT_SIGN))
		say(v, "refused: %s may not sign certificates", subject);
	if (path > 0 && below > path - 1)
		say(v, "refused: %s allows %d CAs below it, and there are %d", subject, path - 1,
		    below);
	v->refused = v->refused || v->count > before;
}

static void judge_names(const struct certs_question *q, const mbedtls_x509_crt *leaf,
			struct certs_verdict *v)
{
	static struct certs_names names; /* large */

	certs_names_of(leaf, &names);
	if (names.count == 0 && names.left_out == 0) {
		say(v, "refused: it has no subjectAltName, and clients take the common name for "
		       "nothing");
		v->refused = true;
	} else if (q->name && !certs_leaf_matches(leaf, q->name)) {
		say(v, "refused: it is not for %s", q->name);
		v->refused = true;
	}
}

static void judge_leaf(const struct certs_question *q, struct certs_verdict *v)
{
	const mbedtls_x509_crt *leaf = q->chain;
	const long life = days_between(certs_time(&leaf->valid_from), certs_time(&leaf->valid_to));

	judge_each(q, leaf, true, v);
	if (certs_is_ca(leaf) && !q->name)
		return; /* shown by itself: a root, not what a server sends */
	if (!certs_is_for_servers(leaf) && (q->name || !certs_is_for_clients(leaf))) {
		say(v, "refused: it is not for servers");
		v->refused = true;
	}
	if (!certs_is_for_servers(leaf))
		return;
	judge_names(q, leaf, v);
	if (life > CERTS_LEAF_DAYS_MAX)
		say(v, "refused by Apple's systems: it is valid for %ld days, more than %d", life,
		    CERTS_LEAF_DAYS_MAX);
}

/* ------------------------------------------------------------------ the path */

static const mbedtls_x509_crt *signer_in(const mbedtls_x509_crt *list, const mbedtls_x509_crt *crt)
{
	for (; list && list->raw.len > 0; list = list->next)
		if (!same(&list->raw, &crt->raw) && tls_chain_signed_by(crt, list))
			return list;
	return NULL;
}

static const mbedtls_x509_crt *same_in(const mbedtls_x509_crt *list, const mbedtls_x509_crt *crt)
{
	for (; list && list->raw.len > 0; list = list->next)
		if (same(&list->raw, &crt->raw))
			return list;
	return NULL;
}

struct path {
	const mbedtls_x509_crt *crt[PATH_MAX_CERTS];
	size_t count;
	bool trusted;
};

/* Up from the leaf to somebody whom the store has, by way of the chain; or as far as that leads. */
static void follow(const struct certs_question *q, const struct certs_store *store, struct path *p)
{
	const mbedtls_x509_crt *at = q->chain;

	*p = (struct path){.crt = {at}, .count = 1};
	while (!(p->trusted = store && same_in(store->roots, at))) {
		const mbedtls_x509_crt *next = store ? signer_in(store->roots, at) : NULL;
		if (!next && !certs_is_self_signed(at))
			next = signer_in(q->chain, at);
		if (!next || p->count == PATH_MAX_CERTS)
			return;
		p->crt[p->count++] = at = next;
	}
}

static void judge_path(const struct certs_question *q, const struct path *p,
		       struct certs_verdict *v)
{
	for (size_t i = 1; i < p->count; i++) {
		judge_each(q, p->crt[i], false, v);
		judge_issuer(p->crt[i], (int)i - 1, v);
	}
}

/* Nobody here trusts where the chain leads. */
static void judge_end(const struct path *p, struct certs_verdict *v)
{
	const mbedtls_x509_crt *end = p->crt[p->count - 1];
	char name[DN_SIZE];

	v->refused = true;
	if (certs_is_self_signed(end)) {
		say(v, "refused: %s signed itself and nobody here trusts it",
		    subject_of(end, name));
		return;
	}
	if (mbedtls_x509_dn_gets(name, sizeof name, &end->issuer) <= 0)
		snprintf(name, sizeof name, "somebody without a name");
	say(v,
	    "refused: %s signed %s of it and is neither in the chain nor trusted here: an "
	    "intermediate certificate is missing, or its root is unknown",
	    name, p->count == 1 ? "the first" : "the last");
}

void certs_judge(const struct certs_question *q, struct certs_verdict *v)
{
	struct path path, found = {0};
	char name[DN_SIZE];

	*v = (struct certs_verdict){0};
	judge_leaf(q, v);
	for (size_t i = 0; i < q->stores; i++) {
		follow(q, &q->store[i], &path);
		if (!path.trusted)
			continue;
		say(v, "trusted %s: %s", q->store[i].name,
		    subject_of(path.crt[path.count - 1], name));
		found = path;
	}
	if (found.count == 0)
		follow(q, NULL, &found);
	judge_path(q, &found, v);
	if (!found.trusted)
		judge_end(&found, v);
}
