# SPDX-License-Identifier: Apache-2.0
"""How cost grows: requests per second and processor time for each, with idle connections beside the busy 64, and with
one file and very many. And a soak: full load for long, memory before and after.

    python3 bench/growth.py [connections] [files] [soak]      all but the soak when none is named"""
import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import time

import bench
import cases
import stage as stages

HELD = (1, 100, 10000, 100000)
FILES = (1, 100000)
EACH = 12000  # idle connections of one client process, from an address of its own

LUA = """local n, i = %d, 0
request = function()
	i = (i + 7919) %% n
	return wrk.format("GET", string.format("/many/%%d/%%d.bin", i %% 100, i))
end
"""


class Held:
    """Idle connections, of several processes: a process may have only so many descriptors."""

    def __init__(self, stage, server, count):
        network = server.address.rsplit(".", 2)[0]
        device = "tunhttpd0" if server.name == "ours" else "veth0"
        self.clients = []
        for i in range(0, count, EACH):
            source = "%s.77.%d" % (network, i // EACH + 1)
            subprocess.run(["ip", "-n", stage.client, "addr", "replace", source + "/16", "dev", device], check=True)
            self.clients.append(subprocess.Popen(
                stage.client_command(stage.tool("hold_client"), server.address, "80", str(min(EACH, count - i)),
                                     "/1k.bin", source), stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        self.open = sum(int(c.stdout.readline() or 0) for c in self.clients)

    def close(self):
        for c in self.clients:
            c.stdin.close()
            c.wait()


def report(what, server, sample, memory):
    print("| %s | %s | %.0f | %.2f | %.1f |" % (what, server.name, sample.value, sample.cpu / sample.units * 1e6,
                                                memory / (1 << 20)), flush=True)
    return {"what": what, "server": server.name, "requests/s": sample.value,
            "us/request": sample.cpu / sample.units * 1e6, "memory": memory}


HEADER = "| %s | server | requests/s | us/request | memory, MiB |\n|---|---|---|---|---|"


def connections(stage, seconds):
    print("\n" + HEADER % "idle connections")
    for count in HELD:
        for name in ("ours", "nginx"):
            if name == "nginx" and count + 100 > resource.getrlimit(resource.RLIMIT_NOFILE)[1]:
                print("| {:,} | nginx | not here: a process has no more descriptors | | |".format(count), flush=True)
                continue
            server = stage.start(name)
            held = Held(stage, server, count)
            if held.open != count:
                print("| {:,} | {} | only {:,} could be opened | | |".format(count, name, held.open), flush=True)
                held.close()
                stage.stop_servers()
                continue
            time.sleep(1)
            sample = cases.wrk(stage, server, seconds, "http://%s/1k.bin" % server.address, 64)
            yield report("{:,}".format(count), server, sample, server.memory())
            held.close()
            stage.stop_servers()


def files(stage, seconds):
    print("\n" + HEADER % "files")
    for i in range(max(FILES)):
        directory = os.path.join(stage.www, "many", str(i % 100))
        if i < 100:
            os.makedirs(directory)
        with open(os.path.join(directory, "%d.bin" % i), "wb") as f:
            f.write(b"%1024d" % i)
    for count in FILES:
        script = stage.file("files-%d.lua" % count)
        with open(script, "w", encoding="ascii") as f:
            f.write(LUA % count)
        for name in ("ours", "nginx"):
            server = stage.start(name)
            cases.wrk(stage, server, 1, "http://%s/" % server.address, 64, "-s", script)
            sample = cases.wrk(stage, server, seconds, "http://%s/" % server.address, 64, "-s", script)
            yield report("{:,}".format(count), server, sample, server.memory())
            stage.stop_servers()


def soak(stage, seconds):
    """Requests over kept and over new connections, http and https at once; memory each tenth of the time."""
    print("\nsoak of %g s: seconds, memory in KiB" % seconds)
    server = stage.start("ours")
    urls = [("http://%s/1k.bin", ()), ("https://%s/1k.bin", ()), ("http://%s/1k.bin", ("-H", "Connection: close")),
            ("https://%s/1k.bin", ("-H", "Connection: close"))]
    clients = [subprocess.Popen(stage.client_command("wrk", "-t1", "-c32", "-d%ds" % seconds, "--timeout", "30", *more,
                                                     url % server.address), stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True) for url, more in urls]
    start, series = time.monotonic(), []
    for i in range(1, 11):
        time.sleep(max(0, start + seconds * i / 10 - 1 - time.monotonic()))
        series.append({"seconds": round(time.monotonic() - start), "memory": server.memory()})
        print("%6d %10d" % (series[-1]["seconds"], series[-1]["memory"] >> 10), flush=True)
    output = [c.communicate()[0] for c in clients]
    if any("Non-2xx" in o or "requests in" not in o for o in output):
        stages.die("soak: " + "\n".join(output))
    time.sleep(8)
    print("  idle %10d" % (server.memory() >> 10))
    yield {"what": "soak", "series": series, "memory after": server.memory(), "wrk": output}
    stage.stop_servers()


def main():
    parser = argparse.ArgumentParser(prog="bench/growth.py", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[[], "connections", "files", "soak"])
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--soak-seconds", type=int, default=600)
    parser.add_argument("--binary", default="build/tunhttpd")
    parser.add_argument("--results", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "results"))
    options = parser.parse_args()
    if os.geteuid() != 0:
        stages.die("needs root for its namespaces")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    parts = options.parts or ["connections", "files"]
    about = bench.machine()
    print("%(cpu)s, %(cores)d cores, Linux %(kernel)s, %(nginx)s, load %(load before)g" % about)
    os.makedirs(options.results, exist_ok=True)
    for part in parts:
        with stages.Stage(options.binary) as stage:
            rows = list({"connections": connections, "files": files, "soak": soak}[part](
                stage, options.soak_seconds if part == "soak" else options.seconds))
        with open(os.path.join(options.results, "growth-%s.json" % part), "w", encoding="ascii") as f:
            json.dump({"machine": about, "rows": rows}, f, indent=1)
            f.write("\n")


if __name__ == "__main__":
    main()
