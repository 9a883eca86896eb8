"""Theorems at random members of their classes, and counterexamples where a constant is changed.

An oracle in fractions that knows nothing of proofs.
"""

import random
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

from stabkit.proof import THEOREMS

STEPPING = [name for name, theorem in THEOREMS.items()
            if theorem.statement["kind"] == "iteration"]
ONE_STEP = [name for name, theorem in THEOREMS.items() if theorem.statement["kind"] == "algebra"]


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


# What an equation determines is tried below.
FORWARD = [name for name in STEPPING if "equations" not in THEOREMS[name].statement]


@pytest.mark.parametrize("name", FORWARD)
def test_a_theorem_of_many_steps_is_true_of_random_members(name):
    statement = THEOREMS[name].statement
    for rng, values in random_instances(statement, 2, 20):
        values = {**values, **{key: value_of(text, values)
                               for key, text in statement["start"].items()}}
        fluxes = {key: flux(rng, facts, values)
                  for key, facts in statement.get("fluxes", {}).items()}
        for number in range(6):
            values[statement.get("counter")] = F(number)
            now = visited(statement, values, fluxes)
            values |= {key: value_of(text, now) for key, text in statement["next"].items()}
            values[statement.get("counter")] = F(number + 1)
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


def test_the_mean_is_kept_by_random_operators_whose_rows_sum_to_zero():
    """For fluxes that are nowhere continuous, too."""
    statement = THEOREMS["explicit step, mean"].statement
    for rng, values in random_instances(statement, 7, 20):
        K = values["K"] - values["K"].sum(axis=1)[:, None] / 3
        values |= {"K": K, "one": np.array([F(1)] * 3, dtype=object)}
        phi = flux(rng, {"sector": ["-inf", "inf"]}, values)
        assert all(holds(text, values) for text in statement["equations"].values())
        assert holds(statement["goal"], visited(statement, values, {"phi": phi}))


FSI_FORMS = [f"linear FSI cycle of any length, {name}" for name in (
    "Dirichlet kernel, sum", "Dirichlet kernel, sines", "expansion")]


@pytest.mark.parametrize("name", FSI_FORMS)
def test_what_is_said_of_linear_fsi_cycles_is_true_of_random_members(name):
    """With uˡ⁺¹ by the recursion of the paper; for the expansion also rˡ⁺¹, from r⁰ = r⁻¹ = 0."""
    statement = THEOREMS[name].statement
    for _, values in random_instances(statement, 5, 10):
        A = values["tau"] * values["K"].T @ values["K"]
        values |= {key: value_of(text, values) + 0 * values["u"]
                   for key, text in statement["start"].items()}
        for number in range(6):
            values["l"], alpha = F(number), F(4 * number + 2, 2 * number + 3)
            b = F((number - 1) * number * (number + 1) * (number + 2), 30)
            now, before, rest, last = (values[f"state{k}"] for k in ("", 1, 2, 3))
            values["after"] = alpha * (now - A @ now) + (1 - alpha) * before
            values["after1"] = alpha * (rest - A @ rest + b * values["u"]) + (1 - alpha) * last
            assert all(holds(text, values) for text in statement["equations"].values())
            values |= {key: value_of(text, values) for key, text in statement["next"].items()}
            values["l"] = F(number + 1)
            assert holds(statement["goal"], values)


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


def test_rotations_keep_the_norm_and_inverses_solve():
    """With Q = [[3, 4], [−4, 3]]/5, and A(u + A⁻¹r⁺ − A⁻¹r⁻) = f for the parts of r = f − Au."""
    rng = random.Random(4)
    Q = np.array([[F(3, 5), F(4, 5)], [F(-4, 5), F(3, 5)]], dtype=object)
    A = np.array([[F(2), F(1)], [F(0), F(-3)]], dtype=object)
    for _ in range(10):
        f, u = (one(rng.randint(-5, 5), rng.randint(-5, 5)) for _ in range(2))
        values = {"Q": Q, "u": u}
        statement = THEOREMS["orthogonal matrix, norm"].statement
        assert holds(statement["equations"]["returned"], values)
        assert holds(statement["goal"], values)
        r = f - A @ u
        up, down = (one(*(max(x, F(0)) for x in part)) for part in (r, -r))
        assert all(A @ (u + solved(A, up) - solved(A, down)) == f)


def test_the_eigenvalues_of_hamiltonian_networks_are_imaginary():
    """K = 1, H = 2, D = d², D₁ = e²: λ = 2ide of [[0, d²], [−4e², 0]], with (d, 2ie); and real ones
    where a sign is turned, which the equations do not allow."""
    statement = THEOREMS["Hamiltonian network, imaginary spectrum"].statement
    for d, e in ((F(1), F(1)), (F(1, 2), F(3))):
        values = {"K": one(1).reshape(1, 1), "H": one(2).reshape(1, 1), "c": F(1), "c_H": F(4),
                  "D": np.array([[d * d]]), "D1": np.array([[e * e]]), "L": max(d, e)**2,
                  "a": F(0), "b": 2 * d * e, "p": one(d), "r": one(0), "q": one(0), "s": one(2 * e)}
        assert all(holds(text, values) for text in statement["equations"].values())
        assert holds(statement["goal"], values)
        real = {**values, "a": 2 * d * e, "b": F(0), "q": one(2 * e), "s": one(0)}
        assert not holds(statement["goal"], real)
        assert not all(holds(text, real) for text in statement["equations"].values())


# Theorems with equations are tried above with what solves them; rows and pieces among the lines.
BY_HAND = {
    "implicit steps, any number, euclidean", "implicit step, uniqueness",
    "linear FSI cycle of any length, euclidean", "frozen FSI cycle of any length, euclidean",
    "FSI cycle of any length, super time step", "two grids, coarse values",
    "two grids, fine values", "two-grid cycle, energy norm",
    "V-cycle, energy norm, inherited by the next finer grid",
    "explicit step, mean", *FSI_FORMS, "orthogonal matrix, norm", "an inverse of both signs",
    "Hamiltonian network, imaginary spectrum",
    *(f"fast semi-iterative cycle of {n}, monotone flux, euclidean" for n in (1, 2)),
    *(f"fast semi-iterative cycle of {n}, monotone and odd flux, euclidean" for n in (1, 2, 3, 4)),
}


def test_every_theorem_is_tried_at_random_members():
    """Nothing is called a theorem here that no member of its class was put into."""
    tried = {*ONE_STEP, *FORWARD} - {name for name in ONE_STEP
                                     if {"equations", "known"} & set(THEOREMS[name].statement)}
    assert BY_HAND.isdisjoint(tried)
    others = {name for name, theorem in THEOREMS.items()
              if theorem.statement["kind"] in ("rows", "pieces")}
    assert THEOREMS.keys() == tried | BY_HAND | others


def test_cycles_with_a_flux_that_saturates_are_stable_at_random_members():
    """Φ(s) = s cut off at −a and b, which is odd for a = b: four inner steps, else two."""
    rng = random.Random(12)
    for trial in range(60):
        a, b = F(rng.randint(0, 6), 2), F(rng.randint(0, 6), 2)
        b = a if trial % 2 else b
        K = np.array([[F(rng.randint(-3, 3)) for _ in range(3)] for _ in range(2)], dtype=object)
        bound = max(abs(K).sum(axis=0)) * max(abs(K).sum(axis=1))
        tau = F(2) / bound if bound else F(1)
        before = now = u = one(*(rng.randint(-5, 5) for _ in range(3)))
        for number in range(4 if a == b else 2):
            alpha = F(4 * number + 2, 2 * number + 3)
            step = now - tau * (K.T @ one(*(min(max(s, -a), b) for s in K @ now)))
            before, now = now, alpha * step + (1 - alpha) * before
            assert now @ now <= u @ u


def test_the_linear_cycle_is_stable_at_random_members():
    """Φ(s) = s: T₁ = u − τKᵀKu, then the recursion of the paper; ‖T‖ <= 1 while τ‖K‖² <= 2."""
    rng = random.Random(11)
    for _ in range(20):
        K = np.array([[F(rng.randint(-3, 3)) for _ in range(3)] for _ in range(2)], dtype=object)
        bound = max(abs(K).sum(axis=0)) * max(abs(K).sum(axis=1))
        tau = F(2) / bound if bound else F(1)
        before = now = u = one(*(rng.randint(-5, 5) for _ in range(3)))
        for number in range(6):
            alpha = F(4 * number + 2, 2 * number + 3)
            before, now = now, alpha * (now - tau * (K.T @ (K @ now))) + (1 - alpha) * before
            assert now @ now <= u @ u


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
