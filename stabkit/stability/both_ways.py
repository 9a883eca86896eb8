"""A statement about floats, decided both ways: as it was meant, and of the floats as they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import reduce
from operator import sub
from typing import Any

from stabkit.arithmetic.rational import fraction
from stabkit.arithmetic.rounding import is_rounded, meaning, size
from stabkit.schemes import Linear
from stabkit.schemes.meant import differences
from stabkit.stability.notions import CONTRACTION, EUCLIDEAN, squared_norm
from stabkit.stability.property import FaceWithin, NormAtMost, Stable
from stabkit.stability.verdict import REFUTED, Outcome


def meaning_of_property(what: Any) -> Any:
    """The property as it was meant; itself if nothing in it is rounded."""
    intended = what
    if isinstance(what, Stable):
        intended = Stable(what.scheme.as_meant(), what.notion.as_meant())
    elif isinstance(what, FaceWithin):
        intended = replace(what, flux=what.flux.meant())
    elif isinstance(what, NormAtMost):
        intended = NormAtMost(what.K.meant(), meaning(what.square) if is_rounded(what.square)
                              else what.square)
    return intended if _words(what, intended) else what


def _words(what: Any, intended: Any, fluxes: bool = True) -> list[str]:
    """What is rounded in a property, in its fluxes only if that is asked."""
    if isinstance(what, Stable):
        words = list(dict.fromkeys(differences(what.scheme, intended.scheme, fluxes=fluxes)))
        if what.notion.name != intended.notion.name:
            words.append(f"{what.notion} stands for {intended.notion}")
        return words
    if isinstance(what, FaceWithin):
        return list(differences(what.flux, intended.flux, fluxes=fluxes))
    if isinstance(what, NormAtMost):
        words = list(differences(what.K, intended.K))
        if intended.square != what.square:
            words.append(f"the double {what.square!r} lies "
                         f"{size(fraction(what.square) - intended.square)} from {intended.square}")
        return words
    return []


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
        Its ``rounding`` tells both answers and the sizes of the roundings; those of fluxes only
        where the answers differ.
    """
    intended = meaning_of_property(what)
    if intended is what:
        outcome = decide(what)
        return replace(outcome, rounding=outcome.rounding or _note_on_rounding(what, outcome))
    given, told = decide(what), decide(intended)
    words = _words(what, intended, fluxes=given.status is not told.status)
    if not words:
        return given
    trials = given.trials + told.trials
    margin = given.margin
    violated = "" if given.status is not REFUTED or margin is None else \
        f" by {size(margin)}" if isinstance(margin, Fraction) else ""
    answer = "as meant, and so are the floats themselves" if given.status is told.status else \
        f"as meant, while the floats themselves are {given.status}{violated}"
    return replace(told, trials=trials, rounding=f"{told.status} {answer}; "
                   f"{'; '.join(filter(None, [*words, told.rounding]))}")


def _note_on_rounding(what: Any, outcome: Outcome) -> str:
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
