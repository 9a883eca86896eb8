"""Findings about a verdict file: seals, evidence, and verdicts beside their evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import stabkit.proof as proof
from stabkit.errors import InvalidEvidence
from stabkit.replay import work
from stabkit.replay.calculation import Calculation, at
from stabkit.replay.cells import gaps, unshown
from stabkit.replay.consistency import contradictions
from stabkit.replay.fields import Data, Fields
from stabkit.replay.language import MAX_CHARACTERS, shorten
from stabkit.replay.reading import (
    CALCULATION,
    EVIDENCE,
    FILE,
    MORE_OF_CALCULATION,
    MORE_OF_EVIDENCE,
    MORE_OF_PROOF,
    MORE_OF_TRIALS,
    MORE_OF_VERDICT,
    PROOF,
    TRIALS,
    VERDICT,
    read,
    require,
)
from stabkit.replay.seals import seal, seal_of

#: What the statement of a theorem may speak of that is applied to given matrices and fluxes.
_OF_MEMBERS = {"kind", "operators", "bounds", "fluxes", "vectors", "visits", "goal",
               "state", "start", "next"}
_NUMBER = re.compile(r"[0-9]+(/[0-9]+)?")
_ONE_VALUE = r"(?:(?! and | or | if )[^<>=])+"  # between two ends, so that it is one comparison


@dataclass(frozen=True)
class Finding:
    """What the checker found about one piece of evidence, or about a verdict as a whole.

    Attributes
    ----------
    claim, status : str
        Of the verdict.
    kind : str
        "witness", "certificate", "trials" or "proof"; "verdict" where the verdict contradicts
        itself, "file" where the file was changed; "statement" where it was compared with the claim.
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


def replay(source: str | PathLike | Fields) -> list[Finding]:
    """Check every piece of evidence in a verdict file.

    No claim is known here: that the evidence shows what its claim says is for
    ``stabkit.claims.statements.differences`` and ``stabkit.claims.rederived.listed_differences``,
    as the command ``stabkit replay --derive`` asks them.

    Parameters
    ----------
    source : path or dict
        A verdict file, or its content.

    Returns
    -------
    list of Finding
        One per piece of evidence, and one for every contradiction in a verdict or the file.

    Raises
    ------
    InvalidEvidence
        If the file cannot be read, is not of the known form, or takes more work than one file
        may; the message names the place.
    """
    content = read(source)
    require(content, FILE)
    if content["budget"] <= 0:
        raise InvalidEvidence(f"budget: must be positive, got {content['budget']}")
    if not content["verdicts"]:
        raise InvalidEvidence("verdicts: there is none, so nothing is shown")
    findings, allowance, claims = list(_faults_of_file(content)), _Allowance(), set()
    for i, verdict in enumerate(content["verdicts"]):
        with at(f"verdicts[{i}]"):
            findings += _of_verdict(verdict, allowance)
        if verdict["claim"] in claims:
            findings.append(Finding(verdict["claim"], verdict["status"], "verdict", False,
                                    "its claim has another verdict"))
        claims.add(verdict["claim"])
    return findings


def check(evidence: Fields, steps: int | None = None) -> str | None:
    """Check one piece of evidence, sealed or not: None if it holds, else what fails.

    Raises
    ------
    InvalidEvidence
        As :func:`replay` does, and where it takes more than so many `steps`, if they are given.
    """
    holds, reason = _examine(evidence, None, _Allowance(steps))
    return None if holds else reason


class _Allowance:
    """The steps that are left for the calculations of one file."""

    def __init__(self, steps: int | None = None) -> None:
        self.left = work.MAX_STEPS_OF_FILE if steps is None else steps


def _faults_of_file(content: Fields) -> Iterator[Finding]:
    if content["seal"] != seal_of(content):
        yield Finding("all verdicts", "sealed together", "file", False,
                      "the seal is broken: the file has been changed")


def _of_verdict(verdict: Data, allowance: _Allowance) -> Iterator[Finding]:
    require(verdict, VERDICT, MORE_OF_VERDICT)
    claim, status = verdict["claim"], verdict["status"]
    if not claim or not claim.isprintable():
        raise InvalidEvidence(f"claim: {shorten(claim)} is not a name in one line")
    for key in ("claim", "location"):  # they are sealed with every piece of evidence
        if len(verdict[key]) > MAX_CHARACTERS:
            raise InvalidEvidence(f"{key}: has more than {MAX_CHARACTERS} characters")
    for k, evidence in enumerate(verdict["evidence"]):
        with at(f"evidence[{k}]"):
            holds, reason = _examine(evidence, verdict, allowance)
        yield Finding(claim, status, evidence["kind"], holds, reason, k)
    if verdict["seal"] != seal_of(verdict):
        yield Finding(claim, status, "verdict", False,
                      "the seal is broken: the verdict or its list of evidence has been changed")
    for reason in (*contradictions(verdict), *gaps(verdict)):
        yield Finding(claim, status, "verdict", False, reason)


def _examine(evidence: Any, verdict: Fields | None, allowance: _Allowance
             ) -> tuple[bool, str]:
    """Whether one piece of evidence holds, and the reason; without a verdict no seal is needed."""
    require(evidence, EVIDENCE, MORE_OF_EVIDENCE)
    data = evidence["data"]
    with at("data"):
        if verdict is not None and type(data.get("seal")) is not str:
            raise InvalidEvidence("seal: is missing")
        calculation = None if evidence["kind"] == "proof" else \
            _calculation(evidence, allowance.left)
        if verdict is not None and data["seal"] != seal(verdict, evidence):
            return False, "the seal is broken: the verdict or this evidence has been changed"
        if evidence["kind"] == "proof":
            return _check_proof(evidence)
        if calculation is None:
            return True, f"{data['trials']} trials are recorded; they are not repeated here"
        holds, reason = calculation.decide()
        allowance.left -= calculation.work.used_steps
    if holds and evidence["arithmetic"] == "rational" and not calculation.rational:
        return False, "the arithmetic is called rational, but the numbers are not all rational"
    if holds and "cells" in data:
        with at("data.cells"):
            lacking = unshown(data)
        return (False, lacking) if lacking else (True, reason)
    if holds and "theorem" in data:
        with at("data.theorem"):
            holds, other = _apply_theorem(data)
        return holds, f"{other}; {reason}" if holds else other
    return holds, reason


def _apply_theorem(data: Fields) -> tuple[bool, str]:
    """Whether the theorem of a certificate is proved, of matrices that have its bounds."""
    theorem = data["theorem"]
    require(theorem, PROOF)
    shown = _theorem_holds(theorem)
    if not shown[0]:
        return shown
    statement = theorem["statement"]
    more = sorted(set(statement) - _OF_MEMBERS)
    if more:
        return False, f"it is not shown of the scheme what the theorem assumes in {', '.join(more)}"
    for letter, spaces in statement.get("operators", {}).items():
        if spaces.endswith("symmetric") and f"{letter} == {letter}.T" not in data["shows"]:
            return False, f"it is not shown that {letter} is symmetric, as the theorem assumes"
    for letter, bound in statement.get("bounds", {}).items():
        if not _NUMBER.fullmatch(bound):  # a sum would mean something else before "* I(n)"
            return False, f"{shorten(bound)}: a bound of |{letter}|^2 must be a plain number"
        number = rf"psd\({re.escape(bound)} \* I\([0-9]+\) - {letter}\.T @ {letter}\)"
        large = rf"gram_bound\({letter}\) <= {re.escape(bound)}"
        if letter not in data["given"] or not _is_among(f"{number}|{large}", data["shows"]):
            return False, f"it is not shown that |{letter}|^2 <= {bound}, as the theorem assumes"
    known = _by_flux(data.get("facts", {}))
    for name, facts in statement.get("fluxes", {}).items():
        lacking = min(([fact for fact, (low, high) in facts.items() if not _lies_between(
            low, high, _conditions_of_fact(fact, found))] for found in known), key=len)
        if lacking:
            return False, (f"it is not shown of {name}, by facts of one flux, what the theorem "
                           f"assumes as its {lacking[0]}")
    return shown


def _by_flux(facts: Fields) -> list[dict[str, list[str]]]:
    """For each flux that facts such as "soft: slopes [0, 1]" name, and for none, their conditions.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for name, conditions in facts.items():
        flux, _, fact = name.rpartition(": ")
        found.setdefault(flux, {}).setdefault(fact.partition(" ")[0], []).extend(conditions)
    return [*found.values(), {}]


def _conditions_of_fact(fact: str, found: Mapping[str, list[str]]) -> list[str]:
    """The conditions of a fact; slopes bound the sector as well, where Φ(0) = 0."""
    return found.get(fact) or (found.get("slopes", []) if "zero" in found else [])


def _lies_between(low: str, high: str, texts: Sequence[str]) -> bool:
    """Whether one of the conditions says so of one value on all of ℝ."""
    left = "" if low == "-inf" else f"{re.escape(low)} <= "
    right = "" if high == "inf" else f" <= {re.escape(high)}"
    return not left + right or _is_among(
        rf"all\({left}{_ONE_VALUE}{right} for x in cells\(\w+\)\)", texts)


def _is_among(pattern: str, texts: Sequence[str]) -> bool:
    return any(re.fullmatch(pattern, text) for text in texts)


def _check_proof(evidence: Fields) -> tuple[bool, str]:
    """Whether the kernel accepts the proof of the statement that stands beside it."""
    data = evidence["data"]
    require(data, PROOF, MORE_OF_PROOF)
    if evidence["arithmetic"] != "rational" or evidence["configuration"] or "place" in evidence:
        raise InvalidEvidence("a proof is exact, and of no configuration")
    return _theorem_holds(data)


def _theorem_holds(data: Fields) -> tuple[bool, str]:
    try:
        proof.check(data["statement"], data["proof"])
    except InvalidEvidence as error:
        return False, f"the proof does not show its statement: {error}"
    return True, f"proved for all {proof.reach(data['statement'])}"


def _calculation(evidence: Fields, steps: int) -> Calculation | None:
    """The calculation in a witness or certificate; None for trials."""
    data = evidence["data"]
    if evidence["kind"] == "trials":
        require(data, TRIALS, MORE_OF_TRIALS)
        return None
    if evidence["arithmetic"] == "float64":
        raise InvalidEvidence(f"a {evidence['kind']} cannot rest on float64")
    require(data, CALCULATION, MORE_OF_CALCULATION)
    if not data["shows"]:
        raise InvalidEvidence("shows: is empty")
    return Calculation(data, evidence["arithmetic"] == "ball", steps)
