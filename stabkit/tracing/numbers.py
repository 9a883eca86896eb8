"""The numbers beside a traced array, exact: floats are read as they were meant."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm
from typing import Any

import numpy as np

from stabkit.aliases import Array, Matrix
from stabkit.arithmetic.rational import Constant
from stabkit.arithmetic.rounding import is_rounded, meaning_in_sums, meaning_of_entries
from stabkit.errors import InvalidArgument
from stabkit.tracing.form import Form, constants

_DIGITS = 12  # of a short decimal
_TEN = 15     # the most digits after the point that are tried for all entries at once
_SINGLY = 4000  # numbers that are read one by one
_MOST = 0.5     # part of many numbers that are short decimals, from which on they are data
_BITS = 1000    # of a power of two that is a float
_ENTRIES = 20_000  # of a matrix whose rows are looked at for the sums that were meant


@dataclass
class Reading:
    """What reading floats as they were meant has changed."""

    example: tuple[float, Fraction] | None = None
    largest: Fraction = Fraction(0)
    is_single: bool = False  # whether a number is the rounding of another to single precision
    unit: Fraction = Fraction(0)  # in the last place of floats of which no short number is known

    def note(self, value: float, taken: Fraction) -> None:
        """Remember the largest difference."""
        away = abs(Fraction(float(value)) - taken)
        self.is_single |= bool(away) and isinstance(value, np.float32)
        if min(abs(taken.numerator), taken.denominator) > 10**_DIGITS:
            self.unit = max(self.unit, Fraction(float(np.finfo(np.asarray(value).dtype).eps)))
        if away > self.largest:
            self.example, self.largest = (float(value), taken), away

    def words(self) -> str:
        """In words; empty if nothing has changed."""
        if self.example is None:
            return ""
        value, taken = self.example
        return f"floats are read as they were meant, such as {value!r} as {taken}; the largest " \
               f"difference is {float(self.largest):.2g}"


def exact_form(values: Array, reading: Reading) -> Form:
    """Numbers as a form without unknowns, in their flat order."""
    flat = np.asarray(values).ravel()
    if flat.dtype.kind in "bui":
        return constants(_integers(flat.tolist() if flat.dtype == np.uint64 else flat))
    if flat.dtype.kind == "f":
        many = _of_many(flat, reading)
        return _of_fractions(*_read(flat, reading)) if many is None else many
    if flat.dtype.kind == "O":
        return _of_fractions([_one(entry, reading) for entry in flat], None)
    raise InvalidArgument(f"step: works with numbers of dtype {flat.dtype}, and is traced with "
                          "real ones only")


def exact_matrix(matrix: Matrix, reading: Reading) -> tuple[np.ndarray, np.ndarray, Form]:
    """Rows, columns and exact values of a matrix; sums of rows are read as they were meant."""
    if hasattr(matrix, "tocoo"):
        sparse = matrix.tocoo()
        sparse.sum_duplicates()
        rows, columns, values = sparse.row, sparse.col, sparse.data
    else:
        matrix = np.asarray(matrix)
        rows, columns = np.nonzero(matrix != 0)
        values = matrix[rows, columns]
    if values.dtype.kind == "f" and 0 < values.size <= _ENTRIES:
        listed = values.tolist() if values.dtype == np.float64 else list(values)
        exact = [Fraction(float(v)) for v in listed]
        taken = meaning_of_entries(matrix.shape, rows, columns, listed, exact)
        for value, number in zip(listed, taken, strict=True):
            reading.note(value, number)
        return rows, columns, _of_fractions(taken, None)
    return rows, columns, exact_form(values, reading)


def _one(entry: Any, reading: Reading) -> Fraction:
    if isinstance(entry, Constant):
        return Fraction(entry)
    if is_rounded(entry):
        taken = meaning_in_sums(entry)
        reading.note(entry, taken)
        return taken
    if isinstance(entry, (int, Fraction, np.integer)):
        return Fraction(int(entry)) if not isinstance(entry, Fraction) else entry
    raise InvalidArgument(f"step: computes with {entry!r:.40}, which is no finite real number")


def _of_many(flat: np.ndarray, reading: Reading) -> Form | None:
    """Many different doubles at once: as decimals if most of them are short, else as they are.

    None for few, or where integers over one denominator do not fit.
    """
    if flat.dtype != np.float64 or flat.size <= _SINGLY or not np.isfinite(flat).all() or \
            np.unique(flat).size <= _SINGLY:
        return None
    for digits in range(_TEN + 1):
        scaled = np.rint(flat * 10.0**digits)
        short = (np.abs(scaled) < 10.0**_DIGITS) & (scaled / 10.0**digits == flat)
        if short.all():
            furthest = int(np.argmax(np.spacing(np.abs(flat)) * (scaled != flat * 10.0**digits)))
            reading.note(flat[furthest], Fraction(int(scaled[furthest]), 10**digits))
            return _over(scaled.astype(np.int64), 10**digits)
    if short.mean() > _MOST and flat.size <= _ENTRIES:
        return None
    bits = 53 - int(np.frexp(flat[flat != 0])[1].min())
    if np.abs(flat).max() * 2.0**bits >= 2.0**62 or not 0 <= bits < _BITS:
        return None
    reading.unit = max(reading.unit, Fraction(float(np.finfo(flat.dtype).eps)))
    return _over(np.ldexp(flat, bits).astype(np.int64), 1 << bits)


def _over(numerators: np.ndarray, denominator: int) -> Form:
    common = gcd(denominator, int(np.gcd.reduce(numerators)))
    return constants((numerators // common)[:, None], (denominator // common,))


def _read(flat: np.ndarray, reading: Reading) -> tuple[list[Fraction], np.ndarray]:
    """The different numbers as they were meant, and which one each entry is."""
    if not np.isfinite(flat).all():
        raise InvalidArgument("step: computes with nan or inf")
    known, inverse = np.unique(flat, return_inverse=True)
    singly = known.size <= _SINGLY or known.dtype != np.float64
    numbers = []
    for number in known:
        taken = meaning_in_sums(number) if singly else _decimal(number)
        reading.note(number, taken)
        numbers.append(taken)
    return numbers, inverse.ravel()


def _decimal(number: np.float64) -> Fraction:
    """A short decimal that is meant, or the double itself."""
    text = repr(float(number))
    return Fraction(text) if sum(map(str.isdigit, text.partition("e")[0])) <= _DIGITS else \
        Fraction(float(number))


def _of_fractions(numbers: list[Fraction], inverse: np.ndarray | None) -> Form:
    denominator = lcm(*(number.denominator for number in numbers)) if numbers else 1
    values = _integers([number.numerator * (denominator // number.denominator)
                        for number in numbers])
    return constants(values if inverse is None else values[inverse], (denominator,))


def _integers(values: Array) -> np.ndarray:
    if isinstance(values, np.ndarray):
        return values.astype(np.int64)[:, None]
    fits = all(-(1 << 62) < value < 1 << 62 for value in values)
    return np.array(values, dtype=np.int64 if fits else object).reshape(-1, 1)


def holds_truths(value: Array) -> bool:
    """Whether it is an array of truth values, or one of them."""
    return isinstance(value, bool) or getattr(value, "dtype", None) == np.dtype(bool)
