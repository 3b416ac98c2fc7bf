# SPDX-License-Identifier: Apache-2.0
"""tunhttpd certs: what other programs say to what it makes, and what it says to servers."""
import hashlib
import os
import shutil
import socket
import subprocess
import threading
from contextlib import contextmanager

from basics import ADDRESS, Skipped, wait_until

IP6 = "fd77:7475:6e00::2"


def certs(env, *args, status=0, run_env=None):
    done = env.run(env.binary, "certs", *args, env=run_env)
    assert done.returncode == status, done
    return done


def folder(env, name):
    path = os.path.join(env.work, name)
    shutil.rmtree(path, ignore_errors=True)
    return path


def verify(env, where, name, *args):
    """openssl's opinion, by the letter of RFC 5280."""
    path = os.path.join(where, name + ".pem")
    done = env.run("openssl", "verify", "-x509_strict", "-CAfile", os.path.join(where, "ca.pem"),
                   "-untrusted", path, *args, path)
    assert done.returncode == 0, done


def test_openssl_verifies_what_is_issued(env):
    where = folder(env, "issued")
    for kind in ("ecdsa", "rsa"):
        certs(env, "issue", "www." + kind + ".test", "*.b.test", "10.1.2.3", "fd77::9", "--dir", where,
              "--key-type", kind, "--out", kind)
        verify(env, where, kind, "-purpose", "sslserver", "-verify_hostname", "www." + kind + ".test")
        verify(env, where, kind, "-verify_hostname", "x.b.test")
        verify(env, where, kind, "-verify_ip", "10.1.2.3")
        verify(env, where, kind, "-verify_ip", "fd77::9")
    certs(env, "client", "erika", "--dir", where)
    verify(env, where, "erika", "-purpose", "sslclient")
    done = env.run("openssl", "verify", "-purpose", "sslserver", "-CAfile", os.path.join(where, "ca.pem"),
                   "-untrusted", os.path.join(where, "erika.pem"), os.path.join(where, "erika.pem"))
    assert done.returncode != 0, done
    verify(env, where, "intermediate")
    certs(env, "renew", "--all", "--dir", where)
    verify(env, where, "rsa", "-verify_ip", "10.1.2.3")
    for name in os.listdir(where):
        mode = os.stat(os.path.join(where, name)).st_mode & 0o777
        assert mode == (0o600 if name.endswith("-key.pem") else 0o644), name


def test_the_default_directory_is_that_of_serve(env):
    home = folder(env, "home")
    os.makedirs(home)
    for extra, where in (({"HOME": home}, "home/.local/share/tunhttpd"),
                         ({"HOME": home, "XDG_DATA_HOME": home + "/data"}, "home/data/tunhttpd"),
                         ({"HOME": home, "TUNHTTPD_STATE": home + "/state"}, "home/state")):
        run_env = {k: v for k, v in env.environ.items() if k != "XDG_DATA_HOME"}
        run_env.update(extra)
        certs(env, "init", run_env=run_env)
        assert os.path.exists(os.path.join(env.work, where, "ca.pem"))


def test_a_server_and_a_client_with_certificates_of_ours(env):
    """The whole way: issue, serve, connect with and without a client's certificate, renew under way."""
    where = folder(env, "both")
    certs(env, "issue", ADDRESS, IP6, "--dir", where, "--out", "site")
    certs(env, "client", "erika", "--dir", where)
    at = {n: os.path.join(where, n + ".pem") for n in ("ca", "site", "site-key", "erika", "erika-key")}
    url = "https://%s/hello.txt" % ADDRESS
    with env.server("--cert", at["site"], "--key", at["site-key"], "--client-cert", "required",
                    "--client-ca", at["ca"]) as server:
        curl = ("--no-ca", "--cacert", at["ca"])
        for version in ("1.2", "1.3"):
            flags = curl + ("--tlsv" + version, "--tls-max", version)
            done = env.curl(*flags, "--cert", at["erika"], "--key", at["erika-key"], url)
            assert done.stdout == b"hello, world\n", done
            assert env.curl(*flags, url).returncode != 0
        # A server's certificate is none for a client.
        assert env.curl(*curl, "--cert", at["site"], "--key", at["site-key"], url).returncode != 0
        # What it shows can be looked at without one.
        done = certs(env, "show", "--dir", where, ADDRESS)
        assert b"a client would take it" in done.stdout, done
        certs(env, "renew", "--all", "--dir", where)
        with open(at["site"], encoding="ascii") as f:
            serial = subprocess.run(["openssl", "x509", "-noout", "-serial"], stdin=f, capture_output=True,
                                    check=True).stdout.decode().strip().partition("=")[2]
        shown = ":".join(serial[i:i + 2] for i in range(0, len(serial), 2)).encode()
        wait_until(lambda: shown in env.run(env.binary, "certs", "show", "--dir", where, ADDRESS).stdout,
                   "the renewed certificate")
        assert server.alive()


def test_show_of_the_running_server(env):
    env.shared()
    done = certs(env, "show", "--dir", env.state, ADDRESS)
    for words in ("%s port 443 (%s): TLSv1.3, TLS_AES_128_GCM_SHA256" % (ADDRESS, ADDRESS),
                  "names   " + ADDRESS, "signed  by 2", "an intermediate CA; no CA may follow",
                  "a client would take it", "is trusted: O=tunhttpd, CN=tunhttpd local CA"):
        assert words in done.stdout.decode(), words
    certs(env, "show", "--dir", env.state, "https://[%s]/" % IP6)
    done = certs(env, "show", "--dir", folder(env, "nothing"), ADDRESS, status=1)
    assert b"neither in the chain nor trusted here" in done.stdout, done
    done = certs(env, "show", ADDRESS + ":80", status=1)
    assert b"does not speak TLS" in done.stderr, done
    done = certs(env, "show", ADDRESS + ":81", status=1)
    assert b"Connection refused" in done.stderr, done


@contextmanager
def listener(talk):
    """A server of a few lines on a port of 127.0.0.1, which `talk`s to the first who connects."""
    sock = socket.create_server(("127.0.0.1", 0))

    def serve():
        try:
            with sock.accept()[0] as peer:
                talk(peer)
        except OSError:
            pass
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield "127.0.0.1:%d" % sock.getsockname()[1]
    finally:
        sock.close()
        thread.join(20)


def test_show_of_a_server_that_wants_a_certificate(env):
    """In TLS 1.2 the handshake fails without one, and the server's is seen all the same."""
    where = folder(env, "asking")
    certs(env, "issue", "127.0.0.1", "--dir", where, "--out", "site")
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    at = {n: os.path.join(where, n + ".pem") for n in ("ca", "intermediate", "site", "site-key")}
    command = ["openssl", "s_server", "-accept", "127.0.0.1:%d" % port, "-tls1_2", "-Verify", "1",
               "-verify_return_error", "-CAfile", at["ca"], "-cert", at["site"], "-key", at["site-key"],
               "-cert_chain", at["intermediate"]]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as server:
        try:
            wait_until(lambda: b"names   127.0.0.1" in env.run(
                env.binary, "certs", "show", "--dir", where, "127.0.0.1:%d" % port).stdout, "its certificate")
            done = certs(env, "show", "--dir", where, "127.0.0.1:%d" % port)
            assert b"with the alert handshake_failure; but it showed this before" in done.stdout, done
            assert b"a client would take it" in done.stdout, done
        finally:
            server.kill()


def test_show_says_why_there_is_nothing_to_show(env):
    for talk, words in ((lambda p: p.recv(1), "closed the connection"),
                        (lambda p: p.sendall(b"220 mail.test ESMTP\r\n" * 10) or p.recv(9), "does not speak TLS"),
                        (lambda p: p.recv(4096) and p.sendall(b"\x15\x03\x03\0\2\2\x70") or p.recv(9),
                         "alert unrecognized_name"),
                        (lambda p: [None for _ in iter(lambda: p.recv(4096), b"")], "no answer within 10 s")):
        with listener(talk) as where:
            done = certs(env, "show", where, status=1)
            assert words.encode() in done.stderr and done.stdout == b"", done
            assert done.stderr.count(b"\n") == 1, done
    done = certs(env, "show", "no-such-host.invalid", status=1)
    assert b"no-such-host.invalid: " in done.stderr, done


IN_A_COPY = """
set -e
mount --bind "$1/ssl" /etc/ssl
mount --bind "$1/share" /usr/local/share
shift
exec "$@"
"""


def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def test_trust_install_and_uninstall(env):
    """In a mount namespace with copies of what it changes: the machine's own store stays as it is."""
    if not (os.path.exists("/etc/debian_version") and shutil.which("update-ca-certificates")):
        raise Skipped("a Debian with ca-certificates is needed")
    where, copy = folder(env, "trusted"), folder(env, "copy")
    os.makedirs(copy)
    shutil.copytree("/etc/ssl", copy + "/ssl", symlinks=True, ignore=shutil.ignore_patterns("private"))
    shutil.copytree("/usr/local/share", copy + "/share", symlinks=True)
    apart = ["unshare", "-m", "--propagation", "private", "sh", "-c", IN_A_COPY, "sh", copy]
    if env.run(*apart, "true").returncode != 0:
        raise Skipped("no mount namespaces here")
    before, anchors = digest("/etc/ssl/certs/ca-certificates.crt"), "/usr/local/share/ca-certificates"
    listing = sorted(os.listdir(anchors)) if os.path.isdir(anchors) else None
    certs(env, "issue", "a.test", "--dir", where)
    leaf = os.path.join(where, "a.test.pem")
    check = apart + ["openssl", "verify", "-untrusted", leaf, leaf]
    assert env.run(*check).returncode != 0

    done = env.run(*apart, env.binary, "certs", "trust", "--install", "--dir", where)
    assert done.returncode == 0 and b"ran   update-ca-certificates" in done.stdout, done
    assert env.run(*check).returncode == 0
    done = env.run(*apart, env.binary, "certs", "show", "--dir", where, leaf)
    assert b"trusted by this system" in done.stdout, done

    done = env.run(*apart, env.binary, "certs", "trust", "--uninstall", "--dir", where)
    assert done.returncode == 0 and b"removed /usr/local/share/ca-certificates/tunhttpd-" in done.stdout, done
    assert env.run(*check).returncode != 0
    done = env.run(*apart, env.binary, "certs", "trust", "--uninstall", "--dir", where)
    assert done.returncode == 0 and b"nothing to be done" in done.stdout, done

    assert digest("/etc/ssl/certs/ca-certificates.crt") == before
    assert (sorted(os.listdir(anchors)) if os.path.isdir(anchors) else None) == listing
