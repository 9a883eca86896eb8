"""Matrices of multigrid: sparse ones of float64, and dense ones of exact rationals.

Hierarchies, smoothers and cycles are written once, with ``@``, ``+``, ``-`` and the few functions
below.  The dtype decides: of entries of dtype ``object`` a matrix is :class:`Exact`, of others a
``scipy.sparse.csr_array``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
import scipy.sparse.linalg
from flint import fmpq, fmpq_mat
from numpy.typing import DTypeLike

from stabkit.aliases import Array, Matrix, Operand, Rational, Signal
from stabkit.arithmetic.backend import beside, is_foreign, namespace
from stabkit.arithmetic.flint_rationals import to_fmpq
from stabkit.arithmetic.rational import fraction, fractions, from_flint, to_flint
from stabkit.errors import InvalidArgument


class Exact:
    """A dense matrix of exact rationals.

    ``+``, ``-``, ``@``, ``==``, ``.T`` and multiplication by a rational are exact.  ``A @ u`` takes
    an object array of fractions, shape (n,) or (n, k), or another matrix.

    Parameters
    ----------
    entries : array_like or fmpq_mat, shape (m, n)
        Integers, fractions, texts such as ``"1/2"``, or floats (taken at their exact value).
    """

    __slots__ = ("flint",)
    __array_ufunc__ = None  # let  u @ A  and  c * A  come here instead of NumPy's loops
    __hash__ = None  # type: ignore[assignment]  # so Python says "no hash"
    dtype = np.dtype(object)

    def __init__(self, entries: Any):
        self.flint = entries if isinstance(entries, fmpq_mat) else to_flint(entries)

    @classmethod
    def identity(cls, n: int) -> Exact:
        return cls(np.eye(n, dtype=int))

    def count(self) -> int:
        """The number of entries that are not zero."""
        return sum(entry != 0 for entry in self.flint.entries())

    @property
    def shape(self) -> tuple[int, int]:
        return self.flint.nrows(), self.flint.ncols()

    @property
    def T(self) -> Exact:
        return Exact(self.flint.transpose())

    def inverse(self) -> Exact:
        try:
            return Exact(self.flint.inv())
        except ZeroDivisionError:
            raise InvalidArgument(f"matrix: a {self.shape[0]}x{self.shape[1]} matrix is singular "
                                  "and has no inverse") from None

    def to_array(self) -> np.ndarray:
        """The entries as an object array of fractions."""
        return from_flint(self.flint)

    def __matmul__(self, other: Operand) -> Signal:
        if isinstance(other, Exact):
            self._fits(other.shape[0])
            return Exact(self.flint * other.flint)
        given = np.asarray(other, dtype=object)
        self._fits(len(given))
        product = self.flint * to_flint(given.reshape(len(given), -1))
        return from_flint(product).reshape(self.shape[0], *given.shape[1:])

    def _fits(self, rows: int) -> None:
        if rows != self.shape[1]:
            raise InvalidArgument(f"product: {self.shape} does not fit {rows} rows")

    def __add__(self, other: Exact) -> Exact:
        return Exact(self.flint + other.flint)

    def __sub__(self, other: Exact) -> Exact:
        return Exact(self.flint - other.flint)

    def __mul__(self, factor: Rational) -> Exact:
        factor = fraction(factor, "factor")
        return Exact(self.flint * to_fmpq(factor))

    __rmul__ = __mul__

    def __neg__(self) -> Exact:
        return -1 * self

    def __eq__(self, other: Operand) -> bool:
        return isinstance(other, Exact) and self.flint == other.flint

    def __repr__(self) -> str:
        return f"Exact({self.shape[0]}x{self.shape[1]})"


class _Factorised:
    """The inverse of a sparse matrix, applied by its LU factors.

    Libraries other than NumPy get it as a dense matrix, made from the factors once.
    """

    def __init__(self, matrix, **options):
        self._factors = scipy.sparse.linalg.splu(scipy.sparse.csc_array(matrix), **options)
        self._dense: dict[Any, Any] = {}

    def __matmul__(self, right: Signal) -> Signal:
        if not is_foreign(right):
            return self._factors.solve(right)
        xp = namespace(right)
        key = xp.__name__, str(right.device)
        if key not in self._dense:
            self._dense[key] = xp.asarray(self._factors.solve(np.eye(self._factors.shape[0])))
        return self._dense[key] @ xp.astype(right, xp.float64, copy=False)


class InOrder:
    """The inverse of a block triangular matrix, its blocks in the order of their ranks.

    LU factors in that order fill in within the blocks only.
    """

    def __init__(self, matrix: Matrix, ranks: np.ndarray):
        self._order = np.argsort(ranks, kind="stable")
        self._back = np.argsort(self._order)
        ordered = matrix[self._order][:, self._order]
        try:
            self._solve = _Factorised(ordered, permc_spec="NATURAL", diag_pivot_thresh=0.0,
                                      options={"SymmetricMode": True})
        except RuntimeError:
            raise InvalidArgument("A: has a singular block of unknowns that are smoothed together"
                                  ) from None

    def __matmul__(self, right: Signal) -> Signal:
        xp = namespace(right)
        order, back = (beside(part, right) for part in (self._order, self._back))
        return xp.take(self._solve @ xp.take(right, order, axis=0), back, axis=0)


def is_exact(dtype: DTypeLike) -> bool:
    """Whether a dtype is that of exact numbers, ``object``."""
    return np.dtype(dtype).hasobject


def number(value: Array, dtype: DTypeLike) -> Rational:
    """A rational in a dtype: itself for ``object``, else rounded."""
    if is_exact(dtype):
        return fraction(value)
    return float(fraction(value) if isinstance(value, str) else value)


def vector(values: Array, name: str, dtype: DTypeLike) -> Signal:
    """An array of a dtype, in the library of `values`; entries must be finite."""
    _check_real(values, name)
    if is_exact(dtype):
        return fractions(values, name)
    xp = namespace(values)
    try:
        made = xp.astype(values, xp.float64) if is_foreign(values) else \
            np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidArgument(f"{name}: must be an array of real numbers") from None
    if not xp.all(xp.isfinite(made)):
        raise InvalidArgument(f"{name}: has entries that are not finite; remove NaN and "
                              "infinity first")
    return made


def _check_real(values: Any, name: str) -> None:
    # A mask would be dropped in silence, and so would imaginary parts.
    if isinstance(values, np.ma.MaskedArray):
        raise InvalidArgument(f"{name}: is a masked array, and unknowns cannot be left out; give "
                              f"{name}.filled(value), or the system of the unmasked ones")
    if is_foreign(values):
        is_complex = namespace(values).isdtype(values.dtype, "complex floating")
    else:
        is_complex = np.iscomplexobj(values if hasattr(values, "dtype") else np.asarray(values))
    if is_complex:
        raise InvalidArgument(f"{name}: has complex entries; for a real matrix, solve for real and "
                              "imaginary parts one after the other")


def matrix(given: Any, name: str, dtype: DTypeLike) -> Matrix:
    """A matrix of a dtype, from one in any form; a sparse one is copied, without duplicates."""
    if is_exact(dtype):
        return given if isinstance(given, Exact) else Exact(fractions(given, name))
    if not scipy.sparse.issparse(given):
        given = _dense(given, name)
    _check_real(given, name)
    made = scipy.sparse.csr_array(given, dtype=np.float64, copy=True)
    made.sum_duplicates()
    if not np.isfinite(made.data).all():
        raise InvalidArgument(f"{name}: has entries that are not finite")
    return made


def _dense(given: Any, name: str) -> np.ndarray:
    # With its mask, if it has one, and its imaginary part.
    try:
        made = np.ma.asarray(given) if isinstance(given, np.ma.MaskedArray) else np.asarray(given)
    except ValueError:
        raise InvalidArgument(f"{name}: must be a matrix, with rows of one length") from None
    if made.ndim != 2 or made.dtype.kind not in "biufcO":
        raise InvalidArgument(f"{name}: must be a matrix of numbers, got {type(given).__name__}")
    return made


def assemble(shape: tuple[int, int], rows: Signal, columns: Signal, values: np.ndarray) -> Matrix:
    """The matrix with these entries, which add up where they meet, in their dtype."""
    if not is_exact(values.dtype):
        return scipy.sparse.coo_array((values.astype(np.float64), (rows, columns)),
                                      shape=shape).tocsr()
    entries = [[fmpq(0)] * shape[1] for _ in range(shape[0])]
    for i, j, value in zip(rows, columns, values, strict=True):
        value = fraction(value)
        entries[i][j] += to_fmpq(value)
    return Exact(fmpq_mat(entries))


def triples(matrix: Matrix) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, columns and values of the entries."""
    if isinstance(matrix, Exact):
        dense = matrix.to_array()
        rows, columns = np.nonzero(dense)
        return rows, columns, dense[rows, columns]
    entries = matrix.tocoo()
    return *entries.coords, entries.data


def count(matrix: Matrix) -> int:
    """The number of entries that are not zero, or stored."""
    return matrix.count() if isinstance(matrix, Exact) else matrix.nnz


def inverse(matrix: Matrix) -> Matrix:
    """The inverse of a matrix, to be applied by ``@``."""
    if isinstance(matrix, Exact):
        return matrix.inverse()
    try:
        return _Factorised(matrix)
    except RuntimeError:
        raise InvalidArgument("matrix: is singular; give its kernel, or another coarsest "
                              "solver") from None


def moduli(matrix: Exact) -> np.ndarray:
    """The moduli of the entries, in floats."""
    return abs(matrix.to_array().astype(float))


def identity(n: int, dtype: DTypeLike) -> Matrix:
    """The identity matrix, dense."""
    return Exact.identity(n) if is_exact(dtype) else np.eye(n)


def diagonal(matrix: Matrix) -> np.ndarray:
    """The diagonal as a vector, in the dtype of the matrix."""
    rows, columns, values = triples(matrix)
    found = np.zeros(matrix.shape[0], dtype=values.dtype)
    on = rows == columns
    found[rows[on]] = values[on]
    return found


def diagonal_matrix(values: np.ndarray) -> Matrix:
    """The matrix with these values on the diagonal."""
    n = len(values)
    return assemble((n, n), np.arange(n), np.arange(n), values)


def to_exact(matrix: Matrix) -> Exact:
    """A float matrix at its exact values."""
    if isinstance(matrix, Exact):
        return matrix
    return Exact(matrix.toarray() if scipy.sparse.issparse(matrix) else matrix)
