"""Measure stabkit on a GPU: ``python -m benchmarks.gpu``, with ``--help`` for the sizes.

Times are medians between two events of the device.  The bandwidth of a copy and the times of the
same work on the processor are measured in the same run, and the results must have the same bits.
Without a GPU it says what is missing and ends with status 2.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from stabkit import FSI, Explicit, HaarShrinkage, difference, fluxes, repeat
from stabkit.arithmetic import backend
from stabkit.kernels.haar import haar
from stabkit.kernels.linear import NATURAL
from stabkit.multigrid import FastPoisson
from stabkit.schemes.threads import VARIABLE
from stabkit.stability.falsify.mass import worst_trials
from stabkit.stability.notions import RANGE

STEPS = 64  # in a row, where the reads and writes of a step are shared
SHORT = 64  # samples of a signal of a batch
# Of one step, 80 % of the bandwidth of a copy; of many, more than one pass per step allows.
GOALS = {1: 0.8, STEPS: 1.0}
FASTER = 20.0  # than the processor: the falsifier than two threads, the solver than one
THREADS = 2  # of the processor, for the falsifier


@dataclass(frozen=True)
class Machine:
    """Where arrays go, and how long a job on them takes there.

    Attributes
    ----------
    from_host : callable
        NumPy's array ↦ the device's.
    seconds : callable
        A job ↦ seconds.
    memory : callable
        () ↦ the bytes that the jobs so far have held at once, and those of the card.
    """

    from_host: Callable[[np.ndarray], Any]
    seconds: Callable[[Callable[[], Any]], float]
    memory: Callable[[], tuple[float, float]]


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


def same_bits(name: str, there: Any, here: Any) -> None:
    """Refuse to time what is wrong.

    Raises
    ------
    SystemExit
        If the device and the processor disagree in a single bit.
    """
    if not np.array_equal(backend.to_host(there), here):
        raise SystemExit(f"{name}: the device and the processor differ")


def haar_here(u: np.ndarray) -> np.ndarray:
    """Haar shrinkage by the compiled loop: of threshold 1/√2, for soft shrinkage with τ = 1/4."""
    v = np.empty((1, u.size))
    haar[fluxes.soft().kernel[0]](u[None], v, None, (0.5**0.5, 0.0), NATURAL)
    return v[0]


def steps(machine: Machine, sites: int, rounds: int) -> list[Row]:
    """Steps of a long signal and of a batch of short ones, against the bandwidth of a copy."""
    u = 3 * np.random.default_rng(0).standard_normal(sites // SHORT * SHORT)
    there, xp = machine.from_host(u), backend.namespace(machine.from_host(u))
    copy = 16 * u.size / measured(machine.seconds, lambda: xp.asarray(there, copy=True), rounds)
    rows = [Row("copy, read and write", copy / 1e9, "GB/s")]
    K, flux = difference(1, u.size), fluxes.rational()
    step, batch = Explicit(K, flux, "1/4"), (-1, SHORT)
    short = repeat(Explicit(difference(1, SHORT), flux, "1/4"), STEPS)
    shrinkage = HaarShrinkage(fluxes.soft(), u.size)
    for name, scheme, count, shape, by in (
            ("explicit step", step, 1, (-1,), step.step),
            ("Haar shrinkage", shrinkage, 1, (-1,), haar_here),
            (f"{STEPS} explicit steps", repeat(step, STEPS), STEPS, (-1,), None),
            (f"FSI cycle of {STEPS} steps", FSI(K, flux, "1/4", STEPS), STEPS, (-1,), None),
            (f"{STEPS} explicit steps, {SHORT} samples", short, STEPS, batch, None)):
        given, by = xp.reshape(there, shape), by or scheme.step
        same_bits(name, scheme.step(given), by(u.reshape(shape)))
        taken = measured(machine.seconds, lambda scheme=scheme, given=given: scheme.step(given),
                         rounds)
        here = measured(clock, lambda by=by, shape=shape: by(u.reshape(shape)), rounds)
        rows += [Row(name, u.size * count / taken / 1e9, "G site-steps/s"),
                 Row("  over the bound of one pass per step", 16 * u.size * count / taken / copy,
                     "x", GOALS[count]),
                 Row("  over this processor, one thread or two", here / taken, "x")]
    return rows


def falsifier(machine: Machine, trials: int, rounds: int) -> list[Row]:
    """The mass search, against two threads of the processor with a fourth of the trials."""
    scheme = Explicit(difference(1, 32), fluxes.rational(), "1/4")
    part = max(1, trials // 4)

    def search(count: int) -> float:
        return min(margin for margin, _ in worst_trials(scheme, RANGE, count, 0))

    selected, chosen = backend.selected_backend(), os.environ.get(VARIABLE)
    backend.select_backend("numpy")
    os.environ[VARIABLE] = str(THREADS)
    try:
        wanted, here = search(part), measured(clock, lambda: search(part), rounds)
    finally:
        backend.select_backend(selected)
        os.environ.pop(VARIABLE)
        if chosen is not None:
            os.environ[VARIABLE] = chosen
    same_bits("falsifier", np.float64(search(part)), wanted)
    rate = trials / measured(machine.seconds, lambda: search(trials), rounds)
    return [Row("falsifier, 32 samples", rate / 1e9, "G trials/s"),
            Row("  over two processor threads", rate * here / part, "x", FASTER)]


def poisson(machine: Machine, side: int, rounds: int) -> list[Row]:
    """A solve on a square, against one thread of the processor."""
    b = np.random.default_rng(1).standard_normal((side, side))
    there, solver = machine.from_host(b), FastPoisson(b.shape, h=f"1/{side + 1}")
    cycles = {"tolerance": 0, "max_cycles": 3}
    same_bits("Poisson", solver.solve(there, **cycles).u, solver.solve(b, **cycles).u)
    here = measured(clock, lambda: solver.solve(b), rounds)
    taken = measured(machine.seconds, lambda: solver.solve(there), rounds)
    return [Row(f"Poisson, {side} x {side}", taken * 1e3, "ms"),
            Row("  over one processor thread", here / taken, "x", FASTER)]


def measure(machine: Machine, chosen: argparse.Namespace) -> Iterator[Row]:
    """The rows of the table."""
    yield from steps(machine, chosen.sites, chosen.rounds)
    yield from falsifier(machine, chosen.trials, chosen.rounds)
    yield from poisson(machine, chosen.side, chosen.rounds)
    held, card = machine.memory()
    yield Row("memory held by these jobs", held / backend.GIB, "GiB")
    yield Row("  of the card, how often it fits", card / held, "x", 1.0)


def device(cupy: Any) -> Machine:
    """The GPU."""
    def memory() -> tuple[float, float]:
        return (cupy.get_default_memory_pool().total_bytes(),
                cupy.cuda.runtime.memGetInfo()[1])

    return Machine(backend.from_host, events(cupy), memory)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 2 where no GPU can be used."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu",
                                     description=__doc__.splitlines()[0])
    parser.add_argument("--sites", type=int, default=10_000_000, help="of the long signal")
    parser.add_argument("--trials", type=int, default=1 << 26, help="of the falsifier")
    parser.add_argument("--side", type=int, default=2047, help="of the Poisson problem, 2^k - 1")
    parser.add_argument("--rounds", type=int, default=9, help="of which the median is taken")
    chosen = parser.parse_args(arguments)
    try:
        backend.select_backend("cupy")
    except backend.InvalidArgument as error:
        print(f"benchmarks.gpu: {error}", file=sys.stderr)
        return 2
    import cupy

    print(f"cupy {backend.backends()['cupy']}; {chosen.rounds} rounds")
    for row in measure(device(cupy), chosen):
        print(row, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
