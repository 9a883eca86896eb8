"""Which expressions are one polynomial on a cell, wherever they are defined there."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from stabkit.aliases import Scalar
from stabkit.arithmetic.flint_rationals import from_fmpq
from stabkit.arithmetic.quotient import Unresolved
from stabkit.arithmetic.rational import Constant
from stabkit.fluxes.expression import VARIABLE, Expression, as_expression
from stabkit.fluxes.normal_form import T, in_all_cases, sides
from stabkit.fluxes.vanishing import vanishes


def line(expression: Expression, low: Scalar, high: Scalar) -> tuple[Fraction, Fraction] | None:
    """b and a, if the expression is b + a s on a cell, wherever it is defined."""
    found = [polynomial(expression, *cell) for cell in sides(low, high)]
    if any(known is None or len(known) > 2 for known in found):
        return None
    lines: set[Any] = {
        (*known, Fraction(0), Fraction(0))[:2] for known in found if known is not None}
    return lines.pop() if len(lines) == 1 else None


def polynomial(expression: Expression, low: Scalar, high: Scalar) -> list[Fraction] | None:
    """The coefficients in s, lowest first, of an expression that is one polynomial there."""
    try:
        (forms, form), *more = in_all_cases(low, high, expression)
    except (Unresolved, ArithmeticError):
        return None
    if more or not form.den.is_constant() or any(degree > 0 for degree in form.num.degrees()[1:]):
        return None
    side = -1 if low < 0 else 1
    terms = {int(powers[T]): from_fmpq(factor) * side ** int(powers[T])
             for powers, factor in form.num.to_dict().items()}
    same = sum((Constant(c) * VARIABLE**k for k, c in terms.items()), as_expression(0))
    if forms.asked and not vanishes(expression - same, low, high):
        return None  # at single points it may be another number
    return [terms.get(k, Fraction(0)) for k in range(max(terms, default=0) + 1)]
