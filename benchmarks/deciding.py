"""How long it takes to check and to decide, and how much memory that needs: goals, not peers.

Whole commands have goals in sums and products of fractions, whose rate the same run measures: so
they mean the same on a fast and on a slow machine.  The others are seconds that a person waits.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from stabkit import (
    CONTRACTION,
    EUCLIDEAN,
    RANGE,
    SIGN,
    Energy,
    Explicit,
    Stable,
    decide,
    difference,
    energy,
    fluxes,
    grid_gradient,
)
from stabkit.proof import check
from stabkit.proof.theorems import THEOREMS

SAMPLES = (10**2, 10**3, 10**4, 10**5)
SIDE = 512
PROOFS, WHOLE, MEMORY = "check all proofs for all", "verify, a claim", "memory of that, MB"
REPLAY, AUDIT = "replay, a claim", "audit a step on 64 x 64 sites"
GOALS = {PROOFS: 2.0, MEMORY: 500.0}
EXACT = {WHOLE: 50_000, REPLAY: 18_000, AUDIT: 500_000}  # operations on fractions


def goal(name: str, exact: float) -> float:
    """The most that something may take: seconds of the processor, or megabytes.

    `exact` is how many operations on fractions this machine does in a second.
    """
    if name in EXACT:
        return EXACT[name] / exact
    return GOALS.get(name, 5.0 if f"{SIDE} x {SIDE}" in name else 1.0)


def seconds(what: Callable[[], object]) -> float:
    """The processor time of this process."""
    start = time.process_time()
    what()
    return time.process_time() - start


def proofs() -> None:
    """Check every proof of the collection."""
    for theorem in THEOREMS.values():
        check(theorem.statement, theorem.proof)


def jobs() -> dict[str, Callable[[], object]]:
    """What is timed in this process, by name."""
    made: dict[str, Callable[[], object]] = {PROOFS: proofs}
    flux = fluxes.charbonnier()
    for size in SAMPLES:
        for name in ("Euclidean", "contraction", "energy", "range", "sign"):
            made[f"decide {name}, {size} samples"] = lambda size=size, name=name: _proved(
                Explicit(difference(1, size), flux, "1/4"), name)
    for name in ("Euclidean", "contraction", "energy", "range"):
        made[f"decide {name}, {SIDE} x {SIDE} samples"] = lambda name=name: _proved(
            Explicit(grid_gradient((SIDE, SIDE)), flux, "1/8"), name)
    return made


def _proved(scheme: Explicit, name: str) -> None:
    notion = {"Euclidean": EUCLIDEAN, "contraction": CONTRACTION, "range": RANGE,
              "sign": SIGN}.get(name) or energy(Energy(scheme.K, scheme.flux))
    found = decide(Stable(scheme, notion))
    if str(found.status) != "proved":
        raise SystemExit(f"decide {name}: {found.status}: {found.reason}")


def measure(rounds: int, only: str = "", quick: bool = False) -> dict[str, float]:
    """The best of some rounds for each job; all claims are verified once, or not, to be quick."""
    # A new process counts the memory of the one that starts it, which is small before the jobs.
    found = verified() if only in WHOLE and not quick else {}
    return found | {name: min(seconds(job) for _ in range(rounds))
                    for name, job in jobs().items() if only in name}


HEAT = """def step(u):
    v = u.copy()
    v[1:-1, 1:-1] += 0.125 * (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2]
                              - 4 * u[1:-1, 1:-1])
    return v
"""


def verified() -> dict[str, float]:
    """Processes that decide every built-in claim, re-check the verdicts, and audit a step."""
    with TemporaryDirectory() as folder:
        verdicts, heat = Path(folder) / "v.json", Path(folder) / "heat.py"
        heat.write_text(HEAT, encoding="utf-8")
        found = {}
        whole, found[MEMORY] = _spent("verify", "--workers", "1", "--json", str(verdicts))
        claims = len(json.loads(verdicts.read_text(encoding="utf-8"))["verdicts"])
        found[WHOLE] = whole / claims
        found[REPLAY] = _spent("replay", str(verdicts))[0] / claims
        found[AUDIT], _ = _spent("audit", f"{heat}:step", "--shape", "64x64")
    return found


def _spent(*arguments: str) -> tuple[float, float]:
    """Seconds of the processor for a command, and the most memory of any so far, in megabytes."""
    import resource  # which Windows has not

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "stabkit", *arguments], check=True, capture_output=True,
                   env=os.environ | {"OMP_NUM_THREADS": "1"})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return spent, after.ru_maxrss / 1024
