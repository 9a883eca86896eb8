"""What smoothing and cycles do to the energy: the theory behind Section 5."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from stabkit.aliases import Matrix, Scalar
from stabkit.arithmetic.rational import Constant, determinant, fractions
from stabkit.claims import two_grids
from stabkit.claims.claim import claim
from stabkit.claims.configurations import constant
from stabkit.claims.he2019.matrices import FIVE_POINTS, inner_interpolation, integers, laplace
from stabkit.classes import AnyOperator, AnyReal, AnyVector, ForExamples
from stabkit.operators import from_matrix
from stabkit.stability.notions import inner, squared_norm
from stabkit.stability.property import AllOf, Calculation, Example, Identity

SMOOTHERS = ("Gauss-Seidel", "Richardson", "random")


def _smoother(A: np.ndarray, kind: str, rng: np.random.Generator) -> np.ndarray:
    one = fractions(np.eye(len(A), dtype=int))
    if kind == "Gauss-Seidel":
        return A * np.tri(len(A), dtype=int)
    if kind == "Richardson":
        return one
    while determinant(M := integers(rng, *A.shape) + 2 * one) == 0:
        pass
    return M


@claim("derived (smoothing step (5.12))", notion="energy",
       within=dict(D=(from_matrix([[1, 0], [-1, 1], [0, -1]]),),
                   M=(from_matrix([[2, 0], [-1, 3]]),), e=((1, -2),), w=((3, 1),), n=(1, 2, 3),
                   kind=SMOOTHERS, seed=(1, 2)),
       for_all=dict(D=AnyOperator("N", "E"), M=AnyOperator("N", "N"), e=AnyVector(), w=AnyVector(),
                    n=ForExamples(), kind=ForExamples(), seed=ForExamples()))
def smoother_condition(D, M, e, w, n, kind, seed):
    """For A symmetric positive definite and M invertible, ‖I − M⁻¹A‖_A < 1 if and only if
    M + Mᵀ − A is positive definite; for Gauss–Seidel, beside it, it always is.

    For all A = DᵀD: e·Ae − (e − w)·A(e − w) = w·(M + Mᵀ − A)w + 2w·(Ae − Mw), and for w = M⁻¹Ae,
    which every w is for some e, the last term is 0: both forms are positive definite, or none."""
    return AllOf([
        Identity(lambda e, w: squared_norm(D @ e) - squared_norm(D @ (e - w)),
                 lambda e, w: LOST * inner(w, M @ w) - squared_norm(D @ w)
                 + 2 * inner(w, D.T @ (D @ e) - M @ w), dict(e=e, w=w),
                 "what a sweep takes from the energy"),
        Example(lambda: _smoothes(n, kind, seed))])


#: w·(M + Mᵀ)w over w·Mw.
LOST = 2


def _smoothes(n: int, M: str, seed: int) -> Calculation:
    rng = np.random.default_rng([seed, n])
    half = integers(rng, n, n)
    A = half.T @ half + fractions(np.eye(n, dtype=int))
    let = [("Q", "inverse(M) @ A"), ("E", f"I({n}) - Q"), ("G", "M + M.T - A")]
    shows = ["pd(A)", "A - E.T @ A @ E == Q.T @ G @ Q",
             "pd(G) and pd(A - E.T @ A @ E) or not pd(G) and not pd(A - E.T @ A @ E)"]
    if M == "Gauss-Seidel":
        shows += ["G == diag([" + ", ".join(f"A[{i}, {i}]" for i in range(n)) + "])", "pd(G)"]
    return Calculation(
        dict(A=A, M=_smoother(A, M, rng)), let, shows,
        "the energy of e less that of the next error E e is wᵀG w with w = Q e, Q invertible: both "
        "forms are positive definite, or neither.  For Gauss–Seidel G is the diagonal of A",
        necessary=True)


# -- cycles with an exact coarsest solve, on 2ᵏ − 1 interior nodes per direction ------------------
def _pairs(n: int) -> list[tuple[int, int]]:
    """Successive numbers of nodes, from coarse to fine."""
    return [*_pairs(n // 2), (n, n // 2)] if n > 1 else []


ADJOINT = ".T"


def damping(dimension: int) -> Fraction:
    """The damping of Jacobi's method with the best smoothing factor."""
    return Fraction(2 * dimension, 2 * dimension + 1)


def _hierarchy(n: int, dimension: int, smoother: str = "Jacobi"):
    """T, prolongations and smoothers: what is given, and the lines for each level.

    On n nodes per direction A_n is the operator, P_n the prolongation, S_n the error operator of a
    sweep and Z_n that of the adjoint sweep.
    """
    given = dict(T=laplace(n))
    let = [(f"A{n}", "T" if dimension == 1 else FIVE_POINTS.format(n=n))]
    for fine, coarse in reversed(_pairs(n)):
        count, p, A = fine**dimension, f"p{fine}", f"A{fine}"
        given[p] = inner_interpolation(coarse)
        let.append((f"P{fine}", p if dimension == 1 else f"kron({p}, {p})"))
        if smoother == "Gauss-Seidel":
            given[f"Lower{fine}"] = np.tri(count, dtype=int)
            let.append((f"B{fine}", f"inverse({A} * Lower{fine})"))
        else:  # all diagonal entries are the same
            let.append((f"B{fine}", f"{damping(dimension)} / {A}[0, 0] * I({count})"))
        let += [(f"S{fine}", f"I({count}) - B{fine} @ {A}"),
                (f"Z{fine}", f"I({count}) - B{fine}{ADJOINT} @ {A}"),
                (f"A{coarse}", f"P{fine}.T @ ({A} @ P{fine})")]
    return given, let


def _correction(fine: int, coarse: int, dimension: int, left: str) -> str:
    """1 − P(1 − left)A⁻¹PᵀA: the coarse problem is solved up to the error operator `left`."""
    solved = f"(I({coarse**dimension}) - {left}) @ inverse(A{coarse})" if left else \
        f"inverse(A{coarse})"
    return f"(I({fine**dimension}) - P{fine} @ ({solved}) @ (P{fine}.T @ A{fine}))"


CASES = ((3, 1, "Jacobi"), (3, 1, "Gauss-Seidel"), (7, 1, "Jacobi"), (7, 1, "Gauss-Seidel"),
         (3, 2, "Jacobi"), (3, 2, "Gauss-Seidel"), (7, 2, "Jacobi"))


#: Two grids: A = DᵀD, a sweep x ← x + B(f − A x), a coarse solver X of a \-cycle, two errors.
TWO_GRIDS = dict(D=(from_matrix([[1, 0, 0], [-1, 1, 0], [0, -1, 1], [0, 0, -1]]),),
                 B=(from_matrix([["1/2", 0, 0], ["1/4", "1/2", 0], ["1/8", "1/4", "1/2"]]),),
                 P=(from_matrix([["1/2"], [1], ["1/2"]]),), X=(from_matrix([["2/3"]]),),
                 d=((1, -2, 0),), e=((3, 0, 1),))
ANY_TWO_GRIDS = dict(D=AnyOperator("N", "E"), B=AnyOperator("N", "N"), P=AnyOperator("M", "N"),
                     X=AnyOperator("M", "M"), d=AnyVector(), e=AnyVector())


def adjoint(B: Matrix) -> Any:
    """The matrix of the sweep after the correction."""
    return B.T


def _halves(D, B, P, X, d, e) -> Identity:
    """d·A V e = (E d)·A (E e), if it is so on the coarse grid."""
    def A(x: Any) -> Any:
        return D.T @ (D @ x)

    def slash(x: Any) -> Any:
        """E, of the sweep and the correction by X."""
        x = x - B @ A(x)
        return x - P @ (X @ (P.T @ A(x)))

    def below(r: Any) -> Any:
        """X + Xᵀ − XᵀA_H X, the solver of the V-cycle to which that of X belongs."""
        x = X @ r
        return x + X.T @ r - X.T @ (P.T @ A(P @ x))

    def both(x: Any) -> Any:
        """V, with the adjoint sweep at the end."""
        x = x - B @ A(x)
        x = x - P @ below(P.T @ A(x))
        return x - adjoint(B) @ A(x)

    return Identity(lambda d, e: inner(D @ d, D @ both(e)),
                    lambda d, e: inner(D @ slash(d), D @ slash(e)), dict(d=d, e=e),
                    "the energy of two vectors")


@claim("derived (Algorithm 2)", notion="energy", within=dict(TWO_GRIDS, case=CASES),
       for_all=dict(ANY_TWO_GRIDS, case=ForExamples()))
def cycle_energy_identity(D, B, P, X, d, e, case):
    r"""Galerkin hierarchy, A positive definite, coarsest level solved exactly, post-smoother
    adjoint to the pre-smoother: E_V(ν,ν) = E* E with E the error operator of the \-cycle and * the
    adjoint in the energy; so ‖E‖²_A = ‖E_V‖_A = ρ(E_V), at every depth.

    By induction over the levels for every A = DᵀD, P and smoother B (ν sweeps are one by another
    B).  That E_V = E*E says of the solvers, E = 1 − X A and E_V = 1 − Y A, Y = X + Xᵀ − XᵀA X: so
    it is on the coarsest level, X = A⁻¹, and if it is so on the coarse grid it is here.  Decided
    for [−1 2 −1] and K_A beside; case = (nodes per direction, dimension, smoother)."""
    return AllOf([_halves(D, B, P, X, d, e), Example(lambda: _whole_cycle(case))])


def _whole_cycle(case) -> Calculation:
    n, dimension, smoother = case
    given, let = _hierarchy(n, dimension, smoother)
    slash = both = ""
    for fine, coarse in _pairs(n):
        let += [(f"E{fine}", f"{_correction(fine, coarse, dimension, slash)} @ S{fine}"),
                (f"V{fine}", f"Z{fine} @ {_correction(fine, coarse, dimension, both)} @ S{fine}")]
        slash, both = f"E{fine}", f"V{fine}"
    return Calculation(
        given, let, ["pd(T)", f"A{n} @ V{n} == E{n}.T @ (A{n} @ E{n})"],
        "A V = EᵀA E says V = E*E; so ⟨V e, e⟩ = |E e|² in the energy, and V is self-adjoint and "
        ">= 0: its norm is its spectral radius", necessary=True)


RECURSION = "every σ"
#: The bound of the W-cycle, from that of its two-grid cycles.
W_BOUND = "s/(1 - s)"


@claim("derived (W-cycle, two recursive coarse-grid calls)", notion="energy",
       within=dict({name: TWO_GRIDS[name] for name in ("D", "P", "e")}, y=((1, 0, 2),), t=((1,),),
                   F=(from_matrix([["1/3"]]),), s=("1/9",), d2=("1/64",),
                   case=(RECURSION, "n = 7", "n = 15")),
       for_all=dict({name: ANY_TWO_GRIDS[name] for name in ("D", "P", "e")}, y=AnyVector(),
                    t=AnyVector("M"), F=AnyOperator("M", "M"), s=AnyReal(0, "1/2"),
                    d2=AnyReal(0, 1), case=ForExamples()))
def w_cycle_bound(D, P, e, y, t, F, s, d2, case):
    """Galerkin hierarchy, A positive definite, coarsest level solved exactly, adjoint pre- and
    post-smoothers with ‖I − M⁻¹A‖_A <= 1: if the two-grid factors with exact coarse solve satisfy
    σ_l <= σ < 1/2 in ‖·‖_A on all levels, then ‖E_W‖_A <= σ/(1 − σ) at every depth.

    For all A = DᵀD, by induction over the levels: let y be e after the sweep, t its coarse error,
    r = y − Pt, so that r·APt = 0, and F the error operator of the coarse W-cycle, symmetric in the
    energy and at most d there.  Then e·A E_W e = ‖r‖² + ‖PFt‖² in the energy is
    (σ + (1 − σ)d²)‖e‖² less (1 − d²)(σ‖e‖² − ‖r‖²), d²(‖e‖² − ‖y‖²) and d²‖Pt‖² − ‖PFt‖², all
    >= 0 by hypothesis; and d = σ/(1 − σ) < 1 is kept.  Beside it, σ = 1/9 for [−1 2 −1] and Jacobi
    on n interior nodes."""
    s, d2 = constant(s), constant(d2)

    def size(x: Any) -> Any:
        return squared_norm(D @ x)

    def loss(e: Any, y: Any, t: Any) -> Any:
        r, coarse, after = y - P @ t, size(P @ t), size(P @ (F @ t))
        return ((1 - d2) * (s * size(e) - size(r)) + d2 * (size(e) - size(y))
                + (d2 * coarse - after) + 2 * d2 * inner(D @ r, D @ (P @ t)))

    return AllOf([
        Identity(lambda e, y, t: size(y - P @ t) + size(P @ (F @ t)) + loss(e, y, t),
                 lambda e, y, t: bound_of_cycle(s, d2) * size(e), dict(e=e, y=y, t=t),
                 "the energy of E_W e and e"),
        Example(lambda: _w_cycle(case))])


def bound_of_cycle(s: Scalar, d2: Any) -> Any:
    """The bound of a W-cycle, with that of the coarse one."""
    return s + (1 - s) * d2


def _w_cycle(case: str) -> AllOf | Calculation:
    """That σ/(1 − σ) is kept for every σ, or a whole cycle."""
    if case == RECURSION:
        return Calculation(
            dict(s=["1/9", "1/4", "2/5"]), [("g", W_BOUND)],
            ["s + (1 - s)*g**2 == g", "g < 1", "positive_on([1, -2], 0, 1/2)"],
            "E_W = S*(1 − Π + Π D²)S with the projection Π and the coarse W-cycle D, 0 <= D <= d: "
            "⟨E_W e, e⟩ <= (1 − d²)|(1 − Π)S e|² + d²|S e|² <= ((1 − d²)σ + d²)|e|², so the bounds "
            "obey d ↦ σ + (1 − σ)d², from d = 0.  g = σ/(1 − σ) is its fixed point (times 1 − s, "
            "both sides are of degree 2 and agree at three points), g < 1 as 1 − 2σ > 0, and "
            "d <= g gives σ + (1 − σ)d² <= g")
    n = int(case.removeprefix("n = "))
    given, let = _hierarchy(n, 1)
    given, let = given | dict(s="1/9"), [*let, ("bound", W_BOUND)]
    two_grid, shows, below = ["pd(T)"], [], ""
    for fine, coarse in _pairs(n):
        two = f"Z{fine} @ {_correction(fine, coarse, 1, '')} @ S{fine}"
        twice = f"{below} @ {below}" if below else ""
        let += [(f"G{fine}", two),
                (f"W{fine}", f"Z{fine} @ {_correction(fine, coarse, 1, twice)} @ S{fine}")]
        two_grid.append(f"psd(s*A{fine} - A{fine} @ G{fine})")
        shows += [f"psd(A{fine} @ W{fine})", f"psd(bound*A{fine} - A{fine} @ W{fine})"]
        below = f"W{fine}"
    return AllOf([
        Calculation(given, let, two_grid, "the hypothesis: G is the two-grid cycle of each level"),
        Calculation(given, let, shows, "W is the W-cycle down to one node; A W is symmetric, as "
                    "its smoothers are adjoint", necessary=True)])


#: The best damping of Jacobi's method in d dimensions, and its smoothing factor.
BEST, FACTOR = "2*d/(2*d + 1)", "(2*d - 1)/(2*d + 1)"


@claim("derived (damped Jacobi, Fourier modes)", notion="spectrum", weight="minor",
       within=dict(d=(1, 2, 3)))
def jacobi_smoothing_factor(d):
    """For the (2d+1)-point Laplacian the damping ω = 2d/(2d + 1) is the best one, with the
    smoothing factor (2d − 1)/(2d + 1) over the high frequencies: 1/3, 3/5, 5/7."""
    return Calculation(
        dict(d=d, w=[0, 1]),
        [("low(w)", "1 - w/d"), ("high(w)", "2*w - 1"), ("best", BEST), ("mu", FACTOR)],
        ["low(best) == mu", "high(best) == mu", "2*d*low(w) + high(w) == 2*d - 1"],
        "a mode has the factor 1 − ωx, x = Σ(1 − cos θᵢ)/d, where x fills [1/d, 2] if some |θᵢ| >= "
        "π/2: the largest modulus is that of 1 − ω/d or of 1 − 2ω, at ω = `best` both are mu.  For "
        "every ω the weighted sum in the last line (linear in ω, so two values settle it) makes "
        "one of 1 − ω/d, 2ω − 1 at least mu", necessary=True)


@claim("derived (two-grid method)", notion="spectrum",
       within=dict(B=two_grids.NEIGHBOURS, f=((1, 0, -2, 3),), c=((2, -1, 4),),
                   n=("every 2ᵏ − 1", 3, 7, 15)),
       for_all=dict(B=AnyOperator("C", "F"), f=AnyVector("F"), c=AnyVector("C"), n=ForExamples()))
def one_dimensional_two_grid_factor(B, f, c, n):
    """[−1 2 −1] on n = 2ᵏ − 1 interior nodes, linear P, Galerkin coarse operator, Jacobi with
    ω = 2/3, one sweep before and one after: every eigenvalue of the error operator is 0 or 1/9.

    For all A = [[2, −B], [−Bᵀ, 2]] and P = [B/2, 1], of which the line is one (f and c are
    alternating nodes): E(E(e) − e/9) = 0.  The exact coarse solution is the error at c, as
    A_H c = Pᵀ A (f, c), A_H = PᵀAP = 2 − BᵀB/2; so the correction leaves nothing there."""
    def cycle(f: Any, c: Any) -> tuple[Any, Any]:
        f, c = two_grids.sweep_error(B, f, c, THIRD)
        f, c = two_grids.correct_error(B, f, c, 0 * c)
        return two_grids.sweep_error(B, f, c, THIRD)

    def again(part: int) -> Identity:
        return Identity(lambda f, c: cycle(*cycle(f, c))[part],
                        lambda f, c: Constant(1, 9) * cycle(f, c)[part], dict(f=f, c=c),
                        "E² = E/9")

    return AllOf([
        two_grids.coarse_equation(B, f, c), again(0), again(1), Example(lambda: _factor(n))])


#: ω/2 of Jacobi's method with ω = 2/3.
THIRD = Constant(1, 3)


def _factor(n: int | str) -> Calculation:
    """The eigenvalues, on n nodes or in general by Fourier modes."""
    if not isinstance(n, int):
        return Calculation(
            dict(s=["0", "1/8", "1/4", "1/2"]),
            [("f", "s*(1 - 4*s/3)**2 + (1 - s)*(1 - 4*(1 - s)/3)**2")], ["f == 1/9"],
            "s = sin²(θ/2).  f is a polynomial of degree 3 and equals 1/9 at four points, so "
            "always.  On the modes θ and π − θ the exact coarse-grid correction is a projection of "
            "rank 1, so one eigenvalue is 0 and the other one the trace f", necessary=True)
    given, let = _hierarchy(n, 1)
    let = [(name, line) for name, line in let if name.startswith(f"{name[0]}{n}")
           or name == f"A{n // 2}"]
    let.append(("E", f"Z{n} @ {_correction(n, n // 2, 1, '')} @ S{n}"))
    given = {name: given[name] for name in ("T", f"p{n}")}
    return Calculation(given, let, ["E @ E == E/9", f"rank(E) == {n - n // 2}"],
                       "E(E − 1/9) = 0: there are no other eigenvalues, and 1/9 occurs",
                       necessary=True)
