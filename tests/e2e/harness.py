# SPDX-License-Identifier: Apache-2.0
"""The environment of the tests: a site to be served, servers that serve it, and clients."""
import hashlib
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
from contextlib import contextmanager, nullcontext

from basics import ADDRESS, MIB, PATIENCE
from messages import Response, parse_head
from netns import PREFIX, Namespace
from server import Server


class Env:
    """The site, the servers, and the clients' programs. The runner makes one for all tests."""

    def __init__(self, binary):
        self.work = tempfile.mkdtemp(prefix="%s%d-" % (PREFIX, os.getpid()))
        self.source = binary
        self.binary = os.path.join(self.work, "tunhttpd")
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

    def prepare(self):
        """A copy of the program, which a build may replace meanwhile, and the site."""
        os.chmod(self.work, 0o755)  # the workers are nobody
        shutil.copy(self.source, self.binary)
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
    def connect(self, tls=False, port=None, rcvbuf=None, timeout=PATIENCE, context=None, session=None,
                address=ADDRESS):
        """A client's socket, closed in the end whatever happens. For TLS an end without close_notify is an
        error (ssl.SSLEOFError)."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            if rcvbuf:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
            sock.settimeout(timeout)
            sock.connect((address, port or (443 if tls else 80)))
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
