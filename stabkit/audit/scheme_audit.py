"""The audit of a scheme, or of a function of arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from fractions import Fraction
from time import monotonic

from stabkit.audit.decision import LEAST, TRIALS_PER_SECOND
from stabkit.audit.questions import (
    BOUNDED,
    MODES,
    NOTIONS,
    constant_name,
    notion_of_name,
    select_notions,
)
from stabkit.audit.result import Audit, BlockReport, Judgement
from stabkit.schemes import DiffusionScheme, Leapfrog, Linear, Reverse, Scheme, Verlet
from stabkit.schemes.scheme import HasStep
from stabkit.stability.decide import decide
from stabkit.stability.notions import Energy, Notion, energy, sensitivity
from stabkit.stability.property import Stable
from stabkit.stability.sharpness import step_bound
from stabkit.stability.verdict import INAPPLICABLE, PROVED, REFUTED
from stabkit.time_limit import time_limit

_LONGEST_STEP_SEARCH = 24


def audit_scheme(scheme: Scheme, notions: Sequence[str] | None, at_most: Fraction | None,
                 budget: float, seed: int, advance: Callable[[str], None]) -> Audit:
    """Audit a scheme; see :func:`stabkit.audit`.  Each notion has its share of what is left."""
    until = monotonic() + budget
    known = [name for name in NOTIONS if name not in (BOUNDED, MODES)]
    asked = select_notions(notions or (() if at_most is not None else ("euclidean",)), known)
    trials = max(256, int(budget * TRIALS_PER_SECOND / len(known)))
    judgements = []
    if at_most is not None:
        with _share(until, len(known) + 2, True):
            judgements.append(_outcome(scheme, constant_name(at_most), "forward", True, trials,
                                       seed, sensitivity(at_most)))
    for number, name in enumerate(known):
        with _share(until, len(known) + 1 - number, name in asked):
            judgements.append(_judge_notion(scheme, name, "forward", name in asked, trials, seed))
            if isinstance(scheme, (Verlet, Leapfrog)) and name in ("euclidean", "contraction"):
                judgements.append(_judge_notion(Reverse(scheme), name, "backward", name in asked,
                                          trials, seed))
        advance(name)
    with _share(until, 1, False):
        certified, refuted = _steps(scheme, asked[0], seed) if asked else (None, None)
    step = scheme.tau if isinstance(scheme, HasStep) else None
    kind = type(scheme).__name__
    block = BlockReport(kind, kind, None, None if step is None else Fraction(step),
                        certified, refuted,
                        {item.notion: item.status for item in judgements if item.counts})
    advice = []
    if any(item.status is REFUTED for item in judgements if item.counts) and \
            certified is not None and step is not None and step > certified:
        advice.append(f"{kind}: step at most {float(certified):.3g}, it is {float(step):.6g}")
    proved = any(item.notion == "contraction" and item.status is PROVED for item in judgements)
    return Audit(kind, (scheme.size,), (scheme.size,), 0, (block,), tuple(judgements), None,
                 Fraction(1) if proved else None, tuple(advice), seed, budget)


def _share(until: float, parts: int, counts: bool) -> AbstractContextManager[None]:
    """The time of one of so many parts that are left; what counts has a little in any case."""
    now = monotonic()
    return time_limit(now + max((until - now) / parts, LEAST if counts else 0.0))


def _judge_notion(scheme: Scheme, name: str, direction: str, counts: bool, trials: int, seed: int
                  ) -> Judgement:
    if name == "energy":
        if not isinstance(scheme, DiffusionScheme):
            return Judgement(name, direction, INAPPLICABLE, counts,
                             reason="only a diffusion scheme has an energy that is known here")
        notion = energy(Energy(scheme.K, scheme.flux))
    else:
        notion = notion_of_name(name)
    return _outcome(scheme, name, direction, counts, trials, seed, notion)


def _outcome(scheme: Scheme, name: str, direction: str, counts: bool, trials: int, seed: int,
             notion: Notion) -> Judgement:
    outcome = decide(Stable(scheme, notion), trials=trials, seed=seed)
    return Judgement(name, direction, outcome.status, counts, outcome.evidence, outcome.signals,
                     "", outcome.trials, outcome.reason, outcome.rounding)


def _steps(scheme: Scheme, name: str, seed: int) -> tuple[Fraction | None, Fraction | None]:
    """The largest certified and the smallest refuted step of a scheme."""
    if not isinstance(scheme, HasStep) or isinstance(scheme, Linear) or \
            scheme.size > _LONGEST_STEP_SEARCH or name == "energy":
        return None, None
    found = step_bound(scheme, notion_of_name(name), halvings=8, trials=256, seed=seed)
    return found.certified, found.refuted[0][0] if found.refuted else None
