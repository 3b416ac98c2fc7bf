# SPDX-License-Identifier: Apache-2.0
"""What changes while the server runs: certificates and the keys of session tickets."""
import os
import shutil
import signal
import ssl
import threading

from basics import ADDRESS, wait_until
from messages import Reader, get

VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


def make_pair(env, folder, name, *options, names="IP:" + ADDRESS):
    """A self-signed certificate, for the server's address unless said otherwise; the common name is how it is
    recognised."""
    os.makedirs(folder, exist_ok=True)
    cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    done = env.run("openssl", "req", "-x509", "-nodes", "-days", "30", "-subj", "/CN=" + name,
                   "-addext", "subjectAltName=" + names, "-keyout", key, "-out", cert,
                   *(options or ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")))
    assert done.returncode == 0, done
    return cert, key


def presented(env):
    """The common name of the certificate that a new connection gets."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with env.connect(tls=True, context=context) as sock:
        der = sock.getpeercert(binary_form=True)
    done = env.run("openssl", "x509", "-inform", "DER", "-noout", "-subject", "-nameopt", "multiline", stdin=der)
    return done.stdout.decode().rpartition("= ")[2].strip()


def visit(env, context, session):
    """One request; returns the session to come back with, and whether the one given was resumed."""
    with env.connect(tls=True, context=context, session=session) as sock:
        sock.sendall(get("/hello.txt", close=True))
        reader = Reader(sock)
        assert reader.response().status == 200
        assert reader.at_end()
        return sock.session, sock.session_reused


def test_sessions_are_resumed_whichever_worker_answers(env):
    with env.server("--workers", "3"):
        for version in VERSIONS:
            context = env.tls_context(version)
            session, reused = visit(env, context, None)
            assert not reused
            for _ in range(12):
                session, reused = visit(env, context, session)
                assert reused


def test_sessions_are_not_resumed_when_that_is_switched_off(env):
    with env.server("--ticket-lifetime", "0"):
        for version in VERSIONS:
            context = env.tls_context(version)
            session, _ = visit(env, context, None)
            assert not visit(env, context, session)[1]


def test_a_session_outlives_the_worker_and_own_keys_not_the_server(env):
    with env.server("--workers", "1") as server:
        context = env.tls_context()
        session, _ = visit(env, context, None)
        old = server.workers()
        os.kill(old[0], signal.SIGKILL)
        wait_until(lambda: server.workers() and server.workers() != old, "another worker")
        server.await_service()
        session, reused = visit(env, context, session)
        assert reused
    with env.server("--workers", "1"):
        assert not visit(env, context, session)[1]


def test_keys_of_a_file_outlive_the_server_and_open_at_replicas(env):
    keys = env.write("ticket.keys", os.urandom(48))
    context = env.tls_context()
    with env.server("--ticket-keys", keys):
        session, _ = visit(env, context, None)
    with env.server("--ticket-keys", keys) as server:
        session, reused = visit(env, context, session)
        assert reused
        # The file is replaced: the current key becomes the previous one, and what it sealed still opens.
        with open(keys, "rb") as f:
            old = f.read()
        env.write("ticket.new", os.urandom(48) + old)
        os.rename(os.path.join(env.work, "ticket.new"), keys)
        server.signal(signal.SIGHUP)
        session, reused = visit(env, context, session)
        assert reused
        # Without the old ones in it nothing of theirs is resumed any more.
        env.write("ticket.new", os.urandom(48))
        os.rename(os.path.join(env.work, "ticket.new"), keys)

        def refused():
            return not visit(env, context, session)[1]
        wait_until(refused, "the keys that are gone open nothing")


OTHER = "10.88.0.2"


def resume(env, address, version, saved, cert):
    """One request by `openssl s_client`, which comes with the session in the file `saved` and puts its newest there.
    True when it was resumed."""
    done = env.run("openssl", "s_client", "-connect", address + ":443", version, "-CAfile", cert, "-ign_eof",
                   "-verify_return_error", "-verify_ip", address, "-sess_out", saved,
                   *(("-sess_in", saved) if os.path.exists(saved) else ()), stdin=get("/hello.txt", close=True))
    out = done.stdout.decode("latin-1")
    assert done.returncode == 0 and "hello, world" in out, done
    assert ("\nReused, " in out) != ("\nNew, " in out), out
    return "\nReused, " in out


def sealed_by(env, saved, key):
    """True when the ticket in the file was made with this key: a ticket begins with the name's first four bytes."""
    text = env.run("openssl", "sess_id", "-in", saved, "-noout", "-text").stdout.decode()
    first = text.partition("TLS session ticket:")[2].split()[2:6]
    return bytes.fromhex("".join(first).replace("-", "")) == key[:4]


def test_instances_that_share_a_file_of_keys_resume_each_others_sessions(env):
    """Two of them at once, with two workers each, while the file changes; then one of them starts anew."""
    cert, key = make_pair(env, os.path.join(env.work, "pair"), "both", names="IP:%s,IP:%s" % (ADDRESS, OTHER))
    ticket_keys = os.urandom(48)
    keys = env.write("shared.keys", ticket_keys)
    common = ("--cert", cert, "--key", key, "--ticket-keys", keys, "--workers", "2")
    saved = {version: os.path.join(env.work, "session" + version) for version in ("-tls1_2", "-tls1_3")}

    def resumed(*addresses):
        return [resume(env, address, version, file, cert) for version, file in saved.items() for address in addresses]

    def new_keys_at(address):
        """Fresh sessions: those of TLS 1.2 keep their ticket when they are resumed."""
        for version, file in saved.items():
            if os.path.exists(file + ".new"):
                os.unlink(file + ".new")
            resume(env, address, version, file + ".new", cert)
        return all(sealed_by(env, file + ".new", ticket_keys) for file in saved.values())

    with env.server(*common) as first:
        for start in range(2):
            with env.server(*common, "--address", OTHER + "/24", "--tun", "second0", answers_at=(OTHER, 80),
                            inside=first.namespace):
                if start == 0:
                    assert resumed(ADDRESS) == [False, False]
                assert all(resumed(OTHER, ADDRESS, OTHER, ADDRESS))
                # Both notice the new key by themselves, and go on reading what the last one sealed.
                old, ticket_keys = ticket_keys, os.urandom(48)
                os.rename(env.write("next.keys", ticket_keys + old), keys)
                for address in (ADDRESS, OTHER):
                    wait_until(lambda a=address: new_keys_at(a), "tickets under the new key", pause=0.5)
                assert all(resumed(OTHER, ADDRESS, OTHER))
                for file in saved.values():
                    os.rename(file + ".new", file)
                assert all(resumed(ADDRESS, OTHER))


def test_a_bad_file_of_keys_is_refused_at_the_start(env):
    keys = env.write("short.keys", os.urandom(47))
    done = env.run(*env.command("serve", env.site, "--state", env.state, "--ticket-keys", keys, "--check"),
                   timeout=60)
    assert done.returncode == 78, done
    assert b"short.keys has 47 bytes" in done.stderr and b"openssl rand 48" in done.stderr, done.stderr


def test_a_certificate_is_replaced_while_clients_download(env):
    """Not one request fails, open connections keep what they have, and new ones get the new certificate."""
    live = os.path.join(env.work, "live")
    cert, key = make_pair(env, live, "first")
    make_pair(env, os.path.join(env.work, "next"), "second", "-newkey", "rsa:2048")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with env.server("--cert", cert, "--key", key) as server:
        failures, served, stop = [], [], threading.Event()

        def client():
            while not stop.is_set():
                try:
                    visit(env, context, None)
                    served.append(1)
                except Exception as error:  # pylint: disable=broad-except
                    failures.append(error)

        with env.connect(tls=True, context=context) as old:
            old.sendall(get("/hello.txt"))
            reader = Reader(old)
            assert reader.response().status == 200
            threads = [threading.Thread(target=client) for _ in range(4)]
            for thread in threads:
                thread.start()
            assert presented(env) == "first"
            for name in ("key.pem", "cert.pem"):
                shutil.copy(os.path.join(env.work, "next", name), os.path.join(live, name + ".new"))
                os.rename(os.path.join(live, name + ".new"), os.path.join(live, name))
            wait_until(lambda: presented(env) == "second", "the new certificate")
            seen = len(served)
            wait_until(lambda: len(served) > seen + 20, "more requests")
            stop.set()
            for thread in threads:
                thread.join()
            assert not failures, failures[0]
            old.sendall(get("/hello.txt"))
            assert reader.response().status == 200
        assert "certificates were replaced" in server.stderr


def test_a_pair_that_does_not_match_is_refused_and_the_old_one_stays(env):
    live = os.path.join(env.work, "half")
    cert, key = make_pair(env, live, "good")
    make_pair(env, os.path.join(env.work, "other"), "stranger")
    with env.server("--cert", cert, "--key", key) as server:
        shutil.copy(os.path.join(env.work, "other", "cert.pem"), cert)
        server.signal(signal.SIGHUP)
        wait_until(lambda: "does not belong" in server.stderr, "a line that says so")
        assert "the last good certificates stay in use" in server.stderr
        assert presented(env) == "good"
        with open(cert, "wb") as f:
            f.write(b"-----BEGIN CERTIFICATE-----\nMIIB")
        said = len(server.stderr.splitlines())
        server.signal(signal.SIGHUP)
        wait_until(lambda: len(server.stderr.splitlines()) > said, "another line")
        assert presented(env) == "good"
        os.unlink(key)
        server.signal(signal.SIGHUP)
        wait_until(lambda: "key.pem: No such file" in server.stderr, "a line for the missing key")
        assert presented(env) == "good"
        make_pair(env, live, "better")
        server.signal(signal.SIGHUP)
        wait_until(lambda: presented(env) == "better", "the pair that is whole again")
