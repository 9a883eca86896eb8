"""Arrays of intervals with float ends: fast, and rounded outward by one float each time.

An IEEE operation is off by half a unit in the last place at most, so the neighbouring float is a
bound.  ``exp`` is made of such operations, as libraries do not bound the error of their own:
x = k ln 2 + r and a Taylor polynomial, its roundings and remainder counted.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import factorial
from typing import Any

import numpy as np
from flint import arb

from stabkit.aliases import Operand
from stabkit.arithmetic.enclosure import precision, to_fraction
from stabkit.errors import Undecided

_TERMS = 18
_FAR = 700.0


class FloatIntervals:
    """Real numbers known to lie in [lo, hi], entry by entry."""

    __slots__ = ("hi", "lo")
    __array_ufunc__ = None
    __hash__ = None  # type: ignore[assignment]  # so Python says "no hash"

    def __init__(self, lo: np.ndarray, hi: np.ndarray):
        self.lo, self.hi = lo, hi

    @classmethod
    def around(cls, lo: np.ndarray, hi: np.ndarray) -> FloatIntervals:
        """Intervals around rounded ends; where one is NaN, as of ∞ − ∞, the whole line."""
        low, high = np.nextafter(lo, -np.inf), np.nextafter(hi, np.inf)
        return cls(np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high))

    def _compare(self, other: Operand) -> bool:
        raise Undecided("intervals in arrays are not compared; each answer could differ")

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _compare

    def __bool__(self) -> bool:
        return self._compare(self)

    def __add__(self, other: Operand) -> FloatIntervals:
        other = _intervals(other)
        return FloatIntervals.around(self.lo + other.lo, self.hi + other.hi)

    __radd__ = __add__

    def __neg__(self) -> FloatIntervals:
        return FloatIntervals(-self.hi, -self.lo)

    def __sub__(self, other: Operand) -> FloatIntervals:
        return self + -_intervals(other)

    def __rsub__(self, other: Operand) -> FloatIntervals:
        return -self + other

    def __mul__(self, other: Operand) -> FloatIntervals:
        other = _intervals(other)
        ends = [np.where((x == 0) | (y == 0), 0.0, x * y)  # ends bound real numbers: 0 ∞ is 0
                for x in (self.lo, self.hi) for y in (other.lo, other.hi)]
        return FloatIntervals.around(np.minimum.reduce(ends), np.maximum.reduce(ends))

    __rmul__ = __mul__

    def reciprocal(self) -> FloatIntervals:
        """1/x; the whole line where x may be 0."""
        split = (self.lo <= 0) & (self.hi >= 0)
        low, high = (np.where(split, 1.0, end) for end in (self.lo, self.hi))
        made = FloatIntervals.around(1 / high, 1 / low)
        return FloatIntervals(np.where(split, -np.inf, made.lo), np.where(split, np.inf, made.hi))

    def __truediv__(self, other: Operand) -> FloatIntervals:
        return self * _intervals(other).reciprocal()

    def __rtruediv__(self, other: Operand) -> FloatIntervals:
        return other * self.reciprocal()

    def __abs__(self) -> FloatIntervals:
        low = np.maximum(np.maximum(self.lo, -self.hi), 0.0)
        return FloatIntervals(low, np.maximum(-self.lo, self.hi))

    def __pow__(self, exponent: int) -> FloatIntervals:
        if exponent < 0:
            return (self**-exponent).reciprocal()
        base = abs(self) if exponent % 2 == 0 else self
        made = base if exponent else _intervals(1)
        for _ in range(exponent - 1):
            made = made * base
        return made

    def sqrt(self) -> FloatIntervals:
        """√x."""
        if not (self.lo >= 0).all():
            raise Undecided("sqrt of numbers that are not known to be nonnegative")
        made = FloatIntervals.around(np.sqrt(self.lo), np.sqrt(self.hi))
        return FloatIntervals(np.maximum(made.lo, 0.0), made.hi)

    def exp(self) -> FloatIntervals:
        """eˣ, which increases."""
        return FloatIntervals(_exponential(self.lo, above=False), _exponential(self.hi, above=True))

    def decay(self, k: int) -> FloatIntervals:
        """xᵏ e⁻ˣ of nonnegative x."""
        return self**k * (-self).exp()


def _intervals(value: Any) -> FloatIntervals:
    if isinstance(value, FloatIntervals):
        return value
    if isinstance(value, np.ndarray):
        return FloatIntervals(value, value)
    near, exact = float(value), Fraction(value)
    low = near if near <= exact else np.nextafter(near, -np.inf)
    high = near if near >= exact else np.nextafter(near, np.inf)
    return FloatIntervals(np.asarray(low), np.asarray(high))


def _enclose(make: Callable[[], arb]) -> FloatIntervals:
    with precision(128):
        ball = make()
        low, high = to_fraction(ball.lower()), to_fraction(ball.upper())
    return FloatIntervals(_intervals(low).lo, _intervals(high).hi)


_LOG_TWO = _enclose(arb.const_log2)


def _exponential(x: np.ndarray, *, above: bool) -> np.ndarray:
    """A bound of exp of floats, from above or below.

    For |r| <= 0.36 Horner's scheme in floats is off by less than 2.5 u: its last step by 1.9 u, the
    one before by 1.5 u |r|, and so on; the remainder |r|ⁿ/n! · 2 is far less. As eʳ >= 0.69, all is
    within 4 u of it, and 8 u, for one more rounding, are added.
    """
    inner = np.clip(x, -_FAR, _FAR)
    k = np.rint(inner / np.log(2))
    ends = FloatIntervals(inner, inner) - FloatIntervals(k, k) * _LOG_TWO
    r = ends.hi if above else ends.lo
    total = np.full(r.shape, 1 / factorial(_TERMS - 1))
    for n in range(_TERMS - 2, -1, -1):
        total *= r
        total += 1 / factorial(n)
    total *= 1 + 2.0**-50 if above else 1 - 2.0**-50
    total *= np.ldexp(1.0, k.astype(int))  # exact: no more than 2^1010, no less than 2^-1011
    if above:
        return np.where(x <= _FAR, total, np.inf)
    return np.where(x >= -_FAR, total, 0.0)
