"""The matrix-free cycle in 2-D and 3-D, beside sine transforms and the same cycle on matrices."""

from fractions import Fraction

import numpy as np
import pytest
import scipy.fft
from array_libraries import Library

from stabkit.errors import InvalidArgument
from stabkit.multigrid import (
    SOR,
    Cycle,
    FastPoisson,
    Multigrid,
    geometric,
    poisson,
    poisson_grids,
    red_black,
    rediscretised,
    weighted_transfer,
)


def random(shape):
    return np.random.default_rng(7).standard_normal(shape)


def dst_solve(b):
    """−Δu = b with zero boundary values, by sine transforms."""
    eigenvalues = sum(np.ix_(*(4 * np.sin(np.arange(1, n + 1) * np.pi / (2 * n + 2)) ** 2
                               for n in b.shape)))
    return scipy.fft.idstn(scipy.fft.dstn(b, type=1) / eigenvalues, type=1)


@pytest.mark.parametrize("shape", [
    (1, 1), (1, 5), (4, 1), (3, 3), (3, 11), (15, 7), (7, 31), (127, 127),
    (1, 1, 1), (1, 1, 5), (3, 1, 3), (1, 4, 3), (3, 3, 3), (7, 15, 31), (31, 15, 7), (31, 31, 31)])
def test_fast_poisson_solves(shape):
    """b − A u, by an assembled A, is as small as said; u is that of the sine transforms."""
    b = random(shape)
    solution = FastPoisson(shape, h=Fraction(1, 4)).solve(b, tolerance=1e-12)
    assert solution.converged
    np.testing.assert_allclose(solution.u, dst_solve(b / 16), rtol=1e-9, atol=1e-11)
    A = poisson(shape, h=Fraction(1, 4)).matrix()
    true = np.linalg.norm(b.ravel() - A @ solution.u.ravel())
    assert true <= 1.01 * solution.residuals[-1] + 1e-14


@pytest.mark.parametrize(("shape", "levels"), [((31, 31), 5), ((15, 7), 3), ((15, 15, 15), 4),
                                               ((7, 15, 7), 3)])
def test_fast_poisson_is_its_twin(shape, levels):
    """The same cycle from matrices: red-black, full weighting, linear interpolation."""
    made = geometric(poisson(shape), weighted_transfer(len(shape)), coarse_operator=rediscretised,
                     levels=levels)
    # Points of coarse grids come first: their indices from 0 have an odd sum in 3-D.
    relaxed = SOR(1, red_black, reverse=len(shape) == 3)
    twin = Multigrid(made, Cycle(relaxed, post_smoother=relaxed))
    b = random(shape)
    fast = FastPoisson(shape)
    for cycles in (1, 3):
        ours = fast.solve(b, max_cycles=cycles)
        theirs = twin.solve(b, max_cycles=cycles)
        # A coarsest grid of more than one point is solved there, and relaxed here.
        close = 1e-12 if len(set(shape)) == 1 else 1e-5
        np.testing.assert_allclose(ours.u, theirs.u, rtol=close, atol=close)
        np.testing.assert_allclose(ours.residuals, theirs.residuals, rtol=max(close, 1e-10))


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(127, 63), (31, 15, 15)])
def test_slabs_and_threads_change_no_bit(shape, monkeypatch):
    """Points of a colour do not depend on each other: any order of them has the same bits."""
    b = random(shape)
    monkeypatch.setattr(poisson_grids, "WORTH_SLABS", b.size + 1)
    whole = FastPoisson(shape).solve(b, tolerance=0, max_cycles=4)
    monkeypatch.setattr(poisson_grids, "WORTH_SLABS", 1)
    for planes in (6, 8):
        monkeypatch.setattr(poisson_grids, "PLANES", planes)
        parts = [FastPoisson(shape, threads=threads).solve(b, tolerance=0, max_cycles=4)
                 for threads in (1, 2, 3)]
        assert len(FastPoisson(shape)._new_grids().fine.slabs) > 1
        for part in parts:
            assert part.u.tobytes() == whole.u.tobytes()
            assert part.residuals == parts[0].residuals
            np.testing.assert_allclose(part.residuals, whole.residuals, rtol=1e-12)


@pytest.mark.slow
def test_the_factor_in_3d_is_that_of_the_smoothing():
    """Red-black smooths by 0.445 a sweep in 3-D (Trottenberg, Oosterlee and Schüller, table 4.2),
    so V(1,1) reduces by some 0.2."""
    found = FastPoisson((63, 63, 63)).solve(random((63, 63, 63)))
    assert 0.1 < found.history[-1] / found.history[-2] < 0.445 ** 2 + 0.03


@pytest.mark.parametrize(("call", "word"), [
    (lambda: FastPoisson((7,)), "shape"),
    (lambda: FastPoisson((3, 3, 3, 3)), "shape"),
    (lambda: FastPoisson((9, 9)), "shape"),
    (lambda: FastPoisson((9, 9, 9)), "shape"),
    (lambda: FastPoisson((3, 9)), "shape"),
    (lambda: FastPoisson((1, 4)), "shape"),
    (lambda: FastPoisson((7, 7), threads=0), "threads"),
    (lambda: FastPoisson((7, 7)).solve(np.full((7, 7), np.inf)), "b"),
    (lambda: FastPoisson((7, 7)).solve(np.ones(49)), "b"),
    (lambda: FastPoisson((7, 7, 7)).solve(np.ones((7, 7))), "b"),
    (lambda: FastPoisson((3, 3, 3)).solve(Library("array_api_strict").array(random((3, 3, 3)))),
     "b"),
])
def test_bad_input_is_named(call, word):
    """One clear error that names the argument."""
    with pytest.raises(InvalidArgument, match=rf"^{word}\b"):
        call()
