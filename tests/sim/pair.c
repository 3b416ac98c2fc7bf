/* SPDX-License-Identifier: Apache-2.0 */
/* pair.c — two stacks with stream applications: what most scenarios are made of. See scenario.h. */
#include "tests/sim/scenario.h"

const uint32_t sim_isns[3] = {0, INT32_MAX, UINT32_MAX - 999};

void sim_set_isn(struct stack_config *cfg, unsigned choice)
{
	cfg->fixed_isn = choice < 3;
	if (choice < 3)
		cfg->isn = sim_isns[choice];
}

void sim_set_delay(struct sim *sim, uint64_t rtt_us)
{
	sim->link[0].cfg.delay_us = rtt_us / 2;
	sim->link[1].cfg.delay_us = rtt_us - rtt_us / 2;
}

void sim_pair_init(struct sim_pair *p, struct sim *sim)
{
	*p = (struct sim_pair){.sim = sim};
	for (unsigned i = 0; i < 2; i++) {
		sim_stack_config(sim, i, &p->cfg[i]);
		sim_streams_init(&p->app[i], sim, i);
	}
	sim_set_delay(sim, 10 * SIM_MS);
	p->plan[0].close = SIM_CLOSE_FIRST;
	p->plan[1].close = SIM_CLOSE_SECOND;
}

void sim_pair_start(struct sim_pair *p)
{
	for (unsigned i = 0; i < 2; i++) {
		struct sim_plan *plan = &p->plan[i];
		const struct sim_plan *other = &p->plan[1 - i];
		if (plan->echo)
			plan->send = other->send;
		plan->echoed = other->echo;
		if (plan->receive == 0)
			plan->receive = other->echo ? plan->send : other->send;
		sim_host_start(p->sim, i, &p->cfg[i], sim_streams_app(&p->app[i]));
	}
	if (!p->sim->failed)
		sim_streams_listen(&p->app[1], SIM_PORT, 16, &p->plan[1]);
}

void sim_pair_free(struct sim_pair *p)
{
	sim_streams_free(&p->app[0]);
	sim_streams_free(&p->app[1]);
}

void sim_pair_once(struct sim_pair *p)
{
	sim_pair_start(p);
	if (!p->sim->failed)
		sim_streams_connect(&p->app[0], 0, SIM_CLIENT_PORT, SIM_PORT, &p->plan[0]);
	sim_run(p->sim);
	for (unsigned i = 0; i < 2; i++)
		sim_streams_expect(&p->app[i], 1, p->plan[i].may_miss ? 0 : 1);
	sim_expect_clean(p->sim);
	sim_pair_free(p);
}
