# SPDX-License-Identifier: Apache-2.0
"""One SVG for each family of cases, from the JSON files of bench.py: ratio to nginx, with what it must reach."""
import json
import os
from html import escape

FAMILIES = {"requests": ("http", "https", "h2", "connections", "workers"),
            "handshakes": ("handshake-", "resumed-"), "bulk": ("bulk-",), "others": ("latency-", "idle", "start")}
WIDTH, LABEL, ROW, TOP = 760, 330, 26, 44


def load(directory):
    for name in sorted(os.listdir(directory)):
        if name.endswith(".json") and not name.startswith("growth-"):
            with open(os.path.join(directory, name), encoding="ascii") as f:
                yield json.load(f)


def member(case, words):
    return any(case["name"] == w or (w.endswith("-") and case["name"].startswith(w)) for w in words)


def draw(title, cases):
    highest = max([c["ratio"] for c in cases] + [c["aim"] for c in cases] + [c["must"] for c in cases]) * 1.08
    height = TOP + ROW * len(cases) + 34

    def x(ratio):
        return LABEL + (WIDTH - LABEL - 70) * ratio / highest
    out = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s">'
           % (WIDTH, height, escape(title, quote=True)),
           '<style>text{font:13px sans-serif;fill:#222}.b{fill:#3a7ca5}.w{fill:#c1543c}.m{stroke:#222;stroke-width:2}'
           '.a{stroke:#222;stroke-dasharray:3 3}.g{stroke:#bbb}</style><rect width="100%" height="100%" fill="#fff"/>',
           '<text x="8" y="20">%s: tunhttpd / nginx</text>' % escape(title)]
    out.append('<path class="g" d="M%.1f %dV%d"/><text x="%.1f" y="38" text-anchor="middle">1</text>'
               % (x(1), TOP, height - 30, x(1)))
    for i, c in enumerate(cases):
        y = TOP + ROW * i
        less = " (less is better)" if c["better"] == "less" else ""
        out.append('<text x="%d" y="%d" text-anchor="end">%s</text>' % (LABEL - 8, y + 17, escape(c["title"] + less)))
        out.append('<rect class="%s" x="%d" y="%d" width="%.1f" height="16"/>'
                   % ("w" if c["verdict"] == "below" else "b", LABEL, y + 4, x(c["ratio"]) - LABEL))
        out.append('<path class="m" d="M%.1f %dv20"/><path class="a" d="M%.1f %dv20"/>'
                   % (x(c["must"]), y + 2, x(c["aim"]), y + 2))
        out.append('<text x="%.1f" y="%d">%.2f</text>' % (max(x(c["ratio"]), x(c["aim"])) + 6, y + 17, c["ratio"]))
    about = cases[0]["machine"]
    out.append('<text x="8" y="%d">%s, %d cores, Linux %s, %s; line: must, dashes: aim</text></svg>'
               % (height - 8, escape(about["cpu"]), about["cores"], escape(about["kernel"]), escape(about["nginx"])))
    return "\n".join(out) + "\n"


def families(directory):
    cases = list(load(directory))
    for title, words in FAMILIES.items():
        chosen = [c for c in cases if member(c, words)]
        if chosen:
            with open(os.path.join(directory, title + ".svg"), "w", encoding="utf-8") as f:
                f.write(draw(title, chosen))
