"""Search a form V of the state that does not grow, and so a bound after any number of steps.

V is an unknown sum of products of the vectors of the state and of energies.  It is in three sums:
V(state) − V(next), V(state) − |what is bounded, next|² and C·by(start) − V(start) are >= 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from stabkit.aliases import Record
from stabkit.errors import InvalidEvidence
from stabkit.multipliers.hypotheses import Block, Form, blocks, combine, form, pairs_of, rests
from stabkit.multipliers.hypotheses import vectors as ends_of_words
from stabkit.multipliers.program import SETTINGS, solve
from stabkit.multipliers.rounding import Found, round_multipliers
from stabkit.multipliers.scaling import Scaling, difference, least, product, scale_setting
from stabkit.multipliers.search import DEPTHS, NOTHING, proof_of_sum
from stabkit.proof import algebra, check, iteration
from stabkit.proof.setting import Setting
from stabkit.proof.text import text_of
from stabkit.proof.words import NUMBERS, Expression
from stabkit.time_limit import time_is_over

PARTS = ("step", "end", "base")
ROOM = Fraction(11, 10)  # the constant is this much larger than the least one, so there is room


@dataclass(frozen=True)
class Unknown:
    """The problem in which V is unknown.

    Attributes
    ----------
    settings : mapping of str to Scaling
        Of the three parts.
    terms : list of Expression
        That V may be made of.
    begun, after : list of Expression
        The same at the start and after a step.
    resting : mapping of str to str
        Visits at 0, for the proof.
    """

    settings: dict[str, Scaling]
    terms: list[Expression]
    begun: list[Expression]
    after: list[Expression]
    resting: dict[str, str]


def search_bound(state: Callable[[str], Record], by: str, of: str
                 ) -> tuple[Record | None, Record | None, str]:
    """A constant C with |of|² <= C·by after every number of steps, and a proof.

    Parameters
    ----------
    state : callable
        The statement of the iteration with this goal.
    by, of : str
        Texts of forms, of the start and of the state.

    Returns
    -------
    statement, proof : dict or None
    reason : str
    """
    hollow = iteration.read(state(f"{by} >= 0"))
    reason = NOTHING
    for depth in DEPTHS:
        problem = _unknown(hollow, by, of, depth)
        made = problem.settings["step"]
        ends = {"by": hollow.setting.form(by), "of": hollow.setting.form(of).put(hollow.next)}
        goal = _tag("end", form(made.put(ends["of"])), -1)
        all_ = _all_blocks(problem, depth)
        scale_of_goal = _least_constant(problem, goal, ends["by"], all_)
        if scale_of_goal is None:
            continue
        C = scale_of_goal
        goal = combine([(Fraction(1), goal), (C, _tag("base", form(made.put(ends["by"]))))])
        for setting in SETTINGS:
            if time_is_over():
                return None, None, f"{reason}; its time was over"
            found, _ = round_multipliers(goal, all_, setting)
            if found is None:
                continue
            statement = state(f"{C}*({by}) - ({of}) >= 0")
            try:
                proof = _proof(problem, hollow, statement, found, f"{C}*({by})")
                check(statement, proof)
            except InvalidEvidence as error:
                reason = f"a form was found, but the kernel does not accept the proof: {error}"
                continue
            return statement, proof, ""
    return None, None, reason


def _unknown(hollow: iteration.Statement, by: str, of: str, depth: int) -> Unknown:
    resting = rests(hollow.setting)
    terms = list(_terms(hollow, resting, depth))
    invariants = {f"V{k}": f"{text_of(q)} >= 0" for k, q in enumerate(terms)}
    none: Record = {name: {"steps": []} for name in invariants}
    parts = iteration.obligations(hollow, {"rest": resting, "invariants": invariants,
                                           "base": none, "step": none, "end": {"steps": []}})
    base, step = ([part for name, part, _ in parts if name.startswith(kind)]
                  for kind in ("base", "step"))
    known = hollow.setting.known
    after = replace(step[0].setting, known=dict(known))
    scale = scale_setting(after, [*terms, hollow.setting.form(by), hollow.setting.form(of)])
    first = replace(scale, given=replace(base[0].setting, known=dict(known)))
    first.reduced = first.numbers()
    return Unknown({"step": scale, "end": scale, "base": first}, terms,
                   [part.goal for part in base], [part.goal for part in step], resting)


def _terms(hollow: iteration.Statement, resting: Mapping[str, str], depth: int
           ) -> Iterator[Expression]:
    """Products of vectors of the state, values and energies there."""
    given = algebra.add_rests(hollow.setting, {"rest": dict(resting)})
    visits = [visit for visit in given.visits.values() if _of_state(hollow, visit.at)]
    made = Setting(names=given.names, visits={str(k): visit for k, visit in enumerate(visits)})
    letters = [given.names[name] for name in hollow.start if given.names[name].to != NUMBERS]
    inside = {space: [x for x in found if _only(x, hollow, visits)] for space, found in
              ends_of_words(made, [*letters, *hollow.next.values()], depth).items()}
    yield from pairs_of(inside)
    for visit in visits:
        rest = next((name for name, like in resting.items()
                     if given.visits[like].flux == visit.flux
                     and given.visits[like].at.to == visit.at.to), None)
        if visit.energy is not None and rest is not None:
            yield visit.energy - given.visits[rest].energy


def _of_state(hollow: iteration.Statement, at: Expression) -> bool:
    values = {name for visit in hollow.setting.visits.values() for name in visit.value.letters}
    return bool(at.letters & set(hollow.start)) and not at.letters & (hollow.changing | values)


def _only(x: Expression, hollow: iteration.Statement, visits: list[Any]) -> bool:
    """Whether a vector is one of the state, or of values at visits there."""
    values = {name for visit in visits for name in visit.value.letters}
    last = next(iter(x.terms))[0][-1].name
    return last in {*hollow.start, *values} and not x.letters & hollow.changing


def _tag(part: str, what: Form, sign: int = 1) -> Form:
    return {(part, key): sign * c for key, c in what.items()}


def _all_blocks(problem: Unknown, depth: int) -> list[Block]:
    """The rules of the three parts, and V's coefficients."""
    put = problem.settings["step"].put
    found = []
    for part in PARTS:
        goals = {"step": [put(x) for x in (*problem.terms, *problem.after)],
                 "end": [put(x) for x in (*problem.terms, *problem.after)],
                 "base": [put(x) for x in problem.begun]}[part]
        for block in blocks(problem.settings[part].reduced, goals, depth):
            found.append(Block({**block.step, "part": part}, block.vectors, {
                pair: _tag(part, entry) for pair, entry in block.forms.items()}, block.free))
    for k, (now, then, first) in enumerate(zip(problem.terms, problem.after, problem.begun,
                                               strict=True)):
        q = form(put(now))
        found.append(Block({"V": k}, [], {(0, 0): combine([
            (Fraction(-1), _tag("step", q)), (Fraction(1), _tag("step", form(put(then)))),
            (Fraction(-1), _tag("end", q)),
            (Fraction(1), _tag("base", form(put(first))))])}, free=True))
    return found


def _least_constant(problem: Unknown, goal: Form, by: Expression, all_: list[Block]
                    ) -> Fraction | None:
    """A simple number above the least C for which there is such a form."""
    constant = Block({}, [], {(0, 0): _tag("base", form(problem.settings["base"].put(by)), -1)})
    found = solve(goal, [constant, *all_], 1e-6, {0: 1.0})
    if found is None or found.residual > 1e-5 or found.values[0] > 1e6:
        return None
    least_one = Fraction(float(found.values[0])) * ROOM
    size = next(size for size in (1, 10, 100, 1000) if least_one * size >= 10 or size == 1000)
    return Fraction(-(-(least_one * size).numerator // (least_one * size).denominator), size)


def _proof(problem: Unknown, hollow: iteration.Statement, statement: Record,
           found: Found, first: str) -> Record:
    """The induction: what V is, and the three sums."""
    scale = problem.settings["step"]
    c = {block.step["V"]: X[0][0] for block, X in found if "V" in block.step}
    own = scale.weight(hollow.setting.form(first))
    weights = {k: difference(scale.weight(problem.terms[k]), own) for k in c}
    low = least([{}, *weights.values()])
    V = " ".join(f"- {product(x, difference(weights[k], low))}*({text_of(problem.terms[k])})"
                 for k, x in c.items()).replace("- -", "+ ")
    J = f"{product(Fraction(1), difference({}, low))}*({first}) {V} >= 0".removeprefix("1*")
    hollow_steps: Record = {"steps": []}
    rest = {"rest": problem.resting} if problem.resting else {}
    proof = {**rest, "invariants": {"J": J}, "base": {"J": hollow_steps},
             "step": {"J": hollow_steps}, "end": hollow_steps}
    parts = dict(zip(("base", "step", "end"), (
        part for _, part, _ in iteration.obligations(iteration.read(statement), proof)),
        strict=True))
    known = {"use": "known", "of": "J"}
    sums = {}
    for name, part in parts.items():
        here = replace(problem.settings[name], given=part.setting)
        mine = [(replace(block, step={key: x for key, x in block.step.items() if key != "part"}),
                 X) for block, X in found if block.step.get("part") == name]
        more = () if name == "base" else (known,)
        sums[name] = proof_of_sum(here, part.goal, mine, {}, more)
    return {**proof, "base": {"J": sums["base"]}, "step": {"J": sums["step"]},
            "end": sums["end"]}
