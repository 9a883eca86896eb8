"""What was meant by a floating-point number: a short decimal, a simple fraction, a sum of 0 or 1.

A double is itself a rational, and is decided as such.  But 0.1 is no double: whoever writes it
means 1/10, and gets a number that is 5.6e-18 larger.  This module finds the number that was meant,
within rounding and never further away: half a unit in the last place for an entry or a step; for a
row that was to add up to 0 or 1, the units of its entries and eight more of the largest one.  What
the code of a step subtracts from 1 is read as such a difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import MAX_EMAX, MIN_EMIN, Decimal, localcontext
from fractions import Fraction
from typing import Any

import numpy as np

from stabkit.aliases import Scalar

#: Per precision: significant digits up to which a decimal is short, and the largest denominator
#: of a simple fraction.  One random double in about 10⁴ is near such a number by chance, and one
#: random float32 in about 100.
_SHORT = {np.dtype(np.float64): (12, 1000), np.dtype(np.float32): (5, 100)}


#: Units in the last place, beside those of its entries, by which the sum of a row may be off, as
#: entries are often sums themselves.
_SUMMED = 8
_LARGEST = 10**300  # numbers above it, or below its inverse, may be no floats
#: The relative distance that a result in floats, float32 included, may have from the exact one.
ROUNDING = Fraction(1, 2**20)


def is_rounded(value: Scalar) -> bool:
    """Whether a number is a float, and so may be the rounding of another one."""
    return isinstance(value, (float, np.float32)) and bool(np.isfinite(value))


def meaning(value: Any) -> Fraction:
    """The number that was meant by a float64 or a float32, whose rounding it is.

    The shortest decimal that rounds to it, if it has at most 12 digits (5 for float32); else a
    fraction with a denominator up to 1000 (100) that rounds to it; else the float itself.

    Examples
    --------
    >>> meaning(0.1), meaning(1 / 3), meaning(0.1 + 0.2)
    (Fraction(1, 10), Fraction(1, 3), Fraction(1351079888211149, 4503599627370496))
    """
    kind = np.dtype(np.float32 if isinstance(value, np.float32) else np.float64)
    exact = Fraction(float(value))
    digits, largest = _SHORT[kind]
    shortest = np.format_float_scientific(kind.type(value), unique=True, trim="-")
    mantissa = shortest.partition("e")[0].lstrip("-").replace(".", "")
    if len(mantissa) <= digits:
        return Fraction(shortest)
    simple = exact.limit_denominator(largest)
    return simple if simple and kind.type(simple.numerator / simple.denominator) == value else exact


def meaning_in_sums(value: Any) -> Fraction:
    """As :func:`meaning`; or 1 minus a number that was meant, if floats round this to the value.

    In ``(1 - a) * u + a * v``, with the double 0.7 for a, Python subtracts it from 1 and gets a
    neighbour of the double 0.3, off by a unit in the last place of 1 at most.

    Examples
    --------
    >>> meaning_in_sums(1 - 0.7), meaning_in_sums(1 - 2 * 0.8)
    (Fraction(3, 10), Fraction(-3, 5))
    """
    itself, kind = meaning(value), np.float32 if isinstance(value, np.float32) else np.float64
    if itself == Fraction(float(value)):
        other = kind(1) - kind(value)
        for rest in (Fraction(float(other)).limit_denominator(1000), meaning(other)):
            if kind(1) - kind(rest.numerator / rest.denominator) == value:
                return 1 - rest
    return itself


def meaning_of_entries(shape: tuple[int, int], rows: Sequence[int], columns: Sequence[int],
                       values: Sequence[Scalar], exact: Sequence[Fraction]) -> list[Fraction]:
    """The entries of a matrix as they were meant; those that are not floats stay.

    Each entry by :func:`meaning`; then a row that adds up to 0 or 1, within the units in the last
    place of all its entries and eight more of the largest, gets that sum exactly: at its diagonal
    entry, or where it has none at its largest one.  A symmetric matrix stays symmetric.
    """
    snapped = [meaning(value) if is_rounded(value) else number
               for value, number in zip(values, exact, strict=True)]
    places_of_rows = np.asarray(rows)
    order = np.argsort(places_of_rows, kind="stable")
    for places in np.split(order, np.flatnonzero(np.diff(places_of_rows[order])) + 1):
        numbers = places.tolist()
        if any(is_rounded(values[k]) for k in numbers):
            _give_sum(snapped, values, numbers, next(
                (k for k in numbers if shape[0] == shape[1] and rows[k] == columns[k]), None))
    return snapped


def _give_sum(snapped: list[Fraction], values: Sequence[Scalar], numbers: list[int],
              diagonal: int | None) -> None:
    largest = max(numbers, key=lambda k: abs(snapped[k]))
    units = {k: 2 * half_unit(values[k]) for k in numbers}
    allowed = _SUMMED * max(units.values()) + sum(units.values())
    total = sum((snapped[k] for k in numbers), Fraction(0))
    target = 0 if abs(total) < abs(total - 1) else 1
    if 0 < abs(total - target) <= allowed:
        snapped[largest if diagonal is None else diagonal] += target - total


def half_unit(value: Scalar) -> Fraction:
    """Half a unit in the last place of a float; 0 for an exact number."""
    return Fraction(float(np.spacing(abs(value)))) / 2 if is_rounded(value) else Fraction(0)


def size(number: Fraction) -> str:
    """A size in two digits, also where it is beyond the range of floats."""
    if number and not Fraction(1, _LARGEST) < abs(number) < _LARGEST:
        with localcontext(prec=2, Emax=MAX_EMAX, Emin=MIN_EMIN):
            short = Decimal(abs(number.numerator)) / Decimal(number.denominator)
            return f"{short.normalize():.2g}"
    return f"{float(abs(number)):.2g}"
