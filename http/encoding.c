/* SPDX-License-Identifier: Apache-2.0 */
/* Accept-Encoding: see encoding.h. */
#include "http/encoding.h"

/* RFC 9110 12.4.2: a weight has three digits at most. What was said weighs 1 more than its thousandths.
 * So there is room below for identity that was not spoken of: acceptable, and the last choice. */
#define WEIGHT_FULL 1000
#define WEIGHT_SAID 1
#define WEIGHT_IMPLIED 1
#define UNSAID (-1)

static const struct {
	const char *name, *alias, *suffix;
} codings[HTTP_CODING_COUNT] = {
	[HTTP_CODING_BR] = {"br", NULL, ".br"},
	[HTTP_CODING_ZSTD] = {"zstd", NULL, ".zst"},
	/* RFC 9110 8.4.1.3: x-gzip is the same */
	[HTTP_CODING_GZIP] = {"gzip", "x-gzip", ".gz"},
	[HTTP_CODING_IDENTITY] = {"identity", NULL, ""},
};

/* What was said so far, in thousandths. */
struct said {
	int coding[HTTP_CODING_COUNT];
	int any; /* of "*" */
};

/* qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ); UNSAID when it is none. */
static int read_qvalue(struct http_str s)
{
	int value, unit = WEIGHT_FULL / 10;

	if (s.len == 0 || s.len > sizeof("0.000") - 1 || (s.at[0] != '0' && s.at[0] != '1') ||
	    (s.len > 1 && s.at[1] != '.'))
		return UNSAID;
	value = (s.at[0] - '0') * WEIGHT_FULL;
	for (size_t i = 2; i < s.len; i++, unit /= 10) {
		if (!http_is_digit(s.at[i]))
			return UNSAID;
		value += (s.at[i] - '0') * unit;
	}
	return value <= WEIGHT_FULL ? value : UNSAID;
}

/* Takes the coding's name off an element, and returns its weight: 1 when it has none. */
static int read_weight(struct http_str *element)
{
	const char *semicolon = memchr(element->at, ';', element->len);

	if (!semicolon)
		return WEIGHT_FULL;
	struct http_str weight = {semicolon + 1,
				  element->len - (size_t)(semicolon - element->at) - 1};
	weight = http_str_trim(weight);
	*element = http_str_trim((struct http_str){element->at, (size_t)(semicolon - element->at)});
	if (weight.len < 2 || http_lower(weight.at[0]) != 'q' || weight.at[1] != '=')
		return UNSAID;
	return read_qvalue((struct http_str){weight.at + 2, weight.len - 2});
}

static int *place_of(struct said *said, struct http_str name)
{
	for (int i = 0; i < HTTP_CODING_COUNT; i++)
		if (http_str_is(name, codings[i].name) ||
		    (codings[i].alias && http_str_is(name, codings[i].alias)))
			return &said->coding[i];
	return http_str_equal(name, "*") ? &said->any : NULL;
}

static void read_list(struct http_str list, struct said *said)
{
	struct http_str element;

	while (http_list_next(&list, &element)) {
		const int weight = read_weight(&element);
		int *place = place_of(said, element);

		if (place && *place == UNSAID)
			*place = weight;
	}
}

static void say_nothing(struct said *said)
{
	said->any = UNSAID;
	for (int i = 0; i < HTTP_CODING_COUNT; i++)
		said->coding[i] = UNSAID;
}

/* RFC 9110 12.5.3, items 2 to 4: "*" is each coding that was not named; identity needs no naming. */
static void conclude(const struct said *said, struct http_accepted *out)
{
	for (int i = 0; i < HTTP_CODING_COUNT; i++) {
		const int weight = said->coding[i] == UNSAID ? said->any : said->coding[i];

		out->weight[i] = weight > 0 ? (uint16_t)(weight + WEIGHT_SAID) : 0;
		if (i == HTTP_CODING_IDENTITY && weight == UNSAID)
			out->weight[i] = WEIGHT_IMPLIED;
	}
}

void http_encoding_read_list(struct http_str list, struct http_accepted *out)
{
	struct said said;

	say_nothing(&said);
	read_list(list, &said);
	conclude(&said, out);
}

void http_encoding_read(const struct http_request *r, struct http_accepted *out)
{
	struct http_str value;
	struct said said;
	unsigned index = 0;

	say_nothing(&said);
	while (http_request_next_field(r, HTTP_FIELD_ACCEPT_ENCODING, &index, &value))
		read_list(value, &said);
	conclude(&said, out);
}

enum http_coding http_encoding_choose(const struct http_accepted *accepted, unsigned available)
{
	enum http_coding best = HTTP_CODING_NONE;

	for (enum http_coding i = 0; i < HTTP_CODING_COUNT; i++)
		if (available & HTTP_CODING_BIT(i) && accepted->weight[i] > 0 &&
		    (best == HTTP_CODING_NONE || accepted->weight[i] > accepted->weight[best]))
			best = i;
	return best;
}

const char *http_coding_name(enum http_coding coding)
{
	return coding == HTTP_CODING_IDENTITY ? NULL : codings[coding].name;
}

const char *http_coding_suffix(enum http_coding coding)
{
	return codings[coding].suffix;
}
