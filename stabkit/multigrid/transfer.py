"""Grid transfers: prolongation and restriction stencils, and their matrices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce

from numpy.typing import DTypeLike

from stabkit.aliases import Matrix, Signal
from stabkit.errors import InvalidArgument
from stabkit.multigrid.boundary import CELLS, GridBoundary, grid_boundary
from stabkit.multigrid.stencil import Stencil, correlation, stencil
from stabkit.operators.boundary import Boundary

HALF = Fraction(1, 2)

LINEAR_ELEMENTS = HALF * stencil([[0, 1, 1], [1, 2, 1], [1, 1, 0]])
HALF_WEIGHTING = Fraction(1, 8) * stencil([[0, 1, 0], [1, 4, 1], [0, 1, 0]])


def linear(dimension: int) -> Stencil:
    """Linear, bilinear (2-D) or trilinear (3-D) interpolation between nodes."""
    return _tensor(HALF * stencil([1, 2, 1]), dimension)


def full_weighting(dimension: int) -> Stencil:
    """The adjoint of linear interpolation, scaled to weights that sum to 1."""
    return HALF**dimension * linear(dimension)


def injection(dimension: int) -> Stencil:
    """The value at the coarse node."""
    return _tensor(stencil([1]), dimension)


def constant(dimension: int) -> Stencil:
    """Piecewise constant prolongation from a cell to its 2^d children."""
    return _tensor(stencil([1, 1], centre=[0]), dimension)


def averaging(dimension: int) -> Stencil:
    """The mean over the 2^d children of a cell."""
    return HALF**dimension * constant(dimension)


def cell_linear(dimension: int) -> Stencil:
    """Linear, bilinear (2-D) or trilinear (3-D) interpolation between cell centres."""
    return _tensor(Fraction(1, 4) * stencil([1, 3, 3, 1], centre=[1]), dimension)


def _tensor(weights: Stencil, dimension: int) -> Stencil:
    if dimension not in (1, 2, 3):
        raise InvalidArgument(f"dimension: must be 1, 2 or 3, got {dimension}")
    return reduce(Stencil.outer, [weights] * dimension)


@dataclass(frozen=True)
class Transfer:
    """A prolongation P and a restriction R, by their stencils.

    Coarse point j sits at fine point x = 2j + start: (P v)_{x+k} gets p_k v_j, and
    (R u)_j = Σ r_k u_{x+k}.

    Attributes
    ----------
    prolongation : Stencil
    restriction : Stencil or None
        None takes the adjoint, R = Pᵀ.
    """

    prolongation: Stencil
    restriction: Stencil | None = None

    @property
    def restriction_weights(self) -> Stencil:
        return self.restriction or self.prolongation

    def matrices(self, shape: Sequence[int], boundary: Boundary | GridBoundary,
                 dtype: DTypeLike = float) -> tuple[Signal, Signal]:
        """(P, R) between `shape` and the next coarser grid, sparse or exact."""
        given = grid_boundary(boundary)
        coarse = given.placement.coarser(shape)
        if coarse is None:
            raise InvalidArgument(f"shape: {tuple(shape)} cannot be coarsened with {given} "
                                  f"boundaries; take sizes {given.placement.sizes()}")

        def stride(weights: Stencil):
            return correlation(weights, coarse, shape, stride=2, start=given.placement.start,
                               boundary=given.outside_transfers, dtype=dtype)

        prolongation = stride(self.prolongation).T
        restriction = stride(self.restriction) if self.restriction else prolongation.T
        return _sparse(prolongation), _sparse(restriction)


def coarse_stencil(weights: Stencil, prolongation: Stencil) -> Stencil:
    """Pᵀ A P."""
    total: dict[tuple[int, ...], Fraction] = {}
    for a, r in prolongation.taps:
        for b, w in weights.taps:
            for c, p in prolongation.taps:
                offset = tuple(x + y - z for x, y, z in zip(a, b, c, strict=True))
                if not any(k % 2 for k in offset):
                    half = tuple(k // 2 for k in offset)
                    total[half] = total.get(half, Fraction(0)) + r * w * p
    return Stencil(tuple((offset, weight) for offset, weight in total.items() if weight))


def _sparse(matrix: Matrix) -> Signal:
    return matrix.tocsr() if hasattr(matrix, "tocsr") else matrix


def galerkin_transfer(dimension: int) -> Transfer:
    """Linear, bilinear or trilinear prolongation with its adjoint."""
    return Transfer(linear(dimension))


def fitting_transfer(boundary: Boundary | GridBoundary, dimension: int) -> Transfer:
    """Linear prolongation between where the unknowns lie, nodes or cells, with its adjoint."""
    cells = grid_boundary(boundary).placement is CELLS
    return Transfer(cell_linear(dimension) if cells else linear(dimension))


def weighted_transfer(dimension: int) -> Transfer:
    """Linear, bilinear or trilinear prolongation with full weighting."""
    return Transfer(linear(dimension), full_weighting(dimension))
