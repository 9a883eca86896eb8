"""The largest step with a proof, by bisection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

from stabkit.classes import UpTo
from stabkit.prover.result import Proof
from stabkit.stability.sharpness.signs import simplest

SHARP = "sharp"
LARGEST = 64
FINE = Fraction(1, 2000)  # relative width at which the bisection ends
BEYOND = (Fraction(1001, 1000), Fraction(101, 100))  # where witnesses are looked for


def sharp_step(seems: Callable[[Any], bool], proved: Callable[[Any, bool], Proof]) -> Proof:
    """Bisect the top of the class of steps, prove it there, and refute it just beyond.

    Parameters
    ----------
    seems : callable
        Whether there seems to be a proof for a class of steps.
    proved : callable
        The search for a class of steps, and whether to look for a witness.
    """
    low, high = _bracket(seems)
    if high is None:
        found = proved(UpTo(low), False)
        return replace(found, step=low if found.proved else None,
                       reason=found.reason or f"no end was found up to {low}")
    if low == 0:
        return proved(UpTo(high), True)
    tried = ((top, proved(UpTo(top), False)) for top in _just_below(low, high))
    step, found = next(((top, each) for top, each in tried if each.proved), (low, Proof((), ())))
    if not found.proved:
        return replace(proved(UpTo(low), False), reason=(
            f"there seems to be a proof up to about {float(low):.5g}, which could not be rounded"))
    against = found
    for factor in BEYOND:
        against = proved(UpTo(step * factor), True)
        if against.witness is not None:
            return replace(found, step=step, refuted_from=step * factor, witness=against.witness,
                           value=against.value)
    return replace(found, step=step, value=against.value)


def _bracket(seems: Callable[[Any], bool]) -> tuple[Fraction, Fraction | None]:
    low, high = Fraction(0), Fraction(1)
    while seems(UpTo(high)):
        low, high = high, 2 * high
        if high > LARGEST:
            return low, None
    while high - low > FINE * high and high > FINE:
        middle = (low + high) / 2
        low, high = (middle, high) if seems(UpTo(middle)) else (low, middle)
    return low, high


def _just_below(low: Fraction, high: Fraction) -> Iterator[Fraction]:
    """Simple steps at the end that was found, or a little before it."""
    yield simplest(low * (1 - FINE), high * (1 + FINE))
    yield low
    for room in (2 * FINE, 20 * FINE):
        yield simplest(low * (1 - 2 * room), low * (1 - room))
