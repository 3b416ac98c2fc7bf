# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium, led by its DevTools protocol over a pair of pipes: no driver and no port is needed."""
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager

from basics import PATIENCE, Skipped

# No window, and no talk with anybody but the server under test.
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
         "--no-default-browser-check", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--disable-extensions",
         "--disable-default-apps", "--no-proxy-server", "--remote-debugging-pipe")


def _program():
    for name in ("chromium", "chromium-browser"):
        if shutil.which(name):
            return shutil.which(name)
    raise Skipped("no chromium")


def _trust(home, ca):
    """Chromium takes the user's own authorities from this database."""
    if not shutil.which("certutil"):
        raise Skipped("no certutil")
    database = os.path.join(home, ".pki/nssdb")
    os.makedirs(database)
    for words in (["-N", "--empty-password"], ["-A", "-n", "tests", "-t", "C,,", "-i", ca]):
        subprocess.run(["certutil", "-d", "sql:" + database] + words, check=True)


class Browser:
    """One tab. What went over the network, and every complaint, is kept as the DevTools' events have it."""

    def __init__(self, process, to_it, from_it):
        self.process = process
        self.to_it, self.from_it = to_it, from_it
        self.data = b""
        self.number = 0
        self.session = None
        self.events = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.ask(domain + ".enable")

    def _message(self, end):
        while b"\0" not in self.data:
            ready = select.select([self.from_it], [], [], max(0, end - time.monotonic()))[0]
            got = os.read(self.from_it, 1 << 16) if ready else b""
            assert got, "the browser has %s" % ("ended" if ready else "not answered")
            self.data += got
        text, _, self.data = self.data.partition(b"\0")
        return json.loads(text)

    def _until(self, enough):
        """Takes messages until one is `enough`, and keeps the events."""
        end = time.monotonic() + PATIENCE
        while True:
            message = self._message(end)
            if "method" in message:
                self.events.append((message["method"], message["params"]))
            if enough(message):
                return message

    def ask(self, method, **params):
        """One command, and its result."""
        self.number += 1
        command = {"id": self.number, "method": method, "params": params}
        if self.session:
            command["sessionId"] = self.session
        os.write(self.to_it, json.dumps(command).encode() + b"\0")
        answer = self._until(lambda m: m.get("id") == self.number)
        assert "result" in answer, (method, answer)
        return answer["result"]

    def load(self, url):
        """Goes there and waits until the page says that all of it is there: by the promise `window.complete`."""
        self.events = []
        result = self.ask("Page.navigate", url=url)
        assert "errorText" not in result, (url, result)
        if not any(method == "Page.loadEventFired" for method, _ in self.events):
            self._until(lambda m: m.get("method") == "Page.loadEventFired")
        answer = self.ask("Runtime.evaluate", expression="window.complete", awaitPromise=True, returnByValue=True)
        return answer["result"].get("value")

    def of(self, method):
        return [params for name, params in self.events if name == method]

    def complaints(self):
        """Messages on the console, errors of scripts, what could not be loaded."""
        return [e for method in ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown",
                                 "Network.loadingFailed") for e in self.of(method)]

    def responses(self):
        """(url, status, protocol) of each response."""
        return [(r["response"]["url"], r["response"]["status"], r["response"]["protocol"])
                for r in self.of("Network.responseReceived")]


@contextmanager
def browser(env, ca, *flags):
    program = _program()
    home = tempfile.mkdtemp(prefix="chromium-", dir=env.work)
    _trust(home, ca)
    its_input, to_it = os.pipe()
    from_it, its_output = os.pipe()

    def as_three_and_four():  # where --remote-debugging-pipe looks for them
        read, write = os.dup(its_input), os.dup(its_output)
        os.dup2(read, 3)
        os.dup2(write, 4)
    with open(os.path.join(home, "stderr"), "wb") as errors:
        process = subprocess.Popen([program, *FLAGS, "--user-data-dir=" + os.path.join(home, "profile"), *flags],
                                   stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, cwd=home, close_fds=False,
                                   env={**env.environ, "HOME": home}, start_new_session=True,
                                   preexec_fn=as_three_and_four)
    os.close(its_input)
    os.close(its_output)
    try:
        yield Browser(process, to_it, from_it)
    finally:
        os.close(to_it)  # the end of its input ends it
        os.close(from_it)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(30)
