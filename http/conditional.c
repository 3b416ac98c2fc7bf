/* SPDX-License-Identifier: Apache-2.0 */
/* Preconditions: see conditional.h. */
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
	/* What touches it is part of no list. */
	return rest->len == 0 || rest->at[0] == ',' || http_is_ows(rest->at[0]);
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

/* A date field counts when it is there once and holds a date, and when there is one to compare it with
 * (RFC 9110 13.1.3, 13.1.4). */
static bool date_field(const struct http_request *r, enum http_field_id id,
		       const struct http_validators *v, int64_t *date)
{
	return v->mtime != HTTP_NO_MTIME && http_request_field_count(r, id) == 1 &&
	       http_date_parse(http_request_field(r, id), v->now, date);
}

enum http_precondition http_precondition(const struct http_request *r,
					 const struct http_validators *v)
{
	int64_t date;

	if (http_request_field_count(r, HTTP_FIELD_IF_MATCH) > 0) {
		if (!field_matches(r, HTTP_FIELD_IF_MATCH, v->etag, true))
			return HTTP_PRECONDITION_FAILED;
	} else if (date_field(r, HTTP_FIELD_IF_UNMODIFIED_SINCE, v, &date) && v->mtime > date) {
		return HTTP_PRECONDITION_FAILED;
	}

	if (http_request_field_count(r, HTTP_FIELD_IF_NONE_MATCH) > 0) {
		if (field_matches(r, HTTP_FIELD_IF_NONE_MATCH, v->etag, false))
			return HTTP_PRECONDITION_NOT_MODIFIED;
	} else if (date_field(r, HTTP_FIELD_IF_MODIFIED_SINCE, v, &date) && v->mtime <= date) {
		return HTTP_PRECONDITION_NOT_MODIFIED;
	}
	return HTTP_PRECONDITION_PASS;
}

/* RFC 9110 13.1.5: If-Range holds one entity-tag, compared strongly, or one date, which must be
 * exactly that of Last-Modified. The date must also be a strong validator: at least a second
 * older than the response (RFC 9110 8.8.2.2), else the file could have changed twice within it. */
bool http_if_range_holds(const struct http_request *r, const struct http_validators *v)
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
