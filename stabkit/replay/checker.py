"""Verdict files: their form, the seal on each piece of evidence, and whether the evidence holds."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from os import PathLike
from typing import Any

from stabkit.errors import InvalidEvidence
from stabkit.replay.calculation import Calculation, at
from stabkit.replay.language import shortened

MAX_BYTES = 1 << 26

_NUMBER = (int, float)
_STATUSES = ("proved", "refuted", "supported", "undecided", "inapplicable")

# key -> types of its value, or a tuple of the words it may be
_FILE = {
    "stabkit": (str,), "seed": (int,), "budget": _NUMBER, "environment": (dict,),
    "verdicts": (list,),
}
_VERDICT = {
    "claim": (str,), "location": (str,), "reading": ("printed", "corrected"),
    "status": _STATUSES, "expected": _STATUSES, "as_expected": (bool,),
    "configurations": (int,), "trials": (int,), "margin": (*_NUMBER, type(None)),
    "sharp": (bool, type(None)), "tightness": (*_NUMBER, type(None)), "evidence": (list,),
}
_EVIDENCE = {
    "kind": ("witness", "certificate", "trials"), "arithmetic": ("rational", "ball", "float64"),
    "configuration": (dict,), "data": (dict,),
}
_CALCULATION = {"given": (dict,), "let": (list,), "shows": (list,), "by": (str,)}
_OPTIONAL = {"margin": (str,), "margin_value": (*_NUMBER, str), "seal": (str,)}
_TRIALS = {"trials": (int,), "seed": (int,), "worst": (*_NUMBER, type(None))}


@dataclass(frozen=True)
class Finding:
    """What the checker found about one piece of evidence, or about a verdict as a whole.

    Attributes
    ----------
    claim, status : str
        Of the verdict.
    kind : str
        "witness", "certificate" or "trials"; "verdict" where the verdict contradicts itself.
    holds : bool
        Whether every step was confirmed.
    reason : str
        What was shown; else the condition that fails, with its values.
    evidence : int or None
        The position of the evidence in its verdict.
    """

    claim: str
    status: str
    kind: str
    holds: bool
    reason: str
    evidence: int | None = None


def replay(source: str | PathLike | Mapping[str, Any]) -> list[Finding]:
    """Check every piece of evidence in a verdict file.

    Parameters
    ----------
    source : path or dict
        A verdict file, or its content.

    Returns
    -------
    list of Finding
        One per piece of evidence, and one per verdict that contradicts itself.

    Raises
    ------
    InvalidEvidence
        If the file cannot be read or is not of the known form; the message names the place.
    """
    content = _read(source)
    _require(content, _FILE)
    findings: list[Finding] = []
    for i, verdict in enumerate(content["verdicts"]):
        with at(f"verdicts[{i}]"):
            _require(verdict, _VERDICT)
            for k, evidence in enumerate(verdict["evidence"]):
                with at(f"evidence[{k}]"):
                    holds, reason = _examined(evidence, verdict)
                findings.append(Finding(verdict["claim"], verdict["status"], evidence["kind"],
                                        holds, reason, k))
            findings += _contradictions(verdict)
    return findings


def check(evidence: Mapping[str, Any]) -> str | None:
    """Check one piece of evidence, sealed or not: None if it holds, else what fails."""
    holds, reason = _examined(evidence, None)
    return None if holds else reason


def seal(verdict: Mapping[str, Any], evidence: Mapping[str, Any]) -> str:
    """The SHA-256 (hex) of a verdict and one piece of its evidence, in canonical JSON.

    The verdict counts without its list of evidence, the evidence without its own seal.
    """
    sealed = {
        "verdict": {key: x for key, x in verdict.items() if key != "evidence"},
        "evidence": {**evidence, "data": {
            key: x for key, x in evidence["data"].items() if key != "seal"}},
    }
    try:
        text = json.dumps(sealed, sort_keys=True, separators=(",", ":"), ensure_ascii=False,
                          allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidEvidence(f"cannot be sealed: {error}") from None
    return hashlib.sha256(text).hexdigest()


def _examined(evidence: Any, verdict: Mapping[str, Any] | None) -> tuple[bool, str]:
    """Whether one piece of evidence holds, and the reason; without a verdict no seal is needed."""
    _require(evidence, _EVIDENCE)
    data = evidence["data"]
    with at("data"):
        if verdict is not None:
            _require(data, {"seal": (str,)})
        calculation = _calculation(evidence)
        if verdict is not None and data["seal"] != seal(verdict, evidence):
            return False, "the seal is broken: the verdict or this evidence has been changed"
        if calculation is None:
            return True, f"{data['trials']} trials are recorded; they are not repeated here"
        holds, reason = calculation.decide()
    if holds and evidence["arithmetic"] == "rational" and not calculation.rational:
        return False, "the arithmetic is called rational, but the numbers are not all rational"
    return holds, reason


def _calculation(evidence: Mapping[str, Any]) -> Calculation | None:
    """The calculation in a witness or certificate; None for trials."""
    data = evidence["data"]
    if evidence["kind"] == "trials":
        _require(data, _TRIALS)
        return None
    if evidence["arithmetic"] == "float64":
        raise InvalidEvidence(f"a {evidence['kind']} cannot rest on float64")
    _require(data, _CALCULATION)
    _require(data, {key: types for key, types in _OPTIONAL.items() if key in data})
    if unknown := sorted(set(data) - set(_CALCULATION) - set(_OPTIONAL)):
        raise InvalidEvidence(f"unknown key {shortened(unknown[0])}")
    if not data["shows"]:
        raise InvalidEvidence("shows: is empty")
    return Calculation(data, rounding=evidence["arithmetic"] == "ball")


def _contradictions(verdict: Mapping[str, Any]) -> Iterator[Finding]:
    """What is wrong with a verdict even if all of its evidence holds."""
    claim, status = verdict["claim"], verdict["status"]
    if verdict["as_expected"] != (status == verdict["expected"]):
        yield Finding(claim, status, "verdict", False,
                      f"as_expected is {verdict['as_expected']}, but {status} was found and "
                      f"{verdict['expected']} expected")
    kinds = {evidence["kind"] for evidence in verdict["evidence"]}
    if status in ("proved", "refuted") and not kinds & {"witness", "certificate"}:
        yield Finding(claim, status, "verdict", False,
                      f"it is called {status} without a certificate or witness")


# -- reading -----------------------------------------------------------------------------------


def _require(thing: Any, form: Mapping[str, tuple]) -> None:
    """Raise unless `thing` is a JSON object with these keys, of these types or words."""
    if not isinstance(thing, dict):
        raise InvalidEvidence(f"expected an object, got {type(thing).__name__}")
    for key, allowed in form.items():
        if key not in thing:
            raise InvalidEvidence(f"{key}: is missing")
        value = thing[key]
        if isinstance(allowed[0], str) and value not in allowed:
            raise InvalidEvidence(f"{key}: must be one of {', '.join(allowed)}")
        if isinstance(allowed[0], type) and type(value) not in allowed:
            names = " or ".join(kind.__name__ for kind in allowed)
            raise InvalidEvidence(f"{key}: must be {names}, got {type(value).__name__}")


def _read(source: str | PathLike | Mapping[str, Any]) -> Any:
    """The JSON content of a file; a dict is read as the file it would make."""
    try:
        if isinstance(source, Mapping):
            text = json.dumps(dict(source))
        else:
            with open(source, "rb") as file:
                text = file.read(MAX_BYTES + 1).decode()
        if len(text) > MAX_BYTES:
            raise InvalidEvidence(f"the file has more than {MAX_BYTES} bytes")
        return json.loads(text, parse_float=_float, parse_constant=_constant,
                          object_pairs_hook=_object)
    except OSError as error:
        raise InvalidEvidence(f"cannot read {source}: {error.strerror or error}") from None
    except (TypeError, ValueError) as error:
        raise InvalidEvidence(f"not a JSON file: {error}") from None
    except RecursionError:
        raise InvalidEvidence("not a JSON file: nested too deeply") from None


def _constant(token: str) -> Any:
    raise InvalidEvidence(f"{token} is not a JSON number")


def _float(text: str) -> float:
    """The float; refused if the text has digits that it cannot hold, as no seal protects them."""
    value = float(text)
    if not math.isfinite(value):
        raise InvalidEvidence(f"{shortened(text)} is too large for a float")
    try:
        exact = Decimal(text) == Decimal(repr(value))
    except ArithmeticError:
        exact = False
    if not exact:
        raise InvalidEvidence(f"{shortened(text)} has more digits than a float holds")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise InvalidEvidence(f"the key {shortened(twice)} occurs twice")
    return content
