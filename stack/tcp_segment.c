/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_segment.c — see tcp_segment.h. */
#include "stack/tcp_segment.h"

#include <string.h>

#include "stack/bytes.h"
#include "stack/checksum.h"

static void parse_option(struct tcp_options *o, uint8_t kind, const uint8_t *body, size_t len,
			 bool syn)
{
	if (kind == TCP_OPT_MSS && len == 2 && syn) {
		o->has_mss = true;
		o->mss = get_be16(body);
	} else if (kind == TCP_OPT_WSCALE && len == 1 && syn) {
		o->has_wscale = true;
		o->wscale = body[0] > TCP_WSCALE_MAX ? TCP_WSCALE_MAX : body[0];
	} else if (kind == TCP_OPT_SACK_PERMITTED && len == 0 && syn) {
		o->sack_permitted = true;
	} else if (kind == TCP_OPT_SACK && !syn && len > 0 && len % 8 == 0 &&
		   len <= 8 * TCP_SACK_MAX) {
		o->sack_count = (uint8_t)(len / 8);
		for (unsigned i = 0; i < o->sack_count; i++)
			o->sack[i] = (struct seq_range){get_be32(body + 8 * i),
							get_be32(body + 8 * i + 4)};
	} else if (kind == TCP_OPT_TIMESTAMP && len == 8) {
		o->has_timestamp = true;
		o->ts_val = get_be32(body);
		o->ts_ecr = get_be32(body + 4);
	} else if (kind == TCP_OPT_USER_TIMEOUT && len == 2) {
		o->has_user_timeout = true;
		o->user_timeout = get_be16(body);
	} else if (kind == TCP_OPT_FASTOPEN && syn && len % 2 == 0 &&
		   (len == 0 || (len >= TCP_FASTOPEN_MIN && len <= TCP_FASTOPEN_MAX))) {
		o->has_fastopen = true;
		o->fastopen_len = (uint8_t)len;
		memcpy(o->fastopen, body, len);
	}
}

static void parse_options(struct tcp_options *o, const uint8_t *p, size_t len, bool syn)
{
	size_t at = 0;

	while (at < len && p[at] != TCP_OPT_END) {
		if (p[at] == TCP_OPT_NOP) {
			at++;
			continue;
		}
		if (len - at < 2 || p[at + 1] < 2 || p[at + 1] > len - at)
			return; /* a length that leads nowhere: CVE-2020-24337 and its kin */
		parse_option(o, p[at], p + at + 2, p[at + 1] - 2u, syn);
		at += p[at + 1];
	}
}

bool tcp_segment_parse(struct tcp_segment *seg, const uint8_t *data, size_t len)
{
	if (len < TCP_HEADER_MIN)
		return false;
	const size_t header_len = (size_t)(data[12] >> 4) * 4;
	if (header_len < TCP_HEADER_MIN || header_len > len)
		return false;
	seg->src_port = get_be16(data);
	seg->dst_port = get_be16(data + 2);
	seg->seq = get_be32(data + 4);
	seg->ack = get_be32(data + 8);
	seg->flags = data[13];
	seg->ae = data[12] & 1;
	seg->wnd = get_be16(data + 14);
	seg->opt = (struct tcp_options){0};
	parse_options(&seg->opt, data + TCP_HEADER_MIN, header_len - TCP_HEADER_MIN,
		      (seg->flags & TCP_SYN) != 0);
	seg->payload = data + header_len;
	seg->len = (uint32_t)(len - header_len);
	return true;
}

/* Returns the end of what was written: a multiple of four bytes, so nothing has to be filled up behind it. */
static uint8_t *write_options(uint8_t *p, const struct tcp_options *opt)
{
	if (opt->has_mss) {
		p[0] = TCP_OPT_MSS;
		p[1] = 4;
		put_be16(p + 2, opt->mss);
		p += 4;
	}
	/* SACK-permitted takes the place of the timestamps' two NOPs. */
	if (opt->sack_permitted) {
		p[0] = TCP_OPT_SACK_PERMITTED;
		p[1] = 2;
	} else {
		p[0] = TCP_OPT_NOP;
		p[1] = TCP_OPT_NOP;
	}
	if (opt->sack_permitted && !opt->has_timestamp) {
		p[2] = TCP_OPT_NOP;
		p[3] = TCP_OPT_NOP;
		p += 4;
	}
	if (opt->has_timestamp) {
		p[2] = TCP_OPT_TIMESTAMP;
		p[3] = 10;
		put_be32(p + 4, opt->ts_val);
		put_be32(p + 8, opt->ts_ecr);
		p += TCP_TIMESTAMP_LEN;
	}
	if (opt->has_wscale) {
		p[0] = TCP_OPT_NOP;
		p[1] = TCP_OPT_WSCALE;
		p[2] = 3;
		p[3] = opt->wscale;
		p += 4;
	}
	if (opt->has_fastopen) {
		p[0] = TCP_OPT_NOP;
		p[1] = TCP_OPT_NOP;
		p[2] = TCP_OPT_FASTOPEN;
		p[3] = (uint8_t)(2 + opt->fastopen_len);
		memcpy(p + 4, opt->fastopen, opt->fastopen_len);
		p += 4 + opt->fastopen_len;
	}
	if (opt->sack_count > 0) {
		p[0] = TCP_OPT_NOP;
		p[1] = TCP_OPT_NOP;
		p[2] = TCP_OPT_SACK;
		p[3] = (uint8_t)(2 + 8 * opt->sack_count);
		for (unsigned i = 0; i < opt->sack_count; i++) {
			put_be32(p + 4 + 8 * i, opt->sack[i].start);
			put_be32(p + 8 + 8 * i, opt->sack[i].end);
		}
		p += tcp_sack_option_len(opt->sack_count);
	}
	if (opt->has_user_timeout) {
		p[0] = TCP_OPT_USER_TIMEOUT;
		p[1] = 4;
		put_be16(p + 2, opt->user_timeout);
		p += 4;
	}
	return p;
}

size_t tcp_segment_write(uint8_t *out, const struct tcp_segment *seg)
{
	const size_t len = (size_t)(write_options(out + TCP_HEADER_MIN, &seg->opt) - out);

	put_be16(out, seg->src_port);
	put_be16(out + 2, seg->dst_port);
	put_be32(out + 4, seg->seq);
	put_be32(out + 8, seg->ack);
	out[12] = (uint8_t)(len / 4 << 4 | seg->ae);
	out[13] = seg->flags;
	put_be16(out + 14, seg->wnd);
	memset(out + 16, 0, 4); /* checksum, urgent pointer */
	return len;
}

uint16_t tcp_checksum(const struct ip_addr *src, const struct ip_addr *dst, const uint8_t *header,
		      size_t header_len, const struct slice *payload, size_t count)
{
	size_t total = header_len;
	bool odd = false;

	uint64_t sum = checksum_add(0, header, header_len);
	for (size_t i = 0; i < count; i++) {
		sum = odd ? checksum_add_odd(sum, payload[i].data, payload[i].len)
			  : checksum_add(sum, payload[i].data, payload[i].len);
		odd ^= payload[i].len & 1;
		total += payload[i].len;
	}
	sum = checksum_add_pseudo(sum, src, dst, IP_PROTO_TCP, (uint32_t)total);
	return (uint16_t)~checksum_fold(sum);
}
