"""Boundary conditions: where the unknowns lie, how grids nest, what a stencil sees outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stabkit.errors import InvalidArgument
from stabkit.multigrid.stencil import Padding, mirror, odd_mirror, reflect, wrap, zero


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
        """What to tell somebody whose grid cannot be coarsened."""
        return {1: "2^k - 1", -1: "2^k + 1", 0: "a multiple of a power of 2"}[self.excess]


INTERIOR = Placement("interior nodes", start=1, excess=1, smallest=1)
NODES = Placement("nodes with the boundary", start=0, excess=-1, smallest=2)
RING = Placement("periodic nodes", start=0, excess=0, smallest=2)
CELLS = Placement("cells", start=0, excess=0, smallest=1)


@dataclass(frozen=True)
class Boundary:
    """A boundary condition on a placement of the unknowns.

    Attributes
    ----------
    placement : Placement
    padding : callable
        What an operator's stencil sees outside the grid.
    transfer_padding : callable
        What a prolongation's stencil sees there.
    wall : int or None
        Weight of the face between the last point and the wall; None joins both ends.
    halved : bool
        Rows at the boundary count half per axis, which keeps the matrix symmetric.
    """

    name: str
    placement: Placement
    padding: Padding
    transfer_padding: Padding
    wall: int | None
    halved: bool = False

    @property
    def keeps_constants(self) -> bool:
        """A stencil with weights that sum to 0 maps constants to 0, at the boundary too."""
        return self.wall is None or self.wall == 0

    def __repr__(self) -> str:
        return self.name


DIRICHLET = Boundary("Dirichlet", INTERIOR, zero, zero, wall=1)
DIRICHLET_CELLS = Boundary("Dirichlet, cells", CELLS, odd_mirror, odd_mirror, wall=2)
NEUMANN = Boundary("Neumann", NODES, reflect, zero, wall=0, halved=True)
NEUMANN_CELLS = Boundary("Neumann, cells", CELLS, mirror, mirror, wall=0)
PERIODIC = Boundary("periodic", RING, wrap, wrap, wall=None)
PERIODIC_CELLS = Boundary("periodic, cells", CELLS, wrap, wrap, wall=None)
ZERO_PADDED = Boundary("zero padding on all nodes", NODES, zero, zero, wall=1)


def checked_shape(shape: Sequence[int]) -> tuple[int, ...]:
    """The shape of a 1-D or 2-D grid as a tuple of ints."""
    try:
        sizes = tuple(int(n) for n in shape)
    except (TypeError, ValueError):
        raise InvalidArgument(f"shape: must be one or two sizes such as (65, 65), got {shape!r}"
                              ) from None
    if len(sizes) not in (1, 2) or any(n < 1 or n != given
                                       for n, given in zip(sizes, shape, strict=True)):
        raise InvalidArgument(f"shape: must be one or two positive sizes, got {shape!r}")
    return sizes
