"""Sums of c|s|ᵃ exp(−b|s|ⁿ), written with xᵏe⁻ˣ, which has sharp enclosures on infinite intervals.

The slope of s exp(−s²/2) is a sum of products of a growing and a decaying factor; enclosed factor
by factor, nothing is known of it far out.
"""

from __future__ import annotations

from fractions import Fraction
from math import inf

from stabkit.arithmetic.flint_rationals import from_fmpq
from stabkit.arithmetic.quotient import Quotient, Unresolved
from stabkit.arithmetic.rational import Constant
from stabkit.fluxes.expression import VARIABLE, Expression, as_expression
from stabkit.fluxes.normal_form import Forms, in_all_cases

Term = tuple[int, int, Fraction]  # a, n, b; n = 0 without an exponential


def as_fading_sum(expression: Expression) -> Expression:
    """The expression as such a sum, if it is one and even in s; else unchanged."""
    if all(part.operation != "exp" for part in expression.parts()):
        return expression
    try:
        sides = [_terms(*form) for low, high in ((-inf, 0), (0, inf))
                 for form in in_all_cases(low, high, expression)]
    except (Unresolved, ArithmeticError):
        return expression
    known = sides[0]
    if known is None or len(sides) != 2 or sides[1] != known or not any(n for _, n, _ in known):
        return expression
    total = as_expression(0)
    for term, factor in sorted(known.items()):
        total = total + _expression_of(term, factor)
    return total


def _terms(forms: Forms, form: Quotient) -> dict[Term, Fraction] | None:
    """The factors of the terms, or None where it is no such sum."""
    if len(form.den) != 1:
        return None
    ((below, divisor),) = form.den.to_dict().items()
    found: dict[Term, Fraction] = {}
    for powers, factor in form.num.to_dict().items():
        a, *rest = (int(p) - int(q) for p, q in zip(powers, below, strict=True))
        used = {k: -power for k, power in enumerate(rest, 1) if power}
        degrees = {forms.exponents.get(k, (0, 0))[0] for k in used}
        if len(degrees) > 1 or 0 in degrees or min(used.values(), default=1) < 0 or a < 0:
            return None
        n = degrees.pop() if degrees else 0
        if a % n if n else a:
            return None
        b = sum((power * forms.exponents[k][1] for k, power in used.items()), Fraction(0))
        found[a, n, b] = found.get((a, n, b), Fraction(0)) + from_fmpq(factor) / from_fmpq(divisor)
    return found


def _expression_of(term: Term, factor: Fraction) -> Expression:
    a, n, b = term
    if n == 0:
        return as_expression(Constant(factor))
    x = Constant(b) * (VARIABLE if n % 2 == 0 else abs(VARIABLE))**n
    k = a // n
    faded = x.decay(k) if k else (-x).exp()
    return Constant(factor / b**k) * faded
