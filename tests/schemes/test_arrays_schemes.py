"""Every scheme in every array library: one definition, the numbers of NumPy."""

import numpy as np
import pytest
from array_libraries import agree

from stabkit import PERIODIC, Explicit, fluxes, repeat
from stabkit.errors import HypothesisNotMet, InvalidArgument
from stabkit.operators import difference, from_matrix, grid_gradient, tangential_differences
from stabkit.schemes import (
    FSI,
    Chain,
    FixedPoint,
    ForwardEuler,
    Function,
    HaarShrinkage,
    Implicit,
    IsotropicExplicit,
    Leapfrog,
    Linear,
    Pointwise,
    Regularisation,
    ResidualBlock,
    Reverse,
    SymmetricLayer,
    TotalVariation,
    Verlet,
    additive_splitting,
    cycle_spun_haar,
)

RATIONAL, SOFT, EXPONENTIAL = fluxes.rational("3/2"), fluxes.soft("1/2"), fluxes.perona_malik()


def dense(m, n):
    """A full matrix with quarters as entries."""
    entries = np.random.default_rng(m + 10 * n).integers(-4, 5, (m, n))
    return from_matrix([[f"{entry}/8" for entry in row] for row in entries.tolist()])


def layer(n, *, normalised=False):
    return SymmetricLayer(dense(n, n), SOFT, TotalVariation("1/10", n) if normalised else None,
                          scale=["1/2"] * n, bias=["1/4"] * n)


# Schemes of signals of length n; of states of length 2n where it is said.
SCHEMES = {
    "explicit": lambda n: Explicit(difference(1, n), RATIONAL, "1/4"),
    "explicit, periodic": lambda n: Explicit(difference(1, n, "1/2", PERIODIC), SOFT, "1/40"),
    "explicit, exponential": lambda n: Explicit(difference(1, n), EXPONENTIAL, "1/4"),
    "explicit, many steps": lambda n: repeat(Explicit(difference(1, n), RATIONAL, "1/4"), 5),
    "isotropic": lambda n: IsotropicExplicit(grid_gradient((n, 3)), RATIONAL, "1/8",
                                             tangential_differences((n, 3))),
    "FSI": lambda n: FSI(difference(1, n), RATIONAL, "1/4", 4),
    "FSI, frozen": lambda n: FSI(difference(1, n), SOFT, "1/4", 3, frozen=True),
    "FSI, as printed": lambda n: FSI(difference(1, n), SOFT, "1/4", 3, printed=True),
    "fixed point": lambda n: FixedPoint(difference(1, n), RATIONAL, "1/8", 6),
    "Haar": lambda n: HaarShrinkage(fluxes.garrote(), n),
    "Haar, periodic": lambda n: HaarShrinkage(SOFT, n, PERIODIC),
    "block": lambda n: ResidualBlock(dense(n + 1, n), dense(n, n + 1), SOFT, ["1/3"] * (n + 1),
                                     ["1/7"] * n, fluxes.relu()),
    "Euler": lambda n: ForwardEuler(layer(n), "1/2"),
    "Euler, normalised": lambda n: ForwardEuler(layer(n, normalised=True), "1/2"),
    "linear": lambda n: Linear(dense(n, n)),
    "pointwise": lambda n: Pointwise(fluxes.firm(), n),
    "function": lambda n: Function(lambda u: abs(u) / 2, n),
    "chain": lambda n: Chain([Linear(dense(n, n)), Pointwise(SOFT, n),
                              Explicit(difference(1, n), RATIONAL, "1/4")]),
    "Verlet, 2n": lambda n: Verlet(layer(n), layer(n), "1/2"),
    "Verlet back, 2n": lambda n: Reverse(Verlet(layer(n), layer(n), "1/2")),
    "leapfrog, 2n": lambda n: Leapfrog(layer(n), "1/2"),
    "leapfrog back, 2n": lambda n: Reverse(Leapfrog(layer(n), "1/2")),
}
# exp, which libraries round differently; the others have + − · / √ only, so equal bits anywhere.
ROUNDED = {"explicit, exponential"}
SHAPES = [(), (1,), (3,), (0,), (2, 2), (0, 2), (2, 0)]


def signals(shape, dtype=float):
    return (3 * np.random.default_rng(7).standard_normal(shape)).astype(dtype)


def check(xp, name, scheme, u):
    before = u.copy()
    mine = xp.host(scheme(xp.array(u)))
    agree(mine, scheme(u), exactly=name not in ROUNDED or xp.computes_like_numpy())
    assert (u == before).all()


@pytest.mark.parametrize("name", SCHEMES)
def test_lengths(xp, name):
    """Signals of length 1, 2, odd and even, in both floating point types."""
    for n in (1, 2, 5, 8):
        try:
            scheme = SCHEMES[name](n)
        except InvalidArgument:  # a mirrored filter or a difference of one sample
            assert n == 1
            continue
        for dtype in (np.float32, np.float64):
            check(xp, name, scheme, signals((3, scheme.size), dtype))


@pytest.mark.parametrize("name", SCHEMES)
def test_batches(xp, name):
    """One signal, batches of one and more axes, empty batches, and views with any strides."""
    scheme = SCHEMES[name](5)
    for batch in SHAPES:
        check(xp, name, scheme, signals((*batch, scheme.size)))
    wide = signals((2 * scheme.size, 6))
    check(xp, name, scheme, wide.T[:, ::2])
    check(xp, name, scheme, wide.T[::-2, ::-2])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf], ids=str)
def test_what_is_not_finite_is_refused(xp, bad):
    """NaN and infinity never enter a scheme, and the message says where they are."""
    u = signals((2, 4))
    u[1, 2] = bad
    with pytest.raises(InvalidArgument, match=r"u: must be finite, got .* at index \(1, 2\)"):
        SCHEMES["explicit"](4)(xp.array(u))


def test_other_lengths_and_types_are_refused(xp):
    scheme = SCHEMES["explicit"](4)
    with pytest.raises(InvalidArgument, match="last axis must have length 4"):
        scheme(xp.array(signals((2, 3))))
    with pytest.raises(InvalidArgument, match="dtype must be float32, float64"):
        scheme(xp.array(np.zeros((2, 4), np.int64)))


def test_products_let_nothing_in_beside_the_entries(xp):
    """K u with NaN and infinity in u: a row sees its own columns only, as in a sparse matrix."""
    K = from_matrix([[1, 0, 0, 0], [0, 0, 0, 0], [1, -1, 0, "1/3"], [0, 0, 2, 0]])
    for special in (np.nan, np.inf, -np.inf):
        for place in range(4):
            u = signals(4)
            u[place] = special
            for operator in (K, K.T):
                expected = operator.exact().astype(float)
                with np.errstate(invalid="ignore"):
                    product = xp.host(operator @ xp.array(u))
                touched = expected[:, place] != 0
                assert (~np.isfinite(product) == touched).all()


@pytest.mark.slow
@pytest.mark.parametrize("flux", [RATIONAL, SOFT, EXPONENTIAL], ids=str)
def test_implicit_steps(xp, flux):
    """Solved by a dense elimination off the host: not the bits, but the equation holds as well."""
    for n in (2, 5, 8):
        scheme = Implicit(difference(1, n), flux, "1/4")
        for batch in ((), (3,), (0,), (2, 2)):
            u = signals((*batch, n))
            v = xp.host(scheme(xp.array(u)))
            agree(v, scheme(u), exactly=False, ulps=1e5)
            assert (abs(scheme.residual(u, v)) <= 1e-12 * max(1, abs(u).max(initial=0))).all()


def test_an_implicit_step_that_does_not_converge_says_so(xp):
    scheme = Implicit(difference(1, 6), fluxes.rational("1/10"), "50", max_iterations=1)
    with pytest.raises(HypothesisNotMet, match="no convergence in 1 iterations"):
        scheme(xp.array(signals(6)))


def test_additive_splitting(xp):
    """Each library solves the systems in its own way."""
    scheme, u = additive_splitting((3, 4), RATIONAL, 2), signals((2, 12))
    agree(xp.host(scheme(xp.array(u))), scheme(u), exactly=False)


def test_pairs(xp):
    """The pair (u, u′) of an implicit step, from u′."""
    scheme, x = Implicit(difference(1, 5), SOFT, 2), signals((3, 5))
    for mine, reference in zip(scheme.pair(xp.array(x)), scheme.pair(x), strict=True):
        agree(xp.host(mine), reference, exactly=True)


def test_regularisation(xp):
    """E, its gradient and a descent step; sums are rounded in an order of the library's own."""
    model, u = Regularisation(difference(1, 6), SOFT, "1/2"), signals((2, 6))
    f = u[::-1] / 3
    mine = [xp.array(part) for part in (u, f)]
    agree(xp.host(model.energy(*mine)), model.energy(u, f), exactly=False)
    agree(xp.host(model.gradient(*mine)), model.gradient(u, f), exactly=True)
    agree(xp.host(model.descend(*mine, "1/9")), model.descend(u, f, "1/9"), exactly=True)


def test_the_wavelet_side(xp):
    def shrink(d):
        return d / 2

    f = signals(8)
    agree(xp.host(cycle_spun_haar(xp.array(f), shrink)), cycle_spun_haar(f, shrink), exactly=True)


@pytest.mark.parametrize("name", ["Euler", "Euler, normalised", "Verlet, 2n", "leapfrog, 2n"])
def test_jacobians(xp, name):
    """Derivatives of a step, products of dense matrices: sums in an order of the library's own."""
    scheme = SCHEMES[name](3)
    u = signals(scheme.size)
    agree(xp.host(scheme.jacobian(xp.array(u))), scheme.jacobian(u), exactly=False)
