"""The solver tells the truth: what did not converge is told within five cycles, with its cause."""

import re
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg

from stabkit.errors import InvalidArgument
from stabkit.multigrid import (
    LAPLACE_5_POINT,
    NEUMANN_CELLS,
    Cycle,
    DiffusionProblem,
    FastPoisson,
    Jacobi,
    Multigrid,
    Smoothed,
    Status,
    StencilProblem,
    Transfer,
    algebraic,
    cell_linear,
    diagnosis,
    full_weighting,
    gauss_seidel,
    geometric,
    linear,
    poisson,
    rediscretised,
    shifted,
    stencil,
)
from stabkit.multigrid.convergence import Watch, exponent, norm, rescale

SIZE = 31
GS = Cycle(gauss_seidel())


def noise(shape=(SIZE, SIZE), seed=7):
    return np.random.default_rng(seed).standard_normal(shape)


def solver():
    return Multigrid(geometric(poisson((SIZE, SIZE))), GS)


# -- norms -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", [1.0, 1e155, 1e-165, 1e300, 1e-300, 5e-324])
def test_norm_is_the_exact_root(size):
    """‖(3, 4) s‖ = 5 s; squares overflow from 1e155 on and underflow below 1e-162."""
    assert norm(np.array([3 * size, 4 * size])) == pytest.approx(5 * size, rel=1e-15)


def test_norms_of_nothing_of_what_is_too_large_and_of_fractions():
    assert norm(np.zeros(3)) == norm(np.zeros(0)) == 0
    assert norm(np.full(9, 1e308)) == np.inf
    assert np.isnan(norm(np.array([1.0, np.nan])))
    exact = np.array([Fraction(3 * 10**400), Fraction(4 * 10**400)], dtype=object)
    assert norm(exact) == np.inf and norm(exact / 10**400) == 5
    assert norm(exact / 10**600) == pytest.approx(5e-200)


def test_scaling_by_powers_of_two_is_exact():
    for size in (1e300, 1e-300, 5e-324, 1.7e308):
        u = np.array([size, -size / 3])
        e = exponent(u)
        assert (rescale(rescale(u, -e), e) == u).all() and 0.25 <= abs(rescale(u, -e)).max() <= 1
    assert exponent(np.array([1e-10, 7.0])) == 0


@pytest.mark.parametrize("size", [1e155, 1e-165, 1e300, 1e-300])
@pytest.mark.parametrize("make", [solver, lambda: FastPoisson((SIZE, SIZE))])
def test_the_size_of_b_does_not_matter(make, size):
    """A is linear: s b is solved in as many cycles as b, by s times its solution (not u = 0)."""
    b = noise()
    one, far = make().solve(b), make().solve(size * b)
    assert far.converged and far.cycles == one.cycles > 5
    np.testing.assert_allclose(far.u / size, one.u, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(far.history, one.history, rtol=1e-4)
    assert far.residuals[0] == pytest.approx(size * one.residuals[0])


@pytest.mark.parametrize("make", [solver, lambda: FastPoisson((SIZE, SIZE))])
@pytest.mark.parametrize("size", [1e-320, 4e307])
def test_a_solution_that_no_float_holds_is_told(make, size):
    b = size * np.ones((SIZE, SIZE))
    solution = make().solve(b)
    assert solution.status is Status.OUT_OF_RANGE and not solution.converged
    assert "range of floats" in solution.reason


# -- input -----------------------------------------------------------------------------------------
MASKED = np.ma.masked_array(np.ones((SIZE, SIZE)), mask=np.eye(SIZE))


@pytest.mark.parametrize("make", [solver, lambda: FastPoisson((SIZE, SIZE))])
@pytest.mark.parametrize(("b", "options", "words"), [
    (1j * np.ones((SIZE, SIZE)), {}, r"^b: .*complex.*imaginary"),
    ([[1j] * SIZE] * SIZE, {}, r"^b: .*complex"),
    (MASKED, {}, r"^b: .*masked.*filled"),
    (np.ones((SIZE, SIZE)), {"u": MASKED}, r"^u: .*masked"),
    (np.ones((SIZE, SIZE)), {"u": 1j * np.ones((SIZE, SIZE))}, r"^u: .*complex"),
    *((np.ones((SIZE, SIZE)), {"tolerance": value}, "^tolerance: must be a number")
      for value in (-1e-3, np.nan, np.inf, 1.0, "1e-3", True, None)),
    *((np.ones((SIZE, SIZE)), {"max_cycles": value}, "^max_cycles: must be an integer")
      for value in (-1, 2.5, np.nan, "3", True, None)),
])
def test_what_would_be_misread_is_refused(make, b, options, words):
    with pytest.raises(InvalidArgument, match=words):
        make().solve(b, **options)


def test_complex_matrices_are_refused():
    with pytest.raises(InvalidArgument, match=r"^A: has complex entries"):
        algebraic(scipy.sparse.csr_array(np.eye(3) * 1j), [])


@pytest.mark.parametrize("h", [1e-160, "1e-61", 1e200, -1])
def test_grid_sizes_whose_square_is_no_float(h):
    with pytest.raises(InvalidArgument, match=r"^h: must lie between"):
        FastPoisson((7, 7), h)


def test_the_solver_keeps_its_own_matrix():
    """Sorting or overwriting the entries that were given changes no solve after it."""
    given = poisson((SIZE, SIZE)).matrix()
    P = geometric(poisson((SIZE, SIZE))).levels[0].P
    method = Multigrid(algebraic(given, [P]), GS)
    before = method.solve(noise((SIZE**2,)))
    method.solve(noise((SIZE**2,)), tolerance=0.0)  # ends with a diagnosis, which sorts copies
    given.data[:] = np.nan
    P.data[:] = 0
    assert (method.solve(noise((SIZE**2,))).u == before.u).all()


def test_entries_given_twice_add_up():
    rows = np.array([0, 2, 4]), np.array([0, 0, 1, 1])
    twice = scipy.sparse.csr_array((np.array([1.0, 3.0, 2.0, 2.0]), rows[1], rows[0]), shape=(2, 2))
    solution = Multigrid(algebraic(twice, [np.eye(2)]), GS).solve([4.0, 8.0])
    assert solution.u.tolist() == [1, 2]


# -- the verdict on an iteration -------------------------------------------------------------------
def watched(factors, tolerance=1e-10, max_cycles=100):
    watch = Watch(1.0, 1.0, tolerance, max_cycles)
    for factor in factors:
        if not watch.goes_on:
            break
        watch.add(watch.measured[-1] * factor)
    return watch


@pytest.mark.parametrize(("factor", "status", "cycles"), [
    (0.09, Status.CONVERGED, 10), (0.9, Status.OUT_OF_CYCLES, 100), (0.97, Status.STAGNATED, 5),
    (1.0, Status.STAGNATED, 5), (1.01, Status.STAGNATED, 5), (1.1, Status.DIVERGED, 5),
    (1e30, Status.DIVERGED, 5), (np.inf, Status.DIVERGED, 1), (np.nan, Status.DIVERGED, 1),
])
def test_a_geometric_iteration_is_judged_in_five_cycles(factor, status, cycles):
    watch = watched([factor] * 200)
    assert (watch.status, watch.cycles) == (status, cycles)


def test_patience_where_it_pays():
    """Slow but steady arrives if the cycles suffice; a start that first grows is not divergence."""
    assert watched([0.97] * 2000, max_cycles=1000).status is Status.CONVERGED
    assert watched([30.0, 3.0, 0.2] + [0.2] * 40).status is Status.CONVERGED
    assert watched([0.5] * 30, max_cycles=8).status is Status.OUT_OF_CYCLES
    assert watched([0.5] * 30, max_cycles=0).status is Status.OUT_OF_CYCLES
    assert watched([100.0, 0.1, 1000.0, 0.1, 1e4, 0.1, 1e4]).status is Status.DIVERGED


def test_peaks_of_krylov_methods_are_no_divergence():
    watch = Watch(1.0, 1.0, 1e-10, 100, steps=True)
    for factor in [2.0] * 35 + [1e-6] * 4:
        assert watch.goes_on or watch.status is Status.STAGNATED
        watch.add(watch.measured[-1] * factor)
    assert watch.status is Status.CONVERGED


def anisotropic(epsilon):
    weights = stencil([[0, -epsilon, 0], [-1, 2 + 2 * epsilon, -1], [0, -epsilon, 0]])
    return Multigrid(geometric(StencilProblem((63, 63), weights)), GS), noise((63, 63))


def jumping():
    medium = np.where(noise() > 0, 1e6, 1.0)
    return Multigrid(geometric(DiffusionProblem(medium)), GS), noise()


def indefinite():
    return Multigrid(geometric(shifted(poisson((SIZE, SIZE)), Fraction(-1, 2))), GS), noise()


def unsymmetric():
    A = poisson((SIZE, SIZE)).matrix()
    skew = scipy.sparse.eye_array(SIZE**2, k=1) - scipy.sparse.eye_array(SIZE**2, k=-1)
    P = geometric(poisson((SIZE, SIZE))).levels[0].P
    return Multigrid(algebraic(A + 3 * skew, [P]), GS), noise((SIZE**2,))


def incompatible():
    made = geometric(poisson((32, 32), NEUMANN_CELLS), Transfer(cell_linear(2)))
    coarsest = Smoothed(Jacobi(), 4)
    P = made.levels[0].P
    cycle = Cycle(gauss_seidel(), coarsest=coarsest)
    return Multigrid(algebraic(made.levels[0].A, [P]), cycle), np.ones(1024)


def one_singular_part():
    """Two grids beside each other, one of them of Neumann type with an incompatible b."""
    parts = poisson((8, 8), NEUMANN_CELLS).matrix(), poisson((9, 9)).matrix()
    A = scipy.sparse.block_diag(parts, format="csr")
    return Multigrid(algebraic(A), GS), np.ones(145)


def enlarging():
    return Multigrid(geometric(poisson((SIZE, SIZE))), Cycle(Jacobi(2))), noise()


def negative_coarse_operator():
    transfer = Transfer(linear(2), full_weighting(2))
    problem = poisson((SIZE, SIZE))
    return Multigrid(geometric(
        problem, transfer, levels=2,
        coarse_operator=lambda A, P, R, coarse: -1 * rediscretised(A, P, R, coarse)), GS), noise()


def wrong_prolongation():
    """Aggregates of unknowns that are far from each other, so constants alone are reached."""
    n = SIZE**2
    P = scipy.sparse.csr_array((np.sign(noise((n,))), np.arange(n) % 200, np.arange(n + 1)))
    return Multigrid(algebraic(poisson((SIZE, SIZE)).matrix(), [P]), GS), noise((n,))


def wrong_restriction():
    P = geometric(poisson((SIZE, SIZE))).levels[0].P
    A = poisson((SIZE, SIZE)).matrix()
    R = P.T.tocsr()[:, np.random.default_rng(0).permutation(SIZE**2)]
    return Multigrid(algebraic(A, [P], [R]), GS), noise((SIZE**2,))


@pytest.mark.parametrize(("make", "status", "words"), [
    (lambda: anisotropic(Fraction(1, 10**4)), Status.STAGNATED, "anisotropic.* 0.0001 of"),
    (lambda: anisotropic(Fraction(1, 100)), Status.STAGNATED, "anisotropic.* 0.01 of"),
    (jumping, Status.STAGNATED, "jump by a factor of about [1-9.]+e.05"),
    (indefinite, Status.DIVERGED, "indefinite: dᵀA d.*Helmholtz"),
    (unsymmetric, Status.DIVERGED, "not symmetric"),
    (incompatible, Status.STAGNATED, "singular.*incompatible.*mean is 1"),
    (one_singular_part, None, "singular: 1 of the 2 parts"),
    (enlarging, Status.DIVERGED, "smoothing of level 0 enlarges"),
    (negative_coarse_operator, Status.DIVERGED, "coarse operator of level 1.*of the other sign"),
    (wrong_prolongation, Status.STAGNATED, "P of level 0 does not reach"),
    (wrong_restriction, None, "R of level 0 is not near"),
])
def test_failures_are_told_with_their_cause(make, status, words):
    """Each problem is spoilt in one way, and that one is named; nothing overflows on the way."""
    method, b = make()
    with np.errstate(all="raise", under="ignore"):
        solution = method.solve(b)
    assert status in (solution.status, None) and not solution.converged
    assert np.isfinite(solution.history).all() or solution.status is Status.DIVERGED
    assert re.search(words, solution.reason), solution.reason
    if solution.status is Status.DIVERGED:
        assert solution.cycles <= 5


@pytest.mark.parametrize("size", [1e-250, 1e250])
def test_the_cause_does_not_depend_on_the_size_of_a(size):
    method, b = anisotropic(Fraction(1, 10**4))
    levels = method.hierarchy.levels
    far = algebraic(size * levels[0].A, [level.P for level in levels[:-1]])
    assert Multigrid(far, GS).solve(b.ravel()).reason == method.solve(b).reason
    negative = algebraic(-size * levels[0].A, [level.P for level in levels[:-1]])
    told = Multigrid(negative, Cycle(Jacobi(3))).solve(b.ravel())
    assert "a diagonal entry is -1 of the largest" in told.reason


def test_an_indefinite_matrix_is_called_so_only_if_it_is():
    """The direction that is told has dᵀA d < 0; a definite matrix near it is not accused."""
    from stabkit.multigrid.diagnosis import indefiniteness
    A, b = poisson((SIZE, SIZE)).matrix(), noise((SIZE**2,))
    least = 8 * np.sin(np.pi / 2 / (SIZE + 1)) ** 2
    unit = scipy.sparse.eye_array(SIZE**2)
    assert not indefiniteness(A - 0.99 * least * unit, b)
    assert "indefinite" in indefiniteness(A - 2 * least * unit, b)
    assert "a diagonal entry" in indefiniteness(-A, b)


def test_rounding_is_told_as_rounding(monkeypatch):
    """Where the residual is at the floor of rounding no cause is looked for in the matrices."""
    monkeypatch.setattr(diagnosis, "causes", lambda *_: pytest.fail("causes were searched"))
    solution = solver().solve(noise(), tolerance=1e-17)
    assert solution.status is Status.STAGNATED and "rounding" in solution.reason
    assert solution.history[-1] < 1e-13 and solution.cycles < 40
    fast = FastPoisson((SIZE, SIZE)).solve(noise(), tolerance=0)
    assert fast.status is Status.STAGNATED and "rounding" in fast.reason


def test_too_few_cycles_are_told_with_how_many_it_takes():
    short = solver().solve(noise(), max_cycles=4)
    assert short.status is Status.OUT_OF_CYCLES and short.cycles == 4
    told = int(short.reason.partition("about ")[2].split()[0])
    assert abs(4 + told - solver().solve(noise()).cycles) <= 3
    assert "raise max_cycles" in str(short) and "factor 0." in str(short)


def test_a_zero_right_hand_side_is_measured_from_the_start():
    """b = 0 with a guess shows the convergence of the error itself."""
    solution = solver().solve(np.zeros((SIZE, SIZE)), noise())
    assert solution.converged and solution.history[0] == 1 and solution.factor < 0.3
    assert np.abs(solution.u).max() < 1e-9


def test_exact_iterations_are_told_too():
    problem = StencilProblem((7, 7), LAPLACE_5_POINT)
    method = Multigrid(geometric(problem, levels=2, dtype=object), Cycle(Jacobi(3)))
    b = np.array([Fraction(k % 5) for k in range(49)], dtype=object)
    solution = method.solve(b)
    assert solution.status is Status.DIVERGED and solution.cycles == 5 and solution.reason
