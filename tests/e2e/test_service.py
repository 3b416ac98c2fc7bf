# SPDX-License-Identifier: Apache-2.0
"""As a service: what a service manager hears, and what `make install` puts where."""
import os
import shutil
import signal
import socket
import subprocess

from basics import ADDRESS, PATIENCE, Skipped

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def hear(manager, wanted):
    """The next word but those of the watchdog."""
    while True:
        word = manager.recv(4096).decode()
        if word == wanted or word != "WATCHDOG=1":
            assert word == wanted, word
            return


def test_a_service_manager_is_told(env):
    for name in (os.path.join(env.work, "notify"), "@tunhttpd-e2e-%d" % os.getpid()):
        # A name without a file is a network namespace's own: the socket is made in the server's.
        with env.server() as server, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            server.stop()
            manager.settimeout(PATIENCE)
            manager.bind("\0" + name[1:] if name[0] == "@" else name)
            server.launch(env={**env.environ, "NOTIFY_SOCKET": name, "WATCHDOG_USEC": "200000"})
            hear(manager, "READY=1")
            assert env.fetch("http://%s/hello.txt" % ADDRESS).status == 200
            for _ in range(3):
                hear(manager, "WATCHDOG=1")
            server.signal(signal.SIGTERM)
            hear(manager, "STOPPING=1")
            assert server.wait() == 0


def test_the_watchdog_of_another_process_is_not_fed(env):
    name = os.path.join(env.work, "notify-other")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, env.server() as server:
        server.stop()
        manager.settimeout(PATIENCE)
        manager.bind(name)
        server.launch(env={**env.environ, "NOTIFY_SOCKET": name, "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"})
        assert manager.recv(100) == b"READY=1"
        server.signal(signal.SIGTERM)
        assert manager.recv(100) == b"STOPPING=1"
        assert server.wait() == 0


def test_a_manager_that_is_gone_is_no_hindrance(env):
    with env.server() as server:
        server.stop()
        server.launch(env={**env.environ, "NOTIFY_SOCKET": "/nonexistent/notify", "WATCHDOG_USEC": "1000"})
        server.await_service()


def install(env, destination, *args):
    done = env.run("make", "-s", "-C", SOURCE, "install", "DESTDIR=" + destination, *args)
    assert done.returncode == 0, done.stderr


def test_make_install(env):
    if not os.path.exists(os.path.join(SOURCE, "build", "tunhttpd")) or "/san/" in env.source:
        raise Skipped("make has built something else")
    root = os.path.join(env.work, "installed")
    install(env, root, "PREFIX=/usr")
    config = os.path.join(root, "etc/tunhttpd/tunhttpd.conf")
    for name in ("usr/bin/tunhttpd", "usr/share/tunhttpd/www/index.html", "usr/lib/systemd/system/tunhttpd.service"):
        assert os.path.exists(os.path.join(root, name)), name
    # What is installed is a configuration that works, once its paths are those of DESTDIR.
    with open(config, "r+", encoding="ascii") as f:
        text = f.read()
        assert "root = /usr/share/tunhttpd/www" in text, text
        f.seek(0)
        f.write(text.replace("root = ", "root = " + root).replace("# name", "name"))
    done = env.run(os.path.join(root, "usr/bin/tunhttpd"), "serve", "--config", config, "--state", env.state, "--check")
    assert done.returncode == 0, done.stderr
    # Somebody's configuration stays.
    install(env, root, "PREFIX=/usr")
    with open(config, encoding="ascii") as f:
        assert "root = " + root in f.read()
    if shutil.which("systemd-analyze"):
        # Beside this machine's own units; its program is where DESTDIR is.
        unit = os.path.join(env.work, "tunhttpd.service")
        with open(os.path.join(root, "usr/lib/systemd/system/tunhttpd.service"), encoding="ascii") as f:
            text = f.read()
        with open(unit, "w", encoding="ascii") as f:
            f.write(text.replace("=/usr/bin/", "=%s/usr/bin/" % root))
        done = env.run("systemd-analyze", "verify", "--man=no", unit)
        assert done.returncode == 0 and b"tunhttpd.service" not in done.stderr, done.stderr
    subprocess.run(["make", "-s", "-C", SOURCE, "uninstall", "DESTDIR=" + root, "PREFIX=/usr"], check=True)
    left = [os.path.join(d, f) for d, _, files in os.walk(root) for f in files]
    assert left == [config], left
