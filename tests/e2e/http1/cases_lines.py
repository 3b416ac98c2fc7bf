# SPDX-License-Identifier: Apache-2.0
"""Lines and fields: what smuggling is made of. Limits. What the connection is told."""
from http1.case import BOTH, HALF, HIDDEN, OURS, differs, get, head, post, table

case = table("Lines and fields")
START = "GET /hello.txt HTTP/1.1\r\n"


def fields(text):
    return START + text


case("LF after the request line", "9112 2.2", "GET /hello.txt HTTP/1.1\nHost: h\r\n\r\n", 400)
case("LF after a field", "9112 2.2", fields("Host: h\n\r\n"), 400)
case("LF as the empty line", "9112 2.2", fields("Host: h\r\n\n"), 400)
case("LF everywhere", "9112 2.2", "GET /hello.txt HTTP/1.1\nHost: h\n\n", 400)
case("LF within a value", "9110 5.5", get("/hello.txt", "A: b\nC: d"), 400)
case("CR after the request line", "9112 2.2", "GET /hello.txt HTTP/1.1\rHost: h\r\n\r\n", 400)
case("CR within a value", "9110 5.5", get("/hello.txt", "A: b\rC: d"), 400)
case("CR within a name", "9112 5", get("/hello.txt", "A\rB: c"), 400)
case("CR CR LF", "9112 2.2", get("/hello.txt", "A: b\r"), 400)
case("CR CR for the empty line", "9112 2.2", fields("Host: h\r\n\r\r"), 400)
case("CR before a field that frames", "9112 2.2", post("\rContent-Length: 3", body="abc"), 400)
case("obs-fold by a blank", "9112 5.2", get("/hello.txt", "A: b\r\n c"), 400)
case("obs-fold by a tab", "9112 5.2", get("/hello.txt", "A: b\r\n\tc"), 400)
case("obs-fold of Host", "9112 5.2", fields("Host:\r\n h\r\n\r\n"), 400)
case("obs-fold of Transfer-Encoding", "9112 5.2", post("Transfer-Encoding:\r\n chunked", body="0\r\n\r\n" + HIDDEN),
     400)
case("obs-fold of Content-Length", "9112 5.2", post("Content-Length: 1\r\n 0", body="0123456789"), 400)
case("a line of blanks", "9112 5.2", get("/hello.txt", "A: b\r\n  "), 400)
case("blank before the colon", "9112 5.1", get("/hello.txt", "A : b"), 400)
case("tab before the colon", "9112 5.1", get("/hello.txt", "A\t: b"), 400)
case("blank before the colon of Host", "9112 5.1", fields("Host : h\r\n\r\n"), 400)
case("blank before the colon of Content-Length", "9112 5.1", post("Content-Length : 5", body="abcde"), 400)
case("blank before the colon of Transfer-Encoding", "9112 5.1",
     post("Transfer-Encoding : chunked", body="0\r\n\r\n" + HIDDEN), 400)
case("blank before the first field", "9112 2.2", fields(" Host: h\r\n\r\n"), 400)
case("tab before the first field", "9112 2.2", fields("\tA: b\r\nHost: h\r\n\r\n"), 400)
case("blank within a name", "9110 5.1", get("/hello.txt", "A b: c"), 400)
case("empty name", "9110 5.1", get("/hello.txt", ": b"), 400)
case("line without a colon", "9112 5", get("/hello.txt", "nonsense"), 400)
case("line of a colon alone", "9112 5", get("/hello.txt", ":"), 400)
for char, what in (("(", "parenthesis"), (",", "comma"), ("/", "slash"), (";", "semicolon"), ("@", "at sign"),
                   ("[", "bracket"), ('"', "quote"), ("\\", "backslash"), ("=", "equals sign"), ("?", "question mark"),
                   ("{", "brace"), ("\x7f", "DEL"), ("\x80", "byte 0x80"), ("\xff", "byte 0xff"), ("\0", "NUL"),
                   ("\x01", "byte 0x01")):
    case("name with " + what, "9110 5.6.2", get("/hello.txt", "A%sB: c" % char), 400)
for char, what in (("\0", "NUL"), ("\x01", "byte 0x01"), ("\x08", "BS"), ("\x0b", "VT"), ("\x0c", "FF"), ("\x1b",
        "ESC"),
                   ("\x7f", "DEL")):
    case("value with " + what, "9110 5.5", get("/hello.txt", "A: b%sc" % char), 400)
case("value with a tab", "9110 5.5", get("/hello.txt", "A: b\tc"), 200)
case("value with bytes beyond ASCII", "9110 5.5", get("/hello.txt", "A: \x80\xfe\xff"), 200)
case("value with quotes, commas and colons", "9110 5.5", get("/hello.txt", 'A: ",:;=()<>@[]{}\\'), 200)
case("no blank behind the colon", "9112 5", get("/hello.txt", "A:b"), 200)
case("underscore in a name", "9110 5.1", get("/hello.txt", "A_B: c"), 200)
case("name of digits", "9110 5.1", get("/hello.txt", "123: 4"), 200)
case("first field without Host's name", "9112 5", fields("h\r\n\r\n"), 400)

case = table("Ends of a stream")
case("nothing at all", "9112 9.5", ["", HALF], 0)
case("an empty line", "9112 2.2", ["\r\n", HALF], 0)
case("within the method", "9112 8", ["GE", HALF], 400)
case("within the fields", "9112 8", [START + "Host: h", HALF], 400)
case("before the last LF", "9112 8", [START + "Host: h\r\n\r", HALF], 400)
case("within the content", "9112 8", [post("Content-Length: 10", body="12345"), HALF], 400)
case("within a chunk", "9112 8", [post("Transfer-Encoding: chunked", body="5\r\nabc"), HALF], 400)
case("before the last chunk", "9112 8", [post("Transfer-Encoding: chunked", body="3\r\nabc\r\n"), HALF], 400)
case("within the trailer section", "9112 8", [post("Transfer-Encoding: chunked", body="0\r\nA: b\r\n"), HALF], 400)
case("behind a request", "9112 9.6", [get("/hello.txt"), HALF], 200, "close", body="hello.txt")
case("behind two requests", "9112 9.6", [get("/tenth.bin") + get("/hello.txt"), HALF], [200, 200], "close",
     body="hello.txt")
case("within the second request", "9112 9.6", [get("/hello.txt") + "GET", HALF], [200, 400])

case = table("Limits")
BIG = "x" * 70000
case("longest target", "9110 4.1", get("/" + "a" * 8191), 404)
case("target longer by one", "9110 15.5.15", get("/" + "a" * 8192), 414)
case("longest target, all of it query", "9110 4.1", get("/hello.txt?" + "a" * 8181), 200, body="hello.txt")
case("target of 70,000 bytes", "9110 15.5.15", get("/" + BIG), 414)
case("target that never ends", "9110 15.5.15", "GET /" + BIG, 414)
case("HEAD with a long target", "9110 15.5.15", head("/" + BIG), 414)
case("field of 7,000 bytes", "6585 5", get("/hello.txt", "A: " + "b" * 7000), 200, body="hello.txt")
case("field of 70,000 bytes", "6585 5", get("/hello.txt", "A: " + BIG), 431)
case("name of 70,000 bytes", "6585 5", get("/hello.txt", BIG + ": a"), 431)
case("value that never ends", "6585 5", START + "Host: h\r\nA: " + BIG, 431)
case("100 fields", "6585 5", get("/hello.txt", *["A: b"] * 99), 200, body="hello.txt")
case("101 fields", "6585 5", get("/hello.txt", *["A: b"] * 100), 431)
case("fields of 16,000 bytes together", "6585 5", get("/hello.txt", *["A: " + "b" * 1000] * 15), 200)
case("fields of 17,000 bytes together", "6585 5", get("/hello.txt", *["A: " + "b" * 1000] * 17), 431)
case("version that never ends", "9112 2.3", "GET / HTTP/1." + "1" * 20000, 400)
case("content of 1 MiB", "9110 15.5.14", post("Content-Length: 1048576", body="x" * 1048576), 405)
case("content of 1 MiB and a byte", "9110 15.5.14", post("Content-Length: 1048577"), 413)
case("content of 2^63 bytes", "9110 15.5.14", post("Content-Length: 9223372036854775808"), 413)
case("GET with too much content", "9110 15.5.14", get("/hello.txt", "Content-Length: 2000000"), 413)
case("content too large, with Expect", "9110 10.1.1",
     post("Content-Length: 2000000", "Expect: 100-continue"), 413)

case = table("Connection")
CLOSE, KEEP = {"Connection": "close"}, {"Connection": "keep-alive"}
for value in ("close", "Close", "CLOSE", "close, keep-alive", "keep-alive, close", "foo, close", ", close ,",
              "close,close"):
    case("Connection: " + value, "9112 9.6", get("/hello.txt", "Connection: " + value), 200, "close", has=CLOSE)
for value in ("keep-alive", "Keep-Alive", "closed", "not-close", "clos", "", "x", "TE", '"close"', "close;x"):
    case("Connection: '%s'" % value, "9110 7.6.1", get("/hello.txt", "Connection: " + value), 200)
case("close in the second Connection field", "9112 9.6", get("/hello.txt", "Connection: x", "Connection: close"), 200,
     "close", has=CLOSE)
case("close with HEAD", "9112 9.6", head("/hello.txt", "Connection: close"), 200, "close", has=CLOSE)
case("close with 404", "9112 9.6", get("/nothing", "Connection: close"), 404, "close", has=CLOSE)
case("close with 304", "9112 9.6", get("/hello.txt", "If-None-Match: *", "Connection: close"), 304, "close", has=CLOSE)
case("close with 206", "9112 9.6", get("/hello.txt", "Range: bytes=0-1", "Connection: close"), 206, "close", has=CLOSE)
case("close with 405 and content", "9112 9.6", post("Connection: close", "Content-Length: 2", body="ab"), 405, "close",
     has=CLOSE)
case("HTTP/1.0", "9112 9.3", get("/hello.txt", version="1.0"), 200, "close", body="hello.txt")
case("HTTP/1.0 with keep-alive", "9112 9.3", get("/hello.txt", "Connection: keep-alive", version="1.0"), 200, has=KEEP)
case("HTTP/1.0 with Keep-Alive in other letters", "9112 9.3", get("/hello.txt", "Connection: KEEP-alive",
     version="1.0"),
     200, has=KEEP)
case("HTTP/1.0 with keep-alive and close", "9112 9.3", get("/hello.txt", "Connection: keep-alive, close",
     version="1.0"),
     200, "close")
case("HTTP/1.0 with a Keep-Alive field only", "9112 9.3", get("/hello.txt", "Keep-Alive: timeout=5", version="1.0"),
     200,
     "close")
case("HTTP/1.0 with keep-alive, twice", "9112 9.3",
     get("/hello.txt", "Connection: keep-alive", version="1.0") * 2, [200, 200], has=KEEP)
case("HTTP/1.0 with keep-alive and 404", "9112 9.3", get("/nothing", "Connection: keep-alive", version="1.0"), 404,
     has=KEEP)
case("HTTP/1.0 is answered with the server's version", "9110 6.2", get("/hello.txt", version="1.0"), 200, "close")

differs("200 open", BOTH, "9112 2.2: LF alone MAY end a line. Where servers differ in that, requests are smuggled",
        "LF after*",
        "LF as the empty line", "LF everywhere", "LF within a value")
differs("200 open", BOTH, "9112 2.2: a bare CR has to be invalid or a space, which would do no harm here", "CR CR LF")
differs("200 open", OURS, "9112 2.2: what does not fit the grammar SHOULD be answered with 400; nginx drops the line",
        "line without a colon", *["name with " + what for what in (
            "parenthesis", "comma", "slash", "semicolon", "at sign", "bracket", "quote", "backslash", "equals sign",
            "question mark", "brace", "byte 0x80", "byte 0xff")])
differs("200 open", BOTH, "9110 5.5: invalid, but control bytes other than CR, LF and NUL MAY be kept",
        "value with byte 0x01",
        "value with BS", "value with VT", "value with FF", "value with ESC", "value with DEL")
differs("close", BOTH, "9112 8: a server MAY answer what is incomplete before it closes", "within the method",
        "within the fields", "before the last LF")
differs("200 close", BOTH, "9112 8: a server MAY answer what is incomplete before it closes",
        "within the second request")
differs("405 close", BOTH, "9110 7.5: an answer may come before the content", "within the content", "within a chunk",
        "before the last chunk", "within the trailer section")
differs("414 close…", BOTH, "9110 4.1: 8,000 bytes at least is RECOMMENDED; nginx takes 8,192 for the whole line",
        "longest target*")
differs("400 close", BOTH, "9112 5: a section too large MUST be answered with a suitable 4xx; 431 says more",
        "field of 70,000 bytes", "name of 70,000 bytes", "value that never ends")
differs("200 open", BOTH, "9112 5: how much is taken is the server's choice", "101 fields",
        "fields of 17,000 bytes together")
differs("400 close", BOTH, "9110 15.5.14: a valid number, and too large", "content of 2^63 bytes")
differs("200 close", OURS, "9110 7.6.1: options are tokens; nginx looks for \"close\" anywhere",
        "Connection: 'closed'",
        "Connection: 'not-close'", "Connection: '\"close\"'", "Connection: 'close;x'")
