"""Every theorem of the collection: accepted, true of random members, false when changed."""

import contextlib
import io
import json
import subprocess
import sys
import time

import pytest
from nested_data import changed

from stabkit.errors import InvalidEvidence
from stabkit.proof import THEOREMS, algebra, check, explain, iteration, read
from stabkit.proof.recipes import recipe

ALGEBRAIC = [name for name, theorem in THEOREMS.items()
             if theorem.statement["kind"] in ("algebra", "iteration")]

LONG = {f"fast semi-iterative cycle of {n}, monotone and odd flux, euclidean" for n in (3, 4)}


def refused(statement, proof):
    with pytest.raises(InvalidEvidence) as error:
        check(statement, proof)
    return str(error.value)


# -- accepted ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", THEOREMS)
def test_a_theorem_is_proved_also_after_a_trip_through_json(name):
    theorem = THEOREMS[name]
    check(theorem.statement, theorem.proof)
    check(*json.loads(json.dumps([theorem.statement, theorem.proof])))
    assert len(json.dumps(theorem.statement) + json.dumps(theorem.proof)) < 8000


@pytest.mark.slow
def test_all_theorems_are_checked_in_less_than_two_seconds():
    begin = time.process_time()
    for theorem in THEOREMS.values():
        check(theorem.statement, theorem.proof)
    assert time.process_time() - begin < 2


@pytest.mark.parametrize("name", THEOREMS)
def test_a_theorem_is_explained(name):
    theorem = THEOREMS[name]
    text = explain(theorem.statement, theorem.proof)
    assert ".T" not in text and "@" not in text and len(text) < 12_000


def said(program):
    """What a program prints."""
    with contextlib.redirect_stdout(io.StringIO()) as output:
        exec(program, {})
    return output.getvalue().splitlines()


@pytest.mark.parametrize("name", THEOREMS)
def test_plain_python_agrees(name):
    """A program that imports the standard library alone: another checker of the same proof."""
    program = recipe(THEOREMS[name].statement, THEOREMS[name].proof)
    assert "stabkit" not in program
    assert said(program) and all(line.endswith(": holds") for line in said(program))


@pytest.mark.parametrize("name", ALGEBRAIC)
def test_plain_python_sees_a_changed_multiplier(name):
    """Twice as much of any one summand leaves something over."""
    statement, proof = THEOREMS[name].statement, THEOREMS[name].proof
    for path in sums(proof):
        for number, step in enumerate(at(proof, path)[:2]):
            key = "with" if step["use"] == "equation" else "times"
            forged = changed(proof, *path, number, key, to=f"2*({step.get(key, '1')})")
            assert "does not hold" in " ".join(said(recipe(statement, forged)))


@pytest.mark.parametrize("name, weight, pivot", [
    ("explicit step on a line, range", "51/100", None),
    ("explicit step on a grid, range", "26/100", None),
    ("explicit step on a line, sign", "26/100", "1/2 - x"),
    ("explicit step on a line, sign", "1/4", "51/100 - x"),
    ("implicit step on a line, sign", "inf", "2 + x"),
    ("explicit step on a line, variation", "51/100", None),
    ("explicit step on a line, extrema", "26/100", "1 - 3*x"),
    ("explicit step on a line, extrema", "1/4", "1 - 2*x")])
def test_plain_python_sees_weights_beyond_their_bound_and_wrong_pivots(name, weight, pivot):
    """With l = r = 51/100 the entry 1 - l - r is negative; 1/2 - x is no bound of pivots from
    x = 1/4 on, as (1/2 - x)(1/2 - x) < x(1/2) - x**2 there; and so on."""
    statement, proof = THEOREMS[name].statement, THEOREMS[name].proof
    statement = {**statement, "weights": dict.fromkeys(statement["weights"], weight)}
    forged = proof if pivot is None else {"pivot": pivot}
    refused(statement, forged)
    assert "is not shown" in " ".join(said(recipe(statement, forged)))


@pytest.mark.parametrize("goal", ["max(y, 0) - max(-y, 0) - 2*y == 0", "max(y, 0)*y - y**2 >= 0",
                                  "abs(y) - 2*y >= 0"])
def test_plain_python_sees_pieces_that_are_not_so(goal):
    """y - 2y is not 0; at y = -1 it is 0 - 1; at y = 1 it is 1 - 2."""
    statement = {**THEOREMS["ReLU of both signs"].statement, "goal": goal}
    refused(statement, {"breaks": ["0"]})
    assert "is not shown" in " ".join(said(recipe(statement, {"breaks": ["0"]})))


def test_a_division_after_a_power_is_not_part_of_the_exponent():
    """a**2/2 |u|² twice is a**2 |u|²; were 2/2 the exponent, it would be 2a |u|²."""
    half = {"use": "square", "x": "u", "times": "a**2/2"}
    statement = {"kind": "algebra", "parameters": {"a": "> 0"}, "vectors": {"u": "N"},
                 "goal": "a**2*u.T@u >= 0"}
    assert said(recipe(statement, {"steps": [half, half]})) == ["goal: holds"]
    assert said(recipe(statement, {"steps": [half]})) == ["goal: does not hold"]


def test_a_recipe_runs_where_there_is_no_stabkit():
    """The program for Theorem 2: 21 lines that multiply out, the symbols, and one identity."""
    theorem = THEOREMS["explicit step, euclidean"]
    program = recipe(theorem.statement, theorem.proof)
    assert len(program.splitlines()) <= 27
    run = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True,
                         text=True, check=True)
    assert run.stdout == "goal: holds\n"


# -- planted faults ----------------------------------------------------------------------------


def sums(proof, path=()):
    """The places of all lists of steps in a proof."""
    if isinstance(proof, dict):
        for key, part in proof.items():
            if key == "steps" and isinstance(part, list):
                yield (*path, key)
            yield from sums(part, (*path, key))
    elif isinstance(proof, list):
        for number, part in enumerate(proof):
            yield from sums(part, (*path, number))


def at(data, path):
    for key in path:
        data = data[key]
    return data


def parts(name):
    """The sums of a theorem: one, or those of its induction."""
    statement, proof = read(THEOREMS[name].statement), THEOREMS[name].proof
    if isinstance(statement, algebra.Statement):
        return [("goal", statement, proof)]
    return iteration.obligations(statement, proof)


@pytest.mark.slow
@pytest.mark.parametrize("name", [
    pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in ALGEBRAIC])
def test_no_step_of_a_proof_can_be_dropped_or_changed(name):
    for _, statement, proof in parts(name):
        algebra.check(statement, proof)
        for path in sums(proof):
            steps = at(proof, path)
            for number, step in enumerate(steps):
                key = "with" if step["use"] == "equation" else "times"
                forged = [changed(proof, *path, number, key, to=f"{wrong}({step.get(key, '1')})")
                          for wrong in ("2*", "-")]
                forged.append(changed(proof, *path, to=steps[:number] + steps[number + 1:]))
                for wrong in forged:
                    with pytest.raises(InvalidEvidence):
                        algebra.check(statement, wrong)


SPARE = {("fixed point of 1 iterations, euclidean", "slopes"),  # needed by more iterations
         # What an inverse returns at other points.
         *(("an inverse of both signs", entry) for entry in ("returned", "returned3")),
         ("two grids, fine values", "second"),  # needed by the coarse values
         # What is conserved is so without the bounds by which it is positive.
         *(("linear Verlet network of a bounded product, conserved form", entry)
           for entry in ("condition", "product")),
         # Monotone, odd and Φ(0) = 0 give more facts than each length of a cycle takes.
         *((f"fast semi-iterative cycle of {n}, monotone{more} flux, euclidean", fact)
           for n, more in ((1, ""), (2, ""), (1, " and odd"), (2, " and odd"), (3, " and odd"),
                           (4, " and odd"))
           for fact in ("sector", "origin", "flat", "odd0", "even0", "odd1", "even1"))}


@pytest.mark.parametrize("name", ALGEBRAIC)
def test_no_hypothesis_can_be_dropped(name):
    statement, proof = THEOREMS[name].statement, THEOREMS[name].proof
    for key in ("assume", "bounds", "forms", "equations", "known"):
        for entry in statement.get(key, {}):
            less = {k: x for k, x in statement[key].items() if k != entry}
            if (name, entry) not in SPARE:
                refused({**statement, key: less}, proof)
    for entry, facts in statement.get("fluxes", {}).items():
        for fact in facts:
            less = {k: x for k, x in facts.items() if k != fact}
            if (name, fact) not in SPARE:
                refused(changed(statement, "fluxes", entry, to=less), proof)


@pytest.mark.parametrize("name", ALGEBRAIC)
def test_no_condition_can_be_weakened(name):
    statement, proof = THEOREMS[name].statement, THEOREMS[name].proof
    for entry, text in statement.get("assume", {}).items():
        left, sign, _ = text.rsplit(" ", 2)
        if (name, entry) not in SPARE:
            refused(changed(statement, "assume", entry, to=f"{left} + 1/1000 {sign} 0"), proof)
    for entry, text in statement.get("bounds", {}).items():
        if (name, entry) not in SPARE:
            refused(changed(statement, "bounds", entry, to=f"{text} + 1/1000"), proof)
    for entry, sign in statement.get("parameters", {}).items():
        if sign == "> 0" and entry != "room":
            assert_needs_its_sign(statement, proof, entry)


def assert_needs_its_sign(statement, proof, entry):
    """A parameter of any sign is not enough where a multiplier holds it to an odd power."""
    multipliers = json.dumps([x for path in sums(proof) for x in at(proof, path)]) + \
        json.dumps(proof.get("times", ""))
    if f"{entry}*" in multipliers.replace(f"{entry}**2", "") and "times" in multipliers:
        odd = changed(statement, "parameters", entry, to="any")
        if statement["kind"] == "algebra":
            assert "may be" in refused(odd, proof)


@pytest.mark.parametrize("name", ALGEBRAIC)
def test_the_contrary_and_a_stronger_goal_are_not_proved(name):
    statement, proof = THEOREMS[name].statement, THEOREMS[name].proof
    left, sign, _ = statement["goal"].rsplit(" ", 2)
    if not name.startswith("residual "):
        refused({**statement, "goal": f"-({left}) {sign} 0"}, proof)
    some = next(iter(statement["vectors"]))
    if sign == ">=":
        refused({**statement, "goal": f"{left} - 1/1000*{some}.T@{some} >= 0"}, proof)
        if name != "orthogonal matrix, norm":  # where it is an equation, too
            refused({**statement, "goal": f"{left} == 0"}, proof)
    for key, text in statement.get("next", {}).items():
        wrong = changed(statement, "next", key, to=f"-({text})")
        if key in ("y", "z", "v", "now", "before") and name not in EVEN:
            refused(wrong, proof)


# A step and its negative are the same for the norm.
EVEN = {name for name in ALGEBRAIC if name.endswith(("euclidean", "contraction", "norm"))}


@pytest.mark.slow
def test_statements_are_read():
    for theorem in THEOREMS.values():
        assert read(theorem.statement) is not None
