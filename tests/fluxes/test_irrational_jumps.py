"""Fluxes that jump where no breakpoint can be: at roots, logarithms, and in between floats."""

from fractions import Fraction

import numpy as np
import pytest

from stabkit import fluxes
from stabkit.fluxes.flux import Facts, from_activation
from stabkit.fluxes.kinks import kinks, suspects
from stabkit.operators import from_matrix
from stabkit.schemes import Explicit
from stabkit.stability.decide import decide
from stabkit.stability.notions import CONTRACTION
from stabkit.stability.property import Stable
from stabkit.stability.verdict import PROVED, REFUTED

HALF, ONE = Fraction(1, 2), Fraction(1)
SAMPLE = from_matrix([[1]])


@pytest.mark.parametrize("formula", [
    lambda s: np.where(s * s < 2, s, s + 1), lambda s: s + np.sign(s * s - 2),
    lambda s: np.where(np.exp(s) < 3, s, s - 1),
    lambda s: np.where(s * s * s < 2, s, s * 101 / 100),
    lambda s: s + np.floor(s * s / 3), lambda s: 1 / (s * s - 2),
], ids=["root of 2", "sign", "log 3", "cubic root", "roots of 3 k", "poles"])
def test_a_jump_at_an_irrational_place_inside_a_piece_is_refuted(formula):
    """On either side of the jump by d two signals ε apart come to (1 − τ)ε − τd or so, |·| > ε."""
    flux = from_activation(formula, Facts(False, (ONE, ONE), None))
    for tau in (HALF, ONE):
        found = decide(Stable(Explicit(SAMPLE, flux, tau), CONTRACTION), trials=10)
        assert found.status is REFUTED


def test_a_place_where_nothing_jumps_is_no_counterexample():
    """The same value on both sides of a cubic root of 2: the step is (1 − τ) s, and contracts."""
    flux = from_activation(lambda s: np.where(s * s * s < 2, s, s), Facts(False, (ONE, ONE), None))
    assert [abs(float(x) ** 3 - 2) < 1e-9 for x in suspects(flux.expression(
        flux.pieces[0], "activation"))] == [True]
    assert decide(Stable(Explicit(SAMPLE, flux, HALF), CONTRACTION), trials=10).status \
        not in (PROVED, REFUTED)


def test_the_dictionary_has_no_such_places():
    """Its kinks are rational, so that nothing is searched beside the exact ones."""
    made = [make() for make in fluxes.DICTIONARY.values()]
    exact = [{*flux.breakpoints(), *kinks(flux.expression(piece, "activation"))}
             for flux in made for piece in flux.pieces]
    near = [suspects(flux.expression(piece, "activation"))
            for flux in made for piece in flux.pieces]
    assert all(min(abs(x - y) for y in points) < 1e-9
               for points, found in zip(exact, near, strict=True) for x in found)
