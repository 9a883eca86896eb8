"""One wrong line in what decides, proves or encloses, and a small truth that it would change."""

import json
from fractions import Fraction
from math import inf

import numpy as np
import pytest
from evidence_files import evidence

from stabkit import fluxes
from stabkit.arithmetic.enclosure import Interval, hull_of
from stabkit.arithmetic.open_step import Unknown
from stabkit.errors import InvalidArgument
from stabkit.fluxes.continuity import cover, first_ends, is_continuous
from stabkit.fluxes.expression import VARIABLE as s
from stabkit.fluxes.expression import as_expression
from stabkit.fluxes.faces import faces_of
from stabkit.fluxes.flux import Facts, Flux, Piece, from_activation
from stabkit.fluxes.vanishing import vanishes
from stabkit.operators import difference, from_matrix
from stabkit.replay import check
from stabkit.schemes import Chain, Explicit, Implicit, Linear, ResidualBlock
from stabkit.stability.certificates import certify, check_facts
from stabkit.stability.certificates.smaller_steps import ALL, NONE, SMALLER, reach
from stabkit.stability.decide import decide
from stabkit.stability.falsify.exactness import shrink
from stabkit.stability.notions import CONTRACTION, EUCLIDEAN
from stabkit.stability.property import (
    Calculation,
    Experiment,
    FaceWithin,
    NormAtMost,
    Not,
    Stable,
)
from stabkit.stability.sharpness.linear import proved_steps, refuted_steps
from stabkit.stability.sharpness.signs import Cell, cells
from stabkit.stability.verdict import PROVED, REFUTED, SUPPORTED, UNDECIDED

ONE, ZERO, HALF = Fraction(1), Fraction(0), Fraction(1, 2)
exp, sqrt, sin, cos = np.exp, np.sqrt, np.sin, np.cos
ANY = Facts(False, (Fraction(-9), Fraction(9)), None)


# -- enclosures --------------------------------------------------------------------------------
def test_what_is_increasing_is_enclosed_between_its_ends():
    """floor of [-3/2, 5/2] is in [-2, 2], erf of the line in [-1, 1], |[-3, 1]| in [0, 3]."""
    assert [Interval(Fraction(-3, 2), Fraction(5, 2)).floor().lower,
            Interval(Fraction(-3, 2), Fraction(5, 2)).floor().upper] == [-2, 2]
    line = Interval(-inf, inf)
    assert (line.erf().lower, line.erf().upper) == (-1, 1)
    assert (line.tanh().lower, line.tanh().upper) == (-1, 1)
    assert not line.floor().is_finite and line.floor().lo < 0 < line.floor().hi
    assert (abs(Interval(-3, 1)).lower, abs(Interval(-3, 1)).upper) == (0, 3)
    assert (abs(Interval(-1, 3)).lower, abs(Interval(-1, 3)).upper) == (0, 3)
    assert (abs(Interval(-3, -1)).lower, abs(Interval(-3, -1)).upper) == (1, 3)


def test_the_hull_of_several_values_holds_them_all():
    """One value stays what it is."""
    both = hull_of([Fraction(3), Interval(0, 1), Fraction(-1)])
    assert (both.lower, both.upper) == (-1, 3)
    assert hull_of([Fraction(3)]) == 3 and hull_of([2, 5]).upper == 5


# -- continuity, normal forms, faces ---------------------------------------------------------------
@pytest.mark.parametrize("expression, low, high, continuous", [
    (np.sqrt(s), 0, inf, True), (np.sqrt(s), 0, 1, True), (np.sqrt(s), -1, 1, False),
    (np.log(s), 0, 1, False), (np.log(s), 1, 2, True), (np.sqrt(s + HALF), 0, 1, True),
    (as_expression(1) / s, 0, 1, False), (as_expression(1) / (s + 1), 0, inf, True),
    (np.sign(s), 0, 1, False), (np.sign(s), 1, 2, True),
])
def test_where_an_expression_is_continuous(expression, low, high, continuous):
    """A root may begin at 0, a logarithm may not; both at any positive number."""
    assert is_continuous(expression, low, high) is continuous


def test_cells_are_cut_where_they_must_be():
    """The first cells end at 0, at the points inside, and at 8 times the largest of them."""
    assert first_ends(-inf, inf, [Fraction(2)]) == [-inf, -16, 0, 2, 16, inf]
    assert first_ends(0, 2) == [0, 2] and first_ends(-1, inf) == [-1, 0, 8, inf]
    assert cover([0, 1], lambda a, b: b - a < Fraction(1, 3)) == (0, .25, .5, .75, 1)
    assert cover([0, 1], lambda a, b: False) is None
    assert cover([1, inf], lambda a, b: b == inf and a >= 64) is None
    assert cover([Fraction(1), inf], lambda a, b: a >= 64 or b != inf)[-2] == 64


@pytest.mark.parametrize("left, right, same", [
    (sqrt((1 + s * s) ** 2), 1 + s * s, True), (sqrt((1 + s * s) ** 2), 2 + 2 * s * s, False),
    (sqrt(abs(s)) ** 2, abs(s), True), (sqrt(4 * s * s), 2 * abs(s), True),
    (sqrt(s ** 6), abs(s) ** 3, True), (sqrt(s ** 6), s ** 3, False),
    (sqrt((s - 1) ** 2), abs(s - 1), True), (sqrt((s - 1) ** 2), s - 1, False),
    (sqrt(-(s - 1) ** 3 * (1 - s)), (s - 1) ** 2, True),
    (sqrt(8 * (1 + s * s) ** 3), (2 + 2 * s * s) * sqrt(2 + 2 * s * s), True),
    (sqrt(exp(2 * s)), exp(s), True), (sqrt(exp(s)), exp(s / 2), True),
    (exp(s) * exp(3 * s), exp(4 * s), True), (exp(s) * exp(s), exp(s), False),
    (cos(s) ** 2 + sin(s) ** 2, ONE + 0 * s, True), (sin(-s), -sin(s), True),
    (cos(-s), cos(s), True), (cos(-s), -cos(s), False), (np.tanh(s), -np.tanh(-s), True),
    (np.tanh(s / 2), (exp(s) - 1) / (exp(s) + 1), True), (np.log(1 + 0 * s), s - s, True),
    (sqrt(12 + 0 * s), 2 * sqrt(3 + 0 * s), True), (sqrt(HALF + 0 * s), sqrt(2 + 0 * s) / 2, True),
    (abs(s).decay(2), s * s * exp(-abs(s)), True), (abs(s).decay(2), abs(s) * exp(-abs(s)), False),
    (np.maximum(s, 0) + np.minimum(s, 0), s, True),
    (np.maximum(s, 0) - np.minimum(s, 0), abs(s), True),
    (np.maximum(s, 0) - np.minimum(s, 0), s, False),
    ((1 + s * s) ** -2 * (1 + s * s), 1 / (1 + s * s), True),
])
def test_normal_forms(left, right, same):
    """Identities of real functions, and beside each a formula that differs at s = 1 or at -1."""
    assert vanishes(left - right) is same and vanishes(right - left) is same


def test_the_regulariser_of_one_side_need_not_meet_on_the_other():
    """phi = min(s, 1): psi = s^2 up to 1 and 2 s - 1 beyond; at -1 these are 1 and -3."""
    pieces = [Piece(ONE, lambda s: s, None, lambda s: s * s), Piece(None, lambda s: 1 + 0 * s, None,
                                                                   lambda s: 2 * s - 1)]
    flux = Flux("clip", pieces, ANY)
    assert flux.regulariser(Fraction(3)) == 5 and flux.regulariser(Fraction(-1)) == 1
    odd = [pieces[0], Piece(None, lambda s: np.sign(s), None, lambda s: 2 * abs(s) - 1)]
    assert Flux("odd", odd, Facts(True, (ZERO, ONE), None)).regulariser(Fraction(-3)) == 5
    with pytest.raises(InvalidArgument, match="regulariser is"):
        Flux("apart", [pieces[0], Piece(None, lambda s: 1 + 0 * s, None, lambda s: 2 * s)], ANY)


def test_regularisers_of_some_pieces_are_those_of_none():
    """Without one of them the integral from 0 cannot be told."""
    given = [Piece(ONE, lambda s: s, None, lambda s: s * s), Piece(None, lambda s: 1 + 0 * s)]
    assert all("regulariser" not in faces for faces in faces_of(given, False, "part"))
    assert Flux("part", given, ANY).regulariser(Fraction(1)).lower <= 1


@pytest.mark.parametrize("phi, g", [
    (lambda s: abs(s), lambda s: np.sign(s)),
    (lambda s: np.where(s > 0, s, 2 * s), lambda s: np.where(s > 0, 1, 2)),
])
def test_diffusivities_that_jump_are_not_taken_on_trust(phi, g):
    """Where they jump, g(s) s = phi(s) is not shown at single points."""
    with pytest.raises(InvalidArgument, match="is not shown to belong"):
        Flux("jumps", [Piece(None, phi, g)], ANY)


def test_a_bound_that_fails_far_out_is_not_confirmed():
    """g(20) = 3/2: 1 is no bound of the diffusivity, and none of the slopes."""
    flux = from_activation(lambda s: s / 2 + s / (1 + (s - 20) ** 2),
                           Facts(False, (Fraction(-30), Fraction(30)), (ZERO, ONE)))
    assert flux.diffusivity(Fraction(20)) == Fraction(3, 2)
    assert check_facts(flux)["diffusivities"] is not True


# -- certificates ----------------------------------------------------------------------------------
@pytest.mark.parametrize("factor", [10, -1, 2])
def test_an_outer_activation_is_not_forgotten(factor):
    """K = 1, tau = 1/4, phi = id: the block is 3/4 u, and 30/4 u with 10 id behind it."""
    K = from_matrix([[1]])
    bare = ResidualBlock(K, Fraction(-1, 4) * K.T, fluxes.identity())
    block = ResidualBlock(K, Fraction(-1, 4) * K.T, fluxes.identity(),
                          outer_activation=fluxes.scaled_identity(factor))
    assert certify(bare, CONTRACTION) is not None
    holds = abs(Fraction(3, 4) * factor) <= 1
    assert decide(Stable(block, CONTRACTION)).status is (PROVED if holds else REFUTED)


def test_a_block_of_a_decreasing_activation_is_not_proved():
    """u + u/4: phi = -id has the slopes [-1, -1]."""
    K = from_matrix([[1]])
    block = ResidualBlock(K, Fraction(-1, 4) * K.T, fluxes.scaled_identity(-1))
    assert certify(block, CONTRACTION) is None
    assert decide(Stable(block, CONTRACTION)).status is REFUTED


def test_how_far_a_certificate_reaches():
    """It is for smaller steps; for another operator, flux or length it says nothing."""
    K, flux, tau = from_matrix([[1]]), fluxes.soft(), Unknown()
    at, opened = Explicit(K, flux, HALF), Explicit(K, flux, tau)
    assert reach(at, opened, EUCLIDEAN) == SMALLER
    assert reach(at, Explicit(2 * K, flux, tau), EUCLIDEAN) == NONE
    assert reach(at, Explicit(K, fluxes.garrote(), tau), EUCLIDEAN) == NONE
    assert reach(at, Implicit(K, flux, tau), EUCLIDEAN) == NONE
    assert reach(Explicit(K, flux, 3), Explicit(K, flux, tau), EUCLIDEAN) == NONE
    assert reach(Implicit(K, flux, HALF), Implicit(K, flux, tau), EUCLIDEAN) == ALL
    assert reach(at, Explicit(K, flux, HALF), EUCLIDEAN) == ALL
    chain = Chain([at, Implicit(K, flux, HALF)])
    assert reach(chain, Chain([opened, Implicit(K, flux, tau)]), EUCLIDEAN) == SMALLER
    assert reach(chain, Chain([opened]), EUCLIDEAN) == NONE
    assert reach(Linear(K), Linear(K), EUCLIDEAN) == NONE


def _counted(*shows, necessary=True):
    return Calculation(shows=shows, by="counting", necessary=necessary)


# -- decide ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("what, status, kind", [
    (_counted("2 > 1"), PROVED, "certificate"),
    (_counted("1 > 2"), REFUTED, "witness"),
    (Not(_counted("1 > 2")), PROVED, "witness"),
    (Not(Not(_counted("2 > 1"))), PROVED, "certificate"),
    (FaceWithin(fluxes.soft(), "slope", ZERO, ONE), PROVED, "certificate"),
    (FaceWithin(fluxes.soft(), "slope", ZERO, HALF), REFUTED, "witness"),
    (NormAtMost(difference(1, 4), 4), PROVED, "certificate"),
    (NormAtMost(difference(1, 4), 3), REFUTED, "witness"),
    (Stable(Linear(from_matrix([[HALF]])), EUCLIDEAN), PROVED, "certificate"),
    (Stable(Linear(from_matrix([[2]])), EUCLIDEAN), REFUTED, "witness"),
])
def test_a_verdict_has_its_evidence(what, status, kind):
    """What is proved or refuted says by what; the evidence is of the contrary once or never."""
    outcome = decide(what)
    assert outcome.status is status and {piece.kind for piece in outcome.evidence} == {kind}
    for piece in outcome.evidence:
        assert check(piece.to_json({})) is None
        for_it = (piece.kind == "certificate") != piece.data.get("contrary", False)
        assert for_it == (status is PROVED)


def test_necessary_conditions_refute_and_sufficient_ones_do_not():
    """What fails may be needed or not; several conditions are denied together."""
    assert decide(_counted("1 > 2", necessary=False)).status is UNDECIDED
    both = decide(_counted("2 > 1", "1 > 2"))
    assert both.status is REFUTED
    assert both.evidence[0].data["shows"] == ["not ((2 > 1) and (1 > 2))"]
    assert decide(_counted("2 > 1", "3 > 2")).status is PROVED


def test_an_experiment_counts_its_runs():
    for agrees, status in ((True, SUPPORTED), (False, UNDECIDED)):
        outcome = decide(Experiment(lambda agrees=agrees: (agrees, 7, 0.5)))
        assert outcome.status is status and outcome.trials == 7


def test_norms_of_floats_are_decided_both_ways():
    """The double 0.1 is above 1/10, and 0.3 below 3/10: its square 0.09 is meant as 9/100."""
    K = from_matrix([[0.1]])
    outcome = decide(NormAtMost(K, 0.01))
    assert outcome.status is PROVED and "0.01" in outcome.rounding
    assert "as meant" in outcome.rounding and "entries" in outcome.rounding
    exact = decide(NormAtMost(from_matrix([[Fraction(1, 10)]]), 0.01))
    assert exact.status is PROVED and "the double 0.01 lies" in exact.rounding
    assert "entries" not in exact.rounding
    matrix = decide(NormAtMost(K, Fraction(1, 100)))
    assert matrix.status is PROVED and "while the floats themselves are refuted" in matrix.rounding
    assert "the double" not in matrix.rounding
    assert not decide(NormAtMost(from_matrix([[HALF]]), Fraction(1, 4))).rounding


# -- the steps of a bound --------------------------------------------------------------------------
def test_narrow_cells_end_where_they_end():
    """Stable up to an irrational number just below 1 + 2^-40, unstable up to 1 + 2^-39, and so on:
    no interval that is told is longer than its cell, however narrow that is."""
    tiny = Fraction(1, 2**40)
    found = [Cell(ZERO, ONE, True), Cell(ONE, ONE + tiny, None),
             Cell(ONE + tiny, 1 + 2 * tiny, True),
             Cell(1 + 2 * tiny, 1 + 3 * tiny, None), Cell(1 + 3 * tiny, 1 + 4 * tiny, False),
             Cell(1 + 4 * tiny, 1 + 5 * tiny, None), Cell(1 + 5 * tiny, None, True)]
    (_, end), (low, high), (start, last) = proved_steps(found, 10)
    assert 0 < end <= 1 and ONE + tiny <= low <= high <= 1 + 2 * tiny
    assert start > 1 + 5 * tiny - tiny and start >= 1 + 5 * tiny and last is None
    ((low, high),) = refuted_steps(found, ONE, 10)
    assert 1 + 3 * tiny < low <= high < 1 + 4 * tiny


def test_roots_that_are_too_close_to_be_told_apart():
    """x^2 - 2 < 0 below √2, x^2 - 2 - e > 0 beyond √(2 + e), e = 1e-120: between them neither
    holds, and what is told of the enclosure around both is that it is not known."""
    close = Fraction(1, 10**120)
    first, middle, last = cells([[-2, 0, 1], [-2 - close, 0, 1]])
    assert (first.holds, middle.holds, last.holds) == (False, None, True)
    assert middle.low**2 < 2 and middle.high**2 > 2 + close and last.high is None
    assert first.high == middle.low and middle.high == last.low
    kept = cells([[2, 0, -1], [-2 - close, 0, 1]])
    assert kept[0].holds is False and kept[-1].holds is False
    assert not any(cell.holds for cell in kept)


# -- small witnesses -------------------------------------------------------------------------------
def test_a_long_witness_is_emptied_in_parts():
    """Only the entry at 37 of 64 matters, and only that it is above 1: 2 is left there, else 0."""
    start = np.array([Fraction(100 + k, 7) for k in range(64)], dtype=object)
    (found,) = shrink((start,), lambda signals: signals[0][37] > 1)
    assert found[37] == 2 and np.count_nonzero(found) == 1


# -- the checker -----------------------------------------------------------------------------------
def test_what_is_called_rational_is():
    """exp(1) > 2 holds, but in balls; a file that calls it rational is refused."""
    made = evidence("exp(1) > 2")
    made["arithmetic"] = "ball"
    assert check(made) is None
    made["arithmetic"] = "rational"
    refused = check(json.loads(json.dumps(made)))
    assert refused is not None
    made = evidence("f(2) == 3", let=[["f(x)", "x + 1"]])
    made["arithmetic"] = "rational"
    assert check(made) is None
