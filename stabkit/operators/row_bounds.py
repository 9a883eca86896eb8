"""Exact bounds from the rows of an operator, at the cost of its entries: no product is formed."""

from __future__ import annotations

from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np

from stabkit.operators.operator import Operator

_ROOM = 2**62


def gram_bound(K: Operator) -> Fraction:
    """The largest row sum of |K|ᵀ|K|, which is at least ‖K‖²."""
    sizes, d = _integers(K)
    sizes = abs(sizes)
    rows = _sums(K.row_of_entry, sizes, K.shape[0])
    return Fraction(int(_sums(K.columns, sizes * rows[K.row_of_entry], K.shape[1]).max()), d * d)


def column_squares(K: Operator) -> Fraction:
    """The largest sum of squares in a column: the largest entry on the diagonal of KᵀK."""
    values, d = _integers(K)
    return Fraction(int(_sums(K.columns, values * values, K.shape[1]).max()), d * d)


def _integers(K: Operator) -> tuple[np.ndarray, int]:
    """The entries over a common denominator: machine integers where no sum can overflow."""
    d = lcm(*(value.denominator for value in K._palette.tolist()), 1)
    table = [int(value * d) for value in K._palette.tolist()]
    most = max(map(abs, table), default=0) ** 2 * (K.columns.size + 1) ** 2
    kind: Any = np.int64 if most < _ROOM else object
    return np.array(table, dtype=kind)[K._code], d


def _sums(places: np.ndarray, amounts: np.ndarray, count: int) -> np.ndarray:
    total = np.zeros(count, dtype=amounts.dtype)
    np.add.at(total, places, amounts)
    return total
