"""Rounding refutes nothing; a step without an inverse and an affine one raise nothing."""

import numpy as np
import pytest

from stabkit import CONTRACTION, EUCLIDEAN, MAX_NORM, POWER_BOUNDED, RANGE, decide, step_bound

GAUSS = np.exp(-np.arange(-2, 3.0) ** 2 / 2)
LAPLACE = 2 * np.eye(6) - np.eye(6, k=1) - np.eye(6, k=-1)
LAPLACE[0, 0] = LAPLACE[-1, -1] = 1


def smoothed(u):
    return np.convolve(np.pad(u, 2, mode="edge"), GAUSS / GAUSS.sum(), "valid")


ROUNDED = {
    "gauss": smoothed,
    "inverse": lambda u: np.linalg.inv(np.eye(6) + 23.1875 * LAPLACE) @ u,
    "squares": lambda u: np.cos(0.3)**2 * np.roll(u, 1) + np.sin(0.3)**2 * u,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ROUNDED)
@pytest.mark.parametrize("notion", [RANGE, MAX_NORM])
def test_weights_that_sum_to_1_but_for_rounding_are_not_refuted(name, notion):
    """Σ exp(−k²/2)/Σ exp(−k²/2) = 1, (I + τA)⁻¹ 1 = 1 and cos² + sin² = 1, in the reals."""
    assert str(decide(ROUNDED[name], notion, shape=6).status) in ("proved", "undecided")


@pytest.mark.parametrize("notion", [EUCLIDEAN, CONTRACTION])
@pytest.mark.parametrize("angle", np.linspace(0.1, 3, 12))
def test_rotations_in_floats_are_not_refuted(angle, notion):
    """‖Qu‖ = ‖u‖ for every rotation; no rounded one has the norm 1 exactly."""
    c, s = np.cos(angle), np.sin(angle)

    def turned(u):
        return np.stack([c * u[0] - s * u[1], s * u[0] + c * u[1]])

    assert str(decide(turned, notion, shape=2).status) in ("proved", "undecided")


@pytest.mark.slow
@pytest.mark.parametrize("factor", [1 + 1e-9, 1 + 1e-11])
def test_what_is_more_than_rounding_is_refuted(factor):
    """The same weights times 1 + 1e-11 raise a constant signal."""
    assert str(decide(lambda u: factor * smoothed(u), RANGE, shape=6).status) == "refuted"


def test_numbers_that_are_meant_are_refuted_however_little_they_break():
    """1/10 + 2/10 + 7/10 + 1e-17 is more than 1."""
    step = "0.1", "0.2", "0.7", "1e-17"
    found = decide(lambda u: sum(float(w) * np.roll(u, k) for k, w in enumerate(step)), RANGE,
                   shape=6)
    assert str(found.status) == "refuted"


@pytest.mark.parametrize("notion", [EUCLIDEAN, CONTRACTION, POWER_BOUNDED])
def test_a_matrix_without_inverse_at_a_step_that_is_tried_is_left_out(notion):
    """(1 − t) v⁺ = v, t v⁺ + w⁺ = w: at t = 1 there is no step, for t > 1 the roots are 1/(1 − t)
    and 1, so that all powers are bounded from t = 2 on."""
    A = np.array([[-1, 0], [1, 0]])
    found = step_bound(lambda u, dt: np.linalg.solve(np.eye(2, dtype=int) + dt * A, u), notion,
                       shape=2, trials=50)
    assert all(1 not in steps for steps in (*found.proved, *found.refuted))
    if notion is POWER_BOUNDED:
        assert min(low for low, _ in found.proved) == 2 > max(high for _, high in found.refuted)


@pytest.mark.slow
def test_an_affine_step_has_columns_as_well():
    """u + τ Aᵀ(b − A u) reduces differences up to τ = 2/‖A‖²."""
    rng = np.random.default_rng(0)
    A, b = rng.integers(-3, 4, (60, 55)), rng.integers(-3, 4, 60)
    found = step_bound(lambda u, dt: u + dt * (A.T @ (b - A @ u)), CONTRACTION, shape=55)
    assert found.proved[0][1] * np.linalg.norm(A, 2)**2 == pytest.approx(2, rel=1e-3)
