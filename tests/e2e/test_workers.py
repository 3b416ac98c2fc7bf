# SPDX-License-Identifier: Apache-2.0
"""Worker processes: what they may do, that all of them serve, and what happens when one dies."""
import ctypes
import os
import platform
import pwd
import signal
import time
from contextlib import ExitStack

from basics import ADDRESS, Skipped, text_of, wait_until
from messages import Reader, get, read_all


def status_of(pid):
    return dict(line.split(":\t", 1) for line in text_of("/proc/%d/status" % pid).splitlines() if ":\t" in line)


def test_workers_are_nobody_and_have_no_capability(env):
    server = env.shared()
    nobody = pwd.getpwnam("nobody")
    workers = server.workers()
    assert len(workers) == 2, workers
    for pid in workers:
        wait_until(lambda p=pid: status_of(p).get("NoNewPrivs") == "1", "NoNewPrivs")
        status = status_of(pid)
        assert set(status["Uid"].split()) == {str(nobody.pw_uid)}, status["Uid"]
        assert set(status["Gid"].split()) == {str(nobody.pw_gid)}, status["Gid"]
        assert set(status["Groups"].split()) <= {str(nobody.pw_gid)}, status["Groups"]
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(status[name], 16) == 0, (name, status[name])


CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_KILL, CAP_SETGID, CAP_SETUID = 1 << 1, 1 << 2, 1 << 5, 1 << 6, 1 << 7


def test_master_keeps_what_it_needs(env):
    always = CAP_KILL | CAP_SETGID | CAP_SETUID
    cases = (((), always | CAP_DAC_READ_SEARCH | CAP_DAC_OVERRIDE),  # the local authority writes
             (("--cert", os.path.join(env.state, "server.pem"), "--key", os.path.join(env.state, "server-key.pem")),
              always | CAP_DAC_READ_SEARCH),
             (("--https", "off"), always),
             (("--https", "off", "--log-file", "access.log"), always | CAP_DAC_OVERRIDE))
    env.shared()  # makes the certificate
    for args, expected in cases:
        with env.server("--workers", "1", *args) as server:
            wait_until(lambda s=server: status_of(s.pid)["NoNewPrivs"] == "1", "the master's no_new_privs")
            status = status_of(server.pid)
            assert int(status["CapPrm"], 16) == int(status["CapEff"], 16) == expected, (args, status)
            for name in ("CapInh", "CapBnd", "CapAmb"):
                assert int(status[name], 16) == 0, (args, name, status[name])
            old = server.workers()
            os.kill(old[0], signal.SIGKILL)

            def new():
                return [pid for pid in server.workers() if pid not in old]
            wait_until(lambda: new() and status_of(new()[0]).get("Seccomp") == "2", "another worker, locked in")
            after = status_of(new()[0])
            assert set(after["Uid"].split()) == {str(pwd.getpwnam("nobody").pw_uid)}, after["Uid"]
            for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                assert int(after[name], 16) == 0, (args, name, after[name])
            assert env.fetch("http://%s/hello.txt" % ADDRESS).status == 200


def test_workers_are_locked_in(env):
    server = env.shared()
    for pid in server.workers():
        wait_until(lambda p=pid: status_of(p).get("Seccomp") == "2", "a filter of system calls")
    with env.server("--workers", "1", "--sandbox", "off") as open_one:
        assert env.fetch("http://%s/hello.txt" % ADDRESS).status == 200
        assert status_of(open_one.workers()[0])["Seccomp"] == "0"
        assert status_of(open_one.workers()[0])["NoNewPrivs"] == "1"


def test_no_call_of_a_worker_was_refused(env):
    """What a filter refuses the kernel logs, of everything that the tests before this one have made workers do."""
    log = env.run("dmesg").stdout.decode("utf-8", "replace").splitlines()
    lines = [line for line in log if "type=1326" in line]
    if not lines:  # test_server_sandbox, for one, leaves many
        raise Skipped("the kernel's log shows no refused system call of anybody, so it would show none of ours")
    assert not [line for line in lines if 'exe="%s"' % env.binary in line], lines


PTRACE_GETREGS, PTRACE_SETREGS, PTRACE_ATTACH, PTRACE_DETACH, PTRACE_SYSCALL = 12, 13, 16, 17, 24
ORIG_RAX = 15  # in struct user_regs_struct of x86-64


def make_it_call(pid, number):
    """Puts another number in place of the next system call of a process, before its filter sees that."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    registers = (ctypes.c_ulong * 27)()

    def ptrace(request, data=None):
        if libc.ptrace(request, pid, None, data) != 0:
            raise Skipped("ptrace: %s" % os.strerror(ctypes.get_errno()))
    ptrace(PTRACE_ATTACH)
    os.waitpid(pid, 0x40000000)  # __WALL
    ptrace(PTRACE_SYSCALL)
    os.waitpid(pid, 0x40000000)
    ptrace(PTRACE_GETREGS, ctypes.byref(registers))
    registers[ORIG_RAX] = number
    ptrace(PTRACE_SETREGS, ctypes.byref(registers))
    ptrace(PTRACE_DETACH)


def test_a_worker_that_makes_a_socket_or_runs_a_program_is_ended(env):
    """As if somebody had broken in: the call is put into a worker at work."""
    if platform.machine() != "x86_64":
        raise Skipped("knows the registers of x86-64 only")
    with env.server("--workers", "1") as server:
        for name, number in (("socket", 41), ("connect", 42), ("execve", 59)):
            wait_until(lambda: server.workers() and status_of(server.workers()[0]).get("Seccomp") == "2", "a worker")
            pid = server.workers()[0]
            make_it_call(pid, number)
            wait_until(lambda p=pid: p not in server.workers(), "the end of the worker for " + name)
            asked = "worker %d asked for system call %d, " % (pid, number)
            wait_until(lambda a=asked: a in server.stderr, "the worker's line about " + name)
            ended = "worker %d was ended by its sandbox" % pid
            wait_until(lambda e=ended: e in server.stderr, "the master's line about " + name)
            assert env.fetch("http://%s/hello.txt" % ADDRESS).status == 200


def test_workers_hold_no_more_than_they_need(env):
    """No descriptor of the state directory, and one queue of the device each."""
    server = env.shared()
    for pid in server.workers():
        targets = []
        for fd in os.listdir("/proc/%d/fd" % pid):
            try:
                targets.append(os.readlink("/proc/%d/fd/%s" % (pid, fd)))
            except FileNotFoundError:
                pass  # closed in between
        assert not [t for t in targets if t.startswith(env.state)], targets
        assert targets.count("/dev/net/tun") == 1, targets


def test_every_worker_serves(env):
    with env.server("--workers", "3") as server, ExitStack() as stack:
        def all_serve():
            sock = stack.enter_context(env.connect(rcvbuf=8192))
            sock.sendall(get("/eight.bin"))
            assert sock.recv(1) == b"H"
            return len(set(server.workers_reading(env.path("eight.bin")))) == 3
        wait_until(all_serve, "three workers have a download each")


def test_killed_worker_is_replaced_and_that_is_logged(env):
    with env.server("--workers", "2") as server:
        before = server.workers()
        said = len(server.stderr.splitlines())
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: len(server.workers()) == 2 and not set(server.workers()) & set(before), "new workers")
        wait_until(lambda: "worker" in "".join(server.stderr.splitlines()[said:]), "a line about it")
        for _ in range(20):
            assert env.fetch("http://%s/hello.txt" % ADDRESS).status == 200
            assert env.fetch("https://%s/hello.txt" % ADDRESS).status == 200
        for pid in server.workers():
            assert set(status_of(pid)["Uid"].split()) == {str(pwd.getpwnam("nobody").pw_uid)}


def test_other_worker_goes_on_when_one_dies(env):
    with env.server("--workers", "2", "--file-cache", "off") as server, ExitStack() as stack:
        path = env.path("eight.bin")
        socks = {}

        def one_each():
            old = server.workers_reading(path)
            sock = stack.enter_context(env.connect(rcvbuf=8192))
            sock.sendall(get("/eight.bin", close=True))
            assert sock.recv(1) == b"H"
            new = list(server.workers_reading(path))
            for pid in old:
                new.remove(pid)
            socks.setdefault(new[0], sock)
            return len(socks) == 2
        wait_until(one_each, "a download on each worker")
        victim, survivor = sorted(socks)
        os.kill(victim, signal.SIGKILL)
        count = 1
        while True:
            got = socks[survivor].recv(1 << 18)
            if not got:
                break
            count += len(got)
        assert count > len(env.content("eight.bin")), count


def test_connections_stay_with_their_worker(env):
    """The kernel forgets which queue a connection came from after three seconds of silence."""
    with env.server("--workers", "3") as server, ExitStack() as stack:
        socks = [stack.enter_context(env.connect(tls)) for tls in (False, True) for _ in range(20)]
        for pause in (0, 5):
            time.sleep(pause)
            for sock in socks:
                sock.sendall(get("/hello.txt"))
                assert Reader(sock).response().status == 200
        assert server.alive()


def test_worker_that_hangs_is_killed_in_the_end(env):
    with env.server("--workers", "2", "--grace", "1") as server:
        os.kill(server.workers()[0], signal.SIGSTOP)
        server.stop()


def test_two_servers_side_by_side(env):
    other = "10.88.0.2"
    with env.server() as first:
        with env.server("--address", other + "/24", "--tun", "second0", answers_at=(other, 80),
                        inside=first.namespace):
            for address in (ADDRESS, other):
                assert env.fetch("http://%s/hello.txt" % address).status == 200


def test_idle_workers_use_no_processor_time(env):
    """Whatever is open: nothing spins. Two seconds of waiting may cost a fraction of one."""
    def ticks(server):
        return sum(int(x) for pid in server.workers()
                   for x in text_of("/proc/%d/stat" % pid).rpartition(")")[2].split()[11:13])
    with env.server("--workers", "2") as server, ExitStack() as stack:
        for tls in (False, True):
            sock = stack.enter_context(env.connect(tls))
            sock.sendall(get("/hello.txt"))
            assert Reader(sock).response().status == 200
        stalled = stack.enter_context(env.connect(rcvbuf=8192))
        stalled.sendall(get("/eight.bin"))
        assert stalled.recv(1) == b"H"
        stack.enter_context(env.connect(port=443))
        closing = stack.enter_context(env.connect())
        closing.sendall(get("/hello.txt", close=True))  # lingers: this client does not close
        assert Reader(closing).response().status == 200
        time.sleep(0.5)
        before = ticks(server)
        time.sleep(2)
        assert ticks(server) - before < os.sysconf("SC_CLK_TCK"), "%d ticks" % (ticks(server) - before)


def test_descriptors_run_out(env):
    """Who gets no file is told 503; those who have one go on."""
    with env.server("--workers", "1", "--file-cache", "off") as server, ExitStack() as stack:
        server.stop()
        server.launch("prlimit", "--nofile=64:64")
        server.await_service()
        answers = []
        for _ in range(100):
            sock = stack.enter_context(env.connect(rcvbuf=8192))
            sock.sendall(get("/eight.bin", close=True))
            answers.append((sock.recv(12), sock))
        words = [word for word, _ in answers]
        assert set(words) == {b"HTTP/1.1 200", b"HTTP/1.1 503"}, set(words)
        rest = b""
        while b"\r\n\r\n" not in rest:
            rest += answers[0][1].recv(1)
        count, digest = read_all(answers[0][1])
        assert digest == env.sha256("eight.bin"), count
        stack.close()
        wait_until(lambda: not server.workers_reading(env.path("eight.bin")), "the worker closes the files")
        assert env.fetch("https://%s/hello.txt" % ADDRESS).status == 200
