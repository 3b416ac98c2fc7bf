/* SPDX-License-Identifier: Apache-2.0 */
/*
 * close_reason.h — why a connection ended, in a fixed word for the log. When several things happen to a connection it is
 * the first that counts: who is closed for being idle and then resets is "idle".
 */
#ifndef SERVER_CLOSE_REASON_H
#define SERVER_CLOSE_REASON_H

#include "http/http.h"
#include "stack/stack.h"

#define CLOSE_REASONS(X)                            \
	X(NONE, "open")                             \
	X(CLIENT_CLOSED, "client-closed")           \
	X(CLOSE_REQUESTED, "close-requested")       \
	X(IDLE, "idle")                             \
	X(HEADER_TIMEOUT, "header-timeout")         \
	X(BODY_TIMEOUT, "body-timeout")             \
	X(SEND_TIMEOUT, "send-timeout")             \
	X(TOO_SLOW_RECEIVE, "too-slow-receive")     \
	X(TOO_SLOW_SEND, "too-slow-send")           \
	X(HANDSHAKE_TIMEOUT, "handshake-timeout")   \
	X(HANDSHAKE_FAILED, "handshake-failed")     \
	X(HANDSHAKE_GAVE_WAY, "handshake-gave-way") \
	X(PLAIN_HTTP, "plain-http-on-tls-port")     \
	X(TLS_ERROR, "tls-error")                   \
	X(PROTOCOL_ERROR, "protocol-error")         \
	X(MAX_REQUESTS, "max-requests")             \
	X(FILE_CHANGED, "file-changed")             \
	X(CLIENT_CONNECTIONS, "client-connections") \
	X(MAX_CONNECTIONS, "max-connections")       \
	X(MADE_ROOM, "made-room")                   \
	X(DRAIN, "drain")                           \
	X(SERVER_ENDED, "server-ended")             \
	X(RESET_BY_PEER, "reset-by-peer")           \
	X(TCP_TIMEOUT, "tcp-timeout")               \
	X(UNREACHABLE, "unreachable")               \
	X(OUT_OF_MEMORY, "out-of-memory")           \
	X(H2_FLOOD, "h2-flood")                     \
	X(H2_RESETS, "h2-resets")                   \
	X(H2_HEAD_TOO_LARGE, "h2-head-too-large")   \
	X(H2_STALLED, "h2-stalled")                 \
	X(H2_SETTINGS_TIMEOUT, "h2-settings-timeout")

enum close_reason {
#define X(name, text) CLOSE_##name,
	CLOSE_REASONS(X)
#undef X
};
const char *close_reason_text(enum close_reason reason);
/* A sentence for the operator when a limit of ours has ended it, which names the option; NULL when nothing is worth a
 * line. */
const char *close_reason_notice(enum close_reason reason);

/* What HTTP and TCP call it; CLOSE_NONE for what says nothing about a cause. */
enum close_reason close_reason_of_http(enum http_end end);
enum close_reason close_reason_of_tcp(enum tcp_close_reason reason);

#endif
