# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 by clients that others have written: curl, nghttp and h2load."""
import json
import signal

from basics import ADDRESS, text_of, wait_until

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


