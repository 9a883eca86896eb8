"""Compiled twins of the sparse smoothers; importing this module loads Numba."""

from __future__ import annotations

from typing import Any

import numpy as np

from stabkit.backend import is_foreign, namespace
from stabkit.errors import InvalidArgument
from stabkit.kernels.multigrid import sor_sweep
from stabkit.multigrid.portable import StagedSOR, doubled


class SparseSOR:
    """One SOR sweep on a CSR matrix, in place on a copy of u; in stages on other libraries.

    Parameters
    ----------
    A : scipy.sparse.csr_array, shape (n, n)
    omega : float
    ranks : ndarray of int, shape (n,)
        Place of each unknown in the sweep.
    """

    def __init__(self, A: Any, omega: float, ranks: np.ndarray):
        if not (A.diagonal() != 0).all():
            raise InvalidArgument("A: has a zero on its diagonal; pointwise smoothers need none")
        # Unsigned indices spare the compiled loop Python's negative indexing.
        self._matrix = (A.indptr.astype(np.uint32), A.indices.astype(np.uint32), A.data)
        self._order = np.argsort(ranks, kind="stable").astype(np.uint32)
        self._omega = omega
        self._given = A, omega, ranks
        self._staged: dict[Any, StagedSOR] = {}

    def __call__(self, u: Any, b: Any) -> Any:
        if is_foreign(u):
            u, b = doubled(u), doubled(b)
            return self._beside(u)(u, b)
        updated = np.array(u, dtype=np.float64, order="F")
        columns = updated.reshape(len(updated), -1, order="F")
        right = np.asarray(b, dtype=np.float64).reshape(columns.shape)
        for k in range(columns.shape[1]):
            sor_sweep(*self._matrix, self._order, self._omega, columns[:, k],
                      np.ascontiguousarray(right[:, k]))
        return updated

    def _beside(self, u: Any) -> StagedSOR:
        key = namespace(u).__name__, str(u.dtype), str(u.device)
        if key not in self._staged:
            self._staged[key] = StagedSOR(*self._given, u)
        return self._staged[key]
