# SPDX-License-Identifier: Apache-2.0
"""The table of HTTP/1.1 exchanges, tests/e2e/http1/, against the server: whole, cut, byte by byte, inside TLS; and
against nginx, whose differences the table explains."""
import os
import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from basics import text_of
from http1 import differences, h2, nginx, site
from http1.case import DIFFERENCES, HEAD, status_of
from http1.play import Player, expected, fits
from http1.strict import StrictReader
from http1.table import CASES
from messages import get

THREADS = 6
PATIENCE = 60  # seconds for an answer that must come
NGINX_PATIENCE = 5  # after which nginx, which is not under test, is taken to wait for more
SMALL = 3000   # bytes of a request that may be sent one by one


@contextmanager
def our_server(env):
    root = os.path.join(env.work, "http1")
    if not os.path.isdir(root):
        site.make(root)
    with env.server(root, "--workers", "2", "--log", "off") as server:
        yield server


def connector(env, tls=False):
    context = env.tls_context() if tls else None
    return lambda: env.connect(tls, timeout=PATIENCE, context=context)


def etag_of(connect):
    with connect() as sock:
        sock.sendall(get("/hello.txt", close=True))
        return StrictReader(lambda: sock.recv(65536)).answer()["ETag"]


def play_all(connect, cases, cut=None, patience=PATIENCE):
    """(case, outcome) of each; `cut(case)` gives the function that cuts its bytes."""
    player = Player(connect, etag_of(connect), patience)
    with ThreadPoolExecutor(THREADS) as pool:
        outcomes = pool.map(lambda c: player.play(c, **({"cut": cut(c)} if cut else {})), cases)
        return list(zip(cases, outcomes))


def check(env, title, results, want=expected):
    """Every outcome is as wanted."""
    wrong = ["%s (RFC %s): wanted %s, got %s" % (c.name, c.rfc, want(c), got) for c, got in results
             if not fits(str(got), want(c))]
    note = "%s: %d cases, %d as the table says" % (title, len(results), len(results) - len(wrong))
    env.notes.append(note)
    print("        " + note, flush=True)
    assert not wrong, "%d of %d cases:\n%s" % (len(wrong), len(results), "\n".join(wrong))


# ------------------------------------------------------------------ ours

def test_table(env):
    with our_server(env):
        check(env, "whole", play_all(connector(env), CASES))


def cut_at_random(case):
    """Three cuts in each write, other ones for each case and the same in each run."""
    rng = random.Random(case.name)

    def cut(data):
        places = sorted({rng.randrange(len(data) + 1) for _ in range(3)} | {0, len(data)})
        return [data[a:b] for a, b in zip(places, places[1:])]
    return cut


def cut_every_byte(_case):
    return lambda data: [data[i:i + 1] for i in range(len(data))]


def test_table_cut(env):
    with our_server(env):
        check(env, "cut in three places", play_all(connector(env), CASES, cut_at_random))


def test_table_byte_by_byte(env):
    small = [c for c in CASES if sum(len(p) for p in c.request if isinstance(p, str)) < SMALL]
    with our_server(env):
        check(env, "byte by byte", play_all(connector(env), small[::3], cut_every_byte))


def test_table_in_tls(env):
    with our_server(env):
        check(env, "inside TLS", play_all(connector(env, tls=True), [c for c in CASES if c.tls is not None]),
              lambda c: c.tls or expected(c))


def test_table_over_h2(env):
    """What a row asks is independent of how it is framed (RFC 9110 1.2): the same over HTTP/2, by curl."""
    with our_server(env) as server:
        cases = [c for c in CASES if h2.translatable(c)]
        assert len(cases) > 250, len(cases)
        check(env, "over HTTP/2", h2.play_all(env, server.ca, cases, etag_of(connector(env))),
              lambda c: str(status_of(c.expect[0])))


def test_head_has_the_fields_of_get(env):
    """Every GET of the table whose answer ends in one response is asked again as HEAD (RFC 9110 9.3.2)."""
    gets = [c for c in CASES if len(c.request) == 1 and c.request[0].startswith("GET ") and len(c.expect) == 1 and
            "\r\nRange: " not in c.request[0]]
    with our_server(env):
        connect = connector(env)
        etag = etag_of(connect)

        def fields(request, to_head):
            with connect() as sock:
                sock.settimeout(PATIENCE)
                sock.sendall(request.replace("@ETAG@", etag).encode("latin-1"))
                answer = StrictReader(lambda: sock.recv(65536)).answer(to_head)
                return [answer.head.split(b"\r\n")[0]] + [f for f in answer.fields if f[0] != "Date"]

        def both(case):
            request = case.request[0]
            return fields(request, isinstance(case.expect[0], HEAD)), fields("HEAD" + request[3:], True)
        with ThreadPoolExecutor(THREADS) as pool:
            results = list(zip(gets, pool.map(both, gets)))
    wrong = ["%s: %r\n%r" % (c.name, a, b) for c, (a, b) in results if a != b]
    print("        GET and HEAD: %d pairs, %d equal" % (len(gets), len(gets) - len(wrong)), flush=True)
    assert not wrong, "\n".join(wrong)


def test_table_is_large_enough(env):
    assert len(CASES) >= 250, len(CASES)
    assert all(c.rfc.split()[0].isdigit() and len(c.rfc.split()) == 2 for c in CASES), "a row without its section"


# ------------------------------------------------------------------ nginx

def as_explained(case):
    return DIFFERENCES[case.name].does if case.name in DIFFERENCES else expected(case)


def test_differences_to_nginx_are_explained(env):
    """Where nginx does not do what the row expects, the table says what it does; and nginx still does that."""
    root = os.path.join(env.work, "http1")
    if not os.path.isdir(root):
        site.make(root)
    with env.namespace() as here, nginx.serving(env, root, here):
        def connect():
            return env.connect(address=nginx.ADDRESS, timeout=PATIENCE)
        played = play_all(connect, CASES, patience=NGINX_PATIENCE)
    results = [(case, *nginx.without_habits(got)) for case, got in played]
    habits = set().union(*[h for _, _, h in results])
    check(env, "nginx", [(case, got) for case, got, _ in results], as_explained)
    assert habits == set(nginx.HABITS), habits
    idle = [n for n, d in DIFFERENCES.items() if d.does == expected(next(c for c in CASES if c.name == n))]
    assert not idle, "no differences: %s" % idle


def test_document_of_differences_is_current(env):
    """tests/HTTP-DIFFERENCES.md is what `python3 tests/e2e/http1/differences.py` prints."""
    assert text_of(differences.DOCUMENT) == differences.document(), "make it anew: see " + differences.__file__
