/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_stack_ops.c — sequences of segments, application calls and time steps. Segments are
 * templates that follow the stack's own numbers, so that the fuzzer reaches every state, with
 * mutations around the edges of the windows. The application uses a handle in any way that the
 * contract allows until it gives it back, also after the connection has ended.
 */
#include <stdio.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

#define PEERS 4u
#define HANDLES 16u
#define CONNECT_PORT 7u

/* The other end of a connection, by its port. */
struct peer {
	uint16_t port;       /* ours: of the peer                     */
	uint16_t stack_port; /* of the stack                          */
	uint32_t nxt;        /* next number that we send              */
	uint32_t seen;       /* one past what the stack has sent      */
	uint32_t acked;      /* what the stack has acknowledged       */
	uint32_t una;        /* what we have acknowledged             */
	uint32_t ts_seen;    /* the stack's last timestamp            */
	bool ts;
};

struct ops {
	struct fuzz_world world;
	struct peer peer[PEERS];
	struct tcp_conn *handle[HANDLES];
	const uint8_t *data;
	size_t size;
};

static uint8_t take(struct ops *o)
{
	if (o->size == 0)
		return 0;
	o->size--;
	return *o->data++;
}

static uint32_t take16(struct ops *o)
{
	const uint32_t high = take(o);

	return high << 8 | take(o);
}

/* ------------------------------------------------------------------ the peers */

static void on_sent(void *ctx, const struct sim_segment *seg)
{
	struct ops *o = ctx;

	for (unsigned i = 0; i < PEERS; i++) {
		struct peer *p = &o->peer[i];
		if (p->port != seg->dst_port)
			continue;
		const uint32_t end = seg->seq + sim_segment_space(seg);
		p->stack_port = seg->src_port;
		if ((seg->flags & SIM_SYN) || (int32_t)(end - p->seen) > 0)
			p->seen = end;
		if (seg->flags & SIM_SYN)
			p->una = end;
		if (seg->flags & SIM_ACK)
			p->acked = seg->ack;
		if (seg->has_ts)
			p->ts_seen = seg->ts_val;
	}
}

static void inject(struct ops *o, struct peer *p, struct sim_segment *seg)
{
	static const uint8_t payload[4096] = {1, 2, 3};
	static const uint8_t src[4] = {10, 0, 0, 1}, dst[4] = {10, 0, 0, 2};

	memcpy(seg->src, src, 4);
	memcpy(seg->dst, dst, 4);
	seg->src_port = p->port;
	seg->dst_port = p->stack_port;
	seg->payload = payload;
	if (p->ts && !seg->has_ts) {
		seg->has_ts = true;
		seg->ts_val = (uint32_t)(o->world.now_us / 1000);
		seg->ts_ecr = seg->flags & SIM_ACK ? p->ts_seen : 0;
	}
	struct sim_packet *packet = sim_packet_from_segment(seg);
	const struct packet_meta meta = {.gso_size = seg->len > 1460 ? 1460 : 0};
	stack_input(o->world.stack, o->world.now_us, packet->bytes, packet->len, meta);
	sim_packet_free(packet);
	fuzz_check(&o->world);
}

static void op_syn(struct ops *o, struct peer *p)
{
	const unsigned how = take(o);
	struct sim_segment seg = {.seq = p->nxt, .flags = SIM_SYN, .wnd = 65535};

	p->ts = how & 1;
	seg.has_mss = how & 2;
	seg.mss = (uint16_t)(how & 4 ? 1460 : how);
	seg.has_wscale = how & 8;
	seg.wscale = (uint8_t)(how >> 4);
	seg.sack_permitted = !(how & 32);
	inject(o, p, &seg);
	p->nxt = seg.seq + 1;
}

/* In order, with a length, a window and flags; the numbers are moved by small amounts now and
 * then. */
static void op_segment(struct ops *o, struct peer *p)
{
	static const uint8_t flags[] = {SIM_ACK,
					SIM_ACK | SIM_PSH,
					SIM_ACK | SIM_FIN,
					SIM_RST,
					SIM_RST | SIM_ACK,
					SIM_SYN,
					SIM_SYN | SIM_ACK,
					0,
					SIM_FIN,
					SIM_ACK | SIM_URG,
					SIM_ACK | SIM_FIN | SIM_SYN | SIM_RST};
	const unsigned how = take(o);
	struct sim_segment seg = {.seq = p->nxt,
				  .ack = p->seen,
				  .wnd = 65535,
				  .flags = flags[take(o) % sizeof flags]};

	if (how & 1)
		seg.len = take16(o) % 4096;
	if (how & 2)
		seg.wnd = (uint16_t)take16(o);
	if (how & 4)
		seg.seq += (uint32_t)(int8_t)take(o) * ((how & 8) ? 1 : 300);
	if (how & 16)
		seg.ack += (uint32_t)(int8_t)take(o) * ((how & 32) ? 1 : 300);
	if (how & 64) {
		seg.has_ts = true;
		seg.ts_val = (uint32_t)(o->world.now_us / 1000) + (uint32_t)(int8_t)take(o);
		seg.ts_ecr = take16(o);
	}
	inject(o, p, &seg);
	if (seg.flags & SIM_ACK)
		p->una = seg.ack;
	/* What was in order is sent and done with, unless the bit says that it may come again. */
	if (!(how & 128) && seg.seq == p->nxt && !(seg.flags & SIM_RST))
		p->nxt += sim_segment_space(&seg);
}

/* An ICMP error about what may be in flight: any type, an MTU, a number near the newest. */
static void op_error(struct ops *o, struct peer *p)
{
	uint8_t b[56] = {0x45, [3] = 56, [8] = 64, 1};

	memcpy(b + 12, "\012\0\0\1\012\0\0\2", 8);
	b[20] = take(o) % 16;
	b[21] = take(o) % 16;
	b[26] = take(o);
	b[27] = take(o);
	b[28] = 0x45;
	const uint32_t len = take16(o), seq = p->seen - 1 - take16(o);
	b[30] = (uint8_t)(len >> 8);
	b[31] = (uint8_t)len;
	b[37] = 6;
	memcpy(b + 40, "\012\0\0\2\012\0\0\1", 8);
	b[48] = (uint8_t)(p->stack_port >> 8);
	b[49] = (uint8_t)p->stack_port;
	b[50] = (uint8_t)(p->port >> 8);
	b[51] = (uint8_t)p->port;
	for (unsigned i = 0; i < 4; i++)
		b[52 + i] = (uint8_t)(seq >> (24 - 8 * i));
	uint32_t sum = 0;
	for (unsigned i = 20; i < sizeof b; i += 2)
		sum += (uint32_t)b[i] << 8 | b[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16));
	b[22] = (uint8_t)(sum >> 8);
	b[23] = (uint8_t)sum;
	fuzz_ip_checksum(b);
	stack_input(o->world.stack, o->world.now_us, b, sizeof b, (struct packet_meta){0});
	fuzz_check(&o->world);
}

/* Where a block begins or ends: between what is acknowledged and what was sent, or a little outside. */
static uint32_t edge(struct ops *o, const struct peer *p)
{
	const uint32_t flight = p->seen - p->una, where = take(o);

	if (where >= 252)
		return (where & 1 ? p->seen : p->una) + (uint32_t)(int8_t)take(o);
	return p->una + (uint32_t)((uint64_t)flight * where / 251);
}

/* A duplicate ACK, or one that moves on, with one to four blocks: of what has arrived, of what has not, of what
 * is acknowledged already (DSACK, RFC 2883), backwards, or taken back later (RFC 2018 8). */
static void op_sack(struct ops *o, struct peer *p)
{
	const unsigned how = take(o);
	struct sim_segment seg = {.seq = p->nxt, .wnd = 65535, .flags = SIM_ACK};

	if (how & 4)
		p->una = edge(o, p);
	seg.ack = p->una;
	seg.sack_count = (uint8_t)(how % 4 + 1);
	if (p->ts && seg.sack_count == 4)
		seg.sack_count = 3; /* there is no room for more */
	for (unsigned i = 0; i < seg.sack_count; i++) {
		seg.sack[i][0] = edge(o, p);
		seg.sack[i][1] = how & 8 ? seg.sack[i][0] + take(o) : edge(o, p);
	}
	if (how & 16) { /* DSACK: the first lies below the ACK … */
		seg.sack[0][1] = p->una - take(o);
		seg.sack[0][0] = seg.sack[0][1] - take16(o) % 3000;
	}
	if ((how & 32) && seg.sack_count > 1) { /* … or within the second */
		seg.sack[0][0] = seg.sack[1][0];
		seg.sack[0][1] = seg.sack[1][1] - take(o) % 4;
	}
	if (how & 64)
		seg.wnd = (uint16_t)take16(o);
	/* The same ACK several times: what three duplicates bring about. */
	for (unsigned i = 0; i < (how & 128 ? 4u : 1u); i++)
		inject(o, p, &seg);
}

/* ------------------------------------------------------------------ the application */

static void remember(struct ops *o, struct tcp_conn *c)
{
	for (unsigned i = 0; i < HANDLES; i++) {
		if (!o->handle[i]) {
			o->handle[i] = c;
			return;
		}
	}
	tcp_abort(c);
}

static void op_events(struct ops *o)
{
	struct stack_event ev;
	struct tcp_conn *c;

	for (unsigned n = 0; stack_next_event(o->world.stack, &ev); n++) {
		if (n > 10000)
			fuzz_found("events without end");
		if (ev.type == STACK_EVENT_ACCEPT)
			while ((c = tcp_accept(ev.listener)) != NULL)
				remember(o, c);
	}
}

static void op_connect(struct ops *o, struct peer *p)
{
	const struct ip_endpoint remote = {.addr = ip_addr_v4(10, 0, 0, 1), .port = p->port};
	const struct ip_endpoint local = {.port = (uint16_t)(CONNECT_PORT + take(o) % 2)};
	struct tcp_conn *c;

	if (tcp_connect(o->world.stack, o->world.now_us, &local, &remote, &c) == STACK_OK) {
		p->stack_port = local.port;
		remember(o, c);
	}
}

static void op_write(struct ops *o, struct tcp_conn *c)
{
	const size_t want = take16(o) % 20000;
	const unsigned how = take(o);
	struct slice_mut out[2];

	size_t n = tcp_send_reserve(c, want, out);
	if (n > want || out[0].len + out[1].len != n)
		fuzz_found("tcp_send_reserve's slices are not as long as it says");
	for (unsigned i = 0; i < 2; i++)
		if (out[i].len)
			memset(out[i].data, 'x', out[i].len);
	if (how & 2)
		n /= 2;
	tcp_send_commit(c, n, how & 1);
}

/* All or nothing, and no more than there is room for. */
static void op_send_all(struct ops *o, struct tcp_conn *c)
{
	static const uint8_t data[20000];
	const size_t len = take16(o) % sizeof data, space = tcp_send_space(c);
	const size_t before = tcp_send_pending(c);
	const size_t n = tcp_send_all(c, data, len, take(o) & 1);

	if ((n != 0 && n != len) || n > space || tcp_send_pending(c) != before + n)
		fuzz_found("tcp_send_all took a part, or more than there was room for");
	tcp_set_user(c, o);
	if (tcp_user(c) != o)
		fuzz_found("tcp_user is not what was set");
}

static void op_read(struct ops *o, struct tcp_conn *c)
{
	struct slice in[2];
	const size_t n = tcp_recv_peek(c, in);
	const size_t want = take16(o);
	uint8_t sum = 0;

	for (unsigned i = 0; i < 2; i++)
		for (size_t k = 0; k < in[i].len; k++)
			sum ^= in[i].data[k];
	if (sum == 0xff)
		fuzz_found("a byte that nobody has sent");
	if (n > 0)
		tcp_recv_consume(c, want < n ? want : n);
	tcp_recv_finished(c);
}

/* One call on one handle; the ones that give it back forget it. */
static void op_call(struct ops *o)
{
	struct tcp_conn **slot = &o->handle[take(o) % HANDLES];
	struct tcp_conn *c = *slot;
	struct tcp_info info;

	if (!c)
		return;
	switch (take(o) % 10) {
	case 0:
		op_read(o, c);
		break;
	case 1:
		op_write(o, c);
		break;
	case 2:
		tcp_shutdown(c);
		break;
	case 3:
		tcp_notify_sent(c);
		break;
	case 4:
		tcp_set_timer(c, take(o) % 2 ? UINT64_MAX : o->world.now_us + take16(o) * 100);
		break;
	case 5:
		tcp_get_info(c, &info);
		if (info.send_queued != tcp_send_pending(c))
			fuzz_found("tcp_info and tcp_send_pending do not agree");
		break;
	case 6:
		op_send_all(o, c);
		break;
	case 7: {
		const unsigned option = take(o) % 6;
		uint64_t value = take16(o) * (take(o) % 2 ? 10000ull : 1ull);
		if (tcp_set_option(c, (enum tcp_option)option, value) == STACK_OK &&
		    tcp_get_option(c, (enum tcp_option)option, &value) != STACK_OK)
			fuzz_found("an option can be set and not be read");
		break;
	}
	case 8:
		tcp_close(c);
		*slot = NULL;
		break;
	default:
		tcp_abort(c);
		*slot = NULL;
		break;
	}
	fuzz_check(&o->world);
}

static void op_listen(struct ops *o)
{
	const struct ip_endpoint local = {.port = FUZZ_PORT};

	if (o->world.listener) {
		tcp_unlisten(o->world.listener);
		o->world.listener = NULL;
	} else if (tcp_listen(o->world.stack, &local, 2, &o->world.listener) != STACK_OK) {
		fuzz_found("the port cannot be listened on again");
	}
	fuzz_check(&o->world);
}

/* ------------------------------------------------------------------ one run */

static void op_time(struct ops *o)
{
	static const uint64_t unit[] = {10, 1000, 100000, 10000000, 3600000000};
	const unsigned how = take(o);

	o->world.now_us += unit[how % 5] * (how / 5 + 1u);
	stack_advance(o->world.stack, o->world.now_us);
	fuzz_check(&o->world);
}

static void count(void *ctx, const struct tcp_info *info)
{
	unsigned *n = ctx;

	n[info->state]++;
	if (info->snd_nxt - info->snd_una > info->snd_max - info->snd_una)
		fuzz_found("SND.NXT is beyond what was sent");
}

/* What an observer is told agrees with itself. */
static void observe(struct ops *o)
{
	unsigned n[TCP_STATE_COUNT] = {0}, all = 0;
	struct stack_usage usage;

	stack_each_conn(o->world.stack, count, n);
	stack_get_usage(o->world.stack, &usage);
	for (unsigned i = 0; i < TCP_STATE_COUNT; i++)
		all += n[i];
	/* A handle whose connection has ended is a block that is held, but no connection. */
	if (all > usage.connections + usage.half_open + usage.time_wait ||
	    n[TCP_TIME_WAIT] != usage.time_wait || n[TCP_CLOSED] > 0)
		fuzz_found("stack_each_conn and stack_get_usage do not agree");
}

static void step(struct ops *o)
{
	const unsigned op = take(o);
	struct peer *p = &o->peer[op / 16 % PEERS];

	switch (op % 16) {
	case 0:
		op_syn(o, p);
		break;
	case 1:
	case 2:
	case 3:
		op_segment(o, p);
		break;
	case 4:
	case 5:
		op_sack(o, p);
		break;
	case 6:
		op_time(o);
		break;
	case 7:
		op_events(o);
		break;
	case 8:
		op_connect(o, p);
		break;
	case 9:
		op_listen(o);
		break;
	case 10: /* a new connection from the same port, with higher numbers */
		p->nxt += 100000;
		p->stack_port = FUZZ_PORT;
		op_syn(o, p);
		break;
	case 15:
		op_error(o, p);
		break;
	case 11:
	case 12:
	case 13:
		op_call(o);
		break;
	case 14:
		observe(o);
		fuzz_turn(&o->world);
		break;
	default:
		fuzz_turn(&o->world);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ops o = {.data = data, .size = size};

	fuzz_world_create(&o.world, NULL);
	o.world.sent = on_sent;
	o.world.ctx = &o;
	for (unsigned i = 0; i < PEERS; i++)
		o.peer[i] = (struct peer){.port = (uint16_t)(1000 + i),
					  .stack_port = FUZZ_PORT,
					  .nxt = 0u - 1000 * i};
	while (o.size > 0)
		step(&o);
	fuzz_turn(&o.world);
	op_events(&o);
	for (unsigned i = 0; i < HANDLES; i++)
		if (o.handle[i])
			tcp_close(o.handle[i]);
	if (o.world.listener)
		tcp_unlisten(o.world.listener);
	fuzz_world_end(&o.world, true);
	return 0;
}
