"""The linear systems of an implicit diffusion step: multigrid beside direct solvers, in one run.

    python benchmarks/implicit_diffusion.py [--rounds 3] [--tau 5] [--largest 1025]

(I + τ Kᵀ G K) v = u, from the coefficients to a relative residual of 1e-10, setup included: CG
preconditioned by a V-cycle (Gauss-Seidel), CG alone and with the diagonal, SuperLU (``spsolve``)
with its default ordering and with the one for symmetric patterns, and LAPACK's banded Cholesky in
1-D.  Candidates are interleaved, the order is reversed every other round, medians are printed.  u
is a staircase with noise, the diffusivities are those of Perona and Malik at it.  Set
OMP_NUM_THREADS=1 to compare single threads.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np
import scipy.linalg
import scipy.sparse.linalg

from stabkit import fluxes
from stabkit.multigrid import (
    Cycle,
    Multigrid,
    diffusion_hierarchy,
    diffusion_matrix,
    diffusivities,
    gauss_seidel,
)

TOLERANCE = 1e-10
FLUX = fluxes.perona_malik("1/4")
LINES, SQUARES = (10**4, 10**5, 10**6), (129, 257, 513, 1025)


def picture(shape: tuple[int, ...]) -> np.ndarray:
    """A staircase of eight steps along each axis, and noise."""
    steps = sum(np.indices(shape)[k] * 8 // n for k, n in enumerate(shape))
    return steps + 0.1 * np.random.default_rng(0).standard_normal(shape)


def multigrid(A, u: np.ndarray) -> tuple[np.ndarray, int]:
    """CG preconditioned by one V-cycle."""
    method = Multigrid(diffusion_hierarchy(A, u.shape), Cycle(gauss_seidel()))
    return conjugate_gradients(A, u, method.preconditioner())


def conjugate_gradients(A, u: np.ndarray, M=None) -> tuple[np.ndarray, int]:
    """SciPy's CG, with the number of its iterations."""
    count = []
    v, _ = scipy.sparse.linalg.cg(A, u.ravel(), rtol=TOLERANCE, M=M, callback=count.append)
    return v, len(count)


def jacobi(A, u: np.ndarray) -> tuple[np.ndarray, int]:
    """CG preconditioned by the diagonal."""
    return conjugate_gradients(A, u, scipy.sparse.diags_array(1 / A.diagonal()))


def sparse_lu(ordering: str) -> Callable:
    """``spsolve`` with a column ordering."""
    return lambda A, u: (scipy.sparse.linalg.spsolve(A.tocsc(), u.ravel(), permc_spec=ordering), 0)


def banded(A, u: np.ndarray) -> tuple[np.ndarray, int]:
    """Banded Cholesky of a tridiagonal matrix."""
    bands = np.array([np.append(0, A.diagonal(1)), A.diagonal()])
    return scipy.linalg.solveh_banded(bands, u), 0


def candidates(dimension: int) -> dict[str, Callable]:
    """The solvers by name, multigrid first."""
    found = {"multigrid CG": multigrid, "CG": conjugate_gradients, "Jacobi CG": jacobi,
             "SuperLU": sparse_lu("COLAMD"), "SuperLU sym": sparse_lu("MMD_AT_PLUS_A")}
    return found | ({"banded": banded} if dimension == 1 else {})


def measure(shape: tuple[int, ...], tau: float, rounds: int) -> None:
    """One row: seconds and iterations of every candidate, and the verdict."""
    u = picture(shape)
    A = diffusion_matrix(diffusivities(u, FLUX), tau)
    solvers = candidates(len(shape))
    times: dict[str, list[float]] = {name: [] for name in solvers}
    iterations = {}
    for number in range(rounds):
        for name in list(solvers) if number % 2 == 0 else reversed(solvers):
            start = perf_counter()
            v, iterations[name] = solvers[name](A, u)
            times[name].append(perf_counter() - start)
            relative = np.linalg.norm(u.ravel() - A @ v) / np.linalg.norm(u)
            if relative > 1.5 * TOLERANCE:
                raise SystemExit(f"{name}: not solved, relative residual {relative:.2e}")
    seconds = {name: median(found) for name, found in times.items()}
    cells = "".join(f"{seconds[name]:13.4f}" for name in solvers)
    direct = min(time for name, time in seconds.items() if "CG" not in name)
    print(f"{' x '.join(map(str, shape)):>13}{cells}{iterations['multigrid CG']:8d}"
          f"{iterations['Jacobi CG']:8d}{direct / seconds['multigrid CG']:10.2f}"
          f"{min(seconds['CG'], seconds['Jacobi CG']) / seconds['multigrid CG']:8.2f}", flush=True)


def table(shapes: list[tuple[int, ...]], tau: float, rounds: int) -> None:
    """All sizes of one dimension."""
    print(f"\n{len(shapes[0])}-D, tau = {tau:g}, seconds; iterations of multigrid CG and "
          "Jacobi CG; best direct solver and best plain CG over multigrid")
    print(f"{'':>13}" + "".join(f"{name:>13}" for name in candidates(len(shapes[0])))
          + f"{'it. mg':>8}{'it. Jac':>8}{'direct/mg':>10}{'CG/mg':>8}")
    for shape in shapes:
        measure(shape, tau, rounds)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tau", type=float, nargs="+", default=[5.0, 100.0, 10000.0])
    parser.add_argument("--largest", type=int, default=1025)
    options = parser.parse_args()
    multigrid(diffusion_matrix(diffusivities(picture((20, 20)), FLUX), 1.0), picture((20, 20)))
    for tau in options.tau:
        table([(n,) for n in LINES], tau, options.rounds)
        table([(n, n) for n in SQUARES if n <= options.largest], tau, options.rounds)


if __name__ == "__main__":
    main()
