/* SPDX-License-Identifier: Apache-2.0 */
/* session_parts.h — what session.c and session_out.c have in common. */
#ifndef SERVER_SESSION_PARTS_H
#define SERVER_SESSION_PARTS_H

#include "server/session.h"

/* Resets the connection; afterwards it is OVER. */
void session_abort(struct session *s, enum close_reason reason);
/* One line about its TLS. */
void session_report_tls(struct session *s, const char *why);

/* session_out.c: bytes of responses, as many as there are, as there is room for, and as the turn's budget allows. True when there
 * was progress. May end the session. */
bool session_write_plain(struct session *s, struct http_time now);
bool session_write_tls(struct session *s, struct http_time now);

#endif
