/* SPDX-License-Identifier: Apache-2.0 */
/* sendq.c — see sendq.h. */
#include "stack/sendq.h"

#include <assert.h>

#include "stack/stack_internal.h"

#define LOANS_SIZE (SENDQ_LOANS_MAX * sizeof(struct sendq_loan))

static struct sendq_loan *loan_at(const struct sendq *q, unsigned i)
{
	return &q->loan[(q->first + i) % SENDQ_LOANS_MAX];
}

static void give_back(const struct tcp_loan *loan)
{
	loan->release(loan->owner);
}

static void release_if_empty(struct stack *s, struct sendq *q)
{
	if (q->ring.len == 0)
		ring_release(s, &q->ring);
	if (q->count == 0 && q->loan) {
		account_free(s, q->loan, LOANS_SIZE);
		q->loan = NULL;
	}
}

void sendq_committed(struct sendq *q, uint32_t len)
{
	q->ring.len += len;
	q->len += len;
}

/* Goes on where the last one ends: no entry of its own. */
static bool continues(const struct sendq *q, const struct tcp_loan *loan)
{
	if (q->count == 0 || q->lent_behind != q->ring.len)
		return false;
	const struct tcp_loan *last = &loan_at(q, q->count - 1u)->what;
	return last->owner == loan->owner && last->release == loan->release &&
	       last->data + last->len == loan->data;
}

bool sendq_lend(struct stack *s, struct sendq *q, const struct tcp_loan *loan)
{
	if (continues(q, loan)) {
		loan_at(q, q->count - 1u)->what.len += loan->len;
		give_back(loan);
	} else {
		if (q->count == SENDQ_LOANS_MAX || loan->len < TCP_LOAN_MIN)
			return false;
		if (!q->loan)
			q->loan = account_alloc(s, LOANS_SIZE);
		if (!q->loan)
			return false;
		*loan_at(q, q->count++) =
			(struct sendq_loan){.what = *loan, .before = q->ring.len - q->lent_behind};
		q->lent_behind = q->ring.len;
	}
	q->len += (uint32_t)loan->len;
	return true;
}

static void consume_ring(struct sendq *q, uint32_t len)
{
	ring_consume(&q->ring, len);
	q->len -= len;
}

void sendq_consume(struct stack *s, struct sendq *q, uint32_t len)
{
	assert(len <= q->len);
	while (len > 0 && q->count > 0) {
		struct sendq_loan *loan = loan_at(q, 0);
		const uint32_t copied = len < loan->before ? len : loan->before;
		consume_ring(q, copied);
		q->lent_behind -= copied;
		loan->before -= copied;
		len -= copied;

		const uint32_t lent = len < loan->what.len ? len : (uint32_t)loan->what.len;
		loan->what.data += lent;
		loan->what.len -= lent;
		q->len -= lent;
		len -= lent;
		if (loan->before == 0 && loan->what.len == 0) {
			const struct tcp_loan done = loan->what;
			q->first = (uint16_t)((q->first + 1u) % SENDQ_LOANS_MAX);
			q->count--;
			give_back(&done);
		}
	}
	consume_ring(q, len);
	release_if_empty(s, q);
}

/* What is wanted, as it is found while the queue is walked: `skip` more bytes, then `left`. */
struct walk {
	struct slice *out;
	size_t count;
	uint32_t skip, left;
};

static void take_ring(struct walk *w, const struct ring *r, uint32_t at, uint32_t len)
{
	const uint32_t skip = w->skip < len ? w->skip : len;
	uint32_t take = len - skip;

	w->skip -= skip;
	if (take > w->left)
		take = w->left;
	if (take == 0)
		return;
	w->count += ring_slices(r, at + skip, take, w->out + w->count);
	w->left -= take;
}

static void take_loan(struct walk *w, const struct tcp_loan *loan)
{
	const size_t skip = w->skip < loan->len ? w->skip : loan->len;
	size_t take = loan->len - skip;

	w->skip -= (uint32_t)skip;
	if (take > w->left)
		take = w->left;
	if (take == 0)
		return;
	w->out[w->count++] = (struct slice){loan->data + skip, take};
	w->left -= (uint32_t)take;
}

size_t sendq_slices(const struct sendq *q, uint32_t offset, uint32_t len,
		    struct slice out[PACKET_SLICES_MAX])
{
	struct walk w = {.out = out, .skip = offset, .left = len};
	uint32_t at = 0;

	for (unsigned i = 0; i < q->count && w.left > 0; i++) {
		const struct sendq_loan *loan = loan_at(q, i);
		take_ring(&w, &q->ring, at, loan->before);
		at += loan->before;
		take_loan(&w, &loan->what);
	}
	take_ring(&w, &q->ring, at, q->ring.len - at);
	assert(w.left == 0 && w.count <= PACKET_SLICES_MAX);
	return w.count;
}

void sendq_release(struct stack *s, struct sendq *q)
{
	for (unsigned i = 0; i < q->count; i++)
		give_back(&loan_at(q, i)->what);
	ring_release(s, &q->ring);
	if (q->loan)
		account_free(s, q->loan, LOANS_SIZE);
	*q = (struct sendq){0};
}

size_t sendq_memory(const struct sendq *q)
{
	return q->ring.cap + (q->loan ? LOANS_SIZE : 0);
}

const char *sendq_check(const struct sendq *q)
{
	uint32_t before = 0, lent = 0;

	if (q->ring.len > q->ring.cap)
		return "the send ring holds more than it may";
	if ((q->count == 0) != (q->loan == NULL) || q->count > SENDQ_LOANS_MAX)
		return "the loans' counts do not agree";
	for (unsigned i = 0; i < q->count; i++) {
		if (loan_at(q, i)->what.len == 0)
			return "a loan of which everything was acknowledged was not given back";
		before += loan_at(q, i)->before;
		lent += (uint32_t)loan_at(q, i)->what.len;
	}
	if (before != q->lent_behind || before > q->ring.len)
		return "loans stand behind bytes that are not there";
	return q->len == q->ring.len + lent ? NULL
					    : "the send queue's length is not that of its parts";
}
