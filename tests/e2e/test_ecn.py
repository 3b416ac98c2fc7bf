# SPDX-License-Identifier: Apache-2.0
"""Explicit congestion notification with the kernel's TCP as the other side: agreed on when the client asks, and a
bottleneck that marks instead of dropping."""
import os
import socket
import subprocess

from basics import ADDRESS, Skipped, wait_until
from messages import get, read_all
from test_link import big_file, linked


CLASSIC, ACCURATE = "1", "3"  # what clients ask for: RFC 3168, or RFC 9768 from Linux 6.18 on


def ask(kind=CLASSIC):
    """The kernel's clients of this namespace ask for ECN from now on, also those that speak IPv6."""
    try:
        with open("/proc/sys/net/ipv4/tcp_ecn", "w", encoding="ascii") as f:
            f.write(kind)
    except OSError as e:
        raise Skipped("this kernel does not know that kind of ECN") from e


def what_the_kernel_says(sock):
    """The words of `ss -tino` about a connection."""
    text = subprocess.run(["ss", "-tino", "sport = :%d" % sock.getsockname()[1]], stdout=subprocess.PIPE,
                          check=True).stdout.decode()
    return text.split()


def fetch(sock):
    sock.sendall(get("/eight.bin", close=True))
    read_all(sock)


def words_after_a_download(env, *options):
    with env.server("--workers", "1", *options):
        ask()
        with env.connect() as sock:
            fetch(sock)
            return what_the_kernel_says(sock)


def test_client_that_asks_gets_it(env):
    words = words_after_a_download(env)
    assert "ecn" in words and "ecnseen" in words, words


def test_switched_off(env):
    words = words_after_a_download(env, "--ecn", "off")
    assert "sack" in words and "ecn" not in words, words


def test_client_that_does_not_ask(env):
    with env.server("--workers", "1"):
        ask("0")
        with env.connect() as sock:
            fetch(sock)
            words = what_the_kernel_says(sock)
    assert "sack" in words and "ecn" not in words, words


MARKING = ("--delay", "5ms", "--rate", "200mbit", "--mark", "100")


def marks_instead_of_losses(env, kind, host):
    """The queue never comes near its end: the server listens to the marks that the client's kernel tells of."""
    name = big_file(env)
    with linked(env, *MARKING) as link:
        ask(kind)
        assert env.fetch_sha256("https://%s/%s" % (host, name)) == env.sha256(name)
        link.settle()
        _, down = link.stop()
    assert down["bytes in"] > os.path.getsize(env.path(name))
    assert down["marked"] > 0 and down["overflowed"] == 0, down
    assert down["marked"] < down["in"] / 2, down


def test_marks_instead_of_losses(env):
    for host in (ADDRESS, "[fd77:7475:6e00::2]"):
        marks_instead_of_losses(env, CLASSIC, host)


def test_marks_instead_of_losses_accurately(env):
    marks_instead_of_losses(env, ACCURATE, ADDRESS)


def test_nothing_to_mark_without_asking(env):
    name = big_file(env)
    with linked(env, *MARKING) as link:
        assert env.fetch_sha256("http://%s/%s" % (ADDRESS, name)) == env.sha256(name)
        link.settle()
        up, down = link.stop()
    assert up["marked"] == down["marked"] == 0, (up, down)


def the_server_tells_of_marks(env, kind):
    """A bottleneck that marks what the client sends: its kernel hears of it, and not one byte is lost."""
    with linked(env, "--left-to-right", "--delay", "5ms", "--rate", "10mbit", "--mark", "5") as link:
        ask(kind)
        with socket.create_connection((ADDRESS, 80), 60) as sock:
            sock.settimeout(60)
            padding = "X-Padding: %s\r\n" % ("x" * 4000)
            requests = get("/hello.txt").replace(b"\r\n\r\n", b"\r\n" + padding.encode() + b"\r\n")
            sock.sendall(requests * 50)
            wait_until(lambda: "delivered_ce:" in " ".join(what_the_kernel_says(sock)), "echoes")
            sock.sendall(get("/hello.txt", close=True))
            read_all(sock)
        link.settle()
        up, _ = link.stop()
    assert up["marked"] > 0 and up["overflowed"] == 0, up


def test_the_server_echoes_marks(env):
    the_server_tells_of_marks(env, CLASSIC)


def test_the_server_counts_marks(env):
    the_server_tells_of_marks(env, ACCURATE)
