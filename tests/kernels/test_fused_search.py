"""The fused kernels of the search, of Haar shrinkage and of the Poisson cycle, run on the host."""

from fractions import Fraction

import numpy as np
import pytest
from array_libraries import LIBRARIES, Library
from cuda_on_host import Launches, needs_a_compiler
from plain_loops import CODE, SHAPE, same, signals

from stabkit import (
    CONTRACTION,
    EUCLIDEAN,
    MIRRORED,
    PERIODIC,
    RANGE,
    SIGN,
    difference,
    fluxes,
    launcher,
    repeat,
)
from stabkit.errors import InvalidArgument
from stabkit.kernels.haar import haar
from stabkit.kernels.linear import NATURAL
from stabkit.kernels.linear import PERIODIC as RING
from stabkit.multigrid import FastPoisson, poisson_cycle
from stabkit.operators import from_matrix
from stabkit.schemes import FSI, Explicit, FixedPoint, HaarShrinkage, fused, twins
from stabkit.stability.falsify import fused_trials, mass


@pytest.fixture(params=[False, True], ids=["rising", "falling"])
def launches(request):
    """Kernels run on the host, threads and blocks in rising or falling order."""
    needs_a_compiler()
    return Launches(request.param)


K, BENT, STRAIGHT = difference(1, 7), fluxes.rational(), fluxes.identity()
SEARCHES = [
    *((Explicit(K, BENT, "3/5"), notion) for notion in (CONTRACTION, RANGE, SIGN)),
    *((Explicit(K, STRAIGHT, "3/5"), EUCLIDEAN)
      for K in (difference(1, 2), difference(2, 7), difference(1, 40), from_matrix([[2]]))),
    (FSI(K, BENT, "3/5", 3), CONTRACTION),
    (FSI(K, BENT, "3/5", 3, frozen=True), RANGE),
    (FixedPoint(K, BENT, "3/5", 3), SIGN),
    (Explicit(K, BENT, "1/100"), SIGN),  # ties
    (FSI(from_matrix([[1, 0], [0, 0]]), STRAIGHT, 10**150, 5), RANGE)]  # inf - inf beside a number


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "notion"), SEARCHES, ids=str)
def test_the_search_finds_the_worst_trials_of_the_compiled_loop(launches, monkeypatch, scheme,
                                                                notion):
    """Chunk by chunk the same margin and the same signals, for every kind of signal.

    Signals of 1, 2, 7 and 40 samples, the difference and any matrix; 4 blocks in a launch, 2 for a
    chunk, and a last chunk that is not full.
    """
    monkeypatch.setattr(mass, "_CHUNK", 512)
    wanted = list(mass.worst_trials(scheme, notion, 3000, 11))
    with monkeypatch.context() as patch:
        patch.setattr(fused_trials, "TRIALS", 256)
        patch.setattr(fused_trials, "BLOCKS", 4)
        patch.setattr(launcher, "raw_kernel", launches)
        found = list(mass.worst_trials(scheme, notion, 3000, 11))
    assert launches.names == ["search"] * 3
    assert [margin for margin, _ in found] == [margin for margin, _ in wanted]
    for (_, mine), (_, theirs) in zip(found, wanted, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(mine, theirs, strict=True))


def test_the_worst_of_some_blocks():
    """On a tie the earlier block; (inf, -1) where no trial has a margin."""
    first = fused_trials._first
    assert first(np.array([np.inf, -1.0, -1.0]), np.array([-1, 5, 9])) == (-1.0, 5)
    assert first(np.full(2, np.inf), np.full(2, -1)) == (np.inf, -1)


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("name", ["soft", "perona_malik"])
def test_shrinkage_has_the_bits_of_the_compiled_loop(launches, monkeypatch, name, dtype):
    """Mirrored and periodic, odd and even, in one block and in three; 1, 4 and 7 steps in launches
    of at most 4; with NaN, infinity, zeros and huge numbers."""
    monkeypatch.setattr(launcher, "raw_kernel", launches)
    monkeypatch.setattr(fused, "STEPS", 4)
    monkeypatch.setattr(fused, "WIDTH", 64)
    for n, steps in ((1, 3), (2, 1), (3, 7), (8, 4), (157, 1), (157, 7)):
        for boundary in (NATURAL, RING):
            f = signals(n, dtype)
            got = fused.shrinkage((CODE[name], *SHAPE), 1.0, boundary == RING, f, steps)
            for _ in range(steps):
                f, before = np.empty_like(f), f
                haar[CODE[name]](before, f, 1.0, SHAPE, boundary)
            assert same(got, f), (n, steps, boundary)
    assert len(launches.names) == 2 * (1 + 1 + 2 + 1 + 1 + 2)


@pytest.mark.slow
@pytest.mark.parametrize("make", [fluxes.soft, fluxes.charbonnier, fluxes.weickert,
                                  lambda q: fluxes.firm(q, 3)])
def test_shrinkage_is_that_of_the_scheme(launches, monkeypatch, make):
    """r (1 − w g(√2 r/h)) = r − w Φ(r), w = 4τ/h², with q and p times h/√2; some roundings apart.

    Through the scheme, whatever τ and h, for views, one signal, an empty batch and steps in a row.
    """
    xp = pytest.importorskip("array_api_strict")
    monkeypatch.setattr(launcher, "raw_kernel", launches)
    f = 3 * np.random.default_rng(1).standard_normal((3, 8))
    for boundary in (PERIODIC, MIRRORED):
        for tau, h in ((1, 2), (Fraction(1, 10), 1)):
            shrink = HaarShrinkage(make("3/2"), 8, boundary, tau=tau, h=h)
            for u in (f, f[:, ::-1], f[0], f[:0]):
                for scheme in (shrink, repeat(shrink, 3)):
                    with monkeypatch.context() as patch:
                        patch.setattr(twins, "WORTH_COMPILING", 0)
                        got = np.from_dlpack(scheme(xp.asarray(u)))
                    assert got.shape == u.shape
                    assert np.all(abs(got - scheme(u)) <= 1e-14)
    assert launches.names == ["haar"] * 24


# -- Poisson ---------------------------------------------------------------------------------------
def noise(shape, seed):
    return np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.slow
@pytest.mark.parametrize("library", LIBRARIES)
def test_the_poisson_cycle_has_the_bits_of_the_compiled_one(library):
    """The same cycle in every library, so equal iterates; also until it has converged."""
    library = Library(library)
    for shape in ((1, 1), (3, 3), (15, 7), (31, 31), (1, 7)):
        b, given = noise(shape, 1), dict(tolerance=0, max_cycles=2)
        mine = FastPoisson(shape, h="1/8").solve(library.array(b.T.copy().T), **given)
        wanted = FastPoisson(shape, h="1/8").solve(b, **given)
        assert np.array_equal(library.host(mine.u), wanted.u)
    solved = FastPoisson((31, 31)).solve(library.array(noise((31, 31), 2)))
    assert solved.converged


def test_bad_right_hand_sides_are_told():
    strict, solver = Library("array_api_strict"), FastPoisson((3, 3))
    for bad in (noise((3, 4), 1), noise((3, 3), 1).astype(np.float32), np.full((3, 3), np.nan)):
        with pytest.raises(InvalidArgument, match=r"^b: "):
            solver.solve(strict.array(bad))


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (7, 31), (31, 63), (33, 17)])
def test_the_poisson_kernels_have_the_bits_of_their_expressions(launches, monkeypatch, shape):
    """Tiles with halos, down and up, and the sweeps of the coarsest grid; NaN spreads alike."""
    u, b, zero = noise(shape, 1), noise(shape, 2), np.zeros(shape)
    u[0, 0] = np.nan
    coarse = noise(tuple(n // 2 for n in shape), 3)
    jobs = [lambda: poisson_cycle.relax(u, b, 3)]
    if min(shape) > 1:
        jobs += [lambda: poisson_cycle.descend(u, b), lambda: poisson_cycle.descend(None, b),
                 lambda: poisson_cycle.ascend(u, b, coarse)[:1]]
    wanted = [job() for job in jobs]
    sizes = [np.sum(poisson_cycle.residual_squares(zero, b))]
    if min(shape) > 1:
        for k in range(2):
            assert np.array_equal(poisson_cycle.descend(zero, b)[k],
                                  poisson_cycle.descend(None, b)[k])
        sizes.append(np.sum(poisson_cycle.ascend(zero, b, coarse)[1]))
    monkeypatch.setattr(launcher, "raw_kernel", launches)
    for job, expected in zip(jobs, wanted, strict=True):
        for mine, theirs in zip(job(), expected, strict=True):
            assert np.array_equal(mine, theirs, equal_nan=True)
    mine = [np.sum(poisson_cycle.residual_squares(zero, b))]
    if min(shape) > 1:
        mine.append(np.sum(poisson_cycle.ascend(zero, b, coarse)[1]))
    assert np.all(abs(np.subtract(mine, sizes)) <= 1e-13 * np.array(sizes))


@pytest.mark.slow
def test_a_solve_on_the_kernels(launches, monkeypatch):
    """The iterates of the compiled loops bit by bit; launches: two for a large level, one below.

    63 x 63 is too large for a block, the rest is not; 1 x 4095 is a coarsest grid in memory.
    """
    xp = pytest.importorskip("array_api_strict")
    monkeypatch.setattr(launcher, "raw_kernel", launches)
    for shape, names in (((63, 63), ["descend", "bottom", "ascend"]), ((7, 31), ["bottom"]),
                         ((1, 4095), ["relax"]), ((3, 4095), ["descend", "relax", "ascend"])):
        launches.names.clear()
        b, given = noise(shape, 1), dict(tolerance=0, max_cycles=2)
        mine = FastPoisson(shape, h="1/8").solve(xp.asarray(b.T.copy().T), **given)
        wanted = FastPoisson(shape, h="1/8").solve(b, **given)
        assert np.array_equal(np.from_dlpack(mine.u), wanted.u)
        assert [name for name in launches.names if name != "residual_squares"] == 2 * names
        assert np.all(abs(np.subtract(mine.residuals, wanted.residuals))
                      <= 1e-13 * wanted.residuals[0])


def test_a_grid_that_does_not_fit_is_told(monkeypatch):
    """One line: which, how much it takes, what to do."""
    strict = Library("array_api_strict")

    def full(*_):
        raise MemoryError

    monkeypatch.setattr(poisson_cycle, "cycle", full)
    with pytest.raises(InvalidArgument, match=r"^b: a grid of 3 by 7 points takes .* GiB, more"):
        FastPoisson((3, 7)).solve(strict.array(noise((3, 7), 1)))
