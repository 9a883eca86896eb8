"""Schemes and functions that others wrote: floats are exact numbers, and nothing is believed."""

import math
import time
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from stabkit import fluxes
from stabkit.arithmetic.exact import Exact, exactly, plainly
from stabkit.arithmetic.rational import Constant, fractions
from stabkit.arithmetic.transcript import Transcript
from stabkit.errors import InvalidArgument
from stabkit.operators import difference, from_matrix, identity, operator_norm
from stabkit.replay import check
from stabkit.schemes import (
    FSI,
    Chain,
    Explicit,
    FixedPoint,
    ForwardEuler,
    Function,
    HaarShrinkage,
    Implicit,
    IsotropicExplicit,
    Leapfrog,
    Linear,
    Pointwise,
    ResidualBlock,
    Reverse,
    Scheme,
    SymmetricLayer,
    Verlet,
    repeat,
)
from stabkit.stability.certificates import certify, is_linear
from stabkit.stability.decide import decide
from stabkit.stability.falsify import exact_margin
from stabkit.stability.notions import CONTRACTION, EUCLIDEAN, RANGE
from stabkit.stability.property import NormAtMost, Stable
from stabkit.stability.verdict import PROVED, REFUTED, SUPPORTED, UNDECIDED

K3, SWAP = difference(1, 3), from_matrix([[0, 1, 0], [1, 0, 0], [0, 0, 1]])
RANDOM = np.random.default_rng(1)
W = np.array([[0.5, 0.75, 0], [0.75, 0.5, 0], [0, 0, 1]])


@dataclass(frozen=True, eq=False)
class Own(Scheme):
    """Any step."""

    function: Any
    length: int = 3

    @property
    def size(self):
        return self.length

    def step(self, u):
        return self.function(u)


@dataclass(frozen=True, eq=False)
class Relaxation(Scheme):
    """u⁺ = u + ω (S u − u), S the swap of two entries: stable for 0 <= ω <= 1, as S² = I."""

    omega: Any

    @property
    def size(self):
        return 3

    def step(self, u):
        return u + self.omega * (SWAP @ u - u)


@pytest.mark.parametrize("omega", [
    1.5, Fraction(3, 2), Constant(3, 2), np.float64(1.5), np.float32(1.5), 1 + 2.0**-20, 2])
def test_a_number_is_a_number_of_whatever_type(omega):
    """Beyond ω = 1 the vector (1, −1, 0) grows by 2ω − 1, for every type that ω may have."""
    outcome = decide(Stable(Relaxation(omega), EUCLIDEAN), trials=300)
    assert outcome.status is REFUTED and outcome.margin < 0
    assert all(check(item.to_json({})) is None for item in outcome.evidence)


@pytest.mark.parametrize("omega", [0.5, Fraction(1, 3), Constant(1), np.float64(0.1), 1])
def test_a_stable_relaxation_is_proved_by_its_matrix(omega):
    """Its eigenvalues are 1 and 1 − 2ω; the double nearest 1/10 is as good as 1/10."""
    assert decide(Relaxation(omega), EUCLIDEAN, trials=300).status is PROVED


@pytest.mark.parametrize("omega, notion, status", [
    (Fraction(10**18 + 1, 10**18), EUCLIDEAN, REFUTED), (1.5, CONTRACTION, REFUTED),
    (1, RANGE, PROVED), (Fraction(10**18 + 1, 10**18), RANGE, REFUTED)])
def test_a_step_beyond_the_bound_by_less_than_floats_tell_is_refuted(omega, notion, status):
    """1 − 2ω = −1 − 2e-18: no float is larger than its own input by that."""
    outcome = decide(Relaxation(omega), notion, trials=100)
    assert outcome.status is status
    assert all(check(item.to_json({})) is None for item in outcome.evidence)


@pytest.mark.parametrize("function", [
    lambda u: 1.5 * u, lambda u: Fraction(3, 2) * u, lambda u: (1 - -0.5) * u, lambda u: u / 0.5,
    lambda u: u * np.float32(1.25), lambda u: 3 * 2**-1 * u, lambda u: 2.0 * np.tanh(u),
    lambda u: u + 0.25 * np.roll(u, 1), lambda u: W @ u,
    lambda u: np.concatenate([u[1:], 2.0 * u[:1]]) if u.ndim == 1 else NotImplemented,
], ids=range(10))
def test_floats_in_a_step_refute_exactly(function):
    outcome = decide(Own(lambda u: function(u)), EUCLIDEAN, trials=300)
    assert outcome.status is REFUTED and check(outcome.evidence[0].to_json({})) is None


@pytest.mark.parametrize("function", [
    lambda u: np.where(u > 0, 2.0 * u, 0.0), lambda u: list(2 * u),
    lambda u: u + 0.25 * np.roll(u, 1, -1), lambda u: np.array([2 * x for x in u]),
], ids=range(4))
def test_a_step_that_cannot_be_written_down_is_refuted_by_its_exact_outputs(function):
    """Then input and output stand in the evidence, which says that the output is taken as given."""
    outcome = decide(Own(function), EUCLIDEAN, trials=300)
    (evidence,), (u,) = outcome.evidence, outcome.signals
    assert outcome.status is REFUTED and check(evidence.to_json({})) is None
    after = [Fraction(x) for x in evidence.data["given"]["u_next"]]
    assert "taken as given" in evidence.data["by"]
    assert after == [Fraction(x) for x in Own(function)(u.astype(float))]
    assert sum(x * x for x in after) > sum(x * x for x in u)


@pytest.mark.slow
@pytest.mark.parametrize("function, why", [
    (lambda u: 2 * np.real(np.fft.ifft(np.fft.fft(u))), "floating point only"),
    (lambda u: np.array([2 * math.tanh(x) for x in u]), "not rounded to a float"),
    (lambda u: 2 * u.astype(float), "not rounded to a float"),
], ids=range(3))
def test_support_never_stands_beside_a_violation(function, why):
    """What no exact arithmetic or evidence can follow is undecided, with the input and reason."""
    outcome = decide(Own(function), EUCLIDEAN, trials=300)
    assert outcome.status is UNDECIDED and why in outcome.reason
    u, = outcome.signals
    data, = (item.data for item in outcome.evidence)
    assert data["worst"] < 0 and data["reason"] and len(data["signals"][0]) == 3
    after = Own(function)(u.astype(float))
    assert after @ after > float(u @ u)


def test_rounding_is_no_violation():
    """u/3·3 in floats may exceed u by a unit; exactly it is u, and u in order is as long as u."""
    assert decide(Own(lambda u: u / 3 * 3), EUCLIDEAN, trials=2000).status is PROVED
    outcome = decide(Own(lambda u: np.sort(u) / 3 * 3), EUCLIDEAN, trials=2000)
    assert outcome.status is SUPPORTED and outcome.evidence[0].data["worst"] > -1e-9
    assert "no certificate" in outcome.reason


@pytest.mark.slow
@pytest.mark.parametrize("made, words", [
    (lambda u: None, "None"), (lambda u: 3.0, "3.0"), (lambda u: {}, "{}"),
    (lambda u: u[..., 1:], "shape (2,)"), (lambda u: u * 1j, "complex"),
    (lambda u: ["a"] * 3, "dtype"), (lambda u: [[1], [1, 2]], "[[1], [1, 2]]"),
    (lambda u: u * np.nan, "nan at index 0"), (lambda u: u / 0 if 1 // 0 else u, "ZeroDivision"),
    (lambda u: u.nothing, "AttributeError"), (lambda u: u * RANDOM.random(), "deterministic"),
], ids=range(11))
def test_what_is_no_signal_is_named(made, words):
    for scheme in (Own(made), Function(made, 3)):
        with pytest.raises(InvalidArgument, match="scheme") as raised:
            decide(scheme, EUCLIDEAN, trials=100)
        assert words in str(raised.value)


@pytest.mark.slow
def test_a_function_has_its_own_copy_and_is_told_of_its_habits():
    """u *= 2 on a copy is u ↦ 2u, which grows; on the search's own array it would look stable."""
    def grow(u):
        u *= 2
        return u.copy()

    for scheme, status in ((Function(grow, 3), UNDECIDED), (Own(grow), REFUTED)):
        outcome = decide(scheme, EUCLIDEAN, trials=100)
        assert outcome.status is status and "in place" in outcome.reason
        u, = outcome.signals
        before = u.astype(float)
        assert (scheme(before) == 2 * before).all() and (before == u.astype(float)).all()


@pytest.mark.slow
def test_a_function_that_drifts_is_told():
    calls = []

    def drift(u):
        calls.append(0)
        return u * (0.5 + 1e-9 * len(calls))

    with pytest.raises(InvalidArgument, match="not deterministic"):
        decide(Function(drift, 3), EUCLIDEAN, trials=100)


@pytest.mark.slow
@pytest.mark.parametrize("where", [lambda u: abs(u).max() > 5, lambda u: u[0] < -3,
                                   lambda u: abs(u).max() < 1e-7])
def test_a_function_that_is_random_for_some_signals_only_is_told(where):
    """Half of u where it is not: what the search calls the worst signals are asked again."""
    def step(u):
        return u * RANDOM.random() * 9 if where(u.astype(float)) else u / 2

    with pytest.raises(InvalidArgument, match="not deterministic"):
        decide(Function(step, 3), EUCLIDEAN, trials=200)


def test_a_step_for_single_signals_is_taken_signal_by_signal():
    """np.roll without an axis mixes the signals of a batch; each must be itself."""
    step = Own(lambda u: np.roll(u, 1))
    batch = RANDOM.standard_normal((7, 3))
    assert (step(batch) == np.roll(batch, 1, axis=1)).all()
    assert decide(step, RANGE, trials=300).status is PROVED


@pytest.mark.slow
def test_nothing_is_believed_of_others():
    """A subclass that overrides the step is not proved by what its parents are; nor a claim of
    linearity."""
    class Doubling(Explicit):
        def step(self, u):
            return 2 * u

    class Affine(Own):
        is_linear = True

    assert certify(Doubling(K3, fluxes.soft(), "1/4"), EUCLIDEAN) is None
    assert decide(Doubling(K3, fluxes.soft(), "1/4"), EUCLIDEAN, trials=100).status is REFUTED
    affine = Affine(lambda u: 0.5 * u + 1)
    for scheme in (affine, repeat(affine, 2), Chain([Linear(identity(3)), affine])):
        assert not is_linear(scheme)
        assert decide(scheme, EUCLIDEAN, trials=100).status is REFUTED


# -- parts -----------------------------------------------------------------------------------------
LAYER = SymmetricLayer(K3, fluxes.rational())
EXPLICIT = Explicit(K3, fluxes.soft(), "1/4")
PARTS = [
    (EXPLICIT, 1, 1, 1), (FSI(K3, fluxes.soft(), 1, 7), 1, 1, 7),
    (FixedPoint(K3, fluxes.soft(), 1, 3), 1, 1, 3), (Implicit(K3, fluxes.soft(), 1), 1, 1, 1),
    (IsotropicExplicit(K3, fluxes.soft(), 1, (K3,)), 2, 1, 1), (Linear(SWAP), 1, 0, 1),
    (Pointwise(fluxes.soft(), 3), 0, 1, 1), (HaarShrinkage(fluxes.soft(), 4), 3, 1, 1),
    (ResidualBlock(K3, K3.T, fluxes.soft(), None, None, fluxes.identity()), 2, 2, 1),
    (ForwardEuler(LAYER, 1), 1, 1, 1), (Leapfrog(LAYER, 1), 1, 1, 1), (Verlet(LAYER, LAYER, 1),
                                                                       2, 2, 2),
    (Reverse(Verlet(LAYER, LAYER, 1)), 2, 2, 2), (Own(lambda u: u), 0, 0, 1),
    (Chain([Chain([EXPLICIT, EXPLICIT]), repeat(ForwardEuler(LAYER, 1), 5)]), 2, 2, 7),
]


@pytest.mark.parametrize("scheme, operators, count, steps", PARTS, ids=lambda x: type(x).__name__)
def test_parts_are_declared(scheme, operators, count, steps):
    assert len(scheme.operators) == operators and len(scheme.fluxes) == count
    assert scheme.inner_steps == steps and all(K.shape[1] for K in scheme.operators)


@pytest.mark.slow
def test_long_networks_take_as_long_as_the_same_map():
    """Twelve layers of a rational flux: their fractions triple with every layer if they may."""
    start = time.process_time()
    steps = ForwardEuler(LAYER, "3/2"), Explicit(K3, fluxes.rational(), "3/2")
    same = [repeat(step, 12) for step in steps]
    first, second = (decide(scheme, EUCLIDEAN, trials=300) for scheme in same)
    assert first.status is second.status is REFUTED
    assert time.process_time() - start < 60


@pytest.mark.slow
def test_exact_orbits_of_others_never_explode():
    """Nothing is declared here; forty rational steps would have 3⁴⁰ digits."""
    def step(u):
        for _ in range(40):
            u = 1.1 * u / (1 + u * u) + 0.5 * u
        return u

    start = time.process_time()
    u = (fractions(["1/3", "2/7", "5/11"]),)
    for scheme in (Own(step), repeat(Own(lambda u: u / (1 + u * u) + 0.5 * u), 40)):
        margin = exact_margin(scheme, EUCLIDEAN, u)
        assert margin is not None and abs(float(margin)) < 100
        assert decide(scheme, EUCLIDEAN, trials=100).status is UNDECIDED
    assert time.process_time() - start < 60


# -- exact numbers ---------------------------------------------------------------------------------
@pytest.mark.parametrize("operation", [
    lambda x, y: x + y, lambda x, y: x - y, lambda x, y: x * y, lambda x, y: x / y,
    lambda x, y: y - x, lambda x, y: y / x, lambda x, y: x // y, lambda x, y: x % y], ids=range(8))
@pytest.mark.parametrize("other", [0.1, np.float64(0.1), np.float32(0.1), 3, Fraction(1, 7)])
def test_arithmetic_with_exact_numbers_is_that_of_fractions(operation, other):
    plain = Fraction(other.item() if isinstance(other, np.generic) else other)
    found = operation(Exact(22, 7), other)
    assert found == operation(Fraction(22, 7), plain) and not isinstance(found, float)
    many = operation(exactly(fractions([1, "22/7"])), other)
    assert plainly(many)[1] == operation(Fraction(22, 7), plain)


def test_exact_numbers_are_not_rounded():
    with pytest.raises(TypeError):
        math.exp(Exact(1))
    assert Exact(9, 4) ** 0.5 == Fraction(3, 2) and np.exp(exactly(fractions([0])))[0].lo == 1


# -- wrong types -----------------------------------------------------------------------------------
@pytest.mark.parametrize("wrong, words", [
    (lambda: Stable(EXPLICIT, "stable"), "notion: must be one of euclidean, contraction, range"),
    (lambda: Stable(RANGE, EXPLICIT), "the scheme first"),
    (lambda: Stable(lambda u: u, RANGE), "Function"),
    (lambda: Stable(EXPLICIT, None), "notion"),
    (lambda: decide(EXPLICIT), "give a scheme its notion"),
    (lambda: ResidualBlock(np.ones(2), K3, fluxes.soft()), "inner: must have two dimensions"),
    (lambda: Linear("eye"), "matrix: .*from_matrix"),
    (lambda: Explicit(K3, "soft", 1), "flux: must be of type Flux"),
    (lambda: Pointwise(fluxes.relu(), True), "length: must be an integer >= 1"),
    (lambda: Chain([lambda u: u]), "schemes: must be of type Scheme"),
    (lambda: repeat(EXPLICIT, 2.5), "times: must be an integer"),
    (lambda: NormAtMost(2, 1), "K: must be an Operator"),
    (lambda: SymmetricLayer(None, fluxes.soft()), "K: "),
    (lambda: Function(3, 3), "function: must be callable"),
    (lambda: ForwardEuler(fluxes.soft(), 1), "layer: "),
], ids=range(15))
def test_wrong_types_are_refused_where_they_enter(wrong, words):
    with pytest.raises(InvalidArgument, match=words):
        wrong()


def test_what_is_meant_is_taken():
    assert Stable(EXPLICIT, "range").notion is RANGE
    assert decide(EXPLICIT, "contraction").status is PROVED
    assert decide(EXPLICIT, EUCLIDEAN).status is PROVED
    assert FSI(K3, fluxes.soft(), 1, np.int64(5)).length == 5
    assert Pointwise(fluxes.relu(), np.int64(5)).size == 5


# -- limits ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("n", [
    1000, *(pytest.param(n, marks=pytest.mark.slow) for n in (256, 10**5))])
def test_limits_are_told_in_words(n):
    """No matrix of n² fractions is made, and no search fills the memory."""
    start = time.process_time()
    outcome = decide(Explicit(difference(1, n), fluxes.identity(), "1/4"), EUCLIDEAN, trials=500)
    assert outcome.status is not REFUTED and (outcome.status is PROVED or outcome.reason)
    beyond = decide(Explicit(difference(1, n), fluxes.identity(), "3/4"), EUCLIDEAN, trials=500)
    assert beyond.status is REFUTED or (beyond.status is UNDECIDED and beyond.reason)
    assert time.process_time() - start < 120


@pytest.mark.slow
@pytest.mark.parametrize("n, notion, status", [
    (17, EUCLIDEAN, PROVED), (40, CONTRACTION, PROVED), (80, RANGE, PROVED),
    (100, EUCLIDEAN, SUPPORTED), (400, RANGE, SUPPORTED)])
def test_linear_steps_say_why_they_are_not_proved(n, notion, status):
    outcome = decide(Linear(identity(n)), notion, trials=300)
    assert outcome.status is status and (status is PROVED) is not bool(outcome.reason)
    assert outcome.trials or status is PROVED


def test_a_transcript_does_not_grow_without_end():
    u = Transcript().give("u", [1])
    with pytest.raises(InvalidArgument, match="characters"):
        for _ in range(100):
            u = u * u
    with pytest.raises(TypeError):
        list(Transcript().give("u", [1]))


def test_operators_beside_arrays():
    K = difference(1, 3)
    assert np.asarray(K).tolist() == [[-1, 1, 0], [0, -1, 1]]
    assert np.asarray(K, dtype=np.float32).dtype == np.float32
    assert ((np.float64(0.5) * K).exact() == K.exact() / 2).all()
    assert operator_norm(np.eye(3)).upper == 1
    with pytest.raises(InvalidArgument, match="operator: must be an Operator or a matrix, got int"):
        operator_norm(3)
