/* SPDX-License-Identifier: Apache-2.0 */
/* link.c — see link.h. */
#include "tests/sim/link.h"

#include "tests/sim/sim.h"

#define NS_PER_US 1000u
#define NS_PER_SECOND 1000000000u

void sim_link_init(struct sim_link *l, struct sim *sim, unsigned from, uint64_t seed)
{
	*l = (struct sim_link){.sim = sim, .from = from, .dead_after = UINT64_MAX};
	sim_rng_seed(&l->rng, seed);
}

void sim_link_drop(struct sim_link *l, enum sim_match match, unsigned first, unsigned count)
{
	sim_link_rule(l, SIM_ACT_DROP, match, first, count);
}

void sim_link_rule(struct sim_link *l, enum sim_act act, enum sim_match match, unsigned first,
		   unsigned count)
{
	if (l->rules == SIM_RULES_MAX) {
		sim_fail(l->sim, "the scenario arms more than %u rules", SIM_RULES_MAX);
		return;
	}
	l->rule[l->rules++] =
		(struct sim_rule){.act = act, .match = match, .first = first, .count = count};
}

/* The set of bits 1 << enum sim_act that the rules want done to this packet. */
static unsigned rules_say(struct sim_link *l, unsigned matches)
{
	unsigned acts = 0;

	for (unsigned i = 0; i < l->rules; i++) {
		struct sim_rule *r = &l->rule[i];
		if (!(matches & 1u << r->match))
			continue;
		r->seen++;
		if (r->seen >= r->first && r->seen - r->first < r->count)
			acts |= 1u << r->act;
	}
	return acts;
}

/* Independent loss, and the bursts of Gilbert (1960) and Elliott (1963). */
static bool lost(struct sim_link *l)
{
	const struct sim_link_config *cfg = &l->cfg;
	bool gone = sim_rng_chance(&l->rng, cfg->loss_ppm);

	if (l->bursting)
		l->bursting = !sim_rng_chance(&l->rng, cfg->burst_leave_ppm);
	else
		l->bursting = sim_rng_chance(&l->rng, cfg->burst_enter_ppm);
	if (l->bursting && sim_rng_chance(&l->rng, cfg->burst_loss_ppm))
		gone = true;
	return gone;
}

static void mark(struct sim_link *l, struct sim_packet *p)
{
	l->counts.marked++;
	sim_packet_set_ecn(p, SIM_CE);
}

/* The bottleneck: false when its queue is full. */
static bool enqueue(struct sim_link *l, struct sim_packet *p, uint64_t *leaves_us)
{
	const size_t len = p->len;
	const uint64_t now_ns = l->sim->now_us * NS_PER_US;

	if (!l->cfg.rate) {
		*leaves_us = l->sim->now_us;
		return true;
	}
	if (l->busy_until_ns < now_ns)
		l->busy_until_ns = now_ns;
	const uint64_t waiting =
		(l->busy_until_ns - now_ns) / NS_PER_US * l->cfg.rate / (NS_PER_SECOND / NS_PER_US);
	if (l->cfg.queue && waiting + len > l->cfg.queue && waiting > 0)
		return false;
	if (waiting + len > l->counts.waiting_max)
		l->counts.waiting_max = waiting + len;
	if (l->cfg.ce_threshold && waiting > l->cfg.ce_threshold && sim_packet_ecn(p))
		mark(l, p);
	l->busy_until_ns += len * NS_PER_SECOND / l->cfg.rate;
	*leaves_us = (l->busy_until_ns + NS_PER_US - 1) / NS_PER_US;
	return true;
}

static bool comes_from_far(const struct sim_link *l, const struct sim_packet *p)
{
	const uint8_t *ports = p->bytes + SIM_IP_HEADER + (l->from ? 2 : 0);

	return l->cfg.far_port && p->len >= SIM_IP_HEADER + SIM_TCP_HEADER &&
	       (ports[0] << 8 | ports[1]) == l->cfg.far_port;
}

static uint64_t arrival(struct sim_link *l, const struct sim_packet *p, uint64_t leaves_us)
{
	const bool far = comes_from_far(l, p);
	uint64_t at = leaves_us + l->cfg.delay_us + (far ? l->cfg.far_us : 0);

	if (l->cfg.jitter_us)
		at += sim_rng_below(&l->rng, l->cfg.jitter_us + 1);
	if (sim_rng_chance(&l->rng, l->cfg.reorder_ppm)) {
		l->counts.reordered++;
		return at + 1 + sim_rng_below(&l->rng, l->cfg.reorder_us);
	}
	if (at < l->last_arrival_us[far])
		at = l->last_arrival_us[far];
	l->last_arrival_us[far] = at;
	return at;
}

/* A change within one 16-bit word always changes the sum of RFC 1071, so it must be noticed. */
static void corrupt(struct sim_link *l, struct sim_packet *p)
{
	sim_packet_finish(p);
	p->gso_size = 0;
	p->corrupted = true;
	p->bytes[sim_rng_below(&l->rng, p->len)] ^= (uint8_t)sim_rng_between(&l->rng, 1, 255);
	l->counts.corrupted++;
}

/* What middleboxes do to the ECN field, and to packets for it. False: the packet is dropped. */
static bool passes_ecn(struct sim_link *l, struct sim_packet *p)
{
	const uint8_t flags = p->bytes[SIM_IP_HEADER + 13];

	switch (l->cfg.ecn) {
	case SIM_ECN_BLEACH:
		sim_packet_set_ecn(p, SIM_NOT_ECT);
		break;
	case SIM_ECN_MARK_ALL:
		mark(l, p);
		break;
	case SIM_ECN_DROP_ECT:
		return sim_packet_ecn(p) == SIM_NOT_ECT;
	case SIM_ECN_DROP_SETUP:
		return !(flags & SIM_SYN) || !(flags & (SIM_ECE | SIM_CWR));
	case SIM_ECN_PASS:
		break;
	}
	/* No draw where there is no chance: what was drawn before stays the same. */
	if (l->cfg.ce_ppm && sim_packet_ecn(p) && sim_rng_chance(&l->rng, l->cfg.ce_ppm))
		mark(l, p);
	return true;
}

/* One packet as it is on the wire. */
static void carry(struct sim_link *l, struct sim_packet *p, unsigned matches)
{
	const struct sim_link_config *cfg = &l->cfg;
	enum sim_fate fate = SIM_FATE_SENT;
	uint64_t leaves_us = 0;

	l->counts.packets++;
	l->counts.bytes += p->len;
	const unsigned acts = rules_say(l, matches);
	if (l->counts.packets > l->dead_after || (acts & 1u << SIM_ACT_DROP) || !passes_ecn(l, p)) {
		fate = SIM_FATE_RULED;
		l->counts.ruled++;
	} else if (cfg->mtu && p->len > cfg->mtu && !p->gso_size) {
		fate = SIM_FATE_TOO_LARGE;
		l->counts.too_large++;
		if (l->too_large)
			l->too_large(l->too_large_ctx, l, p);
	} else if (lost(l)) {
		fate = SIM_FATE_LOST;
		l->counts.lost++;
	} else if (!enqueue(l, p, &leaves_us)) {
		fate = SIM_FATE_OVERFLOW;
		l->counts.overflowed++;
	}
	if (fate == SIM_FATE_SENT &&
	    (sim_rng_chance(&l->rng, cfg->corrupt_ppm) || (acts & 1u << SIM_ACT_DAMAGE)))
		fate = SIM_FATE_CORRUPTED;
	sim_trace_packet(l->sim, l->from, p, fate);
	if (fate != SIM_FATE_SENT && fate != SIM_FATE_CORRUPTED) {
		sim_packet_free(p);
		return;
	}
	if (sim_rng_chance(&l->rng, cfg->duplicate_ppm) || (acts & 1u << SIM_ACT_TWICE)) {
		l->counts.duplicated++;
		sim_deliver_at(l->sim, 1 - l->from, sim_packet_copy(p), arrival(l, p, leaves_us));
	}
	if (acts & 1u << SIM_ACT_OLD) {
		l->counts.duplicated++;
		sim_deliver_at(l->sim, 1 - l->from, sim_packet_copy(p),
			       leaves_us + cfg->delay_us + l->hold_us);
	}
	if (fate == SIM_FATE_CORRUPTED)
		corrupt(l, p);
	if (acts & 1u << SIM_ACT_LATE) {
		l->counts.reordered++;
		sim_deliver_at(l->sim, 1 - l->from, p, leaves_us + cfg->delay_us + l->hold_us);
		return;
	}
	sim_deliver_at(l->sim, 1 - l->from, p, arrival(l, p, leaves_us));
}

/* What holds for a super segment as a whole holds for which of its pieces? FIN and PSH only for
 * the last. */
static unsigned piece_matches(unsigned matches, bool last)
{
	return last ? matches : matches & ~(1u << SIM_MATCH_FIN);
}

void sim_link_send(struct sim_link *l, struct sim_packet *p, unsigned matches)
{
	if (!p->gso_size || l->cfg.coalesced) {
		if (!l->cfg.coalesced)
			sim_packet_finish(p);
		carry(l, p, matches);
		return;
	}
	const size_t pieces = sim_packet_pieces(p);
	for (size_t i = 0; i < pieces; i++)
		carry(l, sim_packet_cut(p, i), piece_matches(matches, i + 1 == pieces));
	sim_packet_free(p);
}
