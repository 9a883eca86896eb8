"""Notions with something of their own: weights of a norm, a box that is kept, all powers."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from stabkit.aliases import Margin, Number, Signal
from stabkit.arithmetic.rational import doubles, fraction, fractions
from stabkit.arithmetic.rounding import is_rounded, meaning
from stabkit.arithmetic.transcript import Term, named
from stabkit.errors import InvalidArgument, Undecided
from stabkit.stability.notions import Energy, Notion, energy, largest, smallest


@dataclass(frozen=True, eq=False, repr=False)
class Weighted(Notion):
    """The norm Σ wᵢ uᵢ² does not grow.

    Attributes
    ----------
    weights : ndarray of Fraction, or None
        ``None`` where they are to be found.
    """

    weights: Any = None

    def spread(self, shape: tuple[int, ...]) -> list[Fraction] | None:
        """The weights of an array of that shape, in flat order."""
        if self.weights is None:
            return None
        try:
            return list(np.broadcast_to(self.weights, shape).ravel())
        except ValueError:
            raise InvalidArgument(f"weights: their shape {np.shape(self.weights)} does not fit an "
                                  f"array of shape {shape}") from None


def weighted(weights: Any = None) -> Weighted:
    """The notion that a norm with weights does not grow: Σ wᵢ uᵢ² for given wᵢ > 0.

    Parameters
    ----------
    weights : array_like, optional
        Positive rationals, one for every entry (or such that they spread over the array).  If they
        are left out, weights are sought that make a step function symmetric, and at one dt, as
        ``decide`` is given, a matrix W for which u'Wu does not grow.

    Examples
    --------
    >>> from stabkit import step_bound, weighted
    >>> def exchange(u, dt):
    ...     return np.array([u[0] + 10 * dt * (u[1] - u[0]), u[1] + 10 * dt * (u[0] - u[1]) / 3])
    >>> step_bound(exchange, weighted([1, 3]), shape=2).certified
    Fraction(3, 20)
    """
    if weights is None:
        def unknown(*signals: object) -> Margin:
            raise Undecided("weights: give them, as in weighted([1, 3]); they are found for "
                            "functions only, as in decide(lambda u: A @ u, weighted(), shape=n)")
        return Weighted("weighted norm", 1, unknown, unknown)
    given = np.asarray(weights, dtype=object)
    exact = np.empty(given.shape, dtype=object)
    for place, value in np.ndenumerate(given):
        exact[place] = meaning(value) if is_rounded(value) else fraction(value, "weights")
    if not exact.size or min(exact.flat) <= 0:
        raise InvalidArgument(f"weights: must be positive, got {weights!r:.60}")

    def margin(u: Signal, up: Signal) -> Margin:
        if isinstance(u, Term):
            w = u.log.give_once(("weights", id(exact)), "weights", lambda: exact.ravel())
            return w.call("dot", u * u) - w.call("dot", up * up)
        spread = np.broadcast_to(exact.ravel(), u.shape)
        return sum(spread * u * u) - sum(spread * up * up)

    floats = doubles(exact.ravel(), "weights")

    def margins(u: np.ndarray, up: np.ndarray) -> np.ndarray:
        before = (floats * u * u).sum(axis=-1)
        return np.where(before > 0, (before - (floats * up * up).sum(axis=-1))
                        / np.where(before > 0, before, 1), 0.0)

    return Weighted("weighted norm", 1, margin, margins, weights=exact)


@dataclass(frozen=True, eq=False)
class Box:
    """low <= u <= high in every entry.

    Attributes
    ----------
    low, high : ndarray of Fraction
        Numbers, or arrays that spread over the signal: a box of its own for every field.
    """

    low: np.ndarray
    high: np.ndarray

    def __repr__(self) -> str:
        return f"box({_short(self.low)}, {_short(self.high)})"

    def spread(self, shape: tuple[int, ...]) -> tuple[list[Fraction], list[Fraction]]:
        """The lower and the upper ends for an array of that shape, in flat order."""
        try:
            low, high = (np.broadcast_to(side, shape).ravel().tolist()
                         for side in (self.low, self.high))
        except ValueError:
            raise InvalidArgument(f"box: the shape {np.broadcast(self.low, self.high).shape} of "
                                  f"its ends does not fit an array of shape {shape}") from None
        return low, high


def _short(values: np.ndarray) -> str:
    return str(values.item()) if values.size == 1 else str([str(v) for v in values.ravel()[:4]])


def box(low: Number | np.ndarray, high: Number | np.ndarray) -> Box:
    """The box of all signals with low <= u <= high in every entry; for :func:`stays_in`."""
    ends = []
    for name, value in (("low", low), ("high", high)):
        given = np.asarray(value, dtype=object)
        exact = np.empty(given.shape, dtype=object)
        for place, entry in np.ndenumerate(given):
            exact[place] = meaning(entry) if is_rounded(entry) else fraction(entry, name)
        ends.append(exact)
    try:
        increase = np.all(ends[0] < ends[1])
    except ValueError:
        raise InvalidArgument(f"low, high: must have shapes that fit, got {ends[0].shape} and "
                              f"{ends[1].shape}") from None
    if not increase:
        raise InvalidArgument(f"low, high: low must be less than high, got {low!r} and {high!r}")
    return Box(*ends)


@dataclass(frozen=True, eq=False, repr=False)
class StaysIn(Notion):
    """Signals of a box stay in it.

    Attributes
    ----------
    box : Box
    """

    box: Any = None


def stays_in(region: Box) -> StaysIn:
    """The notion that every signal of a box is taken into the box.

    Parameters
    ----------
    region : Box
        As :func:`box` makes it.

    Examples
    --------
    >>> from stabkit import box, stays_in, step_bound
    >>> def logistic(u, dt):
    ...     return u + dt * u * (1 - u)
    >>> step_bound(logistic, stays_in(box(0, 1)), shape=3).certified
    Fraction(1, 1)
    """
    if not isinstance(region, Box):
        raise InvalidArgument(f"region: must be a box, such as box(0, 1), got {region!r:.60}")
    low, high = region.low, region.high

    def margin(u: Signal, up: Signal) -> Margin:
        if isinstance(u, Term):
            a, b = (u.log.give_once((name, id(side)), name, partial(_plain, side))
                    for name, side in (("low", low), ("high", high)))
            inside = u.compare((u - a).call("min", (b - u).call("min")), ">=", 0).text
            kept = (up - a).call("min").call("min", (b - up).call("min"))
            return named(kept.when(inside, u.log.term("0")), "room")
        lower, upper = (np.broadcast_to(side.ravel(), u.shape) for side in (low, high))
        if smallest(u - lower) < 0 or largest(u - upper) > 0:
            return Fraction(0)
        return min(smallest(up - lower), -largest(up - upper))

    a, b = low.ravel().astype(float), high.ravel().astype(float)

    def margins(u: np.ndarray, up: np.ndarray) -> np.ndarray:
        inside = ((u >= a) & (u <= b)).all(axis=-1)
        room = np.minimum((up - a).min(axis=-1), (b - up).min(axis=-1))
        return np.where(inside, room, 0.0)

    return StaysIn(f"stays in {region!r}", 1, margin, margins, box=region)


def _plain(side: np.ndarray) -> Any:
    return side.item() if side.ndim == 0 else fractions(side.ravel())


def _no_margin(*signals: object) -> Margin:
    raise Undecided("bounded powers are not seen in one step; ask step_bound or decide for a "
                    "linear step")


POWER_BOUNDED = Notion("bounded powers", 1, _no_margin, _no_margin)


@dataclass(frozen=True, eq=False)
class OfArrays:
    """A functional of arrays of some shape, for flat signals and for batches of such."""

    functional: Any
    shape: tuple[int, ...]

    def __call__(self, u: Signal) -> Margin:
        if u.ndim == 1:
            return self.functional(u.reshape(self.shape))
        return np.array([self(row) for row in u])


def of_arrays(notion: Notion, shape: tuple[int, ...]) -> Notion:
    """The notion for a step of arrays, whose functional is given arrays, and whose box is one."""
    if isinstance(notion, StaysIn) and max(notion.box.low.size, notion.box.high.size) > 1:
        ends = []
        for side in notion.box.spread(shape):
            ends.append(np.empty(shape, dtype=object))
            ends[-1].ravel()[:] = side
        return stays_in(Box(*ends))
    functional = notion.functional
    return notion if functional is None or isinstance(functional, Energy) else \
        energy(OfArrays(functional, shape))
