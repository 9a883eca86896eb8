"""The course of an iteration: measured after each cycle, stopped once its outcome is clear."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import frexp, inf, isfinite, log, sqrt
from numbers import Real
from typing import Any

import numpy as np

from stabkit.aliases import Rational, Signal
from stabkit.arithmetic.backend import is_foreign, namespace
from stabkit.arithmetic.rational import integer
from stabkit.errors import InvalidArgument
from stabkit.multigrid.matrices import is_exact

#: Cycles before an iteration is judged.
NOTICE = 5
#: Steps of a Krylov method before it is judged.
NOTICE_STEPS = 30
#: The factor per cycle, over all but two of those, that counts as stagnation unless it suffices.
SLOW = 0.95
#: Growth by this factor over four cycles, all of which grow, is divergence.
GROWTH = 1.2
#: Growth by this factor over the least residual is divergence at once.
BLOWN_UP = 1e6
#: Right-hand sides whose largest entry is beyond 2 to plus or minus this are scaled.
FAR = 300
#: Sums of squares between these bounds neither overflowed nor lost what underflowed.
SAFE_SQUARES = (1e-200, 1e300)
OUT_OF_RANGE = ("the solution has entries beyond the range of floats, above 1e308 or below 1e-308; "
                "scale A or b")


class Status(StrEnum):
    """How an iteration ended."""

    CONVERGED = "converged"
    OUT_OF_CYCLES = "out of cycles"
    STAGNATED = "stagnated"
    DIVERGED = "diverged"
    OUT_OF_RANGE = "out of the range of floats"


@dataclass(frozen=True, eq=False)
class Solution:
    """What a solver returns.

    Attributes
    ----------
    u : ndarray
        The last iterate, in the shape of the right-hand side.
    residuals : tuple of float
        Norms of b − A u, before the first cycle and after each.
    history : tuple of float
        The same relative to ‖b‖; for b = 0, to the first one.
    status : Status
    reason : str
        Empty if converged; else the likely cause, and what to try.
    """

    u: np.ndarray
    residuals: tuple[float, ...]
    history: tuple[float, ...]
    status: Status
    reason: str = ""

    @property
    def converged(self) -> bool:
        return self.status is Status.CONVERGED

    @property
    def cycles(self) -> int:
        return len(self.history) - 1

    @property
    def factor(self) -> float:
        """Geometric mean of the residual reduction per cycle."""
        if self.cycles == 0 or self.history[0] == 0:
            return 0.0
        return (self.history[-1] / self.history[0]) ** (1 / self.cycles)

    def __str__(self) -> str:
        said = (f"{self.status} after {self.cycles} cycles, factor {self.factor:.3g}, relative "
                f"residual {self.history[-1]:.3g}")
        return f"{said}: {self.reason}" if self.reason else said


class Watch:
    """The residuals of an iteration, and whether it goes on.

    Parameters
    ----------
    first, scale : float
        The norms of the first residual and of b.
    tolerance : float
        Converged is a residual of at most tolerance · scale.
    max_cycles : int
    callback : callable, optional
        Called with the number of the cycle and the relative residual.
    steps : bool
        These are steps of a Krylov method: their residuals have plateaus and peaks, and they end
        by themselves where they diverge.
    """

    def __init__(self, first: float, scale: float, tolerance: float, max_cycles: int,
                 callback: Callable[[int, float], None] | None = None, steps: bool = False):
        if not isinstance(tolerance, Real) or isinstance(tolerance, (bool, np.bool_)) \
                or not 0 <= tolerance < 1:
            raise InvalidArgument(f"tolerance: must be a number with 0 <= tolerance < 1, got "
                                  f"{tolerance!r}")
        self.scale: float = scale or first or 1.0
        self.tolerance: float = float(tolerance)
        self.max_cycles: int = integer(max_cycles, "max_cycles")
        self.measured: list[float] = [first]
        self._steps: bool = steps
        self._notice: int = NOTICE_STEPS if steps else NOTICE
        self.failure: str = ""
        self._callback: Callable[[int, float], None] | None = callback

    def add(self, residual: float) -> None:
        """The norm of the residual after one more cycle."""
        self.measured.append(residual)
        if self._callback:
            self._callback(self.cycles, residual / self.scale)

    def fail(self, reason: str) -> None:
        """Stop as diverged, for a reason that the iteration gives."""
        self.failure = reason

    @property
    def cycles(self) -> int:
        return len(self.measured) - 1

    @property
    def history(self) -> tuple[float, ...]:
        return tuple(residual / self.scale for residual in self.measured)

    def arrives(self, residual: float) -> bool:
        """Whether a residual is small enough."""
        return residual <= self.tolerance * self.scale

    @property
    def goes_on(self) -> bool:
        return self.status is None

    @property
    def status(self) -> Status | None:
        """How it ended, or None."""
        last = self.measured[-1]
        if not isfinite(last):
            return Status.DIVERGED
        if self.arrives(last):
            return Status.CONVERGED
        if self.failure or self._grows():
            return Status.DIVERGED
        if self.cycles >= self.max_cycles:
            return Status.OUT_OF_CYCLES
        return Status.STAGNATED if self._stalls() else None

    def _grows(self) -> bool:
        if self._steps or self.cycles < self._notice:
            return False
        recent = self.measured[-5:]
        steadily = all(a < b for a, b in pairwise(recent))
        return (steadily and recent[-1] > GROWTH * recent[0]) or \
            recent[-1] > BLOWN_UP * min(self.measured)

    @property
    def recent_factor(self) -> float:
        """The mean reduction over the last cycles, three of them without a Krylov method."""
        span = min(self._notice - 2, self.cycles)
        if span == 0 or self.measured[-1 - span] == 0:
            return 0.0
        return (self.measured[-1] / self.measured[-1 - span]) ** (1 / span)

    @property
    def cycles_to_go(self) -> float:
        """How many more cycles it takes at the recent factor."""
        factor, target = self.recent_factor, self.tolerance * self.scale
        if factor >= 1 or target == 0:
            return inf
        return log(target / self.measured[-1]) / log(factor) if factor > 0 else 0.0

    def _stalls(self) -> bool:
        return (self.cycles >= self._notice and self.recent_factor > SLOW
                and self.cycles_to_go > self.max_cycles - self.cycles)


def still_falls(watch: Watch) -> str:
    """The message if only the cycles ran out."""
    if watch.cycles == 0:
        return "no cycle was allowed; raise max_cycles"
    told = f"the residual falls by a factor of {watch.recent_factor:.3g} per cycle"
    if not isfinite(watch.cycles_to_go):
        return told
    return f"{told}; that takes about {watch.cycles_to_go:.0f} more, so raise max_cycles"


# -- sizes -----------------------------------------------------------------------------------------
def norm(vector: Signal) -> float:
    """The Euclidean norm, which overflows only if it is larger than any float.

    Of fractions, the rounded root of the exact sum of squares.
    """
    if not is_foreign(vector) and is_exact(vector.dtype):
        return _root(sum((x * x for x in vector.ravel()), start=0))
    with np.errstate(over="ignore", under="ignore"):
        squares = _sum_of_squares(vector)
        if SAFE_SQUARES[0] < squares < SAFE_SQUARES[1]:
            return sqrt(squares)
        largest = _largest(vector)
        if largest == 0 or not isfinite(largest):
            return largest
        return largest * sqrt(_sum_of_squares(vector / largest))


def _sum_of_squares(vector: Signal) -> float:
    return float(namespace(vector).sum(vector * vector) if is_foreign(vector)
                 else vector.ravel() @ vector.ravel())


def _largest(vector: Signal) -> float:
    xp = namespace(vector)
    return float(xp.max(xp.abs(vector))) if 0 not in vector.shape else 0.0


def _root(square: Rational) -> float:
    # The rational may be beyond the range of floats while its root is not.
    if square == 0:
        return 0.0
    half = (square.numerator.bit_length() - square.denominator.bit_length()) // 2
    try:
        return sqrt(square / 4**half if half >= 0 else square * 4**-half) * 2.0**half
    except OverflowError:
        return inf


def exponent(vector: Signal) -> int:
    """An e such that 2⁻ᵉ times the vector is near 1; 0 if that is not needed, or for fractions."""
    if not is_foreign(vector) and is_exact(vector.dtype):
        return 0
    found = frexp(_largest(vector))[1]
    return found if abs(found) > FAR else 0


def rescale(vector: Signal, e: int) -> Signal:
    """2ᵉ times the vector; in two steps, as 2ᵉ itself may be beyond the floats."""
    if e == 0:
        return vector
    with np.errstate(over="ignore", under="ignore"):
        return vector * 2.0 ** (e // 2) * 2.0 ** (e - e // 2)


def rescale_numbers(values: Any, e: int) -> tuple[float, ...]:
    """2ᵉ times numbers."""
    return tuple(map(float, rescale(np.asarray(values, dtype=np.float64), e)))
