"""Operators, fluxes and ratios that several claims are decided on, the smallest first."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from stabkit import fluxes
from stabkit.arithmetic.rational import Constant, fraction
from stabkit.classes import signal
from stabkit.operators import (
    DIRICHLET,
    MIRRORED,
    NATURAL,
    PERIODIC,
    Operator,
    convolution,
    difference,
    from_matrix,
)
from stabkit.proof.parts import SymbolicOperator
from stabkit.proof.words import Expression, vector
from stabkit.stability.property import Calculation

HALF, ONE = Fraction(1, 2), Fraction(1)
BEYOND = (Fraction(1001, 1000),)

REFLECTING_FIRST = tuple(difference(1, n) for n in (2, 3, 4, 6))
FIRST = (*REFLECTING_FIRST[:3], difference(1, 4, 1, PERIODIC), difference(1, 3, 1, DIRICHLET))
ANY_K = (
    *REFLECTING_FIRST[:3], difference(1, 4, 1, PERIODIC), difference(1, 3, 1, DIRICHLET),
    difference(1, 3, HALF, MIRRORED), difference(2, 4), difference(2, 4, 1, NATURAL),
    difference(3, 5, 1, NATURAL), convolution([1, -3, 2], 4, PERIODIC),
    from_matrix([[1, 2], [3, 4], [0, Fraction(-1, 2)]]),
)

SMOOTH_AT_ZERO = (fluxes.identity(), fluxes.charbonnier(), fluxes.soft(), fluxes.perona_malik(),
                  fluxes.garrote(), fluxes.rational())
NONLINEAR = SMOOTH_AT_ZERO[1:]
EXACT = (fluxes.identity(), fluxes.soft(), fluxes.garrote(), fluxes.rational(), fluxes.firm())
MONOTONE = (fluxes.identity(), fluxes.charbonnier(), fluxes.soft(), fluxes.tanh())
NONMONOTONE = (fluxes.perona_malik(), fluxes.rational(), fluxes.garrote())
DICTIONARY = tuple(make() for make in fluxes.DICTIONARY.values())
NEGATIVE = fluxes.scaled_identity(-1)


def constant(value: Any) -> Any:
    """A number of a formula, or a symbol for it."""
    return value if isinstance(value, Expression) else Constant(fraction(value, "value"))


def draw_signal(given: Any, K: Operator) -> Any:
    """A signal for K as it is given, or drawn from the seed that is given for it."""
    return signal(given, K.shape[1], lambda rng, n: [
        Fraction(int(p), int(q)) for p, q in zip(rng.integers(-9, 10, n), rng.integers(1, 4, n),
                                                 strict=True)])


def ones(K: Operator) -> Any:
    """The constant signal 1, or the symbol for it of a K that maps it to 0."""
    return vector("one", K.of) if isinstance(K, SymbolicOperator) else [1] * K.shape[1]


def some_step_is_stable(inner: Operator, outer: Operator) -> Calculation:
    """That for some τ > 0 the step u⁺ = u + τ W₂W₁u satisfies ‖u⁺‖ <= ‖u‖ for every u."""
    return Calculation(
        dict(V=inner.exact(), W=outer.exact()), [("B", "W @ V"), ("H", "B + B.T")],
        ["psd(-H)", "rank(stack(H, B)) == rank(H)"],
        "|u + τBu|² = |u|² + τ u·Hu + τ²|Bu|².  If u·Hu > 0, or u·Hu = 0 and Bu ≠ 0, every τ > 0 "
        "enlarges u; else |Bu|² <= −c u·Hu for some c, as B is 0 where H is, and τ <= 1/c serves",
        necessary=True)
