/* SPDX-License-Identifier: Apache-2.0 */
/* request_id.c — see request_id.h. */
#include "http/request_id.h"

/* Each step can be undone, so different numbers stay different. */
static uint64_t mix(uint64_t n)
{
	n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9u;
	n = (n ^ n >> 27) * 0x94d049bb133111ebu;
	return n ^ n >> 31;
}

static char *put_hex(char *out, uint64_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (int shift = 60; shift >= 0; shift -= 4)
		*out++ = digits[n >> shift & 15];
	return out;
}

void http_request_id(const uint64_t key[3], uint64_t number, char out[HTTP_REQUEST_ID_SIZE])
{
	*put_hex(put_hex(out, key[0]), mix(mix(number ^ key[1]) ^ key[2])) = '\0';
}
