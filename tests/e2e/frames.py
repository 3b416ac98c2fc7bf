# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 frame by frame, for clients that have to wait at the right moment. A field section is the few bytes below."""
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, ACK, END_HEADERS = 1, 1, 4
LAST = 0x7fffffff


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def number(kind, stream, value):
    return frame(kind, 0, stream, struct.pack(">I", value))


def get(stream, path, authority):
    """A GET over https: literals without an index (RFC 7541 6.2.2), names from the static table."""
    block = bytes([0x82, 0x87]) + bytes([0x04, len(path)]) + path.encode() + \
        bytes([0x01, len(authority)]) + authority.encode()
    return frame(HEADERS, END_HEADERS | END_STREAM, stream, block)


class Frames:
    """What comes from a socket, a frame at a time."""

    def __init__(self, sock):
        self.sock = sock
        self.data = b""

    def _take(self, count):
        while len(self.data) < count:
            got = self.sock.recv(65536)
            if not got:
                assert not self.data, "the end of the stream within a frame"
                return None
            self.data += got
        taken, self.data = self.data[:count], self.data[count:]
        return taken

    def next(self):
        """(type, flags, stream, payload), or None at the end of the stream."""
        head = self._take(9)
        if head is None:
            return None
        payload = self._take(int.from_bytes(head[:3], "big")) if head[:3] != b"\0\0\0" else b""
        return head[3], head[4], int.from_bytes(head[5:9], "big"), payload

    def until(self, kind, flags=0):
        """The next frame of this type with these flags; others are passed over."""
        while True:
            found = self.next()
            assert found, "the end of the stream instead of a frame of type %d" % kind
            if found[0] == kind and found[1] & flags == flags:
                return found
