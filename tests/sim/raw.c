/* SPDX-License-Identifier: Apache-2.0 */
/* raw.c — see raw.h. */
#include "tests/sim/raw.h"

#include <string.h>

#include "tests/sim/pattern.h"

void sim_raw_init(struct sim_raw *r, struct sim *sim, uint16_t port, uint32_t iss)
{
	*r = (struct sim_raw){
		.sim = sim, .port = port, .iss = iss, .snd_nxt = iss, .window = 65535, .ts = true};
	r->tx_key = sim_stream_key(sim, port, SIM_PORT, 0);
	r->rx_key = sim_stream_key(sim, port, SIM_PORT, 1);
	sim_pattern_fill(r->request, r->tx_key, 0, sizeof r->request);
}

struct sim_segment sim_raw_segment(const struct sim_raw *r)
{
	const struct ip_addr from = sim_host_addr(0), to = sim_host_addr(1);
	const uint32_t wnd = r->window >> r->wscale;
	struct sim_segment seg = {.src_port = r->port,
				  .dst_port = SIM_PORT,
				  .seq = r->snd_nxt,
				  .ack = r->rcv_nxt,
				  .flags = SIM_ACK,
				  .wnd = (uint16_t)(wnd > UINT16_MAX ? UINT16_MAX : wnd),
				  .has_ts = r->ts,
				  .ts_val = (uint32_t)(r->sim->now_us / SIM_MS),
				  .ts_ecr = r->ts_recent};

	memcpy(seg.src, from.bytes, 4);
	memcpy(seg.dst, to.bytes, 4);
	return seg;
}

void sim_raw_send(struct sim_raw *r, const struct sim_segment *seg)
{
	sim_peer_send(r->sim, 0, seg);
}

void sim_raw_syn(struct sim_raw *r, uint16_t mss)
{
	struct sim_segment seg = sim_raw_segment(r);

	seg.flags = SIM_SYN;
	seg.ack = 0;
	seg.wnd = (uint16_t)(r->window > UINT16_MAX ? UINT16_MAX : r->window);
	seg.has_mss = true;
	seg.mss = mss;
	seg.has_wscale = r->wscale > 0;
	seg.wscale = r->wscale;
	seg.sack_permitted = r->sack;
	sim_raw_send(r, &seg);
	r->snd_nxt = r->iss + 1;
}

void sim_raw_ack(struct sim_raw *r)
{
	const struct sim_segment seg = sim_raw_segment(r);

	sim_raw_send(r, &seg);
}

void sim_raw_data(struct sim_raw *r, uint32_t offset, uint32_t len, uint8_t flags)
{
	struct sim_segment seg = sim_raw_segment(r);

	seg.seq = r->iss + 1 + offset;
	seg.flags |= flags;
	seg.payload = r->request + offset;
	seg.len = len;
	const uint32_t end = seg.seq + sim_segment_space(&seg);
	if ((int32_t)(end - r->snd_nxt) > 0)
		r->snd_nxt = end;
	if (flags & SIM_FIN)
		r->fin_out = true;
	sim_raw_send(r, &seg);
}

void sim_raw_fin(struct sim_raw *r)
{
	struct sim_segment seg = sim_raw_segment(r);

	seg.flags |= SIM_FIN;
	sim_raw_send(r, &seg);
	r->snd_nxt++;
	r->fin_out = true;
}

uint32_t sim_raw_take(struct sim_raw *r, const struct sim_segment *seg)
{
	uint64_t wrong;

	if (seg->has_ts)
		r->ts_recent = seg->ts_val;
	if (seg->flags & SIM_RST) {
		r->reset = true;
		return 0;
	}
	if ((seg->flags & SIM_SYN) && !r->established) {
		r->established = true;
		r->remote_iss = seg->seq;
		r->rcv_nxt = seg->seq + 1;
		r->ts = r->ts && seg->has_ts;
		return 0;
	}
	if (seg->seq != r->rcv_nxt)
		return 0;
	if (!sim_pattern_equal(seg->payload, r->rx_key, r->received, seg->len, &wrong))
		sim_fail(r->sim, "the peer got byte %llu wrong", (unsigned long long)wrong);
	r->received += seg->len;
	r->sim->work += seg->len;
	r->rcv_nxt += seg->len;
	if (seg->flags & SIM_FIN) {
		r->fin_in = true;
		r->rcv_nxt++;
	}
	return seg->len;
}
