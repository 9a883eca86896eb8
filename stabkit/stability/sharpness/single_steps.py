"""A step that is followed with a number for dt only: single steps, each of them exactly."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

from stabkit.errors import InvalidArgument, Undecided
from stabkit.stability.notions import Notion
from stabkit.stability.sharpness.bound import StepBound
from stabkit.stability.sharpness.linear import Steps

_SCALES = 8    # factors of two on either side of the start
_HALVINGS = 8  # between a proved step and a refuted one


def by_single_steps(decided: Callable[[Fraction], StepBound], notion: Notion, start: Fraction,
                    name: str, reason: str) -> StepBound | None:
    """The steps start·2^k, and some between those that are decided differently.

    Parameters
    ----------
    decided : callable
        The sets for one step; they hold all steps or none.
    notion : Notion
    start : Fraction
    name : str
        Of the step.
    reason : str
        Why the step cannot be left open.

    Returns
    -------
    StepBound or None
        None where no step is decided.
    """
    known: dict[Fraction, StepBound] = {}
    refused: dict[Fraction, str] = {}

    def answer(dt: Fraction) -> bool | None:
        try:
            if dt not in known:
                known[dt] = decided(dt)
        except Undecided:
            return None
        except InvalidArgument as error:
            refused.setdefault(dt, str(error))
            return None
        return True if known[dt].proved else False if known[dt].refuted else None

    if all(answer(start * Fraction(1, 64)**k) is None for k in range(3)):
        return None
    grid = [start * Fraction(2)**k for k in range(-_SCALES, _SCALES + 1)]
    found = {dt: answer(dt) for dt in grid}
    for low, high in pairwise(grid):
        if {found[low], found[high]} != {True, False}:
            continue
        below = found[low]
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            found[middle] = answer(middle)
            if found[middle] is None:
                break
            low, high = (middle, high) if found[middle] is below else (low, middle)
    proved, refuted = (_points(found, wanted) for wanted in (True, False))
    last = known[proved[-1][0]] if proved else None
    first = known[refuted[0][0]] if refuted else None
    lines = [*(line for bound in (last, first) if bound for line in bound.lines[:1]),
             f"single steps only, each of them exactly: with {name} left open it is not followed: "
             f"{reason}", *([f"at {name} = {float(min(refused)):.6g}: {refused[min(refused)]}"]
                            if refused else [])]
    return StepBound(notion.name, proved, refuted,
                     last.certificate if last else (), first.witness if first else (),
                     (grid[0], grid[-1]), first.signals if first else (),
                     next((b.rounding for b in known.values() if b.rounding), ""), name,
                     first.by if first else "", tuple(dict.fromkeys(lines)))


def _points(found: dict[Fraction, bool | None], wanted: bool) -> Steps:
    return tuple((dt, dt) for dt in sorted(found) if found[dt] is wanted)
