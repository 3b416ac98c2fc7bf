/* SPDX-License-Identifier: Apache-2.0 */
/* make.c — making keys and certificates: see make.h. */
#include "certs/make.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <mbedtls/asn1write.h>
#include <mbedtls/oid.h>
#include <mbedtls/psa_util.h>
#include <mbedtls/rsa.h>
#include <psa/crypto.h>

#include "certs/names.h"

#define SERIAL_LEN 16
#define COMMON_NAME_LEN 64
#define RSA_BITS 2048
#define RSA_EXPONENT 65537
#define RNG mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE

int certs_make_key(mbedtls_pk_context *key, enum certs_key_type type, char pem[CERTS_PEM_SIZE])
{
	const bool rsa = type == CERTS_RSA;
	int err = mbedtls_pk_setup(key, mbedtls_pk_info_from_type(rsa ? MBEDTLS_PK_RSA
								      : MBEDTLS_PK_ECKEY));

	if (!err && rsa)
		err = mbedtls_rsa_gen_key(mbedtls_pk_rsa(*key), RNG, RSA_BITS, RSA_EXPONENT);
	else if (!err)
		err = mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*key), RNG);
	if (!err)
		err = mbedtls_pk_write_key_pem(key, (unsigned char *)pem, CERTS_PEM_SIZE);
	return err;
}

/* ------------------------------------------------------------------ fields */

static void time_text(time_t t, char text[16])
{
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(text, 16, "%Y%m%d%H%M%S", &tm);
}

/* A certificate is of no use before and after the one that vouches for it. */
static int set_validity(mbedtls_x509write_cert *crt, const struct certs_request *r,
			const struct certs_signer *by)
{
	char from[16], to[16];
	time_t first = r->from, last = r->to;

	if (by->crt && certs_time(&by->crt->valid_from) > first)
		first = certs_time(&by->crt->valid_from);
	if (by->crt && certs_time(&by->crt->valid_to) < last)
		last = certs_time(&by->crt->valid_to);
	time_text(first, from);
	time_text(last, to);
	return mbedtls_x509write_crt_set_validity(crt, from, to);
}

static int set_serial(mbedtls_x509write_cert *crt)
{
	unsigned char serial[SERIAL_LEN];

	if (psa_generate_random(serial, sizeof serial) != PSA_SUCCESS)
		return MBEDTLS_ERR_X509_FATAL_ERROR;
	/* Positive and of full length (RFC 5280 4.1.2.2). */
	serial[0] = (unsigned char)((serial[0] & 0x7f) | 0x40);
	return mbedtls_x509write_crt_set_serial_raw(crt, serial, sizeof serial);
}

/* subjectAltName from names and addresses. */
static int set_san(mbedtls_x509write_cert *crt, const char *const *names)
{
	size_t n = 0;

	while (names && names[n])
		n++;
	if (n == 0)
		return 0;
	mbedtls_x509_san_list *list = calloc(n, sizeof *list);
	unsigned char(*ips)[16] = calloc(n, sizeof *ips);
	int err = list && ips ? 0 : MBEDTLS_ERR_X509_ALLOC_FAILED;
	for (size_t i = 0; i < n && !err; i++) {
		const size_t ip_len = certs_parse_ip(names[i], ips[i]);
		mbedtls_x509_subject_alternative_name *san = &list[i].node;
		san->type = ip_len ? MBEDTLS_X509_SAN_IP_ADDRESS : MBEDTLS_X509_SAN_DNS_NAME;
		san->san.unstructured_name.p =
			ip_len ? ips[i] : (unsigned char *)(uintptr_t)names[i];
		san->san.unstructured_name.len = ip_len ? ip_len : strlen(names[i]);
		list[i].next = i > 0 ? &list[i - 1] : NULL; /* Mbed TLS turns them round */
	}
	if (!err)
		err = mbedtls_x509write_crt_set_subject_alternative_name(crt, &list[n - 1]);
	free(list);
	free(ips);
	return err;
}

#define OID(name)                                                                     \
	{                                                                             \
		.tag = MBEDTLS_ASN1_OID, .len = MBEDTLS_OID_SIZE(MBEDTLS_OID_##name), \
		.p = (unsigned char *)(uintptr_t)MBEDTLS_OID_##name,                  \
	}

/* RFC 5280 4.2.1.12; for a CA it is what those below it may be at most. */
static int set_extended_usage(mbedtls_x509write_cert *crt, const struct certs_request *r)
{
	mbedtls_asn1_sequence client = {.buf = OID(CLIENT_AUTH)},
			      server = {.buf = OID(SERVER_AUTH)};

	if (r->purpose == CERTS_CA && r->path_length > 0)
		return 0; /* the root: trust stores add their own limits */
	if (r->purpose == CERTS_CA)
		server.next = &client;
	return mbedtls_x509write_crt_set_ext_key_usage(crt, r->purpose == CERTS_CLIENT ? &client
										       : &server);
}

static int set_usage(mbedtls_x509write_cert *crt, const struct certs_request *r)
{
	const bool ca = r->purpose == CERTS_CA;
	int err = mbedtls_x509write_crt_set_basic_constraints(crt, ca, ca ? r->path_length : -1);

	if (!err)
		err = mbedtls_x509write_crt_set_key_usage(
			crt, ca ? MBEDTLS_X509_KU_KEY_CERT_SIGN | MBEDTLS_X509_KU_CRL_SIGN
				: MBEDTLS_X509_KU_DIGITAL_SIGNATURE);
	return err ? err : set_extended_usage(crt, r);
}

static int set_names(mbedtls_x509write_cert *crt, const struct certs_request *r,
		     const struct certs_signer *by)
{
	char issuer[CERTS_SUBJECT_SIZE];
	int err = mbedtls_x509write_crt_set_subject_name(crt, r->subject);

	if (!err && by->crt && mbedtls_x509_dn_gets(issuer, sizeof issuer, &by->crt->subject) < 0)
		err = MBEDTLS_ERR_X509_BUFFER_TOO_SMALL;
	if (!err)
		err = mbedtls_x509write_crt_set_issuer_name(crt, by->crt ? issuer : r->subject);
	return err ? err : set_san(crt, r->names);
}

int certs_make(const struct certs_request *request, const struct certs_signer *by,
	       char pem[CERTS_PEM_SIZE])
{
	mbedtls_x509write_cert crt;

	mbedtls_x509write_crt_init(&crt);
	mbedtls_x509write_crt_set_version(&crt, MBEDTLS_X509_CRT_VERSION_3);
	mbedtls_x509write_crt_set_md_alg(&crt, MBEDTLS_MD_SHA256);
	mbedtls_x509write_crt_set_subject_key(&crt, request->key);
	mbedtls_x509write_crt_set_issuer_key(&crt, by->key);
	int err = set_serial(&crt);
	if (!err)
		err = set_validity(&crt, request, by);
	if (!err)
		err = set_names(&crt, request, by);
	if (!err)
		err = set_usage(&crt, request);
	if (!err)
		err = mbedtls_x509write_crt_set_subject_key_identifier(&crt);
	if (!err)
		err = mbedtls_x509write_crt_set_authority_key_identifier(&crt);
	if (!err)
		err = mbedtls_x509write_crt_pem(&crt, (unsigned char *)pem, CERTS_PEM_SIZE, RNG);
	mbedtls_x509write_crt_free(&crt);
	return err;
}

/* ------------------------------------------------------------------ subjects */

void certs_ca_subject(const char *what, time_t now, char subject[CERTS_SUBJECT_SIZE])
{
	struct utsname host;
	struct tm tm;
	char day[16], name[COMMON_NAME_LEN + 1];

	if (uname(&host))
		snprintf(host.nodename, sizeof host.nodename, "this host");
	gmtime_r(&now, &tm);
	strftime(day, sizeof day, "%Y-%m-%d", &tm);
	/* As much of the host's name as there is room for. */
	const int room = COMMON_NAME_LEN -
			 (int)(strlen("tunhttpd local  on  ") + strlen(what) + strlen(day));
	snprintf(name, sizeof name, "tunhttpd local %.16s on %.*s %s", what, room > 0 ? room : 0,
		 host.nodename, day);
	if (certs_subject(name, subject))
		snprintf(subject, CERTS_SUBJECT_SIZE, "O=tunhttpd,CN=tunhttpd local %.16s %s", what,
			 day);
}

static bool plain(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr(" -_.@:*()'", c));
}

/* RFC 3629 3, as far as it takes to tell UTF-8 from something else. */
static bool is_utf8(const char *text)
{
	while (*text) {
		const unsigned char c = (unsigned char)*text++;
		int more = c < 0x80   ? 0
			   : c < 0xc2 ? -1
			   : c < 0xe0 ? 1
			   : c < 0xf0 ? 2
			   : c < 0xf5 ? 3
				      : -1;
		if (more < 0)
			return false;
		for (; more > 0; more--)
			if (((unsigned char)*text++ & 0xc0) != 0x80)
				return false;
	}
	return true;
}

int certs_subject(const char *name, char subject[CERTS_SUBJECT_SIZE])
{
	static const char head[] = "O=tunhttpd,CN=";
	const size_t len = strlen(name);
	char *at = subject + sizeof head - 1;

	if (len == 0 || len > COMMON_NAME_LEN || name[0] == ' ' || name[len - 1] == ' ' ||
	    !is_utf8(name))
		return -1;
	memcpy(subject, head, sizeof head);
	for (; *name; name++) {
		const unsigned char c = (unsigned char)*name;
		if (c < 0x20 || c == 0x7f)
			return -1;
		/* RFC 4514 2.4 */
		at += sprintf(at, plain(c) ? "%c" : "\\%02X", c);
	}
	return 0;
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
