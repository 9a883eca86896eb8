"""Products of a sparse matrix with arrays of any library, by the names of the standard alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from stabkit.backend import like, namespace


class Gather:
    """The rows of a sparse matrix as tables: one for the first entry of every row, and so on.

    A product takes one gather per table.  Each row is summed in the order of its columns, from
    zero on, like scipy.sparse does it; so the bits are the same.  A row without a k-th entry takes
    nothing from table k, whatever stands in the signal.

    Parameters
    ----------
    matrix : scipy.sparse.csr_array
    beside : array
        Says the library and the dtype.
    """

    def __init__(self, matrix: Any, beside: Any):
        xp = namespace(beside)
        self.shape = matrix.shape
        starts, ends = matrix.indptr[:-1].astype(np.int64), matrix.indptr[1:].astype(np.int64)
        self._tables = []
        for k in range(int((ends - starts).max(initial=0))):
            present = starts + k < ends
            place = np.where(present, starts + k, 0)
            self._tables.append((
                xp.asarray(np.where(present, matrix.indices[place], 0).astype(np.int64)),
                like(np.where(present, matrix.data[place], 0), beside),
                None if present.all() else xp.asarray(present)))

    def along_last(self, u: Any, total: Any = None) -> Any:
        """The product along the last axis of u, added to `total` if that is given."""
        xp = namespace(u)
        if total is None:
            total = xp.zeros((*u.shape[:-1], self.shape[0]), dtype=u.dtype)
        for columns, values, present in self._tables:
            term = values * xp.take(u, columns, axis=-1)
            total = total + (term if present is None else xp.where(present, term, 0.0))
        return total


def gathered(cache: dict[Any, Gather], matrix: Any, beside: Any) -> Gather:
    """The tables of a matrix for the library, dtype and device of `beside`, made once."""
    key = namespace(beside).__name__, str(beside.dtype), str(beside.device)
    if key not in cache:
        cache[key] = Gather(matrix, beside)
    return cache[key]
