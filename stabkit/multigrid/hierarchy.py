"""Hierarchies of grids: the matrices A, P and R of every level."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from stabkit.aliases import Matrix, Rational
from stabkit.errors import InvalidArgument
from stabkit.multigrid.matrices import count, number
from stabkit.multigrid.problem import DiffusionProblem, StencilProblem
from stabkit.multigrid.transfer import Transfer, fitting_transfer

Problem = StencilProblem | DiffusionProblem

#: Default coarsening goes on while a grid has more unknowns than this …
COARSEST = 64
#: … and a coarsest grid with more than this is refused: its direct solve would dominate.
TOO_LARGE = 5000


@dataclass(frozen=True, eq=False)
class Level:
    """One grid.

    Attributes
    ----------
    A : matrix
        The operator.
    P, R : matrix or None
        Prolongation from, and restriction to, the next coarser level; None on the coarsest.
    shape : tuple of int or None
        The grid, where there is one.
    kernel : ndarray or None
        A vector that spans the kernel of a singular A.
    """

    A: Matrix
    P: Matrix = None
    R: Matrix = None
    shape: tuple[int, ...] | None = None
    kernel: np.ndarray | None = None

    @property
    def unknowns(self) -> int:
        return self.A.shape[0]

    @property
    def nonzeros(self) -> int:
        return count(self.A)


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """Levels from fine to coarse; prints as a table."""

    levels: tuple[Level, ...]

    @property
    def dtype(self) -> Any:
        """The dtype of all matrices: float64, or ``object`` where they are exact."""
        return self.levels[0].A.dtype

    @property
    def grid_complexity(self) -> float:
        """Unknowns of all levels over those of the finest."""
        return sum(level.unknowns for level in self.levels) / self.levels[0].unknowns

    @property
    def operator_complexity(self) -> float:
        """Nonzeros of all operators over those of the finest."""
        return sum(level.nonzeros for level in self.levels) / self.levels[0].nonzeros

    def coarser(self) -> Hierarchy:
        """The hierarchy without its finest level."""
        return Hierarchy(self.levels[1:])

    def __str__(self) -> str:
        lines = [f"{len(self.levels)} levels, grid complexity {self.grid_complexity:.3f}, "
                 f"operator complexity {self.operator_complexity:.3f}",
                 f"{'level':>5} {'grid':>13} {'unknowns':>10} {'nonzeros':>10} {'per row':>8}"]
        for place, level in enumerate(self.levels):
            grid = " x ".join(map(str, level.shape)) if level.shape else "-"
            lines.append(f"{place:>5} {grid:>13} {level.unknowns:>10} {level.nonzeros:>10} "
                         f"{level.nonzeros / level.unknowns:>8.2f}")
        return "\n".join(lines)


# -- coarse operators ------------------------------------------------------------------------------
def galerkin(A: Matrix, P: Matrix, R: Matrix, coarse: Problem) -> Matrix:
    """R A P."""
    return R @ A @ P


def rediscretised(A: Matrix, P: Matrix, R: Matrix, coarse: Problem) -> Matrix:
    """The problem's own operator on the coarse grid, scaled to fit the restriction."""
    return coarse.matrix(A.dtype)


def geometric(problem: Problem, transfer: Transfer | None = None, *,
              coarse_operator: Callable[[Any, Any, Any, Problem], Any] = galerkin,
              levels: int | None = None, dtype: DTypeLike | None = None) -> Hierarchy:
    """Build the levels of a problem on a grid.

    Parameters
    ----------
    problem : StencilProblem or DiffusionProblem
    transfer : Transfer, optional
        By default linear prolongation in each axis between nodes, or centres of cells, with its
        adjoint.
    coarse_operator : callable
        ``galerkin``, ``rediscretised``, or (A, P, R, coarse problem) ↦ coarse matrix.
    levels : int, optional
        How many; by default until at most ``COARSEST`` unknowns are left or the sizes do not
        allow more.
    dtype : {float, object}, optional
        For sparse matrices of floats, or exact ones; by default as the problem is given.

    Raises
    ------
    InvalidArgument
        If the sizes do not allow that many levels, or end on a large grid.
    """
    transfer = transfer or fitting_transfer(problem.boundary, len(problem.shape))
    factor = transfer.restriction_weights.total / 2**problem.order
    # The matrix of level l+1 may need that of level l, so the levels are made in order.
    A = problem.matrix() if dtype is None else problem.matrix(dtype)
    made: list[Level] = []
    while True:
        coarse = _next(problem, factor, len(made) + 1, levels)
        if coarse is None:
            made.append(Level(A, shape=problem.shape, kernel=_constants(problem, A.dtype)))
            return Hierarchy(tuple(made))
        P, R = transfer.matrices(problem.shape, problem.grid_boundary, A.dtype)
        made.append(Level(A, P, R, problem.shape, _constants(problem, A.dtype)))
        A, problem = coarse_operator(A, P, R, coarse), coarse


def _next(problem: Problem, factor: Rational, made: int, levels: int | None) -> Problem | None:
    # The problem of the next level, or None where the hierarchy ends.
    if levels is not None and made >= levels:
        return None
    if levels is None and prod(problem.shape) <= COARSEST:
        return None
    coarse = problem.coarser(factor)
    if coarse is None and (levels is not None or prod(problem.shape) > TOO_LARGE):
        raise InvalidArgument(
            f"shape: the grid {problem.shape} of level {made} cannot be coarsened; take sizes "
            f"{problem.grid_boundary.placement.sizes()} ({problem.grid_boundary}), or fewer levels")
    return coarse


def _constants(problem: Problem, dtype: DTypeLike) -> np.ndarray | None:
    if not problem.singular:
        return None
    return np.array([number(1, dtype)] * prod(problem.shape), dtype=dtype)
