"""Planted contraries: a claim decided with another constant, formula or hypothesis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any

from stabkit.claims.claim import Claim
from stabkit.claims.settle import settle
from stabkit.stability.verdict import PROVED, REFUTED, Status


@dataclass(frozen=True)
class Planted:
    """What is changed in a claim.

    Attributes
    ----------
    put : mapping of str to object
        ``"module.name"`` of the claim's source, and what stands there instead.
    within : mapping of str to sequence
        Values of arguments instead of the claim's own: a bound that is overstepped, or a
        hypothesis that a wrong statement lacks.
    decided : bool
        Whether the contrary must come out; else the statement must only not be called true.
    """

    put: Mapping[str, Any] = field(default_factory=dict)
    within: Mapping[str, Any] = field(default_factory=dict)
    decided: bool = True


def wanted(entry: Claim) -> Status:
    """The verdict of the contrary: a true claim becomes a wrong one, and the other way round."""
    return REFUTED if entry.expected is not REFUTED else PROVED


def status_of(entry: Claim, planted: Planted, monkeypatch: Any) -> Status:
    """The verdict on the changed claim."""
    for place, value in planted.put.items():
        module, name = place.split(".")
        monkeypatch.setattr(import_module(f"stabkit.claims.{entry.paper}.{module}"), name, value)
    changed = replace(entry, within={**entry.within, **planted.within}, beyond={}, for_all={})
    return settle(changed, 128, 0).status
