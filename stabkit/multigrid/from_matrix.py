"""Hierarchies of any sparse matrix: their transfers given, made here, or made by PyAMG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse.csgraph

from stabkit.aliases import Array, Matrix, Signal
from stabkit.errors import InvalidArgument
from stabkit.multigrid.aggregation import SmoothedAggregation
from stabkit.multigrid.black_box import BlackBox
from stabkit.multigrid.hierarchy import COARSEST, TOO_LARGE, Hierarchy, Level
from stabkit.multigrid.matrices import inverse, is_exact, matrix, vector

#: Coarse unknowns per fine one above which coarsening stalls.
SLOWEST_COARSENING = 0.9
#: The sum of a row, relative to that of its moduli, which counts as 0 but for rounding.
ROUNDING = 1e-13
#: The same of a kernel that is given, which may be rounded itself.
NEAR_ZERO = 1e-8


def algebraic(A: Matrix, prolongations: Sequence[Signal] | None = None,
              restrictions: Sequence[Signal] | None = None, *, method: Any = None,
              kernel: Array = None, shape: tuple[int, ...] | None = None) -> Hierarchy:
    """A Galerkin hierarchy of any matrix, its transfers given or made from the matrix.

    Parameters
    ----------
    A : scipy.sparse matrix, array or Exact, shape (n, n)
        Symmetric positive definite, or semidefinite with `kernel`.  An Exact one, or an array of
        fractions, makes all of the hierarchy exact; it needs `prolongations`.
    prolongations : sequence of matrices, optional
        From fine to coarse.
    restrictions : sequence of matrices, optional
        The transposes of the prolongations by default.
    method : SmoothedAggregation, BlackBox or callable, optional
        Makes the prolongations if none are given, by default `SmoothedAggregation()`; on a grid
        `BlackBox(shape)` is faster.  A callable is a setup of PyAMG such as
        ``pyamg.ruge_stuben_solver``, called with A.
    kernel : array_like, shape (n,), optional
        Spans the kernel of A; it must be in the range of the prolongations, level by level.
        Without prolongations it is found where it is the constants.
    shape : tuple of int, optional
        The finest grid, for smoothers that colour it.

    Examples
    --------
    >>> from stabkit.multigrid import Multigrid, conjugate_gradients, poisson
    >>> A = poisson((50, 70)).matrix()
    >>> Multigrid(algebraic(A)).solve(np.ones(3500), around=conjugate_gradients).converged
    True
    """
    dtype = A.dtype if is_exact(getattr(A, "dtype", float)) else np.dtype(float)
    A = matrix(A, "A", dtype)
    if A.shape[0] != A.shape[1] or A.shape[0] == 0:
        raise InvalidArgument(f"A: must be square, with at least one unknown, got shape {A.shape}")
    kernel = None if kernel is None else vector(kernel, "kernel", dtype)
    if kernel is not None and not _maps_to_zero(A, kernel):
        raise InvalidArgument("kernel: A does not map it to 0; give none if A is regular")
    if prolongations is None:
        if is_exact(dtype):
            raise InvalidArgument("prolongations: an exact hierarchy needs them; those of floats "
                                  "are rounded")
        return _build(A, method or SmoothedAggregation(), kernel, shape)
    ups = [matrix(P, "prolongations", dtype) for P in prolongations]
    downs = ([transpose(P) for P in ups] if restrictions is None
             else [matrix(R, "restrictions", dtype) for R in restrictions])
    if len(downs) != len(ups):
        raise InvalidArgument(f"restrictions: {len(downs)} for {len(ups)} prolongations")
    levels: list[Level] = []
    for P, R in zip(ups, downs, strict=True):
        if P.shape[0] != A.shape[0] or R.shape != P.shape[::-1]:
            raise InvalidArgument(f"prolongations: level {len(levels)} has {A.shape[0]} unknowns, "
                                  f"got P {P.shape} and R {R.shape}")
        levels.append(Level(A, P, R, shape, kernel))
        kernel = None if kernel is None else _coarse_kernel(P, kernel)
        A, shape = matrix(R @ A @ P, "A", dtype), None
    return Hierarchy((*levels, Level(A, shape=shape, kernel=kernel)))


def _build(A: Matrix, method: Any, kernel: np.ndarray | None, shape: tuple[int, ...] | None
           ) -> Hierarchy:
    kernel = _constants_in_kernel(A) if kernel is None else kernel
    if not isinstance(method, (SmoothedAggregation, BlackBox)):
        if not callable(method):
            raise InvalidArgument("method: must be a SmoothedAggregation, a BlackBox, or a setup "
                                  f"such as pyamg.ruge_stuben_solver, got {method!r}")
        return from_pyamg(method(A), kernel=kernel, shape=shape)
    grid: Any = method.start(A, kernel)
    levels: list[Level] = []
    shape = shape if grid.shape is None else grid.shape
    while A.shape[0] > COARSEST:
        P, coarse = grid.coarser(A)
        if P.shape[1] == 0:  # no couplings: smoothing solves it
            break
        if P.shape[1] > SLOWEST_COARSENING * A.shape[0]:
            if A.shape[0] > TOO_LARGE:
                raise InvalidArgument(
                    f"method: coarsening stalls at {A.shape[0]} unknowns, as few couplings are "
                    f"strong; take a smaller strength than {method.strength}")
            break
        levels.append(Level(A, P, transpose(P), shape, kernel))
        kernel = None if kernel is None else _near(P, coarse.kernel, kernel)
        A, grid, shape = levels[-1].R @ A @ P, coarse, coarse.shape
    return Hierarchy((*levels, Level(A, shape=shape, kernel=kernel)))


def from_pyamg(ml: Any, *, kernel: Array = None, shape: tuple[int, ...] | None = None
               ) -> Hierarchy:
    """The levels of a solver of PyAMG, to be used with the smoothers and cycles of this package.

    Parameters
    ----------
    ml : pyamg.MultilevelSolver
        Such as ``pyamg.smoothed_aggregation_solver(A, B=rigid_body_modes)``.
    kernel, shape
        As in :func:`algebraic`.
    """
    found = getattr(ml, "levels", None)
    if not found or not hasattr(found[0], "A"):
        raise InvalidArgument(f"ml: must be a solver of PyAMG, with levels, got {ml!r}")
    kernel = None if kernel is None else vector(kernel, "kernel", float)
    levels: list[Level] = []
    for level in found:
        A = matrix(level.A, "A", float)
        if level is found[-1]:
            levels.append(Level(A, shape=shape, kernel=kernel))
            break
        P, R = matrix(level.P, "P", float), matrix(level.R, "R", float)
        levels.append(Level(A, P, R, shape, kernel))
        kernel, shape = None if kernel is None else _coarse_kernel(P, kernel), None
    return Hierarchy(tuple(levels))


def transpose(P: Matrix) -> Matrix:
    """The transpose, stored by rows."""
    return P.T if is_exact(P.dtype) else P.T.tocsr()


def _maps_to_zero(A: Matrix, z: np.ndarray) -> bool:
    if z.shape != (A.shape[0],) or not z.any():
        return False
    if is_exact(A.dtype):
        return bool((A @ z == 0).all())
    return bool((abs(A @ z) <= NEAR_ZERO * (abs(A) @ abs(z))).all())


def _constants_in_kernel(A: Matrix) -> np.ndarray | None:
    if (abs(A.sum(axis=1)) > ROUNDING * abs(A).sum(axis=1)).any():  # by rows, for graded ones
        return None
    parts, _ = scipy.sparse.csgraph.connected_components(A, directed=False)
    if parts > 1:
        raise InvalidArgument(f"A: is singular, and its graph has {parts} parts that are not "
                              "coupled; solve each by itself (scipy.sparse.csgraph."
                              "connected_components numbers them)")
    return np.ones(A.shape[0])


def _near(P: Matrix, guess: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    # The c with P c = kernel: a multiple of the guess, or found.
    image = P @ guess
    c = (image @ kernel) / (image @ image) * guess
    if abs(P @ c - kernel).max() <= ROUNDING * abs(kernel).max():
        return c
    return _coarse_kernel(P, kernel)


def _coarse_kernel(P: Matrix, kernel: np.ndarray) -> np.ndarray:
    # The c with P c = kernel, by normal equations; exact where it exists.
    return inverse(P.T @ P) @ (P.T @ kernel)
