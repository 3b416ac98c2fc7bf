/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_path.c — see link_path.h. Everything is decided when a packet enters: when it leaves the bottleneck
 * and when it is due. Until then it is in a heap by due time, and, as long as it has not left the
 * bottleneck, in a list too, which is the bottleneck's queue.
 */
#include "lab/link_path.h"

#include <stdlib.h>

#include "lab/link_rng.h"

#define NS_PER_SECOND 1000000000u
#define HEAP_MIN 256u

/* RFC 1812 4.3.2.8, RFC 4443 2.4 (f): the rate of errors has to be limited. */
#define REPLY_BURST 64u
#define REPLY_EVERY_NS 1000000u

enum chance {
	CHANCE_LOSS,
	CHANCE_STATE,
	CHANCE_BURST,
	CHANCE_CORRUPT,
	CHANCE_BIT,
	CHANCE_DUPLICATE,
	CHANCE_REORDER,
	CHANCE_JITTER,
	CHANCE_COUNT
};

struct packet_list {
	struct link_packet *head, **tail;
};

struct link_path {
	struct link_config cfg;
	struct link_rng rng[CHANCE_COUNT];
	bool bad; /* the state of Gilbert and Elliott */

	/* The bottleneck: the first one in its queue is being sent, the others wait. */
	struct packet_list queue;
	uint64_t queued_packets, queued_bytes; /* the first one included     */
	uint64_t busy_until_ns;                /* when it has sent them all  */
	uint64_t busy_fraction;                /* and so many 1/rate ns more */

	struct link_packet **heap;
	size_t heap_len, heap_cap;
	uint64_t last_due_ns;
	uint64_t next_order;
	size_t memory; /* bytes under way */

	struct packet_list replies;
	uint64_t reply_credit_ns, reply_time_ns;
	struct link_counts counts;
};

bool link_config_needs_segments(const struct link_config *cfg)
{
	return cfg->loss_ppm || cfg->burst_enter_ppm || cfg->reorder_ppm || cfg->duplicate_ppm ||
	       cfg->corrupt_ppm;
}

/* ------------------------------------------------------------------ lists and the heap */

static void list_init(struct packet_list *l)
{
	l->head = NULL;
	l->tail = &l->head;
}

static void list_push(struct packet_list *l, struct link_packet *p)
{
	p->next = NULL;
	*l->tail = p;
	l->tail = &p->next;
}

static struct link_packet *list_pop(struct packet_list *l)
{
	struct link_packet *p = l->head;

	if (p) {
		l->head = p->next;
		if (!l->head)
			l->tail = &l->head;
	}
	return p;
}

static bool earlier(const struct link_packet *a, const struct link_packet *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

static bool heap_reserve(struct link_path *path)
{
	if (path->heap_len < path->heap_cap)
		return true;
	const size_t cap = path->heap_cap ? path->heap_cap * 2 : HEAP_MIN;
	struct link_packet **heap = realloc(path->heap, cap * sizeof(struct link_packet *));
	if (!heap)
		return false;
	path->heap = heap;
	path->heap_cap = cap;
	return true;
}

static void heap_push(struct link_path *path, struct link_packet *p)
{
	size_t i = path->heap_len++;

	while (i > 0 && earlier(p, path->heap[(i - 1) / 2])) {
		path->heap[i] = path->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	path->heap[i] = p;
}

static struct link_packet *heap_pop(struct link_path *path)
{
	struct link_packet *top = path->heap[0], *last = path->heap[--path->heap_len];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < path->heap_len) {
		if (child + 1 < path->heap_len && earlier(path->heap[child + 1], path->heap[child]))
			child++;
		if (!earlier(path->heap[child], last))
			break;
		path->heap[i] = path->heap[child];
		i = child;
	}
	path->heap[i] = last;
	return top;
}

/* ------------------------------------------------------------------ life */

struct link_path *link_path_create(const struct link_config *cfg, uint64_t seed, unsigned direction)
{
	struct link_path *path = calloc(1, sizeof *path);

	if (!path)
		return NULL;
	path->cfg = *cfg;
	if (path->cfg.memory_limit == 0)
		path->cfg.memory_limit = LINK_MEMORY_LIMIT;
	/* A super segment's checksum is yet to be made, of whatever the bytes are then. */
	if (path->cfg.corrupt_ppm)
		path->cfg.segment = true;
	for (unsigned i = 0; i < CHANCE_COUNT; i++)
		path->rng[i] = link_rng_make(seed, direction * CHANCE_COUNT + i);
	list_init(&path->queue);
	list_init(&path->replies);
	path->reply_credit_ns = (uint64_t)REPLY_BURST * REPLY_EVERY_NS;
	return path;
}

void link_path_destroy(struct link_path *path)
{
	struct link_packet *p;

	if (!path)
		return;
	for (size_t i = 0; i < path->heap_len; i++)
		link_packet_free(path->heap[i]);
	while ((p = list_pop(&path->replies)) != NULL)
		link_packet_free(p);
	free(path->heap);
	free(path);
}

const struct link_counts *link_path_counts(const struct link_path *path)
{
	return &path->counts;
}

/* ------------------------------------------------------------------ the way through */

static size_t footprint(const struct link_packet *p)
{
	return sizeof *p + p->len;
}

static void drop(struct link_packet *p, uint64_t *count)
{
	*count += p->wire_packets;
	link_packet_free(p);
}

static bool may_reply(struct link_path *path, uint64_t now_ns)
{
	const uint64_t most = (uint64_t)REPLY_BURST * REPLY_EVERY_NS;
	const uint64_t gained = now_ns - path->reply_time_ns;

	path->reply_time_ns = now_ns;
	path->reply_credit_ns =
		gained > most - path->reply_credit_ns ? most : path->reply_credit_ns + gained;
	if (path->reply_credit_ns < REPLY_EVERY_NS)
		return false;
	path->reply_credit_ns -= REPLY_EVERY_NS;
	return true;
}

static void answer_too_big(struct link_path *path, uint64_t now_ns, const struct link_packet *p)
{
	if (!path->cfg.mtu_reply || !may_reply(path, now_ns))
		return;
	struct link_packet *reply = link_packet_too_big(p, path->cfg.mtu);
	if (reply) {
		list_push(&path->replies, reply);
		path->counts.replies++;
	}
}

static bool lost(struct link_path *path)
{
	const struct link_config *cfg = &path->cfg;
	const bool alone = link_rng_chance(&path->rng[CHANCE_LOSS], cfg->loss_ppm);

	path->bad = path->bad ? !link_rng_chance(&path->rng[CHANCE_STATE], cfg->burst_leave_ppm)
			      : link_rng_chance(&path->rng[CHANCE_STATE], cfg->burst_enter_ppm);
	const bool burst =
		path->bad && link_rng_chance(&path->rng[CHANCE_BURST], cfg->burst_loss_ppm);
	return alone || burst;
}

/* What the bottleneck has sent by now is in its queue no longer. */
static void advance_queue(struct link_path *path, uint64_t now_ns)
{
	while (path->queue.head && path->queue.head->leaves_ns <= now_ns) {
		const struct link_packet *p = list_pop(&path->queue);
		path->queued_packets -= p->wire_packets;
		path->queued_bytes -= p->wire_bytes;
	}
}

static bool fits_queue(const struct link_path *path, const struct link_packet *p)
{
	const struct link_config *cfg = &path->cfg;
	const struct link_packet *sending = path->queue.head;

	if (!sending)
		return true;
	const uint64_t packets = path->queued_packets - sending->wire_packets;
	const uint64_t bytes = path->queued_bytes - sending->wire_bytes;
	if (packets == 0) /* else what is larger than the whole queue would never pass */
		return true;
	return (!cfg->queue_packets || packets + p->wire_packets <= cfg->queue_packets) &&
	       (!cfg->queue_bytes || bytes + p->wire_bytes <= cfg->queue_bytes);
}

/* The queue as the packet finds it, without the one that is being sent. */
static void mark(struct link_path *path, struct link_packet *p)
{
	const struct link_config *cfg = &path->cfg;
	const struct link_packet *sending = path->queue.head;

	if (!sending)
		return;
	const uint64_t packets = path->queued_packets - sending->wire_packets;
	const uint64_t bytes = path->queued_bytes - sending->wire_bytes;
	const bool full = (cfg->mark_packets && packets > cfg->mark_packets) ||
			  (cfg->mark_bytes && bytes > cfg->mark_bytes);
	if (full && link_packet_mark(p))
		path->counts.marked += p->wire_packets;
}

/* Each packet takes bits / rate; what does not make a whole nanosecond is carried over to the next one, so
 * the rate is exact in the long run. */
static void pass_bottleneck(struct link_path *path, uint64_t now_ns, struct link_packet *p)
{
	p->leaves_ns = now_ns;
	if (path->cfg.rate == 0)
		return;
	if (path->busy_until_ns < now_ns) {
		path->busy_until_ns = now_ns;
		path->busy_fraction = 0;
	}
	const uint64_t bits = (uint64_t)p->wire_bytes * 8;
	const uint64_t work = bits * NS_PER_SECOND + path->busy_fraction;
	path->busy_until_ns += work / path->cfg.rate;
	path->busy_fraction = work % path->cfg.rate;
	p->leaves_ns = path->busy_until_ns;
	list_push(&path->queue, p);
	path->queued_packets += p->wire_packets;
	path->queued_bytes += p->wire_bytes;
}

static void corrupt(struct link_path *path, struct link_packet *p)
{
	struct link_rng *bit = &path->rng[CHANCE_BIT];
	size_t start;

	if (!link_rng_chance(&path->rng[CHANCE_CORRUPT], path->cfg.corrupt_ppm))
		return;
	if (!path->cfg.repair) {
		link_packet_flip(p, link_rng_below(bit, (uint64_t)p->len * 8));
	} else {
		const size_t payload = link_packet_payload(p, &start);
		if (payload == 0)
			return;
		link_packet_flip_repaired(p, link_rng_below(bit, (uint64_t)payload * 8));
	}
	path->counts.corrupted++;
}

static void hold_until_due(struct link_path *path, struct link_packet *p)
{
	const struct link_config *cfg = &path->cfg;

	p->due_ns = p->leaves_ns + cfg->delay_ns;
	if (cfg->jitter_ns)
		p->due_ns += link_rng_below(&path->rng[CHANCE_JITTER], cfg->jitter_ns + 1);
	if (p->due_ns < path->last_due_ns)
		p->due_ns = path->last_due_ns;
	if (link_rng_chance(&path->rng[CHANCE_REORDER], cfg->reorder_ppm)) {
		p->due_ns += cfg->reorder_ns;
		path->counts.reordered++;
	} else {
		path->last_due_ns = p->due_ns;
	}
	p->order = path->next_order++;
	path->memory += footprint(p);
	path->counts.waiting += p->wire_packets;
	heap_push(path, p);
}

/* Right behind the original, and no burden to the bottleneck. */
static void duplicate(struct link_path *path, const struct link_packet *p)
{
	if (!link_rng_chance(&path->rng[CHANCE_DUPLICATE], path->cfg.duplicate_ppm))
		return;
	if (path->memory + footprint(p) > path->cfg.memory_limit || !heap_reserve(path))
		return;
	struct link_packet *copy = link_packet_copy(p);
	if (!copy)
		return;
	copy->order = path->next_order++;
	path->memory += footprint(copy);
	path->counts.waiting += copy->wire_packets;
	path->counts.duplicated += copy->wire_packets;
	heap_push(path, copy);
}

/* One packet as it is on the wire, or a super segment whose pieces share one fate. */
static void carry(struct link_path *path, uint64_t now_ns, struct link_packet *p)
{
	const struct link_config *cfg = &path->cfg;

	if (cfg->mtu && link_packet_largest(p) > cfg->mtu) {
		answer_too_big(path, now_ns, p);
		drop(p, &path->counts.too_large);
		return;
	}
	if (lost(path)) {
		drop(p, &path->counts.lost);
		return;
	}
	if (!fits_queue(path, p) || path->memory + footprint(p) > cfg->memory_limit ||
	    !heap_reserve(path)) {
		drop(p, &path->counts.overflowed);
		return;
	}
	mark(path, p);
	pass_bottleneck(path, now_ns, p);
	corrupt(path, p);
	hold_until_due(path, p);
	duplicate(path, p);
}

static void cut_and_carry(struct link_path *path, uint64_t now_ns, struct link_packet *whole)
{
	for (uint32_t i = 0; i < whole->wire_packets; i++) {
		struct link_packet *piece = link_packet_cut(whole, i);
		if (piece)
			carry(path, now_ns, piece);
		else
			path->counts.overflowed++;
	}
	link_packet_free(whole);
}

void link_path_input(struct link_path *path, uint64_t now_ns, struct link_packet *p)
{
	link_packet_measure(p);
	path->counts.entered += p->wire_packets;
	path->counts.bytes_entered += p->wire_bytes;
	advance_queue(path, now_ns);
	if (p->gso_size && path->cfg.segment) {
		cut_and_carry(path, now_ns, p);
		return;
	}
	/* On a wire, and before a bit of it may flip, a packet has its checksum. */
	if (path->cfg.segment)
		link_packet_finish(p);
	carry(path, now_ns, p);
}

struct link_packet *link_path_output(struct link_path *path, uint64_t now_ns)
{
	if (path->heap_len == 0 || path->heap[0]->due_ns > now_ns)
		return NULL;
	/* It is due no earlier than it leaves the bottleneck, so after this it is in the heap alone. */
	advance_queue(path, now_ns);
	struct link_packet *p = heap_pop(path);
	path->memory -= footprint(p);
	path->counts.waiting -= p->wire_packets;
	path->counts.delivered += p->wire_packets;
	path->counts.bytes_delivered += p->wire_bytes;
	return p;
}

uint64_t link_path_next(const struct link_path *path)
{
	return path->heap_len ? path->heap[0]->due_ns : UINT64_MAX;
}

struct link_packet *link_path_reply(struct link_path *path)
{
	return list_pop(&path->replies);
}
