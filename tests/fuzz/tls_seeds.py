#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes seeds for fuzz_tls: the ClientHellos of the clients that are installed, one such as browsers send, and
operations on a connection.

    tls_seeds.py DIRECTORY
"""
import pathlib
import random
import shutil
import socket
import struct
import subprocess
import sys

RAW, EDITED, ESTABLISHED = 0, 1, 2
TLS12, CRUMBS, TICKETS, RSA = 4, 8, 64, 128


def hello_of(command):
    """What a client says first to a port that only listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        server.settimeout(5)
        client = subprocess.Popen([word.replace("PORT", str(port)) for word in command], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            conn, _ = server.accept()
            with conn:
                conn.settimeout(5)
                data = b""
                while len(data) < 5 or len(data) < 5 + struct.unpack("!H", data[3:5])[0]:
                    more = conn.recv(65536)
                    if not more:
                        break
                    data += more
                return data
        except socket.timeout:
            return b""
        finally:
            client.kill()
            client.wait()


def vector(size, data):
    return len(data).to_bytes(size, "big") + data


def extension(kind, data):
    return struct.pack("!H", kind) + vector(2, data)


def browser_hello():
    """GREASE, X25519MLKEM768 with its share of 1,216 bytes, a compressed certificate, and the rest of the usual."""
    rng = random.Random(1)
    grease = b"\x3a\x3a"
    groups = grease + bytes.fromhex("11ec001d00170018")
    shares = (grease + vector(2, b"\0") + b"\x11\xec" + vector(2, rng.randbytes(1216)) +
              b"\x00\x1d" + vector(2, rng.randbytes(32)))
    extensions = b"".join([
        extension(0x3A3A, b""),
        extension(0, vector(2, b"\0" + vector(2, b"site.test"))),
        extension(23, b""),
        extension(65281, b"\0"),
        extension(10, vector(2, groups)),
        extension(11, vector(1, b"\0")),
        extension(35, b""),
        extension(16, vector(2, vector(1, b"h2") + vector(1, b"http/1.1"))),
        extension(5, b"\x01\0\0\0\0"),
        extension(13, vector(2, bytes.fromhex("04030804040105030805050108060601"))),
        extension(18, b""),
        extension(51, vector(2, shares)),
        extension(45, vector(1, b"\x01")),
        extension(43, vector(1, grease + bytes.fromhex("03040303"))),
        extension(27, vector(1, b"\0\x02")),
        extension(17513, vector(2, vector(1, b"h2"))),
        extension(65037, b"\0\0\x01\0\x01\x42" + vector(2, rng.randbytes(32)) + vector(2, rng.randbytes(144))),
        extension(0x4A4A, b"\0"),
    ])
    suites = grease + bytes.fromhex("130113021303c02bc02fc02cc030cca9cca8c013c014009c009d002f0035")
    body = (b"\x03\x03" + rng.randbytes(32) + vector(1, rng.randbytes(32)) + vector(2, suites) + b"\x01\0" +
            vector(2, extensions))
    return b"\x16\x03\x01" + vector(2, b"\x01" + vector(3, body))


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)

    def seed(name, how, data):
        (out / name).write_bytes(bytes([how]) + data)

    hello = browser_hello()
    assert len(hello) > 1700
    # With crumbs the next byte is the size of a piece.
    hellos = {"browser": hello, "browser-two-records": hello[:3] + vector(2, hello[5:500]) + hello[:3] +
              vector(2, hello[500:])}
    if shutil.which("openssl"):
        base = ["openssl", "s_client", "-connect", "127.0.0.1:PORT", "-servername", "site.test"]
        hellos["openssl"] = hello_of(base)
        hellos["openssl-1.2"] = hello_of(base + ["-tls1_2"])
        hellos["openssl-retry"] = hello_of(base + ["-groups", "P-521:P-256", "-alpn", "http/1.1"])
    if shutil.which("curl"):
        hellos["curl"] = hello_of(["curl", "-sk", "--resolve", "site.test:PORT:127.0.0.1", "https://site.test:PORT/"])
    for name, data in hellos.items():
        seed("hello-" + name, RAW | TICKETS, data)
    seed("http", RAW, b"GET / HTTP/1.1\r\n\r\n")
    seed("alert", RAW, b"\x15\x03\x01\x00\x02\x02\x28")
    for how in 0, TLS12, TICKETS, RSA, CRUMBS:
        # A position, in eights; then by how much a byte is altered, and how far it is to the next.
        seed(f"edited-{how}", EDITED | how, bytes([2, 1, 40, 255, 200]))
        for name, operations in {
                "write": b"\0\x01\x04\x20\x09\0\xff\x05\x04\x01",
                "sealed": b"\x01\x03\x05hello\x01\x01\x02\x01\x00\x01\x00\x01\x00\x01\x03\x00",
                "key-update": b"\x01\x02\x05\x18\0\0\x01\x01\x09\x04\x01\x09\x0a\x09\0\x01\x05\0\x05",
                "clear": b"\x02\x02\x04\x01\0\0\0",
                "flipped": b"\x80\x01\x03\x05\x01\0",
                "closed": b"\x04\x05\x06\x05\0\x02\x0c\x07",
                "full": b"\x08\x00\x04\x20\0\x01\x05\x01\x02\x05\x18\0\0\x01\x01\x08\xff\x04\x01\x09",
                "gone": b"\x0b\xff\x04\x01\0\x02",
                "truncated": b"\0\x02\x05\x07\x04\x01",
        }.items():
            seed(f"{name}-{how}", ESTABLISHED | how, operations)


main()
