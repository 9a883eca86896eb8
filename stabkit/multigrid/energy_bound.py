"""A proven bound of what a symmetric cycle leaves of the energy norm of any error.

The cycle is E = 1 − B A, with a pre-smoother M, the post-smoother Mᵀ and a coarse cycle B_c, and

    vᵀB⁻¹v = min over w of  wᵀB_c⁻¹w + ‖Mᵀ(v − P w) + A P w‖²  in the norm of W = (M + Mᵀ − A)⁻¹

(Vassilevski, Multilevel Block Factorization Preconditioners, 2008).  If K_c A_c >= B_c⁻¹ on the
coarse grid, then with any Q, w = Q v shows K A >= B⁻¹, hence ‖E‖_A <= 1 − 1/K, wherever

    S = K A − K_c QᵀA_c Q − XᵀW X >= 0,   X = Mᵀ + (A − Mᵀ) P Q.

That is shown by S = L Lᵀ + R with R diagonally dominant, in exact rational arithmetic, level by
level from the coarsest on, where K_c = 1.  Q and L are found in floats; the proof does not depend
on how.

What is shown for this cycle bounds others.  With G_q = 1 − (1 − q) P A_c⁻¹Pᵀ A, a coarse cycle of
‖E_c‖ <= q, symmetric or not, and a pre-smoother S, Cauchy–Schwarz gives ‖S* G S‖ <= ‖S* G_q S‖; so
F-cycles are covered, further sweeps only help, and a cycle with S on one side only has the root.
For a singular A with the kernel z all is meant modulo z; it is the limit of A + ε if Q z = z_c, as
then S z = 0, and K > K_c leaves room for ε.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import scipy.linalg

from stabkit.aliases import Rational, Signal
from stabkit.arithmetic.rational import fraction
from stabkit.errors import HypothesisNotMet
from stabkit.multigrid.energy_inequality import (
    Inequality,
    LevelBound,
    exact_levels,
    fewest_visits,
    is_one_sided,
    root_above,
    short,
)
from stabkit.multigrid.matrices import Exact
from stabkit.multigrid.solver import Multigrid

#: K is enlarged by this, so that the inequality is strict and its factors are found in floats.
ROOM = Fraction(1, 500)


@dataclass(frozen=True, eq=False)
class EnergyBound:
    """‖E‖_A <= factor, for every error and so for every right-hand side.

    Attributes
    ----------
    levels : tuple of LevelBound
        From fine to coarse.
    one_sided : bool
        The cycle smooths before or after its coarse visit only.
    """

    levels: tuple[LevelBound, ...]
    one_sided: bool = False

    @property
    def factor(self) -> Fraction:
        """1 − 1/K of the finest level, or its root, rounded up."""
        return self._of(self.levels[0])

    def _of(self, level: LevelBound) -> Fraction:
        return root_above(level.factor) if self.one_sided else level.factor

    def __str__(self) -> str:
        parts = ", ".join(f"{float(self._of(level)):.4f}" for level in self.levels)
        return (f"converges with at most {float(self.factor):.4f} per cycle in the energy norm, "
                f"for every right-hand side (from each level on: {parts})")

    def check(self, method: Multigrid) -> bool:
        """Decide again, from the matrices of the method alone, whether all of it holds."""
        problems, coarser = exact_levels(method), None
        if len(problems) != len(self.levels) or self.one_sided != is_one_sided(method.cycle):
            return False
        for problem, level in reversed(list(zip(problems, self.levels, strict=True))):
            if not shows(problem, level, _below(coarser, method)):
                return False
            coarser = level
        return True


def energy_bound(method: Multigrid, *, at_most: Rational | None = None) -> EnergyBound:
    """Prove that a cycle converges, and how fast at least.

    Parameters
    ----------
    method : Multigrid
        A V-, W- or F-cycle on a Galerkin hierarchy with R = Pᵀ, of a symmetric matrix of at most
        ``LARGEST`` unknowns, positive definite or with the kernel that the hierarchy has; smoothed
        by Jacobi, Richardson or SOR of unknowns or lines, or one after the other, before and after
        adjoint to each other, or on one side only; solved directly on the coarsest level.  The
        bound is that of this cycle in exact arithmetic, modulo a kernel.
    at_most : rational, optional
        A factor to be proved.

    Raises
    ------
    HypothesisNotMet
        If no such bound is found, or only one above `at_most`; the reason says what is missing.

    Examples
    --------
    >>> from stabkit.multigrid import Cycle, gauss_seidel, geometric, poisson
    >>> method = Multigrid(geometric(poisson((15, 15)), levels=2), Cycle(gauss_seidel()))
    >>> energy_bound(method, at_most="1/5").check(method)
    True
    """
    wanted = None if at_most is None else fraction(at_most, "at_most")
    levels: list[LevelBound] = []
    for problem in reversed(exact_levels(method)):
        levels.insert(0, _search(problem, _below(levels[0] if levels else None, method)))
    made = EnergyBound(tuple(levels), is_one_sided(method.cycle))
    if wanted is not None and made.factor > wanted:
        raise HypothesisNotMet(f"energy_bound: {float(made.factor):.6g} per cycle is what is "
                               f"proven, not {float(wanted):.6g}; this says nothing about whether "
                               "the smaller one is true")
    return made


# -- the search, in floats -------------------------------------------------------------------------
def _search(problem: Inequality, below: Fraction) -> LevelBound:
    A, P, coarse, N, W = (part.to_array().astype(float) for part in (
        problem.A, problem.P, problem.coarse, problem.N, problem.W))
    try:
        F = (A - N) @ P
        Q = -scipy.linalg.solve(float(below) * coarse + F.T @ W @ F, F.T @ W @ N, assume_a="pos")
        Q = _on_kernel(short(Q, 1.0), problem)
        X = N + F @ Q
        taken = float(below) * Q.T @ coarse @ Q + X.T @ W @ X
        if problem.kernel is not None:
            A, taken = A[:-1, :-1], taken[:-1, :-1]
        top = scipy.linalg.eigh(taken, A, eigvals_only=True, subset_by_index=[len(A) - 1] * 2)[0]
        K = max(below, Fraction(float(top)) * (1 + ROOM)).limit_denominator(2**20) + ROOM / 2**10
        S = float(K) * A - taken
        # A part of the least eigenvalue is left for R to be dominant with.
        shift = max(0.0, float(np.linalg.eigvalsh(S)[0])) / 4
        L = short(np.linalg.cholesky(S - shift * np.eye(len(A))), np.sqrt(abs(A).max()))
    except np.linalg.LinAlgError:
        raise HypothesisNotMet("energy_bound: A is not positive definite, or too near to singular "
                               "for a factor to be found") from None
    made = LevelBound(K, Q, L)
    if not shows(problem, made, below):
        raise HypothesisNotMet("energy_bound: floats find no factor of the inequality; A is too "
                               "near to singular, or indefinite")
    return made


def _on_kernel(Q: np.ndarray, problem: Inequality) -> np.ndarray:
    # With Q z = z_c, by its last column: no rounding happens where z is of ones.
    if problem.kernel is None or problem.coarse_kernel is None:
        return Q
    z = problem.kernel.astype(float)
    Q[:, -1] = (problem.coarse_kernel.astype(float) - Q[:, :-1] @ z[:-1]) / z[-1]
    return Q


# -- the proof, exact ------------------------------------------------------------------------------
def shows(problem: Inequality, bound: LevelBound, below: Fraction) -> bool:
    """Whether K A >= B⁻¹ holds by this K, Q and L; then A is positive definite, as K A >= L Lᵀ."""
    regular = (np.triu(bound.L, 1) == 0).all() and (np.diagonal(bound.L) > 0).all()
    rest = problem.rest(bound, below) if regular else None
    return rest is not None and dominant(rest)


def _below(coarser: LevelBound | None, method: Multigrid) -> Fraction:
    # K_c for all visits of the coarse grid, each of which reduces the error by a factor.
    if coarser is None:
        return Fraction(1)
    return 1 / (1 - coarser.factor ** fewest_visits(method.cycle.visit))


def dominant(R: Exact) -> bool:
    """Whether a symmetric matrix is diagonally dominant, hence positive semidefinite."""
    rows: Signal = R.flint.tolist()
    return all(2 * row[i] >= sum(abs(entry) for entry in row) for i, row in enumerate(rows)) and \
        R.T == R
