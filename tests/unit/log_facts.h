/* SPDX-License-Identifier: Apache-2.0 */
/* log_facts.h — a request over TLS, as the log is told of it. */
#ifndef TESTS_UNIT_LOG_FACTS_H
#define TESTS_UNIT_LOG_FACTS_H

#include <stdlib.h>
#include <string.h>

#include "server/log.h"

#define WALL 1700000000 /* 2023-11-14 22:13:20 UTC */

struct example {
	struct app_client client;
	struct http_log_entry entry;
	struct app_ending ending;
	struct tls_info tls;
	struct tcp_info tcp;
	struct log_facts facts; /* of the request */
};

static inline void make_example(struct example *e)
{
	*e = (struct example){
		.client = {.remote = {.addr = ip_addr_v4(10, 77, 0, 1), .port = 40123},
			   .local = {.addr = ip_addr_v4(10, 77, 0, 2), .port = 443},
			   .secure = true,
			   .conn_id = 17},
		.entry = {.time = {.mono_us = 5000000, .wall = WALL, .wall_ms = 7},
			  .method = "GET",
			  .target = "/a\"b\n",
			  .version = "HTTP/1.1",
			  .host = "10.77.0.2",
			  .user_agent = "curl/8.0 \\o/",
			  .status = 200,
			  .site = "default",
			  .request_id = "0123456789abcdef0123456789abcdef",
			  .requests = 3,
			  .body_bytes = 1234567890123ull,
			  .bytes = 1234567890400ull,
			  .complete = true,
			  .duration_us = 1002042},
		.ending = {.reason = CLOSE_IDLE, .requests = 3},
		.tls = {.version = "TLSv1.3",
			.ciphersuite = "TLS_AES_128_GCM_SHA256",
			.alpn = "http/1.1",
			.sni = "www.example.test",
			.resumed = true},
		.tcp = {.srtt_us = 1500,
			.rttvar_us = 250,
			.min_rtt_us = 1400,
			.retransmits = 2,
			.timeouts = 1,
			.cwnd = 14480,
			.delivered = 99,
			.delivery_rate = 1000000,
			.pmtu = 1500,
			.established_us = 2000000,
			.bytes_in = 321,
			.bytes_out = 654},
	};
	e->entry.user = &e->client;
	e->facts = (struct log_facts){.time = e->entry.time,
				      .client = &e->client,
				      .entry = &e->entry,
				      .tls = &e->tls,
				      .tcp = &e->tcp};
}

static inline struct log_layout *layout_of(const char *text, enum log_subject subject)
{
	char error[LOG_LAYOUT_ERROR_SIZE] = "";
	struct log_layout *layout = log_layout_create(text, subject, error);

	if (!layout)
		fail_msg("%s: %s", text, error);
	return layout;
}

/* The line without its newline. */
static inline char *line_of(const char *text, enum log_subject subject,
			    const struct log_facts *facts, char out[LOG_LINE_MAX])
{
	struct log_layout *layout = layout_of(text, subject);
	const size_t len = log_layout_line(layout, facts, out);

	assert_true(len >= 1 && len <= LOG_LINE_MAX);
	assert_int_equal(out[len - 1], '\n');
	out[len - 1] = '\0';
	assert_int_equal(strlen(out), len - 1);
	assert_null(strchr(out, '\n'));
	log_layout_destroy(layout);
	return out;
}

#endif
