/* SPDX-License-Identifier: Apache-2.0 */
/* names.c — DNS names and addresses in certificates: see names.h. */
#include "certs/names.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define DNS_NAME_LEN 253u /* RFC 1035 2.3.4, without the dot of the root */
#define DNS_LABEL_LEN 63u

size_t certs_parse_ip(const char *text, unsigned char bytes[16])
{
	if (inet_pton(AF_INET, text, bytes) == 1)
		return 4;
	return inet_pton(AF_INET6, text, bytes) == 1 ? 16 : 0;
}

/* ------------------------------------------------------------------ what may stand there */

static bool label_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_';
}

static const char *label_problem(const char *label, size_t len)
{
	if (len == 0)
		return "there is nothing between two dots, or before or after one";
	if (len > DNS_LABEL_LEN)
		return "a part between dots has more than 63 characters";
	if (label[0] == '-' || label[len - 1] == '-')
		return "a part begins or ends with a hyphen";
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)label[i] >= 0x80)
			return "names in other scripts are written in their xn-- form";
		if (label[i] == '*')
			return "a star can only be the whole of the first part, as in "
			       "*.example.org";
		if (!label_char(label[i]))
			return "it has a character that no DNS name has";
	}
	return NULL;
}

const char *certs_name_problem(const char *name)
{
	unsigned char ip[16];
	const char *problem = NULL;

	if (certs_parse_ip(name, ip))
		return NULL;
	if (strlen(name) > DNS_NAME_LEN)
		return "it has more than 253 characters";
	if (strncmp(name, "*.", 2) == 0)
		name += 2;
	/* All digits and dots: an address with a slip, which no client would look up as a name. */
	if (name[0] != '\0' && strspn(name, "0123456789.") == strlen(name))
		return "it is neither a name nor an address";
	while (!problem) {
		const size_t len = strcspn(name, ".");
		problem = label_problem(name, len);
		if (name[len] == '\0')
			break;
		name += len + 1;
	}
	return problem;
}

/* ------------------------------------------------------------------ what stands there */

struct san {
	int type;
	const unsigned char *p;
	size_t len;
};

/* False for an entry that Mbed TLS cannot read. */
static bool read_san(const mbedtls_x509_sequence *at, struct san *out)
{
	mbedtls_x509_subject_alternative_name san;

	if (mbedtls_x509_parse_subject_alt_name(&at->buf, &san))
		return false;
	/* What it points to is the certificate's own. */
	*out = (struct san){san.type, san.san.unstructured_name.p, san.san.unstructured_name.len};
	mbedtls_x509_free_subject_alt_name(&san);
	return true;
}

static bool equals(const struct san *san, const char *name)
{
	unsigned char ip[16];
	const size_t ip_len = certs_parse_ip(name, ip);

	if (ip_len)
		return san->type == MBEDTLS_X509_SAN_IP_ADDRESS && san->len == ip_len &&
		       memcmp(san->p, ip, ip_len) == 0;
	return san->type == MBEDTLS_X509_SAN_DNS_NAME && san->len == strlen(name) &&
	       strncasecmp((const char *)san->p, name, san->len) == 0;
}

/* "*.example.org" against "www.example.org" */
static bool star_matches(const struct san *san, const char *name)
{
	unsigned char ip[16];
	const char *dot = strchr(name, '.');

	return san->type == MBEDTLS_X509_SAN_DNS_NAME && san->len > 2 &&
	       memcmp(san->p, "*.", 2) == 0 && dot && dot != name && !certs_parse_ip(name, ip) &&
	       strlen(dot) == san->len - 1 &&
	       strncasecmp((const char *)san->p + 1, dot, san->len - 1) == 0;
}

static bool has(const mbedtls_x509_crt *leaf, const char *name, bool stars)
{
	struct san san;

	for (const mbedtls_x509_sequence *at = &leaf->subject_alt_names; at; at = at->next)
		if (at->buf.p && read_san(at, &san) &&
		    (equals(&san, name) || (stars && star_matches(&san, name))))
			return true;
	return false;
}

bool certs_leaf_covers(const mbedtls_x509_crt *leaf, const char *const *names)
{
	for (; *names; names++)
		if (!has(leaf, *names, false))
			return false;
	return true;
}

bool certs_leaf_matches(const mbedtls_x509_crt *leaf, const char *name)
{
	return has(leaf, name, true);
}

/* False for what is neither a DNS name nor an address. */
static bool san_text(const struct san *san, char text[CERTS_NAME_SIZE])
{
	if (san->type == MBEDTLS_X509_SAN_IP_ADDRESS && san->len == 4)
		return inet_ntop(AF_INET, san->p, text, CERTS_NAME_SIZE) != NULL;
	if (san->type == MBEDTLS_X509_SAN_IP_ADDRESS && san->len == 16)
		return inet_ntop(AF_INET6, san->p, text, CERTS_NAME_SIZE) != NULL;
	if (san->type != MBEDTLS_X509_SAN_DNS_NAME || san->len == 0 || san->len > DNS_NAME_LEN)
		return false;
	memcpy(text, san->p, san->len);
	text[san->len] = '\0';
	return strlen(text) == san->len && certs_name_problem(text) == NULL;
}

void certs_names_of(const mbedtls_x509_crt *crt, struct certs_names *names)
{
	struct san san;

	names->count = names->left_out = 0;
	for (const mbedtls_x509_sequence *at = &crt->subject_alt_names; at; at = at->next) {
		if (!at->buf.p)
			continue;
		if (names->count < CERTS_NAMES_MAX && read_san(at, &san) &&
		    san_text(&san, names->text[names->count])) {
			names->list[names->count] = names->text[names->count];
			names->count++;
		} else {
			names->left_out++;
		}
	}
	names->list[names->count] = NULL;
}
