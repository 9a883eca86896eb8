"""The reflecting gradient of a grid, told from the entries of an operator, for compiled loops."""

from __future__ import annotations

from math import prod
from weakref import WeakKeyDictionary

import numpy as np

from stabkit.operators import Operator

#: Sizes, strides and 1/h of the axes that have edges.
GridForm = tuple[np.ndarray, np.ndarray, np.ndarray]

_known: WeakKeyDictionary[Operator, GridForm | None] = WeakKeyDictionary()


def grid_form(K: Operator) -> GridForm | None:
    """The grid whose gradient K is, entry by entry, or None; found once for each operator."""
    if K not in _known:
        _known[K] = _find_form(K)
    return _known[K]


def _find_form(K: Operator) -> GridForm | None:
    m, n = K.shape
    if m == 0 or not np.array_equal(K.row_of_entry, np.repeat(np.arange(m), 2)):
        return None
    tail, head = K.columns.reshape(m, 2).T
    # Axes follow each other, the slowest first, so their strides fall.
    strides, edges = np.unique(head - tail, return_counts=True)
    strides, edges = strides[::-1], edges[::-1]
    if (edges >= n).any() or (n % (n - edges)).any():
        return None
    sizes = (n // (n - edges)).tolist()
    if strides.tolist() != [prod(sizes[axis + 1:]) for axis in range(len(sizes))] or \
            prod(sizes) != n or not np.array_equal(head - tail, np.repeat(strides, edges)) or \
            not np.array_equal(tail, _tails(sizes)):
        return None
    values = K.values.reshape(m, 2)
    r = values[np.cumsum(edges) - 1, 1]
    if (r <= 0).any() or not (values == np.repeat(r, edges)[:, None] * np.array([-1, 1])).all():
        return None
    return np.array(sizes), strides.astype(np.int64), r.astype(float)


def _tails(sizes: list[int]) -> np.ndarray:
    """Where the edges of a grid begin, one axis after the other."""
    sites = np.arange(prod(sizes)).reshape(sizes)
    return np.concatenate([np.delete(sites, -1, axis).ravel() for axis in range(len(sizes))])
