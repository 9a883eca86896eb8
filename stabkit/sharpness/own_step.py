"""For which steps a function ``step(u, dt)`` has a notion: from its trace, exactly."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from stabkit.errors import InvalidArgument, StabkitError, TracingStopped, Undecided
from stabkit.notions import MAX_NORM, POSITIVITY, RANGE, Notion
from stabkit.sharpness import row_evidence, rows
from stabkit.sharpness.bound import StepBound
from stabkit.sharpness.ends import intervals
from stabkit.sharpness.searched import searched
from stabkit.tracing import Free, Kinds, Trace, as_shape, free, kinds_of, trace

_VARIED = 5  # entries along an axis of which others are tried as well
_OTHERS = ((8, 9, 7), (11, 13, 10))  # lengths of such axes


@dataclass(frozen=True, eq=False)
class OwnStep:
    """A linear step of the user's at one shape, with what is held.

    Attributes
    ----------
    trace : Trace
    held : mapping or None
    """

    trace: Trace
    held: Mapping[Any, Any] | None = None

    @cached_property
    def free(self) -> Free:
        """The step on the entries that are not held."""
        return free(self.trace, self.held)

    @cached_property
    def kinds(self) -> Kinds:
        """Its kinds of rows; of the whole array, where nothing is held."""
        return kinds_of(self.free.form, self.free.shape)

    @cached_property
    def told(self) -> str:
        """What the step is, in words."""
        shape = " x ".join(map(str, self.trace.shape))
        size = ", valid for every size made of these rows" if self._same_at_other_sizes() else \
            f", for shape {shape}"
        constants = "affine" if (self.free.form.columns == 0).any() else "linear"
        return f"{constants}, {self.kinds.told}{size}"

    def _same_at_other_sizes(self) -> bool:
        """Whether other lengths of the longer axes give the same stencils."""
        shape = self.trace.shape
        if self.held or not any(n >= _VARIED for n in shape):
            return False
        known = stencils(self.kinds)
        for lengths in _OTHERS:
            other = tuple(lengths[k % 3] if n >= _VARIED else n for k, n in enumerate(shape))
            try:
                found = trace(self.trace.function, other)
            except StabkitError:
                return False
            if not found.is_linear or stencils(kinds_of(found.form, other)) != known:
                return False
        return True


def stencils(kinds: Kinds) -> set[tuple]:
    """The different rows: where from the row they read, and with which coefficients."""
    divisor = kinds.form.denominator
    return {(divisor, frozenset(zip(kinds.offsets_of(row), map(tuple, kinds.numerators_of(row)),
                                    strict=True))) for row in kinds.examples.tolist()}


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
                     lines=(step.told + proof, *_points(proved, found, name)))


def _points(proved: Any, found: list[rows.Condition], name: str) -> list[str]:
    """Where no interval from 0 on is proved, the answer is not a largest step."""
    if not proved or any(low != high for low, high in proved):
        return []
    places = [Fraction(0)] if all(rows.value(c.polynomial, Fraction(0)) >= 0 for c in found) else []
    places += [low for low, _ in proved]
    return [f"it holds at {name} = {' and '.join(map(str, places))} only: there is no largest step"]


#: The notions that are decided exactly for linear steps.
EXACTLY: dict[Any, Callable[[OwnStep, Any, str], StepBound]] = {
    notion: by_rows for notion in (RANGE, POSITIVITY, MAX_NORM)}


def own_step_bound(function: Callable[..., Any], notion: Notion, shape: Any, held: Any, *,
                   start: Fraction, trials: int, seed: int) -> StepBound:
    """The sets of steps of a function ``step(u, dt)``; see :func:`step_bound`."""
    shape, name = as_shape(shape), step_name(function)
    try:
        found = trace(function, shape, seed)
        if not found.is_linear:
            node = found.nodes[0]
            raise TracingStopped(f"the step is not linear: np.{node.name} ({node.line})")
        decide = EXACTLY.get(notion)
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
