/* SPDX-License-Identifier: Apache-2.0 */
/* Preconditions and ranges: see conditional.h. */
#include "http/conditional.h"

#include "http/date.h"

/* ------------------------------------------------------------------ entity-tags */

struct entity_tag {
	bool weak;
	struct http_str opaque; /* with its quotes */
};

/* entity-tag = [ "W/" ] DQUOTE *etagc DQUOTE (RFC 9110 8.8.3). Commas may stand within. */
static bool take_entity_tag(struct http_str *rest, struct entity_tag *tag)
{
	size_t at = 0;

	tag->weak = rest->len >= 2 && rest->at[0] == 'W' && rest->at[1] == '/';
	if (tag->weak)
		at = 2;
	if (at >= rest->len || rest->at[at] != '"')
		return false;
	const char *open = rest->at + at;
	const char *close = memchr(open + 1, '"', rest->len - at - 1);
	if (!close)
		return false;
	tag->opaque = (struct http_str){open, (size_t)(close - open) + 1};
	rest->len -= (size_t)(close + 1 - rest->at);
	rest->at = close + 1;
	return true;
}

/* Does a list of entity-tags, or "*", name the one that the file has? What is no entity-tag ends
 * the list: nothing that follows it can be trusted to be one. */
static bool list_matches(struct http_str list, const char *etag, bool strong)
{
	struct entity_tag tag;

	if (http_str_equal(list, "*"))
		return true;
	while (list.len > 0) {
		if (list.at[0] == ',' || http_is_ows(list.at[0])) {
			list.at++;
			list.len--;
			continue;
		}
		if (!take_entity_tag(&list, &tag))
			return false;
		/* RFC 9110 8.8.3.2: strong comparison wants both strong; ours always is. */
		if (http_str_equal(tag.opaque, etag) && !(strong && tag.weak))
			return true;
	}
	return false;
}

static bool field_matches(const struct http_request *r, enum http_field_id id, const char *etag,
			  bool strong)
{
	struct http_str value;
	unsigned index = 0;

	while (http_request_next_field(r, id, &index, &value))
		if (list_matches(value, etag, strong))
			return true;
	return false;
}

/* ------------------------------------------------------------------ preconditions */

/* A date field counts when it is there once and holds a date (RFC 9110 13.1.3, 13.1.4). */
static bool date_field(const struct http_request *r, enum http_field_id id, int64_t now,
		       int64_t *date)
{
	return http_request_field_count(r, id) == 1 &&
	       http_date_parse(http_request_field(r, id), now, date);
}

enum http_precondition http_precondition(const struct http_request *r,
					 const struct http_validators *v)
{
	int64_t date;

	if (http_request_field_count(r, HTTP_FIELD_IF_MATCH) > 0) {
		if (!field_matches(r, HTTP_FIELD_IF_MATCH, v->etag, true))
			return HTTP_PRECONDITION_FAILED;
	} else if (date_field(r, HTTP_FIELD_IF_UNMODIFIED_SINCE, v->now, &date) &&
		   v->mtime > date) {
		return HTTP_PRECONDITION_FAILED;
	}

	if (http_request_field_count(r, HTTP_FIELD_IF_NONE_MATCH) > 0) {
		if (field_matches(r, HTTP_FIELD_IF_NONE_MATCH, v->etag, false))
			return HTTP_PRECONDITION_NOT_MODIFIED;
	} else if (date_field(r, HTTP_FIELD_IF_MODIFIED_SINCE, v->now, &date) && v->mtime <= date) {
		return HTTP_PRECONDITION_NOT_MODIFIED;
	}
	return HTTP_PRECONDITION_PASS;
}

/* ------------------------------------------------------------------ ranges */

/* A position beyond 64 bits is beyond every file too. False when `s` is no number. */
static bool read_position(struct http_str s, uint64_t *value)
{
	for (size_t i = 0; i < s.len; i++)
		if (!http_is_digit(s.at[i]))
			return false;
	if (s.len > 0 && !http_str_number(s, value))
		*value = UINT64_MAX;
	return s.len > 0;
}

/* range-spec = int-range / suffix-range (RFC 9110 14.1.2). */
static enum http_range_result read_range_spec(struct http_str spec, uint64_t size,
					      struct http_range *range)
{
	const char *dash = memchr(spec.at, '-', spec.len);
	uint64_t first, last = UINT64_MAX, suffix;

	if (!dash)
		return HTTP_RANGE_WHOLE;
	struct http_str before = {spec.at, (size_t)(dash - spec.at)};
	struct http_str after = {dash + 1, spec.len - before.len - 1};

	if (before.len == 0) {
		if (!read_position(after, &suffix))
			return HTTP_RANGE_WHOLE;
		if (suffix == 0)
			return HTTP_RANGE_UNSATISFIABLE;
		/* Content-Range cannot say "all of nothing". */
		if (size == 0)
			return HTTP_RANGE_WHOLE;
		*range = (struct http_range){suffix < size ? size - suffix : 0, size - 1};
		return HTTP_RANGE_PART;
	}
	if (!read_position(before, &first) || (after.len > 0 && !read_position(after, &last)))
		return HTTP_RANGE_WHOLE;
	if (last < first)
		return HTTP_RANGE_WHOLE; /* invalid, which is not the same as unsatisfiable */
	if (first >= size)
		return HTTP_RANGE_UNSATISFIABLE;
	*range = (struct http_range){first, last < size ? last : size - 1};
	return HTTP_RANGE_PART;
}

enum http_range_result http_range_parse(struct http_str value, uint64_t size,
					struct http_range *range)
{
	static const char unit[] = "bytes=";
	struct http_str spec, second;

	if (value.len < sizeof(unit) - 1 ||
	    !http_str_is((struct http_str){value.at, sizeof(unit) - 1}, unit))
		return HTTP_RANGE_WHOLE;
	value.at += sizeof(unit) - 1;
	value.len -= sizeof(unit) - 1;
	/* RFC 9110 14.2: a server MAY ignore Range. Several parts would need
	 * multipart/byteranges. */
	if (!http_list_next(&value, &spec) || http_list_next(&value, &second))
		return HTTP_RANGE_WHOLE;
	return read_range_spec(spec, size, range);
}

/* RFC 9110 13.1.5: If-Range holds one entity-tag, compared strongly, or one date, which must be
 * exactly that of Last-Modified. The date must also be a strong validator: at least a second
 * older than the response (RFC 9110 8.8.2.2), else the file could have changed twice within it. */
static bool if_range_holds(const struct http_request *r, const struct http_validators *v)
{
	struct http_str value = http_request_field(r, HTTP_FIELD_IF_RANGE);
	struct entity_tag tag;
	int64_t date;

	if (!value.at)
		return true;
	if (http_request_field_count(r, HTTP_FIELD_IF_RANGE) > 1)
		return false;
	if (take_entity_tag(&value, &tag))
		return value.len == 0 && !tag.weak && http_str_equal(tag.opaque, v->etag);
	return http_date_parse(value, v->now, &date) && date == v->mtime && v->mtime < v->now;
}

enum http_range_result http_range(const struct http_request *r, const struct http_validators *v,
				  uint64_t size, struct http_range *range)
{
	if (http_request_field_count(r, HTTP_FIELD_RANGE) != 1 || !if_range_holds(r, v))
		return HTTP_RANGE_WHOLE;
	return http_range_parse(http_request_field(r, HTTP_FIELD_RANGE), size, range);
}
