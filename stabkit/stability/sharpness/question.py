"""How large may the step be: of a scheme, of a family of schemes, or of a function in NumPy."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

from stabkit.aliases import Function, Held, NotionName, Number
from stabkit.arithmetic.rational import fraction, integer
from stabkit.arithmetic.rounding import is_rounded, meaning
from stabkit.errors import STOPPED, InvalidArgument, Undecided, limits_in_words
from stabkit.schemes import Scheme
from stabkit.schemes.meant import differences
from stabkit.stability.entry_intervals import holds_intervals
from stabkit.stability.notions import Notion, as_notion
from stabkit.stability.sharpness.bound import WRITTEN, StepBound
from stabkit.stability.sharpness.family import Family, family_of
from stabkit.stability.sharpness.linear import (
    Steps,
    is_followed,
    linear_cells,
    proved_steps,
    refuted_steps,
)
from stabkit.stability.sharpness.own_step import own_step_bound
from stabkit.stability.sharpness.scan import SCALES, scan_steps
from stabkit.stability.verdict import PROVED, REFUTED
from stabkit.tracing import parameters_of, takes_step
from stabkit.user_files import no_leaving


def step_bound(scheme: Any, notion: Notion | NotionName, start: Number | None = None, *,
               shape: Any = None, held: Held = None, halvings: int = 10, trials: int = 512,
               seed: int = 0) -> StepBound:
    """For which steps a scheme has a notion of stability, and for which it does not.

    It is not taken for granted that smaller steps are stable.  An interval is proved by a
    certificate that holds for every step in it, and refuted by a signal that breaks the notion
    for every step in it; or both, for a linear scheme whose matrix is a polynomial in the step,
    by the exact signs of polynomials.  Where neither is at hand, single steps are decided, and
    the ends of what is decided alike are given as points.

    The scale is found by itself: from `start` by factors of two up to a factor of 2^20, about a
    million, on either side.

    Parameters
    ----------
    scheme : Scheme or callable
        A function ``step(u, dt)`` in NumPy, with `shape`: it is run once on symbols, and where it
        is linear the sets are exact.  Or a scheme with a step ``tau`` or ``delta``, which is
        varied; or a function from a step to a scheme, which is also called with a step that is
        left open, from which its dependence on the step is read; one that looks at the value is
        answered by points.
    notion : Notion or str
    start : rational, optional
        The first step to try; that of the scheme if left out, or 1 for a function.
    shape : int or tuple of int, optional
        Of the array that a function ``step(u, dt)`` is given.
    held : mapping, optional
        For such a function: places of the array that are held at a value, such as
        ``{0: 0, -1: 0}``; the signal is what is left.
    halvings : int
        How close the ends are: to 2^-halvings of their size.
    trials, seed : int
        As for :func:`~stabkit.stability.decide.decide`, at every step that is decided.

    Raises
    ------
    InvalidArgument
        If `scheme` is neither, or `start` or `halvings` is not positive.

    Examples
    --------
    >>> from stabkit import RANGE, Explicit, difference, fluxes
    >>> found = step_bound(Explicit(difference(1, 4), fluxes.soft(), 1), RANGE)
    >>> found.proved
    ((Fraction(0, 1), Fraction(1, 2)),)
    >>> float(found.refuted[0][0]), found.refuted[0][1]
    (0.50048828125, None)
    """
    notion = as_notion(notion)
    halvings = integer(halvings, "halvings", 1)
    trials, seed = integer(trials, "trials"), integer(seed, "seed")
    try:
        with no_leaving("scheme"), limits_in_words():
            return _answer(scheme, notion, start, shape, held, halvings, trials, seed)
    except Undecided as limit:
        return StepBound(notion.name, (), (), lines=(str(limit),))


def _answer(scheme: Any, notion: Notion, start: Number | None, shape: Any, held: Held,
            halvings: int, trials: int, seed: int) -> StepBound:
    if shape is not None or (not isinstance(scheme, (Scheme, type)) and callable(scheme)
                             and is_own_step(scheme)):
        return _of_function(scheme, notion, start, shape, held, trials, seed)
    if held is not None:
        raise InvalidArgument("held: is for a function step(u, dt) with shape=")
    function, own = family_of(scheme)
    first = own if start is None else meaning(start) if is_rounded(start) else \
        fraction(start, "start")
    if first <= 0:
        raise InvalidArgument(f"start: must be positive, got {start}")
    family = Family(function, notion, trials, seed)
    given = family.as_returned(first)
    if holds_intervals(given):
        raise InvalidArgument("scheme: sets of steps are not found for entries in intervals; make "
                              "the operators with rounding='snapped'")
    rounding = "; ".join(dict.fromkeys(differences(given, given.as_meant())))
    found = _exactly(family, first, halvings)
    if found is None:
        scan = scan_steps(family, first, halvings)
        found = tuple(scan.proved), tuple(scan.refuted)
    return replace(_bound_with_evidence(family, first, *found), rounding=rounding)


def _of_function(step: Function, notion: Notion, start: Number | None, shape: Any, held: Held,
                 trials: int, seed: int) -> StepBound:
    if isinstance(step, Scheme) or not callable(step):
        raise InvalidArgument("shape: is for a function step(u, dt); a scheme knows its size")
    if shape is None:
        raise InvalidArgument("shape: give the shape of the array that step(u, dt) is given, such "
                              "as shape=(64, 64); a function to a scheme takes the step alone")
    if not takes_step(step):
        raise InvalidArgument("step: must take the array and the step, step(u, dt); for a function "
                              "of the array alone use decide(step, notion, shape=...)")
    first = Fraction(1) if start is None else meaning(start) if is_rounded(start) else \
        fraction(start, "start")
    if first <= 0:
        raise InvalidArgument(f"start: must be positive, got {start}")
    return own_step_bound(step, notion, shape, held, start=first, trials=trials, seed=seed)


def is_own_step(function: Function) -> bool:
    """Whether a function takes an array and a step, and not the step alone."""
    try:
        parameters = parameters_of(function)
    except (TypeError, ValueError):
        return False
    needed = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
              and p.default is p.empty]
    return len(needed) == 2


def _exactly(family: Family, start: Fraction, halvings: int) -> tuple[Steps, Steps] | None:
    """The sets of a linear scheme by the signs of polynomials, each checked at a step of it."""
    opened = family.with_open_step()
    if opened is None:
        return None
    try:
        found = linear_cells(opened, family.notion)
    except STOPPED:
        return None
    if found is None:
        return None
    proved = proved_steps(found, halvings)
    refuted = refuted_steps(found, start, halvings)
    far = start * Fraction(2)**SCALES
    tops = {2 * max(low, far) if high is None else high for low, high in (*proved, *refuted)}
    if not all(is_followed(opened, family.at, family.samples(top)) for top in tops):
        return None
    if not proved and opened.fluxes:
        return None  # that a flux is linear is shown by the certificates at single steps
    agree = all(opened.size > WRITTEN or family.outcome(_end(steps, start)).status is PROVED
                for steps in proved) and all(
        family.outcome(steps[0]).status is REFUTED for steps in refuted)
    return (proved, refuted) if agree else None


def _end(steps: tuple[Fraction, Fraction | None], start: Fraction) -> Fraction:
    """A step of a proved interval: its upper end, if it has one."""
    low, high = steps
    return high if high is not None else max(low, start)


def _bound_with_evidence(family: Family, start: Fraction, proved: Steps, refuted: Steps
                         ) -> StepBound:
    ends = [_end(steps, start) for steps in proved]
    certificate = [item for end in ends if end in family.known
                   for item in family.known[end].evidence]
    outcomes = [family.outcome(low) for low, _ in refuted]
    scale = Fraction(2)**SCALES
    return StepBound(family.notion.name, proved, refuted, tuple(certificate),
                     tuple(item for outcome in outcomes for item in outcome.evidence),
                     (start / scale, start * scale), outcomes[0].signals if outcomes else ())
