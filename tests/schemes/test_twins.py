"""Every compiled twin computes what its array expression says."""

import numpy as np
import pytest

from stabkit import (
    FSI,
    MIRRORED,
    PERIODIC,
    Explicit,
    FixedPoint,
    HaarShrinkage,
    Implicit,
    InvalidArgument,
    difference,
    fluxes,
    repeat,
)
from stabkit.schemes import threads, twins, weighted_systems

RATIONAL = fluxes.rational(2)
OPERATORS = (difference(1, 33), difference(1, 20, 1, PERIODIC), difference(2, 17, "1/2"))


def both(monkeypatch, scheme, u):
    """The step by its expression, and by its twin."""
    monkeypatch.setattr(twins, "WORTH_COMPILING", 10**12)
    expression = scheme(u)
    monkeypatch.setattr(twins, "WORTH_COMPILING", 0)
    return expression, scheme(u)


@pytest.mark.parametrize(("flux", "dtype"), [
    (RATIONAL, np.float64), pytest.param(RATIONAL, np.float32, marks=pytest.mark.slow),
    (fluxes.perona_malik(), np.float64)], ids=str)
def test_explicit_steps(monkeypatch, flux, dtype):
    """u − τ KᵀΦ(K u), seven times: a few units in the last place at most, for each operator."""
    for K in OPERATORS:
        u = (3 * np.random.default_rng(1).standard_normal((4, K.shape[1]))).astype(dtype)
        expression, twin = both(monkeypatch, repeat(Explicit(K, flux, "1/50"), 7), u)
        assert twin.dtype == dtype
        assert np.abs(twin - expression).max() <= 64 * np.finfo(dtype).eps * np.abs(u).max()


@pytest.mark.slow
def test_cycles_and_iterations(monkeypatch):
    """FSI cycles, with fresh and with frozen diffusivities, and fixed point iterations."""
    K = OPERATORS[0]
    u = 3 * np.random.default_rng(2).standard_normal((3, K.shape[1]))
    for scheme in (FSI(K, RATIONAL, "1/4", 5), FSI(K, RATIONAL, "1/4", 4, frozen=True),
                   FixedPoint(K, RATIONAL, "1/4", 6)):
        expression, twin = both(monkeypatch, scheme, u)
        assert np.abs(twin - expression).max() <= 1e-13 * np.abs(u).max()


@pytest.mark.parametrize("boundary", [PERIODIC, MIRRORED], ids=str)
def test_haar_shrinkage(monkeypatch, boundary):
    """Three steps with S(r) = r − (4τ/h²)(h/√2) Φ(√2 r/h), of soft and of rational shrinkage."""
    u = 3 * np.random.default_rng(4).standard_normal((3, 41))
    for flux in (fluxes.soft(), RATIONAL):
        scheme = HaarShrinkage(flux, 41, boundary, "1/20", "2/3")
        expression, twin = both(monkeypatch, repeat(scheme, 3), u)
        assert np.abs(twin - expression).max() <= 1e-14 * np.abs(u).max()


def test_the_input_is_left_alone(monkeypatch):
    """The twins work in place on a copy; a read-only, strided input is no hindrance."""
    u = np.random.default_rng(3).standard_normal((66, 2)).T[:, ::2]
    u.flags.writeable = False
    before = u.copy()
    expression, twin = both(monkeypatch, Explicit(OPERATORS[0], RATIONAL, "1/4"), u)
    assert (u == before).all()
    assert np.abs(twin - expression).max() <= 1e-15 * 8


@pytest.mark.parametrize(("shape", "steps"), [((1, 1001), 12), ((1, 1001), 40), ((3, 700), 7),
                                              ((2, 900), 9)], ids=str)
def test_threads_change_no_bit(monkeypatch, shape, steps):
    """Strips and parts of a batch, on two threads and on five: the bits of one thread."""
    monkeypatch.setattr(twins, "WORTH_COMPILING", 0)
    monkeypatch.setattr(threads, "WORTH_A_THREAD", 1)
    monkeypatch.setattr(threads, "LEAST", 2)
    monkeypatch.setattr(threads, "OVERLAP", 16)
    u = np.random.default_rng(5).standard_normal(shape)
    u[0, 333] = 1e300  # it overflows, and NaN spreads
    K, flux = difference(1, shape[1]), RATIONAL
    for scheme in (repeat(Explicit(K, flux, "1/4"), steps), FSI(K, flux, "1/4", steps),
                   FixedPoint(K, flux, "1/4", steps)):
        results = []
        for count in (1, 2, 5):
            monkeypatch.setenv(threads.VARIABLE, str(count))
            results.append(scheme(u).tobytes())
        assert len(set(results)) == 1


def test_a_number_of_threads_must_be_one(monkeypatch):
    for text in ("0", "two", "-1", "1.5"):
        monkeypatch.setenv(threads.VARIABLE, text)
        with pytest.raises(InvalidArgument, match=f"STABKIT_THREADS: .*{text}"):
            threads.count()
    monkeypatch.delenv(threads.VARIABLE)
    assert threads.count() >= 1


@pytest.mark.slow
@pytest.mark.parametrize("order", [1, 2])
def test_implicit_steps(monkeypatch, order):
    """Solved by banded elimination and by the compiled one: the same solution."""
    u = np.random.default_rng(6).standard_normal((20, 60))
    scheme, found = Implicit(difference(order, 60), RATIONAL, "1/4"), []
    for least in (10**12, 0):
        monkeypatch.setattr(weighted_systems, "WORTH_COMPILING", least)
        found += [scheme(u), np.stack([scheme(row) for row in u])]
    assert all(np.abs(each - found[0]).max() <= 1e-12 for each in found)
    assert np.array_equal(found[2], found[3])


def test_a_singular_system_has_no_solution():
    """I + τ w KᵀK for K = (−1, 1) has the eigenvalue 1 + 2 τ w, which is 0 for τ = 1/2, w = −1."""
    solve = weighted_systems.WeightedSystems(difference(1, 2), 0.5).solve
    x = solve(np.array([[-1.0], [1.0]]), np.array([[1.0, 1.0], [1.0, 0.0]]))
    assert np.isnan(x[0]).all()
    assert x[1] == pytest.approx([0.75, 0.25])
