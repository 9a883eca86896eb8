"""A sweep from 0: one half of the matrix gives it, the other its residual."""

import numpy as np
import pytest
import scipy.sparse

from stabkit.multigrid import SOR, Cycle, Jacobi, gauss_seidel, poisson, red_black
from stabkit.multigrid.aggregation import drop_weak
from stabkit.multigrid.hierarchy import Level
from stabkit.multigrid.smoother import backward, forward


def matrix(n, seed=0):
    """Not symmetric, with rows of any length and a diagonal of 1 to 2."""
    rng = np.random.default_rng(seed)
    A = scipy.sparse.random_array((n, n), density=0.2, rng=rng)
    return (A + scipy.sparse.diags_array(1 + rng.random(n))).tocsr()


def shuffled(n, shape):
    return np.random.default_rng(5).permutation(n)


@pytest.mark.parametrize("omega", [1, 0.5, 1.5])
@pytest.mark.parametrize("order", [forward, backward, shuffled], ids=lambda of: of.__name__)
def test_a_sweep_solves_its_splitting(order, omega):
    """u⁺ = u + M⁻¹(b − A u) with M = D/ω + the entries before, by a dense solve."""
    A = matrix(30)
    smoother = SOR(omega, order)
    sweep = smoother.on(A)
    M = smoother.splitting(A, smoother.ranks(30, None)).toarray()
    u, b = np.random.default_rng(1).standard_normal((2, 30))
    assert np.allclose(sweep(u, b), u + np.linalg.solve(M, b - A @ u), rtol=1e-12, atol=1e-12)
    found, residual = sweep.from_zero(b)
    assert np.allclose(found, np.linalg.solve(M, b), rtol=1e-12, atol=1e-12)
    assert np.allclose(residual, b - A @ found, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("columns", [(), (3,), (0,)], ids=str)
def test_columns_are_swept_by_themselves(columns):
    """A vector, a matrix, and a matrix without columns keep their shape."""
    A = poisson((5, 6)).matrix()
    sweep = gauss_seidel(red_black).on(A, (5, 6))
    b = np.random.default_rng(2).standard_normal((30, *columns))
    u, r = sweep.from_zero(b)
    assert u.shape == r.shape == b.shape
    assert np.array_equal(u, sweep(0 * b, b)) and np.allclose(r, b - A @ u, atol=1e-13)


@pytest.mark.parametrize("smoother", [gauss_seidel(), Jacobi()], ids=["Gauss-Seidel", "Jacobi"])
@pytest.mark.parametrize("times", [0, 1, 2])
def test_several_sweeps_from_zero(smoother, times):
    """None leaves 0 and b; others do what they do from a vector of zeros."""
    A = poisson((20,)).matrix()
    pre, _ = Cycle(smoother, pre=times, post=1).sweeps_on(Level(A))
    b = np.random.default_rng(3).standard_normal(20)
    u, r = pre.from_zero(b)
    assert np.allclose(u, pre(0 * b, b), rtol=1e-14) and np.allclose(r, b - A @ u, atol=1e-13)


def test_weak_couplings_are_lumped():
    """Rows keep their sums, strong entries their values; of blocks, nodes decide."""
    A = scipy.sparse.csr_array([[4.0, -2, -0.25, 0], [-2, 4, 0, -0.5], [-0.25, 0, 4, -2],
                                [0, -0.5, -2, 4]])
    strong = scipy.sparse.csr_array(np.kron(np.eye(2), np.ones((2, 2))))
    lumped = drop_weak(A, strong, np.arange(4))
    assert np.array_equal(lumped.toarray(), [[3.75, -2, 0, 0], [-2, 3.5, 0, 0], [0, 0, 3.75, -2],
                                             [0, 0, -2, 3.5]])
    by_nodes = drop_weak(A, scipy.sparse.csr_array(np.eye(2)), np.array([0, 0, 1, 1]))
    assert np.array_equal(by_nodes.toarray(), lumped.toarray())
    assert drop_weak(A, scipy.sparse.csr_array(np.ones((4, 4))), np.arange(4)) is A
