"""Each rule on its own: what it says is >= 0 is >= 0, and what it needs it is not used without."""

import copy
from fractions import Fraction as F
from functools import cache

import numpy as np
import pytest
from proof_instances import PiecewiseLinear, Wild, fractions, holds, norm_bound, value_of

from stabkit.errors import InvalidEvidence
from stabkit.proof import check
from stabkit.proof.facts import RULES, multiplier, nonnegative
from stabkit.proof.setting import read
from stabkit.proof.text import text_of

SETTING = {
    "parameters": {"a": "any", "b": ">= 0", "c": ">= 0", "t": "> 0"},
    "assume": {"left": "2 - t*c >= 0", "more": "3 - t > 0"},
    "operators": {"K": "N -> M"}, "bounds": {"K": "c"},
    "forms": {"positive": {"of": "x", "in": "M", "holds": "c*x.T@x - (K.T@x).T@(K.T@x) >= 0"}},
    "vectors": {"u": "N", "v": "N", "y": "M"},
    "fluxes": {"phi": {"slopes": ["a", "b"]}, "up": {"slopes": ["0", "b"]},
               "psi": {"sector": ["a", "b"]}, "mono": {"slopes": ["0", "inf"]},
               "low": {"sector": ["-inf", "b"]}},
    "visits": {
        name: {"flux": flux, "at": at, "value": f"f{name}", "energy": f"p{name}"}
        for name, flux, at in [("A", "phi", "K@u"), ("B", "phi", "K@v"), ("C", "up", "K@u"),
                               ("D", "up", "y"), ("E", "psi", "K@u"), ("G", "mono", "K@u"),
                               ("H", "mono", "y"), ("I", "low", "y")]},
    "equations": {"same": "u - v - K.T@y == 0"}, "known": {"given": "pA - pB >= 0"},
}
STEPS = [
    {"use": "square", "x": "u - K.T@y"},
    {"use": "bound", "of": "K", "x": "u - t*v"}, {"use": "bound", "of": "K.T", "x": "y"},
    {"use": "form", "of": "positive", "x": "y - K@u"},
    {"use": "sector", "at": "E"}, {"use": "sector", "at": "I"},
    {"use": "slopes", "at": ["A", "B"]}, {"use": "slopes", "at": ["G", "H"]},
    {"use": "descent", "at": ["A", "B"]}, {"use": "descent", "at": ["B", "A"]},
    {"use": "ascent", "at": ["A", "B"]}, {"use": "ascent", "at": ["G", "H"]},
    {"use": "interpolation", "at": ["C", "D"]}, {"use": "interpolation", "at": ["D", "C"]},
]


def random_values(rng):
    """Arrays, numbers and fluxes of which all of the setting is true but `same` and `given`."""
    values = {"a": F(int(rng.integers(-3, 1)), 2), "b": F(int(rng.integers(0, 4)), 2),
              "t": F(int(rng.integers(1, 8)), 3), "K": fractions(rng, 2, 3),
              "u": fractions(rng, 3), "v": fractions(rng, 3), "y": fractions(rng, 2)}
    values["c"] = norm_bound(values["K"])
    fluxes = {"phi": PiecewiseLinear(rng, values["a"], values["b"]),
              "up": PiecewiseLinear(rng, F(0), values["b"]),
              "psi": Wild(rng, values["a"], values["b"]),
              "mono": PiecewiseLinear(rng, F(0), F(5)), "low": Wild(rng, F(-4), values["b"])}
    for name, visit in SETTING["visits"].items():
        s = value_of(visit["at"], values)
        values[f"f{name}"], values[f"p{name}"] = (fluxes[visit["flux"]](s),
                                                  fluxes[visit["flux"]].energy(s))
    return values


@cache
def many_values():
    rng = np.random.default_rng(1)
    return [random_values(rng) for _ in range(200)]


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS, ids=str)
def test_what_a_rule_says_is_nonnegative_is_so(step):
    text = text_of(nonnegative(read(SETTING), step))
    margins = [value_of(text, values) for values in many_values()]
    assert min(margins) >= 0 and max(margins) > 0


def test_every_rule_is_tried():
    assert {step["use"] for step in STEPS} | {"known"} == set(RULES)


@pytest.mark.parametrize("use, wrong", [
    ("slopes", {"phi": ["a + 1", "b"]}), ("slopes", {"phi": ["a", "b - 1"]}),
    ("descent", {"phi": ["a", "b - 1"]}), ("ascent", {"phi": ["a + 1", "b"]}),
    ("interpolation", {"up": ["0", "b - 1"]}),
])
def test_a_rule_is_false_of_a_flux_that_lacks_its_fact(use, wrong):
    """Or else the rule would be weaker than it looks, and its test would see nothing."""
    data = copy.deepcopy(SETTING)
    for name, ends in wrong.items():
        data["fluxes"][name] = {"slopes": ends}
    step = next(step for step in STEPS if step["use"] == use)
    text = text_of(nonnegative(read(data), step))
    assert any(value_of(text, values) < 0 for values in many_values())


@pytest.mark.parametrize("step, reason", [
    ({"use": "norm", "x": "u"}, "not a rule"), ({"use": ["square"]}, "not a rule"),
    ({"use": "square"}, "x is missing"), ({"use": "square", "x": "u", "of": "K"}, "not known here"),
    ({"use": "square", "x": "K"}, "vector"), ({"use": "square", "x": "u + y"}, "cannot be added"),
    ({"use": "bound", "of": "K", "x": "y"}, "cannot be applied"),
    ({"use": "bound", "of": "K.T", "x": "u"}, "cannot be applied"),
    ({"use": "bound", "of": "A", "x": "u"}, "not"), ({"use": "bound", "of": 3, "x": "u"}, "name"),
    ({"use": "bound", "of": "K.T.T", "x": "u"}, "not a bound"),
    ({"use": "form", "of": "positive", "x": "u"}, "vector of M"),
    ({"use": "form", "of": "negative", "x": "y"}, "not a form"),
    ({"use": "known", "of": "other"}, "not a known"), ({"use": "known", "of": "same"}, "not a"),
    ({"use": "sector", "at": "A"}, "not a fact"), ({"use": "sector", "at": "Z"}, "not a visit"),
    ({"use": "sector", "at": ["E"]}, "not a visit"), ({"use": "slopes", "at": "A"}, "two visits"),
    ({"use": "slopes", "at": ["A", "C"]}, "two fluxes"),
    ({"use": "slopes", "at": ["E", "E"]}, "not a fact"),
    ({"use": "slopes", "at": ["A", "A", "B"]}, "two visits"),
    ({"use": "descent", "at": ["G", "H"]}, "no such bound"),
    ({"use": "interpolation", "at": ["A", "B"]}, "slopes from 0"),
])
def test_a_rule_is_not_used_without_what_it_needs(step, reason):
    with pytest.raises(InvalidEvidence, match=reason):
        nonnegative(read(SETTING), step)


@pytest.mark.parametrize("text", ["t", "2*t*left + b/3", "a**2", "more*a**4*c", "0", "t*t*b"])
def test_a_multiplier_is_nonnegative(text):
    found = text_of(multiplier(read(SETTING), text))
    for values in many_values():
        if all(holds(condition, values) for condition in SETTING["assume"].values()):
            assert value_of(found, values) >= 0


@pytest.mark.parametrize("text, reason", [
    ("-1", "negative"), ("-t", "negative"), ("a", "negative"), ("t - 1", "negative"),
    ("a**3", "negative"), ("t*(left - 1)", "negative"), ("2 - t*c", "negative"),
    ("u", "not a name"),
    ("pA", "not a name"), ("K", "not a name"), ("given", "not a name"), ("1.5", "notation"),
    (2, "must be a text"), ("1/t", "rational"),
])
def test_what_may_be_negative_is_no_multiplier(text, reason):
    with pytest.raises(InvalidEvidence, match=reason):
        multiplier(read(SETTING), text)


def test_the_factor_of_the_goal_is_positive():
    setting = read(SETTING)
    for text in ("t", "1 + b", "t*more", "1 + a**2", "t**3 + left"):
        multiplier(setting, text, strict=True)
    for text in ("0", "b", "left", "a**2", "t*left", "c + b", "t - t"):
        with pytest.raises(InvalidEvidence, match="may be 0"):
            multiplier(setting, text, strict=True)


# -- sums ----------------------------------------------------------------------------------------


def statement(goal, **besides):
    return {"kind": "algebra", **copy.deepcopy(SETTING), **besides, "goal": goal}


def sums(*steps, **besides):
    return {"steps": list(steps), **besides}


SQUARE = {"use": "square", "x": "u - v", "times": "2"}


def test_a_sum_is_accepted_and_a_wrong_one_says_what_is_left_over():
    goal = "2*(u - v).T@(u - v) >= 0"
    check(statement(goal), sums(SQUARE))
    with pytest.raises(InvalidEvidence, match=r"add up: u\.T@u .* left over"):
        check(statement(goal), sums({**SQUARE, "times": "1"}))


@pytest.mark.parametrize("proof, reason", [
    ({"steps": [{**SQUARE, "times": "-2"}]}, "negative"), ({"steps": []}, "add up"),
    ({}, "steps is missing"), ([], "dictionary"), ({"steps": {}}, "lists"),
    ({"steps": [SQUARE], "note": "trust me"}, "not known here"), ({"steps": ["square"]}, "step 1"),
    ({"steps": [SQUARE], "times": "-1"}, "negative"), ({"steps": [SQUARE], "times": "0"}, "be 0"),
    ({"steps": [SQUARE] * 201}, "at most"), ({"steps": [SQUARE, {"use": "truth"}]}, "step 2"),
    ({"steps": [], "times": "left"}, "may be 0"), (None, "dictionary"),
])
def test_a_proof_of_another_form_or_sign_is_refused(proof, reason):
    with pytest.raises(InvalidEvidence, match=reason):
        check(statement("2*(u - v).T@(u - v) >= 0"), proof)


def test_an_equation_may_have_any_factor_and_nothing_else_shows_an_equation():
    goal = "(K@u).T@K@v - (K@v).T@(K@v) - (K@v).T@K@K.T@y == 0"
    times = {"use": "equation", "of": "same", "with": "(K@v).T@K"}
    check(statement(goal), sums(times))
    check(statement("K@u - K@v - K@K.T@y == 0"), sums({**times, "with": "K"}))
    check(statement("(u - v - K.T@y)*t == 0"), sums({**times, "with": "t"}))
    with pytest.raises(InvalidEvidence, match="equations alone"):
        check(statement(goal), sums(SQUARE))
    for wrong, reason in (("K.T", "applied"), ("2", "added"), ("y.T", "applied"), ("w", "name")):
        with pytest.raises(InvalidEvidence, match=reason):
            check(statement(goal), sums({**times, "with": wrong}))


def test_lemmas_serve_what_comes_after_them_alone():
    goal = "t*(2*u.T@u + pA - pB) >= 0"
    one = {"name": "one", "shows": "u.T@u + pA - pB >= 0",
           **sums({"use": "square", "x": "u"}, {"use": "known", "of": "given"})}
    two = {"name": "two", "shows": "2*u.T@u + pA - pB >= 0",
           **sums({"use": "square", "x": "u"}, {"use": "known", "of": "one"})}
    end = {"use": "known", "of": "two", "times": "t"}
    check(statement(goal), sums(end, lemmas=[one, two]))
    itself = {**one, **sums({"use": "known", "of": "one"})}
    in_a_circle = {**one, **sums({"use": "known", "of": "two"})}
    for lemmas in ([two, one], [itself, two], [in_a_circle, two], [two], []):
        with pytest.raises(InvalidEvidence, match="not a known"):
            check(statement(goal), sums(end, lemmas=lemmas))
    for name, reason in (("given", "twice"), ("u", "twice"), ("a b", "not a name")):
        with pytest.raises(InvalidEvidence, match=reason):
            check(statement(goal), sums(end, lemmas=[{**one, "name": name}]))
    with pytest.raises(InvalidEvidence, match="at most"):
        check(statement(goal), sums(end, lemmas=[one] * 21))


# -- statements ----------------------------------------------------------------------------------


@pytest.mark.parametrize("change, reason", [
    ({"goal": "u.T@u > 0"}, "must end"), ({"goal": "u >= 0"}, "number"), ({"goal": 3}, "must end"),
    ({"kind": "magic"}, "kind"), ({"kind": ["algebra"]}, "kind"), ({"sizes": {}}, "not known here"),
    ({"parameters": {"t": "< 0"}}, "sign"), ({"parameters": {"t b": "> 0"}}, "not a name"),
    ({"parameters": []}, "dictionary"), ({"parameters": {f"p{k}": "any" for k in range(61)}}, "60"),
    ({"assume": {"left": "2 - t*c == 0"}}, "must end"),
    ({"assume": {"left": "p >= 0"}}, "not a name"),
    ({"operators": {"K": "N M"}}, "N -> M"), ({"operators": {"K": "N -> M symmetric"}}, "N -> M"),
    ({"operators": {"K": "1 -> M"}}, "not a name"), ({"operators": {"t": "N -> M"}}, "twice"),
    ({"bounds": {"A": "c"}}, "not an operator"), ({"bounds": {"K": "u"}}, "not a name"),
    ({"vectors": {"u": "N", "K": "N"}}, "twice"), ({"vectors": {"u": ["N"]}}, "not a name"),
    ({"fluxes": {"phi": {"convex": ["0", "1"]}}}, "not known here"),
    ({"fluxes": {"phi": {"slopes": ["0"]}}}, "two ends"),
    ({"fluxes": {"phi": {"slopes": ["0", "u"]}}}, "not a name"),
    ({"visits": {"A": {"flux": "chi", "at": "K@u", "value": "f"}}}, "not a flux"),
    ({"visits": {"A": {"flux": ["phi"], "at": "K@u", "value": "f"}}}, "not a flux"),
    ({"visits": {"A": {"flux": "phi", "at": "K@u", "value": "u"}}}, "twice"),
    ({"visits": {"A": {"flux": "phi", "at": "K", "value": "f"}}}, "vector"),
    ({"visits": {"A": {"flux": "phi", "at": "f", "value": "f"}}}, "not a name"),
    ({"equations": {"same": "u - y == 0"}}, "added"), ({"equations": {"e": "u >= 0"}}, "must end"),
    ({"known": {"given": "u >= 0"}}, "number"), ({"known": {"t": "u.T@u >= 0"}}, "twice"),
    ({"forms": {"positive": {"of": "K", "in": "M", "holds": "K.T@K >= 0"}}}, "twice"),
])
def test_a_statement_is_read_strictly(change, reason):
    with pytest.raises(InvalidEvidence, match=reason):
        check({**statement("2*(u - v).T@(u - v) >= 0"), **change}, sums(SQUARE))
