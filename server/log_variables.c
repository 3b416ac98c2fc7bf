/* SPDX-License-Identifier: Apache-2.0 */
/* log_variables.c — see log_variables.h. Names are nginx's where it has the same thing. */
#include "server/log_variables.h"

#include <string.h>

/* Longest values of texts, in characters of the log. */
#define METHOD_MAX 32
#define TARGET_MAX 1536
#define VERSION_MAX 16
#define FIELD_MAX 512
#define NAME_MAX_LOGGED 256
#define WORD_MAX 64

/* ------------------------------------------------------------------ what is made of several */

static void tick(struct log_clock *clock, time_t wall)
{
	struct tm tm;

	if (clock->valid && clock->wall == wall)
		return;
	clock->valid = true;
	clock->wall = wall;
	clock->local[0] = clock->iso[0] = '\0';
	if (!gmtime_r(&wall, &tm))
		return;
	if (strftime(clock->local, sizeof clock->local, "%d/%b/%Y:%H:%M:%S +0000", &tm) == 0)
		clock->local[0] = '\0';
	if (strftime(clock->iso, sizeof clock->iso, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		clock->iso[0] = '\0';
}

static void make_time_local(struct log_line *l, const struct log_facts *f, struct log_clock *clock)
{
	tick(clock, f->time.wall);
	log_put_text(l, clock->local);
}

static void make_time_iso8601(struct log_line *l, const struct log_facts *f,
			      struct log_clock *clock)
{
	tick(clock, f->time.wall);
	log_put_text(l, clock->iso);
	log_put_text(l, "+00:00");
}

static void make_time_ms(struct log_line *l, const struct log_facts *f, struct log_clock *clock)
{
	tick(clock, f->time.wall);
	log_put_text(l, clock->iso);
	log_put_text(l, ".");
	log_put_padded(l, f->time.wall_ms, 3);
	log_put_text(l, "Z");
}

static void make_msec(struct log_line *l, const struct log_facts *f, struct log_clock *clock)
{
	(void)clock;
	log_put_number(l, f->time.wall > 0 ? (uint64_t)f->time.wall : 0);
	log_put_text(l, ".");
	log_put_padded(l, f->time.wall_ms, 3);
}

static void make_event(struct log_line *l, const struct log_facts *f, struct log_clock *clock)
{
	(void)clock;
	log_put_text(l, f->entry ? "request" : "connection");
}

static void make_request(struct log_line *l, const struct log_facts *f, struct log_clock *clock)
{
	(void)clock;
	log_put_escaped(l, f->entry->method, METHOD_MAX);
	log_put_text(l, " ");
	log_put_escaped(l, f->entry->target, TARGET_MAX);
	log_put_text(l, " ");
	log_put_escaped(l, f->entry->version, VERSION_MAX);
}

static void make_scheme(struct log_line *l, const struct log_facts *f, struct log_clock *clock)
{
	(void)clock;
	log_put_text(l, f->client->secure ? "https" : "http");
}

static void make_completion(struct log_line *l, const struct log_facts *f, struct log_clock *clock)
{
	(void)clock;
	log_put_text(l, f->entry->complete ? "OK" : "-");
}

static void put_seconds(struct log_line *l, uint64_t us)
{
	log_put_number(l, us / 1000000);
	log_put_text(l, ".");
	log_put_padded(l, us % 1000000 / 1000, 3);
}

static void make_request_time(struct log_line *l, const struct log_facts *f,
			      struct log_clock *clock)
{
	(void)clock;
	put_seconds(l, f->entry->duration_us);
}

/* From the end of TCP's handshake; Fast Open's data may come before that. */
static uint64_t connection_us(const struct log_facts *f)
{
	const uint64_t begin = f->tcp->established_us ? f->tcp->established_us : f->tcp->opened_us;

	return f->time.mono_us > begin ? f->time.mono_us - begin : 0;
}

static void make_connection_time(struct log_line *l, const struct log_facts *f,
				 struct log_clock *clock)
{
	(void)clock;
	put_seconds(l, connection_us(f));
}

static void make_connection_us(struct log_line *l, const struct log_facts *f,
			       struct log_clock *clock)
{
	(void)clock;
	log_put_number(l, connection_us(f));
}

static void make_reused(struct log_line *l, const struct log_facts *f, struct log_clock *clock)
{
	(void)clock;
	log_put_text(l, !f->tls->version ? "-" : f->tls->resumed ? "r" : ".");
}

static void make_reason(struct log_line *l, const struct log_facts *f, struct log_clock *clock)
{
	(void)clock;
	log_put_text(l, close_reason_text(f->ending->reason));
}

/* ------------------------------------------------------------------ the table */

#define CLIENT(member) FROM_CLIENT, .offset = offsetof(struct app_client, member)
#define ENTRY(member) FROM_ENTRY, .offset = offsetof(struct http_log_entry, member)
#define ENDING(member) FROM_ENDING, .offset = offsetof(struct app_ending, member)
#define TLS(member) FROM_TLS, .offset = offsetof(struct tls_info, member)
#define TCP(member) FROM_TCP, .offset = offsetof(struct tcp_info, member)
/* clang-format off */
#define BOTH (LOG_REQUEST | LOG_CONNECTION)
#define ROW(n, k, on, t, ...) {.name = n, .key = k, .subjects = on, .type = TYPE_##t, .source = __VA_ARGS__}

/* JSON's order is this one, its texts behind all others. */
const struct log_variable log_variables[] = {
	ROW(NULL, "time", BOTH, MADE, FROM_ALL, .made = make_time_ms),
	ROW("time_iso8601", NULL, BOTH, MADE, FROM_ALL, .made = make_time_iso8601),
	ROW("time_local", NULL, BOTH, MADE, FROM_ALL, .made = make_time_local),
	ROW("msec", NULL, BOTH, MADE_NUMBER, FROM_ALL, .made = make_msec),
	ROW(NULL, "event", BOTH, MADE, FROM_ALL, .made = make_event),
	ROW("remote_addr", "client", BOTH, ADDRESS, CLIENT(remote.addr)),
	ROW("remote_port", "port", BOTH, PORT, CLIENT(remote.port)),
	ROW("local_addr", "local", BOTH, ADDRESS, CLIENT(local.addr)),
	ROW("local_port", "local_port", BOTH, PORT, CLIENT(local.port)),
	ROW("connection", "connection", BOTH, U64, CLIENT(conn_id)),
	ROW("connection_requests", "requests", LOG_REQUEST, UNSIGNED, ENTRY(requests)),
	ROW("connection_requests", "requests", LOG_CONNECTION, UNSIGNED, ENDING(requests)),
	ROW("request_id", "request_id", LOG_REQUEST, TEXT, ENTRY(request_id), .limit = WORD_MAX),
	ROW("scheme", "scheme", BOTH, MADE, FROM_ALL, .made = make_scheme),
	ROW(NULL, "tls", BOTH, BOOL, CLIENT(secure)),
	ROW("status", "status", LOG_REQUEST, STATUS, ENTRY(status)),
	ROW("body_bytes_sent", "bytes", LOG_REQUEST, U64, ENTRY(body_bytes)),
	ROW("bytes_sent", "bytes_sent", LOG_REQUEST, U64, ENTRY(bytes)),
	ROW(NULL, "complete", LOG_REQUEST, BOOL, ENTRY(complete)),
	ROW("request_completion", NULL, LOG_REQUEST, MADE, FROM_ALL, .made = make_completion),
	ROW("request_time", NULL, LOG_REQUEST, MADE_NUMBER, FROM_ALL, .made = make_request_time),
	ROW("request_time_us", "duration_us", LOG_REQUEST, U64, ENTRY(duration_us)),
	ROW("request", NULL, LOG_REQUEST, MADE, FROM_ALL, .made = make_request),
	ROW("request_method", "method", LOG_REQUEST, TEXT, ENTRY(method), .limit = METHOD_MAX),
	ROW("request_uri", "target", LOG_REQUEST, TEXT, ENTRY(target), .limit = TARGET_MAX),
	ROW("server_protocol", "version", LOG_REQUEST, TEXT, ENTRY(version), .limit = VERSION_MAX),
	ROW("site", "site", LOG_REQUEST, TEXT, ENTRY(site), .limit = NAME_MAX_LOGGED),
	ROW("host", "host", LOG_REQUEST, TEXT, ENTRY(host), .limit = FIELD_MAX),
	ROW("http_user_agent", "user_agent", LOG_REQUEST, TEXT, ENTRY(user_agent), .limit = FIELD_MAX),
	ROW("http_referer", "referer", LOG_REQUEST, TEXT, ENTRY(referer), .limit = FIELD_MAX),
	ROW("remote_user", "user", LOG_REQUEST, WORD, FROM_USER, .limit = FIELD_MAX),
	ROW("remote_user", NULL, LOG_CONNECTION, WORD, TLS(client), .limit = FIELD_MAX),
	ROW("ssl_client_s_dn", "subject", BOTH, TEXT, TLS(client), .limit = FIELD_MAX),
	ROW("ssl_protocol", "tls_version", BOTH, TEXT, TLS(version), .limit = WORD_MAX),
	ROW("ssl_cipher", "tls_cipher", BOTH, TEXT, TLS(ciphersuite), .limit = WORD_MAX),
	ROW("ssl_alpn_protocol", "tls_alpn", BOTH, TEXT, TLS(alpn), .limit = WORD_MAX),
	ROW("ssl_server_name", "tls_sni", BOTH, TEXT, TLS(sni), .limit = NAME_MAX_LOGGED),
	ROW(NULL, "tls_resumed", BOTH, BOOL, TLS(resumed)),
	ROW("ssl_session_reused", NULL, BOTH, MADE, FROM_TLS, .made = make_reused),
	ROW("tcp_rtt_us", "tcp_rtt_us", BOTH, U64, TCP(srtt_us)),
	ROW("tcp_rttvar_us", "tcp_rttvar_us", BOTH, U64, TCP(rttvar_us)),
	ROW("tcp_min_rtt_us", "tcp_min_rtt_us", BOTH, U64, TCP(min_rtt_us)),
	ROW("tcp_retransmits", "tcp_retransmits", BOTH, U64, TCP(retransmits)),
	ROW("tcp_timeouts", "tcp_timeouts", BOTH, U64, TCP(timeouts)),
	ROW("tcp_cwnd", "tcp_cwnd", BOTH, UNSIGNED, TCP(cwnd)),
	ROW("tcp_delivered", "tcp_delivered", BOTH, U64, TCP(delivered)),
	ROW("tcp_delivery_rate", "tcp_delivery_rate", BOTH, U64, TCP(delivery_rate)),
	ROW("tcp_pmtu", "tcp_pmtu", BOTH, UNSIGNED, TCP(pmtu)),
	ROW("bytes_received", "bytes_received", LOG_CONNECTION, U64, TCP(bytes_in)),
	ROW("bytes_sent", "bytes_sent", LOG_CONNECTION, U64, TCP(bytes_out)),
	ROW("connection_time", NULL, BOTH, MADE_NUMBER, FROM_TCP, .made = make_connection_time),
	ROW(NULL, "duration_us", LOG_CONNECTION, MADE_NUMBER, FROM_TCP, .made = make_connection_us),
	ROW("close_reason", "closed", LOG_CONNECTION, MADE, FROM_ENDING, .made = make_reason),
};
/* clang-format on */

const size_t log_variable_count = sizeof log_variables / sizeof log_variables[0];

_Static_assert(sizeof(unsigned) == sizeof(uint32_t), "TYPE_UNSIGNED is also uint32_t");

/* ------------------------------------------------------------------ values */

unsigned log_variable_needs(const struct log_variable *v)
{
	return v->source == FROM_TLS || v->source == FROM_USER ? LOG_NEEDS_TLS
	       : v->source == FROM_TCP                         ? LOG_NEEDS_TCP
							       : 0;
}

static const void *source_of(const struct log_variable *v, const struct log_facts *f)
{
	switch ((enum log_source)v->source) {
	case FROM_CLIENT:
		return f->client;
	case FROM_ENTRY:
		return f->entry;
	case FROM_ENDING:
		return f->ending;
	case FROM_TLS:
		return f->tls;
	case FROM_TCP:
		return f->tcp;
	case FROM_USER:
		return f->entry->remote_user ? (const void *)&f->entry->remote_user
		       : f->tls              ? (const void *)&f->tls->client
					     : NULL;
	case FROM_ALL:
		break;
	}
	return f;
}

bool log_variable_known(const struct log_variable *v, const struct log_facts *f)
{
	const char *source = source_of(v, f);

	if (!source)
		return false;
	if (v->type == TYPE_TEXT || v->type == TYPE_WORD)
		return *(const char *const *)(const void *)(source + v->offset) != NULL;
	return true;
}

static void put_value(const struct log_variable *v, struct log_line *l, const void *at)
{
	char address[IP_ADDR_TEXT_SIZE];

	switch ((enum log_type)v->type) {
	case TYPE_U64:
		log_put_number(l, *(const uint64_t *)at);
		break;
	case TYPE_UNSIGNED:
		log_put_number(l, *(const uint32_t *)at);
		break;
	case TYPE_STATUS:
		log_put_number(l, (uint64_t)(unsigned)*(const int *)at);
		break;
	case TYPE_PORT:
		log_put_number(l, *(const uint16_t *)at);
		break;
	case TYPE_BOOL:
		log_put_text(l, *(const bool *)at ? "true" : "false");
		break;
	case TYPE_ADDRESS:
		log_put_text(l, ip_addr_text(at, address));
		break;
	case TYPE_TEXT:
		log_put_escaped(l, *(const char *const *)at, v->limit);
		break;
	case TYPE_WORD:
		log_put_word(l, *(const char *const *)at, v->limit);
		break;
	case TYPE_MADE:
	case TYPE_MADE_NUMBER:
		break; /* log_variable_put has done it */
	}
}

void log_variable_put(const struct log_variable *v, struct log_line *l, const struct log_facts *f,
		      struct log_clock *clock)
{
	const char *source = source_of(v, f);

	if (!source)
		log_put_text(l, "-");
	else if (v->made)
		v->made(l, f, clock);
	else
		put_value(v, l, source + v->offset);
}
