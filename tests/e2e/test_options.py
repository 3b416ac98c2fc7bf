# SPDX-License-Identifier: Apache-2.0
"""What is wrong with the command line, the configuration or the machine is told in one line, before anything is
served: status 2 for the command line, 78 for the configuration, 1 for what did not work."""
import os
import socket
import subprocess

from basics import ADDRESS, DEVICE

USAGE, CONFIG, RUNTIME = 2, 78, 1


def refused(env, status, words, *args, environ=None, before=()):
    """Runs the server, which has to end with `status` and one line that has all of `words`."""
    done = env.run(*before, *env.command(*args), env=dict(env.environ, **(environ or {})))
    lines = done.stderr.decode("utf-8", "backslashreplace").splitlines()
    what = "%r: status %d, %r" % (args, done.returncode, lines)
    assert done.returncode == status, what
    assert len(lines) == 1 and done.stdout == b"", what
    for word in words:
        assert word in lines[0], "no %r in %s" % (word, what)
    assert "Sanitizer" not in lines[0], what


def ip(*args):
    subprocess.run(("ip",) + args, check=True)


def serve(env, *args):
    return ("serve", env.site, "--state", env.state) + args


def test_unknown_options_and_commands(env):
    with env.namespace():
        for words, args in (
                (["--grce", "did you mean --grace?"], serve(env, "--grce", "5")),
                (["--worker", "did you mean --workers?"], serve(env, "--worker=2")),
                (["--zzzzzzzzz", "--help"], serve(env, "--zzzzzzzzz")),
                (["-q", "--help"], serve(env, "-q")),
                (["srve", "did you mean tunhttpd serve?"], ("srve",)),
                (["frobnicate", "--help"], ("frobnicate",)),
                (["usage"], ()),
                (["--grace", "needs a value"], serve(env, "--grace")),
                (["--check", "takes no value"], serve(env, "--check=yes")),
                (["second", "/tmp"], serve(env, "/tmp"))):
            refused(env, USAGE, words, *args)


BAD = (("http", "99999"), ("http", "0"), ("http", "http"), ("https", "-1"), ("https", ""), ("address", "10.77.0.2/33"),
       ("address", "10.77.0.0/24"), ("address", "10.77.0.255/24"), ("address", "300.1.1.1/24"), ("address", "::1/64"),
       ("address", "127.0.0.1/8"), ("address", "224.0.0.1/24"), ("workers", "0"), ("workers", "65"), ("workers", "-1"),
       ("log", "xml"), ("grace", "-1"), ("grace", "1e3"), ("grace", "86401"), ("offload", "maybe"), ("mtu", "575"),
       ("mtu", "65536"), ("tun", "sixteen-letters-"), ("tun", "a/b"), ("tun", ""), ("header-timeout", "0"),
       ("idle-timeout", "x"), ("tcp-timeout", "0.0"), ("send-timeout", "1."), ("name", "a,,b"), ("root", ""),
       ("tcp-keepalive", "0.5"))


def test_values_that_are_not_allowed(env):
    """The same on the command line, in the environment and in the file; the message says where."""
    with env.namespace():
        path = os.path.join(env.work, "bad.ini")
        for name, value in BAD:
            refused(env, USAGE, ["--" + name, '"%s" is not allowed' % value], *serve(env, "--%s=%s" % (name, value)))
            variable = "TUNHTTPD_" + name.upper().replace("-", "_")
            refused(env, CONFIG, [variable, '"%s"' % value], *serve(env), environ={variable: value})
            env.write("bad.ini", "; a comment\n%s = %s\n" % (name, value))
            refused(env, CONFIG, [path + ":2", name], *serve(env, "--config", path))


def test_options_that_do_not_go_together(env):
    with env.namespace():
        for words, args in ((["--cert", "--key"], ("--cert", "/x.pem")), (["--key", "--cert"], ("--key", "/x.pem")),
                            (["--http", "--https", "off"], ("--http", "off", "--https", "off")),
                            (["443"], ("--http", "443"))):
            refused(env, CONFIG, words, *serve(env, *args))


def test_configuration_files_that_are_wrong(env):
    with env.namespace():
        path = os.path.join(env.work, "bad.ini")
        for line, text, words in (
                (1, "grce = 5\n", ["grce", "did you mean grace?"]), (2, "grace = 5\nwhat is this\n", []),
                (1, "[server]\ngrace = 5\n", ["section", "[site "]),
                (2, "[site a.test]\ngrace = 5\n", ["grace", "whole server"]), (3, "grace = 5\nhttp = 80\n  https = 443\n", ["space"]),
                (1, "config = other.ini\n", ["config"]), (1, "check = on\n", ["check"])):
            env.write("bad.ini", text)
            refused(env, CONFIG, ["%s:%d" % (path, line)] + words, *serve(env, "--config", path))
        refused(env, CONFIG, [path + ".not"], *serve(env, "--config", path + ".not"))
        refused(env, CONFIG, [env.site], *serve(env, "--config", env.site))
        refused(env, CONFIG, [path + ".not"], *serve(env), environ={"TUNHTTPD_CONFIG": path + ".not"})


def test_directories_that_cannot_be_served(env):
    closed = os.path.join(env.work, "closed")
    os.mkdir(closed, 0o700)
    with env.namespace():
        for path, words in ((env.work + "/nowhere", ["No such file"]), (env.path("hello.txt"), ["Not a directory"]),
                            (closed, ["nobody", "--user"])):
            refused(env, CONFIG, [path] + words, "serve", path, "--state", env.state)
        refused(env, CONFIG, ["nobody-like-this"], *serve(env, "--user", "nobody-like-this"))


def test_certificates_that_cannot_be_used(env):
    def make(name):
        path = os.path.join(env.work, name)
        done = env.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                       "-subj", "/CN=" + name, "-days", "2", "-keyout", path + ".key", "-out", path + ".pem")
        assert done.returncode == 0, done
        return path + ".pem", path + ".key"
    (cert, key), (_, other) = make("one"), make("two")
    text = env.path("hello.txt")
    with env.namespace():
        for words, c, k in (([cert, other, "does not belong"], cert, other), ([text], text, key), ([text], cert, text),
                            (["/nowhere.pem", "No such file"], "/nowhere.pem", key),
                            (["/nowhere.key", "No such file"], cert, "/nowhere.key"), ([env.site], env.site, key)):
            refused(env, CONFIG, words, *serve(env, "--cert", c, "--key", k))
        refused(env, CONFIG, [text], "serve", env.site, "--state", text)
        refused(env, CONFIG, [text], "serve", env.site, "--state", text + "/below")
    with env.server("--cert", cert, "--key", key):
        done = env.curl("--no-ca", "--cacert", cert, "--resolve", "one:443:" + ADDRESS, "https://one/hello.txt")
        assert done.returncode == 0 and done.stdout == b"hello, world\n", done


def test_address_that_is_taken(env):
    with env.namespace() as namespace:
        ip("tuntap", "add", "dev", "other0", "mode", "tun")
        ip("addr", "add", "10.77.0.7/24", "dev", "other0")
        ip("link", "set", "other0", "up")
        refused(env, RUNTIME, ["10.77.0.0/24", "other0", "--address"], *serve(env))
        ip("addr", "flush", "dev", "other0")
        ip("route", "add", "10.77.0.0/25", "dev", "other0")
        refused(env, RUNTIME, ["10.77.0.0/24", "other0", "--address"], *serve(env))
        assert DEVICE not in namespace.interfaces()


def test_second_server_with_the_same_device_or_address(env):
    with env.server() as server:
        refused(env, RUNTIME, [DEVICE, "--tun"], *serve(env, "--address", "10.78.0.2/24"))
        refused(env, RUNTIME, ["10.77.0.0/24", DEVICE, "--address"], *serve(env, "--tun", "other0"))
        assert server.alive() and env.fetch("http://%s/hello.txt" % ADDRESS).status == 200
        assert server.namespace.interfaces() == ["lo", DEVICE], server.namespace.interfaces()


def test_device_name_that_is_taken(env):
    """A device of another kind. It stays as it is."""
    with env.namespace() as namespace:
        ip("tuntap", "add", "dev", DEVICE, "mode", "tap")
        refused(env, RUNTIME, [DEVICE, "--tun"], *serve(env))
        assert namespace.interfaces() == ["lo", DEVICE], namespace.interfaces()


def test_device_that_was_made_beforehand(env):
    """By an administrator, for instance: it is used, and stays."""
    for kind in (["multi_queue"], []):
        with env.namespace() as namespace:
            ip("tuntap", "add", "dev", DEVICE, "mode", "tun", *kind)
            with env.server("--workers", "2", inside=namespace) as server:
                assert env.fetch_sha256("https://%s/eight.bin" % ADDRESS) == env.sha256("eight.bin")
                server.stop()
                assert DEVICE in namespace.interfaces()
                server.start()
                assert env.fetch("http://%s/hello.txt" % ADDRESS).status == 200


def test_without_dev_net_tun(env):
    with env.namespace():
        hide = ("unshare", "-m", "sh", "-c", 'mount -t tmpfs none /dev/net && exec "$@"', "sh")
        refused(env, RUNTIME, ["/dev/net/tun"], *serve(env), before=hide)


def test_without_privilege(env):
    as_nobody = ("setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "--inh-caps=-all",
                 "--bounding-set=-all")
    state = os.path.join(env.work, "state-of-nobody")
    os.mkdir(state)
    os.chmod(state, 0o777)
    with env.namespace() as namespace:
        refused(env, RUNTIME, ["root", "NET_ADMIN"], "serve", env.site, "--state", state, before=as_nobody)
        refused(env, CONFIG, ["daemon", "root"], "serve", env.site, "--state", state, "--user", "daemon",
                before=as_nobody)
        refused(env, CONFIG, [env.state], *serve(env), before=as_nobody)  # the authority's key is root's
        assert namespace.interfaces() == ["lo"], namespace.interfaces()


def test_check(env):
    with env.namespace() as namespace:
        done = env.run(*env.command(*serve(env, "--check")))
        assert done.returncode == 0 and done.stdout == b"" and len(done.stderr.splitlines()) == 1, done
        for status, args in ((USAGE, ("--http", "x")), (CONFIG, ("--user", "nobody-like-this")),
                             (CONFIG, ("--cert", "/nowhere.pem", "--key", "/nowhere.key"))):
            refused(env, status, [], *serve(env, "--check", *args))
        assert namespace.interfaces() == ["lo"], namespace.interfaces()


def test_help_version_and_print_config(env):
    with env.namespace():
        for args, words in ((("--help",), [b"serve [DIR]", b"--grace SECONDS", b"TUNHTTPD_GRACE"]),
                            (("serve", "--help"), [b"--grace SECONDS"]), (("help",), [b"--grace SECONDS"]),
                            (("--version",), [b"tunhttpd 0", b"TLS", b"http-parser"]), (("version",), [b"tunhttpd "]),
                            (("serve", "-V"), [b"tunhttpd "])):
            done = env.run(*env.command(*args))
            assert done.returncode == 0 and done.stderr == b"", done
            assert all(w in done.stdout for w in words), (words, done.stdout)


def test_file_environment_and_flags_in_this_order(env):
    path = env.write("order.ini", "grace = 1\nidle-timeout = 2\nlog = json\n")
    with env.namespace():
        done = env.run(*env.command(*serve(env, "--config", path, "--grace", "3", "--print-config")),
                       env=dict(env.environ, TUNHTTPD_GRACE="4", TUNHTTPD_IDLE_TIMEOUT="5"))
        lines = done.stdout.decode().splitlines()
        assert done.returncode == 0, done
        for line, origin in (("grace = 3", "flag"), ("idle-timeout = 5", "environment"), ("log = json", "file %s:3" % path),
                             ("http = 80", "default")):
            assert line in lines and lines[lines.index(line) - 1] == "; " + origin, (line, origin, lines)
        # What it prints is a configuration file that says the same.
        path = env.write("again.ini", done.stdout)
        again = env.run(*env.command("serve", "--config", path, "--print-config"))
        first, second = ([line for line in out.decode().splitlines() if not line.startswith(";")]
                         for out in (done.stdout, again.stdout))
        assert again.returncode == 0 and first == second, (first, second)


def test_environment_alone(env):
    server_options = {"TUNHTTPD_ADDRESS": "10.99.0.1/30", "TUNHTTPD_HTTP": "8080", "TUNHTTPD_HTTPS": "off"}
    env.environ.update(server_options)
    try:
        with env.server(answers_at=("10.99.0.1", 8080)) as server:
            assert env.fetch("http://10.99.0.1:8080/hello.txt").body == b"hello, world\n"
            assert server.namespace.ip("addr", "show", "dev", DEVICE)[0]["addr_info"][0]["local"] == "10.99.0.2"
            try:
                socket.create_connection(("10.99.0.1", 443), 120)
                raise AssertionError("https is off")
            except ConnectionRefusedError:
                pass
    finally:
        for name in server_options:
            del env.environ[name]


def test_state_directory_is_made_and_kept(env):
    state = os.path.join(env.work, "new", "state")
    with env.server("--state", state) as server:
        for name, mode in (("ca.pem", 0o644), ("server.pem", 0o644), ("server-key.pem", 0o600), ("ca-key.pem", 0o600)):
            found = os.stat(os.path.join(state, name)).st_mode & 0o777
            assert found == mode or found & ~mode == 0, (name, oct(found))
        with open(os.path.join(state, "ca.pem"), "rb") as f:
            before = f.read()
        server.stop()
        server.start()
        with open(os.path.join(state, "ca.pem"), "rb") as f:
            assert f.read() == before
        done = env.curl("--no-ca", "--cacert", state + "/ca.pem", "https://%s/hello.txt" % ADDRESS)
        assert done.returncode == 0, done
