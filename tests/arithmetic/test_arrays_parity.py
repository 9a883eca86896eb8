"""The list of operations on arrays of other libraries: which give NumPy's bits, and which not.

Each runs on batches of 0, 1, 2 and 5 signals of 1, 2, 5 and 6 samples, in both floating point
types, on views with other strides, and with NaN and infinity, which it refuses or passes on like
NumPy.  The other files of this name go into the single operations.
"""

from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse
from array_libraries import agree

from stabkit import fluxes
from stabkit.arithmetic.backend import namespace
from stabkit.errors import HypothesisNotMet, InvalidArgument
from stabkit.learning import BatchStatistics, ResidualNetwork
from stabkit.learning.classifier import Classifier, CrossEntropy
from stabkit.learning.images import patches
from stabkit.multigrid import Multigrid, algebraic
from stabkit.multigrid.cycle import Cycle, Direct, F, Smoothed, V, W
from stabkit.multigrid.diffusion_system import diffusion_gradient
from stabkit.multigrid.implicit_diffusion import implicit_diffusion
from stabkit.multigrid.layers import Convolution, MaxPooling, TransposedConvolution
from stabkit.multigrid.smoother import SOR, Chebyshev, Jacobi, Richardson
from stabkit.multigrid.unet import start, unet
from stabkit.operators import DIRICHLET, PERIODIC, difference, from_matrix
from stabkit.operators.sparse import portable
from stabkit.schemes import (
    FSI,
    Explicit,
    FixedPoint,
    ForwardEuler,
    HaarShrinkage,
    Implicit,
    Leapfrog,
    ResidualBlock,
    SymmetricLayer,
    TotalVariation,
    Verlet,
)
from stabkit.stability.notions import CONTRACTION, CONTRAST, EUCLIDEAN, RANGE, SIGN, Energy, energy

BITS = "equal bits: + − · / √, comparisons and moves, in NumPy's order"
SUMS = "close: a sum, or a product of matrices, in an order of the library's own"
ROUNDED = "close: exp or tanh, which libraries round differently"
SOLVED = "close: another elimination, or other iterates up to a tolerance"

RATIONAL, SOFT = fluxes.rational("3/2"), fluxes.soft("1/2")


def dense(m, n):
    entries = np.random.default_rng(m + 10 * n).integers(-4, 5, (m, n))
    return from_matrix([[f"{entry}/8" for entry in row] for row in entries.tolist()])


def layer(n):
    return SymmetricLayer(dense(n, n), SOFT, TotalVariation("1/10", n))


def states(scheme, n):
    """A scheme of states (y, z), on signals taken twice."""
    made = scheme(n)
    return lambda u: made(namespace(u).concat([u, u / 2], axis=-1))


def colours(n, shape):
    """Even unknowns first."""
    return np.argsort(np.argsort(np.arange(n) % 2, kind="stable"))


def laplacian(n):
    return scipy.sparse.diags_array([2.5, -1.0, -1.0], offsets=[0, 1, -1], shape=(n, n)).tocsr()


def method(n, smoother, visit=V, post=1, coarsest=None):
    pairs = scipy.sparse.csr_array((np.ones(n), (np.arange(n), np.arange(n) // 2)))
    cycle = Cycle(smoother, 1, post, visit, coarsest=coarsest or Smoothed(smoother))
    return Multigrid(algebraic(laplacian(n), [pairs] if n > 1 else []), cycle)


def cycled(*options):
    def build(n):
        made = method(n, *options)
        return lambda u: made.step(0 * u.T, u.T)
    return build


def swept(smoother):
    def build(n):
        sweep = smoother.on(laplacian(n))
        return lambda u: sweep(u.T / 2, u.T)
    return build


def product(n):
    A = portable(laplacian(n))
    return lambda u: A @ u.T


def gradient(n):
    def act(u):
        xp = namespace(u)
        return diffusion_gradient(xp.concat([u, xp.ones((1, n), dtype=u.dtype)]), RATIONAL)
    return act


def network(n):
    net = unet(method(n, Jacobi()))
    return lambda u: net(start(u.T)).r


def images(act):
    """An action on images with two channels, on signals taken as their first rows."""
    return lambda n: lambda u: act(namespace(u).stack([u[:, None, :], u[:, None, :] / 3], axis=1))


def margins(notion):
    return lambda n: lambda u: notion.margins(*([u, u / 2 + 1] * notion.signals))


def kernel(*shape):
    return np.random.default_rng(2).standard_normal(shape)


NET = ResidualNetwork(layers=2, channels=2, delta="1/2", activation=RATIONAL)
THETA = NET.initial(seed=0)

OPERATIONS = {
    "product with a sparse operator": (lambda n: lambda u: dense(4, n) @ u, BITS),
    "flux of + − · / √": (lambda n: RATIONAL, BITS),
    "flux with exp": (lambda n: fluxes.perona_malik(), ROUNDED),
    "explicit step": (lambda n: Explicit(difference(1, n), RATIONAL, "1/4"), BITS),
    "FSI cycle": (lambda n: FSI(difference(1, n), RATIONAL, "1/4", 3), BITS),
    "fixed point iteration": (lambda n: FixedPoint(difference(1, n), RATIONAL, "1/8", 4), BITS),
    "implicit step": (lambda n: Implicit(difference(1, n), SOFT, "1/4"), SOLVED),
    "Haar shrinkage": (lambda n: HaarShrinkage(SOFT, n), BITS),
    "residual block": (lambda n: ResidualBlock(dense(n + 1, n), dense(n, n + 1), SOFT), BITS),
    "symmetric layer, normalised": (lambda n: ForwardEuler(layer(n), "1/2"), BITS),
    "Verlet step": (lambda n: states(lambda n: Verlet(layer(n), layer(n), "1/2"), n), BITS),
    "leapfrog step": (lambda n: states(lambda n: Leapfrog(layer(n), "1/2"), n), BITS),
    "margin: range": (margins(RANGE), BITS),
    "margin: sign": (margins(SIGN), BITS),
    "margin: contrast": (margins(CONTRAST), BITS),
    "margin: Euclidean": (margins(EUCLIDEAN), SUMS),
    "margin: contraction": (margins(CONTRACTION), SUMS),
    "margin: energy": (lambda n: margins(energy(Energy(difference(1, n), RATIONAL)))(n), SUMS),
    "multigrid: product": (product, BITS),
    "multigrid: Richardson": (swept(Richardson(Fraction(1, 8))), BITS),
    "multigrid: Jacobi": (swept(Jacobi()), BITS),
    "multigrid: Chebyshev": (swept(Chebyshev(3)), BITS),
    "multigrid: SOR of few colours": (swept(SOR(Fraction(5, 4), colours)), BITS),
    "multigrid: V-cycle, smoothed at last": (cycled(Jacobi()), BITS),
    "multigrid: W-cycle, smoothed at last": (cycled(Jacobi(), W), BITS),
    "multigrid: F-cycle, smoothed at last": (cycled(Jacobi(), F), BITS),
    "multigrid: backslash, smoothed at last": (cycled(Jacobi(), V, 0), BITS),
    "multigrid: V-cycle, solved at last": (cycled(Jacobi(), V, 1, Direct()), SOLVED),
    "multigrid: U-net": (network, BITS),
    "implicit diffusion: gradient": (gradient, BITS),
    "implicit diffusion: step": (lambda n: lambda u: implicit_diffusion(u, RATIONAL, 1).u, SOLVED),
    "MgNet: convolution": (lambda n: lambda u: Convolution(kernel(2, 1, 3, 3), 2)(u[None, ...]),
                           SUMS),
    "MgNet: its adjoint": (lambda n: lambda u: TransposedConvolution(
        Convolution(kernel(1, 2, 3, 3), 1, PERIODIC), tuple(u.shape))(u[None, ...]), SUMS),
    "MgNet: max pooling": (lambda n: lambda u: MaxPooling()(u[None, ...]), BITS),
    "network: patches": (images(lambda y: patches(y, 3, DIRICHLET)), BITS),
    "network: features": (images(lambda y: NET(THETA, y)), SUMS),
    "network: Jᵀ w": (images(lambda y: NET.linearise(THETA, y).adjoint(y)), SUMS),
    "network: batch normalisation": (images(BatchStatistics()), SUMS),
    "network: scores": (lambda n: images(Classifier(kernel(3, 2, 1, n), kernel(3)))(n), SUMS),
    "network: slope of the cross-entropy": (lambda n: lambda u: CrossEntropy().gradient(
        u, u / 2), ROUNDED),
}


def attempt(act, u):
    """What it makes of u, or the error that it refuses u with."""
    with np.errstate(all="ignore"):
        try:
            return act(u)
        except (InvalidArgument, HypothesisNotMet) as error:
            return type(error)


def compare(xp, act, u, why):
    before = u.copy()
    host, mine = attempt(act, u), attempt(act, xp.array(u))
    if isinstance(host, type):
        assert mine is host
        return
    exactly = why is BITS or (why is not SOLVED and xp.computes_like_numpy())
    agree(xp.host(mine), np.asarray(host), exactly=exactly, ulps=1e7 if why is SOLVED else 1e3)
    assert np.array_equal(u, before, equal_nan=True)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", [
    pytest.param(name, marks=pytest.mark.slow) if name == "implicit diffusion: step" else name
    for name in OPERATIONS
])
def test_parity(xp, name):
    build, why = OPERATIONS[name]
    rng = np.random.default_rng(5)
    for n in (1, 2, 5, 6):
        try:
            act = build(n)
        except InvalidArgument:  # a mirrored filter or a difference of one sample
            assert n == 1
            continue
        for dtype in (np.float32, float):
            u = (3 * rng.standard_normal((5, n))).astype(dtype)
            for given in (u, u[:0], u[::-2, ::-1], u[:1], u[:2])[:5 if dtype is float else 3]:
                compare(xp, act, given, why)
        for bad in (np.nan, np.inf, -np.inf):
            spoilt = 3 * rng.standard_normal((2, n))
            spoilt[1, n // 2] = bad
            if why is not SOLVED or isinstance(attempt(act, spoilt), type):
                compare(xp, act, spoilt, why)
