/* SPDX-License-Identifier: Apache-2.0 */
/* Accept and its weights: see accept.h. */
#include "http/accept.h"

/* qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ) */
static unsigned parse_qvalue(struct http_str s)
{
	unsigned value, unit = 100;

	if (s.len == 0 || s.len > 5 || (s.at[0] != '0' && s.at[0] != '1') ||
	    (s.len > 1 && s.at[1] != '.'))
		return 0;
	value = s.at[0] == '1' ? HTTP_WEIGHT_MAX : 0;
	for (size_t i = 2; i < s.len; i++, unit /= 10) {
		if (!http_is_digit(s.at[i]))
			return 0;
		value += (unsigned)(s.at[i] - '0') * unit;
	}
	return value <= HTTP_WEIGHT_MAX ? value : 0;
}

/* Takes what stands before the next ';' off *rest, trimmed. False at the end. */
static bool next_parameter(struct http_str *rest, struct http_str *parameter)
{
	const char *semicolon = rest->len > 0 ? memchr(rest->at, ';', rest->len) : NULL;
	const size_t len = semicolon ? (size_t)(semicolon - rest->at) : rest->len;
	const size_t step = semicolon ? len + 1 : len;

	if (rest->len == 0)
		return false;
	*parameter = http_str_trim((struct http_str){rest->at, len});
	rest->at += step;
	rest->len -= step;
	return true;
}

struct http_str http_weighted(struct http_str element, unsigned *weight)
{
	struct http_str name = {element.at, 0}, parameter;

	*weight = HTTP_WEIGHT_MAX;
	if (!next_parameter(&element, &name))
		return name;
	while (next_parameter(&element, &parameter))
		if (parameter.len >= 2 && http_lower(parameter.at[0]) == 'q' &&
		    parameter.at[1] == '=')
			*weight = parse_qvalue(
				(struct http_str){parameter.at + 2, parameter.len - 2});
	return name;
}

/* How specific a media range is for a type: 0 does not match, 1 "*", 2 "text/" and any, 3 the type. */
static int specificity(struct http_str range, const char *type)
{
	const size_t slash = strcspn(type, "/") + 1; /* with it */

	if (http_str_is(range, type))
		return 3;
	if (http_str_is(range, "*/*"))
		return 1;
	return range.len == slash + 1 && range.at[slash] == '*' &&
			       http_str_equal_nocase((struct http_str){range.at, slash},
						     (struct http_str){type, slash})
		       ? 2
		       : 0;
}

struct http_preference http_accept(const struct http_request *r, const char *type)
{
	struct http_preference found = {0, false};
	struct http_str value, element;
	unsigned index = 0, weight;
	int best = 0;

	if (http_request_field_count(r, HTTP_FIELD_ACCEPT) == 0)
		return (struct http_preference){HTTP_WEIGHT_MAX, false};
	while (http_request_next_field(r, HTTP_FIELD_ACCEPT, &index, &value)) {
		while (http_list_next(&value, &element)) {
			const int match = specificity(http_weighted(element, &weight), type);

			if (match > best || (match == best && match > 0 && weight > found.weight)) {
				best = match;
				found.weight = weight;
			}
		}
	}
	found.named = best == 3;
	return found;
}

/* The weight of what Accept likes best. */
static unsigned best_weight(const struct http_request *r)
{
	struct http_str value, element;
	unsigned index = 0, weight, best = 0;

	while (http_request_next_field(r, HTTP_FIELD_ACCEPT, &index, &value)) {
		while (http_list_next(&value, &element)) {
			http_weighted(element, &weight);
			if (weight > best)
				best = weight;
		}
	}
	return best;
}

bool http_is_navigation(const struct http_request *r)
{
	const struct http_str mode = http_request_field(r, HTTP_FIELD_SEC_FETCH_MODE);

	if (mode.at)
		return http_str_equal(mode, "navigate");
	const struct http_preference html = http_accept(r, "text/html");
	return html.named && html.weight > 0 && html.weight >= best_weight(r);
}
