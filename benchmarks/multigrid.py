"""Multigrid beside PyAMG, SciPy's direct solver and sine transforms, in one run: Poisson to 1e-10.

    python -m benchmarks.multigrid [--shapes 1023x1023 127x127x127] [--rounds 5] [--slow] [--direct]
    python -m benchmarks.multigrid --sizes 4095x4095 255x255x255

Times are those of the processor.  Candidates are interleaved and the order is reversed every other
round; medians and medians of per-round ratios are printed.  ``--slow`` adds PyAMG's smoothed
aggregation, root-node and pairwise solvers, ``--direct`` SuperLU; ``--alone`` leaves out all but
the sine transforms, where hierarchies do not fit in memory, and ``--only-table`` the counts of
cycles.  ``--sizes`` tells seconds and memory of FastPoisson alone.  Set OMP_NUM_THREADS=1 to
compare single threads.
"""

from __future__ import annotations

import argparse
import tracemalloc
from collections.abc import Callable
from statistics import median
from time import perf_counter, process_time

import numpy as np
import pyamg
import scipy.fft
import scipy.sparse.linalg

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
    eigenvalues = sum(np.ix_(*(4 * np.sin(np.arange(1, n + 1) * np.pi / (2 * n + 2)) ** 2
                               for n in b.shape)))
    return scipy.fft.idstn(scipy.fft.dstn(b, type=1) / eigenvalues, type=1)


def peer(make: Callable, accel: str | None) -> Callable:
    """Setup and solve of a PyAMG solver."""
    def run(b: np.ndarray) -> tuple[float, float, int]:
        A = pyamg.gallery.poisson(b.shape, format="csr")
        start = process_time()
        solver = make(A)
        ready = process_time()
        residuals: list[float] = []
        u = solver.solve(b.ravel(), tol=TOLERANCE, accel=accel, residuals=residuals)
        end = process_time()
        check(b, u)
        return ready - start, end - ready, len(residuals) - 1

    return run


def fast(b: np.ndarray) -> tuple[float, float, int]:
    """Setup and solve of FastPoisson."""
    start = process_time()
    solver = FastPoisson(b.shape)
    ready = process_time()
    solution = solver.solve(b, tolerance=TOLERANCE)
    end = process_time()
    check(b, solution.u)
    return ready - start, end - ready, solution.cycles


def transforms(b: np.ndarray) -> tuple[float, float, int]:
    """The sine transforms, which need no setup and no cycles."""
    start = process_time()
    u = sine_transform(b)
    end = process_time()
    check(b, u)
    return 0.0, end - start, 0


def direct(b: np.ndarray) -> tuple[float, float, int]:
    """SuperLU with the ordering for symmetric patterns."""
    A = pyamg.gallery.poisson(b.shape, format="csc")
    start = process_time()
    factors = scipy.sparse.linalg.splu(A, permc_spec="MMD_AT_PLUS_A")
    ready = process_time()
    u = factors.solve(b.ravel())
    end = process_time()
    check(b, u)
    return ready - start, end - ready, 0


def check(b: np.ndarray, u: np.ndarray) -> None:
    """Refuse a time whose solution is not one; without a matrix, so that large grids fit."""
    padded, inner = np.pad(u.reshape(b.shape), 1), [slice(1, -1)] * b.ndim
    rest = b - 2 * b.ndim * padded[tuple(inner)]
    for axis in range(b.ndim):
        for side in (slice(None, -2), slice(2, None)):
            rest += padded[(*inner[:axis], side, *inner[axis + 1:])]
    relative = np.linalg.norm(rest) / np.linalg.norm(b)
    if relative > 1.5 * TOLERANCE:
        raise SystemExit(f"not solved: relative residual {relative:.2e}")


def candidates(slow: bool, with_direct: bool, alone: bool) -> dict[str, Callable]:
    """The solvers by name, ours first."""
    found = {"FastPoisson": fast, "sine transforms": transforms}
    if alone:
        return found
    found |= {"PyAMG RS": peer(pyamg.ruge_stuben_solver, None),
              "PyAMG RS + CG": peer(pyamg.ruge_stuben_solver, "cg")}
    if slow:
        for name, make in (("SA", pyamg.smoothed_aggregation_solver),
                           ("root-node", pyamg.rootnode_solver),
                           ("pairwise", pyamg.pairwise_solver)):
            found[f"PyAMG {name} + CG"] = peer(make, "cg")
    return found | ({"SuperLU": direct} if with_direct else {})


def speed(shape: tuple[int, ...], rounds: int, solvers: dict[str, Callable]) -> None:
    """The table of times and ratios."""
    b = np.random.default_rng(0).standard_normal(shape)
    fast(b)  # loads the loops
    times: dict[str, list] = {name: [] for name in solvers}
    for number in range(rounds):
        order = list(solvers)
        for name in order if number % 2 == 0 else reversed(order):
            times[name].append(solvers[name](b))
    ours = times["FastPoisson"]
    print(f"\n{' x '.join(map(str, shape))} unknowns, relative residual {TOLERANCE:g}, "
          f"{rounds} rounds")
    print(f"{'':>20} {'setup s':>9} {'solve s':>9} {'sum s':>9} {'cycles':>7} "
          f"{'ratio':>7} {'solve ratio':>12}")
    for name, rows in times.items():
        setup, solve = (median(row[k] for row in rows) for k in (0, 1))
        both = median((r[0] + r[1]) / (o[0] + o[1]) for r, o in zip(rows, ours, strict=True))
        only = median(r[1] / o[1] for r, o in zip(rows, ours, strict=True))
        print(f"{name:>20} {setup:9.4f} {solve:9.4f} {setup + solve:9.4f} {rows[0][2]:7d} "
              f"{both:7.1f} {only:12.1f}", flush=True)


def size(shape: tuple[int, ...], threads: int) -> str:
    """A row: cycles, seconds of the processor, and the peak of memory beside b, that of u included.

    Of the time the better of two.
    """
    b = np.random.default_rng(0).standard_normal(shape)
    times = []
    for _ in range(2):
        tracemalloc.start()
        begin, wall = process_time(), perf_counter()
        solution = FastPoisson(shape, threads=threads).solve(b, tolerance=TOLERANCE)
        times.append((process_time() - begin, perf_counter() - wall))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    check(b, solution.u)
    seconds, wall = min(times)
    return (f"| {' × '.join(map(str, shape))} | {threads} | {solution.cycles} | {seconds:.2f} | "
            f"{wall:.2f} | {peak / 2**30:.2f} | {peak / b.size:.0f} |")


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
    parser.add_argument("--shapes", nargs="+", default=["1023x1023"])
    parser.add_argument("--rounds", type=int, default=5)
    for flag in ("slow", "direct", "alone", "only-table"):
        parser.add_argument(f"--{flag}", action="store_true")
    parser.add_argument("--sizes", nargs="+", default=[])
    options = parser.parse_args()
    if options.sizes:
        fast(np.ones((63, 63)))  # loads the loops
        print("| grid | threads | cycles | processor s | clock s | GiB | bytes an unknown |")
        for shape in options.sizes:
            for threads in (1, 2):
                print(size(tuple(map(int, shape.split("x"))), threads), flush=True)
        return
    for shape in options.shapes:
        speed(tuple(map(int, shape.split("x"))), options.rounds,
              candidates(options.slow, options.direct, options.alone))
    if options.only_table:
        return
    scaling([129, 257, 513, 1025, 2049])
    cycles([33, 65, 129, 257])


if __name__ == "__main__":
    main()
