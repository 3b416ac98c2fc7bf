# SPDX-License-Identifier: Apache-2.0
"""Our TCP beside the Linux kernel's through one emulated link; see bench/linux-tcp.sh.

What makes it a comparison: one link for both, started anew for each run with the seed of the round, so that packet n
of a direction has the same fate; one receiver, curl in the client's namespace; one MTU, offload on for both; buffers of
the kernel that are larger than any product of rate and delay here; no metrics kept from connection to connection.
What is sent again is counted by one observer, on the device at which both enter the link: bytes of payload that were
seen there before. CPU is what the sender's process used; of the kernel's sender much happens outside of it.

It starts itself again in the server's namespace as `--sender` (the kernel's sender) and as `--observer`."""
import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time

CLIENT, SERVER = "10.78.0.1", "10.78.0.2"  # the ends of the link
OURS = "10.77.0.2"                         # tunhttpd's own address, behind the server's end
SENDER_PORT = 8080
FILE_BYTES = 1 << 30
SEED = 4711
PACKET = 1500
PORTS = (80, SENDER_PORT)
SO_RCVBUFFORCE = 33                        # asm-generic/socket.h

RTTS_MS = (1, 20, 100, 300)
PATHS = {  # name: options of the direction to the client, given the round-trip time in ms
    "loss0": lambda rtt: [],
    "loss0.1": lambda rtt: ["--loss", "0.1"],
    "loss1": lambda rtt: ["--loss", "1"],
    "loss5": lambda rtt: ["--loss", "5"],
    "reorder1": lambda rtt: ["--reorder", "1", "--reorder-by", "%.3fms" % (rtt / 8)],
    "burst": lambda rtt: ["--burst", "0.1:33"],
}


# ------------------------------------------------------------------ in the server's namespace

def serve_file(conn, path):
    with conn, open(path, "rb") as f:
        request = b""
        while b"\r\n\r\n" not in request:
            more = conn.recv(4096)
            if not more:
                return
            request += more
        size = os.fstat(f.fileno()).st_size
        conn.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % size)
        try:
            sent = 0
            while sent < size:
                sent += os.sendfile(conn.fileno(), f.fileno(), sent, min(size - sent, 1 << 20))
        except (BrokenPipeError, ConnectionResetError):
            pass  # the client's time is up


def sender(path):
    """The kernel's TCP with as little around it as can be: sendfile."""
    with socket.create_server(("", SENDER_PORT), backlog=16) as listener:
        # The namespace's default is not ours to change when the host does not list CUBIC as allowed.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"cubic")
        while True:
            conn, _ = listener.accept()
            threading.Thread(target=serve_file, args=(conn, path), daemon=True).start()


def observer(device):
    """Counts the payload that leaves for the client, and what of it has left before; prints it when told to end."""
    counts = {"bytes": 0, "again": 0}
    highest = {}

    def stop(*_):
        print(json.dumps(counts), flush=True)
        os._exit(0)
    signal.signal(signal.SIGTERM, stop)
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3)) as sock:
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
        sock.bind((device, 3))
        print("ready", flush=True)
        while True:
            packet, address = sock.recvfrom(128)
            if address[2] != socket.PACKET_OUTGOING or len(packet) < 40 or packet[0] != 0x45 or packet[9] != 6:
                continue
            sport, dport, seq = struct.unpack_from("!HHI", packet, 20)
            if sport not in PORTS:
                continue
            length = struct.unpack_from("!H", packet, 2)[0] - 20 - (packet[32] >> 4) * 4
            if length <= 0:
                continue
            end = (seq + length) & 0xffffffff
            top = highest.get((sport, dport), seq)
            fresh = min(length, max(0, ((end - top + 0x80000000) & 0xffffffff) - 0x80000000))
            if fresh:
                highest[(sport, dport)] = end
            counts["bytes"] += length
            counts["again"] += length - fresh


# ------------------------------------------------------------------ the stage

class Stage:
    """Two namespaces, both servers, the file."""

    def __init__(self, options):
        self.o = options
        self.client, self.server = ("tunhttpd-bench-%d-%s" % (os.getpid(), end) for end in "cs")
        self.work = tempfile.mkdtemp(prefix="tunhttpd-bench-")
        self.ours = self.theirs = None

    def inside(self, namespace, *command, **how):
        return subprocess.Popen(["ip", "netns", "exec", namespace] + list(command), **how)

    def sysctl(self, namespace, **values):
        for name, value in values.items():
            subprocess.run(["ip", "netns", "exec", namespace, "sysctl", "-qw", "net.ipv4.%s=%s" % (name, value)],
                           check=True)

    def __enter__(self):
        try:
            return self.build()
        except BaseException:
            self.__exit__()
            raise

    def build(self):
        www = os.path.join(self.work, "www")
        os.makedirs(www)
        path = os.path.join(www, "big.bin")
        with open(path, "wb") as f:
            f.truncate(FILE_BYTES)
        os.chmod(self.work, 0o755)
        for name in (self.client, self.server):
            subprocess.run(["ip", "netns", "add", name], check=True)
            subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
            self.sysctl(name, tcp_rmem="4096 131072 67108864", tcp_wmem="4096 65536 67108864",
                        tcp_no_metrics_save=1, ip_forward=1)
        if self.o.kernel_buffer:
            self.sysctl(self.server, tcp_wmem="4096 65536 %d" % self.o.kernel_buffer)
        log = open(os.path.join(self.work, "ours.log"), "wb")
        self.ours = self.inside(self.server, os.path.abspath(self.o.binary), "serve", www, "--https", "off", "--workers",
                                "1", "--log", "off", "--address6", "off", "--state", os.path.join(self.work, "state"),
                                *self.o.ours.split(), stdout=log, stderr=log, start_new_session=True)
        self.theirs = self.inside(self.server, sys.executable, os.path.abspath(__file__), "--sender", path,
                                  start_new_session=True)
        time.sleep(1)
        if self.ours.poll() is not None:
            with open(os.path.join(self.work, "ours.log"), encoding="utf-8") as f:
                sys.exit("linux-tcp: our server ended: " + f.read())
        return self

    def __exit__(self, *_):
        for process in (self.ours, self.theirs):
            if process and process.poll() is None:
                process.terminate()
                process.wait(30)
        for name in (self.client, self.server):
            subprocess.run(["ip", "netns", "del", name], check=False)
        shutil.rmtree(self.work, ignore_errors=True)


def family(pid):
    """A process and its children."""
    with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as f:
        children = [int(word) for word in f.read().split()]
    return [pid] + [p for child in children for p in family(child)]


def cpu_seconds(pid):
    total = 0
    for p in family(pid):
        with open("/proc/%d/stat" % p, encoding="ascii") as f:
            fields = f.read().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def wait_for_line(stream, words):
    for line in stream:
        if words in line:
            return
    sys.exit("linux-tcp: a helper ended before it was ready")


def run(stage, path, rtt_ms, seed, who):
    """One download. Returns {mbit, again (share), cpu}."""
    o = stage.o
    queue = max(100, round(o.rate * 1e6 / 8 * rtt_ms / 1e3 / PACKET))
    link = subprocess.Popen(
        [os.path.abspath(o.binary), "link", "--left", "%s::%s/24" % (stage.client, CLIENT), "--right",
         "%s::%s/24" % (stage.server, SERVER), "--seed", str(seed), "--delay", "%.3fms" % (rtt_ms / 2), "--rate",
         "%gmbit" % o.rate, "--queue", str(queue), "--right-to-left"] + PATHS[path](rtt_ms),
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True)
    watch = None
    try:
        wait_for_line(link.stderr, "stop:")
        for namespace, device in ((stage.client, "tunlink0"), (stage.server, "tunlink1")):
            subprocess.run(["ip", "-n", namespace, "link", "set", device, "txqueuelen", "10000"], check=True)
        subprocess.run(["ip", "-n", stage.client, "route", "add", OURS + "/32", "dev", "tunlink0"], check=True)
        watch = stage.inside(stage.server, sys.executable, os.path.abspath(__file__), "--observer", "tunlink1",
                             stdout=subprocess.PIPE, text=True)
        wait_for_line(watch.stdout, "ready")
        process = stage.ours if who == "ours" else stage.theirs
        url = "http://%s/big.bin" % (OURS if who == "ours" else "%s:%d" % (SERVER, SENDER_PORT))
        before = cpu_seconds(process.pid)
        done = subprocess.run(["ip", "netns", "exec", stage.client, "curl", "-s", "-o", "/dev/null", "--max-time",
                               "%g" % o.seconds, "-w", "%{http_code} %{size_download} %{time_total}", url],
                              stdout=subprocess.PIPE, text=True, check=False)
        cpu = cpu_seconds(process.pid) - before
        status, size, seconds = done.stdout.split()
        if done.returncode not in (0, 28) or status != "200":
            print("  %s: curl ended with %d: %s" % (who, done.returncode, done.stdout), file=sys.stderr)
        watch.send_signal(signal.SIGTERM)
        counts = json.loads(watch.communicate(timeout=30)[0].splitlines()[-1])
        return {"mbit": float(size) * 8 / 1e6 / float(seconds), "cpu": cpu,
                "again": counts["again"] / max(1, counts["bytes"])}
    finally:
        for p in (watch, link):
            if p and p.poll() is None:
                p.terminate()
                p.wait(30)


def cells(wanted):
    for path in PATHS:
        for rtt in RTTS_MS:
            name = "%s/%d" % (path, rtt)
            if not wanted or any(word in (name, path, "/%d" % rtt) for word in wanted):
                yield name, path, rtt


def compare(o):
    wanted = o.cells.split(",") if o.cells else []
    chosen = list(cells(wanted))
    if not chosen:
        sys.exit("linux-tcp: no cell is called so; there are: " + " ".join(name for name, _, _ in cells([])))
    below = 0
    print("Linux %s CUBIC; %g Mbit/s, a queue of rate*rtt (100 packets at least), %g s, medians of %d"
          % (os.uname().release, o.rate, o.seconds, o.rounds))
    print("%-14s %12s %12s %6s %15s %15s %11s %11s %10s %10s"
          % ("path/rtt ms", "ours Mbit/s", "Linux Mbit/s", "ratio", "ours, range", "Linux, range", "ours again",
             "Linux again", "ours cpu s", "Linux cpu s"))
    with Stage(o) as stage:
        for name, path, rtt in chosen:
            runs = {"ours": [], "linux": []}
            for i in range(o.rounds):
                for who in ("ours", "linux") if i % 2 == 0 else ("linux", "ours"):
                    runs[who].append(run(stage, path, rtt, SEED + i, who))

            def median(who, what):
                return statistics.median(r[what] for r in runs[who])

            def spread(who):
                return "%.2f..%.2f" % (min(r["mbit"] for r in runs[who]), max(r["mbit"] for r in runs[who]))
            ratio = median("ours", "mbit") / max(1e-9, median("linux", "mbit"))
            below += ratio < 0.9
            print("%-14s %12.2f %12.2f %6.2f %15s %15s %10.2f%% %10.2f%% %10.2f %10.2f%s"
                  % (name, median("ours", "mbit"), median("linux", "mbit"), ratio, spread("ours"), spread("linux"),
                     100 * median("ours", "again"), 100 * median("linux", "again"), median("ours", "cpu"),
                     median("linux", "cpu"), "  <" if ratio < 0.9 else ""), flush=True)
    print("%d of %d cells below 0.9" % (below, len(chosen)))


def main():
    parser = argparse.ArgumentParser(prog="bench/linux-tcp.sh", description="Our TCP beside Linux's through one bad network.",
                                     epilog="Cells: PATH/RTT with %s and %s." % (" ".join(PATHS), RTTS_MS))
    parser.add_argument("--cells", help="comma-separated: loss1/20 is one, loss1 a row, /20 a column (all)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8, help="of each download (8)")
    parser.add_argument("--rate", type=float, default=100, help="Mbit/s of the bottleneck (100)")
    parser.add_argument("--binary", default="build/tunhttpd")
    parser.add_argument("--ours", default="", metavar="OPTIONS", help="more options for our server")
    parser.add_argument("--kernel-buffer", type=int, metavar="BYTES", help="limit of the kernel's send buffer (64 MiB)")
    parser.add_argument("--sender", metavar="FILE", help=argparse.SUPPRESS)
    parser.add_argument("--observer", metavar="DEVICE", help=argparse.SUPPRESS)
    o = parser.parse_args()
    if o.sender:
        sender(o.sender)
    elif o.observer:
        observer(o.observer)
    elif os.geteuid() != 0:
        sys.exit("linux-tcp: needs root for its namespaces")
    else:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        compare(o)


if __name__ == "__main__":
    main()
