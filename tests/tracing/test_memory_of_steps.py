"""A step that keeps a state, or asks for the time, is no function of its input.

Each function here halves its input in its first calls and doubles it later, so that neither "it
never grows" nor "it grows" is true of it: whatever is said must be neither proved nor refuted.
"""

import cProfile
import gc
import itertools
import random
import time
from collections import deque
from fractions import Fraction
from functools import lru_cache, partial

import numpy as np
import pytest

from stabkit import EUCLIDEAN, RANGE, decide, senses, step_bound
from stabkit.errors import InvalidArgument, TracingStopped
from stabkit.stability.sharpness.own_step import from_trace
from stabkit.stability.verdict import PROVED, REFUTED
from stabkit.testing import assert_stable
from stabkit.tracing import trace
from stabkit.tracing.state import refuse_state

AFTER = 49


class Object:
    def __init__(self):
        self.calls = 0

    def __call__(self, u):
        self.calls += 1
        return u / 2 if self.calls <= AFTER else 2 * u


class Slots(Object):
    __slots__ = ("calls",)


class OfTheClass:
    def __init__(self):
        OfTheClass.calls = 0

    def step(self, u):
        OfTheClass.calls += 1
        return u / 2 if self.calls <= AFTER else 2 * u


def in_a_closure(holder, count):
    """A function that counts by `count(holder)`."""
    return lambda u: u / 2 if count(holder) <= AFTER else 2 * u


def counted(cells):
    cells[0] += 1
    return cells[0]


def grown(holder):
    holder.append(0)
    return len(holder)


def of_a_name():
    def step(u):
        step.calls = getattr(step, "calls", 0) + 1
        return u / 2 if step.calls <= AFTER else 2 * u
    return step


def nonlocally():
    calls = 0

    def step(u):
        nonlocal calls
        calls += 1
        return u / 2 if calls <= AFTER else 2 * u
    return step


def generator():
    def factors():
        yield from itertools.repeat(0.5, AFTER)
        yield from itertools.repeat(2.0)
    values = factors()
    return lambda u: u * next(values)


def shuffled():
    rng = random.Random(3)
    return lambda u: u / 2 if rng.random() < 0.99 else u * 2


MAKE = {
    "attribute": Object, "slot": Slots, "class": lambda: OfTheClass().step,
    "list": lambda: in_a_closure([], grown), "deque": lambda: in_a_closure(deque(), grown),
    "item": lambda: in_a_closure([0], counted),
    "array": lambda: in_a_closure(np.zeros(1), counted),
    "inner": lambda: in_a_closure({0: 0}, counted),
    "count": lambda: in_a_closure(itertools.count(1), next),
    "default": lambda: partial(lambda u, seen: u / 2 if grown(seen) <= AFTER else 2 * u, seen=[]),
    "name": of_a_name, "nonlocal": nonlocally, "generator": generator, "random": shuffled,
}


def said(ask):
    """The status, or the words of the error."""
    try:
        return ask().status
    except InvalidArgument as error:
        return str(error)


@pytest.mark.parametrize("kind", MAKE)
def test_what_a_call_changes_is_found(kind):
    """Wherever the calls are counted: there is no trace, of which all proofs are."""
    step = MAKE[kind]()
    with pytest.raises(TracingStopped, match="has a memory"):
        trace(step, 4)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["attribute", "count"])
def test_what_changes_its_answer_after_many_calls_is_neither_proved_nor_refuted(kind):
    """Forty-nine calls say u/2, all others 2 u; of the sets of steps both must be empty."""
    for ask in (lambda f: decide(f, EUCLIDEAN, shape=4, trials=50),
                lambda f: assert_stable(f, EUCLIDEAN, size=4, trials=50)):
        status = said(lambda ask=ask: ask(MAKE[kind]()))
        assert status not in (PROVED, REFUTED), status
        assert not isinstance(status, str) or "not deterministic" in status
    make = MAKE[kind]()
    with pytest.raises(InvalidArgument, match="not deterministic"):
        step_bound(lambda u, dt: make(u) + 0 * dt * u, EUCLIDEAN, shape=4, trials=50)


def test_a_table_of_senses_names_what_a_call_changes():
    """And proves nothing."""
    calls = [0]
    with pytest.raises(InvalidArgument, match=r"has a memory: a call changes calls"):
        senses(lambda u, dt: u * dt if counted(calls) < AFTER else 2 * u, shape=4)


def test_the_modes_of_a_step_with_a_memory_prove_nothing():
    """A step by Fourier transforms that multiplies by 1/2, and after 49 calls by 2."""
    calls = [0]

    def step(u, dt):
        factor = 0.5 if counted(calls) <= AFTER else 2
        return np.real(np.fft.ifft(np.fft.fft(u) * (factor + 0 * dt)))

    try:
        assert step_bound(step, EUCLIDEAN, shape=4, trials=50).proved == ()
    except InvalidArgument as error:
        assert "not deterministic" in str(error)


@pytest.mark.parametrize("asks, word", [
    (lambda: time.time() > 0, "time"), (lambda: np.random.default_rng().random() > 1, "urandom"),
    (lambda: random.random() > 1, "random"), (lambda: np.random.rand() > 1, "random"),
])
def test_what_asks_for_the_time_or_for_chance_is_not_proved(asks, word):
    """The answer has always been u/2 so far, which proves nothing of later."""
    def step(u):
        return 2 * u if asks() == 7 else u / 2

    assert from_trace(step, EUCLIDEAN, 3) is None
    with pytest.raises(TracingStopped, match=word):
        refuse_state(step, lambda: step(np.ones(3)))


def test_what_a_first_call_stores_is_no_memory():
    """A matrix that is made once, by hand or by a cache, and an unused counter: both proved."""
    class Prepared:
        def __init__(self):
            self.matrices, self.calls = {}, 0

        def __call__(self, u):
            if u.shape not in self.matrices:
                self.matrices[u.shape] = np.eye(4) / 2
            return self.matrices[u.shape] @ u

    @lru_cache
    def half(n):
        return np.eye(n) / 2

    for step in (Prepared(), lambda u: half(4) @ u):
        assert decide(step, EUCLIDEAN, shape=4).status is PROVED


def test_a_profiler_goes_on_where_it_was():
    """A step is traced under cProfile as without it, and what comes after is profiled too."""
    with cProfile.Profile() as profile:
        found = trace(lambda u: u / 2, (3,), 0)
        sorted([2, 1])
    assert found.is_linear
    assert any("sorted" in str(entry.code) for entry in profile.getstats())


@pytest.mark.slow
def test_a_collection_in_between_is_not_the_functions_doing():
    """Who registers a clock for collections, as Hypothesis does, makes no step ask for the time."""
    def watch(phase, info):
        time.perf_counter()

    def step(u, dt):
        return u + dt * sum([np.roll(u, k) - u for k in range(-3, 4)])

    usual = gc.get_threshold()
    gc.callbacks.append(watch)
    gc.set_threshold(1)
    try:
        assert step_bound(step, RANGE, shape=8).proved == ((0, Fraction(1, 6)),)
        assert gc.isenabled()
    finally:
        gc.set_threshold(*usual)
        gc.callbacks.remove(watch)
