/* SPDX-License-Identifier: Apache-2.0 */
/* progress.c — see progress.h. */
#include "server/progress.h"

#define NEVER UINT64_MAX

void progress_init(struct progress *p)
{
	*p = (struct progress){.stall_deadline = NEVER};
	http_rate_end(&p->rate);
}

static void look_at_rate(struct progress *p, const struct http_rate_min *min, uint64_t now_us,
			 size_t pending, uint64_t acked)
{
	if (pending == 0)
		http_rate_end(&p->rate);
	else if (p->rate.deadline_us == NEVER)
		http_rate_begin(&p->rate, min, now_us);
	else
		http_rate_add(&p->rate, min, now_us, acked - p->acked);
}

void progress_look(struct progress *p, const struct progress_rules *rules, uint64_t now_us,
		   size_t pending, bool blocked)
{
	const uint64_t acked = p->sent - pending;

	look_at_rate(p, &rules->min, now_us, pending, acked);
	/* Blocked with nothing pending is a lack of memory of ours, which also has to have an end. */
	if (pending == 0 && !blocked)
		p->stall_deadline = NEVER;
	else if (acked != p->acked || p->stall_deadline == NEVER)
		p->stall_deadline =
			rules->timeout_us < NEVER - now_us ? now_us + rules->timeout_us : NEVER;
	p->acked = acked;
}

uint64_t progress_deadline(const struct progress *p)
{
	return p->rate.deadline_us < p->stall_deadline ? p->rate.deadline_us : p->stall_deadline;
}

enum close_reason progress_verdict(const struct progress *p, uint64_t now_us)
{
	if (now_us >= p->stall_deadline)
		return CLOSE_SEND_TIMEOUT;
	return now_us >= p->rate.deadline_us ? CLOSE_TOO_SLOW_SEND : CLOSE_NONE;
}
