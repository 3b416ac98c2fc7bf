# SPDX-License-Identifier: Apache-2.0
"""Starting and stopping: nothing is lost on the way and nothing is left behind."""
import os
import signal
import socket
import time
from contextlib import ExitStack

from basics import ADDRESS, DEVICE, HOST_ADDRESS, PATIENCE, text_of, wait_until
from messages import get, read_all


def assert_nothing_is_left(namespace):
    wait_until(lambda: DEVICE not in namespace.interfaces(), "the device goes")
    wait_until(lambda: not namespace.pids(), "the processes go")
    assert namespace.ip("route") == [], namespace.ip("route")
    assert {r["table"] for r in namespace.ip("rule")} == {"local", "main", "default"}, namespace.ip("rule")


def begin_download(env, server):
    """A client that has the first bytes of a response and reads no more for now."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    sock.settimeout(PATIENCE)
    sock.connect((ADDRESS, 80))
    sock.sendall(get("/eight.bin", close=True))
    first = sock.recv(4096, socket.MSG_PEEK)
    assert first.startswith(b"HTTP/1.1 200 "), first
    wait_until(lambda: server.workers_reading(env.path("eight.bin")), "the response is under way")
    return sock


def finish_download(env, sock):
    data = b""
    while b"\r\n\r\n" not in data:
        got = sock.recv(1)
        assert got, data
        data += got
    count, digest = read_all(sock)
    assert digest == env.sha256("eight.bin"), "%d bytes" % count


def test_the_host_side(env):
    namespace = env.shared().namespace
    (device,) = namespace.ip("addr", "show", "dev", DEVICE)
    addresses = [(a["local"], a["prefixlen"]) for a in device["addr_info"] if a["family"] == "inet"]
    assert addresses == [(HOST_ADDRESS, 24)], device
    assert "UP" in device["flags"] and device["mtu"] == 1500, device


def test_start_says_a_few_lines(env):
    with env.server() as server:
        wait_until(lambda: "https://" in server.stderr, "the lines of the start")
        lines = server.stderr.splitlines()
        assert 1 <= len(lines) <= 8, lines
        assert "http://%s/" % ADDRESS in server.stderr and "https://%s/" % ADDRESS in server.stderr, lines


def test_sigterm_and_sigint_end_it_and_leave_nothing(env):
    for number in (signal.SIGTERM, signal.SIGINT):
        with env.server() as server:
            with env.connect(), env.connect(port=443), env.connect(tls=True):  # idle clients do not hold it up
                server.signal(number)
                assert server.wait() == 0
            assert_nothing_is_left(server.namespace)


def test_ctrl_c_reaches_every_process_and_downloads_finish_all_the_same(env):
    """A terminal sends SIGINT to the whole group; a service manager may do so with SIGTERM."""
    for number in (signal.SIGINT, signal.SIGTERM):
        with env.server("--grace", "100") as server:
            sock = begin_download(env, server)
            os.killpg(server.pid, number)
            wait_until(lambda s=server: "stopping" in s.stderr, "the server says that it stops")
            finish_download(env, sock)
            sock.close()
            assert server.wait() == 0
            assert_nothing_is_left(server.namespace)


def test_start_again_at_once(env):
    with env.server() as server:
        for _ in range(3):
            assert env.fetch("https://%s/hello.txt" % ADDRESS).status == 200
            server.stop()
            server.start()
        assert env.fetch("https://%s/hello.txt" % ADDRESS).status == 200


def test_sigterm_lets_downloads_finish(env):
    with env.server("--grace", "100") as server:
        socks = [begin_download(env, server) for _ in range(3)]
        server.signal(signal.SIGTERM)
        wait_until(lambda: "stopping" in server.stderr, "the server says that it stops")
        assert server.alive()
        for sock in socks:
            finish_download(env, sock)
            sock.close()
        assert server.wait() == 0
        assert_nothing_is_left(server.namespace)


def refuses():
    """Is every one of many connections refused, whichever worker's queue it comes to?"""
    for _ in range(16):
        try:
            socket.create_connection((ADDRESS, 80), 20).close()
            return False
        except ConnectionRefusedError:
            pass
        except socket.timeout:
            raise AssertionError("a new connection is neither accepted nor refused") from None
    return True


def test_new_connections_are_refused_while_stopping(env):
    with env.server("--grace", "3600") as server, ExitStack() as stack:
        stack.callback(begin_download(env, server).close)
        server.signal(signal.SIGTERM)
        wait_until(refuses, "new connections are refused")
        server.signal(signal.SIGTERM)


def runs(pid):
    return text_of("/proc/%d/stat" % pid).rpartition(")")[2].strip()[:1] not in ("", "Z", "X")


def test_tls_download_finishes_too(env):
    with env.server("--grace", "100") as server, env.connect(tls=True, rcvbuf=8192) as sock:
        sock.sendall(get("/eight.bin"))
        assert sock.recv(1) == b"H"
        server.signal(signal.SIGTERM)
        wait_until(lambda: "stopping" in server.stderr, "the server says that it stops")
        count, _ = read_all(sock)  # up to an orderly close_notify
        assert count > len(env.content("eight.bin")), count
        sock.close()
        assert server.wait() == 0


def test_second_sigterm_ends_it_at_once(env):
    with env.server("--grace", "3600") as server:
        sock = begin_download(env, server)
        server.signal(signal.SIGTERM)
        wait_until(lambda: "stopping" in server.stderr, "the server says that it stops")
        server.signal(signal.SIGTERM)
        assert server.wait() == 0  # long before the hour is over
        sock.close()
        assert_nothing_is_left(server.namespace)


def test_grace_is_an_end(env):
    with env.server("--grace", "1") as server:
        sock = begin_download(env, server)
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
        sock.close()
        assert_nothing_is_left(server.namespace)


def test_killed_master_leaves_no_worker_and_no_device(env):
    with env.server() as server:
        workers = server.workers()
        assert workers
        server.signal(signal.SIGKILL)
        server.wait()
        assert_nothing_is_left(server.namespace)
        wait_until(lambda: not [p for p in workers if runs(p)], "the workers go")
        server.start()  # and nothing is in the way of the next
        assert env.fetch("http://%s/hello.txt" % ADDRESS).status == 200


def test_device_that_goes_away_ends_it(env):
    with env.server() as server:
        server.namespace.ip("link", "del", DEVICE)
        assert server.wait() == 1
        assert "%s is gone" % DEVICE in server.stderr, server.stderr
        assert_nothing_is_left(server.namespace)


def test_device_that_is_down_for_a_while(env):
    with env.server() as server:
        sock = begin_download(env, server)
        server.namespace.ip("link", "set", DEVICE, "down")
        time.sleep(1)
        server.namespace.ip("link", "set", DEVICE, "up")
        finish_download(env, sock)
        sock.close()
        assert env.fetch("https://%s/hello.txt" % ADDRESS).status == 200


def test_start_with_sigchld_ignored(env):
    """As some parents leave it behind; it is inherited."""
    with env.server() as server:
        server.stop()
        before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        try:
            server.launch(restore_signals=False)
        finally:
            signal.signal(signal.SIGCHLD, before)
        server.await_service()
        victim = server.workers()[0]
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: len(server.workers()) > 0 and victim not in server.workers(), "another worker")
        assert env.fetch("http://%s/hello.txt" % ADDRESS).status == 200


def test_start_with_closed_standard_descriptors(env):
    """No message and no access log may end up in whatever gets the numbers 0, 1 and 2 instead."""
    with env.server() as server:
        server.stop()
        for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
            server.launch("sh", "-c", 'exec "$@" ' + closed, "sh")
            server.await_service()
            assert env.fetch("http://%s/hello.txt" % ADDRESS).status == 200
            for pid in [server.pid] + server.workers():
                for fd in (0, 1, 2):
                    target = os.readlink("/proc/%d/fd/%d" % (pid, fd))
                    assert target == "/dev/null" or target.startswith(server.dir), (closed, pid, fd, target)
            server.stop()


def test_stop_while_starting(env):
    with env.server() as server:
        server.stop()
        for pause in (0.0, 0.01, 0.03, 0.1, 0.2, 0.4):
            server.launch()
            time.sleep(pause)
            server.signal(signal.SIGTERM)
            assert server.wait() in (0, -signal.SIGTERM)
            assert_nothing_is_left(server.namespace)
