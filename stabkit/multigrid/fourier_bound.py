"""A proven bound of what a cycle leaves of the energy norm, on grids of any size, by Fourier modes.

On a periodic grid a constant stencil, its Galerkin operators and smoothers by colours act on the
2^d harmonics of each frequency apart; grids with zero values or no flux at nodes are the odd, or
even, functions on a periodic grid of twice the size.  If on every level

    K B >= A⁻¹ − P A_c⁻¹Pᵀ,   B⁻¹ = MᵀW M,   W = (M + Mᵀ − A)⁻¹,

for the pre-smoother M, then ‖S e‖² <= ‖e‖² − ‖(1 − P A_c⁻¹PᵀA) e‖² / K in the energy norm for the
post-smoother S, that of Mᵀ, and a cycle of any depth leaves at most 1 − 1/K of it (McCormick, SIAM
J. Numer. Anal. 22, 1985).  K is enclosed in ball arithmetic over all frequencies.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from flint import acb, acb_mat

from stabkit.aliases import Matrix, Rational
from stabkit.arithmetic.enclosure import Interval
from stabkit.arithmetic.rational import fraction, integer
from stabkit.errors import HypothesisNotMet, InvalidArgument
from stabkit.multigrid.boundary import INTERIOR, NODES, RING, Placement
from stabkit.multigrid.cycle import Cycle, Direct
from stabkit.multigrid.energy_inequality import fewest_visits, is_one_sided, root_above
from stabkit.multigrid.fourier import axes_are_interchangeable, signs_of
from stabkit.multigrid.hierarchy import geometric
from stabkit.multigrid.matrices import is_exact
from stabkit.multigrid.problem import StencilProblem
from stabkit.multigrid.smoother import SOR, Jacobi, Lines, Richardson, Smoother, Then, multicolour
from stabkit.multigrid.smoother_symbol import (
    Operator,
    block,
    check_colours,
    colours,
    diagonal,
    on_harmonics,
    projection,
)
from stabkit.multigrid.solver import Multigrid
from stabkit.multigrid.stencil import Stencil
from stabkit.multigrid.supremum import supremum
from stabkit.multigrid.symbol import Frequencies, Symbol, mirror
from stabkit.multigrid.transfer import Transfer, coarse_stencil, galerkin_transfer

TOLERANCE = Fraction(1, 20)
Smoothing = SOR | Jacobi | Richardson


@dataclass(frozen=True)
class FourierBound:
    """‖E‖_A <= factor on grids of any size, for every error, modulo constants where A has them.

    Attributes
    ----------
    K : tuple of Interval
        Of each level but the coarsest; their largest upper end gives the factor.
    any_depth : bool
        The coarse stencils are multiples of the first one, so the number of levels is free.
    problem : StencilProblem
        Its shape does not matter.
    cycle : Cycle
    transfer : Transfer
    """

    K: tuple[Interval, ...]
    any_depth: bool
    problem: StencilProblem
    cycle: Cycle
    transfer: Transfer

    @property
    def factor(self) -> Fraction:
        """1 − 1/K, or its root, rounded up."""
        squared = 1 - 1 / max(bound.upper for bound in self.K)
        return root_above(squared) if is_one_sided(self.cycle) else squared

    def check(self, method: Multigrid) -> bool:
        """Whether a method is this cycle on the Galerkin hierarchy of this problem, of any size."""
        levels = method.hierarchy.levels
        shape, depth = levels[0].shape, len(levels)
        if method.cycle != self.cycle or shape is None or depth < 2 or \
                len(shape) != len(self.problem.shape) or \
                not (self.any_depth or depth <= len(self.K) + 1):
            return False
        try:
            again = geometric(replace(self.problem, shape=shape), self.transfer, levels=depth,
                              dtype=method.hierarchy.dtype).levels
        except InvalidArgument:
            return False
        return all(_are_equal(a.A, b.A) and _are_equal(a.P, b.P) and _are_equal(a.R, b.R)
                   for a, b in zip(levels, again, strict=True))

    def __str__(self) -> str:
        depth = "any number of" if self.any_depth else f"up to {len(self.K) + 1}"
        return (f"converges with at most {float(self.factor):.4f} per cycle in the energy norm, "
                f"for every right-hand side, on grids of any size with {depth} levels")


def fourier_bound(problem: StencilProblem, cycle: Cycle | None = None,
                  transfer: Transfer | None = None, *, levels: int = 2,
                  tolerance: Rational = TOLERANCE) -> FourierBound:
    """Prove how fast a cycle converges at least, for all sizes of grid that coarsen so often.

    Parameters
    ----------
    problem : StencilProblem
        A symmetric stencil whose weights sum to 0, with periodic boundaries, or with zero values
        or no flux at nodes if it is its own mirror image and reaches to neighbours; its shape does
        not matter.
    cycle : Cycle, optional
        V, W or F, solved directly on the coarsest grid; smoothed by Jacobi, Richardson, or SOR by
        colours (`red_black`, `multicolour`, ``Lines(axis, zebra=True)``), before and after adjoint
        to each other, or on one side only.
    transfer : Transfer, optional
        With its adjoint as restriction; (bi- or tri)linear by default.
    levels : int
        At least 2.
    tolerance : rational
        Width of the enclosure of K.

    Raises
    ------
    HypothesisNotMet
        The reason says what is missing.
    Undecided
        If the boxes run out; raise the tolerance.

    Examples
    --------
    >>> from stabkit.multigrid import Cycle, Jacobi, fourier_bound, poisson
    >>> float(fourier_bound(poisson((1023,)), Cycle(Jacobi("2/3"))).factor) < 0.36
    True
    """
    cycle = cycle or Cycle()
    transfer = transfer or galerkin_transfer(len(problem.shape))
    smoother, before = _smoother(problem, cycle, transfer)
    weights, found, any_depth = problem.weights, [], False
    _check_definite(weights)
    for _ in range(integer(levels, "levels", 2) - 1):
        _check_stencil(problem, weights)
        for each in before:  # they must reduce the energy, too
            _step(each, weights)
        signs = signs_of((weights, transfer.prolongation), (smoother,))
        found.append(supremum(_quotient(weights, smoother, transfer), signs,
                              fraction(tolerance), near_zero=True, interchangeable=
                              axes_are_interchangeable((weights, transfer.prolongation), smoother)))
        coarse = coarse_stencil(weights, transfer.prolongation)
        any_depth = _is_multiple(coarse, weights) and not any(
            isinstance(each, Richardson) for each in (smoother, *before))
        if any_depth:
            break
        weights = coarse
    return FourierBound(tuple(found), any_depth, problem, cycle, transfer)


def _are_equal(A: Matrix, B: Matrix) -> bool:
    if A is None or B is None or is_exact(A.dtype):
        return bool(A is B or A == B)
    return bool(A.shape == B.shape and (A != B).nnz == 0)


# -- the hypotheses --------------------------------------------------------------------------------
def _smoother(problem: StencilProblem, cycle: Cycle, transfer: Transfer
              ) -> tuple[Smoothing, tuple[Smoothing, ...]]:
    # That of the last sweep, and those before it.
    smoother = cycle.smoother if cycle.pre else (cycle.post_smoother or
                                                 cycle.smoother.adjoint).adjoint
    adjoint = cycle.post_smoother in (None, cycle.smoother.adjoint)
    *before, last = _sweeps(smoother)
    placement = problem.grid_boundary.placement
    for met, reason in (
            (placement in (RING, INTERIOR, NODES), f"{problem.grid_boundary} is neither periodic "
             "nor of nodes"),
            (adjoint or is_one_sided(cycle), "post-smoothing must be the adjoint of pre-smoothing"),
            (fewest_visits(cycle.visit) > 0, "the cycle leaves out the coarse grid"),
            (isinstance(cycle.coarsest, Direct), "the coarsest level must be solved directly"),
            (len(problem.shape) > 1 or not isinstance(getattr(last, "order", None), Lines), "lines "
             "along the only axis are all of the problem"),
            (transfer.restriction is None, "the restriction must be the adjoint of the "
             "prolongation"),
            (placement is RING or _is_mirrored(transfer.prolongation),
             "the prolongation must be its own mirror image and reach to neighbours")):
        if not met:
            raise HypothesisNotMet(f"fourier_bound: {reason}")
    return _as_periodic(last, placement, len(problem.shape)), tuple(before)


def _sweeps(smoother: Smoother) -> list[Smoothing]:
    if isinstance(smoother, Then):
        return _sweeps(smoother.first) + _sweeps(smoother.second)
    return [_checked(smoother)]


def _checked(smoother: Smoother) -> Smoothing:
    if isinstance(smoother, SOR) and not colours(smoother, 2):
        raise HypothesisNotMet("fourier_bound: a lexicographic order has a first and a last point, "
                               "which no Fourier analysis knows; take an order of colours")
    if not isinstance(smoother, (SOR, Jacobi, Richardson)):
        raise HypothesisNotMet(f"fourier_bound: no bound is known for {smoother!r}; take Jacobi, "
                               "Richardson or SOR by colours")
    if isinstance(smoother, SOR) and fraction(smoother.omega) >= 2:
        raise HypothesisNotMet("fourier_bound: SOR needs omega < 2")
    return smoother


def _check_definite(weights: Stencil) -> None:
    # Diagonally dominant, and connected along each axis: then only constants are in the kernel.
    taps = dict(weights.taps)
    beside = [tuple(int(k == axis) for k in range(weights.dimension))
              for axis in range(weights.dimension)]
    if weights.centre <= 0 or any(weight > 0 for offset, weight in weights.taps if any(offset)) \
            or not all(taps.get(offset, 0) < 0 for offset in beside):
        raise HypothesisNotMet("fourier_bound: weights beside the centre must not be positive, and "
                               "negative for the next point of each axis, so that the operator is "
                               "definite but for constants")


def _check_stencil(problem: StencilProblem, weights: Stencil) -> None:
    for met, reason in (
            (weights.total == 0 and Symbol(weights).vanishes and dict(weights.taps)
             == dict(mirror(weights).taps), "the stencil must be symmetric, its weights sum to 0"),
            (problem.grid_boundary.placement is RING or _is_mirrored(weights), "beside boundaries "
             "the stencils of all levels must be their own mirror images and reach to neighbours")):
        if not met:
            raise HypothesisNotMet(f"fourier_bound: {reason}")


def _is_mirrored(weights: Stencil) -> bool:
    # In each axis, and of reach 1, so that all of it lies within a boundary and its mirror image.
    taps = dict(weights.taps)
    return all(max(map(abs, offset)) <= 1 and all(
        taps.get((*offset[:k], -offset[k], *offset[k + 1:])) == weight
        for k in range(len(offset))) for offset, weight in taps.items())


def _as_periodic(smoother: Smoothing, placement: Placement, dimension: int) -> Smoothing:
    # Interior point 0 is point 1 of the periodic grid, so the parity of sums of indices may change.
    if placement is not INTERIOR or not isinstance(smoother, SOR):
        return smoother
    across = dimension - isinstance(smoother.order, Lines)
    changes = smoother.order is multicolour or across % 2 == 1
    return SOR(smoother.omega, smoother.order, smoother.reverse != changes)


# -- the operators ---------------------------------------------------------------------------------
def _is_multiple(a: Stencil, b: Stencil) -> bool:
    first, second = dict(a.taps), dict(b.taps)
    factor = a.centre / b.centre
    return first == {offset: factor * weight for offset, weight in second.items()}


def _quotient(weights: Stencil, smoother: Smoothing, transfer: Transfer) -> Operator:
    # √W M (A⁻¹ − P A_c⁻¹Pᴴ) Mᴴ √W, Hermitian; its largest eigenvalue is K.
    root, correction = _root(smoother, weights), _correction(weights, transfer)

    def operator(modes: Frequencies) -> acb_mat:
        scaled = root(modes)
        adjoint = acb_mat([[entry.conjugate() for entry in column]
                           for column in scaled.transpose().tolist()])
        return scaled * correction(modes) * adjoint

    return operator


def _correction(weights: Stencil, transfer: Transfer) -> Operator:
    # With all but the first harmonic of P over t, and that of A over t, everything stays finite.
    L, p = on_harmonics(weights), on_harmonics(transfer.prolongation)

    def operator(modes: Frequencies) -> acb_mat:
        t = acb(modes.distance) if modes.distance is not None else acb(1)
        A = [modes.quotient(L[0]), *map(modes.value, L[1:])]
        P = [modes.value(p[0]), *map(modes.quotient, p[1:])]
        smooth = sum((x * x * a for x, a in zip(P[1:], A[1:], strict=True)), acb(0))
        coarse = P[0] * P[0] * A[0] + t * smooth
        rows = [[(1 / A[i] if i == j else acb(0)) - t * P[i] * P[j] / coarse
                 for j in range(len(A))] for i in range(len(A))]
        for j in range(1, len(A)):
            rows[0][j] = rows[j][0] = -P[0] * P[j] / coarse
        rows[0][0] = smooth / (A[0] * coarse)
        return acb_mat(rows)

    if not all(symbol.vanishes for symbol in p[1:]) or p[0].vanishes:
        raise HypothesisNotMet("fourier_bound: the prolongation must keep constants")
    return operator


def _root(smoother: Smoothing, weights: Stencil) -> Operator:
    # √W M on the harmonics.
    if isinstance(smoother, SOR):
        return _root_of_colours(smoother, weights)
    step = _step(smoother, weights)
    # W M² = 1 / (2 τ − τ² A), of a stencil of its own so that nothing cancels.
    unit = Stencil((((0,) * weights.dimension, 2 * step),))
    rest = on_harmonics(unit + -(step**2) * weights)
    return lambda modes: diagonal([1 / modes.value(part).sqrt() for part in rest])


def _step(smoother: Smoothing, weights: Stencil) -> Fraction:
    # In u + step (b − A u), small enough to reduce the energy; of SOR any reduces it.
    if isinstance(smoother, SOR):
        return fraction(smoother.omega)
    step = fraction(smoother.omega) / weights.centre if isinstance(smoother, Jacobi) else \
        fraction(smoother.step)
    if sum(abs(weight) for _, weight in weights.taps) * step >= 2:
        raise HypothesisNotMet("fourier_bound: this weight is not shown to reduce the energy")
    return step


def _root_of_colours(smoother: SOR, weights: Stencil) -> Operator:
    check_colours(smoother, weights)
    omega = fraction(smoother.omega)
    D = on_harmonics(block(smoother, weights))
    rest = on_harmonics(weights + -1 * block(smoother, weights))
    parts = [projection(colour, weights.dimension)
             for colour in colours(smoother, weights.dimension)]
    share = acb(omega.numerator) / omega.denominator

    def operator(modes: Frequencies) -> acb_mat:
        blocks = [modes.value(part) for part in D]
        coupled = diagonal([modes.value(part) for part in rest])
        M = diagonal([each / share for each in blocks])
        for place, after in enumerate(parts):
            for before in parts[:place]:
                M += after * coupled * before
        return diagonal([1 / ((2 / share - 1) * each).sqrt() for each in blocks]) * M

    return operator
