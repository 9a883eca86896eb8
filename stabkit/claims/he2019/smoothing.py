"""The Neumann matrix, damped Jacobi and its two sweeps (Section 5)."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from stabkit.arithmetic.rational import Constant, fraction
from stabkit.claims.claim import claim
from stabkit.claims.he2019.matrices import (
    ASSEMBLED,
    FIVE_POINTS,
    cell_shares,
    fractions,
    laplace,
    neumann,
)
from stabkit.classes import AnyReal, AnySymmetric, AnyVector, ForExamples, signal
from stabkit.operators import Operator, from_matrix, gram, grid_gradient
from stabkit.proof.words import Expression
from stabkit.stability.property import AllOf, Calculation, Example, Identity
from stabkit.stability.verdict import REFUTED

RIGHT_SIDES = {"1 at two nodes, with both signs": lambda n: [1, -1] + [0] * (n * n - 2),
               "1 everywhere": lambda n: [1] * n**2}


def grid_neighbours(m: int, n: int) -> Operator:
    """The sum over the four neighbours, zeros outside."""
    A = gram(grid_gradient((m, n)))
    return from_matrix(np.diag(np.diag(A)) - A, label="N")


@claim("eqs (5.1), (5.2)", notion="existence", weight="minor", expect=REFUTED,
       within=dict(n=(2, 3), f=tuple(RIGHT_SIDES)))
def neumann_problem_is_solvable_for_every_f(n, f):
    """For the assembled Neumann matrix A on n×n nodes, A u = f has a solution for every f."""
    return Calculation(
        dict(L=neumann(n), m=cell_shares(n), f=RIGHT_SIDES[f](n)), [("A", ASSEMBLED)],
        ["rank(stack(A, [f])) == rank(A)"],
        "A is symmetric: f is in its range if it is a combination of its rows.  1ᵀA = 0 gives "
        "1ᵀ(f − A u) = Σf for every u, so |f − A u| >= |Σf|/n", necessary=True)


@claim("eqs (5.1), (5.2)", notion="existence", weight="minor", within=dict(n=(2, 3, 4)))
def neumann_problem_is_solvable_for_every_f_corrected(n):
    """For the assembled Neumann matrix A on n×n nodes, A u = f has a solution if and only if
    Σf = 0, and it is unique up to constants."""
    return Calculation(
        dict(L=neumann(n), m=cell_shares(n)), [("A", ASSEMBLED)],
        ["A == A.T", f"A @ ones({n * n}) == 0", f"rank(A) == {n * n - 1}"],
        "the kernel of the symmetric A is spanned by 1, so its range is what is orthogonal to 1",
        necessary=True)


@claim("before eq. (5.6)", notion="spectrum", expect=REFUTED,
       within=dict(omega=("1/2", "1", "5/4", "3/2", "7/4"), n=(1, 2, 3)))
def damped_jacobi_converges_for_omega_between_0_and_2(omega, n):
    """For K_A with zero padding on n×n nodes, u ← u + (ω/4)(f − A u) converges for every
    ω ∈ (0, 2) and every n."""
    return Calculation(
        dict(T=laplace(n), omega=omega), [("A", FIVE_POINTS.format(n=n))],
        ["pd(A)", f"pd(8*I({n * n}) - omega*A)"],
        "A is symmetric.  The errors along its eigenvectors, with eigenvalues x, are multiplied by "
        "1 − ωx/4 in each step: all of them tend to 0 if and only if 0 < ωx < 8", necessary=True)


#: The largest damping for every n, and the first for n nodes that is too large.
LARGEST, TOO_LARGE = 1, "2/(1 + cos(pi/(n + 1)))"


@claim("derived (before eq. (5.6))", notion="spectrum", within=dict(n=(1, 2, 3, 5, 16)))
def damped_jacobi_converges_for_omega_between_0_and_2_corrected(n):
    """The iteration converges for every n if and only if ω ∈ (0, 1]; for one n, if and only if
    0 < ω < 2/(1 + cos(π/(n + 1))), here to within 1e-9."""
    signs = [(-1) ** i for i in range(n)]
    return Calculation(
        dict(T=laplace(n), v=signs, n=n, omega=LARGEST),
        [("J", "diag(v)"), ("limit", TOO_LARGE)],
        ["pd(T)", f"4*I({n}) - T == J @ T @ J", "v @ (T @ v) == 4*n - 2", "1 - omega*8/4 == -1",
         f"pd(4*I({n}) - (limit - 1/10**9)*T)", f"not pd(4*I({n}) - (limit + 1/10**9)*T)"],
        "A = T ⊗ I + I ⊗ T has eigenvalues > 0 and, by J ⊗ J, symmetric about 4, so below 8: "
        "1 − ωx/4 lies in (−1, 1) for ω <= 1.  The quotient of v ⊗ v is 2(4n − 2)/n = 8 − 4/n; for "
        "ω > 1 some n has ω(8 − 4/n) >= 8, and then 1 − ωx/4 <= −1 for the largest x.  For one n "
        "ω must be below 4 over the largest eigenvalue of T", necessary=True)


#: Centre and neighbours of the kernel of two sweeps (5.9), for ω = w.
TWICE = ("{w}*(2 - {w})/4", "{w}**2/16")


@claim("eqs (5.7), (5.9), (5.10)",
       within=dict(N=(grid_neighbours(2, 3),), w=("1", "-2/3"), f=(1,), n=(1, 2, 3, 4)),
       for_all=dict(N=AnySymmetric(), w=AnyReal(), f=AnyVector(), n=ForExamples()))
def two_sweeps_are_a_convolution(N, w, f, n):
    """For K_A with zero padding, two sweeps of S₀ = ω/4 are S₁f = K * f with zero padding, boundary
    included, K = (ω/4)(2 − ω) in the centre and ω²/16 at its four neighbours (5.9), for every ω
    and n; and I − S₁A = (I − S₀A)².

    For all: with any symmetric N in place of the sum over the neighbours, and A = 4 − N."""
    w = w if isinstance(w, Expression) else Constant(fraction(w))
    given = dict(f=signal(f, N.shape[1], lambda rng, size: [
        Fraction(int(x), 4) for x in rng.integers(-9, 10, size)]))

    def A(f):
        return 4 * f - N @ f

    def sweep_once(f):
        return f - w / 4 * A(f)

    def twice(f):
        return w * (2 - w) / 4 * f + w**2 / 16 * (N @ f)

    return AllOf([
        Identity(lambda f: w / 4 * f + w / 4 * sweep_once(f), twice, given, "S₀f + S₀(f − A S₀f)"),
        Identity(lambda f: f - twice(A(f)), lambda f: sweep_once(sweep_once(f)), given,
                 "on errors"),
        Example(lambda: _two_sweeps(n))])


def _two_sweeps(n):
    one, shows = f"I({n * n})", []
    for w in ("(1)", "(2)", "(-3)"):
        centre, beside = (entry.format(w=w) for entry in TWICE)
        S0, S1 = f"({w}/4*{one})", f"({centre}*{one} + {beside}*N)"
        shows += [f"{S1} == {S0} + {S0} @ ({one} - A @ {S0})",
                  f"{one} - {S1} @ A == ({one} - {S0} @ A) @ ({one} - {S0} @ A)"]
    given = dict(Z=fractions([[int(j == i + 1) for j in range(n)] for i in range(n)]))
    return Calculation(
        given, [("N", f"kron(Z + Z.T, I({n})) + kron(I({n}), Z + Z.T)"), ("A", f"4*{one} - N")],
        shows, "N adds the four neighbours, zeros outside; both sides are polynomials of degree "
        "<= 2 in ω and agree for ω = 1, 2, −3", necessary=True)
