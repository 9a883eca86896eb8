"""Measure stabkit on a GPU: ``python -m benchmarks.gpu [--sites N] [--rounds N]``.

Times are medians between two events of the device.  The bandwidth of a copy and the time of the
same steps on the processor are measured in the same run, and the results must have the same bits.
Without a GPU it says what is missing and ends with status 2.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from stabkit import FSI, Explicit, backend, difference, fluxes, repeat
from stabkit.falsify.mass import worst_trials
from stabkit.multigrid import FastPoisson
from stabkit.notions import RANGE

STEPS = 64  # in a row, where the reads and writes of a step are shared
# Of one step, 80 % of the bandwidth of a copy; of many, more than one pass per step allows.
GOALS = {1: 0.8, STEPS: 1.0}


@dataclass(frozen=True)
class Machine:
    """Where arrays go, and how long a job on them takes there.

    Attributes
    ----------
    born : callable
        NumPy's array ↦ the device's.
    seconds : callable
        A job ↦ seconds.
    """

    born: Callable[[np.ndarray], Any]
    seconds: Callable[[Callable[[], Any]], float]


@dataclass(frozen=True)
class Row:
    """A figure, and the goal that it is held to: at least so much."""

    name: str
    value: float
    unit: str
    goal: float | None = None

    def __str__(self) -> str:
        end = "" if self.goal is None else \
            f"   goal >= {self.goal:g}: {'met' if self.value >= self.goal else 'MISSED'}"
        return f"{self.name:44s} {self.value:10.3g} {self.unit}{end}"


def events(cupy: Any) -> Callable[[Callable[[], Any]], float]:
    """A timer of the device: seconds between an event before the job and one after it."""
    def seconds(job: Callable[[], Any]) -> float:
        before, after = cupy.cuda.Event(), cupy.cuda.Event()
        before.record()
        job()
        after.record()
        after.synchronize()
        return cupy.cuda.get_elapsed_time(before, after) / 1000

    return seconds


def measured(seconds: Callable, job: Callable[[], Any], rounds: int) -> float:
    """The median of some rounds, after one that may compile."""
    job()
    return median(seconds(job) for _ in range(rounds))


def clock(job: Callable[[], Any]) -> float:
    """The seconds that a job takes here."""
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def measure(machine: Machine, sites: int, rounds: int) -> list[Row]:
    """The rows of the table.

    Raises
    ------
    SystemExit
        If the device and the processor disagree in a single bit.
    """
    u = 3 * np.random.default_rng(0).standard_normal(sites)
    there = machine.born(u)
    copy = 16 * sites / measured(machine.seconds, lambda: there + 0, rounds)
    rows = [Row("copy, read and write", copy / 1e9, "GB/s")]
    K, flux = difference(1, sites), fluxes.rational()
    step = Explicit(K, flux, "1/4")
    for name, scheme, steps in (("explicit step", step, 1),
                                (f"{STEPS} explicit steps", repeat(step, STEPS), STEPS),
                                (f"FSI cycle of {STEPS} steps", FSI(K, flux, "1/4", STEPS), STEPS)):
        if not np.array_equal(backend.to_host(scheme.step(there)), scheme.step(u)):
            raise SystemExit(f"{name}: the device and the processor differ")
        taken = measured(machine.seconds, lambda scheme=scheme: scheme.step(there), rounds)
        here = measured(clock, lambda scheme=scheme: scheme.step(u), rounds)
        rows += [Row(name, sites * steps / taken / 1e9, "G site-steps/s"),
                 Row("  over the bound of one pass per step", 16 * sites * steps / taken / copy,
                     "x", GOALS[steps]),
                 Row("  over this processor, one thread or two", here / taken, "x")]
    return rows


def search_and_solve(machine: Machine, trials: int, side: int, rounds: int) -> list[Row]:
    """The falsifier against two processor threads, and a Poisson solve against one.

    Raises
    ------
    SystemExit
        If they find different worst margins.
    """
    scheme = Explicit(difference(1, 32), fluxes.rational(), "1/4")

    def search() -> float:
        return min(margin for margin, _ in worst_trials(scheme, RANGE, trials, 0))

    selected = backend.selected_backend()
    backend.select_backend("numpy")
    wanted, here = search(), measured(clock, search, rounds)
    backend.select_backend(selected)
    if search() != wanted:
        raise SystemExit("falsifier: the device and the processor differ")
    taken = measured(machine.seconds, search, rounds)
    rows = [Row("falsifier, 32 samples", trials / taken / 1e9, "G trials/s"),
            Row("  over twice one processor thread", here / taken / 2, "x", 20.0)]
    b, solver = np.ones((side, side)), FastPoisson((side, side), h=f"1/{side + 1}")
    there = machine.born(b)
    here = measured(clock, lambda: solver.solve(b), rounds)
    taken = measured(machine.seconds, lambda: solver.solve(there), rounds)
    return [*rows, Row(f"Poisson, {side} x {side}", taken, "s"),
            Row("  over one processor thread", here / taken, "x", 20.0)]


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 2 where no GPU can be used."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu",
                                     description=__doc__.splitlines()[0])
    parser.add_argument("--sites", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=9)
    chosen = parser.parse_args(arguments)
    try:
        backend.select_backend("cupy")
    except backend.InvalidArgument as error:
        print(f"benchmarks.gpu: {error}", file=sys.stderr)
        return 2
    import cupy

    print(f"cupy {backend.backends()['cupy']}; {chosen.sites} sites, {chosen.rounds} rounds")
    for row in measure(Machine(backend.born, events(cupy)), chosen.sites, chosen.rounds):
        print(row)
    for row in search_and_solve(Machine(backend.born, events(cupy)), 1 << 22, 2047, chosen.rounds):
        print(row)
    return 0


if __name__ == "__main__":
    sys.exit(main())
