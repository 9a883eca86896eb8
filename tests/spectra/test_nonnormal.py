"""Resolvents, numerical ranges and powers: closed forms, exact inequalities, published values."""

from fractions import Fraction

import numpy as np
import pytest
from flint import arb

from stabkit import InvalidArgument
from stabkit.arithmetic.enclosure import to_fraction
from stabkit.arithmetic.rational import fractions, is_psd
from stabkit.spectra import (
    departure_from_normality,
    extreme_eigenvalues,
    gallery,
    nonnormal,
    numerical_range,
    pseudospectrum,
    spectrum,
    transient_growth,
)

GALLERY = {
    "Jordan": gallery.jordan_block(12), "Grcar": gallery.grcar(16), "triangle":
    gallery.triangle(16), "limaçon": gallery.limacon(14), "Kahan": gallery.kahan(12),
    "Frank": gallery.frank(8), "Lesp": gallery.lesp(12), "Demmel": gallery.demmel(6),
    "convection-diffusion": gallery.convection_diffusion(12, 0.9), "Toeplitz":
    gallery.toeplitz(9, {-2: 0.5, 0: 1.0, 1: -2.0}),
}


@pytest.mark.parametrize("name", GALLERY)
def test_resolvent_norms_by_exact_inequalities(name):
    """At real z: M = z − A has σ >= s if and only if MᵀM − s² I >= 0, decided in fractions."""
    A = GALLERY[name]
    axis = np.array([-1.5, -0.25, 0.5, 2.25])
    found = pseudospectrum(A, axis, [0.0])
    one = np.eye(len(A), dtype=int)
    for x, low, high in zip(axis, found.lower[0], found.upper[0], strict=True):
        M = fractions(x * np.eye(len(A)) - A)
        gram = M.T @ M
        assert not is_psd(gram - (1 / Fraction(low)) ** 2 * (1 + Fraction(1, 10**9)) * one) or \
            np.isinf(high)
        if np.isfinite(high):
            assert is_psd(gram - (1 / Fraction(high)) ** 2 * one)
        else:
            assert low > 1e9
    assert (found.lower <= found.upper).all()


def test_resolvents_at_complex_points_are_those_of_numpy():
    """‖(z − A)⁻¹‖ by inversion, and the union of small discs around normal eigenvalues."""
    A = gallery.grcar(16)
    x, y = np.linspace(-1, 3, 5), np.linspace(-3, 3, 4)
    found = pseudospectrum(A, x, y)
    for i, b in enumerate(y):
        for j, a in enumerate(x):
            norm = np.linalg.norm(np.linalg.inv((a + 1j * b) * np.eye(16) - A), 2)
            assert found.lower[i, j] <= norm * (1 + 1e-9) and norm <= found.upper[i, j] * (1 + 1e-9)
    normal = pseudospectrum(np.diag([1.0, 2.0, 5.0]), [1.05, 3.0], [0.0, 0.3])
    assert (normal.inside(0.1) == [[True, False], [False, False]]).all()
    assert (normal.outside(0.1) == [[False, True], [True, True]]).all()


def test_a_wrong_decomposition_is_seen(monkeypatch):
    """A smallest singular value that is ten times too large, with its vectors: the bounds widen."""
    A = gallery.grcar(10)
    true = np.linalg.svd(0.5 * np.eye(10) - A)[1][-1]
    svd = np.linalg.svd

    def lying(matrices):
        left, values, right = svd(matrices)
        values = values.copy()
        values[..., -1] *= 10
        return left, values, right

    monkeypatch.setattr(nonnormal.np.linalg, "svd", lying)
    found = pseudospectrum(A, [0.5], [0.0])
    assert found.lower[0, 0] <= 1 / true <= found.upper[0, 0]


@pytest.mark.slow
@pytest.mark.parametrize("n", [2, 5, 12])
def test_the_numerical_range_of_a_jordan_block_is_a_disc(n):
    """Radius cos(π/(n + 1)) (Haagerup and de la Harpe 1992), in every direction."""
    found = numerical_range(gallery.jordan_block(n), 40)
    radius = (arb.pi() / (n + 1)).cos()
    for support in (*found.supports, found.radius):
        assert support.lower <= to_fraction(radius.upper())
        assert support.upper >= to_fraction(radius.lower())
    assert max(support.width for support in found.supports) < 1e-12
    assert np.abs(np.abs(found.points) - float(radius.mid())).max() < 1e-3


@pytest.mark.slow
def test_the_numerical_range_holds_rayleigh_quotients():
    """Random v*Av lie below every supporting line; for a normal matrix it is the hull of λ."""
    A, rng = gallery.grcar(9), np.random.default_rng(3)
    found = numerical_range(A, 16)
    for _ in range(200):
        v = rng.standard_normal(9) + 1j * rng.standard_normal(9)
        z = v.conj() @ A @ v / np.linalg.norm(v) ** 2
        for angle, support in zip(found.angles, found.supports, strict=True):
            assert (z * np.exp(-1j * angle)).real <= float(support.hi) + 1e-12
        assert abs(z) <= found.radius.upper
    turned = numerical_range(np.array([[0.0, 2.0], [-2.0, 0.0]]), 8)
    assert [round(float(support), 9) for support in turned.supports[::2]] == [0, 2, 0, 2]


@pytest.mark.slow
@pytest.mark.parametrize("angles", [9, 64])
def test_supports_are_those_of_the_angles_that_are_told(angles):
    """Of diag(1, −2) ⊕ [[0, −3], [3, 0]]: max(cos θ, −2 cos θ, 3 |sin θ|), in balls."""
    A = np.zeros((4, 4))
    A[0, 0], A[1, 1], A[2, 3], A[3, 2] = 1, -2, -3, 3
    found = numerical_range(A, angles)
    for angle, support in zip(found.angles.tolist(), found.supports, strict=True):
        c, s = arb(angle).cos(), arb(angle).sin()
        true = max((c, -2 * c, 3 * s, -3 * s), key=lambda x: float(x.mid()))
        assert support.lower <= to_fraction(true.upper())
        assert support.upper >= to_fraction(true.lower())
        assert support.width < 1e-12
    assert found.radius.lower <= 3 <= found.radius.upper <= 3 / np.cos(np.pi / angles) + 1e-9


def test_departure_from_normality():
    """A Jordan block: √(n − 1); a symmetric matrix: 0."""
    assert departure_from_normality(gallery.jordan_block(10).astype(int).tolist()).overlaps(3)
    found = departure_from_normality(gallery.triangle(5) + gallery.triangle(5).T)
    assert found.lower >= 0 and found.upper < 1e-5


@pytest.mark.slow
def test_powers_that_grow_before_they_decay():
    """‖Aᵏ‖ by NumPy for every k; the largest is that of all powers."""
    A = gallery.jordan_block(8, 0.5)
    found = transient_growth(A)
    norms = [np.linalg.norm(np.linalg.matrix_power(A, k), 2) for k in range(60)]
    for ours, norm in zip(found.norms, norms, strict=False):
        assert ours.lower <= norm * (1 + 1e-12) and norm * (1 - 1e-12) <= ours.upper
    assert found.bounded is True and found.norms[-1].hi <= 1
    assert found.largest.lower <= max(norms) * (1 + 1e-12) <= found.largest.upper * (1 + 1e-9)
    assert 1.2 < found.kreiss.lower <= found.kreiss.upper <= found.largest.upper
    # Kreiss (1962) and Spijker (1991): sup ‖Aᵏ‖ <= e n K.
    assert found.largest.lower <= np.e * 8 * found.kreiss.upper


@pytest.mark.slow
def test_powers_without_bound():
    """λ = 1.001 and a Jordan block on the circle refute; a rotation is bounded."""
    assert transient_growth(np.array([[1.001, 0], [0, 0.5]]), 20).bounded is False
    assert transient_growth(np.array([[1.0, 1.0], [0.0, 1.0]]), 50).bounded is False
    assert transient_growth(np.array([[0.0, 0.99], [-0.99, 0.0]])).bounded is True
    assert transient_growth(gallery.jordan_block(6)).largest.overlaps(1)


@pytest.mark.slow
def test_pseudospectral_radius_and_abscissa_of_grcars_matrix():
    """Guglielmi and Overton (2011), also a test of Pseudospectra.jl: n = 100, ε = 10⁻⁴ reach
    |z| = 2.85216 and Re z = 2.41276; the largest imaginary part of an eigenvalue is 2.2617668."""
    A, eps = gallery.grcar(100), 1e-4
    for end, curve in ((2.85216, lambda r: (r * np.cos(1.327), r * np.sin(1.327))),
                       (2.41276, lambda a: (a, 0.0))):
        for away, inside in ((-6e-6, True), (6e-6, False)):
            x, y = curve(end + away)
            found = pseudospectrum(A, [x], [y])
            assert bool(found.inside(eps)[0, 0]) is inside
            assert bool(found.outside(eps)[0, 0]) is not inside
    for t in np.linspace(0, np.pi, 9):
        x, y = 2.85217 * np.cos(t), 2.85217 * np.sin(t)
        assert pseudospectrum(A, [x], [y]).outside(eps)[0, 0]
    top = max((imaginary for _, imaginary in spectrum(A).eigenvalues), key=float)
    assert abs(float(top) - 2.2617668) < 1e-6 and top.width < 1e-6


@pytest.mark.slow
def test_powers_of_a_toeplitz_matrix():
    """Trefethen and Embree (2005), section 16: 100 above, 10⁻⁴ two below; λ⁵ = 3λ² by hand, and A⁴
    has one row (0, 0, 0, 0, 10⁸) beside entries of 100."""
    A = gallery.toeplitz(5, {1: 100.0, -2: 1e-4})
    found, radius = transient_growth(A, 20), 3 ** (1 / 3)
    assert abs(float(found.norms[4]) - 1e8) < 1e3 and found.bounded is False
    assert abs(float(spectrum(A).radius) - radius) < 1e-5
    grown = [float(found.norms[k + 3]) / float(found.norms[k]) for k in (9, 12)]
    assert np.abs(np.array(grown) - 3).max() < 1e-9


@pytest.mark.slow
def test_plane_poiseuille_flow():
    """Orszag (1971): at Re = 10⁴, α = 1 the unstable wave has c = 0.23752649 + 0.00373967 i."""
    A = gallery.orr_sommerfeld(64)
    waves = [(complex(float(x), float(y)) / -1j, max(x.width, y.width))
             for x, y in spectrum(A).eigenvalues]
    c, width = max(waves, key=lambda wave: wave[0].imag)
    assert abs(c - complex(0.23752649, 0.00373967)) < 1e-7 and width < 1e-7
    assert sum(wave.imag > 0 for wave, _ in waves) == 1


def test_known_facts_of_the_gallery():
    """Frank: determinant 1 and λ ↦ 1/λ; Lesp: real, negative; Kahan: σ of the last is small."""
    values = [float(real) for real, _ in spectrum(fractions(gallery.frank(8))).eigenvalues]
    assert np.abs(np.sort(values) * np.sort(values)[::-1] - 1).max() < 1e-9
    assert abs(np.linalg.det(gallery.frank(8)) - 1) < 1e-9
    real, imaginary = zip(*spectrum(gallery.lesp(40)).eigenvalues, strict=True)
    assert all(part.lo == part.hi == 0 for part in imaginary)
    assert min(map(float, real)) > -83.5 and max(map(float, real)) < -4.5
    assert gallery.grcar(4).tolist() == [[1, 1, 1, 1], [-1, 1, 1, 1], [0, -1, 1, 1], [0, 0, -1, 1]]


def test_what_is_refused():
    """The argument is named."""
    for ask in (numerical_range, transient_growth, lambda m: pseudospectrum(m, [0], [0])):
        for bad in (np.zeros((2, 3)), np.full((2, 2), np.nan), np.eye(501), "x"):
            with pytest.raises(InvalidArgument, match="matrix"):
                ask(bad)
    for axes in (([], [0]), ([0], [np.inf]), ([[0]], [0])):
        with pytest.raises(InvalidArgument, match=r"real|imaginary"):
            pseudospectrum(np.eye(2), *axes)
    with pytest.raises(InvalidArgument, match="angles"):
        numerical_range(np.eye(2), 3)


@pytest.mark.slow
def test_a_large_defective_matrix():
    """A Jordan block with 1 on its diagonal, 80 rows: ‖Aᵏ‖ >= k, so powers are not bounded."""
    found = transient_growth(gallery.jordan_block(80, 1.0), 10)
    assert found.bounded is False and found.largest.lower > 100


@pytest.mark.slow
def test_bounded_without_a_norm_that_falls():
    """(1 5; 0 −1) is its own inverse: its powers have the norms 1 and (5 + √29)/2 alone."""
    found = transient_growth(np.array([[1.0, 5.0], [0.0, -1.0]]), 6)
    assert found.bounded is True and not found.largest.is_finite
    assert abs(float(found.largest.lo) - (5 + 29**0.5) / 2) < 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("entries", [
    [[0.0, 1e90, 0], [1e-90, 0.125, 1e80], [0, 1e-80, 0.25]],
    [[-0.20011551693217072, 3.8208285845337e107, 0.0],
     [7.329787723810278e-109, 0.02262054848605179, 1.1770679407518127e-72],
     [0.0, 4.640639735898634e71, -0.21468980288371703]]])
def test_entries_of_very_different_sizes_overflow_nowhere(entries):
    """Of such sizes LAPACK may find no Schur form; the powers beside exact ones, by ‖A‖_F/√n."""
    found = transient_growth(np.array(entries), steps=4)
    exact = np.array([[Fraction(x) for x in row] for row in entries])
    power = np.eye(3, dtype=int)
    for norm in found.norms[1:]:
        power = power @ exact
        square = (power * power).sum()
        assert norm.lower**2 <= square <= 3 * norm.upper**2
    assert found.bounded is False


def test_ends_of_a_defective_matrix_of_floats():
    """λ² + 2λ + 1 = (λ + 1)², with one eigenvector: by the characteristic polynomial."""
    low, high = extreme_eigenvalues(np.array([[1.0, 1.0], [-4.0, -3.0]]))
    assert low.overlaps(-1) and high.overlaps(-1) and low.width + high.width < 1e-15
