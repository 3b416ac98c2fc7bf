/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that must not be served, as a table. Among them is everything that http-parser 2.9.4 is
 * known to let through, or to have let through in one of its builds: those are the ways to smuggle
 * a request.
 */
#include "tests/unit/http_cases.h"

#define H "Host: h\r\n"
#define GET "GET /hello.txt HTTP/1.1\r\n"
#define POST "POST /hello.txt HTTP/1.1\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"
/* What a smuggler hides behind the first request: it must never be answered. */
#define HIDDEN "GET /sub/page.html HTTP/1.1\r\nHost: h\r\n\r\n"

/* ------------------------------------------------------------------ lines and bytes */

static const struct http_case line_cases[] = {
	CASE("bare LF after the request line (9112 2.2)",
	     "GET /hello.txt HTTP/1.1\nHost: h\r\n\r\n", "400", CLOSED, HAS("LF alone")),
	CASE("bare LF after a field (9112 2.2)", GET "Host: h\n\r\n", "400", CLOSED,
	     HAS("LF alone")),
	CASE("bare LF as the empty line (9112 2.2)", GET H "\n", "400", CLOSED, HAS("LF alone")),
	CASE("bare LF everywhere (9112 2.2)", "GET /hello.txt HTTP/1.1\nHost: h\n\n", "400",
	     CLOSED),
	CASE("bare LF within a value (9112 2.2)", GET H "A: b\nc: d\r\n\r\n", "400", CLOSED),
	CASE("bare LF before the request (9112 2.2)", "\n" GET H "\r\n", "400", CLOSED),
	CASE("bare CR after the request line (9112 2.2)",
	     "GET /hello.txt HTTP/1.1\rHost: h\r\n\r\n", "400", CLOSED, HAS("CR is not")),
	CASE("bare CR within a value (9112 2.2)", GET H "A: b\rc\r\n\r\n", "400", CLOSED,
	     HAS("CR is not")),
	CASE("bare CR within a name (9112 5)", GET H "A\rb: c\r\n\r\n", "400", CLOSED),
	CASE("CR CR LF (9112 2.2)", GET H "A: b\r\r\n\r\n", "400", CLOSED),
	CASE("CR instead of the last LF (9112 2.2)", GET H "\r\r", "400", CLOSED),
	CASE("two empty lines before the request (9112 2.2)", "\r\n\r\n" GET H "\r\n", "400",
	     CLOSED, HAS("More than one empty line")),
	CASE("many empty lines before the request (9112 2.2)", "\r\n\r\n\r\n\r\n\r\n" GET H "\r\n",
	     "400", CLOSED),
	CASE("NUL in the target (9110 5.5)", "GET /a\0b HTTP/1.1\r\n" H "\r\n", "400", CLOSED,
	     HAS("control character")),
	CASE("NUL in a value (9110 5.5)", GET H "A: b\0c\r\n\r\n", "400", CLOSED,
	     HAS("control character")),
	CASE("NUL in a name (9110 5.1)", GET H "A\0b: c\r\n\r\n", "400", CLOSED),
	CASE("NUL before the request", "\0" GET H "\r\n", "400", CLOSED),
	CASE("ESC in a value (9110 5.5)", GET H "A: \x1b[31m\r\n\r\n", "400", CLOSED),
	CASE("DEL in a value (9110 5.5)", GET H "A: b\x7f\r\n\r\n", "400", CLOSED),
	CASE("vertical tab in a value (9110 5.5)",
	     POST H "Transfer-Encoding: \x0b"
		    "chunked\r\n\r\n0\r\n\r\n",
	     "400", CLOSED),
	CASE("obs-fold with a space (9112 5.2)", GET H "A: b\r\n c\r\n\r\n", "400", CLOSED,
	     HAS("second line")),
	CASE("obs-fold with a tab (9112 5.2)", GET H "A: b\r\n\tc\r\n\r\n", "400", CLOSED,
	     HAS("second line")),
	CASE("obs-fold on Transfer-Encoding (9112 5.2)",
	     POST H "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" HIDDEN, "400", CLOSED,
	     HAS("second line")),
	CASE("obs-fold on Content-Length (9112 5.2)",
	     POST H "Content-Length: 1\r\n 0\r\n\r\n0123456789", "400", CLOSED),
	CASE("space before the colon (9112 5.1)", GET "Host : h\r\n\r\n", "400", CLOSED,
	     HAS("precedes the colon")),
	CASE("tab before the colon (9112 5.1)", GET "Host\t: h\r\n\r\n", "400", CLOSED),
	CASE("space before the colon of a length (9112 5.1)",
	     POST H "Content-Length : 5\r\n\r\n" HIDDEN, "400", CLOSED),
	CASE("space within a name (9110 5.1)", GET H "A b: c\r\n\r\n", "400", CLOSED),
	CASE("first field begins with a space (9112 2.2)", GET " Host: h\r\n\r\n", "400", CLOSED,
	     HAS("precedes the first header field")),
	CASE("empty name (9110 5.1)", GET H ": b\r\n\r\n", "400", CLOSED),
	CASE("parenthesis in a name (9110 5.6.2)", GET H "A(b): c\r\n\r\n", "400", CLOSED,
	     HAS("invalid name")),
	CASE("0x80 in a name (9110 5.6.2)", GET H "A\x80: c\r\n\r\n", "400", CLOSED),
	CASE("line without a colon (9112 5)", GET H "nonsense\r\n\r\n", "400", CLOSED,
	     HAS("no colon")),
};

/* ------------------------------------------------------------------ request line */

static const struct http_case request_line_cases[] = {
	CASE("HTTP/0.9 (9112 3)", "GET /hello.txt\r\n", "400", CLOSED, HAS("HTTP/0.9"),
	     LACKS(HELLO)),
	CASE("HTTP/0.9 with fields (9112 3)", "GET /hello.txt\r\n" H "\r\n", "400", CLOSED,
	     LACKS(HELLO)),
	CASE("HTTP/0.9 by its number (9112 2.3)", "GET /hello.txt HTTP/0.9\r\n" H "\r\n", "505",
	     CLOSED),
	CASE("HTTP/1.2 (9110 15.6.6)", "GET /hello.txt HTTP/1.2\r\n" H "\r\n", "505", CLOSED),
	CASE("HTTP/2.0 (9110 15.6.6)", "GET /hello.txt HTTP/2.0\r\n" H "\r\n", "505", CLOSED),
	CASE("HTTP/9.9 (9110 15.6.6)", "GET /hello.txt HTTP/9.9\r\n" H "\r\n", "505", CLOSED),
	CASE("the preface of HTTP/2 (9113 3.4)", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505", CLOSED),
	CASE("HTTP/1.10 (9112 2.3)", "GET /hello.txt HTTP/1.10\r\n" H "\r\n", "400", CLOSED),
	CASE("HTTP/1 (9112 2.3)", "GET /hello.txt HTTP/1\r\n" H "\r\n", "400", CLOSED),
	CASE("http/1.1 in lower case (9112 2.3)", "GET /hello.txt http/1.1\r\n" H "\r\n", "400",
	     CLOSED),
	CASE("HTTP /1.1 (9112 2.3)", "GET /hello.txt HTTP /1.1\r\n" H "\r\n", "400", CLOSED),
	CASE("ICE/1.0, which http-parser takes for HTTP", "SOURCE /hello.txt ICE/1.0\r\n" H "\r\n",
	     "400", CLOSED),
	CASE("SOURCE, which http-parser knows (9110 9.1)",
	     "SOURCE /hello.txt HTTP/1.1\r\n" H "\r\n", "501", CLOSED),
	CASE("two spaces after the method (9112 3)", "GET  /hello.txt HTTP/1.1\r\n" H "\r\n", "400",
	     CLOSED, HAS("one space each")),
	CASE("two spaces before the version (9112 3)", "GET /hello.txt  HTTP/1.1\r\n" H "\r\n",
	     "400", CLOSED, HAS("one space each")),
	CASE("a tab between the words (9112 3)", "GET\t/hello.txt HTTP/1.1\r\n" H "\r\n", "400",
	     CLOSED),
	CASE("space after the version (9112 3)", "GET /hello.txt HTTP/1.1 \r\n" H "\r\n", "400",
	     CLOSED),
	CASE("space before the method (9112 3)", " GET /hello.txt HTTP/1.1\r\n" H "\r\n", "400",
	     CLOSED),
	CASE("four words (9112 3)", "GET /hello.txt x HTTP/1.1\r\n" H "\r\n", "400", CLOSED),
	CASE("no target (9112 3)", "GET HTTP/1.1\r\n" H "\r\n", "400", CLOSED),
	CASE("an unknown method (9110 15.6.2)", "BREW /hello.txt HTTP/1.1\r\n" H "\r\n", "501",
	     CLOSED),
	CASE("methods have a case (9110 9.1)", "get /hello.txt HTTP/1.1\r\n" H "\r\n", "501",
	     CLOSED),
	CASE("an endless method (9112 3)", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	     "501", CLOSED),
	CASE("a quote in the method (9110 5.6.2)", "G\"T /hello.txt HTTP/1.1\r\n" H "\r\n", "400",
	     CLOSED),
	CASE("a TLS ClientHello (8446 5.1)", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "400",
	     CLOSED),
	CASE("fragment (9112 3.2)", "GET /hello.txt#top HTTP/1.1\r\n" H "\r\n", "400", CLOSED,
	     HAS("fragment")),
	CASE("fragment in absolute-form (9112 3.2)",
	     "GET http://h/hello.txt# HTTP/1.1\r\n" H "\r\n", "400", CLOSED),
	CASE("target with 0x80 (9112 3.2)", "GET /caf\xc3\xa9.txt HTTP/1.1\r\n" H "\r\n", "400",
	     CLOSED, HAS("not a URI")),
	CASE("target with DEL (9112 3.2)", "GET /\x7f HTTP/1.1\r\n" H "\r\n", "400", CLOSED),
	CASE("target without a slash (9112 3.2)", "GET hello.txt HTTP/1.1\r\n" H "\r\n", "400",
	     CLOSED),
	CASE("* with GET (9112 3.2.4)", "GET * HTTP/1.1\r\n" H "\r\n", "400", CLOSED,
	     HAS("does not fit the method")),
	CASE("* with HEAD (9112 3.2.4)", "HEAD * HTTP/1.1\r\n" H "\r\n", "400", CLOSED,
	     LACKS("<h1>"), TO_HEAD),
	CASE("* and more (9112 3.2.4)", "OPTIONS */x HTTP/1.1\r\n" H "\r\n", "400", CLOSED),
	CASE("authority-form with GET (9112 3.2.3)", "GET h:80 HTTP/1.1\r\n" H "\r\n", "400",
	     CLOSED),
	CASE("CONNECT with a path (9112 3.2.3)", "CONNECT /hello.txt HTTP/1.1\r\n" H "\r\n", "400",
	     CLOSED),
	CASE("CONNECT without a port (9112 3.2.3)", "CONNECT h HTTP/1.1\r\n" H "\r\n", "400",
	     CLOSED),
	CASE("another scheme (9112 3.2.2)", "GET ftp://h/hello.txt HTTP/1.1\r\n" H "\r\n", "400",
	     CLOSED),
	CASE("javascript: (9112 3.2.2)", "GET javascript:alert(1) HTTP/1.1\r\n" H "\r\n", "400",
	     CLOSED, LACKS("alert")),
	CASE("one slash after the scheme (9112 3.2.2)", "GET http:/hello.txt HTTP/1.1\r\n" H "\r\n",
	     "400", CLOSED),
	CASE("userinfo (9110 4.2.4)", "GET http://u@h/hello.txt HTTP/1.1\r\n" H "\r\n", "400",
	     CLOSED, HAS("user information")),
	CASE("userinfo that looks like the host (9110 4.2.4)",
	     "GET http://h:80@evil/hello.txt HTTP/1.1\r\n" H "\r\n", "400", CLOSED),
	CASE("absolute-form without a host (9110 4.2.1)",
	     "GET http:///hello.txt HTTP/1.1\r\n" H "\r\n", "400", CLOSED),
};

/* ------------------------------------------------------------------ host */

static const struct http_case host_cases[] = {
	CASE("no Host (9112 3.2)", GET "\r\n", "400", CLOSED, HAS("Host field is missing")),
	CASE("two Hosts (9112 3.2)", GET H "Host: i\r\n\r\n", "400", CLOSED,
	     HAS("more than one Host")),
	CASE("the same Host twice (9112 3.2)", GET H H "\r\n", "400", CLOSED),
	CASE("two Hosts in HTTP/1.0 (9112 3.2)", "GET /hello.txt HTTP/1.0\r\n" H "Host: i\r\n\r\n",
	     "400", CLOSED),
	CASE("empty Host (9110 4.2.1)", GET "Host:\r\n\r\n", "400", CLOSED,
	     HAS("host is not valid")),
	CASE("Host with a path (9110 7.2)", GET "Host: h/x\r\n\r\n", "400", CLOSED),
	CASE("Host with userinfo (9110 7.2)", GET "Host: u@h\r\n\r\n", "400", CLOSED),
	CASE("Host with a space (9110 7.2)", GET "Host: h i\r\n\r\n", "400", CLOSED),
	CASE("Host that is a list (9110 7.2)", GET "Host: h, i:80\r\n\r\n", "400", CLOSED),
	CASE("Host with a port of letters (9110 7.2)", GET "Host: h:http\r\n\r\n", "400", CLOSED),
	CASE("Host with port 65536 (9110 7.2)", GET "Host: h:65536\r\n\r\n", "400", CLOSED),
	CASE("Host with an open bracket (3986 3.2.2)", GET "Host: [::1\r\n\r\n", "400", CLOSED),
	CASE("Host with markup (9110 7.2)", GET "Host: <script>\r\n\r\n", "400", CLOSED,
	     LACKS("<script>")),
	CASE("an https URI on a connection without TLS (9110 7.4)",
	     "GET https://h/hello.txt HTTP/1.1\r\nHost: h\r\n\r\n", "421", CLOSED, HAS("no TLS"),
	     LACKS(HELLO)),
	CASE("absolute-form does not make up for Host (9112 3.2)",
	     "GET http://h/hello.txt HTTP/1.1\r\n\r\n", "400", CLOSED),
};

/* ------------------------------------------------------------------ framing */

static const struct http_case framing_cases[] = {
	CASE("two lengths that differ (9112 6.3)",
	     POST H "Content-Length: 0\r\nContent-Length: 42\r\n\r\n" HIDDEN, "400", CLOSED,
	     HAS("more than one Content-Length")),
	CASE("two lengths that agree (9112 6.3)",
	     POST H "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "400", CLOSED,
	     HAS("more than one Content-Length")),
	CASE("two lengths, both 0 (9112 6.3)",
	     GET H "Content-Length: 0\r\nContent-Length: 0\r\n\r\n", "400", CLOSED),
	CASE("a list of lengths (9112 6.3)", POST H "Content-Length: 3, 3\r\n\r\nabc", "400",
	     CLOSED, HAS("not a number")),
	CASE("length +3 (9110 8.6)", POST H "Content-Length: +3\r\n\r\nabc", "400", CLOSED,
	     HAS("not a number")),
	CASE("length -3 (9110 8.6)", POST H "Content-Length: -3\r\n\r\nabc", "400", CLOSED),
	CASE("length 0x3 (9110 8.6)", POST H "Content-Length: 0x3\r\n\r\nabc", "400", CLOSED),
	CASE("length 1 2 (9110 8.6)", POST H "Content-Length: 1 2\r\n\r\nabc", "400", CLOSED),
	CASE("length 3.0 (9110 8.6)", POST H "Content-Length: 3.0\r\n\r\nabc", "400", CLOSED),
	CASE("empty length (9110 8.6)", POST H "Content-Length:\r\n\r\n", "400", CLOSED,
	     HAS("not a number")),
	CASE("blank length (9110 8.6)", POST H "Content-Length: \t \r\n\r\n", "400", CLOSED),
	CASE("length of 2^64 (9110 8.6)", POST H "Content-Length: 18446744073709551616\r\n\r\n",
	     "400", CLOSED),
	CASE("length of 10^40 (9110 8.6)",
	     POST H "Content-Length: 10000000000000000000000000000000000000000\r\n\r\n", "400",
	     CLOSED),
	CASE("length and chunked (9112 6.1)",
	     POST H "Content-Length: 5\r\n" CHUNKED "\r\n0\r\n\r\n" HIDDEN, "400", CLOSED,
	     HAS("exclude each other")),
	CASE("chunked and length (9112 6.1)",
	     POST H CHUNKED "Content-Length: 5\r\n\r\n0\r\n\r\n" HIDDEN, "400", CLOSED,
	     HAS("exclude each other")),
	CASE("chunked and two lengths (9112 6.1)",
	     POST H CHUNKED "Content-Length: 5\r\nContent-Length: 6\r\n\r\n0\r\n\r\n", "400",
	     CLOSED),
	CASE("chunked in HTTP/1.0 (9112 6.1)",
	     "POST /hello.txt HTTP/1.0\r\n" H CHUNKED "\r\n0\r\n\r\n" HIDDEN, "400", CLOSED,
	     HAS("HTTP/1.0 has no")),
	CASE("xchunked (9112 6.3)", POST H "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" HIDDEN,
	     "400", CLOSED, HAS("not chunked")),
	CASE("chunkedx (9112 6.3)", POST H "Transfer-Encoding: chunkedx\r\n\r\n0\r\n\r\n", "400",
	     CLOSED),
	CASE("identity (9112 6.3)", POST H "Transfer-Encoding: identity\r\n\r\n" HIDDEN, "400",
	     CLOSED),
	CASE("chunked, identity (9112 6.3)",
	     POST H "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", "400", CLOSED,
	     HAS("not chunked")),
	CASE("chunked, then another field x (9112 6.3)",
	     POST H CHUNKED "Transfer-Encoding: x\r\n\r\n0\r\n\r\n" HIDDEN, "400", CLOSED,
	     HAS("not chunked")),
	CASE("chunked twice in a list (9112 6.1)",
	     POST H "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", "400", CLOSED),
	CASE("chunked twice as fields (9112 6.1)", POST H CHUNKED CHUNKED "\r\n0\r\n\r\n", "400",
	     CLOSED),
	CASE("gzip, chunked (9112 6.1)",
	     POST H "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" HIDDEN, "501", CLOSED,
	     HAS("no transfer coding but chunked")),
	CASE("x, then another field chunked (9112 6.1)",
	     POST H "Transfer-Encoding: x\r\n" CHUNKED "\r\n0\r\n\r\n", "501", CLOSED),
	CASE("chunked with a parameter (9112 7)",
	     POST H "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n", "400", CLOSED),
	CASE("chunked in quotes (9112 6.1)",
	     POST H "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", "400", CLOSED),
	CASE("empty Transfer-Encoding (9112 6.3)", POST H "Transfer-Encoding:\r\n\r\n0\r\n\r\n",
	     "400", CLOSED),
	CASE("a list of nothing (9112 6.3)", POST H "Transfer-Encoding: ,\r\n\r\n0\r\n\r\n", "400",
	     CLOSED),
};

/* ------------------------------------------------------------------ content */

#define CHUNKS POST H CHUNKED "\r\n"

static const struct http_case content_cases[] = {
	CASE("chunk size with a space (9112 7.1.1)", CHUNKS "3 \r\nabc\r\n0\r\n\r\n", "400", CLOSED,
	     HAS("invalid size")),
	CASE("chunk size that is no number (9112 7.1)", CHUNKS "x\r\nabc\r\n0\r\n\r\n", "400",
	     CLOSED),
	CASE("chunk size 0x3 (9112 7.1)", CHUNKS "0x3\r\nabc\r\n0\r\n\r\n", "400", CLOSED),
	CASE("chunk size -1 (9112 7.1)", CHUNKS "-1\r\nabc\r\n0\r\n\r\n", "400", CLOSED),
	CASE("empty chunk size (9112 7.1)", CHUNKS "\r\nabc\r\n0\r\n\r\n", "400", CLOSED),
	CASE("chunk size of 17 digits (9112 7.1)", CHUNKS "00000000000000003\r\nabc\r\n0\r\n\r\n",
	     "400", CLOSED),
	CASE("chunk size of 2^64 - 1 (9110 15.5.14)", CHUNKS "ffffffffffffffff\r\nabc", "413",
	     CLOSED),
	CASE("LF after the chunk size (9112 7.1)", CHUNKS "3\nabc\r\n0\r\n\r\n", "400", CLOSED,
	     HAS("LF alone")),
	CASE("LF in a chunk extension (9112 7.1.1)", CHUNKS "3;a\nabc\r\n0\r\n\r\n", "400", CLOSED,
	     HAS("LF alone")),
	CASE("control byte in a chunk extension (9112 7.1.1)", CHUNKS "3;a\x02\r\nabc\r\n0\r\n\r\n",
	     "400", CLOSED, HAS("extension holds")),
	CASE("chunk longer than its size (9112 7.1)", CHUNKS "3\r\nabcd\r\n0\r\n\r\n", "400",
	     CLOSED, HAS("not followed by CRLF")),
	CASE("chunk shorter than its size (9112 7.1)", CHUNKS "3\r\nab\r\n0\r\n\r\n", "400",
	     CLOSED),
	CASE("chunk that ends with LF (9112 7.1)", CHUNKS "3\r\nabc\n0\r\n\r\n", "400", CLOSED),
	CASE("chunk that does not end (9112 7.1)", CHUNKS "3\r\nabc0\r\n\r\n" HIDDEN, "400",
	     CLOSED),
	CASE("Content-Length in a trailer (9110 6.5.1)",
	     CHUNKS "0\r\nContent-Length: 40\r\n\r\n" HIDDEN, "400", CLOSED,
	     HAS("trailer section")),
	CASE("Transfer-Encoding in a trailer (9110 6.5.1)",
	     CHUNKS "0\r\nTransfer-Encoding: x\r\n\r\n", "400", CLOSED),
	CASE("Host in a trailer (9110 6.5.1)", CHUNKS "0\r\nHOST: evil\r\n\r\n", "400", CLOSED),
	CASE("obs-fold in a trailer (9112 5.2)", CHUNKS "0\r\nA: b\r\n c\r\n\r\n", "400", CLOSED),
	CASE("bare LF in a trailer (9112 2.2)", CHUNKS "0\r\nA: b\n\r\n", "400", CLOSED),
	CASE("bare LF as the end of a trailer (9112 2.2)", CHUNKS "0\r\n\n", "400", CLOSED),
	CASE("length above the limit (9110 15.5.14)", POST H "Content-Length: 1048577\r\n\r\n",
	     "413", CLOSED),
	CASE("length of nearly 2^64 (9110 15.5.14)",
	     POST H "Content-Length: 18446744073709551609\r\n\r\n", "413", CLOSED),
	CASE("chunks above the limit (9110 15.5.14)", CHUNKS "1\r\nx\r\n100000\r\n", "413", CLOSED),
	CASE("content above the limit, expected (9110 10.1.1)",
	     POST H "Expect: 100-continue\r\nContent-Length: 1048577\r\n\r\n", "413", CLOSED,
	     LACKS("100 Continue")),
};

/* ------------------------------------------------------------------ paths */

static const struct http_case path_cases[] = {
	CASE(".. above the root (3986 5.2.4)", "GET /.. HTTP/1.1\r\n" H "\r\n", "400", CLOSED,
	     HAS("above the root")),
	CASE("../ above the root", "GET /../outside.txt HTTP/1.1\r\n" H "\r\n", "400", CLOSED,
	     LACKS("outside\n")),
	CASE(".. above the root from below", "GET /sub/../../outside.txt HTTP/1.1\r\n" H "\r\n",
	     "400", CLOSED, LACKS("outside\n")),
	CASE("%2e%2e above the root (3986 2.1)", "GET /%2e%2e/outside.txt HTTP/1.1\r\n" H "\r\n",
	     "400", CLOSED, LACKS("outside\n")),
	CASE(".%2E above the root", "GET /.%2E/outside.txt HTTP/1.1\r\n" H "\r\n", "400", CLOSED,
	     LACKS("outside\n")),
	CASE("..%2f above the root", "GET /..%2foutside.txt HTTP/1.1\r\n" H "\r\n", "400", CLOSED,
	     HAS("%2F")),
	CASE("an escaped slash", "GET /sub%2Fpage.html HTTP/1.1\r\n" H "\r\n", "400", CLOSED,
	     HAS("%2F")),
	CASE("an escaped NUL", "GET /hello.txt%00.html HTTP/1.1\r\n" H "\r\n", "400", CLOSED,
	     HAS("%00")),
	CASE("an escape cut short (3986 2.1)", "GET /a% HTTP/1.1\r\n" H "\r\n", "400", CLOSED,
	     HAS("two hexadecimal digits")),
	CASE("an escape that is none (3986 2.1)", "GET /100%.txt HTTP/1.1\r\n" H "\r\n", "400",
	     CLOSED),
	CASE("a bad escape, asked with HEAD", "HEAD /%zz HTTP/1.1\r\n" H "\r\n", "400", CLOSED,
	     LACKS("<h1>"), TO_HEAD),
	CASE("a bad escape, asked with OPTIONS", "OPTIONS /%zz HTTP/1.1\r\n" H "\r\n", "400",
	     CLOSED),
	CASE("markup in a path that is refused",
	     "GET /<script>alert(1)</script>% HTTP/1.1\r\n" H "\r\n", "400", CLOSED,
	     LACKS("<script>")),
};

static void test_lines(void **state)
{
	RUN_CASES(state, line_cases);
}

static void test_request_line(void **state)
{
	RUN_CASES(state, request_line_cases);
}

static void test_host(void **state)
{
	RUN_CASES(state, host_cases);
}

static void test_framing(void **state)
{
	RUN_CASES(state, framing_cases);
}

static void test_content(void **state)
{
	RUN_CASES(state, content_cases);
}

static void test_paths(void **state)
{
	RUN_CASES(state, path_cases);
}

/* RFC 9112 2.2, 11.2: after a request that was refused nothing is read any more, wherever it was
 * wrong. */
static void test_nothing_follows_a_refusal(void **state)
{
	static const struct {
		const struct http_case *cases;
		size_t count;
	} tables[] = {
		{line_cases, sizeof(line_cases) / sizeof(line_cases[0])},
		{host_cases, sizeof(host_cases) / sizeof(host_cases[0])},
		{framing_cases, sizeof(framing_cases) / sizeof(framing_cases[0])},
		{content_cases, sizeof(content_cases) / sizeof(content_cases[0])},
	};
	struct http_server *server = site_server(*state);

	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
		for (size_t i = 0; i < tables[t].count; i++) {
			const struct http_case *c = &tables[t].cases[i];
			char data[1024];
			struct output out;

			memcpy(data, c->request, c->len);
			memcpy(data + c->len, HIDDEN, sizeof(HIDDEN) - 1);
			assert_false(converse(server, data, c->len + sizeof(HIDDEN) - 1, SIZE_MAX,
					      65536, &out));
			if (strstr((char *)out.data, "<p>page</p>"))
				fail_msg("%s: a hidden request was answered", c->name);
			free(out.data);
		}
	}
	http_server_destroy(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_request_line),
		cmocka_unit_test(test_host),
		cmocka_unit_test(test_framing),
		cmocka_unit_test(test_content),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_nothing_follows_a_refusal),
	};
	return cmocka_run_group_tests(tests, site_setup, site_teardown);
}
