# SPDX-License-Identifier: Apache-2.0
"""`tunhttpd link` between a server's namespace and a client's: downloads by curl arrive as they are, whatever the
link does to packets; and what it says it did, it did."""
import hashlib
import os
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager

from basics import ADDRESS, MIB, text_of, wait_until

SEED = "4711"
LEFT, RIGHT = "10.78.0.1", "10.78.0.2"  # the client's end and the server's
LEFT6, RIGHT6 = "fd78::1", "fd78::2"
ADDRESS6 = "fd77:7475:6e00::2"  # the server's, by default
ALL_OF_IT = ("--delay", "1ms", "--jitter", "0.5ms", "--rate", "200mbit", "--loss", "0.05", "--reorder", "0.1",
             "--reorder-by", "1ms", "--duplicate", "0.5", "--corrupt", "0.05")


class Link:
    """A running `tunhttpd link`."""

    def __init__(self, env, left, right, *options):
        self.dir = tempfile.mkdtemp(prefix="link-", dir=env.work)
        self.command = env.command("link", "--left", left, "--right", right, "--seed", SEED, *options)
        self.counts = None
        with open(os.path.join(self.dir, "stdout"), "wb") as out, open(os.path.join(self.dir, "stderr"), "wb") as err:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                            env=env.environ, cwd=self.dir, start_new_session=True)
        wait_until(lambda: "stop:" in self.stderr or self.process.poll() is not None, "the link is up")
        assert self.process.poll() is None, "the link ended: " + self.stderr

    @property
    def stdout(self):
        return text_of(os.path.join(self.dir, "stdout"))

    @property
    def stderr(self):
        return text_of(os.path.join(self.dir, "stderr"))

    def _parsed(self):
        """The last two lines: for each direction, what is counted by the words behind the number."""
        found = {}
        for line in self.stdout.splitlines()[-2:]:
            direction, _, rest = line.partition(": ")
            found[direction] = {what: int(n) for n, what in re.findall(r"(\d+) ([^,]+)", rest)}
        return found

    def ask(self):
        """The counters of now, by SIGUSR1."""
        lines = len(self.stdout.splitlines())
        self.process.send_signal(signal.SIGUSR1)
        wait_until(lambda: len(self.stdout.splitlines()) >= lines + 2, "counters", pause=0.01)
        return self._parsed()

    def settle(self):
        """Waits until nothing is under way and nothing more comes, such as the end of a connection."""
        before = None
        for _ in range(100):
            now = self.ask()
            if now == before and not any(c["under way"] for c in now.values()):
                break
            before = now
            time.sleep(0.05)

    def stop(self):
        """Ends it in order, checks that its account is even, and returns the counters."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(30)
        assert status == 0, "the link ended with %d: %s" % (status, self.stderr)
        assert "Sanitizer" not in self.stderr and "runtime error" not in self.stderr, self.stderr
        counts = self._parsed()
        for c in counts.values():
            assert c["in"] + c["duplicated"] == \
                c["out"] + c["lost"] + c["overflowed"] + c["too large"] + c["under way"], c
        return counts["left to right"], counts["right to left"]

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(30)


@contextmanager
def linked(env, *options):
    """A server behind the link; the test itself is at the client's end. The server is to the right."""
    with env.server("--workers", "1", "--grace", "1") as server:
        for switch in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            with open("/proc/sys/net/" + switch, "w", encoding="ascii") as f:
                f.write("1")
        with env.namespace() as client:
            link = Link(env, "%s::%s/24,%s/64" % (client.name, LEFT, LEFT6),
                        "%s::%s/24,%s/64" % (server.namespace.name, RIGHT, RIGHT6), *options)
            try:
                for host in (ADDRESS + "/32", ADDRESS6 + "/128"):
                    subprocess.run(["ip", "-n", client.name, "route", "add", host, "dev", "tunlink0"], check=True)
                env.notes.append("$ %s\n%s" % (" ".join(link.command), link.stderr))
                yield link
            finally:
                env.notes.append("-- link\n%s" % link.stdout)
                link.kill()


def big_file(env):
    name = "link.bin"
    if not os.path.exists(env.path(name)):
        env.write("site/" + name, os.urandom(64 * MIB))
    return name


def download(env, *options, scheme="https", host=ADDRESS):
    """Fetches the file over such a link; returns (counters to the server, to the client, seconds)."""
    name = big_file(env)
    with linked(env, *options) as link:
        start = time.monotonic()
        assert env.fetch_sha256("%s://%s/%s" % (scheme, host, name)) == env.sha256(name)
        seconds = time.monotonic() - start
        link.settle()
        up, down = link.stop()
    assert down["bytes in"] > os.path.getsize(env.path(name))
    return up, down, seconds


# ------------------------------------------------------------------ each impairment

def test_plain_link(env):
    for scheme in ("http", "https"):
        up, down, _ = download(env, scheme=scheme)
        for counts in (up, down):
            assert counts["in"] == counts["out"] and counts["bytes in"] == counts["bytes out"]
            assert counts["refused by the device"] == 0


def test_delay_and_jitter(env):
    with linked(env, "--delay", "20ms", "--jitter", "5ms") as link:
        start = time.monotonic()
        socket.create_connection((ADDRESS, 80), 30).close()
        assert 0.040 <= time.monotonic() - start <= 0.5
        link.settle()
        link.stop()
    download(env, "--delay", "3ms", "--jitter", "1ms")


def test_rate(env):
    _, down, seconds = download(env, "--rate", "200mbit")
    least = down["bytes out"] * 8 / 200e6
    assert least <= seconds + 0.1, "%g s are less than the rate allows, %g s" % (seconds, least)
    assert seconds <= 1.5 * least + 2, "%g s instead of %g s" % (seconds, least)


def test_short_queue(env):
    _, down, _ = download(env, "--rate", "200mbit", "--queue", "40")
    assert down["overflowed"] > 0


def test_loss(env):
    _, down, _ = download(env, "--loss", "0.3")
    assert down["in"] * 0.001 < down["lost"] < down["in"] * 0.01


def test_burst_loss(env):
    _, down, _ = download(env, "--burst", "0.05:30")
    assert down["lost"] > 10


def test_reordering(env):
    _, down, _ = download(env, "--reorder", "0.5", "--reorder-by", "1ms")
    assert down["held back"] > 50


def test_duplication(env):
    _, down, _ = download(env, "--duplicate", "2")
    assert down["duplicated"] > 200 and down["out"] == down["in"] + down["duplicated"]


def test_corruption_is_noticed_by_checksums(env):
    _, down, _ = download(env, "--corrupt", "0.3", scheme="http")
    assert down["corrupted"] > down["in"] * 0.001


def test_repaired_corruption_is_noticed_by_tls_alone(env):
    name = "eight.bin"
    with linked(env, "--right-to-left", "--corrupt", "1", "--repair") as link:
        path = os.path.join(env.work, "damaged.bin")
        done = env.curl("-o", path, "http://%s/%s" % (ADDRESS, name))
        with open(path, "rb") as f:
            assert done.returncode != 0 or hashlib.sha256(f.read()).hexdigest() != env.sha256(name)
        for _ in range(3):
            done = env.curl("-o", "/dev/null", "https://%s/%s" % (ADDRESS, name))
            assert done.returncode in (35, 56), "curl ended with %d" % done.returncode
        _, down = link.stop()
        assert down["corrupted"] > 10


def test_all_of_it_at_once(env):
    _, down, _ = download(env, *ALL_OF_IT)
    assert all(down[what] > 0 for what in ("lost", "held back", "duplicated", "corrupted"))


def test_ipv6(env):
    download(env, host="[%s]" % ADDRESS6)
    _, down, _ = download(env, *ALL_OF_IT, host="[%s]" % ADDRESS6)
    assert all(down[what] > 0 for what in ("lost", "held back", "duplicated", "corrupted"))


def test_whole_super_segments_under_loss(env):
    _, down, _ = download(env, "--loss", "1", "--segment", "off")
    assert down["lost"] > 0


def test_without_offload(env):
    _, down, _ = download(env, "--offload", "off", "--loss", "0.1")
    assert down["lost"] > 0


def test_mtu_reply_lets_a_large_request_pass_and_a_black_hole_does_not(env):
    url = "http://%s/hello.txt" % ADDRESS
    with linked(env, "--left-to-right", "--mtu", "1200", "--mtu-reply") as link:
        assert env.fetch(url, "-H", "X-Large: " + "x" * 4000).body == b"hello, world\n"
        up, _ = link.stop()
        assert up["too large"] > 0 and up["answered with ICMP"] > 0
    with linked(env, "--left-to-right", "--mtu", "1200") as link:
        assert env.fetch(url).body == b"hello, world\n"
        done = env.curl("-H", "X-Large: " + "x" * 4000, url, timeout=2)
        assert done.returncode == 28, "curl ended with %d" % done.returncode
        up, _ = link.stop()
        assert up["too large"] > 0 and up["answered with ICMP"] == 0


def fetch_over_small_path(env, host, *options):
    """A download over a path that takes 1,280 bytes, less than both ends know of; returns what the link did to it."""
    name = "one.bin"
    if not os.path.exists(env.path(name)):
        env.write("site/" + name, os.urandom(MIB))
    with linked(env, "--right-to-left", "--mtu", "1280", *options) as link:
        for scheme in ("https", "http"):
            assert env.fetch_sha256("%s://%s/%s" % (scheme, host, name)) == env.sha256(name)
        link.settle()
        _, down = link.stop()
    assert down["too large"] > 0
    return down


def test_download_follows_what_routers_say_of_the_path_mtu(env):
    for host in (ADDRESS, "[%s]" % ADDRESS6):
        down = fetch_over_small_path(env, host, "--mtu-reply")
        assert down["answered with ICMP"] > 0
        # An initial window, once: the second connection knows.
        assert down["too large"] <= 10, down


def test_download_gets_out_of_a_black_hole(env):
    for host in (ADDRESS, "[%s]" % ADDRESS6):
        down = fetch_over_small_path(env, host)
        assert down["answered with ICMP"] == 0
        assert down["too large"] <= 30, down  # a window and two time-outs, and probes


# ------------------------------------------------------------------ without the server

def send_through(near, far, count):
    """Sends `count` random bytes between two sockets' ends and compares what arrives."""
    data = os.urandom(count)
    got = hashlib.sha256()

    def receive():
        sock, _ = far.accept()
        with sock:
            for block in iter(lambda: sock.recv(1 << 18), b""):
                got.update(block)
    thread = threading.Thread(target=receive)
    thread.start()
    near.sendall(data)
    near.shutdown(socket.SHUT_WR)
    thread.join(60)
    assert got.hexdigest() == hashlib.sha256(data).hexdigest()


def test_ipv6_between_two_kernels(env):
    for options in ((), ALL_OF_IT, ("--mtu", "1300", "--mtu-reply")):
        with env.namespace() as left, socket.socket(socket.AF_INET6) as near:
            with env.namespace() as right, socket.socket(socket.AF_INET6) as far:
                link = Link(env, "%s::%s/64" % (left.name, LEFT6), "%s:far0:%s/64" % (right.name, RIGHT6), *options)
                try:
                    far.settimeout(60)
                    far.bind((RIGHT6, 5000))
                    far.listen()
                    near.settimeout(60)
                    near.connect((RIGHT6, 5000))
                    send_through(near, far, 8 * MIB)
                    assert "far0" in right.interfaces() and "tunlink0" in left.interfaces()
                    up, _ = link.stop()
                    assert up["answered with ICMP"] > 0 or "--mtu-reply" not in options
                    assert "far0" not in right.interfaces() and "tunlink0" not in left.interfaces()
                finally:
                    link.kill()


def test_two_devices_of_the_current_namespace(env):
    with env.namespace() as here:
        link = Link(env, "::%s/24" % LEFT, ":other:10.79.0.1/24")
        try:
            assert {"tunlink0", "other"} <= set(here.interfaces())
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                before = link.ask()["left to right"]["out"]
                s.sendto(b"x" * 100, ("10.78.0.9", 9))
                wait_until(lambda: link.ask()["left to right"]["out"] > before, "the packet is counted")
            link.stop()
        finally:
            link.kill()


def test_device_that_goes_away_ends_the_link(env):
    with env.namespace() as here:
        link = Link(env, "", ":other")
        try:
            subprocess.run(["ip", "-n", here.name, "link", "del", "other"], check=True)
            assert link.process.wait(30) == 1
            assert link.stderr.splitlines()[-1].startswith("tunhttpd: cannot read from the TUN device other: ")
        finally:
            link.kill()


def test_it_runs_without_privileges(env):
    with env.namespace():
        link = Link(env, "", ":other")
        try:
            status = text_of("/proc/%d/status" % link.process.pid)
            assert re.search(r"^CapEff:\s+0+$", status, re.M) and re.search(r"^CapBnd:\s+0+$", status, re.M), status
            assert not re.search(r"^Uid:\s+0\b", status, re.M), status
            link.stop()
        finally:
            link.kill()


def test_seed_is_printed_and_taken(env):
    with env.namespace():
        link = Link(env, "", ":other", "--left-to-right", "--loss", "1")
        link.stop()
        assert "seed %s\n" % SEED in link.stderr
        assert "left to right: loss 1%, super segments cut\n" in link.stderr
        assert "right to left: nothing\n" in link.stderr


def test_errors_are_one_line_with_their_status(env):
    with env.namespace():
        for status, says, args in (
                (2, "--left is missing", []),
                (2, "did you mean --loss?", ["--los", "1"]),
                (78, "there is no namespace tunhttpd-none", ["--left", "tunhttpd-none", "--right", ""]),
                (78, "not the file of a network namespace", ["--left", "/proc/self/ns/uts", "--right", ""]),
                (78, "cannot open the namespace /none/such", ["--left", "/none/such", "--right", ""]),
                (1, "choose another name with --left", ["--left", ":lo", "--right", ""]),
                (1, "cannot give tunlink1 the address", ["--left", "", "--right", "::::1/128"])):
            done = env.run(*env.command("link", *args))
            error = done.stderr.decode()
            assert done.returncode == status and says in error and error.count("\n") == 1, (args, done)
        link = Link(env, "", ":other")
        try:
            done = env.run(*env.command("link", "--left", "", "--right", ":third"))
            assert done.returncode == 1 and b"is in use by another process" in done.stderr
            link.stop()
        finally:
            link.kill()
        done = env.run(*env.command("link", "--help"))
        assert done.returncode == 0 and b"usage: tunhttpd link" in done.stdout and not done.stderr
