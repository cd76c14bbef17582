"""What every client here does: think, ask and count, until standard input ends."""

import asyncio
import json
import os
import random
import sys
import threading

URL = os.environ["URL"]
EXPECT = os.environ["EXPECT"]
METHOD = "GET" if os.environ["BODY"] == "none" else "POST"
PAYLOAD = None if METHOD == "GET" else b"x" * int(os.environ["BODY_BYTES"])
HTTP2 = os.environ["PROTOCOL"] == "h2"
WORKERS = int(os.environ["WORKERS"])

# Longer than any right answer takes, in seconds: what is not there by then is lost.
PATIENCE = 10


def think():
    """The seconds until the next request."""
    return random.uniform(int(os.environ["THINK_MIN_MS"]), int(os.environ["THINK_MAX_MS"])) / 1000


class Books:
    """What is printed at the end."""

    def __init__(self):
        self.lock = threading.Lock()
        self.requests = self.right = 0
        self.failures = {}
        self.stopped = False
        threading.Thread(target=self._wait_for_end, daemon=True).start()

    def _wait_for_end(self):
        sys.stdin.read()
        self.stopped = True

    def answered(self, status, text):
        """Count a response that has come whole."""
        if status != 200 or EXPECT not in text:
            return self.failed(f"status {status}: {text[:80]}")
        with self.lock:
            self.requests += 1
            self.right += 1
            if self.right == 1:
                print("up", flush=True)

    def failed(self, error):
        """Count a request without one."""
        kind = error if isinstance(error, str) else f"{type(error).__name__} {error}"
        with self.lock:
            self.requests += 1
            self.failures[kind] = self.failures.get(kind, 0) + 1

    def close(self):
        """Print it."""
        print(json.dumps({"requests": self.requests, "failures": self.failures}), flush=True)


async def run(ask, errors):
    """Workers on one event loop: `ask()` makes a request and gives its status and text."""
    books = Books()

    async def worker():
        while True:
            await asyncio.sleep(think())
            if books.stopped:
                return
            try:
                books.answered(*await ask())
            except errors as error:
                books.failed(error)

    await asyncio.gather(*(worker() for _ in range(WORKERS)))
    books.close()
