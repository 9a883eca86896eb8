"""Where rounding decides, converged is said of the exact residual."""

from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse

from stabkit.errors import InvalidArgument
from stabkit.multigrid import (
    Cycle,
    FastPoisson,
    Multigrid,
    algebraic,
    conjugate_gradients,
    fgmres,
    gauss_seidel,
    krylov,
    minres,
    poisson,
    solver,
)
from stabkit.multigrid.convergence import norm
from stabkit.multigrid.true_residual import twofold_residual


def exact_residual(A, b, u):
    """‖b − A u‖ / ‖b‖ from fractions."""
    rows = [[(j, Fraction(float(value))) for j, value in zip(
        A.indices[A.indptr[i]:A.indptr[i + 1]], A.data[A.indptr[i]:A.indptr[i + 1]], strict=True)]
        for i in range(b.size)]
    given, found = ([Fraction(float(x)) for x in part.ravel()] for part in (b, u))
    squares = sum((given[i] - sum(a * found[j] for j, a in row)) ** 2
                  for i, row in enumerate(rows))
    return float(squares / sum(x * x for x in given)) ** 0.5


AROUND = [None, conjugate_gradients, minres, fgmres]


def overclaims(around):
    """How often converged is said, and how often wrongly."""
    said = wrong = 0
    for seed in (92, 116):
        rng = np.random.default_rng(seed)
        B = rng.standard_normal((60, 60)) * (rng.random((60, 60)) < 0.1)
        A = scipy.sparse.csr_array(B @ B.T + 1e-4 * np.eye(60))
        b = rng.standard_normal(60)
        method = Multigrid(algebraic(A), Cycle(gauss_seidel()))
        for tolerance in 10.0 ** np.arange(-11, -14, -0.1):
            found = method.solve(b, tolerance=tolerance, around=around)
            said += found.converged
            wrong += found.converged and exact_residual(A, b, found.u) > tolerance * (1 + 1e-9)
    return said, wrong


@pytest.mark.slow
@pytest.mark.parametrize("around", AROUND)
def test_converged_is_true_of_the_exact_residual(around):
    """‖b − A u‖ <= tolerance ‖b‖ holds of u as it is, not only of its rounded residual."""
    said, wrong = overclaims(around)
    assert said > 10 and wrong == 0


@pytest.mark.slow
def test_rounded_residuals_would_overclaim(monkeypatch):
    """The contrary: with residuals of floats alone, the tests above notice."""
    for module in (solver, krylov):
        monkeypatch.setattr(module, "residual_norm", lambda A, x, b, watch: norm(b - A @ x))
    assert sum(overclaims(around)[1] for around in AROUND) > 0


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(15, 15), (7, 7, 7)])
def test_converged_is_true_of_the_fast_path(shape):
    """The same without a matrix; a residual of half a rounding error is not claimed."""
    A, b = poisson(shape).matrix(), np.random.default_rng(3).standard_normal(shape)
    for tolerance in (1e-14, 1e-15, 4e-16, 2e-16, 1e-16):
        found = FastPoisson(shape).solve(b, tolerance=tolerance)
        true = exact_residual(A, b, found.u)
        assert found.converged == (true <= tolerance)


def test_residuals_in_twice_the_precision():
    """Products and sums that cancel to 1e-20 of their terms come out, at any size of A."""
    rng = np.random.default_rng(5)
    A = scipy.sparse.random_array((40, 40), density=0.3, rng=rng).tocsr()
    x = rng.standard_normal(40)
    b = A @ x
    for size in (1.0, 1e300, 1e-290):
        r = twofold_residual((A * size).tocsr(), x / size, b)
        scaled = (A * size).tocsr()
        for i in range(40):
            row = slice(scaled.indptr[i], scaled.indptr[i + 1])
            exact = Fraction(b[i]) - sum(
                (Fraction(a) * Fraction((x / size)[j]) for a, j in zip(
                    scaled.data[row], scaled.indices[row], strict=True)), Fraction(0))
            assert abs(Fraction(r[i]) - exact) <= abs(exact) / 10**12


def test_a_matrix_of_subnormal_numbers_is_refused():
    """1/1e-320 is no float."""
    with pytest.raises(InvalidArgument, match=r"^A: has a diagonal entry below 1e-300"):
        algebraic((1e-320 * poisson((20, 20)).matrix()).tocsr())
