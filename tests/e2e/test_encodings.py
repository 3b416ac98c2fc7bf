# SPDX-License-Identifier: Apache-2.0
"""Compressed representations, as curl sees them."""
import gzip
import time

from messages import Reader, get


def test_precompressed_sibling_over_http_and_https(env):
    env.shared()
    page = b"<p>hello</p>\n" * 500
    env.write("site/big.html", page)
    env.write("site/big.html.gz", gzip.compress(page))
    for tls in (False, True):
        with env.connect(tls) as sock:
            reader = Reader(sock)
            sock.sendall(get("/big.html", "Accept-Encoding: gzip, br;q=0.5", close=False))
            r = reader.response()
            assert r.status == 200 and r["content-encoding"] == "gzip", r
            assert gzip.decompress(r.body) == page
            assert r["vary"] == "Accept-Encoding" and r["content-type"] == "text/html; charset=utf-8", r
            sock.sendall(get("/big.html", "Accept-Encoding: gzip", "If-None-Match: " + r["etag"]))
            again = reader.response()
            assert again.status == 304 and again["vary"] == "Accept-Encoding", again
            sock.sendall(get("/big.html", method="HEAD"))
            plain = reader.response(head_only=True)
            assert plain["content-encoding"] is None and plain["content-length"] == str(len(page)), plain
            assert plain["etag"] != r["etag"], plain


def test_files_are_compressed_in_the_background(env):
    """The first client asks for it, the next ones get it: from each worker, and all the same."""
    page = b"".join(b"<p>paragraph %d of many</p>\n" % i for i in range(3000))
    with env.server("--workers", "2"):
        env.write("site/long.html", page)
        tags = set()
        for n in range(12):
            with env.connect(n % 2 == 1) as sock:
                reader = Reader(sock)
                for _ in range(600):
                    sock.sendall(get("/long.html", "Accept-Encoding: gzip"))
                    r = reader.response()
                    assert r.status == 200 and r["vary"] == "Accept-Encoding", r
                    if r["content-encoding"] == "gzip":
                        break
                    assert r.body == page, r
                    time.sleep(0.05)
                assert r["content-encoding"] == "gzip" and gzip.decompress(r.body) == page, r
                tags.add(r["etag"])
                sock.sendall(get("/long.html", "Accept-Encoding: gzip", method="HEAD"))
                head = reader.response(head_only=True)
                assert head["content-length"] == str(len(r.body)) and head["etag"] == r["etag"], head
        assert len(tags) == 1, tags
        env.write("site/long.html", page[::-1])
        with env.connect() as sock:
            sock.sendall(get("/long.html", "Accept-Encoding: gzip"))
            r = Reader(sock).response()
        body = gzip.decompress(r.body) if r["content-encoding"] else r.body
        assert body == page[::-1] and r["etag"] not in tags, r


def test_compress_off(env):
    page = b"<p>hello</p>\n" * 5000
    env.write("site/big2.html", page)
    with env.server("--compress", "off", "--precompressed", "off", "--workers", "1"), env.connect() as sock:
        reader = Reader(sock)
        for _ in range(3):
            sock.sendall(get("/big2.html", "Accept-Encoding: gzip"))
            r = reader.response()
            assert r.body == page and r["vary"] is None, r
            time.sleep(0.2)


def test_precompressed_off(env):
    page = b"<p>hello</p>\n" * 500
    env.write("site/big.html", page)
    env.write("site/big.html.gz", gzip.compress(page))
    with env.server("--precompressed", "off", "--compress", "off"), env.connect() as sock:
        sock.sendall(get("/big.html", "Accept-Encoding: gzip", close=True))
        r = Reader(sock).response()
    assert r.status == 200 and r.body == page and r["content-encoding"] is None, r
