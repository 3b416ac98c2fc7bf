# SPDX-License-Identifier: Apache-2.0
"""Names and small helpers that all of the tests share."""
import time

ADDRESS = "10.77.0.2"       # the server's, by default
HOST_ADDRESS = "10.77.0.1"  # the host's side of the TUN device
DEVICE = "tunhttpd0"
PATIENCE = 120.0            # seconds until something that must happen counts as missing
MIB = 1 << 20


class Skipped(Exception):
    """The machine lacks what a test needs."""


def wait_until(condition, what, timeout=PATIENCE, pause=0.05):
    """Polls until `condition()` is true and returns its value."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, "waited %g s in vain for: %s" % (timeout, what)
        time.sleep(pause)


def text_of(path):
    try:
        with open(path, "rb") as f:
            return f.read().decode("utf-8", "backslashreplace")
    except OSError:
        return ""
