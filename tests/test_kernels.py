"""Every kernel does what its plain loop does, bit by bit."""

import subprocess
import sys
import textwrap
import time
from math import sqrt
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
from flint import arb

from stabkit import kernels
from stabkit.kernels import draws, search
from stabkit.kernels.exponential import exponential
from stabkit.kernels.fluxes import FLUXES, phi
from stabkit.kernels.haar import haar
from stabkit.kernels.implicit import semi_implicit, tridiagonal
from stabkit.kernels.lanes import BLOCK, TILE, diffuse
from stabkit.kernels.linear import NATURAL, PERIODIC, ZERO
from stabkit.kernels.steps import explicit, fixed_point, fsi

CODE = {flux.__name__: code for code, flux in enumerate(FLUXES)}
SHAPE = (1.25, 2.5)
BOUNDARIES = (NATURAL, PERIODIC, ZERO)
SIZES = (1, 2, 3, 8, 13)


# -- plain loops -----------------------------------------------------------------------------------
def plain_flux(name, s, q, p):
    one = type(s)(1)
    return {
        "identity": lambda: s, "linear": lambda: q * s, "cubic": lambda: s * s * s,
        "charbonnier": lambda: s / np.sqrt(one + s * s * (one / (q * q))),
        "soft": lambda: -q if s < -q else q if s > q else s,
        "garrote": lambda: q * q / s if abs(s) > q else s,
        "hard": lambda: 0 * one if abs(s) > q else s,
        "rational": lambda: s / (one + s * s * (one / (q * q))),
        "leaky_relu": lambda: q * s if s <= 0 else s,
        "firm": lambda: (s if not abs(s) > q else 0 * one if abs(s) >= p
                         else np.copysign(q / (p - q) * (p - abs(s)), s)),
        "kink": lambda: (s if not abs(s) > q else
                         np.copysign(q, s) + p * (s - np.copysign(q, s))),
    }[name]()


def difference_rows(n, boundary, r):
    """The first difference as rows of (column, entry), columns sorted."""
    inner = [{j: -r, j + 1: r} for j in range(n - 1)]
    if boundary == PERIODIC:
        last = {0: r, n - 1: -r} if n > 1 else {0: r - r}
        inner = [*inner, last]
    if boundary == ZERO:
        inner = [{0: r}, *inner, {n - 1: -r}]
    return [sorted(row.items()) for row in inner]


def transposed(rows, n):
    return [[(j, dict(row)[i]) for j, row in enumerate(rows) if i in dict(row)] for i in range(n)]


def compressed(rows, n, dtype):
    """The arrays of K and of its transpose."""
    parts = []
    for table in (rows, transposed(rows, n)):
        starts = np.cumsum([0, *map(len, table)])
        parts += [starts.astype(np.uint32),
                  np.array([j for row in table for j, _ in row], np.uint32),
                  np.array([x for row in table for _, x in row], dtype)]
    return tuple(parts)


def product(rows, x):
    total = []
    for row in rows:
        s = x.dtype.type(0)
        for j, entry in row:
            s += entry * x[j]
        total.append(s)
    return np.array(total, x.dtype)


class Plain:
    """The schemes as plain loops over one signal."""

    def __init__(self, rows, n, name, tau, dtype):
        self.rows, self.columns, self.name = rows, transposed(rows, n), name
        self.tau, self.q, self.p = dtype(tau), dtype(SHAPE[0]), dtype(SHAPE[1])

    def flux(self, s):
        return np.array([plain_flux(self.name, x, self.q, self.p) for x in s], s.dtype)

    def down(self, start, f):
        return np.array([x - self.tau * y for x, y in
                         zip(start, product(self.columns, f), strict=True)], start.dtype)

    def step(self, u, start=None):
        return self.down(u if start is None else start, self.flux(product(self.rows, u)))

    def explicit(self, u, steps):
        for _ in range(steps):
            u = self.step(u)
        return u

    def fixed_point(self, u, steps):
        v = u
        for _ in range(steps):
            v = self.step(v, u)
        return v

    def fsi(self, u, steps, frozen):
        s = product(self.rows, u)
        tiny = u.dtype.type(2.0**-60)
        s = np.where(s == 0, tiny, s)
        g, old = self.flux(s) / s, u
        for step in range(steps):
            alpha = (4 * step + 2) / (2 * step + 3)
            a, b = u.dtype.type(alpha), u.dtype.type(1 - alpha)
            s = product(self.rows, u)
            down = self.down(u, g * s if frozen else self.flux(s))
            u, old = np.array([a * x + b * y for x, y in zip(down, old, strict=True)],
                              u.dtype), u
        return u


def same(a, b):
    """Equal bits, where the sign of a zero and the payload of a NaN do not count."""
    return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=True)


def signals(n, dtype, seed=0):
    rng = np.random.default_rng(seed)
    u = rng.standard_normal((6, n)) * 3
    u[1], u[2, ::2] = 0, -0.0
    u[3, n // 2], u[4, n // 2], u[5, 0] = np.nan, np.inf, 1e30
    return u.astype(dtype)


# -- fluxes ----------------------------------------------------------------------------------------
ELEMENTARY = [name for name in CODE
              if name not in ("perona_malik", "weickert", "tanh")]
POINTS = [0.0, -0.0, 1e-300, 1.25, -1.25, 2.5, 0.7, -3.3, 1e8, -1e200, np.inf, -np.inf, np.nan]


@pytest.mark.parametrize("name", ELEMENTARY)
def test_flux_is_its_formula(name):
    s = np.concatenate([POINTS, np.random.default_rng(1).standard_normal(200) * 3])
    with np.errstate(all="ignore"):
        expected = np.array([plain_flux(name, x, np.float64(1.25), np.float64(2.5)) for x in s])
    phi[CODE[name]](s, SHAPE)
    assert same(s, expected)


@pytest.mark.parametrize(("name", "exact"), [
    ("perona_malik", lambda s: s * (-s * s / (2 * arb(1.25) ** 2)).exp()),
    ("weickert", lambda s: s * (1 - (arb("-3.31488") * (arb(1.25) / s) ** 8).exp())),
    ("tanh", lambda s: s.tanh()),
])
def test_transcendental_flux_is_close_to_the_exact_one(name, exact):
    points = np.random.default_rng(2).standard_normal(500) * 2
    s = points.copy()
    phi[CODE[name]](s, SHAPE)
    for x, y in zip(points.tolist(), s.tolist(), strict=True):
        assert abs(arb(y) - exact(arb(x))) <= 64 * 2.0**-53 * abs(x)
    edge = np.array([0.0, np.nan])
    phi[CODE[name]](edge, SHAPE)
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
    "explicit": (explicit, lambda plain, u: plain.explicit(u, 3), ()),
    "fixed_point": (fixed_point, lambda plain, u: plain.fixed_point(u, 3), ()),
    "fsi": (fsi, lambda plain, u: plain.fsi(u, 3, False), (False,)),
    "fsi frozen": (fsi, lambda plain, u: plain.fsi(u, 4, True), (True,)),
}
CASES = [("explicit", "rational", np.float64), ("explicit", "garrote", np.float64),
         ("explicit", "rational", np.float32), ("fixed_point", "soft", np.float64),
         ("fsi", "rational", np.float64), ("fsi frozen", "rational", np.float64),
         ("fsi", "rational", np.float32)]


@pytest.mark.parametrize(("scheme", "name", "dtype"), CASES)
@pytest.mark.parametrize("n", SIZES)
def test_scheme_is_its_plain_loop_in_both_forms_of_a_difference(scheme, name, dtype, n):
    kernel, plain_scheme, more = KERNELS[scheme]
    steps = 4 if more == (True,) else 3
    r = dtype(1 / dtype(0.7))
    for boundary in BOUNDARIES:
        rows = difference_rows(n, boundary, r)
        plain = Plain(rows, n, name, 0.2, dtype)
        u = signals(n, dtype)
        with np.errstate(all="ignore"):
            expected = np.stack([plain_scheme(plain, signal) for signal in u])
        for K in ((boundary, (-float(r), float(r))), compressed(rows, n, dtype)):
            v = u.copy()
            kernel[CODE[name]](v, steps, 0.2, K, SHAPE, *more)
            assert same(v, expected), (boundary, len(K))


@pytest.mark.parametrize(("scheme", "name", "dtype"), CASES)
def test_scheme_is_its_plain_loop_for_any_matrix(scheme, name, dtype):
    kernel, plain_scheme, more = KERNELS[scheme]
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
        steps = 4 if more == (True,) else 3
        kernel[CODE[name]](v, steps, 0.2, compressed(rows, n, dtype), SHAPE, *more)
        assert same(v, expected)


@pytest.mark.parametrize("taps", [(2.0,), (1.0, -2.0, 1.0), (-0.3, 1.7, -2.1, 0.7),
                                  (1.0, -4.0, 6.0, -4.0, 1.0)])
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
        fixed_point[CODE["soft"]](v, 3, 0.05, (boundary, taps), SHAPE)
        fixed_point[CODE["soft"]](w, 3, 0.05, compressed(rows, n, np.float64), SHAPE)
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
    expected = u[0] - 0.3 * (adjoint @ np.clip(matrix @ u[0], -1.25, 1.25))
    fixed_point[CODE["soft"]](u, 1, 0.3, K, SHAPE)
    assert same(u[0], expected)


@pytest.mark.parametrize("kernel", [explicit, fixed_point])
def test_no_steps_change_nothing(kernel):
    u = signals(5, np.float64)
    code = CODE["rational" if kernel is explicit else "soft"]
    v = u.copy()
    kernel[code](v, 0, 0.2, (NATURAL, (-1.0, 1.0)), SHAPE)
    assert same(u, v)


SHAPES = [(1, 1), (2, 255), (1, 256), (1, 257), (3, 1000), (32, 1), (33, 2), (70, 33), (32, 2049),
          (1, 2 * TILE + 1), (1, 3 * TILE + 5)]


@pytest.mark.parametrize(("name", "dtype"), [("rational", np.float64), ("rational", np.float32),
                                             ("perona_malik", np.float64)])
@pytest.mark.parametrize("shape", SHAPES)
def test_lanes_have_the_bits_of_the_explicit_steps(name, dtype, shape):
    rng = np.random.default_rng(7)
    u = (rng.standard_normal(shape) * 2).astype(dtype)
    for place, value in (((0, shape[1] // 2), np.nan), ((-1, 0), np.inf), ((-1, -1), np.nan)):
        for steps in (1, 4, 2 * BLOCK + 3) if shape[1] > TILE else (1, 4, 9):
            v, w = u.copy(), u.copy()
            explicit[CODE[name]](v, steps, 0.3, (NATURAL, (-1.3, 1.3)), SHAPE)
            diffuse[CODE[name]](w, steps, 0.3, 1.3, SHAPE)
            assert same(v, w)
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
        haar[CODE[name]](f, u, (0.5, 0.0), boundary)
        assert same(u, np.stack([plain_haar(row, name, boundary) for row in f]))


def test_tridiagonal_solve_satisfies_its_system():
    rng = np.random.default_rng(5)
    for n in SIZES:
        beside = rng.standard_normal((2, n - 1))
        diagonal = 5 + rng.random((2, n))
        b = rng.standard_normal((2, n))
        x = b.copy()
        tridiagonal(diagonal, beside, x)
        for row in range(2):
            matrix = (np.diag(diagonal[row]) + np.diag(beside[row], 1) + np.diag(beside[row], -1))
            assert np.max(abs(matrix @ x[row] - b[row])) < 1e-14 * 50


@pytest.mark.parametrize("boundary", [NATURAL, ZERO])
def test_semi_implicit_step_satisfies_its_equation(boundary):
    for n in SIZES:
        u = np.random.default_rng(n).standard_normal((2, n)) * 2
        v = u.copy()
        semi_implicit[CODE["rational"]](v, 1, 0.4, (boundary, (-1.5, 1.5)), SHAPE)
        rows = difference_rows(n, boundary, 1.5)
        K = np.zeros((len(rows), n))
        for i, row in enumerate(rows):
            for j, entry in row:
                K[i, j] = entry
        for before, after in zip(u, v, strict=True):
            g = 1 / (1 + (K @ before) ** 2 / SHAPE[0] ** 2)
            assert np.max(abs(after + 0.4 * K.T @ (g * (K @ after)) - before)) < 1e-13


# -- search ----------------------------------------------------------------------------------------
def plain_word(seed, trial, number, i):
    """splitmix64 in Python integers."""
    low, golden = 2**64 - 1, 0x9E3779B97F4A7C15

    def mixed(z):
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & low
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & low
        return z ^ (z >> 31)

    key = mixed((mixed((seed * golden + trial + golden) & low) + number) & low)
    return mixed((key + (i + 1) * golden) & low)


def test_a_draw_is_a_hash_of_seed_trial_and_site():
    for seed, trial in ((0, 0), (7, 8), (123, 8 * 10**9)):
        scale = 2.0 ** (((plain_word(seed, trial, 0, -1) & 255) * 13 >> 8) - 6)
        expected = [((plain_word(seed, trial, 0, i) >> 12) * 2.0**-51 - 1) * scale
                    for i in range(9)]
        assert draws.draw(seed, trial, 9).tolist() == expected


def test_the_kinds_of_signals():
    uniform, heavy, integers, spikes, steps, alternating, walk, few = (
        draws.draw(3, 8 * 5 + kind, 400) for kind in range(draws.KINDS))
    assert np.unique(uniform).size == np.unique(walk).size == 400
    assert np.ptp(np.log2(abs(heavy))) > 30
    assert set(integers) == {-3, -2, -1, 0, 1, 2, 3}
    assert 50 < np.count_nonzero(spikes) < 150
    assert 80 < np.count_nonzero(np.diff(steps)) < 190
    assert np.all(alternating[1:] * alternating[:-1] < 0)
    assert len(set(abs(few))) == 2


N, RATIO = 9, 0.6
SEARCHED = compressed(difference_rows(N, NATURAL, 1.0), N, np.float64)


def run(code, notion, first, count, scheme=search.EXPLICIT, steps=1, tau=RATIO):
    return search.search(N, (scheme, steps, tau), SEARCHED, (code, *SHAPE), notion, 11,
                         (first, count))


def changes(u):
    signs = np.sign(u)[u != 0]
    return np.count_nonzero(signs[1:] != signs[:-1])


def plain_margin(notion, pair, image):
    if notion == search.CONTRACTION:
        (u, v), (a, b) = pair, image
        return 1 - np.sum((a - b) ** 2) / np.sum((u - v) ** 2)
    u, v = pair[0], image[0]
    if notion == search.EUCLIDEAN:
        return 1 - np.sum(v**2) / np.sum(u**2)
    if notion == search.RANGE:
        length = np.ptp(u) or np.max(abs(u))
        return min(v.min() - u.min(), u.max() - v.max()) / length
    return changes(u) - changes(np.where(abs(v) <= 2.0**-40 * np.max(abs(u)), 0, v))


@pytest.mark.parametrize("notion", range(4))
@pytest.mark.parametrize("scheme", range(4))
def test_search_finds_the_worst_of_its_trials(notion, scheme):
    code, steps, first, count = CODE["soft"], 2, 40, 64
    advance = {search.EXPLICIT: (explicit, ()), search.FIXED_POINT: (fixed_point, ()),
               search.FSI: (fsi, (False,)), search.FROZEN_FSI: (fsi, (True,))}[scheme]
    margins = []
    for trial in range(first, first + count):
        pair = np.stack(draws.draw_pair(11, trial, N))
        image = pair.copy()
        advance[0][code](image, steps, RATIO, SEARCHED, SHAPE, *advance[1])
        with np.errstate(all="ignore"):
            margins.append(plain_margin(notion, pair, image))
    worst, where = run(code, notion, first, count, scheme, steps)
    assert where == first + int(np.nanargmin(margins))
    assert abs(worst - np.nanmin(margins)) <= 1e-12 * max(1, abs(worst))


def test_search_does_not_depend_on_the_cuts():
    for notion in range(4):
        whole = run(CODE["rational"], notion, 0, 3000)
        parts = [run(CODE["rational"], notion, first, 1000) for first in (0, 1000, 2000)]
        assert min(parts) == whole
        assert run(CODE["rational"], notion, whole[1], 1) == whole


@pytest.mark.parametrize("code", range(len(FLUXES)))
def test_search_takes_every_flux_by_its_code(code):
    worst, trial = run(code, search.EUCLIDEAN, 0, 200, tau=0.4)
    u = draws.draw(11, trial, N)
    s = np.diff(u)
    phi[code](s, SHAPE)
    v = u + 0.4 * np.diff(s, prepend=0, append=0)
    assert abs(worst - (1 - np.sum(v**2) / np.sum(u**2))) <= 1e-12 * max(1, abs(worst))


def test_search_without_a_usable_trial():
    assert run(0, search.EUCLIDEAN, 0, 0) == (np.inf, -1)


def test_search_makes_a_million_trials_per_second():
    run(CODE["rational"], search.EUCLIDEAN, 0, 10)
    assert best_time(lambda: run(CODE["rational"], search.EUCLIDEAN, 0, 20000)) < 0.02


# -- the compiler ----------------------------------------------------------------------------------
def best_time(job, rounds=15):
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        job()
        times.append(time.perf_counter() - start)
    return min(times)


def test_the_loops_are_vectorised():
    n = 4096
    u, a, b = np.random.default_rng(6).random((3, 1, n)) + 1
    u = u[:1].reshape(1, -1).copy()
    step = explicit[CODE["rational"]]
    step(u, 1, 0.2, (NATURAL, (-1.0, 1.0)), SHAPE)
    ours = best_time(lambda: step(u, 20, 0.2, (NATURAL, (-1.0, 1.0)), SHAPE)) / 20
    division = best_time(lambda: np.divide(a, b, out=a))
    assert ours < 5 * division  # 2 to 3 when vectorised, 10 when not


def test_code_of_a_changed_callee_is_not_taken_from_the_cache(tmp_path):
    room = tmp_path / "room"
    room.mkdir()
    (room / "__init__.py").write_text(Path(kernels.__file__).read_text())
    (room / "caller.py").write_text(textwrap.dedent("""
        from room import kernel
        from room.callee import number

        @kernel
        def doubled(x):
            return 2 * number(x)
    """))
    program = ("from room.caller import doubled as f; "
               "print(f(1), sum(f.stats.cache_hits.values()))")

    def answer(constant):
        (room / "callee.py").write_text(
            f"from room import inner\n\n@inner\ndef number(x):\n    return x + {constant}\n")
        done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True,
                              capture_output=True, text=True)
        return done.stdout.split()

    assert answer(10) == ["22", "0"]
    assert answer(10) == ["22", "1"]
    assert answer(20) == ["42", "0"]


def test_one_option_set_without_fastmath():
    assert kernels.OPTIONS == {"cache": True, "nogil": True, "error_model": "numpy"}
    for made in (explicit[CODE["rational"]], search.search, tridiagonal):
        assert "fastmath" not in made.targetoptions
        assert made.targetoptions["error_model"] == "numpy"
        assert made.targetoptions["nogil"]
