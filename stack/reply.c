/* SPDX-License-Identifier: Apache-2.0 */
/* reply.c — see reply.h. */
#include "stack/reply.h"

#include <stdlib.h>
#include <string.h>

#include "stack/bytes.h"
#include "stack/ip.h"
#include "stack/stack_internal.h"
#include "stack/trace.h"

struct reply *reply_new(struct stack *s, size_t len)
{
	struct reply *r = NULL;

	if (s->reply_count < REPLY_QUEUE_MAX)
		r = account_alloc_answer(s, sizeof *r + len);
	if (!r) {
		s->counters.reply_queue_drops++;
		return NULL;
	}
	list_init(&r->link);
	r->len = len;
	r->why = "";
	r->conn_id = 0;
	return r;
}

void reply_send(struct stack *s, struct reply *r)
{
	list_append(&s->replies, &r->link);
	s->reply_count++;
}

static void reply_free(struct stack *s, struct reply *r)
{
	account_free(s, r, sizeof *r + r->len);
}

void reply_segment(struct stack *s, const struct tcp_segment *seg, uint64_t conn_id,
		   const char *why)
{
	uint8_t tcp[TCP_HEADER_MAX];
	const size_t len = tcp_segment_write(tcp, seg);

	put_be16(tcp + TCP_CHECKSUM_OFFSET, tcp_checksum(&seg->src, &seg->dst, tcp, len, NULL, 0));
	struct reply *r = reply_new(s, ip_header_len(seg->src.version) + len);
	if (!r)
		return;
	const size_t at = ip_write_header(r->bytes, &seg->src, &seg->dst, IP_PROTO_TCP, len, 0);
	memcpy(r->bytes + at, tcp, len);
	r->why = why;
	r->conn_id = conn_id;
	reply_send(s, r);
	s->counters.tcp_out_segs++;
	if (seg->flags & TCP_RST)
		s->counters.tcp_out_rsts++;
}

void reply_reset(struct stack *s, const struct tcp_segment *in, const char *why)
{
	struct tcp_segment seg = {
		.src = in->dst,
		.dst = in->src,
		.src_port = in->dst_port,
		.dst_port = in->src_port,
	};

	if (in->flags & TCP_RST)
		return;
	if (in->flags & TCP_ACK) {
		seg.seq = in->ack;
		seg.flags = TCP_RST;
	} else {
		seg.ack = in->seq + segment_space(in);
		seg.flags = TCP_RST | TCP_ACK;
	}
	reply_segment(s, &seg, 0, why);
}

size_t reply_output(struct stack *s, struct packet_out *out)
{
	if (list_empty(&s->replies))
		return 0;
	struct reply *r = list_entry(s->replies.next, struct reply, link);
	list_remove(&r->link);
	s->reply_count--;
	s->reply_out = r; /* its bytes must outlive this call */
	const size_t head = r->len < PACKET_HEADER_MAX ? r->len : PACKET_HEADER_MAX;
	*out = (struct packet_out){.header_len = head, .ip_version = r->bytes[0] >> 4};
	memcpy(out->header, r->bytes, head);
	if (head < r->len) {
		out->payload[0] = (struct slice){r->bytes + head, r->len - head};
		out->payload_count = 1;
	}
	trace_reply_out(s, r);
	return r->len;
}

void reply_release_out(struct stack *s)
{
	if (s->reply_out) {
		reply_free(s, s->reply_out);
		s->reply_out = NULL;
	}
}

void reply_free_all(struct stack *s)
{
	reply_release_out(s);
	while (!list_empty(&s->replies)) {
		struct reply *r = list_entry(s->replies.next, struct reply, link);
		list_remove(&r->link);
		reply_free(s, r);
	}
	s->reply_count = 0;
}
