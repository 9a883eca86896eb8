"""Schemes of textbooks and of people's questions, as they are typed, with their known limits.

The numbers are the published ones, or follow by hand as each docstring says.
"""

from fractions import Fraction

import numpy as np
import pytest

from stabkit import CYCLIC_VARIATION, EUCLIDEAN, POSITIVITY, POWER_BOUNDED, RANGE, step_bound

NEAR = 1e-3


def is_sharp(found, value):
    """Proved from 0 up to `value`, refuted shortly beyond, and all evidence replays."""
    found.check()
    low, top = found.proved[0]
    assert low == 0 and value * (1 - 1e-6) <= top <= value * (1 + 1e-12)
    assert value <= found.refuted[0][0] < value * (1 + NEAR)


@pytest.mark.slow
def test_cells_that_are_not_square():
    """dalesteam/dales 29: the smallest width in every direction is too strict a limit.

    1 − 2 dt (1/dx² + 1/dy²) >= 0: with dx = .1, dy = .2 up to 1/250 rather than dx²/4 = 1/400.
    """
    def step(u, dt):
        v = u.copy()
        v[1:-1, 1:-1] += dt * ((u[2:, 1:-1] - 2 * u[1:-1, 1:-1] + u[:-2, 1:-1]) / 0.1**2
                               + (u[1:-1, 2:] - 2 * u[1:-1, 1:-1] + u[1:-1, :-2]) / 0.2**2)
        return v

    is_sharp(step_bound(step, RANGE, shape=(8, 8)), 1 / 250)


def test_successive_overrelaxation():
    """Kahan: det = (1 − w)ⁿ, so no w > 2; between 0 and 2 it converges (Ostrowski), and at 2 the
    roots are on the circle and simple."""
    def sweep(u, w):
        u = u.copy()
        for i in range(1, len(u) - 1):
            u[i] = (1 - w) * u[i] + w * (u[i - 1] + u[i + 1]) / 2
        return u

    is_sharp(step_bound(sweep, POWER_BOUNDED, shape=6, held={0: 0, -1: 0}), 2)


def test_weighted_jacobi():
    """stackoverflow.com/questions/26822149: overrelaxation that is not done in place "goes wild".

    |1 − w (1 + cos(π/(n + 1)))| <= 1; for four unknowns cos(π/5) = (1 + √5)/4.
    """
    def sweep(u, w):
        v = u.copy()
        v[1:-1] = (1 - w) * u[1:-1] + w * (u[2:] + u[:-2]) / 2
        return v

    found = step_bound(sweep, EUCLIDEAN, shape=6, held={0: 0, -1: 0})
    is_sharp(found, 2 / (1 + (1 + 5**0.5) / 4))
    assert "(10 - 2*sqrt(5))/5 = 1.105572..." in str(found)


def test_heavy_ball():
    """Polyak's method on a quadratic with curvatures 1 and 10 and momentum .9: a < 2·1.9/10."""
    A = np.diag([1.0, 10.0])

    def step(s, a):
        x, old = s
        return np.stack([x - a * (A @ x) + 0.9 * (x - old), x])

    is_sharp(step_bound(step, POWER_BOUNDED, shape=(2, 2)), 0.38)


def test_leapfrog_advection():
    """z² + 2ic sin θ z − 1: on the circle for c < 1, double at c = 1."""
    def step(s, c):
        u, p = s
        return np.stack([p - c * (np.roll(u, -1) - np.roll(u, 1)), u])

    found = step_bound(step, POWER_BOUNDED, shape=(2, 12))
    assert "proved for 0 < c < 1, refuted from 1" in str(found)


@pytest.mark.slow
def test_beam_warming():
    """Second-order upwind: |g| <= 1 for 0 <= c <= 2 (Warming and Beam 1976)."""
    def step(u, c):
        a, b = np.roll(u, 1), np.roll(u, 2)
        return u - c / 2 * (3 * u - 4 * a + b) + c**2 / 2 * (u - 2 * a + b)

    is_sharp(step_bound(step, EUCLIDEAN, shape=12), 2)


@pytest.mark.slow
def test_laplacian_of_fourth_order():
    """Its symbol reaches 64/12, so 3/8; its outer weights are negative, so the range is lost."""
    def step(u, dt):
        return u + dt * (-np.roll(u, 2) + 16 * np.roll(u, 1) - 30 * u + 16 * np.roll(u, -1)
                         - np.roll(u, -2)) / 12

    is_sharp(step_bound(step, EUCLIDEAN, shape=12), 3 / 8)
    found = step_bound(step, RANGE, shape=12)
    assert found.refuted == ((0, None),) and "euclidean is proved for 0 < dt <= 3/8" in str(found)


@pytest.mark.slow
def test_du_fort_frankel():
    """Unconditionally stable (Du Fort and Frankel 1953); with r for 2r in one place no more."""
    def step(s, r):
        u, p = s
        return np.stack([((1 - 2 * r) * p + 2 * r * (np.roll(u, 1) + np.roll(u, -1)))
                         / (1 + 2 * r), u])

    def wrong(s, r):
        u, p = s
        return np.stack([((1 - 2 * r) * p + 2 * r * (np.roll(u, 1) + np.roll(u, -1)))
                         / (1 + r), u])

    assert step_bound(step, POWER_BOUNDED, shape=(2, 8)).proved == ((0, None),)
    assert step_bound(wrong, POWER_BOUNDED, shape=(2, 8)).proved == ()


@pytest.mark.slow
def test_runge_kutta_4_with_a_laplacian():
    """The interval of RK4 on the real axis is 2.785293563405282, and the symbol reaches 4."""
    def laplacian(u):
        return np.roll(u, 1) - 2 * u + np.roll(u, -1)

    def step(u, dt):
        k1 = laplacian(u)
        k2 = laplacian(u + dt / 2 * k1)
        k3 = laplacian(u + dt / 2 * k2)
        k4 = laplacian(u + dt * k3)
        return u + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

    found = step_bound(step, EUCLIDEAN, shape=16)
    is_sharp(found, 2.785293563405282 / 4)
    assert abs(float(found.certified.limit) - 2.785293563405282 / 4) < 1e-15


@pytest.mark.slow
@pytest.mark.parametrize("notion", [RANGE, CYCLIC_VARIATION])
def test_muscl_with_minmod(notion):
    """MIT-LAE/APCEMM 109: upwind with minmod and Euler's method; how large may c be?

    The weight of the difference behind is c (1 + r/2 − q/2), 0 <= r, q <= 1: up to c = 2/3.
    """
    def minmod(a, b):
        return np.where(a * b > 0, np.where(np.abs(a) < np.abs(b), a, b), 0)

    def step(u, c):
        face = u + minmod(u - np.roll(u, 1), np.roll(u, -1) - u) / 2
        return u - c * (face - np.roll(face, 1))

    found = step_bound(step, notion, shape=10, trials=50)
    assert found.certified == Fraction(2, 3)
    found.check()


@pytest.mark.slow
def test_lax_friedrichs_in_two_dimensions():
    """Weights 1/4 ± c/2: the range is kept up to 1/2."""
    def step(u, c):
        e, w, n, s = (np.roll(u, k, a) for a in (0, 1) for k in (-1, 1))
        return (e + w + n + s) / 4 - c / 2 * (e - w) - c / 2 * (n - s)

    is_sharp(step_bound(step, RANGE, shape=(6, 6)), 1 / 2)


@pytest.mark.slow
def test_shallow_water_with_central_differences_on_one_grid():
    """|g|² = 1 + c² sin² θ: it grows at every step."""
    def step(s, c):
        h, q = s
        slope = lambda x: (np.roll(x, -1) - np.roll(x, 1)) / 2  # noqa: E731
        return np.stack([h - c * slope(q), q - c * slope(h)])

    for notion in (EUCLIDEAN, POWER_BOUNDED):
        assert step_bound(step, notion, shape=(2, 12)).refuted == ((0, None),)


@pytest.mark.slow
def test_decay_and_diffusion_in_three_dimensions():
    """BioDynaMo/biodynamo 288: (λ + 12 D/h²) dt <= 2 for stability, 1 − (λ + 6 D/h²) dt >= 0 for
    positivity; with λ = 1/2, D = 3/4, h = 1 these are 4/19 and 1/5."""
    def step(u, dt):
        near = sum(np.roll(u, s, a) for a in range(3) for s in (1, -1))
        return u + dt * (0.75 * (near - 6 * u) - 0.5 * u)

    is_sharp(step_bound(step, EUCLIDEAN, shape=(4, 4, 4)), 4 / 19)
    is_sharp(step_bound(step, POSITIVITY, shape=(4, 4, 4)), 1 / 5)


@pytest.mark.slow
def test_rotation_by_runge_kutta_4():
    """hbock-42/pacific-termocline 13: |f| dt <= 2√2 for the Coriolis term under RK4; here f = 1."""
    def step(s, dt):
        def rate(s):
            return np.stack([s[1], -s[0]])

        k1 = rate(s)
        k2 = rate(s + dt / 2 * k1)
        k3 = rate(s + dt / 2 * k2)
        return s + dt / 6 * (k1 + 2 * k2 + 2 * k3 + rate(s + dt * k3))

    found = step_bound(step, EUCLIDEAN, shape=2)
    is_sharp(found, 8**0.5)
    assert "2*sqrt(2) = 2.828427..." in str(found)


@pytest.mark.slow
def test_maxwell_before_a_conductor_that_is_set_to_0():
    """E₀ is set to 0 in every step: S < 1/cos(π/2n), as λ = 4 cos²(π/2n) of n − 1 nodes between two
    walls, with S² λ < 4; what E₀ held before the first step is forgotten."""
    def yee(s, S):
        E, H = s.copy()
        H[:-1] += S * (E[1:] - E[:-1])
        H[-1] -= S * E[-1]
        E[1:] += S * (H[1:] - H[:-1])
        E[0] = 0
        return np.stack([E, H])

    found = step_bound(yee, POWER_BOUNDED, shape=(2, 16))
    is_sharp(found, 1 / np.cos(np.pi / 32))
    assert "what they held is forgotten" in str(found)


@pytest.mark.slow
def test_single_steps_come_close_to_the_end():
    """A sweep over eight cells has a polynomial of degree 8 in w: its last bounded step is 2."""
    def sweep(u, w):
        u = np.pad(u, 1)
        for i in range(1, len(u) - 1):
            u[i] = (1 - w) * u[i] + w * (u[i - 1] + u[i + 1]) / 2
        return u[1:-1]

    found = step_bound(sweep, POWER_BOUNDED, shape=8)
    assert found.proved[-1] == (2, 2) and found.refuted[0][0] < 2.01
    assert "single steps, from w = 0.000244140" in found.proved_in_words


@pytest.mark.slow
def test_a_root_of_what_may_be_negative_is_told_by_its_line():
    """Adam: the second moment v is a field like any other, and √v is no number for v < 0."""
    def adam(s, lr):
        x, m, v = s
        g = 3 * x
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        return np.stack([x - lr * m / (np.sqrt(v) + 1e-8), m, v])

    found = step_bound(adam, EUCLIDEAN, shape=(3, 2), trials=20)
    assert not found.proved and "np.sqrt has no value at some numbers" in str(found)
