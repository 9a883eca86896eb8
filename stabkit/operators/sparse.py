"""Products of sparse matrices of SciPy with arrays of any library, with the bits of SciPy's own."""

from __future__ import annotations

from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import scipy

from stabkit.aliases import Array, Function, Matrix, Signal
from stabkit.arithmetic.backend import is_foreign, like, namespace

_made: WeakValueDictionary[int, Portable] = WeakValueDictionary()


def portable(matrix: Matrix) -> Any:
    """A sparse matrix, made to take arrays of any library; other matrices as they are."""
    if not scipy.sparse.issparse(matrix):
        return matrix
    found = _made.get(id(matrix))  # it holds its matrix, so no other one has this id
    if found is None:
        found = _made[id(matrix)] = Portable(matrix)
    return found


class Portable:
    """A sparse matrix A; ``A @ u`` for u of shape (n,) or (n, k), and whatever SciPy takes.

    For libraries other than NumPy it is moved, as tables, once for every dtype and device.
    """

    def __init__(self, matrix: Matrix):
        self.matrix = matrix
        self._tables: dict[tuple[str, str, str], list[tuple[Array, Array, Array]]] = {}

    def __matmul__(self, u: Signal) -> Array:
        if not is_foreign(u):
            return self.matrix @ u
        if self.matrix.dtype == np.float64:
            u = in_double(u)
        return along_first(self.along_last, u)

    def along_last(self, u: Signal, total: Array = None) -> Array:
        """The product along the last axis of u, added to `total` if that is given.

        Each row is summed in the order of its columns, from zero on.  A row without a k-th entry
        takes nothing from table k, whatever the signal holds.
        """
        xp = namespace(u)
        if total is None:
            total = xp.zeros((*u.shape[:-1], self.matrix.shape[0]), dtype=u.dtype)
        for columns, values, present in self._beside(u):
            term = values * xp.take(u, columns, axis=-1)
            total = total + (term if present is None else xp.where(present, term, 0.0))
        return total

    def _beside(self, u: Signal) -> list[tuple[Array, Array, Array]]:
        key = namespace(u).__name__, str(u.dtype), str(u.device)
        if key not in self._tables:
            self._tables[key] = _tables(self.matrix.tocsr(), u)
        return self._tables[key]


def _tables(matrix: Matrix, beside: Array) -> list[tuple[Array, Array, Array]]:
    """Per k the columns and values of the k-th entries of all rows, and which rows have one."""
    xp, tables = namespace(beside), []
    starts, ends = matrix.indptr[:-1].astype(np.int64), matrix.indptr[1:].astype(np.int64)
    for k in range(int((ends - starts).max(initial=0))):
        present = starts + k < ends
        place = np.where(present, starts + k, 0)
        tables.append((xp.asarray(np.where(present, matrix.indices[place], 0).astype(np.int64)),
                       like(np.where(present, matrix.data[place], 0), beside),
                       None if present.all() else xp.asarray(present)))
    return tables


def in_double(u: Signal) -> Array:
    """u in float64, as SciPy takes it for a matrix in float64."""
    xp = namespace(u)
    return xp.astype(u, xp.float64, copy=False)


def along_first(act: Function, *arrays: Any) -> Array:
    """An action along the last axis, applied along the first one."""
    if arrays[0].ndim == 1:
        return act(*arrays)
    turn = namespace(*arrays).permute_dims
    return turn(act(*(turn(array, (1, 0)) for array in arrays)), (1, 0))
