# SPDX-License-Identifier: Apache-2.0
"""The container image, built and run by Docker as README.md says. Where no engine runs these tests are skipped; what they lean on,
--publish and healthcheck, is tested in namespaces everywhere."""
import hashlib
import json
import os
import shutil
import subprocess
import time
from contextlib import contextmanager

from basics import ADDRESS, MIB, PATIENCE, Skipped, text_of, wait_until
from netns import OUTSIDE

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
BASE = "debian:trixie-slim"
IMAGE = "tunhttpd-e2e"
SIZE_MAX = 30 * 1000 * 1000
TUN = ("--device", "/dev/net/tun", "--cap-add", "NET_ADMIN")
_built = False


def docker(env, *args, check=True, timeout=PATIENCE):
    done = env.run("docker", *args, timeout=timeout, env=dict(os.environ))
    assert not check or done.returncode == 0, "docker %s: %s" % (args[0], done.stderr.decode())
    return done


def image(env):
    """Builds it, once; what has not changed comes from the engine's cache."""
    global _built  # pylint: disable=global-statement
    if "/san/" in env.source:
        raise Skipped("the image is the same with sanitizers here")
    if not shutil.which("docker") or docker(env, "info", check=False).returncode != 0:
        raise Skipped("no container engine runs here")
    if docker(env, "image", "inspect", BASE, check=False).returncode != 0 and \
            docker(env, "pull", "-q", BASE, check=False).returncode != 0:
        raise Skipped("%s is not here and cannot be pulled" % BASE)
    if not _built:
        docker(env, "build", "-q", "--network", "host", "-t", IMAGE, SOURCE, timeout=280)
        _built = True
    return IMAGE


def inspect(env, name, template):
    return docker(env, "inspect", "-f", template, name).stdout.decode().strip()


class Container:
    def __init__(self, env, name):
        self.env, self.name = env, name

    @property
    def pid(self):
        return inspect(self.env, self.name, "{{.State.Pid}}")

    @property
    def address(self):
        return inspect(self.env, self.name, "{{.NetworkSettings.IPAddress}}")

    @property
    def logs(self):
        done = docker(self.env, "logs", self.name)
        return (done.stdout + done.stderr).decode()

    @property
    def health(self):
        return inspect(self.env, self.name, "{{.State.Health.Status}}")

    def port(self, inside):
        return docker(self.env, "port", self.name, str(inside)).stdout.decode().split()[0]

    def await_start(self):
        wait_until(lambda: "stop:" in self.logs, "the server starts", pause=0.2)

    def inside(self):
        """A command before others that runs them in the container's network."""
        return ["nsenter", "-t", self.pid, "-n"]


@contextmanager
def container(env, *args, image_name=None, command=()):
    name = "%s-%d-%d" % (IMAGE, os.getpid(), time.monotonic_ns())
    try:
        docker(env, "run", "-d", "--name", name, *args, image_name or image(env), *command)
        yield Container(env, name)
    finally:
        docker(env, "logs", name, check=False)
        docker(env, "rm", "-f", "-v", name, check=False)


@contextmanager
def server(env, *args, command=()):
    """As in README.md, with ports of 127.0.0.1 that the engine chooses, and a volume of its own."""
    image(env)
    with container(env, *TUN, "-p", "127.0.0.1::80", "-p", "127.0.0.1::443", "-v", env.site + ":/srv:ro",
                   "-v", "/data", "--health-interval", "1s", *args, command=command) as c:
        c.await_start()
        yield c


@contextmanager
def neighbour(env):
    """Another container, from whose network programs of this machine ask."""
    with container(env, image_name=BASE, command=("sleep", "1000")) as c:
        yield c


# The tests move between namespaces; -p is for the machine's own.
HOST = ["nsenter", "--net=" + OUTSIDE]


def curl(env, before, url, *args):
    return env.run(*before, "curl", "-q", "-sS", "--noproxy", "*", "-m", "60", *args, url)


def test_it_is_small_and_says_what_it_is(env):
    name = image(env)
    size = int(inspect(env, name, "{{.Size}}"))
    assert size < SIZE_MAX, size
    config = json.loads(docker(env, "image", "inspect", name).stdout)[0]["Config"]
    assert config["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0", config["Labels"]
    assert config["StopSignal"] == "SIGTERM" and config["Entrypoint"] == ["tunhttpd"], config
    assert set(config["ExposedPorts"]) == {"80/tcp", "443/tcp"} and set(config["Volumes"]) == {"/data"}, config
    with container(env, command=("version",)) as c:
        listing = subprocess.run("docker export %s | tar -t" % c.name, shell=True, stdout=subprocess.PIPE, check=True)
        programs = [f for f in listing.stdout.decode().split() if "bin/" in f and not f.endswith("/")]
        assert programs == ["usr/bin/tunhttpd"], programs


def test_host_and_neighbours_are_served(env):
    with server(env) as c, neighbour(env) as other:
        ca = env.path("../image-ca.pem")
        docker(env, "cp", c.name + ":/data/ca.pem", ca)
        port = c.port(443).rpartition(":")[2]
        for before, url, more in (
                (HOST, "http://%s/hello.txt?host" % c.port(80), ()),
                (HOST, "https://localhost:%s/hello.txt" % port, ("--cacert", ca)),
                (HOST, "http://%s/hello.txt?direct" % c.address, ()),
                (other.inside(), "http://%s/hello.txt?neighbour" % c.address, ()),
                (other.inside(), "https://localhost/hello.txt",
                 ("--cacert", ca, "--connect-to", "localhost:443:%s:443" % c.address))):
            done = curl(env, before, url, *more)
            assert done.returncode == 0 and done.stdout == b"hello, world\n", (url, done.stderr)
        line = [line for line in c.logs.splitlines() if "?neighbour" in line]
        assert len(line) == 1 and line[0].startswith(other.address + " "), line
        wait_until(lambda: c.health == "healthy", "the engine finds it healthy", pause=0.2)
        done = docker(env, "exec", c.name, "tunhttpd", "healthcheck", "https://%s" % ADDRESS)
        assert done.stdout.startswith(b"healthy: "), done.stdout
        docker(env, "stop", c.name)
        assert inspect(env, c.name, "{{.State.ExitCode}}") == "0"


def test_flags_of_ones_own_are_found_by_the_health_check(env):
    with server(env, command=("serve", "/srv", "--http", "8080", "--https", "off", "--address", "10.99.0.2/24")) as c:
        wait_until(lambda: c.health == "healthy", "the engine finds it healthy", pause=0.2)
        done = curl(env, HOST, "http://%s:8080/hello.txt" % c.address)
        assert done.stdout == b"hello, world\n", done.stderr


def test_read_only_with_few_capabilities(env):
    with server(env, "--read-only", "--cap-drop", "ALL", "--cap-add", "SETUID", "--cap-add", "SETGID",
                "--security-opt", "no-new-privileges") as c:
        done = curl(env, HOST, "http://%s/hello.txt" % c.port(80))
        assert done.stdout == b"hello, world\n", done.stderr
        wait_until(lambda: c.health == "healthy", "the engine finds it healthy", pause=0.2)
        pids = docker(env, "top", c.name, "-o", "pid").stdout.split()[1:]
        workers = [text_of("/proc/%s/status" % p.decode()) for p in pids if p.decode() != c.pid]
        assert workers
        for status in workers:
            assert "\nUid:\t65534\t65534\t65534\t65534\n" in status and "\nCapEff:\t0000000000000000\n" in status, status


def test_what_is_missing_is_named(env):
    name = image(env)
    for flags, said in (((), "--device /dev/net/tun --cap-add NET_ADMIN"),
                        (("--device", "/dev/net/tun"), "--cap-add NET_ADMIN"),
                        ((*TUN, "--sysctl", "net.ipv4.ip_forward=0"), "--sysctl net.ipv4.ip_forward=1")):
        done = docker(env, "run", "--rm", *flags, name, check=False)
        text = done.stderr.decode().strip().splitlines()[-1]
        assert done.returncode == 1 and said in done.stderr.decode(), (flags, done.returncode, text)


def test_a_device_of_somebody_else_and_no_privilege(env):
    """One container holds the network, somebody with the right to do so makes the device, and the server has none at all."""
    name = image(env)
    with neighbour(env) as net:
        for command in (("tuntap", "add", "tunhttpd0", "mode", "tun", "multi_queue", "user", "root"),
                        ("addr", "add", "10.77.0.1/24", "dev", "tunhttpd0"), ("link", "set", "tunhttpd0", "up")):
            done = env.run(*net.inside(), "ip", *command)
            assert done.returncode == 0, done.stderr
        # Root without a capability may not write where others own.
        with container(env, "--device", "/dev/net/tun", "--cap-drop", "ALL", "--read-only", "-v", env.site + ":/srv:ro",
                       "-v", "/data", "-e", "TUNHTTPD_PUBLISH=off", "--network", "container:" + net.name,
                       "--health-interval", "1s", image_name=name) as c:
            c.await_start()
            done = curl(env, net.inside(), "http://%s/hello.txt" % ADDRESS)
            assert done.stdout == b"hello, world\n", done.stderr
            wait_until(lambda: c.health == "healthy", "the engine finds it healthy", pause=0.2)


def digest_of(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def test_stop_under_load_loses_nothing(env):
    """Downloads are under way when the engine says stop: all of them come to their end, and whoever comes later is refused."""
    with server(env) as c, neighbour(env) as other:
        paths = [os.path.join(env.work, "load-%d" % n) for n in range(8)]
        before = other.inside()
        clients = [subprocess.Popen(
            [*before, "curl", "-q", "-sSf", "--noproxy", "*", "-m", "60", "--limit-rate", "4M", "-o", path,
             "http://%s/eight.bin" % c.address], stderr=subprocess.PIPE) for path in paths]
        wait_until(lambda: all(os.path.exists(p) and os.path.getsize(p) > MIB // 4 for p in paths), "all are under way")
        docker(env, "stop", c.name)
        for client in clients:
            errors = client.communicate(timeout=PATIENCE)[1]
            assert client.returncode == 0, errors
        assert inspect(env, c.name, "{{.State.ExitCode}}") == "0"
        for path in paths:
            assert digest_of(path) == env.sha256("eight.bin"), path
            os.unlink(path)
