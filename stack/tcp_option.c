/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_option.c — what an application may set on one connection: see enum tcp_option in stack.h. */
#include "stack/stack_internal.h"
#include "stack/tcp_keepalive.h"
#include "stack/tcp_user_timeout.h"

static bool valid_time(uint64_t us)
{
	return us >= TCP_OPTION_TIME_MIN_US && us <= TCP_OPTION_TIME_MAX_US;
}

static bool valid(enum tcp_option option, uint64_t value)
{
	switch (option) {
	case TCP_OPTION_KEEPALIVE_US:
	case TCP_OPTION_USER_TIMEOUT_US:
		return value == 0 || valid_time(value);
	case TCP_OPTION_KEEPALIVE_INTERVAL_US:
		return valid_time(value);
	case TCP_OPTION_KEEPALIVE_PROBES:
		return value >= 1 && value <= TCP_KEEPALIVE_PROBES_MAX;
	case TCP_OPTION_USER_TIMEOUT_EXCHANGE:
		return value <= 1;
	}
	return false;
}

bool tcp_option_config_valid(const struct stack_config *cfg)
{
	return valid(TCP_OPTION_KEEPALIVE_US, cfg->keepalive_us) &&
	       valid(TCP_OPTION_KEEPALIVE_INTERVAL_US, cfg->keepalive_interval_us) &&
	       valid(TCP_OPTION_KEEPALIVE_PROBES, cfg->keepalive_probes);
}

int tcp_set_option(struct tcp_conn *c, enum tcp_option option, uint64_t value)
{
	if (!valid(option, value))
		return STACK_ERR_INVALID;
	if (c->dead)
		return STACK_ERR_STATE;
	switch (option) {
	case TCP_OPTION_KEEPALIVE_US:
		c->keepalive.idle_us = value;
		break;
	case TCP_OPTION_KEEPALIVE_INTERVAL_US:
		c->keepalive.interval_us = value;
		break;
	case TCP_OPTION_KEEPALIVE_PROBES:
		c->keepalive.probes_max = (uint8_t)value;
		break;
	case TCP_OPTION_USER_TIMEOUT_US:
		tcp_user_timeout_set(c, value);
		break;
	case TCP_OPTION_USER_TIMEOUT_EXCHANGE:
		tcp_user_timeout_exchange(c, value != 0);
		return STACK_OK;
	}
	tcp_keepalive_changed(c);
	return STACK_OK;
}

int tcp_get_option(const struct tcp_conn *c, enum tcp_option option, uint64_t *value)
{
	switch (option) {
	case TCP_OPTION_KEEPALIVE_US:
		*value = c->keepalive.idle_us;
		return STACK_OK;
	case TCP_OPTION_KEEPALIVE_INTERVAL_US:
		*value = c->keepalive.interval_us;
		return STACK_OK;
	case TCP_OPTION_KEEPALIVE_PROBES:
		*value = c->keepalive.probes_max;
		return STACK_OK;
	case TCP_OPTION_USER_TIMEOUT_US:
		*value = tcp_user_timeout_us(c);
		return STACK_OK;
	case TCP_OPTION_USER_TIMEOUT_EXCHANGE:
		*value = c->user_timeout.exchange;
		return STACK_OK;
	}
	return STACK_ERR_INVALID;
}
