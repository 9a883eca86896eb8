"""Steps of tutorials and of people's reports, as they are typed: what holds, up to which step.

The right values are derived by hand in each docstring, or computed by LAPACK.
"""

from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sparse

from stabkit import (
    EUCLIDEAN,
    MAX_NORM,
    POWER_BOUNDED,
    RANGE,
    step_bound,
)

NEAR = 1e-3


def is_sharp(found, value):
    """Proved from 0 up to `value`, refuted shortly beyond, and all evidence replays."""
    found.check()
    low, top = found.proved[0]
    assert low == 0 and value * (1 - 1e-6) <= top <= value * (1 + 1e-12)
    assert value * (1 - 1e-12) <= found.refuted[0][0] <= value * (1 + NEAR) * (1 + 1e-12)


def laplacian(u):
    return sum(np.roll(u, s, a) for a in range(u.ndim) for s in (1, -1)) - 2 * u.ndim * u


# -- waves -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("n", [8, 40])
def test_waves_on_a_torus(n):
    """BrainDynamicsUSYD/nftsim 29: c dt/dx < 1/√2 in 2-D, not √2; a constant signal drifts."""
    found = step_bound(lambda s, c: np.stack([2 * s[0] - s[1] + c**2 * laplacian(s[0]), s[0]]),
                       POWER_BOUNDED, shape=(2, n, n))
    assert found.refuted == ((0, None),) and "drifts" in str(found)
    rest = found.rest
    assert 0.5**0.5 * (1 - 1e-5) < rest.certified < 0.5**0.5 < rest.refuted[0][0] < 0.708


@pytest.mark.slow
def test_velocity_then_place():
    """scicomp.stackexchange.com/questions/30624: v += L u, u += v "blowing up", for dt = 1 and h =
    1/10.  dt < 2/√λ for the largest λ = 8 cos²(π/20)/h² of the five-point Laplacian."""
    n, h = 9, 0.1
    T = sparse.diags([1.0, -2.0, 1.0], [-1, 0, 1], shape=(n, n))
    L = (sparse.kron(sparse.eye(n), T) + sparse.kron(T, sparse.eye(n))) / h**2

    def step(s, dt):
        u, v = s
        v = v + dt * (L @ u)
        return np.stack([u + dt * v, v])

    is_sharp(step_bound(step, POWER_BOUNDED, shape=(2, n * n)),
             2 * h / np.sqrt(8) / np.cos(np.pi / 20))


@pytest.mark.parametrize("sign, kept", [(1, True), (-1, False)])
def test_a_flipped_sign_of_a_wave(sign, kept):
    """v − K u is bounded for K >= 0, and v + K u never is."""
    def step(s, dt):
        v = s[1] + sign * dt * laplacian(s[0])
        return np.stack([s[0] + dt * v, v])

    rest = step_bound(step, POWER_BOUNDED, shape=(2, 4, 6)).rest
    assert bool(rest.proved) is kept and rest.refuted


@pytest.mark.slow
def test_waves_in_two_materials():
    """A speed for every cell: K = diag(c²) L is symmetric for the weights 1/c²."""
    n = 8
    c = np.random.default_rng(0).integers(1, 5, (n, n)) / 2

    def step(s, dt):
        new = np.zeros_like(s[0])
        new[1:-1, 1:-1] = (2 * s[0] - s[1] + dt**2 * c**2 * laplacian(s[0]))[1:-1, 1:-1]
        return new, s[0]

    inner = np.arange(n * n).reshape(n, n)[1:-1, 1:-1].ravel()
    K = np.column_stack([(-c**2 * laplacian(e.reshape(n, n))).ravel() for e in np.eye(n * n)])
    value = 2 / np.sqrt(np.linalg.eigvals(K[np.ix_(inner, inner)]).real.max())
    is_sharp(step_bound(step, POWER_BOUNDED, shape=(2, n, n)), value)


@pytest.mark.slow
@pytest.mark.parametrize("n", [16, 160])
def test_shallow_water_between_walls(n):
    """hbock-42/pacific-termocline 8: dt < dx/√(gH), on n cells 1/cos(π/(2n)) times as much; a wall
    that is no wall, but a velocity that stays, feeds the water."""
    def step(s, dt, g=9.81, H=10.0, dx=1000.0):
        h, u = s[0].copy(), s[1].copy()
        u[1:] -= dt * g * (h[1:] - h[:-1]) / dx
        h[:-1] -= dt * H * (u[1:] - u[:-1]) / dx
        h[-1] += dt * H * u[-1] / dx
        return np.stack([h, u])

    value = 1000 / np.sqrt(98.1) / np.cos(np.pi / (2 * n))
    found = step_bound(step, POWER_BOUNDED, shape=(2, n), held={(1, 0): 0})
    assert value * (1 - 1e-4) < found.certified < value * (1 + 1e-9) < found.refuted[0][0]
    assert found.refuted[0][0] < value * 1.01
    if n == 16:
        text = str(step_bound(step, POWER_BOUNDED, shape=(2, n)))
        assert "bounded powers is proved for 0 < dt < 101.4" in text and "held at 0" in text


def test_maxwell_in_two_dimensions():
    """flexcompute/tidy3d 1678: in 2-D only two directions count, S < 1/√2."""
    def step(s, S):
        ez, hx, hy = s
        hx = hx - S * (np.roll(ez, -1, 1) - ez)
        hy = hy + S * (np.roll(ez, -1, 0) - ez)
        return np.stack([ez + S * (hy - np.roll(hy, 1, 0) - hx + np.roll(hx, 1, 1)), hx, hy])

    is_sharp(step_bound(step, POWER_BOUNDED, shape=(3, 6, 6)), 0.5**0.5)


# -- small systems ---------------------------------------------------------------------------------
def test_a_spring_with_damping():
    """KiwiCanopy/KiwiDesk 612: k h² + 2 c h < 4 (Jury), not either term alone; with k = 4, c = 2/5
    h < (√101 − 1)/10."""
    def step(s, h, k=4.0, c=0.4):
        x, v = s
        v = v + h * (-k * x - c * v)
        return np.array([x + h * v, v])

    is_sharp(step_bound(step, POWER_BOUNDED, shape=2), (101**0.5 - 1) / 10)


def test_a_controller_with_three_terms():
    """x' = u − x under u = 2 e + ∫ e + e'/2: the radius by LAPACK."""
    def step(s, dt):
        x, total, before = s
        error = -x
        total = total + error * dt
        u = 2 * error + total + 0.5 * (error - before) / dt
        return np.array([x + dt * (u - x), total, error])

    def radius(dt):
        return np.abs(np.linalg.eigvals(np.column_stack([step(e, dt) for e in np.eye(3)]))).max()

    found = step_bound(step, POWER_BOUNDED, shape=3)
    top = float(found.certified)
    assert radius(top * (1 - 1e-6)) < 1 < radius(float(found.refuted[0][0]))
    assert found.refuted[0][0] < top * (1 + NEAR)


def test_momentum():
    """x − a v⁺, v⁺ = v/2 + H x: a λ < 2 (1 + 1/2) for the largest curvature λ = 3."""
    H = np.array([[2.0, 1.0], [1.0, 2.0]])

    def step(s, a):
        x, v = s
        v = 0.5 * v + H @ x
        return np.stack([x - a * v, v])

    is_sharp(step_bound(step, POWER_BOUNDED, shape=(2, 2)), 1)


# -- diffusion -------------------------------------------------------------------------------------
def test_a_diffusivity_for_every_cell():
    """xarray-contrib/xarray-spatial 1281: dt <= dx²/(4 max α)."""
    alpha = np.random.default_rng(1).integers(1, 9, (9, 9)) / 4

    def step(u, dt, dx=0.5):
        p = np.pad(u, 1, mode="edge")
        return u + dt * alpha * (p[2:, 1:-1] + p[:-2, 1:-1] + p[1:-1, 2:] + p[1:-1, :-2]
                                 - 4 * u) / dx**2

    is_sharp(step_bound(step, RANGE, shape=(9, 9)), 0.25 / 4 / alpha[1:-1, 1:-1].max())


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(12, 12), (90, 90)])
@pytest.mark.parametrize("mode", ["constant", "symmetric", "wrap"])
def test_plates_with_ends(shape, mode):
    """1 − dt λ² >= −1 for λ <= 8: 1/32 at any size; by LAPACK the small one is close to it."""
    def inside(q):
        return q[2:, 1:-1] + q[:-2, 1:-1] + q[1:-1, 2:] + q[1:-1, :-2] - 4 * q[1:-1, 1:-1]

    found = step_bound(lambda u, dt: u - dt * inside(inside(np.pad(u, 2, mode=mode))), EUCLIDEAN,
                       shape=shape)
    assert found.certified == Fraction(1, 32) and Fraction(1, 32) < found.refuted[0][0] < 0.034


@pytest.mark.slow
def test_mirrored_at_cells_is_no_part_of_a_periodic_step():
    """np.pad's "reflect" mirrors about the last cell: |M| > 1 where the symbol is bounded by 1."""
    def step(u, dt):
        p = np.pad(u, 2, mode="reflect")
        d = p[2:] - 2 * p[1:-1] + p[:-2]
        return u - dt * (d[2:] - 2 * d[1:-1] + d[:-2])

    found = step_bound(step, EUCLIDEAN, shape=200)
    matrix = np.column_stack([step(e, 0.125) for e in np.eye(200)])
    assert np.linalg.norm(matrix, 2) > 1 and not any(high is None or high >= Fraction(1, 8)
                                                     for _, high in found.proved)


def image_filter(u, gamma, kappa=50):
    """Of GiovaniGitHub/course-dip, anisotropic_filter.py, in other words."""
    out = u.copy()
    south, east = np.zeros_like(out), np.zeros_like(out)
    south[:-1, :], east[:, :-1] = np.diff(out, axis=0), np.diff(out, axis=1)
    south *= np.exp(-(south / kappa)**2.0)
    east *= np.exp(-(east / kappa)**2.0)
    down, right = south.copy(), east.copy()
    down[1:, :] -= south[:-1, :]
    right[:, 1:] -= east[:, :-1]
    out += gamma * (down + right)
    return out


def flow_of_total_variation(u, dt, eps=0.1):
    x, y = np.roll(u, -1, 0) - u, np.roll(u, -1, 1) - u
    size = np.sqrt(x**2 + y**2 + eps**2)
    x, y = x / size, y / size
    return u + dt * (x - np.roll(x, 1, 0) + y - np.roll(y, 1, 1))


@pytest.mark.slow
@pytest.mark.parametrize("step, value", [
    (image_filter, Fraction(1, 4)), (flow_of_total_variation, Fraction(1, 40)),
    (lambda u, dt: u + dt * np.clip(laplacian(u), -1, 1), Fraction(1, 4))],
    ids=["exponential", "total variation", "clipped"])
def test_diffusion_that_is_not_linear(step, value):
    """1 − 4 dt g >= 0 for the largest diffusivity g, 1 or 1/ε; a bright pixel breaks it beyond."""
    found = step_bound(step, RANGE, shape=(5, 6), trials=100)
    assert abs(found.certified / value - 1) < 1e-14  # 0.1**2 is no 0.01
    assert found.certified < found.refuted[0][0] <= found.certified * Fraction(1001, 1000)
    assert step_bound(step, MAX_NORM, shape=(5, 6), trials=20).certified == found.certified


def rational_flow(u, dt):
    n, e = np.roll(u, 1, 0) - u, np.roll(u, 1, 1) - u
    s, w = np.roll(u, -1, 0) - u, np.roll(u, -1, 1) - u
    return u + dt * sum(d / (1 + d**2) for d in (n, e, s, w))


@pytest.mark.slow
@pytest.mark.parametrize("step, value", [
    (rational_flow, Fraction(1, 4)), (flow_of_total_variation, Fraction(1, 40))])
def test_the_norm_of_diffusion_that_is_not_linear(step, value):
    """0 <= S(u) <= g L for the five-point L, whose largest eigenvalue is 8 on an even torus: 1/4.

    Fractions never grow at the bound, and a faint chessboard does a little beyond it.
    """
    found = step_bound(step, EUCLIDEAN, shape=(4, 6), trials=20)
    found.check()
    assert abs(found.certified / value - 1) < 1e-14
    if step is not rational_flow:
        return
    rng = np.random.default_rng(2)
    for size in (Fraction(1, 1000), Fraction(1, 3), 5):
        for _ in range(30):
            u = np.array(rng.integers(-9, 10, (4, 6)) * size, dtype=object) + Fraction(0)
            assert (step(u, value)**2).sum() <= (u**2).sum()
    faint = np.array((-1)**np.indices((4, 6)).sum(axis=0), dtype=object) * Fraction(1, 10**4)
    assert (step(faint, value * Fraction(1001, 1000))**2).sum() > (faint**2).sum()


@pytest.mark.slow
@pytest.mark.parametrize("step", [
    lambda u, dt: u - dt * np.tanh(u - np.roll(u, 1)),            # one end of each edge alone
    lambda u, dt: u - dt * sum(np.tanh(np.roll(u, s) - u) for s in (1, -1)),  # uphill
    lambda u, dt: u + dt * sum(np.exp(-np.maximum(d, 0)**2) * d for d in (  # no odd flux
        np.roll(u, 1) - u, np.roll(u, -1) - u))])
def test_what_is_no_diffusion_has_no_proof_of_one(step):
    """B and Bᵀ must be the same, ratios nonnegative, and a flux that is written twice odd."""
    assert not step_bound(step, EUCLIDEAN, shape=6, trials=20).proved


@pytest.mark.slow
def test_a_wrong_way_to_clip_is_not_proved():
    """max(s, 1) is no multiple of s."""
    found = step_bound(lambda u, dt: u + dt * np.maximum(laplacian(u), 1), RANGE, shape=(4, 4),
                       trials=20)
    assert not found.proved


@pytest.mark.slow
def test_a_boundary_by_name():
    """held="boundary" is 0 on all faces: 1/4 · 1/cos²(π/(2n − 2))."""
    def step(u, dt):
        v = u.copy()
        v[1:-1, 1:-1] += dt * laplacian(u)[1:-1, 1:-1]
        return v

    is_sharp(step_bound(step, EUCLIDEAN, shape=(6, 6), held="boundary"),
             0.25 / np.cos(np.pi / 10)**2)
    assert step_bound(step, EUCLIDEAN, shape=(6, 6), held={"boundary": 0}).certified == \
        step_bound(step, EUCLIDEAN, shape=(6, 6), held="boundary").certified
