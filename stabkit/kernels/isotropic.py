"""Explicit steps on a grid whose diffusivity depends on the length of the whole gradient.

A signal holds the sites of a grid in C order and `grid` is (sizes, strides, r) of the axes, two at
least, as in `stabkit.kernels.grid_steps`.  A slab is all sites with one index on the first axis.  A
step takes slab after slab in place: slopes of this one and the next are kept, as are the old values
of the one before and the flows that arrive from it.  Loops run over CHUNK edges at a time.
"""

# ruff: noqa: F821 - the name `g` is bound when a kernel is compiled
from __future__ import annotations

from typing import Any

import numpy as np

from stabkit.kernels.diffusivities import per_diffusivity
from stabkit.kernels.parts import inner
from stabkit.kernels.steps import copy, scratch, to_type_of

g: Any  # the diffusivity of a flux, bound by number

CHUNK = 512  # edges at a time: what one loop needs of them fits the first cache


@inner
def subtract(high, low, r, d):
    """d = (high − low)/h."""
    for j in range(d.size):
        d[j] = r * high[j] - r * low[j]


@inner
def central(u, size, stride, r, d):
    """d = (u_{p+e} − u_{p−e})/(2h) along an axis, a site beyond an end being that at the end."""
    half = r / u.dtype.type(2)
    whole = size * stride
    for first in range(0, u.size, whole):
        v, to = u[first:first + whole], d[first:first + whole]
        if size == 1:
            to[:] = 0
        else:
            subtract(v[stride:2 * stride], v[:stride], half, to[:stride])
            subtract(v[2 * stride:], v[:whole - 2 * stride], half, to[stride:whole - stride])
            subtract(v[whole - stride:], v[whole - 2 * stride:whole - stride], half,
                     to[whole - stride:])


@inner
def square_mean(low, high, square):
    """square = ((low + high)/2)²."""
    half = square.dtype.type(0.5)
    for j in range(square.size):
        mean = half * (low[j] + high[j])
        square[j] = mean * mean


@inner
def add_square(low, high, square):
    """square += ((low + high)/2)²."""
    half = square.dtype.type(0.5)
    for j in range(square.size):
        mean = half * (low[j] + high[j])
        square[j] = square[j] + mean * mean


@inner
def square_means(slopes_low, slopes_high, skipped, square):
    """The squares of the slopes at the middles of edges, over all axes but one."""
    begun = False
    for axis in range(slopes_low.shape[0]):
        if axis != skipped:
            low, high = slopes_low[axis, :square.size], slopes_high[axis, :square.size]
            if begun:
                add_square(low, high, square)
            else:
                square_mean(low, high, square)
            begun = True


@inner
def flow(g, low, high, r, square, shape, f):
    """f = g(√(s² + square)) s/h with s = (high − low)/h."""
    for j in range(f.size):
        s = r * high[j] - r * low[j]
        whole = s * s + square[j]
        above, below = g(np.sqrt(whole), whole, shape[0], shape[1])
        f[j] = s / below * above * r


@inner
def accumulate(sign, f, total):
    """total += sign f."""
    for j in range(f.size):
        total[j] = total[j] + sign * f[j]


@inner
def pass_on(f, waiting, total):
    """total = waiting − f, and f waits from then on."""
    for j in range(f.size):
        total[j] = waiting[j] - f[j]
    copy(waiting, f)


@inner
def leave_slab(g, here, above, r, slopes, shape, work, waiting, total):
    """total = what arrives from the slab before less what leaves for that above."""
    for a in range(0, here.size, CHUNK):
        b = min(a + CHUNK, here.size)
        square, f = work[0][:b - a], work[1][:b - a]
        square_means(slopes[0][:, a:], slopes[1][:, a:], 0, square)
        flow(g, here[a:b], above[a:b], r, square, shape, f)
        pass_on(f, waiting[a:b], total[a:b])


@inner
def add_edges(g, u, axis, grid, slopes, shape, work, total):
    """total += Kᵀ(g ⊙ K u) for the edges along an axis inside of a slab u."""
    sizes, strides, inverses = grid
    one, r = u.dtype.type(1), u.dtype.type(inverses[axis])
    stride, whole = strides[axis], sizes[axis] * strides[axis]
    for first in range(0, u.size, whole):
        last = first + whole - stride
        for a in range(first, last, CHUNK):
            b = min(a + CHUNK, last)
            square, f = work[0][:b - a], work[1][:b - a]
            square_means(slopes[:, a:], slopes[:, a + stride:], axis, square)
            flow(g, u[a:b], u[a + stride:b + stride], r, square, shape, f)
            accumulate(-one, f, total[a:b])
            accumulate(one, f, total[a + stride:b + stride])


@inner
def take_slopes(u, grid, slopes):
    """The slopes of a slab along all axes but the first."""
    sizes, strides, inverses = grid
    for axis in range(1, sizes.size):
        central(u, sizes[axis], strides[axis], u.dtype.type(inverses[axis]), slopes[axis, :u.size])


@inner
def step_slabs(g, u, tau, grid, kept, work, shape):
    """One step of one signal."""
    count, size = grid[0][0], grid[1][0]
    slopes, (before, waiting, total) = kept
    r = u.dtype.type(grid[2][0])
    copy(before, u[:size])
    waiting[:] = 0
    take_slopes(u[:size], grid, slopes[0])
    for i in range(count):
        here, now = u[i * size:(i + 1) * size], slopes[i % 2]
        if i < count - 1:
            above, after = u[(i + 1) * size:(i + 2) * size], slopes[1 - i % 2]
            take_slopes(above, grid, after)
            subtract(above, before, r / u.dtype.type(2), now[0, :size])
            leave_slab(g, here, above, r, (now, after), shape, work, waiting, total)
        else:
            subtract(here, before, r / u.dtype.type(2), now[0, :size])
            copy(total, waiting)
        for axis in range(1, grid[0].size):
            add_edges(g, here, axis, grid, now, shape, work, total)
        copy(before, here)
        accumulate(-tau, total, here)


@per_diffusivity
def isotropic(u, steps, tau, grid, shape):
    """u ← u − τ Kᵀ(g(|∇u|) ⊙ K u), `steps` times, for every row of the batch u."""
    tau, shape = to_type_of(u, tau, shape)
    axes, size = grid[0].size, grid[1][0]
    rooms = scratch(2 * axes + 3, size, u)
    slopes = rooms[:axes], rooms[axes:2 * axes]
    kept = slopes, (rooms[2 * axes][:size], rooms[2 * axes + 1][:size], rooms[2 * axes + 2][:size])
    work = scratch(2, CHUNK, u)
    for b in range(u.shape[0]):
        for _ in range(steps):
            step_slabs(g, u[b], tau, grid, kept, work, shape)
