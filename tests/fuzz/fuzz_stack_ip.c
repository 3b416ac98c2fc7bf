/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_stack_ip.c — arbitrary bytes as IPv6 packets with their extension headers, and as fragments of both
 * versions: what fuzz_stack_input, whose packets are whole IPv4 datagrams, does not get to.
 *
 * The input is a list of records: a byte of hints, two bytes of length, the packet. Hints put right what a
 * fuzzer cannot guess, addresses, lengths and checksums, and leave what is under test: the chain of headers,
 * options, offsets, identifications of which there are four. After every packet stack_check must hold; in
 * the end no fragment may be left.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

#define HINT_IPV4 0x01u     /* IPv4 header with our addresses, right length and checksum        */
#define HINT_IPV6 0x02u     /* the same of IPv6; the next header stays                          */
#define HINT_FRAGMENT 0x04u /* IPv6: a fragment header comes first                              */
#define HINT_TRUSTED 0x08u  /* the TCP checksum is not looked at                                */
#define HINT_UNITS 0x10u    /* the length is such that more fragments may follow                */
#define HINT_TIME 0x60u     /* then 0, 1 ms, 1 s or 31 s go by                                  */
#define HINT_OUTPUT 0x80u   /* the stack sends                                                  */

static const uint8_t prefix[8] = {0xfd, 0, 0, 0, 0, 0, 0, 0};

static void put_right_v4(uint8_t *pkt, size_t len)
{
	static const uint8_t addresses[8] = {10, 0, 0, 1, 10, 0, 0, 2};

	pkt[0] = 0x45;
	pkt[2] = (uint8_t)(len >> 8);
	pkt[3] = (uint8_t)len;
	pkt[4] = 0;
	pkt[5] &= 3;
	pkt[9] = pkt[9] & 1 ? 6 : 1;
	memcpy(pkt + 12, addresses, sizeof addresses);
	fuzz_ip_checksum(pkt);
}

static void put_right_v6(uint8_t *pkt, size_t len, bool fragment)
{
	pkt[0] = 0x60;
	pkt[4] = (uint8_t)((len - 40) >> 8);
	pkt[5] = (uint8_t)(len - 40);
	for (unsigned end = 0; end < 2; end++) {
		memcpy(pkt + 8 + 16 * end, prefix, 8);
		memset(pkt + 16 + 16 * end, 0, 7);
		pkt[23 + 16 * end] = (uint8_t)(1 + end);
	}
	if (fragment && len >= 48) {
		pkt[6] = 44;
		memset(pkt + 44, 0, 3);
		pkt[47] &= 3;
	}
}

static size_t put_right(uint8_t *pkt, size_t len, unsigned hints)
{
	const size_t head = hints & HINT_IPV6 ? 40 : 20;

	if ((hints & HINT_UNITS) && len > head)
		len -= (len - head) % 8;
	if ((hints & HINT_IPV6) && len >= 40)
		put_right_v6(pkt, len, (hints & HINT_FRAGMENT) != 0);
	else if ((hints & HINT_IPV4) && len >= 20)
		put_right_v4(pkt, len);
	return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t steps[] = {0, 1000, 1000000, 31000000};
	struct fuzz_world w;
	uint8_t pkt[2048];

	fuzz_world_create(&w, NULL);
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
		len = put_right(pkt, len, hints);
		/* Exactly as long as the packet: a read beyond it is what ASan sees. */
		uint8_t *copy = malloc(len ? len : 1);
		memcpy(copy, pkt, len);
		const struct packet_meta meta = {.checksum_trusted = (hints & HINT_TRUSTED) != 0};
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
