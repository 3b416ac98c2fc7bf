# SPDX-License-Identifier: Apache-2.0
"""What one client may take, and what happens to one that takes more. Other clients do not notice."""
import os
import signal
import socket
import time
from contextlib import ExitStack

from basics import ADDRESS, HOST_ADDRESS, wait_until
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


def test_requests_sent_ahead_are_answered_in_order(env):
    with env.server("--workers", "1", "--max-pipeline", "3"):
        for tls in (False, True):
            with env.connect(tls=tls) as sock:
                sock.sendall(b"".join(get("/%d" % i if i % 2 else "/hello.txt") for i in range(500)))
                reader = Reader(sock)
                assert [reader.response().status for _ in range(500)] == [200, 404] * 250


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


OTHER = "10.77.0.3"  # a second address of the host: another client


def dial(source, timeout=30):
    """A connection from this address, or None when it was refused."""
    sock = socket.socket()
    sock.settimeout(timeout)
    try:
        sock.bind((source, 0))
        sock.connect((ADDRESS, 80))
        sock.sendall(get("/hello.txt"))
        assert Reader(sock).response().status == 200
        return sock
    except ConnectionResetError:
        sock.close()
        return None


def fill(stack, count):
    """So many connections; who connected before may still be on its way out."""
    socks = []
    for _ in range(count):
        socks.append(wait_until(lambda: dial(HOST_ADDRESS), "a place"))
        stack.callback(socks[-1].close)
    return socks


def test_300_connections_of_one_client_are_capped_and_another_is_served(env):
    """In all workers together: which of them gets a connection is the kernel's choice."""
    with env.server("--workers", "2", "--max-connections-per-client", "40") as server, ExitStack() as stack:
        server.namespace.ip("addr", "add", OTHER + "/24", "dev", "tunhttpd0")
        socks = fill(stack, 40)
        assert not any(dial(HOST_ADDRESS) for _ in range(260))
        assert "%s port " % HOST_ADDRESS in server.stderr and "client-connections: refused" in server.stderr
        assert OTHER not in server.stderr
        for _ in range(8):
            sock = dial(OTHER)
            assert sock, "another client was refused"
            sock.close()
        for sock in socks[:20]:  # places come back
            sock.close()
        again = wait_until(lambda: dial(HOST_ADDRESS), "a place")
        again.close()


def test_a_dead_worker_leaves_no_connections_behind(env):
    with env.server("--workers", "1", "--max-connections-per-client", "3") as server, ExitStack() as stack:
        fill(stack, 3)
        assert not dial(HOST_ADDRESS)
        victim = server.workers()[0]
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: server.workers() and victim not in server.workers(), "another worker")
        server.await_service()
        fill(stack, 3)
        assert not dial(HOST_ADDRESS)


def test_max_connections_closes_the_idle_and_keeps_the_busy(env):
    with env.server("--workers", "1", "--max-connections", "10", "--idle-timeout", "3600") as server, \
            ExitStack() as stack:
        busy = stack.enter_context(env.connect(rcvbuf=8192))
        busy.sendall(get("/eight.bin", "Connection: close"))
        assert busy.recv(1) == b"H"
        idle = []
        for _ in range(30):
            sock = dial(HOST_ADDRESS)
            assert sock, "refused though idle connections were there to be closed"
            stack.callback(sock.close)
            idle.append(sock)
        for sock in idle[:20]:
            assert ended(sock)
        for sock in idle[-9:]:
            sock.sendall(get("/hello.txt"))
            assert Reader(sock).response().status == 200
        assert "made-room: " in server.stderr, server.stderr
        count = 1
        while True:
            got = busy.recv(1 << 16)
            if not got:
                break
            count += len(got)
        assert count > len(env.content("eight.bin")), count


def test_max_connections_refuses_when_all_are_busy(env):
    with env.server("--workers", "1", "--max-connections", "5") as server, ExitStack() as stack:
        for _ in range(5):
            sock = stack.enter_context(env.connect(rcvbuf=8192))
            sock.sendall(get("/eight.bin"))
            assert sock.recv(1) == b"H"
        assert dial(HOST_ADDRESS) is None
        wait_until(lambda: "max-connections: refused" in server.stderr, "the line that says so")


def parallel(env, count, *args, scheme="http"):
    """How many of so many requests at once by one curl had which status."""
    urls = ["%s://%s/hello.txt" % (scheme, ADDRESS)] * count
    done = env.curl("--parallel", "--parallel-max", "20", *args, "-w", "%{http_code}\\n",
                    *[a for url in urls for a in ("-o", "/dev/null", url)])
    assert done.returncode == 0, done.stderr
    statuses = done.stdout.decode().split()
    return {status: statuses.count(status) for status in statuses}


def test_too_many_requests_are_429_in_all_workers_together(env):
    with env.server("--workers", "2", "--limit-requests", "1/m,30") as server:
        server.namespace.ip("addr", "add", OTHER + "/24", "dev", "tunhttpd0")
        assert parallel(env, 100, "--interface", HOST_ADDRESS) == {"200": 30, "429": 70}
        assert parallel(env, 30, "--interface", OTHER) == {"200": 30}
        response = env.fetch("http://%s/" % ADDRESS, "--interface", HOST_ADDRESS)
        assert response.status == 429 and 1 <= int(response["retry-after"]) <= 60, response
        assert "%s port " % HOST_ADDRESS in server.stderr and "too-many-requests: " in server.stderr, server.stderr
        assert server.stdout.count(" 429 ") == 71


def test_too_many_requests_over_http_2(env):
    """The streams of one connection count like requests of many."""
    with env.server("--workers", "1", "--limit-requests", "1/m,30") as server:
        assert parallel(env, 100, "--http2", scheme="https") == {"200": 30, "429": 70}
        assert server.stdout.count("HTTP/2.0\" 429 ") == 70, server.stdout


def test_exempt_clients_have_no_limits(env):
    with env.server("--workers", "1", "--limit-requests", "1/m,1", "--max-connections-per-client", "2",
                    "--limit-exempt", "192.0.2.0/24,%s" % HOST_ADDRESS) as server:
        server.namespace.ip("addr", "add", OTHER + "/24", "dev", "tunhttpd0")
        assert parallel(env, 50, "--interface", HOST_ADDRESS) == {"200": 50}
        assert env.fetch("http://%s/" % ADDRESS, "--interface", OTHER).status == 200
        assert env.fetch("http://%s/" % ADDRESS, "--interface", OTHER).status == 429


def test_each_site_has_a_limit_of_its_own(env):
    path = env.write("limits.conf", "limit-requests = 1/m,4\n[site one.test]\nlimit-requests = 1/m,2\n[site two.test]\n"
                     "[site free.test]\nlimit-requests = off\n")
    with env.server("--workers", "1", "--config", path):
        for host, allowed in ((ADDRESS, 4), ("one.test", 2), ("two.test", 4), ("free.test", 10)):
            statuses = [env.fetch("http://%s/hello.txt" % ADDRESS, "-H", "Host: " + host).status for _ in range(10)]
            assert statuses == [200] * allowed + [429] * (10 - allowed), (host, statuses)
