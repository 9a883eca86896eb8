"""Identities of multigrid in exact arithmetic."""

from fractions import Fraction

import numpy as np
import pytest

from stabkit.arithmetic.rational import is_psd
from stabkit.errors import InvalidArgument
from stabkit.multigrid import (
    DIRICHLET,
    LINEAR_ELEMENTS,
    NEUMANN,
    NEUMANN_CELLS,
    SOR,
    ZERO_PADDED,
    Chebyshev,
    Cycle,
    Exact,
    Jacobi,
    Multigrid,
    Richardson,
    Transfer,
    W,
    averaging,
    constant,
    energy_adjoint,
    energy_norm,
    energy_norm_at_most,
    galerkin_transfer,
    gauss_seidel,
    geometric,
    grid_boundary,
    grounded,
    on_quotient,
    poisson,
    red_black,
    spectral_radius,
    symmetric,
    unet,
)
from stabkit.multigrid.unet import Channels, start

THIRD = Fraction(1, 3)
SMOOTHERS = [Jacobi(Fraction(2, 3)), gauss_seidel(), gauss_seidel(red_black), SOR(Fraction(4, 3)),
             Chebyshev(2)]


def method(shape, cycle, levels=2, **options):
    return Multigrid(geometric(poisson(shape), levels=levels, dtype=object, **options), cycle)


def test_exact_matrices_behave():
    A = Exact([[1, 2], [3, 4]])
    u = np.array([Fraction(1, 2), Fraction(1)], dtype=object)
    assert (A @ u == [Fraction(5, 2), Fraction(11, 2)]).all()
    assert A @ A.inverse() == Exact.identity(2)
    assert (A.T @ A - A).to_array().tolist() == [[9, 12], [11, 16]]
    with pytest.raises(InvalidArgument):
        Exact([[1, 1], [1, 1]]).inverse()
    with pytest.raises(InvalidArgument):
        A @ np.ones(3, dtype=object)


@pytest.mark.parametrize("n", [3, 7, 15, 31])
def test_one_dimensional_two_grid_factor_is_one_ninth(n):
    E = method((n,), Cycle(Jacobi(Fraction(2, 3)))).error_operator()
    # E (E − 1/9) = 0: every eigenvalue is 0 or 1/9, and E can be diagonalised.
    assert Fraction(1, 9) * E == E @ E
    assert spectral_radius(E).overlaps(Fraction(1, 9))


@pytest.mark.parametrize("smoother", SMOOTHERS)
@pytest.mark.parametrize(("shape", "levels"), [((7,), 2), ((7,), 3), ((3, 3), 2), ((7, 7), 3)])
def test_v_cycle_is_the_backslash_cycle_times_its_adjoint(smoother, shape, levels):
    V_cycle = method(shape, Cycle(smoother), levels)
    E_V, A = V_cycle.error_operator(), V_cycle.A
    E = method(shape, Cycle(smoother, post=0), levels).error_operator()
    assert energy_adjoint(E, A) @ E == E_V
    B = V_cycle.approximate_inverse()
    assert B.T == B and Exact.identity(A.shape[0]) - B @ A == E_V
    assert is_psd(B.to_array())


@pytest.mark.slow
def test_energy_norm_is_numpy_s():
    cycle = method((7, 7), Cycle(gauss_seidel(), post=0))
    E, A = cycle.error_operator(), cycle.A
    e, a = (M.to_array().astype(float) for M in (E, A))
    L = np.linalg.cholesky(a)
    wanted = np.linalg.norm(L.T @ e @ np.linalg.inv(L.T), 2)
    found = energy_norm(E, A)
    assert found.width < 1e-12 and abs(float(found) - wanted) < 1e-12
    assert abs(float(spectral_radius(E)) - np.abs(np.linalg.eigvals(e)).max()) < 1e-10
    assert energy_norm_at_most(E, A, found.upper + Fraction(1, 10**9))
    assert not energy_norm_at_most(E, A, found.lower - Fraction(1, 10**9))


def test_w_cycle_stays_below_the_two_grid_bound():
    E = method((15,), Cycle(Jacobi(Fraction(2, 3)), visit=W), levels=4)
    assert energy_norm_at_most(E.error_operator(), E.A, Fraction(1, 8))


def test_w_cycle_is_not_two_v_cycles():
    E_W = method((7,), Cycle(visit=W), levels=3).error_operator()
    E_V = method((7,), Cycle(), levels=3).error_operator()
    assert E_W != E_V @ E_V


def test_galerkin_reproduces_the_assembled_matrix():
    for coarse in (2, 3, 5):
        fine = 2 * coarse - 1
        made = geometric(poisson((fine, fine), NEUMANN), Transfer(LINEAR_ELEMENTS), levels=2,
                         dtype=object)
        assert poisson((coarse, coarse), NEUMANN).matrix(object) == made.levels[1].A


def test_galerkin_centres_with_bilinear_elements():
    made = geometric(poisson((63, 63)), levels=4)
    centres = [level.A.toarray()[level.unknowns // 2, level.unknowns // 2] for level in made.levels]
    assert centres == [4, 3, 11 / 4, 43 / 16]


def test_neumann_cycle_on_the_quotient():
    made = geometric(poisson((5, 5), NEUMANN), levels=2, dtype=object)
    cycle = Multigrid(made, Cycle(gauss_seidel()))
    E = cycle.error_operator()
    ones = made.levels[0].kernel
    assert (E @ ones == ones).all()
    small = on_quotient(E, ones)
    assert spectral_radius(small).upper < Fraction(1, 4)
    assert is_psd(grounded(cycle.A).to_array())
    back = Multigrid(made, Cycle(gauss_seidel(), post=0)).error_operator()
    A = grounded(cycle.A)
    assert energy_adjoint(on_quotient(back, ones), A) @ on_quotient(back, ones) == small


def test_exact_solver_ends_at_the_solution():
    right = [Fraction(k, 3) for k in range(7)]
    # Even points last, then first: cyclic reduction, a direct method.
    cycle = Cycle(SOR(1, red_black, reverse=True))
    solution = method((7,), cycle, levels=3).solve(right, tolerance=0)
    assert solution.cycles == 1 and solution.residuals[-1] == 0
    assert all((poisson((7,)).matrix(object) @ solution.u) == right)


def test_cell_centred_transfer_is_adjoint():
    P, R = Transfer(constant(2), averaging(2)).matrices((4, 4), NEUMANN_CELLS, object)
    assert Fraction(1, 4) * P.T == R


# -- the U-net ---------------------------------------------------------------------------------
@pytest.mark.parametrize("smoother", SMOOTHERS)
@pytest.mark.parametrize("levels", [1, 2, 3])
def test_unet_is_the_v_cycle(smoother, levels):
    cycle = method((7,), Cycle(smoother, pre=2, post=1), levels)
    n = 7
    network = unet(cycle).matrix().to_array()
    assert Exact(network[:n, :n]) == cycle.error_operator()
    assert Exact(network[:n, n:2 * n]) == cycle.approximate_inverse()
    assert (network[:, 2 * n:] == 0).all()
    carried = np.hstack([0 * network[:n, :n], Exact.identity(n).to_array(), 0 * network[:n, :n]])
    assert (network[n:2 * n] == carried).all()


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(7,), (7, 7)])
def test_unet_loop_is_its_matrix(shape):
    cycle = method(shape, Cycle(gauss_seidel(), visit=W), levels=3)
    n = cycle.A.shape[0]
    rng = np.random.default_rng(0)
    x, b, r = (np.array([Fraction(int(k), 7) for k in rng.integers(-9, 9, n)], dtype=object)
               for _ in range(3))
    network = unet(cycle)
    out = network(Channels(x, b, r))
    assert (np.concatenate(out) == network.matrix() @ np.concatenate([x, b, r])).all()
    assert (out.x == cycle.step(x, b)).all() and (out.r == b - cycle.A @ out.x).all()


def test_float_unet_agrees_to_rounding():
    cycle = Multigrid(geometric(poisson((31, 31)), levels=4), Cycle(gauss_seidel()))
    b = np.random.default_rng(0).standard_normal(31 * 31)
    np.testing.assert_allclose(unet(cycle)(start(b)).x, cycle.step(0 * b, b), atol=1e-13)


@pytest.mark.slow
def test_convergence_with_the_printed_smoother_needs_the_boundary():
    # S = ω/4 on every level, with zero padding on all nodes.
    made = geometric(poisson((9, 9), ZERO_PADDED), levels=2, dtype=object)
    cycle = Multigrid(made, Cycle(Richardson(THIRD / 2), pre=2, post=0))
    assert spectral_radius(cycle.error_operator()).upper < 1


def test_symmetric_smoother_is_its_own_adjoint():
    pair = symmetric(gauss_seidel())
    assert pair.adjoint == pair
    assert galerkin_transfer(2).restriction is None and grid_boundary(DIRICHLET).wall == 1
