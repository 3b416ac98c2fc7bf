# SPDX-License-Identifier: Apache-2.0
"""A client by other people than OpenSSL's: GnuTLS's, with each version, group, cipher and with resumption."""
import os

from basics import ADDRESS
from messages import get

BASE = "NONE:+CTYPE-X509:+COMP-NULL:+MAC-ALL:+SIGN-ALL:+KX-ALL:+AEAD"


def gnutls(env, priority, *args):
    return env.run("gnutls-cli", "--x509cafile", os.path.join(env.state, "ca.pem"), "--port", "443",
                   "--priority", priority, *args, ADDRESS, stdin=get("/hello.txt", close=True))


def test_each_version_group_and_cipher(env):
    env.shared()
    for version in ("VERS-TLS1.2", "VERS-TLS1.3"):
        for group in ("GROUP-X25519", "GROUP-SECP256R1", "GROUP-SECP384R1"):
            for cipher in ("AES-128-GCM", "AES-256-GCM", "CHACHA20-POLY1305"):
                done = gnutls(env, "%s:+%s:+%s:+%s" % (BASE, version, group, cipher))
                out = done.stdout.decode("latin-1")
                assert done.returncode == 0 and "hello, world" in out, (version, group, cipher, out)
                assert "Status: The certificate is trusted" in out, out


def test_what_is_not_offered_is_refused(env):
    env.shared()
    for priority in ("NORMAL:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0", "NORMAL:-GROUP-ALL:+GROUP-SECP521R1",
                     "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC"):
        done = gnutls(env, priority)
        assert done.returncode != 0 and b"hello, world" not in done.stdout, (priority, done)
        assert b"fatal alert" in done.stdout + done.stderr, (priority, done)  # said by the server


def test_resumption(env):
    """The client connects again by itself and says whether the session was resumed."""
    env.shared()
    for version in ("VERS-TLS1.2", "VERS-TLS1.3"):
        done = gnutls(env, "NORMAL:-VERS-ALL:+" + version, "--resume", "--waitresumption")
        out = done.stdout.decode("latin-1")
        assert "This is a resumed session" in out and "hello, world" in out, (version, out)


def test_record_size_limit(env):
    """RFC 8449: such a client takes no longer record, neither for the certificate nor for the file."""
    env.shared()
    body = "x" * 20000
    env.write("site/limit.txt", body)
    for limit in (512, 513, 1024, 4096):
        done = env.run("gnutls-cli", "--x509cafile", os.path.join(env.state, "ca.pem"), "--port", "443", "--recordsize",
                       str(limit), "--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.3", ADDRESS,
                       stdin=get("/limit.txt", close=True))
        assert done.returncode == 0 and body in done.stdout.decode("latin-1"), (limit, done)
