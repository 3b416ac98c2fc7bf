# SPDX-License-Identifier: Apache-2.0
"""The directory that the table's requests meet. All of it is older than the tests and never changes, so that dates
can be written into the table."""
import os

MTIME = 1577836800  # case.DATE
HELLO = b"hello, world\n"
PROBE = b"this connection is still good\n"  # what tells that a connection can be used
SECRET = b"SECRET: this must never be seen\n"

FILES = {
    "index.html": b"<!DOCTYPE html>\n<title>start</title>\n<p>start page\n",
    "hello.txt": HELLO,
    "probe.txt": PROBE,
    "hidden-request.txt": b"a request that was hidden in another one has been answered\n",
    "empty.txt": b"",
    "tenth.bin": bytes(i * 7 & 0xff for i in range(100000)),
    "sub/index.html": b"<!DOCTYPE html>\n<title>sub</title>\n",
    "sub/page.html": b"<!DOCTYPE html>\n<title>page</title>\n",
    "sub/.secret": SECRET,
    "a dir/index.html": b"<!DOCTYPE html>\n<title>a dir</title>\n",
    "a b.txt": b"name with a blank\n",
    "a+b;c,d.txt": b"name with marks\n",
    "50%.txt": b"name with a percent sign\n",
    "%68ello.txt": b"name that looks escaped\n",
    "gr\u00fc\u00df.txt": b"name in UTF-8\n",
    "~user.txt": b"name with a tilde\n",
    "back\\slash.txt": b"name with a backslash\n",
    "q?mark.txt": b"name with a question mark\n",
    "noext": b"no extension\n",
    "style.css": b"p { color: black }\n",
    "script.js": b"'use strict';\n",
    "data.json": b"{}\n",
    "image.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>\n",
    "image.png": b"\x89PNG\r\n\x1a\n",
    "module.wasm": b"\0asm\1\0\0\0",
    "font.woff2": b"wOF2",
    "UPPER.HTML": b"<!DOCTYPE html>\n<title>upper</title>\n",
    ".secret": SECRET,
    ".git/config": SECRET,
    "...": SECRET,
    ".well-known/security.txt": b"Contact: mailto:security@example.org\n",
    ".well-known/.secret": SECRET,
    "private.txt": SECRET,
}


def make(root):
    """Makes the directory `root`, and `root`-outside beside it."""
    outside = root + "-outside"
    for folder in (root, outside, os.path.join(root, "empty")):
        os.mkdir(folder)
    for name, content in FILES.items():
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(content)
    with open(os.path.join(outside, "secret.txt"), "wb") as f:
        f.write(SECRET)
    for name, target in (("inside-link", "hello.txt"), ("outside-link", outside + "/secret.txt"),
                         ("sub/up-link", "../../%s/secret.txt" % os.path.basename(outside)),
                         ("outside-dir", "../" + os.path.basename(outside)), ("loop", "loop"), ("dangling", "nowhere")):
        os.symlink(target, os.path.join(root, name))
    os.mkfifo(os.path.join(root, "pipe"))
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path) and not os.path.islink(path):
                os.chmod(path, 0o644)
                os.utime(path, (MTIME, MTIME))
        os.chmod(folder, 0o755)
        os.utime(folder, (MTIME, MTIME))
    os.chmod(os.path.join(root, "private.txt"), 0o600)
