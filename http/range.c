/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges: see range.h. */
#include "http/range.h"

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

/* Do two parts overlap, touch, or lie so close that sending the gap is cheaper? */
static bool close_to(const struct http_range *a, const struct http_range *b)
{
	const struct http_range *low = a->first <= b->first ? a : b, *high = low == a ? b : a;

	return high->first <= low->last || high->first - low->last <= HTTP_RANGE_GAP;
}

/* Adds a part, or widens one that is there already, which may then reach others. */
static void add(struct http_ranges *set, struct http_range part)
{
	unsigned place = set->count;

	for (unsigned i = 0; i < set->count;) {
		const struct http_range other = set->range[i];

		if (!close_to(&other, &part)) {
			i++;
			continue;
		}
		if (other.first < part.first)
			part.first = other.first;
		if (other.last > part.last)
			part.last = other.last;
		/* It is taken out, and all are looked at again: `part` has grown. */
		if (i < place)
			place = i;
		set->count--;
		memmove(set->range + i, set->range + i + 1,
			(set->count - i) * sizeof(set->range[0]));
		i = 0;
	}
	if (place > set->count)
		place = set->count;
	memmove(set->range + place + 1, set->range + place,
		(set->count - place) * sizeof(set->range[0]));
	set->range[place] = part;
	set->count++;
}

enum http_range_result http_ranges_parse(struct http_str value, uint64_t size, unsigned max,
					 struct http_ranges *out)
{
	static const char unit[] = "bytes=";
	struct http_str spec;
	unsigned specs = 0;

	out->count = 0;
	if (value.len < sizeof(unit) - 1 ||
	    !http_str_is((struct http_str){value.at, sizeof(unit) - 1}, unit))
		return HTTP_RANGE_WHOLE;
	value.at += sizeof(unit) - 1;
	value.len -= sizeof(unit) - 1;
	while (http_list_next(&value, &spec)) {
		struct http_range part;

		if (++specs > max)
			return HTTP_RANGE_WHOLE;
		switch (read_range_spec(spec, size, &part)) {
		case HTTP_RANGE_WHOLE:
			return HTTP_RANGE_WHOLE;
		case HTTP_RANGE_PART:
			add(out, part);
			break;
		case HTTP_RANGE_UNSATISFIABLE:
			break; /* the others count (RFC 9110 14.1.2) */
		}
	}
	if (specs == 0)
		return HTTP_RANGE_WHOLE;
	return out->count > 0 ? HTTP_RANGE_PART : HTTP_RANGE_UNSATISFIABLE;
}

enum http_range_result http_ranges(const struct http_request *r, const struct http_validators *v,
				   uint64_t size, unsigned max, struct http_ranges *out)
{
	if (http_request_field_count(r, HTTP_FIELD_RANGE) != 1 || !http_if_range_holds(r, v))
		return HTTP_RANGE_WHOLE;
	return http_ranges_parse(http_request_field(r, HTTP_FIELD_RANGE), size, max, out);
}
