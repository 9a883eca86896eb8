"""For which steps a function ``step(u, dt)`` has a notion: from its trace, exactly."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from stabkit.aliases import Function, Held, Rational
from stabkit.arithmetic.rational import Constant, fraction
from stabkit.arithmetic.rounding import is_rounded, meaning
from stabkit.errors import UNFIT, InvalidArgument, StabkitError, Undecided, in_words
from stabkit.schemes.foreign_steps import short
from stabkit.stability.falsify import search
from stabkit.stability.falsify.computed import Computed
from stabkit.stability.falsify.exactness import Signals
from stabkit.stability.invariants import POWER_BOUNDED, Weighted, of_arrays
from stabkit.stability.notions import MAX_NORM, POSITIVITY, RANGE, Notion
from stabkit.stability.sharpness.bound import StepBound
from stabkit.stability.sharpness.exact_sets import exact_sets
from stabkit.stability.sharpness.means import LINES
from stabkit.stability.sharpness.modes import by_modes
from stabkit.stability.sharpness.other_senses import elsewhere, others
from stabkit.stability.sharpness.searched import (
    BEYOND,
    find_broken_step,
    first_answer,
    search_smallest,
)
from stabkit.stability.sharpness.signs import simplest
from stabkit.stability.sharpness.single_steps import by_single_steps
from stabkit.stability.verdict import PROVED, REFUTED, SUPPORTED, UNDECIDED, Evidence, Outcome
from stabkit.tracing import Trace, as_shape, at_step, in_numpy, parameters_of, takes_step, trace

_OF_ANY_SIZE = (RANGE, MAX_NORM, POSITIVITY)
_BOX = "signals of any size were tried: stays_in(box(low, high)) asks for those between two numbers"
_APART = Fraction(101, 100)  # from the last proved step to the first refuted one
_FEW = 300  # trials at a step beyond the proved ones


def own_step_bound(function: Function, notion: Notion, shape: Any, held: Held, *,
                   start: Fraction, trials: int, seed: int) -> StepBound:
    """The sets of steps of a function ``step(u, dt)``; see :func:`step_bound`."""
    shape, name = as_shape(shape), step_name(function)
    notion = of_arrays(notion, shape)
    function = in_numpy(function, shape, takes_step(function))
    first = first_answer(function, shape, start)
    found: Trace | None = None
    try:
        found = trace(function, shape, seed)
        bound = exact_sets(found, notion, held, name)
        if not found.is_linear and _ends_early(bound):
            bound = _break_beyond(function, notion, shape, bound, trials, seed,
                                   found.solves)
        return replace(bound, lines=(*bound.lines, *elsewhere(found, notion, held, bound)))
    except Undecided as reason:
        if held is None:
            try:
                return by_modes(function, notion, shape, name, seed)
            except Undecided as other:
                if _is_about_transforms(reason):
                    reason = other
        single = by_single_steps(
            lambda dt: _sets_at(function, notion, shape, dt, held, seed),
            notion, start, name, str(reason))
        if single is not None:
            return single if found is None or single.proved else replace(
                single, lines=(*single.lines, *others(found, notion, held, name)))
        if held is not None:
            raise InvalidArgument(f"held: is for steps that are traced, and this one is not: "
                                  f"{reason}") from reason
        if not _has_margin(notion):
            return StepBound(notion.name, (), (), variable=name, lines=(str(reason),))
        found_so = search_smallest(function, notion, shape, start=start, trials=trials, seed=seed,
                                   name=name, reason=str(reason))
        if first is not None:
            first.words()
        if found is not None and notion in _OF_ANY_SIZE and found_so.refuted:
            return replace(found_so, lines=(*found_so.lines, _BOX))
        return found_so


def _break_beyond(function: Function, notion: Notion, shape: tuple[int, ...],
                  bound: StepBound, trials: int, seed: int, solves: bool) -> StepBound:
    """The answer with a step beyond the proved ones at which a signal breaks the notion."""
    top = bound.proved[-1][1] if bound.proved else None
    if top is not None and solves:
        exact = _exactly_beyond(function, notion, shape, top, seed)
        return bound if exact is None else replace(
            bound, refuted=exact.refuted, signals=exact.signals, witness=exact.witness, by=exact.by)
    beyond = None if top is None or notion in LINES else find_broken_step(
        function, notion, shape, top, min(trials, _FEW), seed)
    if beyond is None:
        return bound
    dt, signals, evidence = beyond
    if bound.refuted and bound.refuted[0][0] <= dt:
        return bound
    return replace(bound, refuted=((dt, dt), *bound.refuted), signals=signals, by="",
                   witness=(evidence, *bound.witness))


def _ends_early(bound: StepBound) -> bool:
    """Whether steps between the proved and the refuted ones are worth a search."""
    if not bound.refuted or not bound.proved:
        return not bound.refuted
    top, first = bound.proved[-1][1], bound.refuted[0][0]
    return top is not None and first > top * _APART


def _exactly_beyond(function: Function, notion: Notion, shape: tuple[int, ...],
                    top: Fraction, seed: int) -> StepBound | None:
    """A single step beyond `top` that is refuted exactly."""
    for factor in BEYOND:
        dt = simplest(top * factor, top * factor * (1 + Fraction(1, 10**4)))
        try:
            found = _sets_at(function, notion, shape, dt, None, seed)
        except (Undecided, InvalidArgument):
            return None
        if found.refuted:
            return replace(found, refuted=((dt, dt),))
    return None


def _is_about_transforms(reason: Undecided) -> bool:
    return any(name in str(reason) for name in ("fft", "dct", "dst"))


def _has_margin(notion: Notion) -> bool:
    """Whether one step of one signal can break it, so that signals can be tried."""
    return notion is not POWER_BOUNDED and not (
        isinstance(notion, Weighted) and notion.weights is None)


def decide_step(function: Function, notion: Notion, shape: Any, *, dt: Rational = None,
                held: Held = None, trials: int = 20_000, seed: int = 0) -> Outcome:
    """A function ``step(u, dt)`` at one step, or ``step(u)``.

    See :func:`~stabkit.stability.decide.decide`.
    """
    shape, takes = as_shape(shape), takes_step(function)
    notion = of_arrays(notion, shape)
    function = in_numpy(function, shape, takes)
    if takes and dt is None:
        raise InvalidArgument("dt: give the step, such as dt='1/4'; step_bound(step, notion, "
                              "shape=...) tells for which steps the notion holds")
    if not takes and dt is not None:
        raise InvalidArgument("dt: the function takes no step beside the array")
    step = Fraction(1) if dt is None else meaning(dt) if is_rounded(dt) else fraction(dt, "dt")
    first = first_answer(function, shape, step if takes else None)
    try:
        return _outcome(function, notion, shape, step, held, seed)
    except Undecided as reason:
        if held is not None:
            raise InvalidArgument(f"held: is for steps that are traced, and this one is not: "
                                  f"{reason}") from reason
        if not _has_margin(notion):
            return Outcome(UNDECIDED, reason=str(reason))
        found = _in_floats(function, notion, shape, Constant(step) if takes else None, trials,
                           seed, str(reason))
        if first is not None:
            first.words()
        return found


def from_trace(function: Function, notion: Notion, shape: Any, dt: Rational = None
               ) -> Outcome | None:
    """What the trace of a function decides, or None where it decides nothing."""
    step = Fraction(1) if dt is None else meaning(dt) if is_rounded(dt) else fraction(dt, "dt")
    try:
        if takes_step(function) != (dt is not None):
            return None
        shape = as_shape(shape)
        function = in_numpy(function, shape, takes_step(function))
        return _outcome(function, notion, shape, step, None, 0)
    except (Undecided, InvalidArgument):  # who searches tells what is wrong with the function
        return None


def _outcome(function: Function, notion: Notion, shape: tuple[int, ...], dt: Fraction,
             held: Held, seed: int) -> Outcome:
    bound = _sets_at(function, notion, shape, dt, held, seed)
    words = "; ".join(bound.lines)
    if bound.proved and bound.certificate:
        return Outcome(PROVED, bound.certificate, reason=words, rounding=bound.rounding)
    if bound.refuted and bound.witness:
        return Outcome(REFUTED, bound.witness[:1], reason=_by(bound, words),
                       signals=bound.signals, rounding=bound.rounding)
    told = "it holds, and is too long to be written as evidence" if bound.proved else \
        f"it fails, by {bound.by}, and that is not written as evidence" if bound.refuted else \
        "nothing was found that shows it, or that breaks it"
    return Outcome(UNDECIDED, reason="; ".join(filter(None, (told, words))),
                   rounding=bound.rounding)


def _sets_at(function: Function, notion: Notion, shape: tuple[int, ...], dt: Fraction,
             held: Held, seed: int) -> StepBound:
    """All steps or none, for the function at one step."""
    try:
        return exact_sets(_trace_at(function, shape, dt, seed), notion, held, "dt", dt)
    except Undecided as reason:
        if held is not None:
            raise
        try:
            return by_modes(function, notion, shape, "dt", seed, dt)
        except Undecided as other:
            raise (other if _is_about_transforms(reason) else reason) from None


def _trace_at(function: Function, shape: tuple[int, ...], dt: Fraction, seed: int
              ) -> Trace:
    """At one step: with the step left open first, then with the number."""
    try:
        found = at_step(trace(function, shape, seed), dt)
    except Undecided:
        if not takes_step(function):
            raise
        return trace(function, shape, seed, dt)
    if takes_step(function) and found.solves:
        return trace(function, shape, seed, dt)  # a system with numbers can be solved
    return found


def _by(bound: StepBound, words: str) -> str:
    return f"by {bound.by}; {words}" if bound.by else words


def _in_floats(function: Function, notion: Notion, shape: tuple[int, ...], step: Any,
               trials: int, seed: int, reason: str) -> Outcome:
    def flat(u: np.ndarray) -> np.ndarray:
        u = u.reshape(shape)
        try:
            return np.asarray(function(u) if step is None else function(u, step)).reshape(-1)
        except StabkitError:
            raise
        except UNFIT as error:
            raise InvalidArgument(f"step: the function raises {in_words(error)} for an array of "
                                  f"shape {shape}") from error

    flat.__qualname__ = getattr(function, "__qualname__", "step")
    scheme = Computed(flat, int(np.prod(shape)))

    def violates(signals: Signals) -> bool:
        return scheme.violates(notion, signals)

    found = search(scheme, notion, trials=trials, seed=seed, violated=violates)
    data = {"trials": found.trials, "seed": seed,
            "worst": found.worst if np.isfinite(found.worst) else None}
    if found.witness is None:
        return Outcome(SUPPORTED, (Evidence("trials", "float64", data),), trials=found.trials,
                       reason=f"not proved: {reason}")
    inputs, outputs = scheme.evaluate(found.witness)
    if any(np.isnan(part).any() for part in outputs):
        raise InvalidArgument(f"step: the function gives nan for the input {short(inputs[0])}")
    finite = all(np.isfinite(part).all() for part in outputs)
    return Outcome(REFUTED, (Evidence("trials", "float64", data),),
                   scheme.margin(notion, found.witness) if finite else None, found.trials,
                   signals=found.witness, reason="the numbers that the function returns break it, "
                   "whatever their rounding" if finite else "an output is not finite")


def step_name(function: Function) -> str:
    """What the function calls its step."""
    try:
        return [parameter.name for parameter in parameters_of(function)][1]
    except (TypeError, ValueError, IndexError):
        return "dt"
