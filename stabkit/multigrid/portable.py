"""Matrices that act on arrays of any library; they are made on the host, by SciPy.

A matrix is moved once for every library, dtype and device, as the tables of a
:class:`~stabkit.operators.gather.Gather`, and gives the bits that SciPy's product gives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import scipy.sparse

from stabkit.backend import is_foreign, like, namespace
from stabkit.errors import InvalidArgument
from stabkit.operators.gather import Gather, gathered

#: A sweep of more stages than this is one after another: no work for an array library.
MOST_STAGES = 8

_made: WeakValueDictionary[int, Portable] = WeakValueDictionary()


def portable(matrix: Any) -> Any:
    """A sparse matrix as one for arrays of any library; other matrices as they are."""
    if not scipy.sparse.issparse(matrix):
        return matrix
    found = _made.get(id(matrix))  # it holds its matrix, so no other one has this id
    if found is None:
        found = _made[id(matrix)] = Portable(matrix)
    return found


class Portable:
    """A sparse matrix A; ``A @ u`` for u of shape (n,) or (n, k), and all that SciPy takes."""

    def __init__(self, matrix: Any):
        self.matrix = matrix
        self._tables: dict[Any, Gather] = {}

    def __matmul__(self, u: Any) -> Any:
        if not is_foreign(u):
            return self.matrix @ u
        if self.matrix.dtype == np.float64:
            u = doubled(u)
        return along_first(gathered(self._tables, self.matrix.tocsr(), u).along_last, u)


def doubled(u: Any) -> Any:
    """u in float64, as SciPy takes it beside a matrix of them."""
    xp = namespace(u)
    return xp.astype(u, xp.float64, copy=False)


def along_first(act: Callable[..., Any], *arrays: Any) -> Any:
    """What an action along the last axis does along the first one."""
    if arrays[0].ndim == 1:
        return act(*arrays)
    turn = namespace(*arrays).permute_dims
    return turn(act(*(turn(array, (1, 0)) for array in arrays)), (1, 0))


class StagedSOR:
    """One SOR sweep on arrays that are not NumPy's, in stages of unknowns that are not coupled.

    Parameters
    ----------
    A : scipy.sparse.csr_array, shape (n, n)
    omega : float
    ranks : ndarray of int, shape (n,)
        Place of each unknown in the sweep.
    beside : array
        Says the library and the dtype.

    Raises
    ------
    InvalidArgument
        If the order has more than ``MOST_STAGES``.
    """

    def __init__(self, A: Any, omega: float, ranks: np.ndarray, beside: Any):
        xp, self._omega = namespace(beside), omega
        diagonal = A.diagonal()
        self._stages = []
        for rows in stages(A, ranks):
            inside = np.isin(np.arange(A.shape[0]), rows)
            place = np.where(inside, np.cumsum(inside) - 1, 0)
            self._stages.append((
                Gather(-A[rows], beside), like(diagonal[rows], beside),
                *(xp.asarray(part) for part in (rows, inside, place))))

    def __call__(self, u: Any, b: Any) -> Any:
        return along_first(self._swept, u, b)

    def _swept(self, u: Any, b: Any) -> Any:
        xp = namespace(u, b)
        for negative, diagonal, rows, inside, place in self._stages:
            residual = negative.along_last(u, xp.take(b, rows, axis=-1))
            change = self._omega * residual / diagonal
            u = xp.where(inside, u + xp.take(change, place, axis=-1), u)
        return u


def stages(A: Any, ranks: np.ndarray) -> list[np.ndarray]:
    """The unknowns by stages: each only needs those of earlier stages to be updated before it."""
    rows, columns = A.tocoo().coords
    both = np.concatenate([rows, columns]), np.concatenate([columns, rows])
    before = ranks[both[1]] < ranks[both[0]]
    first = scipy.sparse.coo_array(
        (np.ones(int(before.sum())), tuple(part[before] for part in both)), shape=A.shape).tocsr()
    waiting = first @ np.ones(A.shape[0])
    done, found = np.zeros(A.shape[0], dtype=bool), []
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
