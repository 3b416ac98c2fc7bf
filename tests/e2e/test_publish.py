# SPDX-License-Identifier: Apache-2.0
"""--publish: the addresses of a host are the server's, for others and for the host itself. A router and a client in
namespaces of their own stand for the world; the server's is where the test is."""
import os
import signal
import subprocess
from contextlib import contextmanager

from basics import ADDRESS, DEVICE, text_of, wait_until
from netns import remove

OWN, OWN6 = "192.0.2.2", "2001:db8:2::2"           # the server host's, on eth0
LATER, LATER6 = "192.0.2.3", "2001:db8:2::3"       # what it gets while the server runs
CLIENT, CLIENT6 = "198.51.100.7", "2001:db8:7::7"  # behind a router
TABLE = "tunhttpd-" + DEVICE


def ip(namespace, *args):
    subprocess.run(["ip", "-n", namespace, *args], check=True)


def switch(namespace, value, *names):
    for name in names:
        subprocess.run(["ip", "netns", "exec", namespace, "sh", "-c", "echo %d > /proc/sys/net/%s" % (value, name)],
                       check=True)


FORWARDING = ("ipv4/ip_forward", "ipv6/conf/all/forwarding")
# Nobody else is here: link-local addresses are good at once.
DAD = ("ipv6/conf/all/accept_dad", "ipv6/conf/default/accept_dad")


class World:
    def __init__(self, namespace):
        self.host = namespace.name
        self.router, self.client = namespace.name + "-router", namespace.name + "-client"

    def make(self):
        for name in (self.router, self.client):
            subprocess.run(["ip", "netns", "add", name], check=True)
            ip(name, "link", "set", "lo", "up")
        for name in (self.host, self.router, self.client):
            switch(name, 0, *DAD)
        switch(self.host, 0, *FORWARDING)  # new namespaces may have it from the machine
        ip(self.host, "link", "add", "eth0", "type", "veth", "peer", "name", "inner", "netns", self.router)
        ip(self.router, "link", "add", "outer", "type", "veth", "peer", "name", "eth0", "netns", self.client)
        for where, device, addresses in (
                (self.host, "eth0", (OWN + "/24", OWN6 + "/64")),
                (self.router, "inner", ("192.0.2.1/24", "2001:db8:2::1/64")),
                (self.router, "outer", ("198.51.100.1/24", "2001:db8:7::1/64")),
                (self.client, "eth0", (CLIENT + "/24", CLIENT6 + "/64"))):
            for address in addresses:
                ip(where, "addr", "add", address, "dev", device, *(["nodad"] if ":" in address else []))
            ip(where, "link", "set", device, "up")
        switch(self.router, 1, *FORWARDING)
        for where, gateway, gateway6 in ((self.host, "192.0.2.1", "2001:db8:2::1"),
                                         (self.client, "198.51.100.1", "2001:db8:7::1")):
            ip(where, "route", "add", "default", "via", gateway)
            ip(where, "-6", "route", "add", "default", "via", gateway6)

    def close(self):
        for name in (self.router, self.client):
            remove(name)


@contextmanager
def world(env):
    with env.namespace() as namespace:
        w = World(namespace)
        try:
            w.make()
            yield namespace, w
        finally:
            w.close()


@contextmanager
def publishing(env, namespace, *args, **more):
    with env.server(*args, inside=namespace, **more) as server:
        await_published(server)
        yield server


def await_published(server):
    wait_until(lambda: "stop:" in server.stderr.rpartition("also at the addresses of ")[2], "it is published")


def curl(env, inside, url, *args):
    """The status that curl saw, from a namespace; None when it got no answer."""
    before = ["ip", "netns", "exec", inside] if inside else []
    done = env.run(*before, "curl", "-q", "-sS", "--noproxy", "*", "-m", "20", "-o", "/dev/null", "-w",
                   "%{http_code}", "--cacert", os.path.join(env.state, "ca.pem"), *args, url)
    return int(done.stdout) if done.returncode == 0 else None


def ruleset(env):
    return env.run("nft", "list", "ruleset").stdout.decode()


def urls(address, name):
    host = "[%s]" % address if ":" in address else address
    return "http://%s/hello.txt?%s" % (host, name), "https://%s/hello.txt?%s" % (host, name)


def logged_client(server, query):
    """The address of whoever asked for `query`, by the access log."""
    def line():
        return [line for line in server.stdout.splitlines() if "hello.txt?%s " % query in line]
    return wait_until(line, "the access log has " + query)[0].split()[0]


NAMES = ("--name", ",".join((OWN, OWN6, LATER, LATER6)))


def assert_served(env, server, w, own, word):
    for address, client in zip(own, (CLIENT, CLIENT6)):
        version = "6" if ":" in address else "4"
        for number, url in enumerate(urls(address, word + version)):
            where = "%s%s%d" % (word, version, number)
            url = url.replace(word + version, where)
            assert curl(env, w.client, url) == 200, url
            assert logged_client(server, where) == client
            assert curl(env, None, url.replace(where, "host" + where)) == 200, url
            # The one of its own addresses that the host has chosen.
            assert logged_client(server, "host" + where) in (OWN, OWN6, LATER, LATER6)


def test_a_named_interface(env):
    with world(env) as (namespace, w), publishing(env, namespace, "--publish", "eth0", *NAMES) as server:
        assert_served(env, server, w, (OWN, OWN6), "named")
        # Forwarding between these two alone: nothing else may pass this host.
        assert "net.ipv4.conf.eth0.forwarding was 0 and is 1 now" in server.stderr, server.stderr
        done = env.run("ip", "netns", "exec", namespace.name, "cat", "/proc/sys/net/ipv4/ip_forward")
        assert done.stdout == b"0\n", done.stdout
        # An address that comes while the server runs.
        for address in (LATER + "/24", LATER6 + "/64"):
            ip(namespace.name, "addr", "add", address, "dev", "eth0", *(["nodad"] if ":" in address else []))
        wait_until(lambda: LATER in ruleset(env) and LATER6 in ruleset(env), "the new addresses are published")
        assert_served(env, server, w, (LATER, LATER6), "later")
        ip(namespace.name, "addr", "del", LATER + "/24", "dev", "eth0")
        wait_until(lambda: LATER not in ruleset(env), "the old address is published no more")
        server.stop()
        assert ruleset(env).strip() == "", ruleset(env)


def test_auto_is_all_interfaces(env):
    with world(env) as (namespace, w), publishing(env, namespace, "--publish", "auto", *NAMES) as server:
        assert_served(env, server, w, (OWN, OWN6), "auto")
        ip(namespace.name, "addr", "add", LATER + "/24", "dev", "eth0")
        assert curl(env, w.client, "http://%s/hello.txt" % LATER) == 200
        # Not loopback, and not what is nobody's.
        assert curl(env, None, "http://127.0.0.1/hello.txt") is None
        assert curl(env, None, "http://[::1]/hello.txt") is None
        server.stop()
        assert ruleset(env).strip() == "", ruleset(env)


def test_other_ports_and_other_interfaces_stay_the_hosts(env):
    with world(env) as (namespace, w):
        ip(namespace.name, "link", "add", "eth1", "type", "veth", "peer", "name", "eth1peer")
        ip(namespace.name, "addr", "add", "203.0.113.5/24", "dev", "eth1")
        ip(namespace.name, "link", "set", "eth1", "up")
        with publishing(env, namespace, "--publish", "eth0", "--http", "8080", "--https", "off",
                        answers_at=(ADDRESS, 8080)):
            assert curl(env, w.client, "http://%s:8080/hello.txt" % OWN) == 200
            assert curl(env, w.client, "http://%s/hello.txt" % OWN) is None
            assert curl(env, w.client, "http://203.0.113.5:8080/hello.txt") is None
            assert curl(env, None, "http://203.0.113.5:8080/hello.txt") is None


def test_many_connections_and_large_files_go_through(env):
    with world(env) as (namespace, w), publishing(env, namespace, "--publish", "eth0"):
        done = env.run("ip", "netns", "exec", w.client, "curl", "-q", "-sSf", "--noproxy", "*", "-m", "100", "-Z", "-o",
                       "#1", "http://%s/eight.bin?[1-8]" % OWN)
        assert done.returncode == 0, done.stderr
        for number in "12345678":
            path = os.path.join(env.work, number)
            with open(path, "rb") as f:
                assert f.read() == env.content("eight.bin")
            os.unlink(path)


def test_a_killed_master_leaves_no_table_and_the_next_one_serves(env):
    with world(env) as (namespace, w), publishing(env, namespace, "--publish", "eth0") as server:
        assert "flags owner" in ruleset(env)
        os.kill(server.workers()[0], signal.SIGKILL)  # the next worker must not hold the table
        wait_until(lambda: "starting another" in server.stderr, "another worker")
        wait_until(lambda: curl(env, w.client, "http://%s/hello.txt" % OWN) == 200, "it serves again")
        server.signal(signal.SIGKILL)
        server.wait()
        wait_until(lambda: ruleset(env).strip() == "", "the kernel removes the table")
        # A kernel that knows no owner leaves it.
        env.run("nft", "add table inet %s; add chain inet %s stale" % (TABLE, TABLE))
        assert "stale" in ruleset(env)
        wait_until(lambda: not namespace.pids(), "the workers go")
        server.start()
        wait_until(lambda: curl(env, w.client, "http://%s/hello.txt" % OWN) == 200, "the next server answers")
        assert "stale" not in ruleset(env)


def test_the_hosts_own_tables_stay(env):
    with world(env) as (namespace, _):
        env.run("nft", "add table inet mine; add chain inet mine mine")
        with publishing(env, namespace, "--publish", "eth0") as server:
            assert "table inet mine" in ruleset(env)
            env.run("nft", "flush", "ruleset")  # as firewalls do when they are loaded anew
            assert "table inet %s" % TABLE in ruleset(env)
            env.run("nft", "add table inet mine")
            server.stop()
        assert "table inet mine" in ruleset(env) and TABLE not in ruleset(env), ruleset(env)


def test_a_firewall_that_drops_is_named(env):
    with world(env) as (namespace, w):
        for policy in ("accept", "drop"):
            env.run("nft", "add table inet wall; add chain inet wall pass { type filter hook forward priority 0; policy %s; }"
                    % policy)
            with publishing(env, namespace, "--publish", "eth0") as server:
                dropped = policy == "drop"
                assert ("table wall, chain pass" in server.stderr) == dropped, server.stderr
                if dropped:
                    assert curl(env, w.client, "http://%s/hello.txt" % OWN, "-m", "2") is None
                    env.run("nft", "add rule inet wall pass iifname %s accept; add rule inet wall pass oifname %s accept"
                            % (DEVICE, DEVICE))
                assert curl(env, w.client, "http://%s/hello.txt" % OWN) == 200


def test_what_is_wrong_is_said(env):
    with world(env) as (namespace, _):
        done = env.run(*env.command("serve", env.site, "--state", env.state, "--publish", "eht0"))
        assert done.returncode == 78 and b"there is no network interface eht0" in done.stderr, done.stderr
        # /proc/sys as in a container: there is one more mount of it, which cannot be written to.
        readonly = ["unshare", "-m", "sh", "-c", 'mount -t proc -o ro none /proc && exec "$@"', "sh"]
        done = env.run(*readonly, *env.command("serve", env.site, "--state", env.state, "--publish", "auto"))
        assert done.returncode == 1 and b"--sysctl net.ipv4.ip_forward=1" in done.stderr, done.stderr
        # A device that somebody else made, and no capability.
        ip(namespace.name, "tuntap", "add", DEVICE, "mode", "tun", "user", "65534")
        ip(namespace.name, "addr", "add", "10.77.0.1/24", "dev", DEVICE)
        ip(namespace.name, "link", "set", DEVICE, "up")
        switch(namespace.name, 1, "ipv4/ip_forward")
        nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--bounding-set", "-all"]
        done = env.run(*nobody, *env.command("serve", env.site, "--state", os.path.join(env.work, "site"),
                                             "--https", "off", "--publish", "auto"))
        assert done.returncode == 1 and b"--cap-add NET_ADMIN" in done.stderr, done.stderr
