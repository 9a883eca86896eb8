"""Where a notion fails at every step: the senses in which the step is stable, in words."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from stabkit.aliases import Held
from stabkit.errors import InvalidArgument, Undecided
from stabkit.stability.invariants import POWER_BOUNDED
from stabkit.stability.notions import (
    CONTRACTION,
    EUCLIDEAN,
    MAX_NORM,
    POSITIVITY,
    RANGE,
    Notion,
)
from stabkit.stability.sharpness.bound import StepBound
from stabkit.stability.sharpness.exact_sets import exact_sets
from stabkit.stability.sharpness.linear_step import OwnStep, fixed_values, held_ends
from stabkit.stability.sharpness.quadratic import BY_NORM
from stabkit.tracing import Trace

_BY_ROWS = (RANGE, POSITIVITY, MAX_NORM)


def elsewhere(found: Trace, notion: Notion, held: Held, bound: StepBound) -> list[str]:
    """For what fails at every step: the senses that do hold."""
    never = bound.refuted == ((Fraction(0), None),)
    defective = notion is POWER_BOUNDED and bound.refuted and not bound.proved
    if not (never or defective) or bound.rest is not None:
        return []
    if not found.is_linear:
        return others(found, notion, held, bound.variable)
    ends = [] if held is not None else held_ends(OwnStep(found))
    asked: list[tuple[Notion, Held, str]] = []
    if ends and (notion in BY_NORM or notion is POWER_BOUNDED):
        mask = np.zeros(found.shape, dtype=bool)
        for place in ends:
            mask[place] = True
        asked = [(notion, (mask, 0), ", with these places held at 0 (held={place: 0, ...})")]
    fixed = fixed_values(found) if held is None and not ends else None
    if fixed is not None:
        asked = [(each, fixed, ", with the places whose values the step sets held at these "
                  "values (held={place: value, ...})") for each in (notion, RANGE, MAX_NORM)
                 if each in (RANGE, MAX_NORM, POSITIVITY)]
    return others(found, notion, held, bound.variable, asked) or [
        "nor is any other sense shown at any step: range, positivity, max norm, euclidean, "
        "contraction, bounded powers"]


def others(found: Trace, notion: Notion, held: Held, name: str,
            first: Sequence[tuple[Notion, Held, str]] = ()) -> list[str]:
    """What is proved in other senses, in words."""
    asked = [*first, *((other, held, "") for other in (
        RANGE, POSITIVITY, MAX_NORM, EUCLIDEAN, CONTRACTION, POWER_BOUNDED)
        if other is not notion)]
    lines = []
    shape = f", for shape {' x '.join(map(str, found.shape))}"
    for other, where, words in asked:
        try:
            sets = exact_sets(found, other, where, name)
        except (Undecided, InvalidArgument):
            continue
        if sets.proved:
            size = "" if other in _BY_ROWS else shape  # norms and powers change with the size
            lines.append(f"but {sets.notion} is {sets.proved_in_words}{words}{size}")
        elif sets.rest is not None and sets.rest.proved:
            lines.append(f"but {sets.rest.notion} is {sets.rest.proved_in_words}{words}{shape}")
    return list(dict.fromkeys(lines))
