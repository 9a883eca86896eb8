"""Statements of any number of steps, and proofs by induction.

A statement has the keys of :mod:`stabkit.proof.setting` (they describe one step) and

==============  ==================================================================================
counter         "l": a parameter that is 0, 1, 2, ... at the steps
state           {"v": "N"}: what a step changes
start           {"v": "u"}: the state before the first step
next            {"v": "u - tau*K.T@f"}: the state after a step
changing        ["K", "tau"]: what may be another one at every step, such as what an equation
                determines anew; spaces that only occur in these may be others, too
goal            "u.T@u - v.T@v >= 0": holds after every number of steps >= 1
==============  ==================================================================================

A proof is ``{"ghosts": ..., "invariants": {"J": "... >= 0"}, "base": {"J": proof}, "step":
{"J": proof}, "end": proof}`` with proofs as in :mod:`stabkit.proof.algebra`:

* base: J holds at the start, where a visit at the same point is the same visit;
* step: if all invariants hold before a step, J holds after it.  A visit E whose point depends on
  the state has a successor E_next with the letters f_next, p_next;
* end: if all invariants hold before a step, the goal holds after it.

A ghost {"b": {"in": "N", "start": "0", "next": "a + C@b"}} is a further state, which the proof
defines, in a space of the state or of an operator that does not change, since others may.
Invariants speak of the state and of what does not change, else they would speak of another operator
after the step than before it.

``"rest": {"Z": "E"}`` adds a visit at 0, as in :mod:`stabkit.proof.algebra`, to all parts.  Where
the letters of E may change from step to step, by its flux or its space, so may its energy.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace
from typing import Any

from stabkit.errors import InvalidEvidence
from stabkit.proof import algebra, setting
from stabkit.proof.aliases import Data
from stabkit.proof.setting import Setting
from stabkit.proof.text import fields, new_name, table
from stabkit.proof.words import NUMBERS, Expression, expression, parameter

Values = dict[str, Expression]


@dataclass
class Statement:
    """One step, read, and where its state comes from and goes to."""

    setting: Setting
    start: Values
    next: Values
    changing: set[str]
    goal: tuple[Expression, str]
    fixed: tuple[str, ...] = ()  # the operators


def read(data: dict) -> Statement:
    """The statement that a dictionary describes."""
    data = fields(data, ("kind", "goal", "state", "start", "next"),
                  (*setting.KEYS, "counter", "changing"))
    counter, state = data.get("counter"), table(data["state"])
    signs, vectors = (table(data.get(key, {})) for key in ("parameters", "vectors"))
    if counter is not None:
        signs = {**signs, new_name(counter, signs): ">= 0"}
    if set(state) & set(vectors):
        raise InvalidEvidence("state: a name is declared twice")
    given = setting.read({**data, "parameters": signs, "vectors": {**vectors, **state}})
    changing = data.get("changing", [])
    if not isinstance(changing, list) or not all(
            isinstance(name, str) and name in {**given.names, **given.fluxes} for name in changing):
        raise InvalidEvidence("changing: must be a list of names that are declared")
    start, after = ({name: given.vector(text, given.names[name].to) for name, text
                     in fields(data[key], tuple(state)).items()} for key in ("start", "next"))
    if counter is not None:
        start[counter], after[counter] = expression(0), parameter(counter) + 1
    made = Statement(given, start, after, set(changing), algebra.goal(given, data["goal"]),
                     tuple(table(data.get("operators", {}))))
    _enclose(made)
    steady(made, made.goal[0])
    _start_is_steady(made)
    return made


def steady(statement: Statement, x: Expression, besides: Set[str] = frozenset()) -> None:
    """Refuse what may be another one at the next step."""
    strays = sorted(x.letters & (statement.changing | besides))
    if strays:
        raise InvalidEvidence(f"{strays[0]} may change from step to step, or is not there yet")


def _enclose(statement: Statement) -> None:
    """Letters of visits that change with what they depend on are changing, too."""
    for visit in statement.setting.visits.values():
        if visit.flux in statement.changing or visit.at.letters & statement.changing:
            statement.changing.update(_names(visit))


def check(statement: Statement, proof: Data) -> None:
    """Check all parts of the induction.

    Raises
    ------
    InvalidEvidence
        If a part is missing, of another form, or does not hold.
    """
    for place, part, part_proof in obligations(statement, proof):
        try:
            algebra.check(part, part_proof)
        except InvalidEvidence as error:
            raise InvalidEvidence(f"{place}: {error}") from None


def obligations(statement: Statement, proof: Data) -> list[tuple[str, algebra.Statement, Any]]:
    """What the induction must show, each with its name and its proof."""
    proof = fields(proof, ("invariants", "base", "step", "end"), ("ghosts", "rest"))
    statement = with_ghosts(with_rests(statement, proof), table(proof.get("ghosts", {})))
    given = statement.setting
    before = replace(given, equations=dict(given.equations), known=dict(given.known),
                     visits=dict(given.visits), names=dict(given.names))
    after, at_start = _successors(statement, before), start_values(statement)
    invariants = {}
    for name, text in table(proof["invariants"]).items():
        shown, sign = invariants[new_name(name, before.names_in_use)] = algebra.goal(given, text)
        steady(statement, shown)
        (before.known if sign == ">=" else before.equations)[name] = shown
    base, step = (fields(proof[key], tuple(invariants)) for key in ("base", "step"))
    parts = []
    for name, (shown, sign) in invariants.items():
        at_first = algebra.Statement(given, shown.put(at_start), sign)
        later = algebra.Statement(before, shown.put(after), sign)
        parts += [(f"base of {name}", at_first, base[name]),
                  (f"step of {name}", later, step[name])]
    shown, sign = statement.goal
    return [*parts, ("end", algebra.Statement(before, shown.put(after), sign), proof["end"])]


def with_rests(statement: Statement, proof: dict) -> Statement:
    """The statement with the visits at 0 that a proof adds."""
    given = algebra.add_rests(statement.setting, proof)
    made = replace(statement, setting=given, changing=set(statement.changing))
    for name, like in table(proof.get("rest", {})).items():
        if _names(given.visits[like])[0] in made.changing:
            made.changing.add("p_" + name)
    return made


def with_ghosts(statement: Statement, ghosts: dict) -> Statement:
    """The statement with the further states that a proof defines."""
    given = replace(statement.setting, names=dict(statement.setting.names))
    ghosts = {name: fields(entry, ("in", "start", "next")) for name, entry in ghosts.items()}
    spaces = {NUMBERS, *(given.names[name].to for name in statement.start)}
    for name in set(statement.fixed) - statement.changing:
        spaces |= {given.names[name].to, given.names[name].of}
    for name, entry in ghosts.items():
        if not isinstance(entry["in"], str) or entry["in"] not in spaces:
            raise InvalidEvidence(f"{name}: a ghost lives in a space of the state, or of an "
                                  "operator that does not change")
        given.declare(name, entry["in"])
    made = replace(statement, setting=given, start=dict(statement.start),
                   next=dict(statement.next))
    for name, entry in ghosts.items():
        made.start[name] = given.vector(entry["start"], entry["in"])
        made.next[name] = given.vector(entry["next"], entry["in"])
    _start_is_steady(made)
    return made


def _start_is_steady(statement: Statement) -> None:
    moving = set(statement.start).union(*(_names(visit) for _, visit in moving_visits(statement)))
    for value in statement.start.values():
        steady(statement, value, moving)


def moving_visits(statement: Statement) -> list[tuple[str, setting.Visit]]:
    """The visits whose points depend on the state, also by the value of another visit."""
    letters, found = set(statement.start), []
    for name, visit in statement.setting.visits.items():
        if visit.at.letters & letters:
            letters.update(_names(visit))
            found.append((name, visit))
    return found


def start_values(statement: Statement) -> Values:
    """What stands for the state, and for the visits at it, at the start."""
    values = dict(statement.start)
    fixed = dict(statement.setting.visits)
    for name, visit in moving_visits(statement):
        del fixed[name]
        point = visit.at.put(values)
        for other in fixed.values():
            if other.flux == visit.flux and other.at.to == visit.at.to and \
                    (point - other.at).is_zero():
                values.update(_letters(visit, other))
    return values


def _successors(statement: Statement, before: Setting) -> Values:
    """What stands for the state after a step; adds the visits there."""
    values = dict(statement.next)
    for name, visit in moving_visits(statement):
        letters = _names(visit)
        if letters[0] in statement.changing:
            continue
        before.visit(name + "_next", visit.flux, visit.at.put(values),
                     *(letter + "_next" for letter in letters))
        values.update(_letters(visit, before.visits[name + "_next"]))
    return values


def _names(visit: setting.Visit) -> list[str]:
    """The names of the letters of its value and energy."""
    return [min(part.letters) for part in (visit.value, visit.energy) if part is not None]


def _letters(visit: setting.Visit, other: setting.Visit) -> Values:
    """The letters of a visit, and what stands for them at another of the same flux."""
    there = [part for part in (other.value, other.energy) if part is not None]
    return dict(zip(_names(visit), there, strict=False))
