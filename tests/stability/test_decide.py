"""Deciding: each property proved, refuted or left open, and what its evidence says."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stabkit import fluxes
from stabkit.arithmetic.transcript import Transcript
from stabkit.errors import HypothesisNotMet, InvalidArgument
from stabkit.fluxes.flux import Facts, from_activation
from stabkit.operators import difference, from_matrix, identity, stable_step
from stabkit.replay import check
from stabkit.schemes import Chain, Explicit, Function, Implicit, Linear, Pointwise, ResidualBlock
from stabkit.stability.confirmation import confirm_evidence, write_witness
from stabkit.stability.decide import decide
from stabkit.stability.falsify import is_violated
from stabkit.stability.notions import CONTRACTION, CONTRAST, EUCLIDEAN, RANGE, SIGN, Energy, energy
from stabkit.stability.property import (
    AllOf,
    AtMost,
    Calculation,
    Either,
    FaceWithin,
    Identity,
    NormAtMost,
    Not,
    Stable,
    UniqueSolution,
)
from stabkit.stability.verdict import (
    INAPPLICABLE,
    PROVED,
    REFUTED,
    SUPPORTED,
    UNDECIDED,
    Status,
    calculation,
    worst,
)
from stabkit.testing import fluxes as any_flux
from stabkit.testing import operators, ratios, signals

ONE, HALF = Fraction(1), Fraction(1, 2)
TRUE = Calculation({}, (), ["1 < 2"])
FALSE = Calculation({}, (), ["1 < 2", "2 < 1"], necessary=True)
SUFFICIENT = Calculation({}, (), ["1 < 2", "2 < 1"])
K2, K3 = difference(1, 2), difference(1, 3)
OPEN = Stable(Function(lambda u: u * 1.0, 2), EUCLIDEAN)


def status(what, trials=300):
    return decide(what, trials=trials).status


@pytest.mark.slow
@settings(max_examples=40)
@given(operators(samples=4), any_flux(continuous=True), ratios())
def test_theorem_2_within_its_bound(K, flux, ratio):
    """‖u − τKᵀΦ(K u)‖ <= ‖u‖ for g >= 0 and τ <= 2/(L‖K‖²), for every K, Φ (alt2021)."""
    step = Explicit(K, flux, stable_step(K, flux.facts.lipschitz, ratio))
    assert status(Stable(step, EUCLIDEAN)) is PROVED


@pytest.mark.slow
@settings(max_examples=25)
@given(operators(samples=4), any_flux(continuous=True, monotone=True), ratios())
def test_monotone_fluxes_contract_within_the_bound(K, flux, ratio):
    """‖T(u) − T(v)‖ <= ‖u − v‖ for nondecreasing Φ and τ <= 2/(L‖K‖²)."""
    step = Explicit(K, flux, stable_step(K, flux.facts.lipschitz, ratio))
    assert status(Stable(step, CONTRACTION)) is PROVED


@pytest.mark.slow
@settings(max_examples=25)
@given(operators(samples=3), ratios(beyond=True))
def test_theorem_2_beyond_its_bound(K, ratio):
    """For Φ = id the top eigenvector of KᵀK refutes every larger step; never proved."""
    step = Explicit(K, fluxes.identity(), stable_step(K, ONE, ratio))
    found = status(Stable(step, EUCLIDEAN))
    assert found is REFUTED if ratio >= Fraction(1001, 1000) else found is not PROVED


@pytest.mark.slow
@settings(max_examples=15)
@given(st.integers(2, 6), any_flux(), ratios(), st.data())
def test_range_and_sign_bounds_of_first_differences(n, flux, ratio, data):
    """τ <= h²/(2 sup g) keeps the range and τ <= h²/(4 sup g) the sign changes (alt2020)."""
    top = flux.facts.sup_diffusivity
    range_step = Explicit(difference(1, n), flux, ratio / (2 * top))
    sign_step = Explicit(difference(1, n), flux, ratio / (4 * top))
    assert status(Stable(range_step, RANGE)) is PROVED
    assert status(Stable(sign_step, SIGN)) is PROVED
    u = data.draw(signals(n))
    assert not is_violated(range_step, RANGE, (u,)) and not is_violated(sign_step, SIGN, (u,))


@pytest.mark.slow
@settings(max_examples=40)
@given(operators(samples=4), any_flux(), st.fractions("1/10", 50, max_denominator=10), st.data())
def test_implicit_steps_are_stable_for_every_size(K, flux, tau, data):
    """‖u′‖ <= ‖u‖ for g >= 0, every K and every τ > 0."""
    scheme = Implicit(K, flux, tau)
    assert status(Stable(scheme, EUCLIDEAN)) is PROVED
    assert not is_violated(scheme, EUCLIDEAN, (data.draw(signals(K.shape[1])),))


@pytest.mark.parametrize("what, wanted", [
    (TRUE, PROVED), (FALSE, REFUTED), (Not(TRUE), REFUTED), (Not(FALSE), PROVED),
    (SUFFICIENT, UNDECIDED), (Not(SUFFICIENT), UNDECIDED), (AllOf([TRUE, SUFFICIENT]), UNDECIDED),
    (OPEN, SUPPORTED), (Not(OPEN), UNDECIDED), (Not(Not(TRUE)), PROVED),
    (AllOf([TRUE, TRUE]), PROVED), (AllOf([TRUE, FALSE]), REFUTED),
    (AllOf([OPEN, FALSE]), REFUTED), (AllOf([TRUE, OPEN]), SUPPORTED),
    (AllOf([OPEN, Not(OPEN)]), UNDECIDED), (Not(AllOf([TRUE, OPEN])), UNDECIDED),
    (AllOf([AllOf([TRUE]), Not(Stable(Linear(2 * identity(2)), RANGE))]), PROVED),
    (Either(TRUE), PROVED), (Either(FALSE), UNDECIDED), (Either(FALSE, TRUE), REFUTED),
    (Either(TRUE, SUFFICIENT), PROVED), (Either(SUFFICIENT, TRUE), REFUTED),
    (Either(FALSE, FALSE), UNDECIDED), (Either(OPEN, OPEN), UNDECIDED),
    (Not(Either(FALSE, TRUE)), PROVED), (Not(Either(FALSE)), UNDECIDED),
])
def test_negation_and_conjunction(what, wanted):
    """A conjunction is refuted by one part and proved by all; the negation of a statement that
    trials support is open; where conditions that only suffice fail, nothing is decided, so that
    one of two certificates, for and against, must be proved."""
    outcome = decide(what, trials=200)
    assert outcome.status is wanted
    assert all(check(evidence.to_json({})) is None for evidence in outcome.evidence)


def test_certificates_are_for_every_input_and_witnesses_for_one():
    """A proof has a certificate; a refutation shows the signal and its negative margin."""
    proof = decide(Stable(Explicit(K3, fluxes.soft(), HALF), EUCLIDEAN))
    assert [evidence.kind for evidence in proof.evidence] == ["certificate"]
    refuted = decide(Stable(Explicit(K3, fluxes.soft(), ONE), RANGE))
    (witness,) = refuted.evidence
    assert witness.kind == "witness" and witness.arithmetic == "rational"
    assert Fraction(witness.data["margin_value"]) == refuted.margin < 0
    u = np.array([Fraction(x) for x in witness.data["given"]["u"]], dtype=object)
    assert RANGE.margin(u, Explicit(K3, fluxes.soft(), ONE)(u)) == refuted.margin


def test_witnesses_are_small():
    """The range at τ = 1, K = K₁, N = 3 is left by (0, 1, 0), up to order and sign."""
    (witness,) = decide(Stable(Explicit(K3, fluxes.soft(), ONE), RANGE)).evidence
    u = sorted(abs(Fraction(x)) for x in witness.data["given"]["u"])
    assert u in ([0, 0, 1], [0, 1, 1])


@pytest.mark.slow
def test_signals_of_the_user_are_tried_first():
    """A violation that only one narrow signal shows is found when that signal is given."""
    def narrow(u):
        return np.where(np.abs(u - 0.123456789) < 1e-12, 2 * u, u)
    outcome = decide(Stable(Function(narrow, 1), EUCLIDEAN), trials=500)
    assert outcome.status is SUPPORTED and outcome.trials >= 500


@pytest.mark.parametrize("what", [
    Stable(Explicit(K3, fluxes.cubic(), HALF), EUCLIDEAN),
    Stable(Pointwise(fluxes.cubic(), 2), CONTRACTION), NormAtMost(K3, Fraction(29, 10)),
    FaceWithin(fluxes.cubic(), "slope", Fraction(0), ONE),
])
def test_unbounded_fluxes_and_small_norms_are_refuted(what):
    """Φ = s³ has no Lipschitz constant, and ‖K₁‖² = 3 for N = 3."""
    assert status(what, 2_000) is REFUTED


def test_norms_are_decided_on_both_sides():
    """‖K‖² <= c is proved for c = ‖K‖² exactly and refuted for less."""
    for K, square in ((K2, 2), (K3, 3), (from_matrix([[3, 4]]), 25), (0 * K2, 0)):
        assert status(NormAtMost(K, square)) is PROVED
        assert status(NormAtMost(K, square - Fraction(1, 10**6))) is REFUTED


def test_uniqueness_of_implicit_steps():
    """s + 2τΦ(s) increases iff 1 + 2τ min Φ′ > 0: for rational (min −1/8) iff τ < 4."""
    for tau, wanted in ((Fraction(39, 10), PROVED), (5, REFUTED)):
        assert status(UniqueSolution(Implicit(K2, fluxes.rational(), tau))) is wanted
    assert status(UniqueSolution(Implicit(K2, fluxes.soft(), 10**6))) is PROVED
    assert status(UniqueSolution(Implicit(K2, fluxes.hard(), 1))) is not PROVED


@pytest.mark.slow
def test_schemes_that_are_searched_in_floats_are_never_proved():
    """A function that cannot be written down may be stable; trials support it, no more."""
    assert decide(OPEN, trials=100).evidence[0].kind == "trials"
    assert status(Stable(Function(lambda u: 1.5 * u, 2), EUCLIDEAN)) is UNDECIDED
    assert status(Stable(Function(lambda u: 0.5 * u, 3), RANGE)) is not PROVED


def test_hypotheses_that_fail_are_said():
    """What has no closed form cannot be bounded: inapplicable, with the reason."""
    outcome = decide(FaceWithin(fluxes.weickert(), "regulariser", 0, 1))
    assert outcome.status is not PROVED
    def unmet(u):
        raise HypothesisNotMet("u must be monotone")
    outcome = decide(Identity(unmet, unmet, dict(u=[1])))
    assert outcome.status is INAPPLICABLE and "monotone" in outcome.reason


def test_identities_are_decided_exactly_and_shrunk():
    """A difference of 10^-30 is a difference; the witness is made of small integers."""
    tiny = Fraction(1, 10**30)
    given_ = dict(u=["7/3", "-2", "1/9"])
    assert status(Identity(lambda u: u + tiny, lambda u: u, given_)) is REFUTED
    outcome = decide(Identity(lambda u: u * u, lambda u: u, given_))
    assert outcome.status is REFUTED
    assert all(abs(Fraction(x)) <= 3 for x in outcome.evidence[0].data["given"]["u"])
    assert status(Identity(lambda u: (u + 1) ** 2, lambda u: u * u + 2 * u + 1, given_)) is PROVED


def test_the_checker_has_the_last_word():
    """Evidence is believed only if the checker confirms it; else nothing is decided."""
    log = Transcript()
    log.give("x", 1)
    found = [confirm_evidence(calculation("certificate", log, [shown], ""))
             for shown in ("x == 1", "exp(x) > 2", "x == 2")]
    assert found[0].arithmetic == "rational" and found[1].arithmetic == "ball"
    assert found[2] is None
    calm = (np.array([ONE, ONE], dtype=object),)
    assert write_witness(Linear(identity(2)), EUCLIDEAN, calm) is None


@pytest.mark.parametrize("wrong", [None, 3, "alt2021.euclidean_stability", EUCLIDEAN, AllOf([])])
def test_only_properties_are_decided(wrong):
    """Anything else is an error that names the argument."""
    with pytest.raises(InvalidArgument, match=r"property|parts"):
        decide(wrong)


def test_affine_steps_are_not_taken_for_linear_ones():
    """Φ(s) = s + 1 has one slope, and u − τKᵀ(K u + 1) does not keep 0: not stable in ‖·‖, but a
    contraction.  The facts declared here are all true."""
    shifted = from_activation(lambda s: s + 1, Facts(False, (ONE, ONE), None), name="shifted")
    K = from_matrix([[1]])
    for scheme in (Explicit(K, shifted, 1), ResidualBlock(K, -K, shifted)):
        assert status(Stable(scheme, EUCLIDEAN)) is REFUTED
    assert status(Stable(Explicit(K, shifted, 1), CONTRACTION)) is PROVED
    with pytest.raises(HypothesisNotMet):
        Implicit(K, shifted, 1)(np.array([ONE], dtype=object))


def test_energies_and_contrasts():
    """E decays for τ <= 2/(L‖K‖²), and nondecreasing Φ reduces the largest jump for τ <= 1/2."""
    for flux in (fluxes.soft(2), fluxes.charbonnier(), fluxes.hard()):
        step = Explicit(K3, flux, Fraction(2, 3))
        assert status(Stable(step, energy(Energy(K3, flux)))) is PROVED
    assert status(Stable(Explicit(K3, fluxes.soft(), HALF), CONTRAST)) is PROVED
    assert status(Stable(Explicit(difference(1, 4), fluxes.rational(), Fraction(1, 4)), CONTRAST),
                  4_000) is REFUTED


# -- precision -------------------------------------------------------------------------------------
E_80 = ("2.71828182845904523536028747135266249775724709369995957496696762772407663035354759457138"
        "217852516642")  # OEIS A001113


@pytest.mark.parametrize("digits", [10, 17, 20, 40, 80])
def test_statements_that_need_many_bits(digits):
    """e lies strictly between its decimals cut off after `digits` digits, and one unit more."""
    low = Fraction(E_80[:2 + digits])
    high = low + Fraction(1, 10**digits)
    for left, right, truth in (("low", "exp(1)", PROVED), ("exp(1)", "high", PROVED),
                               ("exp(1)", "low", REFUTED), ("high", "exp(1)", REFUTED)):
        given = dict(low=low, high=high)
        assert decide(Calculation(given, (), [f"{left} < {right}"], necessary=True)).status is truth
    one = dict(x=[ONE], e=[low], f=[high])
    assert decide(AtMost(lambda x, e, f: e, lambda x, e, f: np.exp(x), one)).status is PROVED
    assert decide(AtMost(lambda x, e, f: f, lambda x, e, f: np.exp(x), one)).status is REFUTED


@pytest.mark.parametrize("digits", [5, 12, 20, 40, 200])
def test_margins_far_below_the_last_bit(digits):
    """|c u| <= |u| for c = 1 − ε, and not for c = 1 + ε: the sign of ε decides, not its size."""
    gap = Fraction(1, 10**digits)
    inside, outside = (Linear(from_matrix([[1 + sign * gap, 0], [0, 1]])) for sign in (-1, 1))
    for notion in (EUCLIDEAN, CONTRACTION):
        assert decide(Stable(inside, notion), trials=100).status is PROVED
        assert decide(Stable(outside, notion), trials=100).status in (REFUTED, SUPPORTED)
    assert decide(NormAtMost(outside.matrix, 1), trials=100).status in (REFUTED, UNDECIDED)
    assert decide(NormAtMost(outside.matrix, (1 + gap) ** 2), trials=100).status is PROVED
    u = np.array([ONE, 0 * ONE], dtype=object)
    assert is_violated(outside, EUCLIDEAN, (u,)) and not is_violated(inside, EUCLIDEAN, (u,))


def test_a_transcendental_margin_far_below_the_last_bit():
    """u⁺ = c u exp(−u²/2) grows for u = 10^-30 iff c > exp(u²/2) = 1 + u²/2 + ...: 61 digits."""
    u = np.array([Fraction(1, 10**30)], dtype=object)
    for shift, truth in ((Fraction(3, 5), True), (Fraction(2, 5), False)):
        c = 1 + shift * Fraction(1, 10**60)
        flux = fluxes.perona_malik()
        grows = Chain([Pointwise(flux, 1), Linear(from_matrix([[c]]))])
        assert is_violated(grows, EUCLIDEAN, (u,), bits=1024) is truth


@pytest.mark.parametrize(("given", "message"), [
    ((fluxes.rational(), "bent", 0, 1), "face: must be one of activation, .* got 'bent'"),
    ((fluxes.rational(), "slope", "one", 1), "low: must be a finite rational number, got 'one'"),
    ((fluxes.rational(), "slope", 0, float("inf")), "high: must be a finite rational number"),
    ((np.tanh, "slope", 0, 1), "flux: must be a Flux")])
def test_bounds_of_a_face_are_checked(given, message):
    """What is no bound, no face or no flux is named."""
    with pytest.raises(InvalidArgument, match=message):
        FaceWithin(*given)


def test_bounds_of_a_face_may_be_written_as_texts():
    """0 <= 1/(1 + s²) <= 1 is sharp at 0, so 9/10 is no bound."""
    assert decide(FaceWithin(fluxes.rational(), "diffusivity", "0", 1)).status is PROVED
    assert decide(FaceWithin(fluxes.rational(), "diffusivity", 0, "9/10")).status is REFUTED


def test_a_whole_is_as_weak_as_its_weakest_part():
    """One refuted part refutes; a proof needs that of all; of nothing nothing is known."""
    for parts in product(Status, repeat=3):
        whole = worst(parts)
        assert (whole is Status.REFUTED) == (Status.REFUTED in parts)
        assert (whole is Status.PROVED) == (set(parts) == {Status.PROVED})
        if whole is Status.SUPPORTED:
            assert Status.UNDECIDED not in parts
    assert worst([]) is Status.UNDECIDED
