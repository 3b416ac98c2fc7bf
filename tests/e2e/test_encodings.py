# SPDX-License-Identifier: Apache-2.0
"""Compressed representations, as curl sees them."""
import gzip

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


def test_precompressed_off(env):
    page = b"<p>hello</p>\n" * 500
    env.write("site/big.html", page)
    env.write("site/big.html.gz", gzip.compress(page))
    with env.server("--precompressed", "off"), env.connect() as sock:
        sock.sendall(get("/big.html", "Accept-Encoding: gzip", close=True))
        r = Reader(sock).response()
    assert r.status == 200 and r.body == page and r["content-encoding"] is None, r
