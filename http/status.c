/* SPDX-License-Identifier: Apache-2.0 */
/* Status codes and refusals: the tables of status.h. */
#include "http/status.h"

#include <stddef.h>

static const struct {
	int status;
	const char *phrase;
	const char *sentence;
} statuses[] = {
	{100, "Continue", NULL},
	{200, "OK", NULL},
	{204, "No Content", NULL},
	{206, "Partial Content", NULL},
	{301, "Moved Permanently", "This directory has its address with a slash at the end."},
	{302, "Found", NULL},
	{303, "See Other", NULL},
	{304, "Not Modified", NULL},
	{307, "Temporary Redirect", NULL},
	{308, "Permanent Redirect", NULL},
	{400, "Bad Request", "The request is malformed."},
	{401, "Unauthorized", "A name and a password are needed here."},
	{403, "Forbidden", "This server may not give out what is at this address."},
	{404, "Not Found", "There is nothing at this address."},
	{405, "Method Not Allowed",
	 "Files are served here: GET, HEAD and OPTIONS are what can be done."},
	{406, "Not Acceptable",
	 "This file is not to be had in any of the content codings that the client takes."},
	{408, "Request Timeout", "The request did not arrive in time."},
	{412, "Precondition Failed", "The file is not in the state that the request asked for."},
	{413, "Content Too Large", "The content of the request is larger than this server takes."},
	{414, "URI Too Long", "The request target is longer than this server takes."},
	{416, "Range Not Satisfiable", "The file has no bytes in the range that was asked for."},
	{417, "Expectation Failed", "The only expectation that can be met is 100-continue."},
	{421, "Misdirected Request", "No site of that name is served on this connection."},
	{429, "Too Many Requests",
	 "That were more requests than one client may send in so short a time."},
	{431, "Request Header Fields Too Large",
	 "The header section is larger than this server takes."},
	{500, "Internal Server Error", "The file could not be read."},
	{501, "Not Implemented", "This server does not know how to do that."},
	{503, "Service Unavailable", "Too many files are open at present. Please try again."},
	{505, "HTTP Version Not Supported", "This server speaks HTTP/1.1 and HTTP/1.0."},
};

const char *http_status_phrase(int status)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (statuses[i].status == status)
			return statuses[i].phrase;
	return "Unknown";
}

const char *http_status_sentence(int status)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (statuses[i].status == status)
			return statuses[i].sentence;
	return NULL;
}

static const struct {
	int status;
	const char *text;
} refusals[HTTP_REFUSAL_COUNT] = {
#define X(name, code, sentence) {code, sentence},
	HTTP_REFUSALS(X)
#undef X
};

int http_refusal_status(enum http_refusal refusal)
{
	return refusals[refusal].status;
}

const char *http_refusal_text(enum http_refusal refusal)
{
	return refusals[refusal].text;
}
