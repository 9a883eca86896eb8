"""Visits at 0 that a proof adds: a sector with two ends says that a flux is 0 there."""

import copy

import pytest

from stabkit.errors import InvalidEvidence
from stabkit.proof import check, explain, recipe

# f·s − |f|²/(2b) >= P(s) − P(0): the interpolation between s and 0, where Φ is 0.
STATEMENT = {
    "kind": "algebra", "parameters": {"b": "> 0"}, "vectors": {"s": "M"},
    "fluxes": {"phi": {"sector": ["0", "b"], "slopes": ["0", "b"]}},
    "visits": {"E": {"flux": "phi", "at": "s", "value": "f", "energy": "p"},
               "Z": {"flux": "phi", "at": "0*s", "value": "z", "energy": "q"}},
    "goal": "b*f.T@s - f.T@f >= 0",
}
PROOF = {"rest": {"R": "E"}, "steps": [{"use": "interpolation", "at": ["E", "R"], "times": "1/2"},
                                       {"use": "interpolation", "at": ["R", "E"], "times": "1/2"}]}


def test_two_interpolations_from_and_to_a_rest():
    """2b(p − q) − |f|² and 2b(q − p + f·s) − |f|² add up to 2(b f·s − |f|²); energies cancel."""
    check(STATEMENT, PROOF)
    assert "0 = Φ(0)" in explain(STATEMENT, PROOF)
    said = []
    exec(recipe(STATEMENT, PROOF), {"print": lambda *words: said.append(words[-1])})
    assert said == ["holds"]


def test_the_energy_at_0_is_not_known():
    """P(s) − |f|²/(2b) >= 0 would need P(0) = 0; with the rest's energy left over it is refused."""
    statement = STATEMENT | {"goal": "2*b*p - f.T@f >= 0"}
    with pytest.raises(InvalidEvidence, match="left over"):
        check(statement, {"rest": {"R": "E"}, "steps": [
            {"use": "interpolation", "at": ["R", "E"], "times": "1"}]})


@pytest.mark.parametrize("facts", [
    {"slopes": ["0", "b"]},                           # Φ(s) = s + 1
    {"slopes": ["0", "inf"], "sector": ["0", "inf"]},  # Φ(s)s >= 0 where Φ(0) = anything
    {"slopes": ["0", "b"], "sector": ["-inf", "b"]},
])
def test_without_a_sector_of_two_ends_there_is_no_rest(facts):
    """Then a flux need not be 0 at 0."""
    statement = copy.deepcopy(STATEMENT)
    statement["fluxes"]["phi"] = facts
    with pytest.raises(InvalidEvidence, match="two ends"):
        check(statement, PROOF)


@pytest.mark.parametrize("rest", [
    {"E": "E"}, {"R": "nothing"}, {"R": 3}, {"R": ["E"]}, {"p": "E"}, ["R"], {"R": "E", "Q": "R"},
    {"0": "E"},
])
def test_forged_rests_are_refused(rest):
    """Names that are taken, visits that are not there, rests of rests, other types."""
    with pytest.raises(InvalidEvidence):
        check(STATEMENT, PROOF | {"rest": rest})


ITERATION = {
    "kind": "iteration", "operators": {"K": "N -> M"}, "bounds": {"K": "1"}, "vectors": {"u": "N"},
    "fluxes": {"phi": {"sector": ["0", "1"], "slopes": ["0", "1"]}},
    "visits": {"E0": {"flux": "phi", "at": "K@u", "value": "f0", "energy": "p0"},
               "E1": {"flux": "phi", "at": "K@v", "value": "f1", "energy": "p1"}},
    "state": {"v": "N"}, "start": {"v": "u"}, "next": {"v": "v - K.T@f1"}, "goal": "p0 - p1 >= 0",
}
# 2(p1 − p1⁺) >= 2|Kᵀf|² − |KKᵀf|², and |KKᵀf|² <= |Kᵀf|².
ONE = {"times": "2", "steps": [
    {"use": "known", "of": "J", "times": "2"},
    {"use": "descent", "at": ["E1", "E1_next"], "times": "2"},
    {"use": "bound", "of": "K", "x": "K.T@f1"}, {"use": "square", "x": "K.T@f1"}]}
INDUCTION = {"rest": {"R": "E0"}, "invariants": {"J": "(p0 - p_R) - (p1 - p_R) >= 0"},
             "base": {"J": {"steps": []}}, "step": {"J": ONE}, "end": ONE}


def test_invariants_may_speak_of_rests():
    """The energy of a rest is the same at all steps: 2p_R − p0 − p1 >= 0 is not, p0 − p1 is."""
    check(ITERATION, INDUCTION)
    with pytest.raises(InvalidEvidence, match="left over"):
        check(ITERATION, INDUCTION | {"invariants": {"J": "p_R - p1 >= 0"}})


@pytest.mark.parametrize("changing", [["phi"], ["K"], ["f0"]])
def test_a_rest_that_may_change_from_step_to_step_is_in_no_invariant(changing):
    """Another flux, or another space, has another energy at 0."""
    statement = ITERATION | {"changing": changing, "goal": "u.T@u - u.T@u >= 0"}
    with pytest.raises(InvalidEvidence, match="may change"):
        check(statement, INDUCTION | {"invariants": {"J": "u.T@u + p_R >= 0"}})
    holds = {"steps": []}
    check(statement, INDUCTION | {"invariants": {"J": "p_R - p_R >= 0"}, "end": holds,
                                  "step": {"J": holds}})


# -- two spaces: N·P(0) and M·P(0) differ ---------------------------------------------------------

TWO = {"fluxes": {"phi": {"sector": ["0", "1"], "slopes": ["0", "1"]}}}


def test_visits_in_two_spaces_are_no_pair_though_one_is_at_0():
    """P(s) = s²/2 + 1, u = 0 with one entry, w = 0 with two: the goal says 1 − 2 >= 0."""
    statement = TWO | {
        "kind": "algebra", "vectors": {"u": "N", "w": "M"},
        "visits": {"E": {"flux": "phi", "at": "u", "value": "f", "energy": "p"},
                   "F": {"flux": "phi", "at": "w", "value": "g", "energy": "q"}},
        "goal": "p - q - f.T@u + u.T@u/2 + g.T@w >= 0"}
    with pytest.raises(InvalidEvidence, match="two spaces"):
        check(statement, {"rest": {"Z": "E"}, "steps": [
            {"use": "descent", "at": ["E", "Z"]}, {"use": "ascent", "at": ["F", "Z"]}]})


def test_at_the_start_visits_at_0_of_two_spaces_are_not_the_same():
    """v = 0 for ever, so it is said that M·P(0) >= N·P(0), as if Σ P were over equal lengths."""
    statement = TWO | {
        "kind": "iteration", "operators": {"K": "N -> M"}, "vectors": {"u": "N"},
        "visits": {"Z": {"flux": "phi", "at": "0*u", "value": "z", "energy": "q"},
                   "E": {"flux": "phi", "at": "K@v", "value": "f", "energy": "p"}},
        "state": {"v": "N"}, "start": {"v": "0"}, "next": {"v": "v"}, "goal": "p - q >= 0"}
    kept = {"steps": [{"use": "known", "of": "J"}, {"use": "descent", "at": ["E_next", "E"]}]}
    proof = {"invariants": {"J": "p - q >= 0"}, "base": {"J": {"steps": []}},
             "step": {"J": kept}, "end": kept}
    with pytest.raises(InvalidEvidence, match="base of J"):
        check(statement, proof)
    statement["visits"]["Z"]["at"] = "0*(K@u)"  # one space: then it is so
    check(statement, proof)
