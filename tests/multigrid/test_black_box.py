"""Problems on grids: three dimensions, black box transfers, semicoarsening, line smoothers."""

from fractions import Fraction
from functools import reduce

import numpy as np
import pyamg
import pytest
import scipy.fft
import scipy.sparse
import scipy.sparse.linalg

from stabkit.errors import InvalidArgument
from stabkit.multigrid import (
    DIRICHLET,
    LAPLACE_19_POINT,
    LAPLACE_TRILINEAR,
    NEUMANN,
    NEUMANN_CELLS,
    PERIODIC,
    SOR,
    BlackBox,
    Cycle,
    DiffusionProblem,
    Lines,
    Multigrid,
    Status,
    StencilProblem,
    Then,
    algebraic,
    conjugate_gradients,
    gauss_seidel,
    geometric,
    harmonic_mean,
    linear,
    poisson,
    red_black,
    stencil,
)

GS = Cycle(gauss_seidel())


def noise(n, seed=7):
    return np.random.default_rng(seed).standard_normal(n)


def solve(A, shape, cycle=GS, around=None, **options):
    """By black box multigrid; the solution is checked here."""
    A = scipy.sparse.csr_array(A)
    made = algebraic(A, method=BlackBox(shape, **options))
    b = noise(A.shape[0])
    b = b if made.levels[0].kernel is None else b - b.mean()
    solution = Multigrid(made, cycle).solve(b, tolerance=1e-9, around=around)
    if solution.converged:
        assert np.linalg.norm(b - A @ solution.u) <= 1.01e-9 * np.linalg.norm(b)
    return made, solution


def sum_along(parts):
    """Σ_k 1 ⊗ … ⊗ A_k ⊗ … ⊗ 1."""
    total = 0
    for k in range(len(parts)):
        factors = [part if j == k else scipy.sparse.eye_array(part.shape[0])
                   for j, part in enumerate(parts)]
        total = total + reduce(scipy.sparse.kron, factors)
    return total.tocsr()


def line(n, boundary=DIRICHLET):
    return poisson((n,), boundary).matrix()


# -- three dimensions ------------------------------------------------------------------------------
def test_seven_points_are_the_gallery_s():
    assert (poisson((4, 5, 6)).matrix() != pyamg.gallery.poisson((4, 5, 6))).nnz == 0


def test_trilinear_elements_are_products_of_linear_ones():
    """K⊗M⊗M + M⊗K⊗M + M⊗M⊗K with K = (-1, 2, -1), M = (1, 4, 1)/6."""
    shape = (4, 5, 3)
    K, M = zip(*((line(n), scipy.sparse.diags_array(
        [1 / 6, 4 / 6, 1 / 6], offsets=[-1, 0, 1], shape=(n, n))) for n in shape), strict=True)
    total = sum(reduce(scipy.sparse.kron, [K[j] if j == k else M[j] for j in range(3)])
                for k in range(3))
    ours = StencilProblem(shape, LAPLACE_TRILINEAR).matrix()
    np.testing.assert_allclose(ours.toarray(), total.toarray(), atol=1e-15)


def test_nineteen_points_are_minus_the_laplacian_to_fourth_order():
    """-Δ - h²/12 Δ² on polynomials of degree 5, at the middle of a 3³ grid."""
    x, y, z = np.mgrid[-1:2, -1:2, -1:2].astype(float)
    A = StencilProblem((3, 3, 3), LAPLACE_19_POINT).matrix()
    for u, minus_laplacian, square in ((x**2 * y, 0, 0), (x**2, -2, 0), (x**4, 0, 24),
                                       (x**2 * y**2, 0, 8), (x * y * z, 0, 0)):
        assert (A @ u.ravel())[13] == pytest.approx(minus_laplacian - square / 12, abs=1e-14)


@pytest.mark.parametrize("boundary", [DIRICHLET, NEUMANN, NEUMANN_CELLS, PERIODIC])
def test_three_dimensions_are_sums_along_axes(boundary):
    shape = (4, 6, 4)
    ours = DiffusionProblem(np.ones(shape), boundary).matrix().toarray()
    assert (ours == poisson(shape, boundary).matrix().toarray()).all()
    if boundary is not NEUMANN:  # whose rows at the boundary count half
        assert np.array_equal(ours, sum_along([line(n, boundary) for n in shape]).toarray())


@pytest.mark.slow
def test_geometric_cycles_in_three_dimensions():
    b = noise((31, 31, 31))
    solution = Multigrid(geometric(poisson(b.shape)), GS).solve(b, tolerance=1e-8)
    assert solution.converged and solution.factor < 0.35
    sines = 4 * np.sin(np.arange(1, 32) * np.pi / 64) ** 2
    hat = scipy.fft.dstn(b, type=1) / (sines[:, None, None] + sines[:, None] + sines)
    np.testing.assert_allclose(solution.u, scipy.fft.idstn(hat, type=1), atol=1e-6)
    assert Multigrid(geometric(poisson(b.shape)), Cycle(gauss_seidel(red_black))).solve(b).converged


# -- prolongations ---------------------------------------------------------------------------------
@pytest.mark.parametrize("n", [8, 9])
def test_in_one_dimension_the_coarse_operator_is_the_schur_complement(n):
    """Interpolation by the equations in between is exact there, whatever the coefficients."""
    A = DiffusionProblem(np.exp(3 * noise((n,)))).matrix()
    made = BlackBox((n,)).start(A, None)
    P, _ = made.coarser(A)
    dense, even, odd = A.toarray(), np.arange(0, n, 2), np.arange(1, n, 2)
    schur = dense[np.ix_(even, even)] - dense[np.ix_(even, odd)] @ np.linalg.solve(
        dense[np.ix_(odd, odd)], dense[np.ix_(odd, even)])
    np.testing.assert_allclose((P.T @ A @ P).toarray(), schur, rtol=1e-12, atol=1e-12)


def test_for_constant_coefficients_it_is_bilinear():
    """Dendy's weights for five points: halves on edges, quarters in the middle."""
    P, _ = BlackBox((5, 5)).start(poisson((5, 5), PERIODIC).matrix(), None).coarser(
        poisson((5, 5), NEUMANN_CELLS).matrix())
    middle = P.toarray()[6]
    assert sorted(middle[middle > 0]) == [0.25] * 4
    edge = P.toarray()[1]
    assert sorted(edge[edge > 0]) == [0.5] * 2


@pytest.mark.parametrize("shape", [(9,), (8, 7), (5, 6, 7)])
@pytest.mark.parametrize("boundary", [NEUMANN_CELLS, PERIODIC])
def test_constants_stay_constants(shape, boundary):
    """A 1 = 0 makes P 1 = 1, for random coefficients over six orders of magnitude."""
    A = DiffusionProblem(10 ** (3 * noise(shape)), boundary, harmonic_mean).matrix()
    P, _ = BlackBox(shape).start(A, None).coarser(A)
    np.testing.assert_allclose(P @ np.ones(P.shape[1]), 1, rtol=1e-8)
    assert (P.data > -1e-12).all()


# -- convergence -----------------------------------------------------------------------------------
BOUNDARIES = {"p": PERIODIC, "n": NEUMANN_CELLS, "d": DIRICHLET}


@pytest.mark.parametrize("mix", ["dd", "nn", "pp", "pn", "dn", "pdn", "ppp", "nnd"])
def test_boundaries_in_any_mix_and_sizes_of_any_kind(mix):
    shape = (41, 38, 17)[:2] if len(mix) == 2 else (14, 15, 16)
    A = sum_along([line(n, BOUNDARIES[kind]) for n, kind in zip(shape, mix, strict=True)])
    made, solution = solve(A, shape)
    assert solution.converged and solution.factor < 0.32, solution
    assert (made.levels[0].kernel is not None) == ("d" not in mix)


@pytest.mark.parametrize("epsilon", [0.1, 1e-2, 1e-4, 1e-6])
@pytest.mark.parametrize("axis", [0, 1])
def test_anisotropy_is_coarsened_along_the_strong_axis(epsilon, axis):
    """The cycles of the model problem, with point smoothers; geometric coarsening stalls there."""
    parts = [line(60), line(60)]
    parts[1 - axis] = epsilon * parts[1 - axis]
    made, solution = solve(sum_along(parts), (60, 60))
    assert made.levels[1].shape == ((30, 60), (60, 30))[axis]
    assert solution.converged and solution.cycles <= 14


@pytest.mark.slow
def test_anisotropy_in_three_dimensions():
    made, solution = solve(sum_along([line(20), 1e-2 * line(20), 1e-5 * line(20)]), (20, 20, 20))
    assert made.levels[1].shape == (10, 20, 20) and solution.cycles <= 14
    made, solution = solve(sum_along([line(20), line(20), 1e-3 * line(20)]), (20, 20, 20))
    assert made.levels[1].shape == (10, 10, 20) and solution.cycles <= 14


def square():
    inside = (slice(13, 41), slice(20, 50))
    medium = np.ones((60, 60))
    medium[inside] = 1e6
    return medium


def stripes():
    return np.where(np.arange(60) // 7 % 2, 1e6, 1.0)[:, None] * np.ones(60)


@pytest.mark.parametrize("medium", [square, stripes])
def test_jumps_of_a_million_converge_as_if_there_were_none(medium):
    A = DiffusionProblem(medium(), mean=harmonic_mean).matrix()
    _, solution = solve(A, (60, 60))
    assert solution.converged and solution.cycles <= 18, solution
    b = noise((60, 60))
    geometrically = Multigrid(geometric(DiffusionProblem(np.pad(medium(), (0, 3), mode="edge"),
                                                         mean=harmonic_mean)), GS)
    assert not geometrically.solve(np.pad(b, (0, 3)), max_cycles=30).converged


def test_three_dimensional_jumps_inside_conjugate_gradients():
    medium = np.where(noise((20, 20, 20)) > 0, 1e4, 1.0)
    A = DiffusionProblem(medium, mean=harmonic_mean).matrix()
    _, solution = solve(A, (20, 20, 20), around=conjugate_gradients)
    assert solution.converged and solution.cycles <= 40


@pytest.mark.parametrize("weights", [LAPLACE_19_POINT, LAPLACE_TRILINEAR])
def test_wide_stencils(weights):
    A = StencilProblem((20, 20, 20), weights).matrix()
    assert solve(A, (20, 20, 20))[1].factor < 0.2


# -- line smoothers --------------------------------------------------------------------------------
@pytest.mark.parametrize("zebra", [False, True])
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("omega", [1, 1.25])
def test_a_line_sweep_solves_line_after_line(zebra, axis, omega):
    """Each line's equations by a dense solve with all other values as they are at that moment."""
    shape = (4, 5)
    A = StencilProblem(shape, stencil(noise((3, 3)) - 9 * np.eye(3)[1][:, None] * np.eye(3)[1]))
    A = A.matrix()
    u, b = noise(20), noise(20, 8)
    numbers = np.arange(20).reshape(shape)
    rows = list(numbers.T if axis == 0 else numbers)
    wanted = u.copy()
    for row in (rows[::2] + rows[1::2] if zebra else rows):
        dense = A.toarray()
        change = np.linalg.solve(dense[np.ix_(row, row)], (b - dense @ wanted)[row])
        wanted[row] += omega * change
    smoother = SOR(omega, Lines(axis, zebra))
    np.testing.assert_allclose(smoother.on(A, shape)(u, b), wanted, rtol=1e-10, atol=1e-12)
    exact = smoother.on(StencilProblem(shape, stencil([[0, -1, 0], [-1, 4, -1], [0, -1, 0]]))
                        .matrix(object), shape)
    floats = smoother.on(poisson(shape).matrix(), shape)
    rational = np.array([Fraction(x) for x in u], dtype=object)
    np.testing.assert_allclose(exact(rational, 0 * rational).astype(float), floats(u, 0 * u),
                               rtol=1e-12, atol=1e-13)


@pytest.mark.slow
def test_lines_smooth_anisotropy_without_semicoarsening():
    weights = stencil([[0, "-1/10000", 0], [-1, "20002/10000", -1], [0, "-1/10000", 0]])
    b, problem = noise((63, 63)), StencilProblem((63, 63), weights)
    by_lines = Multigrid(geometric(problem), Cycle(gauss_seidel(Lines(1, zebra=True)))).solve(b)
    assert by_lines.converged and by_lines.cycles <= 12
    across = Multigrid(geometric(problem), Cycle(gauss_seidel(Lines(0)))).solve(b)
    assert across.status is Status.STAGNATED and "anisotropic" in across.reason


@pytest.mark.slow
def test_alternating_lines_where_the_strong_axis_changes():
    n = 60
    weak = scipy.sparse.diags_array(np.where(np.arange(n) < n // 2, 1e-4, 1.0))
    A = scipy.sparse.kron(weak, line(n)) + 1e-2 * scipy.sparse.kron(line(n), np.eye(n))
    assert not solve(A, (n, n))[1].converged
    both = Then(gauss_seidel(Lines(0, zebra=True)), gauss_seidel(Lines(1, zebra=True)))
    assert solve(A, (n, n), Cycle(both), strength=0)[1].cycles <= 12


# -- out of reach, and bad input -------------------------------------------------------------------
def test_helmholtz_is_said_to_be_out_of_reach():
    A = poisson((40, 40)).matrix() - 0.5 * scipy.sparse.eye_array(1600)
    _, solution = solve(A, (40, 40))
    assert solution.status is Status.DIVERGED and "Helmholtz" in solution.reason


@pytest.mark.parametrize(("call", "words"), [
    (lambda: BlackBox((0, 3)), r"^shape"),
    (lambda: BlackBox((3, 3), 2), r"^strength"),
    (lambda: algebraic(poisson((12, 12)).matrix(), method=BlackBox((12, 11))), r"^shape: .* 132"),
    (lambda: algebraic(poisson((12, 12)).matrix(), method=BlackBox((144,))), r"^A: couples .* 12 "),
    (lambda: Lines(2)(9, (3, 3)), r"^order: lines along axis 2"),
    (lambda: Lines(0)(9, None), r"^order: lines"),
    (lambda: poisson((3, 3, 3, 3)), r"^shape"),
    (lambda: linear(4), r"^dimension"),
])
def test_bad_input_is_named(call, words):
    with pytest.raises(InvalidArgument, match=words):
        call()
