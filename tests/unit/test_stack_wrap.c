/* SPDX-License-Identifier: Apache-2.0 */
/*
 * More than 8 GiB over one connection: sequence numbers, and all that is compared with them, go round
 * twice and a bit. Two stacks, joined by memory; the segments are as large as TSO makes them, and now and
 * then one is lost, so that SACK, recovery and time-outs happen at the seam as well.
 */
#include <string.h>

#include "tests/unit/wire.h"

#define BYTES ((UINT64_C(8) << 30) + (UINT64_C(300) << 20))
#define STAMP 4096u /* at each multiple lies the number of the place */
#define STEP_US 100u

struct end {
	struct stack *s;
	struct tcp_listener *l;
	struct tcp_conn *c;
	uint64_t done; /* bytes committed, or read */
	bool fin, closed;
};

struct run {
	struct wire *w;
	struct end end[2]; /* 0 sends, 1 listens and reads */
	uint64_t now_us;
	uint64_t packets, lost;
	uint32_t seams; /* how often the sender's number has gone round */
	uint32_t last_una;
};

static struct stack *new_host(const struct wire *w, uint8_t last)
{
	struct stack_config cfg = w->cfg;

	cfg.addr[0] = ip_addr_v4(10, 0, 0, last);
	cfg.mtu = 65535;
	cfg.tso = cfg.checksum_offload = true;
	cfg.send_buffer_max = cfg.recv_buffer_max = 1u << 20;
	cfg.cc = NULL;
	if (w->version == 6) {
		const uint8_t v6[16] = {0xfd, [15] = last};
		cfg.addr[0] = ip_addr_v6(v6);
	}
	struct stack *s = stack_create(&cfg);
	assert_non_null(s);
	return s;
}

static void write_stamp(uint8_t *p, uint64_t place)
{
	memcpy(p, &place, sizeof place);
}

/* Whole stamps only, so that no one is cut by the end of the ring. */
static void write_more(struct end *e)
{
	struct slice_mut room[2];

	while (e->done < BYTES) {
		const uint64_t left = BYTES - e->done;
		size_t n = tcp_send_reserve(e->c, left < 262144 ? (size_t)left : 262144, room);
		n -= n % STAMP;
		if (n == 0)
			return;
		for (size_t at = 0; at < n; at += STAMP)
			write_stamp(at < room[0].len ? room[0].data + at
						     : room[1].data + (at - room[0].len),
				    e->done + at);
		tcp_send_commit(e->c, n, false);
		e->done += n;
	}
}

static void read_all(struct run *r, struct end *e)
{
	struct slice got[2];
	const size_t n = tcp_recv_peek(e->c, got);
	const size_t whole = n - n % STAMP;

	for (size_t at = 0; at < whole; at += STAMP) {
		uint64_t place;
		memcpy(&place, at < got[0].len ? got[0].data + at : got[1].data + (at - got[0].len),
		       sizeof place);
		check_equal(r->w, place, e->done + at);
	}
	tcp_recv_consume(e->c, whole);
	e->done += whole;
}

static void take_events(struct run *r, unsigned which)
{
	struct end *e = &r->end[which];
	struct stack_event ev;

	while (stack_next_event(e->s, &ev)) {
		if (ev.type == STACK_EVENT_ACCEPT)
			e->c = tcp_accept(ev.listener);
		e->fin |= ev.type == STACK_EVENT_PEER_FIN;
		e->closed |= ev.type == STACK_EVENT_CLOSED;
	}
	if (!e->c || e->closed)
		return;
	if (which == 0)
		write_more(e);
	else
		read_all(r, e);
}

/* One packet in about a thousand, and one of 13 within a megabyte of the seam. */
static bool loses(struct run *r, const struct packet_out *out)
{
	const uint8_t *tcp = out->header + (out->ip_version == 6 ? 40 : 20);
	const uint32_t seq = (uint32_t)tcp[4] << 24 | (uint32_t)tcp[5] << 16;
	const bool near = seq + (1u << 20) < 2u << 20;

	return ++r->packets > 100 && (r->packets % 1009 == 0 || (near && r->packets % 13 == 0));
}

static void carry(struct run *r, unsigned from)
{
	static uint8_t packet[65536];
	struct packet_out out;
	size_t len;

	while ((len = stack_output(r->end[from].s, r->now_us, &out)) > 0) {
		size_t at = out.header_len;
		if (loses(r, &out)) {
			r->lost++;
			continue;
		}
		memcpy(packet, out.header, out.header_len);
		for (size_t i = 0; i < out.payload_count; at += out.payload[i++].len)
			memcpy(packet + at, out.payload[i].data, out.payload[i].len);
		stack_input(r->end[1 - from].s, r->now_us, packet, len,
			    (struct packet_meta){.checksum_trusted = true,
						 .gso_size = out.gso_size});
	}
}

static void turn(struct run *r)
{
	for (unsigned i = 0; i < 2; i++) {
		stack_advance(r->end[i].s, r->now_us);
		take_events(r, i);
		carry(r, i);
	}
	r->now_us += STEP_US;
}

static void look(struct run *r)
{
	struct tcp_info info;

	for (unsigned i = 0; i < 2; i++) {
		const char *broken = stack_check(r->end[i].s);
		if (broken)
			wire_fail(r->w, __FILE__, __LINE__, "end %u after %llu bytes: %s", i,
				  (unsigned long long)r->end[1].done, broken);
	}
	tcp_get_info(r->end[0].c, &info);
	check(r->w, info.snd_una - info.iss == (uint32_t)(info.bytes_out + 1) ||
			    info.state != TCP_ESTABLISHED);
	r->seams += info.snd_una < r->last_una;
	r->last_una = info.snd_una;
}

static void test_more_than_8_gib_over_one_connection(void **state)
{
	struct wire *w = *state;
	struct run r = {.w = w, .now_us = w->now_us};
	const struct ip_endpoint local = {.port = 80};
	struct ip_endpoint remote = {ip_addr_v4(10, 0, 0, 2), 80};
	const uint8_t v6[16] = {0xfd, [15] = 2};

	if (w->version == 6)
		remote.addr = ip_addr_v6(v6);
	for (unsigned i = 0; i < 2; i++)
		r.end[i].s = new_host(w, (uint8_t)(i + 1));
	assert_int_equal(tcp_listen(r.end[1].s, &local, 4, &r.end[1].l), STACK_OK);
	assert_int_equal(tcp_connect(r.end[0].s, r.now_us, NULL, &remote, &r.end[0].c), STACK_OK);
	r.last_una = w->cfg.isn;
	for (uint64_t idle = 0, before = 0; r.end[1].done < BYTES; before = r.end[1].done) {
		turn(&r);
		if (r.packets % 64 == 0)
			look(&r);
		idle = r.end[1].done > before ? 0 : idle + 1;
		check(w, !r.end[0].closed && idle < 2000000000 / STEP_US);
	}
	for (unsigned i = 0; i < 100; i++) /* the last ACKs */
		turn(&r);
	look(&r);
	check_equal(w, r.end[1].done, BYTES);
	check(w, r.lost > 50);
	check(w, r.seams >= 2);
	struct tcp_info info;
	tcp_get_info(r.end[0].c, &info);
	check_equal(w, info.bytes_out, BYTES);
	check_equal(w, info.snd_una, w->cfg.isn + 1 + (uint32_t)BYTES);
	check(w, info.retransmits > 0 && info.retransmits < 10 * r.lost);
	for (unsigned i = 0; i < 2; i++) {
		tcp_abort(r.end[i].c);
		turn(&r);
	}
	for (unsigned i = 0; i < 2; i++) {
		struct stack_usage u;
		stack_get_usage(r.end[i].s, &u);
		check_equal(w, u.connections, 0);
		stack_destroy(r.end[i].s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_CASE(test_more_than_8_gib_over_one_connection, " (isn 0)", wire_setup_0),
		WIRE_CASE(test_more_than_8_gib_over_one_connection, " (IPv6, isn 2^31-1)",
			  wire_setup_half_v6),
		WIRE_CASE(test_more_than_8_gib_over_one_connection, " (isn 2^32-1000)",
			  wire_setup_wrap),
	};

	return cmocka_run_group_tests_name("stack: twice round", tests, NULL, NULL);
}
