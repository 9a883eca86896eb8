"""Where a formula may switch, and whether it has the values of a flux there, too.

Two formulas that agree but for single points are one to their normal forms.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import inf

from flint import fmpq_poly

from stabkit.arithmetic.flint_rationals import from_fmpq
from stabkit.arithmetic.quotient import Quotient, Unresolved
from stabkit.fluxes.expression import Expression
from stabkit.fluxes.flux import Flux
from stabkit.fluxes.normal_form import T, in_all_cases
from stabkit.fluxes.vanishing import vanishes


def agrees_at_switches(formula: Expression, flux: Flux) -> bool:
    """Whether formula and flux are proved to have the same values wherever the formula may jump."""
    points = switching_points(formula)
    return points is not None and all(_agrees_at(formula, flux, point) for point in points)


def switching_points(formula: Expression) -> set[Fraction] | None:
    """Where comparisons and signs in a formula change; None where that is not known."""
    found: set[Fraction] = set()
    for part in formula.parts():
        if part.operation == "floor":
            return None
        if part.operation not in ("<", "<=", "==", "sign"):
            continue
        a, *b = part.arguments
        try:
            found |= {root for low, high in ((-inf, 0), (0, inf))
                      for _, form in in_all_cases(low, high, a - b[0] if b else a)
                      for root in _roots(form, 1 if high > 0 else -1)}
        except (Unresolved, ArithmeticError):
            return None
    return found


def _roots(form: Quotient, side: int) -> Iterator[Fraction]:
    """The roots of a form in |s| on one side of 0, which must be rational."""
    if not form.den.is_constant() or any(degree > 0 for degree in form.num.degrees()[1:]):
        raise Unresolved("a switch that is no polynomial")
    powers = {int(place[T]): factor for place, factor in form.num.to_dict().items()}
    p = fmpq_poly([powers.get(k, 0) for k in range(max(powers, default=0) + 1)])
    for factor, _ in p.factor()[1] if powers else ():
        if factor.degree() > 1:
            raise Unresolved("a switch that may be no fraction")
        yield from_fmpq(-factor[0] / factor[1]) * side


def _agrees_at(formula: Expression, flux: Flux, point: Fraction) -> bool:
    size = abs(point) if flux.facts.odd else point
    piece = next(each for each in flux.pieces if each.upto is None or size <= each.upto)
    return vanishes(formula - flux.expression(piece, "activation"), point, point)
