"""Linear maps with exact rational entries."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import cached_property, reduce
from itertools import pairwise
from math import lcm
from operator import add, attrgetter, matmul, mul
from typing import Any

import numpy as np
import scipy

from stabkit.aliases import Array, Operand, Rational, Record
from stabkit.arithmetic.backend import is_foreign
from stabkit.arithmetic.enclosure import Interval
from stabkit.arithmetic.linearised import Linearised
from stabkit.arithmetic.open_step import Unknown, as_number
from stabkit.arithmetic.rational import Constant, fractions
from stabkit.arithmetic.rounding import is_rounded, meaning
from stabkit.arithmetic.transcript import Term
from stabkit.errors import InvalidArgument
from stabkit.operators.linear_map import LinearMap
from stabkit.operators.row_blocks import as_evidence
from stabkit.operators.sparse import Portable, portable

_SMALL = 2**31
_MANY = 500  # entries from which on scipy.sparse does the product
_RATIONALS = {Fraction, Constant}
_SHORT = 64  # fractions, up to which signals are brought to one denominator
_DIGITS = 4096  # longer ones too, if it has no more bits than this


class Operator(LinearMap):
    """A linear map ℝᴺ → ℝᴹ, stored as sparse rows of exact rationals.

    ``K @ u`` applies it along the last axis of `u`: floats by sparse products, in the library that
    `u` belongs to, fractions and intervals exactly.  ``K.T`` is the exact adjoint; ``K1 @ K2``,
    ``K1 + K2`` and ``c * K`` are exact again.

    Parameters
    ----------
    shape : (int, int)
        M and N.
    rows, columns : array_like of int
        Places of the entries; entries at one place add up.
    values : iterable of rational
        The entries, in the same order.
    label : str
        The name in evidence.
    norm_squared_formula : callable, optional
        Returns an Interval with ‖K‖², at the current precision, where a formula is known.

    Attributes
    ----------
    spread : Operator or None
        How far each entry may lie from the one that is stored, where entries are intervals.
    half_units : Fraction
        The sum of half a unit in the last place of every float that stands for no other number.
    """
    half_units = Fraction(0)
    spread: Operator | None = None

    def __init__(self, shape: tuple[int, int], rows: Any, columns: Any, values: Iterable[Array],
                 *, label: str = "K", norm_squared_formula: Callable[[], Interval] | None = None):
        values = [v if type(v) is Fraction else as_number(v, "values") for v in values]
        palette = _Palette()  # few values repeat often, so a million rows stay small
        code = np.array([palette.code(value) for value in values], dtype=np.int64)
        self._set(shape, rows, columns, code, palette.values, label, norm_squared_formula)

    @classmethod
    def _of_codes(cls, shape, rows, columns, code, palette, *, label="K",
                  norm_squared_formula=None):
        made = object.__new__(cls)
        made._set(shape, rows, columns, np.asarray(code, dtype=np.int64), palette, label,
                  norm_squared_formula)
        return made

    def _set(self, shape: tuple[int, int], rows: Any, columns: Any, code: np.ndarray, palette: Any,
             label: str, formula: Callable[[], Interval] | None) -> None:
        m, n = (int(size) for size in shape)
        if m < 0 or n < 1:
            raise InvalidArgument(f"shape: must be (M >= 0, N >= 1), got {shape}")
        rows, columns = np.asarray(rows, dtype=np.int64), np.asarray(columns, dtype=np.int64)
        if not rows.shape == columns.shape == code.shape:
            raise InvalidArgument("rows, columns, values: must have one length, got "
                                  f"{rows.size}, {columns.size} and {code.size}")
        if rows.size and (rows.min() < 0 or rows.max() >= m or columns.min() < 0
                          or columns.max() >= n):
            raise InvalidArgument(f"rows, columns: an entry lies outside shape {shape}")
        key = rows * n + columns
        order = np.argsort(key, kind="stable")
        key, code = key[order], code[order]
        if np.any(key[1:] == key[:-1]):
            key, code, palette = _add_up(key, code, palette)
        self.shape = (m, n)
        self._columns = key % n
        self._starts = np.searchsorted(key // n, np.arange(m + 1))
        self._code = code
        self._palette = np.empty(len(palette), dtype=object)
        self._palette[:] = palette
        self.label, self.description = label, ""
        self.norm_squared_formula = formula
        self._twin: tuple[Callable[..., Operator], tuple] | None = None

    # -- views ---------------------------------------------------------------------------------
    @cached_property
    def row_of_entry(self) -> np.ndarray:
        """The row number of each stored entry."""
        return np.repeat(np.arange(self.shape[0]), np.diff(self._starts))

    @property
    def values(self) -> np.ndarray:
        """The stored entries, row by row, as fractions."""
        return self._palette[self._code]

    @property
    def columns(self) -> np.ndarray:
        """The column number of each stored entry."""
        return self._columns

    @cached_property
    def rows(self) -> list[list[tuple[int, Fraction]]]:
        """Per row the pairs (column, entry)."""
        values, columns = self.values, self._columns.tolist()
        ends = self._starts.tolist()
        return [list(zip(columns[a:b], values[a:b], strict=True))
                for a, b in pairwise(ends)]

    @cached_property
    def _sparse(self) -> Record:
        return {}

    def sparse(self, dtype: Any = np.float64):
        """The entries rounded to `dtype`, as a ``scipy.sparse.csr_array``."""
        dtype = np.dtype(dtype)
        if dtype.str not in self._sparse:
            values = self._palette.astype(dtype)[self._code] if self._code.size else \
                np.zeros(0, dtype)
            self._sparse[dtype.str] = scipy.sparse.csr_array(
                (values, self._columns.astype(np.int32), self._starts.astype(np.int32)),
                shape=self.shape)
        return self._sparse[dtype.str]

    @cached_property
    def _portable(self) -> Portable:
        return portable(self.sparse())

    __array_ufunc__ = None  # NumPy's numbers leave the product to the operator

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """The dense matrix in floats, or of fractions if objects are wanted."""
        if dtype is not None and np.dtype(dtype) == object:
            return self.exact()
        return self.sparse(np.float64 if dtype is None else dtype).toarray()

    def exact(self) -> np.ndarray:
        """The dense matrix as an object array of fractions, shape (M, N)."""
        dense = np.full(self.shape, Fraction(0), dtype=object)
        dense[self.row_of_entry, self._columns] = self.values
        return dense

    @cached_property
    def T(self) -> Operator:
        """The exact adjoint."""
        adjoint = Operator._of_codes((self.shape[1], self.shape[0]), self._columns,
                                     self.row_of_entry, self._code, list(self._palette),
                                     label=f"{self.label}.T",
                                     norm_squared_formula=self.norm_squared_formula)
        adjoint.__dict__["T"] = self
        adjoint.spread = self.spread and self.spread.T
        return adjoint._note_parts(attrgetter("T"), self)

    def described(self, text: str) -> Operator:
        """Set what the operator is called in tables; return it."""
        self.description = text
        return self

    def __repr__(self) -> str:
        return self.description or f"{self.label} ({self.shape[0]}x{self.shape[1]})"

    def meant(self) -> Operator:
        """The operator with the numbers that its floats were meant to be; itself without floats.

        See ``stabkit.arithmetic.rounding``.  What is made from an operator is meant likewise.
        """
        if self._twin is None:
            return self
        twin = self.__dict__.get("_meant")
        if twin is None:
            combine, parts = self._twin
            twin = self.__dict__["_meant"] = combine(*(
                part.meant() if isinstance(part, Operator) else part for part in parts))
            twin.label = self.label
        return twin

    def stands_for(self, twin: Operator) -> Operator:
        """Set which operator was meant by this one; return this one."""
        self._twin = _itself, (twin,)
        return self

    def _note_parts(self, combine: Callable[..., Operator], *parts: Array) -> Operator:
        # Note how it was made, if one of the parts was meant otherwise.
        if any(isinstance(part, Operator) and part._twin is not None for part in parts):
            self._twin = combine, parts
        return self

    # -- algebra -------------------------------------------------------------------------------
    def __matmul__(self, other: Operand) -> Array:
        if isinstance(other, Operator):
            return _product(self, other)
        if isinstance(other, Term):
            return self._term(other.log) @ other
        if isinstance(other, Linearised):
            return other.image_under(self @ other.value, self)
        u = other if isinstance(other, np.ndarray) or is_foreign(other) else np.asarray(other)
        if u.ndim == 0 or u.shape[-1] != self.shape[1]:
            raise InvalidArgument(f"u: {self.label} maps signals of length {self.shape[1]}, "
                                  f"got shape {u.shape}")
        if not isinstance(u, np.ndarray):
            return self._portable.along_last(u)
        if u.dtype.kind in "OU":
            return self._apply_exactly(fractions(u, "u") if u.dtype.kind == "U" else u)
        matrix = self.sparse(np.float32 if u.dtype == np.float32 else np.float64)
        flat = u.reshape(-1, self.shape[1])
        return (matrix @ flat.T).T.reshape(*u.shape[:-1], self.shape[0])

    def _apply_exactly(self, u: np.ndarray) -> np.ndarray:
        out = np.empty((*u.shape[:-1], self.shape[0]), dtype=object)
        for index in np.ndindex(u.shape[:-1]):
            out[index] = self._image(u[index].tolist())
        return out

    def _image(self, u: list) -> list:
        """K u for one exact signal."""
        if self.is_known and _RATIONALS.issuperset(map(type, u)) and (
                len(u) <= _SHORT or _are_short([*self._palette, *u])):
            # Sums of fractions take a gcd per term, sums of integers one at the end.
            rows, d = self._integer_rows
            e = lcm(*(entry.denominator for entry in u))
            n = [entry.numerator * (e // entry.denominator) for entry in u]
            return [Fraction(sum(value * n[j] for j, value in row), d * e) for row in rows]
        return [_total([u[j] if unit > 0 else -u[j] if unit else u[j] * value
                        for j, value, unit in row]) for row in self._marked_rows]

    @cached_property
    def is_known(self) -> bool:
        """Whether no entry depends on a step that is left open."""
        return not any(isinstance(value, Unknown) for value in self._palette)

    @cached_property
    def _marked_rows(self) -> list[list[tuple[int, Fraction, int]]]:
        # Per entry also 1 or -1 if it is that, else 0.
        units = {Fraction(1): 1, Fraction(-1): -1}
        return [[(j, value, 0 if isinstance(value, Unknown) else units.get(value, 0))
                 for j, value in row] for row in self.rows]

    @cached_property
    def _integer_rows(self) -> tuple[list[list[tuple[int, int]]], int]:
        # d K, with the common denominator d of the entries, and d.
        d = lcm(*(value.denominator for value in self._palette.tolist()))
        return [[(j, int(value * d)) for j, value in row] for row in self.rows], d

    def _term(self, log) -> Term:
        adjoint = self.__dict__.get("T")
        if adjoint is not None and self.label.endswith(".T"):
            return Term(log, f"{adjoint._term(log).text}.T")
        return log.give_once(self, self.label,
                             lambda: self.exact() if log.entrywise else as_evidence(self))

    def __add__(self, other: Operator) -> Operator:
        if not isinstance(other, Operator):
            return NotImplemented
        if self.shape != other.shape:
            raise InvalidArgument(f"sum: shapes {self.shape} and {other.shape} differ")
        made = Operator(self.shape, np.concatenate([self.row_of_entry, other.row_of_entry]),
                        np.concatenate([self._columns, other._columns]),
                        [*self.values, *other.values], label=_name(self.label))
        spreads = [part.spread for part in (self, other) if part.spread is not None]
        made.spread = reduce(add, spreads) if spreads else None
        return made._note_parts(add, self, other)

    def __mul__(self, factor: Rational) -> Operator:
        near = meaning(factor) if is_rounded(factor) else None
        factor = as_number(factor, "factor")
        formula = self.norm_squared_formula
        scaled = None if formula is None or isinstance(factor, Unknown) else \
            (lambda: factor**2 * formula())
        made = Operator._of_codes(self.shape, self.row_of_entry, self._columns, self._code,
                                  [factor * value for value in self._palette],
                                  label=_name(self.label), norm_squared_formula=scaled)
        made.spread = self.spread and abs(factor) * self.spread
        if near is not None and near != factor:
            made._twin = mul, (self, near)
        return made._note_parts(mul, self, factor if near is None else near)

    __rmul__ = __mul__

    def __neg__(self) -> Operator:
        return -1 * self

    def __sub__(self, other: Operator) -> Operator:
        return self + (-1) * other


def _are_short(numbers: list) -> bool:
    d = 1
    return all((d := lcm(d, x.denominator)).bit_length() <= _DIGITS for x in numbers)


def _itself(K: Operator) -> Operator:
    return K


class _Palette:
    """The different values of entries, each once, numbered from 0 on."""

    def __init__(self) -> None:
        self.values: list[Array] = []
        self._codes: dict[Any, int] = {}

    def code(self, value: Array) -> int:
        """The number of a value; open steps are not compared."""
        key = ("open", id(value)) if isinstance(value, Unknown) else value
        if key not in self._codes:
            self._codes[key] = len(self.values)
            self.values.append(value)
        return self._codes[key]


def _add_up(key, code, palette):
    # Only places that occur more than once are summed one by one.
    kept, first, count = np.unique(key, return_index=True, return_counts=True)
    values = _Palette()
    numbers = [values.code(value) for value in palette]
    summed = np.array(numbers, dtype=np.int64)[code[first]]
    for place in np.flatnonzero(count > 1).tolist():
        a = first[place]
        total = sum((palette[c] for c in code[a:a + count[place]].tolist()), Fraction(0))
        summed[place] = values.code(total)
    return kept, summed, values.values


def _total(terms: list) -> Any:
    return reduce(add, terms) if terms and isinstance(terms[0], Interval) else \
        sum(terms, Fraction(0))


def _integers(operator: Operator) -> tuple[Any, int] | None:
    # K = A / d with a small-integer sparse A, or None where the integers would grow large.
    if not operator.is_known:
        return None
    d = lcm(*(value.denominator for value in operator._palette), 1)
    integers = [int(value * d) for value in operator._palette]
    if max(map(abs, integers), default=0) >= _SMALL:
        return None
    table = np.array(integers, dtype=np.int64) if integers else np.zeros(0, np.int64)
    return scipy.sparse.csr_array((table[operator._code], operator._columns, operator._starts),
                                  shape=operator.shape), d


def _name(label: str) -> str:  # in evidence only an adjoint is written K.T
    return label.replace(".T", "t")


def _product(left: Operator, right: Operator) -> Operator:
    if left.shape[1] != right.shape[0]:
        raise InvalidArgument(f"product: shapes {left.shape} and {right.shape} do not fit")
    if left.spread is not None or right.spread is not None:
        raise InvalidArgument("product: entries in intervals are not multiplied; multiply the "
                              "matrices first, and make an operator of the product")
    made = _multiply(left, right, _name(f"{left.label}_{right.label}"))
    return made._note_parts(matmul, left, right)


def _multiply(left: Operator, right: Operator, label: str) -> Operator:
    shape = (left.shape[0], right.shape[1])
    a, b = (_integers(left), _integers(right)) if min(
        left.columns.size, right.columns.size) > _MANY else (None, None)
    if a and b and _bound(a[0]) * _bound(b[0]) * left.shape[1] < 2**62:
        product = scipy.sparse.coo_array(a[0] @ b[0])
        kept = product.data != 0
        rows, columns = (place[kept] for place in product.coords)
        d = a[1] * b[1]
        integers, code = np.unique(product.data[kept], return_inverse=True)
        values = [Fraction(int(v), d) for v in integers]
        return Operator._of_codes(shape, rows, columns, code, values, label=label)
    places: dict[tuple[int, int], Fraction] = {}
    for i, row in enumerate(left.rows):
        for k, value in row:
            for j, other in right.rows[k]:
                places[i, j] = places.get((i, j), Fraction(0)) + value * other
    kept = {place: v for place, v in places.items() if isinstance(v, Unknown) or v}
    return Operator(shape, [i for i, _ in kept], [j for _, j in kept], kept.values(), label=label)


def _bound(matrix) -> int:
    return int(abs(matrix.data).max(initial=0))
