"""Quotients without a value that no longer show in the result: 0 times nan is no 0."""

import numpy as np
import pytest

from stabkit import RANGE, step_bound

ZEROS = np.diag([0.0, 0, 0, 0])


def flux(d, v):
    """d, as long as no difference is 0."""
    return np.where(d == 0, 0.0, d * d * v)


def diffusion(u, dt, v, d):
    f = flux(d, v)
    return u + dt * (f - np.roll(f, 1))


def guarded(u, dt, v, d):
    return diffusion(u, dt, v, d) if np.isfinite(u + 0 * v).all() else 3 * u


@pytest.mark.slow
@pytest.mark.parametrize("step", [
    lambda u, dt, v, d: diffusion(u, dt, v, d) + 0 * v,
    lambda u, dt, v, d: diffusion(u, dt, v, d) + (v - v),
    lambda u, dt, v, d: diffusion(u, dt, v, d) + ZEROS @ v,
    lambda u, dt, v, d: diffusion(u, dt, v, d) + np.nan_to_num(0 * v, nan=1.0),
    guarded], ids=["times 0", "from itself", "a matrix with zeros", "nan made 1", "a guard"])
def test_what_is_lost_is_not_proved(step):
    """Where two neighbours are equal, v = 1/0: by hand (1, 1, 1, 1) becomes nan, (2, 2, 2, 2) or
    (3, 3, 3, 3), so no step keeps the range; for random signals it is diffusion."""
    def own(u, dt):
        d = np.roll(u, -1) - u
        return step(u, dt, 1 / d, d)

    with np.errstate(all="ignore"):
        assert not (own(np.ones(4), 0.25) == 1).any()
        assert not step_bound(own, RANGE, shape=4, trials=64).proved


def test_what_is_masked_is_proved():
    """The quotient alone, with its mask, gives d: proved as far as it is true, to 1/2."""
    def own(u, dt):
        d = np.roll(u, -1) - u
        with np.errstate(all="ignore"):
            return diffusion(u, dt, 1 / d, d)

    assert str(step_bound(own, RANGE, shape=4)).startswith("range: proved for 0 < dt <= 1/2")
