/* SPDX-License-Identifier: Apache-2.0 */
/* options_limits.c — the kinds of values that limits have. */
#include "server/options_limits.h"

#include <string.h>

#include "http/gate.h"
#include "http/range.h"
#include "server/options_table.h"

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

#define HEAD_MIN 512
#define TARGET_MIN 64
#define BODY_MAX (1ull << 40)
#define FIELDS_MAX 10000
#define CONNECTIONS_MAX 1000000 /* of a worker; the stack is made for as many */
#define RATE_MAX 1000000        /* then a byte is worth a microsecond: http/rate.h */

_Static_assert(HTTP_HEAD_MAX == 65535 && HTTP_RANGES_MAX == 64, "the texts below say so");

static bool parse_head_size(const char *text, void *field)
{
	return value_size(text, HEAD_MIN, HTTP_HEAD_MAX, field);
}

static bool parse_target_size(const char *text, void *field)
{
	return value_size(text, TARGET_MIN, HTTP_HEAD_MAX, field);
}

static bool parse_body_size(const char *text, void *field)
{
	return value_size(text, 0, BODY_MAX, field);
}

static bool parse_count(const char *text, unsigned long min, unsigned long max, void *field)
{
	unsigned long n;

	if (!value_number(text, min, max, &n))
		return false;
	*(unsigned *)field = (unsigned)n;
	return true;
}

static bool parse_fields(const char *text, void *field)
{
	return parse_count(text, 1, FIELDS_MAX, field);
}

static bool parse_requests(const char *text, void *field)
{
	return parse_count(text, 1, UINT32_MAX, field);
}

static bool parse_ranges(const char *text, void *field)
{
	return parse_count(text, 0, HTTP_RANGES_MAX, field);
}

static bool parse_connections(const char *text, void *field)
{
	return parse_count(text, 1, CONNECTIONS_MAX, field);
}

static bool parse_client_connections(const char *text, void *field)
{
	if (strcmp(text, "off") != 0)
		return parse_count(text, 1, UINT32_MAX, field);
	*(unsigned *)field = 0;
	return true;
}

static bool parse_limit(const char *text, void *field)
{
	return value_limit(text, field);
}

static bool parse_prefixes(const char *text, void *field)
{
	return value_prefixes(text, field);
}

static bool parse_rate(const char *text, void *field)
{
	uint64_t rate = 0;

	if (strcmp(text, "off") != 0 && !value_size(text, 1, RATE_MAX, &rate))
		return false;
	*(uint32_t *)field = (uint32_t)rate;
	return true;
}

const struct option_kind option_kind_connections = {.parse = parse_connections,
						    .allowed = "1 to " TEXT(CONNECTIONS_MAX)};
const struct option_kind option_kind_client_connections = {.parse = parse_client_connections,
							   .allowed = "1 to 4294967295, or off"};
const struct option_kind option_kind_limit = {
	.parse = parse_limit,
	.allowed = "a number a second or minute, such as 20/s or 20/s,100 with a burst, or off"};
const struct option_kind option_kind_prefixes = {
	.parse = parse_prefixes,
	.allowed = "addresses or prefixes such as 10.0.0.0/8 with commas between, up to 64",
	.joint = ','};
const struct option_kind option_kind_rate = {
	.parse = parse_rate,
	.allowed = "bytes a second up to " TEXT(RATE_MAX) ", such as 240 or 1k, or off"};
const struct option_kind option_kind_head_size = {
	.parse = parse_head_size, .allowed = "bytes from " TEXT(HEAD_MIN) " to 65535, such as 16k"};
const struct option_kind option_kind_target_size = {
	.parse = parse_target_size,
	.allowed = "bytes from " TEXT(TARGET_MIN) " to 65535, such as 8k"};
const struct option_kind option_kind_body_size = {
	.parse = parse_body_size, .allowed = "bytes up to 1024g, such as 500, 64k, 1m or 2g"};
const struct option_kind option_kind_fields = {.parse = parse_fields,
					       .allowed = "1 to " TEXT(FIELDS_MAX)};
const struct option_kind option_kind_requests = {.parse = parse_requests,
						 .allowed = "1 to 4294967295"};
const struct option_kind option_kind_ranges = {.parse = parse_ranges, .allowed = "0 to 64"};
