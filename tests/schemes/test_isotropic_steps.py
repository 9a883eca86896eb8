"""Explicit steps whose diffusivity sees the whole gradient, in compiled loops."""

import numpy as np
import pytest

from stabkit import fluxes, grid_gradient
from stabkit.operators import tangential_differences
from stabkit.schemes import IsotropicExplicit, twins

FLUX = fluxes.rational("3/2")


def step_by_pixels(u, tau, h):
    """u + τ div(g(|∇u|²) ∇u), edge after edge: pixels, neighbours, central differences by hand."""
    def slope(p, axis):
        before, after = list(p), list(p)
        before[axis] = max(p[axis] - 1, 0)
        after[axis] = min(p[axis] + 1, u.shape[axis] - 1)
        return (u[tuple(after)] - u[tuple(before)]) / (2 * h[axis])

    v = u.copy()
    for p in np.ndindex(u.shape):
        for axis in range(u.ndim):
            q = tuple(p[k] + (k == axis) for k in range(u.ndim))
            if q[axis] < u.shape[axis]:
                s = (u[q] - u[p]) / h[axis]
                across = [(slope(p, k) + slope(q, k)) / 2 for k in range(u.ndim) if k != axis]
                flow = s / (1 + (s * s + sum(t * t for t in across)) / 2.25) / h[axis]
                v[p] += tau * flow
                v[q] -= tau * flow
    return v


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "h"), [((4, 5), (1, 0.5)), ((3, 2, 4), (1, 2, 1)),
                                          ((2, 2), (1, 1)), ((5,), (1,)), ((1, 5), (1, 2)),
                                          ((3, 600), (1, 1)), ((3, 20, 31), (1, 0.5, 1))])
@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_pixel_by_pixel(monkeypatch, shape, h, compiled):
    """Two steps of a batch, in array expressions and in loops, against a walk over pixels.

    On a line, with slabs of one row alone, and of more edges than are taken at once.
    """
    monkeypatch.setattr(twins, "WORTH_COMPILING", 0 if compiled else 10**9)
    u = np.random.default_rng(1).standard_normal((2, *shape))
    u[0] = 1  # constant: every edge asks for g(0)
    K, across = grid_gradient(shape, h), tangential_differences(shape, h)
    scheme = IsotropicExplicit(K, FLUX, "1/20", across)
    found = scheme.advance(u.reshape(2, -1), 2)
    for mine, image in zip(found, u, strict=True):
        reference = step_by_pixels(step_by_pixels(image, 0.05, h), 0.05, h)
        assert mine == pytest.approx(reference.ravel(), abs=1e-14)


@pytest.mark.slow
def test_other_operators_are_not_taken_for_the_grid():
    """Scaled, turned or missing tangential differences keep the array expression."""
    K, (B,) = grid_gradient((3, 4)), tangential_differences((3, 4))
    assert IsotropicExplicit(K, FLUX, 1, (B,))._is_on_grid
    for across in ((2 * B,), (), (B, B), (K,)):
        assert not IsotropicExplicit(K, FLUX, 1, across)._is_on_grid
    assert not IsotropicExplicit(grid_gradient((4, 3)), FLUX, 1, (B,))._is_on_grid
    assert not IsotropicExplicit(2 * K, FLUX, 1, (B,))._is_on_grid
