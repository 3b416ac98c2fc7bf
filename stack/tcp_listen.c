/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_listen.c — passive open: listeners and their accept queues (RFC 9293 3.10.1). */
#include <stdlib.h>
#include <string.h>

#include "stack/ip.h"
#include "stack/stack_internal.h"
#include "stack/tcp_conn.h"
#include "stack/tcp_demux.h"

static bool taken(const struct stack *s, const struct ip_endpoint *local)
{
	for (struct list *n = s->listeners.next; n != &s->listeners; n = n->next) {
		const struct tcp_listener *l = list_entry(n, struct tcp_listener, link);
		if (l->local.port == local->port && ip_addr_equal(&l->local.addr, &local->addr))
			return true;
	}
	return false;
}

int tcp_listen(struct stack *s, const struct ip_endpoint *local, unsigned backlog,
	       struct tcp_listener **out)
{
	if (local->port == 0 || (local->addr.version && !ip_addr_is_local(s, &local->addr)))
		return STACK_ERR_INVALID;
	if (taken(s, local))
		return STACK_ERR_IN_USE;
	struct tcp_listener *l = calloc(1, sizeof *l);
	if (!l)
		return STACK_ERR_NO_MEMORY;
	l->stack = s;
	l->local = *local;
	l->backlog = backlog ? backlog : 1;
	list_init(&l->queue);
	tcp_fastopen_listen(l);
	list_append(&s->listeners, &l->link);
	*out = l;
	return STACK_OK;
}

void tcp_unlisten(struct tcp_listener *l)
{
	while (!list_empty(&l->queue)) {
		struct tcp_conn *c = list_entry(l->queue.next, struct tcp_conn, accept_link);
		tcp_conn_reset(c, TCP_CLOSE_ABORTED, "RST: the listener closes (RFC 9293 3.10.5)");
	}
	tcp_fastopen_unlisten(l);
	list_remove(&l->link);
	free(l);
}

struct tcp_conn *tcp_accept(struct tcp_listener *l)
{
	if (list_empty(&l->queue))
		return NULL;
	struct tcp_conn *c = list_entry(l->queue.next, struct tcp_conn, accept_link);
	list_remove(&c->accept_link);
	l->queued--;
	c->listener = NULL;
	tcp_conn_deliver_events(c);
	return c;
}
