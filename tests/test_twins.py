"""Every compiled twin computes what its array expression says."""

import numpy as np
import pytest

from stabkit import FSI, PERIODIC, Explicit, FixedPoint, difference, fluxes, repeat
from stabkit.schemes import twins

FLUXES = (fluxes.soft(), fluxes.rational(2), fluxes.perona_malik())
OPERATORS = (difference(1, 33), difference(1, 20, 1, PERIODIC), difference(2, 17, "1/2"))


def both(monkeypatch, scheme, u):
    """The step by its expression, and by its twin."""
    monkeypatch.setattr(twins, "WORTH_COMPILING", 10**12)
    expression = scheme(u)
    monkeypatch.setattr(twins, "WORTH_COMPILING", 0)
    return expression, scheme(u)


@pytest.mark.parametrize(("flux", "dtype"), [(flux, np.float64) for flux in FLUXES]
                         + [(FLUXES[1], np.float32)], ids=str)
def test_explicit_steps(monkeypatch, flux, dtype):
    """u − τ KᵀΦ(K u), seven times: a few units in the last place at most, for each operator."""
    for K in OPERATORS:
        u = (3 * np.random.default_rng(1).standard_normal((4, K.shape[1]))).astype(dtype)
        expression, twin = both(monkeypatch, repeat(Explicit(K, flux, "1/50"), 7), u)
        assert twin.dtype == dtype
        assert np.abs(twin - expression).max() <= 64 * np.finfo(dtype).eps * np.abs(u).max()


@pytest.mark.parametrize("flux", FLUXES[:2], ids=str)
def test_cycles_and_iterations(monkeypatch, flux):
    """FSI cycles, with fresh and with frozen diffusivities, and fixed point iterations."""
    K = OPERATORS[0]
    u = 3 * np.random.default_rng(2).standard_normal((3, K.shape[1]))
    for scheme in (FSI(K, flux, "1/4", 5), FSI(K, flux, "1/4", 4, frozen=True),
                   FixedPoint(K, flux, "1/4", 6)):
        expression, twin = both(monkeypatch, scheme, u)
        assert np.abs(twin - expression).max() <= 1e-13 * np.abs(u).max()


def test_the_input_is_left_alone(monkeypatch):
    """The twins work in place on a copy; a read-only, strided input is no hindrance."""
    u = np.random.default_rng(3).standard_normal((66, 2)).T[:, ::2]
    u.flags.writeable = False
    before = u.copy()
    expression, twin = both(monkeypatch, Explicit(OPERATORS[0], FLUXES[1], "1/4"), u)
    assert (u == before).all()
    assert np.abs(twin - expression).max() <= 1e-15 * 8
