"""The sets of steps of a traced step, exactly: which certificate answers for which notion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

from stabkit.aliases import Held
from stabkit.errors import Undecided
from stabkit.stability.falsify.exactness import Signals
from stabkit.stability.invariants import POWER_BOUNDED, StaysIn, Weighted
from stabkit.stability.notions import CONTRACTION, EUCLIDEAN, MAX_NORM, POSITIVITY, RANGE, Notion
from stabkit.stability.sharpness import row_evidence, rows
from stabkit.stability.sharpness.bound import StepBound
from stabkit.stability.sharpness.boxes import by_box
from stabkit.stability.sharpness.composed import by_composition
from stabkit.stability.sharpness.ends import intervals
from stabkit.stability.sharpness.flows import by_flow
from stabkit.stability.sharpness.implicit import BY_ROWS, by_implicit
from stabkit.stability.sharpness.kept_boxes import by_pieces
from stabkit.stability.sharpness.linear_step import OwnStep
from stabkit.stability.sharpness.lyapunov import by_weights
from stabkit.stability.sharpness.means import BY_MEANS, LINES, by_means
from stabkit.stability.sharpness.monotone import GROWING, by_growth
from stabkit.stability.sharpness.polynomials import by_polynomials
from stabkit.stability.sharpness.powers import by_powers
from stabkit.stability.sharpness.quadratic import BY_NORM, by_norm
from stabkit.stability.sharpness.rounded import beyond_rounding
from stabkit.stability.sharpness.slopes import by_slopes
from stabkit.tracing import Trace
from stabkit.tracing.elimination import eliminate


def by_rows(step: OwnStep, notion: Notion, name: str) -> StepBound:
    """RANGE, POSITIVITY or MAX_NORM, by polynomials in the step."""
    found = rows.conditions(step.kinds, notion, step.free.held)
    proved, refuted = intervals(rows.line_of(found))
    certificates = tuple(filter(None, (
        row_evidence.certificate(step.kinds, notion, steps, step.free.held, found)
        for steps in proved)))
    witnesses, by = [], ""
    signals: Signals = ()
    for steps in refuted:
        written, words, u = row_evidence.witness(step, notion, found, row_evidence.step_in(steps))
        witnesses += [written] if written is not None else []
        if not by:
            by, signals = words, (() if u is None else (u,))
    proof = f"; proof by {rows.WORDS[notion]}" if proved else ""
    return StepBound(notion.name, proved, refuted, certificates, tuple(witnesses),
                     signals=signals, rounding=step.trace.rounding, variable=name, by=by,
                     lines=(step.words(True) + proof, *_points(proved, found, name)))


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


def exact_sets(found: Trace, notion: Notion, held: Held, name: str, dt: Fraction | None = None
             ) -> StepBound:
    """The exact sets, or Undecided with the reason why there are none."""
    if isinstance(notion, StaysIn) and held is None:
        return _by_box_or_means(found, notion, name)
    if not found.is_linear and held is None and found.solves:
        return _of_systems(found, notion, name)
    if notion in LINES or (not found.is_linear and held is None and notion in BY_MEANS):
        return _by_means_or_growth(found, notion, name)
    if not found.is_linear and notion is MAX_NORM and held is None:
        return _or_composed(_prove_range, found, notion, name)
    if not found.is_linear and notion is CONTRACTION and held is None:
        return _or_composed(_contract, found, notion, name)
    if not found.is_linear and notion is EUCLIDEAN and held is None:
        return _or_composed(by_flow, found, notion, name)
    if not found.is_linear:
        found = eliminate(found)
    decide = by_weights if isinstance(notion, Weighted) else EXACTLY.get(notion)
    if decide is None:
        raise Undecided(f"there is no certificate of the notion '{notion.name}' for traced steps")
    step = OwnStep(found, held, dt)
    return beyond_rounding(decide(step, notion, name), step, notion)


def _prove_range(found: Trace, notion: Notion, name: str) -> StepBound:
    kept = _by_means_or_growth(found, RANGE, name)
    return replace(kept, notion=notion.name, lines=(
        *kept.lines, "a step that keeps the range of every signal keeps the largest modulus"))


def _contract(found: Trace, notion: Notion, name: str) -> StepBound:
    """As a diffusion, else as one layer of functions."""
    try:
        return by_flow(found, notion, name)
    except Undecided:
        return by_slopes(found, notion, name)


def _or_composed(decide: Callable[[Trace, Any, str], StepBound], found: Trace, notion: Notion,
                 name: str) -> StepBound:
    """By a certificate of the notion, else as a function of the outputs of a linear step."""
    try:
        return decide(found, notion, name)
    except Undecided as reason:
        try:
            return by_composition(found, notion, name)
        except Undecided:
            raise reason from None


def _of_systems(found: Trace, notion: Notion, name: str) -> StepBound:
    """By the matrices of the systems; where that leaves steps out, by their inverses."""
    try:
        bound = by_implicit(found, notion, name)
    except Undecided as reason:
        try:
            return exact_sets(eliminate(found), notion, None, name)
        except Undecided:
            raise reason from None
    if bound.proved[-1][1] is None or notion not in BY_ROWS:
        return bound
    try:
        return exact_sets(eliminate(found), notion, None, name)
    except Undecided:
        return bound


def _by_box_or_means(found: Trace, notion: StaysIn, name: str) -> StepBound:
    """By products of two forms or polynomials; else the best of what bounds other operations."""
    left: StepBound | None = None
    for decide in (by_box, by_polynomials):
        try:
            bound = decide(found, notion, name)
        except Undecided:
            continue
        if bound.proved:
            return bound
        left = left or bound
    best, reason = left, None
    for other in (by_pieces, by_growth, by_means) if left is None else (by_means,):
        try:
            bound = other(found, notion, name)
        except Undecided as error:
            reason = error
            continue
        if best is None or _reach(bound) > _reach(best):
            best = bound if best is None or not best.refuted else replace(
                bound, refuted=best.refuted, witness=best.witness, by=best.by)
    if best is None:
        raise reason or Undecided("nothing bounds it")
    return best


def _reach(bound: StepBound) -> Fraction:
    """How far what is proved goes."""
    return max((Fraction(10**30) if high is None else high for _, high in bound.proved),
               default=Fraction(0))


def _by_means_or_growth(found: Trace, notion: Notion, name: str) -> StepBound:
    """By the first of the two that proves a step."""
    try:
        return by_means(found, notion, name)
    except Undecided as reason:
        if notion not in GROWING:
            raise
        try:
            return by_growth(found, notion, name)
        except Undecided:
            raise reason from None
