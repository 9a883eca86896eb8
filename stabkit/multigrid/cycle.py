"""Cycles: the order in which levels are visited, and the smoothers."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from stabkit.aliases import Matrix, Signal
from stabkit.errors import InvalidArgument
from stabkit.multigrid.hierarchy import Level
from stabkit.multigrid.matrices import assemble, inverse, triples
from stabkit.multigrid.smoother import Jacobi, Smoother, Sweep
from stabkit.operators.sparse import portable


@dataclass(frozen=True)
class Visit:
    """The recursive calls of a cycle: itself `repeats` times, then the cycles `afterwards`."""

    name: str
    repeats: int
    afterwards: tuple[Visit, ...] = ()

    @property
    def calls(self) -> tuple[Visit, ...]:
        return (self,) * self.repeats + self.afterwards


V = Visit("V", 1)
W = Visit("W", 2)
F = Visit("F", 1, (V,))


@dataclass(frozen=True)
class Direct:
    """Solve the coarsest level; with a kernel, up to a multiple of it."""

    def on(self, level: Level) -> Sweep:
        A = portable(level.A)
        if level.kernel is None:
            solve = inverse(level.A)
            return lambda u, b: u + solve @ (b - A @ u)
        bordered = inverse(_border(level.A, level.kernel))
        # The rows of the solution without the multiplier, and b with a zero below it.
        n = level.unknowns
        pad = assemble((n + 1, n), range(n), range(n), np.ones(n, dtype=level.A.dtype))
        extend, cut = portable(pad), portable(pad.T)
        return lambda u, b: u + cut @ (bordered @ (extend @ (b - A @ u)))


def _border(A: Matrix, z: np.ndarray) -> Matrix:
    # [A z; zᵀ 0] is regular when z spans the kernel of a symmetric A.
    n = A.shape[0]
    rows, columns, values = triples(A)
    last, each = np.full(n, n), np.arange(n)
    return assemble((n + 1, n + 1), np.concatenate([rows, last, each]),
                    np.concatenate([columns, each, last]), np.concatenate([values, z, z]))


@dataclass(frozen=True)
class Smoothed:
    """Only smooth the coarsest level, as a convolutional network would."""

    smoother: Smoother
    sweeps: int = 1

    def on(self, level: Level) -> Sweep:
        return Sweeps(portable(level.A), self.smoother.on(level.A, level.shape), self.sweeps)


@dataclass(frozen=True)
class Cycle:
    """A multigrid cycle.

    Attributes
    ----------
    smoother : Smoother
        Of the pre-smoothing.
    pre, post : int
        Sweeps before and after the coarse-grid correction; ``post=0`` is the \\-cycle.
    visit : Visit
        ``V``, ``W`` or ``F``.
    post_smoother : Smoother or None
        None takes the adjoint of `smoother`, which makes the cycle symmetric.
    coarsest : Direct or Smoothed
    """

    smoother: Smoother = field(default_factory=Jacobi)
    pre: int = 1
    post: int = 1
    visit: Visit = V
    post_smoother: Smoother | None = None
    coarsest: Direct | Smoothed = Direct()

    def __post_init__(self) -> None:
        for name in ("pre", "post"):
            if getattr(self, name) < 0:
                raise InvalidArgument(f"{name}: must be at least 0, got {getattr(self, name)}")
        if self.pre + self.post == 0:
            raise InvalidArgument("pre, post: a cycle without smoothing does not converge; "
                                  "give at least one sweep")

    def sweeps_on(self, level: Level) -> tuple[Sweeps, Sweeps]:
        """Pre- and post-smoothing of a level."""
        pre = self.smoother.on(level.A, level.shape)
        after = self.post_smoother or self.smoother.adjoint
        post = pre if after == self.smoother else after.on(level.A, level.shape)
        A = portable(level.A)
        return Sweeps(A, pre, self.pre), Sweeps(A, post, self.post)


@dataclass(frozen=True, eq=False)
class Sweeps:
    """A sweep on A, this many times in a row."""

    A: Matrix
    sweep: Sweep
    times: int

    def __call__(self, u: Signal, b: Signal) -> Signal:
        for _ in range(self.times):
            u = self.sweep(u, b)
        return u

    def from_zero(self, b: Signal) -> tuple[Signal, Signal]:
        """What they make of 0, and its residual, which some sweeps have at hand."""
        at_once = getattr(self.sweep, "from_zero", None)
        if self.times == 1 and at_once:
            return at_once(b)
        u = self(0 * b, b)
        return u, b - self.A @ u
