"""What several rooms of the benchmark start from."""

from __future__ import annotations

import numpy as np
import scipy.sparse

from stabkit.codes import FluxCode

CODE = {code.name.lower(): code for code in FluxCode}
SHAPE, TAU = (1.0, 0.0), 0.2


def rng(seed: int = 0) -> np.random.Generator:
    """A generator by its seed."""
    return np.random.default_rng(seed)


def difference(n, order=1):
    """The difference of some order, reflecting, in CSR."""
    matrix = scipy.sparse.eye_array(n, format="csr")
    for _ in range(order):
        m = matrix.shape[0]
        step = scipy.sparse.diags_array([-np.ones(m - 1), np.ones(m - 1)], offsets=[0, 1],
                                        shape=(m - 1, m))
        matrix = (step @ matrix).tocsr()
    matrix.sort_indices()
    return matrix


def adjoint(matrix):
    """The transpose in CSR."""
    turned = matrix.T.tocsr()
    turned.sort_indices()
    return turned


def compressed(matrix):
    """A matrix as the kernels take it."""
    return tuple(part for m in (matrix, adjoint(matrix))
                 for part in (m.indptr.astype(np.uint32), m.indices.astype(np.uint32), m.data))


def stepped(kernel, u, *arguments):
    """What a kernel that works in place makes of a copy of u."""
    v = u.copy()
    kernel(v, *arguments)
    return v
