/* SPDX-License-Identifier: Apache-2.0 */
/* options_limits.h — what one client, and all of them together, may take: the options for it as values. */
#ifndef SERVER_OPTIONS_LIMITS_H
#define SERVER_OPTIONS_LIMITS_H

#include <stdint.h>

#include "server/limits.h"

/* Sizes are bytes. http/http.h says what each is for. */
struct option_limits {
	uint64_t head_size, target_size, body_size;
	uint64_t body_timeout_us, rate_window_us;
	uint32_t receive_rate, send_rate; /* bytes a second; 0: off */
	unsigned fields, requests, ranges, pipeline;
	unsigned connections, client_connections; /* the latter 0: off */
	struct prefix_list exempt;
};

#endif
