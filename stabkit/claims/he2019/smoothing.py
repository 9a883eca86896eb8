"""The Neumann matrix, damped Jacobi and its two sweeps (Section 5)."""

from __future__ import annotations

from fractions import Fraction

from stabkit.claim import claim
from stabkit.claims.he2019.matrices import (
    ASSEMBLED,
    FIVE_POINTS,
    checkerboard,
    fractions,
    halved,
    laplace,
    neumann,
)
from stabkit.property import Calculation, Not
from stabkit.verdict import REFUTED

RIGHT_SIDES = {"1 at two nodes, with both signs": lambda n: [1, -1] + [0] * (n * n - 2),
               "1 everywhere": lambda n: [1] * n**2}


@claim("eqs (5.1), (5.2)", notion="existence", weight="minor", expect=REFUTED,
       within=dict(n=(2, 3), f=tuple(RIGHT_SIDES)))
def neumann_problem_is_solvable_for_every_f(n, f):
    """For the assembled Neumann matrix A on n×n nodes, A u = f has a solution for every f."""
    return Calculation(
        dict(L=neumann(n), m=halved(n), f=RIGHT_SIDES[f](n)), [("A", ASSEMBLED)],
        ["rank(stack(A, [f])) == rank(A)"],
        "A is symmetric: f is in its range if it is a combination of its rows.  1ᵀA = 0 gives "
        "1ᵀ(f − A u) = Σf for every u, so |f − A u| >= |Σf|/n", necessary=True)


@claim("eqs (5.1), (5.2)", notion="existence", weight="minor", within=dict(n=(2, 3, 4)))
def neumann_problem_is_solvable_for_every_f_corrected(n):
    """For the assembled Neumann matrix A on n×n nodes, A u = f has a solution if and only if
    Σf = 0, and it is unique up to constants."""
    return Calculation(
        dict(L=neumann(n), m=halved(n)), [("A", ASSEMBLED)],
        ["A == A.T", f"A @ ones({n * n}) == 0", f"rank(A) == {n * n - 1}"],
        "the kernel of the symmetric A is spanned by 1, so its range is what is orthogonal to 1")


@claim("before eq. (5.6)", notion="spectrum", expect=REFUTED,
       within=dict(omega=("1/2", "1", "5/4", "3/2", "7/4"), n=(1, 2, 3)))
def damped_jacobi_converges_for_omega_between_0_and_2(omega, n):
    """For K_A with zero padding on n×n nodes, u ← u + (ω/4)(f − A u) converges for every
    ω ∈ (0, 2) and every n."""
    v, given = checkerboard(n), dict(T=laplace(n), omega=omega)
    let = [("A", FIVE_POINTS.format(n=n))]
    # The checkerboard's quotient vᵀA v/vᵀv is 8 − 4/n.
    if Fraction(omega) * (8 - Fraction(4, n)) >= 8:
        return Not(Calculation(
            dict(given, v=v), let, ["v @ (8*v - omega*(A @ v)) <= 0"],
            "A is symmetric, so it has an eigenvalue x with ωx >= 8, and 1 − ωx/4 <= −1: the error "
            "in its eigenvector never tends to 0"))
    return Calculation(
        given, let, ["pd(A)", f"pd(8*I({n * n}) - omega*A)"],
        "all eigenvalues 1 − ωx/4 of the step are in (−1, 1)")


@claim("derived (before eq. (5.6))", notion="spectrum", within=dict(n=(1, 2, 3, 5, 16)))
def damped_jacobi_converges_for_omega_between_0_and_2_corrected(n):
    """The iteration converges for every n if and only if ω ∈ (0, 1]; for one n, if and only if
    0 < ω < 2/(1 + cos(π/(n + 1)))."""
    signs = [(-1) ** i for i in range(n)]
    return Calculation(
        dict(T=laplace(n), v=signs, n=n), [("J", "diag(v)")],
        ["pd(T)", f"4*I({n}) - T == J @ T @ J", "v @ (T @ v) == 4*n - 2"],
        "A = T ⊗ I + I ⊗ T has eigenvalues > 0 and, by J ⊗ J, symmetric about 4, so below 8: "
        "1 − ωx/4 lies in (−1, 1) for ω <= 1.  The quotient of v ⊗ v is 2(4n − 2)/n = 8 − 4/n; for "
        "ω > 1 some n has ω(8 − 4/n) >= 8, and then 1 − ωx/4 <= −1 for the largest x.  The largest "
        "eigenvalue of T is 2 + 2cos(π/(n + 1))")


@claim("eqs (5.7), (5.9), (5.10)", within=dict(n=(1, 2, 3, 4)))
def two_sweeps_are_a_convolution(n):
    """For K_A with zero padding, two sweeps of S₀ = ω/4 are S₁f = K * f with zero padding, boundary
    included, K = (ω/4)(2 − ω) in the centre and ω²/16 at its four neighbours (5.9), for every ω
    and n; and I − S₁A = (I − S₀A)²."""
    one, shows = f"I({n * n})", []
    for w in ("1", "2", "-3"):
        S0, S1 = f"{w}/4*{one}", f"(({w})*(2 - ({w}))/4*{one} + ({w})**2/16*N)"
        shows += [f"{S1} == {S0} + {S0} @ ({one} - A @ ({S0}))",
                  f"{one} - {S1} @ A == ({one} - {S0} @ A) @ ({one} - {S0} @ A)"]
    given = dict(Z=fractions([[int(j == i + 1) for j in range(n)] for i in range(n)]))
    return Calculation(
        given, [("N", f"kron(Z + Z.T, I({n})) + kron(I({n}), Z + Z.T)"), ("A", f"4*{one} - N")],
        shows, "N adds the four neighbours, zeros outside; both sides are polynomials of degree "
        "<= 2 in ω and agree for ω = 1, 2, −3")
