"""The arrays of a cycle for Poisson's problem, in 2-D and 3-D, and the cycle in compiled loops.

A large level is cut into slabs, as many whatever the number of threads, so the bits do not depend
on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from stabkit.aliases import Function

#: Sweeps on the coarsest grid, one row of points at most: a row of n = 1 is solved by the first.
COARSEST_SWEEPS = 8
PAGE = 512  # doubles in 4 KiB
THIRDS = (169, 341)
#: A level of as many points is cut into slabs of at least so many planes.
WORTH_SLABS, SLABS, PLANES = 2**17, 4, 16
NOT_MEASURED = np.zeros(0)


@dataclass(frozen=True, eq=False)
class Grid:
    """The arrays of one level: u and b by even and odd columns, and planes to work in."""

    arrays: np.ndarray
    work: np.ndarray
    slabs: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, shape: Sequence[int]) -> Grid:
        *rows, last = shape
        padded, width = [n + 2 for n in rows], (last + 1) // 2 + 1
        # Rows whose distance is near a multiple of a page slow each other down; the next third.
        stride = width + min((third - width) % PAGE for third in THIRDS) if width > PAGE // 2 \
            else width
        slabs = _slabs(shape)
        return cls(np.zeros((4, *padded, stride)),
                   np.zeros((len(slabs), 4, *padded[1:], width)), slabs)

    def inside(self, values: np.ndarray, first: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Every other column of the interior, with its place in arrays `first` and the next."""
        m = self.work.shape[-1] - 1
        inner = (slice(1, -1),) * (values.ndim - 1)
        # Interior column j is column j + 1 of the grid with its boundary.
        yield values[..., 1::2], self.arrays[first][inner][..., 1:m]
        yield values[..., 0::2], self.arrays[first + 1][inner][..., :m]


def _slabs(shape: Sequence[int]) -> tuple[tuple[int, int], ...]:
    # Each but the first begins at an odd plane.
    n = shape[0]
    count = min(SLABS, n // PLANES) if prod(shape) >= WORTH_SLABS else 1
    ends = [1, *(n * k // count // 2 * 2 + 1 for k in range(1, count)), n + 1]
    return tuple(pairwise(ends))


class Grids:
    """All levels, and the cycle on them.

    Parameters
    ----------
    shapes : list of tuple of int
        From fine to coarse.
    threads : int
    """

    def __init__(self, shapes: Sequence[tuple[int, ...]], threads: int):
        self.levels = [Grid.of(shape) for shape in shapes]
        self.threads = threads
        self._number = len(shapes[0]) - 2  # of the loops for the dimension
        fine = self.levels[0]
        self._squares = np.zeros((len(fine.slabs) + 1, fine.work.shape[-1]))

    @property
    def fine(self) -> Grid:
        return self.levels[0]

    def cycle(self) -> float:
        """One cycle; the norm of the residual after it over the diagonal, of all but rounding."""
        from stabkit.kernels import poisson_cycle as loops  # loads Numba
        *inner, last = self.levels
        pairs = list(zip(inner, self.levels[1:], strict=True))
        with _Workers(self.threads) as run:
            for fine, coarse in pairs:
                self._descend(run, fine, coarse)
            loops.relax[self._number](last.arrays, last.work[0], COARSEST_SWEEPS)
            for fine, coarse in reversed(pairs):
                self._ascend(run, fine, coarse)
        return self._norm() if inner else self.residual()

    def _descend(self, run: _Workers, fine: Grid, coarse: Grid) -> None:
        from stabkit.kernels import poisson_cycle as loops  # loads Numba
        at, work = self._number, fine.work
        for first, _ in fine.slabs[1:]:
            loops.descend_before[at](fine.arrays, work[0], first)
        run.each(loops.descend[at], [(fine.arrays, coarse.arrays, work[k], *slab)
                                     for k, slab in enumerate(fine.slabs)])
        for first, _ in fine.slabs[1:]:
            loops.descend_after[at](fine.arrays, coarse.arrays, work[0], first)

    def _ascend(self, run: _Workers, fine: Grid, coarse: Grid) -> None:
        from stabkit.kernels import poisson_cycle as loops  # loads Numba
        at, work, measured = self._number, fine.work, fine is self.fine
        self._squares[:] = 0
        for first, _ in fine.slabs[1:]:
            loops.ascend_before[at](fine.arrays, coarse.arrays, work[0], first)
        run.each(loops.ascend[at], [
            (fine.arrays, coarse.arrays, work[k], self._squares[k] if measured else NOT_MEASURED,
             *slab) for k, slab in enumerate(fine.slabs)])
        for first, _ in fine.slabs[1:] if measured else ():
            loops.squares_between[at](fine.arrays, work[0], self._squares[-1], first - 1,
                                      first + 1)

    def residual(self) -> float:
        """The norm of the residual over the diagonal."""
        from stabkit.kernels.poisson_cycle import residual_squares  # loads Numba
        self._squares[:] = 0
        residual_squares[self._number](self.fine.arrays, self.fine.work[0], self._squares[0])
        return self._norm()

    def _norm(self) -> float:
        return float(np.sqrt(self._squares.sum()))


class _Workers:
    """Runs calls one after another, or on threads; loops hold no lock of Python's."""

    def __init__(self, threads: int):
        self.threads = threads
        self._pool = ThreadPoolExecutor(threads - 1) if threads > 1 else None

    def __enter__(self) -> _Workers:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool:
            self._pool.shutdown()

    def each(self, loop: Function, calls: list[tuple[Any, ...]]) -> None:
        """Run the loop on each of these arguments."""
        mine, *others = [calls[k::self.threads] for k in range(min(self.threads, len(calls)))]
        waiting = [self._pool.submit(_run, loop, share) for share in others] if self._pool else []
        _run(loop, mine)
        for other in waiting:
            other.result()


def _run(loop: Function, calls: list[tuple[Any, ...]]) -> None:
    for call in calls:
        loop(*call)
