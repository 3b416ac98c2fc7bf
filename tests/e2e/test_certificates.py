# SPDX-License-Identifier: Apache-2.0
"""Many certificates, chosen by name and kind; certificates of clients."""
import json
import os

from basics import ADDRESS, wait_until
from test_renewal import make_pair


class Authority:
    """A root and what it signs, made by openssl."""

    def __init__(self, env, folder):
        self.env, self.folder = env, os.path.join(env.work, folder)
        os.makedirs(self.folder, exist_ok=True)
        self.run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                 "-subj", "/CN=" + folder, "-keyout", self.path("ca.key"), "-out", self.path("ca.pem"))

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, *args):
        done = self.env.run("openssl", *args)
        assert done.returncode == 0, done

    def client(self, name, days="30", not_after=None):
        """A client certificate; returns the arguments that make curl show it."""
        key, csr, cert = self.path(name + ".key"), self.path(name + ".csr"), self.path(name + ".pem")
        self.run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                 "/O=Test/CN=" + name, "-keyout", key, "-out", csr)
        self.run("x509", "-req", "-in", csr, "-CA", self.path("ca.pem"), "-CAkey", self.path("ca.key"),
                 "-days", days, "-out", cert)
        return "--cert", cert, "--key", key


def subject(env, name, *args):
    """What openssl s_client is shown when it asks for `name`; None when the handshake fails."""
    sni = ("-servername", name) if name else ("-noservername",)
    done = env.run("openssl", "s_client", "-connect", ADDRESS + ":443", *sni, *args)
    for line in done.stdout.decode("latin-1").splitlines():
        if line.startswith("subject="):
            return line.rpartition("=")[2].strip(), done
    return None, done


def test_certificates_by_name_and_by_kind(env):
    pairs = [make_pair(env, os.path.join(env.work, "many", kind), kind, *how, names=names)
             for kind, names, how in (
                 ("ec", "DNS:one.test,DNS:www.one.test", ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384")),
                 ("rsa", "DNS:one.test,DNS:www.one.test", ("-newkey", "rsa:2048")),
                 ("star", "DNS:*.two.test", ("-newkey", "rsa:2048")))]
    certs = ["--cert", ",".join(cert for cert, _ in pairs), "--key", ",".join(key for _, key in pairs)]
    with env.server(*certs):
        for version in ("-tls1_2", "-tls1_3"):
            assert subject(env, "one.test", version)[0] == "ec"
            assert subject(env, "a.two.test", version)[0] == "star"
            assert subject(env, "a.b.two.test", version)[0] == "ec"
            assert subject(env, None, version)[0] == "ec"
            assert subject(env, "one.test", version, "-sigalgs", "rsa_pss_rsae_sha256:RSA+SHA256")[0] == "rsa"
    with env.server(*certs, "--strict-names", "on"):
        assert subject(env, "WWW.one.test")[0] == "ec"
        name, done = subject(env, "three.test")
        assert name is None and b"unrecognized name" in done.stderr, done


def test_every_signature_algorithm_and_group(env):
    """What is offered works; what is not is refused."""
    pairs = [make_pair(env, os.path.join(env.work, "kinds", kind), kind, *how) for kind, how in (
        ("p256", ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")),
        ("p384", ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384")),
        ("rsa", ("-newkey", "rsa:3072")))]
    with env.server("--cert", ",".join(c for c, _ in pairs), "--key", ",".join(k for _, k in pairs)):
        for algorithm, kind in (("ecdsa_secp256r1_sha256", "p256"), ("ecdsa_secp384r1_sha384", "p384"),
                                ("rsa_pss_rsae_sha256:RSA+SHA256", "rsa"),
                                ("rsa_pss_rsae_sha384:RSA+SHA256", "rsa"),
                                ("rsa_pss_rsae_sha512:RSA+SHA256", "rsa")):
            assert subject(env, None, "-tls1_3", "-sigalgs", algorithm)[0] == kind, algorithm
        for algorithm in ("RSA+SHA256", "RSA+SHA384:RSA+SHA256", "RSA+SHA512:RSA+SHA256"):
            assert subject(env, None, "-tls1_2", "-sigalgs", algorithm)[0] == "rsa", algorithm
        for algorithm in ("ecdsa_secp521r1_sha512", "ed25519"):
            assert subject(env, None, "-tls1_3", "-sigalgs", algorithm)[0] is None, algorithm
        for group in ("X25519", "P-256", "P-384"):
            for version in ("-tls1_2", "-tls1_3"):
                assert subject(env, None, version, "-groups", group)[0], (version, group)
        assert subject(env, None, "-groups", "P-521")[0] is None
        # The first group of the client has no key share that we take: HelloRetryRequest.
        name, done = subject(env, None, "-tls1_3", "-groups", "P-521:X448:P-384", "-msg")
        assert name and done.stdout.count(b"ClientHello") == 2, done


def test_client_certificates(env):
    ours, other = Authority(env, "clients"), Authority(env, "strangers")
    good, stranger = ours.client("erika"), other.client("mallory")
    late = ours.client("late", days="-1")
    url = "https://%s/hello.txt" % ADDRESS
    with env.server("--client-cert", "required", "--client-ca", ours.path("ca.pem"), "--log", "json") as server:
        for version in ("1.2", "1.3"):
            flags = ("-sS", "--tlsv" + version, "--tls-max", version)
            done = env.curl(*flags, *good, url)
            assert done.stdout == b"hello, world\n", done
            for bad in ((), stranger, late):
                done = env.curl(*flags, *bad, url)
                assert done.returncode != 0 and done.stdout == b"", done
        wait_until(lambda: server.stdout.count("\n") == 2, "two lines of the access log")
        for line in server.stdout.splitlines():
            assert json.loads(line)["subject"] == "O=Test, CN=erika", line
        assert "TLS client certificate" in server.stderr or "certificate" in server.stderr.lower()
    with env.server("--client-cert", "wanted", "--client-ca", ours.path("ca.pem")) as server:
        assert env.curl("-sS", url).stdout == b"hello, world\n"
        assert env.curl("-sS", *good, url).stdout == b"hello, world\n"
        done = env.curl("-sS", *stranger, url)
        assert done.returncode != 0 and done.stdout == b"", done
        wait_until(lambda: server.stdout.count("\n") == 2, "two lines of the access log")
        lines = server.stdout.splitlines()
        assert " - - [" in lines[0] and r" - O=Test,\x20CN=erika [" in lines[1], lines


def test_every_cipher_suite(env):
    """Each one that is offered, with the certificate that it needs; none of those that are not."""
    pairs = [make_pair(env, os.path.join(env.work, "suites", kind), kind, *how) for kind, how in (
        ("ecdsa", ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")), ("rsa", ("-newkey", "rsa:2048")))]
    with env.server("--cert", ",".join(c for c, _ in pairs), "--key", ",".join(k for _, k in pairs)):
        for suite in ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"):
            name, done = subject(env, None, "-tls1_3", "-ciphersuites", suite)
            assert name and b"Cipher is " + suite.encode() in done.stdout, done
        for kind in ("ecdsa", "rsa"):
            for suite in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"):
                suite = "ECDHE-%s-%s" % (kind.upper(), suite)
                name, done = subject(env, None, "-tls1_2", "-cipher", suite)
                assert name == kind and b"Cipher is " + suite.encode() in done.stdout, done
        for suite in ("AES128-GCM-SHA256", "AES128-SHA", "ECDHE-RSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA",
                      "DHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-CCM8"):
            assert subject(env, None, "-tls1_2", "-cipher", suite + ":@SECLEVEL=0")[0] is None, suite
        assert subject(env, None, "-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256")[0] is None
