"""The two arithmetics of multigrid matrices: sparse float64, and exact rationals.

Hierarchies, smoothers and cycles are written once, with ``@``, ``+``, ``-`` and the few functions
below.  ``FLOAT`` makes ``scipy.sparse.csr_array`` matrices, ``EXACT`` makes :class:`Exact` ones.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import scipy.sparse
import scipy.sparse.linalg
from flint import fmpq, fmpq_mat

from stabkit.backend import is_foreign, namespace
from stabkit.errors import InvalidArgument
from stabkit.rational import fraction, fractions, from_flint, to_flint


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
    __hash__ = None

    def __init__(self, entries: Any):
        self.flint = entries if isinstance(entries, fmpq_mat) else to_flint(entries)

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

    def __matmul__(self, other: Any) -> Any:
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

    def __mul__(self, factor: Any) -> Exact:
        factor = fraction(factor, "factor")
        return Exact(self.flint * fmpq(factor.numerator, factor.denominator))

    __rmul__ = __mul__

    def __neg__(self) -> Exact:
        return -1 * self

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Exact) and self.flint == other.flint

    def __repr__(self) -> str:
        return f"Exact({self.shape[0]}x{self.shape[1]})"


class _Rational:
    """Exact rationals: dense, for identities, error operators and verdicts on small grids."""

    def number(self, value: Any) -> Fraction:
        return fraction(value)

    def vector(self, values: Any, name: str) -> np.ndarray:
        return fractions(values, name)

    def assemble(self, shape, rows, columns, values) -> Exact:
        entries = [[fmpq(0)] * shape[1] for _ in range(shape[0])]
        for i, j, value in zip(rows, columns, values, strict=True):
            value = fraction(value)
            entries[i][j] += fmpq(value.numerator, value.denominator)
        return Exact(fmpq_mat(entries))

    def triples(self, matrix: Exact):
        dense = matrix.to_array()
        rows, columns = np.nonzero(dense)
        return rows, columns, dense[rows, columns]

    def count(self, matrix: Exact) -> int:
        return sum(entry != 0 for entry in matrix.flint.entries())

    def inverse(self, matrix: Exact) -> Exact:
        return matrix.inverse()

    def identity(self, n: int) -> Exact:
        return self.assemble((n, n), range(n), range(n), [1] * n)

    def matrix(self, given: Any, name: str) -> Exact:
        return given if isinstance(given, Exact) else Exact(fractions(given, name))


class _Factorised:
    """The inverse of a sparse matrix, applied by its LU factors.

    Other libraries than NumPy get it as a dense matrix, made of the factors once.
    """

    def __init__(self, matrix):
        self._factors = scipy.sparse.linalg.splu(scipy.sparse.csc_array(matrix))
        self._dense: dict[Any, Any] = {}

    def __matmul__(self, right: Any) -> Any:
        if not is_foreign(right):
            return self._factors.solve(right)
        xp = namespace(right)
        key = xp.__name__, str(right.device)
        if key not in self._dense:
            self._dense[key] = xp.asarray(self._factors.solve(np.eye(self._factors.shape[0])))
        return self._dense[key] @ xp.astype(right, xp.float64, copy=False)


class _Float:
    """Double precision: sparse, for speed."""

    def number(self, value: Any) -> float:
        return float(fraction(value) if isinstance(value, str) else value)

    def vector(self, values: Any, name: str) -> Any:
        xp = namespace(values)
        try:
            vector = xp.astype(values, xp.float64) if is_foreign(values) else \
                np.asarray(values, dtype=np.float64)
        except (TypeError, ValueError):
            raise InvalidArgument(f"{name}: must be an array of real numbers") from None
        if not xp.all(xp.isfinite(vector)):
            raise InvalidArgument(f"{name}: has entries that are not finite; remove NaN and "
                                  "infinity first")
        return vector

    def assemble(self, shape, rows, columns, values):
        values = np.asarray(values, dtype=np.float64)
        return scipy.sparse.coo_array((values, (rows, columns)), shape=shape).tocsr()

    def triples(self, matrix):
        entries = matrix.tocoo()
        return *entries.coords, entries.data

    def count(self, matrix) -> int:
        return matrix.nnz

    def inverse(self, matrix) -> _Factorised:
        try:
            return _Factorised(matrix)
        except RuntimeError:
            raise InvalidArgument("matrix: is singular; give its kernel, or another coarsest "
                                  "solver") from None

    def identity(self, n: int):
        return np.eye(n)

    def matrix(self, given: Any, name: str):
        if not scipy.sparse.issparse(given) and np.ndim(given) != 2:
            raise InvalidArgument(f"{name}: must be a matrix, got {type(given).__name__}")
        matrix = scipy.sparse.csr_array(given, dtype=np.float64)
        if not np.isfinite(matrix.data).all():
            raise InvalidArgument(f"{name}: has entries that are not finite")
        return matrix


FLOAT = _Float()
EXACT = _Rational()


def arithmetic_of(matrix: Any):
    """The arithmetic a matrix belongs to."""
    return EXACT if isinstance(matrix, Exact) else FLOAT


def diagonal(matrix: Any) -> np.ndarray:
    """The diagonal as a vector, in the arithmetic of the matrix."""
    rows, columns, values = arithmetic_of(matrix).triples(matrix)
    found = np.zeros(matrix.shape[0], dtype=values.dtype)
    on = rows == columns
    found[rows[on]] = values[on]
    return found


def diagonal_matrix(values: np.ndarray, arithmetic) -> Any:
    """The matrix with these values on the diagonal."""
    n = len(values)
    return arithmetic.assemble((n, n), np.arange(n), np.arange(n), values)


def to_exact(matrix: Any) -> Exact:
    """A float matrix at its exact values."""
    if isinstance(matrix, Exact):
        return matrix
    return Exact(matrix.toarray() if scipy.sparse.issparse(matrix) else matrix)
