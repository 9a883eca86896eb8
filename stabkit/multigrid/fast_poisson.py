"""−Δu = b on a rectangle or box with zero boundary values: a matrix-free V-cycle, the fastest.

Red-black V(1,1) with full weighting, (bi- or tri)linear interpolation and the 5- or 7-point
operator on every level; one pass over memory down, one up.  `Multigrid` with the same ingredients
is its twin.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from stabkit.aliases import Array, Library, Rational, Signal
from stabkit.arithmetic.backend import GIB, is_foreign, namespace
from stabkit.arithmetic.rational import fraction, integer
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
from stabkit.multigrid.poisson_grids import COARSEST_SWEEPS, Grids
from stabkit.multigrid.true_residual import EPSILON, twofold_poisson_residual

_ARRAYS = 6  # of the size of the finest grid that a cycle in another library holds
SMALLEST_H = 1e-60


class FastPoisson:
    """Solver of the 5- or 7-point Poisson problem; keeps its arrays for further right-hand sides.

    They take 16 bytes a point, and an eighth to a third more.

    Parameters
    ----------
    shape : tuple of 2 or 3 int
        Interior points per axis, 2^k − 1 each.
    h : rational
        Grid size.
    threads : int
        A cycle on large grids may run on; the result has the same bits for any number.

    Examples
    --------
    >>> solver = FastPoisson((127, 127), h="1/128")
    >>> solver.solve(np.ones((127, 127))).converged
    True
    """

    def __init__(self, shape: Sequence[int], h: Rational = 1, *, threads: int = 1):
        self.shape = grid_shape(shape)
        self.h = float(fraction(h, "h"))
        if not SMALLEST_H <= self.h <= 1 / SMALLEST_H:
            raise InvalidArgument(f"h: must lie between {SMALLEST_H:g} and {1 / SMALLEST_H:g}, so "
                                  f"that 1/h² is a float, got {h}; measure lengths in other units")
        if len(self.shape) not in (2, 3):
            raise InvalidArgument(f"shape: must be two or three sizes, got {self.shape}; in 1-D a "
                                  "tridiagonal solver is faster than any multigrid")
        shapes: list[Signal] = [self.shape]
        while min(shapes[-1]) > 1 and (coarse := INTERIOR.coarser(shapes[-1])):
            shapes.append(coarse)
        if min(shapes[-1]) > 1 or shapes[-1][-1] % 2 == 0:
            raise InvalidArgument(f"shape: {self.shape} ends on the grid {shapes[-1]}; take sizes "
                                  f"{INTERIOR.sizes()}, or Multigrid with a direct coarsest solver")
        self._shapes, self._threads = shapes, integer(threads, "threads", 1)
        self._to_residual = 2 * len(self.shape) / self.h**2  # the diagonal
        self._grids: Grids | None = None

    def solve(self, b: Signal, u: Signal = None, *, tolerance: float = 1e-10, max_cycles: int = 50,
              callback: Callable[[int, float], None] | None = None) -> Solution:
        """Cycle until ‖b − A u‖ <= tolerance ‖b‖; arguments as in `Multigrid.solve`.

        For arrays of another library than NumPy the cycle is that of `poisson_cycle`.
        """
        if is_foreign(b):
            if len(self.shape) == 3:
                raise InvalidArgument("b: three dimensions are solved on arrays of numpy; of other "
                                      "libraries Multigrid(geometric(poisson(shape))) takes any")
            try:
                return self._solve_foreign(b, u, tolerance, max_cycles, callback)
            except MemoryError:  # CuPy's OutOfMemoryError is one
                raise InvalidArgument(
                    f"b: a grid of {self.shape[0]} by {self.shape[1]} points takes "
                    f"{_ARRAYS * 8 * self.shape[0] * self.shape[1] / GIB:.3g} GiB, more than the "
                    "device has free; take a smaller grid, or arrays of numpy") from None
        given = self._check(b, "b")
        grids = self._grids = self._grids or self._new_grids()
        e = exponent(given)
        right = rescale(given, -e)
        for values, place in grids.fine.inside(right, 2):
            np.multiply(values, self.h**2, out=place)
        for values, place in grids.fine.inside(np.broadcast_to(0.0, self.shape) if u is None
                                               else rescale(self._check(u, "u"), -e), 0):
            place[:] = values
        scale = norm(right)
        watch = Watch(scale if u is None else self._to_residual * grids.residual(), scale,
                      tolerance, max_cycles, callback)
        if u is not None:
            watch.measured[0] = self._true_residual(watch, grids, right)
        while watch.goes_on:
            residual = self._to_residual * grids.cycle()
            watch.add(self._true_residual(watch, grids, right) if watch.arrives(residual)
                      else residual)
        return _solution(watch, self._collect(grids), e)

    def _true_residual(self, watch: Watch, grids: Grids, right: np.ndarray) -> float:
        # In twice the precision, where rounding might hide that it is above the goal.
        found = self._to_residual * grids.residual()
        if not watch.arrives(found):
            return found
        u = self._collect(grids)
        doubt = 12 * EPSILON * (2 * self._to_residual * norm(u) + watch.scale)
        if watch.arrives(found + doubt):
            return found
        return norm(twofold_poisson_residual(u, right, self.h)) / self.h**2

    def _collect(self, grids: Grids) -> np.ndarray:
        found = np.empty(self.shape)
        for values, place in grids.fine.inside(found, 0):
            values[:] = place
        return found

    def _new_grids(self) -> Grids:
        return Grids(self._shapes, self._threads)

    def _solve_foreign(self, b: Signal, u: Signal, tolerance: float, max_cycles: int,
                       callback: Callable[[int, float], None] | None) -> Solution:
        xp, to_residual = namespace(b, u), self._to_residual
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

    def _check(self, values: Array, name: str) -> np.ndarray:
        array = vector(values, name, float)
        if array.shape != self.shape:
            raise InvalidArgument(f"{name}: must have shape {self.shape}, got {array.shape}")
        return array


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
