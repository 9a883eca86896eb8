"""Steps by Fourier transforms: |g| <= 1 for every mode, against closed formulas."""

import numpy as np
import pytest

from stabkit import EUCLIDEAN, POWER_BOUNDED, RANGE, decide, senses, step_bound
from stabkit.errors import TracingStopped
from stabkit.stability.verdict import PROVED, REFUTED
from stabkit.tracing.spectral import factors_of

N = 16
K = np.fft.fftfreq(N, 1 / N)  # -8 ... 7
K2 = (K**2)[:, None] + K[None]**2


def heat(u, dt):
    return np.fft.ifft(np.fft.fft(u) * (1 - dt * K**2)).real


def by_half(u, dt):
    return np.fft.irfft(np.fft.rfft(u) * (1 - dt * np.arange(N // 2 + 1)**2), N)


def advection(u, dt):
    def rate(v):
        return -np.real(np.fft.ifft(1j * K * np.fft.fft(v)))
    k1 = rate(u)
    k2 = rate(u + dt / 2 * k1)
    k3 = rate(u + dt / 2 * k2)
    k4 = rate(u + dt * k3)
    return u + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def swift_hohenberg(u, dt):
    return np.real(np.fft.ifft2(np.fft.fft2(u) / (1 + dt * ((1 - K2)**2 + 0.1))))


def dealiased(u, dt):
    hat = np.fft.fft(u)
    hat[np.abs(K) > N / 3] = 0
    return np.fft.ifft(hat * (1 - dt * K**2)).real


@pytest.mark.parametrize("step, top", [
    (heat, 2 / 64), (by_half, 2 / 64), (advection, 8**0.5 / 7), (dealiased, 2 / 25)])
@pytest.mark.parametrize("notion", [EUCLIDEAN, POWER_BOUNDED], ids=str)
def test_explicit_steps(step, top, notion):
    """1 − dt k² >= −1 at k = 8 (5 where two thirds are kept); √8/7 for Runge-Kutta, as a real
    derivative has no mode 8."""
    found = step_bound(step, notion, shape=N, trials=1)
    found.check()
    low, high = found.proved[0][1], found.refuted[0][0]
    assert top * (1 - 1e-6) < low <= top * (1 + 1e-12) and top < high < top * 1.001


@pytest.mark.slow
def test_an_implicit_step_and_single_steps():
    """1/(1 + dt s) <= 1 for s >= 0, at every dt; with an exponential of dt at single steps."""
    assert step_bound(swift_hohenberg, EUCLIDEAN, shape=(N, N)).proved == ((0, None),)
    assert decide(heat, EUCLIDEAN, shape=N, dt="1/32").status is PROVED
    assert decide(heat, EUCLIDEAN, shape=N, dt="1/31").status is REFUTED
    etd = lambda u, dt: np.fft.ifft(np.exp(-K**2 * dt) * np.fft.fft(u)).real  # noqa: E731
    assert decide(etd, EUCLIDEAN, shape=N, dt="1/4").status is PROVED
    assert "proved" in str(senses(heat, shape=N, dt="1/40"))


@pytest.mark.parametrize("step", [
    lambda u, dt: np.fft.ifft(np.fft.fft(u**3)).real,
    lambda u, dt: np.fft.ifft(np.roll(np.fft.fft(u), 1)).real,
    lambda u, dt: np.fft.ifft(np.fft.fft(u)**2).real,
    lambda u, dt: np.fft.ifft(np.fft.fft(u) + 1).real,
    lambda u, dt: np.fft.ifft(np.fft.fft(u)),
    lambda u, dt: np.fft.ifft(np.fft.fft(u).real).real,
    lambda u, dt: np.fft.ifft(np.fft.fft(u)).real * np.arange(N),
])
def test_what_is_not_diagonal_is_never_taken_for_it(step):
    """Products, modes that move, sources, complex results: told, and not proved."""
    with pytest.raises(TracingStopped):
        factors_of(step, N)


@pytest.mark.slow
def test_random_signals_at_the_end():
    """No norm grows at the proved end; and RANGE is not claimed."""
    rng = np.random.default_rng(0)
    for step in (heat, advection, dealiased):
        top = float(step_bound(step, EUCLIDEAN, shape=N).certified)
        for _ in range(50):
            u = rng.standard_normal(N)
            assert np.linalg.norm(step(u, top)) <= np.linalg.norm(u) * (1 + 1e-12)
    assert not step_bound(heat, RANGE, shape=N, trials=1).proved
