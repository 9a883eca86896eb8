"""A step whose powers grow is refuted with evidence that anyone can check."""

from dataclasses import dataclass
from fractions import Fraction as F
from typing import Any

import numpy as np
import pytest

from stabkit import POWER_BOUNDED, Scheme, decide, fluxes, from_matrix
from stabkit.replay import check
from stabkit.stability.certificates.searched import growth_of_powers
from stabkit.stability.growing_powers import unboundedness_evidence


def heat(u, dt):
    """Ends that stay; roots 1 − 4 dt sin²(kπ/10), k = 1 to 4."""
    v = u.copy()
    v[1:-1] += dt * (u[2:] + u[:-2] - 2 * u[1:-1])
    return v


def leapfrog(x, dt):
    """y⁺ = 2y − z − dt A y, z⁺ = y with A = tridiag(−1, 2, −1) of three rows."""
    y, z = x[:3], x[3:]
    v = 2 * y - z - 2 * dt * y
    v[1:] += dt * y[:-1]
    v[:-1] += dt * y[1:]
    return np.concatenate([v, y])


def fractions(rows):
    return np.array([[F(x) for x in row] for row in rows], dtype=object)


@pytest.mark.parametrize("step, dt, shape", [(heat, "3/5", 6), (leapfrog, "13/10", 6)])
def test_steps_beyond_their_bound_fall_with_evidence(step, dt, shape):
    """1 − 4·(3/5)·sin²(4π/10) = −1.17, and 13/10·(2 + √2) = 4.4 > 4."""
    outcome = decide(step, POWER_BOUNDED, shape=shape, dt=dt)
    assert outcome.status == "refuted"
    assert all(check(item.to_json({})) is None for item in outcome.evidence) and outcome.evidence


@pytest.mark.parametrize("step, dt, shape", [(heat, "1/2", 6), (leapfrog, "11/10", 6)])
def test_steps_within_it_do_not(step, dt, shape):
    assert decide(step, POWER_BOUNDED, shape=shape, dt=dt).status != "refuted"


@pytest.mark.parametrize("rows", [
    [[1, 1], [0, 1]], [[-1, 1], [0, -1]], [["3/2", 0], [7, "1/2"]], [[0, "-5/4"], ["5/4", 0]],
], ids=["linear", "alternating", "a root", "a pair"])
def test_matrices_whose_powers_grow(rows):
    """Jordan blocks at 1 and −1, a root 3/2, a pair of modulus 5/4."""
    found = unboundedness_evidence(fractions(rows))
    assert found is not None and check(found.to_json({})) is None


@pytest.mark.parametrize("rows", [
    [[1, 0], [0, 1]], [[0, -1], [1, 0]], [["1/2", 100], [0, "1/3"]], [[-1, 0], [1, 1]],
], ids=["one", "a rotation", "far from normal", "a reflection"])
def test_matrices_whose_powers_do_not(rows):
    """Of the last one the square is I, though its norm is greater than 1."""
    assert unboundedness_evidence(fractions(rows)) is None


@dataclass(frozen=True, eq=False)
class Momentum(Scheme):
    """u⁺ = u − τAᵀΦ(A u) + β(u − w), w⁺ = u; leapfrog for β = 1 and no Φ."""

    A: Any
    tau: Any
    beta: Any = 1
    flux: Any = None

    @property
    def size(self):
        return 2 * self.A.shape[1]

    def step(self, x):
        u, w = x[:len(x) // 2], x[len(x) // 2:]
        s = self.A @ u
        change = self.A.T @ (s if self.flux is None else self.flux(s))
        return np.concatenate([u - self.tau * change + self.beta * (u - w), u])


A = from_matrix([[1, 0], [0, 2], [0, 0]])  # ‖A‖² = 4


@pytest.mark.parametrize("tau", [F(1), F(101, 100)], ids=["a double root", "a root outside"])
def test_schemes_of_others_fall_with_evidence(tau):
    """Leapfrog is bounded for 0 < τ‖A‖² < 4 alone."""
    outcome = decide(Momentum(A, tau), POWER_BOUNDED)
    assert outcome.status == "refuted"
    assert [check(item.to_json({})) for item in outcome.evidence] == [None]


@pytest.mark.slow
@pytest.mark.parametrize("scheme", [
    Momentum(A, F(9, 10)), Momentum(A, F(4, 5), F(1, 2), fluxes.soft())],
    ids=["within the bound", "not linear"])
def test_no_other_scheme_falls_so(scheme):
    """With a flux the linear part says nothing, as soft shrinkage is bounded."""
    assert growth_of_powers(scheme) is None
    assert decide(scheme, POWER_BOUNDED).status != "refuted"
