/* SPDX-License-Identifier: Apache-2.0 */
/* make.c — see make.h. Certificates follow RFC 5280 and what browsers ask of them. */
#include "certs/make.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/utsname.h>

#include <mbedtls/asn1write.h>
#include <mbedtls/oid.h>
#include <mbedtls/psa_util.h>
#include <psa/crypto.h>

#define SERIAL_LEN 16
#define ONE_HOUR 3600
#define ONE_DAY (24 * 3600)

int certs_make_key(mbedtls_pk_context *key, char pem[CERTS_PEM_SIZE])
{
	int err = mbedtls_pk_setup(key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));

	if (!err)
		err = mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*key),
					  mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
	if (!err)
		err = mbedtls_pk_write_key_pem(key, (unsigned char *)pem, CERTS_PEM_SIZE);
	return err;
}

size_t certs_parse_ip(const char *text, unsigned char bytes[16])
{
	if (inet_pton(AF_INET, text, bytes) == 1)
		return 4;
	return inet_pton(AF_INET6, text, bytes) == 1 ? 16 : 0;
}

static void time_text(time_t t, char text[16])
{
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(text, 16, "%Y%m%d%H%M%S", &tm);
}

/* What root and leaf have in common: version, serial, validity, signature algorithm. */
static int begin(mbedtls_x509write_cert *crt, time_t now, int days)
{
	unsigned char serial[SERIAL_LEN];
	char from[16], to[16];

	mbedtls_x509write_crt_init(crt);
	mbedtls_x509write_crt_set_version(crt, MBEDTLS_X509_CRT_VERSION_3);
	mbedtls_x509write_crt_set_md_alg(crt, MBEDTLS_MD_SHA256);
	if (psa_generate_random(serial, sizeof serial) != PSA_SUCCESS)
		return MBEDTLS_ERR_X509_FATAL_ERROR;
	/* Positive and of full length (RFC 5280 4.1.2.2). */
	serial[0] = (unsigned char)((serial[0] & 0x7f) | 0x40);
	time_text(now - ONE_HOUR, from); /* clocks differ */
	time_text(now + (time_t)days * ONE_DAY, to);
	int err = mbedtls_x509write_crt_set_serial_raw(crt, serial, sizeof serial);
	if (!err)
		err = mbedtls_x509write_crt_set_validity(crt, from, to);
	return err;
}

static int finish(mbedtls_x509write_cert *crt, char pem[CERTS_PEM_SIZE])
{
	return mbedtls_x509write_crt_pem(crt, (unsigned char *)pem, CERTS_PEM_SIZE,
					 mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
}

/* "CN=tunhttpd local CA on HOST, 2026-11-24": tells one machine's root from another's in a trust store. */
static void root_name(time_t now, char name[160])
{
	struct utsname host;
	struct tm tm;
	char day[16];

	if (uname(&host))
		snprintf(host.nodename, sizeof host.nodename, "this host");
	for (char *p = host.nodename; *p; p++)
		if (strchr(",=+<>#;\\\"", *p))
			*p = '-';
	gmtime_r(&now, &tm);
	strftime(day, sizeof day, "%Y-%m-%d", &tm);
	/* A common name has at most 64 characters (RFC 5280, ub-common-name). */
	snprintf(name, 160, "O=tunhttpd,CN=tunhttpd local CA on %.26s %s", host.nodename, day);
}

int certs_make_root(mbedtls_pk_context *key, time_t now, char pem[CERTS_PEM_SIZE])
{
	mbedtls_x509write_cert crt;
	char name[160];

	root_name(now, name);
	int err = begin(&crt, now, CERTS_CA_DAYS);
	mbedtls_x509write_crt_set_subject_key(&crt, key);
	mbedtls_x509write_crt_set_issuer_key(&crt, key);
	if (!err)
		err = mbedtls_x509write_crt_set_subject_name(&crt, name);
	if (!err)
		err = mbedtls_x509write_crt_set_issuer_name(&crt, name);
	if (!err)
		err = mbedtls_x509write_crt_set_basic_constraints(&crt, 1, 0);
	if (!err)
		err = mbedtls_x509write_crt_set_key_usage(&crt, MBEDTLS_X509_KU_KEY_CERT_SIGN |
									MBEDTLS_X509_KU_CRL_SIGN);
	if (!err)
		err = mbedtls_x509write_crt_set_subject_key_identifier(&crt);
	if (!err)
		err = mbedtls_x509write_crt_set_authority_key_identifier(&crt);
	if (!err)
		err = finish(&crt, pem);
	mbedtls_x509write_crt_free(&crt);
	return err;
}

/* subjectAltName from names and addresses. */
static int set_san(mbedtls_x509write_cert *crt, const char *const *names)
{
	size_t n = 0;

	while (names[n])
		n++;
	mbedtls_x509_san_list *list = calloc(n + 1, sizeof *list);
	unsigned char(*ips)[16] = calloc(n + 1, sizeof *ips);
	int err = list && ips ? 0 : MBEDTLS_ERR_X509_ALLOC_FAILED;
	for (size_t i = 0; i < n && !err; i++) {
		const size_t ip_len = certs_parse_ip(names[i], ips[i]);
		mbedtls_x509_subject_alternative_name *san = &list[i].node;
		san->type = ip_len ? MBEDTLS_X509_SAN_IP_ADDRESS : MBEDTLS_X509_SAN_DNS_NAME;
		san->san.unstructured_name.p =
			ip_len ? ips[i] : (unsigned char *)(uintptr_t)names[i];
		san->san.unstructured_name.len = ip_len ? ip_len : strlen(names[i]);
		list[i].next = i + 1 < n ? &list[i + 1] : NULL;
	}
	if (!err && n > 0)
		err = mbedtls_x509write_crt_set_subject_alternative_name(crt, list);
	free(list);
	free(ips);
	return err;
}

static int set_server_auth(mbedtls_x509write_cert *crt)
{
	mbedtls_asn1_sequence eku = {
		.buf = {.tag = MBEDTLS_ASN1_OID,
			.len = MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH),
			.p = (unsigned char *)(uintptr_t)MBEDTLS_OID_SERVER_AUTH},
	};

	return mbedtls_x509write_crt_set_ext_key_usage(crt, &eku);
}

int certs_make_leaf(mbedtls_pk_context *key, const mbedtls_x509_crt *root,
		    mbedtls_pk_context *root_key, const char *const *names, time_t now,
		    char pem[CERTS_PEM_SIZE])
{
	mbedtls_x509write_cert crt;
	char issuer[256];

	int err = begin(&crt, now, CERTS_LEAF_DAYS);
	if (!err && mbedtls_x509_dn_gets(issuer, sizeof issuer, &root->subject) < 0)
		err = MBEDTLS_ERR_X509_BUFFER_TOO_SMALL;
	mbedtls_x509write_crt_set_subject_key(&crt, key);
	mbedtls_x509write_crt_set_issuer_key(&crt, root_key);
	if (!err)
		err = mbedtls_x509write_crt_set_issuer_name(&crt, issuer);
	if (!err)
		err = mbedtls_x509write_crt_set_subject_name(&crt, "O=tunhttpd,CN=tunhttpd");
	if (!err)
		err = mbedtls_x509write_crt_set_basic_constraints(&crt, 0, -1);
	if (!err)
		err = mbedtls_x509write_crt_set_key_usage(&crt, MBEDTLS_X509_KU_DIGITAL_SIGNATURE);
	if (!err)
		err = set_server_auth(&crt);
	if (!err)
		err = set_san(&crt, names);
	if (!err)
		err = mbedtls_x509write_crt_set_subject_key_identifier(&crt);
	if (!err)
		err = mbedtls_x509write_crt_set_authority_key_identifier(&crt);
	if (!err)
		err = finish(&crt, pem);
	mbedtls_x509write_crt_free(&crt);
	return err;
}

/* ------------------------------------------------------------------ judging */

static bool covers(const mbedtls_x509_sequence *sans, const char *name)
{
	unsigned char ip[16];
	const size_t ip_len = certs_parse_ip(name, ip);
	mbedtls_x509_subject_alternative_name san;

	for (; sans; sans = sans->next) {
		if (mbedtls_x509_parse_subject_alt_name(&sans->buf, &san))
			continue;
		const mbedtls_x509_buf *v = &san.san.unstructured_name;
		const bool hit = (san.type == MBEDTLS_X509_SAN_IP_ADDRESS && ip_len &&
				  v->len == ip_len && memcmp(v->p, ip, ip_len) == 0) ||
				 (san.type == MBEDTLS_X509_SAN_DNS_NAME && !ip_len &&
				  v->len == strlen(name) &&
				  strncasecmp((const char *)v->p, name, v->len) == 0);
		mbedtls_x509_free_subject_alt_name(&san);
		if (hit)
			return true;
	}
	return false;
}

bool certs_leaf_covers(const mbedtls_x509_crt *leaf, const char *const *names)
{
	for (; *names; names++)
		if (!covers(&leaf->subject_alt_names, *names))
			return false;
	return true;
}

time_t certs_time(const mbedtls_x509_time *t)
{
	struct tm tm = {.tm_year = t->year - 1900,
			.tm_mon = t->mon - 1,
			.tm_mday = t->day,
			.tm_hour = t->hour,
			.tm_min = t->min,
			.tm_sec = t->sec};

	return timegm(&tm);
}
