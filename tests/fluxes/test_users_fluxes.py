"""Fluxes from a user's function: they work wherever those of the dictionary do, or are refused."""

import time
from fractions import Fraction as F

import numpy as np
import pytest

from stabkit import (
    CONTRACTION,
    EUCLIDEAN,
    RANGE,
    Energy,
    Explicit,
    Facts,
    Pointwise,
    Stable,
    audit,
    decide,
    difference,
    energy,
    fluxes,
    from_activation,
    from_diffusivity,
    step_bound,
)
from stabkit.errors import InvalidArgument, NoValue
from stabkit.fluxes.fading import as_fading_sum
from stabkit.fluxes.recording import record
from stabkit.replay import check
from stabkit.stability.certificates import check_facts
from stabkit.stability.verdict import PROVED, REFUTED, UNDECIDED
from stabkit.testing import NotStable, assert_stable

K = difference(1, 4)
GAUSS = from_diffusivity(lambda s: np.exp(-s * s / 2), fluxes.perona_malik().facts)


def bell(lowest, highest=1, power=2, scale=1):
    """Of g = exp(−|s/c|ⁿ), with a range for its slopes."""
    return from_diffusivity(lambda s: np.exp(-abs(s / scale)**power),
                            Facts(True, (lowest, highest), (0, 1)))


@pytest.mark.slow
def test_the_users_gauss_is_decided_as_the_dictionarys():
    """(1 − s²) exp(−s²/2) has its minimum −2 exp(−3/2) = −0.44626 at s² = 3."""
    assert set(check_facts(GAUSS).values()) == {True}
    for tau, notion in (("1/2", EUCLIDEAN), ("1/2", RANGE), ("1/2", CONTRACTION), (3, EUCLIDEAN),
                        (1, RANGE), ("1/2", None)):
        found = [decide(Explicit(K, flux, tau), notion or energy(Energy(K, flux)), trials=500)
                 for flux in (GAUSS, fluxes.perona_malik())]
        assert found[0].status is found[1].status in (PROVED, REFUTED)
        assert all(check(item.to_json({})) is None for item in found[0].evidence)


@pytest.mark.slow
def test_step_bound_audit_and_assertion_take_it():
    mine, theirs = (step_bound(Explicit(K, flux, 1), EUCLIDEAN, trials=64)
                    for flux in (GAUSS, fluxes.perona_malik()))
    assert mine.proved == theirs.proved and mine.refuted[0][0] == theirs.refuted[0][0]
    mine, theirs = (audit(Explicit(K, flux, "1/2")).blocks[0]
                    for flux in (GAUSS, fluxes.perona_malik()))
    assert (mine.statuses, mine.safe) == (theirs.statuses, theirs.safe)
    assert assert_stable(Explicit(K, GAUSS, "1/2"), EUCLIDEAN, trials=100).status is PROVED
    with pytest.raises(NotStable, match="margin"):
        assert_stable(Explicit(K, GAUSS, 3), EUCLIDEAN, trials=100)


@pytest.mark.slow
@pytest.mark.parametrize("flux, slopes", [
    # n = 1: (1 − s) e⁻ˢ >= −e⁻² = −0.1353; n = 2: −2 e^(−3/2); n = 4: (1 − 4x) e⁻ˣ at x = 5/4
    (bell("-136/1000", power=1), True), (bell("-135/1000", power=1), False),
    (bell("-447/1000", scale=3), True), (bell("-446/1000", scale=3), False),
    (bell("-11461/10000", power=4), True), (bell("-1146/1000", power=4), False),
    (bell("-447/1000", "99/100"), False)])
def test_slopes_that_fade_are_bounded_on_the_whole_line(flux, slopes):
    """A bound just below the minimum, and one just above it, which must not be shown."""
    shown = check_facts(flux)["slopes"]
    assert shown is True if slopes else shown is not True


@pytest.mark.parametrize("formula", [
    lambda s: (1 - s * s) * np.exp(-s * s / 2), lambda s: 3 - s**4 * np.exp(-2 * s * s),
    lambda s: np.exp(-abs(s)) - abs(s) * np.exp(-3 * abs(s))])
def test_what_fades_is_the_same_expression(formula):
    """The values agree; what grows, oscillates or is no such sum is left as it is."""
    made = as_fading_sum(record(formula))
    assert "decay" in made.text
    for s in (-5.5, -1.0, 0.0, 0.25, 3.0):
        assert float(made.at(np.float64(s))) == pytest.approx(float(formula(np.float64(s))))


@pytest.mark.parametrize("formula", [
    lambda s: s * np.exp(-s * s), lambda s: np.exp(s * s), lambda s: s * s, lambda s: 1 + 0 * s,
    lambda s: np.exp(-s), lambda s: np.sin(s) * np.exp(-s * s),
    lambda s: np.exp(-s * s) / (1 + s * s),
    lambda s: np.exp(-s * s - abs(s)), lambda s: abs(s) * np.exp(-s * s)])
def test_what_is_no_even_sum_that_fades_is_left_as_it_is(formula):
    made = record(formula)
    assert as_fading_sum(made).text == made.text


UNDEFINED = {
    "sin(s)/s": lambda s: np.sin(s) / s, "log": lambda s: np.log(1 + s * s) / (s * s),
    "s/s": lambda s: s / s, "root": lambda s: 1 / np.sqrt(abs(s))}


@pytest.mark.slow
@pytest.mark.parametrize("name", UNDEFINED)
def test_undefined_at_0_is_refused_there_and_proves_nothing(name):
    """0 · (0/0) is no number, in intervals too."""
    flux = from_diffusivity(UNDEFINED[name], Facts(True, (-1, 1), (-1, 1)))
    with pytest.raises(NoValue, match="no value at s = 0"):
        flux(F(0))
    for notion in (EUCLIDEAN, CONTRACTION, RANGE):
        outcome = decide(Explicit(K, flux, "1/2"), notion, trials=200)
        assert outcome.status is not PROVED
        assert all(check(item.to_json({})) is None for item in outcome.evidence)
        assert outcome.status is REFUTED or (outcome.status is UNDECIDED
                                             and "no value at s = 0" in outcome.reason)
    assert None in check_facts(flux).values() or False in check_facts(flux).values()


@pytest.mark.slow
def test_the_energy_of_what_cannot_be_integrated_is_said_at_once():
    flux = from_diffusivity(UNDEFINED["log"], Facts(True, (-1, 1), (0, 1)))
    start = time.process_time()
    outcome = decide(Explicit(K, flux, "1/2"), energy(Energy(K, flux)), trials=2000)
    assert outcome.status is not PROVED and "activation is not shown" in outcome.reason
    assert time.process_time() - start < 10


def test_float_integrals_are_those_in_closed_form():
    """2 ∫ Φ for Φ = s exp(−s²/2) is 2 (1 − exp(−s²/2)), also far beyond its peak."""
    flux = from_activation(lambda s: s * np.exp(-s * s / 2), fluxes.perona_malik().facts)
    s = np.array([[-1e4, -3, -0.1], [0, 1e-6, 50]])
    assert flux.regulariser(s) == pytest.approx(2 * (1 - np.exp(-s * s / 2)), abs=1e-12)


@pytest.mark.parametrize("make, words", [
    (lambda: Facts(True, (0.5,), None), "slopes: must be a pair"),
    (lambda: Facts(True, (1, 0), None), "slopes: the lower end comes first"),
    (lambda: Facts(True, (0, 1), ("a", 1)), "diffusivities"),
    (lambda: from_activation(lambda s: s, (True, 0, 1)), "facts: must be of type Facts"),
    (lambda: from_diffusivity(lambda s: 1, None), "facts: must be of type Facts"),
    (lambda: from_diffusivity(lambda s: s if s > 0 else 0, Facts(True, (0, 1), None)), "branch"),
    (lambda: from_diffusivity(lambda s: np.nan * s, Facts(True, (0, 1), None)), "nan")])
def test_what_is_no_flux_is_refused_with_the_argument(make, words):
    with pytest.raises(InvalidArgument, match=words):
        make()


@pytest.mark.parametrize("formula", [
    lambda s: s if getattr(s, "ndim", 0) == 0 else 5 * s,
    lambda s: s if getattr(s, "size", 1) == 1 else s + 1,
    lambda s: 3 * s if isinstance(s, np.ndarray) else s])
def test_a_formula_that_is_another_one_for_arrays_is_refused(formula):
    """Of numbers it is s, and that would be proved; but a step computes with arrays."""
    with pytest.raises(InvalidArgument, match="must not look at what it is given"):
        from_activation(formula, Facts(True, (1, 1), (1, 1)))


def test_facts_in_floats_are_the_fractions_that_they_are():
    flux = from_diffusivity(lambda s: np.exp(-s * s / 2), Facts(True, (-0.5, 1.0), (0, 1)))
    assert flux.facts.slopes == (F(-1, 2), 1) and set(check_facts(flux).values()) == {True}
    found = decide(Explicit(K, flux, "1/2"), energy(Energy(K, flux)), trials=100)
    assert found.status is PROVED
    assert decide(Stable(Pointwise(flux, 2), EUCLIDEAN)).status is PROVED
