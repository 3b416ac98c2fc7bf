# SPDX-License-Identifier: Apache-2.0
"""Clients that do not behave: they vanish, half-close, reset, or read slowly."""
import hashlib
import socket
import ssl
import struct
import time

from basics import ADDRESS, MIB, wait_until
from messages import Reader, get, read_all
from packets import ACK, PSH, RST, SYN, Capture, RawClient

NO_CACHE = ("--file-cache", "off")  # a worker then has a file open for as long as a response of it is under way


def assert_serves(env):
    assert env.fetch("http://%s/hello.txt" % ADDRESS).body == b"hello, world\n"
    assert env.fetch("https://%s/hello.txt" % ADDRESS).body == b"hello, world\n"


def read_response(sock, pause=None):
    """Reads one response up to the end of the stream; returns its content's SHA-256. `pause(sock, digest)` may
    do something after the header."""
    data = b""
    while b"\r\n\r\n" not in data:
        got = sock.recv(4096)
        assert got, data
        data += got
    head, _, body = data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 "), head
    digest = hashlib.sha256(body)
    if pause:
        pause(sock, digest)
    while True:
        got = sock.recv(1 << 18)
        if not got:
            return digest.hexdigest()
        digest.update(got)


def take(client, complete):
    """Takes and acknowledges what the server sends, in order, until `complete(bytes)`."""
    data = b""
    while not complete(data):
        segment = client.receive()
        assert segment, "nothing more after %r" % data[-200:]
        if segment.seq == client.rcv_nxt and segment.data:
            data += segment.data
            client.rcv_nxt = segment.seq + len(segment.data) & 0xffffffff
        client.send(ACK)
    return data


def test_client_that_vanishes_within_a_download_is_let_go(env):
    with env.server("--tcp-timeout", "3", *NO_CACHE, "--workers", "1") as server, RawClient() as client:
        path = env.path("eight.bin")
        client.handshake()
        client.send(ACK | PSH, get("/eight.bin"))
        first = client.expect(ACK, "the beginning of the response")
        while not first.data:
            first = client.expect(ACK, "the beginning of the response")
        wait_until(lambda: server.workers_reading(path), "the worker reads the file")
        # Not a word from the client from here on.
        again = client.receive()
        while again and not (again.seq == first.seq and again.data):
            again = client.receive()
        assert again, "nothing was sent again"
        wait_until(lambda: not server.workers_reading(path), "the worker gives the response up")
        while client.receive(3):
            pass
        # The connection is gone: what belongs to it is answered with a RST that takes its number (RFC 9293 3.5.2).
        client.send(ACK, ack=client.rcv_nxt)
        reset = client.expect(RST, "a RST, for a connection that is no more")
        assert reset.seq == client.rcv_nxt, reset
        assert_serves(env)


def test_idle_client_is_probed(env):
    """--tcp-keepalive: a probe lies below the next number, and whoever answers it stays connected."""
    with env.server("--tcp-keepalive", "1", "--workers", "1"), RawClient() as client:
        client.handshake()
        for _ in range(2):
            probe = client.expect(ACK, "a keepalive probe")
            assert (probe.seq, probe.data) == (client.rcv_nxt - 1 & 0xffffffff, b""), probe
            client.send(ACK)
        client.send(ACK | PSH, get("/hello.txt", close=True))
        assert take(client, lambda data: b"hello, world" in data).startswith(b"HTTP/1.1 200 ")
    # The kernel of a client answers by itself.
    with env.server("--tcp-keepalive", "1", "--workers", "1"), socket.create_connection((ADDRESS, 80)) as sock:
        time.sleep(2.5)
        sock.sendall(get("/hello.txt", close=True))
        assert b"hello, world" in b"".join(iter(lambda: sock.recv(4096), b""))
    # Who does not answer is let go, long before the idle time-out.
    with env.server("--tcp-keepalive", "1", "--workers", "1"), RawClient() as client:
        client.handshake()
        assert client.expect(RST | ACK, "a RST after nine probes", timeout=30).seq == client.rcv_nxt


def test_client_that_never_opens_its_window_is_let_go(env):
    """It answers every probe, so that only --send-timeout ends this."""
    with env.server("--send-timeout", "2", *NO_CACHE, "--workers", "1") as server, RawClient() as client:
        path = env.path("eight.bin")
        client.handshake(window=0)
        client.send(ACK | PSH, get("/eight.bin"), window=0)
        wait_until(lambda: server.workers_reading(path), "the worker reads the file")
        segment = client.receive()
        while segment and not segment.flags & RST:
            client.send(ACK, window=0)
            segment = client.receive()
        assert segment, "neither probes nor a RST"
        wait_until(lambda: not server.workers_reading(path), "the worker closes the file")
        assert_serves(env)


def test_syn_and_nothing_after(env):
    env.shared()
    with RawClient(sport=40001) as client:
        client.send(SYN)
        first = client.expect(SYN | ACK, "SYN-ACK")
        again = client.expect(SYN | ACK, "the SYN-ACK again")
        assert (first.seq, first.ack) == (again.seq, again.ack) and first.ack == client.isn + 1, (first, again)
        assert_serves(env)
        client.send(RST)  # RFC 9293 3.10.7.4, second: ends the half-open connection
        assert_serves(env)


def test_many_half_open_connections_do_not_keep_others_out(env):
    env.shared()
    with RawClient() as client:
        for flags, seq in ((SYN, 1000), (RST, 1001)):
            for client.sport in range(20000, 22000):
                for client.dport in (80, 443):
                    client.send(flags, seq=seq)
            assert_serves(env)


def test_connection_without_a_request_is_ended(env):
    with env.server("--idle-timeout", "1", "--header-timeout", "1", "--handshake-timeout", "1"):
        for port, data in ((80, b""), (80, b"GET / HT"), (443, b""), (443, b"\x16\x03\x01\x01")):
            with env.connect(port=port) as sock:
                sock.sendall(data)
                count, _ = read_all(sock)  # ends, or the socket's timeout is the failure
                assert count < 2000, (port, data, count)
        assert_serves(env)


def test_client_that_half_closes_gets_all_of_the_answer(env):
    env.shared()
    with env.connect() as sock:
        sock.sendall(get("/eight.bin"))
        sock.shutdown(socket.SHUT_WR)
        assert read_response(sock) == env.sha256("eight.bin")


def test_client_that_resets_within_a_download(env):
    path = env.path("eight.bin")
    with env.server("--workers", "2", *NO_CACHE) as server:
        for tls in (False, True):
            for _ in range(20):
                with env.connect(tls, rcvbuf=16384) as sock:
                    sock.sendall(get("/eight.bin"))
                    assert sock.recv(1000)
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            wait_until(lambda: not server.workers_reading(path), "the workers close the file")
        assert_serves(env)


def test_client_that_leaves_within_the_tls_handshake(env):
    env.shared()
    hello = bytes.fromhex("1603010005010000010003")
    for part in (hello[:3], hello[:5], hello):
        for linger in (0, 1):
            with env.connect(port=443) as sock:
                sock.sendall(part)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", linger, 0))
    assert_serves(env)


def test_slow_reader_gets_every_byte(env):
    """A receive buffer of next to nothing, and pauses in which the window shuts."""
    env.shared()
    for tls in (False, True):
        with env.connect(tls, rcvbuf=2048) as sock:
            port = sock.getsockname()[1]
            with Capture(port) as capture:
                def pause(s, digest):
                    for _ in range(2):
                        seen = len(capture.segments())
                        wait_until(lambda: any(x.to_server and x.window == 0 for x in capture.segments()[seen:]) or
                                   stands_still(capture), "the client's window is shut")
                        for _ in range(64):
                            digest.update(s.recv(16384))
                sock.sendall(get("/eight.bin", close=True))
                assert read_response(sock, pause) == env.sha256("eight.bin")


def stands_still(capture):
    """Has the server sent no data for a while?"""
    data = [s for s in capture.segments() if not s.to_server and s.data]
    return data and time.monotonic() - data[-1].when > 2


def test_shut_window_is_probed_and_opens_again(env):
    env.shared()
    with RawClient(sport=40002) as client:
        client.handshake(window=0)
        client.send(ACK | PSH, get("/eight.bin", "Range: bytes=0-9999", close=True), window=0)
        for _ in range(4):  # the ACK of the request, then probes: nothing, or one byte beyond the window
            segment = client.receive()
            assert segment and len(segment.data) <= 1, segment
            client.send(ACK, window=0)
        client.send(ACK)
        got = take(client, lambda data: len(data.partition(b"\r\n\r\n")[2]) == 10000)
        assert got.partition(b"\r\n\r\n")[2] == env.content("eight.bin")[:10000]
        client.send(RST)


def test_segments_out_of_order_and_twice_make_one_request(env):
    env.shared()
    with RawClient(sport=40003) as client:
        client.handshake()
        request = get("/hello.txt", close=True)
        start = client.snd_nxt
        for first, last in ((20, 30), (40, len(request)), (10, 25), (28, 45), (20, 30), (0, 12), (0, 12)):
            client.send(ACK, request[first:last], seq=start + first)
        client.snd_nxt = start + len(request)
        got = take(client, lambda data: data.endswith(b"hello, world\n"))
        assert got.startswith(b"HTTP/1.1 200 "), got
        client.send(RST)


def test_damaged_segments_are_not_taken(env):
    """A wrong TCP checksum, a wrong IP checksum: as if they had never come."""
    env.shared()
    with RawClient(sport=40004) as client:
        client.handshake()
        good = client.address
        client.address = "10.77.0.98"  # the pseudo-header's sum is over this one
        packet_address = good
        real_send = client._sock.sendto  # pylint: disable=protected-access

        class Bend:
            def sendto(self, packet, where):
                real_send(packet[:12] + socket.inet_aton(packet_address) + packet[16:], where)
        sock, client._sock = client._sock, Bend()
        client.send(ACK, get("/", close=True), seq=client.snd_nxt)
        client._sock, client.address = sock, good
        client.send(ACK, get("/hello.txt", close=True))
        got = take(client, lambda data: data.endswith(b"hello, world\n"))
        assert got.startswith(b"HTTP/1.1 200 "), got
        client.send(RST)


def test_upload_that_nobody_wants_is_answered(env):
    """At once; the client, still sending, must be able to read it: no RST before it has."""
    env.shared()
    for tls in (False, True):
        with env.connect(tls) as sock:
            sock.sendall(get("/hello.txt", "Content-Length: %d" % (4 * MIB), method="PUT"))
            sock.settimeout(60)
            for _ in range(64):
                try:
                    sock.sendall(b"x" * 4096)
                except (ConnectionError, ssl.SSLError):
                    break
            assert Reader(sock).response().status in (405, 413)
