# SPDX-License-Identifier: Apache-2.0
"""What is measured. A case has a unit, the ratio to nginx that it must reach and the one it aims at, and a function
that runs it once against one server and returns a Sample."""
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field

import stage as stages

HERE = os.path.dirname(os.path.abspath(__file__))


@dataclass
class Sample:
    value: float            # of the unit
    units: float = 0        # of work done: for the processor time of each
    cpu: float = 0          # seconds of the server's processes
    seconds: float = 0      # that it took
    more: dict = field(default_factory=dict)


@dataclass
class Case:
    name: str
    title: str
    unit: str
    must: float
    aim: float
    measure: object         # (stage, server, seconds) → Sample
    better: str = "more"    # or "less"
    start: dict = field(default_factory=dict)  # for Stage.start
    rounds: int = 0         # 0: as asked for
    per: str = "request"    # what the processor time is for
    servers: tuple = ("ours", "nginx")
    scale: float = 1e6      # processor time is printed in µs; 1e3 is ms


def number(text):
    """wrk's and h2load's 12.34k, 5.67ms, 1.20s, 890.00us: the last two in microseconds."""
    value, unit = re.fullmatch(r"([\d.]+)([a-zA-Z]*)", text).groups()
    return float(value) * {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "us": 1, "ms": 1e3, "s": 1e6, "m": 6e7}[unit]


def wrk(stage, server, seconds, url, connections, *more, threads=1, cores=stages.CLIENT_CORE):
    before, start = server.cpu(), time.monotonic()
    done = stage.inside("wrk", "-t%d" % threads, "-c%d" % connections, "-d%ds" % max(1, round(seconds)), "--latency",
                        "--timeout", "30", *more, url, cores=cores)
    took, cpu = time.monotonic() - start, server.cpu() - before
    requests = re.search(r"(\d+) requests in ([\d.]+)(\w+)", done.stdout)
    if done.returncode != 0 or not requests or re.search(r"Non-2xx|Socket errors", done.stdout):
        stages.die("wrk %s: %s" % (url, done.stdout))
    count, period = int(requests.group(1)), number(requests.group(2) + requests.group(3)) / 1e6
    latency = {"p" + p: number(v) for p, v in re.findall(r"(50|99)%\s+([\d.]+\w+)", done.stdout)}
    return Sample(count / period, count, cpu, took, latency)


def keep_alive(scheme):
    return lambda stage, server, seconds: wrk(stage, server, seconds, "%s://%s/1k.bin" % (scheme, server.address), 64)


def new_connections(stage, server, seconds):
    return wrk(stage, server, seconds, "http://%s/1k.bin" % server.address, 64, "-H", "Connection: close")


def latency(which):
    def measure(stage, server, seconds):
        sample = wrk(stage, server, seconds, "http://%s/1k.bin" % server.address, 1)
        sample.value = sample.more[which]
        return sample
    return measure


def http2(stage, server, seconds):
    before, start = server.cpu(), time.monotonic()
    done = stage.inside("h2load", "-c16", "-m32", "-t1", "-D%d" % max(1, round(seconds)), "--warm-up-time=0",
                        "https://%s/1k.bin" % server.address)
    took, cpu = time.monotonic() - start, server.cpu() - before
    rate = re.search(r"finished in [\d.]+\w+, ([\d.]+) req/s", done.stdout)
    good = re.search(r"status codes: (\d+) 2xx, 0 3xx, 0 4xx, 0 5xx", done.stdout)
    if done.returncode != 0 or not rate or not good or "Application protocol: h2" not in done.stdout:
        stages.die("h2load: " + done.stdout)
    return Sample(float(rate.group(1)), int(good.group(1)), cpu, took)


def handshakes(version, how):
    def measure(stage, server, seconds):
        before, start = server.cpu(), time.monotonic()
        done = stage.inside(stage.tool("handshake_client"), server.address, "443", "%d" % max(1, round(seconds)), "16",
                            version, how)
        took, cpu = time.monotonic() - start, server.cpu() - before
        if done.returncode != 0:
            stages.die("handshakes: " + done.stdout)
        count, period = (float(word) for word in done.stdout.split()[:2])
        return Sample(count / period, count, cpu, took)
    return measure


def bulk(scheme, name, size, connections):
    def measure(stage, server, seconds):
        stage.make_file(name, size)
        # A run has to be long enough for a few files.
        sample = wrk(stage, server, max(seconds, 4 if size > 1 << 29 else seconds), "%s://%s/%s"
                     % (scheme, server.address, name), connections)
        if sample.units == 0:
            stages.die("bulk: not one file in %g s" % seconds)
        sample.value *= size / 1e9
        sample.units *= size / 1e9
        return sample
    return measure


def slab():
    with open("/proc/meminfo", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("Slab:")) * 1024


IDLE = 10000


def idle_memory(stage, server, _seconds):
    """Processes, and the kernel's slab less what the client's own sockets take: that is what it grows by when ours
    serves, which has no socket in the kernel."""
    process, kernel = server.memory(), slab()
    client = subprocess.Popen(stage.client_command(stage.tool("idle_client"), server.address, "443", str(IDLE),
                                                   "/1k.bin"), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    if client.stdout.readline().strip() != b"%d" % IDLE:
        stages.die("idle connections were not opened")
    time.sleep(3)
    process, kernel = server.memory() - process, slab() - kernel
    client.stdin.close()
    client.wait()
    if server.name == "ours":
        idle_memory.client_slab = kernel
        kernel = 0
    else:
        kernel = max(0, kernel - getattr(idle_memory, "client_slab", 0))
    return Sample((process + kernel) / IDLE, more={"process": process / IDLE, "kernel": kernel / IDLE})


def start_time(stage, server, _seconds):
    """The running server is ended first: this one starts its own."""
    stage.stop_servers()
    if server.name == "ours":
        command = ["ip", "netns", "exec", stage.client] + stage.ours_command(options=("--https", "443"))
    else:
        command = ["ip", "netns", "exec", stage.server] + stage.nginx_command()
    done = stage.inside(sys.executable, os.path.join(HERE, "bench.py"), "--first-byte", server.address, *command)
    if done.returncode != 0:
        stages.die(done.stdout)
    return Sample(float(done.stdout))


def two_workers(stage, server, seconds):
    """Both cores for both, server and client: what a second worker adds, with the client in the way of each."""
    return wrk(stage, server, seconds, "http://%s/1k.bin" % server.address, 64, threads=2, cores="0,1")


GiB, MiB10 = 1 << 30, 10 << 20
CASES = [
    Case("http", "1 KiB, keep-alive, 64 connections, http", "requests/s", 1.3, 2.0, keep_alive("http")),
    Case("https", "the same, https", "requests/s", 1.0, 1.5, keep_alive("https")),
    Case("h2", "1 KiB, HTTP/2, 16 connections x 32 streams", "requests/s", 1.0, 1.5, http2),
    Case("connections", "a connection for each request, http", "requests/s", 1.3, 2.0, new_connections),
    Case("handshake-ecdsa", "full TLS 1.3 handshakes, ECDSA P-256", "handshakes/s", 1.0, 1.5,
         handshakes("1.3", "full"), per="handshake"),
    Case("handshake-rsa", "full TLS 1.3 handshakes, RSA-2048", "handshakes/s", 1.0, 1.5, handshakes("1.3", "full"),
         start={"kind": "rsa"}, per="handshake"),
    Case("resumed-1.3", "resumed TLS 1.3 handshakes", "handshakes/s", 1.0, 1.5, handshakes("1.3", "resumed"),
         per="handshake"),
    Case("resumed-1.2", "resumed TLS 1.2 handshakes", "handshakes/s", 1.0, 1.5, handshakes("1.2", "resumed"),
         per="handshake"),
    *[Case("bulk-%s-%s-%d" % (scheme, label, n), "%s, %s, %d connection%s" % (title, scheme, n, "s" if n > 1 else ""),
           "GB/s", 0.9, 1.2, bulk(scheme, label + ".bin", size, n), per="GB", scale=1e3)
      for label, title, size in (("10m", "10 MiB", MiB10), ("1g", "1 GiB", GiB))
      for scheme in ("http", "https") for n in (1, 4)],
    Case("latency-p50", "p50 latency, 1 connection, 1 KiB", "us", 1.0, 0.7, latency("p50"), better="less"),
    Case("latency-p99", "p99 latency, 1 connection, 1 KiB", "us", 1.0, 0.7, latency("p99"), better="less"),
    Case("idle", "memory of an idle TLS connection, at 10,000", "bytes", 0.7, 0.4, idle_memory, better="less",
         rounds=1),
    Case("workers", "two workers to one, both cores for server and client", "requests/s", 1.7, 1.9, two_workers,
         servers=("ours-2", "ours-1")),
    Case("start", "start to first byte served", "ms", 1.0, 0.5, start_time, better="less"),
]
