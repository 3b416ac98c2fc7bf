/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_pace.c — see tcp_pace.h. */
#include "stack/tcp_pace.h"

#include "stack/stack_internal.h"
#include "stack/tcp_conn.h"
#include "stack/trace.h"

#define NS_PER_US 1000u
#define NS_PER_SECOND 1000000000ull
#define QUANTUM_US 1000u /* of the rate leave back to back */
#define QUANTUM_SEGMENTS 2u
#define QUANTUM_MAX 65536u
/* So much of a timer's lateness is made up for: its tick and a slow turn of the owner's loop. */
#define LATE_MAX_NS 1000000u
/* Of cwnd / SRTT, in tenths. */
#define GAIN_SLOW_START 20u
#define GAIN_AVOIDANCE 12u

uint64_t tcp_pace_rate(const struct tcp_conn *c)
{
	const bool filling =
		c->cc.cwnd < c->cc.ssthresh || tcp_pipe(c) < c->cc.cwnd - c->cc.cwnd / 4;
	const uint64_t gain = filling ? GAIN_SLOW_START : GAIN_AVOIDANCE;
	const uint64_t window = c->cc.cwnd * gain / 10; /* at most 2^31 */

	if (!c->stack->cfg.pacing || c->srtt_us == 0 || c->in_recovery)
		return 0;
	/* A millisecond of the rate is the whole window: no more would leave at once than anyway. */
	if (window * QUANTUM_US >= c->cc.cwnd * c->srtt_us)
		return 0;
	const uint64_t rate = window * 1000000u / c->srtt_us;
	return rate > 0 ? rate : 1;
}

static uint32_t quantum(const struct tcp_conn *c, uint64_t rate)
{
	const uint64_t bytes = rate * QUANTUM_US / 1000000u;
	const uint32_t least = QUANTUM_SEGMENTS * c->cc.mss;

	if (bytes >= QUANTUM_MAX)
		return QUANTUM_MAX > least ? QUANTUM_MAX : least;
	return bytes > least ? (uint32_t)bytes : least;
}

static uint64_t now_ns(const struct tcp_conn *c)
{
	return c->stack->now_us * NS_PER_US;
}

/* What was not sent in time is no reason to send more now, but for a turn that came late itself. */
static void forget_savings(struct tcp_conn *c, uint64_t kept_ns)
{
	struct tcp_pace *p = &c->pace;
	const uint64_t now = now_ns(c);

	if (p->seen_us == c->stack->now_us)
		return;
	p->seen_us = c->stack->now_us;
	if (p->next_ns + kept_ns < now)
		p->next_ns = now - kept_ns;
}

void tcp_pace_init(struct tcp_conn *c)
{
	timer_init(&c->pace.timer, TCP_TIMER_PACE);
}

void tcp_pace_stop(struct tcp_conn *c)
{
	c->pace.waiting = false;
	timer_stop(&c->stack->wheel, &c->pace.timer);
}

/* What may leave back to back after a pause: the initial window did so, too, when nothing was known of the path. */
static uint32_t burst(const struct tcp_conn *c, uint64_t rate)
{
	const uint32_t initial = tcp_cc_initial_window(c->cc.mss), once = quantum(c, rate);

	return initial > once ? initial : once;
}

static uint64_t time_of(uint64_t bytes, uint64_t rate)
{
	return bytes * NS_PER_SECOND / rate;
}

/* How many bytes may leave now, in full segments unless it is all; 0 when the rate has to catch up first. */
static uint32_t room(struct tcp_conn *c, uint64_t rate, uint32_t all)
{
	struct tcp_pace *p = &c->pace;
	const uint64_t now = now_ns(c), most = burst(c, rate);
	const uint32_t mss = c->cc.mss;
	uint64_t bytes = most;

	if (p->waiting) {
		if (c->stack->now_us < p->timer.deadline_us)
			return 0;
		forget_savings(c, LATE_MAX_NS);
		tcp_pace_stop(c);
	}
	forget_savings(c, 0);
	/* The debt may be from a time when the rate was another. */
	if (p->next_ns > now + time_of(most, rate))
		p->next_ns = now + time_of(most, rate);
	if (p->next_ns > now)
		bytes -= (p->next_ns - now) * rate / NS_PER_SECOND;
	else
		bytes += (now - p->next_ns) * rate / NS_PER_SECOND;
	return bytes >= all ? all : (uint32_t)(bytes - bytes % mss);
}

/* Until a quantum is paid for, or all that there is. */
static void wait(struct tcp_conn *c, uint64_t rate, uint32_t all)
{
	struct tcp_pace *p = &c->pace;
	const uint32_t need = all < quantum(c, rate) ? all : quantum(c, rate);
	const uint64_t ready_ns = p->next_ns - time_of(burst(c, rate) - need, rate);

	p->waiting = true;
	c->stack->counters.tcp_paced++;
	timer_set(&c->stack->wheel, &p->timer, ready_ns / NS_PER_US + 1);
}

uint32_t tcp_pace_limit(struct tcp_conn *c, uint32_t len, uint32_t all)
{
	const uint64_t rate = tcp_pace_rate(c);
	const uint32_t initial = tcp_cc_initial_window(c->cc.mss), pipe = tcp_pipe(c);
	const uint32_t unpaced = initial > pipe ? initial - pipe : 0;

	if (rate == 0 || len <= unpaced) {
		if (rate == 0)
			tcp_pace_stop(c);
		return len;
	}
	uint32_t may = room(c, rate, all);
	if (may < unpaced)
		may = unpaced - unpaced % c->cc.mss;
	if (may == 0 && !c->pace.waiting)
		wait(c, rate, all);
	return len < may ? len : may;
}

void tcp_pace_sent(struct tcp_conn *c, uint32_t len)
{
	const uint64_t rate = tcp_pace_rate(c);

	if (rate == 0 || len == 0)
		return;
	forget_savings(c, 0);
	c->pace.next_ns += time_of(len, rate);
}

void tcp_pace_fired(struct tcp_conn *c)
{
	trace_timer(c, "pacing timer: the next quantum may leave (RFC 9002 7.7)");
	c->pace.waiting = false;
	forget_savings(c, LATE_MAX_NS);
	tcp_conn_wants_output(c);
}
