"""Problems: matrices on grids of one to three dimensions that know how to become coarser."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce
from itertools import product
from math import prod

import numpy as np
from numpy.typing import DTypeLike

from stabkit.aliases import Array, Matrix, Rational, Signal
from stabkit.arithmetic.rational import fraction
from stabkit.errors import InvalidArgument
from stabkit.multigrid.boundary import CELLS, GridBoundary, grid_boundary, grid_shape
from stabkit.multigrid.matrices import assemble, diagonal_matrix, is_exact, number, vector
from stabkit.multigrid.stencil import Stencil, correlation, stencil
from stabkit.operators.boundary import DIRICHLET, Boundary

LAPLACE_1D = stencil([-1, 2, -1])
LAPLACE_5_POINT = stencil([[0, -1, 0], [-1, 4, -1], [0, -1, 0]])
LAPLACE_9_POINT = Fraction(1, 6) * stencil([[-1, -4, -1], [-4, 20, -4], [-1, -4, -1]])
LAPLACE_7_POINT = stencil([[[0, 0, 0], [0, -1, 0], [0, 0, 0]],
                           [[0, -1, 0], [-1, 6, -1], [0, -1, 0]],
                           [[0, 0, 0], [0, -1, 0], [0, 0, 0]]])
#: Mehrstellen weights: fourth order with a mean of the right-hand side.
LAPLACE_19_POINT = Fraction(1, 6) * stencil([[[0, -1, 0], [-1, -2, -1], [0, -1, 0]],
                                             [[-1, -2, -1], [-2, 24, -2], [-1, -2, -1]],
                                             [[0, -1, 0], [-1, -2, -1], [0, -1, 0]]])
#: Of trilinear elements.
LAPLACE_TRILINEAR = Fraction(1, 12) * stencil([[[-1, -2, -1], [-2, 0, -2], [-1, -2, -1]],
                                               [[-2, 0, -2], [0, 32, 0], [-2, 0, -2]],
                                               [[-1, -2, -1], [-2, 0, -2], [-1, -2, -1]]])
LAPLACE_BILINEAR = Fraction(1, 3) * stencil([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]])


def harmonic_mean(a: Array, b: Signal) -> Signal:
    """2ab / (a + b): exact for layered media in 1-D."""
    return 2 * a * b / (a + b)


def arithmetic_mean(a: Array, b: Signal) -> Signal:
    """(a + b) / 2."""
    return (a + b) / 2


@dataclass(frozen=True)
class StencilProblem:
    """The same stencil at every point of a grid.

    Attributes
    ----------
    shape : tuple of int
        Unknowns per axis.
    weights : Stencil
        The operator in the interior.
    boundary : Boundary or GridBoundary
    order : int
        Order of the differential operator: the weights scale as h to the minus this.
    """

    shape: tuple[int, ...]
    weights: Stencil
    boundary: Boundary | GridBoundary = DIRICHLET
    order: int = 2

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", grid_shape(self.shape))
        grid_boundary(self.boundary)
        if len(self.shape) != self.weights.dimension:
            raise InvalidArgument(f"weights: a {self.weights.dimension}-D stencil does not fit "
                                  f"shape {self.shape}")

    @property
    def grid_boundary(self) -> GridBoundary:
        """The boundary, with the placement of the unknowns."""
        return grid_boundary(self.boundary)

    @property
    def singular(self) -> bool:
        """Constants are in the kernel: right-hand sides must sum to 0."""
        return self.grid_boundary.keeps_constants and self.weights.total == 0

    def coarser(self, factor: Rational) -> StencilProblem | None:
        """The same operator on the next grid, its weights times `factor`; None if there is none."""
        shape = self.grid_boundary.placement.coarser(self.shape)
        return None if shape is None else replace(self, shape=shape, weights=factor * self.weights)

    def matrix(self, dtype: DTypeLike = float) -> Matrix:
        """The matrix: sparse in floats, or exact for the dtype ``object``."""
        matrix = correlation(self.weights, self.shape, self.shape,
                             boundary=self.grid_boundary.boundary, dtype=dtype)
        if not self.grid_boundary.halved:
            return matrix
        return diagonal_matrix(node_weights(self.shape).ravel().astype(dtype)) @ matrix


@dataclass(frozen=True, eq=False)
class DiffusionProblem:
    """−div(a ∇u) with a coefficient given at the unknowns; flux through each face.

    Attributes
    ----------
    coefficient : ndarray, shape of the grid
        Positive; floats, or fractions for exact work.
    boundary : Boundary or GridBoundary
    mean : callable
        Mean of the two coefficients at a face; ``arithmetic_mean`` or ``harmonic_mean``.
    scale : rational
        Factor of the whole operator (1/h²).
    """

    coefficient: np.ndarray
    boundary: Boundary | GridBoundary = DIRICHLET
    mean: Callable[[Signal, Signal], Signal] = arithmetic_mean
    scale: Rational = 1
    order: int = 2

    def __post_init__(self) -> None:
        given = np.asarray(self.coefficient)
        grid_shape(given.shape)
        grid_boundary(self.boundary)
        if given.dtype != object:
            given = vector(given, "coefficient", float)
        if not (given > 0).all():
            raise InvalidArgument(f"coefficient: must be positive everywhere, its smallest entry "
                                  f"is {given.min()}")
        object.__setattr__(self, "coefficient", given)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.coefficient.shape

    @property
    def grid_boundary(self) -> GridBoundary:
        """The boundary, with the placement of the unknowns."""
        return grid_boundary(self.boundary)

    @property
    def singular(self) -> bool:
        return self.grid_boundary.keeps_constants

    def coarser(self, factor: Rational) -> DiffusionProblem | None:
        """The operator on the next grid: injected coefficients, or their mean over four cells."""
        placement = self.grid_boundary.placement
        if placement.coarser(self.shape) is None:
            return None
        picks = [[slice(place, None, 2) for place in ((0, 1) if placement is CELLS
                                                      else (placement.start,))]
                 for _ in self.shape]
        parts = [self.coefficient[index] for index in product(*picks)]
        return replace(self, coefficient=sum(parts[1:], parts[0]) / len(parts),
                       scale=self.scale * factor)

    def matrix(self, dtype: DTypeLike | None = None) -> Matrix:
        """The symmetric matrix: sparse in floats, or exact, by default as the coefficient is."""
        dtype = self.coefficient.dtype if dtype is None else dtype
        faces = [self._faces(axis) for axis in range(len(self.shape))]
        walls = [self._walls(axis) for axis in range(len(self.shape)) if self.grid_boundary.wall]
        left, right, flux = (np.concatenate(part) for part in zip(*faces, strict=True))
        rows = [left, right, left, right, *(place for place, _ in walls)]
        columns = [left, right, right, left, *(place for place, _ in walls)]
        values = np.concatenate([flux, flux, -flux, -flux, *(flux for _, flux in walls)])
        n = prod(self.shape)
        if is_exact(dtype):
            values = np.array([fraction(value) for value in values], dtype=object)
        return assemble((n, n), np.concatenate(rows), np.concatenate(columns),
                        number(self.scale, dtype) * values.astype(dtype))

    def _faces(self, axis: int):
        numbers = np.moveaxis(np.arange(prod(self.shape)).reshape(self.shape), axis, 0)
        a = np.moveaxis(self.coefficient, axis, 0)
        left, right = numbers[:-1], numbers[1:]
        flux = self.mean(a[:-1], a[1:])
        if self.grid_boundary.halved and len(self.shape) > 1:
            flux = flux * node_weights(numbers.shape[1:])
        if self.grid_boundary.wall is None:
            left, right = numbers, np.roll(numbers, -1, 0)
            flux = self.mean(a, np.roll(a, -1, 0))
        return left.ravel(), right.ravel(), flux.ravel()

    def _walls(self, axis: int):
        numbers = np.moveaxis(np.arange(prod(self.shape)).reshape(self.shape), axis, 0)
        place = np.concatenate([numbers[0].ravel(), numbers[-1].ravel()])
        return place, self.grid_boundary.wall * self.coefficient.ravel()[place]


def poisson(shape: Sequence[int], boundary: Boundary | GridBoundary = DIRICHLET, h: Rational = 1
            ) -> StencilProblem:
    """−Δu by three points in 1-D, five in 2-D, seven in 3-D.

    Parameters
    ----------
    shape : sequence of int
        Unknowns per axis: 2^k − 1 (Dirichlet), 2^k + 1 (Neumann), 2^k (periodic, cells) coarsen
        best.
    boundary : Boundary or GridBoundary
    h : rational
        Grid size.

    Examples
    --------
    >>> poisson((3,)).matrix().toarray()
    array([[ 2., -1.,  0.],
           [-1.,  2., -1.],
           [ 0., -1.,  2.]])
    """
    h = fraction(h, "h")
    if h <= 0:
        raise InvalidArgument(f"h: must be positive, got {h}")
    shape = grid_shape(shape)
    laplace = (LAPLACE_1D, LAPLACE_5_POINT, LAPLACE_7_POINT)[len(shape) - 1]
    return StencilProblem(shape, laplace * (1 / h**2), boundary)


def shifted(problem: StencilProblem, shift: Rational) -> StencilProblem:
    """The operator plus `shift` times the identity, as in an implicit diffusion step.

    Its coarse operators must be Galerkin: the two parts scale differently with h.
    """
    centre = Stencil((((0,) * problem.weights.dimension, fraction(shift, "shift")),))
    return replace(problem, weights=problem.weights + centre)


def node_weights(shape: Sequence[int]) -> np.ndarray:
    """Trapezoidal weights: 1 inside, 1/2 per boundary the node lies on."""
    axes = []
    for n in shape:
        axis = np.array([Fraction(1)] * n, dtype=object)
        axis[0] = axis[-1] = Fraction(1, 2)
        axes.append(axis)
    return reduce(np.multiply.outer, axes)
