# SPDX-License-Identifier: Apache-2.0
"""tunhttpd beside nginx, case by case: see bench/RESULTS.md, and `make bench`.

Servers alternate, within a round and in which comes first. Medians are printed with the lowest and the highest of the
rounds, and the server's processor time for each unit of work."""
import argparse
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import time

import plot
import stage as stages
from cases import CASES

HERE = os.path.dirname(os.path.abspath(__file__))
HOW = {"ours": {}, "nginx": {}, "ours-1": {"workers": 1, "cores": "0,1"}, "ours-2": {"workers": 2, "cores": "0,1"}}


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), "unknown")
    with open("/proc/loadavg", encoding="ascii") as f:
        load = f.read().split()[0]
    nginx = subprocess.run([stages.NGINX, "-v"], stderr=subprocess.PIPE, text=True, check=False).stderr.strip()
    return {"cpu": model, "cores": os.cpu_count(), "kernel": platform.release(), "nginx": nginx.split()[-1],
            "load before": float(load), "date": time.strftime("%Y-%m-%d")}


def run_case(stage, case, options):
    """All rounds of a case: name of the server → samples."""
    samples = {name: [] for name in case.servers}
    for i in range(case.rounds or options.rounds):
        for name in case.servers if i % 2 == 0 else case.servers[::-1]:
            server = stage.start(name.split("-")[0], **{**case.start, **HOW[name]})
            try:
                samples[name].append(case.measure(stage, server, options.seconds))
            finally:
                stage.stop_servers()
    return samples


def summary(case, samples):
    """One server's samples as numbers to be kept."""
    values = [s.value for s in samples]
    out = {"median": statistics.median(values), "min": min(values), "max": max(values), "values": values}
    if all(s.units for s in samples):
        out["cpu"] = statistics.median(s.cpu / s.units for s in samples) * case.scale
        out["busy"] = statistics.median(s.cpu / s.seconds for s in samples)
    for key in samples[0].more:
        out[key] = statistics.median(s.more[key] for s in samples)
    return out


def judge(case, ours, theirs):
    ratio = ours["median"] / theirs["median"] if theirs["median"] else float("nan")

    def verdict(x):
        if case.better == "less":
            return "aim" if x <= case.aim else "must" if x <= case.must else "below"
        return "aim" if x >= case.aim else "must" if x >= case.must else "below"
    result = {"name": case.name, "title": case.title, "unit": case.unit, "must": case.must, "aim": case.aim,
              "better": case.better, "ours": ours, "nginx": theirs, "ratio": ratio,
              "verdict": verdict(ratio)}
    if "cpu" in ours and "cpu" in theirs and theirs["cpu"]:
        result["cpu_ratio"] = ours["cpu"] / theirs["cpu"]
        result["cpu_verdict"] = verdict(result["cpu_ratio"] if case.better == "less" else 1 / result["cpu_ratio"])
        result["cpu_unit"] = "%s/%s" % ("us" if case.scale == 1e6 else "ms", case.per)
    return result


def short(x):
    return "%.0f" % x if x >= 1000 else "%.1f" % x if x >= 10 else "%.2f" % x


HEADER = "| case | unit | tunhttpd | nginx | ratio | must / aim | cpu each: ours, nginx | ratio | server busy |"


def row(r):
    def spread(s):
        return "%s (%s-%s)" % (short(s["median"]), short(s["min"]), short(s["max"]))
    marks = {"below": " **below**", "must": "", "aim": " +"}
    cpu = "%s, %s %s | %.2f%s" % (short(r["ours"]["cpu"]), short(r["nginx"]["cpu"]), r["cpu_unit"], r["cpu_ratio"],
                                  marks[r["cpu_verdict"]]) if "cpu_ratio" in r else "- | -"
    busy = "%.0f %%, %.0f %%" % (100 * r["ours"]["busy"], 100 * r["nginx"]["busy"]) if "busy" in r["ours"] else "-"
    return "| %s | %s | %s | %s | %.2f%s | %g / %g | %s | %s |" % (
        r["title"], r["unit"], spread(r["ours"]), spread(r["nginx"]), r["ratio"], marks[r["verdict"]],
        r["must"], r["aim"], cpu, busy)


def keep(options, about, results):
    os.makedirs(options.results, exist_ok=True)
    for r in results:
        with open(os.path.join(options.results, r["name"] + ".json"), "w", encoding="ascii") as f:
            json.dump({"machine": about, "rounds": options.rounds, "seconds": options.seconds, **r}, f, indent=1)
            f.write("\n")
    plot.families(options.results)


def main():
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__,
                                     epilog="Cases: " + " ".join(c.name for c in CASES))
    parser.add_argument("cases", nargs="*", help="names, or beginnings of names; all when there are none")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3, help="of each run (3)")
    parser.add_argument("--binary", default="build/tunhttpd")
    parser.add_argument("--steering", action="store_true", help="receive packet steering on the TUN device, to the "
                        "client's core; results are printed, not kept")
    parser.add_argument("--results", default=os.path.join(HERE, "results"), help="directory for JSON and SVG")
    parser.add_argument("--first-byte", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.first_byte:
        print("%.3f" % stages.first_byte(options.first_byte[1:], options.first_byte[0]))
        return
    chosen = [c for c in CASES if not options.cases or any(c.name.startswith(w) for w in options.cases)]
    if not chosen:
        stages.die("no case is called so; there are: " + " ".join(c.name for c in CASES))
    if os.geteuid() != 0:
        stages.die("needs root for its namespaces")
    if (os.cpu_count() or 1) < 2:
        stages.die("needs two cores, one for the server and one for the client")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    about, results = machine(), []
    print("%(cpu)s, %(cores)d cores, Linux %(kernel)s, %(nginx)s, load %(load before)g" % about)
    print("medians of %d rounds of %g s (lowest-highest); + reaches the aim\n" % (options.rounds, options.seconds))
    print(HEADER + "\n|" + "---|" * (HEADER.count("|") - 1))
    with stages.Stage(options.binary, options.steering) as stage:
        for case in chosen:
            samples = run_case(stage, case, options)
            first, second = (summary(case, samples[name]) for name in case.servers)
            results.append(judge(case, first, second))
            print(row(results[-1]), flush=True)
    if not options.steering:
        keep(options, about, results)
    print("\n%d cases; below what they must reach:" % len(results))
    for what, key in (("throughput, latency, memory", "verdict"), ("processor time", "cpu_verdict")):
        below = [r["name"] for r in results if r.get(key) == "below"]
        print("  %-28s %s" % (what, " ".join(below) or "none"))


if __name__ == "__main__":
    main()
