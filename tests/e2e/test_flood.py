# SPDX-License-Identifier: Apache-2.0
"""A flood of SYNs that nobody completes: the server answers with SYN cookies (RFC 4987 3.6), and the kernel's client
gets in with one."""
from basics import ADDRESS
from packets import ACK, SACK_PERMITTED, SYN, TIMESTAMP, WSCALE, Capture, RawClient

HALF_OPEN = 4096  # entries of a worker's SYN cache


def flood(client):
    """More SYNs than there are entries, from addresses that nobody has."""
    for host in range(20, 250):
        client.address = "10.77.0.%d" % host
        for i in range(24):
            client.sport = 2000 + i
            client.send(SYN, seq=host * 1000 + i)
    assert 230 * 24 > HALF_OPEN


def is_cookie(syn, syn_ack):
    """The last six bits of TSval are the scale and SACK of the SYN: without a cookie that is so once in 64 times."""
    return syn_ack.options[TIMESTAMP][0] & 63 == syn.options[WSCALE] + 16 * (SACK_PERMITTED in syn.options)


def test_clients_get_in_during_a_flood(env):
    with env.server("--workers", "1"), RawClient() as client, Capture() as capture:
        flood(client)
        for scheme in ("http", "https") * 4:
            r = env.fetch("%s://%s/hello.txt" % (scheme, ADDRESS))
            assert r.status == 200 and r.body == b"hello, world\n", r
        assert env.fetch_sha256("https://%s/eight.bin" % ADDRESS) == env.sha256("eight.bin")
        answers = {(s.dst, s.dport): s for s in capture.segments() if s.flags & (SYN | ACK) == SYN | ACK}
        ours = [s for s in capture.segments() if s.flags & (SYN | ACK) == SYN and TIMESTAMP in s.options]
        pairs = [(s, answers[(s.src, s.sport)]) for s in ours]
        assert len(pairs) == 9 and all(is_cookie(*p) for p in pairs), pairs


def test_without_a_flood_there_are_no_cookies(env):
    with env.server("--workers", "1"), Capture() as capture:
        for _ in range(9):
            assert env.fetch("http://%s/hello.txt" % ADDRESS).status == 200
        syns = [s for s in capture.segments() if s.flags & (SYN | ACK) == SYN]
        answers = {s.dport: s for s in capture.segments() if s.flags & (SYN | ACK) == SYN | ACK}
        assert len(syns) == 9 and not all(is_cookie(s, answers[s.sport]) for s in syns), syns
