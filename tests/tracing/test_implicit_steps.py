"""Implicit steps with an open step: systems whose matrices depend on dt, in every library."""

from fractions import Fraction

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse as sparse
import scipy.sparse.linalg

from stabkit import (
    CONTRACTION,
    EUCLIDEAN,
    MAX_NORM,
    POSITIVITY,
    POWER_BOUNDED,
    RANGE,
    decide,
    step_bound,
)
from stabkit.stability.verdict import PROVED, REFUTED

ALL = ((0, None),)


def second(n):
    return np.eye(n, k=1) - 2 * np.eye(n) + np.eye(n, k=-1)


def theta(explicit, solve):
    """(I − (1 − s) dt L) u⁺ = (one + s dt L) u with the ends at 0."""
    def step(u, dt):
        L, one = second(len(u)), np.eye(len(u))
        return solve(one - (1 - explicit) * dt * L, u + explicit * dt * (L @ u))
    return step


def by_bands(u, dt):
    ab = np.zeros((3, len(u)))
    ab[0, 1:], ab[1], ab[2, :-1] = -dt / 2, 1 + dt, -dt / 2
    rhs = (1 - dt) * u
    rhs[1:] += dt / 2 * u[:-1]
    rhs[:-1] += dt / 2 * u[1:]
    return scipy.linalg.solve_banded((1, 1), ab, rhs)


def by_sparse(u, dt):
    L = sparse.diags([1.0, -2.0, 1.0], [-1, 0, 1], shape=(len(u),) * 2, format="csc")
    one = sparse.identity(len(u), format="csc")
    return scipy.sparse.linalg.spsolve(one - dt / 2 * L, (one + dt / 2 * L) @ u)


def by_factors(u, dt):
    L = sparse.diags([1.0, -2.0, 1.0], [-1, 0, 1], shape=(len(u),) * 2, format="csc")
    one = sparse.identity(len(u), format="csc")
    return scipy.sparse.linalg.splu((one - dt / 2 * L).tocsc()).solve((one + dt / 2 * L) @ u)


@pytest.mark.parametrize("n", [8, 40])
@pytest.mark.parametrize("step", [theta(0.5, np.linalg.solve), theta(0.5, scipy.linalg.solve),
                                  theta(0.5, lambda A, b: np.linalg.inv(A) @ b), by_bands,
                                  by_sparse, by_factors])
def test_crank_nicolson_keeps_the_norm_at_every_dt(step, n):
    """AAᵀ − BBᵀ = −dt (L + Lᵀ), positive semidefinite."""
    found = step_bound(step, EUCLIDEAN, shape=n)
    assert found.proved == ALL and not found.refuted and found.certificate
    found.check()


@pytest.mark.slow
def test_crank_nicolson_keeps_signs_up_to_a_limit_only():
    """For many unknowns 4 − 2√2 = 1.1716 is the end of positivity (Bolley and Crouzeix 1978); for
    8 the signs of the inverse in floats on both sides of the end decide."""
    step = theta(0.5, np.linalg.solve)
    found = step_bound(step, POSITIVITY, shape=8)
    end, beyond = float(found.certified), float(found.refuted[0][0])
    assert abs(end - (4 - 2 * 2**0.5)) < 1e-4
    for dt, kept in ((end, True), (beyond, False)):
        matrix = np.column_stack([step(e, dt) for e in np.eye(8)])
        assert (matrix.min() >= -1e-12) == kept
    found.check()


@pytest.mark.slow
@pytest.mark.parametrize("n", [8, 40, pytest.param(400, marks=pytest.mark.slow)])
def test_backward_euler_keeps_everything_at_every_dt(n):
    """An M-matrix whose rows sum to 1 at least."""
    def step(u, dt):
        L = sparse.diags([1.0, -2.0, 1.0], [-1, 0, 1], shape=(len(u),) * 2, format="csc")
        return scipy.sparse.linalg.spsolve(sparse.identity(len(u), format="csc") - dt * L, u)

    for notion in (MAX_NORM, POSITIVITY, EUCLIDEAN):
        assert step_bound(step, notion, shape=n).proved == ALL
    assert step_bound(step, RANGE, shape=n, trials=20).proved == ()


@pytest.mark.slow
@pytest.mark.parametrize("n", [8, 40])
def test_mostly_explicit(n):
    """A quarter implicit: dt λ (3/4 − 1/4) <= 2 for λ = 4 cos²(π/(2n + 2)), and not beyond."""
    found = step_bound(theta(0.75, np.linalg.solve), EUCLIDEAN, shape=n)
    value = 4 / (4 * np.cos(np.pi / (2 * n + 2))**2)
    assert value * (1 - 1e-6) <= found.certified <= value * (1 + 1e-9)
    assert value < found.refuted[0][0] < value * 1.01
    found.check()


@pytest.mark.slow
def test_a_wrong_sign_is_seen():
    """(I + dt L/2) u⁺ = (I − dt L/2) u has no bound at any dt: |1 + x| / |1 − x| > 1."""
    def wrong(u, dt):
        L, one = second(len(u)), np.eye(len(u))
        return np.linalg.solve(one + dt / 2 * L, u - dt / 2 * (L @ u))

    assert not step_bound(wrong, EUCLIDEAN, shape=6).proved
    assert decide(wrong, EUCLIDEAN, shape=6, dt="1/10").status is REFUTED


@pytest.mark.slow
@pytest.mark.parametrize("n", [4, pytest.param(8, marks=pytest.mark.slow)])
def test_alternating_directions(n):
    """Peaceman and Rachford: at every dt the norm is kept, as the halves commute; the largest
    value at least up to dt = 1, where the explicit half has a negative weight."""
    def step(u, dt):
        n, r = len(u), dt / 2
        A, B = np.eye(n) - r * second(n), np.eye(n) + r * second(n)
        half = np.linalg.solve(A, u @ B)
        return np.linalg.solve(A, (B @ half).T).T

    for notion in (EUCLIDEAN, POWER_BOUNDED):
        assert step_bound(step, notion, shape=(n, n)).proved == ALL
    found = step_bound(step, MAX_NORM, shape=(n, n))
    dt = found.certified
    matrix = np.column_stack([step(e.reshape(n, n), float(dt)).ravel() for e in np.eye(n * n)])
    assert dt >= 1 and np.abs(matrix).sum(axis=1).max() <= 1 + 1e-9


@pytest.mark.slow
def test_halves_that_do_not_commute():
    """All powers are bounded at every dt; the norm of one step is shown up to some dt alone."""
    c = np.array([1.0, 4.0, 2.0, 1.0])

    def step(u, dt):
        n, r = len(u), dt / 2
        L = second(n) * c[:, None]
        L = (L + L.T) / 2 - np.diag([0, 3.0, 1, 0])
        A, B, C, D = np.eye(n) - r * L, np.eye(n) + r * L, np.eye(n) - r * second(n), \
            np.eye(n) + r * second(n)
        return np.linalg.solve(C, B @ np.linalg.solve(A, D @ u))

    assert step_bound(step, POWER_BOUNDED, shape=4).proved == ALL
    end = step_bound(step, EUCLIDEAN, shape=4).certified
    matrix = np.column_stack([step(e, float(end)) for e in np.eye(4)])
    assert np.linalg.norm(matrix, 2) <= 1 + 1e-9


@pytest.mark.slow
def test_sources_beside_a_system():
    """A x = u + dt b is a contraction, and moves the zero signal."""
    def step(u, dt):
        return np.linalg.solve(np.eye(len(u)) - dt * second(len(u)), u + dt)

    assert step_bound(step, CONTRACTION, shape=30).proved == ALL
    assert not step_bound(step, EUCLIDEAN, shape=30, trials=20).proved


@pytest.mark.slow
def test_factors_made_before_the_step():
    """The matrix is found again from its factors."""
    A = np.eye(9) - 0.25 * second(9)
    lu, known = scipy.sparse.linalg.splu(sparse.csc_matrix(A)), scipy.linalg.lu_factor(A)
    root = scipy.linalg.cho_factor(A)
    for step in (lu.solve, lambda u: lu.solve(u), lambda u: scipy.linalg.lu_solve(known, u),
                 lambda u: scipy.linalg.cho_solve(root, u)):
        assert decide(lambda u, step=step: step(u), MAX_NORM, shape=9).status is PROVED


@pytest.mark.slow
def test_elimination_by_hand():
    """Thomas' algorithm in a loop, its quotients in lowest terms."""
    def step(u, dt):
        n = len(u)
        c, d = np.zeros(n), np.zeros(n)
        c[0], d[0] = -dt / (1 + 2 * dt), u[0] / (1 + 2 * dt)
        for i in range(1, n):
            m = 1 + 2 * dt + dt * c[i - 1]
            c[i], d[i] = -dt / m, (u[i] + dt * d[i - 1]) / m
        for i in range(n - 2, -1, -1):
            d[i] = d[i] - c[i] * d[i + 1]
        return d

    assert step_bound(step, MAX_NORM, shape=6).proved == ALL
    assert step_bound(step, POSITIVITY, shape=6).certified is None
    assert Fraction(0) == step_bound(step, POSITIVITY, shape=6).proved[0][0]


@pytest.mark.slow
@pytest.mark.parametrize("notion", [EUCLIDEAN, CONTRACTION])
def test_a_dense_matrix_of_long_floats(notion):
    """(I + dt B Bᵀ)⁻¹ lets no norm grow, whatever the step; (I − dt B Bᵀ)⁻¹ does for small ones."""
    B = np.random.default_rng(0).standard_normal((6, 6))
    found = step_bound(lambda u, dt: np.linalg.solve(np.eye(6) + dt * B @ B.T, u), notion, shape=6)
    assert found.proved == ((0, None),) and not found.refuted
    wrong = step_bound(lambda u, dt: np.linalg.solve(np.eye(6) - dt * B @ B.T, u), notion, shape=6)
    assert all(low > 0 for low, _ in wrong.proved) and wrong.refuted
