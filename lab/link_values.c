/* SPDX-License-Identifier: Apache-2.0 */
/* link_values.c — see link_values.h. */
#include "lab/link_values.h"

#include <string.h>

#include "lab/link_rng.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct unit {
	const char *name;
	uint64_t factor;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits, perhaps a point and digits, then the name of a unit. False unless the product is whole and at
 * most `max`, which is at most 10^18. */
static bool scaled(const char *text, const struct unit *units, size_t count, uint64_t max,
		   uint64_t *out)
{
	uint64_t whole = 0, part = 0, parts = 1;
	const char *p = text;

	if (!is_digit(*p))
		return false;
	for (; is_digit(*p); p++) {
		whole = whole * 10 + (uint64_t)(*p - '0');
		if (whole > max)
			return false;
	}
	if (*p == '.') {
		if (!is_digit(*++p))
			return false;
		for (; is_digit(*p); p++) {
			part = part * 10 + (uint64_t)(*p - '0');
			parts *= 10;
			if (parts > 1000000000)
				return false;
		}
	}
	for (size_t i = 0; i < count; i++) {
		const uint64_t factor = units[i].factor;
		if (strcmp(p, units[i].name) != 0)
			continue;
		if (whole > max / factor || part * factor % parts != 0)
			return false;
		*out = whole * factor + part * factor / parts;
		return *out <= max;
	}
	return false;
}

bool link_value_time(const char *text, uint64_t *out_ns)
{
	static const struct unit units[] = {
		{"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}};

	return scaled(text, units, COUNT(units), 3600ull * 1000000000, out_ns);
}

bool link_value_rate(const char *text, uint64_t *out)
{
	static const struct unit units[] = {
		{"bit", 1}, {"kbit", 1000}, {"mbit", 1000000}, {"gbit", 1000000000}};

	return scaled(text, units, COUNT(units), 1000000000000, out) && *out >= 1000;
}

bool link_value_share(const char *text, uint32_t *out_ppm)
{
	static const struct unit units[] = {{"", LINK_PPM / 100}, {"%", LINK_PPM / 100}};
	uint64_t ppm;

	if (!scaled(text, units, COUNT(units), LINK_PPM, &ppm))
		return false;
	*out_ppm = (uint32_t)ppm;
	return true;
}

bool link_value_burst(const char *text, uint32_t *enter, uint32_t *leave, uint32_t *loss)
{
	uint32_t *const share[] = {enter, leave, loss};
	size_t n = 0;

	*loss = LINK_PPM;
	for (; n < COUNT(share); n++) {
		char one[16];
		const size_t len = strcspn(text, ":");
		if (len >= sizeof one)
			return false;
		memcpy(one, text, len);
		one[len] = '\0';
		if (!link_value_share(one, share[n]))
			return false;
		text += len;
		if (*text == '\0')
			break;
		text++;
	}
	return n >= 1 && n < COUNT(share) && *enter > 0 && *leave > 0;
}

bool link_value_queue(const char *text, uint64_t *packets, uint64_t *bytes)
{
	static const struct unit none[] = {{"", 1}};
	static const struct unit units[] = {{"b", 1}, {"kb", 1000}, {"mb", 1000000}};

	*packets = *bytes = 0;
	return (scaled(text, none, COUNT(none), 1000000, packets) && *packets > 0) ||
	       (scaled(text, units, COUNT(units), 1000000000, bytes) && *bytes > 0);
}

bool link_value_seed(const char *text, uint64_t *out)
{
	const bool hex = text[0] == '0' && text[1] == 'x';
	const uint64_t base = hex ? 16 : 10;
	uint64_t n = 0;

	if (hex)
		text += 2;
	if (*text == '\0')
		return false;
	for (; *text; text++) {
		static const char digits[] = "0123456789abcdef";
		const char *d = strchr(digits, *text);
		if (!d || (uint64_t)(d - digits) >= base)
			return false;
		const uint64_t digit = (uint64_t)(d - digits);
		if (n > (UINT64_MAX - digit) / base)
			return false;
		n = n * base + digit;
	}
	*out = n;
	return true;
}
