"""The convolution with channels against loops over pixels and taps, for every boundary."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from stabkit.errors import InvalidArgument
from stabkit.operators import (
    DIRICHLET,
    MIRRORED,
    NATURAL,
    NODE_MIRRORED,
    ODD_MIRRORED,
    PERIODIC,
    REFLECTING,
    Convolution,
    convolution,
)

BOUNDARIES = (DIRICHLET, PERIODIC, MIRRORED, ODD_MIRRORED, NODE_MIRRORED)


def sample(u, place, boundary):
    """One sample of a signal of length n by the words of the boundary, walking in step by step."""
    n, sign = len(u), 1
    while not 0 <= place < n:
        if boundary is DIRICHLET:
            return 0
        if boundary is PERIODIC:
            place += n if place < 0 else -n
        elif boundary is NODE_MIRRORED:
            place = -place if place < 0 else 2 * (n - 1) - place
        else:  # mirrored at the faces
            place = -1 - place if place < 0 else 2 * n - 1 - place
            sign = -sign if boundary is ODD_MIRRORED else sign
    return sign * u[place]


def extended(u, before, after, boundary):
    """A signal (channels, n[, m]) with more samples around it."""
    for axis, (b, a) in enumerate(zip(before, after, strict=True), 1):
        u = np.apply_along_axis(lambda line, b=b, a=a: np.array(
            [sample(line, place, boundary) for place in range(-b, len(line) + a)],
            dtype=object), axis, u)
    return u


def plain(kernel, u, boundary, stride, dilation, groups, pads):
    """Σ_c Σ_k w_{o,c,k} u_{c, s x + d k − before}, by loops."""
    u = extended(u, *zip(*pads, strict=True), boundary)
    taps, sizes = kernel.shape[2:], u.shape[1:]
    out = [(n - d * (k - 1) - 1) // s + 1 for n, d, k, s in
           zip(sizes, dilation, taps, stride, strict=True)]
    made = np.full((len(kernel), *out), Fraction(0), dtype=object)
    per_out, per_in = len(kernel) // groups, kernel.shape[1]
    for o, *x in np.ndindex(*made.shape):
        for c, *k in np.ndindex(per_in, *taps):
            place = [s * i + d * j for s, i, d, j in zip(stride, x, dilation, k, strict=True)]
            made[(o, *x)] += kernel[(o, c, *k)] * u[(o // per_out * per_in + c, *place)]
    return made


def rationals(rng, *shape):
    return np.array([Fraction(int(n), 3) for n in rng.integers(-9, 10, np.prod(shape))],
                    dtype=object).reshape(shape)


LAYOUTS = [  # kernel, grid, stride, dilation, groups, pads
    ((2, 3, 3), (5,), (1,), (1,), 1, None),
    ((2, 1, 3), (6,), (2,), (1,), 2, None),
    ((4, 2, 2), (7,), (2,), (2,), 2, ((1, 0),)),
    ((1, 1, 4), (3,), (1,), (1,), 1, ((3, 3),)),
    ((2, 2, 3, 5), (4, 6), (1, 1), (1, 1), 1, None),
    ((3, 1, 3, 3), (5, 4), (2, 1), (1, 2), 3, ((0, 2), (2, 1))),
    ((2, 1, 2, 1), (4, 3), (1, 3), (1, 1), 1, ((1, 0), (0, 0))),
]


@pytest.mark.parametrize("boundary", BOUNDARIES, ids=repr)
@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_map_adjoint_and_matrix(layout, boundary):
    """K u is the sum by loops; ⟨K u, v⟩ = ⟨u, Kᵀ v⟩; the matrix and its transpose do the same."""
    shape, grid, stride, dilation, groups, pads = layout
    rng = np.random.default_rng(3)
    kernel, u = rationals(rng, *shape), rationals(rng, shape[1] * groups, *grid)
    K = Convolution(kernel, stride, boundary, dilation=dilation, groups=groups, pads=pads)
    image = K(u)
    assert (image == plain(kernel, u, boundary, stride, dilation, groups, K.reach)).all()
    assert image.shape[1:] == K.output_shape(grid)
    v = rationals(rng, *image.shape)
    pulled = K.adjoint(v, grid)
    assert (image * v).sum() == (u * pulled).sum()
    matrix = K.matrix(grid)
    assert (matrix @ u.ravel() == image.ravel()).all()
    assert (matrix.T @ v.ravel() == pulled.ravel()).all()


@pytest.mark.slow
@pytest.mark.parametrize("boundary", BOUNDARIES, ids=repr)
def test_batches_and_patches(boundary):
    """A batch is convolved signal by signal, and K u is the kernel times all patches."""
    rng = np.random.default_rng(4)
    kernel, batch = rationals(rng, 2, 3, 3, 3), rationals(rng, 4, 3, 5, 4)
    K = Convolution(kernel, boundary=boundary)
    images = K(batch)
    assert (images == np.array([K(u) for u in batch])).all()
    assert (K.adjoint(images, (5, 4)) == np.array([K.adjoint(v, (5, 4)) for v in images])).all()
    product_ = kernel.reshape(2, -1) @ K.patches(batch)
    assert (product_.reshape(images.shape) == images).all()


def test_a_bias_is_added_by_the_map_alone():
    K = Convolution(np.array([[[0, 2, 0]]]), bias=np.array([5]))
    assert (K(np.array([[1, 2]])) == [[7, 9]]).all() and K.parameters == 4
    assert (K.adjoint(np.array([[1, 2]]), (2,)) == [[2, 4]]).all()
    assert (K.matrix((2,)).exact() == 2 * np.eye(2)).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_does_not_spread_through_the_zeros_outside(bad):
    u = np.array([[bad, 1.0, 2.0, 3.0]])
    assert Convolution(np.array([[[1.0, 1.0, 1.0]]]))(u)[0, 2:].tolist() == [6.0, 5.0]


@pytest.mark.parametrize("n, centre", list(product((1, 2, 5), (0, 2))))
def test_the_odd_mirrors_serve_one_channel_too(n, centre):
    """(K u)ᵢ = Σⱼ tapsⱼ u_{i + j − centre}, N×N."""
    u = rationals(np.random.default_rng(n), n)
    for boundary in (ODD_MIRRORED, NODE_MIRRORED) if n > 1 else (ODD_MIRRORED,):
        K = convolution([1, -3, 5], n, boundary, centre=centre)
        wanted = [sum(tap * sample(u, i + j - centre, boundary)
                      for j, tap in enumerate((1, -3, 5))) for i in range(n)]
        assert (K @ u == wanted).all()


@pytest.mark.parametrize("call, words", [
    (lambda: Convolution(np.ones((1, 1, 2))), "kernel"),
    (lambda: Convolution(np.ones((1, 3))), "kernel"),
    (lambda: Convolution(np.ones((3, 1, 3)), groups=2), "kernel"),
    (lambda: Convolution(np.ones((1, 1, 3)), 0), "stride"),
    (lambda: Convolution(np.ones((1, 1, 3)), dilation=(1, 1)), "dilation"),
    (lambda: Convolution(np.ones((1, 1, 3)), boundary="zeros"), "boundary"),
    (lambda: Convolution(np.ones((1, 1, 3)), boundary=REFLECTING)(np.ones((1, 4))), "boundary"),
    (lambda: Convolution(np.ones((1, 2, 3)))(np.ones((1, 4))), "u: must have 2 channels"),
    (lambda: Convolution(np.ones((1, 2, 3))).adjoint(np.ones((2, 4)), (4,)), "v: must have shape"),
])
def test_bad_input(call, words):
    with pytest.raises(InvalidArgument, match=words):
        call()


def test_natural_rows_fit_into_the_grid():
    K = Convolution(np.array([[[1, 2, 4]]]), boundary=NATURAL)
    assert K(np.array([[1, 10, 100, 1000]])).tolist() == [[421, 4210]]


def test_pads_that_cut_a_signal_are_for_matrices_alone():
    K = Convolution(np.array([[[1, 1]]]), pads=((-1, 0),))
    assert (K.matrix((4,)).exact() == [[0, 1, 1, 0], [0, 0, 1, 1]]).all()
    for act in (lambda: K(np.ones((1, 4))), lambda: K.adjoint(np.ones((1, 2)), (4,))):
        with pytest.raises(InvalidArgument, match="pads"):
            act()


@pytest.mark.parametrize("boundary", [*BOUNDARIES, NATURAL], ids=repr)
def test_a_grid_without_points_gives_one(boundary):
    """Also one that is smaller than the window, where nothing stands outside."""
    K = Convolution(np.ones((2, 1, 3, 3)), 2, boundary)
    assert K(np.ones((1, 0, 4))).shape == (2, *K.output_shape((0, 4)))
    assert K.adjoint(K(np.ones((1, 0, 4))), (0, 4)).shape == (1, 0, 4)
    if boundary is NATURAL:
        assert K(np.ones((1, 2, 5))).shape == (2, 0, 2)
