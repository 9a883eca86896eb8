"""The implicit diffusion step in every array library.

Equal bits: the gradient KᵀΦ(K v) and the diffusivities.  Close: the step itself, which ends in
sums and in another preconditioner; it solves the same equation to the same tolerance.
"""

import numpy as np
import pytest
from array_libraries import agree

from stabkit import fluxes
from stabkit.errors import HypothesisNotMet, InvalidArgument
from stabkit.multigrid.cycle import Cycle
from stabkit.multigrid.diffusion_system import apply_diffusion_matrix as applied
from stabkit.multigrid.diffusion_system import (
    diffusion_gradient,
    diffusion_matrix,
    diffusivities,
)
from stabkit.multigrid.implicit_diffusion import implicit_diffusion
from stabkit.multigrid.smoother import Jacobi, gauss_seidel

SHAPES = [(1,), (2,), (9,), (10,), (1, 4), (7, 5), (12, 12)]
RATIONAL = fluxes.rational("3/2")


def signals(*shape):
    return np.random.default_rng(6).standard_normal(shape)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_gradients_and_diffusivities(xp, shape):
    for u in (signals(*shape), signals(*shape)[::-1].T, signals(*shape).astype(np.float32)):
        agree(xp.host(diffusion_gradient(xp.array(u), RATIONAL)), diffusion_gradient(u, RATIONAL),
              exactly=True)
        for mine, host in zip(diffusivities(xp.array(u), RATIONAL), diffusivities(u, RATIONAL),
                              strict=True):
            agree(xp.host(mine), host, exactly=True)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_product_without_a_matrix_is_that_of_the_matrix(xp, shape):
    """(I + τ Kᵀ G K) v by differences, against the sparse matrix of the host."""
    v, w = signals(2, *shape)
    faces = diffusivities(w, RATIONAL, 0.5)
    mine = applied([xp.array(g) for g in faces], 0.3, 0.5, xp.array(v))
    expected = (diffusion_matrix(faces, 0.3, 0.5) @ v.ravel()).reshape(shape)
    agree(xp.host(mine), expected, exactly=False)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.int64, np.float32, np.float64], ids=lambda t: t.__name__)
@pytest.mark.parametrize("shape", [
    pytest.param(shape, marks=pytest.mark.slow) if shape == (12, 12) else shape for shape in SHAPES
], ids=str)
def test_steps(xp, shape, dtype):
    """The equation holds, and a convex one (the identity as flux) has one solution."""
    u = (4 * signals(*shape)).astype(dtype)
    for flux in (RATIONAL, fluxes.identity()):
        done = implicit_diffusion(xp.array(u), flux, "3/2", tolerance=1e-11)
        v = xp.host(done.u)
        assert done.converged
        residual = u - v - 1.5 * diffusion_gradient(v, flux)
        assert np.linalg.norm(residual) <= 2e-11 * np.linalg.norm(u)
    host = implicit_diffusion(u, fluxes.identity(), "3/2", tolerance=1e-11).u
    assert np.abs(v - host).max() <= 1e-9 * np.abs(u).max()


@pytest.mark.slow
def test_a_hierarchy_of_several_levels(xp):
    """More unknowns than the coarsest grid may have, and few cycles for each solve."""
    done = implicit_diffusion(xp.array(signals(40, 33)), RATIONAL, 4, cycle=Cycle(Jacobi()))
    assert done.converged and max(len(part) for part in done.inner) < 12


def test_bad_input(xp):
    for bad in (np.nan, np.inf, -np.inf):
        u = signals(6)
        u[1] = bad
        with pytest.raises(InvalidArgument, match="u: has entries that are not finite"):
            implicit_diffusion(xp.array(u), RATIONAL, 1)
    with pytest.raises(InvalidArgument, match="at least one sample"):
        implicit_diffusion(xp.array(np.zeros((0, 3))), RATIONAL, 1)
    with pytest.raises(HypothesisNotMet, match="negative or not finite"):
        implicit_diffusion(xp.array(signals(6)), fluxes.scaled_identity("-1/3"), 1)


def test_gauss_seidel_as_smoother_is_refused_off_the_host(xp):
    if xp.module is np:
        pytest.skip("on the host it is the default")
    with pytest.raises(InvalidArgument, match="stays on the host; take Jacobi"):
        implicit_diffusion(xp.array(signals(200)), RATIONAL, 1, cycle=Cycle(gauss_seidel()))
