"""Why cycles fail: causes are looked for in the matrices, and named with a figure and a remedy.

A finding is a suspicion in floats that a person may follow; no verdict depends on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count, pairwise

import numpy as np
import scipy.sparse
import scipy.sparse.csgraph
import scipy.sparse.linalg

from stabkit.aliases import Matrix
from stabkit.arithmetic.backend import to_host
from stabkit.multigrid.convergence import (
    GROWTH,
    NOTICE,
    Status,
    Watch,
    exponent,
    norm,
    rescale,
    still_falls,
)
from stabkit.multigrid.hierarchy import Hierarchy, Level
from stabkit.multigrid.matrices import Exact
from stabkit.multigrid.smoother import Sweep

#: What rounding may make of 0, relatively.
ROUNDING = 1e-10
#: Steps in search of a direction of negative curvature.
STEPS = 60
#: Sweeps that make a random vector smooth, and the part of it that a coarse grid may miss.
SWEEPS, MISSED = 30, 0.5
#: The ratio of the weakest to the strongest coupling of a row, below which point smoothers fail.
ANISOTROPIC = 0.05
#: The ratio of diagonal entries of neighbours, from which interpolation by distance fails.
JUMP = 50

GUESS = ("no cause was found in the matrices; try around=conjugate_gradients, more sweeps, another "
         "smoother, or algebraic(A)")


def reason(watch: Watch, hierarchy: Hierarchy, sweeps: Sequence[tuple[Sweep, Sweep]],
           right: np.ndarray, u: np.ndarray, system: Matrix) -> str:
    """One line on why a watched iteration did not converge, and what to try.

    `system` is the matrix that is solved, which need not be that of the hierarchy.
    """
    status = watch.status
    if status is Status.OUT_OF_CYCLES and watch.recent_factor < 1:
        return still_falls(watch)
    b, far = np.asarray(to_host(right), dtype=np.float64), exponent(_copy(system).data)
    levels = [_near_one(level, far) for level in hierarchy.levels]
    A = rescale(_copy(system), -far)
    if watch.failure:
        found = asymmetry(A), singularity(levels[0], b), indefiniteness(A, b)
        return next(filter(None, found), watch.failure)
    x = np.asarray(to_host(u), dtype=np.float64)
    if not np.isfinite(x).all():
        x = b  # the last iterate is lost
    floor = rounding_floor(_copy(system), b, x)
    # a floor above b itself is no rounding to live with: an iterate grew beyond sense
    if status is not Status.DIVERGED and watch.measured[-1] <= floor < watch.scale:
        return (f"the residual has reached what rounding allows, {floor / watch.scale:.1g} of b; "
                "give a larger tolerance")
    smoothing = [] if hierarchy.dtype == object else [pre for pre, _ in sweeps]
    return next(causes(A, levels, smoothing, b), GUESS)


def rounding_floor(A: Matrix, b: np.ndarray, u: np.ndarray) -> float:
    """The approximate norm of b − A u that rounding leaves."""
    return float(np.finfo(float).eps) * norm(abs(A) @ abs(u) + abs(b))


def causes(A: Matrix, levels: list[Level], smoothing: list[Sweep], b: np.ndarray
           ) -> Iterator[str]:
    """What is wrong with the system of A and with the levels, the worst first."""
    yield from filter(None, (asymmetry(A), singularity(levels[0], b), indefiniteness(A, b)))
    yield from filter(None, map(enlarging_smoother, count(), levels, smoothing))
    pairs = list(enumerate(pairwise(levels)))
    for number, (fine, coarse) in pairs:
        yield from filter(None, (wrong_coarse_operator(number, fine, coarse),
                                 unrelated_restriction(number, fine)))
    yield from filter(None, (anisotropy(A), jumps(A)))
    yield from filter(None, (short_prolongation(number, fine) for number, (fine, _) in pairs))


# -- of the matrix ---------------------------------------------------------------------------------
def asymmetry(A: Matrix) -> str:
    """Whether A is its own transpose."""
    gap, size = abs(A - A.T).max(), abs(A).max()
    if gap <= ROUNDING * size:
        return ""
    return (f"A is not symmetric: A - Aᵀ has entries up to {gap / size:.2g} of the largest of A; "
            "these cycles are made for symmetric positive definite ones; take around=fgmres, or a "
            "direct solver")


def indefiniteness(A: Matrix, b: np.ndarray) -> str:
    """A direction d with dᵀA d < 0, on the diagonal or among those of conjugate gradients."""
    told = ("A is indefinite: {} is {:.3g} of the largest entry; cycles for definite "
            "matrices diverge on it, and Helmholtz problems of many wavelengths are out of "
            "their reach; take a direct solver, or around=minres with matrix=A and the "
            "hierarchy of a definite matrix near it")
    scale = abs(A).max()
    least = A.diagonal().min()
    if least < 0:
        return told.format("a diagonal entry", least / scale)
    r = np.random.default_rng(0).standard_normal(len(b))
    d, square = r, r @ r
    for _ in range(min(STEPS, len(b))):
        image = A @ d
        curvature = d @ image
        if curvature < -ROUNDING * scale * (d @ d):
            return told.format("dᵀA d / dᵀd", curvature / (d @ d) / scale)
        if curvature <= 0 or not np.isfinite(curvature):
            return ""
        r = r - square / curvature * image
        before, square = square, r @ r
        d = r + square / before * d
    return ""


def singularity(level: Level, b: np.ndarray) -> str:
    """Constants in the kernel of A, which the hierarchy does not know."""
    A = level.A
    size = abs(A).sum(axis=1).max()
    if level.kernel is not None:
        return ""
    if abs(A.sum(axis=1)).max() > ROUNDING * size:
        return singular_part(A)
    if abs(b.sum()) > ROUNDING * abs(b).sum():
        return (f"A is singular, it maps constants to 0, and b is incompatible: its mean is "
                f"{b.mean():.3g}, not 0, so there is no solution; subtract the mean of b, and give "
                "the hierarchy kernel=np.ones(n)")
    return "A is singular: it maps constants to 0; give the hierarchy kernel=np.ones(n)"


def singular_part(A: Matrix) -> str:
    """A part of the graph, coupled to no other, whose constants are in the kernel of A."""
    parts, part = scipy.sparse.csgraph.connected_components(A, directed=False)
    regular = np.zeros(parts, dtype=bool)
    regular[part[abs(A.sum(axis=1)) > ROUNDING * abs(A).sum(axis=1)]] = True
    if regular.all():
        return ""
    return (f"A is singular: {np.count_nonzero(~regular)} of the {parts} parts of its graph, which "
            "are not coupled, map constants to 0; solve each part by itself, those with a right-"
            "hand side of mean 0 (scipy.sparse.csgraph.connected_components numbers them)")


def anisotropy(A: Matrix) -> str:
    """Couplings of one row that differ much, in most rows."""
    weakest, strongest = _couplings(A)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = float(np.nanmedian(np.where(strongest > 0, weakest / strongest, np.nan)))
    if not ratio < ANISOTROPIC:
        return ""
    return (f"A is anisotropic: in half of its rows the weakest coupling is at most {ratio:.2g} of "
            "the strongest, and point smoothers smooth along the strong ones only; take "
            "algebraic(A), which coarsens along them, or gauss_seidel(Lines(axis))")


def jumps(A: Matrix) -> str:
    """Coefficients that differ much between neighbours."""
    entries = A.tocoo()
    rows, columns = entries.coords
    diagonal = A.diagonal()
    beside = (rows != columns) & (diagonal[columns] > 0)
    ratio = float(np.max(diagonal[rows[beside]] / diagonal[columns[beside]], initial=1.0))
    if ratio < JUMP:
        return ""
    return (f"the coefficients of A jump by a factor of about {ratio:.2g} between neighbours, "
            "where solutions have kinks; take algebraic(A), or method=BlackBox(shape) where each "
            "medium is several cells wide, and around=conjugate_gradients")


def _couplings(A: Matrix) -> tuple[np.ndarray, np.ndarray]:
    # Of each row the smallest and the largest size off the diagonal.
    beside = abs(A - scipy.sparse.diags_array(A.diagonal())).tocsr()
    beside.eliminate_zeros()
    filled = np.diff(beside.indptr) > 0
    starts = beside.indptr[:-1][filled]
    if not len(starts):
        return np.zeros(0), np.zeros(0)
    return np.minimum.reduceat(beside.data, starts), np.maximum.reduceat(beside.data, starts)


# -- of the levels ---------------------------------------------------------------------------------
def enlarging_smoother(number: int, level: Level, sweep: Sweep) -> str:
    """Smoothing that makes the energy eᵀA e of a random error larger."""
    e = np.random.default_rng(0).standard_normal(level.unknowns)
    before = e @ (level.A @ e)
    for _ in range(NOTICE):
        e = sweep(e, 0 * e)
    growth = e @ (level.A @ e) / before if before > 0 else 1.0
    if not growth > GROWTH:
        return ""
    return (f"the smoothing of level {number} enlarges errors, {NOTICE} times of it their energy "
            f"by {growth:.3g}; take a smaller weight, such as Jacobi('2/3'), or Gauss-Seidel")


def wrong_coarse_operator(number: int, fine: Level, coarse: Level) -> str:
    """A coarse operator that is far from R A P on a random vector."""
    c = np.random.default_rng(0).standard_normal(coarse.unknowns)
    wanted, given = fine.R @ (fine.A @ (fine.P @ c)), coarse.A @ c
    gap = np.linalg.norm(given - wanted) / max(np.linalg.norm(wanted), np.finfo(float).tiny)
    along = float(wanted @ given)
    if along > 0 and gap < 1:
        return ""
    return (f"the coarse operator of level {number + 1} is far from R A P (relative difference "
            f"{gap:.2g}{', of the other sign' if along < 0 else ''}); take the Galerkin product, "
            "or check signs and scaling of P, R and the coarse matrix")


def unrelated_restriction(number: int, fine: Level) -> str:
    """A restriction that is no multiple of the transposed prolongation."""
    P, R = fine.P, fine.R
    factor = R.multiply(P.T).sum() / P.multiply(P).sum()
    gap = abs(R - factor * P.T).max()
    if factor > 0 and gap <= abs(R).max() / 2:
        return ""
    return (f"R of level {number} is not near a positive multiple of the transpose of P, so the "
            "coarse correction may enlarge errors; take R = Pᵀ")


def short_prolongation(number: int, fine: Level) -> str:
    """A smooth vector, made by relaxation, that the prolongation does not reach."""
    A, P = fine.A, fine.P
    diagonal = A.diagonal()
    if not (diagonal > 0).all():
        return ""
    v = np.random.default_rng(0).random(fine.unknowns) + 0.5
    omega = 1 / (abs(A).sum(axis=1) / diagonal).max()
    for _ in range(SWEEPS):
        v = v - omega * (A @ v) / diagonal
    near = scipy.sparse.linalg.lsqr(P, v, iter_lim=100)[0]
    missed = np.linalg.norm(v - P @ near) / np.linalg.norm(v)
    if not missed > MISSED:
        return ""
    return (f"P of level {number} does not reach smooth errors: it misses {missed:.0%} of a vector "
            "that relaxation leaves; take a prolongation that keeps constants (or the near-kernel)")


def _near_one(level: Level, far: int) -> Level:
    # All operators over the same power of two, so that energies do not overflow.
    return Level(rescale(_copy(level.A), -far), _copy(level.P), _copy(level.R), level.shape,
                 level.kernel)


def _copy(matrix: Matrix) -> Matrix:
    # A copy, as SciPy sorts entries in place when it looks for the largest.
    if matrix is None:
        return None
    dense = matrix.to_array().astype(float) if isinstance(matrix, Exact) else matrix
    return scipy.sparse.csr_array(dense, copy=True)
