# SPDX-License-Identifier: Apache-2.0
"""Host, the forms of the target, and the request line."""
from http1.case import BOTH, NGINX, OURS, differs, get, table

case = table("Host")
for host in ("h", "localhost", "example.org", "EXAMPLE.org", "example.org.", "h:80", "h:", "h:8080", "10.77.0.2",
             "10.77.0.2:80", "[::1]", "[::1]:80", "[2001:db8::1]", "a_b", "%41.example", "a-b.c~d!$&'()*+,;=",
             "xn--bcher-kva.example"):
    case("Host: " + host, "9110 7.2", get("/hello.txt", host=host), 200, body="hello.txt")
for host, what in (("", "empty"), (":80", "only a port"), ("h:x", "port of letters"), ("h:80:80", "two ports"),
                   ("h:65536", "port beyond 65535"), ("h:-1", "negative port"), ("a b", "blank"), ("h/", "path"),
                   ("a@h", "user information"), ("::1", "IPv6 without brackets"), ("[::1", "bracket not closed"),
                   ("[h]", "no address in brackets"), ("[::1]x", "something behind the bracket"), ("h?",
                   "question mark"),
                   ("h\\x", "backslash"), ("h, h", "list"), ("<h>", "angle brackets"), ('"h"', "quotes"),
                   ("h%", "percent alone"), ("h%4", "half an escape"), ("h%zz", "no escape"), ("b\xfccher",
                   "no ASCII"),
                   ("h" * 256, "256 bytes"), ("http://h", "URI"), ("[::1%25eth0]", "zone")):
    case("Host with %s is invalid" % what, "9112 3.2", get("/hello.txt", host=host), 400)
case("no Host in HTTP/1.1", "9112 3.2", get("/hello.txt", host=None), 400)
case("no Host in HTTP/1.0", "9112 3.2", get("/hello.txt", host=None, version="1.0"), 200, "close", body="hello.txt")
case("two Hosts", "9112 3.2", get("/hello.txt", "Host: other"), 400)
case("two equal Hosts", "9112 3.2", get("/hello.txt", "Host: h"), 400)
case("two Hosts in HTTP/1.0", "9112 3.2", get("/hello.txt", "Host: other", version="1.0"), 400)
case("Host as the last field", "9110 7.2", get("/hello.txt", "A: b", "Host: h", host=None), 200)
case("Host in other letters", "9110 5.1", get("/hello.txt", "hOST: h", host=None), 200)
case("blanks around the host", "9110 5.5", get("/hello.txt", host=" \t h \t "), 200)

case = table("Absolute form")
for name, target, host in (("", "http://h/hello.txt", "h"), ("with a port", "http://h:80/hello.txt", "h:80"),
                           ("in capitals", "HTTP://H/hello.txt", "h"),
                           ("with a query", "http://h/hello.txt?a=http://b/", "h"),
                           ("with an IPv6 address", "http://[::1]/hello.txt", "[::1]")):
    case(("absolute form " + name).strip(), "9112 3.2.2", get(target, host=host), 200, body="hello.txt")
case("https resource without TLS", "9110 7.4", get("https://h/hello.txt"), 421, "close", tls="200 open")
case("http resource, whatever is below", "9112 3.2.2", get("http://h/hello.txt"), 200, body="hello.txt")
case("absolute form without a path", "9112 3.2.1", get("http://h"), 200, body="index.html")
case("absolute form with a query and no path", "9110 4.2.3", get("http://h?a=b"), 200, body="index.html")
case("absolute form in HTTP/1.0 without Host", "9112 3.2.2", get("http://h/hello.txt", host=None, version="1.0"), 200,
     "close", body="hello.txt")
case("absolute form in HTTP/1.1 without Host", "9112 3.2", get("http://h/hello.txt", host=None), 400)
case("absolute form beats another Host", "9112 3.2.2", get("http://h/hello.txt", host="other"), 200, body="hello.txt")
case("absolute form beats a Host with another port", "9112 3.2.2", get("http://h:80/hello.txt", host="h:81"), 200)
case("absolute form with an invalid Host", "9112 3.2", get("http://h/hello.txt", host="a b"), 400)
case("absolute form with user information", "9110 4.2.4", get("http://a:b@h/hello.txt"), 400)
case("absolute form with an empty host", "9110 4.2.1", get("http:///hello.txt"), 400)
case("absolute form with an empty host and a port", "9110 4.2.1", get("http://:80/hello.txt"), 400)
case("absolute form with an invalid port", "9110 4.2.1", get("http://h:x/hello.txt"), 400)
case("absolute form with an invalid host", "9110 4.2.1", get("http://a%zz/hello.txt"), 400)
case("absolute form with an unclosed bracket", "9110 4.2.1", get("http://[::1/hello.txt"), 400)
case("absolute form of another scheme", "9112 3.2.2", get("ftp://h/hello.txt"), 400)
case("absolute form with one slash", "9112 3.2.2", get("http:/h/hello.txt"), 400)
case("absolute form of a directory", "9110 10.2.2", get("http://h/sub?x"), 301, has={"Location": "/sub/?x"})
case("absolute form with dot segments above the root", "3986 5.2.4", get("http://h/../hello.txt"), 400)

case = table("Request target")
case("asterisk with GET", "9112 3.2.4", get("*"), 400)
case("authority with GET", "9112 3.2.3", get("h:80"), 400)
case("path without its slash", "9112 3.2.1", get("hello.txt"), 400)
case("question mark alone", "9112 3.2.1", get("?a"), 400)
case("fragment", "9112 3.2", get("/hello.txt#top"), 400)
case("escaped number sign is no fragment", "3986 2.1", get("/hello.txt%23top"), 404)
case("blank in the target", "9112 3.2", get("/a b.txt"), 400)
case("tab in the target", "9112 3.2", get("/a\tb.txt"), 400)
case("NUL in the target", "9112 3.2", get("/hello.txt\0"), 400)
case("DEL in the target", "9112 3.2", get("/hello\x7f"), 400)
case("ESC in the target", "9112 3.2", get("/\x1b[31m"), 400)
case("byte beyond ASCII in the target", "9112 3.2", get("/gr\xc3\xbc\xc3\x9f.txt"), 400)
case("bare CR in the target", "9112 2.2", get("/hello.txt\rA"), 400)
case("LF in the target", "9112 2.2", get("/hello.txt\nA"), 400)
case("bytes that a URI has not but browsers send", "3986 2", get('/"<>[]^`{|}\\'), 404)
case("empty query", "3986 3.4", get("/hello.txt?"), 200, body="hello.txt")
case("no target", "9112 3", "GET HTTP/1.1\r\nHost: h\r\n\r\n", 400)

case = table("Version")
LINE = "GET /hello.txt %s\r\nHost: h\r\n\r\n"
case("HTTP/0.9", "9112 3", "GET /hello.txt\r\n", 400)
case("HTTP/0.9 with fields", "9112 3", "GET /hello.txt\r\nHost: h\r\n\r\n", 400)
case("HTTP/0.9 by LF", "9112 3", "GET /hello.txt\n", 400)
for version in ("HTTP/0.9", "HTTP/1.2", "HTTP/1.9", "HTTP/2.0", "HTTP/3.0", "HTTP/9.9"):
    case("version " + version, "9110 15.6.6", LINE % version, 505)
for version in ("http/1.1", "Http/1.1", "HTTP/1.10", "HTTP/1.", "HTTP/1", "HTTP/11", "HTTP/", "HTTP", "HTTP/1,1",
                "HTTP/01.1", "HTTP/+1.1", "HTTP/1.1x", "HTTP /1.1", "HTTP/ 1.1", "HTTP/1.1 ", "HTTP/1.1\t",
                " HTTP/1.1",
                "HTTP/1.1 x", "HTTPS/1.1", "ICY/1.1", "XTTP/1.1", "HTTP/a.b", "HTTP/1.1\0"):
    case("version '%s'" % version.replace("\t", "TAB").replace("\0", "NUL"), "9112 2.3", LINE % version, 400)
case("tab instead of the first blank", "9112 3", "GET\t/hello.txt HTTP/1.1\r\nHost: h\r\n\r\n", 400)
case("two blanks behind the method", "9112 3", "GET  /hello.txt HTTP/1.1\r\nHost: h\r\n\r\n", 400)
case("blank before the method", "9112 3", " GET /hello.txt HTTP/1.1\r\nHost: h\r\n\r\n", 400)
case("one empty line before the request", "9112 2.2", "\r\n" + get("/hello.txt"), 200, body="hello.txt")
case("two empty lines before the request", "9112 2.2", "\r\n\r\n" + get("/hello.txt"), 400)
case("LF before the request", "9112 2.2", "\n" + get("/hello.txt"), 400)
case("CR before the request", "9112 2.2", "\r" + get("/hello.txt"), 400)
case("NUL before the request", "9112 3", "\0" + get("/hello.txt"), 400)
case("BOM before the request", "9112 3", "\xef\xbb\xbf" + get("/hello.txt"), 400)
case("response instead of a request", "9112 3", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 400)

differs("200 open", OURS, "9112 3.2: an invalid Host MUST be answered with 400", *[
    "Host with %s is invalid" % what for what in (
        "port of letters", "two ports", "port beyond 65535", "negative port", "user information", "bracket not closed",
        "no address in brackets", "something behind the bracket", "question mark", "backslash", "angle brackets",
        "quotes",
        "percent alone", "half an escape", "no escape", "no ASCII", "256 bytes", "zone")])
differs("400 close", OURS, "9110 5.6.3: blanks around a value are spaces and tabs", "blanks around the host")
differs("200 open", OURS, "9110 7.4: the scheme's requirements MUST be met: https without TLS is none, ftp is no HTTP",
        "absolute form of another scheme", "https resource without TLS")
differs("200 open", OURS,
        "9112 3.2: a target has no fragment, and an invalid request line SHOULD be answered with 400", "fragment")
differs("200 open", OURS, "3986 2: a URI has ASCII only; 9112 3: an invalid request line SHOULD be answered with 400",
        "byte beyond ASCII in the target")
differs("malformed…", BOTH, "1945 4.1: served as HTTP/0.9, a body without a head; 9112 no longer knows that version",
        "LF in the target", "HTTP/0.9", "HTTP/0.9 with fields", "HTTP/0.9 by LF")
differs("400 close", BOTH, "9110 15.6.6: 505 says more exactly what is wrong", "version HTTP/0.9")
differs("200 open", NGINX,
        "9110 2.5: a higher minor version SHOULD be taken for 1.1. There is none, and who sends one tries "
        "what we do with it: ours refuses", "version HTTP/1.2", "version HTTP/1.9")
differs("200 open", OURS, "9112 2.3: a version has two digits", "version 'HTTP/1.10'")
differs("505 close", BOTH, "9112 2.3: it is malformed, and no version that is supported", "version 'HTTP/11'")
differs("200 open", BOTH, "9112 3: more whitespace MAY be taken, and may be a risk", "version 'HTTP/1.1 '",
        "version ' HTTP/1.1'",
        "two blanks behind the method")
differs("200 open", BOTH, "9112 2.2: at least one empty line SHOULD be ignored; LF alone MAY end a line",
        "two empty lines before the request", "LF before the request")
differs("200 open", BOTH, "9112 3: whitespace before the request line MAY be ignored, a bare CR too",
        "CR before the request")
