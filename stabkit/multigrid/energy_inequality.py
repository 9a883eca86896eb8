"""The inequality of each level that an energy bound rests on, in exact rational arithmetic.

Its hypotheses are checked here: what A, P, the smoother and the kernel must be.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np
from flint import fmpq_mat, fmpz_mat

from stabkit.arithmetic.rational import fraction, fractions, is_psd
from stabkit.errors import HypothesisNotMet
from stabkit.multigrid.cycle import Cycle, Direct, Visit
from stabkit.multigrid.hierarchy import Level
from stabkit.multigrid.matrices import (
    Exact,
    assemble,
    diagonal,
    diagonal_matrix,
    moduli,
    to_exact,
    triples,
)
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
    kernel: np.ndarray | None = None
    coarse_kernel: np.ndarray | None = None

    def rest(self, bound: LevelBound, below: Fraction) -> Exact | None:
        """S − L Lᵀ, which must be positive semidefinite; None if S is wrong on the kernel.

        With S z = 0 for a kernel of z the last row and column of S say nothing new: it is
        positive semidefinite if it is without them.
        """
        Q, L = dyadic(bound.Q), dyadic(bound.L)
        X = self.N + (self.A - self.N) @ self.P @ Q
        S = bound.K * self.A - below * (Q.T @ self.coarse @ Q) - X.T @ self.W @ X
        if self.kernel is not None:
            if below >= bound.K or (S @ self.kernel != 0).any():
                return None
            S = Exact(fmpq_mat([row[:-1] for row in S.flint.tolist()[:-1]]))
        return S - L @ L.T if S.shape == L.shape else None


# -- the hypotheses --------------------------------------------------------------------------------
def exact_levels(method: Multigrid) -> list[Inequality]:
    """The inequality of each level but the coarsest, from fine to coarse.

    The coarse operators are made again, as PᵀA P without rounding.
    """
    cycle, levels = method.cycle, method.hierarchy.levels
    adjoint = cycle.post_smoother in (None, cycle.smoother.adjoint)
    for met, reason in (
            (len(levels) > 1, "one level, solved directly, has nothing to bound"),
            (levels[0].unknowns <= LARGEST, f"more than {LARGEST} unknowns; a constant stencil has "
             "a fourier_bound for any number"),
            (adjoint or is_one_sided(cycle),
             "post-smoothing must be the adjoint of pre-smoothing"),
            (fewest_visits(cycle.visit) > 0, "the cycle leaves out the coarse grid"),
            (isinstance(cycle.coarsest, Direct), "the coarsest level must be solved directly")):
        if not met:
            raise HypothesisNotMet(f"energy_bound: {reason}")
    A = to_exact(levels[0].A)
    found: list[Inequality] = []
    if A.T != A:
        raise HypothesisNotMet("energy_bound: A is not symmetric")
    smoother = cycle.smoother if cycle.pre else (cycle.post_smoother or
                                                 cycle.smoother.adjoint).adjoint
    sizes = moduli(A)
    kernel = _kernel(levels, A)
    for number, level in enumerate(levels[:-1]):
        P = to_exact(level.P)
        size = moduli(P)
        coarse, sizes = P.T @ A @ P, size.T @ sizes @ size
        if to_exact(level.R) != P.T or not _near(coarse, levels[number + 1].A, sizes):
            raise HypothesisNotMet(f"energy_bound: level {number} is not Galerkin with R = Pᵀ")
        below = None if kernel is None else _coarse_kernel(P, kernel, levels[number + 1], number)
        found.append(Inequality(A, P, coarse, *_last_sweep(smoother, A, level.shape), kernel,
                                below))
        A, kernel = coarse, below
    return found


def is_one_sided(cycle: Cycle) -> bool:
    """Whether it smooths before or after only."""
    return 0 in (cycle.pre, cycle.post)


def fewest_visits(visit: Visit) -> int:
    """The least number of coarse visits on any level of a cycle."""
    return min([len(visit.calls), *map(fewest_visits, visit.afterwards)])


def root_above(x: Fraction) -> Fraction:
    """A rational just above the root of a number from 0 to 1."""
    root = Fraction(float(x) ** 0.5).limit_denominator(2**30) + Fraction(1, 2**30)
    return root if root * root >= x else Fraction(1)


def _kernel(levels: tuple[Level, ...], A: Exact) -> np.ndarray | None:
    if levels[0].kernel is None:
        return None
    z = fractions(levels[0].kernel, "kernel")
    if z[-1] == 0 or (A @ z != 0).any():
        raise HypothesisNotMet("energy_bound: A maps its kernel to 0 only up to rounding")
    return z


def _coarse_kernel(P: Exact, z: np.ndarray, coarse: Level, number: int) -> np.ndarray:
    found = None if coarse.kernel is None else fractions(coarse.kernel, "kernel")
    image = P @ found if found is not None and found[-1] != 0 else 0 * z
    found = z[-1] / image[-1] * found if image[-1] != 0 else found
    if found is None or (P @ found != z).any():
        raise HypothesisNotMet(f"energy_bound: P of level {number} does not keep the kernel, or "
                               "only up to rounding")
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
        if omega >= 2:
            raise HypothesisNotMet("energy_bound: SOR needs omega < 2")
        # M + Mᵀ − A is (2/ω − 1) D, D the blocks that are updated together.
        if shares_ranks(ranks):
            inverse = 1 / (2 / omega - 1) * _above_inverse(A, ranks)
        else:
            inverse = diagonal_matrix(np.array([_round_up(1 / ((2 / omega - 1) * d)) for d in D],
                                               dtype=object))
        return smoother.splitting(A, ranks).T, inverse
    if isinstance(smoother, Jacobi):
        return _richardson(A, D / fraction(smoother.omega))
    if isinstance(smoother, Richardson):
        return _richardson(A, np.array([1 / fraction(smoother.step)] * n, dtype=object))
    raise HypothesisNotMet(f"energy_bound: no bound is known for {smoother!r}; take Jacobi, "
                           "Richardson or SOR")


def _above_inverse(A: Exact, ranks: np.ndarray) -> Exact:
    """A matrix above the inverse of the blocks D of equal rank, which must be definite.

    With floats V near D⁻¹ and ε = ‖D V − 1‖ < 1 in row sums, ‖V − D⁻¹‖ <= ‖V‖ ε / (1 − ε).
    """
    rows, columns, values = triples(A)
    inside = ranks[rows] == ranks[columns]
    D = assemble(A.shape, rows[inside], columns[inside], values[inside])
    dense = D.to_array()
    near = np.zeros(dense.shape)
    for rank in np.unique(ranks):
        place = np.ix_(*[np.flatnonzero(ranks == rank)] * 2)
        if not is_psd(dense[place]):
            raise HypothesisNotMet("energy_bound: a block of the smoother is not positive definite")
        try:
            near[place] = np.linalg.inv(dense[place].astype(float))
        except np.linalg.LinAlgError:
            raise HypothesisNotMet("energy_bound: a block of the smoother is singular") from None
    V = dyadic(short((near + near.T) / 2, float(abs(near).max())))
    one = Exact.identity(len(ranks))
    error = gershgorin(D @ V - one)
    if error >= 1:
        raise HypothesisNotMet("energy_bound: a block of the smoother is too near to singular")
    return V + _round_up(gershgorin(V) * error / (1 - error) + Fraction(1, 2**90)) * one


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


# -- short numbers ---------------------------------------------------------------------------------
def short(values: np.ndarray, scale: float) -> np.ndarray:
    # Floats with few digits behind the point, so that their exact products stay short.
    unit = 2.0 ** (np.round(np.log2(scale)) - DIGITS)
    return np.rint(values / unit) * unit


def dyadic(values: np.ndarray) -> Exact:
    """Floats at their exact value."""
    # All at once where they are whole multiples of one power of two.
    exponent = int(np.frexp(abs(values).max(initial=0.0))[1]) - MANTISSA
    whole = np.ldexp(values, -exponent)
    if not (whole == np.rint(whole)).all():
        return Exact(values)
    integers = fmpq_mat(fmpz_mat(whole.astype(np.int64).tolist()))
    return Fraction(2) ** exponent * Exact(integers)
