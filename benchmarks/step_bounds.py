"""How long bounds of steps take: ``python -m benchmarks.step_bounds``, ``--help`` for the sizes.

Heat on squares of cells, with rows that are alike and with a diffusivity for every cell.  Each
bound is asked for in a process of its own, after a small one that compiles; seconds are of the
processor, memory is the most that the process has had.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np

from benchmarks.workers import memory
from stabkit import EUCLIDEAN, RANGE, step_bound

SIDES = (10, 32, 100, 316, 1000)
NOTIONS = {"range": RANGE, "euclidean": EUCLIDEAN}


def alike(u: Any, dt: Any) -> Any:
    """The step of the five-point Laplacian inside, the frame stays."""
    v = u.copy()
    v[1:-1, 1:-1] += dt * (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2]
                           - 4 * u[1:-1, 1:-1])
    return v


def diffusivities(n: int) -> Callable:
    """A step with a random diffusivity for every cell, between 1/2 and 3/2; the seed is 0."""
    a = np.random.default_rng(0).uniform(0.5, 1.5, (n, n))

    def step(u: Any, dt: Any) -> Any:
        x = (a[1:] + a[:-1]) / 2 * np.diff(u, axis=0)
        y = (a[:, 1:] + a[:, :-1]) / 2 * np.diff(u, axis=1)
        v = u.copy()
        v[:-1] += dt * x
        v[1:] -= dt * x
        v[:, :-1] += dt * y
        v[:, 1:] -= dt * y
        return v

    return step


#: What is asked: a notion, and whether each cell has a diffusivity of its own.
QUESTIONS = (("range", False), ("range", True), ("euclidean", True))


def ask(side: int, notion: str, own: bool) -> float:
    """The processor seconds of one bound."""
    step = diffusivities(side) if own else alike
    start = time.process_time()
    step_bound(step, NOTIONS[notion], shape=(side, side))
    return time.process_time() - start


def measure(side: int, notion: str, own: bool) -> str:
    """One row of the table."""
    ask(6, notion, own)
    spent = ask(side, notion, own)
    return (f"{side * side:>9} cells, {notion}, {'a diffusivity per cell' if own else 'rows alike'}"
            f": {spent:.2g} s{memory()}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.step_bounds",
                                     description=__doc__.splitlines()[0])
    parser.add_argument("--sides", type=int, nargs="+", default=SIDES, help="cells along a side")
    for side in parser.parse_args().sides:
        for notion, own in QUESTIONS:
            with ProcessPoolExecutor(1, get_context("spawn")) as alone:
                print(alone.submit(measure, side, notion, own).result(), flush=True)


if __name__ == "__main__":
    main()
