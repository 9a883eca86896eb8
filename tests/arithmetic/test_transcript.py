"""What an expression writes down has the value that it computes."""

import ast
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stabkit import fluxes
from stabkit.arithmetic.rational import fractions
from stabkit.arithmetic.transcript import Term, Transcript, as_text, named
from stabkit.errors import InvalidArgument
from stabkit.operators import difference
from stabkit.replay import check
from stabkit.schemes import Chain, Explicit, HaarShrinkage
from stabkit.testing import rationals


class _Exact(ast.NodeTransformer):
    # Python would divide integers as floats.
    def visit_Constant(self, node):
        return ast.parse(f"Fraction({node.value})", mode="eval").body


def value(text, names):
    """The value of an arithmetic expression, as Python itself reads it."""
    tree = ast.fix_missing_locations(_Exact().visit(ast.parse(text, mode="eval")))
    return eval(compile(tree, "text", "eval"), {"Fraction": Fraction, **names})


LEAVES = st.one_of(st.sampled_from(["a", "b", "c"]), rationals(3, 3), st.integers(-3, 3))
TREES = st.recursive(LEAVES, lambda inner: st.one_of(
    st.tuples(st.sampled_from("+-*/"), inner, inner), st.tuples(st.just("neg"), inner),
    st.tuples(st.just("abs"), inner), st.tuples(st.just("square"), inner)), max_leaves=12)


def build(tree, names):
    """The expression of a tree, in whatever arithmetic the names have."""
    if not isinstance(tree, tuple):
        return names[tree] if isinstance(tree, str) else tree
    sign, *parts = tree
    parts = [build(part, names) for part in parts]
    return {"+": lambda x, y: x + y, "-": lambda x, y: x - y, "*": lambda x, y: x * y,
            "/": lambda x, y: x / y, "neg": lambda x: -x, "abs": abs, "square": lambda x: x**2,
            }[sign](*parts)


@pytest.mark.slow
@given(TREES, rationals(), rationals(), rationals())
def test_scalar_expressions_are_written_as_they_are_computed(tree, a, b, c):
    """Brackets, signs and quotients: the text of a random expression, read by Python's own
    parser with exact integers, has the value of the expression."""
    numbers = dict(a=a, b=b, c=c)
    log = Transcript()
    try:
        exact = build(tree, {name: Fraction(number) for name, number in numbers.items()})
        written = build(tree, {name: log.give(name, number) for name, number in numbers.items()})
    except ZeroDivisionError:
        return
    if isinstance(written, Term) and not isinstance(exact, float):
        assert value(written.text, numbers) == exact


def _checked(log, text, exact):
    shown = {"kind": "certificate", "arithmetic": "rational", "configuration": {}, "data": {
        "given": log.given, "let": log.let, "shows": [f"{text} == {_spelled(exact)}"], "by": ""}}
    return check(shown)


def _spelled(exact):
    if isinstance(exact, np.ndarray):
        return f"[{', '.join(_spelled(entry) for entry in exact)}]"
    return f"({exact})"


@pytest.mark.parametrize("expression", [
    lambda u: np.sum(u), lambda u: np.min(u) - np.max(u), lambda u: np.dot(u, u),
    lambda u: np.absolute(u) - np.sign(u), lambda u: u[1:] - u[:-1], lambda u: u[0] * u[-1] * u,
    lambda u: -u**2 / 3 - (-u) ** 3, lambda u: np.array([1, 2, 3], dtype=object) - u,
    lambda u: np.power(u, 2) * np.negative(u), lambda u: Fraction(-1, 2) * (u - Fraction(2, 3)),
    lambda u: 1 - (2 - (3 - u)), lambda u: u / (2 * u[1] / 5), lambda u: np.maximum(u[0], u[1]),
])
def test_vector_expressions_are_written_as_they_are_computed(expression):
    """NumPy's operations on arrays of fractions against the checker's reading of the text."""
    u = fractions([Fraction(1, 2), -3, Fraction(7, 5)])
    log = Transcript()
    assert _checked(log, expression(log.give("u", u)).text, expression(u)) is None


@pytest.mark.parametrize("flux", [fluxes.soft("1/2"), fluxes.garrote(), fluxes.firm(1, 3),
                                  fluxes.relu(), fluxes.leaky_relu(), fluxes.rational(2)])
def test_schemes_are_written_as_they_are_computed(flux):
    """A chain of three different steps, computed in fractions and read by the checker."""
    K = difference(1, 4)
    chain = Chain([Explicit(K, flux, "1/3"), HaarShrinkage(flux, 4), Explicit(K, flux, "2")])
    u = fractions([3, Fraction(-1, 3), 0, Fraction(5, 2)])
    log = Transcript()
    assert _checked(log, chain(log.give("u", u)).text, chain(u)) is None
    assert _checked(log, "v2", chain(u) + Fraction(1, 10**40)) is not None


def test_names_are_given_once_and_numbered():
    """Two quantities never share a name, and one owner is written down once."""
    log = Transcript()
    assert [log.give("u", 1).text, log.give("u", 2).text, log.define("u", log.term("u + 1")).text] \
        == ["u", "u1", "u2"]
    owner = object()
    assert log.give_once(owner, "K", lambda: [[1]]).text == "K"
    assert log.give_once(owner, "K", lambda: pytest.fail("written twice")).text == "K"
    assert log.give_once(object(), "K", lambda: [[2]]).text == "K1"
    assert log.function("one", "f", lambda x: x * 2) == log.function("one", "f", lambda x: x) == "f"
    assert log.function("two", "f", lambda x: x) == "f1"
    assert log.let[-2:] == [["f(x)", "x * 2"], ["f1(x)", "x"]]
    assert named(3, "v") == 3


def test_exact_numbers_are_spelled_as_rationals():
    """Floats as the dyadic rationals they are; infinities stay words; nothing else is a number."""
    assert as_text([[0.5, 1], (Fraction(-2, 6), np.float64(0.1))]) == \
        [["1/2", "1"], ["-1/3", str(Fraction(0.1))]]
    assert as_text([float("-inf"), float("inf")]) == ["-inf", "inf"]
    for wrong in (float("nan"), None, 1j, "x"):
        with pytest.raises(InvalidArgument):
            as_text(wrong)


@pytest.mark.parametrize("unknown", [np.arcsinh, np.floor, np.cumsum, np.argsort])
def test_operations_outside_the_language_are_refused(unknown):
    """What cannot be written down is an error, not a silent gap in the evidence."""
    with pytest.raises(TypeError):
        unknown(Transcript().give("u", [1, 2]))
