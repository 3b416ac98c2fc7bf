# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests stand on: network namespaces, servers in them, clients, a site to be served.

The test process itself moves into the namespace of the server under test (setns), so that its sockets, its
threads and the programs it starts are all inside. Nothing else on the machine is reached.
"""
import ctypes
import hashlib
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from contextlib import contextmanager, nullcontext

ADDRESS = "10.77.0.2"       # the server's, by default
HOST_ADDRESS = "10.77.0.1"  # the host's side of the TUN device
DEVICE = "tunhttpd0"
NAMESPACE_PREFIX = "tunhttpd-e2e-"
PATIENCE = 120.0            # seconds until something that must happen counts as missing
CLONE_NEWNET = 0x40000000
MIB = 1 << 20


class Skipped(Exception):
    """The machine lacks what a test needs."""


def wait_until(condition, what, timeout=PATIENCE, pause=0.05):
    """Polls until `condition()` is true and returns its value."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, "waited %g s in vain for: %s" % (timeout, what)
        time.sleep(pause)


def text_of(path):
    try:
        with open(path, "rb") as f:
            return f.read().decode("utf-8", "backslashreplace")
    except OSError:
        return ""


# ------------------------------------------------------------------ namespaces

_libc = ctypes.CDLL(None, use_errno=True)


def _setns(fd):
    if _libc.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Namespace:
    """A network namespace of our own with nothing but loopback in it."""
    _count = 0

    def __init__(self):
        Namespace._count += 1
        self.name = "%s%d-%d" % (NAMESPACE_PREFIX, os.getpid(), Namespace._count)
        self._outside = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        subprocess.run(["ip", "-n", self.name, "link", "set", "lo", "up"], check=True)
        fd = os.open("/run/netns/" + self.name, os.O_RDONLY | os.O_CLOEXEC)
        _setns(fd)
        os.close(fd)

    def pids(self):
        """Who is inside, without the test process itself."""
        inode = os.stat("/run/netns/" + self.name).st_ino
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.stat("/proc/%s/ns/net" % pid).st_ino == inode and int(pid) != os.getpid():
                    found.append(int(pid))
            except OSError:
                pass  # it has ended in the meantime
        return found

    def ip(self, *args):
        out = subprocess.run(["ip", "-n", self.name, "-j"] + list(args), stdout=subprocess.PIPE, check=True).stdout
        return json.loads(out or b"[]")

    def interfaces(self):
        return [link["ifname"] for link in self.ip("link")]

    def close(self):
        _setns(self._outside)
        os.close(self._outside)
        for pid in self.pids():  # only what the tests started can be in there
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        subprocess.run(["ip", "netns", "del", self.name], check=False)


def sweep():
    """Removes namespaces of runs that were killed before they could."""
    out = subprocess.run(["ip", "-j", "netns"], stdout=subprocess.PIPE, check=False).stdout
    for entry in json.loads(out or b"[]"):
        name = entry["name"]
        pid = name[len(NAMESPACE_PREFIX):].split("-")[0]
        if name.startswith(NAMESPACE_PREFIX) and pid.isdigit() and not os.path.exists("/proc/" + pid):
            subprocess.run(["ip", "netns", "del", name], check=False)


# ------------------------------------------------------------------ the server

class Server:
    """One running tunhttpd in the namespace that the process is in."""

    def __init__(self, env, namespace, args, answers_at=(ADDRESS, 80)):
        self.env = env
        self.answers_at = answers_at
        self.namespace = namespace
        self.dir = tempfile.mkdtemp(prefix="server-", dir=env.work)
        self.args = list(args)
        self.process = None
        env.servers.append(self)

    def start(self):
        """Starts the program and waits until it accepts a connection."""
        self.launch()
        self.await_service()

    def await_service(self):
        wait_until(self._accepts, "the server accepts connections", pause=0.1)

    def launch(self, *before, **how):
        """Starts the program only, as an argument of the command `before`; `how` goes to Popen."""
        out = open(os.path.join(self.dir, "stdout"), "ab")
        err = open(os.path.join(self.dir, "stderr"), "ab")
        with out, err:
            self.process = subprocess.Popen(
                list(before) + self.env.command(*self.args), stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                env=self.env.environ, cwd=self.dir, start_new_session=True, **how)

    def _accepts(self):
        assert self.process.poll() is None, "the server ended with %d before it served" % self.process.returncode
        try:
            socket.create_connection(self.answers_at, 5).close()
            return True
        except OSError:
            return False

    @property
    def pid(self):
        return self.process.pid

    @property
    def stdout(self):
        return text_of(os.path.join(self.dir, "stdout"))

    @property
    def stderr(self):
        return text_of(os.path.join(self.dir, "stderr"))

    @property
    def ca(self):
        return os.path.join(self.env.state, "ca.pem")

    def alive(self):
        return self.process.poll() is None

    def workers(self):
        """The process ids of the children; those that are dead already do not count."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            stat = text_of("/proc/%s/stat" % pid).rpartition(")")[2].split()
            if len(stat) > 1 and int(stat[1]) == self.pid and stat[0] not in "ZX":
                found.append(int(pid))
        return sorted(found)

    def workers_reading(self, path):
        """The workers that have `path` open: so many responses of it are under way."""
        found = []
        for pid in self.workers():
            try:
                for fd in os.listdir("/proc/%d/fd" % pid):
                    if os.readlink("/proc/%d/fd/%s" % (pid, fd)) == path:
                        found.append(pid)
            except OSError:
                pass
        return found

    def signal(self, number):
        os.kill(self.pid, number)

    def wait(self, timeout=PATIENCE):
        """The exit status."""
        return self.process.wait(timeout)

    def stop(self):
        """An orderly end, which has to have status 0."""
        if self.alive():
            self.signal(signal.SIGTERM)
        status = self.wait()
        assert status == 0, "exit status %d after SIGTERM" % status

    def kill(self):
        if self.process and self.alive():
            self.process.kill()
            self.process.wait(30)

    def complaint(self):
        """What a sanitizer said, or None."""
        for line in self.stderr.splitlines():
            if "Sanitizer" in line or "runtime error:" in line:
                return line
        return None

    def evidence(self):
        return "$ %s\n%s\n-- access log, its end\n%s" % (
            " ".join(self.args), self.stderr[-20000:], self.stdout[-2000:])


# ------------------------------------------------------------------ responses

class Response:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers  # list of (name in lower case, value)
        self.body = body

    def __getitem__(self, name):
        return dict(self.headers).get(name.lower())

    def __repr__(self):
        return "%d %r %r" % (self.status, self.headers, self.body[:200])


def parse_head(head):
    lines = head.decode("latin-1").split("\r\n")
    assert lines[0].startswith("HTTP/1.1 "), "no status line: %r" % lines[0]
    fields = [line.partition(":") for line in lines[1:] if line]
    return int(lines[0].split()[1]), [(name.lower(), value.strip()) for name, _, value in fields]


class Reader:
    """Takes responses off a stream, one after another."""

    def __init__(self, sock):
        self.sock = sock
        self.data = b""

    def _more(self):
        got = self.sock.recv(65536)
        self.data += got
        return bool(got)

    def response(self, head_only=False):
        while b"\r\n\r\n" not in self.data:
            assert self._more(), "the connection ended within a header: %r" % self.data
        head, _, self.data = self.data.partition(b"\r\n\r\n")
        status, headers = parse_head(head)
        length = 0 if head_only or status == 304 else int(dict(headers).get("content-length", 0))
        while len(self.data) < length:
            assert self._more(), "%d of %d bytes of content" % (len(self.data), length)
        body, self.data = self.data[:length], self.data[length:]
        return Response(status, headers, body)

    def at_end(self):
        """True when the stream ends here, in order and with nothing more."""
        return not self.data and not self._more()


def read_all(sock):
    """Everything until the peer's end, as (bytes, SHA-256)."""
    digest, count = hashlib.sha256(), 0
    while True:
        got = sock.recv(1 << 18)
        if not got:
            return count, digest.hexdigest()
        digest.update(got)
        count += len(got)


# ------------------------------------------------------------------ the environment of a test

class Env:
    """The site, the servers, and the clients' programs. The runner makes one for all tests."""

    def __init__(self, binary):
        self.work = tempfile.mkdtemp(prefix="tunhttpd-e2e-")
        os.chmod(self.work, 0o755)  # the workers are nobody
        self.binary = os.path.join(self.work, "tunhttpd")
        shutil.copy(binary, self.binary)
        self.state = os.path.join(self.work, "state")
        self.site = os.path.join(self.work, "site")
        self.environ = {k: v for k, v in os.environ.items()
                        if not k.startswith("TUNHTTPD") and not k.lower().endswith("_proxy")}
        self.environ["LC_ALL"] = "C"
        self.big_mib = int(os.environ.get("E2E_BIG_MB", "1024"))
        self._shared = None
        self._digests = {}
        self.notes = []    # what the test at hand has run
        self.servers = []  # and whom it has talked to
        self._make_site()

    # -- the site

    def _make_site(self):
        for folder in ("site/sub", "site/empty", "outside"):
            os.makedirs(os.path.join(self.work, folder))
        self.write("site/index.html", "<!DOCTYPE html>\n<title>start</title>\n<p>start page\n")
        self.write("site/hello.txt", "hello, world\n")
        self.write("site/sub/index.html", "<!DOCTYPE html>\n<title>sub</title>\n")
        self.write("site/eight.bin", os.urandom(8 * MIB))
        self.write("outside/secret.txt", "SECRET\n")

    def write(self, name, content):
        """Makes a file that everybody may read; `name` is relative to the working directory."""
        path = os.path.join(self.work, name)
        with open(path, "wb") as f:
            f.write(content.encode() if isinstance(content, str) else content)
        os.chmod(path, 0o644)
        return path

    def big(self):
        """The name of the large file, made when first asked for."""
        path = os.path.join(self.site, "big.bin")
        if not os.path.exists(path):
            digest = hashlib.sha256()
            with open(path, "wb") as f:
                for _ in range(self.big_mib):
                    block = os.urandom(MIB)
                    f.write(block)
                    digest.update(block)
            os.chmod(path, 0o644)
            self._digests["big.bin"] = digest.hexdigest()
        return "big.bin"

    def path(self, name):
        return os.path.join(self.site, name)

    def content(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def sha256(self, name):
        if name not in self._digests:
            self._digests[name] = hashlib.sha256(self.content(name)).hexdigest()
        return self._digests[name]

    # -- servers

    def command(self, *args):
        return [self.binary] + list(args)

    def _arguments(self, extra):
        extra = list(extra)
        if not (extra and not extra[0].startswith("-")):
            extra.insert(0, self.site)  # no directory is given
        return ["serve", extra[0], "--state", self.state] + extra[1:]

    def shared(self):
        """The server that all tests without special wishes talk to: two workers, everything else default."""
        if self._shared and not self._shared.alive():
            self._shared.namespace.close()
            self._shared = None
        if not self._shared:
            namespace = Namespace()
            try:
                server = Server(self, namespace, self._arguments(["--workers", "2"]))
                server.start()
                self._shared = server
            except BaseException:
                namespace.close()
                raise
        if self._shared not in self.servers:
            self.servers.append(self._shared)
        return self._shared

    @contextmanager
    def namespace(self):
        namespace = Namespace()
        try:
            yield namespace
        finally:
            namespace.close()

    @contextmanager
    def server(self, *args, answers_at=(ADDRESS, 80), inside=None):
        """A server of the test's own: `[DIR,] OPTION...`, in a namespace of its own unless it is to be `inside`
        one. Stopped at the end, which has to work, unless the test has ended it."""
        with nullcontext(inside) if inside else self.namespace() as namespace:
            server = Server(self, namespace, self._arguments(args), answers_at)
            try:
                server.start()
                yield server
                if server.alive():
                    server.stop()
            finally:
                server.kill()

    # -- clients

    def run(self, *command, stdin=b"", timeout=PATIENCE, env=None):
        """Runs a program to its end; noted as evidence. Returns it with .returncode, .stdout, .stderr (bytes)."""
        done = subprocess.run(list(command), input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=timeout, env=env or self.environ, cwd=self.work, check=False)
        self.notes.append("$ %s\n-- exit status %d\n%s%s" % (
            " ".join(command), done.returncode, done.stdout[:3000].decode("utf-8", "backslashreplace"),
            done.stderr[:3000].decode("utf-8", "backslashreplace")))
        return done

    def curl(self, *args, timeout=PATIENCE):
        ca = ["--cacert", os.path.join(self.state, "ca.pem")] if "--no-ca" not in args else []
        return self.run("curl", "-q", "-sS", "--noproxy", "*", "-m", "%d" % timeout, *ca,
                        *[a for a in args if a != "--no-ca"], timeout=timeout + 10)

    def fetch(self, url, *args):
        """One request by curl, as a Response."""
        done = self.curl("-i", *args, url)
        assert done.returncode == 0, "curl ended with %d: %s" % (done.returncode, done.stderr.decode())
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        return Response(*parse_head(head), body)

    def fetch_sha256(self, url, *args, timeout=600):
        """Downloads with curl and returns the content's SHA-256."""
        command = ["curl", "-q", "-sSf", "--noproxy", "*", "-m", "%d" % timeout,
                   "--cacert", os.path.join(self.state, "ca.pem"), *args, url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environ) as p:
            digest, count = hashlib.sha256(), 0
            for block in iter(lambda: p.stdout.read(1 << 18), b""):
                digest.update(block)
                count += len(block)
            errors = p.stderr.read().decode()
            p.wait()
        self.notes.append("$ %s\n-- exit status %d, %d bytes\n%s" % (" ".join(command), p.returncode, count, errors))
        assert p.returncode == 0, "curl ended with %d after %d bytes: %s" % (p.returncode, count, errors)
        return digest.hexdigest()

    @contextmanager
    def connect(self, tls=False, port=None, rcvbuf=None, timeout=PATIENCE, context=None, session=None):
        """A client's socket, closed in the end whatever happens. For TLS an end without close_notify is an
        error (ssl.SSLEOFError)."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            if rcvbuf:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
            sock.settimeout(timeout)
            sock.connect((ADDRESS, port or (443 if tls else 80)))
            if tls:
                sock = (context or self.tls_context()).wrap_socket(
                    sock, server_hostname=ADDRESS, suppress_ragged_eofs=False, session=session)
            yield sock
        finally:
            sock.close()

    def tls_context(self, version=None):
        context = ssl.create_default_context(cafile=os.path.join(self.state, "ca.pem"))
        if version:
            context.minimum_version = context.maximum_version = version
        return context

    # -- one test after another

    def begin_test(self):
        self.notes, self.servers = [], []

    def end_test(self):
        """Raises when a server of this test died or a sanitizer complained."""
        for server in self.servers:
            complaint = server.complaint()
            assert not complaint, "a sanitizer complained: %s" % complaint
        if self._shared in self.servers:
            assert self._shared.alive(), "the shared server ended"

    def evidence(self):
        parts = ["%s\n" % note for note in self.notes[-8:]]
        parts += ["-- server\n%s\n" % s.evidence() for s in self.servers]
        return "".join(parts)

    def close(self):
        """Leaves nothing behind. Returns a complaint about the shared server's end, or None."""
        complaint = None
        if self._shared:
            try:
                self.servers = [self._shared]
                self._shared.stop()
                complaint = self._shared.complaint()
            except (AssertionError, OSError, subprocess.TimeoutExpired) as e:
                complaint = str(e)
            finally:
                self._shared.kill()
                self._shared.namespace.close()
        shutil.rmtree(self.work, ignore_errors=True)
        return complaint


def get(path, *fields, method="GET", close=False):
    """The bytes of a request."""
    lines = ["%s %s HTTP/1.1" % (method, path), "Host: " + ADDRESS, *fields]
    if close:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
