"""Statements for all about any maps, ReLU, odd fluxes, any number of steps, and examples beside."""

from fractions import Fraction as F

import pytest
from claims_for_all import HALF, K2, SOFT, own, proved

from stabkit import fluxes
from stabkit.claims import obligations
from stabkit.claims.settle import settle
from stabkit.classes import (
    AnyFlux,
    AnyMap,
    AnyOperator,
    AnyReal,
    AnyVector,
    ForExamples,
    OneOf,
    Relu,
    Such,
    UpTo,
)
from stabkit.errors import InvalidArgument, InvalidEvidence
from stabkit.operators import from_matrix, stable_step
from stabkit.proof import check
from stabkit.schemes import FSI, SymmetricLayer
from stabkit.stability.notions import EUCLIDEAN, squared_norm
from stabkit.stability.property import (
    AllOf,
    Always,
    AtMost,
    Calculation,
    Example,
    Identity,
    Stable,
)

RELU, A2, B3 = fluxes.relu(), from_matrix([[1, 2], [0, -1]]), from_matrix([[1, 0], [2, 1]])
X = {"x": ((1, -2),)}


# -- any maps ------------------------------------------------------------------------------------


def bent(u):
    return abs(u) - 1


@pytest.mark.parametrize("left, right, so", [
    (lambda B, x: B(x + x) + x, lambda B, x: x + B(2 * x), True),  # equal points, equal values
    (lambda B, x: B(2 * x), lambda B, x: 2 * B(x), False),  # no map is linear unless it is said
    (lambda B, x: B(-x), lambda B, x: -B(x), False),
    (lambda B, x: B(B(x)), lambda B, x: B(x), False),
])
def test_of_any_map_equal_points_have_equal_values_and_nothing_else_is_known(left, right, so):
    entry = own(lambda B, x: Identity(lambda x: left(B, x), lambda x: right(B, x), dict(x=x)),
                {"B": (bent,), **X}, B=AnyMap(), x=AnyVector())
    assert proved(entry) is so


@pytest.mark.parametrize("combined, so", [
    (lambda s, x: s(x) - s(-x), True), (lambda s, x: s(x) + s(-x), False),
    (lambda s, x: s(x) - s(x), False), (lambda s, x: 2 * s(x) - 2 * s(-x) - x, True),
    (lambda s, x: s(x) - s(-2 * x), False),
])
def test_of_relu_the_difference_at_both_signs_is_known(combined, so):
    """ReLU(x) − ReLU(−x) = x, and ReLU(x) + ReLU(−x) = |x| is not."""
    entry = own(lambda s, x: Identity(lambda x: combined(s, x), lambda x: x, dict(x=x)),
                {"s": (RELU,), **X}, s=Relu(), x=AnyVector())
    assert proved(entry) is so


def test_a_relu_is_relu_and_a_map_is_a_map():
    for kind, value in ((Relu(), fluxes.identity()), (Relu(), abs), (AnyMap(), 3)):
        assert not kind.admits(value)
    assert Relu().admits(RELU) and AnyMap().admits(RELU)


def test_values_of_a_map_at_points_that_depend_on_the_count_change_with_it():
    """v⁺ = B(l u) after l steps; that v = B(l u) then is false, for B(x) = x: u is not 2u.

    With one letter for B(l u) at all counts the empty induction would show it.
    """
    entry = own(lambda B, x: Always(
        lambda x: (B(0 * x),), lambda v, number: (B(number * x),),
        lambda state, number, x: state[0] - B(number * x), dict(x=x), "==", counted=True),
        {"B": (bent,), **X}, B=AnyMap(), x=AnyVector())
    statement, = obligations.statements(entry)
    empty = {"invariants": {}, "base": {}, "step": {}, "end": {"steps": []}}
    with pytest.raises(InvalidEvidence, match="may change from step to step"):
        check(statement, empty)


@pytest.mark.parametrize("classes, body", [
    (dict(K=AnyOperator(constants=True), one=AnyVector()),
     lambda K, one: Identity(lambda one: K @ one, lambda one: 0 * (K @ one), dict(one=one))),
    (dict(K=AnyOperator(), c=Such((), ">= 0"), x=AnyVector()),
     lambda K, c, x: AtMost(lambda x: (K @ x).T @ (K @ x), lambda x: c * (x.T @ x), dict(x=x)))])
def test_an_argument_is_not_taken_for_a_letter_of_an_assumption(classes, body):
    """K one = 0 for every vector "one", and |Kx|² <= c|x|² for every number c, are false."""
    entry = own(body, {"one": ((1, 1),), "c": (2,), **X}, **classes)
    with pytest.raises(InvalidArgument, match="two things"):
        obligations.statements(entry)


# -- odd fluxes, and Φ(0) = 0 ----------------------------------------------------------------------


def cycle(facts, top=1):
    """Three inner steps with the flux evaluated anew; false without symmetry."""
    return own(lambda K, flux, ratio, length: Stable(FSI(K, flux, stable_step(
        K, flux.facts.lipschitz, ratio), length), EUCLIDEAN), {"length": (3,)}, K=AnyOperator(),
        flux=AnyFlux(diffusivities=(0, "L"), slopes=(0, "L"), **facts), ratio=UpTo(top),
        length=OneOf(3))


@pytest.mark.slow
def test_three_inner_steps_need_symmetry_and_the_bound():
    both = dict(odd=True, from_zero=True)
    assert proved(cycle(both))
    assert not any(map(proved, (cycle(dict(odd=True)), cycle(dict(from_zero=True)), cycle({}),
                                cycle(both, F(1001, 1000)))))


def test_a_flux_that_is_not_odd_is_no_member_and_zero_needs_an_interval():
    assert not AnyFlux(odd=True).admits(RELU) and AnyFlux(odd=True).admits(SOFT)
    entry = own(lambda flux: Identity(flux, flux, dict(s=[1])), flux=AnyFlux(from_zero=True))
    with pytest.raises(InvalidArgument, match="two ends"):
        obligations.statements(entry)


# -- any number of steps ---------------------------------------------------------------------------


def leapfrog(condition, start):
    """2y − z − δ²KᵀKy from a start, against the norm of y."""
    def body(K, delta, y):
        layer = SymmetricLayer(K, fluxes.identity())
        return Always(lambda y: (y, y + start * delta**2 * layer(y)),
                      lambda now, before: (2 * now - before + delta**2 * layer(now), now),
                      lambda state, y: squared_norm(y) - squared_norm(state[0]), dict(y=y))

    return own(body, {"delta": (F(1, 2),), "y": ((1, 2),)}, K=AnyOperator(),
               delta=AnyReal() if condition is None else Such((condition,)), y=AnyVector())


@pytest.mark.parametrize("condition, start, so", [
    ("4 - c*delta**2 >= 0", HALF, True),
    ("5 - c*delta**2 >= 0", HALF, False), (None, HALF, False), ("4 - c*delta**2 >= 0", 0, False),
])
def test_leapfrog_needs_its_bound_and_its_start(condition, start, so):
    """δ²‖K‖² <= 4 and Y₋₁ = Y₀ + (δ²/2)F(Y₀)."""
    assert proved(leapfrog(condition, start)) is so


def test_what_is_listed_must_meet_the_conditions():
    """δ = 3 with ‖K‖² = 2: 4 − 18 < 0."""
    entry = leapfrog("4 - c*delta**2 >= 0", HALF)
    with pytest.raises(InvalidArgument, match="condition: it is assumed to be >= 0"):
        obligations.shown_for_all(entry, [{"K": K2, "delta": F(3), "y": (1, 2)}])


def test_a_few_steps_at_numbers_show_nothing_of_any_number():
    """They refute: the norm of doubled numbers grows."""
    def always(factor):
        return Always(lambda y: (y,), lambda y: (factor * y,),
                      lambda state, y: squared_norm(y) - squared_norm(state[0]), dict(y=[1]))

    from stabkit.stability.decide import decide
    assert [str(decide(always(factor)).status) for factor in (1, 2)] == ["undecided", "refuted"]


# -- examples --------------------------------------------------------------------------------------


def with_example(text):
    """An identity of words, and a calculation beside it."""
    return own(lambda K, x, n: AllOf([
        Identity(lambda x: K @ (x + x), lambda x: 2 * (K @ x), dict(x=x)),
        Example(lambda: Calculation(dict(n=n), [], [text], necessary=True))]),
        {"K": (A2, B3), "n": (1, 2), **X}, K=AnyOperator(), x=AnyVector(), n=ForExamples())


def test_an_example_is_no_part_of_what_is_said_of_all_but_must_hold():
    verdict = settle(with_example("n >= 1"), 128, 0)
    assert (str(verdict.status), verdict.scope) == ("proved", "for all")
    assert len(obligations.statements(with_example("n >= 1"))) == 1
    assert str(settle(with_example("n == 1"), 128, 0).status) == "refuted"


def _looking(look):
    return lambda x, n: Identity(lambda x: look(n) * x, lambda x: x, dict(x=x))


def test_what_chooses_examples_is_no_part_of_a_statement():
    for look in (lambda n: n.real, lambda n: 1 if n == 1 else 2, lambda n: 1 if n else 2):
        entry = own(_looking(look), {"n": (1,), **X}, x=AnyVector(), n=ForExamples())
        with pytest.raises(InvalidArgument, match="chooses examples"):
            obligations.statements(entry)
    nothing = own(lambda n: Example(lambda: Calculation({}, [], ["1 == 1"])), {"n": (1,)},
                  n=ForExamples())
    with pytest.raises(InvalidArgument, match="nothing of it is stated"):
        obligations.shown_for_all(nothing, [{"n": 1}])


@pytest.mark.parametrize("kind, value, sign", [(AnyMap(), bent, 1), (Relu(), RELU, -1)])
def test_what_a_map_makes_of_the_state_changes_with_it(kind, value, sign):
    """y⁺ = ±B(y) is no fixed point of ±B: the B(y) of a step is not the B(y) of the next.

    With one letter for both the goal would be B(y) − B(y) = 0.
    """
    entry = own(lambda B, x: Always(lambda x: (x,), lambda y: (sign * B(y),),
                                    lambda state, x: state[0] - sign * B(state[0]), dict(x=x),
                                    "=="), {"B": (value,), **X}, B=kind, x=AnyVector())
    statement, = obligations.statements(entry)
    forged = {"invariants": {}, "base": {}, "step": {}, "end": {"steps": []}}
    with pytest.raises(InvalidEvidence, match="may change from step to step"):
        check(statement, forged)
    assert settle(entry, 128, 0).status != "proved"
