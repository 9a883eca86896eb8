"""What this machine can do at most, and how much that varies while the benchmark runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction
from statistics import median

import numpy as np

from benchmarks.diffusion import divide, touch

AGAIN = 7
LARGE = 10_000_000  # numbers: no cache holds them
EXACT = 20_000
LIMITS = {"divisions": "G/s in the first cache", "divisions float32": "G/s in the first cache",
          "in place": "GB/s, 16 bytes a number, read and written",
          "copy": "GB/s, 16 bytes a number",
          "exact": "million sums and products of fractions a second"}


def seconds(run: Callable[[], object]) -> float:
    """The processor time of one run."""
    start = time.process_time()
    run()
    return time.process_time() - start


def fractions() -> None:
    """A product and a sum of short fractions, many times: what exact arithmetic is made of."""
    x, y = Fraction(1, 3), Fraction(2, 7)
    for _ in range(EXACT // 2):
        x * y + x


def measure() -> dict[str, tuple[float, float]]:
    """Each limit: the median of some runs, and their spread over it."""
    x, y, z = np.random.default_rng(0).random(1024), np.zeros(LARGE), np.empty(LARGE)
    jobs = {"divisions": (lambda: divide(x, 20_000), 1024 * 20_000 / 1e9),
            "divisions float32": (lambda: divide(short, 20_000), 1024 * 20_000 / 1e9),
            "in place": (lambda: touch(y, 2), 2 * 16 * LARGE / 1e9),
            "copy": (lambda: np.copyto(z, y), 16 * LARGE / 1e9),
            "exact": (fractions, EXACT / 1e6)}
    short = x.astype(np.float32)
    found = {}
    for name, (run, work) in jobs.items():
        run()
        rates = [work / seconds(run) for _ in range(AGAIN)]
        found[name] = median(rates), (max(rates) - min(rates)) / median(rates)
    return found


def show(before: dict[str, tuple[float, float]], after: dict[str, tuple[float, float]]) -> None:
    """The limits, how much they vary in a row, and from the start of a run to its end."""
    for name, (rate, spread) in before.items():
        print(f"limit {name:18s} {rate:7.3g} {LIMITS[name]}; spread {spread:.0%}, "
              f"at the end {after[name][0]:.3g}")
