/* SPDX-License-Identifier: Apache-2.0 */
/* UDP at a host that offers no port of it: Port Unreachable (RFC 1122 4.1.3.1, RFC 4443 3.1), or silence. */
#include <string.h>

#include "tests/unit/wire.h"

#define PAYLOAD 40u
#define V4_LEN (20 + 8 + PAYLOAD)
#define V6_LEN (40 + 8 + PAYLOAD)

static uint8_t packet[WIRE_PACKET_MAX];

static uint16_t sum16(uint16_t sum)
{
	return sum ? sum : 0xffff; /* RFC 768: 0 would mean that there is none */
}

/* A datagram from the peer's port 40000 to port 443, over IPv4. */
static size_t make_v4(void)
{
	static const uint8_t head[28] = {0x45, 0, 0,    V4_LEN, 0, 0,    0x40, 0,          64,
					 17,   0, 0,    10,     0, 0,    1,    10,         0,
					 0,    2, 0x9c, 0x40,   1, 0xbb, 0,    8 + PAYLOAD};

	memcpy(packet, head, sizeof head);
	memset(packet + sizeof head, 'u', PAYLOAD);
	const uint32_t pseudo = 0x0a00 + 1 + 0x0a00 + 2 + 17 + 8 + PAYLOAD;
	const uint16_t sum = sum16(wire_checksum(packet + 20, V4_LEN - 20, pseudo));
	packet[26] = (uint8_t)(sum >> 8);
	packet[27] = (uint8_t)sum;
	wire_fix_checksums(packet, V4_LEN);
	return V4_LEN;
}

/* The same over IPv6; the checksum is that of IPv4, see wire.h. */
static size_t make_v6(void)
{
	static uint8_t v6[WIRE_PACKET_MAX + 20];
	const size_t len = wire_to_v6(packet, make_v4(), v6);

	memcpy(packet, v6, len);
	return len;
}

static size_t make(const struct wire *w)
{
	return w->version == 4 ? make_v4() : make_v6();
}

/* The one answer: Port Unreachable with the datagram, of which IPv4 quotes the first eight bytes. */
static void expect_unreachable(struct wire *w, size_t quoted)
{
	struct wire_packet *p = wire_take(w);
	const size_t head = w->version == 4 ? 20 : 40;

	check(w, p != NULL);
	check_equal(w, wire_waiting(w), 0);
	check_equal(w, p->len, head + 8 + quoted);
	const uint8_t *icmp = p->bytes + head;
	check_equal(w, p->bytes[w->version == 4 ? 9 : 6], w->version == 4 ? 1 : 58);
	check_equal(w, icmp[0], w->version == 4 ? 3 : 1);
	check_equal(w, icmp[1], w->version == 4 ? 3 : 4);
	check(w, memcmp(icmp + 4, "\0\0\0\0", 4) == 0);
	check(w, memcmp(icmp + 8, packet, quoted) == 0);
	const uint32_t pseudo = w->version == 4 ? 0 : wire_pseudo_sum_v6(p->bytes, 58, p->len - 40);
	check_equal(w, wire_checksum(icmp, p->len - head, pseudo), 0);
	test_free(p);
}

static void expect_silence(struct wire *w, size_t len)
{
	wire_inject_raw(w, packet, len);
	check_equal(w, wire_waiting(w), 0);
}

static void test_port_is_unreachable(void **state)
{
	struct wire *w = *state;
	const size_t len = make(w);

	wire_inject_raw(w, packet, len);
	expect_unreachable(w, w->version == 4 ? 28 : len);
	check_equal(w, counters(w)->udp_no_ports, 1);
	check_equal(w, counters(w)->icmp_out_errors_sent, 1);
	check_equal(w, counters(w)->ip_in_unknown_protos, 0);
}

static void test_answers_are_limited_to_ten_a_second(void **state)
{
	struct wire *w = *state;
	const size_t len = make(w);

	for (unsigned i = 0; i < 100; i++)
		wire_inject_raw(w, packet, len);
	check_equal(w, drain(w), 10);
	check_equal(w, counters(w)->icmp_out_errors_limited, 90);
	advance_us(w, 1000000);
	wire_inject_raw(w, packet, len);
	check_equal(w, drain(w), 1);
}

/* RFC 1122 4.1.3.4: what is damaged is dropped silently. */
static void test_damaged_datagrams_get_no_answer(void **state)
{
	struct wire *w = *state;
	const size_t head = w->version == 4 ? 20 : 40;
	const size_t len = make(w);

	for (size_t bit = head * 8; bit < len * 8; bit++) {
		packet[bit / 8] ^= (uint8_t)(1u << bit % 8);
		expect_silence(w, len);
		packet[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	check_equal(w, counters(w)->udp_in_errors, (len - head) * 8);
	check_equal(w, counters(w)->udp_no_ports, 0);
}

static void test_checksum_that_the_link_vouches_for_is_not_looked_at(void **state)
{
	struct wire *w = *state;
	const size_t len = make(w);

	packet[len - 1] ^= 1;
	wire_inject_meta(w, packet, len, (struct packet_meta){.checksum_trusted = true});
	expect_unreachable(w, w->version == 4 ? 28 : len);
}

/* IPv4 allows to leave it out (RFC 768), IPv6 does not (RFC 8200 8.1). */
static void test_datagram_without_a_checksum(void **state)
{
	struct wire *w = *state;
	const size_t len = make(w), at = w->version == 4 ? 26 : 46;

	packet[at] = packet[at + 1] = 0;
	if (w->version == 6) {
		expect_silence(w, len);
		check_equal(w, counters(w)->udp_in_errors, 1);
		return;
	}
	wire_inject_raw(w, packet, len);
	expect_unreachable(w, 28);
}

static void test_every_length_field(void **state)
{
	struct wire *w = *state;
	const size_t head = w->version == 4 ? 20 : 40;

	for (uint32_t field = 0; field < 0x10000; field += field < 100 ? 1 : 997) {
		const size_t len = make(w);
		packet[head + 4] = (uint8_t)(field >> 8);
		packet[head + 5] = (uint8_t)field;
		if (w->version == 4) /* without a checksum, so that only the length decides */
			packet[26] = packet[27] = 0;
		advance_us(w, 1000000);
		wire_inject_raw(w, packet, len);
		const bool fits = field >= 8 && field <= 8 + PAYLOAD;
		check_equal(w, drain(w), fits && (w->version == 4 || field == 8 + PAYLOAD));
	}
}

static void test_truncated_at_every_byte(void **state)
{
	struct wire *w = *state;
	const size_t head = w->version == 4 ? 20 : 40;

	for (size_t len = head; len < head + 8; len++) {
		make(w);
		if (w->version == 4) {
			packet[3] = (uint8_t)len;
			wire_fix_checksums(packet, len);
		} else {
			packet[5] = (uint8_t)(len - head);
		}
		expect_silence(w, len);
	}
	check_equal(w, counters(w)->udp_in_errors, 8);
}

/* RFC 1122 3.2.2: never about what was sent to a group or to all, nor from no host's address. */
static void test_groups_and_broadcasts_get_no_answer(void **state)
{
	static const uint8_t to_v4[][4] = {{224, 0, 0, 251},
					   {239, 1, 2, 3},
					   {255, 255, 255, 255},
					   {10, 0, 0, 255},
					   {10, 0, 0, 0}};
	static const uint8_t from_v4[][4] = {
		{0, 0, 0, 0}, {127, 0, 0, 1}, {224, 0, 0, 1}, {255, 255, 255, 255}, {10, 0, 0, 2}};
	struct wire *w = *state;

	for (size_t i = 0; i < 5; i++) {
		size_t len = make_v4();
		memcpy(packet + 16, to_v4[i], 4);
		packet[26] = packet[27] = 0;
		wire_fix_checksums(packet, len);
		expect_silence(w, len);
		len = make_v4();
		memcpy(packet + 12, from_v4[i], 4);
		packet[26] = packet[27] = 0;
		wire_fix_checksums(packet, len);
		expect_silence(w, len);
	}
}

static void test_groups_of_ipv6_get_no_answer(void **state)
{
	struct wire *w = *state;
	const size_t len = make_v6();

	packet[24] = 0xff; /* ff02::fb, multicast DNS */
	packet[25] = 0x02;
	memset(packet + 26, 0, 13);
	packet[39] = 0xfb;
	expect_silence(w, len);
	check_equal(w, counters(w)->ip_in_mcast_pkts, 1);
}

static void put_fragment(size_t offset, bool more, size_t payload)
{
	packet[2] = 0;
	packet[3] = (uint8_t)(20 + payload);
	packet[6] = (uint8_t)((more ? 0x20 : 0) | offset / 8 >> 8);
	packet[7] = (uint8_t)(offset / 8);
	wire_fix_checksums(packet, 20 + payload);
}

/* Never about a fragment; of the whole there is something to say, once. */
static void test_fragments_get_no_answer_and_the_whole_gets_one(void **state)
{
	struct wire *w = *state;
	uint8_t whole[V4_LEN];

	memcpy(whole, packet, make_v4());
	put_fragment(24, false, 24);
	memcpy(packet + 20, whole + 44, 24);
	expect_silence(w, 44);
	make_v4();
	put_fragment(0, true, 24);
	wire_inject_raw(w, packet, 44);
	check_equal(w, drain(w), 1);
	check_equal(w, counters(w)->udp_no_ports, 1);
}

/* No errors about errors (RFC 1122 3.2.2): two such hosts would never stop. */
static void test_unreachable_about_udp_gets_no_answer(void **state)
{
	struct wire *w = *state;
	uint8_t quoted[V4_LEN];

	memcpy(quoted, packet, make_v4());
	memcpy(packet + 28, quoted, 28);
	packet[9] = 1;
	packet[3] = 56;
	memset(packet + 20, 0, 8);
	packet[20] = 3;
	packet[21] = 3;
	wire_fix_checksums(packet, 56);
	expect_silence(w, 56);
	check_equal(w, counters(w)->icmp_in_soft_errors, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST_ONCE(test_port_is_unreachable),
		WIRE_TEST_ONCE_V6(test_port_is_unreachable),
		WIRE_TEST_ONCE(test_answers_are_limited_to_ten_a_second),
		WIRE_TEST_ONCE_V6(test_answers_are_limited_to_ten_a_second),
		WIRE_TEST_ONCE(test_damaged_datagrams_get_no_answer),
		WIRE_TEST_ONCE_V6(test_damaged_datagrams_get_no_answer),
		WIRE_TEST_ONCE(test_checksum_that_the_link_vouches_for_is_not_looked_at),
		WIRE_TEST_ONCE_V6(test_checksum_that_the_link_vouches_for_is_not_looked_at),
		WIRE_TEST_ONCE(test_datagram_without_a_checksum),
		WIRE_TEST_ONCE_V6(test_datagram_without_a_checksum),
		WIRE_TEST_ONCE(test_every_length_field),
		WIRE_TEST_ONCE_V6(test_every_length_field),
		WIRE_TEST_ONCE(test_truncated_at_every_byte),
		WIRE_TEST_ONCE_V6(test_truncated_at_every_byte),
		WIRE_TEST_ONCE(test_groups_and_broadcasts_get_no_answer),
		WIRE_TEST_ONCE_V6(test_groups_of_ipv6_get_no_answer),
		WIRE_TEST_ONCE(test_fragments_get_no_answer_and_the_whole_gets_one),
		WIRE_TEST_ONCE(test_unreachable_about_udp_gets_no_answer),
	};

	return cmocka_run_group_tests_name("stack: UDP", tests, NULL, NULL);
}
