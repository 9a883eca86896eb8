"""Formulas and parts that pretend: what is proved must hold of what is computed."""

import random
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from stabkit import fluxes
from stabkit.errors import InvalidArgument
from stabkit.fluxes.expression import Expression
from stabkit.fluxes.flux import Facts, Flux, from_activation
from stabkit.operators import difference
from stabkit.schemes import Explicit, Implicit, Pointwise, ResidualBlock
from stabkit.stability.decide import decide
from stabkit.stability.notions import (
    CONTRACTION,
    EUCLIDEAN,
    RANGE,
    SIGN,
    Energy,
    energy,
    squared_norm,
)
from stabkit.stability.property import FaceWithin, Stable, UniqueSolution
from stabkit.stability.verdict import PROVED

ZERO, HALF, ONE = Fraction(0), Fraction(1, 2), Fraction(1)
K4 = difference(order=1, n=4)


def _remembers():
    calls = []
    return lambda s: s * len(calls.append(0) or calls)


@pytest.mark.parametrize("formula, words", [
    (_remembers(), "asked twice"),
    (lambda s: s if isinstance(s, Expression) else 10 * s, "must not look"),
    (lambda s: 10 * s if isinstance(s, float | np.ndarray) else s, "must not look"),
    (lambda s: random.random() * s, "asked twice"),
], ids=["memory", "numbers", "floats", "random"])
def test_a_formula_that_is_no_function_of_s_is_refused(formula, words):
    """What is proved of the expression would not hold of what is computed."""
    with pytest.raises(InvalidArgument, match=words):
        from_activation(formula, Facts(True, (ONE, ONE), (ONE, ONE)))


@pytest.mark.slow
@pytest.mark.parametrize("formula", [
    lambda s: np.where((s - 3) ** 2 > 0, np.minimum(s, 5), 100),
    lambda s: np.where(abs(s - 3) <= 0, 100, np.minimum(s, 5)),
    lambda s: np.where(s != 0, np.clip(s, -5, 5), 1),
    lambda s: np.where(s == -7, 3, np.clip(s, -5, 5)),
    lambda s: np.where((s * s - 2) ** 2 > 0, np.minimum(s, 5), 100),
], ids=range(5))
@pytest.mark.parametrize("odd", [False, True])
def test_a_value_at_a_single_point_beside_a_kink_is_not_lost(formula, odd):
    """(s − 3)² > 0 fails at one point inside a cell on which its sign does not change."""
    try:
        flux = from_activation(formula, Facts(odd, (ZERO, ONE), (ZERO, ONE)))
    except InvalidArgument as error:
        assert "piece before it" in str(error)
        return
    step = Explicit(K4, flux, HALF)
    for what in (*(Stable(step, notion) for notion in (CONTRACTION, EUCLIDEAN, RANGE, SIGN)),
                 Stable(ResidualBlock(K4, -HALF * K4.T, flux), CONTRACTION),
                 Stable(Pointwise(flux, 2), CONTRACTION)):
        assert decide(what, trials=200).status is not PROVED


@pytest.mark.slow
def test_parts_that_derive_from_the_packages_own_are_not_certified():
    """A subclass may compute something else than what its expression or entries say."""
    K, soft = difference(1, 4), fluxes.soft()

    class Tenfold(Flux):
        def activation(self, s):
            return 10 * super().activation(s)

    class Falling(Energy):
        def __call__(self, u):
            return -squared_norm(u)

    tenfold = Tenfold(soft.name, soft.pieces, soft.facts)
    turned = replace(energy(Energy(K, soft)), margin=lambda u, up: squared_norm(up)
                     - squared_norm(u))
    for what in (Stable(Explicit(K, tenfold, "1/4"), EUCLIDEAN),
                 FaceWithin(tenfold, "activation", -1, 1),
                 UniqueSolution(Implicit(K, tenfold, "1/4")),
                 Stable(Explicit(K, soft, "1/4"), energy(Falling(K, soft))),
                 Stable(Explicit(K, soft, "1/4"), turned)):
        assert decide(what, trials=200).status is not PROVED
    assert decide(Stable(Explicit(K, soft, "1/4"), energy(Energy(K, soft)))).status is PROVED
