"""Stencils against the matrices they stand for, all in exact arithmetic."""

from fractions import Fraction
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stabkit.arithmetic.rational import fractions
from stabkit.errors import InvalidArgument
from stabkit.operators import convolution
from stabkit.operators.stencils import (
    FULL_WEIGHTING,
    INTERPOLATION,
    coarse_width,
    coarsen,
    coarsening,
    compose,
    derivative_windows,
    from_derivatives,
    moments,
    order_of_consistency,
    rediscretisation,
    rediscretise,
    refine,
    to_derivatives,
)
from stabkit.operators.window_factors import factorise

N = 16
WEIGHTING = convolution(FULL_WEIGHTING, N).exact()[::2]
LINEAR = convolution(INTERPOLATION, N).exact()[::2].T

R2, P2 = (np.kron(one, one) for one in (convolution(FULL_WEIGHTING, 8).exact()[::2],
                                        convolution(INTERPOLATION, 8).exact()[::2].T))

numbers = st.fractions(-5, 5, max_denominator=6)


def windows(*sizes):
    return st.sampled_from(sizes).flatmap(lambda n: st.lists(numbers, min_size=n, max_size=n))


def squares(n):
    return st.lists(st.lists(numbers, min_size=n, max_size=n), min_size=n, max_size=n)


def padded(taps, n):
    """The same stencil with zeros around it."""
    taps = fractions(taps)
    return np.pad(taps, (n - len(taps)) // 2, constant_values=Fraction(0))


def image_matrix(taps, n):
    """The matrix of a stencil on a periodic n×n image numbered row by row."""
    taps = fractions(taps)
    middle = np.array(taps.shape) // 2
    matrix = np.full((n * n, n * n), Fraction(0), dtype=object)
    for y, x in np.ndindex(n, n):
        for (a, b), weight in np.ndenumerate(taps):
            neighbour = (y + a - middle[0]) % n * n + (x + b - middle[1]) % n
            matrix[y * n + x, neighbour] += weight
    return matrix


def taps_of(matrix, width, row):
    """The taps of a periodic convolution matrix around one row's diagonal."""
    return [matrix[row, (row + k) % len(matrix)] for k in range(-(width // 2), width // 2 + 1)]


# -- composition -----------------------------------------------------------------------------------
@pytest.mark.slow
@settings(max_examples=20)
@given(windows(1, 3, 5), windows(3, 5))
def test_composition_is_the_product_of_matrices(s, t):
    product = convolution(s, N).exact() @ convolution(t, N).exact()
    assert np.array_equal(convolution(compose(s, t), N).exact(), product)


@pytest.mark.slow
@settings(max_examples=10)
@given(squares(3), squares(3))
def test_composition_in_two_dimensions(s, t):
    assert np.array_equal(image_matrix(compose(s, t), 5), image_matrix(s, 5) @ image_matrix(t, 5))


def test_composition_refuses_mixed_dimensions():
    with pytest.raises(InvalidArgument, match="dimensions 1 and 2"):
        compose([1, 2, 1], [[1]])


# -- moments and derivatives -----------------------------------------------------------------------
@pytest.mark.slow
@given(windows(3, 5), st.integers(0, 6), st.fractions(Fraction(1, 9), 3, max_denominator=9))
def test_moments_are_what_a_stencil_does_to_monomials(s, power, h):
    values = [(h * x)**power for x in range(-(len(s) // 2), len(s) // 2 + 1)]
    applied = sum(tap * value for tap, value in zip(s, values, strict=True))
    # Only the power-th derivative of x^power is not 0 at 0.
    assert applied == moments(s, power)[power] * h**power * factorial(power)


@pytest.mark.slow
@settings(max_examples=20)
@given(squares(3), st.integers(0, 3), st.integers(0, 3))
def test_moments_in_two_dimensions(s, i, j):
    applied = sum(s[y + 1][x + 1] * Fraction(x)**i * Fraction(y)**j
                  for x in (-1, 0, 1) for y in (-1, 0, 1))
    assert applied == moments(s, 3)[j, i] * factorial(i) * factorial(j)


@pytest.mark.parametrize("taps, derivative, order", [
    ([1, -2, 1], 2, 2), (["-1/2", 0, "1/2"], 1, 2), ([0, -1, 1], 1, 1), ([-1, 0, 1], 1, 0),
    (["1/12", "-2/3", 0, "2/3", "-1/12"], 1, 4), ([0, 1, -2], 2, 0), (["1/4", "1/2", "1/4"], 0, 2),
    ([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], (2, 2), 2),
    ([[0, 0, 0], ["-1/2", 0, "1/2"], [0, 0, 0]], (1, 0), 2),
    ([[0, 0, 0], ["-1/2", 0, "1/2"], [0, 0, 0]], (0, 1), 0),
])
def test_order_of_consistency(taps, derivative, order):
    assert order_of_consistency(taps, derivative) == order


def test_the_identity_has_no_order():
    with pytest.raises(InvalidArgument, match="exact"):
        order_of_consistency([0, 1, 0], 0)


@pytest.mark.parametrize("order", [0, 1, 2])
def test_windows_are_consistent_of_second_order(order):
    assert order_of_consistency(derivative_windows()[order], order) == 2


@pytest.mark.slow
@settings(max_examples=20)
@given(squares(3), st.fractions(Fraction(1, 9), 3, max_denominator=9))
def test_derivatives_and_back(s, h):
    alpha = to_derivatives(s, h)
    assert np.array_equal(from_derivatives(alpha, h), fractions(s))
    written_out = sum(alpha[j, i] * np.multiply.outer(derivative_windows(h)[j],
                                                      derivative_windows(h)[i])
                      for i in range(3) for j in range(3))
    assert np.array_equal(written_out, fractions(s))


def test_derivatives_of_a_window():
    assert list(to_derivatives([0, 1, 0])) == [1, 0, Fraction(-1, 4)]
    with pytest.raises(InvalidArgument, match="width 3"):
        to_derivatives([1, 2, 3, 2, 1])


@pytest.mark.slow
@settings(max_examples=20)
@given(squares(3), st.fractions(Fraction(1, 4), 4, max_denominator=4),
       st.fractions(Fraction(1, 4), 4, max_denominator=4))
def test_rediscretisation_keeps_the_derivatives(s, h, ratio):
    there = rediscretise(s, ratio)
    assert np.array_equal(to_derivatives(there, ratio * h), to_derivatives(s, h))
    assert np.array_equal(rediscretise(there, 1 / ratio), fractions(s))


def test_rediscretisation_to_twice_the_mesh_size():
    assert np.array_equal(16 * rediscretisation(), fractions([[9, 3, 1], [6, 10, 6], [1, 3, 9]]))


# -- Galerkin coarsening ---------------------------------------------------------------------------
@pytest.mark.slow
@settings(max_examples=20)
@given(windows(1, 3, 5, 7))
def test_coarsening_is_the_product_of_matrices(s):
    coarse = WEIGHTING @ convolution(s, N).exact() @ LINEAR
    found = coarsen(s)
    assert len(found) == coarse_width(len(s))
    assert np.array_equal(convolution(found, N // 2).exact(), coarse)


@pytest.mark.slow
@settings(max_examples=20)
@given(windows(3, 5), st.lists(numbers, min_size=3, max_size=3),
       st.lists(numbers, min_size=3, max_size=3))
def test_coarsening_with_other_transfers(s, p, r):
    R = convolution(r, N).exact()[::2]
    # P is the adjoint of a correlation, which turns its taps round twice.
    P = convolution(p, N).exact()[::2].T
    coarse = R @ convolution(s, N).exact() @ P
    found = coarsening(len(s), p, r) @ fractions(s)
    assert np.array_equal(convolution(found, N // 2).exact(), coarse)


@pytest.mark.slow
@pytest.mark.parametrize("place", list(np.ndindex(3, 3)), ids=str)
def test_coarsening_in_two_dimensions(place):
    # Coarsening is linear, so one tap at a time is enough.
    s, n = fractions(np.zeros((3, 3), dtype=int)), 8
    s[place] = Fraction(1)
    fine = R2 @ image_matrix(s, n) @ P2
    assert np.array_equal(image_matrix(coarsen(s), n // 2), fine)


@pytest.mark.slow
@given(windows(3, 5))
def test_refining_inverts_coarsening(s):
    assert np.array_equal(refine(coarsen(s)), fractions(s))
    assert np.array_equal(coarsen(refine(s)), fractions(s))


@pytest.mark.slow
@settings(max_examples=20)
@given(squares(5))
def test_refining_inverts_coarsening_in_two_dimensions(s):
    assert np.array_equal(refine(coarsen(s)), fractions(s))


@pytest.mark.parametrize("width, reason", [(1, "pad the coarse one"), (7, "of width 5"),
                                           (9, "of width 7")])
def test_refining_says_where_it_is_not_unique(width, reason):
    with pytest.raises(InvalidArgument, match=reason):
        refine([1] * width)


def test_refining_a_padded_window_of_one():
    assert list(refine([0, 1, 0])) == [Fraction(-1, 2), 2, Fraction(-1, 2)]


@pytest.mark.parametrize("call, words", [
    (lambda: coarsen([1, 2]), "odd sizes"), (lambda: coarsening(4), "odd and positive"),
    (lambda: coarsening(3, [1, 1]), "three taps"), (lambda: derivative_windows(0), "positive"),
    (lambda: coarsen([[[1]]]), "1-D or 2-D"), (lambda: moments([1, 1, 1], -1), "degree >= 0"),
    (lambda: order_of_consistency([1, -2, 1], (2, 0)), "needs 1 orders"),
])
def test_arguments_are_refused_by_name(call, words):
    with pytest.raises(InvalidArgument, match=words):
        call()


# -- factors ---------------------------------------------------------------------------------------
def largest_error(found):
    """How far a product can lie from that of windows within the radius, tap by tap."""
    near, far = fractions([1]), fractions([1])
    for row in found.windows:
        near, far = compose(near, abs(row)), compose(far, abs(row) + found.radius)
    return abs(found.scale) * (far - near)


@pytest.mark.slow
@given(windows(3, 5, 7, 9), st.sampled_from((3, 12, 40)))
def test_factors_multiply_to_the_window(s, digits):
    found = factorise(s, digits)
    assert found.windows.shape == (len(s) // 2, 3)
    product = found.scale * compose(*found.windows)
    assert np.all(abs(padded(product, len(s)) - fractions(s)) <= largest_error(found))


@pytest.mark.slow
@given(st.lists(st.lists(st.integers(-4, 4), min_size=3, max_size=3), min_size=2, max_size=4))
def test_rational_factors_are_found_exactly(rows):
    found = factorise(compose(*rows))
    if found.radius == 0:
        assert np.array_equal(found.scale * compose(*found.windows), compose(*rows))
    # A product of windows with rational roots only has rational factors.
    if all(row[1]**2 - 4 * row[0] * row[2] in (0, 1, 4, 9, 16, 25, 36) for row in rows):
        assert found.radius == 0


@pytest.mark.parametrize("taps, radius", [
    ([1, 4, 6, 4, 1], 0), ([0, 0, 0, 0, 1], 0), ([0] * 7, 0), ([1, -1, 0, 0, 0], 0),
    ([1, 0, 0, 0, 1], Fraction(1, 10**9)), ([-2, 0, 0, 1, 0], Fraction(1, 10**9)),
    ([4, 0, 0, -4, 0, 0, 1], Fraction(1, 10**9)),
])
def test_digits_are_proven_or_all(taps, radius):
    found = factorise(taps, 9)
    assert found.radius == radius
    product = found.scale * compose(*found.windows)
    assert np.all(abs(product - fractions(taps)) <= largest_error(found))


@pytest.mark.parametrize("taps", [[1], [1, 2, 3, 4], [[1, 2, 1]]])
def test_only_wide_windows_have_factors(taps):
    with pytest.raises(InvalidArgument):
        factorise(taps)
