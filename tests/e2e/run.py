# SPDX-License-Identifier: Apache-2.0
"""Runs the end-to-end tests: every function test_* of every file test_*.py beside this one.

    TUNHTTPD=build/tunhttpd python3 tests/e2e/run.py [WORD...]

With words, only the tests run whose name contains one of them. E2E_BIG_MB is the size of the large file in
MiB (1024). The last line is "e2e: N passed, N failed", and ", N skipped" where the machine lacks something;
the status is 1 when a test failed. Needs root, for network namespaces and TUN devices; asks sudo for it.
"""
import importlib
import os
import signal
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

import netns  # noqa: E402
from basics import Skipped  # noqa: E402
from harness import Env  # noqa: E402

TEST_SECONDS = 300  # a test that takes longer hangs


def all_tests(words):
    for name in sorted(os.listdir(HERE)):
        if not (name.startswith("test_") and name.endswith(".py")):
            continue
        module = importlib.import_module(name[:-3])
        for function in [v for k, v in vars(module).items() if k.startswith("test_")]:
            title = "%s %s" % (name[len("test_"):-len(".py")], function.__name__[len("test_"):])
            if not words or any(w in title for w in words):
                yield title, function


class Hangs(Exception):
    pass


def hangs(_number, _frame):
    raise Hangs("the test took more than %d s" % TEST_SECONDS)


def interrupted(_number, _frame):
    raise KeyboardInterrupt


def run_one(env, title, function):
    start = time.monotonic()
    env.begin_test()
    signal.alarm(TEST_SECONDS)
    try:
        function(env)
        env.end_test()
        error = None
    except Skipped as e:
        print("  skip  %s: %s" % (title, e), flush=True)
        return "skipped"
    except Exception:  # pylint: disable=broad-except
        error = traceback.format_exc()
    finally:
        signal.alarm(0)
    if not error:
        print("  ok    %s (%.1f s)" % (title, time.monotonic() - start), flush=True)
        return "passed"
    print("  FAIL  %s\n%s%s" % (title, error, env.evidence()), flush=True)
    return "failed"


def become_root():
    if os.geteuid() != 0:
        keep = ["%s=%s" % (k, os.environ[k]) for k in ("TUNHTTPD", "E2E_BIG_MB") if k in os.environ]
        os.execvp("sudo", ["sudo", "env"] + keep + [sys.executable] + sys.argv)


def main(words):
    count = {"passed": 0, "failed": 0, "skipped": 0}
    interrupt = False
    become_root()
    signal.signal(signal.SIGALRM, hangs)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    netns.sweep()
    env = Env(os.environ.get("TUNHTTPD", os.path.join(HERE, "../../build/tunhttpd")))
    try:
        env.prepare()
        for title, function in all_tests(words):
            count[run_one(env, title, function)] += 1
    except KeyboardInterrupt:
        interrupt = True
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        complaint = env.close()
        netns.sweep()
    if interrupt:
        print("interrupted")
        count["failed"] += 1
    elif complaint:
        print("  FAIL  the end of the shared server: %s\n%s" % (complaint, env.evidence()))
        count["failed"] += 1
    skipped = ", %d skipped" % count["skipped"] if count["skipped"] else ""
    print("e2e: %d passed, %d failed%s" % (count["passed"], count["failed"], skipped))
    return 1 if count["failed"] or not count["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
