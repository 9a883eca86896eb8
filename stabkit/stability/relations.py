"""Relations between two expressions, at the numbers that are given: settled exactly."""

from __future__ import annotations

from typing import Any

import numpy as np

from stabkit.aliases import Record
from stabkit.arithmetic.enclosure import PRECISIONS, Interval, precision
from stabkit.arithmetic.rational import fractions
from stabkit.arithmetic.transcript import Term, Transcript, as_text
from stabkit.errors import Undecided
from stabkit.stability.confirmation import confirm_evidence
from stabkit.stability.falsify import shrink
from stabkit.stability.property import Always, AtMost, Identity
from stabkit.stability.verdict import PROVED, REFUTED, UNDECIDED, Outcome, calculation

_FEW_STEPS = 4


def relation(what: Identity | AtMost, sign: str) -> Outcome:
    """Settle a relation at what is given: by exact arithmetic, then by the checker."""
    given = {name: fractions(value)[()] for name, value in what.given.items()}
    truth = _truth(what, sign, given)
    if truth is None:
        return Outcome(UNDECIDED, reason="the enclosures overlap at every precision")
    if not truth:
        vectors = [name for name, value in given.items() if np.ndim(value) == 1]
        small = shrink(tuple(given[name] for name in vectors), lambda tried: _truth(
            what, sign, {**given, **dict(zip(vectors, tried, strict=True))}) is False)
        given |= dict(zip(vectors, small, strict=True))
    log = Transcript()
    terms = {name: log.give(name, value) for name, value in given.items()}
    left, right = what.left(**terms), what.right(**terms)
    sides = [side.text if isinstance(side, Term) else str(as_text(side)) for side in (left, right)]
    shown = f"{sides[0]} {sign} {sides[1]}"
    kind, condition = ("certificate", shown) if truth else ("witness", f"not ({shown})")
    evidence = confirm_evidence(calculation(kind, log, [condition], what.by))
    if evidence is None:
        return Outcome(UNDECIDED, reason="the checker does not confirm the calculation")
    return Outcome(PROVED if truth else REFUTED, (evidence,))


def few_steps(what: Always) -> Outcome:
    """A few steps at what is given: they refute, but show nothing of any number."""
    for count in range(1, _FEW_STEPS + 1):
        outcome = relation(what.after(count), "==" if what.relation == "==" else "<=")
        if outcome.status is REFUTED:
            return outcome
    return Outcome(UNDECIDED, reason="a few steps at numbers show nothing of any number")


def _truth(what: Identity | AtMost, sign: str, given: Record) -> bool | None:
    for digits in PRECISIONS:
        with precision(digits):
            try:
                left, right = _sides(what, given)
                return bool(np.all(left == right if sign == "==" else left <= right))
            except Undecided:
                continue
    return None


def _sides(what: Identity | AtMost, given: Record) -> tuple[Any, Any]:
    try:
        return what.left(**given), what.right(**given)
    except TypeError:  # a function such as exp leaves the rationals
        boxed = {name: np.vectorize(Interval, otypes=[object])(value)
                 for name, value in given.items()}
        return what.left(**boxed), what.right(**boxed)
