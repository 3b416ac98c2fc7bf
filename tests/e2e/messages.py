# SPDX-License-Identifier: Apache-2.0
"""HTTP messages as bytes: writing requests, reading responses."""
import hashlib

from basics import ADDRESS


def get(path, *fields, method="GET", close=False):
    """The bytes of a request."""
    lines = ["%s %s HTTP/1.1" % (method, path), "Host: " + ADDRESS, *fields]
    if close:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Response:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers  # list of (name in lower case, value)
        self.body = body

    def __getitem__(self, name):
        return dict(self.headers).get(name.lower())

    def __repr__(self):
        return "%d %r %r" % (self.status, self.headers, self.body[:200])


def parse_head(head):
    lines = head.decode("latin-1").split("\r\n")
    # curl writes what came over HTTP/2 in this way, too
    assert lines[0].startswith(("HTTP/1.1 ", "HTTP/2 ")), "no status line: %r" % lines[0]
    fields = [line.partition(":") for line in lines[1:] if line]
    return int(lines[0].split()[1]), [(name.lower(), value.strip()) for name, _, value in fields]


class Reader:
    """Takes responses off a stream, one after another."""

    def __init__(self, sock):
        self.sock = sock
        self.data = b""

    def _more(self):
        got = self.sock.recv(65536)
        self.data += got
        return bool(got)

    def response(self, head_only=False):
        while b"\r\n\r\n" not in self.data:
            assert self._more(), "the connection ended within a header: %r" % self.data
        head, _, self.data = self.data.partition(b"\r\n\r\n")
        status, headers = parse_head(head)
        length = 0 if head_only or status == 304 else int(dict(headers).get("content-length", 0))
        while len(self.data) < length:
            assert self._more(), "%d of %d bytes of content" % (len(self.data), length)
        body, self.data = self.data[:length], self.data[length:]
        return Response(status, headers, body)

    def at_end(self):
        """True when the stream ends here, in order and with nothing more."""
        return not self.data and not self._more()


def read_all(sock):
    """Everything until the peer's end, as (bytes, SHA-256)."""
    digest, count = hashlib.sha256(), 0
    while True:
        got = sock.recv(1 << 18)
        if not got:
            return count, digest.hexdigest()
        digest.update(got)
        count += len(got)
