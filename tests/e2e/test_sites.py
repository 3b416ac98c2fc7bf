# SPDX-License-Identifier: Apache-2.0
"""Several sites in one server: by host, each with its directory and its certificate, and what else it says."""
import json
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
        # A connection is for the sites of its certificate (RFC 9113 9.1.1). HTTP/1 has no connections that are shared.
        for version, host, status in (("--http2", "two.test", 421), ("--http2", "a.one.test", 200),
                                      ("--http1.1", "two.test", 200)):
            answer = get(env, "www.one.test", "/", "--cacert", pairs["one.test"][0], version, "-H", "Host: " + host,
                         scheme="https")
            assert answer.status == status, (version, host, answer)
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


def fields(answer, *names):
    return tuple(answer[name] for name in names)


def test_rules_of_sites(env):
    """Redirects, HSTS, fields, Cache-Control, CORS: each only where it was asked for."""
    one = make_site(env, "one", **{"app.3f2a91bc.js": "x", "style.css": "x"})
    os.makedirs(os.path.join(one, ".well-known/acme-challenge"), exist_ok=True)
    env.write("one/.well-known/acme-challenge/token", "answer")
    two = make_site(env, "two")
    path = config(env, """
security-headers = on
[site one.test]
root = %s
redirect-https = on
redirect = /old/* /new/* 308
redirect = /there https://two.test/   ; and a comment
hsts = 31536000, includeSubDomains
header = X-One: a; b, c
header = Content-Security-Policy: default-src 'self'; img-src *%s
cache = *.css  max-age=60
cache-hashed = on
[site two.test]
root = %s
security-headers = off
cors = https://app.test
cors-headers = X-Token
cors-max-age = 600
""" % (one, "; connect-src https://api.test" * 20, two))
    with env.server("--config", path):
        answer = get(env, "one.test", "/a%20b?c")
        assert (answer.status, answer["Location"]) == (301, "https://one.test/a%20b?c"), answer
        assert answer["Strict-Transport-Security"] is None and answer["X-One"] == "a; b, c", answer
        assert get(env, "one.test", "/.well-known/acme-challenge/token").body == b"answer"
        answer = get(env, "one.test", "/", scheme="https")
        assert answer.status == 200
        assert answer["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
        assert answer["X-Frame-Options"] == "SAMEORIGIN" and answer["Cache-Control"] is None
        assert answer["Content-Security-Policy"].count("api.test") == 20
        answer = get(env, "one.test", "/old/x%20y?q", scheme="https")
        assert (answer.status, answer["Location"]) == (308, "/new/x%20y?q"), answer
        assert get(env, "one.test", "/there", scheme="https")["Location"] == "https://two.test/"
        assert get(env, "one.test", "/style.css", scheme="https")["Cache-Control"] == "max-age=60"
        assert "immutable" in get(env, "one.test", "/app.3f2a91bc.js", scheme="https")["Cache-Control"]
        answer = get(env, "two.test", "/", "-H", "Origin: https://app.test")
        assert fields(answer, "Access-Control-Allow-Origin", "X-Frame-Options", "X-One") == (
            "https://app.test", None, None), answer
        answer = get(env, "two.test", "/", "-X", "OPTIONS", "-H", "Origin: https://app.test", "-H",
                     "Access-Control-Request-Method: GET")
        assert answer.status == 204 and answer["Access-Control-Max-Age"] == "600", answer
        answer = get(env, ADDRESS, "/")
        assert fields(answer, "X-Content-Type-Options", "X-One", "Strict-Transport-Security") == (
            "nosniff", None, None), answer


def test_rules_that_are_wrong(env):
    with env.namespace():
        for rule, words in (
                ("redirect = /a /a", ["circles"]), ("redirect = /* https://b.test*", ["needs a /"]),
                ("redirect = /a ftp://b.test", ["TO is"]), ("redirect-https = yes", ["on or off"]),
                ("hsts = 1 year", ["seconds"]), ("header = Content-Length: 3", ["9112"]),
                ("header = X-A", ["NAME: VALUE"]), ("cache = *.html forever=", ["PATTERN VALUE"]),
                ("cache = *.html", ["PATTERN VALUE"]), ("cors = a.test", ["origins"]),
                ("cors-headers = a b", ["header fields"]), ("securty-headers = on", ["did you mean security-headers?"])):
            path = config(env, "[site a.test]\n\n%s\n" % rule)
            refused(env, CONFIG, [path + ":3"] + words, "serve", env.site, "--state", env.state, "--check", "-c", path)
        path = config(env, "cors = *\n[site a.test]\ncors-credentials = on\n")
        refused(env, CONFIG, [path + ":2", "cors is *"], "serve", env.site, "--state", env.state, "--check", "-c", path)
        path = config(env, "hsts = 300, preload\n")
        done = env.run(*env.command("serve", env.site, "--state", env.state, "--check", "-c", path))
        assert done.returncode == 0 and b"warning: hsts says preload" in done.stderr, done


ANNA = "anna:$2y$04$WUDfWUDfWUDfWUDfWUDfWOPZreQ1n.W8pJxj2MIUY31BPgme2drfm\n"  # wonderland


def test_passwords(env):
    one = make_site(env, "one")
    os.makedirs(os.path.join(one, "private"), exist_ok=True)
    env.write("one/private/plan.txt", "secret plan\n")
    users = env.write("users", ANNA)
    os.chmod(users, 0o600)  # the workers cannot read it, nor need they
    path = config(env, 'log = json\n[site one.test]\nroot = %s\nauth = /private %s "The plans"\n[site two.test]\n'
                  'root = %s\nauth = / %s Two\nauth-over-http = on\n' % (one, users, one, users))
    with env.server("--config", path) as server:
        for version in ("--http1.1", "--http2"):
            answer = get(env, "one.test", "/private/plan.txt", version, scheme="https")
            assert answer.status == 401 and b"plan" not in answer.body, answer
            assert answer["WWW-Authenticate"] == 'Basic realm="The plans", charset="UTF-8"', answer
            answer = get(env, "one.test", "/private/plan.txt", version, "-u", "anna:wonderland", scheme="https")
            assert answer.status == 200 and answer.body == b"secret plan\n", answer
            answer = get(env, "one.test", "/private/", version, "-u", "anna:Wonderland", scheme="https")
            assert answer.status == 401, answer
        assert get(env, "one.test", "/", scheme="https").status == 200
        answer = get(env, "one.test", "/private/plan.txt", "-u", "anna:wonderland")
        assert answer.status == 403 and answer["WWW-Authenticate"] is None, answer
        assert get(env, "two.test", "/").status == 401
        assert get(env, "two.test", "/", "-u", "anna:wonderland").status == 200
        wait_until(lambda: server.stdout.count("\n") == 10, "ten lines of the access log")
        lines = [json.loads(line) for line in server.stdout.splitlines()]
        assert [line.get("user") for line in lines].count("anna") == 3, lines
        assert all((line.get("user") == "anna") == (line["status"] == 200 and line["target"] != "/" or
                                                    line["site"] == "two.test" and line["status"] == 200)
                   for line in lines), lines


def test_files_of_passwords_that_are_refused(env):
    with env.namespace():
        for text, line, words in (("anna:wonderland\n", ":1", ["anna", "plain text"]),
                                  (ANNA + "bob:$apr1$dZKOdZKO$4zi.UAuWyvVEdAGbsC1ln1\n", ":2", ["bob", "MD5"]),
                                  (ANNA + ANNA, ":2", ["another line"]), ("", "", ["No data"])):
            users = env.write("users", text)
            path = config(env, "[site one.test]\nauth = /a %s Realm\n" % users)
            refused(env, CONFIG, [users + line] + words, "serve", env.site, "--state", env.state, "--check", "-c", path)
        path = config(env, "[site one.test]\nauth = /a /nowhere/users Realm\n")
        refused(env, CONFIG, ["/nowhere/users", "No such file"], "serve", env.site, "--state", env.state, "--check",
                "-c", path)


def test_passwords_that_are_served_themselves(env):
    users = env.write("site/users", ANNA)
    path = config(env, "[site one.test]\nroot = %s\nauth = /a %s Realm\n" % (env.work, users))
    with env.namespace():
        done = env.run(*env.command("serve", env.site, "--state", env.state, "--check", "-c", path))
        assert done.returncode == 0 and done.stderr.count(b"warning: the passwords in ") == 1, done
    os.unlink(users)


def test_example_of_a_configuration(env):
    """deploy/tunhttpd.conf.example is right, and its comments are, too: with every one of its options."""
    with open(os.path.join(os.path.dirname(__file__), "../../deploy/tunhttpd.conf.example"), encoding="utf-8") as f:
        text = f.read()
    pair = make_pair(env, os.path.join(env.work, "example"), "www.example.org", names="DNS:www.example.org")
    users = env.write("users", ANNA)
    for name, path in (("/srv/www", env.site), ("/srv/example", env.site), ("/srv/app", env.site),
                       ("/etc/tunhttpd/example.pem", pair[0]), ("/etc/tunhttpd/example.key", pair[1]),
                       ("/etc/tunhttpd/users", users), ("/var/lib/tunhttpd", env.state)):
        text = text.replace(name, path)
    whole = "".join(line[1:] if line[:1] == ";" and line[1:2] != " " else line for line in text.splitlines(True))
    assert whole != text
    with env.namespace():
        for content in (text, whole):
            path = config(env, content)
            done = env.run(*env.command("serve", "-c", path, "--check"))
            assert done.returncode == 0 and b"the configuration is good" in done.stderr, done
        done = env.run(*env.command("serve", "--help"))
        site_options = [line.split()[1][2:] for line in done.stdout.decode().splitlines() if line.startswith("* ")]
        assert len(site_options) > 15, site_options
        for option in site_options:
            assert "\n%s = " % option in whole, "the example does not show %s" % option
