"""What nobody would write: nothing but InvalidEvidence comes out, and soon."""

import random
import time

import pytest
from nested_data import changed

from stabkit.errors import InvalidEvidence
from stabkit.proof import THEOREMS, check, explain
from stabkit.proof.recipes import recipe

JUNK = [None, 0, -1, 1.5, True, "", [], {}, "u", "K", "-1", "inf", "E0", ["E0", "E0"], {"a": 1},
        "1/0", "T", [["x"]], float("nan"), "0 >= 0", "u.T@u >= 0", b"x", ("u",), "x" * 4001,
        10**500, {"steps": []}]


def places(data, path=()):
    """Where something stands in nested data."""
    yield path
    entries = data.items() if isinstance(data, dict) else enumerate(data) \
        if isinstance(data, list) else ()
    for key, part in entries:
        yield from places(part, (*path, key))


@pytest.mark.slow
@pytest.mark.parametrize("name", THEOREMS)
def test_junk_anywhere_is_refused_in_words(name):
    rng, theorem = random.Random(name), THEOREMS[name]
    data = [theorem.statement, theorem.proof]
    where = list(places(data))[1:]
    for _ in range(60):
        forged = changed(data, *rng.choice(where), to=rng.choice(JUNK))
        try:
            check(*forged)
            explain(*forged)
        except InvalidEvidence as error:
            assert len(str(error)) < 500
        except Exception as error:
            pytest.fail(f"{type(error).__name__}: {error}")


BIG = "(a + b + c + 1)**16"
SETTING = {"kind": "algebra", "parameters": dict.fromkeys("abc", ">= 0"), "vectors": {"u": "N"},
           "goal": "u.T@u >= 0"}


@pytest.mark.slow
@pytest.mark.parametrize("statement, proof", [
    (SETTING, {"steps": [{"use": "square", "x": f"{BIG}*u", "times": BIG}] * 200}),
    (SETTING, {"lemmas": [{"name": f"m{k}", "shows": f"{BIG}*u.T@u >= 0", "steps": [
        {"use": "square", "x": "u", "times": BIG}] * 200} for k in range(20)], "steps": []}),
    ({"kind": "pieces", "variable": "y", "on": ["-inf", "inf"],
      "goal": " + ".join(["max(y, (y + 1/3)**24)"] * 150) + " >= 0"}, {"breaks": []}),
    ({"kind": "rows", "step": "explicit", "keeps": "range",
      "weights": {f"w{k}": "1" for k in range(40)},
      "rows": {"all": {"0": "1 - " + "*".join(f"w{k}" for k in range(40)),
                       "1": "*".join(f"w{k}" for k in range(40))}}}, {}),
], ids=["steps", "lemmas", "pieces", "rows"])
def test_no_check_takes_long(statement, proof):
    begin = time.process_time()
    with pytest.raises(InvalidEvidence):
        check(statement, proof)
    assert time.process_time() - begin < 20


def test_deep_nesting_is_refused():
    deep = "u.T@u >= 0"
    for _ in range(5000):
        deep = [deep]
    for statement, proof in (({**SETTING, "goal": deep}, {"steps": []}), (SETTING, deep),
                             (SETTING, {"steps": deep}), (deep, {})):
        with pytest.raises(InvalidEvidence):
            check(statement, proof)


def test_recipes_come_from_readable_proofs_alone():
    with pytest.raises(InvalidEvidence):
        recipe(SETTING, {"steps": [{"use": "truth"}]})
