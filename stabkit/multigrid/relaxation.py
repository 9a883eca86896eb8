"""Compiled twins of the sparse smoothers; importing this module loads Numba."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse

from stabkit.aliases import Matrix, Signal
from stabkit.arithmetic.backend import is_foreign, like, namespace
from stabkit.errors import InvalidArgument
from stabkit.kernels.multigrid import residual_from_zero, sor_from_zero, sor_sweep, split_rows
from stabkit.operators.sparse import Portable, along_first, in_double

#: A sweep of more stages than this has too little parallel work for an array library.
MOST_STAGES = 8


class SparseSOR:
    """One SOR sweep on a CSR matrix, in place on a copy of u; in stages on other libraries.

    Parameters
    ----------
    A : scipy.sparse.csr_array, shape (n, n)
    omega : float
    ranks : ndarray of int, shape (n,)
        Place of each unknown in the sweep; no two are equal.
    """

    def __init__(self, A: Matrix, omega: float, ranks: np.ndarray):
        n, diagonal = A.shape[0], np.zeros(A.shape[0])
        # Unsigned indices spare the compiled loops Python's negative indexing.
        self._order = np.argsort(ranks, kind="stable").astype(np.uint32)
        self._starts, self._middles = np.empty(n + 1, np.uint32), np.empty(n, np.uint32)
        self._columns, self._values = np.empty(A.nnz, np.uint32), np.empty(A.nnz)
        split_rows(A.indptr, A.indices, A.data, np.asarray(ranks, np.int64), self._order,
                   self._starts, self._middles, self._columns, self._values, diagonal)
        if not (diagonal != 0).all():
            raise InvalidArgument("A: has a zero on its diagonal; pointwise smoothers need none")
        with np.errstate(over="ignore"):  # then the sweep says so itself
            self._scale = omega / diagonal
        self._kept, self._rest = 1 - omega, (1 / omega - 1) * diagonal
        self._given = A, ranks
        self._staged: dict[Any, StagedSOR] = {}

    def __call__(self, u: Signal, b: Signal) -> Signal:
        if is_foreign(u):
            u, b = in_double(u), in_double(b)
            return self._beside(u)(u, b)
        updated, right = _columns(np.array(u, dtype=np.float64, order="F")), _columns(b)
        for k in range(updated.shape[1]):
            sor_sweep(self._starts, self._columns, self._values, self._order, self._kept,
                      self._scale, updated[:, k], right[:, k])
        return updated.reshape(np.shape(u), order="F")

    def from_zero(self, b: Signal) -> tuple[Signal, Signal]:
        """What a sweep makes of 0, and its residual, from each entry of the matrix once."""
        if is_foreign(b):
            b = in_double(b)
            return self._beside(b).from_zero(b)
        right = _columns(b)
        u, r = np.zeros_like(right, order="F"), np.empty_like(right, order="F")
        halves = self._starts, self._middles, self._columns, self._values, self._order
        for k in range(right.shape[1]):
            sor_from_zero(*halves, self._scale, u[:, k], right[:, k])
            residual_from_zero(*halves, self._rest, u[:, k], r[:, k])
        return u.reshape(np.shape(b), order="F"), r.reshape(np.shape(b), order="F")

    def rows(self) -> Matrix:
        """A without its diagonal, by the places of the sweep, entries in the order of the loops."""
        count = int(self._starts[-1])
        return scipy.sparse.csr_array(
            (self._values[:count], self._columns[:count].astype(np.int32),
             self._starts.astype(np.int64)), shape=self._given[0].shape)

    def _beside(self, u: Signal) -> StagedSOR:
        key = namespace(u).__name__, str(u.dtype), str(u.device)
        if key not in self._staged:
            self._staged[key] = StagedSOR(*self._given, self.rows(), self._kept, self._scale,
                                          self._rest, u)
        return self._staged[key]


def _columns(values: Signal) -> np.ndarray:
    # As a matrix whose columns are contiguous.
    given = np.asarray(values, dtype=np.float64)
    return np.asfortranarray(given.reshape(len(given), -1 if given.size else given.size))


class StagedSOR:
    """One SOR sweep on arrays that are not NumPy's, in stages of unknowns that are not coupled.

    Parameters
    ----------
    A : scipy.sparse.csr_array, shape (n, n)
    ranks : ndarray of int, shape (n,)
        Place of each unknown in the sweep.
    by_place : scipy.sparse.csr_array, shape (n, n)
        The rows of A without its diagonal, by these places.
    kept : float
    scale, rest : ndarray, shape (n,)
        As in the compiled loops, in whose order all is summed.
    beside : array
        Gives the library and the dtype.

    Raises
    ------
    InvalidArgument
        If the order has more than ``MOST_STAGES``.
    """

    def __init__(self, A: Matrix, ranks: np.ndarray, by_place: Matrix, kept: float,
                 scale: np.ndarray, rest: np.ndarray, beside: Signal):
        xp, self._kept = namespace(beside), kept
        places = np.argsort(np.argsort(ranks, kind="stable"))
        self._stages = []
        for rows in stages(A, ranks):
            inside = np.isin(np.arange(A.shape[0]), rows)
            place = np.where(inside, np.cumsum(inside) - 1, 0)
            self._stages.append((
                Portable(-by_place[places[rows]]), like(scale[rows], beside),
                *(xp.asarray(part) for part in (rows, inside, place))))
        own = -by_place[places]
        own.data[ranks[own.indices] < np.repeat(ranks, np.diff(own.indptr))] = 0
        own.eliminate_zeros()
        self._after, self._rest = Portable(own), like(rest, beside)

    def __call__(self, u: Signal, b: Signal) -> Signal:
        return along_first(self._sweep, u, b)

    def from_zero(self, b: Signal) -> tuple[Signal, Signal]:
        """What a sweep makes of 0, and its residual."""
        u = self(0 * b, b)
        return u, along_first(lambda u: self._after.along_last(u, self._rest * u), u)

    def _sweep(self, u: Signal, b: Signal) -> Signal:
        xp = namespace(u, b)
        for negative, scale, rows, inside, place in self._stages:
            total = negative.along_last(u, xp.take(b, rows, axis=-1))
            change = xp.take(scale * total, place, axis=-1)
            u = xp.where(inside, self._kept * u + change, u)
        return u


def stages(A: Matrix, ranks: np.ndarray) -> list[np.ndarray]:
    """The unknowns by stages: each only needs those of earlier stages to be updated before it."""
    rows, columns = A.tocoo().coords
    both = np.concatenate([rows, columns]), np.concatenate([columns, rows])
    before = ranks[both[1]] < ranks[both[0]]
    first = scipy.sparse.coo_array(
        (np.ones(int(before.sum())), tuple(part[before] for part in both)), shape=A.shape).tocsr()
    waiting = first @ np.ones(A.shape[0])
    done = np.zeros(A.shape[0], dtype=bool)
    found: list[np.ndarray] = []
    while not done.all():
        if len(found) == MOST_STAGES:
            raise InvalidArgument(
                f"smoother: SOR in this order updates its {A.shape[0]} unknowns in more than "
                f"{MOST_STAGES} stages, one after another, and stays on the host; take Jacobi, "
                "Chebyshev, Richardson, an order of few colours, or arrays of numpy")
        ready = (waiting == 0) & ~done
        found.append(np.flatnonzero(ready))
        done |= ready
        waiting -= first @ ready.astype(float)
    return found
