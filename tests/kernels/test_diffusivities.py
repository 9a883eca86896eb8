"""The fractions of `stabkit.kernels.diffusivities` beside the fluxes that define them."""

import numpy as np
import pytest
from plain_loops import CODE, SHAPE

from stabkit.kernels.diffusivities import diffusivity
from stabkit.kernels.fluxes import phi

pytestmark = pytest.mark.slow  # each is compiled


def both(name, s):
    """g by the fraction, and Φ(s)/s."""
    g, f = np.empty_like(s), np.empty_like(s)
    diffusivity[CODE[name]](s, g, SHAPE)
    phi[CODE[name]](s, f, SHAPE)
    return g, f / s


@pytest.mark.parametrize("name", CODE)
def test_the_fraction_is_the_flux_over_its_argument(name):
    """To a few roundings, on both sides of every threshold, and down to where s² is 0."""
    s = np.concatenate([np.random.default_rng(1).standard_normal(500) * 3, [1e-200, 1.25, -1.25,
                        2.5, -2.5, 1e8, -1e8, np.nextafter(1.25, 2), np.nextafter(2.5, 3)]])
    g, expected = both(name, s)
    assert np.abs(g - expected).max() < 8 * 2.0**-53 * np.abs(expected).max()
    narrow = s[s != 1e-200].astype(np.float32)
    g, expected = both(name, narrow)
    assert g.dtype == np.float32
    assert np.abs(g - expected).max() < 8 * 2.0**-24 * np.abs(expected).max()


@pytest.mark.parametrize("name", CODE)
def test_at_zero_it_is_the_limit(name):
    """g(0) = lim Φ(s)/s for s ↓ 0, at either zero."""
    g, _ = both(name, np.array([0.0, -0.0]))
    _, limit = both(name, np.array([2.0**-60]))
    assert g[0] == g[1] == limit[0]
