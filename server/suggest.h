/* SPDX-License-Identifier: Apache-2.0 */
/* suggest.h — "did you mean": the nearest of some known words to one that is not known. */
#ifndef SERVER_SUGGEST_H
#define SERVER_SUGGEST_H

#include <stddef.h>

/* Levenshtein's distance: how many bytes must be inserted, deleted or replaced to make `b` of `a`.
 * Words longer than SUGGEST_WORD_MAX count as far from everything. */
#define SUGGEST_WORD_MAX 40
size_t suggest_distance(const char *a, const char *b);

struct suggestion {
	const char *word;     /* what the user wrote             */
	const char *best;     /* the nearest so far, or NULL     */
	size_t best_distance; /* meaningful when best is not NULL */
};
/* Compares one known word. Too far, more than a third of the longer word and 1, is not taken. */
void suggest_consider(struct suggestion *s, const char *known);

#endif
