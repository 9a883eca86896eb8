"""Where a formula may switch, and whether it has the values of a flux there, too.

Two formulas that agree but for single points are one to their normal forms.
"""

from __future__ import annotations

from fractions import Fraction
from math import inf

from flint import fmpq_poly

from stabkit.arithmetic.flint_rationals import from_fmpq, to_fmpq
from stabkit.fluxes.expression import Expression
from stabkit.fluxes.flux import Flux
from stabkit.fluxes.normal_form import vanishes
from stabkit.fluxes.polynomials import polynomial


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
        for low, high in ((-inf, 0), (0, inf)):
            p = polynomial(a - b[0] if b else a, low, high)
            factors = [] if not p or not any(p) else fmpq_poly(list(map(to_fmpq, p))).factor()[1]
            if p is None or any(factor.degree() > 1 for factor, _ in factors):
                return None
            found |= {from_fmpq(-factor[0] / factor[1]) for factor, _ in factors}
    return found


def _agrees_at(formula: Expression, flux: Flux, point: Fraction) -> bool:
    size = abs(point) if flux.facts.odd else point
    piece = next(each for each in flux.pieces if each.upto is None or size <= each.upto)
    return vanishes(formula - flux.expression(piece, "activation"), point, point)
