"""The reflecting gradient of a grid, told from the entries of an operator, for compiled loops."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import prod
from weakref import WeakKeyDictionary

import numpy as np

from stabkit.operators import Operator, tangential_differences
from stabkit.operators.row_blocks import numbered_values

#: Sizes, strides and 1/h of the axes that have edges.
GridForm = tuple[np.ndarray, np.ndarray, np.ndarray]
_Axes = tuple[list[int], list[Fraction]]  # sizes and 1/h

_known: WeakKeyDictionary[Operator, _Axes | None] = WeakKeyDictionary()


def grid_form(K: Operator) -> GridForm | None:
    """The grid whose gradient K is, entry by entry, or None; found once for each operator."""
    axes = _axes(K)
    if axes is None:
        return None
    sizes, r = axes
    strides = [prod(sizes[axis + 1:]) for axis in range(len(sizes))]
    return np.array(sizes), np.array(strides), np.array(r, dtype=float)


def edges(grid: GridForm) -> tuple[int, ...]:
    """The number of edges along each axis."""
    sites = int(np.prod(grid[0]))
    return tuple(sites // int(size) * (int(size) - 1) for size in grid[0])


def are_across(K: Operator, across: Sequence[Operator]) -> bool:
    """Whether K is the gradient of a grid and the others its tangential differences."""
    axes = _axes(K)
    if axes is None or len(axes[0]) != len(across) + 1:
        return False
    sizes, r = axes
    made = tangential_differences(sizes, [1 / each for each in r])
    return all(map(_are_equal, made, across))


def _are_equal(A: Operator, B: Operator) -> bool:
    """Whether two operators store the same entries."""
    if A.shape != B.shape or not np.array_equal(A.columns, B.columns) or \
            not np.array_equal(A.row_of_entry, B.row_of_entry):
        return False
    (codes, numbers), (others, same) = numbered_values(A), numbered_values(B)
    place = {value: i for i, value in enumerate(numbers)}
    renamed = np.array([place.get(value, -1) for value in same], dtype=np.int64)
    return np.array_equal(codes, renamed[others])


def _axes(K: Operator) -> _Axes | None:
    if K not in _known:
        _known[K] = _find_axes(K)
    return _known[K]


def _find_axes(K: Operator) -> _Axes | None:
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
    codes, numbers = numbered_values(K)
    codes = codes.reshape(m, 2)
    last = codes[np.cumsum(edges) - 1]  # of one edge of each axis, which all others must be like
    if not np.array_equal(codes, np.repeat(last, edges, axis=0)):
        return None
    r = [numbers[high] for _, high in last.tolist()]
    if min(r) <= 0 or [numbers[low] for low, _ in last.tolist()] != [-high for high in r]:
        return None
    return sizes, r


def _tails(sizes: list[int]) -> np.ndarray:
    """Where the edges of a grid begin, one axis after the other."""
    sites = np.arange(prod(sizes)).reshape(sizes)
    return np.concatenate([np.delete(sites, -1, axis).ravel() for axis in range(len(sizes))])
