"""Matrices of any kind as floats, with bounds of the distance to their entries."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import scipy

from stabkit.aliases import Matrix
from stabkit.arithmetic.enclosure import Interval, has_intervals
from stabkit.arithmetic.rational import fraction, fractions
from stabkit.errors import InvalidArgument
from stabkit.operators import Operator
from stabkit.operators.matrices import excerpt

_HALF_UNIT = 2.0**-53


@dataclass(frozen=True)
class Enclosed:
    """A square matrix A: floats C, and R >= |A − C| entry by entry.

    Attributes
    ----------
    floats, radius : csr_array
        C and R; `radius` is None where A = C.
    entries : ndarray of Fraction or Interval, or None
        A itself, if it was given in exact numbers.
    symmetric : bool
        Whether A is known to be symmetric.
    """

    floats: scipy.sparse.csr_array
    radius: scipy.sparse.csr_array | None
    entries: np.ndarray | None
    symmetric: bool

    @property
    def size(self) -> int:
        """The number of rows."""
        return self.floats.shape[0]

    @property
    def spread(self) -> Fraction:
        """A bound of ‖A − C‖: √(‖R‖₁ ‖R‖_∞), rounded up."""
        if self.radius is None:
            return Fraction(0)
        ones = np.ones(self.size)
        roots = np.sqrt([(self.radius @ ones).max(), (self.radius.T @ ones).max()])
        return Fraction(float(roots[0])) * Fraction(float(roots[1])) * (1 + Fraction(1, 2**20))


def enclose(matrix: Matrix) -> Enclosed:
    """Enclose a square matrix: an operator, a Jacobian, sparse or dense, floats or exact.

    Raises
    ------
    InvalidArgument
        If it is not square, or an entry is no finite real number.
    """
    if isinstance(matrix, Operator):
        return _of_operator(matrix)
    if isinstance(matrix, np.ma.MaskedArray):
        raise InvalidArgument("matrix: is a masked array; give its entries with filled(value)")
    if hasattr(matrix, "sparse") or hasattr(matrix, "tocoo"):
        floats = matrix.sparse() if hasattr(matrix, "sparse") else matrix
        return _of_floats(scipy.sparse.csr_array(floats))
    try:
        dense = np.asarray(matrix)
    except ValueError:
        dense = np.empty(0)
    if dense.ndim != 2 or not dense.size:
        raise InvalidArgument("matrix: must have two dimensions, got " + (
            f"shape {dense.shape}" if dense.size else excerpt(matrix)))
    if dense.dtype.kind == "c":
        raise InvalidArgument("matrix: must hold real numbers, got complex ones; spectrum takes "
                              "them, and (Re, -Im; Im, Re) has the same norms and powers")
    if dense.dtype.kind == "f":
        _check_square(dense.shape)
        single = dense.astype(np.float32) if dense.dtype.itemsize < 4 else dense  # for SciPy
        return _of_floats(scipy.sparse.csr_array(single))
    return _of_exact(np.asarray(matrix, dtype=object))


def _check_square(shape: tuple[int, ...]) -> None:
    if shape[0] != shape[1] or not shape[0]:
        raise InvalidArgument(f"matrix: must be square with at least one row, got shape {shape}")


def _of_floats(matrix: scipy.sparse.csr_array) -> Enclosed:
    _check_square(matrix.shape)
    if matrix.dtype.kind not in "fiu":
        raise InvalidArgument(f"matrix: must hold real numbers, got dtype {matrix.dtype}")
    if not matrix.has_canonical_format:
        matrix = matrix.copy()
        matrix.sum_duplicates()
    with np.errstate(over="ignore", under="ignore"):
        floats = matrix.astype(float)
    if not np.isfinite(floats.data).all():
        raise InvalidArgument("matrix: must have finite entries, got NaN or infinity")
    rounded = any(int(near) != entry for near, entry in
                  zip(floats.data.tolist(), matrix.data.tolist(), strict=True)) \
        if matrix.dtype.kind in "iu" and matrix.dtype.itemsize == 8 else \
        bool((floats.data != matrix.data).any())
    return Enclosed(floats, _error_of_rounding(floats) if rounded else None, None,
                    is_symmetric(matrix if rounded else floats))


def is_symmetric(floats: scipy.sparse.csr_array) -> bool:
    """Whether a matrix of floats in canonical form is its own transpose."""
    other = floats.T.tocsr()
    if np.array_equal(other.indptr, floats.indptr) and \
            np.array_equal(other.indices, floats.indices):
        return bool((other.data == floats.data).all())
    return not (floats != other).nnz


def _of_operator(K: Operator) -> Enclosed:
    _check_square(K.shape)
    if not K.is_known or K.spread is not None:
        raise InvalidArgument("matrix: must have known entries, got an operator with open ones")
    floats, other = K.sparse(), K.T
    exact = all(Fraction(float(value)) == value for value in {*K.values})
    symmetric = np.array_equal(K.columns, other.columns) and bool(
        (K.values == other.values).all())
    return Enclosed(floats, None if exact else _error_of_rounding(floats), None, symmetric)


def _of_exact(given: np.ndarray) -> Enclosed:
    _check_square(given.shape)
    if has_intervals(given.flat):
        return _of_intervals(given)
    entries = fractions(given, "matrix")
    stored = scipy.sparse.coo_array(entries != 0).tocsr()  # entries that underflow, too
    floats = scipy.sparse.csr_array(([_near(entry) for entry in entries[entries != 0]],
                                     stored.indices, stored.indptr), shape=entries.shape)
    rounded = any(Fraction(near) != entry for near, entry in
                  zip(floats.data.tolist(), entries[entries != 0], strict=True))
    return Enclosed(floats, _error_of_rounding(floats) if rounded else None, entries,
                    bool((entries == entries.T).all()))


def _near(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        raise InvalidArgument("matrix: has entries beyond the range of floats, above 1e308; scale "
                              "it") from None


def _error_of_rounding(floats: scipy.sparse.csr_array) -> scipy.sparse.csr_array:
    """How far numbers that round to these floats may lie from them, underflow included."""
    radius = abs(floats)
    radius.data = np.nextafter(radius.data * _HALF_UNIT, np.inf)
    return radius


def _of_intervals(given: np.ndarray) -> Enclosed:
    floats, radius = np.zeros(given.shape), np.zeros(given.shape)
    for place, entry in np.ndenumerate(given):
        low, high = ends_of(entry)
        middle = _near((low + high) / 2)
        away = max(high - Fraction(middle), Fraction(middle) - low)
        floats[place], radius[place] = middle, np.nextafter(float(away), np.inf)
    return Enclosed(scipy.sparse.csr_array(floats), scipy.sparse.csr_array(radius), given, False)


def ends_of(entry: Any) -> tuple[Fraction, Fraction]:
    """The ends of an interval; a number twice."""
    if isinstance(entry, Interval):
        if not entry.is_finite:
            raise InvalidArgument(f"matrix: must have finite entries, got {entry}")
        return entry.lower, entry.upper
    return (fraction(entry, "matrix"),) * 2
