# SPDX-License-Identifier: Apache-2.0
"""What a worker takes while connections are busy goes back to the system when they rest."""
import os
from contextlib import ExitStack

from basics import ADDRESS, Skipped, text_of, wait_until
from messages import get

CLIENTS, SIZE = 400, 300000


def resident(pid):
    """MiB."""
    return int(text_of("/proc/%d/statm" % pid).split()[1]) * os.sysconf("SC_PAGESIZE") / (1 << 20)


def test_buffers_of_a_burst_go_back_to_the_system_while_the_connections_stay(env):
    env.write("site/memory.bin", os.urandom(SIZE))
    with env.server("--workers", "1", "--log", "off", "--idle-timeout", "600") as server, ExitStack() as stack:
        worker = server.workers()[0]
        if "libasan" in text_of("/proc/%d/maps" % worker):
            raise Skipped("the sanitizer keeps what is freed")
        assert env.fetch("https://%s/hello.txt" % ADDRESS).status == 200
        before, context, socks = resident(worker), env.tls_context(), []
        for _ in range(CLIENTS):  # each wants a file and takes little of it: records wait, and data behind them
            sock = stack.enter_context(env.connect(tls=True, context=context, rcvbuf=4096))
            sock.sendall(get("/memory.bin"))
            socks.append(sock)
        wait_until(lambda: resident(worker) > before + CLIENTS * 50 / 1024, "buffers are in use")
        busy = resident(worker)
        for sock in socks:
            left = SIZE
            while left > 0:
                left -= len(sock.recv(65536))
        wait_until(lambda: resident(worker) < before + (busy - before) / 2, "most of it has gone back", pause=0.5)
        for sock in socks:  # still there
            sock.sendall(get("/hello.txt"))
            assert sock.recv(65536).startswith(b"HTTP/1.1 200")
