# SPDX-License-Identifier: Apache-2.0
"""Rows of the table as requests of HTTP/2, which curl sends: those whose sense does not hang on HTTP/1's framing."""
import os
import tempfile

from basics import ADDRESS
from http1.play import Outcome, broken_rules
from http1.strict import Answer, faults

URL = "https://%s/" % ADDRESS
# Of the groups that are about lines, framing, hosts and connections nothing is left over HTTP/2.
GROUPS = ("Methods", "Content types", "Fields that change nothing", "If-Match", "If-None-Match", "If-Modified-Since",
          "If-Unmodified-Since", "Order of preconditions", "Ranges", "If-Range", "Several ranges", "Paths",
          "Hidden files", "Redirects")
# RFC 9113 8.2.2: fields of the connection are not sent over it. curl would take some for its own business.
LEFT_OUT = ("connection", "transfer-encoding", "content-length", "upgrade", "http2-settings", "te", "expect")


def parts(case):
    """(method, target, fields) of a row with one request without content; None for any other."""
    text = case.request[0]
    if len(case.request) > 1 or len(case.expect) > 1 or not text.endswith("\r\n\r\n") or text.count("\r\n\r\n") > 1:
        return None
    first, *lines = text[:-4].split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or words[2] != "HTTP/1.1" or lines[:1] != ["Host: h"]:
        return None
    fields = [line.partition(":") for line in lines[1:]]
    return words[0], words[1], [(name, value.strip(" \t")) for name, _, value in fields]


def translatable(case):
    found = parts(case)
    return case.group in GROUPS and found is not None and found[0] in ("GET", "HEAD", "OPTIONS") and \
        found[1].startswith("/") and not any(name.lower() in LEFT_OUT for name, _ in found[2])


def quoted(text):
    return '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")


def config(case, etag, name):
    """The lines of curl's configuration for this row."""
    method, target, fields = parts(case)
    lines = ["url = " + URL, "request-target = " + quoted(target), "dump-header = " + quoted(name + ".head"),
             "output = " + quoted(name + ".body"), "head" if method == "HEAD" else "request = " + method]
    for field, value in fields:  # a semicolon is how curl is told to send an empty one
        lines.append("header = " + quoted("%s: %s" % (field, value) if value else field + ";"))
    return "\n".join(lines).replace("@ETAG@", etag.replace('"', '\\"')) + "\n"


def read_answer(name):
    with open(name + ".head", encoding="latin-1", newline="") as f:
        first, *lines = f.read().split("\r\n\r\n")[0].split("\r\n")
    assert first.startswith("HTTP/2 "), first
    answer = Answer(int(first.split()[1]), b"", [(n, v.strip()) for n, _, v in (line.partition(":") for line in lines)])
    if os.path.exists(name + ".body"):  # curl makes none for no content
        with open(name + ".body", "rb") as f:
            answer.body = f.read()
    return answer


def play_all(env, ca, cases, etag):
    """(case, outcome) of each, by one run of curl."""
    folder = tempfile.mkdtemp(prefix="h2-", dir=env.work)
    names = [os.path.join(folder, str(n)) for n in range(len(cases))]
    common = "http2\nsilent\nshow-error\nnoproxy = *\ncacert = %s\nmax-time = 120\n" % quoted(ca)
    text = "next\n".join(common + config(case, etag, name) for case, name in zip(cases, names))
    done = env.run("curl", "-q", "--config", "-", stdin=text.encode("latin-1"))
    assert done.returncode == 0, "curl ended with %d: %s" % (done.returncode, done.stderr.decode())
    results = []
    for case, name in zip(cases, names):
        answer = read_answer(name)
        to_head = case.request[0].startswith("HEAD ")
        if to_head:
            answer.body = b""  # curl writes the head there
        wrong = faults(answer, to_head) + broken_rules(case, answer, etag)
        results.append((case, Outcome((str(answer.status),), "", tuple(wrong))))
    return results
