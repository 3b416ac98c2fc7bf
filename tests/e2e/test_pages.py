# SPDX-License-Identifier: Apache-2.0
"""What a site answers beyond its files: listings, error pages, a fallback, clean addresses."""
import base64
import hashlib
import json
import os
import re
import shutil
from contextlib import contextmanager
from html.parser import HTMLParser
from urllib.parse import unquote_to_bytes

from basics import ADDRESS
from messages import Reader, get

# What a name may be made of, and has gone wrong somewhere.
ODD_NAMES = [b"a b", b"\"q\"'s & co", b"<script>alert(1)", b"<b>", b"javascript:alert(1)", b"x?y#z",
             b"%41", b"back\\slash", b"line\nbreak\ttab", b"caf\xc3\xa9", b"\xff\xfe", b"\xc0\xaf", b"\xe2\x80\xaegpj.exe",
             b"\xf0\x9f\x98\x80", b"-rf", b"~", b"n" * 255, b"&lt;", b"]]>", b"${x}"]
VOID = {"meta", "link", "br", "hr", "img", "input"}


@contextmanager
def pages(env):
    """A directory to be served, removed in the end."""
    root = os.path.join(env.work, "pages")
    try:
        os.makedirs(os.path.join(root, "odd"))
        os.makedirs(os.path.join(root, "empty"))
        os.makedirs(os.path.join(root, ".git"))
        for name in ODD_NAMES:
            with open(os.path.join(os.fsencode(root), b"odd", name), "wb") as f:
                f.write(name * 2)
        for name, text in (("index.html", "<!DOCTYPE html>\n<title>start</title>\n"), ("about.html", "<p>about\n"),
                           ("404.html", "<h1>own 404</h1>\n"), ("403.json", "{\"status\": 403}\n"), (".git/config", "SECRET")):
            env.write("pages/" + name, text)
        yield root
    finally:
        shutil.rmtree(root)


def ask(env, path, *fields, method="GET", tls=False):
    with env.connect(tls) as sock:
        sock.sendall(get(path, *fields, method=method))
        reader = Reader(sock)
        r = reader.response(head_only=method == "HEAD")
        # What follows is another response, and not a rest of this one.
        sock.sendall(get("/odd/~", close=True))
        assert reader.response().body == b"~~", (path, r)
        assert reader.at_end(), (path, r)
        return r


# ---------------------------------------------------------------- HTML

class Page(HTMLParser):
    """Every element is closed in its turn, no attribute comes twice, nothing runs."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.seen, self.rows, self.text = [], [], [], {}
        self.sorted_by = []
        self.declared = None
        self.feed(text)
        self.close()
        assert self.declared == "DOCTYPE html" and not self.open, self.open
        for once in ("html", "head", "title", "body", "main", "h1", "table", "caption", "thead", "tbody"):
            assert self.seen.count(once) == 1, once
        assert "script" not in self.seen and "b" not in self.seen, self.seen

    def handle_decl(self, decl):
        self.declared = decl

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names) and not [n for n in names if n.startswith("on") or n == "style"], attrs
        self.seen.append(tag)
        if tag in VOID:
            return
        if tag == "tr" and "tbody" in self.open:
            self.rows.append({"text": ""})
        self.open.append(tag)
        attrs = dict(attrs)
        if tag == "th":
            assert attrs["scope"] == ("row" if "tbody" in self.open else "col"), attrs
            if "aria-sort" in attrs:
                self.sorted_by.append(attrs["aria-sort"])
        if self.rows and "tbody" in self.open:
            self.rows[-1].update({k: v for k, v in attrs.items() if k in ("href", "datetime", "value", "title")})

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, (tag, self.open)

    def handle_data(self, data):
        if self.rows and "th" in self.open and "tbody" in self.open:
            self.rows[-1]["text"] += data
        if self.open:
            self.text[self.open[-1]] = self.text.get(self.open[-1], "") + data


def test_listing_is_a_page(env):
    with pages(env) as root, env.server(root, "--listing", "on"):
        for tls in (False, True):
            r = ask(env, "/odd/", tls=tls)
            assert r.status == 200 and r["content-type"] == "text/html; charset=utf-8", r
            page = Page(r.body.decode())  # strictly
            assert page.text["title"] == "/odd/" and page.sorted_by == ["ascending"], page.text
            assert page.text["caption"] == "0 directories, %d files" % len(ODD_NAMES), page.text
            style = re.search(b"<style>(.*)</style>", r.body).group(1)
            allowed = base64.b64encode(hashlib.sha256(style).digest()).decode()
            assert r["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-%s';" % allowed), r
            found = set()
            for row in page.rows:
                name = os.path.basename(unquote_to_bytes(row["href"]))
                assert row["href"].startswith("./") and "/" not in row["href"][2:], row
                body = ask(env, "/odd/" + row["href"][2:], tls=tls).body
                assert body == name * 2 and row["value"] == str(len(body)), (row, body)
                assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row["datetime"]), row
                assert not re.search("[\x00-\x1f]", row["text"]), row
                found.add(name)
            assert found == set(ODD_NAMES), found ^ set(ODD_NAMES)


def test_listing_is_json(env):
    with pages(env) as root, env.server(root, "--listing", "on"):
        r = ask(env, "/odd/", "Accept: application/json")
        assert r["content-type"] == "application/json" and r["vary"] == "Accept" and r["cache-control"] == "no-cache", r
        listing = json.loads(r.body.decode())
        assert listing["path"] == "/odd/" and listing["limit"] == 10000 and not listing["truncated"], listing
        names = [unquote_to_bytes(e["href"][2:]) for e in listing["entries"]]
        assert sorted(names) == sorted(ODD_NAMES), names
        for e, name in zip(listing["entries"], names):
            assert e["name"] == name.decode("utf-8", "replace") and e["size"] == 2 * len(name), e
        again = ask(env, "/odd/", "Accept: application/json", "If-None-Match: " + r["etag"])
        assert again.status == 304 and again["etag"] == r["etag"], again
        head = ask(env, "/odd/?format=json", method="HEAD")
        assert head["content-length"] == str(len(r.body)), head
        # The root has an index; what is hidden is nowhere, and has no listing.
        assert ask(env, "/").body.startswith(b"<!DOCTYPE"), "the index"
        assert ask(env, "/.git/").status == 404
        assert json.loads(ask(env, "/empty/?format=json").body)["entries"] == []


def test_listing_of_ten_thousand_names(env):
    """All of them, and one more is said to be missing; others are served meanwhile and afterwards."""
    with pages(env) as root, env.server(root, "--listing", "on", "--workers", "1"):
        many = os.path.join(root, "many")
        os.makedirs(many)
        for i in range(10000):
            with open(os.path.join(many, "file-%05d" % i), "wb"):
                pass
        listing = json.loads(ask(env, "/many/?format=json").body)
        assert [e["name"] for e in listing["entries"]] == ["file-%05d" % i for i in range(10000)]
        assert not listing["truncated"]
        with open(os.path.join(many, "file-10000"), "wb"):
            pass
        listing = json.loads(ask(env, "/many/?format=json").body)
        assert len(listing["entries"]) == 10000 and listing["truncated"], len(listing["entries"])
        page = ask(env, "/many/")
        assert b"more than 10000 names" in page.body and len(Page(page.body.decode()).rows) == 10000


def test_error_pages(env):
    with pages(env) as root, env.server(root, "--error-page", "404,405 /404.html", "--error-page", "403 /403.json",
                                "--error-page", "416 /nowhere.html") as server:
        for tls in (False, True):
            r = ask(env, "/missing", tls=tls)
            assert r.status == 404 and r.body == b"<h1>own 404</h1>\n" and not r["etag"] and not r["last-modified"], r
            assert r["content-type"] == "text/html; charset=utf-8", r
            assert ask(env, "/missing", "Range: bytes=0-1", tls=tls).body == r.body
            head = ask(env, "/missing", method="HEAD", tls=tls)
            assert head.status == 404 and head["content-length"] == str(len(r.body)), head
            r = ask(env, "/empty/", tls=tls)
            assert r.status == 403 and r["content-type"].startswith("application/json") and json.loads(r.body), r
            r = ask(env, "/404.html", "Range: bytes=999-", tls=tls)
            assert r.status == 416 and b"<h1>416" in r.body, r
            r = ask(env, "/missing", "Content-Length: 0", method="POST", tls=tls)
            assert r.status == 405 and b"<h1>405" in r.body and r["allow"], r
        # Whatever version of HTTP curl and the server agree on.
        done = env.curl("-w", "%{http_code}", "https://%s/missing" % ADDRESS)
        assert done.stdout == b"<h1>own 404</h1>\n404", done
        assert server.stderr.count("warning: error-page /nowhere.html is no file") == 1, server.stderr


def test_missing_pages_are_told_by_check(env):
    config = env.write("pages.conf", "[site a.test]\nfallback = /app.html\n")
    with pages(env):
        done = env.run(*env.command("serve", "pages", "--state", env.state, "--check", "--config", config,
                                    "--error-page", "404 /404.html", "--error-page", "500 /50x.html"))
        said = done.stderr.decode()
        assert done.returncode == 0, done
        assert "pages.conf:1: warning: fallback /app.html is no file" in said and "warning: error-page /50x.html" in said, said
        assert "/404.html" not in said, said


def test_fallback_and_clean_addresses(env):
    goes, fetches = "Sec-Fetch-Mode: navigate", "Sec-Fetch-Mode: cors"
    with pages(env) as root, env.server(root, "--fallback", "/index.html", "--clean-urls", "on"):
        for tls in (False, True):
            r = ask(env, "/users/42?x=y", goes, tls=tls)
            assert r.status == 200 and b"start" in r.body and r["cache-control"] == "no-cache", r
            assert "Sec-Fetch-Mode" in [v for n, v in r.headers if n == "vary"][0], r
            again = ask(env, "/users/42", goes, "If-None-Match: " + r["etag"], tls=tls)
            assert again.status == 304 and again["cache-control"] == "no-cache", again
            for path, field in (("/users/42", fetches), ("/app.js", goes), ("/.well-known/x", goes), ("/.git/config", goes),
                                ("/users/42", "Accept: */*")):
                assert ask(env, path, field, tls=tls).status == 404, (path, field)
            assert ask(env, "/about", tls=tls).body == b"<p>about\n"
            assert ask(env, "/index.html", tls=tls)["location"] == "/"
        done = env.curl("-L", "-w", "%{num_redirects} %{url_effective}", "http://%s/about.html?q=1" % ADDRESS)
        assert done.stdout == b"<p>about\n1 http://%s/about?q=1" % ADDRESS.encode(), done


def test_the_same_over_http_2(env):
    """Listing, error page, fallback, redirect: whatever version carries them."""
    with pages(env) as root, env.server(root, "--listing", "on", "--error-page", "404 /404.html", "--fallback", "/index.html",
                                        "--clean-urls", "on"):
        def fetch(version, path, *args):
            done = env.curl(version, *args, "-w", "\n%{http_version} %{http_code}", "https://%s%s" % (ADDRESS, path))
            body, _, facts = done.stdout.rpartition(b"\n")
            assert done.returncode == 0 and facts.split()[0] == (b"2" if version == "--http2" else b"1.1"), done
            return int(facts.split()[1]), body
        for path, args, status in (("/odd/", (), 200), ("/odd/?sort=size&order=desc", (), 200), ("/odd/?format=json", (), 200),
                                   ("/missing.js", (), 404), ("/missing", (), 404), ("/about", (), 200), ("/about.html", (), 301),
                                   ("/missing", ("-H", "Sec-Fetch-Mode: navigate"), 200)):
            old, new = fetch("--http1.1", path, *args), fetch("--http2", path, *args)
            assert old == new and new[0] == status and new[1], (path, old, new)


def test_each_site_has_its_own_pages(env):
    with pages(env) as root:
        config = env.write("sites.conf", "listing = on\nerror-page = 404 /404.html\n"
                                         "[site plain.test]\nlisting = off\nerror-page = off\n"
                                         "[site other.test]\nindex = about.html\ndotfiles = on\nsymlinks = none\n")
        with env.server(root, "--config", config):
            def get_from(host, path):
                done = env.curl("--connect-to", "%s:80:%s:80" % (host, ADDRESS), "-w", "%{http_code}",
                                "http://%s%s" % (host, path))
                return done.stdout
            assert get_from(ADDRESS, "/missing") == b"<h1>own 404</h1>\n404"
            assert get_from(ADDRESS, "/odd/").endswith(b"</html>\n200")
            assert b"404 Not Found" in get_from("plain.test", "/missing")
            assert get_from("plain.test", "/odd/").endswith(b"403")
            assert get_from("other.test", "/") == b"<p>about\n200"
            assert get_from("other.test", "/.git/config") == b"SECRET200"
            assert get_from(ADDRESS, "/.git/config").endswith(b"404")
