"""Proofs and statements that somebody wrote to have a false thing accepted, one idea each."""

import copy

import pytest

from stabkit.errors import InvalidEvidence
from stabkit.proof import THEOREMS, check

ONE = {"kind": "algebra", "parameters": {"t": "> 0", "r": "any", "c": ">= 0"},
       "assume": {"room": "1 - t >= 0"}, "operators": {"K": "N -> M", "A": "N -> N"},
       "bounds": {"K": "c"}, "vectors": {"u": "N", "v": "N"},
       "forms": {"low": {"of": "x", "in": "N", "holds": "x.T@A@x >= 0"}},
       "fluxes": {"phi": {"sector": ["0", "1"], "slopes": ["0", "1"]},
                  "chi": {"slopes": ["0", "1"]}},
       "visits": {"E": {"flux": "phi", "at": "K@u", "value": "f", "energy": "p"},
                  "F": {"flux": "chi", "at": "K@v", "value": "g", "energy": "q"}}}


def shows(goal, *steps, **more):
    return {**ONE, "goal": goal}, {"steps": list(steps), **more}


def use(rule, **entries):
    return {"use": rule, **entries}


ALGEBRA = {
    "a number below 0 as a difference": shows("-u.T@u >= 0", use("square", x="u", times="1 - 2")),
    "a parameter of any sign": shows("r*u.T@u >= 0", use("square", x="u", times="r")),
    "an odd power of it": shows("r**3*u.T@u >= 0", use("square", x="u", times="r**3")),
    "a condition less than itself": shows("-t*u.T@u >= 0", use("square", x="u", times="room - 1")),
    "a factor of the goal that may be 0": shows("-u.T@u >= 0", times="c - c"),
    "a factor that is a condition with >=": shows("-u.T@u >= 0", times="room"),
    "a factor by a parameter >= 0": shows("-u.T@u >= 0", times="c"),
    "a factor below 0": shows("-u.T@u >= 0", use("square", x="u"), times="-1"),
    "a letter as a multiplier": shows("u.T@u - v.T@v >= 0", use("square", x="u", times="p")),
    "the square of a complex number": shows("-u.T@u >= 0", use("square", x="(0 - 1)**1*u",
                                                               times="(0-1)**3")),
    "the norm of an operator as a square": shows("u.T@u >= 0", use("square", x="K")),
    "a bound of another operator": shows("c*u.T@u - (A@u).T@(A@u) >= 0",
                                         use("bound", of="A", x="u")),
    "a bound of its transpose twice": shows("c*u.T@u - (K@u).T@(K@u) >= 0",
                                            use("bound", of="K.T.T", x="u")),
    "a bound of a multiple": shows("c*u.T@u - (2*K@u).T@(2*K@u) >= 0",
                                   use("bound", of="2*K", x="u")),
    "the bound in the wrong direction": shows("(K@u).T@(K@u) - c*u.T@u >= 0",
                                              use("bound", of="K", x="u", times="-1")),
    "the transposed bound on the wrong space": shows("c*u.T@u - (K@u).T@(K@u) >= 0",
                                                     use("bound", of="K.T", x="u")),
    "a form of two vectors": shows("u.T@A@v >= 0", use("form", of="low", x=["u", "v"])),
    "a form for vectors of another space": shows("f.T@f >= 0", use("form", of="low", x="f")),
    "a form taken for a symmetric one": shows("u.T@A@v - v.T@A@u >= 0"),
    "a condition as what is known": shows("u.T@u - t*u.T@u >= 0", use("known", of="room")),
    "the goal as what is known": shows("-u.T@u >= 0", use("known", of="goal")),
    "an equation that is none": shows("u.T@u - v.T@v == 0", use("equation", of="low", **{
        "with": "1"})),
    "a square for an equation": shows("u.T@u == 0", use("square", x="u")),
    "slopes between two fluxes": shows("(f - g).T@(K@u - K@v) >= 0", use("slopes", at=["E", "F"])),
    "the sector of a flux that has none": shows("g.T@(K@v - g) >= 0", use("sector", at="F")),
    "rest where nothing says so": shows("g.T@(K@v - g) >= 0", use("slopes", at=["F", "Z"]),
                                        rest={"Z": "F"}),
    "energies by the wrong end of the slopes": shows(
        "p + f.T@(K@v - K@u) - q >= 0", use("descent", at=["E", "F"])),
    "a transpose of a product in the same order": shows(
        "u.T@A@v - v.T@A@u >= 0", use("form", of="low", x="u - v", times="0")),
    "commuting matrices": shows("u.T@A@K.T@K@u - u.T@K.T@K@A@u >= 0"),
    "a rule from elsewhere": shows("-u.T@u >= 0", use("__class__", x="u")),
    "a rule with more to say": shows("2*u.T@u >= 0", use("square", x="u", of="v")),
    "a lemma by itself": shows("-u.T@u >= 0", use("known", of="J"), lemmas=[
        {"name": "J", "shows": "-u.T@u >= 0", "steps": [use("known", of="J")]}]),
    "a lemma that is divided by 0": shows("-u.T@u >= 0", use("known", of="J"), lemmas=[
        {"name": "J", "shows": "-u.T@u >= 0", "times": "0", "steps": []}]),
    "a lemma under the name of a fact": shows("u.T@u >= 0", use("known", of="low"), lemmas=[
        {"name": "low", "shows": "u.T@u >= 0", "steps": [use("square", x="u")]}]),
    "an energy at rest that is 0": shows("p >= 0", use("descent", at=["Z", "E"]),
                                         rest={"Z": "E"}),
}


@pytest.mark.parametrize("idea", ALGEBRA)
def test_an_attack_on_a_sum_is_refused(idea):
    with pytest.raises(InvalidEvidence):
        check(*ALGEBRA[idea])


def test_what_the_attacks_change_holds_as_it_should_be():
    """Else they would be refused for another reason."""
    for goal, step in (("u.T@u >= 0", use("square", x="u")),
                       ("c*u.T@u - (K@u).T@(K@u) >= 0", use("bound", of="K", x="u")),
                       ("u.T@A@u >= 0", use("form", of="low", x="u")),
                       ("f.T@(K@u - f) >= 0", use("sector", at="E")),
                       ("u.T@u - t*u.T@u >= 0", use("square", x="u", times="room"))):
        check(*shows(goal, step))


# -- any number of steps ---------------------------------------------------------------------------

HALVED = {"kind": "iteration", "parameters": {"t": "> 0"}, "vectors": {"u": "N"},
          "operators": {"K": "N -> N", "H": "P -> P"}, "bounds": {"K": "1"},
          "state": {"v": "N"}, "start": {"v": "u"}, "next": {"v": "K@v"},
          "changing": ["K", "H"], "goal": "u.T@u - v.T@v >= 0"}
STEP = {"steps": [use("known", of="J"), use("bound", of="K", x="v")]}
KEPT = {"invariants": {"J": "u.T@u - v.T@v >= 0"}, "base": {"J": {"steps": []}},
        "step": {"J": STEP}, "end": STEP}


def changed(data, **entries):
    return {**copy.deepcopy(data), **entries}


INDUCTION = {
    "no base": (HALVED, changed(KEPT, base={})),
    "the base of another": (HALVED, changed(KEPT, base={"L": {"steps": []}})),
    "no step": (HALVED, changed(KEPT, step={})),
    "no end": (HALVED, {key: KEPT[key] for key in ("invariants", "base", "step")}),
    "a base that leans on the invariant": (
        changed(HALVED, start={"v": "2*u"}),
        changed(KEPT, base={"J": {"steps": [use("known", of="J", times="4")]}})),
    "a start elsewhere": (changed(HALVED, start={"v": "2*u"}), KEPT),
    "an invariant of what changes": (HALVED, changed(
        KEPT, invariants={"J": "u.T@u - v.T@v + u.T@K@u - u.T@K@u >= 0", "C": "u.T@K@u >= 0"},
        base={"J": {"steps": []}, "C": {"steps": []}},
        step={"J": STEP, "C": {"steps": [use("known", of="C")]}})),
    "a goal of what changes": (changed(HALVED, goal="(K@u).T@(K@u) - v.T@v >= 0"), KEPT),
    "the invariant after the step as known before it": (HALVED, changed(
        KEPT, step={"J": {"steps": [use("known", of="J_next")]}})),
    "a bound that grows": (changed(HALVED, bounds={"K": "4"}), KEPT),
    "a ghost in a space that may be another": (HALVED, changed(
        KEPT, ghosts={"b": {"in": "P", "start": "0", "next": "b"}})),
    "a ghost that starts where the state is": (HALVED, changed(
        KEPT, ghosts={"b": {"in": "N", "start": "v", "next": "v"}},
        invariants={"J": "b.T@b - v.T@v >= 0"})),
    "a ghost under the name of the state": (HALVED, changed(
        KEPT, ghosts={"v": {"in": "N", "start": "0", "next": "0"}})),
    "a counter that is not there": (changed(HALVED, start={"v": "l*u"}), KEPT),
    "a counter under the name of a parameter": (changed(HALVED, counter="t"), KEPT),
    "a state that is also fixed": (changed(HALVED, vectors={"u": "N", "v": "N"}), KEPT),
    "no next for a state": (changed(HALVED, next={}), KEPT),
}


def test_the_induction_holds_as_it_should_be():
    check(HALVED, KEPT)


@pytest.mark.parametrize("idea", INDUCTION)
def test_an_attack_on_an_induction_is_refused(idea):
    with pytest.raises(InvalidEvidence):
        check(*INDUCTION[idea])


# -- rows and pieces -------------------------------------------------------------------------------

SITE = {"kind": "rows", "step": "explicit", "keeps": "range", "weights": {"w": "1"},
        "rows": {"site": {"0": "1 - w", "mean": "w"}}}
LINE = THEOREMS["explicit step on a line, sign"].statement
PIECE = {"kind": "pieces", "variable": "y", "on": ["-inf", "inf"], "goal": "abs(y) - y >= 0"}

ROWS = {
    "a weight just over its end": (changed(SITE, weights={"w": "1001/1000"}), {}),
    "a weight without an end": (changed(SITE, weights={"w": "inf"}), {}),
    "a weight of any sign": (changed(SITE, weights={"w": "-1"}), {}),
    "a row whose sum is not 1": (changed(SITE, rows={"site": {"0": "1 - w", "mean": "w/2"}}), {}),
    "a row without its diagonal": (changed(SITE, rows={"site": {"mean": "1"}}), {}),
    "an entry that is negative and small": (
        changed(SITE, rows={"site": {"0": "1 - w + w/1000", "mean": "w", "far": "-w/1000"}}), {}),
    "no rows": (changed(SITE, rows={}), {}),
    "another order of rows": (changed(LINE, rows={**LINE["rows"], "inner": LINE["rows"]["first"]}),
                              {"pivot": "1/2 - x"}),
    "a mean of neighbours for signs": (
        changed(SITE, keeps="sign"), {"pivot": "1/2 - w"}),
    "a mean of neighbours for the mean": (changed(SITE, keeps="mean"), {}),
    "a pivot of 0": (LINE, {"pivot": "0"}),
    "a pivot below 0": (LINE, {"pivot": "-1"}),
    "a pivot above the diagonal": (LINE, {"pivot": "1 - x/2"}),
    "a pivot that is a quotient": (LINE, {"pivot": "1/x"}),
    "a pivot of another variable": (LINE, {"pivot": "1/2 - l"}),
    "a step twice as long": (changed(LINE, weights={"l": "1/2", "r": "1/2"}),
                             {"pivot": "1/2 - x"}),
    "weights of two ends": (changed(LINE, weights={"l": "1/4", "r": "1/2"}), {"pivot": "1/2 - x"}),
    "an implicit step with a positive neighbour": (changed(SITE, step="implicit"), {}),
    "a break that is missing": (PIECE, {"breaks": []}),
    "breaks out of order": (PIECE, {"breaks": ["1", "0"]}),
    "a break beyond the end": (changed(PIECE, on=["0", "1"]), {"breaks": ["2"]}),
    "an empty interval": (changed(PIECE, on=["1", "1"], goal="-1 >= 0"), {"breaks": []}),
    "an interval turned round": (changed(PIECE, on=["1", "0"], goal="-1 >= 0"), {"breaks": []}),
    "a polynomial that dips between two roots": (
        changed(PIECE, goal="(y - 1)*(y - 1001/1000) >= 0"), {"breaks": ["0"]}),
    "an identity at the breaks alone": (
        changed(PIECE, goal="y*(y - 1) == 0"), {"breaks": ["0", "1"]}),
    "another variable": (changed(PIECE, goal="z >= 0"), {"breaks": []}),
    "a statement of another kind with this proof": (changed(PIECE, kind="rows"), {"breaks": []}),
}


@pytest.mark.parametrize("idea", ROWS)
def test_an_attack_on_rows_and_pieces_is_refused(idea):
    with pytest.raises(InvalidEvidence):
        check(*ROWS[idea])


def test_rows_and_pieces_hold_as_they_should_be():
    check(SITE, {})
    check(LINE, {"pivot": "1/2 - x"})
    check(PIECE, {"breaks": ["0"]})
