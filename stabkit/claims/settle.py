"""Decide one claim: every configuration, the bounds, and one verdict for all of it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from stabkit.aliases import Record
from stabkit.arithmetic.enclosure import USUAL, precision
from stabkit.arithmetic.rational import fraction
from stabkit.claims.bounds import Bounds, as_text, seed_of
from stabkit.claims.claim import Claim, Draw
from stabkit.claims.obligations import examples, shown_for_all
from stabkit.errors import Contradiction, HypothesisNotMet, InvalidArgument, Undecided
from stabkit.replay import seal
from stabkit.stability.decide import decide
from stabkit.stability.property import AllOf, Not, Property, Stable
from stabkit.stability.verdict import (
    INAPPLICABLE,
    PROVED,
    REFUTED,
    SUPPORTED,
    UNDECIDED,
    Evidence,
    Outcome,
    Status,
    Verdict,
    worst,
)


def settle(entry: Claim, trials: int, seed: int, signals: Sequence[np.ndarray] = ()) -> Verdict:
    """Decide one claim on all its configurations."""
    listed = list(entry.configurations(seed))
    if not listed:
        raise InvalidArgument(f"claim {entry.name}: its hypotheses hold in no configuration")
    for_all = shown_for_all(entry, listed) if entry.for_all else ()
    # Beside a proof, trials only guard against a slip in what is stated.
    share = 128 if for_all else max(128, trials // len(listed))
    outcomes: list[tuple[Record, Outcome]] = []
    decisive = PROVED if entry.some else REFUTED
    for number, configuration in enumerate(listed):
        one = _decide_configuration(entry, configuration, share, seed_of(seed, entry.name, number),
                                    signals)
        if for_all and one.status in (SUPPORTED, UNDECIDED):
            one = _decide_examples(entry, configuration, share, seed)
        outcomes.append((configuration, one))
        if outcomes[-1][1].status is decisive:
            break
    status = _gather([outcome.status for _, outcome in outcomes], decisive)
    reasons = [outcome.reason for _, outcome in outcomes if outcome.status is UNDECIDED]
    if entry.some and status is REFUTED and any(
            isinstance(values, Draw) for values in entry.within.values()):
        status, reasons = UNDECIDED, ["none that was drawn is an example; of others nothing is "
                                      "known"]
    if for_all and status is REFUTED and _decide_examples(
            entry, outcomes[-1][0], share, seed).status is not REFUTED:
        raise Contradiction(f"claim {entry.name}: it is proved for all and refuted where "
                            f"{outcomes[-1][0]}; one of the two is wrong, so is stabkit")
    bounds = Bounds(entry, share, seed)
    sharp = bounds.are_sharp() if status is PROVED and entry.beyond else None
    tightness = bounds.tightness(status, [configuration for configuration, _ in outcomes],
                                 sharp)
    reason = reasons[0] if status is UNDECIDED and reasons else ""
    return _verdict(entry, status, outcomes, sharp, tightness, for_all, reason)


def open_verdict(entry: Claim, reason: str) -> Verdict:
    """The verdict on a claim of which nothing was found out."""
    return _verdict(entry, UNDECIDED, [], None, {}, reason=reason)


def _decide_configuration(entry: Claim, configuration: Record, trials: int, seed: int,
                          signals: Sequence[np.ndarray] = ()) -> Outcome:
    """The outcome in one configuration; the claim's body may find its hypotheses not met."""
    try:
        with precision(USUAL):  # whatever another thread works with
            what = entry(**configuration)
    except HypothesisNotMet as reason:
        return Outcome(INAPPLICABLE, reason=str(reason))
    except Undecided as reason:
        return Outcome(UNDECIDED, reason=str(reason))
    return decide(what, trials=trials, seed=seed, signals=windows(signals, what))


def _decide_examples(entry: Claim, configuration: Record, trials: int, seed: int) -> Outcome:
    """Where a proof for all covers a configuration, only its examples are left to decide."""
    left = examples(entry(**configuration))
    return decide(AllOf(left), trials=trials, seed=seed) if left else Outcome(PROVED)


def _gather(statuses: Sequence[Status], decisive: Status) -> Status:
    """One status for all configurations: the weakest, unless one is decisive."""
    if decisive in statuses:
        return decisive
    applicable = [status for status in statuses if status is not INAPPLICABLE]
    if not applicable:
        return INAPPLICABLE
    if decisive is REFUTED:
        return worst(applicable)
    return REFUTED if set(applicable) == {REFUTED} else UNDECIDED


def windows(signals: Sequence[np.ndarray], what: Property) -> np.ndarray | None:
    """Windows of the recorded signals, as long as the scheme of a property needs them."""
    what = what.what if isinstance(what, Not) else what
    if not signals or not isinstance(what, Stable):
        return None
    size, cut = what.scheme.size, []
    for recorded in signals:
        starts = np.unique(np.linspace(0, max(len(recorded) - size, 0), 64).astype(int))
        cut += [np.resize(recorded[start:start + size], size) for start in starts]
    return np.array(cut, dtype=float)


def _verdict(entry: Claim, status: Status, outcomes: Sequence[tuple[Record, Outcome]],
             sharp: bool | None, tightness: dict[int, Fraction],
             for_all: tuple[Evidence, ...] = (), reason: str = "") -> Verdict:
    scope = None if status is not PROVED else "for all" if for_all else "listed"
    evidence = [item.to_json({}) for item in for_all if scope == "for all"]
    margins: list[Any] = []
    told: dict[str, None] = {}
    for number, (configuration, outcome) in enumerate(outcomes):
        if outcome.status is not status:
            continue
        told[outcome.rounding] = None
        where = {name: as_text(value) for name, value in configuration.items()}
        if number in tightness:
            where["tightness"] = float(tightness[number])
        unlike = [item for k, item in enumerate(outcome.evidence)
                  if item not in outcome.evidence[:k]]  # parts of a statement may share it
        evidence += [{**item.to_json(where), "place": number} for item in unlike]
        margins += [outcome.margin] if outcome.margin is not None else []
    refuted = [*tightness.values(), *(fraction(ratio, "ratio") for ratio in
                                      (entry.beyond.get("ratio", ()) if sharp else ()))]
    verdict = Verdict(
        entry.name, entry.location, entry.reading, status, entry.expected,
        status is entry.expected, len(outcomes), sum(outcome.trials for _, outcome in outcomes),
        float(min(margins, key=float)) if margins else None, sharp,
        float(min(refuted)) if refuted else None, tuple(evidence),
        sum(outcome.status is INAPPLICABLE for _, outcome in outcomes), entry.some,
        scope, "; ".join(filter(None, told)), reason)
    fields = verdict.to_json()
    for item in evidence:
        item["data"]["seal"] = seal(fields, item)
    return verdict
