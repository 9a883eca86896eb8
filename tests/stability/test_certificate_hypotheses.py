"""Every hypothesis of a certificate is needed: with a false one planted, nothing is proved."""

from fractions import Fraction

import numpy as np
import pytest

from stabkit import fluxes
from stabkit.arithmetic.rational import fractions
from stabkit.fluxes.flux import Facts, Flux
from stabkit.operators import difference, from_matrix
from stabkit.replay import check
from stabkit.schemes import FSI, Explicit, ResidualBlock, repeat
from stabkit.stability.certificates import certify, diffusion, is_linear
from stabkit.stability.certificates.smaller_steps import ALL, NONE, reach
from stabkit.stability.confirmation import confirm_evidence, write_witness
from stabkit.stability.decide import decide
from stabkit.stability.falsify import exact_margin, is_violated
from stabkit.stability.notions import CONTRACTION, CONTRAST, EUCLIDEAN, Energy, energy
from stabkit.stability.verdict import PROVED, REFUTED

K3 = difference(1, 3)
QUARTER, HALF = Fraction(1, 4), Fraction(1, 2)


def test_an_energy_is_that_of_the_scheme():
    """A step of τ = 1/4 lowers |K u|², but not u₀²: (0, 1, 0) becomes (1/4, 1/2, 1/4)."""
    step = Explicit(K3, fluxes.identity(), QUARTER)
    own = energy(Energy(K3, step.flux))
    other = energy(Energy(from_matrix([[1, 0, 0]]), step.flux))
    assert decide(step, own).status is PROVED
    assert certify(step, other) is None and decide(step, other).status is REFUTED
    assert is_violated(step, other, (fractions([0, 1, 0]),))


def test_an_energy_has_the_flux_of_the_scheme():
    """The sum of |s| does not fall with a step of the identity: (0, 1, 1) keeps it, most lower it;
    whatever holds, the certificate of one flux says nothing about the energy of another."""
    step = Explicit(K3, fluxes.identity(), QUARTER)
    assert certify(step, energy(Energy(K3, fluxes.soft("1/3")))) is None


def test_another_functional_of_the_same_parts_is_no_energy():
    """−E grows where E falls: of (0, 1, 0) with τ = 1/4, whose |K u|² falls from 2 to 1/8."""
    class Opposite(Energy):
        def __call__(self, u):
            return -super().__call__(u)

    step = Explicit(K3, fluxes.identity(), QUARTER)
    assert certify(step, energy(Energy(K3, step.flux))) is not None
    assert certify(step, energy(Opposite(K3, step.flux))) is None
    assert is_violated(step, energy(Opposite(K3, step.flux)), (fractions([0, 1, 0]),))


def test_a_long_linear_cycle_needs_a_flux_that_does_not_fall():
    """Beyond 64 samples the polynomial of the cycle proves it; of φ(s) = −s the step is
    u ↦ p(−τKᵀK) u, and p(x) = 1 − 2x/3 is above 1 for x < 0."""
    K = difference(1, 65)
    rising, falling = (FSI(K, fluxes.scaled_identity(c), HALF, 1) for c in (1, -1))
    made, = certify(rising, EUCLIDEAN)
    assert confirm_evidence(made) is not None
    assert certify(falling, EUCLIDEAN) is None
    u = fractions([1, -1] + [0] * 63)
    assert is_violated(falling, EUCLIDEAN, (u,))


@pytest.mark.parametrize("coefficients, holds", [
    (["1", "-1"], True), (["1", "-3/2"], False), (["-1", "1"], True), (["-1", "3/2"], False)])
def test_the_polynomial_of_a_cycle_is_bounded_on_both_sides(monkeypatch, coefficients, holds):
    """|p| <= 1 on [0, 2]: of 1 − 3x/2 the lower bound fails at 2, of −1 + 3x/2 the upper one."""
    at_two = Fraction(coefficients[0]) + 2 * Fraction(coefficients[1])
    assert (abs(at_two) <= 1) is holds
    monkeypatch.setattr(diffusion, "cycle_polynomial", lambda log, length: log.define(
        "p", log.term(f"[{coefficients[0]}, {coefficients[1]}]")).text)
    made = certify(FSI(K3, fluxes.identity(), QUARTER, 1, frozen=True), EUCLIDEAN)
    assert (confirm_evidence(made[0]) is not None) is holds


def test_a_block_whose_activation_jumps_does_not_contract():
    """Both pieces have slopes in [0, 1], and the jump between them is declared away."""
    one, nothing = Fraction(1), Fraction(0)
    jump = Flux("jump", fluxes.hard().pieces, Facts(True, (nothing, one), (nothing, one)))
    block = ResidualBlock(K3, -QUARTER * K3.T, jump)
    found = certify(block, CONTRACTION)
    assert found is None or not all(map(confirm_evidence, found))
    assert decide(block, CONTRACTION).status is REFUTED
    assert decide(ResidualBlock(K3, -QUARTER * K3.T, fluxes.soft()), CONTRACTION).status is PROVED


@pytest.mark.parametrize("biases", [(None, [1, 0, 0]), ([1, 0], None), ([0, 1], [0, 0, 1])])
def test_a_block_with_a_bias_is_not_linear(biases):
    """It moves 0, so the norm of 0 grows; differences contract as without the bias."""
    block = ResidualBlock(K3, -QUARTER * K3.T, fluxes.identity(), *biases)
    assert not is_linear(block) and not is_linear(repeat(block, 2))
    assert is_linear(ResidualBlock(K3, -QUARTER * K3.T, fluxes.identity()))
    assert decide(block, EUCLIDEAN).status is REFUTED
    assert decide(block, CONTRACTION).status is PROVED


def test_long_orbits_are_written_in_balls():
    """Twelve steps of a rational flux have 3¹² times the digits; the witness holds all the same."""
    long = repeat(Explicit(K3, fluxes.rational(), Fraction(3, 2)), 12)
    u = (fractions(["1/100", "-1/50", "1/100"]),)
    margin = exact_margin(long, EUCLIDEAN, u)
    evidence = write_witness(long, EUCLIDEAN, u, margin)
    assert margin < 0 and evidence.arithmetic == "ball" and check(evidence.to_json({})) is None
    still = (fractions([1, 1, 1]),)
    assert exact_margin(long, EUCLIDEAN, still) >= 0
    assert write_witness(long, EUCLIDEAN, still, exact_margin(long, EUCLIDEAN, still)) is None
    floats = long(np.array([0.01, -0.02, 0.01]))
    assert floats @ floats > 0.0006


def test_a_certificate_that_was_not_tried_is_that_of_no_other_step():
    """Of contrast nothing is tried beyond 64 rows, so there nothing holds at other steps; with 4
    samples the certificate is the same, word for word, where no part depends on the step."""
    small, large = (Explicit(difference(1, n), fluxes.soft(), QUARTER) for n in (4, 70))
    assert reach(small, small, CONTRAST) == ALL and reach(large, large, CONTRAST) == NONE
