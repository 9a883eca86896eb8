"""Kernels that work in place on rows of signals, on several threads, with the bits of a single one.

A kernel releases the lock, so Python's threads will do.  A batch is cut between signals; a long
signal into strips that overlap by a site per step: the overlaps, which become wrong, are thrown
away.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from stabkit.errors import InvalidArgument

VARIABLE = "STABKIT_THREADS"
WORTH_A_THREAD = 5_000_000  # site-steps, some milliseconds of work: starting a thread takes 0.1
OVERLAP = 256  # steps at most before strips are put together again
LEAST = 16  # a strip is this many times longer than its overlap


def count() -> int:
    """How many threads to use: ``STABKIT_THREADS``, or as many as there are processors.

    Raises
    ------
    InvalidArgument
        If the variable is no integer >= 1.
    """
    text = os.environ.get(VARIABLE, "")
    if not text:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else \
            os.cpu_count() or 1
    if not text.isdecimal() or int(text) < 1:
        raise InvalidArgument(f"{VARIABLE}: must be an integer >= 1, got {text!r}")
    return int(text)


def run(kernel: Callable[[np.ndarray, int], None], rows: np.ndarray, steps: int,
        divisible: bool, threads: int | None = None, width: int = 1) -> None:
    """Let ``kernel(rows, steps)`` change the rows, on as many threads as are worth it.

    Parameters
    ----------
    rows : ndarray, shape (B, N), C-contiguous
    divisible : bool
        Whether m steps and n steps are m + n steps.
    threads : int, optional
        The most that are used; :func:`count` by default.
    width : int
        Sites that a step reaches to either side: 1 on a line, one slice of a grid along its first
        axis. Signals are cut between such slices.
    """
    threads = min(threads or count(), rows.size * steps // WORTH_A_THREAD)
    batch, n = rows.shape[0], rows.shape[1] // width
    if threads > 1 and batch >= threads:
        cuts = [batch * k // threads for k in range(threads + 1)]
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda a, b: kernel(rows[a:b], steps), cuts, cuts[1:]))
        return
    most = OVERLAP if width == 1 else max(1, n // (LEAST * max(threads, 1)))
    overlap = min(steps, most) if divisible else steps
    threads = min(threads, n // (LEAST * overlap)) if steps else 0
    if threads < 2:
        kernel(rows, steps)
        return
    with ThreadPoolExecutor(threads) as pool:
        for row in rows:
            for done in range(0, steps, overlap):
                _in_strips(kernel, row.reshape(n, width), min(overlap, steps - done), threads,
                           pool)


def _in_strips(kernel: Callable[[np.ndarray, int], None], slices: np.ndarray, steps: int,
               threads: int, pool: ThreadPoolExecutor) -> None:
    n = len(slices)
    cuts = [n * k // threads for k in range(threads + 1)]
    lows = [max(0, cut - steps) for cut in cuts[:-1]]
    strips = [slices[low:cut + steps].copy() for low, cut in zip(lows, cuts[1:], strict=True)]
    list(pool.map(lambda strip: kernel(strip.reshape(1, -1), steps), strips))
    for strip, low, a, b in zip(strips, lows, cuts, cuts[1:], strict=False):
        slices[a:b] = strip[a - low:b - low]
