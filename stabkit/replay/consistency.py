"""What a verdict must not say beside its own evidence, however well it is sealed.

A configuration is known by its ``place``: its number among those of the claim, from 0 on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

from stabkit.replay.fields import Fields
from stabkit.replay.seals import canonical, without

VIOLATION = -1e-9  # the worst margin of trials beyond which they do not support a statement


def contradictions(verdict: Fields) -> Iterator[str]:
    """What is wrong with a verdict even if each piece of its evidence holds."""
    status = verdict["status"]
    if verdict["as_expected"] != (status == verdict["expected"]):
        yield (f"as_expected is {verdict['as_expected']}, but {status} was found and "
               f"{verdict['expected']} expected")
    if verdict.get("scope") is not None and status != "proved":
        yield f"its scope is {verdict['scope']!r}, but nothing is proved"
    yield from _of_the_scope(verdict)
    yield from _of_kinds(verdict)
    yield from _of_places(verdict)
    yield from _of_trials(verdict)
    yield from _of_the_margin(verdict)


def _of_the_scope(verdict: Fields) -> Iterator[str]:
    """For all there is a proof, which stands before what is listed; else there is none."""
    kinds = [evidence["kind"] for evidence in verdict["evidence"]]
    count = kinds.count("proof")
    if (count > 0) != (verdict.get("scope") == "for all"):
        yield (f"its scope is {verdict.get('scope')!r}, but it has {count or 'no'} "
               f"proof{'s' * (count != 1)} for all")
    if count and verdict.get("some", False):
        yield "it asks for some configuration, but has a proof for all"
    if "proof" in kinds[count:]:
        yield "a proof for all stands behind what is listed"


def _pieces_without_proofs(verdict: Fields) -> list[Fields]:
    return [evidence for evidence in verdict["evidence"] if evidence["kind"] != "proof"]


def _of_kinds(verdict: Fields) -> Iterator[str]:
    """A certificate proves, a witness refutes; of the contrary it is the other way round."""
    status = verdict["status"]
    for evidence in _pieces_without_proofs(verdict):
        if evidence["kind"] == "trials":
            continue
        against = (evidence["kind"] == "witness") != evidence["data"].get("contrary", False)
        shows = "refuted" if against else "proved"
        if status != shows:
            yield (f"it is called {status}, but a {evidence['kind']} in it, if it holds, shows "
                   f"that it is {shows}")
            return
    if status == "inapplicable" and verdict.get("inapplicable") not in (
            None, verdict["configurations"]):
        yield "it is called inapplicable, but the hypotheses are met in some configurations"


def place(evidence: Fields) -> int:
    return evidence.get("place", 0)


def _of_places(verdict: Fields) -> Iterator[str]:
    """Every applicable configuration must be shown, one by one or by a proof for all; for some
    statements one."""
    status, listed = verdict["status"], verdict["configurations"]
    applicable = listed - verdict.get("inapplicable", 0)
    places = [place(evidence) for evidence in _pieces_without_proofs(verdict)]
    if applicable < 0:
        yield f"more configurations are inapplicable than there are: {listed}"
    if places != sorted(places):
        yield "its evidence is not in the order of the configurations"
    if places and max(places) >= listed:
        yield f"there is evidence for configuration {max(places) + 1} of {listed}"
    pieces = [canonical([place(evidence), evidence["kind"], evidence["arithmetic"],
                         without(evidence["data"], "seal")]) for evidence in verdict["evidence"]]
    if len(set(pieces)) < len(pieces):
        yield "a piece of evidence occurs twice"
    shown = {place(evidence) for evidence in _pieces_without_proofs(verdict)
             if evidence["kind"] != "trials"}
    if status not in ("proved", "refuted"):
        return
    if status == "proved" and verdict.get("scope") == "for all" and any(
            evidence["kind"] == "proof" for evidence in verdict["evidence"]):
        return  # a proof covers every configuration; what it shows is compared with the claim
    if not shown:
        yield f"it is called {status} without a certificate or witness"
    one_is_enough = status == ("proved" if verdict.get("some", False) else "refuted")
    if not one_is_enough and len(shown) != applicable:
        yield (f"it is called {status}, but {len(shown)} of {applicable} configurations have a "
               "certificate or witness")


def _of_trials(verdict: Fields) -> Iterator[str]:
    """Trials support, and only those without a violation."""
    trials = [evidence["data"] for evidence in verdict["evidence"] if evidence["kind"] == "trials"]
    if sum(data["trials"] for data in trials) > verdict["trials"]:
        yield "its evidence has more trials than it counts itself"
    if verdict["status"] != "supported":
        return
    if not trials:
        yield "it is called supported without trials"
    worst = [data["worst"] for data in trials if data["worst"] is not None]
    if worst and min(worst) < VIOLATION:
        yield f"it is called supported, but a trial violates it: {min(worst)}"


def _of_the_margin(verdict: Fields) -> Iterator[str]:
    """The margin is the least of the evidence, as far as that states its own."""
    margin = verdict["margin"]
    if margin is None:
        return
    if verdict["status"] == "refuted" and margin > 0:
        yield f"it is called refuted with the margin {margin}, which is no violation"
    having = [evidence["data"] for evidence in verdict["evidence"] if "margin" in evidence["data"]]
    if not having and verdict["status"] in ("proved", "refuted"):
        yield f"its margin {margin} stands in no piece of its evidence"
    stated = [Fraction(data["margin_value"]) for data in having if "margin_value" in data]
    if not stated:
        return
    above = Fraction(margin) - min(stated)
    place_of_last = Fraction(math.ulp(margin)) if isinstance(margin, float) else Fraction(0)
    if above > place_of_last or (len(stated) == len(having) and above < -place_of_last):
        yield f"its margin {margin} is not the least of its evidence, {_short(min(stated))}"


def _short(x: Fraction) -> str:
    return str(x) if abs(x) < 10**9 and x.denominator < 10**9 else "of many digits"
