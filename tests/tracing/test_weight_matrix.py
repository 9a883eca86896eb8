"""weighted() where no weights make a step symmetric: a matrix W is found, or it is said why not."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from stabkit import decide, weighted
from stabkit.replay import check


def spiral(u, dt):
    """The matrix [[1 − t, 3t], [−2t, 1 − t]]: roots 1 − t ± i t√6, inside for t < 2/7."""
    return np.array([u[0] + dt * (3 * u[1] - u[0]), u[1] - dt * (2 * u[0] + u[1])])


def given(evidence, name):
    return np.array([[Fraction(entry) for entry in row] for row in evidence.data["given"][name]])


@pytest.mark.parametrize("dt", ["1/10", "2/8", "0.28"])
def test_a_matrix_is_found_and_shrinks_every_signal(dt):
    """uᵀWu does not grow under the matrix of the step, written down here by hand."""
    found = decide(spiral, weighted(), shape=2, dt=dt)
    assert found.status == "proved"
    (evidence,) = found.evidence
    assert check(evidence.to_json({})) is None
    t = Fraction(dt)
    m = np.array([[1 - t, 3 * t], [-2 * t, 1 - t]])
    w = given(evidence, "W")
    assert (given(evidence, "M") == m).all()
    for a in range(-9, 10):
        for b in range(-9, 10):
            u = np.array([Fraction(a), Fraction(b)])
            assert u @ w @ u >= (m @ u) @ w @ (m @ u)
            assert u @ w @ u > 0 or not any(u)


def test_evidence_with_another_matrix_is_refused():
    """A sign turned in W, and a W that is not positive, are not accepted."""
    (evidence,) = decide(spiral, weighted(), shape=2, dt="1/4").evidence
    w = evidence.data["given"]["W"]
    for wrong in ([[w[0][0], "0"], ["0", f"-{w[1][1]}"]], [["0", "0"], ["0", "0"]],
                  [["1", "0"], ["0", "100"]]):
        data = {**evidence.data, "given": {**evidence.data["given"], "W": wrong}}
        assert check(replace(evidence, data=data).to_json({})) is not None


@pytest.mark.parametrize("dt", ["2/7", "0.29", "1"])
def test_none_is_found_from_the_end_on(dt):
    """At t = 2/7 the roots lie on the unit circle, beyond it outside: never proved."""
    found = decide(spiral, weighted(), shape=2, dt=dt)
    assert found.status == "undecided"
    assert ("POWER_BOUNDED" if dt == "2/7" else "outside the unit circle") in found.reason


def test_a_jordan_block_has_no_norm():
    """(u₀ + u₁, u₁) grows linearly, so it grows in every norm."""
    found = decide(lambda u: np.array([u[0] + u[1], u[1]]), weighted(), shape=2)
    assert found.status == "undecided" and "Jordan block" in found.reason


def test_a_source_moves_the_zero_signal_in_every_norm():
    """0 goes to (1, 0)."""
    found = decide(lambda u: np.array([u[0] / 2 + u[1] + 1, u[1] / 2]), weighted(), shape=2)
    assert found.status == "refuted"


def test_upwind_from_an_inflow():
    """The matrix is triangular with 1 − c on the diagonal: some W exists for 0 < c < 2 only, though
    the Euclidean norm grows beyond c = 1."""
    def upwind(u, c):
        v = u.copy()
        v[1:] -= c * (u[1:] - u[:-1])
        v[0] -= c * u[0]
        return v

    assert decide(upwind, weighted(), shape=10, dt="3/2").status == "proved"
    assert decide(upwind, weighted(), shape=10, dt="2").status == "undecided"
