# SPDX-License-Identifier: Apache-2.0
"""Files that are put aside, syslog, layouts with variables, facts of TLS and TCP, why connections end."""
import json
import os
import re
import signal
import socket
import struct
import subprocess
import threading

from basics import ADDRESS, HOST_ADDRESS, text_of, wait_until
from messages import Reader, get


def lines_in(path):
    try:
        with open(path, encoding="ascii") as f:
            return f.read().splitlines()
    except FileNotFoundError:
        return []


def put_aside(server, path, old):
    """What logrotate does; comes back when no process writes to the old file any more."""
    os.rename(path, old)
    server.signal(signal.SIGUSR1)
    wait_until(lambda: os.path.exists(path), "a new file")
    wait_until(lambda: not server.workers_reading(old), "the workers have left the old file")


def test_file_is_put_aside_under_load(env):
    path = os.path.join(env.work, "access.log")
    clients, rotations = 8, 6
    enough = threading.Event()
    answered, failed = [0] * clients, []

    def load(number):
        with env.connect() as sock:
            answers = Reader(sock)
            while not enough.is_set():
                sock.sendall(get("/hello.txt?c=%d&n=%d" % (number, answered[number]), "User-Agent: " + "x" * 200) * 5)
                for _ in range(5):
                    assert answers.response().status == 200
                answered[number] += 5

    def guarded(number):
        try:
            load(number)
        except Exception as e:  # pylint: disable=broad-except
            failed.append(e)

    with env.server("--workers", "2", "--max-requests", "1000000", "--log-file", path,
                    "--log", "$request_id $request_uri \"$http_user_agent\"") as server:
        assert os.stat(path).st_mode & 0o777 & ~0o640 == 0
        threads = [threading.Thread(target=guarded, args=(n,)) for n in range(clients)]
        for thread in threads:
            thread.start()
        olds = []
        try:
            for n in range(rotations):
                olds.append("%s.%d" % (path, n))
                put_aside(server, path, olds[-1])
                size = os.stat(olds[-1]).st_size
                wait_until(lambda: failed or os.stat(path).st_size > 0, "lines in the new file")
                assert os.stat(olds[-1]).st_size == size, "the old file has grown"
        finally:
            enough.set()
            for thread in threads:
                thread.join()
        assert not failed, failed
        server.stop()
        assert "lost" not in server.stderr, server.stderr
    lines = [line for name in olds + [path] for line in lines_in(name)]
    assert len(lines) == sum(answered), (len(lines), answered)
    whole = re.compile(r'^[0-9a-f]{32} /hello\.txt\?c=\d+&n=\d+ "x{200}"$')
    assert all(whole.match(line) for line in lines), [line for line in lines if not whole.match(line)][:3]
    assert len({line.split()[0] for line in lines}) == len(lines), "an id twice"


def test_file_that_cannot_be_opened_anew(env):
    folder = os.path.join(env.work, "logs")
    os.mkdir(folder)
    path, away = os.path.join(folder, "access.log"), folder + ".away"
    with env.server("--workers", "1", "--log-file", path) as server:
        env.fetch("http://%s/hello.txt" % ADDRESS)
        os.rename(folder, away)
        server.signal(signal.SIGUSR1)
        wait_until(lambda: "the old file stays in use" in server.stderr, "a line about it")
        env.fetch("http://%s/hello.txt" % ADDRESS)
        old = os.path.join(away, "access.log")
        wait_until(lambda: len(lines_in(old)) == 2, "the second line in the old file")
        os.rename(away, folder)
        for worker in server.workers():  # one that starts later has the file, too
            os.kill(worker, signal.SIGKILL)
        wait_until(server.workers, "another worker")
        server.await_service()
        before = len(lines_in(path))
        env.fetch("http://%s/hello.txt" % ADDRESS)
        wait_until(lambda: len(lines_in(path)) == before + 1, "a line of the new worker")


def test_sigusr1_without_a_file_does_nothing(env):
    with env.server("--workers", "1") as server:
        server.signal(signal.SIGUSR1)
        for worker in server.workers():
            os.kill(worker, signal.SIGUSR1)
        env.fetch("http://%s/hello.txt" % ADDRESS)
        wait_until(lambda: server.stdout.count("\n") == 1, "the line")


def test_sigusr1_before_anything_is_served_does_not_end_it(env):
    path = os.path.join(env.work, "early.log")
    with env.server("--workers", "1", "--log-file", path) as server:
        server.stop()
        os.unlink(path)
        server.launch()
        blocked = 1 << (signal.SIGUSR1 - 1)
        wait_until(lambda: int(re.search(r"SigBlk:\s*(\w+)", text_of("/proc/%d/status" % server.pid) or "SigBlk: 0")
                               .group(1), 16) & blocked, "it has come to its options", pause=0)
        server.signal(signal.SIGUSR1)
        server.await_service()
        env.fetch("http://%s/hello.txt" % ADDRESS)
        wait_until(lambda: len(lines_in(path)) == 1, "the line")


def test_stderr(env):
    with env.server("--workers", "1", "--log-file", "stderr", "--log", "<$status>") as server:
        env.fetch("http://%s/hello.txt" % ADDRESS)
        wait_until(lambda: "<200>\n" in server.stderr, "the line")
        assert server.stdout == ""


def daemon(path):
    if os.path.exists(path):
        os.unlink(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(path)
    os.chmod(path, 0o666)
    sock.settimeout(60)
    return sock


def test_syslog(env):
    path = os.path.join(env.work, "syslog.sock")
    os.chmod(env.work, 0o755)
    first = daemon(path)
    message = re.compile(r"^<158>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d tunhttpd\[(\d+)\]: /hello\.txt\?(\d) 200$")
    with env.server("--workers", "1", "--log-file", "syslog:local3:" + path, "--log", "$request_uri $status") as server:
        env.fetch("http://%s/hello.txt?1" % ADDRESS)
        got = message.match(first.recv(8192).decode())
        assert got and int(got.group(1)) in server.workers() and got.group(2) == "1", got
        first.close()
        os.unlink(path)
        env.fetch("http://%s/hello.txt?2" % ADDRESS)
        wait_until(lambda: "the access log cannot be written" in server.stderr, "a line about it")
        with daemon(path) as second:
            got = message.match(second.recv(8192).decode())  # nobody asked for anything in between
            assert got and got.group(2) == "2", got
            env.fetch("http://%s/hello.txt?3" % ADDRESS)
            assert message.match(second.recv(8192).decode()).group(2) == "3"
        server.stop()
        assert "lost" not in server.stderr, server.stderr


# What is wrong, and a word of the line that says so.
WRONG = (
    (("--log", "$remote_add"), "did you mean $remote_addr?"),
    (("--log", "$status $"), "$$"),
    (("--log", "common"), "combined, json, off, or a text with variables"),
    (("--log-file", "/nonexistent/x/access.log"), "/nonexistent/x/access.log: No such file or directory"),
    (("--log-file", "syslog:/nonexistent/log"), "cannot reach the system's log at /nonexistent/log"),
    (("--log-file", "syslog:local9"), "syslog[:FACILITY]"),
)


def test_errors(env):
    for args, words in WRONG:
        for check in ((), ("--check",)):
            done = env.run(*env.command("serve", env.site, "--state", env.state, *check, *args))
            assert done.returncode in (2, 78), (args, done.returncode)
            assert words in done.stderr.decode(), done.stderr
    path = os.path.join(env.work, "made-by-check.log")
    done = env.run(*env.command("serve", env.site, "--state", env.state, "--check", "--log-file", path))
    assert done.returncode == 0, done.stderr
    assert not os.path.exists(path)


def test_a_layout_in_the_file_and_printed(env):
    layout = r'$remote_addr "$request" {"x": $$} ${status}'
    config = os.path.join(env.work, "log.conf")
    with open(config, "w", encoding="ascii") as f:
        f.write("log = %s\n" % layout)
    done = env.run(*env.command("serve", env.site, "--state", env.state, "-c", config, "--print-config"))
    assert "log = %s\n" % layout in done.stdout.decode(), done.stdout
    with env.server("--workers", "1", "-c", config) as server:
        env.fetch("http://%s/hello.txt" % ADDRESS)
        wait_until(lambda: server.stdout, "the line")
        assert server.stdout == '%s "GET /hello.txt HTTP/1.1" {"x": $} 200\n' % HOST_ADDRESS, server.stdout


def test_request_id(env):
    with env.server("--workers", "2", "--request-id", "on", "--log", "json") as server:
        ids = []
        for path in ("/hello.txt", "/nothing", "/hello.txt"):
            response = env.fetch("https://%s%s" % (ADDRESS, path), "-H", "X-Request-Id: of a client")
            ids.append(response["X-Request-Id"])
        server.stop()
        entries = [json.loads(line) for line in server.stdout.splitlines()]
        assert sorted(e["request_id"] for e in entries) == sorted(ids) and len(set(ids)) == 3, (ids, entries)
        assert all(re.fullmatch("[0-9a-f]{32}", i) for i in ids), ids
    assert env.shared() and env.fetch("http://%s/hello.txt" % ADDRESS)["X-Request-Id"] is None


def s_client(env, *args):
    """One request by openssl s_client; what it says of the session."""
    done = env.run("openssl", "s_client", "-connect", ADDRESS + ":443", "-ign_eof", *args,
                   stdin=b"GET /hello.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert b"200 OK" in done.stdout, done.stdout[-500:]
    new = re.search(r"(New|Reused), (\S+), Cipher is (\S+)", done.stdout.decode())
    return new.groups()


def iana_name(name):
    done = subprocess.run(["openssl", "ciphers", "-stdname"], capture_output=True, check=True)
    for line in done.stdout.decode().splitlines():
        fields = line.split()
        if len(fields) > 2 and fields[2] == name:
            return fields[0]
    return name


def test_facts_of_tls_are_those_of_the_client(env):
    session = os.path.join(env.work, "session.pem")
    calls = (
        ("-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384", "-servername", "one.example.test", "-alpn", "http/1.1"),
        ("-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256", "-noservername"),
        ("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256", "-servername", "two.example.test",
         "-sess_out", session),
        ("-tls1_2", "-servername", "two.example.test", "-sess_in", session),
    )
    with env.server("--workers", "1", "--log", "json") as server:
        said = [s_client(env, *call) for call in calls]
        wait_until(lambda: server.stdout.count("\n") == len(calls), "a line each")
        entries = [json.loads(line) for line in server.stdout.splitlines()]
        for (how, version, cipher), entry in zip(said, entries):
            assert entry["tls_version"] == version, (entry, version)
            assert entry["tls_cipher"] == iana_name(cipher), (entry, cipher)
            assert entry["tls_resumed"] == (how == "Reused"), (entry, how)
        assert [e["tls_resumed"] for e in entries] == [False, False, False, True], entries
        assert [e["tls_sni"] for e in entries] == ["one.example.test", None, "two.example.test", "two.example.test"]
        assert [e["tls_alpn"] for e in entries] == ["http/1.1", None, None, None], entries
        assert all(e["tcp_rtt_us"] > 0 and e["tcp_retransmits"] == 0 for e in entries), entries


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def test_why_connections_end(env):
    def connections(server):
        whole = server.stdout.rpartition("\n")[0]  # it may be read in the middle of a write
        found = [json.loads(line) for line in whole.splitlines()]
        return [e for e in found if e["event"] == "connection"]

    with env.server("--workers", "1", "--log", "json", "--log-connections", "on", "--idle-timeout", "5") as server:
        expected = []

        def ended(reason, requests):
            expected.append((reason, requests))
            wait_until(lambda: len(connections(server)) >= len(expected), "the line for " + reason)

        wait_until(lambda: connections(server), "the line of who looked whether the server is there")
        expected.append(("client-closed", 0))
        env.fetch("https://%s/hello.txt" % ADDRESS)
        ended("client-closed", 1)
        env.fetch("http://%s/hello.txt" % ADDRESS, "-H", "Connection: close")
        ended("close-requested", 1)
        with env.connect() as sock:
            sock.sendall(get("/hello.txt") * 3)
            while sock.recv(65536):
                pass
        ended("idle", 3)
        with env.connect(rcvbuf=8192) as sock:
            sock.sendall(get("/eight.bin"))
            assert sock.recv(1) == b"H"
            reset(sock)
            ended("reset-by-peer", 1)
        with env.connect(port=443) as sock:
            sock.sendall(get("/"))
            assert b"400 Bad Request" in sock.recv(65536)
        ended("plain-http-on-tls-port", 0)
        with env.connect() as sock:
            sock.sendall(b"GET\n")
            assert b"400 Bad Request" in sock.recv(65536)
        ended("protocol-error", 1)
        lines = connections(server)
        assert [(e["closed"], e["requests"]) for e in lines] == expected, lines
        tls = lines[1]
        assert tls["tls_version"] == "TLSv1.3" and tls["bytes_received"] > 0 and tls["bytes_sent"] > 1000, tls
        assert tls["tcp_rtt_us"] > 0 and tls["duration_us"] > 0, tls
        requests = [json.loads(line) for line in server.stdout.splitlines()]
        assert sum(e["event"] == "request" for e in requests) == 7, requests


def test_connections_as_text(env):
    with env.server("--workers", "1", "--log", "off", "--log-connections", "on") as server:
        with env.connect() as sock:
            sock.sendall(get("/hello.txt"))
            assert Reader(sock).response().status == 200
            server.stop()
        assert server.stdout.splitlines()[-1].endswith("closed=drain"), server.stdout
    with env.server("--workers", "1", "--log", "off", "--log-connections", "on") as server:
        env.fetch("https://%s/hello.txt" % ADDRESS)
        wait_until(lambda: server.stdout.count("\n") == 2, "the lines")
        fields = dict(re.findall(r'(\w+)=("[^"]*"|\S+)', server.stdout.splitlines()[1]))
        assert fields["tls"] == "TLSv1.3" and fields["closed"] == "client-closed" and fields["requests"] == "1", fields
        assert fields["client"] == HOST_ADDRESS and fields["local_port"] == "443", fields
