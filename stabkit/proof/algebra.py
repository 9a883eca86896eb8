"""Statements of one step, ``goal >= 0`` or ``goal == 0``, and proofs that add up.

A statement has the keys of :mod:`stabkit.proof.setting` and ``"goal"``.  A proof is

``{"times": "L", "lemmas": [...], "steps": [{"use": "sector", "at": "E", "times": "2*tau"}, ...]}``

and says that

    (a factor > 0) · goal = Σ (a factor >= 0) · (what a rule says is >= 0) + Σ anything @ equation

as an identity between words.  A goal ``== 0`` may use equations alone, and may be a vector or an
operator.  A lemma is an inequality with a proof of its own, which what comes later may use as
`known`; since each looks only at those before it, none can lean on itself.  ``"rest": {"Z": "E"}``
adds a visit Z at 0 of the flux of E, whose value a sector says is 0; its energy is called p_Z.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from stabkit.errors import InvalidEvidence
from stabkit.proof import facts, setting
from stabkit.proof.aliases import Data
from stabkit.proof.setting import Setting
from stabkit.proof.text import fields, new_name, parse, relation, table, text_of
from stabkit.proof.words import Expression

MAX_STEPS = 200
MAX_LEMMAS = 20


@dataclass(frozen=True)
class Statement:
    """What is to be shown of a setting."""

    setting: Setting
    goal: Expression
    relation: str  # ">=" or "=="


def read(data: dict) -> Statement:
    """The statement that a dictionary describes."""
    data = fields(data, ("kind", "goal"), setting.KEYS)
    given = setting.read(data)
    return Statement(given, *goal(given, data["goal"]))


def goal(given: Setting, text: Data) -> tuple[Expression, str]:
    """The left side and the relation of a goal; only a number can be >= 0."""
    left, sign = relation(text, (">=", "=="))
    return (given.form(left) if sign == ">=" else parse(left, given.names)), sign


def check(statement: Statement, proof: Data) -> None:
    """Add the proof up.

    Raises
    ------
    InvalidEvidence
        If the proof is not of the form above, or does not show the statement.
    """
    for name, part, times, steps in parts(statement, proof):
        rest = part.goal * facts.multiplier(part.setting, times, strict=True)
        for number, step in enumerate(steps):
            try:
                rest = rest - contribution(part.setting, step, part.relation)
            except InvalidEvidence as error:
                raise InvalidEvidence(f"{name}step {number + 1}: {error}") from None
        if not rest.is_zero():
            raise InvalidEvidence(f"{name}the sum does not add up: {text_of(rest)[:200]} is left "
                                  "over")


def parts(statement: Statement, proof: Data) -> Iterator[tuple[str, Statement, Any, list]]:
    """The lemmas and at last the statement, each with its name, its factor and its steps."""
    proof = fields(proof, ("steps",), ("times", "lemmas", "rest"))
    given = add_rests(replace(statement.setting, known=dict(statement.setting.known)), proof)
    for lemma in _list(proof.get("lemmas", []), MAX_LEMMAS):
        lemma = fields(lemma, ("name", "shows", "steps"), ("times",))
        name = new_name(lemma["name"], given.names_in_use)
        shown = given.form(relation(lemma["shows"], (">=",))[0])
        known = replace(given, known=dict(given.known))
        yield f"{name}: ", Statement(known, shown, ">="), lemma.get("times", "1"), \
            _list(lemma["steps"], MAX_STEPS)
        given.known[name] = shown
    yield "", Statement(given, statement.goal, statement.relation), proof.get("times", "1"), \
        _list(proof["steps"], MAX_STEPS)


def add_rests(given: Setting, proof: dict) -> Setting:
    """The setting with the visits at 0 that a proof adds."""
    rests = table(proof.get("rest", {}))
    if rests:
        given = replace(given, names=dict(given.names), visits=dict(given.visits))
    for name, like in rests.items():
        given.rest(name, like)
    return given


def _list(data: Data, at_most: int) -> list:
    if not isinstance(data, list) or len(data) > at_most:
        raise InvalidEvidence(f"steps, lemmas: must be lists of at most {at_most}")
    return data


def contribution(given: Setting, step: Any, sign: str) -> Expression:
    """What a step takes from the goal."""
    if not isinstance(step, dict) or "use" not in step:
        raise InvalidEvidence("a step needs the name of the rule that it uses")
    if step["use"] == "equation":
        return facts.zero(given, step)
    if sign == "==":
        raise InvalidEvidence("an equation follows from equations alone")
    factor = facts.multiplier(given, step.get("times", "1"))
    return facts.nonnegative(given, step) * factor
