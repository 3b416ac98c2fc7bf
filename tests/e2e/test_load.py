# SPDX-License-Identifier: Apache-2.0
"""Many connections, one after another and at once."""
import threading
from contextlib import ExitStack

from basics import ADDRESS
from messages import Reader, get


def one(env, tls, context=None):
    with env.connect(tls, context=context) as sock:
        sock.sendall(get("/hello.txt", close=True))
        reader = Reader(sock)
        assert reader.response().body == b"hello, world\n"
        assert reader.at_end()


def test_two_thousand_connections_one_after_another(env):
    env.shared()
    for _ in range(2000):
        one(env, False)


def test_two_hundred_tls_connections_one_after_another(env):
    env.shared()
    context = env.tls_context()
    for _ in range(200):
        one(env, True, context)


def many_at_once(env, tls, count):
    """All connections are open before the first request goes out."""
    context = env.tls_context()
    with ExitStack() as stack:
        socks = [stack.enter_context(env.connect(tls, context=context)) for _ in range(count)]
        for _ in range(3):
            for sock in socks:
                sock.sendall(get("/sub/"))
            for sock in socks:
                assert Reader(sock).response().body == env.content("sub/index.html")


def test_256_connections_at_once(env):
    env.shared()
    many_at_once(env, False, 256)


def test_64_tls_connections_at_once(env):
    env.shared()
    many_at_once(env, True, 64)


def test_downloads_at_once_by_threads(env):
    env.shared()
    results = []

    def download(scheme):
        try:
            results.append(env.fetch_sha256("%s://%s/eight.bin" % (scheme, ADDRESS)))
        except AssertionError as e:
            results.append(e)
    threads = [threading.Thread(target=download, args=(s,)) for s in ("http", "https") * 8]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == [env.sha256("eight.bin")] * 16, results


def test_nine_hundred_requests_on_one_connection(env):
    env.shared()
    for tls in (False, True):
        with env.connect(tls) as sock:
            reader = Reader(sock)
            for _ in range(18):
                sock.sendall(get("/hello.txt") * 50)
                for _ in range(50):
                    assert reader.response().body == b"hello, world\n"


def test_many_slow_readers_do_not_keep_others_out(env):
    with env.server("--workers", "1", "--send-timeout", "3600") as server, ExitStack() as stack:
        for _ in range(400):
            sock = stack.enter_context(env.connect(rcvbuf=8192, timeout=30))
            sock.sendall(get("/eight.bin"))
        for tls in (False, True):
            one(env, tls)
        assert server.alive()
