"""Jobs, and how they are compared, timed and summed up.

Candidates run in turn, in reversed order every other round; a row is a median, a ratio the median
of the ratios round by round.  Time is the processor time of this process, which other jobs on the
machine disturb less than the clock; every candidate runs on one thread, but where it says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from statistics import median
from typing import Any

import numpy as np

AHEAD = 1  # of a peer: how far depends on the machine, and is reported and not judged
LEAST = 0.004  # seconds of a measurement
LONG = 10  # seconds that no compilation takes


@dataclass
class Job:
    """Candidates that do the same work; the first is ours, the others are its peers.

    A candidate takes no argument and returns its result.  `work` counts sites (or trials) of one
    run of a candidate, or of each by name; `goals` are the least ratios to a peer.
    """

    name: str
    candidates: dict[str, Callable[[], Any]]
    work: float | dict[str, float]
    close: float | None = 1e-12
    goals: dict[str, float] = field(default_factory=dict)
    family: str = ""  # jobs of a family differ in `size` only
    size: int = 0
    clock: Callable[[], float] = time.process_time  # of the wall where threads are compared


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


# -- measuring -------------------------------------------------------------------------------------
def compare(job):
    """The first run of every candidate; their results must agree.  Return its seconds by name.

    Ours with nothing in the cache are the time to compile, else the time to load.
    """
    taken, found = {}, {}
    for name, run in job.candidates.items():
        start = time.perf_counter()
        found[name] = run()
        taken[name] = time.perf_counter() - start
    ours, *others = found
    first = found[ours]
    for name in others:
        other = found[name]
        if job.close is not None and other is not None:
            error = float(np.max(np.abs(np.asarray(first) - other)))
            if not error <= job.close * max(1.0, float(np.max(np.abs(other)))):
                raise SystemExit(f"{job.name}: stabkit and {name} differ by {error}")
    return taken


def measure(job, rounds, first_runs, most=inf):
    """Times in seconds by candidate, one per round; short ones are repeated in a round.

    There is no further round once they have taken the seconds of `most`.
    What took long in its first run, and was not compiled then, is not tried again beforehand.
    """
    times = {name: [] for name in job.candidates}
    repeats = {name: 1 if first_runs[name] > LONG else
               max(1, int(LEAST / _seconds(run, 1, job.clock)))
               for name, run in job.candidates.items()}
    order, start = list(job.candidates), time.perf_counter()
    for done in range(rounds):
        if done and time.perf_counter() - start > most:
            break
        for name in order:
            times[name].append(_seconds(job.candidates[name], repeats[name], job.clock))
        order.reverse()
    return times


def _seconds(run, repeats, clock):
    # The clock has a resolution, and may not move at all in a very short run.
    start = clock()
    for _ in range(repeats):
        run()
    return max(clock() - start, 1e-7) / repeats


def summary(job, times):
    """Rates and ratios of a job, ready for JSON."""
    ours = next(iter(times))
    work = job.work if isinstance(job.work, dict) else dict.fromkeys(times, job.work)
    rows = {}
    for name, taken in times.items():
        ratio = median(b / a for a, b in zip(times[ours], taken, strict=True))
        rows[name] = {
            "seconds": median(taken),
            "repeats": work[name] / max(job.size, 1),
            "million_per_second": work[name] / median(taken) / 1e6,
            "ratio": ratio * work[ours] / work[name],
            "spread": (max(taken) - min(taken)) / median(taken),
            "goal": job.goals.get(name),
        }
    return {"job": job.name, "family": job.family, "size": job.size, "rounds": len(times[ours]),
            "rows": rows}


def exponents(results):
    """The fitted p of time ~ Nᵖ of our candidate, by family of jobs."""
    families: dict[str, list[tuple[float, float]]] = {}
    for result in results:
        if result["family"]:
            ours = next(iter(result["rows"].values()))
            families.setdefault(result["family"], []).append(
                (result["size"], ours["seconds"] / ours["repeats"]))
    return {name: float(np.polyfit(*np.log(np.array(points).T), 1)[0])
            for name, points in families.items() if len(points) > 1}
