"""Fluxes with thresholds that people type into their steps: exact bounds, piece by piece.

For u + dt B'φ(B u) with 0 <= φ(s)/s <= g the range is kept up to dt = 1/(2 d g) on a grid of d
dimensions, the norm up to 2/(g ‖B‖²), and two signals do not part up to 2/(L ‖B‖²), for slopes in
[0, L].  On the periodic grids here ‖B‖² = 4 d, so these are 1/(2 d g) and 1/(2 d L).
"""

from fractions import Fraction

import numpy as np
import pytest

from stabkit import (
    CONTRACTION,
    CYCLIC_VARIATION,
    EUCLIDEAN,
    MAX_NORM,
    RANGE,
    VARIATION,
    decide,
    fluxes,
    step_bound,
)
from stabkit.errors import Undecided
from stabkit.stability.sharpness.exact_sets import exact_sets
from stabkit.stability.verdict import PROVED, REFUTED
from stabkit.tracing import trace

T = 0.5
# a flux, g, and L where its slopes are >= 0
FLUXES = {
    "soft": (lambda d: np.where(np.abs(d) <= T, 0, d - T * np.sign(d)), 1, 1),
    "soft by maximum": (lambda d: np.sign(d) * np.maximum(np.abs(d) - T, 0), 1, 1),
    "soft by clip": (lambda d: d - np.clip(d, -T, T), 1, 1),
    "soft in two halves": (lambda d: np.maximum(d - T, 0) + np.minimum(d + T, 0), 1, 1),
    "hard": (lambda d: np.where(np.abs(d) > T, d, 0), 1, None),
    "garrote": (lambda d: np.where(
        np.abs(d) > T, d - T**2 / np.where(np.abs(d) > T, d, 1), 0), 1, 2),
    "its diffusivity": (lambda d: np.where(np.abs(d) <= T, d, T**2 / d), 1, None),
    "tukey": (lambda d: d * (np.abs(d) <= T) * (1 - (d / T)**2)**2, 1, None),
    "huber": (lambda d: np.where(np.abs(d) <= T, d, T * np.sign(d)), 1, 1),
    "huber by minimum": (lambda d: d * np.minimum(1, T / np.maximum(np.abs(d), 1e-12)), 1, 1),
    "truncated": (lambda d: np.minimum(np.maximum(d / T, -1), 1), 2, 2),
}


def line(flux):
    def step(u, dt):
        v, p = u.copy(), flux(np.diff(u))
        v[:-1] += dt * p
        v[1:] -= dt * p
        return v
    return step


def torus(flux):
    def step(u, dt):
        return u + dt * sum(flux(np.roll(u, shift, axis) - u)
                            for axis in range(u.ndim) for shift in (1, -1))
    return step


def proved(step, notion, shape):
    """What is proved from 0 on, replayed; None without a proof."""
    try:
        found = exact_sets(trace(step, shape), notion, None, "dt")
    except Undecided:
        return None
    found.check()
    ((low, high),) = found.proved
    assert low == 0
    return high


@pytest.mark.slow
@pytest.mark.parametrize("name", FLUXES)
def test_each_notion_has_its_bound(name):
    """1/(2 d g) and 1/(2 d L), also where each difference is written twice with opposite signs."""
    flux, g, slope = FLUXES[name]
    for d, shape in ((1, 6), (2, (4, 4))):
        for notion in (RANGE, MAX_NORM, EUCLIDEAN):
            assert proved(torus(flux), notion, shape) == Fraction(1, 2 * d * g)
        assert proved(torus(flux), CONTRACTION, shape) == (
            None if slope is None else Fraction(1, 2 * d * slope))
    assert proved(torus(flux), CYCLIC_VARIATION, 6) == Fraction(1, 2 * g)
    assert proved(line(flux), VARIATION, 6) == Fraction(1, 2 * g)
    norm = 4 * np.cos(np.pi / 12)**2  # of the differences of 6 samples, squared
    assert float(proved(line(flux), EUCLIDEAN, 6)) == pytest.approx(2 / norm / g, rel=1e-6)


WRONG = {  # a flux, and what is proved at most: of RANGE, EUCLIDEAN and CONTRACTION
    "too large a threshold": (lambda d: np.where(np.abs(d) <= 2 * T, 0, d + T * np.sign(d)),
                              ("1/3", "1/3", None)),
    "flipped": (lambda d: np.where(np.abs(d) <= T, 0, T * np.sign(d) - d), (None, None, None)),
    "flipped in between": (lambda d: np.where(np.abs(d) <= T, -d, d), (None, None, None)),
    "not at 0": (lambda d: np.where(d == 0, 1, d), (None, None, None)),
    "at the threshold": (lambda d: np.where(np.abs(d) == T, 3 * d, d), ("1/6", "1/6", None)),
    "at a point": (lambda d: np.where(d == 0.25, 2, d), ("1/16", None, None)),
    "at a point, down": (lambda d: np.where(d == 0.25, -2, d), (None, None, None)),
    "a jump upwards": (lambda d: d + np.sign(d), (None, None, None)),
    "a constant": (lambda d: np.where(d > T, d, T), (None, None, None)),
    "steep": (lambda d: 3 * np.clip(d, -T, T), ("1/6", "1/6", "1/6")),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", WRONG)
def test_wrong_ones_are_not_proved_beyond_what_holds(name):
    """Where a single value is another one, it counts."""
    flux, expected = WRONG[name]
    for notion, top in zip((RANGE, EUCLIDEAN, CONTRACTION), expected, strict=True):
        assert proved(torus(flux), notion, 6) == (None if top is None else Fraction(top))


@pytest.mark.slow
def test_a_step_beyond_is_refuted():
    """The garrote's range at 3/5: far differences have g close to 1."""
    for name in ("garrote", "soft by clip"):
        step = line(FLUXES[name][0])
        assert decide(step, RANGE, shape=5, dt="1/2").status is PROVED
        assert decide(step, RANGE, shape=5, dt="3/5", trials=300).status is REFUTED
    found = step_bound(line(FLUXES["huber"][0]), RANGE, shape=5, trials=50)
    assert found.certified == Fraction(1, 2) < found.refuted[0][0] < Fraction(52, 100)


@pytest.mark.slow
def test_random_signals_at_the_ends():
    """No signal breaks what is proved, with differences around the threshold and far from it."""
    rng = np.random.default_rng(5)
    for flux, g, slope in FLUXES.values():
        step, dt = torus(flux), 1 / (2 * g)
        for _ in range(100):
            u, w = rng.standard_normal((2, 6)) * 10.0**rng.integers(-2, 2)
            v = step(u, dt)
            assert u.min() - 1e-12 <= v.min() and v.max() <= u.max() + 1e-12
            assert np.linalg.norm(v) <= np.linalg.norm(u) + 1e-12
            if slope is not None:
                apart = step(u, 1 / (2 * slope)) - step(w, 1 / (2 * slope))
                assert np.linalg.norm(apart) <= np.linalg.norm(u - w) + 1e-12


@pytest.mark.parametrize("flux, g", [
    (fluxes.perona_malik("1/10"), 1), (fluxes.rational("1/10"), 1),
    (fluxes.charbonnier("3/10"), 1), (fluxes.soft("1/10"), 1), (fluxes.garrote("1/10"), 1),
    (fluxes.hard("1/10"), 1), (fluxes.tukey("1/10"), Fraction(1, 2))], ids=str)
@pytest.mark.slow
def test_a_flux_of_the_dictionary_in_a_users_function(flux, g):
    """Φ(s) = g(s) s with 0 <= g <= sup g: means up to 1/(2 sup g), also of its activation."""
    for apply in (flux, flux.activation):
        assert proved(torus(apply), RANGE, 6) == 1 / Fraction(2 * g)
        assert proved(torus(apply), EUCLIDEAN, 6) == 1 / Fraction(2 * g)
    assert decide(line(flux), RANGE, shape=5, dt="1/2").status is PROVED
    assert decide(line(lambda d: -flux(d)), RANGE, shape=5, dt="1/2", trials=50).status is REFUTED
