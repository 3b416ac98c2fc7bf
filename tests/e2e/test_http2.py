# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 by clients that others have written: curl, nghttp and h2load."""
import hashlib
import json
import os
import signal
import struct
import subprocess

from basics import ADDRESS, PATIENCE, wait_until
from frames import (ACK, DATA, END_STREAM, GOAWAY, HEADERS, LAST, PING, PREFACE, RST_STREAM, SETTINGS, WINDOW_UPDATE,
                    Frames, frame, get, number)

HTTPS, HTTP = "https://" + ADDRESS, "http://" + ADDRESS


def version_of(env, *args):
    """The version that curl has spoken, after a 200."""
    done = env.curl("-o", "/dev/null", "-w", "%{http_version} %{response_code}", *args)
    assert done.returncode == 0, done.stderr
    version, status = done.stdout.decode().split()
    assert status == "200", status
    return version


def test_alpn_and_prior_knowledge(env):
    env.shared()
    assert version_of(env, HTTPS + "/hello.txt") == "2"
    assert version_of(env, "--http1.1", HTTPS + "/hello.txt") == "1.1"
    assert version_of(env, HTTP + "/hello.txt") == "1.1"
    assert version_of(env, "--http2", HTTP + "/hello.txt") == "1.1"  # the Upgrade is passed over (RFC 9113 3.1)
    # In clear it is not spoken unless asked for: then it is HTTP/1's 505, or a 400 with a curl that counts that as one.
    done = env.curl("--http2-prior-knowledge", HTTP + "/hello.txt")
    assert done.returncode != 0, done.stdout
    with env.server("--http2", "off", "--http2-clear", "on"):
        assert version_of(env, HTTPS + "/hello.txt") == "1.1"
        assert version_of(env, "--http2-prior-knowledge", HTTP + "/hello.txt") == "2"
        assert version_of(env, HTTP + "/hello.txt") == "1.1"


def test_files_are_whole(env):
    env.shared()
    for _ in range(2):
        assert env.fetch_sha256(HTTPS + "/eight.bin", "--http2") == env.sha256("eight.bin")
    head = env.curl("-I", HTTPS + "/eight.bin")
    assert b"content-length: 8388608\r\n" in head.stdout, head.stdout
    ranged = env.curl("-r", "10-99", HTTPS + "/eight.bin")
    assert ranged.stdout == env.content("eight.bin")[10:100]


def test_an_upload_is_refused_and_the_connection_goes_on(env):
    env.shared()
    for size, status in ((1000, "405"), (3 << 20, "413")):
        path = env.write("upload.bin", b"x" * size)
        done = env.curl("-o", "/dev/null", "-w", "%{response_code} %{num_connects}\n", "--data-binary", "@" + path,
                        HTTPS + "/hello.txt", "--next", "-o", "/dev/null", "-w", "%{response_code} %{num_connects}\n",
                        "--cacert", env.shared().ca, HTTPS + "/hello.txt")
        assert done.stdout.decode().split() == [status, "1", "200", "0"], done.stdout


def test_nghttp_with_priorities(env):
    env.shared()
    done = env.run("nghttp", "-v", "-n", "--no-dep", "-H", "priority: u=1, i", HTTPS + "/hello.txt", HTTPS + "/eight.bin",
                   HTTPS + "/missing")
    said = done.stdout.decode()
    assert done.returncode == 0, said
    assert said.count(":status: 200") == 2 and said.count(":status: 404") == 1, said
    assert "[SETTINGS_NO_RFC7540_PRIORITIES" in said, said


def test_a_thousand_streams(env):
    """Ten connections with a hundred streams at once each; one that asks more often than it may is told to go."""
    env.shared()
    done = env.run("h2load", "-n", "1000", "-c", "10", "-m", "100", HTTPS + "/hello.txt")
    said = done.stdout.decode()
    assert "1000 succeeded, 0 failed, 0 errored, 0 timeout" in said, said
    assert "status codes: 1000 2xx" in said, said




def test_a_parallel_download_survives_a_drain(env):
    """Twenty downloads on one connection, and SIGTERM in the midst of them: all are whole."""
    with env.server("--grace", "100", "--workers", "1", "--log", "json") as server:
        names = [os.path.join(server.dir, "%d.bin" % i) for i in range(20)]
        targets = [word for name in names for word in ("-o", name, HTTPS + "/eight.bin")]
        with subprocess.Popen(["curl", "-q", "-sSf", "--noproxy", "*", "--no-progress-meter", "-Z", "--parallel-max", "20", "--http2",
                               "--limit-rate", "6M", "--cacert", server.ca, *targets], env=env.environ) as client:
            # All of them: only who has asked before the last GOAWAY is answered, and curl does not ask again.
            wait_until(lambda: all(os.path.exists(name) for name in names), "all downloads are under way")
            server.signal(signal.SIGTERM)
            assert client.wait(PATIENCE) == 0
        assert server.wait() == 0
        for name in names:
            with open(name, "rb") as f:
                assert hashlib.sha256(f.read()).hexdigest() == env.sha256("eight.bin"), name
            os.remove(name)
        entries = [json.loads(line) for line in server.stdout.splitlines()]
        assert [(e["status"], e["complete"]) for e in entries] == [(200, True)] * 20, entries


def test_the_end_comes_in_two_goaways(env):
    """RFC 9113 6.8. What the client asks before it has seen the second is answered, after both and in full."""
    with env.server("--grace", "100", "--workers", "1") as server:
        context = env.tls_context()
        context.set_alpn_protocols(["h2"])
        with env.connect(tls=True, context=context) as sock:
            assert sock.selected_alpn_protocol() == "h2"
            frames = Frames(sock)
            sock.sendall(PREFACE + frame(SETTINGS) + get(1, "/eight.bin", ADDRESS))
            frames.until(SETTINGS)
            sock.sendall(frame(SETTINGS, ACK))
            received, digest = 0, hashlib.sha256()
            while received < 65535:  # all that the windows let through
                payload = frames.until(DATA)[3]
                received += len(payload)
                digest.update(payload)
            server.signal(signal.SIGTERM)
            pings, goaways = [], []
            while not goaways or not pings:
                kind, flags, stream, payload = frames.next()
                if kind == PING:
                    pings.append(payload)
                elif kind == GOAWAY:
                    goaways.append(payload)
            assert goaways == [struct.pack(">II", LAST, 0)], goaways
            # This one was on its way.
            sock.sendall(get(3, "/hello.txt", ADDRESS) + frame(PING, ACK, 0, pings[0]))
            assert frames.until(GOAWAY)[3] == struct.pack(">II", 3, 0)
            sock.sendall(number(WINDOW_UPDATE, 0, 16 << 20) + number(WINDOW_UPDATE, 1, 16 << 20))
            bodies, ended = {1: digest, 3: hashlib.sha256()}, 0
            while True:
                got = frames.next()
                if not got:
                    break
                kind, flags, stream, payload = got
                assert kind in (DATA, HEADERS), got[:3]
                if kind == DATA:
                    bodies[stream].update(payload)
                ended += flags & END_STREAM
            assert ended == 2
            assert bodies[1].hexdigest() == env.sha256("eight.bin")
            assert bodies[3].hexdigest() == env.sha256("hello.txt")
        assert server.wait() == 0


def test_a_flood_is_ended_and_named(env):
    with env.server("--workers", "1") as server:
        context = env.tls_context()
        context.set_alpn_protocols(["h2"])
        with env.connect(tls=True, context=context) as sock:
            frames = Frames(sock)
            sock.sendall(PREFACE + frame(SETTINGS))
            resets = b"".join(get(2 * i + 1, "/hello.txt", ADDRESS) + number(RST_STREAM, 2 * i + 1, 8)
                              for i in range(1000))
            sock.sendall(resets)
            payload = frames.until(GOAWAY)[3]
            assert payload[4:8] == struct.pack(">I", 11), payload  # ENHANCE_YOUR_CALM
            assert frames.next() is None
        wait_until(lambda: " h2-resets: " in server.stderr, "a line about it")
        assert env.fetch(HTTPS + "/hello.txt").status == 200


def test_a_window_that_ends_where_a_record_does(env):
    """Then there is nothing more to come, though a response is under way: its last bytes must not wait for more."""
    env.shared()
    context = env.tls_context()
    context.set_alpn_protocols(["h2"])
    with env.connect(tls=True, context=context, timeout=10) as sock:
        frames = Frames(sock)
        sock.sendall(PREFACE + frame(SETTINGS) + number(WINDOW_UPDATE, 0, LAST - 65535))
        frames.until(SETTINGS)
        sock.sendall(frame(SETTINGS, ACK))
        head, stream = None, 1
        # A record has 16,384 bytes: our answer to the SETTINGS, the HEADERS, from the second on always as many, and DATA.
        for window in [100, 100] + [None] * 9:
            if window is None:
                window = 16384 - 9 - head - 9 - 4 + (stream - 5) // 2
            sock.sendall(frame(SETTINGS, 0, 0, struct.pack(">HI", 4, window)) + get(stream, "/eight.bin", ADDRESS))
            head, received = 9 + len(frames.until(HEADERS)[3]), 0
            while received < window:
                received += len(frames.until(DATA)[3])
            assert received == window
            sock.sendall(number(RST_STREAM, stream, 8))
            stream += 2
