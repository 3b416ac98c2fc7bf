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
		[HTTP_END_MAX_REQUESTS] = CLOSE_MAX_REQUESTS,
		[HTTP_END_DRAIN] = CLOSE_DRAIN,
		[HTTP_END_FILE] = CLOSE_FILE_CHANGED,
		[HTTP_END_NO_MEMORY] = CLOSE_OUT_OF_MEMORY,
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
