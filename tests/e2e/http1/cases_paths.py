# SPDX-License-Identifier: Apache-2.0
"""From the target to a file: decoding, dot segments, what is hidden, redirects."""
from http1.case import BOTH, OURS, differs, get, table

case = table("Paths")
for what, target, name in (
        ("escaped letter", "/%68ello.txt", "hello.txt"),
        ("escaped dot", "/hello%2Etxt", "hello.txt"),
        ("hexadecimal digits in both cases", "/%68%65%6C%6c%6F.txt", "hello.txt"),
        ("decoded once only", "/%2568ello.txt", "%68ello.txt"),
        ("escaped percent sign", "/50%25.txt", "50%.txt"),
        ("escaped blank", "/a%20b.txt", "a b.txt"),
        ("plus is no blank", "/a+b;c,d.txt", "a+b;c,d.txt"),
        ("escaped plus", "/a%2Bb%3Bc%2Cd.txt", "a+b;c,d.txt"),
        ("UTF-8", "/gr%C3%BC%C3%9F.txt", "gr\u00fc\u00df.txt"),
        ("tilde", "/~user.txt", "~user.txt"),
        ("escaped tilde", "/%7Euser.txt", "~user.txt"),
        ("backslash is a letter", "/back\\slash.txt", "back\\slash.txt"),
        ("escaped backslash", "/back%5Cslash.txt", "back\\slash.txt"),
        ("escaped question mark", "/q%3Fmark.txt", "q?mark.txt"),
        ("blank in a directory", "/a%20dir/", "a dir/index.html")):
    case("path: " + what, "3986 2.1", get(target), 200, body=name)
for what, target, name in (
        ("dot", "/./hello.txt", "hello.txt"),
        ("dots", "/././sub/./page.html", "sub/page.html"),
        ("parent", "/sub/../hello.txt", "hello.txt"),
        ("parents", "/sub/../sub/../sub/page.html", "sub/page.html"),
        ("escaped parent", "/sub/%2e%2E/hello.txt", "hello.txt"),
        ("half escaped parent", "/sub/.%2e/hello.txt", "hello.txt"),
        ("dot at the end", "/sub/.", "sub/index.html"),
        ("parent at the end", "/sub/..", "index.html"),
        ("parent of what is not there", "/nowhere/../hello.txt", "hello.txt"),
        ("two slashes first", "//hello.txt", "hello.txt"),
        ("two slashes", "/sub//page.html", "sub/page.html"),
        ("many slashes", "////sub////page.html", "sub/page.html"),
        ("slashes and parents", "/sub//..//hello.txt", "hello.txt")):
    case("segments: " + what, "3986 5.2.4", get(target), 200, body=name)
for what, target in (
        ("parent of the root", "/.."),
        ("path above the root", "/../hello.txt"),
        ("escaped path above the root", "/%2e%2e/hello.txt"),
        ("path above the root and back", "/../site/hello.txt"),
        ("path above through a directory", "/sub/../../etc/passwd"),
        ("path above through slashes", "//../hello.txt"),
        ("many parents", "/" + "../" * 50 + "etc/passwd")):
    case("%s is refused" % what, "3986 5.2.4", get(target), 400)
for what, target in (("NUL", "/hello.txt%00"), ("NUL before an extension", "/private.txt%00.html"), ("slash",
        "/sub%2Fpage.html"),
                     ("slash in small letters", "/sub%2fpage.html"), ("slash in a parent", "/..%2Fhello.txt")):
    case("escaped %s is refused" % what, "3986 7.3", get(target), 400)
for target in ("/%", "/hello.txt%", "/%6", "/%zz", "/%6x", "/%%36", "/% 68".replace(" ", ""), "/%u0068ello.txt",
        "/%-1"):
    if target != "/%68":
        case("no escape: " + target, "3986 2.1", get(target), 400)
for what, target in (
        ("slash behind a file", "/hello.txt/"),
        ("path below a file", "/hello.txt/x"),
        ("other letters", "/HELLO.TXT"),
        ("parameters", "/hello.txt;v=1"),
        ("twice escaped parent", "/%252e%252e/hello.txt"),
        ("backslashes as slashes", "/sub\\page.html"),
        ("parent by backslashes", "/..\\..\\etc\\passwd"),
        ("escaped CR and LF", "/hello.txt%0d%0aX-A:%20b"),
        ("UTF-8 that is too long", "/%c0%ae%c0%ae/hello.txt"),
        ("name of 300 bytes", "/" + "a" * 300),
        ("path of 6,000 bytes", "/a" * 3000),
        ("blank behind the name", "/hello.txt%20"),
        ("dot behind the name", "/hello.txt."),
        ("asterisk", "/*.txt"),
        ("file below /proc", "/proc/self/environ"),
        ("drive letter", "/c:/hello.txt"),
        ("stream of a file", "/hello.txt::$DATA"),
        ("index that is not there", "/empty/index.html"),
        ("link to outside", "/outside-link"),
        ("link upwards to outside", "/sub/up-link"),
        ("directory linked outside", "/outside-dir/secret.txt"),
        ("link to itself", "/loop"),
        ("link to nowhere", "/dangling"),
        ("pipe", "/pipe")):
    case("not found: " + what, "9110 15.5.5", get(target), 404)
case("link that stays inside", "9110 9.3.1", get("/inside-link"), 200, body="hello.txt")
case("file that may not be read", "9110 15.5.4", get("/private.txt"), 403)
case("directory without an index", "9110 15.5.4", get("/empty/"), 403)

case = table("Hidden files")
for target in ("/.secret", "/.git/config", "/.git/", "/.git", "/sub/.secret", "/%2esecret", "/sub/../.secret", "/...",
        "/.well-known/.secret",
               "/.well-known/../.secret", "//.secret", "/.well-known", "/.nothing"):
    want = 301 if target == "/.well-known" else 404
    case("hidden: " + target, "9110 15.5.5", get(target), want)
case("/.well-known is served", "8615 3", get("/.well-known/security.txt"), 200, body=".well-known/security.txt")
case("/.well-known without an index", "8615 3", get("/.well-known/"), 403)

case = table("Redirects")
for what, target, location in (
        ("directory without its slash", "/sub", "/sub/"),
        ("with a query", "/sub?x=1&y=%20", "/sub/?x=1&y=%20"),
        ("with an empty query", "/sub?", "/sub/?"),
        ("with a query that has a URI", "/sub?u=http://a/?b", "/sub/?u=http://a/?b"),
        ("two slashes are no other host", "//sub", "/sub/"),
        ("three slashes", "///sub", "/sub/"),
        ("an escaped blank stays escaped", "/a%20dir", "/a%20dir/"),
        ("escaped letters", "/%73ub", "/sub/"),
        ("segments", "/sub/../sub", "/sub/"),
        ("a host as a segment", "//evil.example/..//sub", "/sub/"),
        ("a directory without an index", "/empty", "/empty/")):
    case("redirect: " + what, "9110 15.4.2", get(target), 301, has={"Location": location})
case("redirect of a host with a parent is none", "9110 15.4.2", get("//evil.example/%2e%2e"), 200, body="index.html")
case("redirect to an escaped line break is none", "9110 15.5.5", get("/sub%0d%0aSet-Cookie:%20a=b"), 404)

differs("200 open", OURS, "3986 2.2: an escaped slash is not a slash; as a letter no file name can have it",
        "escaped slash is refused", "escaped slash in small letters is refused")
differs("200 open", BOTH, "no RFC: nginx follows links unless told otherwise, ours stays below its root",
        "not found: link to outside",
        "not found: link upwards to outside", "not found: directory linked outside")
differs("403 open", BOTH, "9110 15.5.4, 15.5.5: there is nothing that could be given out", "not found: link to itself")
differs("200 open", BOTH, "no RFC: nginx serves what begins with a dot, ours only /.well-known (8615)",
        "hidden: /.secret",
        "hidden: /.git/config", "hidden: /sub/.secret", "hidden: /%2esecret", "hidden: /sub/../.secret",
        "hidden: /...",
        "hidden: /.well-known/.secret", "hidden: /.well-known/../.secret", "hidden: //.secret")
differs("403 open", BOTH, "no RFC: nginx serves what begins with a dot", "hidden: /.git/")
differs("301 open", BOTH, "no RFC: nginx serves what begins with a dot", "hidden: /.git")
differs("301 open; Location is /sub/", BOTH, "3986 6.2.3: an empty query is not the same as none; ours keeps it",
        "redirect: with an empty query")
