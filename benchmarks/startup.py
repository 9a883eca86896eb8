"""How long a new process takes until it has said something."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from tempfile import TemporaryDirectory

GOALS = {"list the claims": 0.5, "first verdict, warm": 1.5, "first verdict, cold": 15.0}
FIRST = ["verify", "alt2020.maximum_minimum_principle", "--budget", "1"]


def seconds(arguments: list[str], cache: str) -> float:
    """The time of one process, by the clock."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "stabkit", *arguments], check=True, capture_output=True,
                   env=os.environ | {"NUMBA_CACHE_DIR": cache})
    return time.perf_counter() - start


def measure(rounds: int) -> dict[str, float]:
    """The best of some rounds for each goal, with a cache of its own."""
    with TemporaryDirectory() as cache:
        cold = seconds(FIRST, cache)
        return {"list the claims": min(seconds(["claims"], cache) for _ in range(rounds)),
                "first verdict, warm": min(seconds(FIRST, cache) for _ in range(rounds)),
                "first verdict, cold": cold}
