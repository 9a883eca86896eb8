"""Convolutions with channels against index arithmetic, dense singular values, and hand values."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stabkit.errors import InvalidArgument
from stabkit.operators import (
    DIRICHLET,
    MIRRORED,
    NATURAL,
    PERIODIC,
    REFLECTING,
    block_symbol,
    channel_convolution,
    channel_norm_squared,
    convolution,
    from_matrix,
    norm_squared,
    norm_squared_bound,
)
from stabkit.operators.float_bounds import bounds_of_norm_squared

BOUNDARIES = (PERIODIC, DIRICHLET, MIRRORED)
SIZES = {"1-D": ((3,), (7,)), "wide stencil": ((5,), (3,)), "2-D": ((3, 3), (3, 4)),
         "flat": ((1, 5), (3, 6)), "one pixel": ((3, 3), (1, 1))}


def random_weights(c_out, c_in, sizes, seed=0):
    rng = np.random.default_rng(seed)
    flat = [Fraction(int(p), int(q)) for p, q in
            zip(rng.integers(-6, 7, c_out * c_in * int(np.prod(sizes))),
                rng.integers(1, 5, c_out * c_in * int(np.prod(sizes))), strict=True)]
    return np.array(flat, dtype=object).reshape(c_out, c_in, *sizes)


def place(i, n, boundary):
    """The place in range(n) that stands for i, or None."""
    if boundary is DIRICHLET:
        return i if 0 <= i < n else None
    if boundary is PERIODIC:
        return i % n
    while not 0 <= i < n:
        i = -1 - i if i < 0 else 2 * n - 1 - i
    return i


def correlate(weights, u, boundary):
    """The definition, as loops."""
    c_out, c_in, *sizes = weights.shape
    shape = u.shape[1:]
    out = np.full((c_out, *shape), Fraction(0), dtype=object)
    for o, c in product(range(c_out), range(c_in)):
        for pixel in product(*map(range, shape)):
            for tap in product(*map(range, sizes)):
                at = [place(p + k - size // 2, n, boundary)
                      for p, k, size, n in zip(pixel, tap, sizes, shape, strict=True)]
                if None not in at:
                    out[(o, *pixel)] += weights[(o, c, *tap)] * u[(c, *at)]
    return out


def signal(length, seed=1):
    drawn = np.random.default_rng(seed).integers(-9, 10, length)
    return np.array([Fraction(int(x)) for x in drawn], dtype=object)


@pytest.mark.parametrize("boundary", BOUNDARIES, ids=repr)
@pytest.mark.parametrize("sizes, shape", SIZES.values(), ids=SIZES)
def test_a_convolution_is_its_definition_and_its_adjoint_is_exact(sizes, shape, boundary):
    weights = random_weights(2, 3, sizes)
    K = channel_convolution(weights, shape, boundary)
    u, w = signal(K.shape[1]), signal(K.shape[0], 2)
    expected = correlate(weights, u.reshape(3, *shape), boundary)
    assert (K @ u == expected.ravel()).all()
    assert (K @ u) @ w == u @ (K.T @ w)


@pytest.mark.parametrize("boundary", (PERIODIC, MIRRORED), ids=repr)
def test_one_channel_is_the_convolution_of_the_line(boundary):
    taps = [1, -2, "1/3"]
    one = channel_convolution([[taps]], 6, boundary)
    assert (one.exact() == convolution(taps, 6, boundary).exact()).all()


@pytest.mark.slow
@pytest.mark.parametrize("boundary", BOUNDARIES, ids=repr)
@pytest.mark.parametrize("c_out, c_in", [(1, 1), (2, 3), (3, 2), (4, 2)])
@pytest.mark.parametrize("sizes, shape", SIZES.values(), ids=SIZES)
def test_norms_enclose_dense_singular_values(sizes, shape, c_out, c_in, boundary):
    weights = random_weights(c_out, c_in, sizes, seed=c_out)
    enclosure = channel_norm_squared(weights, shape, boundary)
    K = channel_convolution(weights, shape, boundary)
    dense = np.linalg.norm(K.exact().astype(float), 2) ** 2
    assert enclosure.lower * (1 - Fraction(1, 10**12)) <= dense
    assert dense <= enclosure.upper * (1 + Fraction(1, 10**12))
    assert enclosure.width <= 1e-9 * dense
    assert enclosure.overlaps(norm_squared(K)) and enclosure.lower <= norm_squared_bound(weights)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 5), st.integers(0, 10**6))
def test_the_symbol_and_the_exact_decision_meet(c_out, c_in, n, seed):
    weights = random_weights(c_out, c_in, (3,), seed)
    symbol = channel_norm_squared(weights, n)
    decided = norm_squared(channel_convolution(weights, n))
    assert symbol.overlaps(decided) and symbol.width < 1e-25


def test_the_symbol_is_the_operator_on_a_wave():
    weights, shape, frequency = random_weights(2, 3, (3, 5)), (4, 6), (1, 2)
    grid = np.meshgrid(*map(np.arange, shape), indexing="ij")
    wave = np.exp(2j * np.pi * sum(f * x / n for f, x, n in
                                   zip(frequency, grid, shape, strict=True))).ravel()
    symbol = np.array([[complex(entry) for entry in row]
                       for row in block_symbol(weights, shape, frequency).tolist()])
    dense = channel_convolution(weights, shape).exact().astype(float)
    for c in range(3):
        image = dense @ np.kron(np.eye(3)[c], wave)
        assert np.abs(image - np.kron(symbol[:, c], wave)).max() < 1e-10


@pytest.mark.parametrize("c", [1, 2, 3])
def test_all_ones_reach_the_bound_and_break_the_box_constraint(c):
    weights = np.ones((c, c, 3, 3), dtype=int)
    enclosure = channel_norm_squared(weights, (6, 6))
    assert norm_squared_bound(weights) == (9 * c) ** 2
    assert enclosure.lower <= (9 * c) ** 2 <= enclosure.upper and enclosure.width < 1e-25
    # The witness: K maps the constant signal 1 to 9c.
    K = channel_convolution(weights, (6, 6))
    ones = np.full(K.shape[1], Fraction(1), dtype=object)
    assert (K @ ones == 9 * c).all()


def test_all_ones_on_a_small_torus_are_decided_exactly():
    found = norm_squared(channel_convolution(np.ones((2, 2, 3, 3), dtype=int), (4, 4)))
    assert found.lower == found.upper == 18**2


@pytest.mark.slow
@pytest.mark.parametrize("boundary", BOUNDARIES, ids=repr)
@pytest.mark.parametrize("c_in, c_out", [(1, 3), (3, 2)])
def test_the_bound_of_small_weights_gives_a_stable_step(c_in, c_out, boundary):
    # 3x3 stencils with max|θ| √(c_in c_out) <= √2/9: ‖K‖² <= 2, the limit of forward Euler.
    largest = Fraction(1, 16) if c_in == 3 else Fraction(9, 100)
    signs = np.random.default_rng(c_in).choice([-1, 1], (c_out, c_in, 3, 3)).astype(object)
    weights = largest * signs
    assert norm_squared_bound(weights) == 81 * largest**2 * c_in * c_out <= 2
    assert channel_norm_squared(weights, (5, 4), boundary).upper <= norm_squared_bound(weights)


def test_the_trivial_channels():
    assert channel_norm_squared(np.zeros((2, 2, 3), dtype=int), 5).upper == 0
    each = channel_norm_squared(np.eye(5, dtype=int)[:, :, None] * [1, 2, 1], 8)
    assert each.lower <= 16 <= each.upper and each.width < 1e-25


@pytest.mark.slow
@pytest.mark.parametrize("boundary", (DIRICHLET, MIRRORED), ids=repr)
def test_large_norms_are_close(boundary):
    weights = random_weights(3, 2, (3, 3))
    K = channel_convolution(weights, (11, 10), boundary)
    found, dense = norm_squared(K), np.linalg.norm(K.sparse().toarray(), 2) ** 2
    assert K.shape == (330, 220)
    assert found.lower <= dense * (1 + 1e-12) and dense * (1 - 1e-12) <= found.upper
    assert found.width < 1e-9 * dense


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 10**6), st.integers(-60, 60))
def test_the_float_bounds_hold_where_the_norm_is_decided_exactly(m, n, seed, exponent):
    drawn = np.random.default_rng(seed).integers(-9, 10, (m, n))
    drawn[0, 0] = 1
    K = Fraction(10) ** exponent * from_matrix(drawn)
    low, high = bounds_of_norm_squared(K)
    exact = norm_squared(K)
    assert low <= exact.upper and exact.lower <= high
    assert high - low <= exact.upper / 10**9


def test_the_float_bounds_of_a_multiple_eigenvalue():
    low, high = bounds_of_norm_squared(from_matrix(3 * np.eye(60, dtype=int)))
    assert low == 9 <= high < 9 + Fraction(1, 10**8)


@pytest.mark.parametrize("weights, shape, boundary, name", [
    (np.ones((2, 2, 2), dtype=int), 5, PERIODIC, "weights"),
    (np.ones((2, 3), dtype=int), 5, PERIODIC, "weights"),
    (np.ones((1, 1, 3, 3), dtype=int), 5, PERIODIC, "shape"),
    (np.ones((1, 1, 3), dtype=int), 0, PERIODIC, "shape"),
    (np.ones((1, 1, 3), dtype=int), 5, NATURAL, "boundary"),
    (np.ones((1, 1, 3), dtype=int), 5, REFLECTING, "boundary"),
])
def test_what_cannot_be_a_convolution_is_refused(weights, shape, boundary, name):
    with pytest.raises(InvalidArgument, match=f"^{name}:"):
        channel_norm_squared(weights, shape, boundary)
