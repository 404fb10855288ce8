"""Waiting for a condition, with a deadline. Nothing here sleeps for a fixed time and hopes."""

from __future__ import annotations

import os
import time

# Sanitizer builds are slower; .ci/run sets this.
SLOWNESS = float(os.environ.get("THORLOGD_SLOWNESS", "1"))


def wait_until(condition, what: str, seconds: float = 10.0, pause: float = 0.02):
    """The first true value that condition() gives; fails the test when the time is over."""
    deadline = time.monotonic() + seconds * SLOWNESS
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds * SLOWNESS:g} s in vain for: {what() if callable(what) else what}")
        time.sleep(pause)
