"""Operators from matrices of any kind: numbers, texts or floats, dense, sparse or as products."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, cast

import numpy as np
import scipy

from stabkit.aliases import Array, Matrix
from stabkit.arithmetic.open_step import Unknown, as_number
from stabkit.arithmetic.rounding import half_unit, is_rounded, meaning_of_entries, size
from stabkit.errors import InvalidArgument
from stabkit.operators.linear_map import LinearMap
from stabkit.operators.operator import Operator


def _text_of(operator: Operator) -> str:
    rows = (" ".join(str(entry) for entry in row) for row in operator.exact())
    return "[" + "; ".join(rows) + "]"


_LARGEST = 2**24  # entries of a matrix that is known by its products only
_KNOWN_BY = ("tocoo", "matvec", "__array__", "levels")
_CLOSE = 1e-8     # relatively, of the sum of all products to the product of the sum
ROUNDINGS = (None, "exact", "snapped", "intervals")


def from_matrix(matrix: Matrix, *, label: str = "K", rounding: str | None = None) -> Operator:
    """Make an operator of a dense or ``scipy.sparse`` matrix; floats are taken exactly.

    Parameters
    ----------
    matrix : array_like, scipy.sparse matrix or LinearOperator, shape (M, N)
        Integers, floats, fractions or texts such as ``"1/2"``; anything that NumPy turns into an
        array, such as a frame of pandas.  Of a ``LinearOperator`` the products with all unit
        signals are taken.  An operator is returned as it is.
    label : str
        The name in evidence.
    rounding : {None, "exact", "snapped", "intervals"}
        What floats stand for.  ``"exact"``: the doubles themselves; ``"snapped"``: the numbers
        that were meant by them, see ``stabkit.arithmetic.rounding``; ``"intervals"``: all numbers
        within half a unit in the last place of each float, decided together, for ``Linear`` steps
        only; ``None``: the doubles, but decided in both ways, and the outcome says how.

    Raises
    ------
    InvalidArgument
        If the matrix is not two-dimensional or an entry is not finite, or for another `rounding`.
    """
    if rounding not in ROUNDINGS:
        raise InvalidArgument(f"rounding: must be one of {', '.join(map(repr, ROUNDINGS))}, "
                              f"got {rounding!r}")
    if isinstance(matrix, Operator):
        return matrix
    shape, rows, columns, values = _entries(matrix)
    exact = [as_number(value, "matrix") for value in values]
    if rounding is None and any(isinstance(value, Unknown) for value in exact):
        exact = _mend_sums(shape, rows, columns, exact)
    made = Operator(shape, rows, columns, exact, label=label)
    if shape[0] * shape[1] <= 16:
        made.described(_text_of(made))
    if rounding == "exact" or not any(map(is_rounded, values)) or not made.is_known:
        return made
    if rounding == "intervals":
        made.spread = Operator(shape, rows, columns, [half_unit(value) for value in values],
                               label=f"{label}_spread")
        return made.described(f"{made!r}, each float within half a unit in its last place")
    snapped = meaning_of_entries(shape, rows, columns, values, cast(list[Fraction], exact))
    if snapped == exact:
        made.half_units = sum(map(half_unit, values), Fraction(0))
        return made
    twin = Operator(shape, rows, columns, snapped, label=label)
    if rounding is None:
        return made.stands_for(twin)
    away = max(abs(a - b) for a, b in zip(snapped, exact, strict=True))
    return twin.described(f"{_text_of(twin) if made.description else repr(twin)}, floats taken "
                          f"as meant, {size(away)} away at most")


def _mend_sums(shape: tuple[int, int], rows: list[int], columns: list[int],
               exact: list[Array]) -> list[Array]:
    """A matrix whose entries are polynomials in an open step, the sums of its rows as they were
    meant.  A coefficient that is no short number is the double that was computed.
    """
    polynomials = [value if isinstance(value, Unknown) else Unknown((value,)) for value in exact]
    over = next(value.over for value in exact if isinstance(value, Unknown))
    length = max(len(p.coefficients) for p in polynomials)
    powers = []
    for k in range(length):
        numbers = [p.coefficients[k] if k < len(p.coefficients) else Fraction(0)
                   for p in polynomials]
        doubles = [float(c) if Fraction(float(c)) == c else c for c in numbers]
        powers.append(meaning_of_entries(shape, rows, columns, doubles,
                                         cast(list[Fraction], numbers)))
    return [Unknown(coefficients, over) for coefficients in zip(*powers, strict=True)]


def _entries(matrix: Matrix) -> tuple[tuple[int, int], list[int], list[int], list[Array]]:
    """The shape, and the rows, columns and values of the entries that are not zero."""
    if isinstance(matrix, LinearMap):
        matrix = matrix.exact()
    if hasattr(matrix, "matvec"):
        matrix = of_products(matrix)
    if hasattr(matrix, "tocoo"):  # sparse, seen without loading scipy.sparse
        entries = scipy.sparse.coo_array(matrix)
        entries.sum_duplicates()
        return entries.shape, *(place.tolist() for place in entries.coords), list(entries.data)
    if hasattr(matrix, "levels"):
        raise InvalidArgument("matrix: got a hierarchy; give the matrix of one of its levels, "
                              "levels[0].A, or its cycle, aspreconditioner()")
    if hasattr(matrix, "__array__"):  # a frame of pandas and the like
        matrix = np.asarray(matrix)
    kind = getattr(matrix, "dtype", None)
    dense = np.asarray(matrix, dtype=object)
    if dense.ndim != 2 or dense.shape[1] == 0:
        raise InvalidArgument("matrix: must have two dimensions, got "
                              + (f"shape {dense.shape}" if dense.ndim else excerpt(matrix)))
    as_given = np.float32 if kind == np.float32 else (lambda value: value)
    kept = [(*place, as_given(value)) for place, value in np.ndenumerate(dense)
            if isinstance(value, Unknown) or value != 0]
    return dense.shape, [i for i, _, _ in kept], [j for _, j, _ in kept], \
        [value for _, _, value in kept]


def of_products(product: Any) -> Any:
    """The matrix of a ``LinearOperator``, in floats; the one that it holds, if it does."""
    held = getattr(product, "A", None)
    if held is not None and np.shape(held) == product.shape:
        return held
    m, n = product.shape
    if m * n > _LARGEST:
        raise InvalidArgument(f"matrix: a LinearOperator of shape {product.shape} is known by its "
                              "products only, and all would be too many; give the sparse matrix")
    dense = np.asarray(product @ np.eye(n))
    if dense.dtype.kind == "c":
        raise InvalidArgument("matrix: the LinearOperator gives complex numbers; write the real "
                              "and imaginary parts as two signals")
    u = np.cos(np.arange(n))
    if dense.dtype.kind in "biuf" and not np.abs(product @ u - dense @ u).max(initial=0) <= \
            _CLOSE * np.abs(dense).sum(axis=1).max(initial=1):
        raise InvalidArgument("matrix: the LinearOperator is not linear")
    return dense


def excerpt(value: Any) -> str:
    """A value as a message shows it."""
    return f"{type(value).__name__} {' '.join(f'{value!r:.60}'.split())}"


def as_operator(value: Any, name: str) -> Operator:
    """An operator as it is, or made from a matrix of any kind; `name` is the argument's.

    Raises
    ------
    InvalidArgument
        If it is neither.
    """
    if isinstance(value, Operator):
        return value
    if isinstance(value, (list, tuple)) or any(hasattr(value, known_by) for known_by in _KNOWN_BY):
        try:
            return from_matrix(value)
        except InvalidArgument as reason:
            raise InvalidArgument(name + str(reason).removeprefix("matrix")) from reason
    raise InvalidArgument(f"{name}: must be an Operator or a matrix, got {excerpt(value)}; make "
                          "it with from_matrix")


def identity(n: int) -> Operator:
    """The identity of ℝⁿ."""
    if not isinstance(n, (int, np.integer)) or n < 1:
        raise InvalidArgument(f"n: must be a positive integer, got {excerpt(n)}")
    if n > _LARGEST:
        raise InvalidArgument(f"n: must be at most {_LARGEST}, got {excerpt(n)}")
    return Operator((n, n), range(n), range(n), [1] * n, label="Id")
