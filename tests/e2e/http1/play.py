# SPDX-License-Identifier: Apache-2.0
"""Plays a case on a connection and says in a line what came of it: the Outcome.

    "405 open"   "400 close"   "100 200 open"   "close" (without a word)   "200 open; no Allow, body is other"

A row holds when the outcome is exactly what it expects. "waits": the server wanted more before it answered."""
import re
import socket
import ssl
from collections import namedtuple

from http1 import site
from http1.case import CONTINUE, HALF, HEAD, MULTIPART, Parts, status_of
from http1.strict import Ended, Malformed, StrictReader, faults

PROBE = b"GET /probe.txt HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"


class Outcome(namedtuple("Outcome", "statuses end faults")):
    def __str__(self):
        text = " ".join(self.statuses + (self.end,)).strip()
        return "; ".join([text, ", ".join(self.faults)]) if self.faults else text


def expected(case):
    """What the row wants, as an outcome's text."""
    return " ".join([str(status_of(e)) for e in case.expect if status_of(e)] + [case.end])


class Player:
    """`connect()` gives a connected socket, `etag` that of hello.txt on this server."""

    def __init__(self, connect, etag, patience):
        self.connect = connect
        self.etag = etag
        self.patience = patience  # seconds until a silent server counts as waiting

    def play(self, case, cut=lambda data: [data]):
        """The outcome; `cut` gives the pieces in which bytes are written."""
        with self.connect() as sock:
            sock.settimeout(self.patience)
            return _Exchange(sock, case, cut, self.etag).outcome()


class _Exchange:
    def __init__(self, sock, case, cut, etag):
        self.sock = sock
        self.case = case
        self.cut = cut
        self.etag = etag
        self.reader = StrictReader(self._receive)
        self.statuses = []
        self.faults = []
        self.waited = False
        self.last = None

    def _receive(self):
        try:
            return self.sock.recv(65536)
        except ConnectionError:
            self.faults.append("reset")
            return b""
        except ssl.SSLEOFError:
            self.faults.append("no close_notify")
            return b""
        except TimeoutError:
            # It would wait on. The end of our side makes it answer what it has, or give up.
            if self.waited:
                raise
            self.waited = True
            self._half_close()
            return self._receive()

    def _half_close(self):
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def _send(self, data):
        try:
            for piece in self.cut(data):
                self.sock.sendall(piece)
        except OSError:
            pass  # it has closed already: what it said before that is still to be read

    def _send_requests(self):
        for part in self.case.request:
            if part is CONTINUE:
                self._read(False)
            elif part is HALF:
                self._half_close()
            else:
                self._send(part.replace("@ETAG@", self.etag).encode("latin-1"))

    def _read(self, to_head):
        """One response; False when there is none."""
        try:
            a = self.reader.answer(to_head)
        except Ended as e:
            if e.partial:
                self.faults.append("half a response")
            return False
        self.statuses.append(str(a.status))
        if a.status >= 200:
            self.last = a
            self.faults += faults(a, to_head)
        return True

    def _finish(self):
        """Does the connection go on? Other responses that come before the probe's are counted, too."""
        announced = self.last is not None and self.last.closes()
        while not announced and not self.waited:
            self._send(PROBE)
            before = self.last
            while self._read(False):
                if self.last.body == site.PROBE:
                    self.statuses.pop()
                    self.last = before
                    return "open"
                announced = announced or self.last.closes()
            break
        if self.waited:
            return "waits"
        if announced and (self.reader.data or self._receive()):
            self.faults.append("bytes behind the last response")
        if not announced and self.last is not None and HALF not in self.case.request:
            self.faults.append("no Connection: close")  # RFC 9112 9.6: SHOULD
        return "close"

    def outcome(self):
        try:
            self._send_requests()
            want = [e for e in self.case.expect if status_of(e)]
            while len(self.statuses) < len(want):
                if not self._read(isinstance(want[len(self.statuses)], HEAD)):
                    break
                if self.last is not None and self.last.closes():
                    break
            end = "close" if HALF in self.case.request and not self.statuses else self._finish()
        except Malformed as e:
            end = "malformed"
            self.faults = [str(e)]
        except TimeoutError:
            end = "hangs"
        if self.last is not None:
            self.faults += broken_rules(self.case, self.last, self.etag)
        return Outcome(tuple(self.statuses), end, tuple(dict.fromkeys(self.faults)))


# ------------------------------------------------------------------ the row's own rules

def broken_rules(case, answer, etag):
    """What the row wants of its last response and this one has not."""
    found = []
    for name, value in case.has.items():
        got = answer[name]
        if value is None and got is not None:
            found.append("%s is %s" % (name, got))
        elif value is not None and got is None:
            found.append("no " + name)
        elif isinstance(value, str) and not fits(got, value.replace("@ETAG@", etag)):
            found.append("%s is %s" % (name, got))
    if case.body is not None and answer.body != content(case.body, answer):
        found.append("other content")
    return found


def fits(value, wanted):
    return value.startswith(wanted[:-1]) if wanted.endswith("…") else value == wanted


def content(rule, answer):
    if isinstance(rule, Parts):
        return multipart(rule, answer)
    if isinstance(rule, bytes):
        return rule
    name, first, last = rule if isinstance(rule, tuple) else (rule, 0, None)
    return site.FILES[name][first:None if last is None else last + 1]


def multipart(rule, answer):
    """What multipart/byteranges looks like, to the byte, with the boundary and the type that this answer has (RFC 9110
    14.6)."""
    kind = answer["Content-Type"] or ""
    if not kind.startswith(MULTIPART[:-1]):
        return None
    boundary = kind[len(MULTIPART) - 1:].encode()
    whole = site.FILES[rule.name]
    part_type = re.search(rb"\r\nContent-Type: [^\r\n]*\r\n", answer.body)
    text = b""
    for first, last in rule.ranges:
        text += b"\r\n--%s%sContent-Range: bytes %d-%d/%d\r\n\r\n%s" % (
            boundary, part_type[0] if part_type else b"", first, last, len(whole), whole[first:last + 1])
    return text + b"\r\n--%s--\r\n" % boundary
