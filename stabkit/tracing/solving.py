"""Stand-ins for what solves a linear system whose matrix does not depend on the data."""

from __future__ import annotations

from typing import Any

import numpy as np

from stabkit.aliases import Argument, Function, Library, Matrix
from stabkit.tracing.sparse import is_symbolic, unwrap
from stabkit.tracing.systems import Factored, inverse, solve
from stabkit.tracing.tracer import Tracer

Plain = Function
_APPROXIMATE = ("cg", "bicg", "bicgstab", "cgs", "gmres", "lgmres", "minres", "qmr")


def solvers(linalg: Library, tracer: Tracer) -> dict[Function, Function]:
    """For functions of scipy.linalg."""
    def direct(a: Any, b: Any, **options: Argument) -> Any:
        if not (is_symbolic(a) or is_symbolic(b)):
            return linalg.solve(a, b, **options)
        return solve(tracer, a.T if options.get("transposed") else a, b)

    def solve_banded(widths: Any, ab: Any, b: Any, *args: Argument, **options: Argument) -> Any:
        if not (is_symbolic(ab) or is_symbolic(b)):
            return linalg.solve_banded(widths, ab, b, *args, **options)
        below, above = widths
        return solve(tracer, _of_bands(ab, above, -below), b)

    def solveh_banded(ab: Any, b: Any, *args: Argument, lower: bool = False,
                      **options: Argument) -> Any:
        if not (is_symbolic(ab) or is_symbolic(b)):
            return linalg.solveh_banded(ab, b, *args, lower=lower, **options)
        half = _of_bands(ab, 0, 1 - len(ab)) if lower else _of_bands(ab, len(ab) - 1, 0)
        diagonal = np.zeros_like(half)
        index = np.arange(len(half))
        diagonal[index, index] = half[index, index]
        return solve(tracer, half + half.T - diagonal, b)

    def toeplitz(c: Any, r: Any = None) -> Any:
        if not (is_symbolic(c) or is_symbolic(r)):
            return linalg.toeplitz(c) if r is None else linalg.toeplitz(c, r)
        line = np.concatenate([c[::-1], (c if r is None else r)[1:]])
        i = np.arange(len(c))
        return line[len(c) - 1 - i[:, None] + np.arange(len(line) - len(c) + 1)]

    def solve_toeplitz(c: Any, b: Any, **options: Argument) -> Any:
        column, row = c if isinstance(c, tuple) else (c, None)
        if not (is_symbolic(column) or is_symbolic(row) or is_symbolic(b)):
            return linalg.solve_toeplitz(c, b, **options)
        return solve(tracer, toeplitz(column, row), b)

    def factors(plainly: Plain) -> Plain:
        return lambda a, *args, **options: Factored(tracer, a) if is_symbolic(a) else \
            plainly(a, *args, **options)

    def from_factors(plainly: Plain, product: Plain) -> Plain:
        def run(known: Any, b: Any, *args: Argument, **options: Argument) -> Any:
            if isinstance(known, Factored):
                return known.solve(b)
            return solve(tracer, product(*known), b) if is_symbolic(b) else \
                plainly(known, b, *args, **options)
        return run

    def inv(a: Any, **options: Argument) -> Any:
        return inverse(tracer, a) if is_symbolic(a) else \
            linalg.inv(a, **options)

    return {linalg.solve: direct, linalg.toeplitz: toeplitz, linalg.solve_toeplitz: solve_toeplitz,
            linalg.solve_banded: solve_banded,
            linalg.solveh_banded: solveh_banded, linalg.inv: inv,
            linalg.lu_factor: factors(linalg.lu_factor),
            linalg.lu_solve: from_factors(linalg.lu_solve, _of_lu),
            linalg.cho_factor: factors(linalg.cho_factor),
            linalg.cho_solve: from_factors(linalg.cho_solve, _of_cholesky)}


def sparse_solvers(linalg: Library, tracer: Tracer) -> dict[Function, Function]:
    """For functions of scipy.sparse.linalg."""
    def spsolve(a: Any, b: Any, *args: Argument, **options: Argument) -> Any:
        if is_symbolic(a) or is_symbolic(b):
            return solve(tracer, a, b)
        return linalg.spsolve(unwrap(a), b, *args, **options)

    def factor_matrix(a: Any, *args: object, **options: object) -> Any:
        return Factored(tracer, a)

    def approximate(name: str) -> Plain:
        def run(a: Any, b: Any, *args: Argument, **options: Argument) -> Any:
            if is_symbolic(a) or is_symbolic(b):
                tracer.stop(f"{name} gives an approximation of a solution, which is not followed; "
                            "spsolve is")
            return getattr(linalg, name)(unwrap(a), b, *args, **options)
        return run

    return {linalg.spsolve: spsolve, linalg.splu: factor_matrix, linalg.factorized: factor_matrix,
            **{getattr(linalg, name): approximate(name) for name in _APPROXIMATE}}


def of_superlu(tracer: Tracer, factors: Any) -> Factored:
    """A matrix that was factored before the step, as its factors give it."""
    n = factors.shape[0]
    product = (factors.L @ factors.U).toarray()
    matrix = np.empty((n, n))
    matrix[:] = product[np.ix_(factors.perm_r, factors.perm_c)]
    return Factored(tracer, matrix)


def _of_lu(lu: np.ndarray, pivots: np.ndarray) -> np.ndarray:
    """The matrix of which these are the factors."""
    matrix = (np.tril(lu, -1) + np.eye(len(lu))) @ np.triu(lu)
    for i, j in reversed(list(enumerate(pivots.tolist()))):
        matrix[[i, j]] = matrix[[j, i]]
    return matrix


def _of_cholesky(factor: np.ndarray, lower: bool) -> np.ndarray:
    """The matrix of which this is the factor."""
    half = np.tril(factor) if lower else np.triu(factor).T
    return half @ half.T


def _of_bands(ab: Any, first: int, last: int) -> Matrix:
    """The square matrix of the diagonals `first`, ..., `last`, as SciPy stores them."""
    n = ab.shape[1]
    matrix: Matrix = np.zeros_like(np.broadcast_to(ab[:1], (n, n)))
    for row, k in enumerate(range(first, last - 1, -1)):
        j = np.arange(max(0, k), min(n, n + k))
        matrix[j - k, j] = ab[row, j]
    return matrix
