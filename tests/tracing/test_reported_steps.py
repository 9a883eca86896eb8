"""Steps after public reports, each with its source and a bound that follows by hand."""

from fractions import Fraction

import numpy as np
import pytest
import scipy.fft

from stabkit import (
    CONTRACTION,
    EUCLIDEAN,
    POSITIVITY,
    POWER_BOUNDED,
    RANGE,
    box,
    stays_in,
    step_bound,
)

NEAR = {"rel": 1e-6}


def top_of(step, notion, shape):
    found = step_bound(step, notion, shape=shape)
    assert found.proved[0][0] == 0 and found.refuted[0][0] <= found.proved[0][1] * Fraction(
        1003, 1000)
    if found.certificate:
        found.check()
    return float(found.proved[0][1])


@pytest.mark.slow
def test_springs_by_velocity_verlet():
    """jacobaustin123/Titan 22: is velocity Verlet right, and up to which step?  ω dt < 2.

    Five springs of stiffness 1 between four masses and two walls: ω² = 2 + 2 cos(π/5).  Masses that
    differ give the eigenvalues of M⁻¹K, here by LAPACK.
    """
    stiffness = 2 * np.eye(4) - np.eye(4, k=1) - np.eye(4, k=-1)
    for masses in (np.ones(4), np.array([1.0, 2, 4, 1])):
        def verlet(s, dt, m=masses):
            x, v = s
            v = v - dt / 2 * (stiffness @ x) / m
            x = x + dt * v
            return np.stack([x, v - dt / 2 * (stiffness @ x) / m])

        largest = np.linalg.eigvals(stiffness / masses[:, None]).real.max()
        assert top_of(verlet, POWER_BOUNDED, (2, 4)) == pytest.approx(2 / largest**0.5, **NEAR)

    def explicit(s, dt):
        x, v = s
        return np.stack([x + dt * v, v - dt * (stiffness @ x)])

    assert not step_bound(explicit, POWER_BOUNDED, shape=(2, 4)).proved  # |1 + iωdt| > 1


@pytest.mark.slow
def test_the_level_set_method_by_godunov():
    """joey2006/3D-Solid-Propellant-Regression-Model 4: √(max(D⁻₊², D⁺₋²) + ...), dt <= h/√2."""
    def burn(phi, dt):
        total = 0
        for axis in (0, 1):
            back, ahead = phi - np.roll(phi, 1, axis), np.roll(phi, -1, axis) - phi
            total = total + np.maximum(np.maximum(back, 0)**2, np.minimum(ahead, 0)**2)
        return phi - dt * np.sqrt(total)

    assert top_of(burn, RANGE, (5, 5)) == pytest.approx(0.5**0.5, **NEAR)


@pytest.mark.slow
def test_burgers_in_two_dimensions():
    """python-hydro/pyro2 144, a review: is min(dx/|u|, dy/|v|) the right limit?  Not unsplit.

    Donor cells with 0 <= u, v <= 1 and dx = dy = 1 keep the box for dt (u + v) <= 1: dt <= 1/2.
    """
    def step(s, dt):
        u, v = s
        return np.stack([w - dt * (u * (w - np.roll(w, 1, 0)) + v * (w - np.roll(w, 1, 1)))
                         for w in (u, v)])

    assert top_of(step, stays_in(box(0, 1)), (2, 5, 5)) == 0.5


@pytest.mark.slow
def test_traffic():
    """solvcon/solvcon 837, the Lighthill-Whitham-Richards model by demand and supply.

    q' = 1 − 2ρ is between −1 and 1, and of demand and supply only one changes: dt <= 1.
    """
    def flow(rho):
        return rho * (1 - rho)

    def step(rho, dt):
        demand, supply = flow(np.minimum(rho, 0.5)), flow(np.maximum(rho, 0.5))
        q = np.minimum(demand, np.roll(supply, -1))
        return rho - dt * (q - np.roll(q, 1))

    assert top_of(step, stays_in(box(0, 1)), 8) == 1


@pytest.mark.slow
def test_proximal_gradients_need_the_lipschitz_constant():
    """CEA-COSMIC/pysap 39: with L left out the cost explodes.  t <= 2/L, L = 3 + √2 here."""
    hessian = np.array([[3.0, 1, 0], [1, 3, 1], [0, 1, 3]])

    def ista(x, t):
        y = x - t * (hessian @ x - np.array([1.0, 2, 3]))
        return np.sign(y) * np.maximum(np.abs(y) - 0.3 * t, 0)

    assert top_of(ista, CONTRACTION, 3) == pytest.approx(2 / (3 + 2**0.5), **NEAR)


def test_heat_on_a_graph():
    """gravins/NumGraph 2: Euler steps of heat on a graph; 1/max degree, and 2/λ for the norm.

    A star of four leaves has degrees 4 and 1 and the largest eigenvalue 5.
    """
    source, target = np.array([0, 0, 0, 0, 1, 2, 3, 4]), np.array([1, 2, 3, 4, 0, 0, 0, 0])

    def step(x, dt):
        messages = np.zeros_like(x)
        np.add.at(messages, target, x[source] - x[target])
        return x + dt * messages

    def counted(x, dt):
        return x + dt * np.bincount(target, weights=x[source] - x[target], minlength=5)

    for each in (step, counted):
        assert top_of(each, RANGE, 5) == 0.25
        assert top_of(each, EUCLIDEAN, 5) == pytest.approx(0.4)


@pytest.mark.slow
def test_cosine_transforms():
    """Heat between insulated walls by scipy.fft.dct: 1 − dt k² for k < 8, so dt <= 2/49."""
    k = np.arange(8.0)

    def step(u, dt):
        return scipy.fft.idct((1 - dt * k**2) * scipy.fft.dct(u, norm="ortho"), norm="ortho")

    def plane(u, dt):
        modes = scipy.fft.dctn(u) / (1 + dt * (k[:, None]**2 + k**2))
        return scipy.fft.idctn(modes)

    assert top_of(step, EUCLIDEAN, 8) == pytest.approx(2 / 49)
    assert step_bound(plane, EUCLIDEAN, shape=(8, 8)).proved == ((0, None),)
    for wrong in (lambda u: scipy.fft.idct(scipy.fft.dct(u), norm="ortho"),  # two norms
                  lambda u: scipy.fft.idct(scipy.fft.dct(u, type=1) / (1 + k), type=1),
                  lambda u: scipy.fft.idct(scipy.fft.dct(u)[::-1])):
        assert not step_bound(lambda u, dt, f=wrong: f(u) + 0 * dt, EUCLIDEAN, shape=8,
                              trials=20).proved


def test_damped_waves():
    """The telegraph equation: (1 + γt) u⁺ = 2u − (1 − γt) p + t² Δu; t <= 1, and t = 1 is kept.

    1 − δ > 0 for the product δ = (1 − γt)/(1 + γt), and 4 − 4t² >= 0 at θ = π (Jury).
    """
    def step(s, t):
        u, p = s
        wave = np.roll(u, 1) - 2 * u + np.roll(u, -1)
        return np.stack([(2 * u - (1 - t / 2) * p + t**2 * wave) / (1 + t / 2), u])

    assert top_of(step, POWER_BOUNDED, (2, 10)) == 1


@pytest.mark.slow
def test_two_phases_in_rock():
    """Buckley and Leverett upwind: f = s²/(s² + (1 − s)²) has the slope 2 at 1/2, so dt <= 1/2.

    Michaelis and Menten's decay: 1 − 2dt − dt >= 0 at u = 0.
    """
    def step(s, dt):
        f = s**2 / (s**2 + (1 - s)**2)
        return s - dt * (f - np.roll(f, 1))

    assert step_bound(step, stays_in(box(0, 1)), shape=8).proved == ((0, Fraction(1, 2)),)

    def decay(u, dt):
        return u + dt * (np.roll(u, 1) - 2 * u + np.roll(u, -1) - u / (1 + u))

    assert top_of(decay, POSITIVITY, 6) == pytest.approx(1 / 3)


@pytest.mark.slow
@pytest.mark.parametrize("edge", [
    lambda d: np.exp(-d * d), lambda d: np.exp(-d * d / 4), lambda d: np.exp(-(d * d) / 2),
    lambda d: 1 / (1 + d * d), lambda d: np.exp(d * -d)])
def test_squares_as_people_write_them(edge):
    """A diffusivity g(d) <= 1 keeps the range and the norm of two neighbours up to dt = 1/2."""
    def step(u, dt):
        a, b = np.roll(u, 1) - u, np.roll(u, -1) - u
        return u + dt * (edge(a) * a + edge(b) * b)

    assert top_of(step, RANGE, 6) == 0.5
    assert step_bound(step, EUCLIDEAN, shape=6).proved == ((0, Fraction(1, 2)),)
