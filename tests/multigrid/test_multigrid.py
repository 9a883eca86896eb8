"""The multigrid toolkit against PyAMG, dense linear algebra and fast transforms."""

import subprocess
import sys
from fractions import Fraction

import numpy as np
import pyamg
import pytest
import scipy.fft
import scipy.sparse
import scipy.sparse.linalg

from stabkit.errors import InvalidArgument
from stabkit.multigrid import (
    DIRICHLET,
    DIRICHLET_CELLS,
    HALF_WEIGHTING,
    LAPLACE_9_POINT,
    NEUMANN,
    NEUMANN_CELLS,
    PERIODIC,
    PERIODIC_CELLS,
    SOR,
    ZERO_PADDED,
    Chebyshev,
    Cycle,
    DiffusionProblem,
    F,
    Jacobi,
    Lines,
    Multigrid,
    Richardson,
    Smoothed,
    StencilProblem,
    Transfer,
    V,
    W,
    algebraic,
    averaging,
    backward,
    cell_linear,
    constant,
    full_weighting,
    galerkin,
    gauss_seidel,
    geometric,
    grid_boundary,
    harmonic_mean,
    injection,
    linear,
    poisson,
    red_black,
    rediscretised,
    shifted,
    stencil,
    symmetric,
    weighted_transfer,
)
from stabkit.operators import NATURAL

JACOBI = Cycle(Jacobi(Fraction(4, 5)))
RNG_SEED = 7


def dst_solve(b):
    """−Δu = b with zero boundary values, by sine transforms."""
    n, m = b.shape
    x, y = (4 * np.sin(np.arange(1, k + 1) * np.pi / (2 * k + 2)) ** 2 for k in (n, m))
    return scipy.fft.idstn(scipy.fft.dstn(b, type=1) / (x[:, None] + y), type=1)


def dct_solve(b, shift):
    """shift·u − Δu = b on cells with zero flux, by cosine transforms."""
    n, m = b.shape
    x, y = (4 * np.sin(np.arange(k) * np.pi / (2 * k)) ** 2 for k in (n, m))
    return scipy.fft.idctn(scipy.fft.dctn(b, type=2) / (shift + x[:, None] + y), type=2)


def random(shape, mean_free=False):
    b = np.random.default_rng(RNG_SEED).standard_normal(shape)
    return b - b.mean() if mean_free else b


@pytest.mark.slow
def test_import_leaves_numba_alone():
    code = "import sys, stabkit.multigrid; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# -- matrices --------------------------------------------------------------------------------------
@pytest.mark.parametrize("shape", [(7,), (5, 4)])
def test_poisson_matrix_is_the_gallery_s(shape):
    ours = poisson(shape).matrix().toarray()
    assert (ours == pyamg.gallery.poisson(shape).toarray()).all()


def test_any_stencil_is_the_gallery_s():
    weights = np.arange(1, 10).reshape(3, 3)
    ours = StencilProblem((4, 6), stencil(weights)).matrix().toarray()
    assert (ours == pyamg.gallery.stencil_grid(weights, (4, 6)).toarray()).all()


def test_neumann_matrix_is_assembled_from_elements():
    n = 4
    corner = np.array([[1, -0.5, -0.5], [-0.5, 0.5, 0], [-0.5, 0, 0.5]])
    A = np.zeros((n * n, n * n))
    for i in range(n - 1):
        for j in range(n - 1):
            a, b, c, d = i * n + j, (i + 1) * n + j, i * n + j + 1, (i + 1) * n + j + 1
            for triangle in ([a, b, c], [d, b, c]):
                A[np.ix_(triangle, triangle)] += corner
    assert (poisson((n, n), NEUMANN).matrix().toarray() == A).all()


def test_neumann_cells_and_periodic_eigenvalues():
    n = 6
    found = np.linalg.eigvalsh(poisson((n,), NEUMANN_CELLS).matrix().toarray())
    np.testing.assert_allclose(found, 4 * np.sin(np.arange(n) * np.pi / (2 * n)) ** 2, atol=1e-13)
    found = np.linalg.eigvalsh(poisson((n,), PERIODIC).matrix().toarray())
    wave = np.sort(4 * np.sin(np.arange(n) * np.pi / n) ** 2)
    np.testing.assert_allclose(found, wave, atol=1e-13)


@pytest.mark.parametrize("boundary", [DIRICHLET, DIRICHLET_CELLS, NEUMANN, NEUMANN_CELLS, PERIODIC,
                                      ZERO_PADDED])
@pytest.mark.parametrize("shape", [(8,), (4, 6)])
def test_constant_coefficient_is_the_stencil(boundary, shape):
    from_faces = DiffusionProblem(np.ones(shape), boundary).matrix().toarray()
    assert (from_faces == poisson(shape, boundary).matrix().toarray()).all()


def test_variable_coefficient_by_hand():
    A = DiffusionProblem(np.array([1.0, 3.0])).matrix().toarray()
    assert (A == [[1 + 2, -2], [-2, 2 + 3]]).all()
    A = DiffusionProblem(np.array([1.0, 3.0]), NEUMANN_CELLS, harmonic_mean).matrix().toarray()
    assert (A == [[1.5, -1.5], [-1.5, 1.5]]).all()


# -- transfers -------------------------------------------------------------------------------------
def test_linear_prolongation_is_pyamg_s_interpolation():
    P, R = weighted_transfer(1).matrices((7,), DIRICHLET)
    by_hand = np.array([[.5, 0, 0], [1, 0, 0], [.5, .5, 0], [0, 1, 0], [0, .5, .5], [0, 0, 1],
                        [0, 0, .5]])
    assert (P.toarray() == by_hand).all()
    assert (R.toarray() == by_hand.T / 2).all()


@pytest.mark.parametrize(("transfer", "boundary", "size", "fine"), [
    (linear, NEUMANN, 9, lambda n: np.arange(n)),
    (cell_linear, NEUMANN_CELLS, 8, lambda n: np.ones(n)),
    (constant, NEUMANN_CELLS, 8, lambda n: np.ones(n)),
    (linear, PERIODIC, 8, lambda n: np.ones(n)),
])
def test_prolongation_keeps_polynomials(transfer, boundary, size, fine):
    P, _ = Transfer(transfer(1)).matrices((size,), boundary)
    u = fine(size)
    start = u[::2]
    assert (P @ start == u).all()
    Q, _ = Transfer(transfer(2)).matrices((size, size), boundary)
    np.testing.assert_allclose(Q.toarray(), np.kron(P.toarray(), P.toarray()))


@pytest.mark.parametrize(("restriction", "boundary", "size"), [
    (full_weighting(2), PERIODIC, 8), (HALF_WEIGHTING, PERIODIC, 8), (injection(2), DIRICHLET, 7),
    (averaging(2), NEUMANN_CELLS, 8),
])
def test_restriction_of_ones(restriction, boundary, size):
    _, R = Transfer(linear(2), restriction).matrices((size, size), boundary)
    assert (R @ np.ones(size * size) == 1).all()


# -- hierarchies -----------------------------------------------------------------------------------
def test_hierarchy_prints_and_counts():
    made = geometric(poisson((15, 15)), levels=3)
    assert made.grid_complexity == pytest.approx((225 + 49 + 9) / 225)
    lines = str(made).splitlines()
    assert lines[0].startswith("3 levels") and "7 x 7" in lines[3]
    assert made.operator_complexity > 1


def test_rediscretised_equals_galerkin_in_1d():
    by_product = geometric(poisson((15,)), levels=3, coarse_operator=galerkin)
    again = geometric(poisson((15,)), levels=3, coarse_operator=rediscretised)
    for one, other in zip(by_product.levels, again.levels, strict=True):
        assert (one.A.toarray() == other.A.toarray()).all()


def test_algebraic_takes_pyamg_s_levels():
    A = pyamg.gallery.poisson((30, 30), format="csr")
    theirs = pyamg.ruge_stuben_solver(A, max_coarse=10)
    made = algebraic(A, [level.P for level in theirs.levels[:-1]])
    b = random(900)
    ours = Multigrid(made, Cycle(symmetric(gauss_seidel()))).solve(b, tolerance=1e-8)
    assert ours.converged
    residuals = []
    theirs.solve(b, tol=1e-8, residuals=residuals)
    np.testing.assert_allclose(ours.residuals, residuals, rtol=1e-6)


# -- cycles ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("make", [Richardson, Jacobi])
def test_a_step_may_be_a_text(make):
    """"1/8" is 0.125 for a matrix of floats; what is no number is told."""
    A = scipy.sparse.diags_array([4.0, 2.0, 5.0]).tocsr()
    u, b = np.array([1.0, -2.0, 3.0]), np.array([0.5, 0.25, 1.0])
    assert np.array_equal(make("1/8").on(A)(u, b), make(0.125).on(A)(u, b))
    with pytest.raises(InvalidArgument, match="an eighth"):
        make("an eighth").on(A)


SMOOTHERS = [Jacobi(Fraction(4, 5)), Richardson(Fraction(1, 5)), gauss_seidel(),
             gauss_seidel(backward), gauss_seidel(red_black), SOR(Fraction(11, 10)),
             symmetric(gauss_seidel()), Chebyshev(3), gauss_seidel(Lines(0)),
             SOR(Fraction(11, 10), Lines(1, zebra=True))]


@pytest.mark.parametrize("smoother", SMOOTHERS)
def test_float_and_exact_cycles_agree(smoother):
    problem = poisson((7, 7))
    exact, floats = (Multigrid(geometric(problem, levels=2, dtype=dtype) if dtype
                               else geometric(problem, levels=2), Cycle(smoother))
                     for dtype in (object, None))
    E = exact.error_operator().to_array().astype(float)
    np.testing.assert_allclose(floats.error_operator(), E, atol=1e-13)
    radius = np.abs(np.linalg.eigvals(E)).max()
    assert radius < 0.45


@pytest.mark.slow
@pytest.mark.parametrize("boundary", [DIRICHLET, NEUMANN, PERIODIC, NEUMANN_CELLS, DIRICHLET_CELLS])
@pytest.mark.parametrize("visit", [V, W, F])
def test_cycles_solve_every_boundary(boundary, visit):
    n = {1: 15, -1: 17, 0: 16}[grid_boundary(boundary).placement.excess]
    cells = "cells" in grid_boundary(boundary).name
    transfer = Transfer(cell_linear(2), averaging(2)) if cells else None
    problem = poisson((n, n), boundary)
    b = random((n, n), mean_free=problem.singular)
    method = Multigrid(geometric(problem, transfer), Cycle(gauss_seidel(), visit=visit))
    solution = method.solve(b)
    assert solution.converged and solution.cycles < 20
    wanted = np.linalg.lstsq(problem.matrix().toarray(), b.ravel(), rcond=None)[0]
    gap = solution.u.ravel() - wanted
    if problem.singular:
        gap -= gap.mean()
    assert np.abs(gap).max() < 1e-7 * np.abs(wanted).max()


@pytest.mark.parametrize("boundary", [NEUMANN_CELLS, DIRICHLET_CELLS, PERIODIC_CELLS])
@pytest.mark.parametrize("shape", [(256,), (64, 64), (16, 16, 16)])
def test_cells_get_a_transfer_between_cells(boundary, shape):
    """By default; that between nodes stagnates at mirrored cells, piecewise constants at 0.9."""
    problem = poisson(shape, boundary)
    method = Multigrid(geometric(problem), Cycle(gauss_seidel()))
    assert method.solve(random(shape, mean_free=problem.singular)).factor < 0.26


@pytest.mark.slow
@pytest.mark.parametrize("coarse", [galerkin, rediscretised])
def test_convergence_does_not_depend_on_h(coarse):
    cycles = []
    for n in (31, 63, 127, 255):
        method = Multigrid(geometric(poisson((n, n)), weighted_transfer(2), coarse_operator=coarse),
                           Cycle(gauss_seidel(red_black)))
        solution = method.solve(random((n, n)))
        np.testing.assert_allclose(solution.u, dst_solve(random((n, n))), rtol=0, atol=1e-6)
        cycles.append(solution.cycles)
    assert max(cycles) <= 18 and max(cycles) - min(cycles) <= 2


def test_backslash_cycle_and_smoothed_coarsest_grid():
    made = geometric(poisson((33, 33), ZERO_PADDED), levels=5)
    method = Multigrid(made, Cycle(Jacobi(Fraction(4, 5)), pre=2, post=0,
                                   coarsest=Smoothed(Jacobi(Fraction(4, 5)), 2)))
    assert method.solve(random((33, 33)), tolerance=1e-8).converged


@pytest.mark.slow
def test_nine_points_variable_coefficients_and_the_implicit_step():
    b = random((63, 63))
    nine = Multigrid(geometric(StencilProblem((63, 63), LAPLACE_9_POINT)), JACOBI)
    assert nine.solve(b).factor < 0.4
    rough = np.exp(random((64, 64)))
    cells = Transfer(cell_linear(2))
    layers = DiffusionProblem(rough, NEUMANN_CELLS, harmonic_mean)
    right = random((64, 64), mean_free=True)
    assert Multigrid(geometric(layers, cells), Cycle(gauss_seidel())).solve(right).converged
    tau = Fraction(8)
    step = shifted(poisson((64, 64), NEUMANN_CELLS), 1 / tau)
    u = Multigrid(geometric(step, cells), JACOBI).solve(right).u
    np.testing.assert_allclose(u, dct_solve(right, float(1 / tau)), atol=1e-8)


def test_full_multigrid_reaches_discretisation_error():
    n = 127
    x = np.arange(1, n + 1) / (n + 1)
    true = np.sin(np.pi * x)[:, None] * np.sin(2 * np.pi * x)
    method = Multigrid(geometric(poisson((n, n), h=Fraction(1, n + 1))),
                       Cycle(gauss_seidel(red_black)))
    b = 5 * np.pi**2 * true
    discretisation = np.abs(dst_solve(b / (n + 1) ** 2) - true).max()
    assert np.abs(method.full(b) - true).max() < 2 * discretisation


@pytest.mark.slow
def test_preconditioner_for_conjugate_gradients():
    A = poisson((127, 127)).matrix()
    method = Multigrid(geometric(poisson((127, 127))), Cycle(symmetric(gauss_seidel())))
    steps = []
    u, info = scipy.sparse.linalg.cg(A, random(127 * 127), rtol=1e-10, M=method.preconditioner(),
                                     callback=steps.append)
    assert info == 0 and len(steps) <= 9
    assert np.abs(A @ u - random(127 * 127)).max() < 1e-8


def test_callback_history_and_initial_guess():
    seen = []
    method = Multigrid(geometric(poisson((31, 31))))
    solution = method.solve(random((31, 31)), callback=lambda k, r: seen.append((k, r)))
    assert [k for k, _ in seen] == list(range(1, solution.cycles + 1))
    assert solution.residuals[-1] / solution.residuals[0] == pytest.approx(seen[-1][1])
    again = method.solve(random((31, 31)), solution.u)
    assert again.cycles == 0 and again.u is not solution.u
    short = method.solve(random((31, 31)), max_cycles=2)
    assert not short.converged and short.cycles == 2
    assert method.solve(np.zeros((31, 31))).converged


# -- bad input -------------------------------------------------------------------------------------
@pytest.mark.parametrize(("call", "word"), [
    (lambda: poisson((0, 3)), "shape"),
    (lambda: poisson((3, 3, 3, 3)), "shape"),
    (lambda: poisson((7,), h=0), "h"),
    (lambda: geometric(poisson((8, 8)), levels=2), "shape"),
    (lambda: geometric(poisson((1024, 1024))), "shape"),
    (lambda: Multigrid(geometric(poisson((7,)))).solve([1.0] * 6 + [np.nan]), "b"),
    (lambda: Multigrid(geometric(poisson((7,)))).solve(np.ones(5)), "b"),
    (lambda: Multigrid(geometric(poisson((7,)))).solve(["a"] * 7), "b"),
    (lambda: Multigrid(geometric(poisson((9,), NEUMANN))).solve(np.ones(9)), "b"),
    (lambda: Multigrid(geometric(poisson((8,), PERIODIC), dtype=object)).solve([1] * 8), "b"),
    (lambda: DiffusionProblem(np.array([1.0, -1.0])), "coefficient"),
    (lambda: DiffusionProblem(np.array([1.0, np.nan])), "coefficient"),
    (lambda: Jacobi(0), "omega"),
    (lambda: SOR(-1), "omega"),
    (lambda: Chebyshev(0), "degree"),
    (lambda: Cycle(pre=0, post=0), "pre"),
    (lambda: algebraic(np.eye(4), [np.ones((3, 2))]), "prolongations"),
    (lambda: algebraic(np.ones((2, 3)), []), "A"),
    (lambda: Multigrid(algebraic(scipy.sparse.csr_array((2, 2)), [])), "matrix"),
    (lambda: Multigrid(algebraic(np.eye(4), [np.ones((4, 1))]), Cycle(gauss_seidel(red_black))),
     "order"),
    (lambda: Transfer(linear(2)).matrices((8, 8), DIRICHLET), "shape"),
    (lambda: poisson((7,), NATURAL), "boundary"),
    (lambda: DiffusionProblem(np.ones(7), "periodic"), "boundary"),
    (lambda: stencil([1, 1]), "weights"),
    (lambda: linear(4), "dimension"),
])
def test_bad_input_is_named(call, word):
    with pytest.raises(InvalidArgument, match=rf"^{word}\b"):
        call()
