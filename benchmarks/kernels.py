"""Measure the compiled kernels against their peers: ``python -m benchmarks.kernels``.

Every job first compares its results with those of its peers.  Then all candidates run in turn, in
reversed order every other round; the table shows medians, and medians of the ratios round by
round.  One thread.  Needs scipy, PyWavelets and, for the last job, Hypothesis.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from math import comb
from statistics import median
from typing import Any

import numpy as np
import pywt
import scipy.linalg
import scipy.sparse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numba import njit

from stabkit.kernels import search
from stabkit.kernels.draws import draw
from stabkit.kernels.fluxes import FLUXES
from stabkit.kernels.haar import haar
from stabkit.kernels.implicit import semi_implicit, tridiagonal
from stabkit.kernels.lanes import diffuse
from stabkit.kernels.linear import NATURAL
from stabkit.kernels.steps import explicit, fsi

CODE = {flux.__name__: code for code, flux in enumerate(FLUXES)}
SHAPE, TAU, D1 = (1.0, 0.0), 0.2, (NATURAL, (-1.0, 1.0))


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


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


# -- peers -----------------------------------------------------------------------------------------
def numpy_steps(u, steps, tau, flux):
    """Explicit steps with every temporary preallocated."""
    u = u.copy()
    s, scratch, d = (np.empty((u.shape[0], u.shape[1] - 1), u.dtype) for _ in range(3))
    low, high = u[:, :-1], u[:, 1:]
    for _ in range(steps):
        np.subtract(high, low, out=s)
        flux(s, scratch, d)
        np.multiply(d, u.dtype.type(tau), out=d)
        np.add(low, d, out=low)
        np.subtract(high, d, out=high)
    return u


def numpy_rational(s, scratch, out):
    np.multiply(s, s, out=scratch)
    np.add(scratch, s.dtype.type(1), out=scratch)
    np.divide(s, scratch, out=out)


def numpy_gauss(s, scratch, out):
    np.multiply(s, s, out=scratch)
    np.multiply(scratch, s.dtype.type(-0.5), out=scratch)
    np.exp(scratch, out=scratch)
    np.multiply(s, scratch, out=out)


def numpy_identity(s, scratch, out):
    np.copyto(out, s)


NUMPY = {"rational": numpy_rational, "perona_malik": numpy_gauss, "identity": numpy_identity}


@njit
def naive_rational(u, steps, tau):
    """What one writes at first: new array per step, two divisions per site."""
    n = u.size
    for _ in range(steps):
        v = np.empty(n)
        for i in range(n):
            right = u[i + 1] - u[i] if i < n - 1 else 0.0
            left = u[i] - u[i - 1] if i > 0 else 0.0
            v[i] = u[i] + tau * (right / (1 + right * right) - left / (1 + left * left))
        u = v
    return u


@njit
def naive_gauss(u, steps, tau):
    n = u.size
    for _ in range(steps):
        v = np.empty(n)
        for i in range(n):
            right = u[i + 1] - u[i] if i < n - 1 else 0.0
            left = u[i] - u[i - 1] if i > 0 else 0.0
            v[i] = u[i] + tau * (right * np.exp(-0.5 * right * right)
                                 - left * np.exp(-0.5 * left * left))
        u = v
    return u


NAIVE = {"rational": naive_rational, "perona_malik": naive_gauss}


def difference(n, order=1):
    matrix = scipy.sparse.eye_array(n, format="csr")
    for _ in range(order):
        m = matrix.shape[0]
        step = scipy.sparse.diags_array([-np.ones(m - 1), np.ones(m - 1)], offsets=[0, 1],
                                        shape=(m - 1, m))
        matrix = (step @ matrix).tocsr()
    matrix.sort_indices()
    return matrix


def adjoint(matrix):
    turned = matrix.T.tocsr()
    turned.sort_indices()
    return turned


def compressed(matrix):
    return tuple(part for m in (matrix, adjoint(matrix))
                 for part in (m.indptr.astype(np.uint32), m.indices.astype(np.uint32), m.data))


def sparse_steps(u, steps, tau, matrix):
    turned, u = adjoint(matrix), np.ascontiguousarray(u.T)
    for _ in range(steps):
        s = matrix @ u
        u = u - tau * (turned @ (s / (1 + s * s)))
    return u.T


def stepped(kernel, u, *arguments):
    v = u.copy()
    kernel(v, *arguments)
    return v


# -- jobs ------------------------------------------------------------------------------------------
def single(name, n, dtype=np.float64, goal=3.7):
    steps = max(32, min(2000, int(2e7 // n)))
    u = rng().standard_normal((1, n)).astype(dtype)
    others = {"NumPy tuned": lambda: numpy_steps(u, steps, TAU, NUMPY[name])}
    goals = {"NumPy tuned": goal}
    if name in NAIVE and dtype == np.float64:
        others["Numba plain"] = lambda: NAIVE[name](u[0], steps, TAU)[None]
        goals["Numba plain"] = 6 if name == "rational" else 7
    return Job(f"explicit {name} {np.dtype(dtype).name} N={n}",
               {"stabkit": lambda: stepped(diffuse[CODE[name]], u, steps, TAU, 1.0, SHAPE),
                **others}, steps * n, 1e-12 if dtype == np.float64 else 1e-4, goals)


def batch(count, n):
    u, steps = rng().standard_normal((count, n)), 50
    matrix = difference(n)
    return Job(f"explicit rational {count}x{n}", {
        "stabkit": lambda: stepped(diffuse[CODE["rational"]], u, steps, TAU, 1.0, SHAPE),
        "NumPy tuned": lambda: numpy_steps(u, steps, TAU, numpy_rational),
        "scipy.sparse": lambda: sparse_steps(u, steps, TAU, matrix),
        "Numba plain": lambda: np.stack([naive_rational(row, steps, TAU) for row in u]),
    }, count * n * steps, 1e-12, {"NumPy tuned": 4, "scipy.sparse": 4, "Numba plain": 6.5})


def higher_order(order, n=100_000):
    u, steps = rng().standard_normal((1, n)), 20
    matrix = difference(n, order)
    taps = tuple(float((-1) ** (order - j) * comb(order, j)) for j in range(order + 1))
    K = (NATURAL, taps)
    tau = 1 / 4**order
    return Job(f"explicit rational order {order} N={n}", {
        "stabkit": lambda: stepped(explicit[CODE["rational"]], u, steps, tau, K, SHAPE),
        "scipy.sparse": lambda: sparse_steps(u, steps, tau, matrix),
    }, n * steps, 1e-12, {"scipy.sparse": 4})


def fsi_cycle(n=10_000, steps=100):
    u = rng().standard_normal((1, n))

    def with_numpy():
        v = u[0].copy()
        old, flux = v.copy(), np.zeros(n + 1)
        s, scratch = np.empty(n - 1), np.empty(n - 1)
        for step in range(steps):
            a = (4 * step + 2) / (2 * step + 3)
            np.subtract(v[1:], v[:-1], out=s)
            numpy_rational(s, scratch, flux[1:-1])
            down = v + TAU * np.diff(flux)
            v, old = a * down + (1 - a) * old, v
        return v[None]

    return Job(f"FSI cycle rational N={n}", {
        "stabkit": lambda: stepped(fsi[CODE["rational"]], u, steps, TAU, D1, SHAPE, False),
        "NumPy": with_numpy}, n * steps, 1e-9, {"NumPy": 6})


def tridiagonal_solve(count, n):
    b = rng().standard_normal((count, n))
    diagonal = 3 + rng(1).random((count, n))
    beside = -rng(2).random((count, n - 1))

    def lapack():
        return np.stack([scipy.linalg.lapack.dptsv(d, e, x)[2]
                         for d, e, x in zip(diagonal, beside, b, strict=True)])

    def ours():
        x = b.copy()
        tridiagonal(diagonal, beside, x)
        return x

    return Job(f"tridiagonal solve {count}x{n}", {"stabkit": ours, "LAPACK dptsv": lapack},
               count * n, 1e-13, {"LAPACK dptsv": 1.7 if count == 1 else 10})


def implicit_step(n=100_000):
    u = rng().standard_normal((1, n))

    def lapack():
        g = 1 / (1 + np.diff(u[0]) ** 2)
        diagonal = np.ones(n)
        diagonal[:-1] += TAU * g
        diagonal[1:] += TAU * g
        return scipy.linalg.lapack.dptsv(diagonal, -TAU * g, u[0])[2][None]

    return Job(f"semi-implicit step rational N={n}", {
        "stabkit": lambda: stepped(semi_implicit[CODE["rational"]], u, 1, TAU, D1, SHAPE),
        "NumPy + dptsv": lapack}, n, 1e-13)


def haar_shrinkage(name, n):
    f, u = rng().standard_normal((1, n)), np.empty((1, n))
    again = np.empty_like(f)

    def ours():
        haar[CODE[name]](f, u, (0.5, 0.0), 1)
        return u

    def wavelets():
        (low, high), = pywt.swt(f[0], "haar", level=1)
        return pywt.iswt([(low, pywt.threshold(high, 0.5, name))], "haar")[None]

    def copied():
        np.copyto(again, f)

    return Job(f"Haar {name} N={n}", {"stabkit": ours, "PyWavelets": wavelets, "copy": copied}, n,
               1e-13, {"PyWavelets": 22 if name == "garrote" else 30})


@njit(error_model="numpy")
def divide(x, times):
    for _ in range(times):
        for i in range(x.size):
            x[i] = 1 / (1 + x[i])


def division_limit():
    x = rng().random(1024)
    return Job("limit: divisions in cache", {"1/(1 + x)": lambda: divide(x, 1000)},
               1024 * 1000, None)


def trials(n=16, count=20_000, tau=0.4):
    K = compressed(difference(n))
    code = CODE["rational"]
    signals = np.stack([draw(1, trial, n) for trial in range(count)])

    def ours():
        scheme = (search.EXPLICIT, 1, tau)
        return search.search(n, scheme, K, (code, *SHAPE), search.EUCLIDEAN, 1, (0, count))[0]

    def with_numpy():
        v = numpy_steps(signals, 1, tau, numpy_rational)
        with np.errstate(invalid="ignore"):
            return np.nanmin(1 - np.sum(v * v, axis=1) / np.sum(signals * signals, axis=1))

    def drawn_and_stepped():
        u = np.random.default_rng(0).uniform(-4, 4, (count, n))
        v = numpy_steps(u, 1, tau, numpy_rational)
        return np.min(1 - np.sum(v * v, axis=1) / np.sum(u * u, axis=1))

    assert abs(ours() - with_numpy()) < 1e-12
    examples = 200

    @settings(max_examples=examples, database=None, deadline=None,
              suppress_health_check=list(HealthCheck))
    @given(arrays(np.float64, n, elements=st.floats(-4, 4)))
    def property_test(u):
        s = np.diff(u)
        v = u + tau * np.diff(s / (1 + s * s), prepend=0, append=0)
        assert np.sum(v * v) <= np.sum(u * u) * (1 + 1e-12)

    return Job(f"trials of a random search N={n}, 1 step",
               {"stabkit": ours, "NumPy batch": drawn_and_stepped, "Hypothesis": property_test},
               {"stabkit": count, "NumPy batch": count, "Hypothesis": examples}, None,
               {"NumPy batch": 12, "Hypothesis": 1000})


def jobs():
    yield division_limit
    for n, goal in ((1000, 8), (10_000, 3.7), (100_000, 3.7), (1_000_000, 3.7), (10_000_000, 8)):
        yield lambda n=n, goal=goal: single("rational", n, goal=goal)
    yield lambda: single("identity", 10_000_000)
    yield lambda: single("rational", 10_000_000, np.float32)
    for n in (1000, 100_000):
        yield lambda n=n: single("perona_malik", n, goal=1.0)
    for count, n in ((2000, 64), (10_000, 100), (64, 4096)):
        yield lambda count=count, n=n: batch(count, n)
    for order in (2, 3, 4):
        yield lambda order=order: higher_order(order)
    yield fsi_cycle
    yield lambda: tridiagonal_solve(1, 100_000)
    yield lambda: tridiagonal_solve(256, 256)
    yield implicit_step
    for name in ("soft", "hard", "garrote"):
        yield lambda name=name: haar_shrinkage(name, 1_000_000)
    yield trials


# -- measuring -------------------------------------------------------------------------------------
def compare(job):
    """The first run of every candidate, which also compiles; their results must agree."""
    first, *others = (candidate() for candidate in job.candidates.values())
    for name, other in zip(list(job.candidates)[1:], others, strict=True):
        if job.close is not None and other is not None:
            error = float(np.max(np.abs(np.asarray(first) - other)))
            if not error <= job.close * max(1.0, float(np.max(np.abs(other)))):
                raise SystemExit(f"{job.name}: stabkit and {name} differ by {error}")


def measure(job, rounds):
    """Times in seconds by candidate, one per round."""
    times = {name: [] for name in job.candidates}
    order = list(job.candidates)
    for _ in range(rounds):
        for name in order:
            start = time.perf_counter()
            job.candidates[name]()
            times[name].append(time.perf_counter() - start)
        order.reverse()
    return times


def summary(job, times):
    """Rates and ratios of a job, ready for JSON."""
    ours = next(iter(times))
    work = job.work if isinstance(job.work, dict) else dict.fromkeys(times, job.work)
    rows = {}
    for name, taken in times.items():
        ratio = median(b / a for a, b in zip(times[ours], taken, strict=True))
        rows[name] = {
            "million_per_second": work[name] / median(taken) / 1e6,
            "ratio": ratio * work[ours] / work[name],
            "spread": (max(taken) - min(taken)) / median(taken),
            "goal": job.goals.get(name),
        }
    return {"job": job.name, "rows": rows}


def show(result):
    print(result["job"])
    for name, row in result["rows"].items():
        goal = "" if row["goal"] is None else f"  goal {row['goal']:g}x"
        met = "" if row["goal"] is None else (" met" if row["ratio"] >= row["goal"] else " MISSED")
        print(f"  {name:14s} {row['million_per_second']:10.4g} M/s   "
              f"stabkit is {row['ratio']:8.3g}x{goal}{met}   spread {row['spread']:.0%}",
              flush=True)


def environment():
    found = {"python": platform.python_version(), "machine": platform.platform()}
    for name in ("numpy", "scipy", "numba", "llvmlite", "PyWavelets", "hypothesis"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", default="", help="jobs whose name contains this text")
    parser.add_argument("--json", help="write the results to this file")
    options = parser.parse_args(arguments)
    results = []
    for make in jobs():
        job = make()
        if options.only in job.name:
            compare(job)
            results.append(summary(job, measure(job, options.rounds)))
            show(results[-1])
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"environment": environment(), "results": results}, file, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
