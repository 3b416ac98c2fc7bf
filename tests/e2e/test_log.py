# SPDX-License-Identifier: Apache-2.0
"""The access log: a line a request, and no client can write into it what it likes."""
import json
import os
import re
import signal
from contextlib import ExitStack

from basics import ADDRESS, HOST_ADDRESS, wait_until
from messages import Reader, get

COMBINED = re.compile(r'^(\S+) - - \[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000)\] "(\S+) (\S+) (HTTP/(?:1\.[01]|2\.0))" '
                      r'(\d{3}) (\d+) "([^"]*)" "([^"]*)"$')
NASTY = ("Referer: http://a/\"b\\c", "User-Agent: t\tab \"q\" \\ \xff\x80 end")
# As both formats show them: what is not printable ASCII, quotation marks and backslashes as \xHH. The server has taken the
# tab for a space before that (RFC 9110 5.6.3).
REFERER = "http://a/\\x22b\\x5cc"
AGENT = "t ab \\x22q\\x22 \\x5c \\xff\\x80 end"
LOST = re.compile(r"(\d+) lines of the access log were lost")


def all_of(fd):
    """Everything that can be read now, or until the end."""
    parts = []
    try:
        while True:
            parts.append(os.read(fd, 1 << 16))
            if not parts[-1]:
                break
    except BlockingIOError:
        pass
    return b"".join(parts)


def request_all(env):
    """One of each kind; returns how many."""
    env.fetch("http://%s/hello.txt" % ADDRESS, "-A", "plain/1", "-e", "http://from/")
    env.fetch("https://%s/nothing?a=b" % ADDRESS)
    env.fetch("http://%s/" % ADDRESS, "-I")
    with env.connect() as sock:
        sock.sendall(get("/%22%0a?\"x", *NASTY, close=True))
        Reader(sock).response()
    with env.connect() as sock:
        sock.sendall(get("/hello.txt?nasty", *NASTY, close=True))
        Reader(sock).response()
    return 5


def lines_of(server, count):
    wait_until(lambda: server.stdout.count("\n") >= count, "%d lines in the access log" % count)
    return server.stdout.splitlines()


def test_combined(env):
    with env.server("--log", "combined", "--workers", "1") as server:
        lines = lines_of(server, request_all(env))
        assert len(lines) == 5, lines
        assert all(32 <= ord(c) < 127 for line in lines for c in line), lines
        first = COMBINED.match(lines[0])
        assert first, lines[0]
        assert first.group(1, 3, 4, 5, 6, 7, 8, 9) == (
            HOST_ADDRESS, "GET", "/hello.txt", "HTTP/1.1", "200", "13", "http://from/", "plain/1"), lines[0]
        assert COMBINED.match(lines[1]).group(4, 6) == ("/nothing?a=b", "404"), lines[1]
        assert COMBINED.match(lines[2]).group(3, 6, 7) == ("HEAD", "200", "0"), lines[2]
        nasty = COMBINED.match(lines[4])
        assert nasty, lines[4]
        assert nasty.group(8, 9) == (REFERER, AGENT), lines[4]


def test_json(env):
    with env.server("--log", "json", "--workers", "1") as server:
        lines = lines_of(server, request_all(env))
        assert len(lines) == 5, lines
        entries = [json.loads(line) for line in lines]
        first = entries[0]
        assert (first["client"], first["method"], first["target"], first["status"], first["bytes"]) == (
            HOST_ADDRESS, "GET", "/hello.txt", 200, 13), first
        assert first["complete"] is True and first["user_agent"] == "plain/1" and not first["tls"], first
        assert entries[1]["status"] == 404 and entries[1]["target"] == "/nothing?a=b", entries[1]
        assert entries[1]["tls"] is True and entries[1]["referer"] is None, entries[1]
        assert entries[4]["referer"] == REFERER, entries[4]
        assert entries[4]["user_agent"] == AGENT, entries[4]
        with env.connect(rcvbuf=8192) as sock:
            sock.sendall(get("/eight.bin"))
            assert sock.recv(1) == b"H"
        last = json.loads(lines_of(server, 6)[5])
        assert last["target"] == "/eight.bin" and last["complete"] is False, last


def test_off(env):
    with env.server("--log", "off") as server:
        request_all(env)
        server.stop()
        assert server.stdout == "", server.stdout


def test_every_request_is_logged_in_the_end(env):
    with env.server("--workers", "2", "--log", "json") as server:
        for tls in (False, True):
            with env.connect(tls) as sock:
                reader = Reader(sock)
                for _ in range(10):
                    sock.sendall(get("/hello.txt") * 10)
                    for _ in range(10):
                        assert reader.response().status == 200
        server.stop()
        entries = [json.loads(line) for line in server.stdout.splitlines()]
        assert len(entries) == 200 and all(e["complete"] for e in entries), len(entries)


def test_reader_that_is_stuck_or_gone_holds_nobody_up(env):
    for gone in (False, True):
        with env.server("--workers", "1") as server:
            server.stop()
            reader, writer = os.pipe()
            try:
                server.launch(stdout=writer)
                os.close(writer)
                if gone:
                    os.close(reader)
                server.await_service()
                requests = 900
                with env.connect() as sock:
                    answers = Reader(sock)
                    for _ in range(requests // 100):  # several times what a pipe holds
                        sock.sendall(get("/hello.txt", "User-Agent: " + "x" * 400) * 100)
                        for _ in range(100):
                            assert answers.response().status == 200
                server.stop()
                if gone:
                    wait_until(lambda s=server: "access log" in s.stderr, "a line about the log")
                else:
                    os.set_blocking(reader, False)
                    read = all_of(reader)
                    assert read.endswith(b"\n") and all(COMBINED.match(line) for line in read.decode().splitlines())
                    lost = sum(int(n) for n in LOST.findall(server.stderr))
                    assert 0 < lost < 900 and read.count(b"\n") + lost == requests, (read.count(b"\n"), lost)
            finally:
                if not gone:
                    os.close(reader)


def test_two_workers_never_mix_lines_in_a_pipe_that_is_full(env):
    with env.server("--workers", "2", "--log", "$request_uri $http_user_agent") as server:
        server.stop()
        reader, writer = os.pipe()
        try:
            server.launch(stdout=writer)
            os.close(writer)
            server.await_service()
            with ExitStack() as stack:
                socks = [stack.enter_context(env.connect()) for _ in range(16)]
                for _ in range(4):
                    for sock in socks:
                        sock.sendall(get("/hello.txt", "User-Agent: " + "x" * 400) * 20)
                    for sock in socks:
                        answers = Reader(sock)
                        for _ in range(20):
                            assert answers.response().status == 200
            server.signal(signal.SIGTERM)
            read = all_of(reader)  # until both workers have closed it
            assert server.wait() == 0
            lines = read.decode().splitlines()
            assert set(lines) == {"/hello.txt " + "x" * 400}, lines[:3]
            lost = sum(int(n) for n in LOST.findall(server.stderr))
            assert len(lines) + lost == 16 * 20 * 4, (len(lines), lost)
        finally:
            os.close(reader)
