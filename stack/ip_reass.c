/* SPDX-License-Identifier: Apache-2.0 */
/* ip_reass.c — see ip_reass.h. */
#include "stack/ip_reass.h"

#include <string.h>

#include "stack/bytes.h"
#include "stack/checksum.h"
#include "stack/icmp.h"
#include "stack/icmp6.h"
#include "stack/stack_internal.h"
#include "stack/tcp_segment.h"
#include "stack/trace.h"

#define FRAGMENT_UNIT 8 /* offsets count these, and all fragments but the last have a multiple */
#define TIME_EXCEEDED_REASSEMBLY 1 /* the code, in ICMP and ICMPv6 */

struct fragment {
	struct list link;
	uint32_t offset, len; /* of the payload in the datagram                                  */
	size_t prefix_len;    /* of the first fragment: everything before its payload is kept    */
	size_t header_len; /* … and what of it stays before the reassembled payload           */
	size_t next_at;
	uint8_t protocol;
	uint8_t bytes[]; /* prefix, then payload: of the first fragment the packet as it came */
};

static size_t fragment_size(const struct fragment *f)
{
	return sizeof *f + f->prefix_len + f->len;
}

/* ------------------------------------------------------------------ memory */

static void free_fragments(struct ip_reass *r)
{
	while (!list_empty(&r->frags)) {
		struct fragment *f = list_entry(r->frags.next, struct fragment, link);
		const size_t size = fragment_size(f);
		list_remove(&f->link);
		r->memory -= size;
		r->stack->reass_memory -= size;
		account_free(r->stack, f, size);
	}
	r->count = 0;
	r->received = 0;
}

void ip_reass_free(struct ip_reass *r)
{
	struct stack *s = r->stack;

	free_fragments(r);
	timer_stop(&s->wheel, &r->timer);
	list_remove(&r->link);
	s->reass_count--;
	s->reass_memory -= sizeof *r;
	account_free(s, r, sizeof *r);
}

static void evict(struct stack *s, struct ip_reass *r)
{
	s->counters.ip_reasm_evicted++;
	s->counters.ip_reasm_fails += !r->refused;
	ip_reass_free(r);
}

bool ip_reass_evict_oldest(struct stack *s)
{
	if (list_empty(&s->reass))
		return false;
	trace_memory(s, NULL, "memory is short: the oldest datagram's fragments are dropped");
	evict(s, list_entry(s->reass.next, struct ip_reass, link));
	return true;
}

/* At most an eighth of all memory may lie here. */
static size_t bytes_max(const struct stack *s)
{
	return s->cfg.memory_limit / 8 < IP_REASS_BYTES_MAX ? s->cfg.memory_limit / 8
							    : IP_REASS_BYTES_MAX;
}

/* Charged memory within our own limit. Makes room by letting the oldest datagrams go, but not `keep`. */
static void *reass_alloc(struct stack *s, size_t len, const struct ip_reass *keep)
{
	while (s->reass_memory + len > bytes_max(s)) {
		struct list *oldest = s->reass.next;
		if (keep && oldest == &keep->link)
			oldest = oldest->next;
		if (oldest == &s->reass)
			return NULL;
		evict(s, list_entry(oldest, struct ip_reass, link));
	}
	/* Like data, fragments do not get what is kept back for handshakes and answers: see buffer_get. */
	if (s->memory + len > memory_mark(s, MEMORY_DATA))
		return NULL;
	void *p = account_alloc(s, len);
	if (p)
		s->reass_memory += len;
	return p;
}

/* ------------------------------------------------------------------ datagrams */

static struct ip_reass *find(const struct stack *s, const struct ip_packet *ip)
{
	for (struct list *n = s->reass.next; n != &s->reass; n = n->next) {
		struct ip_reass *r = list_entry(n, struct ip_reass, link);
		if (r->id == ip->frag.id && ip_addr_equal(&r->src, &ip->src) &&
		    ip_addr_equal(&r->dst, &ip->dst) &&
		    (ip->src.version == 6 || r->protocol == ip->protocol))
			return r;
	}
	return NULL;
}

static struct ip_reass *create(struct stack *s, const struct ip_packet *ip)
{
	const uint64_t life = ip->src.version == 4 ? IP_REASS_IPV4_US : IP_REASS_IPV6_US;

	if (s->reass_count >= IP_REASS_DATAGRAMS_MAX)
		evict(s, list_entry(s->reass.next, struct ip_reass, link));
	struct ip_reass *r = reass_alloc(s, sizeof *r, NULL);
	if (!r)
		return NULL;
	*r = (struct ip_reass){.stack = s,
			       .src = ip->src,
			       .dst = ip->dst,
			       .id = ip->frag.id,
			       .protocol = ip->protocol,
			       .memory = sizeof *r};
	list_init(&r->frags);
	list_append(&s->reass, &r->link);
	s->reass_count++;
	timer_init(&r->timer, TCP_TIMER_REASS);
	timer_set(&s->wheel, &r->timer, s->now_us + life);
	return r;
}

/* The first fragment, or NULL when it has not come. */
static const struct fragment *first_of(const struct ip_reass *r)
{
	if (list_empty(&r->frags))
		return NULL;
	const struct fragment *f = list_entry(r->frags.next, struct fragment, link);
	return f->offset == 0 ? f : NULL;
}

/* RFC 1122 3.3.2, RFC 8200 4.5: the sender is told, when the first fragment is there to be quoted. */
static void send_time_exceeded(const struct ip_reass *r)
{
	static const char why[] = "Time Exceeded: fragments are missing (RFC 1122 3.3.2, RFC 8200 "
				  "4.5)";
	const struct fragment *f = first_of(r);

	if (!f)
		return;
	const struct ip_packet ip = {.src = r->src,
				     .dst = r->dst,
				     .protocol = f->protocol,
				     .payload = f->bytes + f->prefix_len,
				     .payload_len = f->len,
				     .packet = f->bytes,
				     .packet_len = f->prefix_len + f->len};
	if (r->src.version == 4)
		icmp_send_error(r->stack, &ip, ICMP_TIME_EXCEEDED, TIME_EXCEEDED_REASSEMBLY, why);
	else
		icmp6_send_error(r->stack, &ip, ICMP6_TIME_EXCEEDED, TIME_EXCEEDED_REASSEMBLY, 0,
				 why);
}

void ip_reass_timer(struct ip_reass *r)
{
	if (!r->refused) {
		r->stack->counters.ip_reasm_fails++;
		send_time_exceeded(r);
	}
	ip_reass_free(r);
}

/* ------------------------------------------------------------------ fragments */

/* What no honest sender makes, whatever else has come: NULL, or why it is dropped. */
static const char *malformed(const struct ip_packet *ip)
{
	const struct ip_fragment *frag = &ip->frag;

	if (ip->payload_len == 0 || (frag->more && ip->payload_len % FRAGMENT_UNIT != 0))
		return "fragment: its length is none (RFC 791 3.2)";
	if (ip->src.version == 6)
		return NULL; /* ip6_ext.c has seen to the rest */
	if (frag->header_len + frag->offset + ip->payload_len > UINT16_MAX)
		return "fragment: reaches beyond the longest datagram (RFC 791 3.1)";
	if (ip->protocol == IP_PROTO_TCP &&
	    (frag->offset == FRAGMENT_UNIT ||
	     (frag->offset == 0 && ip->payload_len < TCP_HEADER_MIN)))
		return "fragment: too small for TCP's header (RFC 1858 3.2, RFC 3128)";
	return NULL;
}

/* The last of the fragments that begin at or before `offset`: where a new one goes behind. */
static struct list *place_of(const struct ip_reass *r, uint32_t offset)
{
	struct list *n = r->frags.prev;

	while (n != &r->frags && list_entry(n, struct fragment, link)->offset > offset)
		n = n->prev;
	return n;
}

static bool is_duplicate(const struct fragment *f, const struct ip_packet *ip)
{
	return f->offset == ip->frag.offset && f->len == ip->payload_len &&
	       memcmp(f->bytes + f->prefix_len, ip->payload, f->len) == 0;
}

/* Does it overlap a neighbour, or contradict what is known of the datagram's end? */
static bool contradicts(const struct ip_reass *r, const struct list *before,
			const struct ip_packet *ip)
{
	const uint32_t begin = ip->frag.offset, end = begin + (uint32_t)ip->payload_len;

	if (before != &r->frags) {
		const struct fragment *f = list_entry(before, struct fragment, link);
		if (f->offset + f->len > begin)
			return true;
	}
	if (before->next != &r->frags) {
		const struct fragment *f = list_entry(before->next, struct fragment, link);
		if (end > f->offset || !ip->frag.more)
			return true;
	}
	if (!ip->frag.more)
		return r->total != 0 && r->total != end;
	return r->total != 0 && end > r->total;
}

/* RFC 5722 4: all of it is discarded, and so is what comes later; the record remembers that. */
static void refuse(struct ip_reass *r, const struct ip_packet *ip)
{
	struct stack *s = r->stack;

	s->counters.ip_reasm_overlaps++;
	s->counters.ip_reasm_fails++;
	r->refused = true;
	free_fragments(r);
	trace_drop(s, ip->packet, ip->packet_len,
		   "fragments overlap: the datagram is discarded (RFC 5722 4)");
}

static bool keep(struct ip_reass *r, struct list *before, const struct ip_packet *ip)
{
	const size_t prefix_len = ip->frag.offset == 0 ? (size_t)(ip->payload - ip->packet) : 0;
	const size_t size = sizeof(struct fragment) + prefix_len + ip->payload_len;
	struct fragment *f = NULL;

	if (r->count < IP_REASS_FRAGMENTS_MAX)
		f = reass_alloc(r->stack, size, r);
	if (!f)
		return false;
	f->offset = ip->frag.offset;
	f->len = (uint32_t)ip->payload_len;
	f->prefix_len = prefix_len;
	f->header_len = ip->frag.header_len;
	f->next_at = ip->frag.next_at;
	f->protocol = ip->protocol;
	memcpy(f->bytes, ip->payload - prefix_len, prefix_len + ip->payload_len);
	list_init(&f->link);
	list_append(before->next, &f->link);
	r->memory += size;
	r->count++;
	r->received += f->len;
	r->ecn |= (uint8_t)(1u << ip->ecn);
	if (!ip->frag.more)
		r->total = f->offset + f->len;
	return true;
}

/* ------------------------------------------------------------------ the whole */

/* RFC 3168 5.3: a mark on a fragment is a mark on the whole, but no datagram is partly capable of ECN. */
static bool ecn_is_mixed(const struct ip_reass *r)
{
	return (r->ecn & 1u << IP_ECN_NOT_ECT) && r->ecn != 1u << IP_ECN_NOT_ECT;
}

/* Makes the header of a fragment that of the whole: RFC 791 3.2, RFC 8200 4.5. */
static void mend_header(uint8_t *pkt, size_t len, const struct fragment *first, bool marked)
{
	if (marked)
		ip_set_ecn(pkt, IP_ECN_CE);
	if (pkt[0] >> 4 == 6) {
		put_be16(pkt + 4, (uint16_t)(len - IPV6_HEADER_LEN));
		pkt[first->next_at] = first->protocol;
		return;
	}
	put_be16(pkt + 2, (uint16_t)len);
	put_be16(pkt + 6, 0);
	put_be16(pkt + 10, 0);
	put_be16(pkt + 10, (uint16_t)~checksum_fold(checksum_add(0, pkt, first->header_len)));
}

static uint8_t *assemble(const struct ip_reass *r, size_t *len)
{
	const struct fragment *first = first_of(r);
	const size_t total = first->header_len + r->total;
	const size_t longest = UINT16_MAX + (r->src.version == 6 ? IPV6_HEADER_LEN : 0u);
	uint8_t *pkt = NULL;

	/* The first fragment's header may be longer than that of those which were checked. */
	if (total <= longest)
		pkt = account_alloc_answer(r->stack,
					   total); /* gone before this packet is done with */
	if (!pkt)
		return NULL;
	memcpy(pkt, first->bytes, first->header_len);
	for (const struct list *n = r->frags.next; n != &r->frags; n = n->next) {
		const struct fragment *f = list_entry(n, struct fragment, link);
		memcpy(pkt + first->header_len + f->offset, f->bytes + f->prefix_len, f->len);
	}
	mend_header(pkt, total, first, r->ecn & 1u << IP_ECN_CE);
	*len = total;
	return pkt;
}

/* One fragment more or less: a datagram that is lost anyway goes at once. */
static void give_up(struct stack *s, struct ip_reass *r, const struct ip_packet *ip)
{
	s->counters.ip_reasm_fails++;
	trace_drop(s, ip->packet, ip->packet_len, "no memory for this datagram's fragments");
	if (r)
		ip_reass_free(r);
}

uint8_t *ip_reass_input(struct stack *s, const struct ip_packet *ip, size_t *len)
{
	const char *why = malformed(ip);

	s->counters.ip_reasm_reqds++;
	if (why) {
		s->counters.ip_in_fragments_dropped++;
		trace_drop(s, ip->packet, ip->packet_len, why);
		return NULL;
	}
	struct ip_reass *r = find(s, ip);
	if (!r)
		r = create(s, ip);
	if (!r) {
		give_up(s, NULL, ip);
		return NULL;
	}
	struct list *before = place_of(r, ip->frag.offset);
	if (r->refused ||
	    (before != &r->frags && is_duplicate(list_entry(before, struct fragment, link), ip))) {
		s->counters.ip_in_fragments_dropped++;
		trace_drop(s, ip->packet, ip->packet_len,
			   r->refused ? "fragment of a datagram that was discarded (RFC 5722 4)"
				      : "fragment: a duplicate (RFC 8200 4.5)");
		return NULL;
	}
	if (contradicts(r, before, ip)) {
		refuse(r, ip);
		return NULL;
	}
	if (!keep(r, before, ip)) {
		give_up(s, r, ip);
		return NULL;
	}
	trace_packet_in(s, ip->packet, ip->packet_len,
			"fragment: kept for reassembly (RFC 791 3.2, RFC 8200 4.5)");
	if (r->total == 0 || r->received != r->total)
		return NULL;
	uint8_t *whole = NULL;
	if (ecn_is_mixed(r)) {
		s->counters.ip_reasm_ecn_mixed++;
		trace_drop(
			s, ip->packet, ip->packet_len,
			"fragments with and without ECN: the datagram is dropped (RFC 3168 5.3)");
	} else {
		whole = assemble(r, len);
	}
	s->counters.ip_reasm_oks += whole != NULL;
	s->counters.ip_reasm_fails += whole == NULL;
	ip_reass_free(r);
	return whole;
}

/* ------------------------------------------------------------------ invariants */

static const char *check_one(const struct ip_reass *r)
{
	size_t memory = sizeof *r;
	uint32_t at = 0, received = 0;
	unsigned count = 0;

	for (const struct list *n = r->frags.next; n != &r->frags; n = n->next) {
		const struct fragment *f = list_entry(n, struct fragment, link);
		if (f->offset < at)
			return "fragments are not sorted and disjoint";
		at = f->offset + f->len;
		received += f->len;
		memory += fragment_size(f);
		count++;
	}
	if (memory != r->memory || received != r->received || count != r->count ||
	    count > IP_REASS_FRAGMENTS_MAX)
		return "a datagram's fragments are counted wrongly";
	return timer_armed(&r->timer) ? NULL : "a datagram waits for its fragments for ever";
}

const char *ip_reass_check(const struct stack *s, size_t *memory)
{
	unsigned count = 0;

	*memory = 0;
	for (const struct list *n = s->reass.next; n != &s->reass; n = n->next) {
		const struct ip_reass *r = list_entry(n, struct ip_reass, link);
		const char *broken = check_one(r);
		if (broken)
			return broken;
		*memory += r->memory;
		count++;
	}
	if (count != s->reass_count || count > IP_REASS_DATAGRAMS_MAX ||
	    *memory != s->reass_memory || *memory > bytes_max(s))
		return "reassembly holds more than it may, or counts wrongly";
	return NULL;
}
