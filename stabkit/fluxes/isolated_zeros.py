"""Whether an expression is 0 at single points only, so that "< 0" and "<= 0" are one condition."""

from __future__ import annotations

from fractions import Fraction
from math import inf

from stabkit.aliases import Scalar
from stabkit.arithmetic.enclosure import Interval, precision
from stabkit.errors import Undecided
from stabkit.fluxes.continuity import is_continuous
from stabkit.fluxes.expression import Expression

_ANALYTIC = {"x", "constant", "pi", "+", "-", "*", "/", "neg", "**", "exp", "log", "tanh",
             "arctan", "sin", "cos", "erf", "decay"}
_INSIDE = (Fraction(3, 8), Fraction(5, 7), Fraction(1, 9))
_BEYOND = (Fraction(3, 8), Fraction(5, 7), Fraction(11, 3), Fraction(29))


def zeros_are_isolated(expression: Expression, low: Scalar, high: Scalar) -> bool:
    """Whether it is shown to have isolated zeros on a cell, or at a single point not to be 0.

    An analytic function that is not 0 somewhere on an interval has isolated zeros in it.
    """
    if low == high:
        return _is_not_zero(expression, low)
    if not all(part.operation in _ANALYTIC for part in expression.parts()):
        return False
    return is_continuous(expression, low, high) and any(
        _is_not_zero(expression, point) for point in _points(low, high))


def _is_not_zero(expression: Expression, point: Fraction) -> bool:
    try:
        with precision(128):
            return bool(expression.at(Interval(point)) != 0)
    except (Undecided, ArithmeticError):
        return False


def _points(low: Scalar, high: Scalar) -> list[Fraction]:
    if low == -inf:
        return [(0 if high == inf else high) - x for x in _BEYOND]
    return [low + x for x in _BEYOND] if high == inf else [
        low + (high - low) * x for x in _INSIDE]
