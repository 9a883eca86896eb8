"""Networks in every array library: features, scores, derivative products, regulariser.

Equal bits with array-api-strict, whose products of matrices are NumPy's; close with a library that
sums a product of matrices, a mean or a variance in an order of its own.  Weights may stay on the
host; they are moved beside the images.
"""

from functools import cache

import numpy as np
import pytest
from array_libraries import agree

from stabkit import fluxes
from stabkit.errors import InvalidArgument
from stabkit.growth import lyapunov_exponents
from stabkit.learning import (
    Architecture,
    BatchStatistics,
    PixelVariation,
    ResidualNetwork,
    TimeSmoothness,
    hamiltonian,
    parabolic,
    second_order,
    unchanged,
)
from stabkit.learning.classifier import Classifier, CrossEntropy, LeastSquares
from stabkit.learning.images import (
    adjoint,
    correlate,
    patches,
    prolong_images,
    restrict_images,
)
from stabkit.learning.normalisation import frozen
from stabkit.operators import DIRICHLET, PERIODIC

BOUNDARIES = pytest.mark.parametrize("boundary", [PERIODIC, DIRICHLET], ids=repr)
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda each: each.__name__)
SHAPES = [(1, 2, 1, 1), (2, 2, 2, 5), (3, 2, 4, 3), (0, 2, 3, 3)]


def signals(*shape, dtype=float, seed=1):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def compare(xp, act, *arrays):
    """What an action makes of the arrays of a library, against what it makes of NumPy's."""
    agree(xp.host(act(*map(xp.array, arrays))), act(*arrays), exactly=xp.computes_like_numpy(),
          ulps=1e3)


# -- convolutions ----------------------------------------------------------------------------------
@DTYPES
@BOUNDARIES
def test_convolutions(xp, boundary, dtype):
    """Patches are moved only, so they have equal bits everywhere; views too."""
    kernel = signals(3, 2, 3, 3, seed=2)
    for shape in SHAPES:
        images = signals(*shape, dtype=dtype)
        for seen in (images, images[::-1, :, :, ::-1]):
            agree(xp.host(patches(xp.array(seen), 3, boundary)), patches(seen, 3, boundary),
                  exactly=True)
            compare(xp, lambda y: correlate(kernel, y, boundary), seen)
            compare(xp, lambda K, y: correlate(K, y, boundary), kernel, seen)
    compare(xp, adjoint, kernel)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf], ids=str)
@BOUNDARIES
def test_outside_there_is_nothing_even_of_what_is_not_finite(xp, boundary, bad):
    images = signals(1, 1, 3, 4)
    images[0, 0, 0, 1] = bad
    agree(xp.host(patches(xp.array(images), 3, boundary)), patches(images, 3, boundary),
          exactly=True)


def test_transfers(xp):
    images = signals(2, 3, 4, 6)
    for act in (restrict_images, prolong_images):
        agree(xp.host(act(xp.array(images))), act(images), exactly=True)


# -- the residual network and its derivative -------------------------------------------------------
@cache
def network(boundary):
    return ResidualNetwork(layers=2, channels=3, delta="1/2", boundary=boundary,
                           activation=fluxes.rational())


@DTYPES
@BOUNDARIES
def test_residual_networks(xp, boundary, dtype):
    """Forward, and the products J v and Jᵀ w by weights and features."""
    net = network(boundary)
    theta, v = net.initial(seed=0).astype(dtype), signals(net.size, dtype=dtype, seed=3)
    images = signals(2, 4, 5, dtype=dtype)
    compare(xp, net.open, images)
    start = net.open(images)
    w = signals(*start.shape, dtype=dtype, seed=4)
    compare(xp, net, theta, start)
    compare(xp, lambda y: net(theta, y), start)
    compare(xp, lambda y: net.linearise(theta, y).features, start)
    compare(xp, lambda y: net.linearise(theta, y).forward(v), start)
    compare(xp, lambda y, d: net.linearise(theta, y).forward(v, d), start, w)
    compare(xp, lambda y, d: net.linearise(theta, y).adjoint(d), start, w)
    compare(xp, lambda y, d: net.linearise(theta, y).start_adjoint(d), start, w)


@pytest.mark.parametrize("bad", [np.nan, np.inf], ids=str)
def test_what_is_not_finite_or_not_float_is_refused(xp, bad):
    net = network(PERIODIC)
    images = signals(2, 4, 5)
    images[0, 1, 2] = bad
    with pytest.raises(InvalidArgument, match="images: must be finite"):
        net.open(xp.array(images))
    with pytest.raises(InvalidArgument, match="dtype must be float32, float64"):
        net.open(xp.array(np.ones((2, 4, 5), dtype=np.int64)))
    with pytest.raises(InvalidArgument, match="none of them 0"):
        net.open(xp.array(np.ones((0, 4, 5))))


# -- the full networks -----------------------------------------------------------------------------
@pytest.mark.slow
@pytest.mark.parametrize("standardise", [unchanged, BatchStatistics(), PixelVariation()],
                         ids=["unchanged", "batch", "pixel"])
@pytest.mark.parametrize("dynamics", [parabolic, hamiltonian, second_order],
                         ids=lambda each: each.__name__)
def test_full_networks(xp, dynamics, standardise):
    made = Architecture(image=(3, 4, 6), widths=(4, 2), last=2, classes=3, delta="1/2",
                        standardise=standardise).build(dynamics, seed=0)
    images = signals(4, 3, 4, 6)
    for net in (made, frozen(made, images)):
        compare(xp, net, images)
        compare(xp, net, images[::-1, :, :, ::-1])


# -- losses, classifier, regulariser, exponents ----------------------------------------------------
@DTYPES
@pytest.mark.parametrize("loss", [LeastSquares(), CrossEntropy()], ids=lambda each: repr(each)[:30])
def test_losses(xp, loss, dtype):
    scores, targets = 900 * signals(4, 3, dtype=dtype), np.eye(3, dtype=dtype)[[0, 2, 1, 1]]
    mine, host = loss.value(xp.array(scores), targets), loss.value(scores, targets)
    assert mine == host if xp.computes_like_numpy() else abs(mine - host) <= 1e-5 * host
    compare(xp, lambda z: loss.gradient(z, targets), scores)
    compare(xp, loss.curvature, scores, signals(4, 3, dtype=dtype, seed=2))


def test_cross_entropy_is_that_of_scipy():
    """The library that the formulas were taken over from, large scores and equal ones included."""
    from scipy.special import log_softmax, softmax

    scores, targets = np.array([[900.0, -900, 3], [0, 0, 0]]), np.eye(3)[:2]
    assert CrossEntropy().value(scores, targets) == -(log_softmax(scores, axis=1) * targets
                                                      ).sum() / 2
    assert (CrossEntropy().gradient(scores, targets)
            == (softmax(scores, axis=1) - targets) / 2).all()


def test_classifiers(xp):
    made = Classifier(signals(3, 2, 4, 4), signals(3))
    features, scores = signals(5, 2, 4, 4), signals(5, 3)
    compare(xp, made, features)
    compare(xp, made.adjoint, scores)
    compare(xp, made.predict, features)


def test_regulariser(xp):
    penalty, theta, other = TimeSmoothness(0.5, 0.25), signals(4, 6), signals(3)
    mine = penalty.value([xp.array(theta)], [xp.array(other)])
    assert abs(mine - penalty.value([theta], [other])) <= 1e-14 * mine
    compare(xp, lambda t, o: penalty.gradient([t], [o])[0][0], theta, other)
    compare(xp, lambda t, o: penalty.gradient([t], [o])[1][0], theta, other)


def test_growth_is_decided_on_the_host(xp):
    """Exponents of n by n matrices, and exact propagators, whatever library the start is of."""
    from stabkit import Explicit, difference
    from stabkit.growth import propagator

    scheme, u = Explicit(difference(1, 4), fluxes.rational(), "1/4"), signals(4)
    assert lyapunov_exponents(scheme, xp.array(u), 5) == lyapunov_exponents(scheme, u, 5)
    mine, host = propagator(scheme, xp.array(u), 1), propagator(scheme, u, 1)
    assert (mine.matrix == host.matrix).all() and (mine.state == host.state).all()
