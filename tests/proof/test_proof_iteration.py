"""Induction: true statements are shown, and each way to cheat is refused."""

import copy

import pytest

from stabkit.errors import InvalidEvidence
from stabkit.proof import THEOREMS, check, read

NONE = {"steps": []}
SAME = {"steps": [{"use": "equation", "of": "J", "with": "1"}]}
KNOWN = {"steps": [{"use": "known", "of": "J"}]}


def refused(statement, proof, reason):
    with pytest.raises(InvalidEvidence, match=reason):
        check(statement, proof)


def count(**besides):
    """t⁺ = t + l from 0: 2t = n(n − 1) after n steps."""
    return {"kind": "iteration", "counter": "l", "state": {"t": "1"}, "start": {"t": "0"},
            "next": {"t": "t + l"}, "goal": "2*t - l*(l - 1) == 0", **besides}


def induction(invariant, base=NONE, step=SAME, end=SAME, **besides):
    return {"invariants": {"J": invariant}, "base": {"J": base}, "step": {"J": step}, "end": end,
            **besides}


TWICE = {"steps": [{"use": "equation", "of": "J", "with": "1"}]}
GAUSS = induction("2*t - l*(l - 1) == 0")


def test_a_sum_is_known_after_every_number_of_steps():
    check(count(), GAUSS)
    total = 0
    for number in range(10):
        total += number
        assert 2 * total == (number + 1) * number


@pytest.mark.parametrize("statement, proof, reason", [
    (count(start={"t": "1"}), GAUSS, "base of J"),
    (count(next={"t": "t + l + 1"}), GAUSS, "step of J"),
    (count(goal="2*t - l*(l + 1) == 0"), GAUSS, "end"),
    (count(), induction("2*t - l*(l - 1) - 1 == 0"), "base of J"),
    (count(), induction("2*t - l*l == 0"), "step of J"),
    (count(), induction("t == 0"), "step of J"),
    (count(), induction("2*t - l*(l - 1) == 0", end=NONE), "end"),
    (count(), induction("2*t - l*(l - 1) == 0", step=NONE), "step of J"),
])
def test_a_wrong_start_step_or_goal_is_refused(statement, proof, reason):
    refused(statement, proof, reason)


@pytest.mark.parametrize("key", ["base", "step", "end", "invariants"])
def test_no_part_of_an_induction_can_be_left_out(key):
    refused(count(), {k: part for k, part in GAUSS.items() if k != key}, f"{key} is missing")
    if key in ("base", "step"):
        refused(count(), {**GAUSS, key: {}}, "J is missing")
        refused(count(), {**GAUSS, key: {**GAUSS[key], "other": NONE}}, "not known here")
    refused(count(), {**GAUSS, "because": "clear"}, "not known here")


def test_an_invariant_does_not_help_at_its_own_base():
    refused(count(), induction("2*t - l*(l - 1) == 0", base=SAME), "base of J: step 1: .* not a")
    refused(count(), induction("2*t - l*(l - 1) == 1 == 0"), "must end|not")


# -- what may change -----------------------------------------------------------------------------


def blocks(**besides):
    """v⁺ = K v with ‖K‖² <= c, c <= 1: the norm, for any number of operators."""
    return {"kind": "iteration", "parameters": {"c": ">= 0"}, "assume": {"one": "1 - c >= 0"},
            "operators": {"K": "N -> N"}, "bounds": {"K": "c"}, "vectors": {"u": "N"},
            "state": {"v": "N"}, "start": {"v": "u"}, "next": {"v": "K@v"},
            "changing": ["K", "c"], "goal": "u.T@u - v.T@v >= 0", **besides}


ONE = {"steps": [{"use": "known", "of": "J"}, {"use": "bound", "of": "K", "x": "v"},
                 {"use": "square", "x": "v", "times": "one"}]}
NORM = induction("u.T@u - v.T@v >= 0", step=ONE, end=ONE)


def test_what_may_change_does_not_enter_invariants():
    check(blocks(), NORM)
    check(blocks(changing=[]), NORM)
    image = induction("(K@u).T@K@u - (K@v).T@K@v >= 0", step=ONE, end=ONE)
    refused(blocks(), image, "K may change")
    refused(blocks(), induction("c*u.T@u - c*v.T@v >= 0"), "c may change")
    refused(blocks(goal="c*u.T@u - v.T@v >= 0"), NORM, "c may change")
    refused(blocks(start={"v": "K@u"}), NORM, "K may change")
    refused(blocks(changing=["u"]), NORM, "u may change")
    for wrong in ("K", ["K", "H"], ["one"], [["K"]], {"K": "c"}):
        refused(blocks(changing=wrong), NORM, "list of names")


def test_a_quantity_that_changes_with_the_operator_is_not_kept():
    """|K v| is not kept by v⁺ = v, if K is another one at the next step."""
    still = blocks(next={"v": "v"}, goal="(K@u).T@(K@u) - (K@v).T@(K@v) == 0")
    refused(still, induction("(K@u).T@(K@u) - (K@v).T@(K@v) == 0"), "K may change")
    check({**still, "changing": []}, induction("(K@u).T@(K@u) - (K@v).T@(K@v) == 0"))


def test_the_state_is_not_there_at_the_start():
    with pytest.raises(InvalidEvidence, match="v may change"):
        read(blocks(start={"v": "v"}))
    refused(count(start={"t": "l"}), GAUSS, "l may change")
    refused(blocks(start={}), NORM, "v is missing")
    refused(blocks(next={"v": "K@v", "w": "u"}), NORM, "not known here")
    refused(blocks(next={"v": "u.T@v"}), NORM, "vector of N")
    refused(blocks(state={"v": "N", "u": "N"}), NORM, "twice")
    refused(count(counter="t"), GAUSS, "twice")


def energy(**besides):
    """The energy along explicit steps with one K and one flux."""
    one = THEOREMS["explicit step, energy"].statement
    given = copy.deepcopy({key: one[key] for key in ("parameters", "assume", "operators", "bounds",
                                                     "fluxes")})
    visits = {"S": {"flux": "phi", "at": "K@u", "value": "f", "energy": "p"},
              "E": {"flux": "phi", "at": "K@v", "value": "g", "energy": "q"}}
    return {"kind": "iteration", **given, "vectors": {"u": "N"}, "visits": visits,
            "state": {"v": "N"}, "start": {"v": "u"}, "next": {"v": "v - tau*K.T@g"},
            "goal": "p - q >= 0", **besides}


def falling():
    steps = copy.deepcopy(THEOREMS["explicit step, energy"].proof["steps"])
    steps[0]["at"] = ["E", "E_next"]
    steps = [{**step, **({"x": step["x"].replace("f0", "g")} if "x" in step else {})}
             for step in steps] + [{"use": "known", "of": "J", "times": "2"}]
    fall = {"times": "2", "steps": steps}
    return induction("p - q >= 0", step=fall, end=fall)


def test_a_visit_has_a_successor_and_is_the_first_visit_at_the_start():
    check(energy(), falling())
    refused(energy(start={"v": "2*u"}), falling(), "base of J")
    other = energy()
    other["fluxes"]["psi"] = other["fluxes"]["phi"]
    other["visits"] = {**other["visits"], "S": {**other["visits"]["S"], "flux": "psi"}}
    refused(other, falling(), "base of J")  # the same point, but another flux


@pytest.mark.parametrize("name", ["phi", "K", "g", "q"])
def test_an_energy_that_may_be_another_one_is_not_compared(name):
    refused(energy(changing=[name]), falling(), "may change|not a visit")


def test_the_successor_of_a_visit_is_not_the_visit():
    wrong = falling()
    for part in (wrong["step"]["J"], wrong["end"]):
        part["steps"][0]["at"] = ["E_next", "E"]
    refused(energy(), wrong, "step of J")
    refused(energy(vectors={"u": "N", "g_next": "M"}), falling(), "twice")


# -- ghosts --------------------------------------------------------------------------------------


def test_a_ghost_is_a_state_of_the_proof():
    """t doubles: a ghost that doubles, too, knows t after n steps."""
    doubled = count(next={"t": "2*t + 1"}, goal="t - l >= 0")
    ghost = {"g": {"in": "1", "start": "1", "next": "2*g"}}
    proof = {"ghosts": ghost,
             "invariants": {"J": "t - g + 1 == 0", "large": "g - l - 1 >= 0", "G": "g - 1 >= 0"},
             "base": {"J": NONE, "large": NONE, "G": NONE},
             "step": {"J": {"steps": [{"use": "equation", "of": "J", "with": "2"}]},
                      "large": {"steps": [{"use": "known", "of": "large"},
                                          {"use": "known", "of": "G"}]},
                      "G": {"steps": [{"use": "known", "of": "G", "times": "2"},
                                      {"use": "square", "x": "t - t + 1"}]}},
             "end": {"steps": [{"use": "equation", "of": "J", "with": "2"},
                               {"use": "known", "of": "large"}, {"use": "known", "of": "G"}]}}
    check(doubled, proof)
    for entry, reason in [({"in": "1", "start": "2", "next": "2*g"}, "base of J"),
                          ({"in": "1", "start": "1", "next": "3*g"}, "step of J"),
                          ({"in": "1", "start": "t", "next": "2*g"}, "t may change"),
                          ({"in": "1", "start": "g", "next": "2*g"}, "g may change"),
                          ({"in": "1", "start": "l + 1", "next": "2*g"}, "l may change"),
                          ({"in": "N", "start": "0", "next": "2*g"}, "space"),
                          ({"in": "1", "start": "1"}, "next is missing"),
                          ({"in": "1", "start": "1", "next": "h"}, "not a name")]:
        refused(doubled, {**proof, "ghosts": {"g": entry}}, reason)
    refused(doubled, {**proof, "ghosts": {"t": ghost["g"]}}, "twice")


def test_a_ghost_that_starts_from_the_value_at_the_state_is_refused():
    late = {"in": "1", "start": "q", "next": "h"}
    refused(energy(), {**falling(), "ghosts": {"h": late}}, "q may change")


def test_a_ghost_does_not_live_in_a_space_that_may_change():
    """Where K has another number of rows in every block, no vector of M goes through the steps."""
    many = THEOREMS["explicit blocks, any number, euclidean"]
    for space in ("M", "Q", ["N"], None):
        ghost = {"h": {"in": space, "start": "0", "next": "h"}}
        refused(many.statement, {**many.proof, "ghosts": ghost}, "space of the state")
    check(many.statement, {**many.proof, "ghosts": {"h": {**ghost["h"], "in": "N"}}})


def test_a_ghost_may_live_where_an_operator_that_stays_goes():
    """The sums of K Y_j of leapfrog; not so if K may be another one, nor in another space."""
    leapfrog = THEOREMS["linear leapfrog network from rest, norm"]
    check(leapfrog.statement, leapfrog.proof)
    refused({**leapfrog.statement, "changing": ["K"]}, leapfrog.proof, "space of the state")
    for space in ("P", "c"):
        ghost = {"V": {**leapfrog.proof["ghosts"]["V"], "in": space, "next": "V"}}
        refused(leapfrog.statement, {**leapfrog.proof, "ghosts": ghost}, "space of the state")


def test_names_of_invariants_are_new():
    for name in ("u", "K", "one", "v"):
        proof = {"invariants": {name: "u.T@u - v.T@v >= 0"}, "base": {name: NONE},
                 "step": {name: ONE}, "end": ONE}
        refused(blocks(), proof, "twice")
    many = {f"J{k}": "u.T@u - v.T@v >= 0" for k in range(61)}
    refused(blocks(), {**NORM, "invariants": many}, "at most 60")


def test_induction_is_too_weak_for_what_is_false():
    """v⁺ = 2v grows: no invariant at hand is kept."""
    growing = blocks(next={"v": "2*K@v"})
    for invariant in ("u.T@u - v.T@v >= 0", "v.T@v - u.T@u >= 0", "4*u.T@u - v.T@v >= 0"):
        refused(growing, induction(invariant, step=ONE, end=ONE), "add up")
        refused(growing, induction(invariant, step=KNOWN, end=KNOWN), "add up|base")
