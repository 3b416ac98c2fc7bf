# SPDX-License-Identifier: Apache-2.0
"""Media types: our own, and those of a file."""
from messages import Reader, get


def type_of(env, target):
    with env.connect() as sock:
        sock.sendall(get(target, method="HEAD", close=True))
        r = Reader(sock).response(head_only=True)
    assert r.status == 200, r
    return r["content-type"]


def test_types_of_a_file_go_before_our_own(env):
    types = env.write("types", "# ours\napplication/x-unheard-of unheard\ntext/x-page html\n")
    env.write("site/a.unheard", "x")
    with env.server("--mime-types", types):
        assert type_of(env, "/a.unheard") == "application/x-unheard-of"
        assert type_of(env, "/index.html") == "text/x-page; charset=utf-8"
    with env.server("--mime-types", "builtin"):
        assert type_of(env, "/a.unheard") == "application/octet-stream"
        assert type_of(env, "/index.html") == "text/html; charset=utf-8"


def test_a_file_that_is_none_is_told_in_a_line(env):
    types = env.write("types", "text/html html\nnonsense\n")
    for path, words in ((types, "%s:2: " % types), (types + ".missing", types + ".missing: No such file")):
        done = env.run(*env.command("serve", env.path(""), "--check", "--mime-types", path))
        assert done.returncode == 78, done
        lines = [l for l in done.stderr.decode().splitlines() if words in l]
        assert len(lines) == 1, done.stderr
