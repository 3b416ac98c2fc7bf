# SPDX-License-Identifier: Apache-2.0
"""tunhttpd healthcheck: what a container engine asks, with the status and the one line that it gets."""
import os
import signal
import socket
import threading
from contextlib import contextmanager

from basics import ADDRESS, wait_until


def check(env, *args, before=(), environ=None):
    done = env.run(*before, *env.command("healthcheck", *args), env={**env.environ, **(environ or {})})
    text = (done.stdout + done.stderr).decode()
    assert len(text.splitlines()) == 1, text
    return done.returncode, text


def test_the_server_is_found_by_its_options(env):
    env.shared()
    assert check(env) == (0, "healthy: http://%s:80: status 200\n" % ADDRESS)
    assert check(env, "http://%s/none" % ADDRESS) == (0, "healthy: http://%s:80: status 404\n" % ADDRESS)
    assert check(env, "https://%s/" % ADDRESS) == (0, "healthy: https://%s:443: TLS answers\n" % ADDRESS)
    assert check(env, "--https", "443", "--http", "off")[0] == 0
    assert check(env, environ={"TUNHTTPD_HTTP": "off"}) == (0, "healthy: https://%s:443: TLS answers\n" % ADDRESS)
    # Where nobody is.
    assert check(env, "--http", "81")[0] == 1
    assert check(env, environ={"TUNHTTPD_HTTP": "81"})[0] == 1
    for wrong in (["--http", "x"], ["http://"], ["--timeout", "0"], ["nonsense", "more"]):
        assert check(env, *wrong)[0] == 2, wrong


def test_flags_of_process_1_count(env):
    with env.server("--http", "8080", answers_at=(ADDRESS, 8080)) as server:
        server.stop()
        # With a proc of its own, as in a container.
        server.launch("unshare", "--pid", "--fork", "--kill-child=SIGTERM", "--mount-proc")
        server.await_service()
        inside = wait_until(server.workers, "process 1")[0]
        before = ["nsenter", "-t", str(inside), "--pid", "--mount"]
        assert check(env, before=before) == (0, "healthy: http://%s:8080: status 200\n" % ADDRESS)
        os.kill(inside, signal.SIGTERM)
        server.wait()


@contextmanager
def answering(answer):
    """Somebody else's server, on loopback: says `answer` to everybody, or nothing at all."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with sock:
                sock.recv(4096)
                if answer is not None:
                    sock.sendall(answer)
                else:
                    sock.recv(4096)  # until the client goes
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def test_answers_that_are_not_good(env):
    with env.namespace():
        for scheme, answer, said in (
                ("http", b"HTTP/1.1 503 Busy\r\n\r\n", "status 503"),
                ("http", b"220 smtp ready, or not\r\n", "the answer is not HTTP"),
                ("http", b"HTTP/1.1", "the server closed the connection"),
                ("http", None, "no answer within 0.5 s"),
                ("https", b"\x15\x03\x03\x00\x02\x02\x28", "TLS answers with alert 40"),
                ("https", b"HTTP/1.1 400 Bad Request\r\n\r\n", "the answer is not TLS"),
                ("https", None, "no answer within 0.5 s")):
            with answering(answer) as port:
                url = "%s://127.0.0.1:%d" % (scheme, port)
                assert check(env, "--timeout", "0.5", url) == (1, "unhealthy: %s: %s\n" % (url, said)), url


def test_no_server_is_not_healthy(env):
    with env.namespace():
        status, text = check(env)
        assert status == 1 and text.startswith("unhealthy: http://%s:80: cannot connect" % ADDRESS), text
