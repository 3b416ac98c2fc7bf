/* SPDX-License-Identifier: Apache-2.0 */
/* ECN (RFC 3168, RFC 9768) in the passive opens that keep nothing, or do not wait: SYN cookies and Fast Open. */
#include <stdio.h>

#include "tests/unit/fastopen.h"
#include "tests/unit/syncookie.h"

#define TS_WORDS "win 65535 <mss 1460,nop,nop,TS val 100 ecr 0>"

/* The bit for it is in the timestamp; RFC 9768 gets what RFC 3168 has. */
static void test_cookie_remembers_who_has_asked(void **state)
{
	static const struct {
		const char *syn;
		bool ecn;
	} rows[] = {{"* SEW 0:0(0) " TS_WORDS, true},   {"* SEWA 0:0(0) " TS_WORDS, true},
		    {"* S 0:0(0) " TS_WORDS, false},    {"* SE 0:0(0) " TS_WORDS, false},
		    {"* SA 0:0(0) " TS_WORDS, false},   {"* SEW 0:0(0) " SYN_WORDS, false},
		    {"* SEWA 0:0(0) " SYN_WORDS, false}};
	struct wire *w = *state;

	small_cache(w);
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct seg g = cookie_for(w, rows[i].syn);
		check_equal(w, g.flags & (ECE | CWR | AE), rows[i].ecn ? ECE : 0);
		/* The flags of the ACK say nothing here. */
		inject(w, g.has_ts ? "* EWA. 1:1(0) ack 1 <nop,nop,TS val 101 ecr $>"
				   : "* EWA. 1:1(0) ack 1");
		wire_accept(w);
		check_equal(w, wire_info(w).ecn, rows[i].ecn);
		check_equal(w, wire_info(w).ecn_ect, rows[i].ecn);
		check(w, !wire_info(w).accecn);
		send_bytes(w, 10);
		expect(w, rows[i].ecn ? "* . 1:11(10) ack 1 [ect0]" : "* . 1:11(10) ack 1");
		give_up(w);
		w->rport++;
	}
}

static void test_cookie_when_it_is_switched_off(void **state)
{
	struct wire *w = *state;

	w->cfg.ecn = STACK_ECN_OFF;
	small_cache(w);
	const struct seg g = cookie_for(w, "* SEW 0:0(0) " TS_WORDS);
	check_equal(w, g.flags, SYN | ACK);
	inject(w, "* . 1:1(0) ack 1 <nop,nop,TS val 101 ecr $>");
	wire_accept(w);
	check(w, !wire_info(w).ecn);
}

static void test_fast_open_grants_what_the_syn_asks_for(void **state)
{
	static const struct {
		const char *syn, *syn_ack, *data, *ack;
	} rows[] = {{"* SEW 0:100(100) win 65535 <mss 1460,fo $>", "* SE. 0:0(0) ack 101",
		     "* . 1:11(10) ack 101 [ect0]", "* . 101:101(0) ack 11"},
		    {"* SEWA 0:100(100) win 65535 <mss 1460,fo $> [ce]", "* SWA. 0:0(0) ack 101",
		     "* EA. 1:11(10) ack 101 [ect0]", "* W. 101:101(0) ack 11"}};
	struct wire *w = *state;

	for (unsigned i = 0; i < 2; i++) {
		fast_setup(w);
		inject(w, rows[i].syn);
		expect(w, rows[i].syn_ack);
		wire_accept(w);
		check_equal(w, wire_info(w).accecn, i);
		send_bytes(w, 10);
		expect(w, rows[i].data);
		inject(w, rows[i].ack);
		expect_state(w, TCP_ESTABLISHED);
		check(w, wire_info(w).ecn_ect);
		check_equal(w, wire_info(w).ecn_reductions, 0);
	}
}

static void test_fast_open_falls_back(void **state)
{
	struct wire *w = *state;

	fast_setup(w);
	inject(w, "0 SEW 0:100(100) win 65535 <mss 1460,fo $>");
	expect(w, "0 SE. 0:0(0) ack 101");
	expect(w, "1 SE. 0:0(0) ack 101");
	expect(w, "3 S. 0:0(0) ack 101");
	wire_accept(w);
	inject(w, "+0 . 101:101(0) ack 1");
	send_bytes(w, 10);
	expect(w, "* . 1:11(10) ack 101");
	inject(w, "+0 . 101:201(100) ack 11 [ce]");
	expect(w, "* E. 11:11(0) ack 201");
	/* The client's own repetition withdraws it altogether. */
	fast_setup(w);
	inject(w, "* SEW 0:100(100) win 65535 <mss 1460,fo $>");
	expect(w, "* SE. 0:0(0) ack 101");
	inject(w, "* S 0:0(0) win 65535 <mss 1460>");
	expect(w, "* S. 0:0(0) ack 101");
	wire_accept(w);
	check(w, !wire_info(w).ecn && !wire_info(w).ecn_ect);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_cookie_remembers_who_has_asked),
		WIRE_TEST(test_cookie_when_it_is_switched_off),
		WIRE_TEST(test_fast_open_grants_what_the_syn_asks_for),
		WIRE_TEST(test_fast_open_falls_back),
	};

	return cmocka_run_group_tests_name("stack: ECN with SYN cookies and Fast Open", tests, NULL,
					   NULL);
}
