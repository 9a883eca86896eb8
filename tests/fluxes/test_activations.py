"""The activations of networks: values by the standard library, slopes by differences, facts on ℝ,
and no certificate for what a signal refutes."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stabkit.arithmetic.enclosure import Interval, precision
from stabkit.errors import InvalidArgument
from stabkit.fluxes import activations as act
from stabkit.fluxes.flux import Facts, Flux
from stabkit.operators import difference, from_matrix
from stabkit.replay import elementary
from stabkit.schemes import Explicit, Pointwise, ResidualBlock
from stabkit.stability.certificates import certify, check_facts
from stabkit.stability.confirmation import confirm_evidence
from stabkit.stability.decide import decide
from stabkit.stability.falsify import is_violated
from stabkit.stability.notions import CONTRACTION, EUCLIDEAN, RANGE, SIGN
from stabkit.stability.property import FaceWithin, Stable
from stabkit.stability.verdict import PROVED, REFUTED
from stabkit.testing import activations, rationals

HALF, GAP = Fraction(1, 2), Fraction(1, 200)


def logistic(x):
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


# name -> (flux, Φ by the standard library, inf Φ′, sup Φ′); the last two by hand or as published
KNOWN = {
    "sigmoid": (act.sigmoid(), logistic, 0, 0.25),
    "softplus": (act.softplus(), lambda x: math.log1p(math.exp(x)), 0, 1),
    "elu": (act.elu(), lambda x: x if x > 0 else math.expm1(x), 0, 1),
    "elu of 2": (act.elu(2), lambda x: x if x > 0 else 2 * math.expm1(x), 0, 2),
    "silu": (act.silu(), lambda x: x * logistic(x), -0.09984, 1.09984),
    "silu, steep": (act.silu("1.702"), lambda x: x * logistic(1.702 * x), -0.09984, 1.09984),
    "gelu": (act.gelu(), lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2, -0.12890, 1.12890),
    "gelu of 4": (act.gelu(4), lambda x: x * (1 + math.erf(x / math.sqrt(8))) / 2,
                  -0.12890, 1.12890),
    "mish": (act.mish(), lambda x: x * math.tanh(math.log1p(math.exp(x))), -0.11316, 1.08850),
    "erf": (act.error_function(), math.erf, 0, 2 / math.sqrt(math.pi)),
    "hard tanh": (act.clip(), lambda x: min(max(x, -1), 1), 0, 1),
    "relu6": (act.clip(0, 6), lambda x: min(max(x, 0), 6), 0, 1),
    "clip off 0": (act.clip(HALF, 2), lambda x: min(max(x, HALF), 2), 0, 1),
    "max with -2": (act.clip(-2, None), lambda x: max(x, -2), 0, 1),
    "hard swish": (act.hard_swish(), lambda x: x * min(max(x / 6 + 0.5, 0), 1), -0.5, 1.5),
    "hard swish of 1/5": (act.hard_swish("1/5"), lambda x: x * min(max(x / 5 + 0.5, 0), 1),
                          -0.5, 1.5),
}
POINTS = [s * x for x in (0.01, 0.3, 0.7, 1.06, 1.4142, 2.51, 3.7, 7.0, 30.0) for s in (1, -1)]


def near(found, wanted, digits=12):
    return abs(float(found) - wanted) <= 10.0**-digits * max(1.0, abs(wanted))


@pytest.mark.parametrize("name", KNOWN)
def test_values_in_every_arithmetic(name):
    """Φ in floats, float32, balls and fractions, and Φ′ by symmetric differences in balls."""
    flux, phi, *_ = KNOWN[name]
    for x in POINTS:
        assert near(flux(x), phi(x)) and near(flux(Interval(x)), phi(x))
        assert near(flux(Fraction(x)), phi(x)) and near(flux(np.float32(x)), phi(x), 5)
        if min((abs(x - float(edge)) for edge in flux.breakpoints()), default=1) > 1e-3:
            with precision(256):
                d = Fraction(1, 10**30)
                rise = (flux(Interval(Fraction(x) + d)) - flux(Interval(Fraction(x) - d))) / (2 * d)
            assert near(flux.slope(x), float(rise)) and near(flux.slope(Interval(x)), float(rise))
            assert near(flux.slope(np.array([x]))[0], float(rise))


@pytest.mark.slow
@pytest.mark.parametrize("name", KNOWN)
def test_facts_hold_on_the_whole_line_and_are_sharp(name):
    """The declared slopes are proved, within 0.0006 of the true ones, and a narrower range is not
    proved; where Φ is smooth a rational point refutes it."""
    flux, _, low, high = KNOWN[name]
    assert False not in check_facts(flux).values()
    declared = flux.facts.slopes
    assert decide(FaceWithin(flux, "slope", *declared)).status is PROVED
    assert declared[0] <= low + 1e-4 and low - 0.0011 <= declared[0]
    assert high - 1e-4 <= declared[1] <= high + 0.0011
    for bounds in ((declared[0] + GAP, declared[1]), (declared[0], declared[1] - GAP)):
        status = decide(FaceWithin(flux, "slope", *bounds)).status
        assert status is REFUTED if flux.facts.smooth else status is not PROVED
    wrong = Facts(flux.facts.odd, (declared[0], declared[1] - GAP), flux.facts.diffusivities)
    assert not all(check_facts(Flux(name, flux.pieces, wrong)).values())
    assert (flux.facts.diffusivities is None) == (flux(Fraction(0)) != 0
                                                  if not flux.transcendental else
                                                  name in ("sigmoid", "softplus"))


@pytest.mark.slow
@settings(max_examples=60)
@given(activations(), rationals(8, 12))
def test_faces_belong_together(flux, s):
    """Φ(s) = g(s) s, and for an odd one Φ(−s) = −Φ(s)."""
    with precision(256):
        assert (Interval(0) + flux(s)).overlaps(
            Interval(0) + (flux.diffusivity(s) * s if s else flux(s)))
        assert not flux.facts.odd or (Interval(0) + flux(-s) + flux(s)).overlaps(0)


K = difference(1, 4)
M = from_matrix([[1, "-1/2"], ["1/3", 1]])
SCHEMES = [lambda f: Explicit(K, f, "1/4"), lambda f: Explicit(M, f, HALF),
           lambda f: ResidualBlock(M, -M.T, f), lambda f: ResidualBlock(M, M, f),
           lambda f: Pointwise(f, 3)]


@pytest.mark.slow
@settings(max_examples=25)
@given(activations(), st.sampled_from(SCHEMES), st.sampled_from([EUCLIDEAN, CONTRACTION, RANGE,
                                                                  SIGN]),
       st.lists(rationals(4, 4), min_size=16, max_size=16))
def test_no_certificate_for_what_a_signal_refutes(flux, make, notion, entries):
    """Whatever is certified holds for drawn signals and for 0, in exact arithmetic."""
    scheme = make(flux)
    found = certify(scheme, notion)
    if found is None or not all(map(confirm_evidence, found)):
        return
    exact = np.array(entries, dtype=object)
    zero = exact * 0
    signals = [[exact[k: k + scheme.size], zero[:scheme.size]][:notion.signals] for k in (0, 4, 8)]
    for pair in (*signals, [zero[:scheme.size], exact[:scheme.size]][:notion.signals]):
        assert not is_violated(scheme, notion, tuple(pair))


@pytest.mark.parametrize("flux", [act.sigmoid(), act.softplus(), act.clip(HALF, 2)])
def test_what_lifts_zero_does_not_keep_the_norm(flux):
    """Φ(0) > 0: the zero signal grows, so only differences can shrink."""
    assert decide(Stable(ResidualBlock(M, -M.T, flux), EUCLIDEAN)).status is not PROVED
    assert decide(Stable(Pointwise(flux, 3), EUCLIDEAN)).status is REFUTED
    assert decide(Stable(Pointwise(flux, 3), CONTRACTION)).status is PROVED


def test_the_gate_of_gelu_in_the_checker():
    """erf encloses the standard library's; at 0 and the infinities it is exact."""
    for x in (-6, -1, Fraction(1, 3), 2):
        box = elementary.erf(Fraction(x))
        assert box.lo <= Fraction(math.erf(x)) + Fraction(1, 10**15)
        assert Fraction(math.erf(x)) - Fraction(1, 10**15) <= box.hi
    assert elementary.erf(Fraction(0)) == 0
    assert elementary.erf(math.inf) == 1 and elementary.erf(-math.inf) == -1


@pytest.mark.parametrize("argument, wrong", [
    ("alpha", lambda: act.elu(0)), ("steepness", lambda: act.silu(-1)),
    ("variance", lambda: act.gelu(float("nan"))), ("lower", lambda: act.clip(1, 1)),
    ("upper", lambda: act.clip(0, float("inf"))), ("factor", lambda: act.hard_swish(0)),
])
def test_bad_input_names_the_argument(argument, wrong):
    """One line that says which argument cannot be used."""
    with pytest.raises(InvalidArgument, match=rf"\b{argument}\b"):
        wrong()
