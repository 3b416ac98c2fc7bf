# SPDX-License-Identifier: Apache-2.0
"""Writes tests/HTTP-DIFFERENCES.md to standard output: python3 tests/e2e/http1/differences.py"""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
DOCUMENT = os.path.normpath(os.path.join(HERE, "../../HTTP-DIFFERENCES.md"))
if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(HERE))
    sys.dont_write_bytecode = True

from http1 import nginx  # noqa: E402
from http1.case import BOTH, DIFFERENCES, NGINX, OURS  # noqa: E402
from http1.play import expected  # noqa: E402
from http1.table import CASES  # noqa: E402

HEAD = """# Where nginx answers otherwise

Made from the table in `tests/e2e/http1/` by `python3 tests/e2e/http1/differences.py > tests/HTTP-DIFFERENCES.md`. The
table has {cases} cases; Debian's nginx, {versions}, with its defaults does something else in {different} of them.
`e2e/test_http1.py` plays all of them against both servers: a difference that is not explained here fails, and so does
an explanation that is no longer true. By the RFCs ours is right in {ours}, nginx in {nginx}, and in {both} both do what
is allowed.

An outcome is the statuses in order and whether the connection is `open` or `close`d in order afterwards; then what is
wrong with the last response.
"""


def escape(text):
    return text.replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;").replace("`", "\\`")


def document():
    rows = {}  # group → difference → its cases, in the order of the table
    for case in CASES:
        if case.name in DIFFERENCES:
            rows.setdefault(case.group, {}).setdefault(DIFFERENCES[case.name], []).append(case)
    count = {who: sum(d.right == who for d in DIFFERENCES.values()) for who in (OURS, NGINX, BOTH)}
    lines = [HEAD.format(cases=len(CASES), versions=" and ".join(nginx.VERSIONS), different=len(DIFFERENCES), **count)]
    lines += ["In every row:\n"] + ["- " + text for text in nginx.HABITS.values()]
    for group, differences in rows.items():
        lines += ["\n## %s\n" % group, "| cases | ours | nginx | right | why |", "|---|---|---|---|---|"]
        for difference, cases in differences.items():
            lines.append("| %s | %s | %s | %s | %s |" % (
                "; ".join(escape(c.name) for c in cases), ", ".join(dict.fromkeys(expected(c) for c in cases)),
                escape(difference.does), difference.right, escape(difference.why)))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(document())
