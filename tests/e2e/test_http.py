# SPDX-License-Identifier: Apache-2.0
"""HTTP as clients see it, on port 80 and on port 443."""
from basics import ADDRESS
from messages import Reader, get

BOTH = ("http://%s" % ADDRESS, "https://%s" % ADDRESS)


def test_get_gives_the_file(env):
    env.shared()
    for base in BOTH:
        for path, name, kind in (("/", "index.html", "text/html"), ("/hello.txt", "hello.txt", "text/plain"),
                                 ("/sub/", "sub/index.html", "text/html")):
            r = env.fetch(base + path)
            assert r.status == 200 and r.body == env.content(name), r
            assert r["content-type"].startswith(kind), r
            assert int(r["content-length"]) == len(r.body), r
            assert r["date"] and r["etag"] and r["last-modified"], r


def test_keep_alive_uses_one_connection(env):
    env.shared()
    for base in BOTH:
        done = env.curl("-w", "\n%{num_connects}\n", base + "/hello.txt", base + "/hello.txt")
        assert done.returncode == 0, done
        assert done.stdout == b"hello, world\n\n1\n" + b"hello, world\n\n0\n", done.stdout


def test_connection_close_ends_the_connection(env):
    env.shared()
    for tls in (False, True):
        with env.connect(tls) as sock:
            reader = Reader(sock)
            sock.sendall(get("/hello.txt", close=True))
            r = reader.response()
            assert r.status == 200 and r["connection"] == "close", r
            assert reader.at_end(), reader.data


def test_head_has_the_headers_of_get(env):
    env.shared()
    for base in BOTH:
        a, b = env.fetch(base + "/hello.txt"), env.fetch(base + "/hello.txt", "-I")
        assert b.status == 200 and b.body == b"", b
        assert [h for h in a.headers if h[0] != "date"] == [h for h in b.headers if h[0] != "date"], (a, b)


def test_http_1_0(env):
    env.shared()
    for base in BOTH:
        r = env.fetch(base + "/hello.txt", "--http1.0")
        assert r.status == 200 and r.body == b"hello, world\n", r
    with env.connect() as sock:
        sock.sendall(b"GET /hello.txt HTTP/1.0\r\n\r\n")  # no Host needed, and the end of the stream ends it
        reader = Reader(sock)
        assert reader.response().status == 200
        assert reader.at_end(), reader.data


def test_pipelined_requests_are_answered_in_order(env):
    env.shared()
    for tls in (False, True):
        with env.connect(tls) as sock:
            sock.sendall(get("/hello.txt") + get("/sub/") + get("/nothing") + get("/hello.txt", method="HEAD") +
                         get("/", close=True))
            reader = Reader(sock)
            answers = [reader.response(head_only=i == 3) for i in range(5)]
            assert [r.status for r in answers] == [200, 200, 404, 200, 200], answers
            assert answers[0].body == env.content("hello.txt"), answers
            assert answers[1].body == env.content("sub/index.html"), answers
            assert answers[4].body == env.content("index.html"), answers
            assert reader.at_end(), reader.data


def test_request_in_single_bytes(env):
    env.shared()
    for tls in (False, True):
        with env.connect(tls) as sock:
            for byte in get("/hello.txt", close=True):
                sock.sendall(bytes([byte]))
            assert Reader(sock).response().body == b"hello, world\n"


def test_what_is_not_there_is_404(env):
    env.shared()
    for base in BOTH:
        r = env.fetch(base + "/nothing")
        assert r.status == 404 and r["content-type"].startswith("text/html") and r.body, r


def test_directory_without_slash_redirects_and_is_not_listed(env):
    env.shared()
    for base in BOTH:
        r = env.fetch(base + "/sub?x=1")
        assert r.status == 301 and r["location"] == "/sub/?x=1", r
        assert env.fetch(base + "/empty/").status == 403


def test_method_that_is_not_allowed_is_405_with_allow(env):
    env.shared()
    for base in BOTH:
        for method in ("POST", "PUT", "DELETE"):
            r = env.fetch(base + "/hello.txt", "-X", method, "-d", "x=1")
            assert r.status == 405, r
            assert {m.strip() for m in r["allow"].split(",")} >= {"GET", "HEAD"}, r
    assert env.content("hello.txt") == b"hello, world\n"


def test_malformed_requests_are_400_and_end_the_connection(env):
    env.shared()
    wrong = (b"GET\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
             b"GET / HTTP/1.1\nHost: a\n\n", b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
             b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
             b"\x16\x03\x01 no http at all\r\n\r\n")
    for tls in (False, True):
        for request in wrong:
            with env.connect(tls) as sock:
                sock.sendall(request)
                reader = Reader(sock)
                r = reader.response()
                assert r.status == 400 and r["connection"] == "close", (request, r)
                assert reader.at_end(), (request, reader.data)


def test_unchanged_file_is_304(env):
    env.shared()
    for base in BOTH:
        first = env.fetch(base + "/hello.txt")
        for field in ("If-None-Match: " + first["etag"], "If-Modified-Since: " + first["last-modified"]):
            r = env.fetch(base + "/hello.txt", "-H", field)
            assert r.status == 304 and r.body == b"" and r["etag"] == first["etag"], r
        assert env.fetch(base + "/hello.txt", "-H", 'If-None-Match: "other"').status == 200


def test_ranges(env):
    env.shared()
    content = env.content("eight.bin")
    size = len(content)
    for base in BOTH:
        for text, first, last in (("0-0", 0, 0), ("100-70000", 100, 70000), ("%d-" % (size - 10), size - 10, size - 1),
                                  ("-5", size - 5, size - 1)):
            r = env.fetch(base + "/eight.bin", "-r", text)
            assert r.status == 206 and r.body == content[first:last + 1], (text, r)
            assert r["content-range"] == "bytes %d-%d/%d" % (first, last, size), (text, r)
        r = env.fetch(base + "/hello.txt", "-r", "100-")
        assert r.status == 416 and r["content-range"] == "bytes */13", r


def test_download_is_resumed(env):
    env.shared()
    half = env.write("half.bin", env.content("eight.bin")[:3000000])
    done = env.curl("-C", "-", "-o", half, BOTH[1] + "/eight.bin")
    assert done.returncode == 0, done
    with open(half, "rb") as f:
        assert f.read() == env.content("eight.bin")


def test_two_clients_at_once_get_their_own_answers(env):
    env.shared()
    with env.connect() as a, env.connect(tls=True) as b:
        a.sendall(get("/hello.txt")[:10])
        b.sendall(get("/sub/")[:10])
        a.sendall(get("/hello.txt")[10:])
        b.sendall(get("/sub/")[10:])
        assert Reader(b).response().body == env.content("sub/index.html")
        assert Reader(a).response().body == env.content("hello.txt")
