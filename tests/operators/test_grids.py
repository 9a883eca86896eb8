"""Grid operators against plain loops, dense eigenvalues, and the schemes built on them."""

import time
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from stabkit import (
    CONTRACTION,
    DIRICHLET,
    EUCLIDEAN,
    FSI,
    MIRRORED,
    NATURAL,
    PERIODIC,
    RANGE,
    REFLECTING,
    Energy,
    Explicit,
    Implicit,
    InvalidArgument,
    Stable,
    decide,
    energy,
    fluxes,
    norm_squared,
)
from stabkit.operators import grid_differences, grid_gradient, tangential_differences
from stabkit.schemes import twins

SHAPES = ((4,), (3, 4), (5, 2), (1, 3), (3, 3, 2), (2, 2, 2, 2))


def neighbours(shape, place):
    """The pixels one further along each axis, with the axis."""
    for axis, n in enumerate(shape):
        if place[axis] + 1 < n:
            yield axis, tuple(p + (i == axis) for i, p in enumerate(place))


def loop_step(u, h, tau, phi):
    """The diffusion step u − τKᵀΦ(K u), edge by edge: what leaves a pixel enters its neighbour."""
    out = u.copy()
    for place in np.ndindex(u.shape):
        for axis, other in neighbours(u.shape, place):
            flow = tau / h[axis] * phi((u[other] - u[place]) / h[axis])
            out[place] += flow
            out[other] -= flow
    return out


@pytest.mark.parametrize("shape", SHAPES)
def test_a_step_on_a_grid_is_the_exchange_along_its_edges(shape):
    """Exactly, in any dimension and with a grid size per axis."""
    rng = np.random.default_rng(0)
    h = [Fraction(k + 1, 2) for k in range(len(shape))]
    u = np.array([Fraction(int(k), 3) for k in rng.integers(-9, 9, np.prod(shape))], dtype=object)
    step = Explicit(grid_gradient(shape, h), fluxes.rational(2), "1/7")
    expected = loop_step(u.reshape(shape), h, Fraction(1, 7), lambda s: s / (1 + s**2 / 4))
    assert (step(u) == expected.ravel()).all()


@pytest.mark.parametrize("boundary", [REFLECTING, NATURAL, PERIODIC, DIRICHLET, MIRRORED],
                         ids=repr)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_norm_is_the_sum_over_the_axes(shape, boundary):
    """The largest eigenvalue of KᵀK, from a dense solver, lies in the enclosure of the formula."""
    K = grid_gradient(shape, [Fraction(1, k + 1) for k in range(len(shape))], boundary)
    top = np.linalg.eigvalsh((K.T.sparse() @ K.sparse()).toarray())[-1]
    found = K.norm_squared_formula()
    assert float(found.lower) == pytest.approx(top, rel=1e-12)
    assert found.upper - found.lower < Fraction(1, 10**9)


def test_the_norm_of_a_large_grid_comes_from_its_formula():
    """‖K‖² < 8, and close to it, for 300 x 300 pixels; at once."""
    start = time.process_time()
    found = norm_squared(grid_gradient((300, 300)))
    assert 8 - Fraction(1, 1000) < found.lower <= found.upper < 8
    assert time.process_time() - start < 5


def test_one_axis_is_the_difference_in_one_dimension():
    K = grid_gradient(4, "1/2")
    assert K.exact().tolist() == [[-2, 2, 0, 0], [0, -2, 2, 0], [0, 0, -2, 2]]


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 2)])
def test_edges_along_any_offsets(shape):
    """Every pair (p, p + o) on the grid once, in the order of the offsets; all neighbours."""
    offsets = [o for o in product((-1, 0, 1), repeat=len(shape)) if o > (0,) * len(shape)]
    u = np.random.default_rng(1).standard_normal(shape)
    expected = [u[tuple(np.add(p, o))] - u[p] for o in offsets for p in np.ndindex(shape)
                if all(0 <= a + b < n for a, b, n in zip(p, o, shape, strict=True))]
    assert (grid_differences(shape, offsets) @ u.ravel()).tolist() == expected


def test_axis_offsets_give_the_gradient():
    K = grid_differences((3, 2, 4), np.eye(3, dtype=int).tolist())
    assert (K.exact() == grid_gradient((3, 2, 4)).exact()).all()


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 3), (1, 4)])
def test_tangential_differences_are_means_of_central_ones(shape):
    """At the edge (p, p + e) along axis e: the mean of the central differences of another axis at
    both ends, with repeated samples outside; together they give |∇u|² up to the edge's own part."""
    u, h = np.random.default_rng(2).standard_normal(shape), [2, "1/2", 3][:len(shape)]
    central = []
    for axis, size in enumerate(h):
        padded = np.pad(u, [(int(i == axis),) * 2 for i in range(u.ndim)], mode="edge")
        ahead, behind = (np.take(padded, range(k, k + shape[axis]), axis) for k in (2, 0))
        central.append((ahead - behind) / (2 * float(Fraction(size))))
    expected = [sum(((central[j][p] + central[j][q]) / 2) ** 2 for j in range(u.ndim) if j != axis)
                for axis in range(u.ndim) for p in np.ndindex(shape)
                for a, q in neighbours(shape, p) if a == axis]
    found = sum((B @ u.ravel()) ** 2 for B in tangential_differences(shape, h))
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("shape, bound", [((3, 3), "1/4"), ((3, 3, 3), "1/6")])
def test_the_range_bound_is_one_over_twice_the_dimension(shape, bound):
    """u⁺ at the middle pixel is (1 − 2dτ)u + τ Σ neighbours for Φ = id: a mean exactly for
    τ <= 1/(2d)."""
    K = grid_gradient(shape)
    for flux in (fluxes.identity(), fluxes.perona_malik(), fluxes.rational()):
        assert decide(Stable(Explicit(K, flux, bound), RANGE)).status == "proved"
        above = decide(Stable(Explicit(K, flux, Fraction(bound) * Fraction(1001, 1000)), RANGE))
        assert above.status == "refuted"


@pytest.mark.parametrize("h, bound", [(("1/2", 1), Fraction(1, 10)), ((2, "1/3"), Fraction(2, 37))])
def test_the_range_bound_follows_the_grid_size_of_each_axis(h, bound):
    """On 3 x 3 pixels: 1/(2/h₁² + 2/h₂²)."""
    K = grid_gradient((3, 3), h)
    assert decide(Stable(Explicit(K, fluxes.soft(), bound), RANGE)).status == "proved"
    step = Explicit(K, fluxes.soft(), bound * Fraction(1001, 1000))
    assert decide(Stable(step, RANGE)).status == "refuted"


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(3, 3), (2, 2, 2)])
def test_every_notion_is_certified_on_a_grid(shape):
    """At τ = 2/‖K‖², which is 2/(2 · 3) and 2/(3 · 2): 1/3."""
    K, flux = grid_gradient(shape), fluxes.charbonnier()
    step = Explicit(K, flux, "1/3")
    for notion in (EUCLIDEAN, CONTRACTION, energy(Energy(K, flux))):
        assert decide(Stable(step, notion)).status == "proved"
    for notion in (EUCLIDEAN, CONTRACTION, RANGE):
        assert decide(Stable(Implicit(K, flux, 10), notion)).status == "proved"
    assert decide(Stable(FSI(K, flux, "1/3", length=5, frozen=True), EUCLIDEAN)).status == "proved"
    for notion, ratio in ((EUCLIDEAN, "1001/1000"), (energy(Energy(K, flux)), "1001/1000"),
                          (CONTRACTION, "11/10")):
        beyond = Explicit(K, flux, Fraction(ratio) / 3)
        assert decide(Stable(beyond, notion)).status == "refuted"


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(60, 80), (12, 14, 16)])
def test_compiled_steps_on_a_grid_are_the_expression(shape, monkeypatch):
    """The compiled twin runs for images and volumes and agrees with the array expression."""
    step = Explicit(grid_gradient(shape), fluxes.perona_malik(), "1/7")
    u = np.random.default_rng(3).standard_normal(np.prod(shape))
    assert twins.explicit(step.K, step.flux, step.tau, u, 200) is not None
    fast = step.advance(u, 200)
    monkeypatch.setattr(twins, "WORTH_COMPILING", float("inf"))
    assert fast == pytest.approx(step.advance(u, 200), abs=1e-12)


@pytest.mark.parametrize("call, text", [
    (lambda: grid_gradient(()), "shape"), (lambda: grid_gradient((3, 0)), "shape"),
    (lambda: grid_gradient((1, 1)), "shape"), (lambda: grid_gradient((2.5, 2)), "shape"),
    (lambda: grid_gradient((3, 3), (1, 2, 3)), "h: needs"), (lambda: grid_gradient(3, -1), "h:"),
    (lambda: grid_gradient((3, 3), (1, float("nan"))), "h:"),
    (lambda: grid_gradient(3, 1, "mirror"), "boundary"),
    (lambda: grid_differences((3, 3), [(1,)]), "offsets"),
    (lambda: grid_differences((3, 3), [(0, 0)]), "offsets"),
    (lambda: grid_differences((3, 3), [(0, 3)]), "offsets"),
])
def test_what_makes_no_grid_is_said_in_a_line(call, text):
    with pytest.raises(InvalidArgument, match=text):
        call()
