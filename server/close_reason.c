/* SPDX-License-Identifier: Apache-2.0 */
/* close_reason.c — see close_reason.h. */
#include "server/close_reason.h"

const char *close_reason_text(enum close_reason reason)
{
	static const char *const text[] = {
#define X(name, word) [CLOSE_##name] = (word),
		CLOSE_REASONS(X)
#undef X
	};

	return text[reason];
}

const char *close_reason_notice(enum close_reason reason)
{
	switch (reason) {
	case CLOSE_HEADER_TIMEOUT:
		return "header-timeout: the header of a request took longer than --header-timeout";
	case CLOSE_BODY_TIMEOUT:
		return "body-timeout: no content of a request came for --body-timeout";
	case CLOSE_TOO_SLOW_RECEIVE:
		return "too-slow-receive: a request came slower than --min-receive-rate";
	case CLOSE_SEND_TIMEOUT:
		return "send-timeout: the client took nothing of a response for --send-timeout";
	case CLOSE_TOO_SLOW_SEND:
		return "too-slow-send: the client took a response slower than --min-send-rate";
	case CLOSE_H2_FLOOD:
		return "h2-flood: the client sent too many HTTP/2 frames that ask for nothing";
	case CLOSE_H2_RESETS:
		return "h2-resets: too many HTTP/2 streams of the client's ended before their time";
	case CLOSE_H2_HEAD_TOO_LARGE:
		return "h2-head-too-large: the header of a request was far larger than "
		       "--max-header-size";
	case CLOSE_H2_STALLED:
		return "h2-stalled: the client let nothing of a response through for "
		       "--send-timeout";
	case CLOSE_H2_SETTINGS_TIMEOUT:
		return "h2-settings-timeout: the client did not acknowledge HTTP/2 settings within "
		       "--header-timeout";
	case CLOSE_CLIENT_CONNECTIONS:
		return "client-connections: refused, the client has --max-connections-per-client";
	case CLOSE_MAX_CONNECTIONS:
		return "max-connections: refused, --max-connections are in use";
	case CLOSE_MADE_ROOM:
		return "made-room: idle, and closed because of --max-connections";
	default:
		return NULL;
	}
}

enum close_reason close_reason_of_http(enum http_end end)
{
	static const enum close_reason reason[] = {
		[HTTP_END_NONE] = CLOSE_NONE,
		[HTTP_END_CLIENT] = CLOSE_CLIENT_CLOSED,
		[HTTP_END_REQUESTED] = CLOSE_CLOSE_REQUESTED,
		[HTTP_END_REFUSED] = CLOSE_PROTOCOL_ERROR,
		[HTTP_END_IDLE] = CLOSE_IDLE,
		[HTTP_END_HEAD_TIMEOUT] = CLOSE_HEADER_TIMEOUT,
		[HTTP_END_BODY_TIMEOUT] = CLOSE_BODY_TIMEOUT,
		[HTTP_END_TOO_SLOW] = CLOSE_TOO_SLOW_RECEIVE,
		[HTTP_END_TOO_SLOW_SEND] = CLOSE_TOO_SLOW_SEND,
		[HTTP_END_MAX_REQUESTS] = CLOSE_MAX_REQUESTS,
		[HTTP_END_DRAIN] = CLOSE_DRAIN,
		[HTTP_END_FILE] = CLOSE_FILE_CHANGED,
		[HTTP_END_NO_MEMORY] = CLOSE_OUT_OF_MEMORY,
		[HTTP_END_FLOOD] = CLOSE_H2_FLOOD,
		[HTTP_END_RESETS] = CLOSE_H2_RESETS,
		[HTTP_END_HEAD_TOO_LARGE] = CLOSE_H2_HEAD_TOO_LARGE,
		[HTTP_END_STALLED] = CLOSE_H2_STALLED,
		[HTTP_END_SETTINGS_TIMEOUT] = CLOSE_H2_SETTINGS_TIMEOUT,
	};

	return reason[end];
}

enum close_reason close_reason_of_tcp(enum tcp_close_reason why)
{
	static const enum close_reason reason[] = {
		[TCP_CLOSE_NONE] = CLOSE_NONE,
		[TCP_CLOSE_ORDERLY] = CLOSE_CLIENT_CLOSED,
		[TCP_CLOSE_RESET] = CLOSE_RESET_BY_PEER,
		[TCP_CLOSE_REFUSED] =
			CLOSE_RESET_BY_PEER, /* before the handshake's end: Fast Open */
		[TCP_CLOSE_TIMEOUT] = CLOSE_TCP_TIMEOUT,
		[TCP_CLOSE_ABORTED] = CLOSE_NONE,
		[TCP_CLOSE_UNREACHABLE] = CLOSE_UNREACHABLE,
		[TCP_CLOSE_NO_MEMORY] = CLOSE_OUT_OF_MEMORY,
	};

	return reason[why];
}
