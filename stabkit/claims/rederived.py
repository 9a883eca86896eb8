"""Listed evidence beside what its claim has to show in each configuration, derived anew.

A certificate is found again by deciding the configuration without a search; a witness against
stability is written down again from its signals.  What is then given, defined and shown must be
what the file holds.
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
        mine = _of(item["data"])
        yield number, mine not in shown and mine not in list(_witnesses(what, item))


def _again(entry: Claim, configuration: Configuration) -> tuple[Property | None, list[Any]]:
    try:
        what = entry(**configuration)
    except (HypothesisNotMet, Undecided):
        return None, []
    return what, [_of(evidence.data) for part in (what, *examples(what))
                  for evidence in decide(part, trials=1).evidence if evidence.kind != "trials"]


def _witnesses(what: Property | None, item: Configuration) -> Iterator[Any]:
    """What the signals of a witness show against the stability that a claim speaks of."""
    if isinstance(what, Not):
        yield from _witnesses(what.what, item)
    elif isinstance(what, AllOf):
        for part in what.parts:
            yield from _witnesses(part, item)
    elif isinstance(what, NormAtMost) and item["kind"] == "witness":
        u = fractions(item["data"]["given"].get("u", ()), "u")
        evidence = norm_witness(what, u) if u.shape == what.K.shape[1:] else None
        if evidence is not None:
            yield _of(evidence.data)
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
                yield _of(evidence.data)


def _of(data: Configuration) -> list[Any]:
    """What is given, defined and shown, as it stands in a file, and what else that speaks of."""
    given, let, shows = (data[key] for key in _SHOWN)
    return [dict(given), [list(line) for line in let], list(shows), data.get("facts", {}),
            data.get("theorem", {}).get("statement")]
