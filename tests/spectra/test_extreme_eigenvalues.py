"""Enclosures of eigenvalues: against known spectra, exact inertia, LAPACK and FLINT."""

from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse
from flint import acb_mat, arb
from hypothesis import given, settings
from hypothesis import strategies as st

from stabkit import (
    DIRICHLET,
    PERIODIC,
    Explicit,
    Implicit,
    InvalidArgument,
    Undecided,
    difference,
    fluxes,
    from_matrix,
    grid_gradient,
)
from stabkit.arithmetic.enclosure import to_fraction
from stabkit.arithmetic.rational import fractions, is_psd
from stabkit.spectra import (
    extreme_eigenvalues,
    jacobian,
    spectrum,
    stable_at,
    step_is_stable,
    symmetric,
    whole,
)
from stabkit.spectra.factors import Sparse
from stabkit.spectra.symmetric import (
    bounds_of_largest,
    is_at_most,
    norm_within,
    rayleigh_bound,
)

PM = fluxes.perona_malik()


def holds(interval, value):
    """That an interval of ours meets a ball of Arb, which it must if both hold one number."""
    return interval.lower <= to_fraction(value.upper()) and \
        to_fraction(value.lower()) <= interval.upper


def test_the_norm_of_a_matrix_that_is_not_square():
    """‖A‖ of uvᵀ is |u||v|: 5 · 13 for u = (3, 4) and v = (5, 12, 0); within 1 it is 64 to 66."""
    matrix = scipy.sparse.csr_array(np.outer([3.0, 4.0], [5.0, 12.0, 0.0]))
    found, wide = norm_within(matrix), norm_within(matrix, Fraction(1))
    assert found.lower <= 65 <= found.upper and found.width < 1e-10
    assert wide.lower <= 64 and wide.upper >= 66 and wide.width < 2 + 1e-9
    assert norm_within(0 * matrix, Fraction(1)).lower == 0


# -- known spectra ---------------------------------------------------------------------------------
def wave(n, k, period=False):
    """2 − 2 cos(kπ/n), or with 2π: the eigenvalues of the second difference."""
    return 2 - 2 * (arb.pi() * (2 if period else 1) * k / n).cos()


@pytest.mark.parametrize("n", [2, 3, 7, 64, 65, 1000, 30_000])
def test_second_differences(n):
    """Reflecting: 2 − 2 cos(kπ/n), k < n; zeros outside: k = 1 … n over n + 1."""
    for K, low, high in ((difference(1, n), arb(0), wave(n, n - 1)),
                         (difference(1, n, 1, DIRICHLET), wave(n + 1, 1), wave(n + 1, n))):
        found = extreme_eigenvalues(K.T @ K)
        assert holds(found[0], low) and holds(found[1], high)
        assert max(each.width for each in found) < 1e-13


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("n", [24, 65, 600])
def test_periodic_differences_of_any_order(order, n):
    """(2 − 2 cos(2πk/n))ᵒʳᵈᵉʳ: their bands meet at the corners, which another order of rows cures.
    """
    K = difference(order, n, 1, PERIODIC)
    low, high = extreme_eigenvalues(K.T @ K)
    assert holds(low, arb(0)) and holds(high, wave(n, n // 2, period=True) ** order)
    assert max(low.width, high.width) < 1e-11 * 4**order


@pytest.mark.parametrize("shape", [(9, 8), (30, 41)])
def test_grids(shape):
    """Sums of the eigenvalues of both axes."""
    K = grid_gradient(shape)
    low, high = extreme_eigenvalues(K.T @ K)
    assert holds(low, arb(0))
    assert holds(high, sum((wave(n, n - 1) for n in shape), arb(0))) and high.width < 1e-11


@pytest.mark.parametrize("n, peclet", [(3, 1), (70, Fraction(1, 5)), (5000, Fraction(1, 3))])
def test_convection_and_diffusion(n, peclet):
    """−(1 + p), 2, −(1 − p) has 2 − 2√(1 − p²) cos(kπ/(n + 1)); for p > 1 they are complex."""
    p = float(peclet) / 2
    matrix = scipy.sparse.diags_array([-(1 + p), 2, -(1 - p)], offsets=[-1, 0, 1], shape=(n, n))
    low, high = extreme_eigenvalues(matrix)
    swing = 2 * (1 - arb(p) ** 2).sqrt() * (arb.pi() / (n + 1)).cos()
    assert holds(low, 2 - swing) and holds(high, 2 + swing) and high.width < 1e-12
    complex_ones = matrix.tolil()
    complex_ones[0, 1] = 1.5
    if n == 70:
        values = np.linalg.eigvals(complex_ones.toarray()).real
        low, high = extreme_eigenvalues(complex_ones.tocsr())
        assert low.lower <= values.min() + 1e-9 and values.max() - 1e-9 <= high.upper
        assert low.width < 1e-3


def test_beyond_a_whole_spectrum_the_numerical_range_encloses():
    """A shift of the second difference by a skew one: real parts are those without it."""
    n = 2500
    A = scipy.sparse.diags_array([-1.0, 2, -1, 3, -3], offsets=[-1, 0, 1, 2, -2], shape=(n, n))
    low, high = extreme_eigenvalues(A)
    assert low.lower <= wave_float(n + 1, 1) and high.upper >= wave_float(n + 1, n) - 1e-12
    assert low.upper == high.lower == 2


def wave_float(n, k):
    return float(wave(n, k).mid())


# -- slopes of any sign ----------------------------------------------------------------------------
@pytest.mark.parametrize("order, seed", [(1, 0), (1, 1), (2, 0), (3, 0)])
def test_enclosures_are_right_by_exact_inertia(order, seed):
    """λ <= c if and only if c I − A >= 0, decided in fractions at both ends of both enclosures."""
    n, rng = 12, np.random.default_rng(seed)
    K = difference(order, n).sparse()
    d = rng.standard_normal(K.shape[0])
    A = (K.T @ scipy.sparse.diags_array(d) @ K).tocsr()
    A = (A + A.T.tocsr()).tocsr()
    exact, one = fractions(A.toarray()), np.eye(n, dtype=int)
    low, high = bounds_of_largest(A)
    assert is_psd(high * one - exact)
    assert not is_psd(low * one - exact) or not is_psd((low - Fraction(1, 10**12)) * one - exact)
    assert high - low < 1e-12 * 4**order
    assert extreme_eigenvalues(exact)[1].overlaps(extreme_eigenvalues(A)[1])


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 9), st.integers(1, 3), st.integers(0, 10**6))
def test_enclosures_meet_those_of_the_characteristic_polynomial(n, width, seed):
    """Two ways that share nothing: Cholesky factors of bands, and roots of an exact polynomial."""
    rng = np.random.default_rng(seed)
    A = np.triu(np.tril(rng.integers(-9, 10, (n, n)), width), -width).astype(float)
    A = A + A.T
    for ours, exact in zip(extreme_eigenvalues(A), extreme_eigenvalues(fractions(A)), strict=True):
        assert ours.overlaps(exact) and ours.width < 1e-11


def test_scales_and_trivial_matrices():
    """Powers of ten scale the enclosure; zero, one row, and equal entries are exact or narrow."""
    A = scipy.sparse.diags_array([1.0, -2.0, 3.0, 0.5, 1.0], offsets=[-2, -1, 0, 1, 2],
                                 shape=(9, 9)).toarray()
    A = A + A.T
    top = np.linalg.eigvalsh(A)[-1]
    for scale in (1e-200, 1e-5, 1.0, 1e8, 1e200):
        high = extreme_eigenvalues(scale * A)[1]
        assert abs(float(high) - scale * top) < 1e-13 * scale * top
    assert [float(x) for x in extreme_eigenvalues(np.zeros((3, 3)))] == [0, 0]
    assert extreme_eigenvalues([[-2.5]])[0].overlaps(Fraction(-5, 2))
    assert abs(float(extreme_eigenvalues(np.ones((100, 100)))[1]) - 100) < 1e-8


@pytest.mark.slow
def test_eigenvalues_that_lie_close_together(monkeypatch):
    """KᵀK on a grid of 90 x 40: sharply, also where products do not converge, or inverses."""
    K = grid_gradient((90, 40))
    A = (K.T @ K).sparse()
    top = sum((wave(n, n - 1) for n in (90, 40)), arb(0))
    eigsh = scipy.sparse.linalg.eigsh

    def failing(kind):
        def solve(matrix, *rest, **options):
            if isinstance(matrix, scipy.sparse.linalg.LinearOperator) == (kind == "inverse"):
                raise scipy.sparse.linalg.ArpackNoConvergence("none", [], [])
            return eigsh(matrix, *rest, **options)
        return solve

    for solve in (eigsh, failing("products"), failing("inverse")):
        monkeypatch.setattr(symmetric.scipy.sparse.linalg, "eigsh", solve)
        low, high = bounds_of_largest(A)
        assert low <= to_fraction(top.upper()) and to_fraction(top.lower()) <= high
        assert high - low < Fraction(1, 10**10), solve


def test_the_constants_of_a_diffusion_need_no_factors(monkeypatch):
    """−KᵀDK with D >= 0 has 0 of the constants, where all discs of Gershgorin end."""
    K, rng = grid_gradient((70, 60)), np.random.default_rng(0)
    D = scipy.sparse.diags_array(rng.random(K.shape[0]))
    monkeypatch.setattr(symmetric, "_factors", None)
    low, high = bounds_of_largest((-(K.sparse().T @ D @ K.sparse())).tocsr())
    assert low <= Fraction(1, 10**15) and -Fraction(1, 10**15) <= high
    assert high - low < Fraction(1, 10**11)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(70, 60), (9, 80)])
@pytest.mark.parametrize("away", [-1, 1, -(10**8), 10**8])
def test_whether_an_eigenvalue_is_at_most_a_bound(shape, away):
    """Just above and below 4 sin² sums, by a billionth or by ten: proved, whatever way is taken."""
    K = grid_gradient(shape)
    top = to_fraction(sum((wave(n, n - 1) for n in shape), arb(0)).mid())
    bound = top + Fraction(away, 10**8)
    assert is_at_most((K.T @ K).sparse(), bound) is (away > 0)
    assert is_at_most((K.T @ K).sparse(), top) is None


@pytest.mark.slow
@pytest.mark.parametrize("shape, name", [((7, 6), "_bisect"), ((40, 36), "_guess")])
@pytest.mark.parametrize("wrong", [-1e-3, -1e-9, 0.5])
def test_a_wrong_guess_is_never_believed(wrong, shape, name, monkeypatch):
    """With Lanczos or bisection off by some amount, the enclosure widens but holds."""
    K, guess = grid_gradient(shape), getattr(symmetric, name)
    A, start = (K.T @ K).sparse(), np.eye(1, shape[0] * shape[1])[0]
    top = float(sum((wave(n, n - 1) for n in shape), arb(0)).mid())

    def lying(*of):
        low, high, vector = guess(*of)
        return low + wrong, high + wrong, vector

    for lie in (lying, lambda *of: (*lying(*of)[:2], start)):
        monkeypatch.setattr(symmetric, name, lie)
        low, high = bounds_of_largest(A)
        assert low <= top + 1e-12 and top - 1e-12 <= high


@pytest.mark.parametrize("seed", range(4))
def test_factors_of_a_grid_prove_what_is_true(seed):
    """SuperLU's bound at many c is above the largest eigenvalue by LAPACK, or there is none."""
    K, rng = grid_gradient((12, 13)).sparse(), np.random.default_rng(seed)
    A = (K.T @ scipy.sparse.diags_array(rng.standard_normal(K.shape[0])) @ K).tocsr()
    A = ((A + A.T.tocsr()) * 0.5).tocsr()
    top = np.linalg.eigvalsh(A.toarray())[-1]
    factors = Sparse(A)
    for away in (-1, -1e-6, -1e-10, 1e-10, 1e-6, 1):
        ran = factors.factor(top + away)
        assert ran == (away > 0)
        if ran:
            assert 0 < factors.bound() - Fraction(top + away) < Fraction(1, 10**11)
    right = rng.standard_normal(156)
    assert np.abs((top + 1) * (x := factors.solve(right)) - A @ x - right).max() < 1e-12


def test_a_wrong_factor_widens_the_bound():
    """U changed beside its diagonal by 10⁻³, or L: what is missed by L U − L D Lᵀ is counted."""
    K = grid_gradient((6, 6))
    factors = Sparse((K.T @ K).sparse())
    assert factors.factor(9.0) and factors.bound() < 9 + Fraction(1, 10**12)
    c, found = factors.kept
    assert scipy.sparse.linalg.norm(found.U - scipy.sparse.diags_array(found.U.diagonal())) > 0.1
    for name in "LU":
        parts = {"L": found.L.tocsc(), "U": found.U.tocsc()}
        parts[name].data[parts[name].data < 0] += 1e-3
        factors.kept = c, SimpleNamespace(**parts)
        assert factors.bound() > 9 + Fraction(1, 2000), name


def test_a_rayleigh_quotient_is_bounded_from_below():
    """At a float vector, exactly: vᵀA v / vᵀv in fractions is not below the bound."""
    rng = np.random.default_rng(5)
    A = scipy.sparse.csr_array(np.round(rng.standard_normal((8, 8)), 1))
    for _ in range(20):
        v = rng.standard_normal(8) * 10.0 ** rng.integers(-8, 9, 8)
        exact = fractions(v / np.abs(v).max())
        quotient = (exact @ (fractions(A.toarray()) @ exact)) / (exact @ exact)
        assert quotient - Fraction(1, 10**13) <= rayleigh_bound(A, v) <= quotient


# -- whole spectra ---------------------------------------------------------------------------------
@pytest.mark.slow
@pytest.mark.parametrize("n", [5, 30, 66])
def test_whole_spectra_meet_those_of_flint(n):
    """Each of FLINT's balls lies near one of ours, with as many of either."""
    A = np.random.default_rng(n).standard_normal((n, n))
    found = spectrum(A)
    left = dict(enumerate(found.eigenvalues))
    for value in acb_mat([[float(x) for x in row] for row in A]).eig(multiple=True):
        met = [k for k, (real, imaginary) in left.items()
               if holds(real, value.real) and holds(imaginary, value.imag)]
        assert met
        del left[met[0]]
    assert not left and found.normal is False
    assert max(real.width for real, _ in found.eigenvalues) < 1e-8
    assert found.norm.lower <= np.linalg.norm(A, 2) * (1 + 1e-12)
    assert found.norm.upper >= np.linalg.norm(A, 2) * (1 - 1e-12) and found.norm.width < 1e-8


def test_real_eigenvalues_are_known_to_be_real():
    """A triangular matrix and a rotation by a right angle beside it."""
    A = np.diag(np.arange(1.0, 71)) + np.diag(np.full(69, 0.01), 1)
    A[68:, 68:] = [[0, 1], [-1, 0]]
    A[67, 68] = 0
    parts = [imaginary for _, imaginary in spectrum(A).eigenvalues]
    assert sum(part.lo == part.hi == 0 for part in parts) == 68
    assert sorted(round(float(part)) for part in parts if part.lo != part.hi) == [-1, 1]


@pytest.mark.slow
def test_a_whole_symmetric_spectrum_of_600():
    """2 − 2 cos(kπ/n) for every k, each in its enclosure, which is narrow."""
    n, K = 600, difference(1, 600)
    found = sorted((real for real, _ in spectrum((K.T @ K).sparse()).eigenvalues), key=float)
    assert all(holds(real, wave(n, k)) for k, real in enumerate(found))
    assert max(real.width for real in found) < 1e-8


def test_a_planted_eigenvalue_is_covered_or_refused(monkeypatch):
    """One computed eigenvalue moved by 10⁻³: the disc of a symmetric matrix grows to hold the true
    one, and so does that of any other.
    """
    rng = np.random.default_rng(0)
    A = rng.standard_normal((20, 20))
    for matrix, room, name in ((A + A.T, np.linalg, "eigh"), (A, whole.scipy.linalg, "eig")):
        true = np.linalg.eigvals(matrix)
        solve = getattr(room, name)

        def lying(a, solve=solve):
            values, vectors = solve(a)
            values = values.copy()
            values[3] += 1e-3
            return values, vectors

        monkeypatch.setattr(room, name, lying)
        found = whole.discs(matrix)
        monkeypatch.setattr(room, name, solve)
        distance = np.abs(true[:, None] - found.centres[None, :])
        assert (distance <= found.radii[None, :] + 1e-12).any(axis=1).all()
        assert found.radii.max() > 9e-4


@pytest.mark.slow
def test_a_defective_matrix_is_told_apart():
    """A Jordan block: exact up to 128 rows, undecided in floats beyond."""
    for n in (5, 80):
        assert spectrum(np.eye(n) + np.eye(n, k=1)).radius.overlaps(1)
    with pytest.raises(Undecided, match="defective"):
        spectrum(np.eye(130) + np.eye(130, k=1))


def test_rounded_entries_widen_the_enclosure():
    """Thirds are no floats: the enclosures of the exact matrix hold, and say 1/3, not its float."""
    third = from_matrix((np.eye(70, dtype=int) * Fraction(1, 3)).tolist())
    for matrix in (third, third.exact()):
        low, high = extreme_eigenvalues(matrix)
        assert low.lower < Fraction(1, 3) < high.upper and high.width < 1e-13


# -- is it stable here -----------------------------------------------------------------------------
def test_a_negative_slope_is_unstable():
    """vᵀKᵀDKv = d for the jump v with K v = e: 1 − τd > 1; exact inertia agrees."""
    rng = np.random.default_rng(0)
    for _ in range(40):
        slopes = rng.integers(-1, 6, 7).astype(float)
        tau = Fraction(int(rng.integers(1, 9)), 32)
        K = difference(1, 8).exact()
        J = np.eye(8, dtype=int) - tau * (K.T @ (fractions(slopes)[:, None] * K))
        one = np.eye(8, dtype=int)
        assert step_is_stable(slopes, tau) == (is_psd(one - J) and is_psd(one + J))


def test_stable_at_a_signal():
    """Perona–Malik: a gentle signal is stable, a steep one is not; a step beyond 2/λ is not."""
    n = 3000
    ramp = np.linspace(0, 30, n)
    scheme = Explicit(difference(1, n), PM, "1/4")
    assert stable_at(scheme, ramp) is True
    edge = ramp.copy()
    edge[n // 2:] += 3
    assert stable_at(scheme, edge) is False
    assert stable_at(Explicit(difference(1, n), PM, "3/5"), ramp) is False
    assert stable_at(Explicit(grid_gradient((9, 9)), fluxes.charbonnier(), "1/8"),
                     np.arange(81.0) % 7) is True
    assert stable_at(Explicit(difference(2, 40), fluxes.identity(), "1/9"), np.zeros(40)) is True
    assert stable_at(Explicit(difference(2, 40), fluxes.identity(), "1/7"), np.zeros(40)) is False
    assert stable_at(Implicit(difference(1, 6), fluxes.identity(), 50), fractions(
        [1, 2, 0, 1, 5, 3])) is True


def test_what_cannot_be_decided_or_used():
    """The argument is named, or the limit."""
    for bad in (np.full((3, 3), np.nan), np.zeros((2, 3)), np.zeros(3), "x", [[1, "y"], [2, 3]],
                np.eye(3) * 1j, [[1, 2], [3]]):
        with pytest.raises(InvalidArgument, match="matrix"):
            extreme_eigenvalues(bad)
        if not (isinstance(bad, np.ndarray) and bad.dtype.kind == "c"):
            with pytest.raises(InvalidArgument, match="matrix"):
                spectrum(bad)
    with pytest.raises(InvalidArgument, match="2000"):
        spectrum(scipy.sparse.eye_array(2001))
    wide = scipy.sparse.random_array((40_000, 40_000), density=2e-4, rng=np.random.default_rng(0))
    with pytest.raises(InvalidArgument, match="bands"):
        extreme_eigenvalues(wide + wide.T)
    J = jacobian(Explicit(difference(1, 70), PM, "1/4"), np.zeros(70))
    assert abs(float(extreme_eigenvalues(J)[1]) - 1) < 1e-14
