"""Multigrid beside PyAMG, in one run: setup and solve of 2-D Poisson to 1e-10.

    python benchmarks/multigrid.py [--nodes 1025] [--rounds 5] [--slow]

Candidates are interleaved and the order is reversed every other round; medians and medians of
per-round ratios are printed.  A grid of 1025² nodes has 1023² unknowns.  ``--slow`` adds PyAMG's
smoothed aggregation.  Set OMP_NUM_THREADS=1 to compare single threads.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np
import pyamg
import scipy.fft

from stabkit.multigrid import (
    Chebyshev,
    Cycle,
    F,
    FastPoisson,
    Jacobi,
    Multigrid,
    W,
    gauss_seidel,
    geometric,
    poisson,
    red_black,
    symmetric,
)

TOLERANCE = 1e-10


def sine_transform(b: np.ndarray) -> np.ndarray:
    """The solution by two fast transforms: the physical limit."""
    n = b.shape[0]
    x = 4 * np.sin(np.arange(1, n + 1) * np.pi / (2 * n + 2)) ** 2
    return scipy.fft.idstn(scipy.fft.dstn(b, type=1) / (x[:, None] + x), type=1)


def peer(make: Callable, accel: str | None) -> Callable:
    """Setup and solve of a PyAMG solver."""
    def run(b: np.ndarray) -> float:
        A = pyamg.gallery.poisson(b.shape, format="csr")
        start = perf_counter()
        solver = make(A)
        ready = perf_counter()
        residuals: list[float] = []
        u = solver.solve(b.ravel(), tol=TOLERANCE, accel=accel, residuals=residuals)
        end = perf_counter()
        check(b, A @ u)
        return ready - start, end - ready, len(residuals) - 1

    return run


def fast(b: np.ndarray):
    """Setup and solve of FastPoisson."""
    start = perf_counter()
    solver = FastPoisson(b.shape)
    ready = perf_counter()
    solution = solver.solve(b, tolerance=TOLERANCE)
    end = perf_counter()
    check(b, poisson(b.shape).matrix() @ solution.u.ravel())
    return ready - start, end - ready, solution.cycles


def transforms(b: np.ndarray):
    """The sine transforms, which need no setup and no cycles."""
    start = perf_counter()
    sine_transform(b)
    return 0.0, perf_counter() - start, 0


def check(b: np.ndarray, image: np.ndarray) -> None:
    """Refuse a time whose solution is not one."""
    relative = np.linalg.norm(b.ravel() - image) / np.linalg.norm(b)
    if relative > 1.5 * TOLERANCE:
        raise SystemExit(f"not solved: relative residual {relative:.2e}")


def speed(nodes: int, rounds: int, slow: bool) -> None:
    """The table of times and ratios."""
    candidates = {"FastPoisson": fast, "sine transforms": transforms,
                  "PyAMG RS": peer(pyamg.ruge_stuben_solver, None),
                  "PyAMG RS + CG": peer(pyamg.ruge_stuben_solver, "cg")}
    if slow:
        candidates["PyAMG SA"] = peer(pyamg.smoothed_aggregation_solver, None)
        candidates["PyAMG SA + CG"] = peer(pyamg.smoothed_aggregation_solver, "cg")
    b = np.random.default_rng(0).standard_normal((nodes - 2, nodes - 2))
    fast(b)
    times: dict[str, list] = {name: [] for name in candidates}
    for number in range(rounds):
        order = list(candidates)
        for name in order if number % 2 == 0 else reversed(order):
            times[name].append(candidates[name](b))
    ours = times["FastPoisson"]
    print(f"\n{nodes}^2 nodes, relative residual {TOLERANCE:g}, {rounds} rounds")
    print(f"{'':>16} {'setup s':>9} {'solve s':>9} {'sum s':>9} {'cycles':>7} "
          f"{'ratio':>7} {'solve ratio':>12}")
    for name, rows in times.items():
        setup, solve = (median(row[k] for row in rows) for k in (0, 1))
        both = median((r[0] + r[1]) / (o[0] + o[1]) for r, o in zip(rows, ours, strict=True))
        only = median(r[1] / o[1] for r, o in zip(rows, ours, strict=True))
        print(f"{name:>16} {setup:9.4f} {solve:9.4f} {setup + solve:9.4f} {rows[0][2]:7d} "
              f"{both:7.1f} {only:12.1f}")


def scaling(sizes: list[int]) -> None:
    """Cost per unknown and cycles against the grid size."""
    print(f"\n{'nodes':>6} {'cycles':>7} {'ns per unknown':>15}")
    for nodes in sizes:
        solver = FastPoisson((nodes - 2, nodes - 2))
        b = np.random.default_rng(0).standard_normal(solver.shape)
        times = []
        for _ in range(5):
            start = perf_counter()
            solution = solver.solve(b, tolerance=TOLERANCE)
            times.append(perf_counter() - start)
        print(f"{nodes:6d} {solution.cycles:7d} {median(times) / b.size * 1e9:15.1f}")


def cycles(sizes: list[int]) -> None:
    """Cycles of the general solver against the grid size."""
    methods = {
        "\\ GS, 2 pre": Cycle(gauss_seidel(), pre=2, post=0),
        "V(1,1) Jacobi 4/5": Cycle(Jacobi(0.8)),
        "V(1,1) GS": Cycle(gauss_seidel()),
        "V(1,1) red-black": Cycle(gauss_seidel(red_black), post_smoother=gauss_seidel(red_black)),
        "V(1,1) sym. GS": Cycle(symmetric(gauss_seidel())),
        "V(1,1) Chebyshev 3": Cycle(Chebyshev(3)),
        "W(1,1) Jacobi 4/5": Cycle(Jacobi(0.8), visit=W),
        "F(1,1) Jacobi 4/5": Cycle(Jacobi(0.8), visit=F),
    }
    print(f"\n{'cycles to 1e-10':>20}" + "".join(f"{n:>7}" for n in sizes))
    for name, cycle in methods.items():
        found = []
        for nodes in sizes:
            b = np.random.default_rng(0).standard_normal((nodes - 2, nodes - 2))
            found.append(Multigrid(geometric(poisson(b.shape)), cycle).solve(b).cycles)
        print(f"{name:>20}" + "".join(f"{k:>7}" for k in found))


def main() -> None:
    """Print the three tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", type=int, nargs="+", default=[1025])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slow", action="store_true")
    options = parser.parse_args()
    for nodes in options.nodes:
        speed(nodes, options.rounds, options.slow)
    scaling([129, 257, 513, 1025, 2049])
    cycles([33, 65, 129, 257])


if __name__ == "__main__":
    main()
