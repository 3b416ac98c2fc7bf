# SPDX-License-Identifier: Apache-2.0
"""The key log tried on what passes on the wire: with it tshark reads the request and the response, without it not."""
import os
import shutil

from basics import ADDRESS, Skipped
from packets import FIN, Capture


def http_in(env, capture, *options):
    """What tshark finds of HTTP in a capture: a line for each message."""
    done = env.run("tshark", "-n", "-r", capture, *options, "-Y", "http", "-T", "fields", "-E", "separator=|",
                   "-e", "http.request.method", "-e", "http.request.uri", "-e", "http.user_agent",
                   "-e", "http.response.code", "-e", "http.content_type", "-e", "http.file_data")
    assert done.returncode == 0, done
    return done.stdout.decode().splitlines()


def test_tshark_reads_a_captured_request_with_the_key_log(env):
    if not shutil.which("tshark"):
        raise Skipped("needs tshark")
    keys, pcap = os.path.join(env.work, "wire.keys"), os.path.join(env.work, "wire.pcap")
    with env.server("--keylog", keys, "--workers", "2"):
        for version in ("1.2", "1.3"):
            with Capture(port=443) as capture:
                done = env.curl("--http1.1", "--tlsv" + version, "--tls-max", version, "-A", "curl-with-" + version,
                                "https://%s/hello.txt" % ADDRESS)
                assert done.stdout == b"hello, world\n", done
                capture.wait_for(lambda segment: segment.flags & FIN and segment.sport == 443, "the end")
            capture.save(pcap)
            assert http_in(env, pcap) == []
            found = http_in(env, pcap, "-o", "tls.keylog_file:" + keys)
            assert len(found) == 2, found
            assert found[0].startswith("GET|/hello.txt|curl-with-%s|" % version), found
            assert found[1].startswith("|||200|text/plain"), found
            assert "hello, world" in found[1] or b"hello, world".hex() in found[1], found
