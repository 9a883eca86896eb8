"""Slopes by pieces of the range, which decide for many samples at once, and of any size."""

from fractions import Fraction

import numpy as np
import pytest

from stabkit import Explicit, difference, fluxes
from stabkit.arithmetic.float_intervals import FloatIntervals
from stabkit.spectra import stable, stable_at, step_is_stable

PM = fluxes.perona_malik()


@pytest.mark.parametrize("flux", [PM, fluxes.charbonnier(), fluxes.soft(), fluxes.weickert()],
                         ids=str)
def test_rough_slopes_hold_the_finer_ones(flux):
    """Slopes by pieces of the range hold those of every sample, and know their sign as well."""
    s = np.random.default_rng(1).uniform(-3, 3, 2000)
    around = FloatIntervals(s - 1e-15, s + 1e-15)
    low, high = stable._slopes(flux, around)
    below, above = stable._rough_slopes(flux, around)
    assert (below <= low).all() and (high <= above).all()
    assert ((below < 0) & (above >= 0) == (low < 0) & (high >= 0)).all()


def test_one_steep_edge_among_many_samples():
    """10⁵ samples with differences below 1, where the slope is positive; then one edge of 3."""
    n = 100_000
    u = np.random.default_rng(2).random(n)
    scheme = Explicit(difference(1, n), PM, "1/4")
    assert stable_at(scheme, u) is True
    u[n // 2:] += 3
    assert stable_at(scheme, u) is False


def test_slopes_of_any_size_are_decided():
    """‖KᵀK‖ is just below 4, so slopes d are stable for 4 τ d <= 2, however small."""
    for size in (5e-324, 1e-200, 1.0, 1e200, 1e308):
        for times in ("1", "1.99", "2", "2.5"):
            tau = Fraction(times) / (4 * Fraction(size))
            assert step_is_stable([size] * 30, tau) is (times != "2.5")
