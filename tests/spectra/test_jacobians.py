"""Jacobians as operators: against differences, against derivatives entry by entry, and adjoints."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from stabkit import (
    DIRICHLET,
    FSI,
    Chain,
    Explicit,
    FixedPoint,
    HaarShrinkage,
    HypothesisNotMet,
    Implicit,
    InvalidArgument,
    Linear,
    Pointwise,
    ResidualBlock,
    difference,
    fluxes,
    from_matrix,
    grid_gradient,
    repeat,
)
from stabkit.arithmetic.derivative import Dual
from stabkit.arithmetic.enclosure import Interval
from stabkit.arithmetic.rational import fractions
from stabkit.operators import tangential_differences
from stabkit.schemes import (
    ForwardEuler,
    Function,
    IsotropicExplicit,
    Leapfrog,
    SymmetricLayer,
    TotalVariation,
    Verlet,
)
from stabkit.spectra import jacobian, jacobians

W = [["1/2", -1, 0, "1/3"], [0, 1, "1/2", 0], ["1/4", 0, 1, -1], [0, 0, "1/5", 1]]
PM = fluxes.perona_malik("1/2")


def layer(flux=None, **more):
    return SymmetricLayer(from_matrix(W), flux or fluxes.tanh(), **more)


SCHEMES = {
    "explicit": Explicit(difference(1, 6), PM, "1/4"),
    "explicit, order 3": Explicit(difference(3, 8, "1/3", DIRICHLET), PM, "1/500"),
    "grid": Explicit(grid_gradient((3, 4)), fluxes.charbonnier(), "1/8"),
    "isotropic": IsotropicExplicit(grid_gradient((3, 4)), PM, "1/8",
                                   tangential_differences((3, 4))),
    "FSI": FSI(difference(1, 6), PM, "1/4", 5),
    "FSI, frozen": FSI(difference(2, 7), PM, "1/16", 4, frozen=True),
    "fixed point": FixedPoint(difference(1, 6), PM, "1/5", 4),
    "implicit": Implicit(difference(1, 6), PM, "1/2"),
    "implicit grid": Implicit(grid_gradient((3, 4)), fluxes.charbonnier(), 2),
    "block": ResidualBlock(from_matrix(W), from_matrix(W).T, fluxes.tanh(), [1, 0, "1/2", -1],
                           [0, 1, 0, "1/7"], fluxes.charbonnier()),
    "linear": Linear(from_matrix(W)),
    "pointwise": Pointwise(fluxes.tanh(), 5),
    "Haar": HaarShrinkage(fluxes.charbonnier(), 8),
    "layer": ForwardEuler(layer(scale=[1, 2, "1/2", 1], bias=[0, 1, -1, 0]), "1/5"),
    "total variation": ForwardEuler(layer(normalisation=TotalVariation("1/3", 2)), "1/5"),
    "Verlet": Verlet(layer(), layer(fluxes.charbonnier()), "1/4"),
    "leapfrog": Leapfrog(layer(), "1/4"),
    "chain": Chain([Explicit(difference(1, 6), PM, "1/4"), Implicit(difference(2, 6), PM, "1/2"),
                    FSI(difference(1, 6), fluxes.charbonnier(), "1/3", 3)]),
}


def state(scheme, seed=0):
    return np.random.default_rng(seed).standard_normal(scheme.size)


def slopes_of_differences(scheme, u, step=1e-6):
    """∂T/∂u by central differences."""
    return np.array([(scheme(u + step * e) - scheme(u - step * e)) / (2 * step)
                     for e in np.eye(u.size)]).T


@pytest.mark.parametrize("name", SCHEMES)
def test_the_jacobian_is_the_limit_of_differences(name):
    """To 10⁻⁷, and an entry that is wrong by 10⁻⁵ would be seen."""
    scheme = SCHEMES[name]
    u = state(scheme)
    J, expected = np.asarray(jacobian(scheme, u)), slopes_of_differences(scheme, u)
    assert np.abs(J - expected).max() < 1e-7
    wrong = J.copy()
    wrong[1, 1] += 1e-5
    assert np.abs(wrong - expected).max() > 1e-6


@pytest.mark.parametrize("name", SCHEMES)
def test_products_matrix_and_adjoint_are_of_one_map(name):
    """⟨J v, w⟩ = ⟨v, Jᵀw⟩, and both products are those of the matrix, for batches too."""
    scheme = SCHEMES[name]
    J, rng = jacobian(scheme, state(scheme)), np.random.default_rng(1)
    v, w = rng.standard_normal((2, 3, scheme.size))
    dense = J.sparse().toarray()
    assert np.abs(J @ v - v @ dense.T).max() < 1e-13
    assert np.abs(J.T @ w - w @ dense).max() < 1e-13
    assert np.abs(J.T.sparse().toarray() - dense.T).max() == 0
    assert np.abs(((J @ v) * w).sum(axis=1) - (v * (J.T @ w)).sum(axis=1)).max() < 1e-13


def entry_by_entry(scheme, u):
    """The derivative by dual numbers, one column at a time."""
    columns = []
    for e in np.eye(scheme.size, dtype=int):
        dual = np.empty(scheme.size, dtype=object)
        dual[:] = [Dual(x, Fraction(int(k))) for x, k in zip(u, e, strict=True)]
        columns.append([entry.slope for entry in scheme(dual)])
    return np.array(columns, dtype=object).T


@pytest.mark.slow
@pytest.mark.parametrize("name", ["explicit", "explicit, order 3", "FSI", "FSI, frozen",
                                  "fixed point"])
def test_rationals_give_the_exact_matrix(name):
    """Dual numbers entry by entry give the same fractions."""
    scheme = replace(SCHEMES[name], flux=fluxes.rational("1/2"))
    u = fractions([Fraction(int(k), 4) for k in np.random.default_rng(2).integers(
        -6, 7, scheme.size)])
    found = jacobian(scheme, u)
    assert all(type(entry) is Fraction for entry in found.flat)
    assert (found == entry_by_entry(scheme, u)).all()
    assert np.abs(found.astype(float) - np.asarray(jacobian(scheme, u.astype(float)))).max() < 1e-14


@pytest.mark.parametrize("name", ["explicit", "grid", "FSI, frozen", "layer", "total variation",
                                  "Verlet", "isotropic"])
def test_intervals_give_enclosures(name):
    """Of the float Jacobian at any signal inside."""
    scheme = SCHEMES[name]
    u, width = state(scheme), 1e-9
    box = np.array([Interval(x - width, x + width) for x in u], dtype=object)
    found = jacobian(scheme, box)
    for seed in range(3):
        inside = np.asarray(jacobian(scheme, u + width * np.random.default_rng(seed).uniform(
            -1, 1, u.size)))
        for entry, value in zip(found.flat, inside.flat, strict=True):
            low, high = (entry.lower, entry.upper) if isinstance(entry, Interval) else (entry,) * 2
            assert low - Fraction(1, 10**12) <= value <= high + Fraction(1, 10**12)


def test_a_breakpoint_takes_the_slope_of_the_piece_before_it():
    """|s| = 1 on the soft threshold: slope 1 inside, 0 outside, in floats and exactly."""
    scheme = Explicit(difference(1, 2), fluxes.soft(), "1/4")
    for u in ([0.0, 1.0], [1.0, 0.0]):
        expected = scheme.flux.slope(Fraction(1))
        assert (np.asarray(jacobian(scheme, np.array(u))) ==
                np.eye(2) - float(expected) / 4 * np.array([[1, -1], [-1, 1]])).all()
        assert (jacobian(scheme, fractions(u)) == np.asarray(jacobian(
            scheme, np.array(u))).astype(int) if expected == 0 else True)


def test_a_flat_image_has_a_jacobian_where_lengths_vanish():
    """At u = const the isotropic step is the linear one with diffusivity g(0)."""
    scheme = SCHEMES["isotropic"]
    K = scheme.K.sparse().toarray()
    J = np.asarray(jacobian(scheme, np.full(12, 0.3)))
    assert np.abs(J - (np.eye(12) - float(PM.diffusivity(0.0)) / 8 * K.T @ K)).max() < 1e-15


@pytest.mark.slow
def test_the_inverse_of_an_implicit_jacobian_is_sparse():
    """J (J⁻¹ v) = v; its own matrix is refused where it would be large."""
    scheme = Implicit(difference(1, 5000), PM, 3)
    J = jacobian(scheme, state(scheme))
    v = state(scheme, 1)
    inner = J._tape.lines[-1][1][0][0]
    assert np.abs(inner.inverse @ (J @ v) - v).max() < 1e-12
    with pytest.raises(InvalidArgument, match=r"J\.inverse"):
        J.sparse()


def test_along_a_trajectory():
    """The Jacobian of two steps is the product of those along the trajectory."""
    scheme = SCHEMES["explicit"]
    u = state(scheme)
    first, second = jacobians(scheme, u, 2)
    both = np.asarray(jacobian(repeat(scheme, 2), u))
    assert np.abs(np.asarray(second) @ np.asarray(first) - both).max() < 1e-15


def test_a_step_that_takes_entries_apart_is_differentiated_when_short():
    """u − (u shifted)³/8, written with np.roll; long ones are refused."""
    def step(u):
        return u - np.roll(u, 1) ** 3 / 8

    u = np.array([0.5, -1.0, 0.25])
    J = np.asarray(jacobian(Function(step, 3), u))
    assert (np.eye(3) - np.roll(np.diag(3 * u**2 / 8), 1, axis=0) == J).all()
    with pytest.raises(InvalidArgument, match="400"):
        jacobian(Function(step, 1000), np.zeros(1000))


@pytest.mark.slow
def test_a_million_samples():
    """Constants are kept: J 1 = 1 = Jᵀ1; memory and time are O(N)."""
    n = 10**6
    scheme = Explicit(difference(1, n), PM, "1/4")
    J, ones = jacobian(scheme, state(scheme)), np.ones(n)
    assert np.abs(J @ ones - 1).max() < 1e-15 and np.abs(J.T @ ones - 1).max() < 1e-14
    assert J.sparse().nnz == 3 * n - 2


def test_bad_signals_are_refused():
    """The argument is named."""
    scheme = SCHEMES["explicit"]
    for u in (np.zeros(5), np.full(6, np.nan), np.zeros((2, 6)), ["x"] * 6, None):
        with pytest.raises(InvalidArgument, match=r"^u"):
            jacobian(scheme, u)
    with pytest.raises(InvalidArgument, match="v:"):
        jacobian(scheme, np.zeros(6)) @ np.zeros(5)
    with pytest.raises((InvalidArgument, HypothesisNotMet)):
        jacobian(Implicit(difference(1, 6), PM, 1), fractions(np.arange(6)))


@pytest.mark.parametrize("shape", [(40,), (3, 40)])
def test_products_once_the_matrix_is_written(shape):
    """J v and Jᵀ w by the recorded step and, after ``sparse()``, by its matrix, of many signals."""
    rng = np.random.default_rng(0)
    step = Explicit(difference(2, 40), fluxes.perona_malik(), "1/16")
    J, v = jacobian(step, rng.standard_normal(40)), rng.standard_normal(shape)
    before = J @ v, J.T @ v
    dense = J.sparse().toarray()
    for first, now, matrix in zip(before, (J @ v, J.T @ v), (dense, dense.T), strict=True):
        assert first.shape == now.shape == shape
        assert np.abs(first - v @ matrix.T).max() < 1e-13 > np.abs(now - v @ matrix.T).max()
