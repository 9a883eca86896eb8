"""Contraction of steps with one layer of functions, such as leaky echo state networks."""

from fractions import Fraction

import numpy as np
import pytest

from stabkit import CONTRACTION, decide
from stabkit.replay import check

TURN = np.array([[3, -4], [4, 3]]) / 5  # of norm 1


def echo(w, leak, function=np.tanh):
    return lambda u: (1 - leak) * u + leak * function(w @ u)


@pytest.mark.parametrize("function", [np.tanh, np.arctan, np.sin])
@pytest.mark.parametrize("leak", [0.25, 0.5, 1])
def test_leaky_echo_states_contract_up_to_norm_one(function, leak):
    """(1 − a) + a‖W‖ <= 1 iff ‖W‖ <= 1, whose bound is attained by a turn."""
    found = decide(echo(TURN, leak, function), CONTRACTION, shape=2, trials=100)
    assert found.status == "proved"
    (evidence,) = found.evidence
    good = evidence.to_json({})
    assert check(good) is None
    given = {**good["data"]["given"], "B": [["3/5", "-9/10"], ["4/5", "3/5"]]}
    assert check({**good, "data": {**good["data"], "given": given}}) is not None


@pytest.mark.parametrize("scale", [1.001, 2, -3])
def test_a_larger_matrix_is_never_proved(scale):
    """With a = 1 and W = s I the slope at 0 is s."""
    found = decide(echo(scale * np.eye(2), 1), CONTRACTION, shape=2, trials=200)
    assert found.status != "proved"
    if abs(scale) > 1.5:
        assert found.status == "refuted"


@pytest.mark.slow
def test_the_parts_are_those_of_the_step():
    """Two functions in turned order, a source, and dt: [u/2 + dt tanh(v), v/4 + dt sin(u)] has the
    factor 1/2 + dt."""
    def step(s, dt):
        u, v = s
        return np.array([u / 2 + dt * np.tanh(v) + 7, v / 4 + dt * np.sin(u)])

    assert decide(step, CONTRACTION, shape=2, dt="1/2", trials=100).status == "proved"
    found = decide(step, CONTRACTION, shape=2, dt="51/100", trials=100)
    assert found.status != "proved" and "1.01" in found.reason
    given = decide(step, CONTRACTION, shape=2, dt="1/2").evidence[0].data["given"]
    made = {k: np.array([[Fraction(x) for x in row] for row in given[k]]) for k in "LCB"}
    assert (made["C"] @ made["B"] == np.array([[0, 1], [1, 0]]) * Fraction(1, 2)).all()


@pytest.mark.slow
@pytest.mark.parametrize("function", [np.exp, np.square, lambda x: np.tanh(np.tanh(3 * x)),
                                      lambda x: np.tanh(x) * x])
def test_other_functions_are_not_taken_for_such(function):
    """exp and squares have no bounded slope; two layers and products are another thing."""
    found = decide(lambda u: function(u) / 4, CONTRACTION, shape=2, trials=50)
    assert found.status != "proved"
