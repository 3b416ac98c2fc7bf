# SPDX-License-Identifier: Apache-2.0
"""What one client may take, and what happens to one that takes more. Other clients do not notice."""
import socket
import time

from basics import ADDRESS, wait_until
from messages import Reader, get


def served(env):
    """A good client gets its answer, whatever the others are doing."""
    response = env.fetch("http://%s/hello.txt" % ADDRESS)
    assert response.status == 200 and response.body == b"hello, world\n", response


def ended(sock):
    """The server is done with the connection: its FIN or a RST is here."""
    try:
        return sock.recv(65536) == b""
    except ConnectionResetError:
        return True


def answer(env, request):
    """The response to these bytes, and whether the connection then ends."""
    with env.connect() as sock:
        sock.sendall(request)
        reader = Reader(sock)
        response = reader.response()
        return response, response["connection"] == "close" and reader.at_end()


def with_content(length, path="/hello.txt"):
    return get(path, "Content-Length: %d" % length) + b"x" * length


def test_sizes_at_their_edges(env):
    with env.server("--workers", "1", "--max-header-size", "1k", "--max-target-size", "100", "--max-header-fields", "5",
                    "--max-body-size", "10"):
        head = len(get("/hello.txt", "X: "))
        cases = (("X: " + "x" * (1024 - head), 200), ("X: " + "x" * (1025 - head), 431))  # RFC 6585 5
        for field, status in cases:
            response, closed = answer(env, get("/hello.txt", field))
            assert (response.status, closed) == (status, status != 200), (status, response)
        for count, status in ((5, 200), (6, 431)):  # with Host
            response, closed = answer(env, get("/hello.txt", *["X: %d" % i for i in range(count - 1)]))
            assert (response.status, closed) == (status, status != 200), (count, response)
        for length, status in ((100, 404), (101, 414)):  # RFC 9110 15.5.15
            response, closed = answer(env, get("/" + "x" * (length - 1)))
            assert (response.status, closed) == (status, status == 414), (length, response)
        for length, status in ((10, 200), (11, 413)):  # RFC 9110 15.5.14
            response, closed = answer(env, with_content(length))
            assert (response.status, closed) == (status, status == 413), (length, response)


def test_requests_of_one_connection(env):
    with env.server("--workers", "1", "--max-requests", "3"), env.connect() as sock:
        sock.sendall(get("/hello.txt") * 4)
        reader = Reader(sock)
        assert [reader.response()["connection"] for _ in range(3)] == [None, None, "close"]
        assert reader.at_end()


def test_ranges_of_one_request(env):
    url = "http://%s/eight.bin" % ADDRESS
    three = "Range: bytes=0-0,1000-1000,2000-2000"
    with env.server("--workers", "1", "--max-ranges", "3"):
        response = env.fetch(url, "-H", three)
        assert response.status == 206 and response["content-type"].startswith("multipart/byteranges"), response
        assert env.fetch(url, "-H", three + ",3000-3000").status == 200
    with env.server("--workers", "1", "--max-ranges", "0"):
        assert env.fetch(url, "-H", "Range: bytes=0-0").status == 200


def test_slow_header_is_ended_and_others_are_served(env):
    """Slowloris."""
    with env.server("--workers", "1", "--header-timeout", "1") as server, env.connect() as sock:
        sock.sendall(b"GET /hello.txt HTTP/1.1\r\nX: ")
        sock.settimeout(0.2)
        data = b""
        while not data:
            sock.sendall(b"x")
            try:
                data = sock.recv(65536)
            except socket.timeout:
                served(env)
        assert data.startswith(b"HTTP/1.1 408 "), data
        wait_until(lambda: ended(sock), "the end of the connection")
        port_line = "%s port %d: header-timeout:" % sock.getsockname()
        sock.close()
        wait_until(lambda: port_line in server.stderr, "the line %r" % port_line)


def drip_content(env, server, reason):
    """R.U.D.Y.: content that comes a byte at a time."""
    with env.connect() as sock:
        sock.sendall(get("/hello.txt", "Content-Length: 100000", method="POST"))
        sock.settimeout(0.2)
        data = b""
        while not data:
            if reason == "too-slow-receive":
                sock.sendall(b"x")
            try:
                data = sock.recv(65536)
            except socket.timeout:
                served(env)
        assert data.startswith(b"HTTP/1.1 408 "), data
        line = "%s port %d: %s:" % (*sock.getsockname(), reason)
    wait_until(lambda: line in server.stderr, "the line %r" % line)


def test_slow_content_is_ended_and_others_are_served(env):
    with env.server("--workers", "1", "--rate-window", "1") as server:
        drip_content(env, server, "too-slow-receive")
    with env.server("--workers", "1", "--body-timeout", "1") as server:
        drip_content(env, server, "body-timeout")


def sip(env, server, reason, *fields):
    """A client with a small buffer that reads a little now and then, or nothing."""
    with env.connect(rcvbuf=4096) as sock:
        line = "%s port %d: %s:" % (*sock.getsockname(), reason)
        sock.sendall(get("/eight.bin", *fields))
        while line not in server.stderr:
            if reason == "too-slow-send":
                assert sock.recv(512)
            served(env)
            time.sleep(0.05)
        try:
            while sock.recv(65536):
                pass
            raise AssertionError("a response that was cut off ended in order")
        except ConnectionResetError:
            pass


def test_slow_reader_is_reset_and_others_are_served(env):
    with env.server("--workers", "1", "--min-send-rate", "1000000", "--rate-window", "1") as server:
        sip(env, server, "too-slow-send")
        sip(env, server, "too-slow-send", "Connection: close")
    with env.server("--workers", "1", "--send-timeout", "1") as server:
        sip(env, server, "send-timeout")

