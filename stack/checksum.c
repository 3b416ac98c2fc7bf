/* SPDX-License-Identifier: Apache-2.0 */
/* checksum.c — see checksum.h. */
#include "stack/checksum.h"

#include <string.h>

#include "stack/bytes.h"

/* Words are summed in native order: the one's complement sum is the same in either byte order, up to
 * the swap which checksum_fold does (RFC 1071 2 (B)). 64-bit additions carry back in at the end. */
static uint64_t add_carry(uint64_t a, uint64_t b)
{
	const uint64_t sum = a + b;

	return sum + (sum < a);
}

uint64_t checksum_add(uint64_t sum, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t word;

	while (len >= 8) {
		memcpy(&word, p, 8);
		sum = add_carry(sum, word);
		p += 8;
		len -= 8;
	}
	if (len > 0) {
		word = 0;
		memcpy(&word, p, len);
		sum = add_carry(sum, word);
	}
	return sum;
}

static uint16_t fold_native(uint64_t sum)
{
	sum = (sum & 0xffffffffu) + (sum >> 32);
	sum = (sum & 0xffffffffu) + (sum >> 32);
	sum = (sum & 0xffffu) + (sum >> 16);
	sum = (sum & 0xffffu) + (sum >> 16);
	return (uint16_t)sum;
}

uint64_t checksum_add_odd(uint64_t sum, const void *data, size_t len)
{
	const uint16_t part = fold_native(checksum_add(0, data, len));

	return add_carry(sum, (uint16_t)(part << 8 | part >> 8));
}

uint64_t checksum_add_pseudo(uint64_t sum, const struct ip_addr *src, const struct ip_addr *dst,
			     uint8_t protocol, uint32_t len)
{
	const size_t addr_len = src->version == 4 ? 4 : 16;
	uint8_t tail[8];

	put_be32(tail, len);
	put_be32(tail + 4, protocol);
	sum = checksum_add(sum, src->bytes, addr_len);
	sum = checksum_add(sum, dst->bytes, addr_len);
	return checksum_add(sum, tail, sizeof tail);
}

uint16_t checksum_fold(uint64_t sum)
{
	const uint16_t native = fold_native(sum);
	uint8_t bytes[2];

	memcpy(bytes, &native, 2);
	return get_be16(bytes);
}
