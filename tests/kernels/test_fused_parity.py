"""Whatever has a fused kernel, from the user's side: on a GPU, and on the host in its place.

Equal bits in all of it, since the kernels are compiled without contraction: schemes, shrinkage,
the mass search and the iterates of the Poisson solver.  ``pytest -m gpu`` runs it in CuPy.
"""

import numpy as np
import pytest
from array_libraries import Library
from cuda_on_host import Launches, device, needs_a_compiler
from plain_loops import same

from stabkit import FSI, RANGE, Explicit, FixedPoint, HaarShrinkage, fluxes, repeat
from stabkit.arithmetic import backend
from stabkit.errors import InvalidArgument
from stabkit.kernels.haar import haar
from stabkit.kernels.linear import NATURAL
from stabkit.multigrid import FastPoisson
from stabkit.operators import difference
from stabkit.schemes import fused, twins
from stabkit.stability.falsify import mass


@pytest.fixture(params=["host", pytest.param("cupy", marks=pytest.mark.gpu)])
def launches(request, monkeypatch):
    """New arrays live on a GPU, or on the host in its place."""
    monkeypatch.setattr(twins, "WORTH_COMPILING", 0)
    made = Launches()
    if request.param == "cupy":
        Library("cupy")  # skips where there is none
        monkeypatch.setattr(backend, "_selected", "cupy")
        yield made
        return
    needs_a_compiler()
    with device(monkeypatch, made):
        backend.select_backend("cupy")
        yield made


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
def test_schemes(launches, dtype):
    """Two samples, odd, even, longer than a block; one signal, batches, views; 40 steps."""
    flux = fluxes.rational()
    for n, count in ((2, 3), (33, 70), (2100, 2)):
        K = difference(1, n, "1/2")
        for scheme in (repeat(Explicit(K, flux, "1/20"), 40), FSI(K, flux, "1/20", 5),
                       FSI(K, flux, "1/20", 5, frozen=True), FixedPoint(K, flux, "1/20", 3),
                       Explicit(difference(2, n + 1), flux, "1/20")):
            wide = (3 * np.random.default_rng(n).standard_normal((count, 2 * scheme.size))
                    ).astype(dtype)
            for u in (wide[:, ::2], wide[0, :scheme.size], wide[::-1, :scheme.size]):
                assert same(backend.to_host(scheme(backend.from_host(u))), scheme(u)), (n, scheme)


def test_shrinkage(launches):
    """Three steps of soft shrinkage, threshold 1/√2, which τ = 1/4 and h = 1 make of q = 1."""
    for n in (2, 33, 2100):
        f = 3 * np.random.default_rng(n).standard_normal((2, n))
        mine = repeat(HaarShrinkage(fluxes.soft(), n), 3)(backend.from_host(f))
        for _ in range(3):
            f, before = np.empty_like(f), f
            haar[fluxes.soft().kernel[0]](before, f, 1.0, (0.5**0.5, 0.0), NATURAL)
        assert same(backend.to_host(mine), f)


@pytest.mark.slow
def test_the_search(launches, monkeypatch):
    """Every chunk has the same worst margin, and the same signals."""
    monkeypatch.setattr(mass, "_CHUNK", 1024)
    scheme, found = Explicit(difference(1, 16), fluxes.rational(), "3/5"), {}
    for name in ("cupy", "numpy"):
        backend.select_backend(name)
        found[name] = list(mass.worst_trials(scheme, RANGE, 2500, 3))
    for (a, mine), (b, theirs) in zip(found["cupy"], found["numpy"], strict=True):
        assert a == b and same(mine[0], theirs[0])


@pytest.mark.slow
def test_poisson(launches):
    """The iterates of two cycles, and where they end."""
    b = np.random.default_rng(4).standard_normal((63, 127))
    solver, two = FastPoisson(b.shape, h="1/128"), {"tolerance": 0, "max_cycles": 2}
    found = solver.solve(backend.from_host(b), **two)
    assert same(backend.to_host(found.u), solver.solve(b, **two).u)
    assert solver.solve(backend.from_host(b[:, ::-1])).converged


def test_a_batch_that_does_not_fit_is_stepped_in_parts(monkeypatch):
    """A device with room for two blocks: the same bits in parts; with room for none, an error."""
    needs_a_compiler()
    xp = pytest.importorskip("array_api_strict")
    monkeypatch.setattr(twins, "WORTH_COMPILING", 0)
    monkeypatch.setattr(fused, "THREADS", 32)
    inner = Launches()

    def launches(room):
        def kernel(*given):
            def launch(blocks, *rest):
                if blocks > room:
                    raise MemoryError
                inner(*given)(blocks, *rest)
            return launch
        return kernel

    scheme = repeat(Explicit(difference(1, 100), fluxes.rational(), "1/4"), 5)
    u = np.random.default_rng(5).standard_normal((13, 100))
    monkeypatch.setattr("stabkit.launcher.raw_kernel", launches(2))
    assert same(backend.to_host(scheme(xp.asarray(u))), scheme(u))
    assert len(inner.names) > 2
    monkeypatch.setattr("stabkit.launcher.raw_kernel", launches(0))
    with pytest.raises(InvalidArgument, match="not even one signal of 100 samples fits"):
        scheme(xp.asarray(u))
