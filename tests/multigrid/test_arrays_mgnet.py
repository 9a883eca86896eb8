"""MgNet, its blocks and the classic networks in every array library.

Equal bits with array-api-strict; close where a library sums over channels in an order of its own.
Pooling, padding and activations move and compare only: equal bits everywhere.
"""

from fractions import Fraction

import numpy as np
import pytest
from array_libraries import agree

from stabkit.errors import InvalidArgument
from stabkit.multigrid.layers import (
    Convolution,
    Dense,
    MaxPooling,
    TransposedConvolution,
    average_pooling,
    channelwise,
    matrix_of,
    nothing,
    relu,
)
from stabkit.multigrid.mgnet import (
    ChebyshevStep,
    Grid,
    MultiStep,
    SingleStep,
    backslash_mg,
    chebyshev_omegas,
    mgnet,
    v_mg,
    v_mgnet,
)
from stabkit.multigrid.network import (
    DenseBlock,
    Stage,
    classic_network,
    extractor,
    iresnet_step,
    mg_features,
    negated,
    post_activated_step,
    pre_activated_step,
    resnet_step,
    resnet_transition,
    sigma_resnet_step,
)
from stabkit.operators import DIRICHLET, MIRRORED, NODE_MIRRORED, ODD_MIRRORED, PERIODIC

BOUNDARIES = [DIRICHLET, PERIODIC, MIRRORED, ODD_MIRRORED, NODE_MIRRORED]
SHAPES = [(2,), (5,), (8,), (2, 3), (5, 8)]


def signals(*shape, dtype=float, seed=1):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def compare(xp, act, f, exactly=False):
    agree(xp.host(act(xp.array(f))), act(f), exactly=exactly or xp.computes_like_numpy(), ulps=1e3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=repr)
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("boundary", BOUNDARIES, ids=repr)
def test_convolutions_and_their_adjoints(xp, boundary, stride, dtype):
    """Kernels of floats, integers and fractions; float32 stays float32."""
    for shape in SHAPES:
        sizes = [3] * len(shape)
        for kernel in (signals(3, 2, *sizes, dtype=dtype), np.ones((3, 2, *sizes), dtype=int)):
            made = Convolution(kernel, stride, boundary, bias=signals(3, dtype=dtype))
            f = signals(2, *shape, dtype=dtype)
            compare(xp, made, f)
            compare(xp, made, f[::-1, ..., ::-1])
            back = TransposedConvolution(made, shape)
            v = signals(3, *made.output_shape(shape), dtype=dtype)
            agree(xp.host(back(xp.array(v))), back(v), exactly=False)
        assert Convolution(signals(3, 2, *sizes, dtype=dtype))(f).dtype == dtype


@pytest.mark.parametrize("boundary", BOUNDARIES, ids=repr)
def test_gathering_is_the_transposed_matrix(xp, boundary):
    """Against the matrix of the convolution, column by column in fractions."""
    kernel = np.array([[[Fraction(k + 3 * c, 4) for k in range(3)] for c in range(2)]])
    exact = matrix_of(Convolution(kernel, 2, boundary), (2, 6)).astype(float)
    v = signals(1, 3)
    made = TransposedConvolution(Convolution(kernel.astype(float), 2, boundary), (6,))
    agree(xp.host(made(xp.array(v))), (exact.T @ v.ravel()).reshape(2, 6), exactly=False)


@pytest.mark.parametrize("bad", [None, np.nan, np.inf, -np.inf], ids=str)
def test_pooling_and_activation(xp, bad):
    """Windows at the border, strides that do and do not divide, and what is not finite."""
    for shape in [(1,), *SHAPES]:
        f = signals(2, *shape)
        f[0, 0] = f[0, 0] if bad is None else bad
        for k, stride in ((0, 1), (1, 2), (2, 3), (9, 1)):
            compare(xp, MaxPooling(k, stride), f, exactly=True)
        compare(xp, relu, f, exactly=True)
        compare(xp, average_pooling, f)


def test_a_window_ends_at_the_border():
    """4 2 7 1 5 with windows of three, every second one: max(4, 2), max(2, 7, 1), max(1, 5)."""
    assert MaxPooling()(np.array([[4.0, 2, 7, 1, 5]])).tolist() == [[4, 7, 5]]
    exact = np.array([[Fraction(1, 3), Fraction(1, 2), Fraction(2, 5)]])
    assert MaxPooling()(exact).tolist() == [[Fraction(1, 2), Fraction(1, 2)]]


def test_dense_layers(xp):
    compare(xp, Dense(signals(3, 8), signals(3)), signals(2, 2, 2))
    compare(xp, Dense(np.ones((3, 8), dtype=int)), signals(2, 4))


def layer(seed, stride=1):
    return Convolution(signals(2, 2, 3, 3, seed=seed) / 5, stride)


def grids(extraction, post=None):
    shape = (8, 8)
    fine = Grid(layer(1), extraction, R=layer(2, 2), Pi=layer(3, 2),
                P=TransposedConvolution(layer(4, 2), shape), post=post)
    return [fine, Grid(layer(5), extraction)]


EXTRACTIONS = {
    "single": SingleStep((layer(6), layer(7))), "features": mg_features((layer(6),)),
    "multi": MultiStep(((1,), (0.25, 0.75)), ((layer(6),), (layer(7), layer(8)))),
    "Chebyshev": ChebyshevStep(chebyshev_omegas(0.5, 2), (layer(6), layer(7))),
}


@pytest.mark.parametrize("name", EXTRACTIONS)
def test_mgnet(xp, name):
    """Algorithms 2, 3 and 4 and the V-cycle."""
    f, made = signals(2, 8, 8), grids(EXTRACTIONS[name], SingleStep((extractor(layer(9)),)))
    for algorithm in (backslash_mg, v_mg, v_mgnet):
        compare(xp, lambda f, run=algorithm: run(f, made), f)
    compare(xp, lambda f: mgnet(f, made, f_in=layer(0), start=nothing)[-1].last, f)


def test_classic_networks(xp):
    steps = (resnet_step(layer(1), layer(2)), sigma_resnet_step(layer(1), layer(2)),
             iresnet_step(layer(1), layer(2)), pre_activated_step(layer(3)),
             post_activated_step(layer(4)))
    down = resnet_transition(layer(5, 2), negated(layer(6, 2)))
    net = classic_network(layer(0), (Stage(steps, down), Stage(steps)), average_pooling)
    compare(xp, net, signals(2, 8, 8))
    compare(xp, DenseBlock((layer(1), channelwise([[0.0, 1, 0]], 4))), signals(2, 4, 4))


def test_bad_input(xp):
    with pytest.raises(InvalidArgument, match="u: must have 2 channels"):
        layer(1)(xp.array(signals(3, 4, 4)))
    with pytest.raises(InvalidArgument, match="v: must have shape"):
        TransposedConvolution(layer(4, 2), (8, 8))(xp.array(signals(2, 3, 3)))
