# SPDX-License-Identifier: Apache-2.0
"""The segments themselves: the three of the handshake, the four of the close, and the answers to what does not
belong to any connection. Numbers are relative to the two initial sequence numbers, the ISNs."""
import os
import socket
import struct

from basics import ADDRESS
from messages import Reader, get
from packets import (ACK, FIN, MSS, PSH, RST, SACK_PERMITTED, SYN, TIMESTAMP, WSCALE, Capture, RawClient, checksum)

ADDRESS6 = "fd77:7475:6e00::2"  # by default
CONTROL = SYN | FIN | RST | ACK


def flags(segment):
    return segment.flags & CONTROL


class Conversation:
    """A captured connection; numbers() are relative: 0 is a side's SYN, 1 its first byte."""

    def __init__(self, segments):
        self.segments = segments
        self.client_isn = segments[0].seq
        self.server_isn = next(s.seq for s in segments if not s.to_server)

    def relative(self, segment):
        """(seq, ack)"""
        mine, other = self.client_isn, self.server_isn
        if not segment.to_server:
            mine, other = other, mine
        return (segment.seq - mine) & 0xffffffff, (segment.ack - other) & 0xffffffff


def assert_handshake(conversation):
    syn, syn_ack, ack = conversation.segments[:3]
    # 1. SYN, seq = client's ISN. Linux offers all four options.
    assert syn.to_server and flags(syn) == SYN and syn.ack == 0 and not syn.data, syn
    # 2. SYN and ACK, seq = server's ISN, ack = client's ISN + 1: the SYN takes one number.
    assert not syn_ack.to_server and flags(syn_ack) == SYN | ACK and not syn_ack.data, syn_ack
    assert conversation.relative(syn_ack) == (0, 1), syn_ack
    # No window is scaled within a SYN (RFC 7323 2.2), so that this is as large as it can be.
    assert syn_ack.window == 65535, syn_ack
    assert syn_ack.options[MSS] == 1460, syn_ack
    assert 0 <= syn_ack.options[WSCALE] <= 14, syn_ack
    assert syn_ack.options[TIMESTAMP][1] == syn.options[TIMESTAMP][0], (syn, syn_ack)
    # Nothing that was not offered (RFC 7323 1.3, RFC 2018 2).
    assert set(syn_ack.options) <= set(syn.options) <= {MSS, WSCALE, SACK_PERMITTED, TIMESTAMP}, (syn, syn_ack)
    # 3. ACK, seq = client's ISN + 1, ack = server's ISN + 1. It carries no data and takes no number.
    assert ack.to_server and flags(ack) == ACK and not ack.data, ack
    assert conversation.relative(ack) == (1, 1), ack
    assert ack.options[TIMESTAMP][1] == syn_ack.options[TIMESTAMP][0], (syn_ack, ack)


def assert_checksums(conversation, all_complete):
    for segment in conversation.segments:
        assert segment.ip_ok, segment
        assert segment.tcp_ok or segment.partial, segment
        assert not (all_complete and segment.partial), segment


def assert_streams(conversation, request, response):
    """Both streams are whole, in order, and acknowledged to the last byte."""
    for to_server, content in ((True, request), (False, response)):
        at = 1
        for segment in conversation.segments:
            if segment.to_server == to_server and segment.data:
                assert conversation.relative(segment)[0] == at, (at, segment)
                assert segment.data == content[at - 1:at - 1 + len(segment.data)], segment
                at += len(segment.data)
        assert at == len(content) + 1, (at, len(content))


def exchange(env, request, client_closes):
    """One request and its response; returns the whole conversation and the response's bytes. Each side
    closes only when the other's last segment has been seen, so that the order is certain."""
    response = b""
    with socket.socket() as sock:
        sock.bind(("10.77.0.1", 0))
        sock.settimeout(120)
        port = sock.getsockname()[1]
        with Capture(port) as capture:
            sock.connect((ADDRESS, 80))
            capture.wait_for(lambda s: s.to_server and flags(s) == ACK, "the third segment")
            sock.sendall(request)
            if client_closes:
                while not response.endswith(env.content("hello.txt")):
                    response += sock.recv(65536)
                end = 1 + len(response)
            else:
                while True:
                    got = sock.recv(65536)
                    if not got:
                        break
                    response += got
                end = 2 + len(response)  # the FIN takes a number
            isn = capture.wait_for(lambda s: not s.to_server, "SYN-ACK").seq
            capture.wait_for(lambda s: s.to_server and (s.ack - isn) & 0xffffffff == end,
                             "the client's ACK of everything")
            sock.close()
            fins = {}
            for to_server in (True, False):
                fins[to_server] = capture.wait_for(lambda s: s.to_server == to_server and s.flags & FIN, "a FIN")
            for to_server in (True, False):
                capture.wait_for(lambda s: s.to_server != to_server and s.ack == fins[to_server].end,
                                 "the ACK of the FIN")
            env.notes.append(capture.text())
            return Conversation(capture.segments()), response


def assert_no_more_than(conversation, data_segments):
    """Nothing was sent twice: handshake, data with an ACK at most for each, close."""
    assert len(conversation.segments) <= 3 + 2 * data_segments + 4, conversation.segments


def check_server_closes(env, all_complete):
    request = get("/hello.txt", close=True)
    c, response = exchange(env, request, client_closes=False)
    assert_handshake(c)
    assert_streams(c, request, response)
    assert_checksums(c, all_complete)
    assert_no_more_than(c, 2)
    n, m = 1 + len(request), 1 + len(response)
    fin, ack, client_fin, last_ack = c.segments[-4:]
    # The server closes first: FIN; ACK; then the client does: FIN; ACK. Each FIN takes one number.
    assert not fin.to_server and flags(fin) == FIN | ACK, fin
    assert (c.relative(fin)[0] + len(fin.data), c.relative(fin)[1]) == (m, n), fin
    assert ack.to_server and flags(ack) == ACK and c.relative(ack) == (n, m + 1), ack
    assert client_fin.to_server and flags(client_fin) == FIN | ACK and c.relative(client_fin) == (n, m + 1), client_fin
    assert not last_ack.to_server and flags(last_ack) == ACK and c.relative(last_ack) == (m + 1, n + 1), last_ack
    assert not ack.data and not client_fin.data and not last_ack.data, c.segments[-4:]


def check_client_closes(env, all_complete):
    request = get("/hello.txt")
    c, response = exchange(env, request, client_closes=True)
    assert_handshake(c)
    assert_streams(c, request, response)
    assert_checksums(c, all_complete)
    assert_no_more_than(c, 2)
    n, m = 1 + len(request), 1 + len(response)
    first = next(i for i, s in enumerate(c.segments) if s.flags & FIN)
    fin, rest = c.segments[first], c.segments[first + 1:]
    assert fin.to_server and flags(fin) == FIN | ACK and c.relative(fin) == (n, m), fin
    if len(rest) == 3:  # ACK and FIN apart
        assert not rest[0].to_server and flags(rest[0]) == ACK and c.relative(rest[0]) == (m, n + 1), rest
        del rest[0]
    # Its ACK may ride on the server's own FIN, as there is nothing left to send.
    server_fin, last_ack = rest
    assert not server_fin.to_server and flags(server_fin) == FIN | ACK, server_fin
    assert c.relative(server_fin) == (m, n + 1) and not server_fin.data, server_fin
    assert last_ack.to_server and flags(last_ack) == ACK and c.relative(last_ack) == (n + 1, m + 1), last_ack


def test_handshake_and_close_when_the_server_closes_first(env):
    env.shared()
    check_server_closes(env, False)


def test_handshake_and_close_when_the_client_closes_first(env):
    env.shared()
    check_client_closes(env, False)


def test_the_same_without_offload_and_every_checksum_complete(env):
    with env.server("--offload", "off"):
        for _ in range(5):
            check_server_closes(env, True)
            check_client_closes(env, True)


def test_half_close_has_four_segments_with_data_between(env):
    """The client closes its direction; the server's goes on, so that ACK and FIN come apart."""
    env.shared()
    request = get("/eight.bin", "Range: bytes=0-99999")
    with env.connect() as sock, Capture(sock.getsockname()[1]) as capture:
        sock.sendall(request)
        sock.shutdown(socket.SHUT_WR)
        reader = Reader(sock)
        assert len(reader.response().body) == 100000
        assert reader.at_end()
        fin = capture.wait_for(lambda s: s.to_server and s.flags & FIN, "the client's FIN")
        capture.wait_for(lambda s: not s.to_server and s.ack == fin.end, "its ACK")
        server_fin = capture.wait_for(lambda s: not s.to_server and s.flags & FIN, "the server's FIN")
        capture.wait_for(lambda s: s.to_server and s.ack == server_fin.end, "its ACK")
        assert not any(s.flags & RST for s in capture.segments()), capture.text()


def test_every_connection_begins_at_another_number(env):
    """RFC 6528: unpredictable from outside, and different for each pair of ports."""
    env.shared()
    isns = set()
    for port in range(30000, 30040):
        with RawClient(sport=port) as client:
            client.send(SYN)
            isns.add(client.expect(SYN | ACK, "SYN-ACK").seq)
            client.send(RST)
    assert len(isns) == 40, isns


def test_syn_to_a_closed_port_is_reset(env):
    """RFC 9293 3.10.7.1: seq 0, ack = what came + its length."""
    env.shared()
    for dport in (1, 81, 8080, 65535):
        with RawClient(sport=41000, dport=dport, isn=0xffffffff) as client:
            client.send(SYN, options=struct.pack("!BBH", MSS, 4, 1460))
            reset = client.receive()
            assert reset and flags(reset) == RST | ACK, reset
            assert (reset.seq, reset.ack, len(reset.data)) == (0, 0, 0), reset  # 2^32 - 1 + 1
            assert reset.tcp_ok or reset.partial, reset
    with RawClient(sport=41001, dport=81, isn=5000) as client:
        client.send(SYN, b"twelve bytes")
        reset = client.receive()
        assert flags(reset) == RST | ACK and (reset.seq, reset.ack) == (0, 5013), reset


def test_what_belongs_to_no_connection_is_reset(env):
    """With an ACK: RST with seq = that ACK. Without: RST and ACK. A RST is never answered."""
    env.shared()
    for dport in (80, 81):
        with RawClient(sport=41002, dport=dport, isn=7000) as client:
            client.send(ACK, b"abc", ack=123456)
            reset = client.receive()
            assert flags(reset) == RST and reset.seq == 123456, reset
            client.send(FIN | ACK, ack=99)
            reset = client.receive()
            assert flags(reset) == RST and reset.seq == 99, reset
            client.send(RST, seq=1)
            client.send(RST | ACK, seq=1, ack=1)
            client.send(ACK, seq=1, ack=777)
            reset = client.receive()
            assert flags(reset) == RST and reset.seq == 777, reset


def test_reset_outside_the_window_is_challenged(env):
    """RFC 5961 3.2: only the exact number ends the connection."""
    env.shared()
    with RawClient(sport=41003) as client:
        client.handshake()
        client.send(RST, seq=(client.snd_nxt + 1000) & 0xffffffff)
        challenge = client.receive()
        assert flags(challenge) == ACK and challenge.ack == client.snd_nxt, challenge
        client.send(SYN, seq=(client.snd_nxt + 500) & 0xffffffff)
        challenge = client.receive()
        assert flags(challenge) == ACK and challenge.ack == client.snd_nxt, challenge
        client.send(ACK | PSH, get("/hello.txt", close=True))
        got = b""
        while b"hello, world\n" not in got:
            segment = client.receive()
            assert segment, got
            got += segment.data
        client.send(RST, seq=client.snd_nxt, ack=0)


def test_udp_is_refused_at_once(env):
    # A client that tries HTTP/3 first goes on to TCP when it gets Port Unreachable.
    env.shared()
    for family, host in ((socket.AF_INET, ADDRESS), (socket.AF_INET6, ADDRESS6)):
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.settimeout(120)
            sock.connect((host, 443))
            for length in (0, 1, 1200):
                sock.send(os.urandom(length))
                try:
                    sock.recv(1)
                    raise AssertionError("an answer over UDP")
                except ConnectionRefusedError:
                    pass


def test_ping_answers(env):
    env.shared()
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sock:
        sock.settimeout(120)
        for length in (0, 1, 56, 1472):  # up to the MTU
            payload = os.urandom(length)
            head = struct.pack("!BBHHH", 8, 0, 0, os.getpid() & 0xffff, length)
            total = checksum(head + payload)
            sock.sendto(head[:2] + struct.pack("!H", total) + head[4:] + payload, (ADDRESS, 0))
            while True:
                packet, (source, _) = sock.recvfrom(70000)
                reply = packet[(packet[0] & 15) * 4:]
                if source == ADDRESS and reply[0] == 0:
                    break
            assert checksum(reply) == 0 and reply[4:8] == head[4:8] and reply[8:] == payload, (length, reply[:64])
