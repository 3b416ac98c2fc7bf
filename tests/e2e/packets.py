# SPDX-License-Identifier: Apache-2.0
"""Packets on the TUN device: capturing them, reading them, and a client that is made of nothing else.

AF_PACKET sockets on the device see what the host sends to the server and what the server sends back. A packet
with an address that the host does not have is not the kernel's business: that is how RawClient talks to the
server without the kernel's TCP getting in between.
"""
import errno
import socket
import struct
import threading
import time

from basics import ADDRESS, DEVICE, PATIENCE, wait_until

ETH_P_ALL, ETH_P_IP = 3, 0x0800
SOL_PACKET, PACKET_AUXDATA = 263, 8
TP_STATUS_CSUMNOTREADY = 1 << 3
FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
STRANGER = "10.77.0.99"  # an address of the network that nobody has


def checksum(data):
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def pseudo_header(src, dst, protocol, length):
    return socket.inet_aton(src) + socket.inet_aton(dst) + struct.pack("!BBH", 0, protocol, length)


def ip_packet(src, dst, protocol, payload, ident=1):
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), ident, 0x4000, 64, protocol, 0)
    addresses = socket.inet_aton(src) + socket.inet_aton(dst)
    return head[:10] + struct.pack("!H", checksum(head + addresses)) + addresses + payload


class Segment:
    """One TCP segment in an IPv4 packet."""

    def __init__(self, packet, partial=False, when=0.0):
        header_len = (packet[0] & 15) * 4
        total = struct.unpack("!H", packet[2:4])[0]
        tcp = packet[header_len:total]
        self.when = when
        self.partial = partial  # the TCP checksum is left to the device
        self.src, self.dst = socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])
        self.sport, self.dport, self.seq, self.ack, offset, self.flags, self.window = struct.unpack(
            "!HHIIBBH", tcp[:16])
        data_at = (offset >> 4) * 4
        self.options = self._options(tcp[20:data_at])
        self.data = tcp[data_at:]
        self.ip_ok = checksum(packet[:header_len]) == 0
        self.tcp_ok = checksum(pseudo_header(self.src, self.dst, 6, len(tcp)) + tcp) == 0
        self.to_server = self.dst == ADDRESS

    @staticmethod
    def _options(data):
        """{kind: value} in the order of the header; a timestamp is (value, echo)."""
        out, at = {}, 0
        while at < len(data) and data[at] != 0:
            if data[at] == 1:
                at += 1
                continue
            kind, length = data[at], data[at + 1]
            body = data[at + 2:at + length]
            out[kind] = struct.unpack("!II", body) if kind == 8 else int.from_bytes(body, "big")
            at += length
        return out

    @property
    def end(self):
        """The sequence number after the segment."""
        return (self.seq + len(self.data) + bool(self.flags & SYN) + bool(self.flags & FIN)) & 0xffffffff

    def flag_names(self):
        return ".".join(n for n, bit in (("SYN", SYN), ("FIN", FIN), ("RST", RST), ("ACK", ACK)) if self.flags & bit)

    def __repr__(self):
        return "%.6f %s:%d > %s:%d %s seq %d ack %d win %d len %d options %r%s" % (
            self.when, self.src, self.sport, self.dst, self.dport, self.flag_names(), self.seq, self.ack,
            self.window, len(self.data), self.options, " (checksum partial)" if self.partial else "")


MSS, WSCALE, SACK_PERMITTED, SACK, TIMESTAMP = 2, 3, 4, 5, 8  # option kinds


class Capture:
    """Every TCP segment on the device, from `with` on. Give `port` to keep one connection only."""

    def __init__(self, port=None, device=DEVICE):
        self.port = port
        self._segments = []
        self._packets = []  # the same, with the time of day, as they came
        self._lock = threading.Lock()
        self._stop = False
        self._sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        self._sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self._sock.bind((device, ETH_P_ALL))
        self._sock.settimeout(0.1)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop = True
        self._thread.join()
        self._sock.close()

    def _run(self):
        while not self._stop:
            try:
                packet, control, _, _ = self._sock.recvmsg(70000, 256)
            except socket.timeout:
                continue
            except OSError as e:
                if e.errno == errno.ENETDOWN:
                    continue  # said once; the device may come up again
                return
            partial = any(level == SOL_PACKET and kind == PACKET_AUXDATA and
                          struct.unpack("=I", data[:4])[0] & TP_STATUS_CSUMNOTREADY
                          for level, kind, data in control)
            if len(packet) < 40 or packet[0] >> 4 != 4 or packet[9] != 6:
                continue
            segment = Segment(packet, partial, time.monotonic())
            if self.port is None or self.port in (segment.sport, segment.dport):
                with self._lock:
                    self._segments.append(segment)
                    self._packets.append((time.time(), packet))

    def segments(self):
        with self._lock:
            return list(self._segments)

    def text(self):
        return "\n".join(map(repr, self.segments()))

    def save(self, path):
        """As a file for other tools: pcap with packets that begin with the IP header (LINKTYPE_RAW, 101)."""
        with self._lock, open(path, "wb") as f:
            f.write(struct.pack("=IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 101))
            for when, packet in self._packets:
                f.write(struct.pack("=IIII", int(when), int(when % 1 * 1e6), len(packet), len(packet)) + packet)

    def wait_for(self, condition, what, timeout=PATIENCE):
        """The first segment that `condition` accepts."""
        return wait_until(lambda: next(filter(condition, self.segments()), None), what, timeout)


class RawClient:
    """A client whose segments are written by the test, one by one, from an address that the host does not
    have. It acknowledges nothing by itself."""

    def __init__(self, sport=40000, dport=80, isn=1000, address=STRANGER, device=DEVICE):
        self.address, self.sport, self.dport, self.device = address, sport, dport, device
        self.isn = self.snd_nxt = isn
        self.rcv_nxt = 0
        self.server_isn = None
        self._sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
        self._sock.bind((device, ETH_P_IP))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._sock.close()

    def send(self, flags, data=b"", seq=None, ack=None, window=65535, options=b""):
        if seq is None:
            seq = self.snd_nxt
            self.snd_nxt = (seq + len(data) + bool(flags & SYN) + bool(flags & FIN)) & 0xffffffff
        if ack is None:
            ack = self.rcv_nxt if flags & ACK else 0
        head = struct.pack("!HHIIBBHHH", self.sport, self.dport, seq, ack, (20 + len(options)) // 4 << 4, flags,
                           window, 0, 0) + options
        total = checksum(pseudo_header(self.address, ADDRESS, 6, len(head) + len(data)) + head + data)
        tcp = head[:16] + struct.pack("!H", total) + head[18:] + data
        self._sock.sendto(ip_packet(self.address, ADDRESS, 6, tcp), (self.device, ETH_P_IP))

    def receive(self, timeout=PATIENCE):
        """The next segment that the server sends to this client; None when none comes."""
        end = time.monotonic() + timeout
        while True:
            left = end - time.monotonic()
            if left <= 0:
                return None
            self._sock.settimeout(left)
            try:
                packet = self._sock.recv(70000)
            except socket.timeout:
                return None
            if len(packet) < 40 or packet[0] >> 4 != 4 or packet[9] != 6:
                continue
            segment = Segment(packet, when=time.monotonic())
            if (segment.src, segment.dst, segment.sport, segment.dport) == (
                    ADDRESS, self.address, self.dport, self.sport):
                return segment

    def expect(self, flags, what, timeout=PATIENCE):
        """The next segment with exactly these of SYN, FIN, RST and ACK; others are passed over."""
        end = time.monotonic() + timeout
        while True:
            segment = self.receive(max(0.0, end - time.monotonic()))
            assert segment, "waited in vain for: %s" % what
            if segment.flags & (SYN | FIN | RST | ACK) == flags:
                return segment

    def handshake(self, window=65535):
        self.send(SYN, options=struct.pack("!BBH", MSS, 4, 1460), window=window)
        segment = self.expect(SYN | ACK, "SYN-ACK")
        assert segment.ack == self.snd_nxt, segment
        self.server_isn = segment.seq
        self.rcv_nxt = segment.end
        self.send(ACK, window=window)
        return segment
