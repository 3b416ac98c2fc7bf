# SPDX-License-Identifier: Apache-2.0
"""Debian's nginx as the yardstick: in a namespace of its own, reached by a veth pair from where the tests are."""
import os
import re
import subprocess
import tempfile
from contextlib import contextmanager

from basics import Skipped, text_of, wait_until
from http1.play import Outcome

ADDRESS = "10.78.0.2"
# Whose differences the table explains: Debian 12's and 13's.
VERSIONS = ("1.22", "1.26")
PLACES = ("/usr/sbin/nginx", os.path.join(os.path.dirname(__file__), "../../../build/nginx/usr/sbin/nginx"))

# Everything default but what the tests need: where things are, and the types' charset.
CONFIG = """daemon off;
worker_processes 1;
pid {work}/pid;
error_log {work}/error.log;
user nobody nogroup;
events {{ }}
http {{
    access_log off;
    types {{ text/html html; text/plain txt; text/css css; text/javascript js; application/json json;
             image/svg+xml svg; image/png png; application/wasm wasm; font/woff2 woff2; }}
    default_type application/octet-stream;
    charset utf-8;
    charset_types text/plain text/css text/javascript application/json image/svg+xml;
    client_body_temp_path {work}/body;
    proxy_temp_path {work}/proxy; fastcgi_temp_path {work}/fastcgi; uwsgi_temp_path {work}/uwsgi;
    scgi_temp_path {work}/scgi;
    server {{ listen {address}:80; root {root}; index index.html; absolute_redirect off; server_tokens off; }}
}}
"""


# What it does in many rows; they are not told each time.
HABITS = {
    "no Allow": "A 405 comes without Allow, which RFC 9110 15.5.6 says it MUST have. Ours is right.",
    "412 closes": "After a 412 the connection is closed, and the response does not say so, which RFC 9112 9.6 says it "
                  "SHOULD. Ours goes on.",
}


def without_habits(outcome):
    """The outcome without what HABITS explain, and the names of those. Whether a client that still sends sees a reset
    when nginx closes is a matter of time."""
    statuses, end, faults = outcome
    faults = tuple(f for f in faults if f != "reset")
    habits = set()
    if "405" in statuses and "no Allow" in faults:
        faults = tuple(f for f in faults if f != "no Allow")
        habits.add("no Allow")
    if statuses[-1:] == ("412",) and end == "close" and "no Connection: close" in faults:
        faults = tuple(f for f in faults if f != "no Connection: close")
        end = "open"
        habits.add("412 closes")
    return Outcome(statuses, end, faults), habits


def program():
    found = [p for p in PLACES if os.access(p, os.X_OK)]
    if not found:
        raise Skipped("no nginx to compare with")
    text = subprocess.run([found[0], "-v"], stderr=subprocess.PIPE, check=True).stderr.decode()
    version = re.search(r"nginx/(\d+\.\d+)", text)[1]
    if version not in VERSIONS:
        raise Skipped("the differences are those of nginx %s; this one is %s" % (" and ".join(VERSIONS), version))
    return found[0]


@contextmanager
def veth(env, here):
    """Another namespace with ADDRESS in it, joined to the namespace `here`."""
    there = here.name + "n"
    run = lambda *words: subprocess.run(["ip", *words], check=True)  # noqa: E731
    run("netns", "add", there)
    try:
        run("-n", here.name, "link", "add", "veth0", "type", "veth", "peer", "name", "veth1", "netns", there)
        for name, link, address in ((here.name, "veth0", "10.78.0.1/24"), (there, "veth1", ADDRESS + "/24")):
            run("-n", name, "address", "add", address, "dev", link)
            run("-n", name, "link", "set", link, "up")
        env.notes.append("nginx is in " + there)
        yield there
    finally:
        run("netns", "del", there)


@contextmanager
def serving(env, root, here):
    """nginx that serves `root` at ADDRESS."""
    binary = program()
    work = tempfile.mkdtemp(prefix="nginx-", dir=env.work)
    os.chmod(work, 0o755)
    config = os.path.join(work, "nginx.conf")
    with open(config, "w", encoding="ascii") as f:
        f.write(CONFIG.format(work=work, root=root, address=ADDRESS))
    with veth(env, here) as there, subprocess.Popen(
            ["ip", "netns", "exec", there, binary, "-p", work, "-c", config, "-e", work + "/error.log"],
            stdin=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            wait_until(lambda: process.poll() is not None or text_of(work + "/pid").strip(), "nginx has started")
            assert process.poll() is None, text_of(work + "/error.log")
            yield process
        finally:
            process.terminate()  # the master ends its workers
            process.wait(30)
