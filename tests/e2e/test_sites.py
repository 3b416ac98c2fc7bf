# SPDX-License-Identifier: Apache-2.0
"""Several sites in one server: by host, each with its directory and its certificate, and what else it says."""
import os

from basics import ADDRESS, wait_until
from test_certificates import subject
from test_options import CONFIG, refused
from test_renewal import make_pair


def make_site(env, name, **files):
    """A directory `name` with an index that says so, and `files`."""
    os.makedirs(os.path.join(env.work, name), exist_ok=True)
    env.write(name + "/index.html", "<title>%s</title>\n" % name)
    for file, text in files.items():
        env.write("%s/%s" % (name, file), text)
    return os.path.join(env.work, name)


def config(env, text):
    return env.write("sites.conf", text)


def get(env, host, path="/", *args, scheme="http", port=None):
    """A request to `host`, wherever names lead."""
    at = "%s:%d" % (host, port or (443 if scheme == "https" else 80))
    return env.fetch("%s://%s%s" % (scheme, at, path), "--path-as-is", "--resolve", at + ":" + ADDRESS, *args)


def ask(env, request):
    """Raw bytes on a connection of their own; all that comes back."""
    with env.connect() as sock:
        sock.sendall(request)
        answer = b""
        while block := sock.recv(65536):
            answer += block
        return answer


def test_sites_by_host(env):
    """Three sites, three directories, one certificate of the local authority for all of their names."""
    path = config(env, "strict-hosts = on\n[site one.test www.one.test]\nroot = %s\n[site *.two.test [fd00::9]]\n"
                  "root = %s\n" % (make_site(env, "one"), make_site(env, "two")))
    with env.server("--config", path) as server:
        for scheme in ("http", "https"):
            for host, title in (("one.test", b"one"), ("WWW.one.test", b"one"), ("a.two.test", b"two"),
                                (ADDRESS, b"start"), ("localhost", b"start")):
                answer = get(env, host, scheme=scheme)
                assert answer.status == 200 and b"<title>%s<" % title in answer.body, (host, answer)
        for host, status in (("three.test", 421), ("two.test", 421), ("one.test:80", 200), ("[FD00:0::9]", 200)):
            answer = ask(env, b"GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % host.encode())
            assert answer.startswith(b"HTTP/1.1 %d " % status), (host, answer)
        assert ask(env, b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200 ")
        assert "one.test www.one.test" in server.stderr, server.stderr
    path = config(env, "[site one.test]\n")
    with env.server("--config", path):
        for host in ("one.test", "three.test"):
            assert b"<title>start<" in get(env, host).body


def test_certificates_of_sites(env):
    pairs = {name: make_pair(env, os.path.join(env.work, "site-certs", name), name, "-newkey", "ec", "-pkeyopt",
                             "ec_paramgen_curve:P-256", names="DNS:%s,DNS:*.%s" % (name, name))
             for name in ("main.test", "one.test", "two.test")}
    text = "root = %s\ncert = %s\nkey = %s\n" % ((env.site,) + pairs["main.test"])
    for name in ("one.test", "two.test"):
        text += "[site %s *.%s]\nroot = %s\ncert = %s\nkey = %s\n" % (
            (name, name, make_site(env, name[:3])) + pairs[name])
    with env.server("--config", config(env, text + "[site three.test]\n")) as server:
        assert subject(env, "one.test")[0] == "one.test"
        assert subject(env, "a.two.test")[0] == "two.test"
        assert subject(env, "three.test")[0] == "main.test"
        assert subject(env, None)[0] == "main.test"
        for name in ("one.test", "two.test"):
            answer = get(env, "www." + name, "/", "--cacert", pairs[name][0], scheme="https")
            assert b"<title>%s<" % name[:3].encode() in answer.body, answer
        # A certificate of a section is renewed like any other.
        fresh = make_pair(env, os.path.join(env.work, "site-certs", "fresh"), "fresh", "-newkey", "ec", "-pkeyopt",
                          "ec_paramgen_curve:P-256", names="DNS:two.test")
        for old, new in zip(pairs["two.test"], fresh):
            os.replace(new, old)
        wait_until(lambda: "certificates were replaced" in server.stderr, "the new certificate")
        assert subject(env, "two.test")[0] == "fresh"
        assert subject(env, "one.test")[0] == "one.test"


def test_sections_that_are_wrong(env):
    one = make_site(env, "one")
    with env.namespace():
        for line, text, words in (
                (1, "[site one.test]\nroot = /nowhere\n", ["/nowhere", "No such file"]),
                (1, "[site one.test]\nroot = %s/index.html\n" % one, ["Not a directory"]),
                (3, "[site a.test]\nroot = %s\n[site b.test A.test]\n" % one, ["a.test", ":1 already"]),
                (1, "[site one.test]\ncert = /c\n", ["cert", "without key"]),
                (2, "[site one.test]\nrot = %s\n" % one, ["did you mean root?"]),
                (2, "[site one.test]\nworkers = 2\n", ["whole server"]),
                (1, "[site]\n", ["host name"])):
            path = config(env, text)
            refused(env, CONFIG, ["%s:%d" % (path, line)] + words, "serve", env.site, "--state", env.state, "--config",
                    path, "--check")
