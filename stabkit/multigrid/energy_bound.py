"""A proven bound of what a symmetric cycle leaves of the energy norm of any error.

The cycle is E = 1 − B A, with a pre-smoother M, the post-smoother Mᵀ and a coarse cycle B_c, and

    vᵀB⁻¹v = min over w of  wᵀB_c⁻¹w + ‖Mᵀ(v − P w) + A P w‖²  in the norm of W = (M + Mᵀ − A)⁻¹

(Vassilevski, Multilevel Block Factorization Preconditioners, 2008).  If K_c A_c >= B_c⁻¹ on the
coarse grid, then with any Q, w = Q v shows K A >= B⁻¹, hence ‖E‖_A <= 1 − 1/K, wherever

    S = K A − K_c QᵀA_c Q − XᵀW X >= 0,   X = Mᵀ + (A − Mᵀ) P Q.

That is shown by S = L Lᵀ + R with R diagonally dominant, in exact rational arithmetic, level by
level from the coarsest on, where K_c = 1.  Q and L are found in floats; the proof does not depend
on how.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np
import scipy.linalg
from flint import fmpq_mat, fmpz_mat

from stabkit.aliases import Rational, Signal
from stabkit.arithmetic.rational import fraction
from stabkit.errors import HypothesisNotMet
from stabkit.multigrid.cycle import Direct
from stabkit.multigrid.matrices import Exact, diagonal, diagonal_matrix, moduli, to_exact
from stabkit.multigrid.smoother import (
    SOR,
    Jacobi,
    Richardson,
    Smoother,
    Then,
    gershgorin,
    shares_ranks,
)
from stabkit.multigrid.solver import Multigrid

#: Unknowns of the finest level; the proof is dense.
LARGEST = 1100
#: K is enlarged by this, so that the inequality is strict and its factors are found in floats.
ROOM = Fraction(1, 500)
#: Binary digits of Q and L behind the point, after scaling.
DIGITS = 42
MANTISSA = 53
LONGEST_DENOMINATOR = 512  # bits
ROUNDING = 2.0**-46  # of an entry of PᵀA P, relative to its terms


@dataclass(frozen=True, eq=False)
class LevelBound:
    """One level: K, and the Q and L that show it."""

    K: Fraction
    Q: np.ndarray
    L: np.ndarray

    @property
    def factor(self) -> Fraction:
        """The factor of the cycle from this level on."""
        return 1 - 1 / self.K


@dataclass(frozen=True, eq=False)
class Inequality:
    """The inequality of a level, all but K, K_c, Q and L."""

    A: Exact
    P: Exact
    coarse: Exact
    N: Exact
    W: Exact

    def rest(self, bound: LevelBound, below: Fraction) -> Exact:
        """S − L Lᵀ, which must be positive semidefinite."""
        Q, L = dyadic(bound.Q), dyadic(bound.L)
        X = self.N + (self.A - self.N) @ self.P @ Q
        return (bound.K * self.A - below * (Q.T @ self.coarse @ Q) - X.T @ self.W @ X - L @ L.T)


@dataclass(frozen=True, eq=False)
class EnergyBound:
    """‖E‖_A <= factor, for every error and so for every right-hand side.

    Attributes
    ----------
    levels : tuple of LevelBound
        From fine to coarse.
    """

    levels: tuple[LevelBound, ...]

    @property
    def factor(self) -> Fraction:
        """1 − 1/K of the finest level."""
        return self.levels[0].factor

    def __str__(self) -> str:
        parts = ", ".join(f"{float(level.factor):.4f}" for level in self.levels)
        return (f"converges with at most {float(self.factor):.4f} per cycle in the energy norm, "
                f"for every right-hand side (from each level on: {parts})")

    def check(self, method: Multigrid) -> bool:
        """Decide again, from the matrices of the method alone, whether all of it holds."""
        problems, coarser = exact_levels(method), None
        if len(problems) != len(self.levels):
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
        A V- or W-cycle on a Galerkin hierarchy with R = Pᵀ, of a symmetric positive definite
        matrix of at most ``LARGEST`` unknowns; smoothed before and after by Jacobi, Richardson or
        SOR of single unknowns, or one after the other, adjoint to each other; solved directly on
        the coarsest level.  The bound is that of this cycle in exact arithmetic.
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
    made = EnergyBound(tuple(levels))
    if wanted is not None and made.factor > wanted:
        raise HypothesisNotMet(f"energy_bound: {float(made.factor):.6g} per cycle is what is "
                               f"proven, not {float(wanted):.6g}; this says nothing about whether "
                               "the smaller one is true")
    return made


# -- the hypotheses, and what the inequality is about ----------------------------------------------
def exact_levels(method: Multigrid) -> list[Inequality]:
    """The inequality of each level but the coarsest, from fine to coarse.

    The coarse operators are made again, as PᵀA P without rounding.
    """
    cycle, levels = method.cycle, method.hierarchy.levels
    adjoint = cycle.post_smoother in (None, cycle.smoother.adjoint)
    for met, reason in (
            (len(levels) > 1, "one level, solved directly, has nothing to bound"),
            (levels[0].kernel is None, "the matrix is singular"),
            (not cycle.visit.afterwards, "an F-cycle is not symmetric; take V or W"),
            (levels[0].unknowns <= LARGEST, f"more than {LARGEST} unknowns"),
            (adjoint and cycle.pre >= 1 and cycle.post >= 1 and cycle.pre == cycle.post,
             "post-smoothing must be the adjoint of pre-smoothing, and as much of it"),
            (isinstance(cycle.coarsest, Direct), "the coarsest level must be solved directly")):
        if not met:
            raise HypothesisNotMet(f"energy_bound: {reason}")
    A = to_exact(levels[0].A)
    found: list[Inequality] = []
    if A.T != A:
        raise HypothesisNotMet("energy_bound: A is not symmetric")
    sizes = moduli(A)
    for number, level in enumerate(levels[:-1]):
        P = to_exact(level.P)
        size = moduli(P)
        coarse, sizes = P.T @ A @ P, size.T @ sizes @ size
        if to_exact(level.R) != P.T or not _near(coarse, levels[number + 1].A, sizes):
            raise HypothesisNotMet(f"energy_bound: level {number} is not Galerkin with R = Pᵀ")
        found.append(Inequality(A, P, coarse, *_last_sweep(cycle.smoother, A, level.shape)))
        A = coarse
    return found


def _near(coarse: Exact, given: Any, sizes: np.ndarray) -> bool:
    # Equal up to rounding, relative to the terms of each entry, as these may be graded.
    return bool((moduli(coarse - to_exact(given)) <= ROUNDING * sizes).all())


def _last_sweep(smoother: Smoother, A: Exact, shape: tuple[int, ...] | None
                ) -> tuple[Exact, Exact]:
    """Mᵀ and a bound of W for the last sweep; sweeps before it reduce the energy, too."""
    if isinstance(smoother, Then):
        _last_sweep(smoother.first, A, shape)
        return _last_sweep(smoother.second, A, shape)
    D = diagonal(A)
    n = len(D)
    if not (D > 0).all():
        raise HypothesisNotMet("energy_bound: A has a diagonal entry that is not positive, so it "
                               "is not positive definite")
    if isinstance(smoother, SOR):
        ranks, omega = smoother.ranks(n, shape), fraction(smoother.omega)
        if shares_ranks(ranks) or omega >= 2:
            raise HypothesisNotMet("energy_bound: SOR must update single unknowns, with omega < 2")
        # M + Mᵀ − A is (2/ω − 1) D.
        W = np.array([_round_up(1 / ((2 / omega - 1) * d)) for d in D], dtype=object)
        return smoother.splitting(A, ranks).T, diagonal_matrix(W)
    if isinstance(smoother, Jacobi):
        return _richardson(A, D / fraction(smoother.omega))
    if isinstance(smoother, Richardson):
        return _richardson(A, np.array([1 / fraction(smoother.step)] * n, dtype=object))
    raise HypothesisNotMet(f"energy_bound: no bound is known for {smoother!r}; take Jacobi, "
                           "Richardson or SOR")


def _richardson(A: Exact, M: np.ndarray) -> tuple[Exact, Exact]:
    """A diagonal M, and a polynomial bound of W = (2 M − A)⁻¹.

    With x for M⁻¹A, which has its eigenvalues in [0, t], W is M⁻¹ / (2 − x), and 1/(2 − x) is at
    most the parabola that touches it at t/2 and meets it at t, as its third derivative is positive.
    """
    if lcm(*(m.numerator for m in M)).bit_length() > LONGEST_DENOMINATOR:
        raise HypothesisNotMet("energy_bound: Jacobi on a diagonal of many different entries has "
                               "fractions that are too long; take Gauss-Seidel")
    inverse, one = diagonal_matrix(1 / M), Exact.identity(len(M))
    t = _round_up(gershgorin(inverse @ A))
    if t >= 2:
        raise HypothesisNotMet("energy_bound: this weight is not shown to reduce the energy, as "
                               f"Gershgorin's bound of the smoother is {float(t):.3g}, not below 2")
    at, slope, end = 1 / (2 - t / 2), 1 / (2 - t / 2) ** 2, 1 / (2 - t)
    bend = (end - at - slope * t / 2) / (t / 2) ** 2
    shifted = inverse @ A - t / 2 * one
    return diagonal_matrix(M), (at * one + slope * shifted + bend * (shifted @ shifted)) @ inverse


def _round_up(x: Fraction) -> Fraction:
    # To few digits, so that products stay short.
    scale = Fraction(2) ** (DIGITS - x.numerator.bit_length() + x.denominator.bit_length())
    return Fraction(-(-x * scale // 1)) / scale


# -- the search, in floats -------------------------------------------------------------------------
def _search(problem: Inequality, below: Fraction) -> LevelBound:
    A, P, coarse, N, W = (part.to_array().astype(float) for part in (
        problem.A, problem.P, problem.coarse, problem.N, problem.W))
    try:
        F = (A - N) @ P
        Q = -scipy.linalg.solve(float(below) * coarse + F.T @ W @ F, F.T @ W @ N, assume_a="pos")
        Q = _short(Q, 1.0)
        X = N + F @ Q
        taken = float(below) * Q.T @ coarse @ Q + X.T @ W @ X
        top = scipy.linalg.eigh(taken, A, eigvals_only=True, subset_by_index=[len(A) - 1] * 2)[0]
        K = max(below, Fraction(float(top)) * (1 + ROOM)).limit_denominator(2**20) + ROOM / 2**10
        S = float(K) * A - taken
        # A part of the least eigenvalue is left for R to be dominant with.
        shift = max(0.0, float(np.linalg.eigvalsh(S)[0])) / 4
        L = _short(np.linalg.cholesky(S - shift * np.eye(len(A))), np.sqrt(abs(A).max()))
    except np.linalg.LinAlgError:
        raise HypothesisNotMet("energy_bound: A is not positive definite, or too near to singular "
                               "for a factor to be found") from None
    made = LevelBound(K, Q, L)
    if not shows(problem, made, below):
        raise HypothesisNotMet("energy_bound: floats find no factor of the inequality; A is too "
                               "near to singular, or indefinite")
    return made


def _short(values: np.ndarray, scale: float) -> np.ndarray:
    # Floats with few digits behind the point, so that their exact products stay short.
    unit = 2.0 ** (np.round(np.log2(scale)) - DIGITS)
    return np.rint(values / unit) * unit


# -- the proof, exact ------------------------------------------------------------------------------
def shows(problem: Inequality, bound: LevelBound, below: Fraction) -> bool:
    """Whether K A >= B⁻¹ holds by this K, Q and L; then A is positive definite, as K A >= L Lᵀ."""
    regular = (np.triu(bound.L, 1) == 0).all() and (np.diagonal(bound.L) > 0).all()
    return bool(regular) and dominant(problem.rest(bound, below))


def _below(coarser: LevelBound | None, method: Multigrid) -> Fraction:
    # K_c for all visits of the coarse grid, each of which reduces the error by a factor.
    if coarser is None:
        return Fraction(1)
    return 1 / (1 - coarser.factor ** method.cycle.visit.repeats)


def dyadic(values: np.ndarray) -> Exact:
    """Floats at their exact value."""
    # All at once where they are whole multiples of one power of two.
    exponent = int(np.frexp(abs(values).max(initial=0.0))[1]) - MANTISSA
    whole = np.ldexp(values, -exponent)
    if not (whole == np.rint(whole)).all():
        return Exact(values)
    integers = fmpq_mat(fmpz_mat(whole.astype(np.int64).tolist()))
    return Fraction(2) ** exponent * Exact(integers)


def dominant(R: Exact) -> bool:
    """Whether a symmetric matrix is diagonally dominant, hence positive semidefinite."""
    rows: Signal = R.flint.tolist()
    return all(2 * row[i] >= sum(abs(entry) for entry in row) for i, row in enumerate(rows)) and \
        R.T == R
