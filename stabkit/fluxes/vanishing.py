"""Whether an expression is 0 for every s: by its normal form, never by its values.

The normal form leaves out single points.  An expression jumps only where the sign changes that
np.where, sign or a comparison asks for, so the zeros of what they ask are looked at one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from math import inf

from flint import fmpq_poly

from stabkit.aliases import Scalar
from stabkit.arithmetic.enclosure import Interval, precision
from stabkit.arithmetic.quotient import Polynomial, Unresolved
from stabkit.arithmetic.roots import complex_roots
from stabkit.errors import Undecided
from stabkit.fluxes.expression import Expression
from stabkit.fluxes.normal_form import T, in_all_cases, sides


def vanishes(expression: Expression, low: Scalar = -inf, high: Scalar = inf, *,
             inside: bool = False) -> bool:
    """Whether the expression is proved to be 0 wherever it is defined on a closed cell of s.

    `inside`: or on an open one, so that it may be another number at the ends.
    """
    return _vanishes(expression.text, _Held(expression), low, high) and _vanishes_at_single_points(
        expression.text, _Held(expression), low, high, inside)


def vanishes_almost(expression: Expression, low: Scalar = -inf, high: Scalar = inf) -> bool:
    """The same but for single points, at which np.where and the like may give another value."""
    return _vanishes(expression.text, _Held(expression), low, high)


class _Held:
    # Lets the cache compare by the text beside it.
    def __init__(self, expression: Expression):
        self.expression = expression

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held)


@lru_cache(maxsize=4096)
def _vanishes(text: str, held: _Held, low: Scalar, high: Scalar) -> bool:
    try:
        return all(form.num.is_zero() for cell in sides(low, high)
                   for _, form in in_all_cases(*cell, held.expression))
    except (Unresolved, ArithmeticError):
        return False


@lru_cache(maxsize=4096)
def _vanishes_at_single_points(text: str, held: _Held, low: Scalar, high: Scalar, inside: bool
                               ) -> bool:
    if low == high:
        return True
    points = {point for cell in sides(low, high)
              for forms, _ in in_all_cases(*cell, held.expression)
              for p, expression in forms.asked for point in _zeros(p, expression, *cell)}
    points -= {low, high} if inside else set()
    return all(point is not None and _vanishes(text, held, point, point) for point in points)


def _zeros(p: Polynomial, asked: Expression, low: Scalar, high: Scalar
           ) -> Iterator[Fraction | None]:
    """The zeros on a side of 0 of what a value jumps with; None for one that is not known."""
    if any(degree > 0 for degree in p.degrees()[1:]):
        if not _is_nowhere_0(asked, low, high):
            yield None
        return
    terms = {int(powers[T]): factor for powers, factor in p.to_dict().items()}
    whole = fmpq_poly([terms.get(k, 0) for k in range(p.degrees()[T] + 1)])
    for factor, _ in whole.numer().factor()[1] if whole.degree() > 0 else ():
        if factor.degree() == 1:
            size = Fraction(-int(factor[0]), int(factor[1]))
            point = -size if low < 0 else size
            if size >= 0 and low <= point <= high:
                yield point
        elif any(root.imag.is_zero() and root.real >= 0 for root, _ in complex_roots(factor)):
            yield None


def _is_nowhere_0(asked: Expression, low: Scalar, high: Scalar) -> bool:
    try:
        with precision(128):
            return bool(asked.at(Interval(low, high)) != 0)
    except (Undecided, ArithmeticError):
        return False
