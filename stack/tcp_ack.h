/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_ack.h — the ACK field of a segment: RFC 9293 3.10.7.4, fifth. */
#ifndef STACK_TCP_ACK_H
#define STACK_TCP_ACK_H

#include "stack/tcp_types.h"

enum tcp_ack_verdict {
	TCP_ACK_OK,     /* go on with the segment                                   */
	TCP_ACK_UNSENT, /* acknowledges what was never sent, or is far too old      */
};

/* Processes the acknowledgment and the window of a segment in a synchronized state. Does not touch the
 * state; tells in *fin_acked whether our FIN is acknowledged now. */
enum tcp_ack_verdict tcp_ack_process(struct tcp_conn *c, const struct tcp_segment *seg,
				     bool *fin_acked);
/* Takes the window from the segment when it is the newest (RFC 9293 3.10.7.4, SND.WL1 and SND.WL2). */
void tcp_ack_update_window(struct tcp_conn *c, const struct tcp_segment *seg);

#endif
