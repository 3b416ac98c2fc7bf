/* SPDX-License-Identifier: Apache-2.0 */
/* icmp_quote.c — see icmp_quote.h. */
#include "stack/icmp_quote.h"

#include "stack/bytes.h"
#include "stack/ip6_ext.h"

#define IPV4_FRAGMENT 0x3fff /* more fragments, or an offset */

static bool read_v4(struct icmp_quote *q, const uint8_t *p, size_t len)
{
	if (len < IPV4_HEADER_MIN || p[0] >> 4 != 4)
		return false;
	const size_t header_len = (size_t)(p[0] & 0x0f) * 4;
	if (header_len < IPV4_HEADER_MIN || header_len > len ||
	    len - header_len < ICMP_QUOTE_PAYLOAD || (get_be16(p + 6) & IPV4_FRAGMENT) != 0)
		return false;
	q->src = ip_addr_v4(p[12], p[13], p[14], p[15]);
	q->dst = ip_addr_v4(p[16], p[17], p[18], p[19]);
	q->protocol = p[9];
	q->total_len = get_be16(p + 2);
	q->payload = p + header_len;
	return true;
}

static bool read_v6(struct icmp_quote *q, const uint8_t *p, size_t len)
{
	size_t at;

	if (len < IPV6_HEADER_LEN || p[0] >> 4 != 6 ||
	    !ip6_ext_find_upper(p, len, &q->protocol, &at) || len - at < ICMP_QUOTE_PAYLOAD)
		return false;
	q->src = ip_addr_v6(p + 8);
	q->dst = ip_addr_v6(p + 24);
	q->total_len = IPV6_HEADER_LEN + get_be16(p + 4);
	q->payload = p + at;
	return true;
}

bool icmp_quote_read(struct icmp_quote *q, uint8_t version, const uint8_t *data, size_t len)
{
	return version == 4 ? read_v4(q, data, len) : read_v6(q, data, len);
}
