/* SPDX-License-Identifier: Apache-2.0 */
/* describe.c — certificates and keys in plain words: see describe.h. What comes from a certificate is printed only as Mbed TLS
 * escapes it, or when it is a name as names have to be: nothing of it can reach the terminal as a command. */
#include "certs/describe.h"

#include <string.h>

#include <mbedtls/md.h>

#include "certs/judge.h"
#include "certs/make.h"
#include "certs/names.h"
#include "tls/tls_chain.h"

#define DN_SIZE 1024

static const char *md_name(mbedtls_md_type_t md)
{
	switch (md) {
	case MBEDTLS_MD_MD5:
		return "MD5";
	case MBEDTLS_MD_SHA1:
		return "SHA-1";
	case MBEDTLS_MD_SHA224:
		return "SHA-224";
	case MBEDTLS_MD_SHA256:
		return "SHA-256";
	case MBEDTLS_MD_SHA384:
		return "SHA-384";
	case MBEDTLS_MD_SHA512:
		return "SHA-512";
	default:
		return "an unknown hash";
	}
}

const char *certs_describe_key(const mbedtls_pk_context *key, char text[48])
{
	const size_t bits = mbedtls_pk_get_bitlen(key);

	if (mbedtls_pk_can_do(key, MBEDTLS_PK_RSA))
		snprintf(text, 48, "RSA %zu bit", bits);
	else if (mbedtls_pk_can_do(key, MBEDTLS_PK_ECDSA))
		snprintf(text, 48, "ECDSA P-%zu", bits);
	else
		snprintf(text, 48, "%s %zu bit", mbedtls_pk_get_name(key), bits);
	return text;
}

void certs_fingerprint(const mbedtls_x509_crt *crt, char text[96])
{
	unsigned char hash[32];

	text[0] = '\0';
	if (mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), crt->raw.p, crt->raw.len,
		       hash))
		return;
	for (size_t i = 0; i < sizeof hash; i++)
		snprintf(text + 3 * i, 4, "%02X%s", hash[i], i + 1 < sizeof hash ? ":" : "");
}

static void print_purpose(FILE *out, const mbedtls_x509_crt *crt)
{
	const int path = crt->MBEDTLS_PRIVATE(max_pathlen); /* plus one; 0: no limit */
	const bool server = certs_is_for_servers(crt), client = certs_is_for_clients(crt);

	if (certs_is_ca(crt)) {
		fputs(certs_is_self_signed(crt) ? "a root CA" : "an intermediate CA", out);
		if (path == 1)
			fputs("; no CA may follow", out);
		else if (path > 1)
			fprintf(out, "; %d CA%s may follow", path - 1, path == 2 ? "" : "s");
		return;
	}
	if (server || client)
		fprintf(out, "for %s%s%s", server ? "servers" : "", server && client ? " and " : "",
			client ? "clients" : "");
	else
		fputs("neither for servers nor for clients", out);
}

static void print_names(FILE *out, const mbedtls_x509_crt *crt)
{
	static struct certs_names names; /* large */

	certs_names_of(crt, &names);
	if (names.count == 0 && names.left_out == 0)
		return;
	fputs("   names   ", out);
	for (size_t i = 0; i < names.count; i++)
		fprintf(out, "%s%s", i ? ", " : "", names.list[i]);
	if (names.left_out > 0)
		fprintf(out, "%s%zu of another kind", names.count ? ", and " : "", names.left_out);
	fputc('\n', out);
}

static void print_time(FILE *out, const mbedtls_x509_time *t)
{
	fprintf(out, "%04d-%02d-%02d %02d:%02d", t->year, t->mon, t->day, t->hour, t->min);
}

static void print_validity(FILE *out, const mbedtls_x509_crt *crt, time_t now)
{
	const time_t from = certs_time(&crt->valid_from), to = certs_time(&crt->valid_to);

	fputs("   valid   ", out);
	print_time(out, &crt->valid_from);
	fputs(" to ", out);
	print_time(out, &crt->valid_to);
	if (now < from)
		fprintf(out, " UTC: not yet, for %ld days more\n",
			(long)((from - now) / CERTS_DAY));
	else if (now > to)
		fprintf(out, " UTC: expired %ld days ago\n", (long)((now - to) / CERTS_DAY));
	else
		fprintf(out, " UTC: %ld days left\n", (long)((to - now) / CERTS_DAY));
}

/* By number when the signer is in the chain. */
static void print_signer(FILE *out, const mbedtls_x509_crt *chain, const mbedtls_x509_crt *crt)
{
	char issuer[DN_SIZE] = "?";
	unsigned number = 1;

	if (certs_is_self_signed(crt)) {
		fputs("   signed  by itself\n", out);
		return;
	}
	for (const mbedtls_x509_crt *at = chain; at; at = at->next, number++)
		if (at != crt && tls_chain_signed_by(crt, at)) {
			fprintf(out, "   signed  by %u\n", number);
			return;
		}
	mbedtls_x509_dn_gets(issuer, sizeof issuer, &crt->issuer);
	fprintf(out, "   signed  by %s, who is not in the chain\n", issuer);
}

static void describe(FILE *out, const mbedtls_x509_crt *chain, const mbedtls_x509_crt *crt,
		     unsigned number, time_t now)
{
	char subject[DN_SIZE] = "?", serial[128] = "?", print[96], key[48];
	const bool pss = crt->MBEDTLS_PRIVATE(sig_pk) == MBEDTLS_PK_RSASSA_PSS;

	if (mbedtls_x509_dn_gets(subject, sizeof subject, &crt->subject) <= 0)
		snprintf(subject, sizeof subject, "(no subject)");
	mbedtls_x509_serial_gets(serial, sizeof serial, &crt->serial);
	certs_fingerprint(crt, print);
	fprintf(out, "%-2u %s\n   is      ", number, subject);
	print_purpose(out, crt);
	fputc('\n', out);
	print_names(out, crt);
	print_signer(out, chain, crt);
	print_validity(out, crt, now);
	fprintf(out, "   key     %s; signature %s with %s\n", certs_describe_key(&crt->pk, key),
		pss                                              ? "RSA-PSS"
		: crt->MBEDTLS_PRIVATE(sig_pk) == MBEDTLS_PK_RSA ? "RSA"
								 : "ECDSA",
		md_name(crt->MBEDTLS_PRIVATE(sig_md)));
	fprintf(out, "   serial  %s\n   SHA-256 %s\n", serial, print);
}

void certs_describe_chain(FILE *out, const mbedtls_x509_crt *chain, time_t now)
{
	unsigned number = 1;

	for (const mbedtls_x509_crt *at = chain; at && at->raw.len > 0; at = at->next)
		describe(out, chain, at, number++, now);
}
