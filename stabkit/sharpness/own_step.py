"""For which steps a function ``step(u, dt)`` has a notion: from its trace, exactly."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from stabkit.errors import InvalidArgument, TracingStopped, Undecided
from stabkit.invariants import POWER_BOUNDED, StaysIn, Weighted
from stabkit.notions import MAX_NORM, POSITIVITY, RANGE, Notion
from stabkit.sharpness import row_evidence, rows
from stabkit.sharpness.bound import StepBound
from stabkit.sharpness.boxes import by_box
from stabkit.sharpness.ends import intervals
from stabkit.sharpness.linear_step import OwnStep
from stabkit.sharpness.powers import by_powers
from stabkit.sharpness.quadratic import BY_NORM, by_norm
from stabkit.sharpness.searched import searched
from stabkit.tracing import as_shape, trace


def by_rows(step: OwnStep, notion: Notion, name: str) -> StepBound:
    """RANGE, POSITIVITY or MAX_NORM, by polynomials in the step."""
    found = rows.conditions(step.kinds, notion, step.free.held)
    proved, refuted = intervals(rows.line_of(found))
    certificates = tuple(filter(None, (
        row_evidence.certificate(step.kinds, notion, steps, step.free.held, found)
        for steps in proved)))
    witnesses, by, signals = [], "", ()
    for steps in refuted:
        written, words, u = row_evidence.witness(step, notion, found, row_evidence.step_in(steps))
        witnesses += [written] if written is not None else []
        if not by:
            by, signals = words, (() if u is None else (u,))
    proof = f"; proof by {rows.WORDS[notion]}" if proved else ""
    return StepBound(notion.name, proved, refuted, certificates, tuple(witnesses),
                     signals=signals, rounding=step.trace.rounding, variable=name, by=by,
                     lines=(step.told(True) + proof, *_points(proved, found, name)))


def _points(proved: Any, found: list[rows.Condition], name: str) -> list[str]:
    """Where no interval from 0 on is proved, the answer is not a largest step."""
    if not proved or any(low != high for low, high in proved):
        return []
    places = [Fraction(0)] if all(rows.value(c.polynomial, Fraction(0)) >= 0 for c in found) else []
    places += [low for low, _ in proved]
    return [f"it holds at {name} = {' and '.join(map(str, places))} only: there is no largest step"]


#: The notions that are decided exactly for linear steps.
EXACTLY: dict[Any, Callable[[OwnStep, Any, str], StepBound]] = {
    **{notion: by_rows for notion in (RANGE, POSITIVITY, MAX_NORM)},
    **{notion: by_norm for notion in BY_NORM}, POWER_BOUNDED: by_powers}


def own_step_bound(function: Callable[..., Any], notion: Notion, shape: Any, held: Any, *,
                   start: Fraction, trials: int, seed: int) -> StepBound:
    """The sets of steps of a function ``step(u, dt)``; see :func:`step_bound`."""
    shape, name = as_shape(shape), step_name(function)
    try:
        found = trace(function, shape, seed)
        if isinstance(notion, StaysIn) and not held:
            return by_box(found, notion, name)
        if not found.is_linear:
            node = found.nodes[0]
            raise TracingStopped(f"the step is not linear: np.{node.name} ({node.line})")
        decide = by_norm if isinstance(notion, Weighted) else EXACTLY.get(notion)
        if decide is None:
            raise Undecided(f"there is no certificate of the notion '{notion.name}' for traced "
                            "steps")
        return decide(OwnStep(found, held), notion, name)
    except Undecided as reason:
        if held:
            raise InvalidArgument(f"held: is for steps that are traced, and this one is not: "
                                  f"{reason}") from reason
        return searched(function, notion, shape, start=start, trials=trials, seed=seed, name=name,
                        reason=str(reason))


def step_name(function: Callable[..., Any]) -> str:
    """What the function calls its step."""
    try:
        return list(inspect.signature(function).parameters)[1]
    except (TypeError, ValueError, IndexError):
        return "dt"
