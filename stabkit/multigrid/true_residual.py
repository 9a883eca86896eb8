"""Residuals in twice the precision, for where rounding decides whether an iteration has arrived."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse

from stabkit.aliases import Matrix, Signal
from stabkit.arithmetic.backend import is_foreign
from stabkit.arithmetic.twofold import add_twofold, two_product
from stabkit.multigrid.convergence import Watch, norm
from stabkit.multigrid.matrices import is_exact

EPSILON = float(np.finfo(float).eps)


def residual_norm(A: Matrix, x: Signal, b: Signal, watch: Watch) -> float:
    """‖b − A x‖; where rounding might hide that it is above the goal, of exact products.

    On arrays of other libraries than NumPy it is what their floats give.
    """
    found = norm(b - A @ x)
    matrix: Any = getattr(A, "matrix", A)
    if not watch.arrives(found) or is_foreign(x) or is_exact(x.dtype) \
            or not scipy.sparse.issparse(matrix):
        return found
    longest = int(np.diff(matrix.indptr).max(initial=0))
    doubt = (longest + 2) * EPSILON * norm(abs(matrix) @ abs(x) + abs(b))
    return found if watch.arrives(found + doubt) else norm(twofold_residual(matrix, x, b))


def twofold_residual(A: Matrix, x: np.ndarray, b: np.ndarray) -> np.ndarray:
    """b − A x with products that are exact and sums in twice the precision.

    A is a CSR matrix.
    """
    # Near 1 products are exact.
    size = int(np.frexp(abs(A.data).max(initial=0))[1])
    entries, x = np.ldexp(A.data, -size), np.ldexp(x, size)
    lengths = np.diff(A.indptr)
    order = np.argsort(-lengths, kind="stable")
    high, low = b[order], np.zeros(len(b))
    for k in range(int(lengths.max(initial=0))):
        count = int(np.searchsorted(-lengths[order], -k))  # rows with more than k entries
        place = A.indptr[order[:count]] + k
        product, rest = two_product(-entries[place], x[A.indices[place]])
        high[:count], low[:count] = add_twofold(high[:count], low[:count], product, rest)
    found = np.empty_like(b)
    found[order] = high + low
    return found


def twofold_poisson_residual(u: np.ndarray, b: np.ndarray, h: float) -> np.ndarray:
    """b − A u of Poisson's problem with zero boundary values, times h², plane by plane."""
    square, square_rest = two_product(np.float64(h), np.float64(h))
    found = np.empty_like(b)
    padded = np.pad(u, 1)
    inner = (slice(1, -1),) * u.ndim
    for i in range(len(u)):
        high, low = two_product(square, b[i])
        low = low + square_rest * b[i]
        parts = [part[inner[1:]] for part in (padded[i], padded[i + 2])]
        here = padded[i + 1]
        for axis in range(here.ndim):
            for begin in (0, 2):
                at = [slice(1, -1)] * here.ndim
                at[axis] = slice(begin, begin + here.shape[axis] - 2)
                parts.append(here[tuple(at)])
        for part in (*parts, *[-2 * u[i]] * u.ndim):
            high, low = add_twofold(high, low, part, 0.0)
        found[i] = high + low
    return found
