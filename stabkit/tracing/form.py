"""Exact affine forms of many entries at once: sparse rows over ℤ[t] with one denominator.

Row i of a form is Σⱼ cᵢⱼ(t) xⱼ with cᵢⱼ = nᵢⱼ/d for polynomials nᵢⱼ, d in an open step t with
integer coefficients.  Column 0 stands for the constant 1, the others for unknowns.  Integers are
kept as int64 while they certainly fit, else as Python's.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import lcm

import numpy as np
from flint import fmpz_poly

from stabkit.aliases import Array
from stabkit.errors import TracingStopped

_FITS = 1 << 62
_DEGREE = 64  # of a polynomial in the step
_FEW = 400  # entries that are put in lowest terms
_SHORT = 4  # coefficients of a denominator up to which it is left as it is
CONSTANT = 0  # the column of the constant 1

#: The columns that came out with the factor 0 in the run in progress: 0 times nan is no 0.
VANISHED: ContextVar[set[int] | None] = ContextVar("VANISHED", default=None)


@dataclass(frozen=True, eq=False)
class Form:
    """Affine forms, one a row.

    Attributes
    ----------
    count : int
        How many rows.
    rows, columns : ndarray of int64, shape (nnz,)
        In lexicographic order, each pair once.
    numerators : ndarray of int64 or object, shape (nnz, degree + 1)
        From the constant coefficient upwards; no entry is all zero.
    denominator : tuple of int
        Likewise; its last coefficient is positive.
    """

    count: int
    rows: np.ndarray
    columns: np.ndarray
    numerators: np.ndarray
    denominator: tuple[int, ...] = (1,)

    @property
    def is_constant(self) -> bool:
        """Whether no unknown enters."""
        return not self.columns.size or int(self.columns.max()) == CONSTANT

    @cached_property
    def starts(self) -> np.ndarray:
        """Where each row begins, and where the last one ends."""
        ends = np.cumsum(np.bincount(self.rows, minlength=self.count))
        return np.concatenate([[0], ends])

    @cached_property
    def is_single(self) -> bool:
        """Whether every row has exactly one entry."""
        return self.rows.size == self.count and _is_range(self.rows)

    def take(self, index: np.ndarray) -> Form:
        """The rows at flat places, in that order."""
        index = np.asarray(index, dtype=np.int64).ravel()
        if index.size == self.count and _is_range(index):
            return self
        picked, rows = self._pick(index)
        return Form(index.size, rows, self.columns[picked], self.numerators[picked],
                    self.denominator)

    def _pick(self, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self.is_single:
            return index, np.arange(index.size)
        starts = self.starts
        lengths = np.diff(starts)[index]
        rows = np.repeat(np.arange(index.size), lengths)
        offset = np.repeat(starts[index] - np.cumsum(lengths) + lengths, lengths)
        return offset + np.arange(rows.size), rows

    def constants(self) -> np.ndarray:
        """The numerators of the constant terms, shape (count, degree + 1)."""
        out = np.zeros((self.count, self.numerators.shape[1]), dtype=self.numerators.dtype)
        at = self.columns == CONSTANT
        out[self.rows[at]] = self.numerators[at]
        return out

    def values(self) -> np.ndarray:
        """The constants of rows in which neither unknowns nor the step enter, as fractions."""
        exact = np.empty(self.count, dtype=object)
        exact[:] = [Fraction(int(c), self.denominator[0]) for c in self.constants()[:, 0]]
        return exact

    def __neg__(self) -> Form:
        return Form(self.count, self.rows, self.columns, -self.numerators, self.denominator)

    def __add__(self, other: Form) -> Form:
        a, b = share_denominator([self, other])
        if (a.rows is b.rows and a.columns is b.columns) or (
                a.rows.size == b.rows.size and np.array_equal(a.columns, b.columns)
                and np.array_equal(a.rows, b.rows)):
            numerators = _safe(a.numerators, 2) + _safe(b.numerators, 2)
            return trim(a.count, a.rows, a.columns, numerators, a.denominator)
        return merge_entries(a.count, np.concatenate([a.rows, b.rows]),
                             np.concatenate([a.columns, b.columns]),
                             np.concatenate([a.numerators, b.numerators]), a.denominator)

    def times(self, factor: Form) -> Form:
        """Each row times the constant in the same row of `factor`."""
        weights = factor.constants()
        weights = weights[self.rows] if factor.count != 1 else \
            np.broadcast_to(weights, (self.rows.size, weights.shape[1]))
        return trim(self.count, self.rows, self.columns,
                     products(self.numerators, weights),
                     product(self.denominator, factor.denominator))

    def over(self, divisor: tuple[int, ...]) -> Form:
        """Each row divided by one polynomial."""
        return trim(self.count, self.rows, self.columns, self.numerators,
                     product(self.denominator, divisor))

    def without_step(self) -> tuple[Form, Form | None]:
        """The rows over a polynomial in the step that all of them share, and that polynomial."""
        n = self.numerators
        if (n.shape[1] == 1 and len(self.denominator) == 1) or not n.size:
            return self, None
        first = n[0].astype(object)
        p = first // int(np.gcd.reduce(first))
        at = int(np.flatnonzero(p)[-1])
        factors = n[:, at].astype(object) // p[at]
        if (factors[:, None] * p != n).any():
            return self, None
        return trim(self.count, self.rows, self.columns, factors[:, None], (1,)), \
            constants(_short(p[None]), self.denominator)

    def reciprocals(self) -> Form:
        """One over each row, which is a constant; ZeroDivisionError where one is 0."""
        rows = [tuple(row) for row in self.constants().tolist()]
        known = {row: _strip(row) for row in dict.fromkeys(rows)}
        if any(not row for row in known.values()):
            raise ZeroDivisionError
        whole: tuple[int, ...] = (1,)
        for row in known.values():
            whole = _common(whole, row)
        factors = {row: (fmpz_poly(list(whole)) // fmpz_poly(list(short))
                         * fmpz_poly(list(self.denominator))).coeffs()
                   for row, short in known.items()}
        width = max(map(len, factors.values()))
        filled = {row: [int(c) for c in f] + [0] * (width - len(f)) for row, f in factors.items()}
        numerators = np.array([filled[row] for row in rows], dtype=object).reshape(-1, width)
        return constants(_short(numerators), whole)

    def combine(self, taken: np.ndarray, weights: Form | None, target: np.ndarray, count: int
                ) -> Form:
        """Row r is the sum of w_k times row taken_k over all k with target_k = r."""
        picked, which = self._pick(taken)
        numerators, denominator = self.numerators[picked], self.denominator
        if weights is not None:
            numerators = products(numerators, weights.constants()[which])
            denominator = product(denominator, weights.denominator)
        return merge_entries(count, target[which], self.columns[picked], numerators, denominator)


def unknowns(count: int, first: int = 1) -> Form:
    """The forms x_first, x_first+1, ..."""
    places = np.arange(count)
    return Form(count, places, places + first, np.ones((count, 1), dtype=np.int64))


def constants(numerators: np.ndarray, denominator: Sequence[int] = (1,)) -> Form:
    """Rows without unknowns; `numerators` has shape (count, degree + 1)."""
    count = len(numerators)
    return trim(count, np.arange(count), np.full(count, CONSTANT, dtype=np.int64), numerators,
                 tuple(denominator))


def step() -> Form:
    """The open step itself."""
    return constants(np.array([[0, 1]], dtype=np.int64))


def join_forms(forms: Sequence[Form]) -> Form:
    """All rows, those of one form after those of another."""
    forms = share_denominator(forms)
    before = np.cumsum([0, *(form.count for form in forms)])
    return Form(int(before[-1]),
                np.concatenate([form.rows + k for form, k in zip(forms, before, strict=False)]),
                np.concatenate([form.columns for form in forms]),
                np.concatenate([form.numerators for form in forms]), forms[0].denominator)


def share_denominator(forms: Sequence[Form]) -> list[Form]:
    """The same forms with one denominator and one degree."""
    denominator = forms[0].denominator
    for form in forms[1:]:
        denominator = _common(denominator, form.denominator)
    scaled = [_extend_denominator(form, denominator) for form in forms]
    width = max(form.numerators.shape[1] for form in scaled)
    exact = any(form.numerators.dtype == object for form in scaled)
    return [Form(form.count, form.rows, form.columns, _as(_wide(form.numerators, width), exact),
                 denominator) for form in scaled]


def merge_entries(count: int, rows: np.ndarray, columns: np.ndarray, numerators: np.ndarray,
                  denominator: tuple[int, ...]) -> Form:
    """A form from entries in any order; those at one place are added up."""
    if not rows.size:
        return Form(count, rows, columns, numerators, denominator)
    key = (rows.astype(np.int64) << 32) | columns
    order = np.argsort(key, kind="stable")
    key = key[order]
    first = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    numerators = numerators[order]
    if first.size < key.size:
        numerators = _add_rows(numerators, first, np.diff(np.append(first, key.size)))
        key = key[first]
    return trim(count, key >> 32, key & 0xFFFFFFFF, numerators, denominator)


def _add_rows(numerators: np.ndarray, first: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The sums of neighbouring rows; `first` tells where each sum begins."""
    most = int(lengths.max())
    numerators = _safe(numerators, most)
    if numerators.dtype != object:
        return np.add.reduceat(numerators, first, axis=0)
    total = numerators[first]
    for k in range(1, most):
        more = np.flatnonzero(lengths > k)
        total[more] = total[more] + numerators[first[more] + k]
    return total


def trim(count: int, rows: np.ndarray, columns: np.ndarray, numerators: np.ndarray,
          denominator: tuple[int, ...]) -> Form:
    """Without entries and leading coefficients that are zero, and in lower terms."""
    nonzero = numerators != 0
    kept = nonzero.any(axis=1)
    if not kept.all():
        if (vanished := VANISHED.get()) is not None:
            vanished.update(np.unique(columns[~kept]).tolist())
        rows, columns, numerators = rows[kept], columns[kept], numerators[kept]
        nonzero = nonzero[kept]
    used = np.flatnonzero(nonzero.any(axis=0))
    width = int(used[-1]) + 1 if used.size else 1
    numerators = numerators[:, :width]
    if denominator != (1,):
        numerators, denominator = _lowest_terms(numerators, denominator)
    if numerators.shape[1] - 1 > _DEGREE or len(denominator) - 1 > _DEGREE:
        raise TracingStopped(f"a polynomial in the step of degree beyond {_DEGREE}")
    return Form(count, rows, columns, _short(numerators), denominator)


def _lowest_terms(numerators: np.ndarray, denominator: tuple[int, ...]
                  ) -> tuple[np.ndarray, tuple[int, ...]]:
    if denominator[-1] < 0:
        numerators, denominator = -numerators, tuple(-c for c in denominator)
    if numerators.size:
        parts = np.gcd.reduce(numerators.ravel())
        divisor = int(np.gcd.reduce(np.array([parts, *denominator], dtype=object)))
        if divisor > 1:
            numerators, denominator = numerators // divisor, tuple(
                c // divisor for c in denominator)
        if _SHORT < len(denominator) <= 2 * _DEGREE and len(numerators) <= _FEW:
            return _without_common(numerators, denominator)
    return numerators, denominator


def _without_common(numerators: np.ndarray, denominator: tuple[int, ...]
                    ) -> tuple[np.ndarray, tuple[int, ...]]:
    """Without a polynomial that divides all numerators and the denominator."""
    common = fmpz_poly(list(denominator))
    polynomials = []
    for row in numerators.tolist():
        polynomials.append(fmpz_poly([int(c) for c in row]))
        common = common.gcd(polynomials[-1])
        if common.degree() < 1:
            return numerators, denominator
    parts = [[int(c) for c in (p // common).coeffs()] for p in polynomials]
    width = max(map(len, parts))
    shorter = np.array([part + [0] * (width - len(part)) for part in parts], dtype=object)
    return shorter, tuple(int(c) for c in (fmpz_poly(list(denominator)) // common).coeffs())


def products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Row by row the products of polynomials."""
    if b.shape[1] > a.shape[1]:
        a, b = b, a
    if _size(a) * _size(b) * b.shape[1] >= _FITS:
        a, b = _as(a, True), _as(b, True)
    exact = a.dtype == object or b.dtype == object
    out = np.zeros((len(a), a.shape[1] + b.shape[1] - 1), dtype=object if exact else np.int64)
    for k in range(b.shape[1]):
        out[:, k:k + a.shape[1]] += a * b[:, k:k + 1]
    return out


def weighted_sums(numerators: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Row by row the sums of the coefficients times integers."""
    if _size(numerators) * max(map(abs, weights)) * weights.size < _FITS:
        return _short(numerators) @ weights.astype(np.int64)
    return _as(numerators, True) @ weights


def product(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """Of two polynomials."""
    if len(a) == len(b) == 1:
        return (a[0] * b[0],)
    return tuple(int(c) for c in (fmpz_poly(list(a)) * fmpz_poly(list(b))).coeffs())


def _common(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    if a == b:
        return a
    if len(a) == len(b) == 1:
        return (lcm(a[0], b[0]),)
    p, q = fmpz_poly(list(a)), fmpz_poly(list(b))
    return tuple(int(c) for c in (p * (q // p.gcd(q))).coeffs())


def _extend_denominator(form: Form, denominator: tuple[int, ...]) -> Form:
    """The form with a multiple of its denominator in place of it."""
    if form.denominator == denominator:
        return form
    quotient = fmpz_poly(list(denominator)) // fmpz_poly(list(form.denominator))
    factor = np.array([[int(c) for c in quotient.coeffs()]], dtype=object)
    if _size(factor) < _FITS:
        factor = factor.astype(np.int64)
    return Form(form.count, form.rows, form.columns,
                products(form.numerators, np.broadcast_to(factor, (
                    len(form.numerators), factor.shape[1]))), denominator)


def _wide(numerators: np.ndarray, width: int) -> np.ndarray:
    missing = width - numerators.shape[1]
    if not missing:
        return numerators
    wide = np.zeros((len(numerators), width), dtype=numerators.dtype)  # np.pad fills with np.int64
    wide[:, :numerators.shape[1]] = numerators
    return wide


def _as(numerators: np.ndarray, exact: bool) -> np.ndarray:
    return numerators.astype(object) if exact and numerators.dtype != object else numerators


def _safe(numerators: np.ndarray, terms: int) -> np.ndarray:
    """As Python's integers where a sum of so many terms might not fit."""
    return _as(numerators, _size(numerators) * terms >= _FITS)


def _short(numerators: np.ndarray) -> np.ndarray:
    return numerators.astype(np.int64) if _size(numerators) < _FITS else numerators


def _strip(row: tuple[int, ...]) -> tuple[int, ...]:
    while row and row[-1] == 0:
        row = row[:-1]
    return row


def _size(numerators: np.ndarray) -> int:
    if not numerators.size:
        return 0
    return max(abs(int(numerators.max())), abs(int(numerators.min())))


def _is_range(index: np.ndarray) -> bool:
    return bool(index[0] == 0 and (np.diff(index) == 1).all()) if index.size else True


def coefficient(numerator: Sequence[Array], denominator: tuple[int, ...]) -> list[Fraction]:
    """One coefficient as a rational polynomial, where the denominator is a number."""
    return [Fraction(int(c), denominator[0]) for c in numerator]
