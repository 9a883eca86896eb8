"""A step function that is written with fluxes and operators of the package."""

import pytest

from stabkit import EUCLIDEAN, decide, difference, fluxes

FLUXES = [fluxes.soft(1), fluxes.relu(), fluxes.tanh(), fluxes.charbonnier(1), fluxes.identity()]


@pytest.mark.slow
@pytest.mark.parametrize("flux", FLUXES, ids=repr)
def test_steps_beyond_the_bound_are_refuted(flux):
    """u − 5Φ(u)/2 = −3u/2 near 0, as Φ(s) is s there, on one side at least."""
    assert decide(lambda u: u - flux(u) * 2.5, EUCLIDEAN, shape=3).status == "refuted"


@pytest.mark.slow
@pytest.mark.parametrize("flux", FLUXES, ids=repr)
def test_stable_steps_are_not_refused(flux):
    """‖K‖² < 4, so 2/5 is below the bound 2/‖K‖²."""
    K = difference(1, 3)
    found = decide(lambda u: u - 0.4 * (K.T @ flux(K @ u)), EUCLIDEAN, shape=3)
    assert found.status == "proved"
