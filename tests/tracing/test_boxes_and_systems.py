"""Boxes that steps keep, systems that they solve, and what else is asked of them.

The right values are derived by hand in each docstring; fractions at random inputs try them.
"""

from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sparse
import scipy.sparse.linalg as sparse_linalg

from stabkit import (
    CONTRACTION,
    EUCLIDEAN,
    MAX_NORM,
    POSITIVITY,
    RANGE,
    box,
    decide,
    energy,
    senses,
    stays_in,
    step_bound,
    weighted,
)
from stabkit.stability.verdict import REFUTED, SUPPORTED


def laplacian(u):
    return sum(np.roll(u, s, a) for a in range(u.ndim) for s in (1, -1)) - 2 * u.ndim * u


# -- boxes, by brute force in fractions ------------------------------------------------------------
def allen_cahn(u, dt):
    return u + dt * (laplacian(u) + u - u**3)


def fisher(u, dt):
    p = np.pad(u, 1, mode="edge")
    return u + dt * (p[2:] - 2 * u + p[:-2] + u * (1 - u))


def porous(u, dt):
    return u + dt * (np.roll(u, 1)**2 - 2 * u**2 + np.roll(u, -1)**2)


def friedrichs(u, c):
    left, right = np.roll(u, 1), np.roll(u, -1)
    return (left + right) / 2 - c / 4 * (right**2 - left**2)


def convection(s, dt):
    u, v = s
    return np.stack([w - dt * u * (w - np.roll(w, 1, 0)) - dt * v * (w - np.roll(w, 1, 1))
                     for w in (u, v)])


def upwind(u, dt):
    return u - dt * (np.maximum(u, 0) * (u - np.roll(u, 1)) + np.minimum(u, 0) * (
        np.roll(u, -1) - u))


def upwind_by_moduli(u, dt):
    return u - dt * ((u + abs(u)) * (u - np.roll(u, 1)) + (u - abs(u)) * (np.roll(u, -1) - u)) / 2


@pytest.mark.slow
@pytest.mark.parametrize("step, ends, shape, value", [
    (allen_cahn, (-1, 1), (5, 5), Fraction(1, 6)), (fisher, (0, 1), (9,), Fraction(1, 3)),
    (porous, (0, 1), (9,), Fraction(1, 4)), (friedrichs, (-1, 1), (9,), Fraction(1)),
    (convection, (0, 2), (2, 5, 5), Fraction(1, 4)), (upwind, (-1, 1), (9,), Fraction(1)),
    (upwind_by_moduli, (-1, 1), (9,), Fraction(1))],
    ids=["Allen-Cahn", "Fisher", "porous", "Lax-Friedrichs", "convection", "upwind", "moduli"])
def test_boxes_are_kept_up_to_the_bound_and_no_further(step, ends, shape, value):
    """Each is monotone in every entry up to the bound, or a mean with weights that depend on u.

    Fractions at random inputs, most of them at the ends of the box, never leave it at the bound;
    what is refuted is left by one of them.
    """
    found = step_bound(step, stays_in(box(*ends)), shape=shape)
    found.check()
    assert found.certified == value and all(low > value for low, _ in found.refuted)
    rng = np.random.default_rng(0)
    low, high = map(Fraction, ends)
    outside = 0
    for _ in range(400):
        weights = rng.choice([0, 0, 1, 1, Fraction(1, 2), Fraction(63, 64), Fraction(1, 64)], shape)
        u = np.array(low + (high - low) * weights, dtype=object)
        inside = step(u, value)
        assert min(inside.flat) >= low and max(inside.flat) <= high
        beyond = step(u, value * 3)
        outside += not (min(beyond.flat) >= low and max(beyond.flat) <= high)
    assert outside


@pytest.mark.slow
def test_an_output_that_is_too_large_outside_a_box_refutes_nothing():
    """x exp(r (1 − x)) overflows for x = −10⁵, which is in no box; it keeps [0, 3] up to the r with
    exp(r − 1) = 3 r."""
    found = step_bound(lambda x, r: x * np.exp(r * (1 - x)), stays_in(box(0, 3)), shape=1)
    assert not found.proved and 3.28 < found.refuted[0][0] < 3.31
    assert 0 <= found.signals[0][0] <= 3
    assert decide(lambda x, r: x * np.exp(r * (1 - x)), POSITIVITY, shape=1, dt="1/100",
                  trials=500).status is not REFUTED


# -- systems ---------------------------------------------------------------------------------------
def crank_nicolson(u, dt):
    n, dx = len(u), 1 / (len(u) + 1)
    one = sparse.diags([1], offsets=[0], shape=(n, n), format="csc")
    A = sparse.diags([-1, 2, -1], offsets=[-1, 0, 1], shape=(n, n), format="csc") / dx**2
    return sparse_linalg.spsolve(one + 0.5 * dt * A, (one - 0.5 * dt * A) @ u)


def by_lists_of_diagonals(u, dt):
    n = len(u)
    r = dt / 0.5**2
    A = sparse.diags([-r * np.ones(n - 1), (1 + 2 * r) * np.ones(n), -r * np.ones(n - 1)],
                     [-1, 0, 1], format="csc")
    return sparse_linalg.splu(A).solve(u)


def by_spdiags(u, dt):
    n = len(u)
    data = np.ones((3, n))
    data[1] = -2
    A = sparse.spdiags(data, [-1, 0, 1], n, n)
    return sparse_linalg.factorized((sparse.identity(n) - dt * A).tocsc())(u)


def by_triplets(u, dt):
    n = len(u)
    i = np.arange(n)
    data = np.concatenate([(1 + 2 * dt) * np.ones(n), -dt * np.ones(n - 1), -dt * np.ones(n - 1)])
    rows, columns = np.concatenate([i, i[1:], i[:-1]]), np.concatenate([i, i[:-1], i[1:]])
    return sparse_linalg.spsolve(sparse.csc_matrix((data, (rows, columns)), shape=(n, n)), u)


@pytest.mark.parametrize("step, notion", [
    (crank_nicolson, EUCLIDEAN), (by_lists_of_diagonals, MAX_NORM), (by_spdiags, MAX_NORM),
    (by_triplets, MAX_NORM), (by_triplets, POSITIVITY)])
def test_sparse_systems_at_every_dt(step, notion):
    """uio.no MAT3360 ex4.16, Crank and Nicolson, and Euler backwards: A is an M-matrix."""
    assert step_bound(step, notion, shape=11).proved == ((0, None),)


@pytest.mark.slow
def test_a_sparse_system_with_a_wrong_sign():
    """(1 − 2 dt) on the diagonal and dt beside it: heat that flows uphill."""
    found = step_bound(lambda u, dt: by_triplets(u, -dt), MAX_NORM, shape=7, trials=20)
    assert found.refuted and all(low > 1 for low, _ in found.proved)
    assert any(low < Fraction(1, 4) for low, _ in found.refuted)


@pytest.mark.slow
def test_a_system_that_moves_constants_is_told_with_what_holds():
    """Zeros at the ends: constants do not stay, signs and norms are kept at every dt."""
    text = str(step_bound(by_lists_of_diagonals, RANGE, shape=9))
    assert "a constant signal" in text and "max norm is proved for all dt > 0" in text


# -- what else is asked ----------------------------------------------------------------------------
@pytest.mark.slow
@pytest.mark.parametrize("n", [5, 20])
def test_reservoirs(n):
    """(1 − a) + a ‖W‖ = 1 − a/10 < 1 up to a = 2/(1 + 9/10), for tanh, max(·, 0) and a bias."""
    W = np.random.default_rng(n).normal(size=(n, n))
    W = 0.9 * W / np.linalg.norm(W, 2)
    for layer in (np.tanh, lambda x: np.maximum(x, 0)):
        found = step_bound(lambda u, a: (1 - a) * u + a * layer(W @ u + 0.25), CONTRACTION,  # noqa: B023
                           shape=n, trials=20)
        assert 20 / 19 * (1 - 1e-6) < found.certified < 20 / 19 * (1 + 1e-12)


@pytest.mark.slow
def test_the_gain_of_smoothing_that_amplifies():
    """(1 − λ k)(1 + μ k) on a cycle of 60 nodes, in the norm weighted by the degrees."""
    def taubin(u, lam=0.33, mu=0.34):
        v = u + lam * ((np.roll(u, 1) + np.roll(u, -1)) / 2 - u)
        return v - mu * ((np.roll(v, 1) + np.roll(v, -1)) / 2 - v)

    k = 1 - np.cos(2 * np.pi * np.arange(60) / 60)
    gain = ((1 - 0.33 * k) * (1 + 0.34 * k)).max()
    outcome = decide(taubin, weighted([2] * 60), shape=60)
    assert outcome.status is REFUTED and f"{gain:.6f}" in str(outcome)
    assert "proved" in str(senses(lambda u: u + (np.roll(u, 1) - u) / 2, shape=12))


@pytest.mark.slow
def test_a_free_energy_by_transforms_is_tried_in_floats():
    """A semi-implicit Cahn-Hilliard step is not followed, and its line is told.

    Σ (u² − 1)²/4 alone, without the part of |∇u|², grows where a single 1 among zeros is smoothed.
    """
    def step(u, dt):
        k = np.fft.fftfreq(len(u), 1 / len(u))
        return np.real(np.fft.ifft((np.fft.fft(u) - dt * k**2 * np.fft.fft(u**3 - u))
                                   / (1 + dt * k**4)))

    free = energy(lambda u: np.sum((u**2 - 1)**2) / 4)
    assert "no len" not in str(step_bound(step, EUCLIDEAN, shape=16, trials=20))
    assert "a power of the data" in str(step_bound(step, EUCLIDEAN, shape=16, trials=20))
    outcome = decide(step, free, shape=16, dt="1/100", trials=200)
    assert outcome.status is REFUTED
    before = np.array(outcome.signals[0], float)
    assert np.sum((step(before, 0.01)**2 - 1)**2) > np.sum((before**2 - 1)**2) + 1e-3
    assert "range           refuted" in str(senses(step, shape=16, dt="1/100"))


@pytest.mark.slow
def test_a_functional_of_images_is_given_images():
    """Σ (differences)² of an image falls under heat; 30 samples make it refuted by its negative."""
    rough = energy(lambda u: np.sum(np.diff(u, axis=0)**2) + np.sum(np.diff(u, axis=1)**2))
    smooth = energy(lambda u: -np.sum(np.diff(u, axis=0)**2))

    def step(u, dt):
        return u + dt * laplacian(u)

    assert decide(step, rough, shape=(5, 6), dt="1/100", trials=100).status is SUPPORTED
    assert decide(step, smooth, shape=(5, 6), dt="1/8", trials=100).status is REFUTED
