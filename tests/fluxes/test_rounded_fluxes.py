"""A flux that holds floats is decided as itself and as what was meant by them."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest

from stabkit import (
    CONTRACTION,
    EUCLIDEAN,
    RANGE,
    Chain,
    Explicit,
    decide,
    difference,
    energy,
    fluxes,
    from_matrix,
    step_bound,
)
from stabkit.fluxes.activations import clip, elu
from stabkit.fluxes.flux import (
    Facts,
    Flux,
    Piece,
    from_activation,
    from_diffusivity,
    from_regulariser,
    from_shrinkage,
)
from stabkit.replay import check
from stabkit.stability.certificates import check_facts
from stabkit.stability.notions import Energy
from stabkit.stability.property import FaceWithin, Stable
from stabkit.stability.verdict import PROVED, REFUTED

F = Fraction
ONE = from_matrix([["1"]])


def facts(x):
    return Facts(True, (0, x), (0, x))


WAYS = {
    "activation": lambda x: from_activation(lambda s: x * s, facts(x)),
    "diffusivity": lambda x: from_diffusivity(lambda s: x + 0 * s, facts(x)),
    "regulariser": lambda x: from_regulariser(lambda s: x * s * s, facts(x)),
    "pieces": lambda x: Flux("own", [Piece(None, lambda s: x * s, lambda s: x)], facts(x)),
    "dictionary": fluxes.scaled_identity,
    "bend": lambda x: from_activation(lambda s: np.maximum(x * s, 0),
                                      Facts(False, (0, x), (0, x))),
}


def with_bound(flux, notion, slope):
    """A step that is stable if and only if Φ′ is at most `slope`, by 2τL <= 1 or τL <= 2."""
    return Explicit(difference(1, 4), flux, 1 / (2 * slope)) if notion is RANGE else \
        Explicit(ONE, flux, 2 / slope)


# -- just at the bound -----------------------------------------------------------------------------
@pytest.mark.parametrize("notion", [RANGE, EUCLIDEAN, CONTRACTION])
@pytest.mark.parametrize("x", ["0.1", "0.3", "0.7"])
def test_what_was_meant_is_proved_at_the_bound_and_the_double_told(x, notion):
    """The double 0.1 lies above 1/10, so as such it is refuted; those of 0.3 and 0.7 below."""
    flux = WAYS["activation"](float(x))
    outcome = decide(with_bound(flux, notion, F(x)), notion, trials=256)
    assert outcome.status is PROVED
    assert all(check(item.to_json({})) is None for item in outcome.evidence)
    if F(float(x)) > F(x):
        assert "as meant, while the floats themselves are refuted by" in outcome.rounding
        assert "the double 0.1 of activation lies 5.6e-18 above 1/10" in outcome.rounding
    else:
        assert outcome.rounding == ""


@pytest.mark.parametrize("x", [0.3, 0.7])
def test_what_was_meant_is_refuted_at_the_bound_of_a_double_below_it(x):
    outcome = decide(with_bound(WAYS["activation"](x), EUCLIDEAN, F(x)), EUCLIDEAN, trials=256)
    assert outcome.status is REFUTED and "the floats themselves are proved" in outcome.rounding
    assert f"the double {x} of activation lies" in outcome.rounding and "below" in outcome.rounding


@pytest.mark.parametrize("way", WAYS)
def test_however_the_flux_was_made(way):
    flux = WAYS[way](0.1)
    outcome = decide(with_bound(flux, RANGE, F(1, 10)), RANGE, trials=256)
    assert outcome.status is PROVED and "5.6e-18" in outcome.rounding
    assert outcome.rounding.count("the double 0.1") == 1
    assert flux.meant().activation(F(3)) == F(3, 10) != flux.activation(F(3))


def test_a_shrinkage_and_its_step_are_those_that_were_meant():
    """S = r - r/10 with τ = 3/10 and h = 1 belongs to Φ = s/12, once 0.1 and 0.3 are exact."""
    flux = from_shrinkage(lambda r: r - 0.1 * r, Facts(True, (0, 1), (0, 1)), tau=0.3)
    exact = from_shrinkage(lambda r: r - F(1, 10) * r, Facts(True, (0, 1), (0, 1)), tau="3/10")
    assert flux.meant().formula() == exact.formula() != flux.formula()
    assert [name for name, *_ in flux.intended[1]] == ["shrinkage", "tau"]


@pytest.mark.parametrize("x", [0.1000001, np.nextafter(.1, 1), F(1, 10) + F(1, 10**20), F(0.1)])
@pytest.mark.parametrize("way", ["activation", "dictionary", "pieces"])
def test_what_lies_above_the_bound_stays_refuted(way, x):
    outcome = decide(with_bound(WAYS[way](x), RANGE, F(1, 10)), RANGE, trials=256)
    assert outcome.status is REFUTED and outcome.rounding == ""


@pytest.mark.parametrize(("x", "status"), [(0.0999, PROVED), (0.1001, REFUTED)])
@pytest.mark.parametrize("notion", [RANGE, EUCLIDEAN, CONTRACTION])
def test_where_both_are_of_one_mind_nothing_is_told(x, status, notion):
    outcome = decide(with_bound(WAYS["activation"](x), notion, F(1, 10)), notion, trials=256)
    assert outcome.status is status and outcome.rounding == ""


def test_a_single_is_the_rounding_of_a_tenth_too():
    flux = WAYS["activation"](np.float32(0.1))
    outcome = decide(with_bound(flux, RANGE, F(1, 10)), RANGE, trials=256)
    assert outcome.status is PROVED and "1.5e-09 above 1/10" in outcome.rounding


# -- facts -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("given", [0.1, F(1, 10), "1/10"])
def test_facts_are_those_that_were_meant(given):
    """The double 0.1 is no slope of s/10, nor 1/10 one of the double times s; both were meant."""
    for activation in (lambda s: 0.1 * s, lambda s: s / 10):
        flux = from_activation(activation, facts(given))
        assert decide(with_bound(flux, RANGE, F(1, 10)), RANGE, trials=256).status is PROVED
        assert flux.meant().facts == facts(F(1, 10))


def test_facts_that_are_wrong_by_more_than_rounding_prove_nothing():
    flux = from_activation(lambda s: 0.1 * s, facts(0.0999999))
    assert decide(with_bound(flux, RANGE, F(999999, 10**7)), RANGE, trials=256).status is REFUTED


@pytest.mark.parametrize("of", [3, 10, 7])
def test_a_slope_is_the_quotient_of_integers_and_not_its_double(of):
    """The double of 1/3 lies below 1/3, so it bounds no slope of s/3."""
    flux = from_activation(lambda s: s / of, facts(F(1, of)))
    assert flux.slope(F(2)) == F(1, of) and check_facts(flux)["slopes"] is True
    below = F(1, of) - F(1, 2**60)
    assert check_facts(from_activation(lambda s: s / of, facts(below)))["slopes"] is False


@pytest.mark.parametrize("formula", [
    lambda s: np.where(s > 0, 1, 2) / 3, lambda s: np.maximum(np.sign(s), 3) ** -1])
def test_integers_in_exact_values_are_divided_exactly(formula):
    flux = from_activation(formula, Facts(False, (0, 1), None, continuous=False))
    assert flux.activation(F(2)) == flux.activation(2) == F(1, 3)


# -- what is meant by a flux -----------------------------------------------------------------------
@pytest.mark.parametrize(("flux", "edges"), [
    (fluxes.soft(0.3), [F(-3, 10), F(3, 10)]), (fluxes.garrote(0.7), [F(-7, 10), F(7, 10)]),
    (fluxes.firm(0.1, 0.3), [F(-3, 10), F(-1, 10), F(1, 10), F(3, 10)]),
    (clip(-0.1, 0.7), [F(-1, 10), F(7, 10)]),
    (from_activation(lambda s: np.clip(s, -0.3, 0.3), Facts(True, (0, 1), (0, 1))),
     [F(-3, 10), F(3, 10)]),
    (Flux("own", [Piece(F(0), lambda s: 0 * s), Piece(0.3, lambda s: s), Piece(
        None, lambda s: 0.3 + 0 * s)], Facts(False, (0, 1), (0, 1))), [0, F(3, 10)]),
])
def test_breakpoints_are_those_that_were_meant(flux, edges):
    assert flux.meant().breakpoints() == edges != flux.breakpoints()
    assert flux.meant() is flux.meant() and flux.meant().meant() is flux.meant()
    assert (flux.kernel is None) == (flux.meant().kernel is None)


@pytest.mark.parametrize("flux", [
    fluxes.identity(), fluxes.relu(), fluxes.soft("1/10"), fluxes.perona_malik(F(1, 10)),
    fluxes.soft(0.5), fluxes.soft(1), elu(), from_activation(lambda s: s / 10, facts("1/10")),
    from_activation(lambda s: F(1, 10) * s, facts(F(1, 10)))])
def test_exact_fluxes_mean_themselves(flux):
    assert flux.meant() is flux and flux.intended == (flux, ())


def test_what_cannot_be_as_it_was_meant_stays():
    """Between 1/10 and the double 0.1 a firm threshold falls; between 1/10 and 1/10 it jumps."""
    flux = fluxes.firm(F(1, 10), 0.1)
    assert flux.meant() is flux


def test_a_flux_is_what_it_was_when_it_was_made():
    """A loop's variable goes on, and a formula with it; the flux and what was meant do not."""
    made = [from_activation(lambda s: c * s, Facts(True, (0, 1), (0, 1)))  # noqa: B023
            for c in (0.1, 0.3, 0.7)]
    assert [flux.meant().slope(F(1)) for flux in made] == [F(1, 10), F(3, 10), F(7, 10)]


def test_a_flux_that_derives_from_the_class_is_left_alone():
    @dataclass(frozen=True, eq=False)
    class Own(Flux):
        def activation(self, s):
            return s

    flux = Own("own", [Piece(None, lambda s: 0.1 * s)], facts(0.1))
    assert flux.meant() is flux


# -- where rounding does not matter ----------------------------------------------------------------
@pytest.mark.parametrize("flux", [fluxes.soft(0.1), fluxes.perona_malik(0.3),
                                  fluxes.charbonnier(0.7), fluxes.leaky_relu(0.1)])
def test_a_rounding_that_changes_nothing_is_not_told(flux):
    outcome = decide(Explicit(difference(1, 4), flux, "1/2"), RANGE, trials=256)
    assert outcome.status is PROVED and outcome.rounding == ""
    outcome = decide(Explicit(difference(1, 4), flux, 0.3), RANGE, trials=256)
    assert outcome.rounding == ("proved as meant, and so are the floats themselves; the double "
                                "0.3 of tau lies 1.1e-17 below 3/10")


# -- other ways in ---------------------------------------------------------------------------------
@pytest.mark.slow
def test_chains_energies_and_step_bounds_are_those_that_were_meant():
    K, flux = difference(1, 4), fluxes.scaled_identity(0.1)
    step = Explicit(K, flux, 5)
    assert decide(Chain([step, step]), RANGE).status is PROVED
    assert decide(Stable(step, energy(Energy(K, flux))), trials=64).status is PROVED
    found = step_bound(step, RANGE)
    assert found.proved == ((0, 5),) and "5.6e-18 above 1/10" in found.rounding


def test_faces_are_within_what_was_meant():
    outcome = decide(FaceWithin(fluxes.scaled_identity(0.1), "slope", 0, "1/10"))
    assert outcome.status is PROVED and "floats themselves are refuted" in outcome.rounding
    assert decide(FaceWithin(fluxes.scaled_identity(0.1), "slope", 0, "1/11")).status is REFUTED
