"""Enclosures of smoothing and two-grid factors against the literature.

Values: Trottenberg, Oosterlee, Schüller, Multigrid (2001), sections 2.1, 3.3, 4.3–4.6.
"""

from fractions import Fraction

import numpy as np
import pytest
from flint import acb, acb_mat, arb

from stabkit.errors import InvalidArgument, Undecided
from stabkit.multigrid import (
    HALF_WEIGHTING,
    LAPLACE_1D,
    LAPLACE_5_POINT,
    LAPLACE_7_POINT,
    LAPLACE_9_POINT,
    LAPLACE_TRILINEAR,
    LINEAR_ELEMENTS,
    PERIODIC,
    SOR,
    Chebyshev,
    Cycle,
    Jacobi,
    Lines,
    Multigrid,
    Richardson,
    StencilProblem,
    Transfer,
    TwoGrid,
    backward,
    galerkin_transfer,
    gauss_seidel,
    geometric,
    linear,
    multicolour,
    red_black,
    rediscretised,
    rediscretised_stencil,
    smoothing_factor,
    stencil,
    symmetric,
    weighted_transfer,
)
from stabkit.multigrid.smoother_symbol import on_harmonics, symbol
from stabkit.multigrid.supremum import radius_below
from stabkit.multigrid.symbol import Frequencies, harmonics

FINE = Fraction(1, 10**6)


def encloses(interval, value, width):
    assert interval.lower <= value + Fraction(1, 10**12) and value <= interval.upper
    assert interval.width <= width * (1 + 1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(("smoother", "weights", "value"), [
    (Jacobi(Fraction(2, 3)), LAPLACE_1D, Fraction(1, 3)),
    (Jacobi(Fraction(4, 5)), LAPLACE_5_POINT, Fraction(3, 5)),
    (Jacobi(1), LAPLACE_5_POINT, Fraction(1)),
    (Jacobi(Fraction(1, 2)), LAPLACE_5_POINT, Fraction(3, 4)),
    (Richardson(Fraction(1, 5)), LAPLACE_5_POINT, Fraction(3, 5)),
])
def test_jacobi_smoothing_factors(smoother, weights, value):
    encloses(smoothing_factor(smoother, weights, tolerance=FINE), value, 1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("smoother", [gauss_seidel(), gauss_seidel(backward)])
def test_gauss_seidel_smoothing_factor_is_one_half(smoother):
    encloses(smoothing_factor(smoother, LAPLACE_5_POINT), Fraction(1, 2), 0.01)


def test_gauss_seidel_in_1d():
    # |e^{iθ} / (2 − e^{−iθ})|² = 1/(5 − 4 cos θ) is largest at π/2.
    found = smoothing_factor(gauss_seidel(), LAPLACE_1D, tolerance=Fraction(1, 1000))
    assert found.lower <= Fraction(4472136, 10**7) <= found.upper and found.width < 1.1e-3


@pytest.mark.slow
@pytest.mark.parametrize(("smoother", "weights", "value", "tolerance"), [
    (Jacobi(Fraction(6, 7)), LAPLACE_7_POINT, 5 / 7, 0.02),
    (gauss_seidel(), LAPLACE_7_POINT, 0.567, 0.1),
    (gauss_seidel(red_black), LAPLACE_7_POINT, 0.445, 0.1),
    (gauss_seidel(Lines(0)), LAPLACE_5_POINT, 5 ** -0.5, 0.02),
    (gauss_seidel(Lines(1, zebra=True)), LAPLACE_5_POINT, 0.25, 0.02),
])
def test_published_smoothing_factors(smoother, weights, value, tolerance):
    """Trottenberg, Oosterlee and Schüller, Multigrid (2001): 2.9.1 in 3-D, 5.1 for lines."""
    found = smoothing_factor(smoother, weights, tolerance=Fraction(tolerance).limit_denominator(50))
    assert float(found.lower) <= value + 6e-4 and value - 6e-4 <= float(found.upper)
    assert float(found.upper) <= value + tolerance + 1e-3 and float(found.lower) >= value - 1e-3


@pytest.mark.parametrize(("smoother", "weights"), [
    (gauss_seidel(red_black), LAPLACE_7_POINT), (SOR(Fraction(6, 5), multicolour), LAPLACE_9_POINT),
    (SOR(Fraction(4, 5), Lines(1, zebra=True)), LAPLACE_9_POINT),
    (gauss_seidel(Lines(1, zebra=True)), LAPLACE_7_POINT),
    (gauss_seidel(multicolour), LAPLACE_TRILINEAR)])
def test_symbols_of_colours_are_those_of_a_periodic_grid(smoother, weights):
    """One sweep on a wave of the grid has the harmonics of the wave that the symbol says."""
    n, d = 8, weights.dimension
    A = StencilProblem((n,) * d, weights, PERIODIC).matrix()
    sweep = smoother.on(A, (n,) * d)
    theta = 2 * np.pi * np.array([1, 2, 1][:d]) / n
    box = tuple((Fraction(float(np.sin(t / 2) ** 2)),) * 2 for t in theta)
    S = symbol(smoother, weights)(Frequencies.of(box, (1,) * d)).tolist()
    x = np.indices((n,) * d).reshape(d, -1)

    def wave(alpha):
        return np.exp(1j * ((theta + np.pi * np.array(alpha)) @ x))

    for place, alpha in enumerate(harmonics(d)):
        e = wave(alpha)
        after = sweep(e.real.copy(), 0 * e.real) + 1j * sweep(e.imag.copy(), 0 * e.imag)
        expected = sum(complex(float(S[row][place].real.mid()), float(S[row][place].imag.mid()))
                       * wave(beta) for row, beta in enumerate(harmonics(d)))
        np.testing.assert_allclose(after, expected, atol=1e-12)


@pytest.mark.slow
def test_red_black_smoothing_factor_is_one_quarter():
    encloses(smoothing_factor(gauss_seidel(red_black), LAPLACE_5_POINT,
                              tolerance=Fraction(1, 20)), Fraction(1, 4), 0.05)


def sampled(smoother, weights, n=64):
    # The symbol by applying one sweep of exact Jacobi type to waves on a periodic grid.
    shape = (n,) * weights.dimension
    A = StencilProblem(shape, weights, PERIODIC).matrix()
    sweep = smoother.on(A, shape)
    rng = np.random.default_rng(0)
    u = rng.standard_normal(A.shape[0])
    ratio = np.fft.fftn(sweep(u, 0 * u).reshape(shape)) / np.fft.fftn(u.reshape(shape))
    angles = np.abs(np.fft.fftfreq(n)) * 2 * np.pi
    high = np.zeros(shape, dtype=bool)
    for axis in range(len(shape)):
        high |= (angles >= np.pi / 2).reshape([-1 if k == axis else 1 for k in range(len(shape))])
    return np.abs(ratio[high]).max()


@pytest.mark.slow
@pytest.mark.parametrize(("smoother", "weights"), [
    (Chebyshev(2), LAPLACE_5_POINT), (Chebyshev(3, Fraction(1, 8)), LAPLACE_1D),
    (Jacobi(Fraction(7, 8)), LAPLACE_9_POINT),
    (Jacobi(Fraction(4, 5)), stencil([[0, -1, 0], [-3, 8, -3], [0, -1, 0]])),
    (Jacobi(Fraction(3, 4)), stencil([[-1, -2, 0], [-2, 10, -2], [0, -2, -1]])),
])
def test_enclosure_holds_the_sampled_maximum(smoother, weights):
    found = smoothing_factor(smoother, weights, tolerance=Fraction(1, 50))
    assert sampled(smoother, weights) <= found.upper
    assert float(found.lower) <= sampled(smoother, weights) + 0.02


@pytest.mark.slow
def test_symmetric_gauss_seidel_smooths_like_its_factors():
    one = smoothing_factor(gauss_seidel(), LAPLACE_5_POINT, tolerance=Fraction(1, 20))
    pair = smoothing_factor(symmetric(gauss_seidel()), LAPLACE_5_POINT, tolerance=Fraction(1, 20))
    assert pair.upper <= one.upper**2 + Fraction(1, 20)
    several = smoothing_factor(Jacobi(Fraction(4, 5)), LAPLACE_5_POINT, sweeps=3)
    assert several.overlaps(Fraction(3, 5))


# -- two grids -------------------------------------------------------------------------------------
@pytest.mark.slow
def test_two_grid_factor_1d():
    method = TwoGrid(LAPLACE_1D, Jacobi(Fraction(2, 3)), galerkin_transfer(1))
    encloses(method.factor(Fraction(1, 100)), Fraction(1, 9), 0.01)


@pytest.mark.slow
@pytest.mark.parametrize("coarse", [None, rediscretised_stencil])
def test_two_grid_factor_of_jacobi(coarse):
    transfer = weighted_transfer(2)
    method = TwoGrid(LAPLACE_5_POINT, Jacobi(Fraction(4, 5)), transfer,
                     coarse=coarse and coarse(LAPLACE_5_POINT, transfer))
    encloses(method.factor(Fraction(1, 20)), Fraction(9, 25), 0.05)


@pytest.mark.slow
@pytest.mark.parametrize(("restriction", "value"), [
    (weighted_transfer(2).restriction, Fraction(2, 27)), (HALF_WEIGHTING, Fraction(1, 8))])
def test_two_grid_factor_of_red_black(restriction, value):
    # 0.074 with full and 0.125 with half weighting, one sweep before and after.
    order = gauss_seidel(red_black)
    method = TwoGrid(LAPLACE_5_POINT, order, Transfer(linear(2), restriction),
                     coarse=Fraction(1, 4) * LAPLACE_5_POINT, post_smoother=order)
    encloses(method.factor(Fraction(1, 6)), value, 1 / 6)


@pytest.mark.slow
def test_two_grid_factor_predicts_a_periodic_grid():
    method = TwoGrid(LAPLACE_5_POINT, gauss_seidel(), weighted_transfer(2),
                     coarse=Fraction(1, 4) * LAPLACE_5_POINT, post_smoother=gauss_seidel())
    found = method.factor(Fraction(1, 5))
    # 0.193 in the literature.
    assert abs(float(found.lower) - 0.193) < 1e-3
    made = geometric(StencilProblem((32, 32), LAPLACE_5_POINT, PERIODIC), weighted_transfer(2),
                     coarse_operator=rediscretised, levels=2)
    cycle = Multigrid(made, Cycle(gauss_seidel(), post_smoother=gauss_seidel()))
    b = np.random.default_rng(0).standard_normal((32, 32))
    assert cycle.solve(b - b.mean(), tolerance=1e-12).factor <= found.upper


@pytest.mark.parametrize("call", [
    lambda: smoothing_factor(gauss_seidel(red_black), LAPLACE_9_POINT),
    lambda: smoothing_factor(SOR(1, lambda n, shape: np.arange(n)), LAPLACE_1D),
    lambda: smoothing_factor(Jacobi(1), stencil([1, 0, 1])),
    lambda: smoothing_factor(Jacobi(1), LAPLACE_1D, tolerance=0),
    lambda: TwoGrid(stencil([-1, 3, -1]), Jacobi(1), galerkin_transfer(1)).factor(),
])
def test_bad_input_is_named(call):
    with pytest.raises(InvalidArgument):
        call()


@pytest.mark.slow
def test_linear_elements_have_a_two_grid_factor():
    method = TwoGrid(LAPLACE_5_POINT, Jacobi(Fraction(4, 5)), Transfer(LINEAR_ELEMENTS))
    found = method.factor(Fraction(1, 3))
    assert Fraction(1, 4) < found.lower and found.upper < 1


@pytest.mark.slow
def test_an_impossible_tolerance_is_undecided():
    import stabkit.multigrid.supremum as supremum
    before, supremum.MOST_BOXES = supremum.MOST_BOXES, 50
    try:
        with pytest.raises(Undecided):
            smoothing_factor(gauss_seidel(), LAPLACE_5_POINT, tolerance=Fraction(1, 10**5))
    finally:
        supremum.MOST_BOXES = before


@pytest.mark.slow
@pytest.mark.parametrize("weights", [LAPLACE_1D, LAPLACE_9_POINT,
                                     stencil([[-1, -2, 0], [-3, 12, -3], [0, -2, -1]])])
def test_symbols_on_boxes_hold_those_inside(weights):
    """Σ w_k e^{ik·θ} summed in floats at random frequencies of random boxes, near 0 too."""
    rng, d = np.random.default_rng(3), weights.dimension
    for axis in (None, *range(d)):
        for _ in range(40):
            ends = np.sort(rng.integers(0, 257, (d, 2)), axis=1) / 512
            shares = rng.random(d)
            if axis is None:
                box = tuple((Fraction(a), Fraction(b)) for a, b in ends)
                modes, s = Frequencies.of(box, (1,) * d), ends[:, 0] + shares * (
                    ends[:, 1] - ends[:, 0])
            else:
                others = np.delete(ends * 2, axis, axis=0)
                (low, high), *rest = [ends[axis] / 2, *others]
                box = tuple((Fraction(a), Fraction(b)) for a, b in [(low, high), *rest])
                modes = Frequencies.near_zero(axis, box, (1,) * d)
                t = low + shares[0] * (high - low)
                x = [a + share * (b - a) for (a, b), share in zip(rest, shares[1:], strict=True)]
                s = t * np.insert(x, axis, 1.0)
            theta = 2 * np.arcsin(np.sqrt(s))
            for alpha, part in zip(harmonics(d), on_harmonics(weights), strict=True):
                value = sum(float(w) * np.exp(1j * (theta + np.pi * np.array(alpha)) @ k)
                            for k, w in weights.taps)
                gap = modes.value(part) - acb(value.real, value.imag)
                assert gap.abs_lower() < 1e-12


def test_a_coupling_that_may_be_zero_is_one():
    """[[0, x], [x, 0]] has the radius |x|, which is 4 for some x in the ball 0 ± 4."""
    x = acb(arb(0, 4))
    matrix = acb_mat([[0, x], [x, 0]])
    assert not radius_below(matrix, arb(1)) and radius_below(matrix, arb(5))
