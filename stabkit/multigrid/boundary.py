"""Where the unknowns of a grid lie, how grids nest, and which boundary goes with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stabkit.errors import InvalidArgument
from stabkit.operators.boundary import (
    DIRICHLET,
    MIRRORED,
    NODE_MIRRORED,
    ODD_MIRRORED,
    PERIODIC,
    Boundary,
    check_boundary,
)


@dataclass(frozen=True)
class Placement:
    """How the points of the coarse grid lie among those of the fine one: at 2j + start.

    n = 2m + excess fine points go with m coarse ones; m is at least `smallest`.
    """

    name: str
    start: int
    excess: int
    smallest: int

    def coarser(self, shape: Sequence[int]) -> tuple[int, ...] | None:
        """The shape of the next coarser grid, or None where there is none."""
        halves = tuple((n - self.excess) // 2 for n in shape)
        fits = all((n - self.excess) % 2 == 0 and m >= self.smallest
                   for n, m in zip(shape, halves, strict=True))
        return halves if fits else None

    def sizes(self) -> str:
        """Sizes that can be coarsened, for an error message."""
        return {1: "2^k - 1", -1: "2^k + 1", 0: "a multiple of a power of 2"}[self.excess]


INTERIOR = Placement("interior nodes", start=1, excess=1, smallest=1)
NODES = Placement("nodes with the boundary", start=0, excess=-1, smallest=2)
RING = Placement("periodic nodes", start=0, excess=0, smallest=2)
CELLS = Placement("cells", start=0, excess=0, smallest=1)


@dataclass(frozen=True)
class GridBoundary:
    """A boundary condition, with a placement of the unknowns.

    Attributes
    ----------
    boundary : Boundary
        What an operator's stencil sees outside the grid.
    placement : Placement
    """

    name: str
    boundary: Boundary
    placement: Placement

    @property
    def outside_transfers(self) -> Boundary:
        """What a prolongation's stencil sees outside."""
        return DIRICHLET if self.boundary is NODE_MIRRORED else self.boundary

    @property
    def wall(self) -> int | None:
        """The weight of the face between the last point and the wall; None joins both ends."""
        return {DIRICHLET: 1, ODD_MIRRORED: 2, PERIODIC: None}.get(self.boundary, 0)

    @property
    def halved(self) -> bool:
        """Rows at the boundary count half per axis, which keeps the matrix symmetric."""
        return self.boundary is NODE_MIRRORED

    @property
    def keeps_constants(self) -> bool:
        """A stencil with weights that sum to 0 maps constants to 0, at the boundary too."""
        return not self.wall

    def __repr__(self) -> str:
        return self.name


PERIODIC_CELLS = GridBoundary("periodic, cells", PERIODIC, CELLS)
ZERO_PADDED = GridBoundary("zero padding on all nodes", DIRICHLET, NODES)
_USUAL = {each.boundary: each for each in (
    GridBoundary("Dirichlet", DIRICHLET, INTERIOR),
    GridBoundary("Dirichlet, cells", ODD_MIRRORED, CELLS),
    GridBoundary("Neumann", NODE_MIRRORED, NODES),
    GridBoundary("Neumann, cells", MIRRORED, CELLS),
    GridBoundary("periodic", PERIODIC, RING))}


def grid_boundary(boundary: Boundary | GridBoundary) -> GridBoundary:
    """A boundary with the placement of unknowns that it usually has.

    Zeros lie beyond interior nodes, mirrored samples beyond cells, node-mirrored ones beyond nodes
    with the boundary.
    """
    if isinstance(boundary, GridBoundary):
        return boundary
    check_boundary(boundary, *_USUAL)
    return _USUAL[boundary]


def grid_shape(shape: Sequence[int]) -> tuple[int, ...]:
    """The shape of a grid of one, two or three dimensions as a tuple of ints."""
    try:
        sizes = tuple(int(n) for n in shape)
    except (TypeError, ValueError):
        raise InvalidArgument(f"shape: must be one to three sizes such as (65, 65), got {shape!r}"
                              ) from None
    if len(sizes) not in (1, 2, 3) or any(n < 1 or n != given
                                          for n, given in zip(sizes, shape, strict=True)):
        raise InvalidArgument(f"shape: must be one to three positive sizes, got {shape!r}")
    return sizes
