"""The red-black V(1,1) cycle of the 5-point Laplacian on arrays of any library.

Grids hold the points inside; beyond them is 0.  Points with an even sum of indices, counted from 1,
are red.  On a GPU a large level is one launch down and one up, and all small ones together are one.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from stabkit.aliases import Array, Signal
from stabkit.arithmetic.backend import namespace
from stabkit.launcher import SHARED, THREADS, Launcher

BLOCKS = 1024  # of a sum
TILE, HALO, LEVELS = 32, 4, 16  # as in poisson.cu

Shapes = Sequence[tuple[int, int]]


def cycle(u: Signal, b: Signal, shapes: Shapes, sweeps: int) -> tuple[Signal, Signal]:
    """One V-cycle.

    Parameters
    ----------
    u : array or None
        None for zeros.
    b : array
    shapes : sequence of (int, int)
        Of the grids, finest first.
    sweeps : int
        On the coarsest.

    Returns
    -------
    u : array
    squares : array or None
        Parts of the sum of (residual/4)² over the red points, if the cycle computes it; at black
        ones only rounding is left.
    """
    launch = _launcher(b)
    if launch is not None and len(shapes) <= LEVELS and _bytes(shapes) <= SHARED:
        new, (n, m) = namespace(b).empty_like(b), b.shape
        launch("bottom", 1, THREADS, _start(u, b), new, b, n, m, int(u is None), len(shapes),
               sweeps, shared=_bytes(shapes))
        return new, None
    if len(shapes) == 1:
        return relax(u, b, sweeps), None
    u, coarse_b = descend(u, b)
    correction, _ = cycle(None, coarse_b, shapes[1:], sweeps)
    return ascend(u, b, correction)


def descend(u: Signal, b: Signal) -> tuple[Signal, Signal]:
    """Relax red, then black; also the restricted residual, as the right-hand side below."""
    xp, launch, (n, m) = namespace(b), _launcher(b), b.shape
    if launch is not None:
        new, coarse_b = xp.empty_like(b), xp.empty((n // 2, m // 2), dtype=b.dtype)
        launch("descend", _tiles(b), THREADS, _start(u, b), new, b, coarse_b, n, m, int(u is None),
               shared=_tile_bytes())
        return new, coarse_b
    red, u = _red(b), xp.zeros_like(b) if u is None else u
    u = _relax(u, b, red)
    r = xp.where(red, _mean(u, b) - u, 0.0)  # at black points only rounding is left
    diagonal = (r[:-2:2, :-2:2] + r[:-2:2, 2::2]) + (r[2::2, :-2:2] + r[2::2, 2::2])
    return u, 4.0 * r[1:-1:2, 1:-1:2] + diagonal


def ascend(u: Signal, b: Signal, coarse: Signal) -> tuple[Signal, Signal]:
    """Add the interpolated correction to black points; relax red, then black.

    Also parts of the sum of (residual/4)² over the red points.
    """
    xp, launch, (n, m) = namespace(b), _launcher(b), b.shape
    if launch is not None:
        new, sums = xp.empty_like(b), xp.empty((_tiles(b),), dtype=b.dtype)
        launch("ascend", _tiles(b), THREADS, u, new, b, coarse, sums, n, m,
               shared=_tile_bytes() + 8 * THREADS)
        return new, sums
    red, i, j = _red(b), xp.arange(1, n + 1), xp.arange(1, m + 1)
    coarse = pad(coarse)
    first = xp.take(xp.take(coarse, i // 2, axis=0), j // 2, axis=1)
    second = xp.take(xp.take(coarse, (i + 1) // 2, axis=0), (j + 1) // 2, axis=1)
    u = _relax(xp.where(red, u, u + 0.5 * (first + second)), b, red)
    return u, xp.where(red, _mean(u, b) - u, 0.0) ** 2


def relax(u: Signal, b: Signal, sweeps: int) -> Signal:
    """Red-black sweeps, for the coarsest grid."""
    xp, launch = namespace(b), _launcher(b)
    u = xp.zeros_like(b) if u is None else u
    if launch is not None:
        new = 1 * u
        launch("relax", 1, THREADS, new, b, *b.shape, sweeps)
        return new
    for _ in range(sweeps):
        u = _relax(u, b, _red(b))
    return u


def residual_squares(u: Signal, b: Signal) -> Signal:
    """Parts of the sum of (residual/4)² over all points."""
    xp, launch, (n, m) = namespace(b), _launcher(b), b.shape
    if launch is None:
        return (_mean(u, b) - u) ** 2
    sums = xp.empty((min(BLOCKS, -(-n * m // THREADS)),), dtype=b.dtype)
    launch("residual_squares", sums.shape[0], THREADS, u, b, sums, n, m, shared=8 * THREADS)
    return sums


# -- the expressions -------------------------------------------------------------------------------
def pad(u: Signal) -> Signal:
    """The grid with its boundary of zeros."""
    xp, (n, m) = namespace(u), u.shape
    side = xp.zeros((n, 1), dtype=u.dtype)
    edge = xp.zeros((1, m + 2), dtype=u.dtype)
    return xp.concat([edge, xp.concat([side, u, side], axis=1), edge], axis=0)


def _red(u: Signal) -> Signal:
    xp, (n, m) = namespace(u), u.shape
    return (xp.arange(n)[:, None] + xp.arange(m)[None, :]) % 2 == 0


def _mean(u: Signal, b: Signal) -> Signal:
    v = pad(u)
    return 0.25 * (b + v[1:-1, :-2] + v[1:-1, 2:] + v[:-2, 1:-1] + v[2:, 1:-1])


def _relax(u: Signal, b: Signal, red: Array) -> Signal:
    where = namespace(u).where
    u = where(red, _mean(u, b), u)
    return where(red, u, _mean(u, b))


# -- the kernels -----------------------------------------------------------------------------------
def _launcher(b: Signal) -> Launcher | None:
    return Launcher.of(b, "poisson.cu")


def _start(u: Signal, b: Signal) -> Signal:
    return b if u is None else u  # of zeros the kernels read nothing


def _tiles(b: Signal) -> int:
    return prod(-(-size // TILE) for size in b.shape)


def _tile_bytes() -> int:
    return 2 * (TILE + 2 * HALO) ** 2 * 8


def _bytes(shapes: Shapes) -> int:
    return sum(2 * (n + 2) * (m + 2) * 8 for n, m in shapes)
