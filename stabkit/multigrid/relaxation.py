"""Compiled twins of the sparse smoothers; importing this module loads Numba."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse

from stabkit.aliases import Matrix, Signal
from stabkit.arithmetic.backend import is_foreign, like, namespace
from stabkit.errors import InvalidArgument
from stabkit.kernels.multigrid import sor_sweep
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
        Place of each unknown in the sweep.
    """

    def __init__(self, A: Matrix, omega: float, ranks: np.ndarray):
        if not (A.diagonal() != 0).all():
            raise InvalidArgument("A: has a zero on its diagonal; pointwise smoothers need none")
        # Unsigned indices spare the compiled loop Python's negative indexing; the values are a
        # copy, too, as the owner of A may sort its entries in place.
        self._matrix = (A.indptr.astype(np.uint32), A.indices.astype(np.uint32), A.data.copy())
        self._order = np.argsort(ranks, kind="stable").astype(np.uint32)
        self._omega = omega
        self._given = A, omega, ranks
        self._staged: dict[Any, StagedSOR] = {}

    def __call__(self, u: Signal, b: Signal) -> Signal:
        if is_foreign(u):
            u, b = in_double(u), in_double(b)
            return self._beside(u)(u, b)
        updated = np.array(u, dtype=np.float64, order="F")
        columns = updated.reshape(len(updated), -1, order="F")
        right = np.asarray(b, dtype=np.float64).reshape(columns.shape)
        for k in range(columns.shape[1]):
            sor_sweep(*self._matrix, self._order, self._omega, columns[:, k],
                      np.ascontiguousarray(right[:, k]))
        return updated

    def _beside(self, u: Signal) -> StagedSOR:
        key = namespace(u).__name__, str(u.dtype), str(u.device)
        if key not in self._staged:
            self._staged[key] = StagedSOR(*self._given, u)
        return self._staged[key]


class StagedSOR:
    """One SOR sweep on arrays that are not NumPy's, in stages of unknowns that are not coupled.

    Parameters
    ----------
    A : scipy.sparse.csr_array, shape (n, n)
    omega : float
    ranks : ndarray of int, shape (n,)
        Place of each unknown in the sweep.
    beside : array
        Gives the library and the dtype.

    Raises
    ------
    InvalidArgument
        If the order has more than ``MOST_STAGES``.
    """

    def __init__(self, A: Matrix, omega: float, ranks: np.ndarray, beside: Signal):
        xp, self._omega = namespace(beside), omega
        diagonal = A.diagonal()
        self._stages = []
        for rows in stages(A, ranks):
            inside = np.isin(np.arange(A.shape[0]), rows)
            place = np.where(inside, np.cumsum(inside) - 1, 0)
            self._stages.append((
                Portable(-A[rows]), like(diagonal[rows], beside),
                *(xp.asarray(part) for part in (rows, inside, place))))

    def __call__(self, u: Signal, b: Signal) -> Signal:
        return along_first(self._sweep, u, b)

    def _sweep(self, u: Signal, b: Signal) -> Signal:
        xp = namespace(u, b)
        for negative, diagonal, rows, inside, place in self._stages:
            residual = negative.along_last(u, xp.take(b, rows, axis=-1))
            change = self._omega * residual / diagonal
            u = xp.where(inside, u + xp.take(change, place, axis=-1), u)
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
