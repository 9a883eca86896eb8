"""Certificates: sound against exact signals, gone beyond the bound, and with nothing assumed."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stabkit import fluxes
from stabkit.arithmetic.transcript import Transcript
from stabkit.errors import InvalidArgument
from stabkit.fluxes.flux import Facts, Flux, Piece, from_activation
from stabkit.operators import (
    DIRICHLET,
    NATURAL,
    PERIODIC,
    difference,
    from_matrix,
    identity,
    stable_step,
)
from stabkit.replay import check
from stabkit.schemes import (
    FSI,
    Chain,
    Explicit,
    FixedPoint,
    HaarShrinkage,
    Implicit,
    Linear,
    Pointwise,
    ResidualBlock,
    repeat,
)
from stabkit.stability.certificates import (
    certify,
    certify_uniqueness,
    check_facts,
    cycle_polynomial,
    is_linear,
    show_bounds,
    step_matrix,
)
from stabkit.stability.certificates.flux_bounds import show_junctions
from stabkit.stability.confirmation import confirm_evidence
from stabkit.stability.decide import decide
from stabkit.stability.falsify import is_violated
from stabkit.stability.notions import (
    CONTRACTION,
    CONTRAST,
    EUCLIDEAN,
    RANGE,
    SIGN,
    Energy,
    energy,
    sensitivity,
)
from stabkit.stability.property import Stable
from stabkit.stability.verdict import PROVED, SUPPORTED
from stabkit.testing import fluxes as any_flux
from stabkit.testing import operators, ratios, signals

ONE, HALF = Fraction(1), Fraction(1, 2)
K2, K3, K4 = (difference(1, n) for n in (2, 3, 4))
JUMP = Flux("jump", fluxes.hard().pieces, Facts(True, (0 * ONE, ONE), (0 * ONE, ONE)))


def proved(scheme, notion):
    """Whether there are certificates and the checker confirms each."""
    found = certify(scheme, notion)
    return found is not None and all(confirm_evidence(evidence) for evidence in found)


@st.composite
def steps(draw):
    """Schemes of every class, with steps inside and outside their bounds."""
    K, flux = draw(operators(samples=4)), draw(any_flux())
    tau = draw(st.sampled_from([Fraction(1, 16), Fraction(1, 4), HALF, ONE, Fraction(3)]))
    made = draw(st.sampled_from([
        lambda: Explicit(K, flux, tau), lambda: Implicit(K, flux, tau),
        lambda: FixedPoint(K, flux, tau, 2), lambda: FSI(K, flux, tau, 3, frozen=True),
        lambda: FSI(K, fluxes.identity(), tau, 2), lambda: HaarShrinkage(flux, K.shape[1]),
        lambda: Pointwise(flux, K.shape[1]), lambda: ResidualBlock(K, -tau * K.T, flux),
        lambda: Chain([Explicit(K, flux, tau), Pointwise(fluxes.relu(), K.shape[1])])]))()
    return made


@pytest.mark.slow
@settings(max_examples=300)
@given(steps(), st.sampled_from([EUCLIDEAN, CONTRACTION, RANGE, SIGN, CONTRAST]), st.data())
def test_what_is_certified_holds_for_every_signal(scheme, notion, data):
    """If a certificate is confirmed, no exact signal (or pair) violates the notion."""
    if (notion is CONTRAST and scheme.size == 1) or not proved(scheme, notion):
        return
    drawn = tuple(data.draw(signals(scheme.size)) for _ in range(notion.signals))
    assert not is_violated(scheme, notion, drawn)


@pytest.mark.slow
@settings(max_examples=30)
@given(operators(samples=4), any_flux(continuous=True), st.sampled_from(["1/1000", "1e-30"]))
def test_no_certificate_beyond_the_bound(K, flux, gap):
    """At τ = (1 + ε) 2/(sup Φ′ ‖K‖²) the matrix inequality fails, however small ε."""
    top = flux.facts.slopes[1]
    step = Explicit(K, flux, stable_step(K, top, 1 + Fraction(gap)))
    assert not proved(step, EUCLIDEAN) and not proved(step, CONTRACTION)
    assert not proved(step, energy(Energy(K, flux)))


@pytest.mark.parametrize("scheme, notion, inside, beyond", [
    (lambda tau: Explicit(K3, fluxes.garrote(), tau), EUCLIDEAN, "2/3", "0.667"),
    (lambda tau: Explicit(K3, fluxes.charbonnier(), tau), CONTRACTION, "2/3", "0.667"),
    (lambda tau: Explicit(K4, fluxes.hard(), tau), RANGE, "1/2", "0.501"),
    (lambda tau: Explicit(K3, fluxes.weickert(), tau), SIGN, "1/3", "0.334"),
    (lambda tau: Explicit(K3, fluxes.soft(), tau), CONTRAST, "1/2", "0.501"),
    (lambda tau: FixedPoint(K3, fluxes.garrote(), tau, 3), EUCLIDEAN, "1/3", "0.334"),
    (lambda tau: FSI(K3, fluxes.perona_malik(), tau, 5, frozen=True), EUCLIDEAN, "2/3", "0.667"),
    (lambda tau: FSI(K2, fluxes.identity(), tau, 9), EUCLIDEAN, "1", "1.2"),
    (lambda c: Linear(c * identity(2)), RANGE, "1", "0.999"),
    (lambda c: Pointwise(fluxes.scaled_identity(c), 2), EUCLIDEAN, "-1", "-1.001"),
])
def test_certificates_end_where_the_statement_ends(scheme, notion, inside, beyond):
    """Bounds by hand: ‖K₁‖² = 2, 3 for N = 2, 3; diagonal of KᵀK at most 2; identities at ±1."""
    assert proved(scheme(Fraction(inside)), notion)
    assert not proved(scheme(Fraction(beyond)), notion)


@pytest.mark.parametrize("scheme, notion", [
    (Explicit(K3, fluxes.garrote(), "1/10"), CONTRACTION),
    (Explicit(K3, fluxes.hard(), "1/10"), CONTRACTION),
    (Explicit(K3, JUMP, "1/10"), CONTRACTION), (Explicit(K3, JUMP, "1/10"), CONTRAST),
    (FixedPoint(K3, JUMP, "1/10", 2), EUCLIDEAN), (Pointwise(JUMP, 2), CONTRACTION),
    (Explicit(difference(1, 3, 1, DIRICHLET), fluxes.soft(), "1/10"), RANGE),
    (Explicit(difference(2, 4, 1, NATURAL), fluxes.soft(), "1/50"), RANGE),
    (Explicit(difference(2, 4), fluxes.soft(), "1/50"), SIGN),
    (Explicit(difference(1, 4, 1, PERIODIC), fluxes.soft(), "1/10"), SIGN),
    (Explicit(K3, fluxes.scaled_identity(-1), "1/10"), EUCLIDEAN),
    (Implicit(K3, fluxes.leaky_relu("-1/10"), "1/10"), EUCLIDEAN),
    (Implicit(K3, fluxes.rational(), "1/10"), CONTRACTION),
    (FSI(K3, fluxes.soft(), "1/10", 3), EUCLIDEAN), (Explicit(K3, fluxes.cubic(), "1/10"), RANGE),
    (FSI(K3, fluxes.identity(), "1/10", 3, printed=True), EUCLIDEAN),
    (Explicit(K3, fluxes.soft(), "1/10"), energy(Energy(K2, fluxes.soft()))),
    (Explicit(K3, fluxes.soft(), "1/10"), energy(Energy(K3, fluxes.garrote()))),
    (Explicit(K3, fluxes.soft(), "1/10"), sensitivity(2)),
    (Chain([Explicit(K3, fluxes.soft(), "1/10"), Linear(2 * identity(3))]), EUCLIDEAN),
    (ResidualBlock(K3, Fraction(-1, 10) * K3.T, fluxes.soft()), EUCLIDEAN),
])
def test_no_certificate_without_its_hypotheses(scheme, notion):
    """A hypothesis of the argument is missing, so there is no argument (true or not)."""
    assert not proved(scheme, notion)


def test_energies_need_jumps_downwards():
    """Φ = s − 1 for s <= 0, s + 1 beyond jumps up at 0; then E = s² + 2|s| grows from 0.01 to 8
    in a step of size 2, although Φ′ = 1.  The hard flux jumps down, and its energy decays."""
    up = Flux("up", [Piece(Fraction(0), lambda s: s - 1, None, lambda s: s * s - 2 * s,
                           lambda s: 1 + 0 * s),
                     Piece(None, lambda s: s + 1, None, lambda s: s * s + 2 * s,
                           lambda s: 1 + 0 * s)], Facts(False, (ONE, ONE), None, continuous=False))
    one = from_matrix([[1]])
    assert not proved(Explicit(one, up, 2), energy(Energy(one, up)))
    hard = fluxes.hard()
    assert proved(Explicit(one, hard, 2), energy(Energy(one, hard)))


def test_linearity_is_shown_and_not_believed():
    """One slope and Φ(0) = 0 on the whole line; facts that say otherwise are not used."""
    bent = from_activation(lambda s: s**3, Facts(True, (ONE, ONE), None))
    shifted = from_activation(lambda s: s + 1, Facts(False, (ONE, ONE), None))
    one = from_matrix([[1]])
    for flux in (bent, shifted, JUMP):
        for scheme in (Explicit(one, flux, 1), Pointwise(flux, 1), ResidualBlock(one, -one, flux),
                       Chain([Pointwise(flux, 1)]), FSI(one, flux, 1, 2)):
            assert not is_linear(scheme) or not proved(scheme, CONTRACTION) or flux is shifted
            assert not proved(scheme, SIGN) or flux is JUMP
    assert proved(Explicit(K3, fluxes.scaled_identity("1/3"), 2), EUCLIDEAN)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["identity", "charbonnier", "soft", "perona_malik", "garrote",
                                  "rational", "weickert", "firm", "relu", "tanh", "hard"])
def test_declared_facts_are_checked(name):
    """No declared fact is contradicted, and a wrong one is."""
    flux = getattr(fluxes, name)()
    assert False not in check_facts(flux).values()
    facts = flux.facts
    for wrong in (Facts(facts.odd, tuple(end - HALF for end in facts.slopes), facts.diffusivities,
                        facts.continuous),
                  Facts(facts.odd, facts.slopes, tuple(
                      end - HALF for end in facts.diffusivities))):
        assert not all(check_facts(Flux(name, flux.pieces, wrong)).values())
    assert check_facts(JUMP)["continuous"] is False


def test_continuity_is_shown_at_the_junctions():
    """Neighbouring pieces agree at ±q: exact equalities that the checker reads."""
    def holds(flux, sign="=="):
        log = Transcript()
        return [check({"kind": "certificate", "arithmetic": "ball", "configuration": {}, "data": {
            "given": log.given, "let": log.let, "shows": [condition], "by": ""}}) is None
            for condition in show_junctions(log, flux, sign)]
    assert holds(fluxes.soft("3/7")) == [True, True]
    assert holds(fluxes.firm(1, 4)) == [True] * 4 and all(holds(fluxes.tanh()))
    assert holds(fluxes.hard()) == [False, False] and holds(fluxes.hard(), ">=") == [True, True]
    assert all(holds(fluxes.weickert())) and holds(fluxes.identity()) == []


@pytest.mark.parametrize("length", [1, 2, 3, 5, 8])
def test_the_polynomial_of_the_cycle(length):
    """pₙ(1 − cos t) = (1 + 2 Σ cos kt)/(2n + 1), the Dirichlet kernel, at 15 rational points (more
    than its degree); the checker evaluates the recursion."""
    log = Transcript()
    last = cycle_polynomial(log, length)
    points = [Fraction(i, 7) for i in range(15)]
    shows = [f"polyval({last}, {z}) == {_dirichlet(length, z)}" for z in points]
    assert check({"kind": "certificate", "arithmetic": "rational", "configuration": {}, "data": {
        "given": log.given, "let": log.let, "shows": shows, "by": ""}}) is None


def _dirichlet(n, z):
    # (1 + 2 Σ T_k(1 − z))/(2n + 1) with Chebyshev's polynomials in their closed form.
    x = 1 - z
    chebyshev = [sum(comb(k, 2 * j) * (x * x - 1) ** j * x ** (k - 2 * j)
                     for j in range(k // 2 + 1)) for k in range(1, n + 1)]
    return (1 + 2 * sum(chebyshev)) / (2 * n + 1)


def test_linear_steps_as_matrices():
    """The matrix of a step, column by column, and sign-regular ones with a negative determinant."""
    step = Explicit(K3, fluxes.identity(), "1/5")
    dense = np.eye(3, dtype=int) - Fraction(1, 5) * (K3.exact().T @ K3.exact())
    assert (step_matrix(step) == dense).all() and is_linear(step) and is_linear(repeat(step, 3))
    assert not is_linear(Explicit(K3, fluxes.soft(), 1))
    swap = Linear(from_matrix([[1, 2], [2, 1]]))  # all minors of size 1 are >= 0, det = −3
    assert proved(swap, SIGN) and not proved(swap, EUCLIDEAN)
    assert not proved(Linear(from_matrix([[1, 0], [0, -1]])), SIGN)
    assert certify(Linear(identity(65)), EUCLIDEAN) is None
    one = Linear(from_matrix([[-1]]))  # one sample has no sign changes
    assert decide(Stable(one, SIGN), trials=50).status in (PROVED, SUPPORTED)


def test_chains_are_certified_part_by_part():
    """One certificate for each distinct part; or one for the product of linear steps."""
    step, other = Explicit(K3, fluxes.soft(), HALF), Explicit(K3, fluxes.garrote(), HALF)
    assert len(certify(Chain([step, other, step, step]), EUCLIDEAN)) == 2
    grow, fall = Linear(2 * identity(2)), Linear(HALF * identity(2))
    assert proved(Chain([grow, fall]), EUCLIDEAN) and not proved(grow, EUCLIDEAN)


@pytest.mark.slow
@given(st.sampled_from([fluxes.garrote(), fluxes.rational(), fluxes.soft(), fluxes.firm()]),
       ratios())
def test_uniqueness(flux, ratio):
    """1 + τ μ min Φ′ > 0 for the largest eigenvalue μ = 2 of K₁ᵀK₁, N = 2."""
    steepest = -flux.facts.slopes[0]
    if steepest <= 0:
        assert confirm_evidence(certify_uniqueness(Implicit(K2, flux, 10**9)))
        return
    bound = 1 / (2 * steepest)
    found = certify_uniqueness(Implicit(K2, flux, bound * ratio))
    assert (found is not None and confirm_evidence(found) is not None) == (ratio < 1)


def test_a_certificate_is_about_its_own_numbers():
    """With another step size or operator in the data it fails."""
    (evidence,) = certify(Explicit(K3, fluxes.garrote(), "2/3"), EUCLIDEAN)
    data = evidence.to_json({})["data"]
    changes = [{"given": {**data["given"], "tau": "667/1000"}},
               {"given": {**data["given"], "K": [["-1", "1", "0"], ["0", "-1", "2"]]}}]
    assert confirm_evidence(evidence) is not None
    for change in changes:
        assert check({**evidence.to_json({}), "arithmetic": "ball",
                      "data": {**data, **change}}) is not None


def test_bounds_are_stated_for_the_whole_line():
    """The cells of every bound reach from −∞ to ∞, so nothing is left out."""
    log = Transcript()
    show_bounds(log, fluxes.rational(), "slope", Fraction(-1, 8), ONE)
    assert log.given["slope_ends"][0] == "-inf" and log.given["slope_ends"][-1] == "inf"
    assert decide(Stable(Explicit(K3, fluxes.rational(), HALF), EUCLIDEAN)).status is PROVED


def test_faces_that_contradict_each_other_are_refused():
    """Φ(s) = −5s is given with g = 1: the Euclidean certificate for 0 <= g <= 1 would be false."""
    with pytest.raises(InvalidArgument, match=r"diffusivity does not belong .* at s = 1/7"):
        Flux("mismatched", [Piece(None, lambda s: -5 * s, lambda s: 1 + 0 * s)],
             Facts(True, (Fraction(-5), Fraction(-5)), (Fraction(1), Fraction(1))))
