"""Exact linear algebra over the rationals: what decides a matrix inequality.

Matrices come as object arrays (or nested lists) of fractions; the work is done in FLINT.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat

from stabkit.aliases import Array, Matrix, Operand, Scalar
from stabkit.arithmetic.backend import is_foreign
from stabkit.arithmetic.flint_rationals import from_fmpq, to_fmpq
from stabkit.errors import InvalidArgument, Undecided
from stabkit.time_limit import time_is_over

_FEW = 12    # rows of a matrix that is eliminated at once
_QUICK = 48  # rows of one that is eliminated on any clock
_CLEAR = 2.0**-40  # relative, and per row: a smallest eigenvalue that floats tell from 0
_BITS = 48   # of the numbers that floats suggest


def integer(value: Any, name: str, least: int = 0) -> int:
    """Check an integer argument, which may be NumPy's but no truth value, and return it."""
    try:
        whole = None if isinstance(value, (bool, np.bool_)) else operator.index(value)
    except TypeError:
        whole = None
    if whole is None or whole < least:
        raise InvalidArgument(f"{name}: must be an integer >= {least}, got {value!r}")
    return whole


class Constant(Fraction):
    """A rational that adapts to the arrays it meets: exact beside exact entries, rounded to the
    dtype beside floats.  (A plain fraction would turn a float array into an object array.)
    """

    @property
    def meant(self) -> Constant:
        """The number whose rounding it is, if it came from a float; else itself."""
        return self.__dict__.get("_meant", self)

    def note_meaning(self, number: Fraction) -> Constant:
        """Note which number was meant; return it."""
        if number != self:
            self.__dict__["_meant"] = Constant(number)
        return self

    def __mul__(self, other):
        return _beside(self, other, Fraction.__mul__)

    __rmul__ = __mul__

    def __truediv__(self, other):
        return _beside(self, other, Fraction.__truediv__)

    def __add__(self, other):
        return _beside(self, other, Fraction.__add__)

    __radd__ = __add__

    def __sub__(self, other):
        result = Fraction.__sub__(self, other)
        return float(self) - other if result is NotImplemented and is_foreign(other) else result

    def __rsub__(self, other):
        return -self + other

    def __rtruediv__(self, other):
        return Constant(1 / Fraction(self)) * other

    def __pow__(self, exponent):
        power = Fraction.__pow__(self, exponent)
        return Constant(power) if isinstance(power, Fraction) else power

    def __neg__(self):
        return Constant(Fraction.__neg__(self)).note_meaning(Fraction.__neg__(self.meant))

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        dtypes = {part.dtype for part in inputs
                  if isinstance(part, (np.ndarray, np.generic)) and part.dtype.kind == "f"}
        kind = np.result_type(*dtypes) if dtypes else None
        inputs = tuple(part._as(kind) if isinstance(part, Constant) else part for part in inputs)
        return getattr(ufunc, method)(*inputs, **kwargs)

    def _as(self, dtype: np.dtype | None) -> Scalar:
        """The constant rounded to a dtype, or exact as an object array of no dimensions."""
        forms: dict[Any, Any] = self.__dict__
        if dtype not in forms:
            forms[dtype] = np.asarray(Fraction(self), dtype=object) if dtype is None else \
                dtype.type(self)
        return forms[dtype]


def _beside(constant: Constant, other: Operand, operation: Operand) -> Scalar:
    if type(other) is np.ndarray:  # a shortcut: Python would get there in four steps
        exact = other.dtype.kind != "f"
        return _UFUNC[operation](constant._as(None if exact else other.dtype), other)
    result = operation(constant, other)
    if isinstance(other, (int, Fraction)):
        return Constant(result)
    if result is NotImplemented and is_foreign(other):
        return _FLOAT[operation](float(constant), other)
    return result


_UFUNC = {Fraction.__mul__: np.multiply, Fraction.__truediv__: np.divide,
          Fraction.__add__: np.add}
_FLOAT = {Fraction.__mul__: operator.mul, Fraction.__truediv__: operator.truediv,
          Fraction.__add__: operator.add}


def quotient(above: Scalar, below: Scalar) -> Scalar:
    """above/below, exactly also for two integers, of which Python makes a float."""
    whole = isinstance(above, int) and isinstance(below, int)
    return Constant(above, below) if whole else above / below


def power(base: Scalar, exponent: int) -> Scalar:
    """base**exponent, exactly also for integers with a negative exponent."""
    return Constant(base) ** exponent if isinstance(base, int) and exponent < 0 else base**exponent


def fraction(value: Scalar, name: str = "value") -> Fraction:
    """The exact rational value of a number, or of a text such as ``"-3/4"``.

    Raises
    ------
    InvalidArgument
        If `value` is not a finite rational number; `name` says which argument it was.
    """
    try:
        return Fraction(value.item() if isinstance(value, np.generic) else value)
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        said = " ".join(f"{value!r:.200}".split())  # an array has several lines
        raise InvalidArgument(f"{name}: must be a finite rational number, got {said}") from None


def fractions(values: Array, name: str = "values") -> np.ndarray:
    """An object array of fractions with the shape of `values`."""
    given = np.asarray(values, dtype=object)
    exact = np.empty(given.shape, dtype=object)
    for index, value in np.ndenumerate(given):
        exact[index] = value if type(value) is Fraction else fraction(value, name)
    return exact


def doubles(exact: np.ndarray, name: str) -> np.ndarray:
    """An array of fractions as doubles; the argument `name` is refused where none holds one."""
    try:
        return exact.astype(float)
    except OverflowError:
        raise InvalidArgument(f"{name}: must be at most 1e308") from None


def to_flint(matrix: Matrix) -> fmpq_mat:
    """A rational matrix as FLINT's type."""
    rows = [[to_fmpq(entry) for entry in row]
            for row in fractions(matrix)]
    return fmpq_mat(rows) if rows and rows[0] else fmpq_mat(len(rows), 0)


def from_flint(matrix: fmpq_mat) -> np.ndarray:
    """FLINT's rational matrix as an object array of fractions."""
    exact = np.empty((matrix.nrows(), matrix.ncols()), dtype=object)
    for index in np.ndindex(exact.shape):
        entry = matrix[index]
        exact[index] = from_fmpq(entry)
    return exact


def interpolate(nodes: Sequence[int], values: Sequence[Sequence[fmpq]]) -> fmpq_mat:
    """The coefficients of polynomials, one a column from the constant on, by values at nodes.

    Parameters
    ----------
    nodes : sequence of int, length n
        All different; the polynomials have a degree below n.
    values : n rows
        Of each polynomial the value at the node.
    """
    powers = fmpq_mat([[fmpq(node)**k for k in range(len(nodes))] for node in nodes])
    return powers.solve(fmpq_mat(values))


def is_psd(matrix: Matrix) -> bool:
    """Decide whether a symmetric rational matrix is positive semidefinite.

    Of larger ones floats suggest an exact proof, either way.  Where they do not, by LDLᵀ: a zero
    pivot is allowed only if the rest of its row is zero; then the elimination is exact and the
    signs of the pivots decide (Sylvester's law of inertia).

    Raises
    ------
    Undecided
        Where the time is over before a larger matrix is eliminated.
    """
    exact = fractions(matrix)
    if len(exact) <= _FEW or exact.shape != exact.T.shape or (exact != exact.T).any():
        return _eliminate(exact)[1] is None
    found = _sign_by_floats(exact)
    return _eliminate(exact)[1] is None if found is None else found


def _sign_by_floats(exact: np.ndarray) -> bool | None:
    """Whether a symmetric S is positive semidefinite, where it is clearly so, or clearly not.

    Clearly not: x'Sx < 0 for a vector of integers.  Clearly: S = L L' + R for a matrix L of short
    binary fractions, and R has no diagonal entry below the sum of the others in its row.
    """
    diagonal = np.diag(exact)
    if not (diagonal > 0).all():
        return False if (diagonal < 0).any() else None
    scale = [Fraction(2) ** ((x.denominator.bit_length() - x.numerator.bit_length()) // 2)
             for x in diagonal]
    unit = to_flint(np.diag(np.array(scale, dtype=object)))
    scaled = unit * to_flint(exact) * unit
    try:
        near = from_flint(scaled).astype(float)
        values, vectors = np.linalg.eigh(near)
        clear = _CLEAR * len(near) * max(abs(values[0]), values[-1])
        if values[0] < -clear:
            x = to_flint(_binary(vectors[:, :1]))
            return False if (x.transpose() * scaled * x)[0, 0] < 0 else None
        if not values[0] > clear:
            return None
        root = to_flint(_binary(np.linalg.cholesky(near - values[0] / 2 * np.eye(len(near)))))
    except (OverflowError, np.linalg.LinAlgError):
        return None
    rest = (scaled - root * root.transpose()).tolist()
    return True if all(2 * row[i] >= sum(map(abs, row)) for i, row in enumerate(rest)) else None


def _binary(values: np.ndarray) -> np.ndarray:
    """Numbers of size about 1 as fractions of few bits."""
    return np.array([[Fraction(round(x * 2**_BITS), 2**_BITS) for x in row]
                     for row in values.tolist()], dtype=object)


def negative_direction(matrix: Matrix) -> np.ndarray | None:
    """A vector x with xᵀS x < 0 for a symmetric rational matrix S, or None if there is none.

    It is 0 in rows that the elimination did not reach, and S x is 0 in those that it did.

    Raises
    ------
    Undecided
        As :func:`is_psd`.
    """
    done, last = _eliminate(matrix)
    if last is None:
        return None
    exact = fractions(matrix)
    x = np.full(len(exact), Fraction(0), dtype=object)
    x[list(last)] = list(last.values())
    if done:
        x[done] = solve(exact[np.ix_(done, done)], -(exact[done] @ x))
    return x


def _eliminate(matrix: Matrix) -> tuple[list[int], dict[int, Fraction] | None]:
    """The rows with positive pivots; and a vector on which the rest is negative, or None."""
    a = to_flint(matrix).tolist()
    n = len(a)
    if any(len(row) != n or a[i][j] != a[j][i] for i, row in enumerate(a) for j in range(i)
           if len(row) == n) or any(len(row) != n for row in a):
        raise InvalidArgument("matrix: must be symmetric to be tested for semidefiniteness")
    done: list[int] = []
    for k in range(n):
        if n > _QUICK and time_is_over():
            raise Undecided(f"the time is over after {k} of {n} pivots")
        pivot = a[k][k]
        below = [i for i in range(k + 1, n) if a[i][k] != 0]
        if pivot < 0:
            return done, {k: Fraction(1)}
        if pivot == 0 and below:  # 2 t a + b = -1
            j = below[0]
            t = -(a[j][j] + 1) / (2 * a[j][k])
            return done, {k: from_fmpq(t), j: Fraction(1)}
        if pivot == 0:
            continue
        done.append(k)
        for count, i in enumerate(below, 1):  # below the diagonal, as above it the same would stand
            factor = a[i][k] / pivot
            for j in below[:count]:
                a[i][j] -= factor * a[j][k]
    return done, None


def is_totally_nonnegative(matrix: Matrix) -> bool:
    """Decide by all minors whether a small rational matrix (n <= 8) is totally nonnegative."""
    exact = to_flint(matrix)
    rows, columns = exact.nrows(), exact.ncols()
    if max(rows, columns) > 8:
        raise InvalidArgument(f"matrix: all minors are taken up to size 8, got {rows}x{columns}")
    entries = exact.tolist()
    return all(
        fmpq_mat([[entries[i][j] for j in chosen] for i in picked]).det() >= 0
        for size in range(1, min(rows, columns) + 1)
        for picked in combinations(range(rows), size)
        for chosen in combinations(range(columns), size))


def determinant(matrix: Matrix) -> Fraction:
    """The exact determinant."""
    return from_fmpq(to_flint(matrix).det())


def rank(matrix: Matrix) -> int:
    """The exact rank."""
    return int(to_flint(matrix).rref()[1])


def solve(matrix: Matrix, right: Operand) -> np.ndarray:
    """Solve a nonsingular rational system exactly; `right` has shape (n,) or (n, k)."""
    right = fractions(right)
    columns = right.reshape(len(right), -1)
    try:
        solution = to_flint(matrix).solve(to_flint(columns))
    except ZeroDivisionError:
        raise InvalidArgument("matrix: must be nonsingular to be solved with") from None
    return from_flint(solution).reshape(right.shape)
