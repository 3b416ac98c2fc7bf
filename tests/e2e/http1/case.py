# SPDX-License-Identifier: Apache-2.0
"""One row of the table, and the words that rows are written with.

    case(name, rfc, request, expect, end, has, body, tls)

name     in words; unique.
rfc      the section that judges: "9112 6.3".
request  the client's bytes as text (latin-1); or a list of such texts, with CONTINUE where the client waits for the
         100, and with HALF at the end where it closes its side. "@ETAG@" becomes hello.txt's entity-tag, with quotes.
expect   the status; or a list of all of them, in order; 0 for an end without a word. HEAD(200) is a response to HEAD.
end      "open": another request on the connection is served; "close": it ends, in order, and the last response has
         announced it. By default after CLOSING and 0 "close", else "open".
has      fields of the last response: {"Name": value}; a text is the whole value, True any value, None no such field; a
         text that ends with "…" is how the value begins.
body     of the last response: the name of a file, (name, first, last) for a part of it, bytes, or Parts of a file.
tls      the outcome inside TLS where it is another one; None: the case is not played there.

Where nginx does something else, the rows are followed by

    differs(does, right, why, *names)

does     what nginx does, in the words of play.Outcome; with "…" at the end: how they begin.
right    who is right by the RFC: OURS, NGINX or BOTH.
why      the section, and what it says.
names    of the rows; where no row is called so, "*" and "?" in it stand for anything.

What holds for every response (its grammar, its framing, Date, Allow with 405 and so on) is strict.py's to check.
"""
import fnmatch
from collections import namedtuple

CONTINUE, HALF = object(), object()
CLOSING = (400, 408, 413, 414, 421, 431, 501, 505)  # a refusal ends the connection

Case = namedtuple("Case", "name rfc request expect end has body tls group")
Difference = namedtuple("Difference", "does right why")
HEAD = namedtuple("HEAD", "status")  # the status of a response without content whatever its fields say

MULTIPART = "multipart/byteranges; boundary=…"

CASES = []
DIFFERENCES = {}  # name of a case → Difference

# Who is right where the servers differ.
OURS, NGINX, BOTH = "ours", "nginx", "both"

# All files were last changed at DATE; see site.py.
EARLIER = "Tue, 01 Jan 2019 00:00:00 GMT"
DATE = "Wed, 01 Jan 2020 00:00:00 GMT"
LATER = "Fri, 01 Jan 2021 00:00:00 GMT"

# What a smuggler hides in or behind a request. It answers with 203 bytes of its own: see site.py.
HIDDEN = "GET /hidden-request.txt HTTP/1.1\r\nHost: h\r\n\r\n"


class Parts:
    """A body of multipart/byteranges: these ranges of the file, in this order."""

    def __init__(self, name, *ranges):
        self.name, self.ranges = name, ranges


def status_of(item):
    return item.status if isinstance(item, HEAD) else item


def table(group):
    """The function that adds rows to a group."""
    def case(name, rfc, request, expect, end=None, has=None, body=None, tls=""):
        expect = expect if isinstance(expect, list) else [HEAD(expect) if is_head(request) else expect]
        last = status_of(expect[-1])
        end = end or ("close" if last in CLOSING + (0,) else "open")
        assert name not in {c.name for c in CASES}, "two cases are called " + name
        request = request if isinstance(request, list) else [request]
        if HALF in request:
            tls = None  # what closing one side of TLS means differs from client to client
        CASES.append(Case(name, rfc, request, expect, end, has or {}, body, tls, group))
    return case


def differs(does, right, why, *names):
    """nginx does something else in these rows, which must be there already."""
    difference = Difference(does, right, why)
    for pattern in names:
        names_of = [c.name for c in CASES]
        found = [pattern] if pattern in names_of else fnmatch.filter(names_of, pattern.replace("[", "[[]"))
        assert found, "no case is called " + pattern
        for name in found:
            assert name not in DIFFERENCES, "two differences for " + name
            DIFFERENCES[name] = difference


def is_head(request):
    return isinstance(request, str) and request.startswith("HEAD ")


def req(method, target, *fields, version="1.1", host="h", body=""):
    """A request; `host` None leaves the field away."""
    lines = ["%s %s HTTP/%s" % (method, target, version)] + (["Host: " + host] if host is not None else [])
    lines += fields
    return "\r\n".join(lines) + "\r\n\r\n" + body


def get(target, *fields, **how):
    return req("GET", target, *fields, **how)


def head(target, *fields, **how):
    return req("HEAD", target, *fields, **how)


def post(*fields, **how):
    """Content is drained, and the answer is 405: the file cannot be posted to."""
    return req("POST", "/hello.txt", *fields, **how)


def chunked(content, *fields, **how):
    return post("Transfer-Encoding: chunked", *fields, body=content, **how)
