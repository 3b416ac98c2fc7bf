/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status.h — the status codes this server sends, and the reasons for which it refuses a request.
 *
 * A refusal is named where it is found and carries its status code and one sentence for the page
 * that the client sees. The sentences are constants: nothing of a request is ever repeated to its
 * sender.
 */
#ifndef HTTP_STATUS_H
#define HTTP_STATUS_H

/* The reason phrase (RFC 9110 15, RFC 6585 5); "Unknown" for a code we do not send. */
const char *http_status_phrase(int status);
/* A sentence for the error page of this status, NULL when it has none. */
const char *http_status_sentence(int status);

/* After any of these the connection closes: where the request ended is then not certain, or not
 * worth finding out. */
#define HTTP_REFUSALS(X)                                                                           \
	X(NONE, 0, "")                                                                             \
	X(BARE_LF, 400, "A line ends with LF alone; lines end with CRLF (RFC 9112, 2.2).")         \
	X(BARE_CR, 400, "A CR is not followed by LF (RFC 9112, 2.2).")                             \
	X(EMPTY_LINES, 400, "More than one empty line precedes the request (RFC 9112, 2.2).")      \
	X(LEADING_SPACE, 400, "Whitespace precedes the first header field (RFC 9112, 2.2).")       \
	X(CONTROL_BYTE, 400, "The request holds a control character (RFC 9110, 5.5).")             \
	X(BAD_METHOD, 400, "The request does not begin with a method (RFC 9112, 3.1).")            \
	X(METHOD_TOO_LONG, 501, "The method is longer than any that this server knows.")           \
	X(UNKNOWN_METHOD, 501, "This server does not know the method.")                            \
	X(REQUEST_LINE, 400,                                                                       \
	  "The request line is not three words parted by one space each "                          \
	  "(RFC 9112, 3).")                                                                        \
	X(NO_VERSION, 400, "The request line names no HTTP version; HTTP/0.9 is not spoken here.") \
	X(BAD_VERSION, 400, "The request line does not end with an HTTP version (RFC 9112, 2.3).") \
	X(VERSION_UNSUPPORTED, 505,                                                                \
	  "This server speaks HTTP/1.1 and HTTP/1.0 on this connection.")                          \
	X(BAD_TARGET, 400, "The request target is not a URI (RFC 9112, 3.2).")                     \
	X(TARGET_TOO_LONG, 414, "The request target is longer than this server takes.")            \
	X(FRAGMENT, 400, "The request target holds a fragment (RFC 9112, 3.2).")                   \
	X(USERINFO, 400, "The request target holds user information (RFC 9110, 4.2.4).")           \
	X(TARGET_FORM, 400,                                                                        \
	  "The form of the request target does not fit the method "                                \
	  "(RFC 9112, 3.2).")                                                                      \
	X(BAD_FIELD_NAME, 400, "A header field has an invalid name (RFC 9110, 5.1).")              \
	X(SPACE_BEFORE_COLON, 400,                                                                 \
	  "Whitespace precedes the colon of a header field "                                       \
	  "(RFC 9112, 5.1).")                                                                      \
	X(NO_COLON, 400, "A header line has no colon (RFC 9112, 5).")                              \
	X(OBS_FOLD, 400, "A header field continues on a second line (RFC 9112, 5.2).")             \
	X(TOO_MANY_FIELDS, 431, "The request has more header fields than this server takes.")      \
	X(HEAD_TOO_LARGE, 431, "The header section is larger than this server takes.")             \
	X(NO_HOST, 400, "The Host field is missing (RFC 9112, 3.2).")                              \
	X(MANY_HOSTS, 400, "There is more than one Host field (RFC 9112, 3.2).")                   \
	X(BAD_HOST, 400, "The host is not valid (RFC 9110, 7.2).")                                 \
	X(HOST_MISMATCH, 400,                                                                      \
	  "The Host field and :authority name different hosts (RFC 9113, 8.3.1).")                 \
	X(MANY_LENGTHS, 400, "There is more than one Content-Length field (RFC 9112, 6.3).")       \
	X(BAD_LENGTH, 400, "The Content-Length is not a number (RFC 9112, 6.3).")                  \
	X(LENGTH_AND_CODING, 400,                                                                  \
	  "Content-Length and Transfer-Encoding exclude each other "                               \
	  "(RFC 9112, 6.1).")                                                                      \
	X(CODING_IN_1_0, 400, "HTTP/1.0 has no Transfer-Encoding (RFC 9112, 6.1).")                \
	X(CODING_NOT_CHUNKED, 400, "The last transfer coding is not chunked (RFC 9112, 6.3).")     \
	X(CODING_UNKNOWN, 501, "This server knows no transfer coding but chunked.")                \
	X(MISDIRECTED, 421,                                                                        \
	  "The target is an https URI, and this connection has no TLS (RFC 9110, 7.4).")           \
	X(OTHER_SITE, 421,                                                                         \
	  "This connection was made for a site with another certificate (RFC 9110, 15.5.20).")     \
	X(BODY_TOO_LARGE, 413, "The content of the request is larger than this server takes.")     \
	X(BAD_CHUNK_SIZE, 400, "A chunk has an invalid size (RFC 9112, 7.1).")                     \
	X(BAD_CHUNK_EXT, 400, "A chunk extension holds an invalid character (RFC 9112, 7.1.1).")   \
	X(LONG_CHUNK_EXT, 400,                                                                     \
	  "The chunk extensions are longer than this server takes "                                \
	  "(RFC 9112, 7.1.1).")                                                                    \
	X(BAD_CHUNK_END, 400, "A chunk is not followed by CRLF (RFC 9112, 7.1).")                  \
	X(BAD_TRAILER, 400,                                                                        \
	  "The trailer section holds a field that frames or routes a message "                     \
	  "(RFC 9110, 6.5.1).")                                                                    \
	X(NOT_PARSED, 400, "The request could not be parsed.")                                     \
	X(INCOMPLETE, 400, "The connection ended in the middle of the request (RFC 9112, 8).")     \
	X(HEAD_TIMEOUT, 408, "The header section did not arrive in time.")                         \
	X(BODY_TIMEOUT, 408, "The content of the request did not arrive in time.")                 \
	X(TOO_SLOW, 408, "The request arrived more slowly than this server waits for.")            \
	X(BAD_ESCAPE, 400,                                                                         \
	  "The path holds a % that two hexadecimal digits do not follow "                          \
	  "(RFC 3986, 2.1).")                                                                      \
	X(ESCAPED_NUL, 400, "The path holds %00.")                                                 \
	X(ESCAPED_SLASH, 400, "The path holds %2F, which no file name can.")                       \
	X(ABOVE_ROOT, 400, "The path leads above the root.")

enum http_refusal {
#define X(name, status, text) HTTP_REFUSE_##name,
	HTTP_REFUSALS(X)
#undef X
	HTTP_REFUSAL_COUNT
};

int http_refusal_status(enum http_refusal refusal);
const char *http_refusal_text(enum http_refusal refusal);

#endif
