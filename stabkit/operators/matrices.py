"""Operators of matrices as they come: of numbers, texts and floats, dense or sparse."""

from __future__ import annotations

from fractions import Fraction
from typing import cast

import numpy as np
import scipy

from stabkit.aliases import Array, Matrix
from stabkit.arithmetic.open_step import Unknown, known
from stabkit.arithmetic.rounding import half_unit, is_rounded, meant_entries, size
from stabkit.errors import InvalidArgument
from stabkit.operators.operator import Operator


def _written(operator: Operator) -> str:
    rows = (" ".join(str(entry) for entry in row) for row in operator.exact())
    return "[" + "; ".join(rows) + "]"


ROUNDINGS = (None, "exact", "snapped", "intervals")


def from_matrix(matrix: Matrix, *, label: str = "K", rounding: str | None = None) -> Operator:
    """Make an operator of a dense or ``scipy.sparse`` matrix; floats are taken exactly.

    Parameters
    ----------
    matrix : array_like or scipy.sparse matrix, shape (M, N)
        Integers, floats, fractions or texts such as ``"1/2"``.
    label : str
        The name in evidence.
    rounding : {None, "exact", "snapped", "intervals"}
        What floats stand for.  ``"exact"``: the doubles themselves; ``"snapped"``: the numbers
        that were meant by them, see ``stabkit.arithmetic.rounding``; ``"intervals"``: every number
        within half a unit in the last place of each float, all of which are decided, which is done
        for ``Linear`` steps; ``None``:
        the doubles, but decided in both ways, which the outcome tells.

    Raises
    ------
    InvalidArgument
        If the matrix is not two-dimensional or an entry is not finite, or for another `rounding`.
    """
    if rounding not in ROUNDINGS:
        raise InvalidArgument(f"rounding: must be one of {', '.join(map(repr, ROUNDINGS))}, "
                              f"got {rounding!r}")
    shape, rows, columns, values = _entries(matrix)
    exact = [known(value, "matrix") for value in values]
    if rounding is None and any(isinstance(value, Unknown) for value in exact):
        exact = _with_sums_meant(shape, rows, columns, exact)
    made = Operator(shape, rows, columns, exact, label=label)
    if shape[0] * shape[1] <= 16:
        made.described(_written(made))
    if rounding == "exact" or not any(map(is_rounded, values)) or not made.is_known:
        return made
    if rounding == "intervals":
        made.spread = Operator(shape, rows, columns, [half_unit(value) for value in values],
                               label=f"{label}_spread")
        return made.described(f"{made!r}, each float within half a unit in its last place")
    snapped = meant_entries(shape, rows, columns, values, cast(list[Fraction], exact))
    if snapped == exact:
        made.half_units = sum(map(half_unit, values), Fraction(0))
        return made
    twin = Operator(shape, rows, columns, snapped, label=label)
    if rounding is None:
        return made.stands_for(twin)
    away = max(abs(a - b) for a, b in zip(snapped, exact, strict=True))
    return twin.described(f"{_written(twin) if made.description else repr(twin)}, floats taken "
                          f"as meant, {size(away)} away at most")


def _with_sums_meant(shape: tuple[int, int], rows: list[int], columns: list[int],
                     exact: list[Array]) -> list[Array]:
    """A matrix whose entries are polynomials in an open step, the sums of its rows as meant.

    A coefficient that is no short number is the double that it was computed as.
    """
    polynomials = [value if isinstance(value, Unknown) else Unknown((value,)) for value in exact]
    over = next(value.over for value in exact if isinstance(value, Unknown))
    length = max(len(p.coefficients) for p in polynomials)
    powers = []
    for k in range(length):
        numbers = [p.coefficients[k] if k < len(p.coefficients) else Fraction(0)
                   for p in polynomials]
        doubles = [float(c) if Fraction(float(c)) == c else c for c in numbers]
        powers.append(meant_entries(shape, rows, columns, doubles, cast(list[Fraction], numbers)))
    return [Unknown(coefficients, over) for coefficients in zip(*powers, strict=True)]


def _entries(matrix: Matrix) -> tuple[tuple[int, int], list[int], list[int], list[Array]]:
    """The shape, and the rows, columns and values of the entries that are not zero."""
    if hasattr(matrix, "tocoo"):  # sparse, told without loading scipy.sparse
        entries = scipy.sparse.coo_array(matrix)
        entries.sum_duplicates()
        return entries.shape, *(place.tolist() for place in entries.coords), list(entries.data)
    kind = getattr(matrix, "dtype", None)
    dense = np.asarray(matrix, dtype=object)
    if dense.ndim != 2 or dense.shape[1] == 0:
        raise InvalidArgument(f"matrix: must have two dimensions, got shape {dense.shape}")
    as_given = np.float32 if kind == np.float32 else (lambda value: value)
    kept = [(*place, as_given(value)) for place, value in np.ndenumerate(dense)
            if isinstance(value, Unknown) or value != 0]
    return dense.shape, [i for i, _, _ in kept], [j for _, j, _ in kept], \
        [value for _, _, value in kept]


def identity(n: int) -> Operator:
    """The identity of ℝⁿ."""
    return Operator((n, n), range(n), range(n), [1] * n, label="Id")
