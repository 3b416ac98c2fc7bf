# SPDX-License-Identifier: Apache-2.0
"""Large files arrive as they are, however they travel."""
from harness import ADDRESS, MIB


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
