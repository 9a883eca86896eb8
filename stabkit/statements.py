"""Verdicts beside the built-in claims that they name: what a file cannot choose about a claim."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stabkit.claim import Claim
from stabkit.replay import Finding

_KEPT = ("location", "reading", "expected")


def differences(content: Mapping[str, Any], claims: Mapping[str, Claim]) -> Iterator[Finding]:
    """Findings about verdicts that do not say of a built-in claim what the claim says of itself.

    Parameters
    ----------
    content : mapping
        Of a verdict file that was read by :func:`stabkit.replay.replay`.
    claims : mapping of str to Claim
    """
    for verdict in content["verdicts"]:
        entry = claims.get(verdict["claim"])
        for reason in () if entry is None else _reasons(verdict, entry, content["seed"]):
            yield Finding(verdict["claim"], verdict["status"], "verdict", False, reason)


def _reasons(verdict: Mapping[str, Any], entry: Claim, seed: int) -> Iterator[str]:
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
