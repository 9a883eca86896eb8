"""The implicit diffusion step by multigrid, against the 1-D solver and sparse direct solves."""

import importlib
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg

from stabkit import Implicit, Regularisation, difference, fluxes
from stabkit.errors import HypothesisNotMet, InvalidArgument
from stabkit.multigrid import (
    Cycle,
    Jacobi,
    Multigrid,
    diffusion_gradient,
    diffusion_hierarchy,
    diffusion_matrix,
    diffusivities,
    gauss_seidel,
    implicit_diffusion,
)

SHAPES = [(200,), (257,), (16, 16), (17, 33), (30, 21), (100, 1), (3, 50)]
MONOTONE = [fluxes.identity(), fluxes.charbonnier("1/2"), fluxes.soft("1/2")]


def steps(shape, seed=0):
    """A staircase along each axis with noise."""
    ramp = sum(np.indices(shape)[k] * 4 // n for k, n in enumerate(shape))
    return ramp + 0.2 * np.random.default_rng(seed).standard_normal(shape)


def forward_differences(shape, h=1.0):
    """K from one-dimensional ones by Kronecker products, one block of rows per axis."""
    def one(n):
        ones = np.ones(max(n - 1, 0))
        return scipy.sparse.diags_array([-ones, ones], offsets=[0, 1], shape=(n - 1, n)) / h

    if len(shape) == 1:
        return one(*shape).tocsr()
    rows, columns = shape
    blocks = [scipy.sparse.kron(one(rows), scipy.sparse.eye_array(columns)),
              scipy.sparse.kron(scipy.sparse.eye_array(rows), one(columns))]
    return scipy.sparse.vstack([block for block in blocks if block.shape[0]]).tocsr()


def energy(v, u, flux, tau, h=1.0):
    return np.sum((v - u) ** 2) + float(tau) * np.sum(
        flux.regulariser(forward_differences(u.shape, h) @ v.ravel()))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("h", [1.0, 0.5])
def test_the_matrix_is_that_of_the_differences(shape, h):
    K, u, flux = forward_differences(shape, h), steps(shape), fluxes.perona_malik("1/2")
    s = K @ u.ravel()
    expected = (scipy.sparse.eye_array(u.size)
                + 3 * K.T @ scipy.sparse.diags_array(flux.diffusivity(s)) @ K)
    A = diffusion_matrix(diffusivities(u, flux, h), 3.0, h)
    assert abs(A - expected).max() <= 1e-12
    gradient = (K.T @ flux.activation(s)).reshape(shape)
    assert abs(diffusion_gradient(u, flux, h) - gradient).max() <= 1e-12


@pytest.mark.parametrize("flux, tau, h", [
    (fluxes.identity(), 50, 1), (fluxes.charbonnier("1/2"), 5, 1), (fluxes.soft("1/2"), 2, "1/2"),
    (fluxes.perona_malik("1/2"), "1/2", 1), (fluxes.rational("1/2"), 1, 1)], ids=repr)
@pytest.mark.parametrize("n", [5, 64, 131])
def test_it_is_the_implicit_step_of_a_signal(flux, tau, h, n):
    u = steps((n,))
    step = implicit_diffusion(u, flux, tau, h, tolerance=1e-12)
    assert step.converged
    assert abs(step.u - Implicit(difference(1, n, h), flux, tau)(u)).max() <= 1e-9


@pytest.mark.parametrize("shape", [(16, 16), (17, 33), (65, 65), (30, 50)])
def test_a_linear_step_of_an_image_is_one_direct_solve(shape):
    u, K = steps(shape), forward_differences(shape)
    matrix = (scipy.sparse.eye_array(u.size) + 20 * K.T @ K).tocsc()
    expected = scipy.sparse.linalg.spsolve(matrix, u.ravel()).reshape(shape)
    step = implicit_diffusion(u, fluxes.identity(), 20, tolerance=1e-12)
    assert step.converged and step.hierarchies == 1
    assert abs(step.u - expected).max() <= 1e-10


@pytest.mark.slow
@pytest.mark.parametrize("flux", MONOTONE, ids=repr)
def test_a_step_of_an_image_is_lagged_diffusivity_with_direct_solves(flux):
    shape, tau = (24, 31), 2
    u, K = steps(shape), forward_differences(shape)
    v = u.ravel()
    for _ in range(200):
        G = scipy.sparse.diags_array(flux.diffusivity(K @ v))
        matrix = (scipy.sparse.eye_array(u.size) + tau * K.T @ G @ K).tocsc()
        v = scipy.sparse.linalg.spsolve(matrix, u.ravel())
    step = implicit_diffusion(u, flux, tau, tolerance=1e-12)
    assert step.converged
    assert abs(step.u.ravel() - v).max() <= 1e-9


@pytest.mark.parametrize("flux", [*MONOTONE, fluxes.perona_malik("3/2")], ids=repr)
@pytest.mark.parametrize("shape", [(150,), (40, 27)])
def test_what_a_step_keeps(flux, shape):
    u = steps(shape)
    step = implicit_diffusion(u, flux, 2, tolerance=1e-11)
    K = forward_differences(shape)
    v = step.u.ravel()
    residual = u.ravel() - v - 2 * K.T @ flux.activation(K @ v)
    assert step.converged and np.linalg.norm(residual) <= 2e-11 * np.linalg.norm(u)
    assert step.residuals[-1] <= 1e-11 * np.linalg.norm(u)
    assert u.min() <= v.min() and v.max() <= u.max()
    assert abs(v.mean() - u.mean()) <= 1e-10
    assert energy(step.u, u, flux, 2) < energy(u, u, flux, 2)
    assert len(step.inner) == len(step.residuals) - 1 and step.cycles >= len(step.inner)


@pytest.mark.slow
@pytest.mark.parametrize("flux", [fluxes.charbonnier("1/2"), fluxes.perona_malik("1/4")], ids=repr)
def test_the_energy_falls_with_every_solve_however_rough(flux):
    u = steps((33, 20))
    energies = [energy(u, u, flux, 10)] + [
        energy(implicit_diffusion(u, flux, 10, max_solves=k, reduction=0.5).u, u, flux, 10)
        for k in range(1, 12)]
    assert (np.diff(energies) < 0).all()


@pytest.mark.parametrize("shape", [(1,), (2,), (70,), (1, 1), (20, 30)])
def test_constants_and_the_step_zero_stay(shape):
    u = np.full(shape, 3.7)
    step = implicit_diffusion(u, fluxes.perona_malik(), 7)
    assert (step.u == u).all() and step.converged and step.inner == ()
    u = steps(shape)
    assert (implicit_diffusion(u, fluxes.perona_malik(), 0).u == u).all()
    assert implicit_diffusion(np.zeros(shape), fluxes.perona_malik(), 1).converged


def test_the_input_stays_and_the_callback_hears_every_solve():
    u, heard = steps((20, 20)), []
    kept = u.copy()
    step = implicit_diffusion(u, fluxes.charbonnier(), 4,
                              callback=lambda *news: heard.append(news))
    assert (u == kept).all()
    assert [number for number, _ in heard] == list(range(1, len(step.inner) + 1))
    assert [size * np.linalg.norm(u) for _, size in heard] == pytest.approx(step.residuals[1:])
    for inner in step.inner:
        assert inner[-1] <= 1.001e-2 * inner[0]


def test_too_few_solves_are_reported():
    step = implicit_diffusion(steps((20, 20)), fluxes.perona_malik("1/4"), 10, max_solves=2)
    assert not step.converged and len(step.inner) == 2


@pytest.mark.slow
def test_any_symmetric_cycle_gives_the_same():
    u, flux = steps((40, 40)), fluxes.charbonnier()
    ours = implicit_diffusion(u, flux, 10, tolerance=1e-12).u
    other = implicit_diffusion(u, flux, 10, tolerance=1e-12, cycle=Cycle(Jacobi(), pre=2, post=2))
    assert abs(ours - other.u).max() <= 1e-9


@pytest.mark.parametrize("shape", SHAPES)
def test_the_hierarchy_of_any_size_converges(shape):
    u = steps(shape)
    A = diffusion_matrix(diffusivities(u, fluxes.charbonnier()), 100.0)
    hierarchy = diffusion_hierarchy(A, shape)
    for level in hierarchy.levels[:-1]:
        assert abs(level.P @ np.ones(level.P.shape[1]) - 1).max() == 0
    assert hierarchy.levels[-1].unknowns <= 64
    solution = Multigrid(hierarchy, Cycle(gauss_seidel())).solve(u, max_cycles=40)
    assert solution.converged
    assert np.linalg.norm(A @ solution.u.ravel() - u.ravel()) <= 1e-9 * np.linalg.norm(u)


@pytest.mark.parametrize("change", [
    dict(u=np.zeros((2, 2, 2))), dict(u=[]), dict(u=3.0), dict(u=[1.0, np.nan]), dict(u=["a"]),
    dict(flux=np.tanh), dict(tau=-1), dict(tau="x"), dict(tau=float("nan")), dict(h=0),
    dict(h=-1), dict(tolerance=-1.0), dict(tolerance=float("nan")), dict(max_solves=0),
    dict(reduction=0.0), dict(reduction=1.0)], ids=str)
def test_bad_arguments_are_named(change):
    good = dict(u=[0.0, 1.0], flux=fluxes.identity(), tau=1)
    with pytest.raises(InvalidArgument, match=next(iter(change))):
        implicit_diffusion(**good | change)


def test_a_hierarchy_must_fit_its_grid():
    with pytest.raises(InvalidArgument, match="A: must be 9 x 9"):
        diffusion_hierarchy(np.eye(10), (3, 3))


def test_backward_diffusion_is_refused():
    with pytest.raises(HypothesisNotMet, match="negative or not finite"):
        implicit_diffusion([0.0, 1.0, 5.0], fluxes.scaled_identity(-1), 1)


# -- how far a result is from the solution ---------------------------------------------------------
@pytest.mark.slow
@pytest.mark.parametrize("certify", [False, True])
@pytest.mark.parametrize("flux", [fluxes.charbonnier("1/4"), fluxes.perona_malik("1/2")])
def test_inner_errors_are_bounded(certify, flux, monkeypatch):
    """Each linear solve beside a dense one: ‖d − A⁻¹r‖_A and ‖d − A⁻¹r‖ are within the bound."""
    module = importlib.import_module("stabkit.multigrid.implicit_diffusion")
    solved, original = [], module._Inner.solve

    def watched(self, faces, tau, h, right):
        d, history = original(self, faces, tau, h, right)
        A = diffusion_matrix(faces, tau, h).toarray()
        error = d.ravel() - np.linalg.solve(A, right.ravel())
        solved.append((np.sqrt(error @ A @ error), np.linalg.norm(error)))
        return d, history

    monkeypatch.setattr(module._Inner, "solve", watched)
    step = implicit_diffusion(steps((15, 12)), flux, 20, certify=certify, reduction=0.1,
                              tolerance=1e-8)
    assert len(step.inner_errors) == len(solved) > 3
    assert len(step.factors) == (step.hierarchies if certify else 0)
    assert all(0 < factor < Fraction(9, 10) for factor in step.factors)
    for bound, (energy_norm, plain) in zip(step.inner_errors, solved, strict=True):
        assert plain <= energy_norm * (1 + 1e-12) and energy_norm <= bound * (1 + 1e-12)
    if certify:
        sharper = zip(step.inner_errors, step.inner, strict=True)
        assert any(bound < 0.9 * history[-1] for bound, history in sharper)


def test_what_cannot_be_certified_is_refused():
    """1200 unknowns are more than an exact proof takes."""
    with pytest.raises(HypothesisNotMet, match="more than 1100 unknowns"):
        implicit_diffusion(steps((40, 30)), fluxes.identity(), 1, certify=True)


@pytest.mark.slow
@pytest.mark.parametrize("flux", [fluxes.charbonnier("1/4"), fluxes.perona_malik("1/2"),
                                  fluxes.identity()])
def test_the_distance_from_the_solution_is_enclosed(flux):
    """From a solution v the input is u = v + τ KᵀΦ(K v); any other w is as near as the bound says.

    The solution is known in advance, so nothing is solved; tau keeps τ L₋ ‖K‖² below 1.
    """
    K, tau = difference(1, 40), Fraction(1, 5)
    scheme, v = Implicit(K, flux, tau), steps((40,), 3)
    u = v + float(tau) * (K.T @ flux.activation(K @ v))
    for size in (0.0, 1e-9, 1e-2, 1.0):
        w = v + size * np.random.default_rng(1).standard_normal(40)
        true = np.linalg.norm(w - v)
        bound = float(scheme.error_bound(u, w).upper)
        assert true * (1 - 1e-12) <= bound + 1e-13 and bound <= 12 * true + 1e-13
        same = Regularisation(K, flux, tau).error_bound(w, u)
        assert same.upper == scheme.error_bound(u, w).upper
    assert float(scheme.error_bound(u, scheme(u)).upper) < 1e-10


@pytest.mark.slow
def test_a_distance_needs_one_solution():
    """Beyond τ L₋ ‖K‖² = 1 there may be several; where Φ jumps, too."""
    u = steps((40,))
    for flux, tau in ((fluxes.perona_malik("1/2"), 3), (fluxes.hard("1/2"), Fraction(1, 10))):
        with pytest.raises(HypothesisNotMet, match="a step need not be unique"):
            Implicit(difference(1, 40), flux, tau).error_bound(u, u)
    with pytest.raises(InvalidArgument, match="not finite"):
        Implicit(difference(1, 40), fluxes.identity(), 1).error_bound(u, u * np.nan)
