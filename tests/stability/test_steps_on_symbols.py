"""Steps of users on symbols: what branches on values, on types or on a memory is not believed."""

from dataclasses import dataclass
from fractions import Fraction
from fractions import Fraction as F
from itertools import count
from typing import Any

import numpy as np
import pytest

from stabkit import EUCLIDEAN, Scheme, decide, fluxes, from_matrix, step_bound
from stabkit.errors import InvalidArgument
from stabkit.multipliers import program
from stabkit.proof.words import Expression
from stabkit.stability.certificates import searched

solver = pytest.mark.skipif(not program.is_installed(), reason="the search needs the extra prove")

ONE = from_matrix([[2]])
A = from_matrix([[1, 0], [0, 2], [0, 0]])  # |A|² = 4


@dataclass(frozen=True, eq=False)
class Descent(Scheme):
    """u − τ AᵀΦ(A u)."""

    A: Any
    flux: Any
    tau: Any

    @property
    def size(self):
        return self.A.shape[1]

    def step(self, u):
        return u - self.tau * (self.A.T @ self.flux(self.A @ u))


@dataclass(frozen=True, eq=False)
class Switching(Descent):
    """Its own step, and from τ <= 1/8 on downwards another one."""

    def step(self, u):
        return super().step(u) if self.tau > F(1, 8) else 2 * u


@pytest.mark.slow
@solver
def test_a_scheme_that_changes_with_its_step_has_no_interval():
    """What holds at a step says nothing about smaller ones, at which it computes another."""
    scheme = Switching(ONE, fluxes.relu(), F(1, 4))
    found = step_bound(scheme, EUCLIDEAN, halvings=2)
    assert all(low >= F(1, 8) for low, _ in found.proved)


@dataclass(frozen=True, eq=False)
class Deceiver(Descent):
    """Tells symbols from arrays."""

    def step(self, u):
        return u if isinstance(u, Expression) else 2 * u


@solver
def test_a_step_that_tells_symbols_from_arrays_is_not_believed():
    """2u grows; what it writes on symbols is not what it computes."""
    assert decide(Deceiver(A, fluxes.relu(), 1), EUCLIDEAN).status == "refuted"


@dataclass(frozen=True, eq=False)
class Odd(Descent):
    """Steps given as they are, each a mean of u and something shorter."""

    how: Any = None

    def step(self, u):
        return self.how(u)


def long(u):
    for _ in range(9):
        u = u - fluxes.relu()(u) / 8
    return u


def checked(u):
    assert isinstance(u, np.ndarray)
    return u / 2


@pytest.mark.slow
@pytest.mark.parametrize("how", [checked, long], ids=["type", "long"])
def test_what_symbols_cannot_follow_is_tried_as_before(how):
    scheme = Odd(ONE, fluxes.relu(), 1, how=how)
    assert decide(scheme, EUCLIDEAN, trials=20).status in ("supported", "undecided")


def test_what_no_theorem_follows_is_followed_entry_by_entry():
    """Each entry is multiplied by a number in [0, 1]."""
    scheme = Odd(ONE, fluxes.relu(), 1, how=lambda u: np.where(u > 0, u / 2, u))
    assert decide(scheme, EUCLIDEAN, trials=20).status == "proved"


def test_another_order_is_a_matrix():
    """|u backwards / 2| = |u|/2, and twice u backwards is longer than u."""
    for factor, status in (Fraction(1, 2), "proved"), (2, "refuted"):
        scheme = Odd(ONE, fluxes.relu(), 1, how=lambda u, c=factor: c * u[::-1])
        assert decide(scheme, EUCLIDEAN).status == status


@dataclass(frozen=True, eq=False)
class Guarded(Scheme):
    """(x, y) becomes (x, y)/2, but ten times as much where an entry of (x, y) or (y, x) is 7."""

    turned: bool

    @property
    def size(self):
        return 4

    def step(self, u):
        x, y = np.split(u, 2)
        if np.any((np.concatenate([y, x]) if self.turned else u) == 7):
            return 10 * u
        return np.concatenate([x / 2, y / 2])


@pytest.mark.parametrize("turned", [False, True])
def test_a_state_of_symbols_is_equal_to_no_number_and_not_unequal_either(turned):
    """A step that looks whether entries are 7 is written by no branch: (7, 0, 0, 0) grows."""
    scheme = Guarded(turned)
    assert (scheme(np.array([F(7), F(0), F(0), F(0)], dtype=object)) ** 2).sum() == 4900
    with pytest.raises(InvalidArgument, match="no value"):
        searched.state(scheme, EUCLIDEAN, 2)


def is_large(u):
    return isinstance(u, np.ndarray) and u.max() > 100


def caught(u):
    try:
        return np.max(u) > 100
    except (TypeError, InvalidArgument):
        return False


NUMBERS = count(1)


@pytest.mark.parametrize("grows", [
    is_large, caught, lambda u: hasattr(u, "max") and u.max() > 100,
    lambda u: str(getattr(u, "dtype", "")) == "float64", lambda u: next(NUMBERS) % 50 == 0],
    ids=["type", "exception", "attribute", "floats", "memory"])
def test_branches_that_symbols_do_not_see_are_no_part_of_a_proof(grows):
    """Each step is 3u for some numbers, which grows, and a stable step for symbols."""
    class Hidden(Descent):
        def step(self, u):
            return 3 * u if grows(u) else super().step(u)

    with np.errstate(all="ignore"):
        assert searched._statement_of_step(Hidden(A, fluxes.relu(), F(1, 4)), EUCLIDEAN) is None
    assert searched._statement_of_step(Descent(A, fluxes.relu(), F(1, 4)), EUCLIDEAN) is not None
