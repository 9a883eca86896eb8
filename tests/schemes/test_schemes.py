"""Schemes against formulas written out with dense NumPy, PyWavelets, and exact differences."""

from fractions import Fraction

import numpy as np
import pytest
import pywt
from hypothesis import given, settings
from hypothesis import strategies as st

from stabkit import fluxes
from stabkit.arithmetic.enclosure import Interval
from stabkit.arithmetic.rational import fractions
from stabkit.errors import HypothesisNotMet, InvalidArgument
from stabkit.operators import MIRRORED, NATURAL, PERIODIC, difference, from_matrix
from stabkit.schemes import (
    FSI,
    Chain,
    Explicit,
    FixedPoint,
    Function,
    HaarShrinkage,
    Implicit,
    Linear,
    Pointwise,
    Regularisation,
    ResidualBlock,
    cycle_spun_haar,
    repeat,
)
from stabkit.schemes.weighted_systems import WORTH_COMPILING
from stabkit.testing import fluxes as any_flux
from stabkit.testing import operators, signals

HALF = Fraction(1, 2)
K3, K6 = difference(1, 3), difference(1, 6)
FULL = from_matrix(np.random.default_rng(1).integers(-3, 4, (40, 40)).tolist())
# Φ written down once more, for floats.
PHI = {
    "identity": lambda s: s, "soft": lambda s: np.clip(s, -1, 1),
    "garrote": lambda s: np.where(abs(s) <= 1, s, 1 / np.where(s == 0, 1, s)),
    "perona_malik": lambda s: s * np.exp(-(s**2) / 2),
    "charbonnier": lambda s: s / np.sqrt(1 + s**2),
    "relu": lambda s: np.maximum(s, 0),
}
FLUXES = {name: getattr(fluxes, name)() for name in PHI}
BATCH = np.random.default_rng(3).standard_normal((5, 6)) * 2


def dense(K):
    return K.exact().astype(float)


def near(found, wanted, digits=1e-12):
    return np.abs(np.asarray(found, float) - np.asarray(wanted, float)).max() <= digits


@pytest.mark.parametrize("name", PHI)
def test_explicit_steps(name):
    """T(u) = u − τ KᵀΦ(K u), row by row with a dense K."""
    A, phi = dense(K6), PHI[name]
    wanted = [u - 0.3 * A.T @ phi(A @ u) for u in BATCH]
    assert near(Explicit(K6, FLUXES[name], 0.3)(BATCH), wanted)


@pytest.mark.parametrize("name", PHI)
@pytest.mark.parametrize("length", [1, 2, 5])
def test_fsi_cycles(name, length):
    """u⁺ = α_l (u − τKᵀΦ(K u)) + (1 − α_l) u⁻ with α_l = (4l + 2)/(2l + 3), from u⁻ = u = u⁰."""
    A, phi = dense(K6), PHI[name]
    for u in BATCH:
        before, now = u, u
        for n in range(length):
            alpha = (4 * n + 2) / (2 * n + 3)
            before, now = now, alpha * (now - 0.3 * A.T @ phi(A @ now)) + (1 - alpha) * before
        assert near(FSI(K6, FLUXES[name], 0.3, length)(u), now)


def test_frozen_cycles_keep_the_first_diffusivities():
    """With G = G(u⁰) the cycle is a polynomial of τKᵀGK: the recursion on a dense matrix."""
    A = dense(K6)
    for u in BATCH:
        s = A @ u
        M = 0.3 * A.T @ np.diag(np.exp(-(s**2) / 2)) @ A
        before = now = np.eye(6)
        for n in range(4):
            alpha = (4 * n + 2) / (2 * n + 3)
            before, now = now, alpha * (now - M @ now) + (1 - alpha) * before
        assert near(FSI(K6, fluxes.perona_malik(), 0.3, 4, frozen=True)(u), now @ u)


def test_the_cycle_is_the_dirichlet_kernel():
    """For K = √z (here z = 1/4, τ = 1) pₙ(z) = (1 + 2 Σ cos kt)/(2n + 1) with z = 1 − cos t."""
    K, t = from_matrix([[HALF]]), np.arccos(0.75)
    for n in range(1, 12):
        wanted = (1 + 2 * np.cos(np.arange(1, n + 1) * t).sum()) / (2 * n + 1)
        cycle = FSI(K, fluxes.identity(), 1, n)
        assert near(cycle(np.array([1.0])), wanted) and cycle.time == Fraction(n * (n + 1), 3)


def test_the_printed_cycle_has_a_one_in_place_of_the_signal():
    """alt2021, eq. (7) as printed: one step gives (2/3)(1 − τKᵀΦ(K u)) + u/3."""
    u = fractions([1, 5, 2])
    wanted = Fraction(2, 3) * (1 - HALF * (K3.T @ (K3 @ u))) + u / 3
    assert list(FSI(K3, fluxes.identity(), HALF, 1, printed=True)(u)) == list(wanted)


@pytest.mark.parametrize("name", PHI)
def test_fixed_point_iterations(name):
    """v ← u − τKᵀΦ(K v), n times from v = u."""
    A, phi = dense(K6), PHI[name]
    for u in BATCH:
        v = u
        for _ in range(4):
            v = u - 0.2 * A.T @ phi(A @ v)
        assert near(FixedPoint(K6, FLUXES[name], 0.2, 4)(u), v)


@pytest.mark.parametrize("tau", [0.1, 1.0, 200.0])
@pytest.mark.parametrize("name", PHI)
def test_implicit_steps_solve_their_equation(name, tau):
    """v = u − τKᵀΦ(K v); for Φ = id that is (I + τKᵀK) v = u."""
    A, phi = dense(K6), PHI[name]
    v = Implicit(K6, FLUXES[name], tau)(BATCH)
    assert near(v - BATCH + tau * phi(v @ A.T) @ A, 0, 1e-9)
    if name == "identity":
        assert near(v.T, np.linalg.solve(np.eye(6) + tau * A.T @ A, BATCH.T), 1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("operator", [difference(1, 40), difference(2, 40), FULL])
def test_implicit_steps_of_a_batch_are_those_of_its_signals(operator):
    """Rows that need few and many iterations, among them one that is solved at once, bit for bit.

    The operators lead to three diagonals, to five, and to a full matrix.
    """
    rng = np.random.default_rng(3)
    u = rng.standard_normal((7, 40)) * 10.0 ** np.arange(-3, 4)[:, None]
    u[2] = 0
    scheme = Implicit(operator, fluxes.rational("1/2"), 3)
    v = scheme(u)
    assert all(np.array_equal(scheme(row), solved) for row, solved in zip(u, v, strict=True))


@pytest.mark.parametrize("count", [
    3, *(pytest.param(count, marks=pytest.mark.slow) for count in (1, 20))])
def test_long_implicit_steps_solve_their_equation(count):
    """Where the systems are solved by compiled loops, one by one or many at once."""
    n = 1 + WORTH_COMPILING // count
    u = np.random.default_rng(4).standard_normal((count, n))
    scheme = Implicit(difference(1, n), fluxes.rational(), 2)
    assert np.max(np.abs(scheme.residual(u, scheme(u)))) <= 1e-12 * np.max(np.abs(u))


def test_an_implicit_step_of_a_batch_that_does_not_converge_says_so():
    """A row that does not arrive is not hidden by one that does."""
    u = np.stack([np.zeros(6), [4.0, -3, 2, 0, 1, 5]])
    with pytest.raises(HypothesisNotMet, match="no convergence in 1 iterations"):
        Implicit(K6, fluxes.rational("1/10"), 50, max_iterations=1)(u)


@pytest.mark.slow
@given(operators(samples=5), any_flux(), st.data())
def test_implicit_pairs_are_exact(K, flux, data):
    """(u, v) with u = v + τKᵀΦ(K v) for any v: the exact input that has the solution v."""
    v = data.draw(signals(K.shape[1]))
    u, after = Implicit(K, flux, HALF).pair(v)
    wanted = v + HALF * (K.exact().T @ flux(K.exact() @ v))
    for x, y in zip(u, wanted, strict=True):
        assert (Interval(0) + x).overlaps(Interval(0) + y)
    assert after is v


def test_linear_implicit_steps_are_solved_exactly():
    """(I + τKᵀK) v = u in fractions, also for batches; other fluxes are refused exactly."""
    u = fractions([[1, 2, 5], [0, -1, "1/3"]])
    v = Implicit(K3, fluxes.identity(), "2/7")(u)
    assert (v + Fraction(2, 7) * ((v @ K3.exact().T) @ K3.exact()) == u).all()
    with pytest.raises(HypothesisNotMet, match=r"pair\(v\)"):
        Implicit(K3, fluxes.soft(), 1)(u)


@pytest.mark.parametrize("threshold", [0.3, 1.0, 2.5])
@pytest.mark.parametrize("name, mode", [("soft", "soft"), ("garrote", "garrote"), ("hard", "hard")])
def test_haar_shrinkage_is_what_pywavelets_computes(name, mode, threshold):
    """τ = 1/4, h = 1: the stationary Haar transform, thresholding with θ = q/√2, and its inverse.
    q is the threshold of the flux."""
    u = np.random.default_rng(8).standard_normal((3, 16)) * 2
    scheme = HaarShrinkage(getattr(fluxes, name)(threshold), 16, PERIODIC)
    for row, found in zip(u, scheme(u), strict=True):
        ((low, high),) = pywt.swt(row, "haar", level=1)
        high = pywt.threshold(high, threshold / np.sqrt(2), mode)
        assert near(found, pywt.iswt([(low, high)], "haar"))


@pytest.mark.parametrize("tau, h", [("1/4", 1), ("1/16", "1/2"), (1, 2), ("1/5", 1)])
@pytest.mark.parametrize("name", PHI)
def test_haar_shrinkage_is_an_explicit_step(name, tau, h):
    """Equivalence (10)-(11) of alt2020, periodic and with mirrored samples, for any τ and h; and
    the mean of the two decimated transforms."""
    flux, u = FLUXES[name], BATCH[0]
    if name == "relu":
        return  # S must be odd
    for boundary, K in ((PERIODIC, difference(1, 6, h, PERIODIC)), (MIRRORED, difference(1, 6, h))):
        scheme = HaarShrinkage(flux, 6, boundary, tau, h)
        assert near(scheme(u), Explicit(K, flux, tau)(u))
    periodic = HaarShrinkage(flux, 6, PERIODIC, tau, h)
    assert near(periodic(u), cycle_spun_haar(u, lambda r: flux.shrinkage(r, tau, h)))
    with pytest.raises(InvalidArgument, match="f: must be one signal of even length"):
        cycle_spun_haar(u[:5], abs)


def test_haar_shrinkage_is_exact_in_fractions():
    """For a rational flux the equivalence holds digit by digit."""
    for flux in (fluxes.soft("3/2"), fluxes.garrote(), fluxes.hard(2), fluxes.rational()):
        u = fractions([1, -3, "7/2", 0, "9/4"])
        for boundary, K in ((PERIODIC, difference(1, 5, 1, PERIODIC)),
                            (MIRRORED, difference(1, 5))):
            found = HaarShrinkage(flux, 5, boundary)(u)
            assert list(found) == list(Explicit(K, flux, "1/4")(u))


@pytest.mark.parametrize("name", ["identity", "soft", "charbonnier", "perona_malik", "garrote"])
def test_regularisation(name):
    """E(u) = ‖u − f‖² + α Σ Ψ((K u)ᵢ): the gradient is that of E (central differences are exact
    for the quadratic pieces), it vanishes at the minimiser, and no neighbour is lower."""
    flux, f = FLUXES[name], BATCH[1]
    model = Regularisation(K6, flux, 0.25)
    u = model.minimise(f)
    assert near(model.gradient(u, f), 0, 1e-9)
    rng = np.random.default_rng(9)
    for size in (1e-3, 0.1, 3.0):
        for direction in rng.standard_normal((20, 6)):
            assert model.energy(u + size * direction, f) > model.energy(u, f)
    point, eps = BATCH[2], 1e-5
    for i, unit in enumerate(np.eye(6)):
        rise = model.energy(point + eps * unit, f) - model.energy(point - eps * unit, f)
        assert abs(rise / 2 / eps - model.gradient(point, f)[i]) < 1e-6
    assert near(model.descend(point, f, "1/8"), point - model.gradient(point, f) / 8)


def test_the_quadratic_gradient_is_exact():
    """For Ψ = s², E is a quadratic: (E(u + v) − E(u − v))/2 = ∇E(u)·v in fractions."""
    model = Regularisation(K3, fluxes.identity(), "3/7")
    u, v, f = fractions([1, 2, 4]), fractions([3, "-1/2", 1]), fractions([0, 5, -2])
    assert (model.energy(u + v, f) - model.energy(u - v, f)) / 2 == model.gradient(u, f) @ v


def test_residual_blocks():
    """σ₂(u + W₂ σ₁(W₁ u + b₁) + b₂) with dense matrices; −τKᵀ and K make the explicit step."""
    W1, W2 = np.array([[1, 2, 0], [0, -1, 3.0]]), np.array([[1, 0], [2, 1], [0, -1.0]])
    b1, b2 = np.array([0.5, -1.0]), np.array([1.0, 0, 2])
    block = ResidualBlock(from_matrix(W1), from_matrix(W2), fluxes.relu(), b1, b2, fluxes.tanh())
    u = BATCH[:, :3]
    wanted = [np.tanh(x + W2 @ np.maximum(W1 @ x + b1, 0) + b2) for x in u]
    assert near(block(u), wanted)
    exact = ResidualBlock(K3, -HALF * K3.T, fluxes.garrote())
    v = fractions([4, -1, "1/3"])
    assert list(exact(v)) == list(Explicit(K3, fluxes.garrote(), HALF)(v))


def test_chains_compose_from_the_first():
    """A network is the composition of its blocks; n equal steps are repeat(step, n)."""
    M = Linear(from_matrix([[0, 2], [1, 0]]))
    chain = Chain([M, Pointwise(fluxes.relu(), 2), Function(lambda u: u + 1, 2)])
    assert list(chain(np.array([-3.0, 5.0]))) == [11.0, 1.0]
    assert list(repeat(M, 4)(fractions([1, 1]))) == [4, 4]


SCHEMES = [
    Explicit(K6, fluxes.garrote(), 0.25), FSI(K6, fluxes.soft(), 0.25, 3),
    FSI(K6, fluxes.perona_malik(), 0.25, 3, frozen=True),
    FixedPoint(K6, fluxes.charbonnier(), 0.2, 3),
    Implicit(K6, fluxes.soft(), 2), HaarShrinkage(fluxes.garrote(), 6),
    ResidualBlock(K6, -0.25 * K6.T, fluxes.tanh(), [0.1] * 5, [0.2] * 6),
    Chain([Explicit(K6, fluxes.weickert(), 0.25), Pointwise(fluxes.leaky_relu(), 6)]),
    Linear(difference(2, 6)),
]


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: type(scheme).__name__)
def test_batches_and_precisions(scheme):
    """A batch is its rows; float32 stays float32 and is near; the input is left alone."""
    batch, before = BATCH * 1.0, BATCH.copy()
    rows = np.array([scheme(row) for row in batch])
    assert near(scheme(batch), rows, 1e-11) and (batch == before).all()
    assert near(scheme(batch.reshape(1, 5, 6)), rows[None], 1e-11)
    single = scheme(batch.astype(np.float32))
    assert single.dtype == np.float32 and near(single, rows, 1e-4)
    assert scheme(np.empty((0, 6))).shape == (0, 6)
    assert near(scheme(batch[:, ::-1][:, ::-1]), rows, 1e-11)
    assert near(scheme(np.asfortranarray(batch)), rows, 1e-11)


@pytest.mark.slow
@settings(max_examples=60)
@given(st.sampled_from([scheme for scheme in SCHEMES if not isinstance(scheme, Implicit)]),
       signals(6))
def test_floats_follow_the_exact_step(scheme, u):
    """Fractions (or balls) and float64 agree to rounding, away from jumps; intervals contain."""
    exact = scheme(u)
    boxed = scheme(np.array([Interval(x) for x in u], dtype=object))
    assert near(scheme(u.astype(float)), [float(x) for x in exact], 1e-9)
    for x, box in zip(exact, boxed, strict=True):
        assert (Interval(0) + box).overlaps(Interval(0) + x)


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: type(scheme).__name__)
@pytest.mark.parametrize("wrong, word", [
    (np.array([1.0, np.nan, 0, 0, 0, 0]), "finite"), (np.array([np.inf] * 6), "finite"),
    (np.array([]), "length"), (np.array([1.0]), "length"), (np.ones((6, 5)), "length"),
    (np.array(1.0), "length"), (np.arange(6), "dtype"), (np.ones(6, complex), "dtype"),
    (np.ones(6, bool), "dtype"), (np.ones(6, np.float16), "dtype"), (["a"] * 6, "rational"),
])
def test_bad_signals_are_refused_at_the_door(scheme, wrong, word):
    """NaN, infinity, empty, one sample, wrong shape, integers: one line that names u."""
    with pytest.raises(InvalidArgument, match=rf"^u: .*{word}") as raised:
        scheme(wrong)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("argument, wrong", [
    ("tau", lambda: Explicit(K3, fluxes.soft(), -1)),
    ("tau", lambda: Explicit(K3, fluxes.soft(), 0)),
    ("tau", lambda: Implicit(K3, fluxes.soft(), float("nan"))),
    ("tau", lambda: HaarShrinkage(fluxes.soft(), 4, tau=-1)),
    ("h", lambda: HaarShrinkage(fluxes.soft(), 4, h=0)),
    ("boundary", lambda: HaarShrinkage(fluxes.soft(), 4, NATURAL)),
    ("length", lambda: FSI(K3, fluxes.soft(), 1, 0)),
    ("length", lambda: FSI(K3, fluxes.soft(), 1, 2.0)),
    ("iterations", lambda: FixedPoint(K3, fluxes.soft(), 1, 0)),
    ("alpha", lambda: Regularisation(K3, fluxes.soft(), "x")),
    ("schemes", lambda: Chain([])), ("schemes", lambda: Chain([Linear(K3.T @ K3), SCHEMES[0]])),
    ("times", lambda: repeat(SCHEMES[0], 0)), ("matrix", lambda: Linear(K3)),
    ("outer", lambda: ResidualBlock(K3, K3, fluxes.soft())),
    ("inner_bias", lambda: ResidualBlock(K3, K3.T, fluxes.soft(), [1])),
    ("outer_bias", lambda: ResidualBlock(K3, K3.T, fluxes.soft(), None, [1, 2, float("inf")])),
])
def test_bad_schemes_name_the_argument(argument, wrong):
    """One line that says which argument cannot be used."""
    with pytest.raises(InvalidArgument, match=rf"\b{argument}\b"):
        wrong()
