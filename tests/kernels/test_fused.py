"""The fused CUDA kernels, run on the host, against plain loops and the loops of Numba.

Equal bits everywhere: the host compiles them without contraction, as the device is told to.  What
this cannot show is how fast they are.
"""

from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from cuda_on_host import Launches, device, needs_a_compiler
from plain_loops import CODE, SHAPE, Plain, difference_rows, plain_flux, same, signals

from benchmarks import gpu
from stabkit import difference, fluxes, launcher
from stabkit.arithmetic import backend
from stabkit.codes import BendCode, FluxCode, SchemeCode
from stabkit.kernels.fluxes import phi
from stabkit.kernels.linear import NATURAL, PERIODIC
from stabkit.operators import PERIODIC as RING
from stabkit.operators import from_matrix
from stabkit.schemes import FSI, Explicit, FixedPoint, fused, repeat, twins

ONE_STEP = [(SchemeCode.EXPLICIT, 5), (SchemeCode.FIXED_POINT, 4), (SchemeCode.FSI, 5),
            (SchemeCode.FROZEN_FSI, 4)]
SCHEMES = ["explicit", "fixed point", "fsi", "fsi frozen"]


@pytest.fixture(params=[False, True], ids=["rising", "falling"])
def launches(request, monkeypatch):
    """Kernels run on the host, threads and blocks in rising or falling order."""
    needs_a_compiler()
    made = Launches(request.param)
    monkeypatch.setattr(launcher, "raw_kernel", made)
    return made


def job(scheme, steps, K, code, spacing=None, tau=0.2):
    return fused.Job(scheme, K, lambda dtype: twins.csr_form(K, dtype), spacing, (code, *SHAPE),
                     tau, steps)


def plain_result(scheme, steps, plain, u):
    run = {SchemeCode.EXPLICIT: plain.explicit, SchemeCode.FIXED_POINT: plain.fixed_point,
           SchemeCode.FSI: lambda x, s: plain.fsi(x, s, False),
           SchemeCode.FROZEN_FSI: lambda x, s: plain.fsi(x, s, True)}[scheme]
    with np.errstate(all="ignore"):
        return np.stack([run(signal, steps) for signal in u])


@cache
def of_the_difference(scheme, steps, n, dtype):
    """Signals, and what plain loops make of them with the first difference, h = 3/4."""
    r = dtype(float(Fraction(4, 3)))
    plain = Plain(difference_rows(n, NATURAL, r), n, "rational", 0.2, dtype)
    u = signals(n, dtype)[slice(6) if n <= 100 else slice(3, 5)]  # long: NaN, infinity
    return u, plain_result(scheme, steps, plain, u)


def cut(monkeypatch, *, threads=32, steps=3):
    """Every signal counts as long; small blocks of few steps, so that tiles meet everywhere."""
    monkeypatch.setattr(fused, "SHARED", 0)
    monkeypatch.setattr(fused, "THREADS", threads)
    monkeypatch.setattr(fused, "STEPS", steps)


ROUTES = {"blocks": ["rows"], "tiles": ["tiles"], "pairs": ["bend", "descend"]}


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [
    pytest.param(np.float64, id="float64"),
    pytest.param(np.float32, id="float32", marks=pytest.mark.slow)])
@pytest.mark.parametrize(("scheme", "steps"), ONE_STEP, ids=SCHEMES)
@pytest.mark.parametrize("route", ROUTES)
def test_the_first_difference(launches, monkeypatch, route, scheme, steps, dtype):
    """Lengths 2, 3, odd, even; several signals in a block, one, and a part; NaN, infinity, zeros.

    Tiles of 32 threads hold 256 sites: 100 twice, 256 once, and 257 and 505 in parts with halos.
    """
    if route != "blocks":
        cut(monkeypatch)
    for n in (2, 3, 8, 13, 100, 256, 257, 505)[:4 if route == "blocks" else None]:
        K = difference(1, n, Fraction(3, 4))
        u, expected = of_the_difference(scheme, steps, n, dtype)
        spacing = float(dtype(float(Fraction(4, 3)))) if route == "tiles" else None
        given = u.copy()
        got = fused.run(job(scheme, steps, K, CODE["rational"], spacing), u)
        assert same(got, expected), n
        assert same(u, given)
    assert set(launches.names) == set(ROUTES[route])


@pytest.mark.parametrize(("scheme", "steps"), ONE_STEP, ids=SCHEMES)
@pytest.mark.parametrize("long", [False, True])
def test_any_matrix(launches, monkeypatch, scheme, steps, long):
    """Periodic differences and matrices with empty rows and columns, of one entry, without rows."""
    if long:
        cut(monkeypatch)
    rng = np.random.default_rng(3)
    for m, n in ((1, 1), (3, 7), (9, 4), (2, 5)):
        K = from_matrix((rng.integers(-3, 4, (m, n)) * (rng.random((m, n)) < 0.6)).tolist())
        rows = [[(j, float(x)) for j, x in row] for row in K.rows]
        u = signals(n, np.float64, seed=m)
        plain = Plain(rows, n, "soft", 0.2, np.float64)
        plain.columns = [[(j, dict(row)[i]) for j, row in enumerate(rows) if i in dict(row)]
                         for i in range(n)]
        got = fused.run(job(scheme, steps, K, CODE["soft"]), u)
        assert same(got, plain_result(scheme, steps, plain, u)), (m, n)
    K, u = difference(1, 9, 1, RING), signals(9, np.float64)
    plain = Plain(difference_rows(9, PERIODIC, 1.0), 9, "soft", 0.2, np.float64)
    assert same(fused.run(job(scheme, steps, K, CODE["soft"]), u),
                plain_result(scheme, steps, plain, u))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "dtype"), [
    *((name, np.float64) for name, code in CODE.items() if code != FluxCode.TANH),
    *((name, np.float32) for name in ("garrote", "rational", "perona_malik"))])
def test_fluxes(launches, name, dtype):
    """Phi(s) by itself, K = I and the kernel `bend`: the bits of the Numba loop, exp included."""
    s = np.concatenate([[0.0, -0.0, 1e-30, 1.25, -1.25, 2.5, -2.5, 1e8, -1e20, np.inf, -np.inf,
                         np.nan, 38.0, -47.0], 3 * np.random.default_rng(1).standard_normal(50)]
                       ).astype(dtype)
    code, expected = CODE[name], np.empty_like(s)
    phi[code](s, expected, SHAPE)
    K = from_matrix(np.eye(s.size, dtype=int).tolist())
    made, got = job(SchemeCode.EXPLICIT, 1, K, code), np.full((1, s.size), 7, dtype)
    launch = launcher.Launcher.of(s, "steps.cu", FLUX=code, REAL=launcher.real(s))
    launch("bend", 3, 32, s, got, got, BendCode.FLUXES, 1, s.size, s.size,
           *fused.tables(K, made.csr, s)[:3], *map(dtype, SHAPE))
    assert same(got[0], expected)
    if name not in ("perona_malik", "weickert"):
        with np.errstate(all="ignore"):
            plain = [plain_flux(name, x, *map(dtype, SHAPE)) for x in s]
        assert same(got[0], np.array(plain, dtype))


@pytest.mark.slow
def test_schemes_find_them(launches, monkeypatch):
    """From the scheme down: arrays of another library take the fused kernels, NumPy's the loops.

    Both have the same bits, for batches, views and many steps in a row.
    """
    xp = pytest.importorskip("array_api_strict")
    monkeypatch.setattr(twins, "WORTH_COMPILING", 0)
    K, flux = difference(1, 40, "1/2"), fluxes.rational(2)
    for scheme in (repeat(Explicit(K, flux, "1/20"), 40), FSI(K, flux, "1/16", 5),
                   FSI(K, flux, "1/16", 4, frozen=True), FixedPoint(K, flux, "1/16", 6),
                   Explicit(difference(2, 33), flux, "1/20")):
        wide = 3 * np.random.default_rng(2).standard_normal((6, 2 * scheme.size))
        for u in (wide[:, ::2], wide[0, :scheme.size], wide[:1, ::-2],
                  wide.reshape(2, 3, -1)[..., :scheme.size]):
            before = len(launches.names)
            got = scheme(xp.asarray(u))
            assert len(launches.names) > before and backend.namespace(got) is xp
            assert same(np.from_dlpack(got), scheme(u))


@pytest.mark.slow
@pytest.mark.parametrize("long", [False, True])
def test_long_signals_are_tiled(launches, monkeypatch, long):
    """Tiles of the size that a device runs, 70 steps: 32 in a launch, or all of a short signal."""
    xp = pytest.importorskip("array_api_strict")
    monkeypatch.setattr(twins, "WORTH_COMPILING", 0)
    n = 5000 if long else 300
    scheme = repeat(Explicit(difference(1, n), fluxes.rational(), "1/4"), 70)
    u = 3 * np.random.default_rng(3).standard_normal(n)
    assert same(np.from_dlpack(scheme(xp.asarray(u))), scheme(u))
    assert launches.names == ["tiles"] * (3 if long else 1)


def test_what_has_no_fused_kernel_is_an_expression(launches, monkeypatch):
    """tanh, fluxes that are not numbered, and libraries without kernels of one's own."""
    xp = pytest.importorskip("array_api_strict")
    monkeypatch.setattr(twins, "WORTH_COMPILING", 0)
    u = xp.asarray(np.random.default_rng(4).standard_normal((2, 8)))
    for flux in (fluxes.tanh(), fluxes.tukey()):
        Explicit(difference(1, 8), flux, "1/4")(u)
    monkeypatch.undo()
    monkeypatch.setattr(twins, "WORTH_COMPILING", 0)
    Explicit(difference(1, 8), fluxes.rational(), "1/4")(u)
    Explicit(difference(1, 8), fluxes.rational(), "1/4")(xp.zeros((0, 8), dtype=xp.float64))
    assert launches.names == []


@pytest.mark.slow
def test_the_benchmark_runs(launches, monkeypatch, capsys):
    """The command from end to end, with the host in the place of CuPy's kernels and events."""
    monkeypatch.setattr(twins, "WORTH_COMPILING", 0)
    with device(monkeypatch, launches):
        assert gpu.main(["--sites", "4100", "--rounds", "1", "--trials", "1024", "--side",
                         "63"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head == "cupy of the host, none, 1.0 of 2.0 GiB free; 1 rounds"
    assert len(rows) == 22 and sum("goal >=" in row for row in rows) == 8
    assert set(launches.names) == {"tiles", "haar", "search", "descend", "bottom", "ascend",
                                   "residual_squares"}
    assert str(gpu.Row("a", 2.0, "x", 1.0)).endswith("met")
    assert str(gpu.Row("a", 0.9, "x", 1.0)).endswith("MISSED")


def test_the_benchmark_refuses_wrong_bits():
    """What differs in one bit is not timed."""
    with pytest.raises(SystemExit, match="step: the device and the processor differ"):
        gpu.same_bits("step", np.ones(3), np.nextafter(np.ones(3), 2))


def test_the_benchmark_without_a_gpu(capsys):
    """One line that says what is missing, and status 2."""
    if backend._cupy_state()[0]:
        pytest.skip("a GPU is here")
    assert gpu.main([]) == 2
    out, error = capsys.readouterr()
    assert out == "" and error.startswith("benchmarks.gpu: backend: cupy cannot be used here")
    assert len(error.splitlines()) == 1
