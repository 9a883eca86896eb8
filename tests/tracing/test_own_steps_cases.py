"""Steps that people brought, as they wrote them: for which dt, in which sense.

The numbers that are compared with are closed formulas, eigenvalues by LAPACK, or scans by hand.
"""

from fractions import Fraction

import numpy as np
import pytest

from stabkit import (
    CONTRACTION,
    EUCLIDEAN,
    POSITIVITY,
    POWER_BOUNDED,
    RANGE,
    VARIATION,
    box,
    decide,
    stays_in,
    step_bound,
    weighted,
)
from stabkit.stability.verdict import PROVED, REFUTED

NEAR = 1e-3  # relatively, from a proved end to the first refuted step


def ends(found):
    """The end of what is proved from 0 on, and the first refuted step, after replaying all."""
    found.check()
    assert found.proved[0][0] == 0
    return float(found.proved[0][1]), float(found.refuted[0][0])


def is_sharp(found, value):
    low, high = ends(found)
    assert value * (1 - 1e-6) <= low <= value * (1 + 1e-9)
    assert value < high <= value * (1 + NEAR)


# -- a heated rod ----------------------------------------------------------------------------------
def rod(u, dt):
    v = u.copy()
    v[1:-1] = u[1:-1] + 300 * dt * (u[2:] - 2 * u[1:-1] + u[:-2])
    return v


@pytest.mark.parametrize("n", [12, pytest.param(98, marks=pytest.mark.slow)])
def test_heated_rod(n):
    """1/600 for the range; 2/(300 · 4 sin²(π m/(2m + 2))) with the ends at 0, m = n − 2; and as it
    stands the norm grows at every dt, as u = e₀ feeds u₁."""
    is_sharp(step_bound(rod, RANGE, shape=n), 1 / 600)
    m = n - 2
    is_sharp(step_bound(rod, EUCLIDEAN, shape=n, held={0: 0, -1: 0}),
             2 / (1200 * np.sin(np.pi * m / (2 * m + 2))**2))
    never = step_bound(rod, EUCLIDEAN, shape=n)
    assert never.refuted == ((0, None),) and never.proved == ()
    text = str(never)
    assert "a held end feeds its neighbour" in text and "held at 0" in text
    assert "range is proved for 0 < dt <= 1/600" in text


# -- two time levels -------------------------------------------------------------------------------
def leapfrog(s, c2):
    u, p = s
    return np.stack([2 * u - p + c2 * (np.roll(u, -1) - 2 * u + np.roll(u, 1)), u])


@pytest.mark.parametrize("n", [12, 120])
def test_leapfrog(n):
    """A constant signal u, p = (1, 0) gives (k + 1) after k steps whatever c2 is; apart from it the
    roots are on the circle for c2 < 1, double at c2 = 1 and outside beyond."""
    found = step_bound(leapfrog, POWER_BOUNDED, shape=(2, n))
    assert found.refuted == ((0, None),) and "drifts" in str(found)
    low, high = ends(found.rest)
    assert 0.9999 < low < 1 and high == 1
    assert "0 < c2 < 1, refuted from 1" in str(found)
    assert "at c2 = 1 itself it grows linearly" in str(found)
    s = np.stack([(-1.0)**np.arange(n), np.zeros(n)])
    for _ in range(9):
        s = leapfrog(s, 1)
    assert np.abs(s[0]).max() == 10  # z = -1 is double: (-1)^k (k + 1)
    s = np.stack([np.ones(n), np.zeros(n)])
    for _ in range(9):
        s = leapfrog(s, 0.3)
    assert np.allclose(s[0], 10)


@pytest.mark.parametrize("n, top", [(6, 4 / (4 * np.cos(np.pi / 10)**2))])
def test_leapfrog_between_held_ends(n, top):
    """c2 λ < 4 for the eigenvalues λ = 4 cos²(πk/(2n − 2)) of the second difference of n − 2."""
    def held(s, c2):
        u, p = s
        v = u.copy()
        v[1:-1] = 2 * u[1:-1] - p[1:-1] + c2 * (u[2:] - 2 * u[1:-1] + u[:-2])
        return np.stack([v, u])

    is_sharp(step_bound(held, POWER_BOUNDED, shape=(2, n), held={
        (0, 0): 0, (0, -1): 0, (1, 0): 0, (1, -1): 0}), top)


def test_adams_bashforth_and_forward_backward():
    """AB2 of u' = −λu needs λ dt < 1, so 1/4 for λ = 4; forward-backward needs c < 1."""
    def second(u):
        return np.roll(u, -1) - 2 * u + np.roll(u, 1)

    def ab2(s, dt):
        return np.stack([s[0] + dt * (3 * second(s[0]) - second(s[1])) / 2, s[0]])

    def staggered(s, c):
        u, v = s
        v = v + c * (np.roll(u, -1) - u)
        return np.stack([u + c * (v - np.roll(v, 1)), v])

    low, high = ends(step_bound(ab2, POWER_BOUNDED, shape=(2, 16)))
    assert 0.2495 < low <= 0.25 < high < 0.2502
    low, high = ends(step_bound(staggered, POWER_BOUNDED, shape=(2, 16)))
    assert 0.998 < low < 1 == high


# -- advection -------------------------------------------------------------------------------------
def rate(u):
    return -(np.roll(u, -1) - np.roll(u, 1)) / 2


def runge_kutta(order):
    def step(u, c):
        v = u
        for k in range(order, 0, -1):
            v = u + c * rate(v) / k
        return v
    return step


@pytest.mark.slow
@pytest.mark.parametrize("n", [12, pytest.param(120, marks=pytest.mark.slow)])
@pytest.mark.parametrize("order, top", [(1, None), (2, None), (3, 3**0.5), (4, 8**0.5)])
def test_central_advection(order, top, n):
    """The imaginary axis inside the region of stability: none, none, √3, √8."""
    found = step_bound(runge_kutta(order), EUCLIDEAN, shape=n)
    if top is None:
        assert found.refuted == ((0, None),) and not found.proved
    else:
        is_sharp(found, top)
        assert "for every size" in str(found)


@pytest.mark.parametrize("n", [12, pytest.param(120, marks=pytest.mark.slow)])
def test_lax_friedrichs_and_lax_wendroff(n):
    """Both keep the norm up to c = 1; the range is kept by the first up to 1, by the second at 0
    and 1 alone: u − c(1 − c)/2 at the right neighbour is negative in between."""
    def friedrichs(u, c):
        left, right = np.roll(u, 1), np.roll(u, -1)
        return (left + right) / 2 - c * (right - left) / 2

    def wendroff(u, c):
        left, right = np.roll(u, 1), np.roll(u, -1)
        return u - c * (right - left) / 2 + c * c * (right - 2 * u + left) / 2

    for step in (friedrichs, wendroff):
        is_sharp(step_bound(step, EUCLIDEAN, shape=n), 1)
    is_sharp(step_bound(friedrichs, RANGE, shape=n), 1)
    found = step_bound(wendroff, RANGE, shape=n)
    assert found.proved == ((1, 1),) and found.refuted[0][0] == 0
    assert "c = 0 and 1 only" in str(found) and "no largest step" in str(found)


def carried(v, D, h):
    def step(u, dt):
        out = u.copy()
        i = (slice(1, -1), slice(1, -1))
        fluxes = v[0] * u, v[1] * u
        out[i] -= dt * (fluxes[0][i] - fluxes[0][:-2, 1:-1] + fluxes[1][i]
                        - fluxes[1][1:-1, :-2]) / h
        out[i] += dt * D[i] * (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2]
                               - 4 * u[i]) / h**2
        return out
    return step


@pytest.mark.parametrize("n", [6, pytest.param(60, marks=pytest.mark.slow)])
def test_advection_and_diffusion_per_cell(n):
    """Positivity up to 1/max(Σv/h + 4D/h²); the range is lost at once where the flow converges."""
    rng = np.random.default_rng(n)
    v, D, h = rng.integers(1, 3, (2, n, n)), rng.integers(0, 5, (n, n)) / 4, 0.5
    step = carried(v, D, h)
    value = 1 / ((v[0] + v[1]) / h + 4 * D / h**2)[1:-1, 1:-1].max()
    is_sharp(step_bound(step, POSITIVITY, shape=(n, n)), value)
    found = step_bound(step, RANGE, shape=(n, n))
    assert found.refuted == ((0, None),) and "positivity is proved" in str(found)


# -- linear parts ----------------------------------------------------------------------------------
def laplacian(u):
    return sum(np.roll(u, s, a) for a in range(u.ndim) for s in (1, -1)) - 2 * u.ndim * u


@pytest.mark.slow
@pytest.mark.parametrize("n", [8, 80])
def test_hyperdiffusion_and_swift_hohenberg(n):
    """2/max of the symbol: (8)² for −Δ² in 2-D, (1 − 8)² + 1/10 for (1 + Δ)² + 1/10."""
    is_sharp(step_bound(lambda u, dt: u - dt * laplacian(laplacian(u)), EUCLIDEAN, shape=(n, n)),
             2 / 64)
    is_sharp(step_bound(lambda u, dt: u - dt * (u + 2 * laplacian(u) + laplacian(laplacian(u)))
                        - 0.1 * dt * u, EUCLIDEAN, shape=(n, n)), 2 / 49.1)


@pytest.mark.slow
@pytest.mark.parametrize("n", [3, 30])
def test_leaky_echo_state(n):
    """With the identity for tanh: |1 − a + aμ| <= 1 for the eigenvalues μ of a non-normal W; with
    tanh nothing is proved, and the line is told."""
    W = np.triu(np.random.default_rng(n).integers(-4, 5, (n, n)) / 5, 1) + np.diag(
        np.linspace(-1, 1, n).round(1) / 2)
    mu = np.diag(W) - 1
    found = step_bound(lambda u, a: (1 - a) * u + a * (W @ u), POWER_BOUNDED, shape=n)
    low, high = ends(found)
    value = (-2 / mu).min()
    assert value * 0.999 <= low <= value < high * (1 + 1e-9) and high <= value * 1.001
    found = step_bound(lambda u, a: (1 - a) * u + a * np.tanh(W @ u), RANGE, shape=n, trials=50)
    assert not found.proved and "np.tanh" in str(found)


@pytest.mark.slow
@pytest.mark.parametrize("n", [12, 120])
def test_smoothing_of_a_mesh(n):
    """u + t(D⁻¹A − I)u on a wheel: the range up to 1; symmetric for weights ∝ the degrees."""
    A = np.zeros((n, n))
    for i in range(1, n):
        j = i + 1 if i + 1 < n else 1
        A[0, i] = A[i, 0] = A[i, j] = A[j, i] = 1
    degree = A.sum(axis=1)
    step = lambda u, t: u + t * (A @ u / degree - u)  # noqa: E731
    is_sharp(step_bound(step, RANGE, shape=n), 1)
    eigenvalues = np.linalg.eigvalsh(A / np.sqrt(np.outer(degree, degree)))
    is_sharp(step_bound(step, weighted(degree), shape=n), 2 / (1 - eigenvalues.min()))


def test_taubin_smoothing_amplifies():
    """Two steps with λ and −μ amplify in the pass band: no norm bound, at the largest gain.

    Among the angles of 12 nodes none is in the band.
    """
    n, lam, mu = 60, Fraction(33, 100), Fraction(34, 100)

    def taubin(u):
        v = u + lam * (np.roll(u, 1) + np.roll(u, -1) - 2 * u) / 2
        return v - mu * (np.roll(v, 1) + np.roll(v, -1) - 2 * v) / 2

    assert decide(taubin, EUCLIDEAN, shape=12).status is PROVED
    outcome = decide(taubin, EUCLIDEAN, shape=n)
    assert outcome.status is REFUTED
    u = outcome.signals[0].astype(float)
    k = 1 - np.cos(2 * np.pi * np.arange(n) / n)
    gain = ((1 - float(lam) * k) * (1 + float(mu) * k)).max()
    assert abs(np.linalg.norm(taubin(u)) / np.linalg.norm(u) - gain) < 1e-6 < gain - 1


def rkl(stages, flux):
    """Runge-Kutta-Legendre of first order: Legendre's recurrence."""
    def step(u, dt):
        before, now = u, u + dt * flux(u) * 2 / (stages**2 + stages)
        for j in range(2, stages + 1):
            mu = Fraction(2 * j - 1, j)
            before, now = now, mu * now + (1 - mu) * before + \
                mu * Fraction(2, stages**2 + stages) * dt * flux(now)
        return now
    return step


@pytest.mark.slow
@pytest.mark.parametrize("n", [8, 80])
def test_runge_kutta_legendre(n):
    """The matrix is P₃(I + dt L/6) for Legendre's P₃: a scan of its entries without flux and with
    the ends at 0."""
    def no_flux(u):
        d = np.diff(u)
        return np.concatenate([d[:1], np.diff(d), -d[-1:]])

    def held(u):
        return np.concatenate([[0], u[2:] - 2 * u[1:-1] + u[:-2], [0]])

    for flux, notion, fixed in ((no_flux, RANGE, None), (held, POSITIVITY, {0: 0, -1: 0})):
        free = slice(None) if fixed is None else slice(1, -1)
        L = np.column_stack([flux(e) for e in np.eye(n)])[free, free]
        low, high = ends(step_bound(rkl(3, flux), notion, shape=n, held=fixed))
        for dt, holds in ((low * (1 - 1e-9), True), (high, False)):
            x = np.eye(len(L)) + dt * L / 6
            assert ((5 * x @ x @ x - 3 * x) / 2 >= -1e-9 * dt).all() == holds
        assert high <= low * 1.001


# -- norms with weights ----------------------------------------------------------------------------
def test_two_porosities():
    """1/10 for the range; 3/20 in the norm with weights 1, 3, found or given."""
    def step(u, t):
        return np.array([u[0] + 10 * t * (u[1] - u[0]), u[1] + 10 * t * (u[0] - u[1]) / 3])

    assert step_bound(step, RANGE, shape=2).certified == Fraction(1, 10)
    for notion in (weighted([1, 3]), weighted()):
        assert step_bound(step, notion, shape=2).certified == Fraction(3, 20)


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 10])
def test_graded_grid(times):
    """Finite volumes without flux: the range by the rows, the norm with weights h by LAPACK."""
    h = np.tile([1, 1, 0.5, 0.25, 0.25, 1, 2, 2], times)
    distance = (h[1:] + h[:-1]) / 2

    def step(u, dt):
        flux = np.diff(u) / distance
        v = u.copy()
        v[:-1] += dt * flux / h[:-1]
        v[1:] -= dt * flux / h[1:]
        return v

    left, right = np.append(0, 1 / distance), np.append(1 / distance, 0)
    is_sharp(step_bound(step, RANGE, shape=len(h)), (h / (left + right)).min())
    root = np.sqrt(h)
    L = np.column_stack([step(e, 1.0) - e for e in np.eye(len(h))])
    value = -2 / np.linalg.eigvalsh(root[:, None] * L / root).min()
    for notion in (weighted(h), weighted()):
        is_sharp(step_bound(step, notion, shape=len(h)), value)
    if times == 1:
        assert abs(value - 0.0478934) < 1e-7


# -- boxes, limiters, solvers ----------------------------------------------------------------------
@pytest.mark.parametrize("n", [12, 120])
def test_burgers(n):
    """u⁺ is a mean with weights that depend on u: 1 − 16 dt − 2.24 dt >= 0 at u = 4."""
    def step(u, dt):
        return u - 4 * dt * u * (u - np.roll(u, 1)) + 1.12 * dt * (
            np.roll(u, -1) - 2 * u + np.roll(u, 1))

    found = step_bound(step, stays_in(box(0, 4)), shape=n)
    assert found.certified == 1 / (16 + Fraction(224, 100))
    is_sharp(found, 1 / 18.24)


def test_what_cannot_be_traced_is_told_and_searched():
    """A semi-implicit step by FFT: the line is named, nothing is proved."""
    k = np.fft.fftfreq(16) * 16

    def cahn_hilliard(u, dt):
        rhs = np.fft.fft(u + dt * np.fft.ifft(-k**2 * np.fft.fft(u**3 - u)).real)
        return np.fft.ifft(rhs / (1 + dt * k**4)).real

    found = step_bound(cahn_hilliard, EUCLIDEAN, shape=16, trials=100)
    assert not found.proved and "test_own_steps_cases.py" in str(found) and "float" in str(found)


@pytest.mark.slow
@pytest.mark.parametrize("n", [10, 100])
def test_van_leer(n):
    """The unsplit flux u + φ(r)(right − u)/2 keeps the range up to c = 1/2, by 0 <= φ <= 2 and
    φ/r <= 2; far beyond it range and variation are refuted."""
    def step(u, c):
        right, left = np.roll(u, -1) - u, u - np.roll(u, 1)
        product = left * right
        slope = np.where(product > 0, 2 * product / np.where(product > 0, left + right, 1), 0)
        face = u + slope / 2
        return u - c * (face - np.roll(face, 1))

    assert decide(step, RANGE, shape=n, dt="1/2").status is PROVED
    for notion in (RANGE, VARIATION):
        assert decide(step, notion, shape=n, dt="3/2", trials=500).status is REFUTED


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(9, 7), (90, 70)])
def test_landweber_and_richardson(shape):
    """2/‖A‖² for differences under u + dt Aᵀ(b − Au); the radius where B is not symmetric."""
    rng = np.random.default_rng(0)
    A, b = rng.integers(-3, 4, shape), rng.integers(-3, 4, shape[0])
    found = step_bound(lambda u, dt: u + dt * (A.T @ (b - A @ u)), CONTRACTION, shape=shape[1])
    is_sharp(found, 2 / np.linalg.norm(A, 2)**2)
    B = rng.integers(-3, 4, (shape[1], shape[1])) + 3 * shape[1] * np.eye(shape[1], dtype=int)
    mu = np.linalg.eigvals(B)
    low, high = ends(step_bound(lambda u, dt: u - dt * (B @ u), POWER_BOUNDED, shape=shape[1]))
    value = (2 * mu.real / np.abs(mu)**2).min()
    assert value * 0.999 <= low <= value * (1 + 1e-9) <= high * (1 + 1e-6) <= value * 1.002


@pytest.mark.parametrize("n", [40, 400])
def test_variable_coefficients(n):
    """d/dx(a du/dx): the range up to 1/max(a left + a right), proved."""
    a = np.random.default_rng(n).random(n + 1) + 0.5

    def step(u, dt):
        flux = a[1:-1] * np.diff(u)
        v = u.copy()
        v[:-1] += dt * flux
        v[1:] -= dt * flux
        return v

    inner = np.concatenate([[0], a[1:-1], [0]])
    is_sharp(step_bound(step, RANGE, shape=n), 1 / (inner[1:] + inner[:-1]).max())
