"""Wrong fluxes: none of what they claim is proved, and true ones of the same shapes still are.

The counterexamples are replayed in plain fractions, with loops that share nothing with the package.
"""

import math
import random
import shutil
import subprocess
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from importlib import import_module
from itertools import pairwise

import numpy as np
import pytest

from stabkit import fluxes
from stabkit.errors import InvalidArgument
from stabkit.fluxes.flux import (
    Facts,
    Flux,
    Piece,
    from_activation,
    from_diffusivity,
    from_regulariser,
    from_shrinkage,
)
from stabkit.launcher import source
from stabkit.operators import difference, from_matrix
from stabkit.schemes import Explicit, Implicit, Pointwise, ResidualBlock
from stabkit.stability.certificates import certify, certify_uniqueness, check_facts
from stabkit.stability.decide import decide
from stabkit.stability.notions import CONTRACTION, EUCLIDEAN, RANGE, SIGN, Energy, energy
from stabkit.stability.property import FaceWithin, Stable, UniqueSolution
from stabkit.stability.verdict import PROVED, REFUTED

ZERO, HALF, ONE = Fraction(0), Fraction(1, 2), Fraction(1)
UNIT = (ZERO, ONE)
K4, SAMPLE = difference(order=1, n=4), from_matrix([[1]])


def plain_step(phi, tau, u):
    """u − τ Dᵀ Φ(D u) with D the reflecting first difference, entry by entry."""
    flow = [ZERO, *(phi(b - a) for a, b in pairwise(u)), ZERO]
    return [x + tau * (flow[i + 1] - flow[i]) for i, x in enumerate(u)]


def squares(u):
    return sum(x * x for x in u)


def sign(s):
    return Fraction((s > 0) - (s < 0))


def total_variation():
    """s/|s| in one piece, with the slope 0 that it has off 0."""
    return Flux("tv", [Piece(None, lambda s: s / abs(s), lambda s: 1 / abs(s), None,
                             lambda s: 0 * s)], Facts(True, UNIT, None))


def reversed_arctan():
    """−arctan(1/s), which jumps from π/2 to −π/2 at 0."""
    return Flux("arctan", [Piece(None, lambda s: -np.arctan(1 / s), None, None,
                                 lambda s: 1 / (1 + s * s))], Facts(True, UNIT, None))


def elastic_net():
    return Flux("net", [Piece(None, lambda s: s + s / abs(s))], Facts(True, UNIT, None))


def claims(flux, tau=HALF):
    """Every notion of an explicit step, a residual block and a pointwise map, and uniqueness."""
    step = Explicit(K4, flux, tau)
    for notion in (CONTRACTION, EUCLIDEAN, RANGE, SIGN):
        yield Stable(step, notion)
    block = ResidualBlock(K4, -tau * K4.T, flux)
    yield Stable(block, CONTRACTION)
    yield Stable(Pointwise(flux, 2), CONTRACTION)
    yield Stable(Implicit(K4, flux, tau), CONTRACTION)


@pytest.mark.parametrize("make, phi", [(total_variation, sign),
                                       (elastic_net, lambda s: s + sign(s))])
def test_a_jump_inside_a_piece_in_plain_fractions(make, phi):
    """u = (0, 1, 2, 3)/100 against −u at τ = 1/2: the distance grows."""
    u = [Fraction(k, 100) for k in range(4)]
    v = [-x for x in u]
    after = [a - b for a, b in zip(plain_step(phi, HALF, u), plain_step(phi, HALF, v), strict=True)]
    assert squares(after) > squares([a - b for a, b in zip(u, v, strict=True)])
    if phi is sign:
        assert (squares([2 * x for x in u]), squares(after)) == \
            (Fraction(7, 1250), Fraction(2357, 1250))
    flux = make()
    assert decide(Stable(Explicit(K4, flux, HALF), CONTRACTION), trials=200).status is REFUTED


@pytest.mark.slow
@pytest.mark.parametrize("make", [total_variation, reversed_arctan, elastic_net])
def test_a_jump_inside_a_piece_proves_nothing(make):
    """Not contraction, energy, uniqueness, a block or a map by entries; most are refuted."""
    flux = make()
    found = [decide(claim, trials=200).status for claim in claims(flux)]
    assert PROVED not in found and found.count(REFUTED) >= 4 and found[0] is found[4] is REFUTED
    assert decide(Stable(Explicit(K4, flux, 1000), CONTRACTION), trials=200).status is REFUTED
    assert check_facts(flux)["continuous"] is None
    minus = Flux("minus", [Piece(None, lambda s: -flux.activation(s), None, None,
                                 lambda s: -flux.slope(s))], Facts(True, (-ONE, ONE), None))
    assert certify_uniqueness(Implicit(K4, minus, Fraction(1, 100))) is None
    assert decide(UniqueSolution(Implicit(K4, minus, 5)), trials=10).status is not PROVED
    assert certify(Explicit(K4, flux, HALF), energy(Energy(K4, flux))) is None


def test_a_fact_has_to_hold_on_every_piece_that_a_cell_meets():
    """g = 5/(1 + s²) is at most 1 from |s| = 2 on and 5/2 at 1; that Φ(0) = 0 is a piece of its own
    says nothing about the cells beside it."""
    flux = Flux("lorentz", [Piece(ZERO, lambda s: 0 * s, lambda s: 0 * s, None, lambda s: 0 * s),
                            Piece(None, lambda s: 5 * s / (1 + s * s),
                                  lambda s: 5 / (1 + s * s))],
                Facts(True, (-5 * ONE, 5 * ONE), UNIT))
    assert check_facts(flux)["diffusivities"] is False
    wide = replace(flux.facts, diffusivities=(ZERO, 5 * ONE))
    assert check_facts(Flux("lorentz", flux.pieces, wide))["diffusivities"] is True


def test_a_regulariser_of_another_flux_is_refused():
    """1/(1 + s²) beside Φ = s: u = (0, 1, 3, 2), τ = 1/2 raises that energy from 1.2 to 2."""
    def total(u):
        return sum(1 / (1 + (b - a) ** 2) for a, b in pairwise(u))

    u = [Fraction(x) for x in (0, 1, 3, 2)]
    assert total(plain_step(lambda s: s, HALF, u)) > total(u) == Fraction(6, 5)
    with pytest.raises(InvalidArgument, match=r"regulariser does not belong .* at s = "):
        Flux("own", [Piece(None, lambda s: s, lambda s: 1 + 0 * s, lambda s: 1 / (1 + s * s))],
             Facts(True, (ONE, ONE), (ONE, ONE)))


def test_a_kink_far_away_is_found():
    """Φ = s + 5 max(s − 10, 0) with the other faces of s: |u|² of (0, 100, 0, 100) grows."""
    def phi(s):
        return s + 5 * max(s - 10, 0)

    u = [Fraction(x) for x in (0, 100, 0, 100)]
    assert squares(plain_step(phi, HALF, u)) > squares(u)
    with pytest.raises(InvalidArgument, match=r"diffusivity does not belong .* at s = 11"):
        Flux("far", [Piece(None, lambda s: s + 5 * np.maximum(s - 10, 0), lambda s: 1 + 0 * s,
                           None, lambda s: 1 + 0 * s)], Facts(False, (ONE, ONE), (ONE, ONE)))


@pytest.mark.slow
def test_a_single_point_is_compared():
    """Φ(0) = 5 with g(0) = 1: the constant 1 leaves the disc, (1 − 5τ)² > 1 for one sample."""
    with pytest.raises(InvalidArgument, match=r"at s = 0 the diffusivity times s is 0, and 5"):
        Flux("point", [Piece(ZERO, lambda s: 5 + 0 * s, lambda s: 1 + 0 * s),
                       Piece(None, lambda s: s, lambda s: 1 + 0 * s)],
             Facts(True, (ONE, ONE), (ONE, ONE)))
    alone = Flux("point", [Piece(ZERO, lambda s: 5 + 0 * s), Piece(None, lambda s: s)],
                 Facts(True, (ONE, ONE), (ONE, ONE)))
    assert PROVED not in {decide(claim, trials=50).status for claim in claims(alone)}
    assert check_facts(alone)["continuous"] is False
    for edges in ((1, 1), (2, 1), (-1, 1)):
        with pytest.raises(InvalidArgument, match="breakpoints must increase"):
            Flux("edges", [*(Piece(Fraction(e), lambda s: s) for e in edges),
                           Piece(None, lambda s: s)], Facts(True, (ONE, ONE), (ONE, ONE)))


# -- a hundred wrong fluxes ------------------------------------------------------------------------
def ratio(rng, low=1, high=12):
    return Fraction(rng.randint(low, high), rng.randint(1, 4))


def jump(rng):
    c, form = ratio(rng), rng.randrange(4)
    phi = [lambda s: s + c * s / abs(s), lambda s: s + c * np.sign(s),
           lambda s: s + c * np.arctan(1 / s),
           lambda s: np.where(s > c, s + c, s)][form]
    return from_activation(phi, Facts(form < 3, (ONE, ONE) if form != 2 else UNIT, None)), \
        lambda flux: Stable(Explicit(SAMPLE, flux, ONE), CONTRACTION)


def gap(rng):
    c, edge = ratio(rng) + 1, ratio(rng)
    pieces = [Piece(edge, lambda s: s, None, None, lambda s: 1 + 0 * s),
              Piece(None, lambda s: s + c, None, None, lambda s: 1 + 0 * s)]
    return Flux("gap", pieces, Facts(False, (ONE, ONE), None)), \
        lambda flux: Stable(Explicit(SAMPLE, flux, ONE), CONTRACTION)


def swapped(rng):
    c = ratio(rng) + 1
    faces = [lambda s: s / (1 + s * s / c), lambda s: 1 / (1 + s * s / c),
             lambda s: c * np.log(1 + s * s / c)]
    other = rng.choice([lambda s: np.exp(-s * s / c), lambda s: 1 / (1 + s * s / (c + 1)),
                        lambda s: 1 / np.sqrt(1 + s * s / c)])
    given = [faces[1], faces[2], None]
    given[rng.choice([0, 1, 2])] = other
    return Flux("swapped", [Piece(None, faces[0], *given)],
                Facts(True, (-ONE, ONE), UNIT)), lambda flux: Stable(
                    Explicit(SAMPLE, flux, 2), EUCLIDEAN)


def narrow_slopes(rng):
    c = ratio(rng) + 1
    phi = rng.choice([lambda s: c * s, lambda s: c * s / np.sqrt(1 + s * s),
                      lambda s: c * np.tanh(s), lambda s: c * np.arctan(s)])
    claimed = c * Fraction(rng.randint(5, 9), 10)
    return from_activation(phi, Facts(True, (ZERO, claimed), None)), \
        lambda flux: Stable(Explicit(SAMPLE, flux, 2 / claimed), CONTRACTION)


def narrow_diffusivity(rng):
    c = ratio(rng) + 1
    g = rng.choice([lambda s: c / (1 + s * s), lambda s: c * np.exp(-s * s / 2),
                    lambda s: c / np.sqrt(1 + s * s), lambda s: c / (1 + abs(s))])
    claimed = c * Fraction(rng.randint(5, 9), 10)
    return from_diffusivity(g, Facts(True, (-c, claimed), (ZERO, claimed))), \
        lambda flux: Stable(Explicit(SAMPLE, flux, 2 / claimed), EUCLIDEAN)


def hidden_kink(rng):
    c, far = ratio(rng), Fraction(rng.randint(5, 900))
    phi = rng.choice([lambda s: s + c * np.maximum(s - far, 0),
                      lambda s: np.maximum(s, (1 + c) * s - c * far)])
    one = [lambda s: 1 + 0 * s, None, lambda s: 1 + 0 * s]
    if rng.random() < 0.5:
        one = [None, None, None]
    make = Flux("kink", [Piece(None, phi, *one)], Facts(False, (ONE, ONE), (ONE, ONE)))
    return make, lambda flux: Stable(Explicit(SAMPLE, flux, 2), CONTRACTION)


def pole(rng):
    p = ratio(rng)
    phi = rng.choice([lambda s: s / (s * s - p * p), lambda s: 1 / (s - p), lambda s: p / s,
                      lambda s: np.tan(s / p), lambda s: s + p / s**3,
                      lambda s: np.log(abs(s - p))])
    return from_activation(phi, Facts(False, UNIT, UNIT)), \
        lambda flux: Stable(Explicit(SAMPLE, flux, 1), CONTRACTION)


def point(rng):
    c = ratio(rng)
    given = rng.choice([None, lambda s: 1 + 0 * s])
    return Flux("point", [Piece(ZERO, lambda s: c + 0 * s, given), Piece(None, lambda s: s)],
                Facts(True, (ONE, ONE), (ONE, ONE))), \
        lambda flux: Stable(Explicit(SAMPLE, flux, ONE), EUCLIDEAN)


def turned_sign(rng):
    c = ratio(rng)
    phi, slope = rng.choice([
        (lambda s: -c * s, lambda s: c + 0 * s),
        (lambda s: c * np.exp(-s), lambda s: c * np.exp(-s)),
        (lambda s: s - c * np.tanh(s), lambda s: 1 + c * (1 - np.tanh(s) ** 2)),
        (lambda s: -c * np.sqrt(1 + s * s), lambda s: c * s / np.sqrt(1 + s * s))])
    return Flux("turned", [Piece(None, phi, None, None, slope)],
                Facts(False, (ZERO, 1 + c), None)), \
        lambda flux: Stable(Explicit(SAMPLE, flux, 1 / (1 + c)), CONTRACTION)


def regulariser(rng):
    c = ratio(rng) + 1
    phi, psi = rng.choice([
        (lambda s: s, lambda s: c * s * s), (lambda s: s, lambda s: s * s + c),
        (lambda s: s / np.sqrt(1 + s * s), lambda s: 2 * np.sqrt(1 + s * s)),
        (lambda s: s * np.exp(-s * s / 2), lambda s: c * (1 - np.exp(-s * s / 2)) / 2),
        (lambda s: s, lambda s: s * s + abs(s - c) / (s - c) + 1)])
    flux = Flux("psi", [Piece(None, phi, None, psi)], Facts(True, (-ONE, ONE), UNIT))
    return flux, lambda flux: FaceWithin(flux, "regulariser", None, -ONE)


KINDS = (jump, gap, swapped, narrow_slopes, narrow_diffusivity, hidden_kink, pole, point,
         turned_sign, regulariser)


@pytest.mark.slow
def test_of_a_hundred_wrong_fluxes_none_is_proved():
    """Ten of each kind, each with a claim that is false of it: refused, refuted or left open."""
    rng, table = random.Random(15), {kind.__name__: Counter() for kind in KINDS}
    for kind in KINDS:
        for _ in range(10):
            try:
                flux, claim = kind(rng)
            except InvalidArgument:
                table[kind.__name__]["refused"] += 1
                continue
            status = decide(claim(flux), trials=300).status
            table[kind.__name__][str(status.value)] += 1
            facts = check_facts(flux)
            assert status is not PROVED and (kind is regulariser or not all(facts.values())), (
                kind.__name__, flux.formula(), facts)
    for name, counts in table.items():
        print(f"{name:20}", dict(counts))
    total = sum(table.values(), Counter())
    print(dict(total))
    assert sum(total.values()) == 100 and total["refused"] + total["refuted"] >= 95
    assert not total["supported"]


# -- true fluxes of the same shapes ----------------------------------------------------------------
def bent(low, high):
    return Facts(False, (low, high), None)


TRUE = {
    "clip": (lambda: from_activation(lambda s: np.clip(s, -2, 2), Facts(True, UNIT, UNIT)), ONE),
    "where": (lambda: from_activation(lambda s: np.where(s > 3, 3, s), bent(ZERO, ONE)), ONE),
    "soft": (lambda: from_activation(
        lambda s: np.maximum(s - 1, 0) - np.maximum(-s - 1, 0), Facts(True, UNIT, UNIT)), ONE),
    "kink": (lambda: from_activation(lambda s: s + 5 * np.maximum(s - 10, 0), bent(ONE, 6 * ONE)),
             6 * ONE),
    "sign times s²": (lambda: from_activation(lambda s: np.minimum(abs(s), 1) * s / 2 + s / 2,
                                              bent(HALF, 3 * HALF)), 3 * HALF),
    "pieces": (lambda: Flux("pieces", [
        Piece(ONE, lambda s: s, lambda s: 1 + 0 * s, lambda s: s * s, lambda s: 1 + 0 * s),
        Piece(None, lambda s: 3 * s - 2, None, lambda s: 3 * s * s - 4 * s + 2, None)],
        bent(ONE, 3 * ONE)), 3 * ONE),
    "arctan": (lambda: from_activation(np.arctan, Facts(True, UNIT, None)), ONE),
    "log1p": (lambda: from_activation(lambda s: s + np.log1p(np.exp(-abs(s))) * 0, bent(ONE, ONE)),
              ONE),
    "floats": (lambda: from_activation(lambda s: 0.5 * s, Facts(True, (HALF, HALF), None)), HALF),
    "tanh by exp": (lambda: from_activation(
        lambda s: 1 - 2 / (1 + np.exp(2 * s)), Facts(False, (-ONE, 2 * ONE), None)), None),
    "slope by hand": (lambda: Flux("own", [Piece(
        None, lambda s: s / (1 + abs(s)), lambda s: 1 / (1 + abs(s)),
        lambda s: 2 * (abs(s) - np.log(1 + abs(s))), lambda s: 1 / (1 + abs(s)) ** 2)],
        Facts(True, UNIT, UNIT)), ONE),
}


@pytest.mark.parametrize("name", TRUE)
def test_true_fluxes_of_the_same_shapes_are_proved(name):
    """At τ = 2/L the step contracts, and beyond it does not."""
    make, high = TRUE[name]
    flux = make()
    assert False not in check_facts(flux).values()
    if high is None:  # true, but its slopes are not enclosed at infinity
        return
    assert all(check_facts(flux).values())
    assert decide(Stable(Explicit(SAMPLE, flux, 2 / high), CONTRACTION)).status is PROVED
    beyond = Stable(Explicit(SAMPLE, flux, Fraction(21, 10) / high), CONTRACTION)
    assert decide(beyond, trials=300).status is REFUTED


def test_a_users_diffusivity_works_as_the_dictionarys():
    """exp(−s²/2) by np.exp: proved, refuted, its facts and every arithmetic."""
    flux = from_diffusivity(lambda s: np.exp(-s * s / 2),
                            Facts(True, (Fraction(-447, 1000), ONE), UNIT, smooth=True))
    assert flux.transcendental and not flux.piecewise_linear and flux.is_odd
    facts = check_facts(flux)
    assert facts["continuous"] and facts["odd"] and facts["diffusivities"]
    assert False not in facts.values()
    assert decide(Stable(Explicit(K4, flux, HALF), EUCLIDEAN)).status is PROVED
    assert decide(Stable(Explicit(K4, flux, 2), EUCLIDEAN)).status is REFUTED
    assert decide(Stable(Explicit(K4, flux, HALF), CONTRACTION), trials=300).status is REFUTED
    assert abs(float(flux(Fraction(1))) - math.exp(-0.5)) < 1e-15


@pytest.mark.parametrize("formula, word", [
    (lambda s: math.exp(s), "np.exp"), (lambda s: s if s > 1 else 0 * s, "branch"),
    (lambda s: max(s, 0), "branch"), (lambda s: np.arccos(s), "np.arccos"),
    (lambda s: s**1.3, "power"), (lambda s: s[0], "no expression"), (lambda s: None, "None"),
    (lambda s: 1 / 0 * s, "division by zero"), (lambda s: float("nan") * s, "nan"),
    (lambda s: np.where(s >= 1, 2, s), "< and <="), (lambda s: np.interp(s, [0, 1], [0, 1]),
                                                     "np.interp"),
])
def test_what_cannot_be_decided_is_refused_in_words(formula, word):
    """One error that names the formula and the remedy, from every face."""
    for make in (from_activation, from_diffusivity, from_regulariser):
        with pytest.raises(InvalidArgument, match=word) as error:
            make(formula, Facts(True, UNIT, UNIT))
        assert "\n" not in str(error.value)
    if word != "< and <=":  # where S changes at 1, Φ does at √2: no breakpoint, and left open
        with pytest.raises(InvalidArgument):
            from_shrinkage(formula, Facts(True, UNIT, UNIT))


def test_no_code_comes_with_another_expression():
    """The compiled twin belongs to the dictionary's own expression, and to no copy of a flux."""
    soft = fluxes.soft()
    assert soft.kernel == (2, 1.0)
    assert replace(soft, pieces=fluxes.garrote().pieces).kernel is None
    with pytest.raises(TypeError, match="kernel"):
        Flux("own", soft.pieces, soft.facts, kernel=(99, 1.0))


@pytest.mark.parametrize("code, builds", [(0, True), (3, True), (11, True), (9, False),
                                          (12, False), (99, False), (-1, False)])
def test_a_code_that_no_kernel_knows_does_not_build(code, builds):
    """By the C preprocessor for CUDA, by its number for Numba; nothing falls through to s."""
    if shutil.which("g++") is None:
        pytest.skip("needs g++ to read the CUDA code")
    done = subprocess.run(["g++", "-E", "-x", "c++", f"-DFLUX={code}", "-DREAL=double", "-"],
                          input=source("fluxes.cuh"), text=True, capture_output=True,
                          check=False)
    assert (done.returncode == 0) == builds and ("no code" in done.stderr) != builds
    if code not in range(12):
        with pytest.raises(InvalidArgument, match=f"no compiled code {code}"):
            import_module("stabkit.kernels.fluxes").phi[code]
