"""Black box multigrid: prolongations made from a matrix on a grid, row by row.

Dendy (1982), in any dimension: a fine point between coarse ones along some axes takes the value
that its own equation gives, the couplings along all other axes added up.  Coefficients may jump,
boundaries are whatever the matrix says, and axes whose couplings are weak stay as fine as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import scipy.sparse

from stabkit.aliases import Matrix, Rational, Size
from stabkit.arithmetic.rational import fraction
from stabkit.errors import InvalidArgument
from stabkit.multigrid.matrices import assemble

#: Where the collapsed diagonal is below this part of the diagonal, nothing is interpolated.
NEGLIGIBLE = 1e-12


@dataclass(frozen=True)
class BlackBox:
    """Operator-dependent interpolation on a grid.

    Attributes
    ----------
    shape : tuple of int
        The grid, of any sizes; the matrix couples nearest neighbours, diagonal ones too, and the
        two ends of an axis if it is periodic.
    strength : rational
        An axis is coarsened where its couplings are on average at least this much of the strongest
        axis's.
    """

    shape: Size
    strength: Rational = 0.3

    def __post_init__(self) -> None:
        given = (self.shape,) if isinstance(self.shape, int) else tuple(self.shape)
        if not given or any(not isinstance(n, (int, np.integer)) or n < 1 for n in given):
            raise InvalidArgument(f"shape: must be positive sizes, got {self.shape!r}")
        if not 0 <= fraction(self.strength, "strength") <= 1:
            raise InvalidArgument(f"strength: need 0 <= strength <= 1, got {self.strength}")
        object.__setattr__(self, "shape", tuple(map(int, given)))

    def start(self, A: Matrix, kernel: np.ndarray | None) -> Grids:
        """What is known on the finest level."""
        shape = tuple(np.atleast_1d(self.shape).tolist())
        if A.shape[0] != prod(shape):
            raise InvalidArgument(f"shape: {shape} has {prod(shape)} points, and A "
                                  f"{A.shape[0]} unknowns")
        return Grids(shape, kernel, float(fraction(self.strength)))


@dataclass(frozen=True, eq=False)
class Grids:
    """A level: its grid, its kernel, and what counts as a strong axis."""

    shape: tuple[int, ...]
    kernel: np.ndarray | None
    strength: float

    def coarser(self, A: Matrix) -> tuple[Matrix, Grids]:
        """The prolongation from the next level, and that level: every second point along axes."""
        steps = _steps(A, self.shape)
        axes = strong_axes(A, steps, self.shape, self.strength)
        places = np.indices(self.shape).reshape(len(self.shape), -1)
        odd = np.zeros(places.shape, dtype=bool)
        odd[axes] = places[axes] % 2 == 1
        coarse = tuple((n + 1) // 2 if axis in axes else n for axis, n in enumerate(self.shape))
        points = np.flatnonzero(~odd.any(axis=0))
        kernel = None if self.kernel is None else self.kernel[points]
        return (_interpolate(A, steps, odd, self.shape, points),
                Grids(coarse, kernel, self.strength))


def _rows(A: Matrix) -> np.ndarray:
    # Of each entry, in the order of the rows.
    return np.repeat(np.arange(A.shape[0]), np.diff(A.indptr))


def _steps(A: Matrix, shape: Sequence[int]) -> np.ndarray:
    """Of each entry, in the order of the rows, its step along each axis: -1, 0 or 1."""
    here, there = np.unravel_index(_rows(A), shape), np.unravel_index(A.indices, shape)
    found = np.empty((len(shape), A.nnz), dtype=np.int8)
    for axis, (a, b, n) in enumerate(zip(here, there, shape, strict=True)):
        step = b - a
        step = np.where(step == n - 1, -1, np.where(step == 1 - n, 1, step)) if n > 2 else step
        if (abs(step) > 1).any():
            raise InvalidArgument(f"A: couples points of the grid {tuple(shape)} that are "
                                  f"{int(abs(step).max())} apart along axis {axis}; black box "
                                  "multigrid takes nearest neighbours; use SmoothedAggregation()")
        found[axis] = step
    return found


def strong_axes(A: Matrix, steps: np.ndarray, shape: Sequence[int], strength: float) -> list[int]:
    """The axes to coarsen: the second moments -Σ_j a_ij s² of their steps are large in the mean."""
    rows = _rows(A)
    moments = np.array([np.bincount(rows, -A.data * step.astype(np.float64)**2, A.shape[0])
                        for step in steps])
    moments = np.maximum(moments, 0)
    top = moments.max(axis=0)
    shares = [float(np.mean(moment[top > 0] / top[top > 0])) if (top > 0).any() else 0.0
              for moment in moments]
    largest = max((share for share, n in zip(shares, shape, strict=True) if n > 1), default=0.0)
    return [axis for axis, share in enumerate(shares)
            if shape[axis] > 1 and share >= strength * largest and share > 0]


def _interpolate(A: Matrix, steps: np.ndarray, odd: np.ndarray, shape: Sequence[int],
                 points: np.ndarray) -> Matrix:
    n, rows = A.shape[0], _rows(A)
    place = np.unravel_index(rows, shape)
    kept = [np.where(odd[axis][rows], step, 0) for axis, step in enumerate(steps)]
    columns = np.ravel_multi_index([(p + s) % size for p, s, size in
                                    zip(place, kept, shape, strict=True)], shape)
    collapsed = assemble(A.shape, rows, columns, A.data)
    diagonal = collapsed.diagonal()
    between = odd.any(axis=0) & (diagonal > NEGLIGIBLE * abs(A.diagonal()))
    weights = np.where(between, -1 / np.where(between, diagonal, 1), 0)
    W = scipy.sparse.diags_array(weights) @ (collapsed - scipy.sparse.diags_array(diagonal))
    E = assemble((n, len(points)), points, np.arange(len(points)), np.ones(len(points)))
    # A point that is odd along k axes is interpolated from points that are odd along fewer.
    P = E
    for _ in range(int(odd.any(axis=1).sum())):
        P = E + W @ P
    P.eliminate_zeros()
    return P.tocsr()
