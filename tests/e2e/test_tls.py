# SPDX-License-Identifier: Apache-2.0
"""TLS: versions, the certificate, the orderly end, and what happens to those who speak something else."""
import os
import socket
import ssl
import subprocess

from basics import ADDRESS, Skipped, wait_until
from messages import Reader, get

VERSIONS = ((ssl.TLSVersion.TLSv1_2, "TLSv1.2", "-tls1_2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3", "-tls1_3"))


def drop(sock):
    """Ends the stream with a FIN, and TLS not at all. What the server still says is read: unread, it would make the end a RST."""
    sock.shutdown(socket.SHUT_WR)
    while sock.recv(4096):
        pass


def s_client(env, *args, stdin=None):
    """One request through openssl; its -msg output shows every TLS message."""
    return env.run("openssl", "s_client", "-connect", ADDRESS + ":443", "-CAfile", env.state + "/ca.pem",
                   "-verify_return_error", "-verify_ip", ADDRESS, "-ign_eof", "-msg", *args,
                   stdin=stdin or get("/hello.txt", close=True))


def test_curl_with_1_2_and_with_1_3(env):
    env.shared()
    for flags, name in ((("--tlsv1.2", "--tls-max", "1.2"), b"TLSv1.2"), (("--tlsv1.3",), b"TLSv1.3")):
        done = env.curl("-v", *flags, "https://%s/hello.txt" % ADDRESS)
        assert done.returncode == 0 and done.stdout == b"hello, world\n", done
        assert b"SSL connection using " + name in done.stderr, done


def test_openssl_with_1_2_and_with_1_3_sees_close_notify(env):
    env.shared()
    for _, name, flag in VERSIONS:
        done = s_client(env, flag)
        out = done.stdout.decode("latin-1")
        assert done.returncode == 0, done.returncode
        assert "hello, world\n" in out and "New, %s, Cipher is" % name in out, out
        assert "Verify return code: 0 (ok)" in out, out
        received = [line for line in out.splitlines() if line.startswith("<<<") and "Alert" in line]
        assert received and "warning close_notify" in received[-1], received


def test_1_1_and_older_are_refused(env):
    env.shared()
    for flag in ("-tls1_1", "-tls1"):
        done = s_client(env, flag, "-cipher", "ALL:@SECLEVEL=0")
        out = done.stdout + done.stderr
        assert done.returncode != 0 and b"hello, world" not in out, out
        assert b"alert protocol version" in out, out


def test_post_quantum_key_exchange(env):
    """X25519MLKEM768, at once and after a HelloRetryRequest. OpenSSL has it from 3.5 on, and so have we."""
    if b"X25519MLKEM768" not in env.run("openssl", "list", "-kem-algorithms").stdout:
        raise Skipped("needs OpenSSL 3.5")
    env.shared()
    for groups, hellos in (("X25519MLKEM768", 1), ("X25519MLKEM768:X25519", 1), ("P-521:X25519MLKEM768", 2)):
        out = s_client(env, "-groups", groups).stdout.decode("latin-1")
        assert "Negotiated TLS1.3 group: X25519MLKEM768" in out and "hello, world" in out, out
        assert out.count("ClientHello") == hellos, out


def test_every_connection_ends_with_close_notify(env):
    """Reader.at_end raises ssl.SSLEOFError for an end without it."""
    env.shared()
    for version, name, _ in VERSIONS:
        with env.connect(tls=True, context=env.tls_context(version)) as sock:
            assert sock.version() == name
            reader = Reader(sock)
            sock.sendall(get("/hello.txt", close=True))
            assert reader.response().status == 200
            assert reader.at_end()


def test_client_that_closes_first_gets_close_notify(env):
    env.shared()
    for version, _, _ in VERSIONS:
        with env.connect(tls=True, context=env.tls_context(version)) as sock:
            sock.sendall(get("/hello.txt"))
            assert Reader(sock).response().status == 200
            sock.unwrap().close()  # sends close_notify and waits for the server's


def test_certificate_is_for_the_address_and_from_the_local_authority(env):
    env.shared()
    with env.connect(tls=True) as sock:
        names = [value for _, value in sock.getpeercert()["subjectAltName"]]
        assert ADDRESS in names and "localhost" in names, names
    done = env.curl("--no-ca", "https://%s/" % ADDRESS)
    assert done.returncode == 60, done


def test_certificate_passes_a_strict_reading_of_rfc_5280(env):
    """As Python 3.13 asks for by default."""
    server = env.shared()
    chain = os.path.join(env.state, "server.pem")
    done = env.run("openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_ip", ADDRESS, "-CAfile",
                   server.ca, "-untrusted", chain, chain)
    assert done.returncode == 0, done


def test_a_request_that_is_cut_off_is_logged(env):
    """The end of the stream without close_notify (RFC 8446 6.1): within a request it is told, between two it is not."""
    words = "the stream ended within a request, without close_notify"
    with env.server("--workers", "1") as server:
        for version, _, _ in VERSIONS:
            said = server.stderr.count(words)
            with env.connect(tls=True, context=env.tls_context(version)) as sock:
                sock.sendall(get("/hello.txt"))
                assert Reader(sock).response().status == 200
                drop(sock)
            with env.connect(tls=True, context=env.tls_context(version)) as sock:
                sock.sendall(b"GET /hello.txt HTTP/1.1\r\nHo")
                drop(sock)
            wait_until(lambda s=said: server.stderr.count(words) > s, "a line about it")
            assert server.stderr.count(words) == said + 1, server.stderr


def test_wrong_authority_is_an_alert_and_not_the_end(env):
    env.shared()
    for version, _, _ in VERSIONS:
        context = ssl.create_default_context()  # without our authority
        context.minimum_version = context.maximum_version = version
        try:
            with env.connect(tls=True, context=context):
                raise AssertionError("the certificate was accepted")
        except ssl.SSLCertVerificationError:
            pass
    assert env.fetch("https://%s/hello.txt" % ADDRESS).status == 200


def test_alpn_is_http_1_1(env):
    env.shared()
    context = env.tls_context()
    context.set_alpn_protocols(["http/1.1"])
    with env.connect(tls=True, context=context) as sock:
        assert sock.selected_alpn_protocol() == "http/1.1"


def test_client_that_comes_back_with_a_session_is_served(env):
    """Whether the session is resumed or begun anew is the server's choice."""
    env.shared()
    for version, _, _ in VERSIONS:
        context, session = env.tls_context(version), None
        for _ in range(12):
            with env.connect(tls=True, context=context, session=session) as sock:
                sock.sendall(get("/hello.txt", close=True))
                reader = Reader(sock)
                assert reader.response().status == 200
                assert reader.at_end()
                session = sock.session


def test_handshake_in_single_bytes(env):
    env.shared()
    for version, _, _ in VERSIONS:
        received, to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = env.tls_context(version).wrap_bio(received, to_send, server_hostname=ADDRESS)
        with env.connect(port=443) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

            def step(action):
                while True:
                    try:
                        return action()
                    except ssl.SSLWantReadError:
                        for byte in to_send.read():
                            sock.sendall(bytes([byte]))
                        got = sock.recv(65536)
                        assert got, "the server ended the connection"
                        received.write(got)
            step(tls.do_handshake)
            tls.write(get("/hello.txt", close=True))
            assert step(lambda: tls.read(65536)).startswith(b"HTTP/1.1 200 ")


def test_plain_http_on_the_tls_port_is_told_in_clear(env):
    env.shared()
    with env.connect(port=443) as sock:
        sock.sendall(get("/"))
        reader = Reader(sock)
        r = reader.response()
        assert r.status == 400 and b"HTTPS" in r.body and r["connection"] == "close", r
        assert reader.at_end()
    done = env.curl("http://%s:443/" % ADDRESS)
    assert done.returncode == 0 and b"HTTPS" in done.stdout, done


def test_noise_instead_of_a_hello_is_ended(env):
    env.shared()
    for noise in (b"\x16\x03\x01\xff\xff" + b"\0" * 200, b"\0" * 300, b"SSH-2.0-x\r\n", b"\x80\x2e\x01\x03\x01" * 9):
        with env.connect(port=443) as sock:
            try:
                sock.sendall(noise)
                sock.shutdown(socket.SHUT_WR)
                while sock.recv(4096):  # an alert, perhaps; then the end
                    pass
            except ConnectionError:
                pass
    assert env.fetch("https://%s/hello.txt" % ADDRESS).status == 200


def test_key_updates_of_the_client_are_followed_and_answered(env):
    """RFC 8446 4.6.3: `K` makes openssl change its keys and ask for ours to change, `k` only the former."""
    env.shared()
    client = subprocess.Popen(["openssl", "s_client", "-connect", ADDRESS + ":443", "-tls1_3", "-msg", "-crlf"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env.environ)
    seen = []

    def until(text, count):
        while "".join(seen).count(text) < count:
            line = client.stdout.readline().decode("latin-1")
            assert line, "".join(seen)
            seen.append(line)

    def say(line):
        client.stdin.write(line.encode())
        client.stdin.flush()

    try:
        until("NewSessionTicket", 2)
        for i in range(1, 6):
            say("K\n")
            until("<<< TLS 1.3, Handshake [length 0005], KeyUpdate", i)
            say("k\n")
            until(">>> TLS 1.3, Handshake [length 0005], KeyUpdate", 2 * i)
            say("GET /hello.txt HTTP/1.1\nHost: x\n\n")
            until("hello, world", i)
        client.stdin.close()
        rest = client.stdout.read().decode("latin-1")
        assert "close_notify" in rest and "unexpected" not in rest, rest
    finally:
        client.kill()
        client.wait(30)


def test_key_log_has_the_secrets_that_openssl_has(env):
    """RFC 9850; the file is its owner's alone and the start says so."""
    ours, theirs = env.path("keys"), env.path("client-keys")
    with env.server("--keylog", ours, "--workers", "2") as server:
        for _, name, flag in VERSIONS:
            done = s_client(env, flag, "-keylogfile", theirs)
            assert b"hello, world\n" in done.stdout, done
        assert "warning: the secrets of every TLS connection go to %s" % ours in server.stderr, server.stderr
    with open(theirs) as file:
        expected = {line for line in file if not line.startswith("#")}
    with open(ours) as file:
        lines = file.readlines()
    assert sorted(line.split()[0] for line in lines) == [
        "CLIENT_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_RANDOM", "CLIENT_TRAFFIC_SECRET_0", "EXPORTER_SECRET",
        "SERVER_HANDSHAKE_TRAFFIC_SECRET", "SERVER_TRAFFIC_SECRET_0"], lines
    assert set(lines) == expected, (lines, expected)
    assert os.stat(ours).st_mode & 0o777 == 0o600
