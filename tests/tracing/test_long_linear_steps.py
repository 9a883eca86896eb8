"""Long linear steps that hold are proved at once: multiples of u, permutations, averages."""

import time
from fractions import Fraction

import numpy as np
import pytest

from stabkit import CONTRACTION, EUCLIDEAN, RANGE, decide
from stabkit.arithmetic.rational import Constant
from stabkit.replay import check
from stabkit.testing import NotStable, assert_stable

N = 3000
PLACES = np.random.default_rng(0).permutation(N)
HOLD = {
    "identity": lambda u: 1 * u, "mirrored": lambda u: -1 * u, "nothing": lambda u: 0 * u,
    "half": lambda u: u / 2, "fraction": lambda u: Fraction(-2, 3) * u,
    "constant": lambda u: Constant(1, 3) * u, "shift": lambda u: np.roll(u, 7),
    "turned": lambda u: u[::-1], "permuted": lambda u: u[PLACES],
    "mean of 2": lambda u: (u + np.roll(u, 1)) / 2,
    "mean of 3": lambda u: (u + np.roll(u, 1) + np.roll(u, -1)) / 3,
    "shrunk ends": lambda u: np.concatenate([u[:1] / 2, u[1:-1], u[-1:] / 3]),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HOLD)
def test_a_long_step_that_holds_is_proved_within_a_second(name):
    """A shift leaves 1 − |g|² = 0 for its symbol, the polynomial without coefficients."""
    start = time.process_time()
    for found in (decide(HOLD[name], EUCLIDEAN, shape=N), assert_stable(
            HOLD[name], CONTRACTION, size=N)):
        assert str(found.status) == "proved", found.reason
        assert found.evidence and all(check(item.to_json({})) is None for item in found.evidence)
    assert time.process_time() - start < 2


@pytest.mark.slow
@pytest.mark.parametrize("factor", [1 + Fraction(1, 10**6), Fraction(-1001, 1000)])
@pytest.mark.parametrize("step", [lambda u: u, lambda u: u[PLACES], lambda u: np.roll(u, 1)])
def test_the_same_a_little_longer_is_refuted(factor, step):
    found = decide(lambda u: factor * step(u), EUCLIDEAN, shape=N)
    assert str(found.status) == "refuted"
    with pytest.raises(NotStable):
        assert_stable(lambda u: Fraction(3, 2) * step(u), EUCLIDEAN, size=N)


@pytest.mark.parametrize("a", [k / 10 for k in range(1, 10)] + [1 / 3, 0.35])
@pytest.mark.parametrize("notion", [RANGE, EUCLIDEAN])
def test_means_in_floats_are_the_means_that_were_meant(a, notion):
    """1 − 0.7 is a neighbour of the double 0.3; the weights were meant to add up to 1."""
    found = decide(lambda u: a * u + (1 - a) * np.roll(u, 1), notion, shape=8)
    assert str(found.status) == "proved" and (a == 0.5 or "as they were meant" in found.rounding)
    beyond = decide(lambda u: a * u + (1 - a + 1e-9) * np.roll(u, 1), notion, shape=8)
    assert str(beyond.status) == "refuted"
