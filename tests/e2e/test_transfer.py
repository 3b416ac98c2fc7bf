# SPDX-License-Identifier: Apache-2.0
"""Large files arrive as they are, however they travel."""
import os
import shutil
import ssl
import subprocess

from basics import ADDRESS, MIB, Skipped
from messages import get, read_all


def test_large_file_over_http(env):
    env.shared()
    name = env.big()
    assert env.fetch_sha256("http://%s/%s" % (ADDRESS, name)) == env.sha256(name)


def test_large_file_over_https(env):
    env.shared()
    name = env.big()
    assert env.fetch_sha256("https://%s/%s" % (ADDRESS, name)) == env.sha256(name)


def test_range_in_the_middle_of_the_large_file(env):
    env.shared()
    name = env.big()
    first = env.big_mib // 2 * MIB + 12345
    r = env.fetch("https://%s/%s" % (ADDRESS, name), "-r", "%d-%d" % (first, first + MIB - 1))
    with open(env.path(name), "rb") as f:
        f.seek(first)
        assert r.status == 206 and r.body == f.read(MIB)


def test_file_that_shrinks_within_a_download_is_no_whole_answer(env):
    """The promised length cannot be kept, so the connection is reset: a FIN would say that this was all."""
    env.shared()
    for tls in (False, True):
        path = env.write("site/shrinks.bin", os.urandom(8 * MIB))
        with env.connect(tls, rcvbuf=8192) as sock:
            sock.sendall(get("/shrinks.bin", close=True))
            assert sock.recv(1) == b"H"
            os.truncate(path, 3 * MIB)
            try:
                count, _ = read_all(sock)
                raise AssertionError("an orderly end after %d bytes" % count)
            except (ConnectionResetError, ssl.SSLEOFError):
                pass
        os.unlink(path)


def test_file_that_is_replaced_within_a_download(env):
    """What is sent is what the header promised: the old file, to its end."""
    env.shared()
    path = env.write("site/changes.bin", env.content("eight.bin"))
    with env.connect(rcvbuf=8192) as sock:
        sock.sendall(get("/changes.bin", close=True))
        assert sock.recv(1) == b"H"
        shutil.copy(env.path("hello.txt"), path + ".new")
        os.rename(path + ".new", path)
        data = b""
        while b"\r\n\r\n" not in data:
            data += sock.recv(1)
        assert read_all(sock) == (8 * MIB, env.sha256("eight.bin"))
    os.unlink(path)


def test_file_that_is_written_to_within_a_download_is_no_whole_answer(env):
    """Old and new would be mixed. Appended to counts, too: nobody can tell that the rest is as it was."""
    env.shared()
    for tls in (False, True):
        path = env.write("site/changes.bin", env.content("eight.bin"))
        with env.connect(tls, rcvbuf=8192) as sock:
            sock.sendall(get("/changes.bin", close=True))
            assert sock.recv(1) == b"H"
            with open(path, "ab") as f:
                f.write(b"more")
            try:
                count, _ = read_all(sock)
                raise AssertionError("an orderly end after %d bytes" % count)
            except (ConnectionResetError, ssl.SSLEOFError):
                pass
        os.unlink(path)


RULES = """table ip lossy {
    chain in { type filter hook input priority 0; iifname "tunhttpd0" numgen random mod 33 == 0 drop; }
    chain out { type filter hook output priority 0; oifname "tunhttpd0" numgen random mod 33 == 0 drop; }
}
"""


def test_three_percent_loss_each_way(env):
    with env.server("--workers", "1"):
        try:
            loaded = subprocess.run(["nft", "-f", "-"], input=RULES.encode(), check=False).returncode == 0
        except FileNotFoundError:
            loaded = False
        if not loaded:
            raise Skipped("nft cannot drop packets at random here")
        for scheme in ("http", "https"):
            assert env.fetch_sha256("%s://%s/eight.bin" % (scheme, ADDRESS)) == env.sha256("eight.bin")


def test_without_offload(env):
    with env.server("--offload", "off"):
        for scheme in ("http", "https"):
            url = "%s://%s/eight.bin" % (scheme, ADDRESS)
            for _ in range(3):
                assert env.fetch_sha256(url) == env.sha256("eight.bin")


def test_one_worker_and_a_small_mtu(env):
    with env.server("--workers", "1", "--mtu", "576"):
        for scheme in ("http", "https"):
            assert env.fetch_sha256("%s://%s/eight.bin" % (scheme, ADDRESS)) == env.sha256("eight.bin")


def test_jumbo_mtu(env):
    with env.server("--workers", "1", "--mtu", "9000"):
        for scheme in ("http", "https"):
            assert env.fetch_sha256("%s://%s/eight.bin" % (scheme, ADDRESS)) == env.sha256("eight.bin")


def test_another_address_and_other_ports(env):
    with env.server("--address", "192.168.200.9/28", "--http", "8080", "--https", "8443", "--tun", "other0",
                    "--name", "demo.test", answers_at=("192.168.200.9", 8080)) as server:
        assert "other0" in server.namespace.interfaces()
        assert env.fetch("http://192.168.200.9:8080/hello.txt").body == b"hello, world\n"
        assert env.fetch("https://192.168.200.9:8443/hello.txt").body == b"hello, world\n"
        r = env.fetch("https://demo.test:8443/hello.txt", "--resolve", "demo.test:8443:192.168.200.9")
        assert r.body == b"hello, world\n"
