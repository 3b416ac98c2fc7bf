# SPDX-License-Identifier: Apache-2.0
"""TCP Fast Open (RFC 7413) with the kernel's client: the request in the SYN."""
import errno
import socket

from basics import ADDRESS, Skipped
from messages import get

SYSCTL = "/proc/sys/net/ipv4/tcp_fastopen"
MSG_FASTOPEN = getattr(socket, "MSG_FASTOPEN", 0x20000000)
REQUEST = get("/hello.txt", close=True)


def need_client():
    """Bit 0 of the setting, which each namespace has of its own."""
    try:
        with open(SYSCTL, "r+", encoding="ascii") as f:
            value = int(f.read())
            f.seek(0)
            f.write(str(value | 1))
    except (OSError, ValueError) as e:
        raise Skipped("the kernel lets nobody switch Fast Open on: %s" % e) from e


def opened_fast():
    """How many SYNs of ours had data that were acknowledged with them."""
    with open("/proc/thread-self/net/netstat", encoding="ascii") as f:
        names, values = [line.split() for line in f if line.startswith("TcpExt:")][:2]
    if "TCPFastOpenActive" not in names:
        raise Skipped("the kernel does not count Fast Open")
    return int(values[names.index("TCPFastOpenActive")])


def fetch(request=REQUEST):
    """One request, in the SYN when there is a cookie for the server."""
    data = b""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        try:
            sock.sendto(request, MSG_FASTOPEN, (ADDRESS, 80))  # one that waits: without a cookie it connects first
        except OSError as e:
            if e.errno != errno.EOPNOTSUPP:
                raise
            raise Skipped("the kernel's client refuses Fast Open: %s" % e) from e
        sock.settimeout(10)
        while True:
            more = sock.recv(65536)
            if not more:
                return data
            data += more


def test_requests_in_syns_are_answered(env):
    """The first connection brings the cookie. It is good at either worker."""
    with env.server("--fast-open", "on", "--workers", "2"):
        need_client()
        before = opened_fast()
        for _ in range(9):
            assert fetch().endswith(b"hello, world\n")
        assert opened_fast() - before == 8, opened_fast() - before


def test_curl_opens_fast(env):
    with env.server("--fast-open", "on", "--workers", "1"):
        need_client()
        before = opened_fast()
        for scheme in ("http", "https") * 3:
            r = env.fetch("%s://%s/hello.txt" % (scheme, ADDRESS), "--tcp-fastopen")
            assert r.status == 200 and r.body == b"hello, world\n", r
        assert opened_fast() > before


def test_switched_off_the_handshake_is_ordinary(env):
    with env.server("--workers", "1"):
        need_client()
        before = opened_fast()
        for _ in range(3):
            assert fetch().endswith(b"hello, world\n")
        assert opened_fast() == before
