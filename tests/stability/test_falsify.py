"""The falsifier: what it finds is exact and small, and what is not there it does not find."""

import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stabkit import fluxes
from stabkit.arithmetic.rational import fractions
from stabkit.fluxes.flux import Facts, Flux, Piece, from_activation
from stabkit.fluxes.kinks import kinks
from stabkit.operators import NATURAL, difference, from_matrix, identity, stable_step
from stabkit.schemes import (
    FSI,
    Chain,
    Explicit,
    FixedPoint,
    Function,
    HaarShrinkage,
    Implicit,
    Linear,
    Pointwise,
    repeat,
)
from stabkit.stability.falsify import (
    confirm,
    exact_margin,
    is_violated,
    search,
    shrink,
    structured,
    two_solutions,
)
from stabkit.stability.falsify.exactness import (
    Judge,
    cost,
    exact_signals_near,
    length,
    lengths,
    stays_short,
)
from stabkit.stability.falsify.inputs import (
    across,
    amplitudes,
    near_alternation,
    neighbours,
    shapes,
)
from stabkit.stability.notions import CONTRACTION, EUCLIDEAN, RANGE, SIGN, sensitivity
from stabkit.testing import operators, ratios, signals

ONE, HALF = Fraction(1), Fraction(1, 2)
K2, K3, K8 = (difference(1, n) for n in (2, 3, 8))

FALSE = [
    (Explicit(K8, fluxes.soft(), stable_step(K8, ONE, Fraction(1001, 1000))), EUCLIDEAN),
    (Explicit(K8, fluxes.perona_malik(), Fraction(501, 1000)), RANGE),
    (Explicit(K8, fluxes.identity(), Fraction(501, 1000)), SIGN),
    (Explicit(K2, fluxes.rational(), HALF), CONTRACTION),
    (Explicit(difference(2, 6, 1, NATURAL), fluxes.weickert(), HALF), EUCLIDEAN),
    (FSI(from_matrix([[1]]), fluxes.garrote(), 2, 8), EUCLIDEAN),
    (FixedPoint(K3, fluxes.identity(), HALF, 3), EUCLIDEAN),
    (Implicit(K3, fluxes.scaled_identity(-1), "1/10"), EUCLIDEAN),
    (HaarShrinkage(fluxes.scaled_identity(3), 6), RANGE),
    (Chain([Explicit(K3, fluxes.soft(), HALF), Linear(2 * identity(3))]), EUCLIDEAN),
    (repeat(Explicit(K2, fluxes.perona_malik(), Fraction(1, 4)), 40), sensitivity(10)),
    (Pointwise(fluxes.leaky_relu(-2), 5), EUCLIDEAN),
]
TRUE = [
    (Explicit(K8, fluxes.soft(), stable_step(K8)), EUCLIDEAN),
    (Explicit(K8, fluxes.perona_malik(), HALF), RANGE),
    (Explicit(K8, fluxes.garrote(), Fraction(1, 4)), SIGN),
    (Implicit(K3, fluxes.hard(), 100), RANGE), (Linear(from_matrix([[0, 1], [-1, 0]])), EUCLIDEAN),
]


@pytest.mark.slow
@pytest.mark.parametrize("scheme, notion", FALSE, ids=lambda part: type(part).__name__)
def test_violations_are_found_exactly(scheme, notion):
    """A statement known to be false: its witness is exact, and violated in rational or ball
    arithmetic that shares nothing with the search."""
    found = search(scheme, notion, trials=4_000, seed=0)
    assert found.witness is not None and found.worst < 0
    assert len(found.witness) == notion.signals
    assert all(type(x) is Fraction for part in found.witness for x in part)
    assert exact_margin(scheme, notion, found.witness) < 0
    assert cost(found.witness) <= 40 * scheme.size * notion.signals


def _flux(formula):
    return from_activation(formula, Facts(False, (Fraction(-9), Fraction(9)), None))


@pytest.mark.parametrize("formula, notion", [
    (lambda s: s + 4 * s / (1 + 10**16 * s * s), EUCLIDEAN),  # u+ = -4 u / (1 + 1e16 u^2)
    (lambda s: s + 4 * s / (1 + 10**12 * s * s), CONTRACTION),
    (lambda s: s * (1 + 4 * s * s / (10**9 + s * s)), EUCLIDEAN),  # u+ = -4 u^3 / (1e9 + u^2)
    (lambda s: s + 3 * np.maximum(s - 762, 0), CONTRACTION),
    (lambda s: np.where(s > 8000, s + 3 * (s - 8000), s), EUCLIDEAN),
])
def test_steps_that_are_unstable_at_tiny_or_huge_signals_only(formula, notion):
    """One sample, K = 1, tau = 1: u+ = u - phi(u) is 0 or small at the sizes of most signals, and
    has a slope below -1 at |u| < 1e-8, at |u| > 3e4, or beyond a kink at 762 or 8000."""
    step = Explicit(identity(1), _flux(formula), ONE)
    found = search(step, notion, trials=100, seed=1)
    assert exact_margin(step, notion, found.witness) < 0


@pytest.mark.parametrize("seed", range(8))
def test_pairs_stand_on_both_sides_of_a_jump(seed):
    """phi jumps at 8 by 8 and has slope 1 elsewhere: u+ = 0 and -8 on its sides, so only pairs
    with the jump between them and less than 8 apart are spread."""
    pieces = [Piece(Fraction(8), lambda s: s, None, None, lambda s: 1 + 0 * s),
              Piece(None, lambda s: s + 8, None, None, lambda s: 1 + 0 * s)]
    step = Explicit(identity(1), Flux("jump", pieces, Facts(False, (ONE, ONE), None)), ONE)
    u, v = search(step, CONTRACTION, trials=1, seed=seed).witness
    assert min(u[0], v[0]) <= 8 < max(u[0], v[0]) and abs(u[0] - v[0]) < 8


def test_pairs_across_kinks():
    """The kinks of min(|s|, 3) are 0 and ±3: a pair on either side of each, and with it as end."""
    step = Explicit(identity(1), _flux(lambda s: np.minimum(abs(s), 3)), ONE)
    pairs = {tuple(pair) for pair in np.column_stack(across(step)).round(9)}
    for kink, away in ((0, 0.001), (3, 0.03), (-3, 0.03)):
        for low, high in ((-1, 0), (0, 1), (-1, 1)):
            assert (round(kink + low * away, 9), round(kink + high * away, 9)) in pairs
    assert len(across(step, most=10)[0]) <= 20 and not len(across(Linear(identity(2)))[0])
    assert {0, 3, -3} == kinks(step.flux.expression(step.flux.pieces[0], "activation"))


@pytest.mark.parametrize("scheme, notion", TRUE, ids=lambda part: type(part).__name__)
def test_nothing_is_found_where_nothing_is(scheme, notion):
    """A true statement, at its bound: trials are counted and no witness is believed."""
    found = search(scheme, notion, trials=3_000, seed=4)
    assert found.witness is None and found.trials > 3_000 and found.worst > -1e-9


def test_given_signals_come_first():
    """Signals of the caller are evaluated before any other."""
    scheme = Explicit(K3, fluxes.soft(), ONE)
    found = search(scheme, RANGE, trials=10, seed=0, extra=np.array([[0.0, 0.9, 0.0]]))
    assert found.trials == 1 and found.witness is not None


@pytest.mark.slow
@settings(max_examples=60)
@given(signals(3), st.integers(0, 2), st.integers(1, 9))
def test_shrinking_keeps_the_violation_and_lowers_the_cost(u, place, limit):
    """Against any predicate, here |u_i| >= limit/3: the result still violates and costs less."""
    def violated(tried):
        return abs(tried[0][place]) >= Fraction(limit, 3)
    start = (u,)
    if not violated(start):
        return
    small = shrink(start, violated)
    assert violated(small) and cost(small) <= cost(start)
    assert sum(x != 0 for x in small[0]) == 1
    assert start[0] is u


def test_shrinking_ends_in_small_integers():
    """From 12 digits to (0, 1, 0): the range of K₁ at τ = 1."""
    scheme = Explicit(K3, fluxes.soft(), ONE)
    start = (fractions(["0.123456789", "5.987654321", "-0.5"]),)
    small = shrink(start, lambda tried: is_violated(scheme, RANGE, tried))
    assert sorted(map(abs, small[0])) in ([0, 0, 1], [0, 1, 1])


@pytest.mark.slow
@given(signals(4))
def test_margins_are_those_of_exact_arithmetic(u):
    """The margin of a rational scheme is the rational number itself."""
    scheme = Explicit(difference(1, 4), fluxes.garrote(), "3/4")
    up = u - Fraction(3, 4) * (scheme.K.exact().T @ scheme.flux(scheme.K.exact() @ u))
    assert exact_margin(scheme, EUCLIDEAN, (u,)) == u @ u - up @ up
    assert is_violated(scheme, EUCLIDEAN, (u,)) == (up @ up > u @ u)


@pytest.mark.slow
@settings(max_examples=40)
@given(operators(samples=3), ratios(beyond=True))
def test_the_top_eigenvector_is_among_the_inputs(K, ratio):
    """For Φ = id a step beyond 2/‖K‖² is refuted by an eigenvector, so structured signals do."""
    if ratio < Fraction(1001, 1000):
        return
    step = Explicit(K, fluxes.identity(), stable_step(K, ONE, ratio))
    assert search(step, EUCLIDEAN, trials=0, seed=0).witness is not None


@pytest.mark.slow
def test_a_violation_narrower_than_a_float_is_confirmed_only_if_it_is_there():
    """The suspicion alone refutes nothing: an isometry with rounding against it."""
    rotation = Linear(from_matrix([["3/5", "4/5"], ["-4/5", "3/5"]]))
    rng = np.random.default_rng(1)
    for u in rng.standard_normal((200, 2)):
        assert confirm(rotation, EUCLIDEAN, (u,)) is None
    assert exact_margin(rotation, EUCLIDEAN, (fractions([1, "1/3"]),)) == 0


@pytest.mark.slow
def test_what_only_floats_know_is_not_exact():
    """A function of floats has no exact margin, whatever rounding says."""
    scheme = Function(lambda u: 0.1 * u * 10, 2)
    assert exact_margin(scheme, EUCLIDEAN, (fractions(["1/3", "1/7"]),)) is None
    assert search(scheme, EUCLIDEAN, trials=500, seed=0).witness is None


@pytest.mark.parametrize("scheme", [
    Explicit(K8, fluxes.soft("1/3"), 1), Linear(identity(1)), Pointwise(fluxes.relu(), 3),
    HaarShrinkage(fluxes.hard(2), 5),
    Chain([Explicit(K3, fluxes.garrote(), 1), Linear(identity(3))])])
def test_structured_inputs(scheme):
    """Finite, of unit size, not zero, no two alike; multiples around every threshold."""
    found = shapes(scheme)
    assert found.shape[1] == scheme.size and np.isfinite(found).all()
    assert np.abs(np.abs(found).max(axis=1) - 1).max() < 1e-9 or scheme.size <= 5
    assert len(np.unique(found, axis=0)) == len(found) and np.abs(found).max(axis=1).min() > 0
    spikes = found[np.count_nonzero(found, axis=1) == 1]
    assert {int(np.flatnonzero(row)[0]) for row in spikes} == set(range(scheme.size))
    assert len(np.concatenate(list(structured(scheme)))) == len(found) * len(amplitudes(scheme))
    pairs = neighbours(found, np.random.default_rng(0))
    assert pairs.shape == found.shape and (pairs != found).any(axis=1).all()


@pytest.mark.slow
@pytest.mark.parametrize("flux", [fluxes.identity(), fluxes.soft(), fluxes.garrote()],
                         ids=lambda flux: flux.name)
@pytest.mark.parametrize("n", [3, 5, 6, 8, 11])
def test_the_sign_bound_is_refuted_just_beyond_its_sharp_value(n, flux):
    """I − τKᵀK is sign-regular for τ <= 1/(4 cos²(π/(2N − 1))), the reciprocal of the largest
    eigenvalue of the leading block of order N − 1 of KᵀK; beyond, no random trial is needed."""
    block = (difference(1, n).exact().astype(float).T @ difference(1, n).exact().astype(float))
    sharp = 1 / np.linalg.eigvalsh(block[:-1, :-1])[-1]
    assert sharp == pytest.approx(1 / (4 * np.cos(np.pi / (2 * n - 1)) ** 2))
    beyond = Explicit(difference(1, n), flux, Fraction(sharp * 1.001).limit_denominator(10**6))
    within = Explicit(difference(1, n), fluxes.identity(), Fraction(sharp * 0.999))
    assert search(beyond, SIGN, trials=0, seed=0).witness is not None
    assert search(within, SIGN, trials=0, seed=0).witness is None


def test_a_step_without_a_derivative_gives_no_alternating_inputs():
    constant = Explicit(identity(3), fluxes.identity(), 1)  # u − u: its derivative is singular
    assert near_alternation(constant).shape == (0, 3)


def test_amplitudes_meet_the_thresholds():
    """Just below, at and just above q, also for thresholds given as text."""
    found = amplitudes(Explicit(K3, fluxes.soft("1/3"), 1))
    for factor in (0.99, 1, 1.01, 2):
        assert np.abs(found - factor / 3).min() < 1e-12


def test_rounding_to_simple_rationals_starts_with_the_simplest():
    """Integers first, the float itself last."""
    tried = list(exact_signals_near((np.array([0.333, -2.0]),)))
    assert list(tried[0][0]) == [0, -2] and list(tried[2][0]) == [Fraction(1, 3), -2]
    assert list(tried[-1][0]) == [Fraction(0.333), -2]


@pytest.mark.parametrize("flux, tau", [(fluxes.rational(), 5), (fluxes.garrote(), 1),
                                       (fluxes.firm(), 2), (fluxes.hard(), 1)])
def test_two_solutions_of_an_implicit_step(flux, tau):
    """v ≠ w with v + τKᵀΦ(K v) = w + τKᵀΦ(K w), exactly."""
    v, w = two_solutions(Implicit(K2, flux, tau))
    left, right = (x + tau * (K2.exact().T @ flux(K2.exact() @ x)) for x in (v, w))
    assert list(left) == list(right) and list(v) != list(w)
    assert two_solutions(Implicit(K2, fluxes.soft(), tau)) is None


@pytest.mark.slow
@pytest.mark.parametrize("scheme, notion", [*TRUE[:3], FALSE[3]])
def test_ascents_in_company_are_those_of_each_alone(monkeypatch, scheme, notion):
    """Every start draws the same numbers, so what is found and counted is the same."""
    together = search(scheme, notion, trials=100, seed=5)
    monkeypatch.setattr(sys.modules["stabkit.stability.falsify.search"], "_DRAWN", 0)
    alone = search(scheme, notion, trials=100, seed=5)
    assert repr(together) == repr(alone)


@pytest.mark.slow
@pytest.mark.parametrize("scheme, notion", [FALSE[1], FALSE[3], FALSE[10], TRUE[1]])
def test_a_judge_says_what_is_said_of_each_signal_alone(scheme, notion):
    """Whatever it was asked before, and asked again."""
    rng, judge = np.random.default_rng(3), Judge(scheme, notion)
    asked = [tuple(fractions(rng.integers(-20, 21, scheme.size)) / int(rng.integers(1, 9))
                   for _ in range(notion.signals)) for _ in range(12)]
    for tried in [*asked, *asked[::-1]]:
        assert judge(tried) == is_violated(scheme, notion, tried)


@pytest.mark.slow
def test_what_cannot_be_judged_stays_suspect_and_what_is_no_violation_does_not():
    """I − 2DᵀD makes (0, 1) to (2, −1), as floats see; where a judge cannot tell, that is what is
    left, and where it says that nothing is violated, no suspicion is."""
    step = Explicit(K2, fluxes.identity(), 2)
    open_, denied = (search(step, RANGE, trials=16, seed=0, violated=lambda _, said=said: said)
                     for said in (None, False))
    assert open_.witness is None and open_.suspect is not None and open_.worst < -HALF
    assert denied.witness is None and denied.suspect is None and denied.worst > -1e-6


def test_long_orbits_are_followed_in_balls():
    """Digits of a rational flux triple with every step; after a few they are enclosed instead."""
    assert stays_short(repeat(Explicit(K3, fluxes.soft(), HALF), 50))
    long = repeat(Explicit(K3, fluxes.rational(), HALF), 12)
    assert not stays_short(long) and long.inner_steps == 12
    assert FSI(K3, fluxes.soft(), 1, 7).inner_steps == 7
    assert FixedPoint(K3, fluxes.soft(), 1, 3).inner_steps == 3
    assert exact_margin(long, EUCLIDEAN, (fractions([1, 0, 3]),)) > 0


@pytest.mark.slow
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=True), min_size=1))
def test_lengths_of_floats_are_those_of_their_fractions(numbers):
    """2 bits(p) + 4 (bits(q) - 1), and 1 for a sign, of x = p/q in lowest terms."""
    assert lengths(np.array(numbers)).tolist() == [length(*x.as_integer_ratio()) for x in numbers]
