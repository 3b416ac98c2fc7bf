# SPDX-License-Identifier: Apache-2.0
"""Preconditions, in the order of RFC 9110 13.2.2, and ranges."""
from http1.case import BOTH, DATE, EARLIER, LATER, MULTIPART, OURS, Parts, differs, get, head, post, req, table

FILE = "/hello.txt"
VALIDATORS = {"ETag": "@ETAG@", "Last-Modified": DATE}


def rows(field, section, values):
    """(value, status) pairs of one field."""
    for value, status in values:
        shown = value.replace("@ETAG@", "E").replace(EARLIER, "earlier").replace(LATER, "later").replace(DATE, "same")
        case("%s: %s" % (field, shown), section, get(FILE, "%s: %s" % (field, value)), status,
             has=VALIDATORS if status in (200, 304) else None)


case = table("If-Match")
rows("If-Match", "9110 13.1.1", (
    ("@ETAG@", 200), ("*", 200), ('"other"', 412), ('"other", @ETAG@', 200), ('@ETAG@,"other"', 200),
    (', , @ETAG@ ,', 200), ("W/@ETAG@", 412), ('W/@ETAG@, @ETAG@', 200), ('W/"other"', 412), ('"a,b", @ETAG@', 200),
    ('""', 412), ("", 412), ("unquoted", 412), ('"not closed', 412), ("**", 412), ("@ETAG@x", 412)))
case("If-Match in two fields", "9110 13.1.1", get(FILE, 'If-Match: "other"', "If-Match: @ETAG@"), 200)
case("If-Match with HEAD", "9110 13.1.1", head(FILE, 'If-Match: "other"'), 412)
case("If-Match: * of what is not there", "9110 13.2.1", get("/nothing", "If-Match: *"), 404)
case("If-Match of a redirect", "9110 13.2.1", get("/sub", 'If-Match: "other"'), 301)
case("If-Match with POST", "9110 13.2.1", post('If-Match: "other"'), 405)
case("If-Match with OPTIONS", "9110 13.2.1", req("OPTIONS", FILE, 'If-Match: "other"'), 200)

case = table("If-None-Match")
rows("If-None-Match", "9110 13.1.2", (
    ("@ETAG@", 304), ("W/@ETAG@", 304), ("*", 304), ('"other"', 200), ('W/"other"', 200), ('"other", @ETAG@', 304),
    ('"other",W/@ETAG@', 304), (',, @ETAG@', 304), ('"a,b", @ETAG@', 304), ('""', 200), ("", 200), ("unquoted", 200),
    ("w/@ETAG@", 200), ('"not closed', 200), ("**", 200), ("* , @ETAG@", 200)))
case("If-None-Match in two fields", "9110 13.1.2", get(FILE, 'If-None-Match: "other"', "If-None-Match: @ETAG@"), 304)
case("If-None-Match with HEAD", "9110 13.1.2", head(FILE, "If-None-Match: @ETAG@"), 304, has=VALIDATORS)
case("If-None-Match of a directory", "9110 13.1.2", get("/", "If-None-Match: *"), 304)
case("If-None-Match: * of what is not there", "9110 13.2.1", get("/nothing", "If-None-Match: *"), 404)
case("If-None-Match with POST", "9110 13.2.1", post("If-None-Match: *"), 405)
case("If-None-Match with OPTIONS", "9110 13.2.1", req("OPTIONS", FILE, "If-None-Match: *"), 200)
case("304 has neither content nor its fields", "9110 15.4.5", get(FILE, "If-None-Match: *"), 304,
     has={"Content-Type": None, "Content-Length": None, "Date": True}, body=b"")

case = table("If-Modified-Since")
rows("If-Modified-Since", "9110 13.1.3", (
    (DATE, 304), (LATER, 304), (EARLIER, 200), ("Tue, 31 Dec 2019 23:59:59 GMT", 200),
    ("Wed, 01 Jan 2020 00:00:01 GMT", 304),
    ("Wednesday, 01-Jan-20 00:00:00 GMT", 304), ("Wed Jan  1 00:00:00 2020", 304), ("Sunday, 06-Nov-94 08:49:37 GMT",
    200),
    ("Sun Nov  6 08:49:37 1994", 200), ("Wed, 01 Jan 2020 01:00:00 +0100", 200), ("Wed, 01 Jan 2020 00:00:00 UTC",
    200),
    ("Wed, 1 Jan 2020 00:00:00 GMT", 200), ("Wed, 01 Jan 2020 00:00:00", 200), ("2020-01-01T00:00:00Z", 200),
    ("1577836800", 200), ("nonsense", 200), ("", 200), ("Wed, 32 Jan 2020 00:00:00 GMT", 200),
    ("Wed, 01 Foo 2020 00:00:00 GMT", 200), ("Wed, 01 Jan 2020 25:00:00 GMT", 200), (LATER + "; length=13", 200)))
case("If-Modified-Since with HEAD", "9110 13.1.3", head(FILE, "If-Modified-Since: " + DATE), 304, has=VALIDATORS)
case("If-Modified-Since twice", "9110 13.1.3",
     get(FILE, "If-Modified-Since: " + LATER, "If-Modified-Since: " + LATER), 200)
case("If-Modified-Since with POST", "9110 13.1.3", post("If-Modified-Since: " + LATER), 405)

case = table("If-Unmodified-Since")
rows("If-Unmodified-Since", "9110 13.1.4", (
    (DATE, 200), (LATER, 200), (EARLIER, 412), ("Sunday, 06-Nov-94 08:49:37 GMT", 412), ("Sun Nov  6 08:49:37 1994",
    412),
    ("nonsense", 200), ("", 200)))
case("If-Unmodified-Since with HEAD", "9110 13.1.4", head(FILE, "If-Unmodified-Since: " + EARLIER), 412)
case("If-Unmodified-Since of what is not there", "9110 13.2.1", get("/nothing", "If-Unmodified-Since: " + EARLIER),
     404)

case = table("Order of preconditions")
# Field → the value with which it holds, and the one with which it fails.
PAIRS = {"If-Match": ("@ETAG@", '"other"'), "If-Unmodified-Since": (DATE, EARLIER),
         "If-None-Match": ('"other"', "@ETAG@"), "If-Modified-Since": (EARLIER, DATE)}
for a, b, both_hold, b_fails, a_fails, both_fail in (
        ("If-Match", "If-Unmodified-Since", 200, 200, 412, 412),
        ("If-Match", "If-None-Match", 200, 304, 412, 412),
        ("If-Match", "If-Modified-Since", 200, 304, 412, 412),
        ("If-Unmodified-Since", "If-None-Match", 200, 304, 412, 412),
        ("If-Unmodified-Since", "If-Modified-Since", 200, 304, 412, 412),
        ("If-None-Match", "If-Modified-Since", 200, 200, 304, 304)):
    for i, j, status in ((0, 0, both_hold), (0, 1, b_fails), (1, 0, a_fails), (1, 1, both_fail)):
        words = ("holds", "fails")
        case("%s %s, %s %s" % (a, words[i], b, words[j]), "9110 13.2.2",
             get(FILE, "%s: %s" % (a, PAIRS[a][i]), "%s: %s" % (b, PAIRS[b][j])), status)
case("weak tag: fails for If-Match, matches for If-None-Match", "9110 8.8.3.2",
     get(FILE, "If-Match: W/@ETAG@", "If-None-Match: W/@ETAG@"), 412)
case("all four hold", "9110 13.2.2", get(FILE, *["%s: %s" % (k, v[0]) for k, v in PAIRS.items()]), 200)
case("all four fail", "9110 13.2.2", get(FILE, *["%s: %s" % (k, v[1]) for k, v in PAIRS.items()]), 412)
case("the order of the fields does not matter", "9110 13.2.2",
     get(FILE, "If-Modified-Since: " + DATE, 'If-None-Match: "other"', "If-Unmodified-Since: " + EARLIER,
         "If-Match: @ETAG@"), 200)

case = table("Ranges")


def part(first, last, size=13):
    return {"Content-Range": "bytes %d-%d/%d" % (first, last, size), "Content-Length": str(last - first + 1)}


for text, first, last in (("0-0", 0, 0), ("0-4", 0, 4), ("5-", 5, 12), ("12-", 12, 12), ("0-", 0, 12), ("-1", 12, 12),
                          ("-5", 8, 12), ("-13", 0, 12), ("-14", 0, 12), ("-99999999999999999999", 0, 12), ("3-12", 3,
                          12),
                          ("3-13", 3, 12), ("3-99999999999999999999", 3, 12), ("0000-0004", 0, 4)):
    case("bytes=" + text, "9110 14.1.2", get(FILE, "Range: bytes=" + text), 206, body=("hello.txt", first, last),
         has={**part(first, last), **VALIDATORS})
for text in ("13-", "13-20", "99-", "18446744073709551616-", "-0"):
    case("bytes=%s cannot be satisfied" % text, "9110 15.5.17", get(FILE, "Range: bytes=" + text), 416,
         has={"Content-Range": "bytes */13"})
for text in ("bytes=4-0", "bytes=", "bytes=-", "bytes=--1", "bytes=a-b", "bytes=0-x", "bytes=0", "bytes=0-1-2",
        "bytes=+0-1",
             "bytes=0x0-0x1", "bytes 0-1", "bytes:0-1", "bytes", "0-1", "bytes =0-1", "bytes=0 - 1", "bytes=0-1;x",
             "lines=0-1",
             "byte=0-1", "", "bytes=1.0-2.0"):
    case("Range: '%s' is ignored" % text, "9110 14.2", get(FILE, "Range: " + text), 200, body="hello.txt",
         has={"Content-Range": None})
case("unit in other letters", "9110 14.1", get(FILE, "Range: Bytes=0-1"), 206, has=part(0, 1))
case("empty list elements", "9110 5.6.1", get(FILE, "Range: bytes=,0-1 ,"), 206, has=part(0, 1))
case("two Range fields", "9110 14.2", get(FILE, "Range: bytes=0-1", "Range: bytes=3-4"), 200, body="hello.txt")
case("Range with HEAD", "9110 14.2", head(FILE, "Range: bytes=0-1"), 200, has={"Content-Length": "13"})
case("unsatisfiable Range with HEAD", "9110 14.2", head(FILE, "Range: bytes=99-"), 200)
case("Range with POST", "9110 14.2", post("Range: bytes=0-1"), 405)
case("Range of an empty file", "9110 15.5.17", get("/empty.txt", "Range: bytes=0-"), 416,
     has={"Content-Range": "bytes */0"})
case("suffix range of an empty file", "9110 14.1.2", get("/empty.txt", "Range: bytes=-5"), 200, body=b"")
case("Range of a directory's index", "9110 14.2", get("/", "Range: bytes=0-8"), 206, body=("index.html", 0, 8))
case("Range of what is not there", "9110 14.2", get("/nothing", "Range: bytes=0-1"), 404)
case("Range of a redirect", "9110 14.2", get("/sub", "Range: bytes=0-1"), 301)
case("Range in HTTP/1.0", "9110 14.2", get(FILE, "Range: bytes=0-1", version="1.0"), 206, "close", has=part(0, 1))
case("Range within a large file", "9110 14.1.2", get("/tenth.bin", "Range: bytes=99000-"), 206,
     body=("tenth.bin", 99000, 99999), has=part(99000, 99999, 100000))
case("ranges one after another", "9110 14.2",
     get(FILE, "Range: bytes=0-4") + get(FILE, "Range: bytes=5-") + get(FILE, "Range: bytes=99-"), [206, 206, 416])
case("206 has what a 200 has", "9110 15.3.7.1", get(FILE, "Range: bytes=0-1"), 206,
     has={"Content-Type": "text/plain; charset=utf-8", "Accept-Ranges": "bytes", **VALIDATORS})

case = table("If-Range")
RANGE = "Range: bytes=0-4"
for value, status in (("@ETAG@", 206), (DATE, 206), ("W/@ETAG@", 200), ('"other"', 200), (EARLIER, 200), (LATER, 200),
                      ("nonsense", 200), ("", 200), ("*", 200), ('@ETAG@, "other"', 200), ("w/@ETAG@", 200),
                      ("Wednesday, 01-Jan-20 00:00:00 GMT", 206), ("Wed, 01 Jan 2020 00:00:01 GMT", 200)):
    shown = value.replace("@ETAG@", "E").replace(EARLIER, "earlier").replace(LATER, "later").replace(DATE, "same")
    case("If-Range: " + shown, "9110 13.1.5", get(FILE, RANGE, "If-Range: " + value), status,
         body=("hello.txt", 0, 4 if status == 206 else 12))
case("If-Range without Range", "9110 13.1.5", get(FILE, 'If-Range: "other"'), 200, body="hello.txt")
case("If-Range fails for what cannot be satisfied", "9110 13.2.2", get(FILE, "Range: bytes=99-", 'If-Range: "other"'),
     200)
case("If-Range holds for what cannot be satisfied", "9110 13.2.2", get(FILE, "Range: bytes=99-", "If-Range: @ETAG@"),
     416)
case("two If-Range fields", "9110 13.1.5", get(FILE, RANGE, "If-Range: @ETAG@", "If-Range: @ETAG@"), 200)
case("If-Range with HEAD", "9110 13.1.5", head(FILE, RANGE, "If-Range: @ETAG@"), 200)
case("If-None-Match before Range", "9110 13.2.2", get(FILE, RANGE, "If-None-Match: @ETAG@"), 304)
case("If-None-Match before a Range that cannot be satisfied", "9110 13.2.2",
     get(FILE, "Range: bytes=99-", "If-None-Match: @ETAG@"), 304)
case("If-Match before Range", "9110 13.2.2", get(FILE, RANGE, 'If-Match: "other"'), 412)
case("If-Match holds, with Range", "9110 13.2.2", get(FILE, RANGE, "If-Match: @ETAG@"), 206)
case("If-Unmodified-Since before Range", "9110 13.2.2", get(FILE, RANGE, "If-Unmodified-Since: " + EARLIER), 412)
case("If-Modified-Since before Range", "9110 13.2.2", get(FILE, RANGE, "If-Modified-Since: " + DATE), 304)
case("If-Match, If-None-Match, If-Range and Range all hold", "9110 13.2.2",
     get(FILE, RANGE, "If-Match: @ETAG@", 'If-None-Match: "other"', "If-Range: @ETAG@"), 206)

case = table("Several ranges")
SEVERAL = {"Content-Type": MULTIPART, "Content-Range": None}
LONG = "/tenth.bin"  # 100,000 bytes
case("two ranges", "9110 15.3.7.2", get(LONG, "Range: bytes=0-9,5000-5009"), 206, has=SEVERAL,
     body=Parts(LONG[1:], (0, 9), (5000, 5009)))
case("three ranges in the order of the request", "9110 15.3.7.2", get(LONG, "Range: bytes=90000-90009, 0-9, -5"), 206,
     has=SEVERAL, body=Parts(LONG[1:], (90000, 90009), (0, 9), (99995, 99999)))
case("a range that cannot be satisfied beside one that can", "9110 14.1.2", get(LONG, "Range: bytes=100000-,0-9"), 206,
     has=part(0, 9, 100000))
case("ranges none of which can be satisfied", "9110 15.5.17", get(LONG, "Range: bytes=100000-,-0"), 416,
     has={"Content-Range": "bytes */100000"})
case("one invalid range makes the set invalid", "9110 14.1.1", get(LONG, "Range: bytes=0-9,9-5"), 200)
case("ranges that overlap are one", "9110 15.3.7.2", get(FILE, "Range: bytes=0-5,3-7"), 206, has=part(0, 7),
     body=("hello.txt", 0, 7))
case("ranges that touch are one", "9110 15.3.7.2", get(FILE, "Range: bytes=0-4,5-7"), 206, has=part(0, 7))
case("the same range three times is one", "9110 15.3.7.2", get(FILE, "Range: bytes=1-2,1-2,1-2"), 206, has=part(1, 2))
case("ranges with a small gap are one", "9110 15.3.7.2", get(FILE, "Range: bytes=0-0,12-12"), 206, has=part(0, 12))
case("ranges together are all of the file", "9110 15.3.7.2", get(FILE, "Range: bytes=7-,0-6"), 206, has=part(0, 12))
case("32 ranges", "9110 14.2", get(LONG, "Range: bytes=" + ",".join("%d-%d" % (n, n + 9) for n in range(0, 96000,
     3000))),
     206, has=SEVERAL, body=Parts(LONG[1:], *[(n, n + 9) for n in range(0, 96000, 3000)]))
case("33 ranges are too many", "9110 14.2",
     get(LONG, "Range: bytes=" + ",".join("%d-%d" % (n, n + 9) for n in range(0, 99000, 3000))), 200, body="tenth.bin")
case("a thousand ranges of a byte", "9110 17.15", get(LONG, "Range: bytes=" + ",".join(["0-"] * 1000)), 200,
     body="tenth.bin")
case("blanks between ranges", "9110 5.6.1", get(LONG, "Range: bytes=0-9 ,\t5000-5009"), 206, has=SEVERAL,
     body=Parts(LONG[1:], (0, 9), (5000, 5009)))
case("several ranges with HEAD", "9110 14.2", head(LONG, "Range: bytes=0-9,5000-5009"), 200,
     has={"Content-Length": "100000"})
case("several ranges with If-Range", "9110 13.1.5", get(LONG, "Range: bytes=0-9,5000-5009", "If-Range: " + DATE), 206,
     has=SEVERAL)
case("several ranges with an If-Range that fails", "9110 13.1.5",
     get(LONG, "Range: bytes=0-9,5000-5009", 'If-Range: "other"'), 200, has={"Content-Length": "100000"})
case("several ranges of an empty file", "9110 15.5.17", get("/empty.txt", "Range: bytes=0-1,3-4"), 416)
case("several ranges, then another request", "9112 9.3.2",
     get(LONG, "Range: bytes=0-9,5000-5009") + get("/hello.txt"), [206, 200], body="hello.txt")

differs("400 close", OURS, "9110 5.3: a field that is a list may come in several lines", "If-Match in two fields",
        "If-None-Match in two fields")
differs("400 close", BOTH, "9110 5.3: what is no list MUST NOT come twice; ours ignores it", "If-Modified-Since twice",
        "two If-Range fields")
differs("405 open", BOTH, "9110 9.1: only GET and HEAD have to be there", "If-Match with OPTIONS",
        "If-None-Match with OPTIONS")
differs("304 open", BOTH, "9110 13.1.2: an asterisk stands alone; what else it may mean is open",
        "If-None-Match: * , E")
differs("304 open", OURS, "9110 13.1.3: what is no valid date MUST be ignored",
        "If-Modified-Since: Wed, 01 Jan 2020 00:00:00 UTC",
        "If-Modified-Since: Wed, 01 Jan 2020 00:00:00")
differs("200 open", OURS, "9110 13.1.3: not modified since then; nginx compares for equality",
        "If-Modified-Since: later",
        "If-Modified-Since: Wed, 01 Jan 2020 00:00:01 GMT")
differs("200 open", OURS, "9110 13.1.3: beside If-None-Match it MUST be ignored",
        "If-None-Match fails, If-Modified-Since holds")
differs("412 open…", OURS, "9110 13.1.4: what is no valid date MUST be ignored", "If-Unmodified-Since: nonsense",
        "If-Unmodified-Since: ")
differs("412 open", OURS, "9110 13.1.4: beside If-Match it MUST be ignored",
        "If-Match holds, If-Unmodified-Since fails",
        "the order of the fields does not matter")
differs("416 open…", OURS, "9110 14.1.2: beyond the end means up to the end, however large the number is",
        "bytes=-99999999999999999999", "bytes=3-99999999999999999999")
differs("416 open…", BOTH, "9110 15.5.17: invalid ranges may be rejected; 14.2: Range MAY be ignored", *[
    "Range: '%s' is ignored" % text for text in (
        "bytes=4-0", "bytes=-", "bytes=--1", "bytes=a-b", "bytes=0-x", "bytes=0", "bytes=0-1-2", "bytes=+0-1",
        "bytes=0x0-0x1",
        "bytes=0-1;x", "bytes=1.0-2.0")])
differs("206 open…", OURS, "9110 14.1.1: no blanks stand within a range", "Range: 'bytes=0 - 1' is ignored")
differs("416 open…", OURS, "9110 5.6.1.2: empty elements and blanks around elements MUST be taken",
        "empty list elements",
        "blanks between ranges")
differs("206 open; other content", BOTH, "9110 14.2: Range MAY be ignored; which of two counts is open",
        "two Range fields")
differs("206 open…", OURS, "9110 14.2: with another method than GET Range MUST be ignored", "Range with HEAD",
        "If-Range with HEAD",
        "several ranges with HEAD")
differs("416 open", OURS, "9110 14.2: with another method than GET Range MUST be ignored",
        "unsatisfiable Range with HEAD")
differs("200 open…", BOTH, "9110 15.5.17: 416 SHOULD say that nothing is there; 14.2: Range MAY be ignored",
        "Range of an empty file",
        "several ranges of an empty file")
differs("206 open; no Accept-Ranges", BOTH, "9110 14.3: a 206 says it anyway", "206 has what a 200 has")
differs("206 open", BOTH, "9110 14.1.1: the set is invalid; 14.2: the field MAY be ignored, and so may a part of it",
        "one invalid range makes the set invalid")
differs("206 open…", BOTH, "9110 15.3.7.2: ranges that overlap or lie close MAY be one; nginx sends them all",
        "ranges that*are one", "the same range three times is one", "ranges with a small gap are one",
        "ranges together are all of the file")
differs("206 open; other content", BOTH,
        "9110 17.15: many ranges may be ignored or refused; nginx sets no limit of its own",
        "33 ranges are too many")
