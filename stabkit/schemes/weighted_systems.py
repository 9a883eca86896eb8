"""The linear systems of implicit diffusion, (I + τ Kᵀ diag(w) K) x = r, for many weights w >= 0."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy

from stabkit.aliases import Rational, Signal
from stabkit.arithmetic.backend import like, namespace
from stabkit.arithmetic.enclosure import Interval
from stabkit.arithmetic.rational import solve
from stabkit.operators import Operator
from stabkit.schemes import twins

MOST_BANDS = 16  # on each side, up to which elimination keeps to the bands
WORTH_COMPILING = 30_000  # numbers from which on tridiagonal systems go to compiled loops


@dataclass(frozen=True, eq=False)
class WeightedSystems:
    """The systems of one operator K and one step size τ."""

    K: Operator
    tau: Rational

    @cached_property
    def taps(self) -> tuple[float, float] | None:
        """The a and b of K v = a v_i + b v_{i+1}, without the cost of sparse products; or None."""
        sparse, n = self.K.sparse(), self.K.shape[1]
        if sparse.shape != (n - 1, n) or sparse.nnz != 2 * (n - 1) or n < 2:
            return None
        places = np.arange(n - 1)[:, None] + np.arange(2)
        taps = sparse.data.reshape(-1, 2)
        if not (sparse.indices.reshape(-1, 2) == places).all() or not (taps == taps[0]).all():
            return None
        return float(taps[0, 0]), float(taps[0, 1])

    @cached_property
    def _bands(self) -> tuple[Signal, ...]:
        """Sparse matrices that take w to the diagonals of Kᵀ diag(w) K from the main one upwards.

        Empty where the diagonals are too many for banded elimination.
        """
        n, sparse = self.K.shape[1], self.K.sparse()
        gram = (abs(sparse.T) @ abs(sparse)).tocoo()
        width = int(np.max(np.abs(gram.row - gram.col), initial=0))
        if width > MOST_BANDS:
            return ()
        return tuple(sparse[:, : n - k].multiply(sparse[:, k:]).T.tocsr()
                     for k in range(width + 1))

    def solve(self, weights: Any, right: Signal) -> Signal:
        """The solutions in floats, row by row of weights (B, M) and right-hand sides (B, N)."""
        xp, tau = namespace(right), float(self.tau)
        if xp is np and self.taps is not None:
            a, b = self.taps
            diagonal, beside = np.ones((self.K.shape[1], len(weights))), tau * a * b * weights.T
            diagonal[:-1] -= beside if a == -b else -tau * a * a * weights.T
            diagonal[1:] -= beside if a == -b else -tau * b * b * weights.T
            return _solve_banded([diagonal, beside], right)
        if xp is np and self._bands:
            above = [tau * (band @ weights.T) for band in self._bands]
            above[0] += 1
            return _solve_banded(above, right)
        one_by_one = _solve_sparse if xp is np else _solve_dense
        return xp.stack([one_by_one(self.K, tau, weights[k, :], right[k, :])
                         for k in range(right.shape[0])])

    def solve_exactly(self, weights: np.ndarray, right: np.ndarray) -> np.ndarray:
        """The solution for one w (M,) and one right-hand side (N,), fractions or intervals."""
        K = self.K.exact()
        matrix = np.eye(self.K.shape[1], dtype=int) + self.tau * (K.T @ (weights[:, None] * K))
        if any(isinstance(entry, Interval) for entry in (*weights, *right)):
            return _eliminate_intervals(matrix, right)
        return solve(matrix, right)


def _eliminate_intervals(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Gauss's elimination without pivoting, for matrices that are positive definite."""
    a = np.concatenate([matrix, right[:, None]], axis=1).astype(object)
    for k in range(len(a)):
        a[k, k:] = a[k, k:] / a[k, k]
        for i in range(len(a)):
            if i != k and not (isinstance(a[i, k], int) and a[i, k] == 0):
                a[i, k:] = a[i, k:] - a[i, k] * a[k, k:]
    return a[:, -1]


def _solve_banded(above: list[np.ndarray], right: np.ndarray) -> np.ndarray:
    """Row by row, from the diagonals (N − k, B) of the matrices; NaN where one is singular."""
    if len(above) == 2 and right.size >= WORTH_COMPILING:
        diagonal, beside = above
        return twins.tridiagonal(diagonal, beside, right.T).T
    return _eliminate([each.T for each in above], right)


def _solve_sparse(K: Operator, tau: float, weights: np.ndarray, right: np.ndarray) -> np.ndarray:
    sparse, eye = K.sparse(), scipy.sparse.eye_array(K.shape[1], format="csr")
    matrix = eye + tau * (sparse.T @ scipy.sparse.diags_array(weights) @ sparse)
    return scipy.sparse.linalg.spsolve(matrix.tocsc(), right)


def _solve_dense(K: Operator, tau: float, weights: Any, right: Signal) -> Signal:
    xp, dense = namespace(right), like(K.sparse().toarray(), right)
    matrix = xp.eye(K.shape[1], dtype=right.dtype) + tau * (dense.T @ (weights[:, None] * dense))
    return xp.linalg.solve(matrix, right[:, None])[:, 0]


def _eliminate(above: list[np.ndarray], right: np.ndarray) -> np.ndarray:
    # The systems are the blocks of one matrix, one after the other.
    width, (count, n) = len(above) - 1, right.shape
    bands = np.zeros((2 * width + 1, count, n))
    for k, rows in enumerate(above):
        bands[width - k, :, k:] = bands[width + k, :, : n - k] = rows
    try:
        return scipy.linalg.solve_banded((width, width), bands.reshape(2 * width + 1, -1),
                                         right.ravel(), check_finite=False).reshape(count, n)
    except np.linalg.LinAlgError:  # one of them is singular
        return np.full_like(right, np.nan) if count == 1 else np.concatenate(
            [_eliminate([rows[k:k + 1] for rows in above], right[k:k + 1]) for k in range(count)])
