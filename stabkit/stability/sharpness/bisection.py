"""Bisection: what the searches for steps and that for a claim's tightness share."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction


def bisect(holds: Callable[[Fraction], bool], without: Fraction, within: Fraction,
           halvings: int) -> tuple[Fraction, Fraction]:
    """Halve the bracket between a number where `holds` fails and one where it holds.

    Parameters
    ----------
    holds : callable
        Whether something holds at a number; it need not be monotone.
    without, within : Fraction
        Where it fails, and where it holds; either may be the larger one.
    halvings : int

    Returns
    -------
    (Fraction, Fraction)
        Again where it fails and where it holds, 2^halvings times as close.
    """
    for _ in range(halvings):
        middle = (without + within) / 2
        without, within = (without, middle) if holds(middle) else (middle, within)
    return without, within


def last_of(holds: Callable[[float], bool], rounds: int) -> tuple[float, float]:
    """Floats beside the last t > 0 up to which something holds, it seems.

    The bracket is doubled from 1 on while it holds, up to 2^rounds, and halved that often.
    """
    low, high = 0.0, 1.0
    while holds(high) and high < 2.0**rounds:
        low, high = high, 2 * high
    for _ in range(rounds):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low, high
