/* SPDX-License-Identifier: Apache-2.0 */
/* tls_names.c — which identities are for which name: see tls_internal.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tls/tls_internal.h"

/* A DNS name has at most 253 characters (RFC 1035 2.3.4 without the root's dot). */
#define NAME_MAX_LEN 253u

#define SAN_TYPE_MASK 0x1fu /* of the tag: GeneralName's choice (RFC 5280 4.2.1.6) */

static char lower(unsigned char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static bool is_dns(const mbedtls_x509_buf *san)
{
	return ((unsigned)san->tag & SAN_TYPE_MASK) == MBEDTLS_X509_SAN_DNS_NAME;
}

static bool add(struct tls_names *names, const mbedtls_x509_buf *san, size_t identity)
{
	if (names->count == names->cap) {
		const size_t cap = names->cap ? 2 * names->cap : 8;
		struct tls_name *more = realloc(names->entry, cap * sizeof *more);
		if (!more)
			return false;
		names->entry = more;
		names->cap = cap;
	}
	char *name = malloc(san->len + 1);
	if (!name)
		return false;
	for (size_t i = 0; i < san->len; i++)
		name[i] = lower(san->p[i]);
	name[san->len] = '\0';
	names->entry[names->count++] = (struct tls_name){name, identity};
	return true;
}

int tls_names_add(struct tls_names *names, const mbedtls_x509_crt *leaf, size_t identity,
		  char error[TLS_ERROR_SIZE])
{
	for (const mbedtls_x509_sequence *san = &leaf->subject_alt_names; san; san = san->next) {
		if (san->buf.len == 0 || san->buf.len > NAME_MAX_LEN || !is_dns(&san->buf) ||
		    memchr(san->buf.p, '\0', san->buf.len))
			continue;
		if (!add(names, &san->buf, identity)) {
			snprintf(error, TLS_ERROR_SIZE, "certificate: out of memory for its names");
			return -1;
		}
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct tls_name *x = a, *y = b;
	const int order = strcmp(x->name, y->name);

	return order ? order : x->identity < y->identity ? -1 : x->identity > y->identity;
}

void tls_names_sort(struct tls_names *names)
{
	if (names->count > 1)
		qsort(names->entry, names->count, sizeof *names->entry, compare);
}

static bool find(const struct tls_names *names, const char *name, size_t *first, size_t *count)
{
	size_t low = 0, high = names->count;

	while (low < high) {
		const size_t mid = low + (high - low) / 2;
		if (strcmp(names->entry[mid].name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	*first = low;
	while (low < names->count && strcmp(names->entry[low].name, name) == 0)
		low++;
	*count = low - *first;
	return *count > 0;
}

bool tls_names_find(const struct tls_names *names, const unsigned char *name, size_t len,
		    size_t *first, size_t *count)
{
	char text[NAME_MAX_LEN + 1];

	*first = *count = 0;
	if (len > 0 && name[len - 1] == '.')
		len--; /* RFC 6066 3 forbids the dot, some send it */
	if (len == 0 || len > NAME_MAX_LEN || memchr(name, '\0', len) || name[0] == '*')
		return false;
	for (size_t i = 0; i < len; i++)
		text[i] = lower(name[i]);
	text[len] = '\0';
	if (find(names, text, first, count))
		return true;
	/* The first label becomes the star: its last character is overwritten. */
	char *dot = strchr(text, '.');
	if (!dot || dot == text)
		return false;
	dot[-1] = '*';
	return find(names, dot - 1, first, count);
}

static bool listed(const mbedtls_x509_sequence *list, const mbedtls_x509_buf *san)
{
	for (; list; list = list->next)
		if (list->buf.tag == san->tag && list->buf.len == san->len &&
		    (san->len == 0 || memcmp(list->buf.p, san->p, san->len) == 0))
			return true;
	return false;
}

static bool contains(const mbedtls_x509_crt *all, const mbedtls_x509_crt *some)
{
	for (const mbedtls_x509_sequence *san = &some->subject_alt_names; san; san = san->next)
		if (!listed(&all->subject_alt_names, &san->buf))
			return false;
	return true;
}

bool tls_names_alike(const mbedtls_x509_crt *a, const mbedtls_x509_crt *b)
{
	return contains(a, b) && contains(b, a);
}

void tls_names_free(struct tls_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->entry[i].name);
	free(names->entry);
	*names = (struct tls_names){0};
}
