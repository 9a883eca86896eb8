"""Search a proof of a sum: solve, round, scale back.  The kernel checks what is found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from stabkit.aliases import Record
from stabkit.errors import InvalidEvidence
from stabkit.multipliers.hypotheses import Block, blocks, form, rests
from stabkit.multipliers.largest_values import Weight
from stabkit.multipliers.linear_systems import complete, factors, reduce_system
from stabkit.multipliers.program import SETTINGS
from stabkit.multipliers.rounding import ACCEPTED, Found, round_multipliers
from stabkit.multipliers.scaling import Scaling, difference, least, product, scale_setting
from stabkit.proof import algebra
from stabkit.proof.words import Expression
from stabkit.time_limit import time_is_over

DEPTHS = (1, 2)  # operators before a letter, in the vectors that are tried
NOTHING = "no proof found in this class of multipliers"

Step = tuple[Record, Fraction, str, Weight]  # rule, factor, condition, weight


def search_sum(statement: algebra.Statement) -> tuple[Record | None, str]:
    """A proof of a statement of one step that the kernel accepts, or None and why.

    Raises
    ------
    InvalidArgument
        If the solver is not installed, or a parameter cannot be put to a number.
    """
    if statement.relation == "==":
        return _of_equation(statement)
    if statement.goal.is_zero():
        return {"steps": []}, ""
    resting = rests(statement.setting)
    given = algebra.add_rests(statement.setting, {"rest": resting})
    scale = scale_setting(given, [statement.goal])
    goal = scale.put(statement.goal)
    reason = NOTHING
    for depth in DEPTHS:
        all_ = blocks(scale.reduced, [goal], depth)
        for setting in SETTINGS:
            if time_is_over():
                return None, f"{reason}; its time was over"
            found, left = round_multipliers(form(goal), all_, setting)
            if found is None:
                if left < ACCEPTED:
                    reason = "multipliers were found in floating point, but could not be rounded"
                continue
            try:
                proof = proof_of_sum(scale, statement.goal, found, resting)
                algebra.check(statement, proof)
            except InvalidEvidence as error:
                reason = f"multipliers were found, but the kernel does not accept them: {error}"
                continue
            return proof, ""
    return None, reason


def _of_equation(statement: algebra.Statement) -> tuple[Record | None, str]:
    """Both sides multiplied out, and multiples of equations that are numbers."""
    given = statement.setting
    names = [name for name, x in given.equations.items() if (x.to, x.of) == ("1", "1")]
    found = None
    if (statement.goal.to, statement.goal.of) == ("1", "1"):
        goal, columns = form(statement.goal), [form(given.equations[name]) for name in names]
        keys = sorted({*goal, *(key for column in columns for key in column)}, key=repr)
        system = reduce_system(columns, keys, goal)
        found = None if system is None else complete(*system, {})
    steps = [] if found is None else [{"use": "equation", "of": name, "with": str(c)}
                                      for name, c in zip(names, found, strict=True) if c]
    try:
        algebra.check(statement, {"steps": steps})
    except InvalidEvidence as error:
        return None, str(error)
    return {"steps": steps}, ""


def proof_of_sum(scale: Scaling, goal: Expression, found: Found, resting: Mapping[str, str],
                 more: tuple[Record, ...] = ()) -> Record:
    """The proof of what is given, from multipliers for what is scaled; `more` has the factor 1."""
    used = {name for block, _ in found for name in block.step.get("at", ())}
    rest = {name: like for name, like in resting.items() if name in used}
    steps = [step for block, X in found for step in _steps(scale, block, X)]
    steps += [(made, Fraction(1), "", weight) for made, weight in map(scale.back, more)]
    own = scale.weight(goal)
    low = least([own, *(weight for *_, weight in steps)])
    return {**({"rest": rest} if rest else {}), "times": product(Fraction(1), difference(own, low)),
            "steps": [_write_rule(rule, factor, condition, difference(weight, low))
                      for rule, factor, condition, weight in steps]}


def _write_rule(rule: Record, factor: Fraction, condition: str, powers: Weight
                ) -> Record:
    times = product(factor, powers, condition)
    if rule["use"] == "equation":
        return {**rule, "with": f"{times}*({rule['with']})"}
    return {**rule, "times": times}


def _steps(scale: Scaling, block: Block, X: list[list[Fraction]]) -> Iterator[Step]:
    rule = block.step
    if not block.vectors:
        made, weight = scale.back(rule)
        yield made, X[0][0], "", weight
        return
    for pivot, column in factors(X) or ():
        x = sum((c * v for c, v in zip(column[1:], block.vectors[1:], strict=True) if c),
                column[0] * block.vectors[0])
        made, weight = scale.back({**rule, "x": x})
        yield made, pivot, "", weight
        top = scale.tops.get(rule.get("of", "").removesuffix(".T")) \
            if rule["use"] == "bound" else None
        if top is not None:  # T|x|² − |Kx|² = (c|x|² − |Kx|²) + (T − c)|x|²
            square, weight = scale.back({"use": "square", "x": x})
            yield square, pivot / top.slope, top.condition, difference(
                weight, {name: -k for name, k in top.weight.items()})
