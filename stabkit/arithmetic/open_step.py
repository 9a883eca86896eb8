"""A step size left open: a polynomial in it, or all of its values in an interval at once.

A function from a step to a scheme is called with an :class:`Unknown` in place of a number.  What
it returns then shows how the scheme depends on the step, for all steps at once: a function that
looks at the value, to branch or to round it, is stopped by an error.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from stabkit.aliases import Function, Operand, Scalar, Vector
from stabkit.arithmetic.enclosure import Interval
from stabkit.arithmetic.rational import fraction
from stabkit.arithmetic.rounding import is_rounded, meaning
from stabkit.errors import Undecided


class Unknown:
    """A polynomial in an unknown step, with exact or enclosed coefficients.

    Parameters
    ----------
    coefficients : sequence of Fraction or Interval
        From the constant one upwards.
    over : Interval, optional
        The steps that it stands for.  Beside arrays it is then the enclosure of its values, and a
        comparison answers if it holds, or fails, for all of them.
    looks : list, optional
        Shared with all that is computed from it: every attempt to look at the value is noted
        there, as code may swallow the error.

    Raises
    ------
    Undecided
        If a comparison depends on the value of the step, or the step is hashed.
    """

    __slots__ = ("coefficients", "looks", "over")
    __array_ufunc__ = None  # arrays leave the arithmetic to the methods below

    def __init__(self, coefficients: Vector = (0, 1), over: Interval | None = None,
                 looks: list[str] | None = None):
        self.looks = [] if looks is None else looks
        kept = [c if isinstance(c, Interval) else Fraction(c) for c in coefficients]
        while len(kept) > 1 and not isinstance(kept[-1], Interval) and kept[-1] == 0:
            kept.pop()
        self.coefficients, self.over = tuple(kept), over

    def __repr__(self) -> str:
        return "an unknown step"

    def _look(self, answer: Callable[[], Any]) -> Scalar:
        try:
            return answer()
        except Undecided as error:
            self.looks.append(str(error))
            raise

    def __hash__(self) -> int:
        return hash(self._look(self._value))

    def __float__(self) -> float:
        return float(self._look(self._value))

    def __int__(self) -> int:
        return int(self._look(self._value))

    def enclosure(self) -> Interval:
        """All its values over its interval, by Horner's rule."""
        if self.over is None:
            raise Undecided("an unknown step has no value to look at")
        return _horner(self.coefficients, self.over)

    def at(self, step: Fraction) -> Fraction | Interval:
        """Its value at a step; exact if its coefficients are."""
        return sum((c * step**k for k, c in enumerate(self.coefficients)), Fraction(0))

    def is_negative(self, low: Fraction, high: Fraction | None) -> bool:
        """Whether it is certainly negative in [low, high], 0 < low; None is infinity.

        Over a half line p(τ)/τᵈ is enclosed, a polynomial in 1/τ.
        """
        if high is None:
            return bool(_horner(self.coefficients[::-1], Interval(0, 1 / low)).hi < 0)
        return bool(_horner(self.coefficients, Interval(low, high)).hi < 0)

    def is_increasing(self) -> bool:
        """Whether it is 0 at 0, positive beyond and increasing, as its coefficients show."""
        first, *rest = self.coefficients
        return first == 0 and min(rest, default=0) >= 0 and any(rest)

    def _build(self, coefficients: Vector) -> Unknown:
        return Unknown(coefficients, self.over, self.looks)

    def _with(self, other: Operand, combine: Function, apply: Function
             ) -> Scalar:
        if isinstance(other, np.ndarray):
            value = self if self.over is None else self.enclosure()
            out = np.empty(other.shape, dtype=object)
            for place, entry in np.ndenumerate(other):
                out[place] = apply(value, _number(entry) if is_rounded(entry) else entry)
            return out
        if isinstance(other, Interval):
            return self._build(combine(self.coefficients, (other,))) if self.over is None else \
                apply(self.enclosure(), other)
        if isinstance(other, Unknown):
            return self._build(combine(self.coefficients, other.coefficients))
        if isinstance(other, (int, float, Fraction, np.generic)):
            return self._build(combine(self.coefficients, (_number(other),)))
        return NotImplemented

    def __add__(self, other: Operand) -> Scalar:
        return self._with(other, _sum, lambda a, b: a + b)

    __radd__ = __add__

    def __mul__(self, other: Operand) -> Scalar:
        return self._with(other, _product, lambda a, b: a * b)

    __rmul__ = __mul__

    def __neg__(self) -> Unknown:
        return self * -1

    def __pos__(self) -> Unknown:
        return self

    def __sub__(self, other: Operand) -> Scalar:
        return self + other * -1

    def __rsub__(self, other: Operand) -> Scalar:
        return -self + other

    def __truediv__(self, other: Operand) -> Scalar:
        if isinstance(other, (int, float, Fraction, np.generic)):
            return self * (1 / _number(other))
        return NotImplemented

    def __pow__(self, exponent: Any) -> Scalar:
        if not isinstance(exponent, int) or exponent < 0:
            return NotImplemented
        power = self._build((1,))
        for _ in range(exponent):
            power = power * self
        return power

    def _value(self) -> Scalar:
        return self.coefficients[0] if len(self.coefficients) == 1 else self.enclosure()

    def __bool__(self) -> bool:
        return bool(self._look(lambda: self._value() != 0))

    def __eq__(self, other: Operand) -> bool:
        return bool(self._look(lambda: self._value() == _plain(other)))

    def __ne__(self, other: Operand) -> bool:
        return bool(self._look(lambda: self._value() != _plain(other)))

    def __lt__(self, other: Operand) -> bool:
        return bool(self._look(lambda: self._value() < _plain(other)))

    def __le__(self, other: Operand) -> bool:
        return bool(self._look(lambda: self._value() <= _plain(other)))

    def __gt__(self, other: Operand) -> bool:
        return bool(self._look(lambda: self._value() > _plain(other)))

    def __ge__(self, other: Operand) -> bool:
        return bool(self._look(lambda: self._value() >= _plain(other)))


def _horner(coefficients: tuple, at: Interval) -> Interval:
    value = Interval(0)
    for coefficient in reversed(coefficients):
        value = value * at + coefficient
    return value


def _number(value: Scalar) -> Fraction:
    # A float counts as what was meant by it, as the steps in question are exact.
    return meaning(value) if is_rounded(value) else fraction(value)


def _plain(value: Scalar) -> Scalar:
    return value._value() if isinstance(value, Unknown) else value


def _sum(a: tuple, b: tuple) -> list[Fraction]:
    longer, shorter = (a, b) if len(a) >= len(b) else (b, a)
    return [c + (shorter[k] if k < len(shorter) else 0) for k, c in enumerate(longer)]


def _product(a: tuple, b: tuple) -> list[Fraction]:
    out = [Fraction(0)] * (len(a) + len(b) - 1)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            out[i + j] += x * y
    return out


def as_number(value: Scalar, name: str = "value") -> Fraction | Unknown:
    """A number as an exact rational; an unknown step stays as it is."""
    return value if isinstance(value, Unknown) else fraction(value, name)
