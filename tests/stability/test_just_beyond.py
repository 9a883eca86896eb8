"""Each certificate ends at its bound: just beyond it the statement is false, by hand, and is not
proved; nor where one of the hypotheses is missed by a little."""

from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from stabkit import fluxes
from stabkit.fluxes.flux import Facts, Flux, Piece, from_activation
from stabkit.operators import difference, from_matrix, identity
from stabkit.schemes import Explicit, FixedPoint, Implicit, Linear, Pointwise, ResidualBlock
from stabkit.stability.certificates import certify, certify_uniqueness, check_facts
from stabkit.stability.confirmation import confirm_evidence
from stabkit.stability.decide import decide
from stabkit.stability.notions import CONTRACTION, EUCLIDEAN, RANGE, SIGN, Energy, energy
from stabkit.stability.property import Stable
from stabkit.stability.sharpness import step_bound
from stabkit.stability.sharpness.family import Family
from stabkit.stability.verdict import PROVED, REFUTED, UNDECIDED

F = Fraction
ONE, ZERO, MORE = F(1), F(0), F(1001, 1000)
SAMPLE = from_matrix([[1]])
atan = np.arctan


def proved(scheme, notion):
    found = certify(scheme, notion)
    return found is not None and all(map(confirm_evidence, found))


# -- one sample, K = 1: u+ = (1 - tau) u, by hand ------------------------------------------------
@pytest.mark.parametrize("make, notion, bound, after", [
    (Explicit, EUCLIDEAN, 2, lambda t: 1 - t), (Explicit, CONTRACTION, 2, lambda t: 1 - t),
    (Explicit, energy(Energy(SAMPLE, fluxes.charbonnier())), 2, None),
    (lambda K, flux, t: FixedPoint(K, flux, t, 2), EUCLIDEAN, 1, lambda t: 1 - t + t * t),
    (lambda K, flux, t: FixedPoint(K, flux, t, 4), EUCLIDEAN, 1,
     lambda t: 1 - t + t**2 - t**3 + t**4),
    (lambda K, flux, t: ResidualBlock(K, -t * K.T, flux), CONTRACTION, 2, lambda t: 1 - t),
])
@pytest.mark.parametrize("far", [MORE, F(3, 2), F(9, 5)])
def test_a_step_beyond_the_bound_is_not_proved(make, notion, bound, after, far):
    """Near 0 the slope of Charbonnier's flux is 1, so a small u is multiplied by what the identity
    multiplies it by, which is more than 1; its energy is near s^2 there."""
    flux = notion.margin.functional.flux if after is None else fluxes.charbonnier()
    scheme = make(SAMPLE, flux, F(bound))
    if after is None:
        notion = energy(Energy(scheme.K, flux))
        after = lambda t: 1 - t  # noqa: E731
    assert abs(after(bound)) <= 1 < abs(after(bound * far))
    assert proved(scheme, notion)
    assert not proved(make(SAMPLE, flux, bound * far), notion)
    assert decide(Stable(make(SAMPLE, flux, bound * far), notion), trials=300).status is REFUTED


@pytest.mark.parametrize("n", [4, 100])
@pytest.mark.parametrize("notion, bound", [(EUCLIDEAN, F(1, 2)), (CONTRACTION, F(1, 2)),
                                           (RANGE, F(1, 2)), (SIGN, F(1, 4))])
def test_large_operators_have_the_bounds_of_small_ones(n, notion, bound):
    """tau (2 - 2 cos) with 100 samples reaches 4 tau to within 0.001; 4 samples are far from it,
    but at 1.2 times the bound the highest mode, or a spike, breaks all of them."""
    K, flux = difference(1, n), fluxes.charbonnier()
    assert proved(Explicit(K, flux, bound), notion)
    assert not proved(Explicit(K, flux, bound * F(6, 5)), notion)
    if notion is EUCLIDEAN:
        own = energy(Energy(K, flux))
        assert proved(Explicit(K, flux, bound), own)
        assert not proved(Explicit(K, flux, bound * F(6, 5)), own)
        assert proved(FixedPoint(K, flux, bound / 2, 2), notion)
        assert not proved(FixedPoint(K, flux, bound * F(3, 5), 2), notion)


def test_fixed_points_need_a_diffusivity_that_is_not_negative():
    """phi(s) = -s/(1 + s^2) pushes away from 0: v = u + tau phi(u) is larger than u."""
    flux = from_activation(lambda s: -s / (1 + s * s), Facts(True, (-ONE, F(1, 8)), (-ONE, ZERO)))
    for inner in (1, 2, 3):
        step = FixedPoint(SAMPLE, flux, F(1, 10), inner)
        assert not proved(step, EUCLIDEAN)
        assert decide(Stable(step, EUCLIDEAN), trials=300).status is REFUTED


def test_implicit_steps_may_have_several_solutions_from_their_bound_on():
    """v + tau phi(v) = u with phi = -s, K = 1: every v solves it for u = 0 at tau = 1."""
    minus = fluxes.scaled_identity(-1)
    assert confirm_evidence(certify_uniqueness(Implicit(SAMPLE, minus, F(999, 1000))))
    for tau in (ONE, MORE, F(2)):
        found = certify_uniqueness(Implicit(SAMPLE, minus, tau))
        assert found is None or confirm_evidence(found) is None


@pytest.mark.parametrize("outer", [[[-1, 0], [0, F(1, 4)]], [[F(-1, 4), 0], [0, F(-1, 5)]],
                                   [[F(-1, 4), F(1, 9)], [0, F(-1, 4)]],
                                   [[0, F(-1, 4)], [F(-1, 4), 0]], [[F(1, 4), 0], [0, F(1, 4)]]])
def test_a_block_is_judged_by_its_own_outer_weights(outer):
    """W1 = I: only W2 = -tau I has the transposed form; of the others nothing is proved."""
    block = ResidualBlock(identity(2), from_matrix(outer), fluxes.charbonnier())
    assert not proved(block, CONTRACTION)
    grows = np.linalg.norm(np.eye(2) + np.array(outer, dtype=float), 2) > 1
    status = decide(Stable(block, CONTRACTION), trials=300).status
    assert status is REFUTED if grows else status is not PROVED


# -- continuity at a formula's own zero ----------------------------------------------------------
def hidden(side, root):
    """s (4 - |s|) arctan(1/(s - root))/40 for |s| <= 4 on one side of 0, else 0."""
    def phi(s):
        return s * (4 - side * s) * atan(1 / (s - root)) / 40

    def slope(s):
        return (4 - 2 * side * s) * atan(1 / (s - root)) / 40 - s * (4 - side * s) / (
            40 * (1 + (s - root) ** 2))

    edges = (F(-4), ZERO, None) if side < 0 else (ZERO, F(4), None)
    zero = Piece(None, lambda s: 0 * s, slope=lambda s: 0 * s)
    return Flux("hidden", [replace(zero, upto=edges[0]), Piece(edges[1], phi, slope=slope), zero],
                Facts(False, (-ONE, ONE), None))


@pytest.mark.parametrize("side, root", [(-1, -1), (1, 1), (-1, F(-1, 3)), (1, F(7, 2))])
def test_a_jump_on_the_own_side_is_seen(side, root):
    """Two values on both sides of r, however near, are mapped r (4 - |r|) pi/40 apart, although
    all slopes lie in [-1, 1]."""
    flux = hidden(side, root)
    assert check_facts(flux)["slopes"] is True
    assert check_facts(flux)["continuous"] is not True
    assert not proved(Pointwise(flux, 1), CONTRACTION)
    found = certify_uniqueness(Implicit(SAMPLE, flux, F(1, 9)))
    assert found is None or confirm_evidence(found) is None
    below, above = (float(flux(float(root) * (1 + e))) for e in (-1e-9, 1e-9))
    assert abs(below - above) > 0.07


@pytest.mark.parametrize("side, root", [(-1, 1), (1, -1), (1, F(-1, 3)), (-1, F(7, 2)), (1, 5)])
def test_a_root_elsewhere_does_no_harm(side, root):
    """s - r has no zero where it is divided by."""
    flux = hidden(side, root)
    assert all(check_facts(flux).values())
    assert proved(Pointwise(flux, 1), CONTRACTION)


@pytest.mark.slow
@pytest.mark.parametrize("phi", [
    lambda s: -atan(s**-1), lambda s: -atan(s**-3), lambda s: -atan(1 / s**3),
    lambda s: -atan((2 * s) ** -1), lambda s: atan(1 / (s - 3)) / 9,
    lambda s: atan((s - 3) ** -1) / 9, lambda s: np.sign(s - 3), lambda s: np.floor(s / 9),
    lambda s: np.ceil(s), lambda s: np.where(s > 3, 1, 0), lambda s: np.floor(abs(s)),
    lambda s: s * np.sign(s - 1), lambda s: np.where(abs(s) > 3, 0, s / 9),
    lambda s: atan(1 / np.sin(s)) / 9, lambda s: np.heaviside(s - 1, 0),
    lambda s: s - np.floor(s), lambda s: atan(np.tan(s)), lambda s: atan(1 / np.log(1 + s * s)),
    lambda s: s + 0 * np.sqrt(-1 - abs(s)), lambda s: s + 0 * np.log(abs(s) - 1),
    lambda s: s + 0 / (s - 2), lambda s: s + 0 * (s - 2) ** -2,
], ids=range(22))
def test_what_jumps_or_is_undefined_somewhere_is_not_continuous(phi):
    """All slopes that are defined lie in [-1, 1], or near; the values do not belong together."""
    flux = from_activation(phi, Facts(False, (-ONE, ONE), None))
    assert check_facts(flux)["continuous"] is not True
    for what in (Stable(Pointwise(flux, 1), CONTRACTION),
                 Stable(Explicit(SAMPLE, flux, F(1, 2)), CONTRACTION),
                 Stable(ResidualBlock(SAMPLE, F(-1, 2) * SAMPLE.T, flux), CONTRACTION),
                 Stable(Implicit(SAMPLE, flux, F(1, 2)), CONTRACTION)):
        assert decide(what, trials=20).status is not PROVED


# -- facts -----------------------------------------------------------------------------------------
def test_facts_that_are_attained_are_not_contradicted():
    """(log(1 + s^2))' = 2s/(1 + s^2) takes 1 at 1 and -1 at -1, and no more."""
    def facts(low, high):
        return check_facts(from_activation(lambda s: np.log(1 + s * s),
                                           Facts(False, (F(low), F(high)), None)))["slopes"]
    assert facts(-1, 1) is not False and facts(-2, 2) is not False
    assert facts(-1, "9/10") is False and facts("-9/10", 1) is False
    assert facts(-2, "99/100") is False and facts("-99/100", 2) is False


@pytest.mark.slow
def test_oddness_is_neither_believed_nor_denied_without_a_reason():
    """log(s + sqrt(1 + s^2)) is odd, which no normal form sees; |s| and s + 1 are not odd."""
    def odd(phi):
        return check_facts(from_activation(phi, Facts(True, (-ONE, ONE), None)))["odd"]
    assert odd(lambda s: np.log(s + np.sqrt(1 + s * s))) is not False
    assert odd(abs) is False and odd(lambda s: s / 2 + 1) is False
    assert odd(lambda s: s / 2) is True
    assert odd(lambda s: s / 2 + np.maximum(s - 5, 0) / 9) is not True


# -- entries in intervals --------------------------------------------------------------------------
@pytest.mark.parametrize("entry, status", [
    (1.0, UNDECIDED), (1 - 2**-40, PROVED), (-1.0, UNDECIDED), (1 + 2**-40, REFUTED),
    (1 - 2**-53, PROVED), (0.5, PROVED), (2.0, REFUTED)])
def test_one_entry_within_rounding(entry, status):
    """Of the numbers that round to 1 some are larger than 1, of those near 1/2 none."""
    step = Linear(from_matrix(np.array([[entry]]), rounding="intervals"))
    for notion in (EUCLIDEAN, CONTRACTION):
        found = decide(Stable(step, notion))
        assert found.status is status, (entry, found)
        assert ("all entries" in found.rounding) == (status is not UNDECIDED)


def test_no_rows_within_rounding_add_up_to_one():
    """Rows of 0.5 keep the range; rows of entries near 0.5 may add up to a little more."""
    half = np.array([[.5, .5], [.5, .5]])
    assert decide(Stable(Linear(from_matrix(half)), RANGE)).status is PROVED
    assert decide(Stable(Linear(from_matrix(half, rounding="intervals")),
                         RANGE)).status is UNDECIDED
    block = Explicit(from_matrix(half, rounding="intervals"), fluxes.soft(), F(1, 4))
    assert decide(Stable(block, EUCLIDEAN)).status is UNDECIDED


# -- sets of steps ---------------------------------------------------------------------------------
def holds(found, tau):
    def inside(steps):
        return any(low <= tau and (high is None or tau <= high) for low, high in steps)
    return True if inside(found.proved) else False if inside(found.refuted) else None


@pytest.mark.parametrize("rows", [
    lambda t: [[1 - t / 2, t], [0, 1]], lambda t: [[1 - t, t / 2], [0, 1]],
    lambda t: [[1, 0], [t, 1 - t / 2]], lambda t: [[1 + t]], lambda t: [[1 - t]],
    lambda t: [[1 - t, t, 0], [0, 1, 0], [0, t / 2, 1 - t]]])
def test_rows_that_do_not_add_up_to_one_keep_no_range(rows):
    """The constant 1 is mapped to something else, for every step."""
    found = step_bound(lambda t: Linear(from_matrix(rows(t))), RANGE, trials=32)
    assert found.proved == ()
    assert all(holds(found, F(k, 7)) is not True for k in range(1, 30))


@pytest.mark.slow
@pytest.mark.parametrize("other", [
    lambda t: Linear(from_matrix([[1 - t + F(1, 1000)]])),
    lambda t: Linear(from_matrix([[F(2) if t > F(1, 2) else 1 - t]])),
    lambda t: Linear(from_matrix([[1 - t if t < 4 else ZERO]])),
    pytest.param(lambda t: Linear(2 * identity(3)), marks=pytest.mark.slow),
    lambda t: Explicit(SAMPLE, fluxes.scaled_identity(1 + F(1, 100)), t),
    lambda t: Pointwise(from_activation(lambda s: s + np.maximum(s - 5, 0),
                                        Facts(False, (ONE, F(2)), None)), 1),
])
def test_an_open_step_that_is_answered_differently_proves_nothing_false(other):
    """For an open step the function returns (1 - t), else another map; t = 1/2000, 1999/1000 and
    2 tell them apart."""
    def family(t):
        return other(F(t)) if isinstance(t, Fraction) else Linear(from_matrix([[1 - t]]))

    found = step_bound(family, EUCLIDEAN, 1, trials=64)
    for tau in (F(1, 2000), F(3, 4), F(1), F(199, 100), F(2), F(2001, 1000), F(5)):
        if holds(found, tau) is not None:
            rng = np.random.default_rng(0)
            scheme = other(tau)
            u = np.concatenate([rng.standard_normal((50, scheme.size)) * 9, np.full(
                (1, scheme.size), 7.0)])
            keeps = bool((np.linalg.norm(scheme(u), axis=1)
                          <= np.linalg.norm(u, axis=1) * (1 + 1e-12)).all())
            assert holds(found, tau) is keeps, (tau, str(found))


@pytest.mark.slow
@pytest.mark.parametrize("notion, signals", [
    (EUCLIDEAN, [(1,)]), (CONTRACTION, [(1,), (0,)]), (RANGE, [(0, 0, 1, 0)]),
    (RANGE, [(1, 1, 1, 1)]), (EUCLIDEAN, [(1, -1, 1, -1)])])
def test_a_witness_for_many_steps_breaks_the_notion_at_each(notion, signals):
    """The margin at single steps in plain arithmetic; what is 0 somewhere breaks nothing there."""
    n = len(signals[0])
    K = SAMPLE if n == 1 else difference(1, n)
    for flux, power in product((fluxes.identity(), fluxes.soft("1/3")), (1, 2)):
        def family(t, flux=flux, power=power):
            return Explicit(K, flux, t**power)

        given = tuple(np.array([F(x) for x in u], dtype=object) for u in signals)
        asked = Family(family, notion, 16, 0)
        points = [F(k, 4) for k in range(0, 21)]
        broken = {}
        for tau in points:
            scheme = family(tau) if tau else None
            broken[tau] = tau > 0 and bool(notion.margin(
                *(part for u in given for part in scheme.pair(u))) < 0)
        for low, high in product(points[1:], points[1:]):
            if low <= high and asked.is_violated(given, low, high):
                assert all(broken[tau] for tau in points if low <= tau <= high)
        for tau in points[1:]:
            assert asked.is_violated(given, tau, tau) == broken[tau]
            if asked.is_violated(given, tau, None):
                assert all(broken[other] for other in points if other >= tau)


@pytest.mark.slow
def test_no_stable_step_is_inside_what_is_refuted():
    """tau = t (3 - t) is at most 1/2 up to 0.177 and from 2.823 to 3: stable again in between."""
    for flux in (fluxes.soft(), fluxes.identity()):
        found = step_bound(lambda t, flux=flux: Explicit(difference(1, 4), flux, t * (3 - t)),
                           RANGE, "1/8", trials=64)
        for k in range(1, 60):
            t = F(k, 20)
            if 0 < t < 3:
                assert holds(found, t) in (None, t * (3 - t) <= F(1, 2))
        assert holds(found, F(29, 10)) is not False and holds(found, F(1)) is not True
