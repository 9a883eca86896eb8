"""Stand-ins for what solves a linear system whose matrix holds numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from stabkit.aliases import Function, Matrix
from stabkit.tracing.array import Traced, plain
from stabkit.tracing.summing import FUNCTIONS
from stabkit.tracing.tracer import Tracer


def solvers(linalg: Any, tracer: Tracer) -> dict[Function, Function]:
    """For functions of scipy.linalg."""
    def solved(matrix: Matrix, b: Any) -> Any:
        return FUNCTIONS[np.linalg.solve](tracer, matrix, b)

    def solve(a: Any, b: Any, **options: Any) -> Any:
        return solved(a, b) if isinstance(b, Traced) else linalg.solve(plain(a), b, **options)

    def solve_banded(widths: Any, ab: Any, b: Any, *args: Any, **options: Any) -> Any:
        if not isinstance(b, Traced):
            return linalg.solve_banded(widths, plain(ab), b, *args, **options)
        below, above = widths
        return solved(_of_bands(plain(ab), above, -below), b)

    def solveh_banded(ab: Any, b: Any, *args: Any, lower: bool = False, **options: Any) -> Any:
        if not isinstance(b, Traced):
            return linalg.solveh_banded(plain(ab), b, *args, lower=lower, **options)
        ab = plain(ab)
        half = _of_bands(ab, 0, 1 - len(ab)) if lower else _of_bands(ab, len(ab) - 1, 0)
        return solved(half + half.T - np.diag(np.diag(half)), b)

    return {linalg.solve: solve, linalg.solve_banded: solve_banded,
            linalg.solveh_banded: solveh_banded}


def _of_bands(ab: np.ndarray, first: int, last: int) -> np.ndarray:
    """The square matrix of the diagonals `first`, ..., `last`, as SciPy stores them."""
    n = ab.shape[1]
    matrix = np.zeros((n, n), dtype=ab.dtype)
    for row, k in enumerate(range(first, last - 1, -1)):
        for j in range(max(0, k), min(n, n + k)):
            matrix[j - k, j] = ab[row, j]
    return matrix
