# SPDX-License-Identifier: Apache-2.0
"""Methods, and the fields of ordinary responses."""
from http1.case import BOTH, DATE, HEAD, OURS, differs, get, head, post, req, table

ALLOW = {"Allow": "GET, HEAD, OPTIONS"}
case = table("Methods")

case("GET gives the file", "9110 9.3.1", get("/hello.txt"), 200, body="hello.txt",
     has={"Content-Length": "13", "Content-Type": "text/plain; charset=utf-8"})
case("GET of a directory gives its index", "9110 9.3.1", get("/"), 200, body="index.html",
     has={"Content-Type": "text/html; charset=utf-8"})
case("GET of an empty file", "9110 8.6", get("/empty.txt"), 200, body=b"", has={"Content-Length": "0"})
case("GET of 100,000 bytes", "9110 9.3.1", get("/tenth.bin"), 200, body="tenth.bin", has={"Content-Length": "100000"})
case("GET with a query", "9110 4.2.2", get("/hello.txt?a=b&c=%20?/"), 200, body="hello.txt")
case("GET of what is not there", "9110 15.5.5", get("/nothing"), 404, has={"Content-Type": True, "ETag": None})
case("GET has validators", "9110 8.8", get("/hello.txt"), 200, has={"Last-Modified": DATE, "ETag": "@ETAG@"})
case("GET says that ranges are served", "9110 14.3", get("/hello.txt"), 200, has={"Accept-Ranges": "bytes"})
case("Server says no more than a name", "9110 10.2.4", get("/hello.txt"), 200, has={"Server": True})
case("HTTP/1.1 needs no Connection field to go on", "9112 9.3", get("/hello.txt"), 200, has={"Connection": None})

case("HEAD of a file", "9110 9.3.2", head("/hello.txt"), 200, has={"Content-Length": "13", "ETag": "@ETAG@"})
case("HEAD of a directory", "9110 9.3.2", head("/"), 200, has={"Content-Length": "51"})
case("HEAD of what is not there", "9110 9.3.2", head("/nothing"), 404)
case("HEAD of a directory without its slash", "9110 9.3.2", head("/sub"), 301, has={"Location": "/sub/"})
case("HEAD of an empty file", "9110 9.3.2", head("/empty.txt"), 200, has={"Content-Length": "0"})
case("HEAD in HTTP/1.0", "9110 9.3.2", head("/hello.txt", version="1.0"), 200, "close")
case("HEAD that is refused", "9110 9.3.2", head("/hello.txt", host=None), 400)

case("OPTIONS of a file", "9110 9.3.7", req("OPTIONS", "/hello.txt"), 200, has={**ALLOW, "Content-Length": "0"})
case("OPTIONS of what is not there", "9110 9.3.7", req("OPTIONS", "/nothing"), 200, has=ALLOW)
case("OPTIONS *", "9112 3.2.4", req("OPTIONS", "*"), 200, has={**ALLOW, "Content-Length": "0"})
case("OPTIONS * in HTTP/1.0", "9112 3.2.4", req("OPTIONS", "*", version="1.0"), 200, "close", has=ALLOW)
case("OPTIONS in absolute form without a path", "9112 3.2.4", req("OPTIONS", "http://h"), 200, has=ALLOW)
case("OPTIONS in absolute form with a port and no path", "9112 3.2.4",
     req("OPTIONS", "http://h:80", host="h:80"), 200, has=ALLOW)
case("OPTIONS with content", "9110 9.3.7", req("OPTIONS", "/", "Content-Length: 4", body="abcd"), 200, has=ALLOW)
case("OPTIONS of a path that cannot be", "9110 9.3.7", req("OPTIONS", "/%zz"), 400)
case("OPTIONS *x", "9112 3.2.4", req("OPTIONS", "*x"), 400)

case("POST", "9110 15.5.6", post("Content-Length: 3", body="a=b"), 405, has=ALLOW)
case("POST without content", "9112 6.3", post(), 405, has=ALLOW)
case("POST to what is not there", "9110 15.5.6", req("POST", "/nothing", "Content-Length: 0"), 405, has=ALLOW)
case("PUT", "9110 9.3.4", req("PUT", "/new.txt", "Content-Length: 3", body="new"), 405, has=ALLOW)
case("PUT with Content-Range", "9110 14.5",
     req("PUT", "/hello.txt", "Content-Range: bytes 0-2/13", "Content-Length: 3", body="new"), 405, has=ALLOW)
case("DELETE", "9110 9.3.5", req("DELETE", "/hello.txt"), 405, has=ALLOW)
case("PATCH", "5789 2", req("PATCH", "/hello.txt", "Content-Length: 0"), 405, has=ALLOW)
case("TRACE is not reflected", "9110 9.3.8", req("TRACE", "/hello.txt", "Cookie: secret"), 405, has=ALLOW)
case("CONNECT opens no tunnel", "9110 9.3.6", req("CONNECT", "example.org:443", host="example.org:443"), 405, "close",
     has=ALLOW)
case("CONNECT without a port", "9112 3.2.3", req("CONNECT", "example.org", host="example.org"), 400)
case("CONNECT with a path", "9112 3.2.3", req("CONNECT", "/hello.txt"), 400)
case("CONNECT with an http URI", "9112 3.2.3", req("CONNECT", "http://h/"), 400)
case("CONNECT with user information", "9110 4.2.4", req("CONNECT", "a@example.org:443", host="example.org:443"), 400)
case("405 after which the connection is good", "9110 15.5.6",
     post("Content-Length: 3", body="a=b") + get("/hello.txt"), [405, 200], body="hello.txt")

case("unknown method", "9110 9.1", req("BREW", "/hello.txt"), 501)
case("method of WebDAV", "9110 9.1", req("PROPFIND", "/"), 501)
case("method in lower case", "9110 9.1", req("get", "/hello.txt"), 501)
case("method in mixed case", "9110 9.1", req("Get", "/hello.txt"), 501)
case("method of all kinds of token bytes", "9110 5.6.2", req("!#$%&'*+-.^_`|~9aZ", "/hello.txt"), 501)
case("longest method that is read", "9112 3", req("M" * 32, "/hello.txt"), 501)
case("method that is too long", "9112 3", req("M" * 33, "/hello.txt"), 501)
case("very long method", "9112 3", req("M" * 5000, "/hello.txt"), 501)
case("method that begins with GET", "9110 9.1", req("GETTY", "/hello.txt"), 501)
case("method with a colon", "9110 5.6.2", req("GE:T", "/hello.txt"), 400)
case("method with parentheses", "9110 5.6.2", req("G(E)T", "/hello.txt"), 400)
case("method with a byte beyond ASCII", "9110 5.6.2", req("G\xc9T", "/hello.txt"), 400)
case("no method", "9112 3", req("", "/hello.txt"), 400)
case("the preface of HTTP/2", "9113 3.4", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505)
case("TLS on the plain port", "9112 3", "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03", 400)

case = table("Content types")
for name, kind in (("index.html", "text/html; charset=utf-8"), ("style.css", "text/css; charset=utf-8"),
                   ("script.js", "text/javascript; charset=utf-8"), ("image.svg", "image/svg+xml; charset=utf-8"),
                   ("image.png", "image/png"), ("module.wasm", "application/wasm"), ("font.woff2", "font/woff2"),
                   ("noext", "application/octet-stream"), ("UPPER.HTML", "text/html; charset=utf-8"),
                   ("data.json", "application/json; charset=utf-8")):
    case("type of " + name, "9110 8.3", get("/" + name), 200, body=name, has={"Content-Type": kind})

case = table("Fields that change nothing")
for field in ("Accept: application/json;q=1, */*;q=0", "Accept-Language: xx", "Accept-Charset: utf-7", "TE: trailers",
              "Upgrade: h2c, websocket", "Cookie: a=b; a=c", "Max-Forwards: 0", "From: nobody@example.org",
              "Cache-Control: no-store, max-age=0", "Pragma: no-cache", "X-Forwarded-Host: other.example",
              "X-Original-URL: /.secret", "X-HTTP-Method-Override: DELETE", "Authorization: Basic eDp5",
              "Content-Type: text/plain", "Trailer: X", "Date: never", "Empty:", "Blanks:  \t  ", "Padded:  \t v \t ",
              "Latin: gr\xfc\xdf", "HOst2: x", "A!#$%&'*+-.^_`|~9: b", "Proxy: http://evil.example"):
    case("request with " + field.strip(), "9110 5.1", get("/hello.txt", field), 200, body="hello.txt")
case("the same field many times", "9110 5.3", get("/hello.txt", *["X-A: b"] * 50), 200, body="hello.txt")
case("no field but Host", "9110 5.1", get("/hello.txt"), 200, body="hello.txt")
case("Upgrade with Connection", "9110 7.8", get("/hello.txt", "Connection: Upgrade", "Upgrade: websocket"), 200,
     has={"Upgrade": None}, body="hello.txt")
case("an offer of h2c", "9110 7.8", get("/hello.txt", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c",
                                        "HTTP2-Settings: AAMAAABkAAQAAP__"), 200, body="hello.txt")

case = table("Pipelines")
case("two requests", "9112 9.3.2", get("/hello.txt") + get("/sub/page.html"), [200, 200], body="sub/page.html")
case("GET, HEAD, GET", "9112 9.3.2", get("/") + head("/hello.txt") + get("/hello.txt"), [200, HEAD(200), 200],
     body="hello.txt")
case("HEAD is answered without content, and the next at once", "9112 9.3.2",
     head("/tenth.bin") + get("/hello.txt"), [HEAD(200), 200], body="hello.txt")
case("twenty requests of all kinds", "9112 9.3.2",
     (get("/hello.txt") + get("/nothing") + get("/sub/") + post("Content-Length: 1", body="x")) * 5,
     [200, 404, 200, 405] * 5)
case("two hundred requests", "9112 9.3.2", get("/hello.txt") * 200, [200] * 200, body="hello.txt")
case("the thousandth request is the last", "9112 9.3", get("/hello.txt") * 1001, [200] * 1000, "close")
case("large file, then small ones", "9112 9.3.2", get("/tenth.bin") + get("/hello.txt") * 3, [200] * 4,
     body="hello.txt")
case("304 has no content, and the next follows", "9112 6.3",
     get("/hello.txt", "If-None-Match: *") + get("/hello.txt"), [304, 200], body="hello.txt")
case("what follows a malformed request is not read", "9112 9.3.2",
     get("/hello.txt") + "GET / HTTP/1.1x\r\n\r\n" + get("/hidden-request.txt"), [200, 400])
case("what follows Connection: close is not read", "9112 9.6",
     get("/hello.txt", "Connection: close") + get("/hidden-request.txt"), 200, "close")
case("empty line between requests", "9112 2.2", get("/hello.txt") + "\r\n" + get("/hello.txt"), [200, 200])
case("HTTP/1.0 within a pipeline ends it", "9112 9.3",
     get("/hello.txt") + get("/hello.txt", version="1.0") + get("/hidden-request.txt"), [200, 200], "close")
case("content that looks like a request is content", "9112 6",
     get("/hello.txt", "Content-Length: 27", body="GET /hidden HTTP/1.1\r\nA: b\n") + get("/hello.txt"), [200, 200],
     body="hello.txt")

differs("200 open; Connection is keep-alive", BOTH, "9112 9.3: it goes without saying, and may be said",
        "HTTP/1.1 needs no Connection field to go on")
differs("405 open…", BOTH, "9110 9.1: only GET and HEAD have to be there", "OPTIONS of a file",
        "OPTIONS of what is not there", "OPTIONS in*", "OPTIONS with content")
differs("400 close…", OURS, "9112 3.2.4: a valid request, and 400 says that it is malformed", "OPTIONS *",
        "OPTIONS * in HTTP/1.0")
differs("404 open; no Allow", BOTH,
        "9110 15.5.5: that there is nothing, or that it could not be posted to: both are true",
        "POST to what is not there")
differs("405 close", BOTH, "9112 9.6: a server may close when it likes", "TRACE is not reflected")
differs("400 close; no Allow", OURS, "9112 3.2.3: a valid request, and 400 says that it is malformed",
        "CONNECT opens no tunnel")
differs("405 close", BOTH, "9112 3.2.3: malformed and not allowed", "CONNECT with a path", "CONNECT with an http URI")
differs("405 open", OURS, "9110 9.1: a method that is not recognized SHOULD be answered with 501", "unknown method",
        "method of WebDAV", "longest method*", "method that is too long", "very long method",
        "method that begins with GET")
differs("400 close", OURS,
        "9110 9.1: a method is any token, and one that is not recognized SHOULD be answered with 501",
        "method in*", "method of all kinds of token bytes")
differs("400 close", BOTH, "9110 15.6.6: 505 says more exactly what is wrong", "the preface of HTTP/2")
