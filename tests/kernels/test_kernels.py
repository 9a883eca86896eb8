"""Compiled steps, cycles and shrinkage against their plain loops."""

from math import sqrt

import numpy as np
import pytest
import scipy.sparse
from flint import arb
from plain_loops import (
    BOUNDARIES,
    CODE,
    SHAPE,
    SIZES,
    Plain,
    compressed,
    difference_rows,
    plain_flux,
    same,
    signals,
)

from stabkit import kernels
from stabkit.kernels import difference_steps, steps
from stabkit.kernels.difference_steps import BLOCK, TILE
from stabkit.kernels.exponential import exponential
from stabkit.kernels.fluxes import phi
from stabkit.kernels.haar import haar
from stabkit.kernels.implicit import COLUMNS, tridiagonal, tridiagonal_columns
from stabkit.kernels.linear import NATURAL, PERIODIC, ZERO
from stabkit.kernels.steps import explicit, fixed_point, frozen_fsi, fsi

# -- fluxes ----------------------------------------------------------------------------------------
ELEMENTARY = [name for name in CODE
              if name not in ("perona_malik", "weickert", "tanh")]
POINTS = [0.0, -0.0, 1e-300, 1.25, -1.25, 2.5, 0.7, -3.3, 1e8, -1e200, np.inf, -np.inf, np.nan]


@pytest.mark.parametrize("name", ELEMENTARY)
def test_flux_is_its_formula(name):
    s = np.concatenate([POINTS, np.random.default_rng(1).standard_normal(200) * 3])
    with np.errstate(all="ignore"):
        expected = np.array([plain_flux(name, x, np.float64(1.25), np.float64(2.5)) for x in s])
    f = np.empty_like(s)
    phi[CODE[name]](s, f, SHAPE)
    assert same(f, expected)


@pytest.mark.parametrize(("name", "exact"), [
    ("perona_malik", lambda s: s * (-s * s / (2 * arb(1.25) ** 2)).exp()),
    ("weickert", lambda s: s * (1 - (arb("-3.31488") * (arb(1.25) / s) ** 8).exp())),
    ("tanh", lambda s: s.tanh()),
])
def test_transcendental_flux_is_close_to_the_exact_one(name, exact):
    points = np.random.default_rng(2).standard_normal(500) * 2
    s = np.empty_like(points)
    phi[CODE[name]](points, s, SHAPE)
    for x, y in zip(points.tolist(), s.tolist(), strict=True):
        assert abs(arb(y) - exact(arb(x))) <= 64 * 2.0**-53 * abs(x)
    edge = np.empty(2)
    phi[CODE[name]](np.array([0.0, np.nan]), edge, SHAPE)
    assert edge[0] == 0 and np.isnan(edge[1])


@kernels.kernel
def exponentials(x):
    for i in range(x.size):
        x[i] = exponential(x[i])


def ulps(y, exact):
    return float(abs(arb(float(y)) - exact) / arb(float(np.spacing(y))))


def test_exponential_is_within_one_ulp():
    rng = np.random.default_rng(8)
    points = np.concatenate([rng.uniform(-708, 709.7, 2000), rng.uniform(-1, 1, 2000),
                             rng.standard_normal(500) * 1e-8,
                             np.log(2) * np.arange(-1000, 1000) / 2])
    y = points.copy()
    exponentials(y)
    assert max(ulps(value, arb(x).exp())
               for x, value in zip(points.tolist(), y, strict=True)) <= 1
    edge = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 709.782712893384, 709.79, -708.01, 1e300])
    exponentials(edge)
    assert same(edge[[0, 1, 2, 3, 4, 6, 7, 8]],
                np.array([1, 1, np.inf, 0, np.nan, np.inf, 0, np.inf]))
    assert np.isfinite(edge[5])


# -- steps -----------------------------------------------------------------------------------------
KERNELS = {
    "explicit": (explicit, lambda plain, u: plain.explicit(u, 3)),
    "fixed_point": (fixed_point, lambda plain, u: plain.fixed_point(u, 3)),
    "fsi": (fsi, lambda plain, u: plain.fsi(u, 3, False)),
    "fsi frozen": (frozen_fsi, lambda plain, u: plain.fsi(u, 4, True)),
}
CASES = [("explicit", "rational", np.float64), ("fixed_point", "rational", np.float64),
         ("fsi", "rational", np.float64), ("fsi frozen", "rational", np.float64),
         *(pytest.param(*case, marks=pytest.mark.slow) for case in (  # compiled for them alone
             ("explicit", "rational", np.float32), ("fsi", "rational", np.float32),
             ("explicit", "garrote", np.float64), ("fixed_point", "soft", np.float64)))]


@pytest.mark.parametrize(("scheme", "name", "dtype"), CASES)
@pytest.mark.parametrize("n", SIZES)
def test_scheme_is_its_plain_loop_in_both_forms_of_a_difference(scheme, name, dtype, n):
    kernel, plain_scheme = KERNELS[scheme]
    steps = 4 if kernel is frozen_fsi else 3
    r = dtype(1 / dtype(0.7))
    for boundary in BOUNDARIES:
        rows = difference_rows(n, boundary, r)
        plain = Plain(rows, n, name, 0.2, dtype)
        u = signals(n, dtype)
        with np.errstate(all="ignore"):
            expected = np.stack([plain_scheme(plain, signal) for signal in u])
        for K in ((boundary, (-float(r), float(r))), compressed(rows, n, dtype)):
            v = u.copy()
            kernel[CODE[name]](v, steps, 0.2, K, SHAPE)
            assert same(v, expected), (boundary, len(K))


@pytest.mark.parametrize(("scheme", "name", "dtype"), CASES)
def test_scheme_is_its_plain_loop_for_any_matrix(scheme, name, dtype):
    kernel, plain_scheme = KERNELS[scheme]
    rng = np.random.default_rng(3)
    for m, n in ((1, 1), (3, 7), (9, 4), (0, 2)):
        kept = rng.random((m, n)) < 0.6
        rows = [[(j, dtype(rng.standard_normal())) for j in np.flatnonzero(kept[i])]
                for i in range(m)]
        u = signals(n, dtype, seed=m)
        plain = Plain(rows, n, name, 0.2, dtype)
        v = u.copy()
        with np.errstate(all="ignore"):
            expected = np.stack([plain_scheme(plain, signal) for signal in u])
        steps = 4 if kernel is frozen_fsi else 3
        kernel[CODE[name]](v, steps, 0.2, compressed(rows, n, dtype), SHAPE)
        assert same(v, expected)


@pytest.mark.parametrize("taps", [
    (2.0,), (-0.3, 1.7, -2.1, 0.7), *(pytest.param(taps, marks=pytest.mark.slow) for taps in (
        (1.0, -2.0, 1.0), (1.0, -4.0, 6.0, -4.0, 1.0)))])
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_wider_stencil_is_its_matrix(taps, boundary):
    width = len(taps)
    for n in (1, 2, width, width + 1, 12):
        if n < width and boundary != ZERO:
            continue
        first = 1 - width if boundary == ZERO else 0
        sites = range(first, n - width + 1 if boundary == NATURAL else n)
        rows = [[((site + t) % n, tap) for t, tap in enumerate(taps)
                 if boundary == PERIODIC or 0 <= site + t < n] for site in sites]
        rows = [sorted(row) for row in rows]
        u = signals(n, np.float64)[:4 if boundary != PERIODIC else 3]
        v, w = u.copy(), u.copy()
        fixed_point[CODE["rational"]](v, 3, 0.05, (boundary, taps), SHAPE)
        fixed_point[CODE["rational"]](w, 3, 0.05, compressed(rows, n, np.float64), SHAPE)
        # Where a periodic stencil wraps, the matrix is summed in another order.
        assert same(v, w) if boundary != PERIODIC else np.max(abs(v - w)) < 1e-13


def test_csr_step_has_the_bits_of_scipy():
    n, rng = 40, np.random.default_rng(4)
    matrix = scipy.sparse.random_array((30, n), density=0.2, rng=rng, format="csr")
    matrix.sort_indices()
    adjoint = matrix.T.tocsr()
    adjoint.sort_indices()
    K = tuple(part for m in (matrix, adjoint)
              for part in (m.indptr.astype(np.uint32), m.indices.astype(np.uint32), m.data))
    u = rng.standard_normal((1, n))
    s = matrix @ u[0]
    expected = u[0] - 0.3 * (adjoint @ (s / (1 + s * s * (1 / (SHAPE[0] * SHAPE[0])))))
    fixed_point[CODE["rational"]](u, 1, 0.3, K, SHAPE)
    assert same(u[0], expected)


@pytest.mark.parametrize("kernel", [explicit, fixed_point])
def test_no_steps_change_nothing(kernel):
    u = signals(5, np.float64)
    v = u.copy()
    kernel[CODE["rational"]](v, 0, 0.2, (NATURAL, (-1.0, 1.0)), SHAPE)
    assert same(u, v)


SHAPES = [(1, 1), (1, 33), (2, 255), (1, 256), (1, 257), (3, 1000), (32, 1), (33, 2), (70, 33),
          (7, 50), (32, 2049), (0, 5), (1, TILE + 3),
          (1, 2 * TILE + 1), (1, 3 * TILE + 5)]


@pytest.mark.parametrize(("scheme", "name", "dtype", "r"), [
    ("explicit", "rational", np.float64, None), ("fsi", "rational", np.float64, None),
    ("fixed_point", "rational", np.float64, 1.3),
    *(pytest.param(*case, marks=pytest.mark.slow) for case in (  # compiled for them alone
        ("explicit", "perona_malik", np.float32, 1.3), ("fsi", "rational", np.float32, 1.3),
        ("fsi", "soft", np.float32, 1.3)))])
@pytest.mark.parametrize("shape", SHAPES)
def test_lanes_have_the_bits_of_the_plain_steps(scheme, name, dtype, r, shape):
    """Tile by tile, in lanes or not, for 1/h = 1 and 1.3, with NaN and infinity."""
    plain, laned = (getattr(room, scheme)[CODE[name]] for room in (steps, difference_steps))
    rng, taps = np.random.default_rng(7), (-(r or 1.0), r or 1.0)
    u = (rng.standard_normal(shape) * 2).astype(dtype)
    for place, value in (((0, shape[1] // 2), np.nan), ((-1, 0), np.inf), ((-1, -1), np.nan)):
        for times in (1, 4, 2 * BLOCK + 3) if shape[1] > TILE else (1, 4, 9):
            v, w = u.copy(), u.copy()
            plain(v, times, 0.3, (NATURAL, taps), SHAPE)
            laned(w, times, 0.3, r, SHAPE)
            assert same(v, w)
        if u.size:
            u[place] = value


# -- Haar, implicit --------------------------------------------------------------------------------
def plain_haar(f, name, boundary):
    n, root = len(f), 1 / sqrt(2)
    shrunk = {
        "soft": lambda r: np.copysign(abs(r) - 0.5, r) if abs(r) > 0.5 else 0 * r,
        "hard": lambda r: 0 * r if abs(r) <= 0.5 else r,
        "garrote": lambda r: 0 * r if abs(r) <= 0.5 else r - 0.25 / r,
    }[name]
    if boundary == PERIODIC:
        f = np.concatenate([f[-1:], f, f[:1]])
    else:
        f = np.concatenate([f[:1], f, f[-1:]])
    s = [shrunk((f[i] - f[i + 1]) * root) for i in range(n + 1)]
    return np.array([(f[i] + 2 * f[i + 1] + f[i + 2]) * 0.25 + (s[i + 1] - s[i]) * (root / 2)
                     for i in range(n)])


@pytest.mark.parametrize("name", ["soft", "hard", "garrote"])
@pytest.mark.parametrize("boundary", [NATURAL, PERIODIC])
def test_haar_shrinkage_is_its_plain_loop(name, boundary):
    for n in SIZES:
        f = np.random.default_rng(n).standard_normal((3, n))
        f[1, n // 2], f[2, 0] = np.nan, 1e200
        u = np.empty_like(f)
        haar[CODE[name]](f, u, None, (0.5, 0.0), boundary)
        assert same(u, np.stack([plain_haar(row, name, boundary) for row in f]))


def test_tridiagonal_solve_satisfies_its_system():
    rng = np.random.default_rng(5)
    for n in SIZES:
        beside = rng.standard_normal((2, n - 1))
        diagonal = 5 + rng.random((2, n))
        b = rng.standard_normal((2, n))
        x = b.copy()
        tridiagonal(diagonal.copy(), beside, x)
        for row in range(2):
            matrix = (np.diag(diagonal[row]) + np.diag(beside[row], 1) + np.diag(beside[row], -1))
            assert np.max(abs(matrix @ x[row] - b[row])) < 1e-14 * 50


def plain_thomas(diagonal, beside, x):
    """The algorithm of Thomas from both ends to the middle, with inverted pivots."""
    n, pivots, x = len(x), list(diagonal), list(x)
    middle = n // 2
    for ahead, near in [(range(middle), -1), (range(n - 1, middle, -1), 1)]:
        for i in ahead:
            if 0 <= i + near < n:
                b = beside[min(i, i + near)]
                pivots[i] = pivots[i] - b * b * pivots[i + near]
                x[i] = x[i] - b * pivots[i + near] * x[i + near]
            pivots[i] = 1 / pivots[i]
    for near in (middle - 1, middle + 1):
        if 0 <= near < n:
            b = beside[min(middle, near)]
            pivots[middle] = pivots[middle] - b * b * pivots[near]
            x[middle] = x[middle] - b * pivots[near] * x[near]
    x[middle] = x[middle] / pivots[middle]
    for i in range(middle - 1, -1, -1):
        x[i] = (x[i] - beside[i] * x[i + 1]) * pivots[i]
    for i in range(middle + 1, n):
        x[i] = (x[i] - beside[i - 1] * x[i - 1]) * pivots[i]
    return x


def test_tridiagonal_solves_are_the_plain_loop():
    """By rows and by columns, NaN, infinities and a zero pivot included; solved to rounding."""
    rng = np.random.default_rng(6)
    for n, count in ((1, 1), (1, 3), (2, 5), (3, 4), (4, 2), (9, 1), (12, 6), (13, COLUMNS + 7)):
        beside = rng.standard_normal((n - 1, count))
        diagonal = 5 + rng.random((n, count))
        x = rng.standard_normal((n, count))
        x[n // 2, 0], x[0, -1], diagonal[n // 2, count // 2] = np.nan, np.inf, 0
        with np.errstate(all="ignore"):
            expected = np.array([plain_thomas(diagonal[:, j], beside[:, j], x[:, j])
                                 for j in range(count)]).T
        rows = x.T.copy()
        tridiagonal(diagonal.T.copy(), beside.T.copy(), rows)
        assert same(rows.T, expected)
        b, matrix = x.copy(), diagonal.copy()
        tridiagonal_columns(diagonal, beside, x)
        assert same(x, expected)
        if count > 4:
            A = np.diag(matrix[:, 1]) + np.diag(beside[:, 1], 1) + np.diag(beside[:, 1], -1)
            assert np.max(abs(A @ x[:, 1] - b[:, 1])) < 50 * np.finfo(float).eps

