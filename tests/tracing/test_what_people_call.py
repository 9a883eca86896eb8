"""Steps that call compiled functions, filters and interpolation, write into buffers of their own,
or move waves between walls; the limits follow by hand, as each docstring says."""

from fractions import Fraction

import numba
import numpy as np
import pytest
from scipy import ndimage, signal

from stabkit import (
    CONTRACTION,
    EUCLIDEAN,
    POSITIVITY,
    POWER_BOUNDED,
    RANGE,
    box,
    decide,
    stays_in,
    step_bound,
)
from stabkit.stability.verdict import PROVED

KERNEL = np.array([[0.05, 0.2, 0.05], [0.2, -1, 0.2], [0.05, 0.2, 0.05]])


@numba.njit
def compiled(u, dt):
    v = u.copy()
    for i in range(1, u.size - 1):
        v[i] = u[i] + dt * (u[i - 1] - 2 * u[i] + u[i + 1])
    return v


@numba.njit
def inner(u):
    out = np.zeros(u.shape)
    for i in numba.prange(1, u.shape[0] - 1):
        out[i] = u[i - 1] - 2 * u[i] + u[i + 1]
    return out


class WithBuffer:
    """Writes into an array that it keeps."""

    def __init__(self, n):
        self.rate = np.zeros(n)

    def __call__(self, u, dt):
        self.rate[:] = 0
        self.rate[1:-1] = u[2:] - 2 * u[1:-1] + u[:-2]
        return u + dt * self.rate


def by_windows(u, dt):
    return u + dt * ndimage.generic_filter(u, lambda w: w[0] - 2 * w[1] + w[2], size=3)


@pytest.mark.slow
@pytest.mark.parametrize("step", [compiled, lambda u, dt: u + dt * inner(u), WithBuffer(12),
                                  by_windows, lambda u, dt: u + dt * np.vectorize(
                                      lambda a, b, c: a - 2 * b + c)(
                                          np.roll(u, 1), u, np.roll(u, -1))])
def test_second_differences(step):
    """1 − 2 dt >= 0: up to 1/2."""
    found = step_bound(step, RANGE, shape=12)
    assert found.certified == Fraction(1, 2)
    assert Fraction(1, 2) < found.refuted[0][0] < Fraction(501, 1000)
    found.check()


@pytest.mark.slow
@pytest.mark.parametrize("step", [
    lambda u, dt: u + dt * signal.convolve2d(u, KERNEL, mode="same", boundary="symm"),
    lambda u, dt: u + dt * ndimage.convolve(u, KERNEL, mode="nearest"),
    lambda u, dt: u + dt * ndimage.correlate(u, KERNEL, mode="mirror"),
    lambda u, dt: u + dt * ndimage.convolve(u, KERNEL, mode="wrap"),
])
def test_a_kernel_of_nine_weights(step):
    """1 − dt >= 0 in the middle; boundaries only add weights to it."""
    assert step_bound(step, RANGE, shape=(7, 6)).certified == 1


@pytest.mark.parametrize("filtered", [
    lambda u: ndimage.gaussian_filter(u, 1.0), lambda u: ndimage.gaussian_filter1d(u, 0.7),
    lambda u: ndimage.shift(u, 0.5, order=1, mode="nearest"),
    lambda u: np.interp(np.arange(9) - 0.3, np.arange(9), u),
    lambda u: ndimage.map_coordinates(u, [np.arange(9) - 0.25], order=1, mode="nearest")])
def test_filters_are_means(filtered):
    """Nonnegative weights that sum to 1, but for rounding, which is told."""
    assert decide(filtered, RANGE, shape=9).status is PROVED


@pytest.mark.slow
def test_what_sharpens_is_no_mean():
    """u + a (u − smoothed) leaves the range at every a > 0."""
    def step(u, a):
        return u + a * (u - ndimage.gaussian_filter1d(u, 1.0))

    assert step_bound(step, RANGE, shape=9).refuted == ((0, None),)


@pytest.mark.slow
def test_diffusivities_across_a_closed_face():
    """Perona and Malik with differences that are 0 at the border: 1 − 4 t >= 0."""
    def step(u, t):
        south, east = np.zeros_like(u), np.zeros_like(u)
        south[:-1], east[:, :-1] = np.diff(u, axis=0), np.diff(u, axis=1)
        down, right = np.exp(-(south / 0.5)**2) * south, np.exp(-(east / 0.5)**2) * east
        out = u + t * (down + right)
        out[1:] -= t * down[:-1]
        out[:, 1:] -= t * right[:, :-1]
        return out

    assert step_bound(step, RANGE, shape=(5, 6), trials=20).certified == Fraction(1, 4)


@pytest.mark.parametrize("n", [6, 20])
def test_waves_between_walls(n):
    """dt² λ < 4 for λ = 8 cos²(π/(2n − 2)), the largest eigenvalue of the five-point Laplacian."""
    def step(s, dt):
        u, p = s
        new = np.zeros_like(u)
        i = (slice(1, -1), slice(1, -1))
        new[i] = 2 * u[i] - p[i] + dt**2 * (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:]
                                            + u[1:-1, :-2] - 4 * u[i])
        return new, u

    found = step_bound(step, POWER_BOUNDED, shape=(2, n, n))
    value = 2 / np.sqrt(8 * np.cos(np.pi / (2 * n - 2))**2)
    assert value * 0.99 < found.certified < value * (1 + 1e-9)
    assert value < found.refuted[0][0] < value * 1.01


def test_staggered_steps_with_a_wall():
    """σ dt < 2 for the singular values σ of the difference, by LAPACK; just beyond, powers grow."""
    def step(s, c):
        e, h = s[0].copy(), s[1].copy()
        h[:-1] += c * (e[1:] - e[:-1])
        e[1:] += c * (h[1:] - h[:-1])
        return e, h

    found = step_bound(step, POWER_BOUNDED, shape=(2, 9))
    D = (np.eye(9, k=1) - np.eye(9))[:8, 1:]
    value = 2 / np.linalg.norm(D, 2)
    assert value * (1 - 1e-5) < found.certified < value < found.refuted[0][0] < value * 1.001


@pytest.mark.slow
@pytest.mark.parametrize("wrong", [
    lambda s, t: (2 * s[0] - s[1] + t**2 * (np.roll(s[0], 1) - 2 * s[0] + s[0] * 1.0001), s[0]),
    lambda s, t: (1.0001 * s[0] - t * (s[1] - t * s[0]), s[1] - t * s[0])])
def test_waves_that_are_no_waves(wrong):
    """A matrix that is not symmetric, and a root outside the circle: never all of (0, T)."""
    found = step_bound(lambda s, t: np.stack(wrong(s, t)), POWER_BOUNDED, shape=(2, 6))
    for low, high in found.proved:
        dt = float(high if high is not None else 2 * low + 1)
        M = np.column_stack([np.stack(wrong(e.reshape(2, 6), dt)).ravel() for e in np.eye(12)])
        assert np.abs(np.linalg.eigvals(M)).max() < 1 + 1e-6


@pytest.mark.slow
def test_a_contraction_holds_for_an_interval_of_steps():
    """(1 − a) + a ‖W‖ <= 1 up to a = 1, and a − 1 + a ‖W‖ <= 1 beyond: 2/(1 + ‖W‖)."""
    W = np.array([[0.3, -0.4], [0.4, 0.3]])  # ‖W‖ = 1/2
    found = step_bound(lambda u, a: (1 - a) * u + a * np.tanh(W @ u), CONTRACTION, shape=2)
    assert Fraction(4, 3) - Fraction(1, 10**6) <= found.certified <= Fraction(4, 3)
    found.check()


def test_steps_that_hold_beyond_a_gap():
    """u (1 − 3 t (t − 1)(t − 2)(t − 3)) keeps the norm where the product is >= 0 and <= 2/3."""
    found = step_bound(lambda u, t: u * (1 - 3 * t * (t - 1) * (t - 2) * (t - 3)), EUCLIDEAN,
                       shape=4)
    assert found.proved[0] == (1, 2) and found.proved[1][0] == 3
    assert found.refuted[0][0] == 0


def test_the_logistic_map():
    """r u (1 − u) <= r/4: up to 4."""
    found = step_bound(lambda u, r: r * u * (1 - u), stays_in(box(0, 1)), shape=1)
    assert found.certified == 4


@pytest.mark.slow
def test_answers_print_check_and_save_themselves(tmp_path):
    """In words, with their evidence, in a file that the checker accepts."""
    outcome = decide(compiled, RANGE, shape=9, dt="1/2")
    assert outcome.proved and not outcome.refuted and outcome.certificate and not outcome.witness
    assert str(outcome).startswith("proved") and "sum to 1" in outcome._repr_html_()
    outcome.check()
    outcome.save(tmp_path / "one.json", "heat")
    bound = step_bound(compiled, POSITIVITY, shape=9)
    bound.save(tmp_path / "two.json", "heat")
    broken = decide(compiled, RANGE, shape=9, dt="51/100")
    assert broken.refuted and "u = (0, " in str(broken)
    for name in ("one.json", "two.json"):
        assert '"heat' in (tmp_path / name).read_text("utf-8")
