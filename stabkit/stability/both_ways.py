"""A statement about floats, decided both ways: as it was meant, and of the floats as they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import reduce
from operator import sub
from typing import Any

from stabkit.arithmetic.rational import fraction
from stabkit.arithmetic.rounding import is_rounded, meant, size
from stabkit.schemes import Linear
from stabkit.schemes.meant import differences
from stabkit.stability.notions import CONTRACTION, EUCLIDEAN, squared_norm
from stabkit.stability.property import NormAtMost, Stable
from stabkit.stability.verdict import REFUTED, Outcome


def what_was_meant(what: Any) -> tuple[Any, list[str]]:
    """The property as it was meant, and in words what is rounded in it; itself if nothing is."""
    if isinstance(what, Stable):
        scheme, notion = what.scheme.as_meant(), what.notion.as_meant()
        words = list(dict.fromkeys(differences(what.scheme, scheme)))
        if notion is not what.notion and notion.name != what.notion.name:
            words.append(f"{what.notion} stands for {notion}")
        return (Stable(scheme, notion) if words else what), words
    if isinstance(what, NormAtMost):
        K, square = what.K.meant(), meant(what.square) if is_rounded(what.square) else what.square
        words = [*differences(what.K, K)]
        if square != what.square:
            words.append(f"the double {what.square!r} lies "
                         f"{size(fraction(what.square) - square)} from {square}")
        return (NormAtMost(K, square) if words else what), words
    return what, []


def both_ways(what: Any, decide: Callable[[Any], Outcome]) -> Outcome:
    """Decide what was meant and what was given; the status is that of what was meant.

    Parameters
    ----------
    what : Property
    decide : callable
        Decides a property as it stands.

    Returns
    -------
    Outcome
        Its ``rounding`` tells both answers and the sizes of the roundings.
    """
    intended, words = what_was_meant(what)
    if intended is what:
        outcome = decide(what)
        return replace(outcome, rounding=outcome.rounding or _within_rounding(what, outcome))
    given, told = decide(what), decide(intended)
    trials = given.trials + told.trials
    margin = given.margin
    violated = "" if given.status is not REFUTED or margin is None else \
        f" by {size(margin)}" if isinstance(margin, Fraction) else ""
    answer = "as meant, and so are the floats themselves" if given.status is told.status else \
        f"as meant, while the floats themselves are {given.status}{violated}"
    return replace(told, trials=trials, rounding=f"{told.status} {answer}; "
                   f"{'; '.join(filter(None, [*words, told.rounding]))}")


def _within_rounding(what: Any, outcome: Outcome) -> str:
    """In words, that a signal which breaks a norm breaks it by no more than the entries' rounding.

    With |E|, half a unit in the last place of every entry added up, |(M + E) u| may be as small as
    |M u| - |E| |u|.
    """
    if outcome.status is not REFUTED or not outcome.signals or not (
            isinstance(what, Stable) and isinstance(what.scheme, Linear)
            and what.notion in (EUCLIDEAN, CONTRACTION)):
        return ""
    u = reduce(sub, outcome.signals)
    before, after = squared_norm(u), squared_norm(what.scheme.matrix @ u)
    away = what.scheme.matrix.half_units
    if not away or after > (1 + away) ** 2 * before:
        return ""
    return (f"the signal breaks it by {size((after - before) / before / 2)} of its norm, which is "
            "within the rounding of the entries; rounding='intervals' asks for all entries within "
            "half a unit in the last place")
