"""Verdicts beside the claims that they name: what a file cannot choose about a claim."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stabkit.aliases import Configuration
from stabkit.claims.claim import Claim
from stabkit.claims.obligations import statements
from stabkit.errors import InvalidArgument
from stabkit.replay import Finding

_KEPT = ("location", "reading", "expected")


def differences(content: Configuration, claims: Mapping[str, Claim], *, derive: bool = False
                ) -> Iterator[Finding]:
    """Findings about verdicts beside the claims that they name.

    What a claim says of itself is compared with what the verdict says of it, and the statement of
    a proof for all with the one that the claim writes, derived anew.  A claim that is not known
    leaves its statement underived, which a finding says.

    Parameters
    ----------
    content : mapping
        Of a verdict file that was read by :func:`stabkit.replay.replay`.
    claims : mapping of str to Claim
    derive : bool
        Whether a statement that cannot be derived counts as one that does not hold.
    """
    for verdict in content["verdicts"]:
        entry = claims.get(verdict["claim"])
        name, status = verdict["claim"], verdict["status"]
        if entry is None:
            yield Finding(name, status, "statement", not derive,
                          "the evidence is checked; the statement was not derived, as the claim is "
                          "not known here (give its file with --claims)")
            continue
        for reason in _reasons(verdict, entry, content["seed"]):
            yield Finding(name, status, "verdict", False, reason)
        yield from _of_proofs(verdict, entry)


def _reasons(verdict: Configuration, entry: Claim, seed: int) -> Iterator[str]:
    for name in _KEPT:
        if verdict[name] != str(getattr(entry, name)):
            yield f"{name}: it says {verdict[name]!r}, the claim says {str(getattr(entry, name))!r}"
    if verdict.get("some", False) != entry.some:
        yield "the claim asks for " + ("some configuration" if entry.some else "all configurations")
    decisive = "proved" if entry.some else "refuted"  # at the first such configuration it ends
    number = sum(1 for _ in entry.configurations(seed))
    if verdict["configurations"] > number or (
            verdict["status"] != decisive and verdict["configurations"] < number):
        yield f"it speaks of {verdict['configurations']} configurations, the claim of {number}"


def _of_proofs(verdict: Configuration, entry: Claim) -> Iterator[Finding]:
    """Whether the statements that are proved are those that the claim writes, one by one."""
    stated = [evidence["data"]["statement"] for evidence in verdict["evidence"]
              if evidence["kind"] == "proof"]
    if not stated and verdict.get("scope") != "for all":
        return
    try:
        derived = statements(entry)
    except InvalidArgument as error:
        yield Finding(entry.name, verdict["status"], "statement", False,
                      f"it is called proved for all, but of the claim no such statement can be "
                      f"derived: {error}")
        return
    reason = _difference(stated, derived)
    yield Finding(entry.name, verdict["status"], "statement", reason is None,
                  reason or "what is proved is what the claim says, derived anew")


def _difference(stated: Any, derived: Any, place: str = "") -> str | None:
    """Where two statements differ first, in words; nothing may be added, left out or changed."""
    if isinstance(stated, dict) and isinstance(derived, dict):
        for key in (*derived, *(key for key in stated if key not in derived)):
            here = f"{place} {key}".strip()
            if key not in stated:
                return f"the claim says more than what is proved: {here}"
            if key not in derived:
                return f"what is proved assumes what the claim does not say: {here}"
            found = _difference(stated[key], derived[key], here)
            if found is not None:
                return found
        return None
    if isinstance(stated, list) and isinstance(derived, list):
        if len(stated) != len(derived):
            return f"{place} has {len(stated)} parts, in the claim {len(derived)}".strip()
        pairs = enumerate(zip(stated, derived, strict=True))
        return next((found for k, (one, other) in pairs if (
            found := _difference(one, other, f"{place} {k + 1}".strip())) is not None), None)
    return None if type(stated) is type(derived) and stated == derived else \
        f"another statement is proved: {place} is {stated!r:.80}, in the claim {derived!r:.80}"
