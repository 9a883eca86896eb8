"""Bisection of a bracket: what the search for steps and that for a claim's tightness share."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction


def bisected(holds: Callable[[Fraction], bool], without: Fraction, within: Fraction,
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
