/* SPDX-License-Identifier: Apache-2.0 */
/* suggest.c — see suggest.h. */
#include "server/suggest.h"

#include <stdint.h>
#include <string.h>

static size_t least(size_t a, size_t b, size_t c)
{
	const size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

size_t suggest_distance(const char *a, const char *b)
{
	const size_t a_len = strlen(a), b_len = strlen(b);
	size_t row[SUGGEST_WORD_MAX + 1];

	if (a_len > SUGGEST_WORD_MAX || b_len > SUGGEST_WORD_MAX)
		return SIZE_MAX;
	/* row[j] is the distance of the first i bytes of a to the first j of b. */
	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			const size_t above = row[j];
			row[j] =
				least(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[b_len];
}

void suggest_consider(struct suggestion *s, const char *known)
{
	const size_t distance = suggest_distance(s->word, known);
	const size_t a = strlen(s->word), b = strlen(known);
	const size_t far = (a > b ? a : b) / 3 + 1;

	if (distance > far || (s->best && distance >= s->best_distance))
		return;
	s->best = known;
	s->best_distance = distance;
}
