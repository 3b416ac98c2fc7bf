/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that are answered as what they are, as a table: files, conditions, ranges, methods,
 * persistence. */
#include "tests/unit/http_cases.h"

#define H "Host: h\r\n"
#define END "\r\n"
#define GET "GET /hello.txt HTTP/1.1\r\n" H
#define HEAD "HEAD /hello.txt HTTP/1.1\r\n" H
#define GET10 "GET /hello.txt HTTP/1.0\r\n"
#define POST "POST /hello.txt HTTP/1.1\r\n" H
#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define EARLIER "Sun, 06 Nov 1994 08:49:36 GMT"

static const struct http_case file_cases[] = {
	CASE("a file (9110 9.3.1)", GET END, "200", OPEN,
	     HAS(HELLO, "Content-Length: 14\r\n", "Content-Type: text/plain; charset=utf-8\r\n",
		 "Last-Modified: " FILE_MTIME_TEXT "\r\n")),
	CASE("its validators (9110 8.8)", GET END, "200", OPEN,
	     HAS("ETag: @E\r\n", "Accept-Ranges: bytes\r\n")),
	CASE("HEAD has no content (9110 9.3.2)", HEAD END, "200", OPEN,
	     HAS("Content-Length: 14\r\n", "ETag: @E\r\n"), LACKS(HELLO), TO_HEAD),
	CASE("an empty file (9110 8.6)", "GET /empty.txt HTTP/1.1\r\n" H END, "200", OPEN,
	     HAS("Content-Length: 0\r\n")),
	CASE("the index of the root", "GET / HTTP/1.1\r\n" H END, "200", OPEN,
	     HAS("<p>index</p>", "Content-Type: text/html; charset=utf-8\r\n")),
	CASE("the index of a directory", "GET /sub/ HTTP/1.1\r\n" H END, "200", OPEN,
	     HAS("<p>sub</p>", "Content-Type: text/html; charset=utf-8\r\n")),
	CASE("a query is not part of the name (3986 3.4)",
	     "GET /hello.txt?a=/../b&c=%00 HTTP/1.1\r\n" H END, "200", OPEN, HAS(HELLO)),
	CASE("an empty query", "GET /hello.txt? HTTP/1.1\r\n" H END, "200", OPEN, HAS(HELLO)),
	CASE("escapes are decoded (3986 2.1)", "GET /%68ello%2Etxt HTTP/1.1\r\n" H END, "200", OPEN,
	     HAS(HELLO)),
	CASE("escapes are decoded once", "GET /%2568ello.txt HTTP/1.1\r\n" H END, "404", OPEN),
	CASE("an escaped space", "GET /a%20b.txt HTTP/1.1\r\n" H END, "200", OPEN, HAS("space\n")),
	CASE("plus is a plus", "GET /a+b.txt HTTP/1.1\r\n" H END, "404", OPEN),
	CASE("an escaped percent", "GET /100%25.txt HTTP/1.1\r\n" H END, "200", OPEN,
	     HAS("percent\n")),
	CASE("a name in UTF-8", "GET /caf%C3%A9.txt HTTP/1.1\r\n" H END, "200", OPEN,
	     HAS("utf-8\n")),
	CASE("a backslash is ordinary", "GET /back\\slash.txt HTTP/1.1\r\n" H END, "200", OPEN,
	     HAS("backslash\n")),
	CASE("a backslash is no slash", "GET /sub\\..\\..\\outside.txt HTTP/1.1\r\n" H END, "404",
	     OPEN),
	CASE("dot segments (3986 5.2.4)", "GET /./sub/../hello.txt HTTP/1.1\r\n" H END, "200", OPEN,
	     HAS(HELLO)),
	CASE("escaped dot segments (3986 6.2.2)", "GET /sub/%2e%2E/hello.txt HTTP/1.1\r\n" H END,
	     "200", OPEN, HAS(HELLO)),
	CASE("slashes collapse", "GET ///sub//page.html HTTP/1.1\r\n" H END, "200", OPEN,
	     HAS("<p>page</p>")),
	CASE("no such file (9110 15.5.5)", "GET /missing HTTP/1.1\r\n" H END, "404", OPEN,
	     HAS("<h1>404 Not Found</h1>", "Content-Type: text/html; charset=utf-8\r\n"),
	     LACKS("ETag", "Last-Modified")),
	CASE("no such file, asked with HEAD", "HEAD /missing HTTP/1.1\r\n" H END, "404", OPEN,
	     HAS("Content-Type: text/html"), LACKS("<h1>"), TO_HEAD),
	CASE("a path is not repeated in the page",
	     "GET /<script>alert(1)</script> HTTP/1.1\r\n" H END, "404", OPEN, LACKS("script")),
	CASE("a file with a slash behind it", "GET /hello.txt/ HTTP/1.1\r\n" H END, "404", OPEN),
	CASE("a file as a directory", "GET /hello.txt/x HTTP/1.1\r\n" H END, "404", OPEN),
	CASE("a directory without an index (9110 15.5.4)", "GET /noindex/ HTTP/1.1\r\n" H END,
	     "403", OPEN, HAS("no index file"), LACKS("file.txt")),
	CASE("a directory whose index is a directory", "GET /indexdir/ HTTP/1.1\r\n" H END, "403",
	     OPEN),
	CASE("a hidden file", "GET /.secret HTTP/1.1\r\n" H END, "404", OPEN, LACKS("secret\n")),
	CASE("a file in a hidden directory", "GET /sub/.git/config HTTP/1.1\r\n" H END, "404", OPEN,
	     LACKS("secret\n")),
	CASE("a hidden file, escaped", "GET /%2esecret HTTP/1.1\r\n" H END, "404", OPEN,
	     LACKS("secret\n")),
	CASE("a hidden directory does not redirect", "GET /sub/.git HTTP/1.1\r\n" H END, "404",
	     OPEN, LACKS("Location")),
	CASE("the well-known directory (8615 3)",
	     "GET /.well-known/security.txt HTTP/1.1\r\n" H END, "200", OPEN,
	     HAS("Contact: none\n")),
	CASE("a FIFO is not waited for", "GET /fifo HTTP/1.1\r\n" H END, "404", OPEN),
	CASE("a socket", "GET /socket HTTP/1.1\r\n" H END, "404", OPEN),
	CASE("a link within the root", "GET /link-in HTTP/1.1\r\n" H END, "200", OPEN, HAS(HELLO)),
	CASE("a link to a directory", "GET /link-dir/page.html HTTP/1.1\r\n" H END, "200", OPEN,
	     HAS("<p>page</p>")),
	CASE("a link out of the root", "GET /link-out HTTP/1.1\r\n" H END, "404", OPEN,
	     LACKS("outside\n")),
	CASE("an absolute link", "GET /link-abs HTTP/1.1\r\n" H END, "404", OPEN, LACKS("root:")),
	CASE("a link to above the root", "GET /link-up/outside.txt HTTP/1.1\r\n" H END, "404", OPEN,
	     LACKS("outside\n")),
	CASE("a loop of links", "GET /link-loop HTTP/1.1\r\n" H END, "404", OPEN),
};

static const struct http_case redirect_cases[] = {
	CASE("a directory without its slash (9110 15.4.2)", "GET /sub HTTP/1.1\r\n" H END, "301",
	     OPEN, HAS("\r\nLocation: /sub/\r\n", "<a href=\"/sub/\">")),
	CASE("HEAD is redirected too", "HEAD /sub HTTP/1.1\r\n" H END, "301", OPEN,
	     HAS("\r\nLocation: /sub/\r\n"), LACKS("<a"), TO_HEAD),
	CASE("the query goes along", "GET /sub?a=b&c=%2F%00 HTTP/1.1\r\n" H END, "301", OPEN,
	     HAS("\r\nLocation: /sub/?a=b&c=%2F%00\r\n", "<a href=\"/sub/?a=b&amp;c=%2F%00\">")),
	CASE("an empty query goes along", "GET /sub? HTTP/1.1\r\n" H END, "301", OPEN,
	     HAS("\r\nLocation: /sub/?\r\n")),
	CASE("markup in the query is escaped in the page",
	     "GET /sub?\"><script>alert(1)</script> HTTP/1.1\r\n" H END, "301", OPEN,
	     HAS("&quot;&gt;&lt;script&gt;"), LACKS("href=\"/sub/?\"><")),
	CASE("the path is encoded again (3986 3.3)", "GET /a%20dir HTTP/1.1\r\n" H END, "301", OPEN,
	     HAS("\r\nLocation: /a%20dir/\r\n")),
	CASE("two slashes would name another host (3986 4.2)", "GET //sub HTTP/1.1\r\n" H END,
	     "301", OPEN, HAS("\r\nLocation: /sub/\r\n")),
	CASE("so would they after dot segments", "GET /.//sub HTTP/1.1\r\n" H END, "301", OPEN,
	     HAS("\r\nLocation: /sub/\r\n")),
	CASE("absolute-form is redirected by path alone", "GET http://h/sub HTTP/1.1\r\n" H END,
	     "301", OPEN, HAS("\r\nLocation: /sub/\r\n")),
	CASE("a link to a directory", "GET /link-dir HTTP/1.1\r\n" H END, "301", OPEN,
	     HAS("\r\nLocation: /link-dir/\r\n")),
};

static const struct http_case method_cases[] = {
	CASE("OPTIONS * (9110 9.3.7)", "OPTIONS * HTTP/1.1\r\n" H END, "200", OPEN,
	     HAS("\r\nAllow: GET, HEAD, OPTIONS\r\n", "Content-Length: 0\r\n")),
	CASE("OPTIONS of a file (9110 9.3.7)", "OPTIONS /hello.txt HTTP/1.1\r\n" H END, "200", OPEN,
	     HAS("\r\nAllow: GET, HEAD, OPTIONS\r\n"), LACKS(HELLO)),
	CASE("OPTIONS, absolute-form without a path (9112 3.2.4)",
	     "OPTIONS http://h HTTP/1.1\r\n" H END, "200", OPEN, HAS("\r\nAllow: ")),
	CASE("OPTIONS with content (9110 9.3.7)",
	     "OPTIONS / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc" GET END, "200 200", OPEN,
	     HAS(HELLO)),
	CASE("POST (9110 15.5.6)", POST "Content-Length: 3\r\n\r\nabc", "405", OPEN,
	     HAS("\r\nAllow: GET, HEAD, OPTIONS\r\n")),
	CASE("POST without content", POST END, "405", OPEN),
	CASE("PUT (9110 15.5.6)", "PUT /new HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\nx", "405",
	     OPEN),
	CASE("DELETE (9110 15.5.6)", "DELETE /hello.txt HTTP/1.1\r\n" H END, "405", OPEN),
	CASE("PATCH (5789 2)", "PATCH /hello.txt HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\nx",
	     "405", OPEN),
	CASE("TRACE repeats nothing (9110 9.3.8)",
	     "TRACE /hello.txt HTTP/1.1\r\n" H "Cookie: secret\r\n" END, "405", OPEN,
	     LACKS("Cookie")),
	CASE("CONNECT closes (9110 9.3.6)", "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n" GET END,
	     "405", CLOSED, LACKS(HELLO)),
	CASE("CONNECT with content (9110 9.3.6)",
	     "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\nContent-Length: 3\r\n\r\nabc", "405",
	     CLOSED),
	CASE("405, then the next request", POST "Content-Length: 3\r\n\r\nabc" GET END, "405 200",
	     OPEN, HAS(HELLO)),
	CASE("405 after chunks, then the next request",
	     POST CHUNKED "\r\n3\r\nabc\r\n0\r\n\r\n" GET END, "405 200", OPEN, HAS(HELLO)),
};

static const struct http_case message_cases[] = {
	CASE("absolute-form (9112 3.2.2)", "GET http://h/hello.txt HTTP/1.1\r\n" H END, "200", OPEN,
	     HAS(HELLO)),
	CASE("absolute-form without a path (9110 4.2.3)", "GET http://h HTTP/1.1\r\n" H END, "200",
	     OPEN, HAS("<p>index</p>")),
	CASE("absolute-form with a query only", "GET http://h?x HTTP/1.1\r\n" H END, "200", OPEN,
	     HAS("<p>index</p>")),
	CASE("absolute-form with an @ in its path", "GET http://h/@ HTTP/1.1\r\n" H END, "404",
	     OPEN),
	CASE("Host in any case (9110 4.2.3)",
	     "GET http://Example.ORG/hello.txt HTTP/1.1\r\nhOST: example.org\r\n\r\n", "200", OPEN),
	CASE("Host is an IPv6 address (3986 3.2.2)",
	     "GET /hello.txt HTTP/1.1\r\nHost: [fd00::2]:443\r\n\r\n", "200", OPEN),
	CASE("Host with whitespace around it (9110 5.5)",
	     "GET /hello.txt HTTP/1.1\r\nHost:\t h \t\r\n\r\n", "200", OPEN),
	CASE("tabs around a length (9110 5.6.3)", POST "Content-Length:\t5\t\r\n" END "abcde",
	     "405", OPEN),
	CASE("tabs around a coding (9110 5.6.3)",
	     POST "Transfer-Encoding:\tchunked\t\r\n" END "0\r\n\r\n", "405", OPEN),
	CASE("another Host than the target's is ignored (9112 3.2.2)",
	     "GET http://h/hello.txt HTTP/1.1\r\nHost: other:81\r\n\r\n", "200", OPEN, HAS(HELLO)),
	CASE("one empty line before the request (9112 2.2)", "\r\n" GET END, "200", OPEN,
	     HAS(HELLO)),
	CASE("one empty line between requests (9112 2.2)", GET END "\r\n" GET END, "200 200", OPEN),
	CASE("obs-text in a value (9110 5.5)", GET "X: caf\xc3\xa9\r\n" END, "200", OPEN),
	CASE("a field without a value (9110 5.5)", GET "X:\r\nY: \t\r\n" END, "200", OPEN),
	CASE("every token character in a name (9110 5.6.2)", GET "!#$%&'*+-.^_`|~09az: x\r\n" END,
	     "200", OPEN),
	CASE("an unknown field (9110 5.1)", GET "X-Unknown: anything\r\n" END, "200", OPEN),
	CASE("content with GET is dropped (9110 9.3.1)",
	     GET "Content-Length: 5\r\n\r\nhello" GET END, "200 200", OPEN),
	CASE("content that looks like a request",
	     GET "Content-Length: 36\r\n\r\nGET /sub/page.html HTTP/1.1\r\nHost: h" GET END,
	     "200 200", OPEN, LACKS("<p>page</p>")),
	CASE("content with HEAD is dropped",
	     "HEAD /hello.txt HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc", "200", OPEN,
	     LACKS(HELLO), TO_HEAD),
	CASE("Content-Length: 0 (9112 6.3)", GET "Content-Length: 0\r\n\r\n" GET END, "200 200",
	     OPEN),
	CASE("Content-Length with zeros in front (9110 8.6)",
	     GET "Content-Length: 0003\r\n\r\nabc" GET END, "200 200", OPEN),
	CASE("chunks with GET are dropped (9112 7.1)",
	     GET CHUNKED "\r\n5\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n" GET END, "200 200", OPEN),
	CASE("no chunk but the last (9112 7.1)", GET CHUNKED "\r\n0\r\n\r\n" GET END, "200 200",
	     OPEN),
	CASE("chunked in any case (9112 7)",
	     GET "transfer-encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "200", OPEN),
	CASE("chunk extensions are ignored (9112 7.1.1)",
	     GET CHUNKED "\r\n3;a=b;c=\"d\";e\r\nabc\r\n0;f\r\n\r\n", "200", OPEN),
	CASE("trailers are dropped (9112 7.1.2)",
	     GET CHUNKED "\r\n0\r\nIf-None-Match: @E\r\nConnection: close\r\n\r\n" GET END,
	     "200 200", OPEN),
	CASE("an upgrade is declined (9110 7.8)",
	     GET "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: "
		 "AAMAAABkAAQAAP__\r\n\r\n" GET END,
	     "200 200", OPEN, LACKS("101")),
	CASE("an upgrade with content is declined",
	     GET
	     "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n\r\nabc" GET END,
	     "200 200", OPEN),
	CASE("an expectation is met (9110 10.1.1)",
	     GET "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc", "100 200", OPEN,
	     HAS("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")),
	CASE("an expectation with chunks",
	     GET "Expect: 100-Continue\r\n" CHUNKED "\r\n3\r\nabc\r\n0\r\n\r\n" GET END,
	     "100 200 200", OPEN),
	CASE("an expectation without content (9110 10.1.1)", GET "Expect: 100-continue\r\n\r\n",
	     "200", OPEN, LACKS("100 Continue")),
	CASE("an expectation that the method spoils (9110 10.1.1)",
	     POST "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n", "405", CLOSED,
	     LACKS("100 Continue")),
	CASE("an expectation in HTTP/1.0 (9110 10.1.1)",
	     GET10 "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc", "200", CLOSED,
	     LACKS("100 Continue")),
	CASE("an unknown expectation (9110 15.5.18)", GET "Expect: tea\r\n\r\n" GET END, "417 200",
	     OPEN),
	CASE("an unknown expectation with content", GET "Expect: tea\r\nContent-Length: 3\r\n\r\n",
	     "417", CLOSED),
};

static const struct http_case connection_cases[] = {
	CASE("HTTP/1.1 persists (9112 9.3)", GET END, "200", OPEN, LACKS("Connection:")),
	CASE("close (9112 9.6)", GET "Connection: close\r\n" END, "200", CLOSED),
	CASE("data after close is ignored (9112 9.6)", GET "Connection: close\r\n" END GET END,
	     "200", CLOSED),
	CASE("garbage after close is ignored (9112 9.6)",
	     GET "Connection: close\r\n" END "\x01\x02", "200", CLOSED),
	CASE("close in any case, within a list (9110 7.6.1)", GET "Connection: TE, CLOSE\r\n" END,
	     "200", CLOSED),
	CASE("close in a second field (9110 5.3)",
	     GET "Connection: TE\r\nConnection: close\r\n" END, "200", CLOSED),
	CASE("close wins over keep-alive (9112 9.3)", GET "Connection: keep-alive, close\r\n" END,
	     "200", CLOSED),
	CASE("closed is not close", GET "Connection: closed\r\n" END, "200", OPEN),
	CASE("keep-alive says nothing new in HTTP/1.1", GET "Connection: keep-alive\r\n" END, "200",
	     OPEN, LACKS("Connection:")),
	CASE("HTTP/1.0 closes (9112 9.3)", GET10 END, "200", CLOSED, HAS(HELLO)),
	CASE("HTTP/1.0 with keep-alive (9112 9.3, appendix C.2.2)",
	     GET10 "Connection: Keep-Alive\r\n" END, "200", OPEN,
	     HAS("\r\nConnection: keep-alive\r\n")),
	CASE("HTTP/1.0 with both", GET10 "Connection: keep-alive\r\nConnection: close\r\n" END,
	     "200", CLOSED),
	CASE("HTTP/1.0 is answered as HTTP/1.1 (9110 6.2)", GET10 END, "200", CLOSED,
	     HAS("HTTP/1.1 200 OK\r\n")),
	CASE("HTTP/1.0, no fields at all", "GET / HTTP/1.0\r\n\r\n", "200", CLOSED,
	     HAS("<p>index</p>")),
	CASE("Proxy-Connection is no Connection", GET "Proxy-Connection: close\r\n" END, "200",
	     OPEN),
	CASE("three in a row (9112 9.3.2)", GET END "GET /missing HTTP/1.1\r\n" H END GET END,
	     "200 404 200", OPEN),
	CASE("HEAD in the middle has no content", GET END HEAD END, "200 200", OPEN, TO_HEAD),
	CASE("the last of three closes", GET END GET END GET "Connection: close\r\n" END,
	     "200 200 200", CLOSED),
	CASE("a good request, then a bad one (9112 2.2)", GET END "BAD\n" GET END, "200 400",
	     CLOSED),
};

static const struct http_case condition_cases[] = {
	CASE("If-None-Match hits (9110 13.1.2)", GET "If-None-Match: @E\r\n" END, "304", OPEN,
	     HAS("ETag: @E\r\n", "Last-Modified: "), LACKS(HELLO, "Content-Type")),
	CASE("If-None-Match, weak comparison (9110 13.1.2)",
	     GET "If-None-Match: \"x\", W/@E\r\n" END, "304", OPEN),
	CASE("If-None-Match: * (9110 13.1.2)", GET "If-None-Match: *\r\n" END, "304", OPEN),
	CASE("If-None-Match misses", GET "If-None-Match: \"x\"\r\n" END, "200", OPEN, HAS(HELLO)),
	CASE("If-None-Match with HEAD", HEAD "If-None-Match: @E\r\n" END, "304", OPEN, TO_HEAD),
	CASE("304, then the next request (9112 6.3)", GET "If-None-Match: @E\r\n" END GET END,
	     "304 200", OPEN, HAS(HELLO)),
	CASE("If-None-Match of what is missing (9110 13.2.1)",
	     "GET /missing HTTP/1.1\r\n" H "If-None-Match: *\r\n" END, "404", OPEN),
	CASE("If-Modified-Since, the same (9110 13.1.3)",
	     GET "If-Modified-Since: " FILE_MTIME_TEXT "\r\n" END, "304", OPEN),
	CASE("If-Modified-Since, before", GET "If-Modified-Since: " EARLIER "\r\n" END, "200",
	     OPEN),
	CASE("If-Modified-Since, no date", GET "If-Modified-Since: 1994\r\n" END, "200", OPEN),
	CASE("If-Modified-Since yields to If-None-Match",
	     GET "If-None-Match: \"x\"\r\nIf-Modified-Since: " FILE_MTIME_TEXT "\r\n" END, "200",
	     OPEN),
	CASE("If-Match hits (9110 13.1.1)", GET "If-Match: @E\r\n" END, "200", OPEN),
	CASE("If-Match misses (9110 15.5.13)", GET "If-Match: \"x\"\r\n" END, "412", OPEN,
	     LACKS(HELLO)),
	CASE("If-Match, weak (9110 13.1.1)", GET "If-Match: W/@E\r\n" END, "412", OPEN),
	CASE("If-Match: * of what is missing", "GET /missing HTTP/1.1\r\n" H "If-Match: *\r\n" END,
	     "404", OPEN),
	CASE("If-Unmodified-Since, before (9110 13.1.4)",
	     GET "If-Unmodified-Since: " EARLIER "\r\n" END, "412", OPEN),
	CASE("412 comes before 304 (9110 13.2.2)",
	     GET "If-None-Match: @E\r\nIf-Match: \"x\"\r\n" END, "412", OPEN),
	CASE("conditions do not touch OPTIONS (9110 13.2.1)",
	     "OPTIONS /hello.txt HTTP/1.1\r\n" H "If-Match: \"x\"\r\n" END, "200", OPEN),
	CASE("conditions do not touch a redirect (9110 13.2.1)",
	     "GET /sub HTTP/1.1\r\n" H "If-None-Match: *\r\n" END, "301", OPEN),
};

#define R8 "0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,"
static const struct http_case range_cases[] = {
	CASE("the first byte (9110 14.1.2)", GET "Range: bytes=0-0\r\n" END, "206", OPEN,
	     HAS("\r\nContent-Range: bytes 0-0/14\r\n", "Content-Length: 1\r\n", "\r\n\r\nH"),
	     LACKS("He")),
	CASE("from the middle on", GET "Range: bytes=7-\r\n" END, "206", OPEN,
	     HAS("\r\nContent-Range: bytes 7-13/14\r\n", "\r\n\r\nworld!\n", "ETag: @E\r\n",
		 "Last-Modified: ")),
	CASE("the last bytes", GET "Range: bytes=-3\r\n" END, "206", OPEN,
	     HAS("\r\nContent-Range: bytes 11-13/14\r\n", "\r\n\r\nd!\n")),
	CASE("beyond the end is cut", GET "Range: bytes=12-99\r\n" END, "206", OPEN,
	     HAS("\r\nContent-Range: bytes 12-13/14\r\n")),
	CASE("after the end (9110 15.5.17)", GET "Range: bytes=14-\r\n" END, "416", OPEN,
	     HAS("\r\nContent-Range: bytes */14\r\n"), LACKS("ETag")),
	CASE("the last 0 bytes (9110 14.1.2)", GET "Range: bytes=-0\r\n" END, "416", OPEN,
	     HAS("\r\nContent-Range: bytes */14\r\n")),
	CASE("of an empty file", "GET /empty.txt HTTP/1.1\r\n" H "Range: bytes=0-\r\n" END, "416",
	     OPEN, HAS("\r\nContent-Range: bytes */0\r\n")),
	CASE("backwards is invalid, so ignored (9110 14.1.1)", GET "Range: bytes=5-2\r\n" END,
	     "200", OPEN, HAS(HELLO), LACKS("Content-Range")),
	CASE("another unit is ignored (9110 14.2)", GET "Range: lines=1-2\r\n" END, "200", OPEN,
	     HAS(HELLO)),
	CASE("several parts close together are one (9110 15.3.7.2)",
	     GET "Range: bytes=0-0,2-2\r\n" END, "206", OPEN,
	     HAS("\r\nContent-Range: bytes 0-2/14\r\n", "\r\n\r\nHel"), LACKS("multipart")),
	CASE("several parts (9110 15.3.7.2)",
	     "GET /big.bin HTTP/1.1\r\n" H "Range: bytes=0-0,1000-1001\r\n" END, "206", OPEN,
	     HAS("\r\nContent-Type: multipart/byteranges; boundary=",
		 "\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes "
		 "0-0/1048579\r\n\r\n",
		 "\r\nContent-Range: bytes 1000-1001/1048579\r\n\r\n", "--\r\n")),
	CASE("several parts, then the next request",
	     "GET /big.bin HTTP/1.1\r\n" H "Range: bytes=-9,0-0,500000-500009\r\n" END GET END,
	     "206 200", OPEN, HAS("--\r\nHTTP/1.1 200 OK\r\n")),
	CASE("more parts than are taken (9110 14.2)", GET "Range: bytes=" R8 R8 R8 R8 "0-0\r\n" END,
	     "200", OPEN, HAS(HELLO)),
	CASE("several parts, none of them there (9110 15.5.17)",
	     GET "Range: bytes=14-,20-30\r\n" END, "416", OPEN,
	     HAS("\r\nContent-Range: bytes */14\r\n")),
	CASE("HEAD knows no ranges (9110 14.2)", HEAD "Range: bytes=0-0\r\n" END, "200", OPEN,
	     HAS("Content-Length: 14\r\n"), LACKS("Content-Range"), TO_HEAD),
	CASE("If-Range hits (9110 13.1.5)", GET "Range: bytes=0-0\r\nIf-Range: @E\r\n" END, "206",
	     OPEN),
	CASE("If-Range misses", GET "Range: bytes=0-0\r\nIf-Range: \"x\"\r\n" END, "200", OPEN,
	     HAS(HELLO)),
	CASE("If-Range, weak", GET "Range: bytes=0-0\r\nIf-Range: W/@E\r\n" END, "200", OPEN),
	CASE("If-Range by date", GET "Range: bytes=0-0\r\nIf-Range: " FILE_MTIME_TEXT "\r\n" END,
	     "206", OPEN),
	CASE("If-Range by another date", GET "Range: bytes=0-0\r\nIf-Range: " EARLIER "\r\n" END,
	     "200", OPEN),
	CASE("304 comes before 206 (9110 13.2.2)",
	     GET "Range: bytes=0-0\r\nIf-None-Match: @E\r\n" END, "304", OPEN),
	CASE("206, then the next request", GET "Range: bytes=1-2\r\n" END GET END, "206 200", OPEN,
	     HAS("\r\n\r\nelHTTP/1.1 200 OK\r\n")),
};

static void test_files(void **state)
{
	RUN_CASES(state, file_cases);
}

static void test_redirects(void **state)
{
	RUN_CASES(state, redirect_cases);
}

static void test_methods(void **state)
{
	RUN_CASES(state, method_cases);
}

static void test_messages(void **state)
{
	RUN_CASES(state, message_cases);
}

static void test_connections(void **state)
{
	RUN_CASES(state, connection_cases);
}

static void test_conditions(void **state)
{
	RUN_CASES(state, condition_cases);
}

static void test_ranges(void **state)
{
	RUN_CASES(state, range_cases);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),       cmocka_unit_test(test_redirects),
		cmocka_unit_test(test_methods),     cmocka_unit_test(test_messages),
		cmocka_unit_test(test_connections), cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_ranges),
	};
	return cmocka_run_group_tests(tests, site_setup, site_teardown);
}
