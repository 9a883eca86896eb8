"""Any sparse matrix: hierarchies made here or by PyAMG, alone and inside of Krylov methods."""

from fractions import Fraction

import numpy as np
import pyamg
import pytest
import scipy.sparse
import scipy.sparse.linalg

from stabkit.errors import InvalidArgument
from stabkit.multigrid import (
    NEUMANN_CELLS,
    PERIODIC,
    BlackBox,
    Cycle,
    DiffusionProblem,
    Jacobi,
    Multigrid,
    SmoothedAggregation,
    Status,
    algebraic,
    conjugate_gradients,
    fgmres,
    from_pyamg,
    gauss_seidel,
    harmonic_mean,
    minres,
    poisson,
)
from stabkit.multigrid.aggregation import aggregates, largest_eigenvalue, piecewise

GS = Cycle(gauss_seidel())


def noise(n, seed=7):
    return np.random.default_rng(seed).standard_normal(n)


def elasticity():
    A, B = pyamg.gallery.linear_elasticity((30, 30))
    return A, {"method": SmoothedAggregation(near_kernel=B, block=2)}


def rotated():
    weights = pyamg.gallery.diffusion_stencil_2d(1e-3, np.pi / 6)
    return pyamg.gallery.stencil_grid(weights, (50, 50)), {}


def anisotropic():
    weights = pyamg.gallery.diffusion_stencil_2d(1e-4, 0, type="FD")
    return pyamg.gallery.stencil_grid(weights, (60, 60)), {}


def jumping():
    medium = np.where(noise((60, 60)) > 0, 1e6, 1.0)
    return DiffusionProblem(medium, mean=harmonic_mean).matrix(), {}


def random_graph():
    n, rng = 3000, np.random.default_rng(1)
    i, j = rng.integers(0, n, (2, 5 * n))
    ring = np.arange(n), (np.arange(n) + 1) % n
    i, j = np.concatenate([i, ring[0]]), np.concatenate([j, ring[1]])
    W = scipy.sparse.coo_array((1 + rng.random(len(i)), (i, j)), shape=(n, n)).tocsr()
    W = W + W.T
    W.setdiag(0)
    return scipy.sparse.csgraph.laplacian(W), {}


def scattered_points():
    """Linear elements on a triangulation of random points; assembled triangle by triangle."""
    from scipy.spatial import Delaunay
    points = np.random.default_rng(2).random((2500, 2))
    mesh = Delaunay(points)
    rows, columns, values = [], [], []
    for triangle in mesh.simplices:
        corners = np.column_stack([np.ones(3), points[triangle]])
        slopes = np.linalg.inv(corners)[1:]
        local = abs(np.linalg.det(corners)) / 2 * slopes.T @ slopes
        rows += np.repeat(triangle, 3).tolist()
        columns += np.tile(triangle, 3).tolist()
        values += local.ravel().tolist()
    A = scipy.sparse.coo_array((values, (rows, columns))).tocsr()
    inside = np.setdiff1d(np.arange(len(points)), mesh.convex_hull)
    return A[inside][:, inside], {}


PROBLEMS = {
    "Poisson 2-D": lambda: (pyamg.gallery.poisson((60, 70)), {}),
    "Poisson 3-D": lambda: (pyamg.gallery.poisson((18, 17, 16)), {}),
    "Neumann": lambda: (poisson((40, 50), NEUMANN_CELLS).matrix(), {}),
    "periodic": lambda: (poisson((64, 40), PERIODIC).matrix(), {}),
    "elasticity": elasticity, "rotated anisotropy": rotated, "anisotropy 1e-4": anisotropic,
    "jumps of 1e6": jumping, "graph": random_graph, "triangles": scattered_points,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PROBLEMS)
def test_the_first_call_works(name):
    """‖b − A u‖ <= 1e-8 ‖b‖, measured here, in few steps, and u is that of SciPy's LU."""
    A, options = PROBLEMS[name]()
    A = scipy.sparse.csr_array(A)
    b = noise(A.shape[0])
    made = algebraic(A, **options)
    singular = made.levels[0].kernel is not None
    b = b - b.mean() if singular else b
    solution = Multigrid(made, GS).solve(b, tolerance=1e-8, around=conjugate_gradients)
    assert solution.converged, solution
    assert np.linalg.norm(b - A @ solution.u) <= 1.01e-8 * np.linalg.norm(b)
    assert solution.cycles <= {"rotated anisotropy": 40, "jumps of 1e6": 30}.get(name, 18)
    assert made.operator_complexity < 3.5 and made.levels[-1].unknowns <= 64
    if not singular:
        direct = scipy.sparse.linalg.spsolve(A.tocsc(), b)
        energy = (solution.u - direct) @ (A @ (solution.u - direct))
        assert energy <= 1e-8 * (direct @ (A @ direct))


@pytest.mark.slow
@pytest.mark.parametrize("setup", [pyamg.ruge_stuben_solver, pyamg.smoothed_aggregation_solver,
                                   pyamg.rootnode_solver])
def test_setups_of_pyamg(setup):
    """Its levels come unchanged, and steps around our cycles are about as many as around its."""
    A = scipy.sparse.csr_array(pyamg.gallery.poisson((60, 60)))
    theirs, b, residuals = setup(A), noise(3600), []
    theirs.solve(b, tol=1e-8, accel="cg", residuals=residuals)
    for made in (algebraic(A, method=setup), from_pyamg(theirs)):
        assert len(made.levels) == len(theirs.levels)
        assert made.operator_complexity == pytest.approx(theirs.operator_complexity(), rel=0.05)
        solution = Multigrid(made, GS).solve(b, tolerance=1e-8, around=conjugate_gradients)
        assert solution.converged and solution.cycles <= len(residuals) + 4


# -- the parts of smoothed aggregation -------------------------------------------------------------
def test_aggregates_cover_and_do_not_overlap():
    """In 1-D the neighbourhoods {0, 1}, {2, 3, 4}, …; a node without neighbours is in none."""
    path = poisson((9,)).matrix()
    found = aggregates(scipy.sparse.block_diag([path, np.eye(1), path], format="csr"))
    assert found[9] == -2 and (np.delete(found, 9) >= 0).all()
    sizes = np.bincount(np.delete(found, 9))
    assert sizes.min() >= 2 and sizes.max() <= 4 and not set(found[:9]) & set(found[10:])
    assert (np.diff(found[:9]) >= 0).all()


def test_the_tentative_prolongation_keeps_the_near_kernel():
    """T B_c = B and TᵀT = I, by definition; a vector that depends on the others gives no column."""
    rng = np.random.default_rng(3)
    aggregate = np.array([0, 0, 0, 1, 1, 1, 1, -2, 2])
    B = rng.standard_normal((9, 3))
    B[:, 2] = np.where(aggregate == 1, 2 * B[:, 0] - B[:, 1], B[:, 2])
    T, coarse, node = piecewise(B, aggregate)
    assert node.tolist() == [0, 0, 0, 1, 1, 2]  # three on 0, two on 1, one on a single unknown
    inside = aggregate >= 0
    np.testing.assert_allclose((T @ coarse)[inside], B[inside], atol=1e-13)
    np.testing.assert_allclose((T.T @ T).toarray(), np.eye(6), atol=1e-13)
    assert (T @ coarse)[7].tolist() == [0, 0, 0]


@pytest.mark.parametrize("n", [10, 200])
def test_the_largest_eigenvalue_is_not_underestimated(n):
    A = DiffusionProblem(np.exp(noise((n,)))).matrix()
    exact = np.abs(np.linalg.eigvals(A.toarray() / A.diagonal()[:, None])).max()
    assert 0.99 * exact <= largest_eigenvalue(A) <= 1.25 * exact


@pytest.mark.slow
def test_rigid_body_modes_pay():
    """With all three modes elasticity takes fewer steps than with the two translations."""
    A, options = elasticity()
    b, steps = noise(A.shape[0]), []
    for method in (options["method"], SmoothedAggregation(block=2)):
        method = Multigrid(algebraic(A, method=method), GS)
        steps.append(method.solve(b, around=conjugate_gradients).cycles)
    assert steps[0] < 0.8 * steps[1]


def test_rows_without_couplings_are_solved_by_smoothing():
    A = scipy.sparse.block_diag([poisson((90,)).matrix(), 3 * np.eye(20)], format="csr")
    solution = Multigrid(algebraic(A), GS).solve(np.ones(110), around=conjugate_gradients)
    assert solution.converged and solution.u[-1] == pytest.approx(1 / 3)
    diagonal = scipy.sparse.diags_array(np.arange(1.0, 10001)).tocsr()
    alone = Multigrid(algebraic(diagonal), GS).solve(np.ones(10000))
    assert alone.converged and alone.cycles == 1


# -- Krylov methods --------------------------------------------------------------------------------
@pytest.mark.parametrize("around", [conjugate_gradients, minres, fgmres])
def test_krylov_methods_take_fewer_cycles(around):
    A, b = pyamg.gallery.poisson((60, 60), format="csr"), noise(3600)
    method = Multigrid(algebraic(A), GS)
    alone, faster = method.solve(b), method.solve(b, around=around)
    assert faster.converged and faster.cycles < alone.cycles
    assert np.linalg.norm(b - A @ faster.u) <= 1.01e-10 * np.linalg.norm(b)
    again = method.solve(b, faster.u, around=around)
    assert again.cycles == 0 and method.solve(0 * b, around=around).converged


def test_conjugate_gradients_are_scipy_s():
    """The same iterates as ``scipy.sparse.linalg.cg``: step by step the same residuals."""
    A, b = pyamg.gallery.poisson((40, 40), format="csr"), noise(1600)
    method, theirs = Multigrid(algebraic(A), GS), [np.linalg.norm(noise(1600))]
    scipy.sparse.linalg.cg(A, b, rtol=1e-10, M=method.preconditioner(),
                           callback=lambda x: theirs.append(np.linalg.norm(b - A @ x)))
    ours = method.solve(b, around=conjugate_gradients).residuals
    np.testing.assert_allclose(ours, theirs[:len(ours)], rtol=1e-3)


def test_steps_below_rounding_are_measured():
    """With tolerance 0 the recursion of the residual falls without end, the residual does not."""
    A, b = poisson((20, 20)).matrix(), noise(400)
    solution = Multigrid(algebraic(A), Cycle(gauss_seidel())).solve(b, tolerance=0,
                                                                  around=conjugate_gradients)
    true = np.linalg.norm(b - A @ solution.u) / np.linalg.norm(b)
    assert true / 10 < solution.history[-1] and "rounding" in solution.reason


@pytest.mark.slow
def test_fgmres_minimises_the_residual():
    """One restart-free run: the residual is the least over the span of the images, as by lstsq."""
    A = pyamg.gallery.poisson((20, 20), format="csr")
    A = A + 0.3 * (scipy.sparse.eye(400, k=1) - scipy.sparse.eye(400, k=-1))
    method, b = Multigrid(algebraic(A), Cycle(Jacobi())), noise(400)
    solution = method.solve(b, around=fgmres, max_cycles=4, tolerance=0.0)
    B = np.column_stack([method.preconditioner() @ unit for unit in np.eye(400)])
    krylov = [B @ b]
    for _ in range(3):
        krylov.append(B @ (A @ krylov[-1]))
    K = np.column_stack(krylov)
    least = np.linalg.norm(b - A @ K @ np.linalg.lstsq(A @ K, b)[0])
    assert solution.residuals[-1] == pytest.approx(least, rel=1e-6)


def test_an_indefinite_system_by_a_definite_hierarchy():
    """A Helmholtz problem of few waves: MINRES around the cycle of the Laplacian."""
    A = poisson((40, 40)).matrix()
    helmholtz = A - 0.05 * scipy.sparse.eye_array(1600)
    method, b = Multigrid(algebraic(A), GS), noise(1600)
    solution = method.solve(b, around=minres, matrix=helmholtz, tolerance=1e-8)
    assert solution.converged
    np.testing.assert_allclose(solution.u, scipy.sparse.linalg.spsolve(helmholtz.tocsc(), b),
                               rtol=0, atol=1e-5)
    refused = method.solve(b, around=conjugate_gradients, matrix=helmholtz)
    assert refused.status is Status.DIVERGED and "A is indefinite" in refused.reason


def test_krylov_methods_tell_what_is_not_definite():
    """A negative definite A; and a definite one with a cycle that is not, by its weight."""
    A, b = pyamg.gallery.poisson((30, 30), format="csr"), noise(900)
    negative = Multigrid(algebraic(-1 * A, [algebraic(A).levels[0].P]), Cycle(Jacobi()))
    enlarging = Multigrid(algebraic(A), Cycle(Jacobi(3)))
    for method, around, words in (
            (negative, conjugate_gradients, "A is indefinite"), (negative, minres, "A is indef"),
            (enlarging, conjugate_gradients, "for the cycle B, which is not positive definite"),
            (enlarging, minres, "MINRES: ")):
        told = method.solve(b, around=around)
        assert told.status is Status.DIVERGED and words in told.reason, told.reason


@pytest.mark.parametrize("size", [1e-250, 1e-200, 1e200])
@pytest.mark.parametrize("options", [{}, {"method": BlackBox((30, 30))}])
def test_the_size_of_a_does_not_matter(size, options):
    """s A is no more singular than A, and is coarsened alike; the solution is that over s."""
    A, b = pyamg.gallery.poisson((30, 30), format="csr"), noise(900)
    one, far = (Multigrid(algebraic(B, **options), GS).solve(b, around=conjugate_gradients)
                for B in (A, size * A))
    assert far.converged and far.cycles == one.cycles
    np.testing.assert_allclose(far.u * size, one.u, rtol=1e-7)


def test_flexible_gmres_restarts():
    """Without a cycle worth its name, more steps than are kept; the true residual arrives."""
    A, b = pyamg.gallery.poisson((20, 20), format="csr"), noise(400)
    method = Multigrid(algebraic(A, []), Cycle(coarsest=None or Cycle().coarsest))
    from stabkit.multigrid.convergence import Watch, norm
    watch = Watch(norm(b), norm(b), 1e-6, 400)
    x = fgmres(A, lambda r: r, b, 0 * b, watch)
    assert watch.cycles > 30 and np.linalg.norm(b - A @ x) <= 1e-6 * np.linalg.norm(b)
    assert method.solve(b, around=fgmres).cycles <= 2


# -- bad input -------------------------------------------------------------------------------------
POISSON = poisson((12, 12)).matrix()
TWO = scipy.sparse.block_diag([poisson((9, 9), NEUMANN_CELLS).matrix()] * 2, format="csr")


@pytest.mark.parametrize(("call", "words"), [
    (lambda: algebraic(POISSON, method="amg"), "^method: must be"),
    (lambda: algebraic(POISSON, method=SmoothedAggregation(near_kernel=np.ones(3))),
     "^near_kernel: must be 144 rows"),
    (lambda: algebraic(POISSON, method=SmoothedAggregation(near_kernel=np.zeros(144))),
     "^near_kernel"),
    (lambda: algebraic(POISSON, method=SmoothedAggregation(block=5)), "^block: 144"),
    (lambda: SmoothedAggregation(block=0), "^block"),
    (lambda: SmoothedAggregation(2), "^strength"),
    (lambda: algebraic(-1 * POISSON), "^A: .*positive diagonal"),
    (lambda: algebraic(poisson((20, 20)).matrix() - 2 * scipy.sparse.eye_array(400)),
     "^A: is not positive definite: pᵀA"),
    (lambda: algebraic(POISSON, kernel=np.ones(144)), "^kernel: A does not map it to 0"),
    (lambda: algebraic(POISSON, kernel=np.ones(3)), "^kernel"),
    (lambda: algebraic([[1, 2], [3]]), "^A: .*rows of one length"),
    (lambda: algebraic([["a"]]), "^A: must be a matrix of numbers"),
    (lambda: algebraic(np.ma.masked_array(np.eye(3))), "^A: is a masked array"),
    (lambda: Multigrid(algebraic(POISSON)).solve(np.ones(3)), r"^b: .* shape \(144,\), got"),
    (lambda: algebraic(TWO), "^A: is singular, and its graph has 2 parts"),
    (lambda: algebraic(np.array([[Fraction(1)]])), "^prolongations: an exact"),
    (lambda: from_pyamg(POISSON), "^ml: must be a solver"),
    (lambda: Multigrid(algebraic(POISSON)).solve(np.ones(144), matrix=POISSON),
     "^matrix: needs around"),
    (lambda: Multigrid(algebraic(POISSON)).solve(np.ones(144), around=minres, matrix=np.eye(3)),
     "^matrix: needs"),
    (lambda: Multigrid(algebraic(POISSON)).solve(np.ones(144), around="cg"), "^around: must be"),
])
def test_bad_input_is_named(call, words):
    with pytest.raises(InvalidArgument, match=words):
        call()


@pytest.mark.slow
def test_fgmres_says_so_where_a_cycle_overflows():
    """A shift that is not symmetric, 30 times as large as A's entries."""
    n = 1600
    A = poisson((40, 40)).matrix() + 30 * scipy.sparse.diags_array(
        [np.ones(n - 1), -np.ones(n - 1)], offsets=[1, -1])
    found = Multigrid(algebraic(A), GS).solve(noise(n), around=fgmres)
    assert found.status is Status.DIVERGED
    assert "A is not symmetric" in found.reason
