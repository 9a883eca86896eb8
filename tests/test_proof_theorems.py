"""Every theorem of the collection: accepted, true of random members, false when changed."""

import contextlib
import copy
import io
import json
import random
import subprocess
import sys
import time
from fractions import Fraction as F

import numpy as np
import pytest
from proof_instances import (
    at_the_bound,
    flux,
    holds,
    instance,
    met,
    met_by_forms,
    value_of,
    visited,
)

from stabkit.errors import InvalidEvidence
from stabkit.proof import THEOREMS, algebra, check, explain, iteration, read
from stabkit.proof.prose import recipe

ALGEBRAIC = [name for name, theorem in THEOREMS.items()
             if theorem.statement["kind"] in ("algebra", "iteration")]
ONE_STEP = [name for name in ALGEBRAIC if THEOREMS[name].statement["kind"] == "algebra"]


def refused(statement, proof):
    with pytest.raises(InvalidEvidence) as error:
        check(statement, proof)
    return str(error.value)


def changed(data, *path, to):
    """A copy of nested data with another value at a place."""
    data = copy.deepcopy(data)
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return data


# -- accepted ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", THEOREMS)
def test_a_theorem_is_proved_also_after_a_trip_through_json(name):
    theorem = THEOREMS[name]
    check(theorem.statement, theorem.proof)
    check(*json.loads(json.dumps([theorem.statement, theorem.proof])))
    assert len(json.dumps(theorem.statement) + json.dumps(theorem.proof)) < 8000


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


@pytest.mark.parametrize("name", ALGEBRAIC)
def test_plain_python_agrees_and_sees_a_changed_multiplier(name):
    """A program that imports fractions alone: another checker of the same identities."""
    program = recipe(THEOREMS[name].statement, THEOREMS[name].proof)
    assert "stabkit" not in program
    assert said(program) and all(line.endswith(" holds") for line in said(program))
    if "rest -= (" in program:
        assert "does not hold" in "".join(said(program.replace("rest -= (", "rest -= 2*(", 1)))


def test_a_recipe_runs_where_there_is_no_stabkit():
    theorem = THEOREMS["explicit step, euclidean"]
    program = recipe(theorem.statement, theorem.proof)
    assert len(program.splitlines()) < 45
    run = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True,
                         text=True, check=True)
    assert run.stdout == "goal holds\n"


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


@pytest.mark.parametrize("name", ALGEBRAIC)
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
         ("two grids, fine values", "second")}  # needed by the coarse values


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
        refused(changed(statement, "assume", entry, to=f"{left} + 1/1000 {sign} 0"), proof)
    for entry, text in statement.get("bounds", {}).items():
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
    if name != "residual equation":
        refused({**statement, "goal": f"-({left}) {sign} 0"}, proof)
    some = next(iter(statement["vectors"]))
    if sign == ">=":
        refused({**statement, "goal": f"{left} - 1/1000*{some}.T@{some} >= 0"}, proof)
        refused({**statement, "goal": f"{left} == 0"}, proof)
    for key, text in statement.get("next", {}).items():
        wrong = changed(statement, "next", key, to=f"-({text})")
        if key in ("y", "z", "v", "now", "before") and name not in EVEN:
            refused(wrong, proof)


# A step and its negative are the same for the norm.
EVEN = {name for name in ALGEBRAIC if name.endswith(("euclidean", "contraction", "norm"))}


# -- true of random members --------------------------------------------------------------------


def random_instances(statement, seed, count):
    rng, found = np.random.default_rng(seed), 0
    for attempt in range(200 * count):
        values = instance(rng, statement)
        if attempt % 2:
            values = at_the_bound(statement, values)
        if values["tau"] > 0 and met(statement, values) and met_by_forms(statement, values):
            found += 1
            yield rng, values
        if found == count:
            return
    pytest.fail("no instances were found")


@pytest.mark.parametrize("name", [name for name in ONE_STEP
                                  if not {"equations", "known"} & set(THEOREMS[name].statement)])
def test_a_theorem_of_one_step_is_true_of_random_members(name):
    statement = THEOREMS[name].statement
    for rng, values in random_instances(statement, 1, 60):
        fluxes = {key: flux(rng, facts, values)
                  for key, facts in statement.get("fluxes", {}).items()}
        assert holds(statement["goal"], visited(statement, values, fluxes))


@pytest.mark.parametrize("name", [name for name in ALGEBRAIC if name not in ONE_STEP
                                  and "after" not in THEOREMS[name].statement["vectors"]
                                  and "implicit" not in name])
def test_a_theorem_of_many_steps_is_true_of_random_members(name):
    statement = THEOREMS[name].statement
    for rng, values in random_instances(statement, 2, 20):
        values = {**values, **{key: value_of(text, values)
                               for key, text in statement["start"].items()}}
        fluxes = {key: flux(rng, facts, values)
                  for key, facts in statement.get("fluxes", {}).items()}
        for _ in range(6):
            now = visited(statement, values, fluxes)
            values |= {key: value_of(text, now) for key, text in statement["next"].items()}
            assert holds(statement["goal"], visited(statement, values, fluxes))
            if "K" in statement.get("changing", []):  # another block
                other = next(random_instances(statement, int(rng.integers(1000)), 1))[1]
                values |= {key: other[key] for key in ("K", "tau", "L", "c")}
                fluxes = {key: flux(rng, facts, values)
                          for key, facts in statement["fluxes"].items()}


def test_implicit_steps_are_true_of_random_members():
    """From the last state backwards, since u follows from u⁺."""
    statement = THEOREMS["implicit steps, any number, euclidean"].statement
    assert statement["equations"] == {"solves": "v - y - tau*K.T@f0 == 0"}
    for rng, values in random_instances(statement, 6, 30):
        state = values["u"]
        for _ in range(4):
            K, tau = next(random_instances(statement, int(rng.integers(1000)), 1))[1]["K"], F(7, 2)
            phi = flux(rng, {"sector": ["0", "inf"]}, values)
            before = state + tau * (K.T @ phi(K @ state))
            assert state @ state <= before @ before
            state = before


def test_fsi_cycles_are_stable_and_advance_by_the_super_time_step():
    """The recursion as the paper prints it, with α = (4l + 2)/(2l + 3)."""
    rng = np.random.default_rng(3)
    statement = THEOREMS["frozen FSI cycle of any length, euclidean"].statement
    for _, values in random_instances(statement, 4, 20):
        K, G, tau, u = (values[name] for name in ("K", "G", "tau", "u"))
        before = now = u
        time_before = time_now = F(0)
        for number in range(int(rng.integers(1, 9))):
            alpha = F(4 * number + 2, 2 * number + 3)
            step = now - tau * (K.T @ (G @ (K @ now)))
            before, now = now, alpha * step + (1 - alpha) * before
            equation = statement["equations"]["cycle"]
            time_before, time_now = time_now, alpha * (time_now + tau) + (1 - alpha) * time_before
            assert now @ now <= u @ u
            assert 3 * time_now == (number + 1) * (number + 2) * tau
            assert "after" in equation


def test_the_equation_of_fsi_is_the_recursion_of_the_paper():
    rng = random.Random(5)
    equation = THEOREMS["frozen FSI cycle of any length, euclidean"].statement["equations"]["cycle"]
    for number in range(6):
        draw = {name: np.array([F(rng.randint(-5, 5)) for _ in range(3)], dtype=object)
                for name in ("now", "before")}
        K = np.array([[F(rng.randint(-3, 3)) for _ in range(3)] for _ in range(2)], dtype=object)
        G, alpha = np.diag([F(1, 2), F(1)]), F(4 * number + 2, 2 * number + 3)
        after = alpha * (draw["now"] - F(1, 3) * (K.T @ (G @ (K @ draw["now"])))) \
            + (1 - alpha) * draw["before"]
        values = {**draw, "after": after, "K": K, "G": G, "tau": F(1, 3), "l": number}
        assert holds(equation, values)


def one(*numbers):
    return np.array([F(x) for x in numbers], dtype=object)


def solved(A, b):
    """Elimination in fractions."""
    rows = [[*row, x] for row, x in zip(A, b, strict=True)]
    for i in range(len(rows)):
        rows[i] = [x / rows[i][i] for x in rows[i]]
        rows = [row if j == i else [x - row[i] * y for x, y in zip(row, rows[i], strict=True)]
                for j, row in enumerate(rows)]
    return one(*(row[-1] for row in rows))


@pytest.mark.parametrize("n", [3, 7, 15])
def test_two_grids_on_a_line_do_what_the_theorems_say(n):
    """With the matrices of the line itself, not with A = [[2, −B], [−Bᵀ, 2]]."""
    rng = random.Random(n)
    A = line_matrix(n)
    P = np.array([[F({0: 2, 1: 1}.get(abs(i - 2 * j - 1), 0), 2) for j in range(n // 2)]
                  for i in range(n)], dtype=object)
    for _ in range(10):
        e = one(*(rng.randint(-5, 5) for _ in range(n)))
        d = solved(P.T @ A @ P, P.T @ (A @ e))
        corrected = e - P @ d
        after = corrected - A @ corrected / 4
        assert 4 * (after @ A @ after) <= e @ A @ e
        assert all(d == e[1::2]) and all(corrected[::2] == (A @ e)[::2] / 2)


def line_matrix(n):
    return np.array([[F({0: 2, 1: -1}.get(abs(i - j), 0)) for j in range(n)] for i in range(n)],
                    dtype=object)


def after_a_cycle(A, e):
    """What a V-cycle without sweeps before the correction makes of an error; A is k·[−1, 2, −1]."""
    n = len(e)
    if n == 1:
        return 0 * e
    P = np.array([[F({0: 2, 1: 1}.get(abs(i - 2 * j - 1), 0), 2) for j in range(n // 2)]
                  for i in range(n)], dtype=object)
    coarser = P.T @ A @ P
    d = solved(coarser, P.T @ (A @ e))  # the solution, which the coarse cycle takes for its error
    corrected = e - P @ (d - after_a_cycle(coarser, d))
    return corrected - A @ corrected / (2 * A[0, 0])


def test_v_cycles_of_every_depth_halve_the_energy_on_a_line():
    rng = random.Random(9)
    for n in (1, 3, 7, 15):
        for _ in range(5):
            A, e = line_matrix(n), one(*(rng.randint(-5, 5) for _ in range(n)))
            after = after_a_cycle(A, e)
            assert 2 * (after @ A @ after) <= e @ A @ e


def test_there_is_one_solution_of_an_implicit_step_and_it_is_lipschitz():
    """(1 − τm‖K‖²)|v − w| <= |u_v − u_w|, from right to left."""
    statement = THEOREMS["implicit step, Lipschitz constant"].statement
    for rng, values in random_instances(statement, 8, 60):
        phi = flux(rng, statement["fluxes"]["phi"], values)
        K, tau, small = values["K"], values["tau"], 1 - values["tau"] * values["m"] * values["c"]
        v, z = values["v"], values["z"]
        d = v + tau * (K.T @ phi(K @ v)) - z - tau * (K.T @ phi(K @ z))
        assert d @ d >= small**2 * ((v - z) @ (v - z))


# -- false when they are changed -----------------------------------------------------------------


class Linear:
    """Φ(s) = slope·s."""

    def __init__(self, slope):
        self.slope = F(slope)

    def __call__(self, s):
        return self.slope * s

    def energy(self, s):
        return self.slope * (s @ s) / 2


def margin(name, slope, **values):
    """The left side of a goal for scalars: K = 1, u = 1, all else 0 but what is given."""
    statement = THEOREMS[name].statement
    values = {**{key: one(int(key == "u")) for key in statement["vectors"]},
              **{key: np.array([[F(1)]], dtype=object) for key in statement.get("operators", {})},
              "L": F(1), **{key: x if isinstance(x, np.ndarray) else F(x)
                            for key, x in values.items()}}
    fluxes = {key: Linear(slope) for key in statement.get("fluxes", {})}
    for key, text in statement.get("start", {}).items():
        values[key] = value_of(text, values)
    for _ in range(2 if "next" in statement else 0):
        now = visited(statement, values, fluxes)
        values |= {key: value_of(text, now) for key, text in statement["next"].items()}
    return value_of(statement["goal"].rsplit(" ", 2)[0], visited(statement, values, fluxes))


@pytest.mark.parametrize("name", [
    "explicit step, euclidean", "explicit step, contraction", "explicit step, energy",
    "explicit blocks, any number, euclidean", "explicit blocks, any number, contraction",
    "explicit steps, any number, energy", "residual block with biases, contraction",
    "residual blocks with two activations, any number, contraction", "Mg-ResNet step, euclidean",
])
def test_a_step_beyond_the_bound_is_false(name):
    assert margin(name, 1, tau=2) == 0 > margin(name, 1, tau=F(2001, 1000))


@pytest.mark.parametrize("name", [
    "fixed point of 2 iterations, euclidean", "fixed point of 4 iterations, euclidean",
    "fixed point of any number of iterations, euclidean"])
def test_a_fixed_point_iteration_beyond_the_bound_is_false(name):
    assert margin(name, 1, tau=1) == 0 > margin(name, 1, tau=F(1001, 1000))


@pytest.mark.parametrize("name", [
    "implicit step, euclidean", "implicit step, contraction", "implicit step, energy",
    "explicit step, euclidean", "explicit step, contraction", "parabolic network, flow contracts"])
def test_a_flux_of_the_other_sign_is_false(name):
    assert margin(name, F(-1, 1000), tau=1) < 0 or name == "implicit step, energy"
    if name == "implicit step, energy":  # it falls for this flux, too, until τm >= 2
        assert margin(name, -3, tau=1) < 0


def test_constants_are_attained_and_smaller_ones_false():
    name = "explicit step, Lipschitz constant"
    assert margin(name, 0, d=one(1), tau=1, kappa=F(3, 2), G=np.array([[F(-1, 2)]])) == 0
    assert margin(name, 0, d=one(1), tau=1, kappa=2, G=np.array([[F(3)]])) == 0
    assert margin(name, 0, d=one(1), tau=1, kappa=F(1999, 1000), G=np.array([[F(3)]])) < 0
    minus = {key: np.array([[F(-1)]]) for key in ("R", "Rx", "Ry")}
    assert margin("difference, norm", 0, **minus) == 0
    assert margin("gradient on a grid, norm", 0, **minus) == 0
    nothing = np.array([[F(0)]])
    assert margin("two-grid cycle, energy norm", 0, B=nothing, f=one(1)) == 0
    assert margin("implicit step, Lipschitz constant", -1, tau=F(1, 2), v=one(1), m=1, c=1) == 0
    # uniqueness at τm = 1: every v solves v − v = 0, though −|u − v|² < 0
    assert margin("implicit step, uniqueness", -1, tau=1) < 0
    assert value_of("u + tau*f - v - tau*g", {"u": 1, "f": -1, "v": 5, "g": -5, "tau": 1}) == 0


def test_a_flux_in_the_sector_alone_does_not_contract():
    """Φ(1) = 1, Φ(2) = 0 and τ = 1: 1 goes to 0, 2 stays."""
    assert abs((1 - 1) - (2 - 0)) > abs(1 - 2)


def test_leapfrog_beyond_its_bound_grows():
    before, now = F(0), F(1)
    for _ in range(20):
        before, now = now, (2 - F(5)) * now - before
    assert abs(now) > 10**6


def test_statements_are_read():
    for theorem in THEOREMS.values():
        assert read(theorem.statement) is not None
