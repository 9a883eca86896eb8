"""−Δu = b on a rectangle with zero boundary values: a matrix-free V-cycle, the fastest path.

Red-black V(1,1) with full weighting, bilinear interpolation and the 5-point operator on every
level; one pass over memory down, one up.  `Multigrid` with the same ingredients is its twin.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from stabkit.aliases import Array, Library, Rational, Signal
from stabkit.arithmetic.backend import GIB, is_foreign, namespace
from stabkit.arithmetic.rational import fraction
from stabkit.errors import InvalidArgument
from stabkit.launcher import adjacent
from stabkit.multigrid import poisson_cycle
from stabkit.multigrid.boundary import INTERIOR, grid_shape
from stabkit.multigrid.convergence import (
    OUT_OF_RANGE,
    Solution,
    Status,
    Watch,
    exponent,
    norm,
    rescale,
    rescale_numbers,
    still_falls,
)
from stabkit.multigrid.matrices import vector

#: Sweeps on the coarsest grid, one row of points at most: a row of n = 1 is solved by the first.
COARSEST_SWEEPS = 8
PAGE = 512  # doubles in 4 KiB
THIRDS = (169, 341)
_ARRAYS = 6  # of the size of the finest grid that a cycle in another library holds
SMALLEST_H = 1e-60
NOT_MEASURED = np.zeros(0)


@dataclass(frozen=True, eq=False)
class _Grid:
    """The arrays of one level: u and b by even and odd columns, and rows to work in."""

    arrays: np.ndarray
    work: np.ndarray

    def inside(self, values: np.ndarray, first: int):
        """Every other column of the interior, with its place in arrays `first` and the next."""
        m = self.work.shape[1] - 1
        # Interior column j is column j + 1 of the grid with its boundary.
        return ((values[:, 1::2], self.arrays[first, 1:-1, 1:m]),
                (values[:, 0::2], self.arrays[first + 1, 1:-1, :m]))


def _grid(shape: tuple[int, int]) -> _Grid:
    rows, width = shape[0] + 2, (shape[1] + 1) // 2 + 1
    # Rows whose distance is near a multiple of a page slow each other down; take the next third.
    stride = width + min((third - width) % PAGE for third in THIRDS) if width > PAGE // 2 else width
    return _Grid(np.zeros((4, rows, stride)), np.zeros((5, width)))


class FastPoisson:
    """Solver of the 5-point Poisson problem; keeps its arrays for further right-hand sides.

    Parameters
    ----------
    shape : (int, int)
        Interior points per axis, 2^k − 1 each.
    h : rational
        Grid size.

    Examples
    --------
    >>> solver = FastPoisson((127, 127), h="1/128")
    >>> solver.solve(np.ones((127, 127))).converged
    True
    """

    def __init__(self, shape: Sequence[int], h: Rational = 1):
        self.shape = grid_shape(shape)
        self.h = float(fraction(h, "h"))
        if not SMALLEST_H <= self.h <= 1 / SMALLEST_H:
            raise InvalidArgument(f"h: must lie between {SMALLEST_H:g} and {1 / SMALLEST_H:g}, so "
                                  f"that 1/h² is a float, got {h}; measure lengths in other units")
        if len(self.shape) != 2:
            raise InvalidArgument(f"shape: must be two sizes, got {self.shape}; in 1-D a "
                                  "tridiagonal solver is faster than any multigrid")
        shapes: list[Signal] = [self.shape]
        while min(shapes[-1]) > 1 and (coarse := INTERIOR.coarser(shapes[-1])):
            shapes.append(coarse)
        if min(shapes[-1]) > 1 or shapes[-1][1] % 2 == 0:
            raise InvalidArgument(f"shape: {self.shape} ends on the grid {shapes[-1]}; take sizes "
                                  f"{INTERIOR.sizes()}, or Multigrid with a direct coarsest solver")
        self._shapes, self._grids = shapes, [_grid(each) for each in shapes]
        self._squares = np.zeros(self._grids[0].work.shape[1])

    def solve(self, b: Signal, u: Signal = None, *, tolerance: float = 1e-10, max_cycles: int = 50,
              callback: Callable[[int, float], None] | None = None) -> Solution:
        """Cycle until ‖b − A u‖ <= tolerance ‖b‖; arguments as in `Multigrid.solve`.

        For arrays of another library than NumPy the cycle is that of `poisson_cycle`.
        """
        if is_foreign(b):
            try:
                return self._solve_foreign(b, u, tolerance, max_cycles, callback)
            except MemoryError:  # CuPy's OutOfMemoryError is one
                raise InvalidArgument(
                    f"b: a grid of {self.shape[0]} by {self.shape[1]} points takes "
                    f"{_ARRAYS * 8 * self.shape[0] * self.shape[1] / GIB:.3g} GiB, more than the "
                    "device has free; take a smaller grid, or arrays of numpy") from None
        given = self._check(b, "b")
        e, fine = exponent(given), self._grids[0]
        right = rescale(given, -e)
        for values, place in fine.inside(right, 2):
            np.multiply(values, self.h**2, out=place)
        for values, place in fine.inside(np.broadcast_to(0.0, self.shape) if u is None
                                         else rescale(self._check(u, "u"), -e), 0):
            place[:] = values
        scale = norm(right)
        watch = Watch(scale if u is None else self._residual(), scale, tolerance, max_cycles,
                      callback)
        while watch.goes_on:
            residual = self._cycle()
            watch.add(self._residual() if watch.arrives(residual) else residual)
        return _solution(watch, self._collect(), e)

    def _solve_foreign(self, b: Signal, u: Signal, tolerance: float, max_cycles: int,
                       callback: Callable[[int, float], None] | None) -> Solution:
        xp, to_residual = namespace(b, u), 4 / self.h**2
        for name, array in (("b", b), ("u", u)):
            if array is not None:
                self._check_foreign(xp, array, name)

        def root(squares: Array) -> float:
            return to_residual * float(xp.sum(squares)) ** 0.5

        e = exponent(b)
        b = rescale(b, -e)
        right = adjacent(b * self.h**2, self.shape)
        x = None if u is None else adjacent(rescale(u, -e), self.shape)
        scale = norm(b)
        watch = Watch(scale if u is None else root(poisson_cycle.residual_squares(x, right)),
                      scale, tolerance, max_cycles, callback)
        while watch.goes_on:
            x, squares = poisson_cycle.cycle(x, right, self._shapes, COARSEST_SWEEPS)
            residual = None if squares is None else root(squares)
            watch.add(root(poisson_cycle.residual_squares(x, right))
                      if residual is None or watch.arrives(residual) else residual)
        return _solution(watch, xp.zeros_like(b) if x is None else x, e)

    def _check_foreign(self, xp: Library, array: Array, name: str) -> None:
        if array.shape != self.shape or array.dtype != xp.float64:
            raise InvalidArgument(f"{name}: must be float64 of shape {self.shape}, got "
                                  f"{array.dtype} of shape {array.shape}")
        if not xp.all(xp.isfinite(array)):
            raise InvalidArgument(f"{name}: has entries that are not finite; remove NaN and "
                                  "infinity first")

    def _cycle(self) -> float:
        # One cycle; the norm of the residual after it, up to rounding at black points.
        from stabkit.kernels.multigrid import ascend, descend, relax  # loads Numba
        *inner, last = self._grids
        pairs = list(zip(inner, self._grids[1:], strict=True))
        self._squares[:] = 0
        for fine, coarse in pairs:
            descend(fine.arrays, coarse.arrays, fine.work)
        relax(last.arrays, last.work, COARSEST_SWEEPS)
        for fine, coarse in reversed(pairs):
            measured = self._squares if fine is self._grids[0] else NOT_MEASURED
            ascend(fine.arrays, coarse.arrays, fine.work, measured)
        return self._norm() if inner else self._residual()

    def _residual(self) -> float:
        from stabkit.kernels.multigrid import residual_squares  # loads Numba
        self._squares[:] = 0
        residual_squares(self._grids[0].arrays, self._grids[0].work, self._squares)
        return self._norm()

    def _norm(self) -> float:
        return 4 * float(np.sqrt(self._squares.sum())) / self.h**2

    def _check(self, values: Array, name: str) -> np.ndarray:
        array = vector(values, name, float)
        if array.shape != self.shape:
            raise InvalidArgument(f"{name}: must have shape {self.shape}, got {array.shape}")
        return array

    def _collect(self) -> np.ndarray:
        fine, u = self._grids[0], np.empty(self.shape)
        for values, place in fine.inside(u, 0):
            values[:] = place
        return u


def _solution(watch: Watch, x: Signal, e: int) -> Solution:
    # The matrix has no faults, so only rounding keeps the cycle from converging.
    status = watch.status or Status.OUT_OF_CYCLES
    why = {Status.CONVERGED: "", Status.OUT_OF_CYCLES: still_falls(watch)}.get(
        status, "the residual has reached what rounding allows; give a larger tolerance")
    found = rescale(x, e)
    lost = rescale(found, -e) - x
    if status is Status.CONVERGED and not norm(lost) <= watch.tolerance * norm(x):
        status, why = Status.OUT_OF_RANGE, OUT_OF_RANGE
    return Solution(found, rescale_numbers(watch.measured, e), watch.history, status, why)
