/* SPDX-License-Identifier: Apache-2.0 */
/* renew.c — `tunhttpd certs renew`: every certificate in the directory that is near its end. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mbedtls/oid.h>
#include <mbedtls/psa_util.h>

#include "certs/authority.h"
#include "certs/command.h"

/* One certificate that is looked at. */
struct candidate {
	struct certs_authority *authority;
	const struct certs_options *options;
	const char *file; /* without .pem */
	mbedtls_x509_crt chain;
	mbedtls_pk_context key;
};

static bool is_candidate(const struct dirent *e, char file[CERTS_NAME_SIZE])
{
	const size_t len = strlen(e->d_name);

	if (len < 5 || len >= CERTS_NAME_SIZE || strcmp(e->d_name + len - 4, ".pem") != 0)
		return false;
	snprintf(file, CERTS_NAME_SIZE, "%.*s", (int)len - 4, e->d_name);
	/* The authority's own, and keys. */
	return certs_file_problem(file) == NULL;
}

/* Of this root, or of one that this machine had before. */
static bool ours(struct candidate *c)
{
	static const char head[] = "O=tunhttpd, CN=tunhttpd local ";
	char issuer[CERTS_SUBJECT_SIZE];

	return certs_authority_signed(c->authority, &c->chain) ||
	       (mbedtls_x509_dn_gets(issuer, sizeof issuer, &c->chain.issuer) > 0 &&
		strncmp(issuer, head, sizeof head - 1) == 0);
}

/* Why it is left alone; NULL when it is one of ours with its key. */
static const char *obstacle(struct candidate *c, const char **detail)
{
	char file[CERTS_NAME_SIZE + 16];

	*detail = "";
	snprintf(file, sizeof file, "%s.pem", c->file);
	if (certs_load_chain(c->authority, file, &c->chain)) {
		*detail = c->authority->error;
		return "";
	}
	if (mbedtls_x509_crt_get_ca_istrue(&c->chain) == 1)
		return "it is a CA";
	if (!ours(c))
		return "it is not of this authority";
	snprintf(file, sizeof file, "%s-key.pem", c->file);
	const int key = certs_load_key(c->authority, file, &c->key);
	if (key == 1)
		return "its key is not here";
	if (key) {
		*detail = c->authority->error;
		return "";
	}
	if (mbedtls_pk_check_pair(&c->chain.pk, &c->key, mbedtls_psa_get_random,
				  MBEDTLS_PSA_RANDOM_STATE))
		return "its key does not belong to it";
	return NULL;
}

static bool due(struct candidate *c)
{
	const time_t from = certs_time(&c->chain.valid_from), to = certs_time(&c->chain.valid_to);
	const time_t now = c->authority->now;

	return c->options->all || from > now || to - now < (to - from) / 3 ||
	       !certs_authority_signed(c->authority, &c->chain);
}

/* With the names, the kind and the life of the old one. */
static int issue_again(struct candidate *c)
{
	static struct certs_names names; /* large */
	char subject[CERTS_SUBJECT_SIZE], day[16];
	const bool client = c->chain.ext_key_usage.buf.p &&
			    mbedtls_x509_crt_check_extended_key_usage(
				    &c->chain, MBEDTLS_OID_SERVER_AUTH,
				    MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)) != 0;
	time_t until;
	const time_t life =
		certs_time(&c->chain.valid_to) - certs_time(&c->chain.valid_from) - CERTS_HOUR;

	certs_names_of(&c->chain, &names);
	if (names.left_out > 0)
		return certs_complain(CERTS_FAILED,
				      "%s.pem: it has names that are neither of the DNS "
				      "nor addresses",
				      c->file);
	if (mbedtls_x509_dn_gets(subject, sizeof subject, &c->chain.subject) <= 0)
		return certs_complain(CERTS_FAILED, "%s.pem: its subject is too long", c->file);
	const struct certs_issue issue = {
		.purpose = client ? CERTS_CLIENT : CERTS_SERVER,
		.key_type = mbedtls_pk_can_do(&c->key, MBEDTLS_PK_RSA) ? CERTS_RSA : CERTS_ECDSA,
		.subject = subject,
		.names = names.list,
		.life = c->options->days   ? c->options->days * CERTS_DAY
			: life > CERTS_DAY ? life
					   : CERTS_DAY,
		.file = c->file,
		.replace = true,
	};
	if (certs_authority_issue(c->authority, &issue, &until))
		return certs_complain(CERTS_FAILED, "%s", c->authority->error);
	printf("renewed  %s.pem until %s\n", c->file, certs_day(until, day));
	return 0;
}

static int look_at(struct certs_authority *a, const struct certs_options *o, const char *file)
{
	struct candidate c = {.authority = a, .options = o, .file = file};
	const char *detail, *why;
	char day[16];
	int status = 0;

	mbedtls_x509_crt_init(&c.chain);
	mbedtls_pk_init(&c.key);
	why = obstacle(&c, &detail);
	if (why)
		printf("left     %s.pem: %s%s\n", file, why, detail);
	else if (due(&c))
		status = issue_again(&c);
	else
		printf("kept     %s.pem until %s\n", file,
		       certs_day(certs_time(&c.chain.valid_to), day));
	mbedtls_x509_crt_free(&c.chain);
	mbedtls_pk_free(&c.key);
	return status;
}

int certs_renew(const struct certs_options *o)
{
	struct certs_authority a;
	char error[CERTS_ERROR_SIZE], file[CERTS_NAME_SIZE];
	struct dirent **entries = NULL;
	int status = 0;

	const int opened = certs_authority_open(&a, o->dir, time(NULL), error);
	if (opened)
		status = certs_complain(CERTS_BAD_FILE,
					opened < 0 ? "%s" : "there is no authority in %s",
					opened < 0 ? error : o->dir);
	const int n = opened ? 0 : scandir(o->dir, &entries, NULL, alphasort);
	if (n < 0)
		status = certs_complain(CERTS_FAILED, "cannot read the directory %s", o->dir);
	for (int i = 0; i < n; i++) {
		if (is_candidate(entries[i], file) && look_at(&a, o, file))
			status = CERTS_FAILED;
		free(entries[i]);
	}
	free(entries);
	certs_authority_close(&a);
	return status;
}
