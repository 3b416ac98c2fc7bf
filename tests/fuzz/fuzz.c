/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz.c — see fuzz.h. */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>

#define HOUR 3600000000ull
#define PACKETS_MAX 4096u /* in one turn: more is a storm */
#define TURNS_MAX 100000u /* until all is over            */

void fuzz_found(const char *what)
{
	fprintf(stderr, "fuzz: %s\n", what);
	abort();
}

void fuzz_ip_checksum(uint8_t *ip)
{
	uint32_t sum = 0;

	ip[10] = ip[11] = 0;
	for (unsigned i = 0; i < 20; i += 2)
		sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	ip[10] = (uint8_t)(~sum >> 8);
	ip[11] = (uint8_t)~sum;
}

void fuzz_world_create(struct fuzz_world *w, void (*application)(struct stack *s))
{
	struct stack_config cfg;
	const struct ip_endpoint local = {.port = FUZZ_PORT};

	*w = (struct fuzz_world){.application = application};
	stack_config_default(&cfg);
	cfg.addr[0] = ip_addr_v4(10, 0, 0, 2);
	cfg.addr[1] = (struct ip_addr){6, {0xfd, [15] = 2}};
	cfg.addr_count = 2;
	cfg.ecn = STACK_ECN_ASK;
	cfg.fixed_isn = true;
	cfg.memory_limit = 1u << 20;
	cfg.max_connections = 16;
	cfg.max_half_open = 8;
	cfg.fastopen = true;
	cfg.max_time_wait = 8;
	cfg.send_buffer_max = 16384;
	cfg.recv_buffer_max = 16384;
	w->stack = stack_create(&cfg);
	if (!w->stack || tcp_listen(w->stack, &local, 4, &w->listener) != STACK_OK)
		fuzz_found("the stack cannot be created");
}

void fuzz_check(struct fuzz_world *w)
{
	const char *broken = stack_check(w->stack);

	if (broken)
		fuzz_found(broken);
}

/* NULL, or what is wrong with a packet of IPv6: its header, or the checksum of what it carries. */
static const char *check_ipv6(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;

	if (len < 44 || p[0] != 0x60 || (size_t)(p[4] << 8 | p[5]) != len - 40)
		return "the IPv6 header is wrong";
	if (p[6] != 6 && p[6] != 58)
		return "the stack has no business to send that over IPv6";
	sum = p[6] + (uint32_t)(len - 40);
	for (size_t i = 8; i < len; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff ? NULL : "a checksum over IPv6 is wrong";
}

static void check_packet(struct fuzz_world *w, const struct packet_out *out, size_t len)
{
	struct sim_packet *p = sim_packet_from_out(out, len);
	struct sim_segment seg;

	if (p->len > 0 && p->bytes[0] >> 4 == 6) {
		const char *wrong = check_ipv6(p->bytes, p->len);
		if (wrong)
			fuzz_found(wrong);
	} else if (p->len > 9 && p->bytes[9] == 6) {
		const char *wrong = sim_packet_parse(p, &seg);
		if (!wrong)
			wrong = sim_packet_check_sums(p);
		if (wrong)
			fuzz_found(wrong);
		if (w->sent)
			w->sent(w->ctx, &seg);
	}
	sim_packet_free(p);
}

void fuzz_turn(struct fuzz_world *w)
{
	struct packet_out out;
	size_t len;
	unsigned count = 0;

	stack_advance(w->stack, w->now_us);
	fuzz_check(w);
	if (w->application)
		w->application(w->stack);
	fuzz_check(w);
	while ((len = stack_output(w->stack, w->now_us, &out)) > 0) {
		check_packet(w, &out, len);
		if (++count > PACKETS_MAX)
			fuzz_found("a storm of packets");
	}
	fuzz_check(w);
}

void fuzz_world_end(struct fuzz_world *w, bool given_back)
{
	const uint64_t limit = w->now_us + 1000 * HOUR;
	struct stack_usage usage;
	uint64_t next;

	fuzz_turn(w);
	for (unsigned i = 0; (next = stack_next_timeout(w->stack)) != UINT64_MAX; i++) {
		if (i > TURNS_MAX || next > limit)
			fuzz_found("the stack never comes to rest");
		if (next > w->now_us)
			w->now_us = next;
		fuzz_turn(w);
	}
	stack_get_usage(w->stack, &usage);
	stack_destroy(w->stack);
	if (usage.half_open || usage.time_wait)
		fuzz_found("half-open or TIME-WAIT entries are left for ever");
	if (given_back && usage.connections)
		fuzz_found("connections that nobody holds are left for ever");
	if (usage.connections == 0 && usage.memory != 0)
		fuzz_found("memory is charged and nothing holds it");
}
