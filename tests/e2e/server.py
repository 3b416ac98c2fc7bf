# SPDX-License-Identifier: Apache-2.0
"""One running tunhttpd."""
import os
import signal
import socket
import subprocess
import tempfile

from basics import ADDRESS, PATIENCE, text_of, wait_until


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
        with open(os.path.join(self.dir, "stdout"), "ab") as out, open(os.path.join(self.dir, "stderr"), "ab") as err:
            settings = {"stdin": subprocess.DEVNULL, "stdout": out, "stderr": err, "env": self.env.environ,
                        "cwd": self.dir, "start_new_session": True, **how}
            self.process = subprocess.Popen(list(before) + self.env.command(*self.args), **settings)

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
