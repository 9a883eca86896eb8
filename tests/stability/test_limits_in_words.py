"""What memory, depth or size do not allow ends as a question that stays open, in words."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from stabkit import (
    CONTRACTION,
    EUCLIDEAN,
    RANGE,
    Chain,
    Explicit,
    Facts,
    InvalidArgument,
    Linear,
    Scheme,
    decide,
    difference,
    fluxes,
    from_activation,
    identity,
    repeat,
    step_bound,
)
from stabkit.errors import NoValue, Undecided, limits_in_words
from stabkit.replay import check
from stabkit.schemes import ForwardEuler, Pointwise, SymmetricLayer
from stabkit.stability.falsify import exactness
from stabkit.stability.falsify.search import Hunt, search
from stabkit.stability.verdict import PROVED, REFUTED, SUPPORTED, UNDECIDED
from stabkit.testing import NotStable, assert_stable
from stabkit.tracing import trace

LIMITS = [MemoryError("Unable to allocate 74.5 GiB"), RecursionError("too deep"),
          OverflowError("too large")]


def raising(error):
    def step(u, dt=1):
        raise error
    return step


@pytest.mark.parametrize("error", LIMITS, ids=lambda error: type(error).__name__)
def test_a_limit_is_told_in_words(error):
    with pytest.raises(Undecided, match=f"too large to be decided: {type(error).__name__}"), \
            limits_in_words():
        raise error
    with pytest.raises(ZeroDivisionError), limits_in_words():
        raise ZeroDivisionError


def test_no_room_for_a_users_function_is_undecided_wherever_it_is_asked():
    step = raising(LIMITS[0])
    for outcome in (decide(step, RANGE, shape=8, dt="1/4"), assert_stable(step, RANGE, size=8)):
        assert outcome.status is UNDECIDED and "74.5 GiB" in outcome.reason
    with pytest.raises(NotStable, match=r"74\.5 GiB"):
        assert_stable(step, RANGE, size=8, strict=True)
    bound = step_bound(step, RANGE, shape=8)
    assert bound.proved == bound.refuted == () and "74.5 GiB" in str(bound)
    with pytest.raises(Undecided, match="GiB"):
        trace(step, 8)


def nested(scheme, depth=3000):
    for _ in range(depth):
        scheme = Chain([scheme])
    return scheme


def test_a_chain_of_chains_of_chains_is_undecided_with_its_depth():
    deep = nested(Linear(identity(4)))
    assert deep.size == 4
    for outcome in (decide(deep, RANGE), assert_stable(deep, RANGE)):
        assert outcome.status is UNDECIDED and "recursion" in outcome.reason
    bound = step_bound(lambda tau: nested(Explicit(difference(1, 4), fluxes.identity(), tau)),
                       RANGE)
    assert not bound.proved and not bound.refuted and "recursion" in str(bound)


# Φ = s/(s² − 4)/8 + s has no value at ±2, which many simple signals meet, and |Φ(3)| > 3: the
# pointwise step grows at s = 3, where it is defined.
POLE = from_activation(lambda s: s + s / (s * s - 4) / 8,
                       Facts(odd=True, slopes=(-99, 99), diffusivities=None, continuous=False))


def test_no_value_is_told_as_such_and_not_asked_for_again(monkeypatch):
    with pytest.raises(NoValue, match="no value at s = 2"):
        POLE(Fraction(2))
    asked = []
    monkeypatch.setattr(exactness, "precision",
                        lambda bits: asked.append(bits) or limits_in_words())
    two = (np.array([Fraction(2)] * 2, dtype=object),)
    margin, reason = exactness.judge_margin(Pointwise(POLE, 2), EUCLIDEAN, two)
    assert margin is None and "no value at s = 2" in reason and len(asked) == 1


def test_violations_are_found_beside_signals_without_a_value():
    """Of 30 signals 29 meet the pole; the last one grows from 3 to 3 + 3/40."""
    hunt = Hunt(Pointwise(POLE, 2), EUCLIDEAN, 0, exactness.Judge(Pointwise(POLE, 2), EUCLIDEAN))
    batch = np.array([[2.0, k] for k in range(29)] + [[3.0, 0.0]])
    (u,) = hunt.consider(batch)
    assert tuple(u) == (3, 0)


def test_signals_without_a_value_alone_are_undecided_with_the_point():
    """u ↦ (u − 2)/(u − 2) u is u, but at 2 it is nothing."""
    flux = from_activation(lambda s: s * (s - 2) / (s - 2),
                           Facts(odd=False, slopes=(1, 1), diffusivities=None, continuous=False))
    outcome = decide(Pointwise(flux, 2), EUCLIDEAN, trials=100)
    assert outcome.status is UNDECIDED
    assert "no finite value" in outcome.reason and "no value at s = 2" in outcome.reason


@dataclass(frozen=True, eq=False)
class Close(Scheme):
    """u⁺ = u, plus exp(800 u) − exp(800 u) that needs more bits than the search begins with."""

    away: Any

    @property
    def size(self):
        return 1

    def step(self, u):
        exact = np.exp(800 * u) if u.dtype == object else 0 * u
        return u + (exact - exact) + self.away * u


@pytest.mark.slow
def test_a_suspicion_is_looked_at_with_all_bits_before_it_stands(monkeypatch):
    """In floats it grows by a tenth; exactly it shrinks by a tenth, which 256 bits do not tell."""
    class Lying(Close):
        def step(self, u):
            return super().step(u) if u.dtype == object else u * 1.1

    monkeypatch.setattr("stabkit.schemes.foreign_steps._MIXED", 9.0)
    looks = []
    holds = exactness.Judge.holds
    monkeypatch.setattr(exactness.Judge, "holds",
                        lambda judge, signals: looks.append(0) or holds(judge, signals))
    found = search(Lying(Fraction(-1, 10)), EUCLIDEAN, trials=50, seed=0)
    assert found.witness is None and 0 < len(looks) <= 12


@pytest.mark.slow
def test_every_status_below_proved_and_refuted_has_its_reason():
    """Also where exact arithmetic tells what the rounding of the function hides."""
    for what, notion in ((Close(Fraction(-1, 10)), EUCLIDEAN),
                         (Pointwise(fluxes.tanh(), 3), RANGE)):
        outcome = decide(what, notion, trials=50)
        assert outcome.status in (PROVED, REFUTED) or outcome.reason
    outcome = decide(lambda u: u * (1 + Fraction(1, 10**18)), EUCLIDEAN, shape=8)
    assert outcome.status is REFUTED and check(outcome.evidence[0].to_json({})) is None
    outcome = assert_stable(lambda u: u * (1 + Fraction(1, 10**18)), EUCLIDEAN, size=8, trials=50)
    assert outcome.status is SUPPORTED and "rounding" in outcome.reason


@pytest.mark.parametrize("bias", [None, [1, -2, 3]])
@pytest.mark.parametrize("tau, status", [("58/100", PROVED), ("59/100", REFUTED)])
def test_steps_of_a_plain_layer_are_proved_as_the_map_that_they_are(tau, status, bias):
    """u − τKᵀ(Ku + b) contracts for τ‖K‖² <= 2, however often; here ‖K‖² = 2 + √2."""
    layer = SymmetricLayer(difference(1, 4), fluxes.identity(), bias=bias)
    outcome = decide(repeat(ForwardEuler(layer, tau), 7), CONTRACTION, trials=200)
    assert outcome.status is status
    assert all(check(item.to_json({})) is None for item in outcome.evidence)


class Leaving(BaseException):
    """What is no error, and would end the program of the one who asks."""


@pytest.mark.parametrize("leaving", [SystemExit(3), GeneratorExit(), Leaving("away")])
@pytest.mark.parametrize("calls", [0, 1, 3])
def test_code_that_ends_the_program_is_an_argument_that_cannot_be_used(leaving, calls):
    """Whichever call of the code it is; an interrupt by the keyboard stays one."""
    for error, expected in ((leaving, InvalidArgument), (KeyboardInterrupt(), KeyboardInterrupt)):
        for ask in (lambda step: decide(step, RANGE, shape=4),
                    lambda step: decide(Function(step), RANGE),
                    lambda step: step_bound(lambda u, dt, step=step: step(u), RANGE, shape=4)):
            with pytest.raises(expected, match=type(leaving).__name__
                               if expected is InvalidArgument else None):
                ask(until(calls, error))


def until(calls, error):
    """Half of the input, as often as is said."""
    left = iter(range(calls))

    def step(u):
        if next(left, None) is None:
            raise error
        return u / 2
    return step


class Function(Scheme):
    size = 4

    def __init__(self, function):
        self.function = function

    def step(self, u):
        return self.function(u)
