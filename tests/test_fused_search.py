"""The fused kernels of the search, of Haar shrinkage and of the Poisson cycle, run on the host."""

from fractions import Fraction

import numpy as np
import pytest
from array_libraries import LIBRARIES, Library
from cuda_on_host import Launches, needs_a_compiler
from plain_loops import CODE, SHAPE, same, signals

from stabkit import CONTRACTION, EUCLIDEAN, MIRRORED, PERIODIC, RANGE, SIGN, difference, fluxes
from stabkit.errors import InvalidArgument
from stabkit.falsify import mass
from stabkit.kernels.haar import haar
from stabkit.kernels.linear import NATURAL
from stabkit.kernels.linear import PERIODIC as RING
from stabkit.multigrid import FastPoisson, poisson_cycle
from stabkit.schemes import FSI, Explicit, HaarShrinkage, fused, twins


@pytest.fixture(params=[False, True], ids=["rising", "falling"])
def launches(request):
    """Kernels run on the host, threads and blocks in rising or falling order."""
    needs_a_compiler()
    return Launches(request.param)


@pytest.mark.parametrize("notion", [EUCLIDEAN, CONTRACTION, RANGE, SIGN], ids=str)
@pytest.mark.parametrize("kind", [Explicit, FSI], ids=["explicit", "fsi frozen"])
def test_the_search_finds_the_worst_trials_of_the_compiled_loop(launches, monkeypatch, kind,
                                                                notion):
    """Chunk by chunk the same margin and the same signals, for every kind of signal."""
    K, flux = difference(1, 7), fluxes.garrote()
    scheme = Explicit(K, flux, "3/5") if kind is Explicit else FSI(K, flux, "3/5", 3, frozen=True)
    monkeypatch.setattr(mass, "_CHUNK", 1100)
    wanted = list(mass.worst_trials(scheme, notion, 3000, 11))
    monkeypatch.setattr(mass, "_FUSED_CHUNK", 1100)
    monkeypatch.setattr(mass, "_BLOCKS", 3)
    monkeypatch.setattr(mass, "raw_kernel", launches)
    found = list(mass.worst_trials(scheme, notion, 3000, 11))
    assert launches.names == ["search"] * 3
    assert [margin for margin, _ in found] == [margin for margin, _ in wanted]
    for (_, mine), (_, theirs) in zip(found, wanted, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(mine, theirs, strict=True))


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("name", ["soft", "hard", "garrote", "perona_malik"])
def test_shrinkage_has_the_bits_of_the_compiled_loop(launches, monkeypatch, name, dtype):
    """Mirrored and periodic, odd and even, with NaN, infinity, zeros and huge numbers."""
    monkeypatch.setattr(fused, "raw_kernel", launches)
    for n in (2, 3, 8, 301):
        f = signals(n, dtype)
        for boundary in (NATURAL, RING):
            wanted = np.empty_like(f)
            haar[CODE[name]](f, wanted, SHAPE, boundary)
            assert same(fused.shrinkage((CODE[name], *SHAPE), boundary == RING, f), wanted)


@pytest.mark.parametrize("make", [fluxes.soft, fluxes.garrote, fluxes.charbonnier,
                                  fluxes.perona_malik, fluxes.weickert])
def test_shrinkage_is_that_of_the_scheme(launches, monkeypatch, make):
    """r (1 − g(√2 r/h)) = r − Φ(r) with the contrast parameter times h/√2, where 4τ = h²."""
    monkeypatch.setattr(fused, "raw_kernel", launches)
    f = 3 * np.random.default_rng(1).standard_normal((3, 8))
    for boundary in (PERIODIC, MIRRORED):
        scheme = HaarShrinkage(make("3/2"), 8, boundary, tau=Fraction(1), h=2)
        given = scheme.flux, scheme.tau, scheme.h, boundary is PERIODIC
        assert np.abs(twins.shrinkage(*given, f[:, ::-1]) - scheme(f[:, ::-1])).max() <= 1e-14
    assert twins.shrinkage(scheme.flux, Fraction(1), Fraction(1), False, f) is None


# -- Poisson ---------------------------------------------------------------------------------------
def noise(shape, seed):
    return np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_poisson_cycle_has_the_bits_of_the_compiled_one(library):
    """The same cycle in every library, so equal iterates; also until it has converged."""
    library = Library(library)
    for shape in ((1, 1), (3, 3), (15, 7), (31, 31), (1, 7)):
        b, given = noise(shape, 1), dict(tolerance=0, max_cycles=2)
        mine = FastPoisson(shape, h="1/8").solve(library.array(b), **given)
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
    """Tiles with halos, down and up, and the sweeps of the coarsest grid."""
    u, b = poisson_cycle.padded(noise(shape, 1)), poisson_cycle.padded(noise(shape, 2))
    coarse = poisson_cycle.padded(noise(tuple((n - 1) // 2 for n in shape), 3))
    jobs = [lambda: poisson_cycle.relax(u, b, 3)]
    if min(shape) > 1:
        jobs += [lambda: poisson_cycle.descend(u, b)[0], lambda: poisson_cycle.descend(u, b)[1],
                 lambda: poisson_cycle.ascend(u, b, coarse)]
    wanted, size = [job() for job in jobs], poisson_cycle.residual_norm(u, b)
    monkeypatch.setattr(poisson_cycle, "raw_kernel", launches)
    for job, expected in zip(jobs, wanted, strict=True):
        assert np.array_equal(job(), expected)
    assert abs(poisson_cycle.residual_norm(u, b) - size) <= 1e-13 * size
