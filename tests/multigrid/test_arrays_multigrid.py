"""Multigrid in every array library: the same tables, the numbers of SciPy's products.

Equal bits: products, smoothers and cycles whose coarsest level is smoothed, for each of them sums
in the order of a row.  Close: whatever ends in a direct solve, by LU factors on the host and by a
dense inverse elsewhere, or in a norm, which a library sums in an order of its own.
"""

from fractions import Fraction
from functools import cache

import numpy as np
import pytest
import scipy.sparse
from array_libraries import agree

from stabkit.errors import InvalidArgument
from stabkit.multigrid import PERIODIC, Multigrid, geometric, poisson, weighted_transfer
from stabkit.multigrid.cycle import Cycle, Direct, F, Smoothed, V, W
from stabkit.multigrid.hierarchy import rediscretised
from stabkit.multigrid.relaxation import MOST_STAGES, stages
from stabkit.multigrid.smoother import (
    SOR,
    Chebyshev,
    Jacobi,
    Richardson,
    Then,
    backward,
    forward,
    gauss_seidel,
    red_black,
    symmetric,
)
from stabkit.multigrid.unet import start, unet
from stabkit.operators.sparse import portable

SMOOTHERS = {
    "Richardson": Richardson(Fraction(1, 8)), "Jacobi": Jacobi(),
    "Chebyshev": Chebyshev(3), "red-black": gauss_seidel(red_black),
    "red-black SOR": SOR(Fraction(5, 4), red_black), "symmetric": symmetric(SOR(1, red_black)),
    "two": Then(Jacobi(), Richardson(Fraction(1, 8))),
}
VISITS = {"V": (V, 1), "W": (W, 1), "F": (F, 1), "backslash": (V, 0)}
SHAPES = [(1,), (3,), (15,), (3, 7), (15, 15)]
SPECIAL = [np.nan, np.inf, -np.inf]


@cache
def hierarchy(shape):
    return geometric(poisson(shape), weighted_transfer(len(shape)), coarse_operator=rediscretised,
                     levels=1 if shape == (1,) else 2)


@cache
def method(shape, smoother, visit=V, post=1, coarsest=None):
    coarsest = coarsest or Smoothed(smoother, 2)
    return Multigrid(hierarchy(shape), Cycle(smoother, 1, post, visit, coarsest=coarsest))


def signals(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


# -- one product, one sweep, one cycle -------------------------------------------------------------
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("shape", [(0, 4), (3, 5), (1, 1), (6, 4)], ids=str)
def test_products(xp, shape, dtype):
    """Rows summed in their order, columns of a matrix by themselves, rows without an entry."""
    entries = np.round(2 * signals(*shape)) * (signals(*shape, seed=1) > 0)
    A = scipy.sparse.csr_array(entries.astype(dtype))
    for columns in ((), (1,), (3,), (0,)):
        u = signals(shape[1], *columns).astype(dtype)
        agree(xp.host(portable(A) @ xp.array(u)), A @ u, exactly=True)
        agree(xp.host(portable(A) @ xp.array(u[::-1])), A @ u[::-1], exactly=True)


@pytest.mark.parametrize("bad", SPECIAL, ids=str)
def test_a_product_sees_the_stored_entries_only(xp, bad):
    u = np.array([1.0, bad, 2.0])
    A = scipy.sparse.csr_array([[1.0, 0, 1], [0, 3, 0], [0, 0, 0]])
    agree(xp.host(portable(A) @ xp.array(u)), A @ u, exactly=True)


def test_tables_are_moved_once(xp):
    A = scipy.sparse.csr_array(np.eye(3))
    held = portable(A)
    assert portable(A) is held
    for _ in range(2):
        held @ xp.array(np.ones(3))
    assert len(held._tables) == (xp.module is not np)


@pytest.mark.parametrize("name", SMOOTHERS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_smoothers(xp, name, shape):
    """One sweep, for a vector and for the columns of a matrix."""
    A = poisson(shape).matrix()
    n = A.shape[0]
    sweep = SMOOTHERS[name].on(A, shape)
    for columns in ((), (3,), (0,)):
        u, b = signals(2, n, *columns)
        agree(xp.host(sweep(xp.array(u), xp.array(b))), sweep(u, b), exactly=True)


@pytest.mark.parametrize("visit", VISITS)
@pytest.mark.parametrize("name", SMOOTHERS)
def test_cycles(xp, name, visit):
    """One cycle of every kind, in two grids, and its U-net."""
    for shape in SHAPES:
        cycle = method(shape, SMOOTHERS[name], *VISITS[visit])
        u, b = signals(2, cycle.A.shape[0])
        mine = cycle.step(xp.array(u), xp.array(b))
        agree(xp.host(mine), cycle.step(u, b), exactly=True)
        network = unet(cycle)
        for mine, host in zip(network(start(xp.array(b))), network(start(b)), strict=True):
            agree(xp.host(mine), host, exactly=True)


@pytest.mark.parametrize("bad", SPECIAL, ids=str)
def test_a_cycle_spreads_what_is_not_finite_alike(xp, bad):
    """At the door of `solve` it is refused, inside nothing hides it."""
    cycle = method((7,), SMOOTHERS["Jacobi"])
    u, b = signals(2, 7)
    b[2] = bad
    with np.errstate(invalid="ignore"):
        agree(xp.host(cycle.step(xp.array(u), xp.array(b))), cycle.step(u, b), exactly=True)
    with pytest.raises(InvalidArgument, match="b: has entries that are not finite"):
        cycle.solve(xp.array(b))


# -- solves ----------------------------------------------------------------------------------------
@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.int64, np.float32, np.float64], ids=lambda t: t.__name__)
@pytest.mark.parametrize("visit", VISITS)
def test_solves(xp, visit, dtype):
    """Solved in float64 whatever is given, in as many cycles, to the same solution."""
    cycle = method((7, 15), SMOOTHERS["Jacobi"], *VISITS[visit], coarsest=Direct())
    b = (4 * signals(7, 15)).astype(dtype)
    for given in (b, b.ravel(), b[::-1, ::-1]):
        mine, host = cycle.solve(xp.array(given)), cycle.solve(given)
        assert mine.converged and mine.cycles == host.cycles
        agree(xp.host(mine.u), host.u, exactly=False, ulps=1e3)
        agree(xp.host(cycle.full(xp.array(given))), cycle.full(given), exactly=False)


def test_from_a_guess_and_without_a_cycle(xp):
    """The right-hand side of a known solution: nothing to do, and the guess is left alone."""
    cycle = method((15,), SMOOTHERS["Jacobi"])
    guess = signals(15)
    done = cycle.solve(xp.array(cycle.A @ guess), xp.array(guess), tolerance=1e-12)
    assert done.cycles == 0
    agree(xp.host(done.u), guess, exactly=True)


def test_singular_systems(xp):
    """Periodic: solved up to a constant, or refused for a sum that is not zero."""
    cycle = Multigrid(geometric(poisson((16,), boundary=PERIODIC), levels=2))
    b = signals(16)
    b -= b.mean()
    mine = xp.host(cycle.solve(xp.array(b)).u)
    assert np.abs(cycle.A @ mine - b).max() < 1e-8
    with pytest.raises(InvalidArgument, match="the operator is singular"):
        cycle.solve(xp.array(b + 1))


# -- orders ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("order", [forward, backward], ids=lambda order: order.__name__)
def test_a_sequential_sweep_stays_on_the_host(xp, order):
    cycle = method((31,), gauss_seidel(order))
    b = signals(31)
    if xp.module is np:
        assert cycle.step(xp.array(0 * b), xp.array(b)).shape == b.shape
        return
    with pytest.raises(InvalidArgument, match=r"SOR in this order .* stays on the host; take Jac"):
        cycle.solve(xp.array(b))


def test_stages_keep_the_order_of_what_is_coupled():
    """A pair of coupled unknowns is never in one stage, and the earlier one is in an earlier stage.

    The matrix is not symmetric: an entry A_ij couples i and j whoever comes first, for a stage must
    not change what an earlier unknown of a later stage still reads.
    """
    rng = np.random.default_rng(3)
    A = scipy.sparse.csr_array(np.eye(12) + np.triu(rng.random((12, 12)) < 0.1, 1))
    ranks = rng.permutation(12)
    stage = np.empty(12, dtype=int)
    found = stages(A, ranks)
    assert len(found) <= MOST_STAGES and sorted(np.concatenate(found)) == list(range(12))
    for number, rows in enumerate(found):
        stage[rows] = number
    for i, j in zip(*A.tocoo().coords, strict=True):
        assert i == j or (stage[i] < stage[j]) == (ranks[i] < ranks[j])
