"""The compiled sweep over grids: the bits of the gradient as a matrix, and only for gradients."""

from fractions import Fraction

import numpy as np
import pytest

from stabkit import FSI, PERIODIC, Explicit, FixedPoint, fluxes, repeat
from stabkit.operators import from_matrix, grid_gradient
from stabkit.schemes import threads, twins
from stabkit.schemes.grid_form import grid_form

SHAPES = (((7, 9), 1), ((5, 4, 6), 1), ((3, 1, 5), 1), ((4, 5), ("1/2", "1/3")), ((2, 3, 2, 3), 1),
          ((3, 2500), 1), ((2500, 3), 1))


@pytest.fixture(autouse=True)
def _always_compiled(monkeypatch):
    monkeypatch.setattr(twins, "WORTH_COMPILING", 0)


def schemes(K, flux):
    """Five explicit steps, cycles of an even and an odd length, an iteration."""
    return (repeat(Explicit(K, flux, "1/50"), 5), FSI(K, flux, "1/50", 4), FSI(K, flux, "1/50", 5),
            FixedPoint(K, flux, "1/50", 3))


def as_matrix(monkeypatch, scheme, u):
    """The same by the loops that take any matrix, row by row of K and Kᵀ."""
    with monkeypatch.context() as patch:
        patch.setattr(twins, "grid_form", lambda K: None)
        return scheme(u)


@pytest.mark.parametrize("dtype", [
    pytest.param(np.float64, id="double"),
    pytest.param(np.float32, id="single", marks=pytest.mark.slow)])
@pytest.mark.parametrize(("shape", "h"), SHAPES, ids=str)
def test_bits_are_those_of_the_matrix(monkeypatch, shape, h, dtype):
    """Rows shorter and longer than a chunk, an axis of one sample, other spacings, a batch of 2."""
    K = grid_gradient(shape, h)
    u = (3 * np.random.default_rng(1).standard_normal((2, K.shape[1]))).astype(dtype)
    for scheme in schemes(K, fluxes.rational(2)):
        assert scheme(u).tobytes() == as_matrix(monkeypatch, scheme, u).tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("flux", [fluxes.soft(), fluxes.perona_malik()], ids=str)
def test_other_fluxes(monkeypatch, flux):
    """A flux that is the identity in its middle, and one with an exponential."""
    K = grid_gradient((6, 7))
    u = 3 * np.random.default_rng(2).standard_normal(42)
    scheme = repeat(Explicit(K, flux, "1/50"), 5)
    assert scheme(u).tobytes() == as_matrix(monkeypatch, scheme, u).tobytes()


def test_an_image_by_hand():
    """τ (sum over the neighbours q of Φ(u_q − u_p)) is added to every pixel: plain loops."""
    shape, tau = (5, 6), 0.125
    u = np.random.default_rng(3).standard_normal(shape)
    expected = u.copy()
    for i, j in np.ndindex(shape):
        for k, m in ((i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)):
            if 0 <= k < shape[0] and 0 <= m < shape[1]:
                s = u[k, m] - u[i, j]
                expected[i, j] += tau * s / (1 + s * s)
    step = Explicit(grid_gradient(shape), fluxes.rational(), "1/8")
    assert np.abs(step(u.ravel()) - expected.ravel()).max() < 1e-15


def test_infinity_and_nan_spread_alike(monkeypatch):
    """Differences overflow: NaN reaches the pixels that it reaches by the matrix, no others."""
    K = grid_gradient((8, 9))
    u = np.zeros(72)
    u[30], u[60] = 1e308, -1.5e308
    for scheme in schemes(K, fluxes.rational()):
        assert np.array_equal(scheme(u), as_matrix(monkeypatch, scheme, u), equal_nan=True)


@pytest.mark.parametrize("shape", [(64, 5), (64, 3, 4), (3, 64)], ids=str)
def test_threads_cut_between_slices(monkeypatch, shape):
    """Strips of slices along the first axis, on two threads and on three: the bits of one."""
    monkeypatch.setattr(threads, "WORTH_A_THREAD", 1)
    monkeypatch.setattr(threads, "LEAST", 2)
    K = grid_gradient(shape)
    u = np.random.default_rng(5).standard_normal(K.shape[1])
    u[7] = 1e300
    for scheme in (repeat(Explicit(K, fluxes.rational(), "1/8"), 21),
                   FSI(K, fluxes.rational(), "1/8", 5)):
        found = set()
        for count in (1, 2, 3):
            monkeypatch.setenv(threads.VARIABLE, str(count))
            found.add(scheme(u).tobytes())
        assert len(found) == 1


def test_only_gradients_are_taken_for_gradients():
    """One entry, its sign, its place or the order of the rows changed: no grid is found."""
    whole = grid_gradient((4, 5))
    exact = np.array([[Fraction(value) for value in row] for row in whole.exact()])
    assert grid_form(from_matrix(exact)) is not None
    planted = []
    for row, column, value in ((3, 3, -2), (3, 8, -1), (0, 7, 1)):
        wrong = exact.copy()
        wrong[row, column] = value
        planted.append(wrong)
    planted += [-exact, exact[::-1], exact[:-1], exact[:, ::-1],
                np.concatenate([exact[15:], exact[:15]])]
    for wrong in planted:
        assert grid_form(from_matrix(wrong)) is None
    assert grid_form(grid_gradient((4, 5), boundary=PERIODIC)) is None


@pytest.mark.parametrize(("rows", "h"), [
    (["02", "13", "24", "01", "12", "34", "45"], 1), (["01", "13", "02", "23"], 2),
    (["02", "13", "012", "3"], 1),
], ids=["a stride too short", "axes mixed", "rows of one and three entries"])
def test_counts_of_a_grid_make_no_grid(rows, h):
    """As many edges of each length as a grid has, from the same sites, and yet another matrix.

    Rows name their sites; entries alternate −1 and 1, times h in the first two rows.  One step by
    hand, in dense products.
    """
    size = max(int(site) for row in rows for site in row) + 1
    K = np.zeros((len(rows), size))
    places = [(number, int(site)) for number, row in enumerate(rows) for site in row]
    for count, (number, site) in enumerate(places):
        K[number, site] = (h if number < 2 else 1) * (-1) ** (count + 1)
    u = np.linspace(-1, 2, size) ** 3
    s = K @ u
    step = Explicit(from_matrix(K), fluxes.rational(), "1/8")
    assert np.abs(step(u) - (u - K.T @ (s / (1 + s * s)) / 8)).max() < 1e-15
