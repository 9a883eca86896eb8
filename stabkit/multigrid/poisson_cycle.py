"""The red-black V(1,1) cycle of the 5-point Laplacian on arrays of any library.

Grids hold their boundary: n rows of m points inside, n + 2 by m + 2 in all.  Points with an even
sum of indices are red.  On a GPU a level is one launch down and one up.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from stabkit.backend import namespace, raw_kernel
from stabkit.schemes.fused import source

THREADS, BLOCKS = 256, 1024  # of a launch; blocks of a sum
TILE = 16  # points of a block along an axis, as in poisson.cu
TILE_BYTES = 2 * (TILE + 8) ** 2 * 8


def padded(inside: Any) -> Any:
    """Values inside, with zeros on the boundary."""
    xp, (n, m) = namespace(inside), inside.shape
    side = xp.zeros((n, 1), dtype=inside.dtype)
    edge = xp.zeros((1, m + 2), dtype=inside.dtype)
    return xp.concat([edge, xp.concat([side, inside, side], axis=1), edge], axis=0)


def _red(u: Any) -> Any:
    xp, (n, m) = namespace(u), u.shape
    return (xp.arange(n - 2)[:, None] + xp.arange(m - 2)[None, :]) % 2 == 0


def _mean(u: Any, b: Any) -> Any:
    return 0.25 * (b[1:-1, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:] + u[:-2, 1:-1] + u[2:, 1:-1])


def _relaxed(u: Any, b: Any, colour: Any) -> Any:
    return padded(namespace(u).where(colour, _mean(u, b), u[1:-1, 1:-1]))


def descend(u: Any, b: Any) -> tuple[Any, Any]:
    """Relax red, then black; also the restricted residual, as the right-hand side below."""
    xp, launch = namespace(u), _kernel(u, "descend")
    if launch is not None:
        shape = tuple((n + 1) // 2 for n in u.shape)
        new, coarse = xp.zeros_like(u), xp.zeros(shape, dtype=u.dtype)
        launch(_tiles(u), THREADS, (u, new, b, coarse, *_sizes(u)), TILE_BYTES)
        return new, coarse
    red = _red(u)
    u = _relaxed(_relaxed(u, b, red), b, ~red)
    r = xp.where(red, _mean(u, b) - u[1:-1, 1:-1], 0.0)  # at black points it is rounding
    diagonal = (r[:-2:2, :-2:2] + r[:-2:2, 2::2]) + (r[2::2, :-2:2] + r[2::2, 2::2])
    return u, padded(4.0 * r[1::2, 1::2] + diagonal)


def ascend(u: Any, b: Any, coarse: Any) -> Any:
    """Add the interpolated correction to black points; relax red, then black."""
    xp, launch, (n, m) = namespace(u), _kernel(u, "ascend"), u.shape
    if launch is not None:
        new = xp.zeros_like(u)
        launch(_tiles(u), THREADS, (u, new, b, coarse, *_sizes(u)), TILE_BYTES)
        return new
    red, i, j = _red(u), xp.arange(1, n - 1), xp.arange(1, m - 1)
    first = xp.take(xp.take(coarse, i // 2, axis=0), j // 2, axis=1)
    second = xp.take(xp.take(coarse, (i + 1) // 2, axis=0), (j + 1) // 2, axis=1)
    inside = u[1:-1, 1:-1]
    u = padded(xp.where(red, inside, inside + 0.5 * (first + second)))
    return _relaxed(_relaxed(u, b, red), b, ~red)


def relax(u: Any, b: Any, sweeps: int) -> Any:
    """Red-black sweeps, for the coarsest grid."""
    launch = _kernel(u, "relax")
    if launch is not None:
        new = 1 * u
        launch(1, THREADS, (new, b, *_sizes(u), np.int64(sweeps)), 0)
        return new
    red = _red(u)
    for _ in range(sweeps):
        u = _relaxed(_relaxed(u, b, red), b, ~red)
    return u


def residual_norm(u: Any, b: Any) -> float:
    """‖b − A u‖, A the 5-point stencil with 4 in the middle."""
    xp, launch = namespace(u), _kernel(u, "residual_squares")
    if launch is not None:
        n, m = (int(size) for size in _sizes(u))
        sums = xp.zeros((min(BLOCKS, -(-n * m // THREADS)),), dtype=u.dtype)
        launch(sums.shape[0], THREADS, (u, b, sums, *_sizes(u)), 8 * THREADS)
        return 4 * float(xp.sum(sums)) ** 0.5
    return 4 * float(xp.sum((_mean(u, b) - u[1:-1, 1:-1]) ** 2)) ** 0.5


def cycle(u: Any, b: Any, shapes: Sequence[tuple[int, int]], sweeps: int) -> Any:
    """One V-cycle on grids of these shapes, finest first."""
    if len(shapes) == 1:
        return relax(u, b, sweeps)
    u, coarse_b = descend(u, b)
    correction = cycle(namespace(u).zeros_like(coarse_b), coarse_b, shapes[1:], sweeps)
    return ascend(u, b, correction)


def _kernel(u: Any, name: str) -> Any:
    return raw_kernel(u, source("poisson.cu"), name, ("--fmad=false",))


def _sizes(u: Any) -> tuple[np.int64, np.int64]:
    return np.int64(u.shape[0] - 2), np.int64(u.shape[1] - 2)


def _tiles(u: Any) -> int:
    return prod(-(-int(size) // TILE) for size in _sizes(u))
