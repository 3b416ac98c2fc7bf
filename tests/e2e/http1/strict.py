# SPDX-License-Identifier: Apache-2.0
"""A strict reader of responses. What breaks the grammar or the framing raises Malformed: nothing behind it can be
read. What breaks another rule that holds for every response is a fault, in a few words."""
import calendar
import re
import time
from email.utils import formatdate

_STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) ([\t \x21-\x7e\x80-\xff]*)")      # RFC 9112 4
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*((?:[\x21-\x7e\x80-\xff](?:[\t \x21-\x7e\x80-\xff]*"
                    rb"[\x21-\x7e\x80-\xff])?)?)[ \t]*")                                       # RFC 9112 5
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,8}")
_ETAG = re.compile(r'(W/)?"[\x21\x23-\x7e\x80-\xff]*"')                                        # RFC 9110 8.8.3
_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+)")                                 # RFC 9110 14.4


class Malformed(Exception):
    """The bytes are no response."""


class Ended(Exception):
    """The stream ended; `partial` when within a response."""

    def __init__(self, partial):
        super().__init__("within a response" if partial else "between responses")
        self.partial = partial


class Answer:
    """One response as it was read."""

    def __init__(self, status, head, fields):
        self.status = status
        self.head = head      # its bytes, with the empty line
        self.fields = fields  # (name as sent, value)
        self.body = b""

    def all(self, name):
        return [v for n, v in self.fields if n.lower() == name.lower()]

    def __getitem__(self, name):
        return (self.all(name) or [None])[0]

    def closes(self):
        return any(t.strip().lower() == "close" for v in self.all("Connection") for t in v.split(","))


class StrictReader:
    """Reads responses off `receive()`, which gives b"" at the end of the stream."""

    def __init__(self, receive):
        self.receive = receive
        self.data = b""

    def _need(self, enough):
        while not enough():
            got = self.receive()
            if not got:
                raise Ended(bool(self.data))
            self.data += got

    def _line(self):
        self._need(lambda: b"\n" in self.data)
        line, _, self.data = self.data.partition(b"\n")
        if not line.endswith(b"\r") or b"\r" in line[:-1]:
            raise Malformed("a line without CRLF: %r" % line[:80])
        return line[:-1]

    def _take(self, count):
        self._need(lambda: len(self.data) >= count)
        taken, self.data = self.data[:count], self.data[count:]
        return taken

    def _fields(self, lines):
        fields = []
        for line in lines:
            m = _FIELD.fullmatch(line)
            if not m:
                raise Malformed("no field: %r" % line[:80])
            fields.append((m[1].decode(), m[2].decode("latin-1")))
        return fields

    def answer(self, to_head=False):
        """The next response; `to_head`: one to a HEAD request. Raises Ended, Malformed."""
        first = self._line()
        m = _STATUS_LINE.fullmatch(first)
        if not m:
            raise Malformed("no status line: %r" % first[:80])
        lines = [first]
        while lines[-1]:
            try:
                lines.append(self._line())
            except Ended:
                raise Ended(True) from None
        a = Answer(int(m[1]), b"\r\n".join(lines + [b""]), self._fields(lines[1:-1]))
        try:
            a.body = self._body(a, to_head)
        except Ended:
            raise Ended(True) from None
        return a

    def _body(self, a, to_head):
        """RFC 9112 6.3."""
        lengths, codings = a.all("Content-Length"), a.all("Transfer-Encoding")
        if lengths and codings or len(lengths) > 1 or (lengths and not re.fullmatch("[0-9]{1,15}", lengths[0])):
            raise Malformed("framing: %r %r" % (lengths, codings))
        if codings and codings != ["chunked"]:
            raise Malformed("transfer coding: %r" % codings)
        if a.status < 200 or a.status == 204:
            if lengths or codings:
                raise Malformed("framing fields in a %d" % a.status)
            return b""
        if to_head or a.status == 304:
            return b""
        if codings:
            return self._chunks()
        if not lengths:
            raise Malformed("a %d without a length" % a.status)
        return self._take(int(lengths[0]))

    def _chunks(self):
        body = b""
        while True:
            line = self._line()
            if not _CHUNK_SIZE.fullmatch(line):
                raise Malformed("chunk size: %r" % line[:80])
            size = int(line, 16)
            if size == 0:
                if self._line():
                    raise Malformed("a trailer")
                return body
            body += self._take(size)
            if self._take(2) != b"\r\n":
                raise Malformed("chunk without CRLF")


# ------------------------------------------------------------------ what holds for every response

def imf_date(text):
    """Seconds, or None when it is not exactly an IMF-fixdate (RFC 9110 5.6.7)."""
    try:
        seconds = calendar.timegm(time.strptime(text, "%a, %d %b %Y %H:%M:%S GMT"))
    except ValueError:
        return None
    return seconds if formatdate(seconds, usegmt=True) == text else None


def _date_faults(a):
    date, modified = a["Date"], a["Last-Modified"]
    now = imf_date(date) if date else None
    if not date:
        yield "no Date"                          # RFC 9110 6.6.1: MUST, with a clock
    elif now is None or abs(now - time.time()) > 3600:
        yield "Date is " + date
    if modified and (imf_date(modified) is None or (now and imf_date(modified) > now)):
        yield "Last-Modified is " + modified     # RFC 9110 8.8.2.1


def _range_faults(a, to_head):
    text = a["Content-Range"]
    m = _CONTENT_RANGE.fullmatch(text) if text else None
    several = (a["Content-Type"] or "").startswith("multipart/byteranges")
    if text and not m:
        yield "Content-Range is " + text
    elif a.status == 206 and several and text:
        yield "Content-Range beside multipart"   # RFC 9110 15.3.7.2: MUST NOT
    elif a.status == 206 and not several:
        if not m or not m[1]:
            yield "206 without Content-Range"    # RFC 9110 15.3.7.1: MUST
        elif not int(m[1]) <= int(m[2]) < int(m[3]) or (
                not to_head and len(a.body) != int(m[2]) - int(m[1]) + 1):
            yield "Content-Range does not fit"
    elif a.status == 416 and (not m or m[1]):
        yield "no Content-Range: */length"       # RFC 9110 15.5.17: SHOULD
    elif text and a.status not in (206, 416):
        yield "Content-Range in a %d" % a.status


def faults(a, to_head=False):
    """What is wrong with a final response, in words."""
    names = [n.lower() for n, _ in a.fields]
    found = ["two %s" % n for n in sorted(set(names)) if names.count(n) > 1]   # RFC 9110 5.3
    found += _date_faults(a)
    found += _range_faults(a, to_head)
    if a["ETag"] is not None and not _ETAG.fullmatch(a["ETag"]):
        found.append("ETag is " + a["ETag"])
    if a.status == 405 and a["Allow"] is None:
        found.append("no Allow")                 # RFC 9110 15.5.6: MUST
    if 300 < a.status < 400 and a.status != 304 and not a["Location"]:
        found.append("no Location")              # RFC 9110 15.4: SHOULD
    if a.body and not a["Content-Type"]:
        found.append("no Content-Type")          # RFC 9110 8.3: SHOULD
    if a.status == 304 and a["Content-Type"]:
        found.append("Content-Type in a 304")    # RFC 9110 15.4.5: SHOULD NOT
    return found
