"""Listed evidence beside what its claim has to show in each configuration, derived anew.

A certificate is found again by deciding the configuration without a search; a witness against
stability is written down again from its signals.  What is then given, defined and shown must be
what the file holds, as evidence for the claim or against it; and where nothing is listed for a
claim that is proved on all its configurations, its hypotheses must not be met.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stabkit.aliases import Configuration
from stabkit.arithmetic.rational import fractions
from stabkit.claims.claim import Claim
from stabkit.claims.obligations import examples
from stabkit.errors import HypothesisNotMet, InvalidArgument, StabkitError, Undecided
from stabkit.replay import Finding
from stabkit.stability.confirmation import written_witness
from stabkit.stability.decide import decide
from stabkit.stability.falsify import exact_margin
from stabkit.stability.norms import norm_witness
from stabkit.stability.property import AllOf, NormAtMost, Not, Property, Stable
from stabkit.stability.verdict import INAPPLICABLE

_SHOWN = ("given", "let", "shows")


def listed_differences(content: Configuration, claims: Mapping[str, Claim]
                       ) -> Iterator[Finding]:
    """Findings about listed evidence: whether it shows what the claim says where it is listed.

    Parameters
    ----------
    content : mapping
        Of a verdict file that was read by :func:`stabkit.replay.replay`.
    claims : mapping of str to Claim
        Verdicts on other claims are passed over.
    """
    for verdict in content["verdicts"]:
        entry = claims.get(verdict["claim"])
        if entry is None:
            continue
        wrong = [number for number, reason in _compare(verdict, entry, content["seed"]) if reason]
        count = sum(item["kind"] in ("certificate", "witness") for item in verdict["evidence"])
        if count:
            yield Finding(entry.name, verdict["status"], "statement", not wrong,
                          f"evidence {wrong[0] + 1} does not show what the claim says in its "
                          "configuration" if wrong else
                          f"what {count} pieces of evidence show is what the claim says where they "
                          "are listed, derived anew")
        for place in _places_left_out(verdict, entry, content["seed"]):
            yield Finding(entry.name, verdict["status"], "statement", False,
                          f"nothing is listed for configuration {place + 1}, in which the "
                          "hypotheses of the claim are met")


def _places_left_out(verdict: Configuration, entry: Claim, seed: int) -> list[int]:
    """The configurations without evidence for which a claim that is proved where listed needs it.
    """
    if verdict["status"] != "proved" or verdict.get("scope") == "for all" or entry.some:
        return []
    shown = {item.get("place", 0) for item in verdict["evidence"]}
    return [place for place, configuration in enumerate(entry.configurations(seed))
            if place not in shown and _is_applicable(entry, configuration)]


def _is_applicable(entry: Claim, configuration: Configuration) -> bool:
    try:
        return decide(entry(**configuration), trials=1).status != INAPPLICABLE
    except HypothesisNotMet:
        return False
    except Undecided:
        return True


def _compare(verdict: Configuration, entry: Claim, seed: int) -> Iterator[tuple[int, bool]]:
    listed = list(entry.configurations(seed))
    found: dict[int, tuple[Property | None, list[Any]]] = {}
    for number, item in enumerate(verdict["evidence"]):
        if item["kind"] not in ("certificate", "witness"):
            continue
        place = item.get("place", 0)
        if place not in found:
            found[place] = _again(entry, listed[place]) if place < len(listed) else (None, [])
        what, shown = found[place]
        mine = _of(item["kind"], item["data"])
        yield number, mine not in shown and mine not in list(_witnesses(what, item))


def _again(entry: Claim, configuration: Configuration) -> tuple[Property | None, list[Any]]:
    try:
        what = entry(**configuration)
    except (HypothesisNotMet, Undecided):
        return None, []
    return what, [_of(evidence.kind, evidence.data) for part in (what, *examples(what))
                  for evidence in decide(part, trials=1).evidence if evidence.kind != "trials"]


def _witnesses(what: Property | None, item: Configuration) -> Iterator[Any]:
    """What the signals of a witness show against the stability that a claim speaks of."""
    if isinstance(what, Not):
        for against, *shown in _witnesses(what.what, item):
            yield [not against, *shown]
    elif isinstance(what, AllOf):
        for part in what.parts:
            yield from _witnesses(part, item)
    elif isinstance(what, NormAtMost) and item["kind"] == "witness":
        u = fractions(item["data"]["given"].get("u", ()), "u")
        evidence = norm_witness(what, u) if u.shape == what.K.shape[1:] else None
        if evidence is not None:
            yield _of(evidence.kind, evidence.data)
    elif isinstance(what, Stable) and item["kind"] == "witness":
        given = item["data"]["given"]
        names = [name for name in ("u", "w") if name in given][:what.notion.signals]
        for part in (what, Stable(what.scheme.as_meant(), what.notion.as_meant())):
            try:
                signals = tuple(fractions(given[name], name) for name in names)
                evidence, _ = written_witness(part.scheme, part.notion, signals, exact_margin(
                    part.scheme, part.notion, signals))
            except (StabkitError, InvalidArgument, ValueError, TypeError):
                continue
            if evidence is not None:
                yield _of(evidence.kind, evidence.data)


def _of(kind: str, data: Configuration) -> list[Any]:
    """Whether it speaks against the claim; what is given, defined and shown, as it stands in a
    file, and what else that speaks of."""
    against = (kind == "witness") != data.get("contrary", False)
    given, let, shows = (data[key] for key in _SHOWN)
    return [against, dict(given), [list(line) for line in let], list(shows),
            data.get("facts", {}), data.get("theorem", {}).get("statement")]
