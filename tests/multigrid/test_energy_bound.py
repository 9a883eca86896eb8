"""Convergence with a certificate: bounds of the energy norm of whole cycles, proven exactly."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse

from stabkit.errors import HypothesisNotMet
from stabkit.multigrid import (
    NEUMANN,
    NEUMANN_CELLS,
    PERIODIC,
    SOR,
    BlackBox,
    Chebyshev,
    Cycle,
    DiffusionProblem,
    F,
    Jacobi,
    Lines,
    Multigrid,
    Richardson,
    Then,
    Transfer,
    Visit,
    W,
    algebraic,
    constant,
    energy_bound,
    gauss_seidel,
    geometric,
    linear,
    poisson,
    red_black,
    rediscretised,
    shifted,
    symmetric,
    weighted_transfer,
)
from stabkit.multigrid.energy_bound import dominant
from stabkit.multigrid.energy_inequality import dyadic, exact_levels
from stabkit.multigrid.hierarchy import Hierarchy, Level
from stabkit.multigrid.matrices import Exact

GS = Cycle(gauss_seidel())


def true_factor(method):
    """‖E‖_A = √λ_max(A⁻¹ EᵀA E), E column by column from the method itself, by LAPACK.

    With constants in the kernel, of what E does to differences from the last entry.
    """
    A, E = method.A.toarray(), method.error_operator()
    if method.hierarchy.levels[0].kernel is not None:
        A, E = A[:-1, :-1], (E[:-1] - E[-1])[:, :-1]
    return float(np.sqrt(scipy.linalg.eigh(E.T @ A @ E, A, eigvals_only=True)[-1]))


def model(n=7, levels=2, smoother=None, **options):
    cycle = Cycle(smoother or gauss_seidel(), **options)
    return Multigrid(geometric(poisson((n, n)), levels=levels), cycle)


def periodic(n=8, levels=2, boundary=PERIODIC, transfer=None, **options):
    made = geometric(poisson((n, n), boundary), transfer, levels=levels)
    return Multigrid(made, Cycle(**options))


def rough():
    medium = np.exp(np.random.default_rng(5).standard_normal((9, 8)))
    return DiffusionProblem(medium).matrix()


METHODS = {
    "Gauss-Seidel": (lambda: model(), 1.02), "three levels": (lambda: model(7, 3), 1.02),
    "red-black": (lambda: model(smoother=gauss_seidel(red_black)), 1.02),
    "SOR 5/4": (lambda: model(smoother=SOR(Fraction(5, 4))), 1.02),
    "Jacobi": (lambda: model(smoother=Jacobi()), 1.25),
    "Richardson 1/6": (lambda: model(smoother=Richardson(Fraction(1, 6))), 1.25),
    "W": (lambda: model(7, 3, visit=W), 1.02),
    "two sweeps": (lambda: model(pre=2, post=2), 5),
    "symmetric": (lambda: model(smoother=symmetric(gauss_seidel())), 6),
    "black box": (lambda: Multigrid(algebraic(rough(), method=BlackBox((9, 8))), GS), 1.02),
    "aggregation": (lambda: Multigrid(algebraic(rough()), GS), 1.02),
    "F": (lambda: model(7, 3, visit=F), 1.02), "more before": (lambda: model(pre=2), 2.5),
    "more after": (lambda: model(post=3), 4), "before only": (lambda: model(7, 3, post=0), 1.02),
    "after only": (lambda: model(7, 3, pre=0, visit=W), 1.02),
    "another after": (lambda: model(smoother=Jacobi(), pre=0, post_smoother=gauss_seidel()), 1.02),
    "lines": (lambda: model(smoother=gauss_seidel(Lines(0))), 1.02),
    "zebra, SOR": (lambda: model(smoother=SOR(Fraction(6, 5), Lines(1, zebra=True))), 1.3),
    "alternating": (lambda: model(smoother=Then(gauss_seidel(Lines(0)), gauss_seidel(Lines(1)))),
                    8),
    "periodic": (lambda: periodic(smoother=gauss_seidel()), 1.02),
    "periodic F, Jacobi": (lambda: periodic(levels=3, smoother=Jacobi(), visit=F), 1.3),
    "Neumann": (lambda: periodic(9, 3, NEUMANN, smoother=gauss_seidel(red_black)), 1.15),
    "Neumann cells": (lambda: periodic(8, 2, NEUMANN_CELLS, Transfer(constant(2)),
                                       smoother=gauss_seidel()), 1.02),
    "periodic lines": (lambda: periodic(smoother=gauss_seidel(Lines(0, zebra=True))), 1.02),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_the_bound_is_above_the_factor_and_near_it(name):
    make, near = METHODS[name]
    method = make()
    bound, true = energy_bound(method), true_factor(method)
    assert true <= bound.factor <= near * true
    assert bound.check(method)


@pytest.mark.slow
def test_no_error_is_reduced_less():
    """The statement itself: the energy of the error after a cycle, for many right-hand sides."""
    method = model(7, 3)
    factor, A = float(energy_bound(method).factor), method.A
    for seed in range(20):
        e = np.random.default_rng(seed).standard_normal(49)
        for _ in range(4):  # towards the worst one
            after = method.step(e, 0 * e)
            assert after @ (A @ after) <= factor**2 * (e @ (A @ e))
            e = after


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Gauss-Seidel", "red-black", "W", "aggregation", "F",
                                  "after only", "zebra, SOR", "periodic", "Neumann cells"])
def test_a_factor_slightly_below_the_true_one_is_refused(name):
    """K is lowered until 1 − 1/K is just below ‖E‖_A: no Q and L can show it, and these do not."""
    method = METHODS[name][0]()
    bound, true = energy_bound(method), true_factor(method)
    below = Fraction(true * (1 - 1e-6))
    first = replace(bound.levels[0], K=1 / (1 - below ** (1 + bound.one_sided)))
    assert not replace(bound, levels=(first, *bound.levels[1:])).check(method)
    with pytest.raises(HypothesisNotMet, match="is what is proven, not"):
        energy_bound(method, at_most=below)
    assert energy_bound(method, at_most=Fraction(true) * Fraction(51, 50)).check(method)


@pytest.mark.slow
@pytest.mark.parametrize("spoil", ["other L", "upper L", "no L", "other method", "fewer levels"])
def test_spoilt_certificates_are_refused(spoil):
    method = model(7, 3)
    bound = energy_bound(method)
    first, last = bound.levels
    spoilt = {
        "other L": (replace(first, L=first.L * 1.01), last),
        "upper L": (replace(first, L=first.L.T), last),
        "no L": (replace(first, L=0 * first.L), last),
        "fewer levels": (first,), "other method": (first, last)}[spoil]
    against = model(7, 3, SOR(Fraction(3, 2))) if spoil == "other method" else method
    assert bound.check(method) and not replace(bound, levels=spoilt).check(against)


def test_the_identity_behind_it():
    """min over w of wᵀB_c⁻¹w + ‖Mᵀ(v − P w) + A P w‖²_W is vᵀB⁻¹v, for a coarse B_c that is off.

    Planted: M in place of Mᵀ, and a post-smoother that is not the adjoint, break it.
    """
    rng = np.random.default_rng(0)
    X, P = rng.standard_normal((8, 8)), rng.standard_normal((8, 3))
    A, unit = X @ X.T + np.eye(8), np.eye(8)
    M = np.tril(A)
    W, coarse = np.linalg.inv(M + M.T - A), 0.7 * np.linalg.inv(P.T @ A @ P)
    E = (unit - np.linalg.solve(M.T, A)) @ (unit - P @ coarse @ P.T @ A) @ (
        unit - np.linalg.solve(M, A))
    inverse = np.linalg.inv((unit - E) @ np.linalg.inv(A))

    def least(N):
        F = (A - N) @ P
        Q = -np.linalg.solve(np.linalg.inv(coarse) + F.T @ W @ F, F.T @ W @ N)
        return Q.T @ np.linalg.inv(coarse) @ Q + (N + F @ Q).T @ W @ (N + F @ Q)

    np.testing.assert_allclose(least(M.T), inverse, rtol=1e-9, atol=1e-10)
    assert np.abs(least(M) - inverse).max() > 0.1


@pytest.mark.slow
@pytest.mark.parametrize("smoother", [Jacobi(), Jacobi(Fraction(1, 2)), SOR(Fraction(5, 4)),
                                      Richardson(Fraction(1, 6))])
def test_the_bound_of_w_is_one(smoother):
    """W − (M + Mᵀ − A)⁻¹ is positive semidefinite, and N is Mᵀ: 1 − M⁻¹A is one sweep."""
    method = model(smoother=smoother)
    (level,) = exact_levels(method)
    A, N, W = (part.to_array().astype(float) for part in (level.A, level.N, level.W))
    sweep = smoother.on(method.A, (7, 7))
    np.testing.assert_allclose(np.eye(49) - np.linalg.solve(N.T, A),
                               sweep(np.eye(49), 0 * np.eye(49)), atol=1e-12)
    assert np.linalg.eigvalsh(W - np.linalg.inv(N + N.T - A))[0] >= -1e-12


def test_dominance_and_exact_values():
    assert dominant(Exact([[2, -1, 1], [-1, 1, 0], [1, 0, 1]]))
    assert not dominant(Exact([[2, -1, 1], [-1, "0.999", 0], [1, 0, 1]]))
    assert not dominant(Exact([[-1]])) and not dominant(Exact([[1, 1], [0, 1]]))
    values = np.array([[1 / 3, 1e-300], [2.0**40, -0.1]])
    for given in (values, np.array([[0.5, -3.25]]), np.zeros((2, 2))):
        assert dyadic(given) == Exact(given)


@pytest.mark.slow
def test_a_wrong_prolongation_is_proven_slow():
    """Columns with random signs reach no smooth error: the certificate says so by its factor."""
    rng = np.random.default_rng(0)
    P = scipy.sparse.csr_array(rng.choice([-1.0, 1.0], 49)[:, None] * np.kron(
        np.eye(7), np.ones((7, 1))))
    method = Multigrid(algebraic(poisson((7, 7)).matrix(), [P]), GS)
    bound = energy_bound(method)
    assert bound.factor > true_factor(method) > 3 * true_factor(model())


def test_a_coarse_matrix_that_is_wrong_beside_a_large_entry_is_no_galerkin_one():
    """Constants have PᵀA P = 12/1000: with 5/1000 more in each entry they are corrected by 1/5."""
    A, P = np.eye(13) / 1000, np.zeros((13, 4))
    A[:12, :12] += np.diag(np.r_[1, 2 * np.ones(10), 1]) - np.eye(12, k=1) - np.eye(12, k=-1)
    A[12, 12], P[12, 3], P[:12, :3] = 1e10, 1, np.kron(np.eye(3), np.ones((4, 1)))
    wrong = P.T @ A @ P
    wrong[:3, :3] += 5 / 1000
    A, P, wrong = map(scipy.sparse.csr_array, (A, P, wrong))
    method = Multigrid(Hierarchy((Level(A, P, P.T.tocsr()), Level(wrong))), GS)
    with pytest.raises(HypothesisNotMet, match="level 0 is not Galerkin"):
        energy_bound(method)
    assert energy_bound(Multigrid(algebraic(A, [P]), GS), at_most="0.71").check(
        Multigrid(algebraic(A, [P]), GS))


@pytest.mark.parametrize(("method", "words"), [
    (lambda: Multigrid(geometric(shifted(poisson((7, 7)), -1), levels=2), GS),
     "not positive definite"),
    (lambda: Multigrid(geometric(poisson((7, 7)), weighted_transfer(2), levels=2), GS),
     "level 0 is not Galerkin"),
    (lambda: Multigrid(geometric(poisson((7, 7)), levels=2, coarse_operator=lambda A, P, R, c:
                                 -1 * rediscretised(A, P, R, c)), GS), "level 0 is not Galerkin"),
    (lambda: model(post_smoother=gauss_seidel()), "must be the adjoint"),
    (lambda: model(visit=Visit("none", 0)), "leaves out the coarse grid"),
    (lambda: periodic(8, 2, NEUMANN_CELLS, Transfer(linear(2)), smoother=gauss_seidel()),
     "does not keep the kernel"),
    (lambda: model(smoother=Chebyshev()), "no bound is known for Chebyshev"),
    (lambda: model(smoother=SOR(2)), "omega < 2"),
    (lambda: model(smoother=Jacobi(1)), "not below 2"),
    (lambda: model(levels=1), "nothing to bound"),
    (lambda: Multigrid(geometric(poisson((63, 63))), GS), "more than 1100"),
    (lambda: Multigrid(algebraic(rough(), method=BlackBox((9, 8))), Cycle(Jacobi(Fraction(1, 2)))),
     "many different entries"),
])
def test_what_is_missing_is_told(method, words):
    with pytest.raises(HypothesisNotMet, match=words):
        energy_bound(method())
