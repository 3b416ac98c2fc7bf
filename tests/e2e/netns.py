# SPDX-License-Identifier: Apache-2.0
"""Network namespaces. The test process itself moves into the namespace of the server under test (setns), so that
its sockets, its threads and the programs it starts are all inside. Nothing else on the machine is reached."""
import ctypes
import json
import os
import shutil
import signal
import subprocess
import tempfile

PREFIX = "tunhttpd-e2e-"
CLONE_NEWNET = 0x40000000
# Where the tests were started: what the machine itself reaches.
OUTSIDE = "/proc/%d/fd/%d" % (os.getpid(), os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC))
_libc = ctypes.CDLL(None, use_errno=True)


def _setns(fd):
    if _libc.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Namespace:
    """A network namespace of our own with nothing but loopback in it."""
    _count = 0

    def __init__(self):
        Namespace._count += 1
        self.name = "%s%d-%d" % (PREFIX, os.getpid(), Namespace._count)
        self._outside = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        subprocess.run(["ip", "-n", self.name, "link", "set", "lo", "up"], check=True)
        fd = os.open("/run/netns/" + self.name, os.O_RDONLY | os.O_CLOEXEC)
        _setns(fd)
        os.close(fd)

    def ip(self, *args):
        out = subprocess.run(["ip", "-n", self.name, "-j"] + list(args), stdout=subprocess.PIPE, check=True).stdout
        return json.loads(out or b"[]")

    def interfaces(self):
        return [link["ifname"] for link in self.ip("link")]

    def pids(self):
        return pids_in(self.name)

    def close(self):
        _setns(self._outside)
        os.close(self._outside)
        remove(self.name)


def pids_in(name):
    """Who is in a namespace, without the test process itself."""
    inode = os.stat("/run/netns/" + name).st_ino
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.stat("/proc/%s/ns/net" % pid).st_ino == inode and int(pid) != os.getpid():
                found.append(int(pid))
        except OSError:
            pass  # it has ended in the meantime
    return found


def remove(name):
    for pid in pids_in(name):  # only what the tests started can be in there
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    subprocess.run(["ip", "netns", "del", name], check=False)


def abandoned(folder):
    """The names in `folder` that belong to this run, or to one that was killed."""
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        pid = name[len(PREFIX):].split("-")[0]
        if name.startswith(PREFIX) and (pid == str(os.getpid()) or not os.path.exists("/proc/" + pid)):
            yield name


def sweep():
    """Removes what was left behind: namespaces, and working directories."""
    for name in abandoned("/run/netns"):
        remove(name)
    for name in abandoned(tempfile.gettempdir()):
        shutil.rmtree(os.path.join(tempfile.gettempdir(), name), ignore_errors=True)
