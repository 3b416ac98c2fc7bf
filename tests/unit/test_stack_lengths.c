/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lengths that contradict each other, all of them: IP header length × total length × bytes that are
 * there; data offset × bytes that are there, in every state; each kind of option × its length × its
 * place. A packet lies in a buffer of its exact size, so that the sanitizers see a read beyond it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stack/tcp_segment.h"
#include "tests/unit/wire.h"

#define SYN_WORDS "win 65535 <mss 1460>"

static uint8_t packet[WIRE_PACKET_MAX];

static void put16(uint8_t *p, size_t x)
{
	p[0] = (uint8_t)(x >> 8);
	p[1] = (uint8_t)x;
}

static void put32(uint8_t *p, uint32_t x)
{
	put16(p, x >> 16);
	put16(p + 2, x & 0xffff);
}

/* What is taken makes a half-open entry, which a RST takes away again. */
static void expect_fate(struct wire *w, size_t len, bool taken, const char *about)
{
	wire_inject_meta(w, packet, len, (struct packet_meta){.checksum_trusted = true});
	const size_t answers = drain(w);
	if (answers != taken || wire_usage(w).half_open != taken)
		wire_fail(w, __FILE__, __LINE__, "%s, %zu bytes there: %zu answers instead of %d",
			  about, len, answers, taken);
	if (taken) {
		const struct seg rst = wire_seg(w, "R 1:1(0)");
		wire_inject_seg(w, &rst);
	}
}

/* ------------------------------------------------------------------ IP */

/* CVE-2021-31401, CVE-2020-11896 and their kin: a length is taken off another that is smaller. */
static void test_every_ihl_total_length_and_truncation(void **state)
{
	struct wire *w = *state;
	char about[64];

	w->quiet = true;
	wire_listen(w, WIRE_PORT, 16);
	for (size_t ihl = 0; ihl < 16; ihl++) {
		for (size_t total = 0; total <= 96; total++) {
			for (size_t there = 0; there <= 96; there++) {
				const struct seg g = wire_seg(w, "S 0:0(0) win 65535");
				const size_t len = wire_build(w, &g, packet), at = ihl * 4;
				if (ihl > 5)
					memmove(packet + at, packet + 20, len - 20);
				if (ihl > 5)
					memset(packet + 20, 1, at - 20);
				memset(packet + (ihl > 5 ? at : 20) + 20, 0xaa, 60);
				packet[0] = (uint8_t)(0x40 | ihl);
				put16(packet + 2, total);
				put16(packet + 10, 0);
				put16(packet + 10, wire_checksum(packet, at, 0));
				snprintf(about, sizeof about, "ihl %zu, total length %zu", ihl,
					 total);
				expect_fate(w, there,
					    ihl >= 5 && total <= there && total >= at + 20, about);
			}
		}
	}
}

static void test_every_ipv6_payload_length_and_truncation(void **state)
{
	struct wire *w = *state;
	static uint8_t v4[WIRE_PACKET_MAX];
	char about[64];

	w->quiet = true;
	wire_listen(w, WIRE_PORT, 16);
	for (size_t payload = 0; payload <= 96; payload++) {
		for (size_t there = 0; there <= 136; there++) {
			const struct seg g = wire_seg(w, "S 0:0(0) win 65535");
			wire_to_v6(v4, wire_build(w, &g, v4), packet);
			memset(packet + 60, 0xaa, 100);
			put16(packet + 4, payload);
			snprintf(about, sizeof about, "payload length %zu", payload);
			expect_fate(w, there, there >= 40 + payload && payload >= 20, about);
		}
	}
}

/* ------------------------------------------------------------------ the data offset */

/* CVE-2020-24341. In ESTABLISHED what counts is how many bytes of text the segment is found to have. */
static void test_every_data_offset_and_length_in_established(void **state)
{
	struct wire *w = *state;
	uint32_t at = 1;

	w->quiet = true;
	wire_establish(w, SYN_WORDS);
	w->any_payload = true;
	for (size_t offset = 0; offset < 16; offset++) {
		for (size_t there = 0; there <= 60; there++) {
			char line[64];
			snprintf(line, sizeof line, ". %u:%u(40) ack 1", at, at + 40);
			const struct seg g = wire_seg(w, line);
			wire_build(w, &g, packet);
			packet[32] = (uint8_t)(offset << 4);
			memset(packet + 40, 1, 40);
			put16(packet + 2, 20 + there);
			put16(packet + 10, 0);
			put16(packet + 10, wire_checksum(packet, 20, 0));
			wire_inject_meta(w, packet, 20 + there,
					 (struct packet_meta){.checksum_trusted = true});
			const bool sound = offset >= 5 && offset * 4 <= there;
			at += sound ? (uint32_t)(there - offset * 4) : 0;
			check_equal(w, wire_info(w).rcv_nxt - w->irs, at);
			tcp_recv_consume(w->c, 60);
			drain(w);
		}
	}
	check_equal(w, counters(w)->tcp_in_errs,
		    16 * 61 -
			    /* sound ones: */ (41 + 37 + 33 + 29 + 25 + 21 + 17 + 13 + 9 + 5 + 1));
}

/* In the other states nothing may come of it that an honest ACK does not bring about, nor a crash. */
static void try_offsets(struct wire *w, const char *words)
{
	for (size_t offset = 0; offset < 16; offset++) {
		for (size_t there = 0; there < 60; there++) {
			const struct seg g = wire_seg(w, words);
			wire_build(w, &g, packet);
			packet[32] = (uint8_t)(offset << 4);
			memset(packet + 40, (int)(there % 9), 40);
			put16(packet + 2, 20 + there);
			put16(packet + 10, 0);
			put16(packet + 10, wire_checksum(packet, 20, 0));
			wire_inject_meta(w, packet, 20 + there,
					 (struct packet_meta){.checksum_trusted = true});
			drain(w);
		}
	}
}

static void test_every_data_offset_and_length_in_every_other_state(void **state)
{
	struct wire *w = *state;

	w->quiet = true;
	w->any_payload = true;
	try_offsets(w, ". 1:1(0) ack 1"); /* CLOSED */
	wire_connect(w);
	try_offsets(w, ". 1:1(0) ack 0"); /* SYN-SENT */
	expect_state(w, TCP_SYN_SENT);
	wire_restart(w);
	wire_listen(w, WIRE_PORT, 16);
	try_offsets(w, ". 1:1(0) ack 1"); /* LISTEN */
	inject(w, "* S 0:0(0) " SYN_WORDS);
	drain(w);
	try_offsets(w, "- 1:1(0)"); /* SYN-RECEIVED */
	expect_state(w, TCP_SYN_RECEIVED);
	wire_restart(w);
	wire_establish(w, SYN_WORDS);
	inject(w, "* F. 1:1(0) ack 1");
	drain(w);
	try_offsets(w, ". 2:2(0) ack 1"); /* CLOSE-WAIT */
	expect_state(w, TCP_CLOSE_WAIT);
	wire_shutdown(w);
	drain(w);
	try_offsets(w, ". 2:2(0) ack 1"); /* LAST-ACK */
	expect_state(w, TCP_LAST_ACK);
	wire_restart(w);
	wire_establish(w, SYN_WORDS);
	wire_shutdown(w);
	drain(w);
	inject(w, "* F. 1:1(0) ack 2");
	drain(w);
	try_offsets(w, ". 2:2(0) ack 2"); /* TIME-WAIT */
	expect_state(w, TCP_TIME_WAIT);
}

/* ------------------------------------------------------------------ options */

/* RFC 9293 3.1 and 3.2 read a second time: what does this option area hold? The options' own
 * lengths and the kinds of segments are from RFC 9293 3.7.1, RFC 7323 2.2 and 3.2, RFC 2018 2 and 3. */
static struct tcp_options reference(const uint8_t *opt, size_t len, bool syn)
{
	struct tcp_options o = {0};

	for (size_t i = 0, n; i < len && opt[i] != 0; i += n) {
		n = opt[i] == 1 ? 1 : i + 1 < len ? opt[i + 1] : 0;
		if (n == 0 || (n == 1 && opt[i] != 1) || i + n > len)
			break;
		const uint8_t *p = opt + i;
		if (p[0] == 2 && n == 4 && syn) {
			o.has_mss = true;
			o.mss = (uint16_t)(p[2] << 8 | p[3]);
		} else if (p[0] == 3 && n == 3 && syn) {
			o.has_wscale = true;
			o.wscale = p[2] < 14 ? p[2] : 14;
		} else if (p[0] == 4 && n == 2 && syn) {
			o.sack_permitted = true;
		} else if (p[0] == 5 && !syn && (n == 10 || n == 18 || n == 26 || n == 34)) {
			o.sack_count = (uint8_t)(n / 8);
			for (size_t k = 0; k < o.sack_count; k++)
				for (size_t b = 0; b < 4; b++) {
					uint32_t *start = &o.sack[k].start, *end = &o.sack[k].end;
					*start = *start << 8 | p[2 + 8 * k + b];
					*end = *end << 8 | p[6 + 8 * k + b];
				}
		} else if (p[0] == 8 && n == 10) {
			o.has_timestamp = true;
			o.ts_val = o.ts_ecr = 0;
			for (size_t b = 0; b < 4; b++) {
				o.ts_val = o.ts_val << 8 | p[2 + b];
				o.ts_ecr = o.ts_ecr << 8 | p[6 + b];
			}
		}
	}
	return o;
}

static bool same_options(const struct tcp_options *a, const struct tcp_options *b)
{
	if (a->has_mss != b->has_mss || a->mss != b->mss || a->has_wscale != b->has_wscale ||
	    a->wscale != b->wscale || a->has_timestamp != b->has_timestamp ||
	    a->ts_val != b->ts_val || a->ts_ecr != b->ts_ecr ||
	    a->sack_permitted != b->sack_permitted || a->sack_count != b->sack_count)
		return false;
	for (unsigned k = 0; k < a->sack_count; k++)
		if (a->sack[k].start != b->sack[k].start || a->sack[k].end != b->sack[k].end)
			return false;
	return true;
}

/* Parses a header with these options from a buffer of its exact size. */
static void try_parse(const uint8_t *opt, size_t opt_len, bool syn, const char *about)
{
	uint8_t *header = malloc(20 + opt_len);
	struct tcp_segment seg = {0};

	memset(header, 0, 20);
	header[12] = (uint8_t)((20 + opt_len) / 4 << 4);
	header[13] = syn ? SYN : ACK;
	memcpy(header + 20, opt, opt_len);
	assert_true(tcp_segment_parse(&seg, header, 20 + opt_len));
	const struct tcp_options want = reference(opt, opt_len, syn);
	if (!same_options(&seg.opt, &want)) {
		print_error("%s, in a %s; the area:", about, syn ? "SYN" : "segment without SYN");
		for (size_t i = 0; i < opt_len; i++)
			print_error(" %02x", opt[i]);
		print_error("\n");
		fail();
	}
	free(header);
}

/* Around the option: what begins another one, what ends all, and bytes that are no lengths. */
static void test_every_kind_length_and_offset_is_parsed_right(void **state)
{
	static const uint8_t before[] = {1, 0xfe}, behind[] = {0, 1, 2, 4, 8, 10, 0xff};
	char about[64];

	(void)state;
	for (unsigned kind = 0; kind < 256; kind++) {
		for (unsigned len = 0; len <= 41; len++) {
			for (size_t at = 0; at < 40; at++) {
				uint8_t opt[40];
				memset(opt, 1, sizeof opt);
				/* NOPs, or an option that nobody knows. */
				if (at >= 2 && before[len % 2] != 1) {
					opt[0] = before[len % 2];
					opt[1] = (uint8_t)at;
				}
				memset(opt + at, behind[(kind + at) % sizeof behind], 40 - at);
				opt[at] = (uint8_t)kind;
				if (at < 39)
					opt[at + 1] = (uint8_t)(len == 41 ? 255 : len);
				snprintf(about, sizeof about, "kind %u, length %u at %zu", kind,
					 len, at);
				try_parse(opt, 40, true, about);
				try_parse(opt, 40, false, about);
				try_parse(opt, (at & ~(size_t)3) + 4, kind % 2, about);
			}
		}
	}
}

/* The well-known ones with their right lengths: found at every place at which they fit, and what they say
 * is what the connection lives by. */
static void test_known_options_work_wherever_they_lie(void **state)
{
	struct wire *w = *state;
	static const uint8_t known[] = {2, 4, 3, 210, 3, 3, 5, 4, 2, 8, 10, 0, 0, 9, 9, 0, 0, 0, 0};

	w->quiet = true;
	for (size_t at = 0; at + sizeof known <= 40; at++) {
		struct seg g = wire_seg(w, "S 0:0(0) win 65535");
		char line[64];
		memset(g.opt, 1, sizeof g.opt);
		if (at >= 2) {
			g.opt[0] = 253;
			g.opt[1] = (uint8_t)at;
		}
		memcpy(g.opt + at, known, sizeof known);
		g.opt_len = 40;
		wire_listen(w, WIRE_PORT, 16);
		wire_inject_seg(w, &g);
		check_equal(w, drain(w), 1);
		snprintf(line, sizeof line, "* . 1:1(0) ack 1 win 100 <TS val 2400 ecr 0>");
		inject(w, line);
		wire_accept(w);
		const struct tcp_info info = wire_info(w);
		check_equal(w, info.peer_mss, 978);
		check_equal(w, info.snd_wscale, 5);
		check_equal(w, info.snd_wnd, 3200);
		check(w, info.sack && info.timestamps);
		wire_restart(w);
	}
}

/* … and of those that come with data: timestamps are echoed, SACK blocks counted. */
static void test_timestamps_and_sack_work_wherever_they_lie(void **state)
{
	struct wire *w = *state;

	w->quiet = true;
	for (size_t at = 0; at + 20 <= 40; at++) {
		for (unsigned sack_first = 0; sack_first < 2; sack_first++) {
			const size_t ts = at + (sack_first ? 10 : 0),
				     sack = at + (sack_first ? 0 : 10);
			struct seg g;
			wire_listen(w, WIRE_PORT, 16);
			inject(w, "* S 0:0(0) win 65535 <mss 1000,sackOK,TS val 7 ecr 0>");
			drain(w);
			inject(w, "* . 1:1(0) ack 1 win 65535 <TS val 7 ecr 0>");
			wire_accept(w);
			send_bytes(w, 3000);
			drain(w);
			g = wire_seg(w, ". 1:1(0) ack 1 win 65535");
			memset(g.opt, 1, sizeof g.opt);
			g.opt[ts] = 8;
			g.opt[ts + 1] = 10;
			put32(g.opt + ts + 2, 4711);
			put32(g.opt + ts + 6, 0);
			g.opt[sack] = 5;
			g.opt[sack + 1] = 10;
			put32(g.opt + sack + 2, w->iss + 1001);
			put32(g.opt + sack + 6, w->iss + 2001);
			g.opt_len = 40;
			wire_inject_seg(w, &g);
			check_equal(w, wire_info(w).sacked, 1000);
			drain(w);
			inject(w, "* P. 1:11(10) ack 1 <TS val 4712 ecr 0>");
			expect(w, "* . 3001:3001(0) ack 11 <TS val * ecr 4712>");
			wire_restart(w);
		}
	}
}

/* On a connection with timestamps and SACK, all kinds and lengths everywhere: a segment whose timestamp is
 * found is taken, the others are not (RFC 7323 3.2), and nothing else happens. */
static void test_every_kind_length_and_offset_in_established(void **state)
{
	struct wire *w = *state;
	uint32_t at = 1;

	w->quiet = true;
	wire_listen(w, WIRE_PORT, 16);
	inject(w, "* S 0:0(0) win 65535 <mss 1460,sackOK,TS val 0 ecr 0>");
	drain(w);
	inject(w, "* . 1:1(0) ack 1 win 65535 <TS val 0 ecr 0>");
	wire_accept(w);
	w->any_payload = true;
	for (unsigned kind = 0; kind < 256; kind++) {
		for (unsigned len = 0; len <= 41; len++) {
			for (size_t place = 0; place < 40; place++) {
				struct seg g = wire_seg(w, "P. 1:1(0) ack 1 win 65535");
				memset(g.opt, 1, 40);
				if (place >= 10) { /* the timestamp that is asked for */
					g.opt[0] = 8;
					g.opt[1] = 10;
					memset(g.opt + 2, 0, 8);
				}
				g.opt[place] = (uint8_t)kind;
				if (place < 39)
					g.opt[place + 1] = (uint8_t)(len == 41 ? 255 : len);
				g.opt_len = 40;
				g.seq = w->irs + at;
				g.len = 10;
				const struct tcp_options o = reference(g.opt, 40, false);
				wire_inject_seg(w, &g);
				/* One of 0x01010101 is ahead of its time and would make all that
				 * follow old: see that it comes last. */
				const bool late = o.has_timestamp && o.ts_val != 0;
				at += o.has_timestamp ? 10 : 0;
				check_equal(w, wire_info(w).rcv_nxt - w->irs, at);
				tcp_recv_consume(w->c, 10);
				drain(w);
				if (late) {
					wire_restart(w);
					wire_listen(w, WIRE_PORT, 16);
					inject(w, "* S 0:0(0) win 65535 <mss 1460,sackOK,TS val 0 "
						  "ecr 0>");
					drain(w);
					inject(w, "* . 1:1(0) ack 1 win 65535 <TS val 0 ecr 0>");
					wire_accept(w);
					w->any_payload = true;
					at = 1;
				}
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST_ONCE(test_every_ihl_total_length_and_truncation),
		WIRE_TEST_ONCE_V6(test_every_ipv6_payload_length_and_truncation),
		WIRE_TEST(test_every_data_offset_and_length_in_established),
		WIRE_TEST(test_every_data_offset_and_length_in_every_other_state),
		WIRE_TEST_ONCE(test_every_kind_length_and_offset_is_parsed_right),
		WIRE_TEST(test_known_options_work_wherever_they_lie),
		WIRE_TEST(test_timestamps_and_sack_work_wherever_they_lie),
		WIRE_TEST_ONCE(test_every_kind_length_and_offset_in_established),
		WIRE_TEST_ONCE_V6(test_every_kind_length_and_offset_in_established),
	};

	return cmocka_run_group_tests_name("stack: lengths that lie", tests, NULL, NULL);
}
