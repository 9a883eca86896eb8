"""The two passes of a cycle for Poisson's problem, over planes of a grid.

``descend[0]`` is for 2-D, where a plane is a row, ``descend[1]`` for 3-D.
Arrays are those of `stabkit.kernels.poisson_planes`; `work` is four planes of a coarse width.
Planes count from 1 to n.  A pass goes over a slab, the planes from `first` up to `last`; slabs may
run at once, after `descend_between` or `ascend_between` has done what they share, with the bits of
one slab: the points of a colour do not depend on each other.
"""

# ruff: noqa: F821 - the parts of a plane are bound when a kernel is compiled
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stabkit.kernels import kernel
from stabkit.kernels import poisson_planes as of

relax_plane: Any  # parts of a plane, bound by number
residual_plane: Any
squares_of_plane: Any
restrict_plane: Any
join_plane: Any
correct_plane: Any

NAMES = ("relax", "residual", "squares_of", "restrict", "join", "correct")


def per_dimension(function: Callable) -> tuple[Any, ...]:
    """The kernel of rows, for 2-D, and that of planes, for 3-D."""
    return tuple(kernel(function, **{f"{name}_plane": getattr(of, f"{name}_{kind}")
                                     for name in NAMES}) for kind in ("row", "plane"))


@per_dimension
def descend(grid, coarse, work, first, last):
    """Relax red, then black, restrict the residual to the coarse b, and set the coarse u to 0.

    One pass: red runs a plane ahead of black, black a plane ahead of the residual.
    """
    n, m = grid.shape[1] - 2, work.shape[work.ndim - 1] - 1
    low, high = first + (first > 1), last - (last <= n)  # what no other slab touches
    for i in range(first, last + 2):
        if low <= i < high:
            relax_plane(grid, i, 0, m)
        if first <= i - 1 < last:
            relax_plane(grid, i - 1, 1, m)
        if low <= i - 2 < high:
            residual_plane(grid, i - 2, 0, m, work[(i - 2) % 3])
            if i % 2 == 1 and i - 4 >= low:
                restrict_plane(coarse, (i - 3) // 2, m, work)


@per_dimension
def descend_before(grid, work, first):
    """What a slab that begins at plane `first` shares with the one before: red, at both."""
    m = work.shape[work.ndim - 1] - 1
    relax_plane(grid, first - 1, 0, m)
    relax_plane(grid, first, 0, m)


@per_dimension
def descend_after(grid, coarse, work, first):
    """The coarse planes that need residuals of both slabs; `first` is odd."""
    m = work.shape[work.ndim - 1] - 1
    for i in range(first - 2, first + 3):
        residual_plane(grid, i, 0, m, work[i % 3])
        if i == first or i == first + 2:
            restrict_plane(coarse, (i - 1) // 2, m, work)


@per_dimension
def ascend(grid, coarse, work, squares, first, last):
    """Add the interpolated correction, relax red, then black, in one pass.

    `squares`, unless empty, collects the squares of the residuals of the red points, a plane behind
    black; at black ones it is rounding.
    """
    n, m = grid.shape[1] - 2, work.shape[work.ndim - 1] - 1
    inside, beyond = first > 1, last <= n
    join_plane(coarse, (first + 2 * inside) // 2, m, work)
    for i in range(first, last + 3):
        if first + 2 * inside <= i < last - 2 * beyond:
            if i % 2 == 1:
                join_plane(coarse, (i + 1) // 2, m, work)
            correct_plane(grid, i, m, work)
        if first + inside <= i - 1 < last - beyond:
            relax_plane(grid, i - 1, 0, m)
        if first <= i - 2 < last:
            relax_plane(grid, i - 2, 1, m)
        if squares.size > 0 and first + inside <= i - 3 < last - beyond:
            squares_of_plane(grid, i - 3, 0, m, work, squares)


@per_dimension
def ascend_before(grid, coarse, work, first):
    """What a slab shares with the one before: corrections on two planes of each, red at both."""
    m = work.shape[work.ndim - 1] - 1
    join_plane(coarse, (first - 2) // 2, m, work)
    for i in range(first - 2, first + 2):
        if i % 2 == 1:
            join_plane(coarse, (i + 1) // 2, m, work)
        correct_plane(grid, i, m, work)
    relax_plane(grid, first - 1, 0, m)
    relax_plane(grid, first, 0, m)


@per_dimension
def squares_between(grid, work, squares, first, last):
    """Add the squares of the residuals of the red points of some planes."""
    m = work.shape[work.ndim - 1] - 1
    for i in range(first, last):
        squares_of_plane(grid, i, 0, m, work, squares)


@per_dimension
def relax(grid, work, sweeps):
    """Red-black sweeps."""
    n, m = grid.shape[1] - 2, work.shape[work.ndim - 1] - 1
    for _ in range(sweeps):
        for colour in range(2):
            for i in range(1, n + 1):
                relax_plane(grid, i, colour, m)


@per_dimension
def residual_squares(grid, work, squares):
    """Add the squares of the residuals of all points, in any order of the columns."""
    m = work.shape[work.ndim - 1] - 1
    for i in range(1, grid.shape[1] - 1):
        for colour in range(2):
            squares_of_plane(grid, i, colour, m, work, squares)
