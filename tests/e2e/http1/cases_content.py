# SPDX-License-Identifier: Apache-2.0
"""Content of requests: how long it is, how it is coded, what it is expected to meet."""
from http1.case import BOTH, CONTINUE, HIDDEN, OURS, chunked, differs, get, head, post, req, table

case = table("Content-Length")
for value in ("0", "5", "05", "0000000000000000000005", " 5 ", "\t5\t"):
    case("Content-Length: '%s'" % value.replace("\t", "TAB"), "9110 8.6",
         post("Content-Length: " + value, body="abcde"[:int(value)]), 405)
for value in ("", "+5", "-5", "-0", "0x5", "5 5", "5,", ",5", "5, 5", "5, 6", "5;", "5.0", "1e1", "five", "5\x0b",
              "\xb2", "_5", "18446744073709551616", "99999999999999999999999999"):
    case("Content-Length: '%s' is invalid" % value.replace("\x0b", "VT").replace("\xb2", "squared"), "9112 6.3",
         post("Content-Length: " + value, body="abcde" + HIDDEN), 400)
case("two equal Content-Lengths", "9112 6.3", post("Content-Length: 5", "Content-Length: 5", body="abcde"), 400)
case("two different Content-Lengths", "9112 6.3",
     post("Content-Length: 0", "Content-Length: %d" % len(HIDDEN), body=HIDDEN), 400)
case("invalid, then valid Content-Length", "9112 6.3", post("Content-Length: x", "Content-Length: 5", body="abcde"),
     400)
case("content of GET is read and dropped", "9110 9.3.1", get("/hello.txt", "Content-Length: %d" % len(HIDDEN),
                                                            body=HIDDEN), 200, body="hello.txt")
case("content of HEAD is read and dropped", "9110 9.3.2", head("/hello.txt", "Content-Length: %d" % len(HIDDEN),
                                                             body=HIDDEN), 200)
case("content of GET is not needed for a 304", "9110 9.3.1",
     get("/hello.txt", "Content-Length: 3", "If-None-Match: *", body="abc"), 304)
case("content in HTTP/1.0", "9112 6.3", post("Content-Length: 5", version="1.0", body="abcde"), 405, "close")
case("content and the next request in one write", "9112 9.3.2",
     post("Content-Length: 5", body="abcde") + get("/hello.txt"), [405, 200], body="hello.txt")

case = table("Transfer-Encoding")
EMPTY = "0\r\n\r\n"
for value in ("chunked", "Chunked", "CHUNKED", " chunked ", "\tchunked\t"):
    case("Transfer-Encoding: '%s'" % value.replace("\t", "TAB"), "9112 7", post("Transfer-Encoding: " + value,
         body="1\r\na\r\n" + EMPTY), 405)
for value in ("", "identity", "chunked, identity", "gzip", "chunked, gzip", "chunked, chunked", "xchunked", "chunkedx",
              "chun ked", '"chunked"', "chunked;q=1", "chunked; a=b", "chunk", "x", "chunked\x0b", "\xa0chunked",
              "[chunked]"):
    case("Transfer-Encoding: '%s' is invalid" % value.replace("\x0b", "VT").replace("\xa0", "NBSP"), "9112 6.3",
         post("Transfer-Encoding: " + value, body=EMPTY + HIDDEN), 400)
# RFC 9110 5.6.1.2 would have empty elements ignored. Who sends them here hopes that others read them otherwise.
for value in (", chunked", "chunked,", "chunked , ,"):
    case("Transfer-Encoding: '%s'" % value, "9112 11.2", post("Transfer-Encoding: " + value, body=EMPTY + HIDDEN), 400)
for value in ("gzip, chunked", "deflate, chunked", "identity, chunked", "x, chunked"):
    case("Transfer-Encoding: '%s' is unknown" % value, "9112 6.1",
         post("Transfer-Encoding: " + value, body=EMPTY + HIDDEN), 501)
case("Transfer-Encoding twice", "9112 6.3", post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked",
     body=EMPTY),
     400)
case("Transfer-Encoding chunked, then identity", "9112 6.3",
     post("Transfer-Encoding: chunked", "Transfer-Encoding: identity", body=EMPTY + HIDDEN), 400)
case("Transfer-Encoding gzip, then chunked", "9112 6.1",
     post("Transfer-Encoding: gzip", "Transfer-Encoding: chunked", body=EMPTY + HIDDEN), 501)
case("Transfer-Encoding in HTTP/1.0", "9112 6.1", chunked(EMPTY + HIDDEN, version="1.0"), 400)
case("Content-Length, then Transfer-Encoding", "9112 6.1",
     post("Content-Length: 5", "Transfer-Encoding: chunked", body=EMPTY + HIDDEN), 400)
case("Transfer-Encoding, then Content-Length", "9112 6.1", chunked(EMPTY + HIDDEN, "Content-Length: 5"), 400)
case("Transfer-Encoding and Content-Length: 0", "9112 6.1", chunked(EMPTY + HIDDEN, "Content-Length: 0"), 400)
case("invalid Transfer-Encoding and Content-Length", "9112 6.1",
     post("Transfer-Encoding: x", "Content-Length: 5", body="abcde" + HIDDEN), 400)
case("Transfer-Encoding with GET", "9112 6.1", get("/hello.txt", "Transfer-Encoding: chunked",
     body="3\r\nabc\r\n" + EMPTY),
     200, body="hello.txt")
case("Transfer-Encoding with an underscore is another field", "9110 5.1",
     post("Transfer_Encoding: chunked") + get("/hello.txt"), [405, 200], body="hello.txt")
case("Content-Length with an underscore is another field", "9110 5.1",
     post("Content_Length: 5") + get("/hello.txt"), [405, 200], body="hello.txt")

case = table("Chunks")
for what, section, content in (
        ("no chunk", "7.1", EMPTY),
        ("one chunk", "7.1", "5\r\nabcde\r\n" + EMPTY),
        ("two chunks", "7.1", "1\r\na\r\n4\r\nbcde\r\n" + EMPTY),
        ("size in capitals", "7.1", "A\r\n0123456789\r\n" + EMPTY),
        ("size in small letters", "7.1", "a\r\n0123456789\r\n" + EMPTY),
        ("zeros before the size", "7.1", "0005\r\nabcde\r\n0000\r\n\r\n"),
        ("sixteen digits", "7.1", "0000000000000005\r\nabcde\r\n" + EMPTY),
        ("CRLF as content", "7.1", "4\r\n\r\n\r\n\r\n" + EMPTY),
        ("last chunk as content", "7.1", "5\r\n0\r\n\r\n\r\n" + EMPTY),
        ("a request as content", "7.1", "%x\r\n%s\r\n%s" % (len(HIDDEN), HIDDEN, EMPTY)),
        ("extension", "7.1.1", "5;a=b\r\nabcde\r\n" + EMPTY),
        ("extension without a value", "7.1.1", "5;a\r\nabcde\r\n" + EMPTY),
        ("extension with quotes", "7.1.1", '5;a="b;c"\r\nabcde\r\n' + EMPTY),
        ("extension with blanks", "7.1.1", "5; a = b\r\nabcde\r\n" + EMPTY),
        ("extension of the last chunk", "7.1.1", "0;a=b\r\n\r\n"),
        ("trailer field", "7.1.2", "0\r\nA: b\r\n\r\n"),
        ("three trailer fields", "7.1.2", "0\r\nA: b\r\nC:\r\nD: e\r\n\r\n"),
        ("trailer field that a request has", "7.1.2", "0\r\nConnection: close\r\nRange: bytes=0-0\r\n\r\n")):
    case("chunked: " + what, "9112 " + section, chunked(content + get("/hello.txt")), [405, 200], body="hello.txt")
for what, section, content in (
        ("no size", "7.1", "\r\nabcde\r\n"),
        ("size of letters", "7.1", "x\r\nabcde\r\n"),
        ("size 0x5", "7.1", "0x5\r\nabcde\r\n"),
        ("size -1", "7.1", "-1\r\nabcde\r\n"),
        ("size +5", "7.1", "+5\r\nabcde\r\n"),
        ("size 5.", "7.1", "5.\r\nabcde\r\n"),
        ("size 5g", "7.1", "5g\r\nabcde\r\n"),
        ("size 5_0", "7.1", "5_0\r\nabcde\r\n"),
        ("blank before the size", "7.1", " 5\r\nabcde\r\n"),
        ("blank behind the size", "7.1", "5 \r\nabcde\r\n"),
        ("blank before an extension", "7.1.1", "5 ;a=b\r\nabcde\r\n"),
        ("tab behind the size", "7.1", "5\t\r\nabcde\r\n"),
        ("seventeen digits", "7.1", "00000000000000005\r\nabcde\r\n"),
        ("LF behind the size", "7.1", "5\nabcde\r\n"),
        ("CR behind the size", "7.1", "5\rabcde\r\n"),
        ("CR CR LF behind the size", "7.1", "5\r\r\nabcde\r\n"),
        ("NUL behind the size", "7.1", "5\0\r\nabcde\r\n"),
        ("LF within an extension", "7.1.1", "5;a\nabcde\r\n"),
        ("CR within an extension", "7.1.1", "5;a\rb\r\nabcde\r\n"),
        ("NUL within an extension", "7.1.1", "5;a\0\r\nabcde\r\n"),
        ("extension of 70,000 bytes", "7.1.1", "5;" + "a" * 70000),
        ("longer than its size", "7.1", "5\r\nabcdef\r\n"),
        ("shorter than its size", "7.1", "5\r\nabc\r\n0\r\n\r\n"),
        ("no CRLF behind the data", "7.1", "5\r\nabcde0\r\n\r\n"),
        ("LF behind the data", "7.1", "5\r\nabcde\n0\r\n\r\n"),
        ("CR behind the data", "7.1", "5\r\nabcde\r0\r\n\r\n"),
        ("blank behind the data", "7.1", "5\r\nabcde \r\n0\r\n\r\n"),
        ("LF instead of the last CRLF", "7.1", "0\r\n\n"),
        ("CR instead of the last CRLF", "7.1", "0\r\n\rX"),
        ("LF behind the last chunk", "7.1", "0\n\r\n"),
        ("data in the last chunk", "7.1", "0\r\nabc\r\n\r\n")):
    case("chunked: %s is invalid" % what, "9112 " + section, chunked(content + HIDDEN), 400)
case("chunked: size of 2^64", "9112 7.1", chunked("10000000000000000\r\nabcde\r\n" + HIDDEN), 413)
case("chunked: size of 2^63", "9112 7.1", chunked("8000000000000000\r\nabcde\r\n" + HIDDEN), 413)
case("chunked: 1 MiB and a byte at once", "9110 15.5.14", chunked("100001\r\n"), 413)
case("chunked: 1 MiB and a byte in two", "9110 15.5.14", chunked("100000\r\n" + "x" * 0x100000 + "\r\n1\r\n"), 413)
case("chunked: 1 MiB", "9110 15.5.14", chunked("100000\r\n" + "x" * 0x100000 + "\r\n" + EMPTY), 405)
for name in ("Content-Length: 5", "Transfer-Encoding: chunked", "Host: other", "content-LENGTH: 5"):
    case("trailer section with " + name, "9110 6.5.1", chunked("0\r\n%s\r\n\r\n" % name + HIDDEN), 400)
for what, section, content in (("obs-fold", "5.2", "A: b\r\n c\r\n\r\n"), ("a blank before the colon", "5.1",
        "A : b\r\n\r\n"),
                               ("no colon", "5", "A\r\n\r\n"), ("LF", "2.2", "A: b\n\r\n"), ("NUL", "5",
                               "A: \0\r\n\r\n"),
                               ("an empty name", "5", ": b\r\n\r\n"), ("a leading blank", "5.2", " A: b\r\n\r\n")):
    case("trailer section with %s is invalid" % what, "9112 " + section, chunked("0\r\n" + content + HIDDEN), 400)
case("trailer section of 70,000 bytes", "6585 5", chunked("0\r\nA: " + "b" * 70000), 431)
case("trailer section of 101 fields", "6585 5", chunked("0\r\n" + "A: b\r\n" * 101 + "\r\n"), 431)

case = table("Expect")
WANT = "Expect: 100-continue"
case("100-continue with GET and content", "9110 10.1.1",
     [get("/hello.txt", WANT, "Content-Length: 3"), CONTINUE, "abc"], [100, 200], body="hello.txt")
case("100-continue with chunked content", "9110 10.1.1",
     [get("/hello.txt", WANT, "Transfer-Encoding: chunked"), CONTINUE, "3\r\nabc\r\n0\r\n\r\n"], [100, 200],
     body="hello.txt")
case("100-continue with OPTIONS", "9110 10.1.1",
     [req("OPTIONS", "*", WANT, "Content-Length: 3"), CONTINUE, "abc"], [100, 200])
case("100-Continue in other letters", "9110 10.1.1",
     [get("/hello.txt", "Expect: 100-CONTINUE", "Content-Length: 3"), CONTINUE, "abc"], [100, 200])
case("100-continue twice", "9110 10.1.1",
     [get("/hello.txt", WANT, WANT, "Content-Length: 3"), CONTINUE, "abc"], [100, 200])
case("100-continue without content", "9110 10.1.1", get("/hello.txt", WANT), 200, body="hello.txt")
case("100-continue with Content-Length: 0", "9110 10.1.1", get("/hello.txt", WANT, "Content-Length: 0"), 200)
case("100-continue for what is refused anyway", "9110 10.1.1", post(WANT, "Content-Length: 3"), 405, "close")
case("100-continue in HTTP/1.0", "9110 10.1.1", get("/hello.txt", WANT, "Content-Length: 3", version="1.0",
     body="abc"),
     200, "close", body="hello.txt")
case("another expectation", "9110 10.1.1", get("/hello.txt", "Expect: a-miracle"), 417)
case("another expectation beside 100-continue", "9110 10.1.1", get("/hello.txt", WANT + ", a-miracle"), 417)
case("another expectation, with content", "9110 10.1.1",
     get("/hello.txt", "Expect: a-miracle", "Content-Length: 3"), 417, "close")
case("another expectation in HTTP/1.0", "9110 10.1.1", get("/hello.txt", "Expect: a-miracle", version="1.0"), 200,
     "close")
case("empty Expect", "9110 10.1.1", get("/hello.txt", "Expect:"), 200)
case("100-continue and malformed content", "9112 7.1",
     [get("/hello.txt", WANT, "Transfer-Encoding: chunked"), CONTINUE, "x\r\n"], [100, 400])

differs("400 close", OURS, "9110 5.6.3: blanks around a value are spaces and tabs", "Content-Length: 'TAB5TAB'")
differs("501 close", OURS, "9110 5.6.3: blanks around a value are spaces and tabs",
        "Transfer-Encoding: 'TABchunkedTAB'")
differs("501 close", OURS, "9112 6.3: where the last coding is not chunked, 400 is a MUST",
        "Transfer-Encoding: '*' is invalid")
differs("501 close", BOTH,
        "9110 5.6.1.2: empty elements ought to be ignored; 9112 11.2: what smells of smuggling may be refused",
        "Transfer-Encoding: ', chunked'", "Transfer-Encoding: 'chunked,'", "Transfer-Encoding: 'chunked , ,'")
differs("501 close", BOTH, "9112 6.1, 6.3: wrong in two ways", "invalid Transfer-Encoding and Content-Length")
differs("400 close", OURS, "9112 6.1: 501 SHOULD say that a coding is not known",
        "Transfer-Encoding gzip, then chunked")
EARLY = ["no size", "size of letters", "size 0x5", "size -1", "size +5", "size 5.", "size 5g", "size 5_0",
         "blank before the size",
         "blank behind the size", "blank before an extension", "tab behind the size", "seventeen digits",
         "LF behind the size",
         "CR behind the size", "CR CR LF behind the size", "NUL behind the size", "LF within an extension",
         "CR within an extension", "NUL within an extension", "extension of 70,000 bytes", "longer than its size",
         "shorter than its size", "no CRLF behind the data", "CR behind the data", "blank behind the data",
         "CR instead of the last CRLF"]
differs("405 close…", BOTH,
        "9110 7.5: an answer may come before the content; then nginx reads that, finds fault and closes",
        *["chunked: %s is invalid" % what for what in EARLY])
differs("405…", BOTH, "9110 7.5: an answer may come before the content is known to be too large",
        "chunked: size of 2^6?",
        "chunked: 1 MiB and*")
differs("405 200 open", OURS,
        "9112 7.1: a chunk and the last chunk end with CRLF, and LF alone is for lines of the head (2.2)",
        "chunked: LF behind the data is invalid", "chunked: LF instead of the last CRLF is invalid",
        "chunked: LF behind the last chunk is invalid")
differs("405 200 open", OURS,
        "9112 7.1: nothing stands between the last chunk and the end but fields; nginx skips anything",
        "chunked: data in the last chunk is invalid", "trailer section with *is invalid")
differs("405 200 open", BOTH,
        "9110 6.5.1: these fields MUST NOT be sent there; 9112 7.1.2: trailers may be dropped unread",
        "trailer section with Content-Length: 5", "trailer section with Transfer-Encoding: chunked",
        "trailer section with Host: other", "trailer section with content-LENGTH: 5")
differs("405 waits", BOTH, "6585 5: trailers that are dropped unread need no limit but that of time",
        "trailer section of 70,000 bytes")
differs("405 open", BOTH, "6585 5: how much is taken is the server's choice", "trailer section of 101 fields")
differs("400 close", OURS, "9112 3.2.4: a valid request; it is its asterisk that nginx does not know",
        "100-continue with OPTIONS")
differs("400 close", OURS, "9110 5.3: a field that is a list may come in several lines", "100-continue twice")
differs("100 200 open", BOTH,
        "9110 10.1.1: a 100 is asked for where content follows; this client has broken a MUST NOT",
        "100-continue without content", "100-continue with Content-Length: 0")
differs("405 400 close", BOTH,
        "9110 10.1.1: nginx goes on and takes what follows for the content, ours says that it closes",
        "100-continue for what is refused anyway")
differs("200 open", BOTH, "9110 10.1.1: 417 MAY be the answer", "another expectation",
        "another expectation beside 100-continue")
differs("200 400 close", BOTH, "9110 10.1.1: 417 MAY be the answer", "another expectation, with content")
differs("100 200 close; no Connection: close", BOTH,
        "9110 7.5: an answer may come before the content; it ought to have announced "
        "the end (9112 9.6)", "100-continue and malformed content")
