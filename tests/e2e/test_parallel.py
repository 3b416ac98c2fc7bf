# SPDX-License-Identifier: Apache-2.0
"""curl --parallel fetches 1,000 files, and every one has the right hash."""
import hashlib
import os
import random

from basics import ADDRESS

COUNT = 1000


def make_files(root):
    """Files of all sizes up to 100,000 bytes, some of them at the edges of segments and of records. Name → SHA-256."""
    rng = random.Random(5)
    sizes = [0, 1, 1459, 1460, 1461, 16383, 16384, 16385, 65535, 65536, 99999]
    digests = {}
    os.mkdir(root)
    for n in range(COUNT):
        content = rng.randbytes(sizes[n] if n < len(sizes) else int(rng.random() ** 3 * 100000))
        name = "file-%d.bin" % n
        with open(os.path.join(root, name), "wb") as f:
            f.write(content)
        os.chmod(os.path.join(root, name), 0o644)
        digests[name] = hashlib.sha256(content).hexdigest()
    os.chmod(root, 0o755)
    return digests


def fetch_all(env, scheme, version, *options):
    """One curl for all of them; `version` is what it has to say of every response."""
    root, got = os.path.join(env.work, "thousand"), os.path.join(env.work, "thousand-fetched")
    digests = make_files(root)
    os.mkdir(got)
    try:
        with env.server(root, "--log", "off") as server:
            config = "".join('url = "%s://%s/%s"\noutput = "%s/%s"\n' % (scheme, ADDRESS, name, got, name)
                             for name in digests)
            done = env.run("curl", "-q", "-sS", "-f", "--noproxy", "*", "--cacert", server.ca, "--parallel",
                           "--parallel-max", "50", "-w", "%{http_version} %{http_code}\n", *options, "--config", "-",
                           stdin=config.encode(), timeout=240)
        assert done.returncode == 0, "curl ended with %d: %s" % (done.returncode, done.stderr.decode())
        assert done.stdout.split(b"\n")[:-1] == [b"%s 200" % version.encode()] * COUNT, done.stdout[:2000]
        wrong = [name for name, digest in digests.items() if digest_of(os.path.join(got, name)) != digest]
        assert not wrong, "%d files differ: %s" % (len(wrong), wrong[:10])
        print("        %d files over %s, HTTP/%s: equal hashes" % (COUNT, scheme, version), flush=True)
    finally:
        env.run("rm", "-r", root, got)


def digest_of(path):
    if not os.path.exists(path):  # curl makes no file for no content
        return hashlib.sha256(b"").hexdigest()
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def test_thousand_files_over_http(env):
    fetch_all(env, "http", "1.1")


def test_thousand_files_over_https(env):
    fetch_all(env, "https", "1.1", "--http1.1")


def test_thousand_files_over_h2(env):
    fetch_all(env, "https", "2", "--http2")
