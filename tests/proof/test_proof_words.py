"""The algebra of words against arrays, and what it refuses."""

import random
from fractions import Fraction as F

import numpy as np
import pytest
from proof_instances import value_of

from stabkit.errors import InvalidEvidence
from stabkit.proof.text import parse, rational, relation, text_of
from stabkit.proof.words import (
    MAX_LETTERS,
    expression,
    operator,
    parameter,
    vector,
)

NAMES = {
    "tau": parameter("tau"), "L": parameter("L"), "K": operator("K", "N", "M"),
    "A": operator("A", "N", "N", symmetric=True), "u": vector("u", "N"), "v": vector("v", "N"),
    "f": vector("f", "M"), "p": vector("p", "1"),
}
VECTORS = ["u", "v", "tau*u - 2*v/3", "A@u", "K.T@f", "(u - tau*(K.T@(f + K@v)))", "A@A@v"]
FORMS = ["u.T@v", "f.T@K@u", "p", "3*tau**2*L", "(K@u).T@(K@u)", "u.T@A@v - v.T@A@u"]


def arrays(seed):
    rng = np.random.default_rng(seed)

    def draw(*shape):
        return np.array([F(int(x)) for x in rng.integers(-4, 5, int(np.prod(shape)))],
                        dtype=object).reshape(shape)
    A = draw(3, 3)
    return {"tau": F(2, 3), "L": F(5), "K": draw(2, 3), "A": A + A.T, "u": draw(3), "v": draw(3),
            "f": draw(2), "p": F(7)}


@pytest.mark.parametrize("text", VECTORS + FORMS)
def test_what_is_read_and_written_means_the_same(text):
    read = parse(text, NAMES)
    for seed in range(3):
        values = arrays(seed)
        assert np.all(value_of(text, values) == value_of(text_of(read), values))
    assert (parse(text_of(read), NAMES) - read).is_zero()


@pytest.mark.slow
def test_a_form_is_zero_exactly_if_it_vanishes_on_arrays():
    rng = random.Random(1)
    for _ in range(300):
        terms = [f"{rng.choice(['', '2*', '-', 'tau*'])}({rng.choice(VECTORS)}).T@"
                 f"({rng.choice(VECTORS)})" for _ in range(rng.choice([1, 2]))]
        terms.append(f"-({terms[0]})" if rng.random() < 0.6 else "p - p")
        text = " + ".join(terms)
        on_arrays = all(value_of(text, arrays(seed)) == 0 for seed in range(4))
        assert parse(text, NAMES).is_zero() == on_arrays


def test_a_number_equals_its_transpose_and_an_adjoint_moves():
    for text in ("f.T@(K@u) - (K.T@f).T@u", "u.T@v - v.T@u", "u.T@A@v - v.T@A@u"):
        assert parse(text, NAMES).is_zero()
    for text in ("A@K.T@f - K.T@f", "K.T@K@u - A@u", "u.T@A@A@u - u.T@A@u", "tau - 1", "u - v"):
        assert not parse(text, NAMES).is_zero()


def test_an_operator_is_not_its_transpose():
    B = operator("B", "N", "N")
    for x in (B - B.T, B @ B.T - B.T @ B, B @ NAMES["A"] - NAMES["A"] @ B.T):
        assert not x.is_zero()
    assert (NAMES["A"] - NAMES["A"].T).is_zero() and (B.T.T - B).is_zero()
    u = NAMES["u"]
    assert (u.T @ B @ u - u.T @ B.T @ u).is_zero()


def test_letters_are_replaced_all_at_once():
    values = {"u": NAMES["v"], "v": NAMES["u"], "tau": expression(3)}
    assert (parse("tau*u.T@A@v - u.T@u", NAMES).put(values)
            - parse("3*v.T@A@u - v.T@v", NAMES)).is_zero()
    gone = parse("u.T@A@v + p", NAMES).put({"u": expression(0)})
    assert (gone - NAMES["p"]).is_zero()
    with pytest.raises(InvalidEvidence, match="does not fit"):
        parse("u.T@v", NAMES).put({"u": NAMES["f"]})


@pytest.mark.parametrize("text, reason", [
    ("u + f", "cannot be added"), ("K@f", "cannot be applied"), ("K.T@u", "cannot be applied"),
    ("u@v", "cannot be applied"), ("u.T@f", "cannot be applied"), ("u*v", "coefficient"),
    ("K@K", "cannot be applied"), ("u + 1", "cannot be added"), ("p + u", "cannot be added"),
    ("u/0", "rational"), ("u/tau", "rational"), ("u**2", "coefficient"), ("2**65", "exponent"),
    ("tau**-1", "notation"), ("w", "not a name"), ("__import__('os')", "notation"),
    ("u.real", "notation"), ("0.5*u", "notation"), ("True*u", "notation"), ("u if 1 else v", "not"),
    ("[u]", "notation"), ("u u", "not an expression"), ("", "not an expression"), ("K @ 2", "appl"),
    ("lambda: u", "notation"), ("max(u, v)", "notation"), ("ü", "ASCII"), ("u" * 5000, "at most"),
    ("(" * 900 + "u" + ")" * 900, "not an expression"),
    ("-" * 3000 + "u", "not an expression|deep"),
    ("+".join(["u"] * 1999), "deep"), (7, "must be a text"), (None, "must be a text"),
])
def test_what_does_not_fit_or_is_not_in_the_notation_is_refused(text, reason):
    with pytest.raises(InvalidEvidence, match=reason):
        parse(text, NAMES)


@pytest.mark.slow
@pytest.mark.parametrize("text", [
    "A@" * MAX_LETTERS + "u", "(tau + L + 1)**60", "tau**40*tau**40", "(10**60)**7*u",
    "(" + " + ".join(f"tau**{i}*L**{j}" for i in range(12) for j in range(12)) + ")**2",
])
def test_what_is_too_large_is_refused(text):
    with pytest.raises(InvalidEvidence, match=r"too long|too many|digits|notation|exponent"):
        parse(text, NAMES)


def test_floats_do_not_enter():
    with pytest.raises(InvalidEvidence, match="rational"):
        0.5 * NAMES["u"]


def test_fractions_and_relations_are_read_strictly():
    assert rational("-3/4") == F(-3, 4) and relation("a >= 0") == ("a", ">=")
    for bad in ("1/0", "1.5", "1e3", "", "+1", "1/-2", 3, None, "1" * 500):
        with pytest.raises(InvalidEvidence, match="fraction"):
            rational(bad)
    for bad in ("a >= 1", "a > 0", "a", "a <= 0", "a>=0", 5):
        with pytest.raises(InvalidEvidence, match="must end"):
            relation(bad, (">=", "=="))
