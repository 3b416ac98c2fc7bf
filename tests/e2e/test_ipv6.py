# SPDX-License-Identifier: Apache-2.0
"""The same server over IPv6: pages, downloads, pings, fragments that the kernel makes, and hosts without it."""
import os
import socket
import struct
import subprocess

from basics import ADDRESS, DEVICE, Skipped
from packets import checksum

ADDRESS6 = "fd77:7475:6e00::2"
HOST6 = "fd77:7475:6e00::1"
URL6 = "[%s]" % ADDRESS6


def need_ipv6():
    if not os.path.exists("/proc/sys/net/ipv6"):
        raise Skipped("the kernel has no IPv6")


def ip(*args):
    subprocess.run(("ip",) + args, check=True)


def set_ipv6(on):
    """In the namespace that we are in: for devices that are yet to come."""
    for which in ("all", "default"):
        with open("/proc/sys/net/ipv6/conf/%s/disable_ipv6" % which, "w", encoding="ascii") as f:
            f.write("0" if on else "1")


def ping(version, length):
    """One echo request with so many bytes; true when they come back unchanged."""
    data = bytes(i * 7 & 255 for i in range(length))
    kind, answer = (128, 129) if version == 6 else (8, 0)
    family, protocol = ((socket.AF_INET6, socket.IPPROTO_ICMPV6) if version == 6
                        else (socket.AF_INET, socket.IPPROTO_ICMP))
    message = struct.pack("!BBHHH", kind, 0, 0, os.getpid() & 0xffff, length & 0xffff) + data
    if version == 4:  # the kernel does that for ICMPv6
        message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]
    with socket.socket(family, socket.SOCK_RAW, protocol) as sock:
        sock.settimeout(10)
        if version == 4:
            sock.setsockopt(socket.IPPROTO_IP, 10, 0)  # IP_MTU_DISCOVER: fragments are allowed
        sock.sendto(message, (ADDRESS6, 0) if version == 6 else (ADDRESS, 0))
        try:
            while True:
                got = sock.recv(70000)
                got = got if version == 6 else got[20:]
                if got[0] == answer:
                    return got[8:] == data
        except socket.timeout:
            return False


def test_pages_over_http_and_https(env):
    need_ipv6()
    env.shared()
    for scheme in ("http", "https"):
        r = env.fetch("%s://%s/hello.txt" % (scheme, URL6), "-6", "-g")
        assert r.status == 200 and r.body == env.content("hello.txt"), r


def test_the_certificate_names_both_addresses(env):
    need_ipv6()
    server = env.shared()
    for address in (ADDRESS, ADDRESS6):
        context = env.tls_context()
        with socket.create_connection((address, 443), 10) as sock:
            with context.wrap_socket(sock, server_hostname=address) as tls:
                assert ("IP Address", address) in [
                    (k, v if k != "IP Address" or ":" not in v else
                     socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, v.strip())))
                    for k, v in tls.getpeercert()["subjectAltName"]]
    assert ADDRESS6 in server.stderr and "http://%s/" % URL6 in server.stderr, server.stderr


def test_downloads_arrive_whole(env):
    need_ipv6()
    env.shared()
    for scheme in ("http", "https"):
        got = env.fetch_sha256("%s://%s/eight.bin" % (scheme, URL6), "-g")
        assert got == env.sha256("eight.bin")


def test_download_without_offload(env):
    need_ipv6()
    with env.server("--offload", "off"):
        assert env.fetch_sha256("http://%s/eight.bin" % URL6, "-g") == env.sha256("eight.bin")


def test_both_versions_at_once(env):
    need_ipv6()
    server = env.shared()
    with socket.create_connection((ADDRESS6, 80), 10) as six, socket.create_connection((ADDRESS, 80), 10) as four:
        for sock in (six, four):
            sock.sendall(b"GET /hello.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        for sock in (four, six):
            got = b""
            while True:
                more = sock.recv(65536)
                if not more:
                    break
                got += more
            assert got.endswith(env.content("hello.txt")), got
    assert HOST6 in server.stdout


def test_pings_are_answered(env):
    need_ipv6()
    env.shared()
    for length in (0, 1, 56, 1400, 1452):
        assert ping(6, length), length


def test_fragments_of_the_kernel_are_put_together(env):
    """The link takes 9,000 bytes, and the route to it 1,500: so requests come in pieces, answers do not."""
    need_ipv6()
    with env.server("--mtu", "9000"):
        ip("-6", "route", "add", ADDRESS6 + "/128", "dev", DEVICE, "mtu", "1500")
        ip("route", "add", ADDRESS + "/32", "dev", DEVICE, "mtu", "1500")
        for length in (56, 1453, 3000, 8000, 8900):
            assert ping(6, length), length
            assert ping(4, length), length


def test_closed_port_refuses(env):
    need_ipv6()
    env.shared()
    try:
        socket.create_connection((ADDRESS6, 81), 10).close()
        assert False, "somebody listens there"
    except ConnectionRefusedError:
        pass


def test_host_without_ipv6_is_served_over_ipv4(env):
    need_ipv6()
    with env.namespace() as namespace:
        set_ipv6(False)
        with env.server(inside=namespace) as server:
            assert env.fetch("http://%s/hello.txt" % ADDRESS).status == 200
            assert server.stderr.count("no IPv6: ") == 1 and ADDRESS6 + "/" not in server.stderr, server.stderr


def test_ipv6_that_is_switched_off(env):
    need_ipv6()
    for args, lines in ((("--address6", "off"), 0), (("--mtu", "1200"), 1)):
        with env.server(*args) as server:
            assert env.fetch("http://%s/hello.txt" % ADDRESS).status == 200
            assert server.stderr.count("no IPv6: ") == lines and URL6 not in server.stderr, server.stderr


def test_prefix_that_is_taken(env):
    """By default IPv4 goes on alone; a prefix that was asked for has to be free."""
    need_ipv6()
    with env.namespace() as namespace:
        ip("addr", "add", "fd77:7475:6e00::99/64", "dev", "lo")
        with env.server(inside=namespace) as server:
            assert server.stderr.count("is taken: lo has fd77:7475:6e00::99/64") == 1, server.stderr
        done = env.run(*env.command("serve", env.site, "--state", env.state, "--address6", "fd77:7475:6e00::2/64"))
        assert done.returncode == 1 and b"--address6" in done.stderr, done.stderr
        with env.server("--address6", "fd78::5/112", inside=namespace) as server:
            assert env.fetch("http://[fd78::5]/hello.txt", "-g").status == 200
            assert "[fd78::5]" in server.stderr, server.stderr
