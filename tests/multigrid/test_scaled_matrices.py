"""The size of a matrix says nothing about its kernel or its couplings."""

import numpy as np
import pytest
import scipy

from stabkit.multigrid import Multigrid, algebraic, conjugate_gradients, poisson


@pytest.mark.parametrize("size", [1e-250, 1e-200, 1e-14, 1e160, 1e200])
def test_a_matrix_of_any_size_is_solved_alike(size):
    """cA u = cb has the solution of A u = b."""
    A, b = poisson((20, 20)).matrix(), np.random.default_rng(0).standard_normal(400)
    with np.errstate(over="raise"):
        found = Multigrid(algebraic(A * size)).solve(b * size, around=conjugate_gradients)
    assert found.converged, found
    assert np.linalg.norm(b - A @ found.u) <= 1e-9 * np.linalg.norm(b)


def test_rows_of_a_poor_conductor_are_no_kernel():
    """A conductor of 1, then one of 10⁻¹⁵ that ends at 0: the matrix is regular."""
    conductivity = np.where(np.arange(100) < 50, 1.0, 2.0**-50)
    K = scipy.sparse.diags_array([np.ones(100), -np.ones(99)], offsets=[0, 1]).tocsr()
    A = (K.T @ scipy.sparse.diags_array(conductivity) @ K).tocsr()
    A = A[::-1][:, ::-1].tocsr()
    assert algebraic(A).levels[0].kernel is None
