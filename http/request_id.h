/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request_id.h — a name for every request: in the log, and in the response when that is asked for.
 *
 * It is ours alone. What a client sends as X-Request-Id is not looked at: it could be the name of somebody else's
 * request, or text meant for whoever reads the log.
 */
#ifndef HTTP_REQUEST_ID_H
#define HTTP_REQUEST_ID_H

#include <stdint.h>

#define HTTP_REQUEST_ID_SIZE 33 /* 32 hexadecimal digits and the NUL */

/* The name of the `number`-th request under a random key. With one key no two numbers have the same name; keys differ in
 * their first word. The number does not show, but the name is no secret: nothing may rest on nobody guessing it. */
void http_request_id(const uint64_t key[3], uint64_t number, char out[HTTP_REQUEST_ID_SIZE]);

#endif
