/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_stack_input.c — arbitrary bytes as a sequence of IP packets to a stack with a listener.
 *
 * The input is a list of records: a byte of hints, two bytes of length, the packet. Hints let the fuzzer get
 * past what it cannot guess: addresses, lengths, ports and checksums are put right where a bit says so. The
 * stack's ISN is 0, so that acknowledgment numbers can be guessed as well. An application accepts
 * everything, echoes what it reads and closes after the peer.
 *
 * After every packet stack_check must hold and what the stack sends must be well-formed. In the end all must
 * be over by the stack's own limits, with no memory left.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

#define HINT_IP 0x01u      /* IPv4 header with our addresses, the right length and checksum */
#define HINT_PORTS 0x02u   /* to the listener, from one of two ports                        */
#define HINT_TRUSTED 0x04u /* the TCP checksum is not looked at                             */
#define HINT_GSO 0x08u     /* a coalesced segment                                           */
#define HINT_OFFSET 0x10u  /* a data offset of 5                                            */
#define HINT_TIME 0x60u    /* then 0, 1 ms, 300 ms or 100 s go by                           */
#define HINT_OUTPUT 0x80u  /* the application acts and the stack sends                      */

static void application(struct stack *s)
{
	struct stack_event ev;
	struct tcp_conn *c;
	struct slice in[2];

	while (stack_next_event(s, &ev)) {
		if (ev.type == STACK_EVENT_ACCEPT) {
			while (tcp_accept(ev.listener) != NULL)
				;
			continue;
		}
		c = ev.conn;
		const size_t n = tcp_recv_peek(c, in);
		if (n > 0) {
			tcp_send_all(c, in[0].data, in[0].len, false);
			tcp_recv_consume(c, n);
		}
		if (ev.type == STACK_EVENT_CLOSED || tcp_recv_finished(c))
			tcp_close(c);
	}
}

static void put_right(uint8_t *pkt, size_t len, unsigned hints)
{
	if ((hints & HINT_IP) && len >= 20) {
		const uint8_t ip[20] = {0x45,
					0,
					(uint8_t)(len >> 8),
					(uint8_t)len,
					0,
					0,
					0x40,
					0,
					64,
					6,
					0,
					0,
					10,
					0,
					0,
					1,
					10,
					0,
					0,
					2};
		const uint8_t protocol = pkt[9];
		memcpy(pkt, ip, sizeof ip);
		if (protocol == 1 || protocol == 17)
			pkt[9] = protocol;
		fuzz_ip_checksum(pkt);
	}
	if ((hints & HINT_PORTS) && len >= 40) {
		pkt[20] = 0xc0;
		pkt[21] &= 1;
		pkt[22] = 0;
		pkt[23] = FUZZ_PORT;
	}
	if ((hints & HINT_OFFSET) && len >= 40)
		pkt[32] = (uint8_t)(5 << 4 | (pkt[32] & 0x0f));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t steps[] = {0, 1000, 300000, 100000000};
	struct fuzz_world w;
	uint8_t pkt[2048];

	fuzz_world_create(&w, application);
	while (size >= 3) {
		const unsigned hints = data[0];
		size_t len = (size_t)(data[1] << 8 | data[2]) % sizeof pkt;
		data += 3;
		size -= 3;
		if (len > size)
			len = size;
		memcpy(pkt, data, len);
		data += len;
		size -= len;
		put_right(pkt, len, hints);
		/* Exactly as long as the packet: a read beyond it is what ASan sees. */
		uint8_t *copy = malloc(len ? len : 1);
		memcpy(copy, pkt, len);
		const struct packet_meta meta = {.checksum_trusted = (hints & HINT_TRUSTED) != 0,
						 .gso_size = hints & HINT_GSO ? 100 : 0};
		stack_input(w.stack, w.now_us, copy, len, meta);
		free(copy);
		fuzz_check(&w);
		w.now_us += steps[(hints & HINT_TIME) >> 5];
		if (hints & HINT_OUTPUT)
			fuzz_turn(&w);
	}
	fuzz_world_end(&w, false);
	return 0;
}
