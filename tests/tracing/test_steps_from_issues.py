"""More steps from public issues and notes, with the right value by hand or by LAPACK."""

from fractions import Fraction

import numpy as np
import pytest

from stabkit import (
    CONTRACTION,
    CYCLIC_VARIATION,
    EUCLIDEAN,
    MAX_NORM,
    POSITIVITY,
    POWER_BOUNDED,
    RANGE,
    box,
    decide,
    stays_in,
    step_bound,
)
from stabkit.errors import Undecided
from stabkit.stability.sharpness.exact_sets import exact_sets
from stabkit.stability.verdict import PROVED, REFUTED
from stabkit.tracing import trace


def top(step, notion, shape):
    """The largest step of what is proved from 0 on, replayed."""
    found = exact_sets(trace(step, shape), notion, None, "dt")
    found.check()
    ((low, high),) = found.proved
    assert low == 0
    return high


def matrix(step, shape, dt):
    """Of a linear step, column by column, in floats."""
    unit = np.eye(int(np.prod(shape)))
    return np.column_stack([step(e.reshape(shape), dt).ravel() for e in unit])


# -- diffusion -------------------------------------------------------------------------------------
def eight_neighbours(diffusivity):
    def step(u, dt):
        p, total = np.pad(u, 1, mode="edge"), 0
        for i in (-1, 0, 1):
            for j in (-1, 0, 1):
                if i or j:
                    d = p[1 + i:p.shape[0] - 1 + i, 1 + j:p.shape[1] - 1 + j] - u
                    total = total + diffusivity(d) * d / (i * i + j * j)
        return u + dt * total
    return step


@pytest.mark.slow
def test_perona_malik_with_eight_neighbours():
    """opencv/opencv 8362: four neighbours with 1, four with 1/2, so 1 − 6 dt >= 0; a padded edge is
    a difference of 0.  The norm is that of the linear step with g = 1, by LAPACK."""
    step = eight_neighbours(lambda d: 1 / (1 + (d / 0.1)**2))
    assert top(step, RANGE, (5, 5)) == Fraction(1, 6)
    K = np.eye(25) - matrix(eight_neighbours(np.ones_like), (5, 5), 1)
    assert float(top(step, EUCLIDEAN, (5, 5))) == pytest.approx(2 / np.linalg.eigvalsh(K).max())
    assert decide(step, RANGE, shape=(3, 3), dt="1/4", trials=200).status is REFUTED


@pytest.mark.slow
def test_a_cubic_diffuser():
    """landlab/landlab 496, q = S(1 + S²): no step keeps every range; in [0, 1] the largest step is
    1/4, as a cell of 1 between two of 0 loses 4 dt."""
    def step(z, dt):
        s = np.diff(z)
        q = s * (1 + s**2)
        v = z.copy()
        v[:-1] += dt * q
        v[1:] -= dt * q
        return v

    assert top(step, stays_in(box(0, 1)), 9) == Fraction(1, 4)
    u = np.array([0, 0, 1, 0, 0])
    assert step(u.astype(float), 0.26).min() < 0
    with pytest.raises(Undecided):
        top(step, RANGE, 9)


@pytest.mark.slow
def test_a_wall_with_convection():
    """NatLabRockies/EnergyPlus 2872, Bi = 1/2: the half cell needs 1 − 2 Fo (1 + Bi) >= 0 to stay
    positive; the largest modulus stays while |1 − 3 Fo| + 2 Fo <= 1."""
    def step(T, Fo):
        v = T.copy()
        v[1:-1] = T[1:-1] + Fo * (T[2:] - 2 * T[1:-1] + T[:-2])
        v[0] = T[0] + 2 * Fo * (T[1] - T[0] - 0.5 * T[0])
        v[-1] = T[-1] + 2 * Fo * (T[-2] - T[-1])
        return v

    assert top(step, POSITIVITY, 12) == Fraction(1, 3)
    assert top(step, MAX_NORM, 12) == Fraction(2, 5)


def test_projected_gradients_of_the_dual_of_total_variation():
    """TomographicImaging/CIL 1562 asks for the step 1/‖∇‖², or 1/26; clip(p + τ ∇ div p) contracts
    up to 2/‖∇‖², with ‖∇‖² = 8 cos²(π/(2n)) on n × n samples."""
    def step(p, tau):
        d = 0 * p[0]
        d[:-1] += p[0, :-1]
        d[1:] -= p[0, :-1]
        d[:, :-1] += p[1, :, :-1]
        d[:, 1:] -= p[1, :, :-1]
        g = np.zeros_like(p)
        g[0, :-1] = d[1:] - d[:-1]
        g[1, :, :-1] = d[:, 1:] - d[:, :-1]
        return np.clip(p + tau * g, -1, 1)

    assert float(top(step, CONTRACTION, (2, 3, 3))) == pytest.approx(
        2 / (8 * np.cos(np.pi / 6)**2))


# -- waves -----------------------------------------------------------------------------------------
@pytest.mark.slow
def test_leapfrog_for_the_heat_equation():
    """Claerbout, Basic Earth Imaging: z² + 8 r s z − 1 = 0 has a root beyond −1 for every r."""
    def step(s, r):
        u, p = s
        return np.stack([p + 2 * r * (np.roll(u, -1) - 2 * u + np.roll(u, 1)), u])

    assert step_bound(step, POWER_BOUNDED, shape=(2, 8)).refuted == ((0, None),)


@pytest.mark.slow
def test_shallow_water_on_the_staggered_grid():
    """Sun 2010: leapfrog up to Co = 1/2 and forward-backward up to 1, where roots are double."""
    def leapfrog(s, c):
        h, u, before, earlier = s
        return np.stack([before - 2 * c * (np.roll(u, -1) - u),
                         earlier - 2 * c * (h - np.roll(h, 1)), h, u])

    def forward_backward(s, c):
        h, u = s
        h = h - c * (np.roll(u, -1) - u)
        return np.stack([h, u - c * (h - np.roll(h, 1))])

    for step, shape, end in ((leapfrog, (4, 8), Fraction(1, 2)), (forward_backward, (2, 8), 1)):
        found = step_bound(step, POWER_BOUNDED, shape=shape)
        low, high = found.proved[0]
        assert low == 0 and end * Fraction(999, 1000) < high <= end == found.refuted[0][0]
        last = matrix(step, shape, float(end))
        grown = [np.linalg.norm(np.linalg.matrix_power(last, k)) for k in (100, 200)]
        assert grown[1] > 1.8 * grown[0]  # linearly


@pytest.mark.slow
def test_kuramoto_sivashinsky():
    """GollyGang/ready 85: the waves with 2 sin²(k/2) < 1/2 grow at every step."""
    def step(u, dt):
        def second(v):
            return np.roll(v, 1) - 2 * v + np.roll(v, -1)
        return u - dt * (second(u) + second(second(u)))

    assert step_bound(step, EUCLIDEAN, shape=16).refuted == ((0, None),)


# -- as people write it ----------------------------------------------------------------------------
def masked(u, c):
    a, b = u - np.roll(u, 1), np.roll(u, -1) - u
    s = np.where(np.abs(a) < np.abs(b), a, b)
    s[a * b <= 0] = 0
    face = u + s / 2
    return u - c * (face - np.roll(face, 1))


def divided(u, c):
    a, b = u - np.roll(u, 1), np.roll(u, -1) - u
    r = np.divide(a, b, out=np.zeros_like(u), where=b != 0)
    face = u + np.maximum(0, np.minimum(1, r)) * b / 2
    return u - c * (face - np.roll(face, 1))


@pytest.mark.slow
def test_limiters_by_masks_and_by_quotients():
    """Minmod's 2/3, also where np.divide leaves out the zeros and where a mask sets entries."""
    for step in (masked, divided):
        for notion in (RANGE, CYCLIC_VARIATION):
            assert top(step, notion, 6) == Fraction(2, 3)


@pytest.mark.slow
def test_a_mask_that_cuts_a_flux_and_one_that_caps():
    """d for |d| <= 1/2, else 0: 1 − 2 dt; capped at 0 and 1 after a step of diffusion: contraction
    up to 1/2.  A mask with a step of the wrong sign is no better."""
    def cut(sign):
        def step(u, dt):
            d = np.diff(u)
            p = d.copy()
            p[np.abs(d) > 0.5] = 0
            v = u.copy()
            v[:-1] += sign * dt * p
            v[1:] -= sign * dt * p
            return v
        return step

    def capped(u, dt):
        v = u + dt * (np.roll(u, 1) - 2 * u + np.roll(u, -1))
        v[v < 0] = 0
        v[v > 1] = 1
        return v

    assert top(cut(1), RANGE, 6) == top(capped, CONTRACTION, 6) == Fraction(1, 2)
    with pytest.raises(Undecided):
        top(cut(-1), RANGE, 6)
    assert decide(cut(1), RANGE, shape=6, dt="1/2").status is PROVED
    assert decide(cut(-1), RANGE, shape=6, dt="1/2", trials=200).status is REFUTED


def test_what_a_mask_cannot_set_is_told():
    """Entries that are picked by a mask are as many as the data say."""
    def step(u, dt):
        v = u.copy()
        v[u > 0] = u[u > 0] / 2
        return v

    with pytest.raises(Undecided, match=r"use np\.where"):
        trace(step, 6)
