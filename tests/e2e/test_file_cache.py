# SPDX-License-Identifier: Apache-2.0
"""Files that change under a running server: what is kept of them never shows."""
import os
import ssl

from messages import Reader, get


def ask(env, reader, sock, target):
    sock.sendall(get(target))
    return reader.response()


def changes(env):
    """Every way in which a file can change, each seen by the next request."""
    with env.connect() as sock:
        reader = Reader(sock)

        def expect(body, target="/changing.txt"):
            for _ in range(2):
                r = ask(env, reader, sock, target)
                if body is None:
                    assert r.status == 404, r
                else:
                    assert r.status == 200 and r.body == body, (body, r)

        for turn in range(20):
            first = b"version %d, first" % turn
            env.write("site/changing.txt", first)
            expect(first)
            env.write("site/.next", b"renamed %d" % turn)
            os.rename(env.path(".next"), env.path("changing.txt"))
            expect(b"renamed %d" % turn)
            with open(env.path("changing.txt"), "r+b") as f:
                f.write(b"WRITTEN")
            expect(b"WRITTEN %d" % turn)
            os.truncate(env.path("changing.txt"), 7)
            expect(b"WRITTEN")
            os.unlink(env.path("changing.txt"))
            expect(None)
        for turn in range(5):
            os.mkdir(env.path("moving"))
            env.write("site/moving/file.txt", b"here %d" % turn)
            expect(b"here %d" % turn, "/moving/file.txt")
            os.rename(env.path("moving"), env.path("moved"))
            expect(None, "/moving/file.txt")
            expect(b"here %d" % turn, "/moved/file.txt")
            os.unlink(env.path("moved/file.txt"))
            os.rmdir(env.path("moved"))


def test_every_change_shows_at_once(env):
    env.shared()
    changes(env)


def test_every_change_shows_without_cache(env):
    with env.server("--file-cache", "off"):
        changes(env)


def overwrite_while_downloading(env, tls, mixture_is_seen):
    """Reads a long file over which another is written; returns when the connection was reset."""
    size = 64 << 20
    path = env.write("site/large.bin", b"old." * (size // 4))
    try:
        with env.connect(tls, rcvbuf=65536) as sock:
            sock.sendall(get("/large.bin"))
            got = sock.recv(65536)
            assert b"200 OK" in got, got[:100]
            with open(path, "r+b") as f:
                f.write(b"new." * (size // 4))
            total = len(got)
            try:
                while True:
                    more = sock.recv(1 << 20)
                    assert more, "the stream ended in order"
                    total += len(more)
                    assert mixture_is_seen or b"new." not in more, "old and new in one response"
            except (ConnectionResetError, ssl.SSLEOFError):
                pass
            assert total < size, total
    finally:
        os.unlink(path)


def test_download_of_a_file_that_is_overwritten_ends_with_a_reset(env):
    """Not with an end in order, which a client could take for the file's. Over http what is on its way already may be
    of the new content, since it is sent from the page cache."""
    with env.server("--workers", "1"):
        overwrite_while_downloading(env, False, True)
        overwrite_while_downloading(env, True, False)
