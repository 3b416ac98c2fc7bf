# SPDX-License-Identifier: Apache-2.0
"""A page with 200 assets in a headless Chromium, which trusts our authority: nothing fails and nothing is said."""
import os

from basics import ADDRESS
from browser import browser

EACH = 40  # of each of five kinds of asset


def make_page(root):
    """Every asset does something that the page can count."""
    os.makedirs(os.path.join(root, "assets"))

    def write(name, text):
        with open(os.path.join(root, name), "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(os.path.join(root, name), 0o644)
    page = ["<!DOCTYPE html>", "<html lang='en'>", "<head>", "<meta charset='utf-8'>", "<title>200 assets</title>",
            "<link rel='icon' href='data:,'>", "<script>window.ran = []; window.problems = [];",
            "addEventListener('error', e => problems.push(String(e.target.src || e.target.href || e.message)), true);",
            "</script>"]
    body = ["</head>", "<body>"]
    for n in range(EACH):
        write("assets/%d.css" % n, "#p%d { width: %dpx }\n%s" % (n, 100 + n, "/* padding */\n" * 100))
        write("assets/%d.js" % n, "ran.push('script %d');\n%s" % (n, "// padding\n" * 500))
        write("assets/%d.mjs" % n, "export const n = %d; ran.push('module %d');\n" % (n, n))
        write("assets/%d.svg" % n, "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='1'/>\n" % (n + 1))
        write("assets/%d.json" % n, '{"n": %d, "text": "%s"}\n' % (n, "x" * 20000))
        page += ["<link rel='stylesheet' href='assets/%d.css'>" % n, "<script src='assets/%d.js'></script>" % n,
                 "<script type='module' src='assets/%d.mjs'></script>" % n]
        body += ["<p id='p%d'></p><img src='assets/%d.svg' alt='%d'>" % (n, n, n)]
    body += ["<script>", "const loaded = new Promise(done => addEventListener('load', done));",
             "const all = Array.from({length: %d}, (_, n) =>" % EACH,
             "  fetch(`assets/${n}.json`).then(r => r.json()).then(j => j.n === n && j.text.length === 20000));",
             "window.complete = Promise.all([loaded, ...all]).then(([_, ...fetched]) => ({",
             "  ran: ran.length, problems: problems, fetched: fetched.filter(Boolean).length,",
             "  styles: [...document.querySelectorAll('p')].filter((p, n) => p.offsetWidth === 100 + n).length,",
             "  images: [...document.images].filter((i, n) => i.naturalWidth === n + 1).length}));",
             "</script>", "</body>", "</html>"]
    write("index.html", "\n".join(page + body) + "\n")


def load_page(env, scheme, protocol, *flags):
    root = os.path.join(env.work, "page")
    if not os.path.isdir(root):
        os.mkdir(root)
        make_page(root)
        os.chmod(root, 0o755)
        os.chmod(os.path.join(root, "assets"), 0o755)
    with env.server(root) as server, browser(env, server.ca, *flags) as tab:
        for visit in ("first", "again"):
            result = tab.load("%s://%s/" % (scheme, ADDRESS))
            assert result == {"ran": 2 * EACH, "problems": [], "fetched": EACH, "styles": EACH, "images": EACH}, result
            assert not tab.complaints(), tab.complaints()[:3]
            got = [r for r in tab.responses() if not r[0].startswith("data:")]
            assert len(got) == 5 * EACH + 1, (visit, len(got))
            assert {r[1] for r in got} <= {200, 304}, [r for r in got if r[1] not in (200, 304)]
            assert {r[2] for r in got} == {protocol}, {r[2] for r in got}
        print("        %s, %s: %d responses, no complaint" % (scheme, protocol, len(got)), flush=True)


def test_page_of_200_assets_over_http(env):
    load_page(env, "http", "http/1.1")


def test_page_of_200_assets_over_https(env):
    load_page(env, "https", "http/1.1", "--disable-http2")


def test_page_of_200_assets_over_h2(env):
    load_page(env, "https", "h2")
