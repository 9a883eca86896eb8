"""Additive operator splitting on a grid: tridiagonal systems along every axis, many lines at once.

A signal holds the sites of a grid in C order and `grid` is (sizes, strides, r) of the axes, as in
`stabkit.kernels.grid_steps`.  Some lines along an axis are taken into a block, a row of which holds
one site of each: x, and behind the lanes of x those of c.  So elimination, a chain along the line,
is a loop over vectors.  Rows are taken a few at a time just before they are eliminated and put back
just after they are solved, in cache.
"""

# ruff: noqa: F821 - the name `g` is bound when a kernel is compiled
from __future__ import annotations

from typing import Any

import numpy as np

from stabkit.kernels.diffusivities import per_diffusivity
from stabkit.kernels.parts import inner
from stabkit.kernels.steps import to_type_of

g: Any  # the diffusivity of a flux, bound by number

TILE = 16  # sites of a line that are moved together


@inner
def wide():
    """Lines at a time that lie side by side."""
    return 64


@inner
def narrow():
    """Lines at a time that lie one after another: they share few sets of the first cache."""
    return 16


# -- what is moved between a signal, a sum over the axes and a block -------------------------------
@inner
def take(u, total, at, row, lane, factor):
    """The block has u."""
    row[lane] = u[at]


@inner
def begin_sum(u, total, at, row, lane, factor):
    """The sum is the block."""
    total[at] = row[lane]


@inner
def add_to_sum(u, total, at, row, lane, factor):
    """The block is added to the sum."""
    total[at] += row[lane]


@inner
def end_sum(u, total, at, row, lane, factor):
    """u is the sum times `factor`, the block being the last to be added."""
    u[at] = factor * (total[at] + row[lane])


@inner
def move_across(way, lanes, u, total, lines, sites, block, factor):
    """Move sites low, … of lines first, … that lie side by side; lines = (first, count, axis)."""
    first, count, (size, stride) = lines
    width, start = 2 * lanes(), first // stride * stride * size + first % stride
    for i in range(sites[0], sites[1]):
        at = start + i * stride
        u_here, total_here = u[at:at + count], total[at:at + count]
        row = block[i * width:i * width + count]
        for lane in range(count):
            way(u_here, total_here, lane, row, lane, factor)


@inner
def move_along(way, lanes, u, total, lines, sites, block, factor):
    """The same for lines one after another."""
    first, count, (size, _) = lines
    low, high = sites
    width = 2 * lanes()
    for lane in range(count):
        at = (first + lane) * size
        u_here, total_here = u[at + low:at + high], total[at + low:at + high]
        column = block[low * width + lane:(high - 1) * width + lane + 1]
        if high - low == TILE:  # a constant, so the loop is unrolled
            for i in range(TILE):
                way(u_here, total_here, i, column, i * width, factor)
        else:
            for i in range(u_here.size):
                way(u_here, total_here, i, column, i * width, factor)


# -- systems ---------------------------------------------------------------------------------------
@inner
def nothing(s, square, q, p):
    """The diffusivity behind the end of a line."""
    return type(s)(0), type(s)(1)


@inner
def eliminate_site(g, lanes, block, i, count, carry, r, weight, shape):
    """Eliminate site i: what is left is x[i] − c x[i + 1] = d e (x[i] + c x[i − 1]).

    With w = `weight` g(r (x[i + 1] − x[i])) and g = n/d its pivot is a + w, where a = 1 + c a of
    the site before, and c = w/(a + w) = `weight` n e for e = 1/(d a + `weight` n): one division.
    `carry` has c a, and behind it c x before the division, of the site before, and then of this.
    """
    width, behind, one = 2 * lanes(), lanes(), block.dtype.type(1)
    zero, most = block.dtype.type(0), block.dtype.type(2.0**(100 if block.itemsize == 4 else 900))
    rows = block[i * width:(i + 2) * width]
    for lane in range(count):
        x = rows[lane]
        s = r * rows[lane + width] - r * x
        n, d = g(s, s * s, shape[0], shape[1])
        n, d = (zero if d > most else n), (one if d > most else d)  # ∞ · 0 is no number
        a, x = one + carry[lane], x + carry[lane + behind]
        far = weight * n
        e = one / (d * a + far)
        c = far * e
        rows[lane] = x * (d * e)
        rows[lane + behind] = c
        carry[lane] = c * a
        carry[lane + behind] = c * x


@inner
def substitute_site(lanes, block, i, count):
    """The solution at site i from that at the next one."""
    width, behind = 2 * lanes(), lanes()
    rows = block[i * width:(i + 2) * width]
    for lane in range(count):
        rows[lane] = rows[lane] + rows[lane + behind] * rows[lane + width]


@inner
def solve_lines(g, lanes, move, way, u, total, lines, work, r, weight, factor, shape):
    """Solve the systems of some lines, and put the solutions where `way` says."""
    block, carry = work
    _, count, (size, _) = lines
    carry[:] = 0
    for low in range(0, size, TILE):
        high = min(low + TILE, size)
        move(take, lanes, u, total, lines, (low, high), block, factor)
        for i in range(max(low - 1, 0), high - 1):
            eliminate_site(g, lanes, block, i, count, carry, r, weight, shape)
    eliminate_site(nothing, lanes, block, size - 1, count, carry, r, weight, shape)
    for low in range((size - 1) // TILE * TILE, -1, -TILE):
        high = min(low + TILE, size)
        for i in range(min(high, size - 1) - 1, low - 1, -1):
            substitute_site(lanes, block, i, count)
        move(way, lanes, u, total, lines, (low, high), block, factor)


@inner
def solve_axis(g, way, u, total, work, axis, r, weight, factor, shape):
    """Solve the systems of all lines along an axis = (size, stride) but the last."""
    size, stride = axis
    first, lines = 0, u.size // size
    while first < lines:
        count = min(wide(), stride - first % stride)
        solve_lines(g, wide, move_across, way, u, total, (first, count, axis), work, r, weight,
                    factor, shape)
        first += count


@inner
def solve_last_axis(g, way, u, total, work, axis, r, weight, factor, shape):
    """The same for the last one."""
    lines = u.size // axis[0]
    for first in range(0, lines, narrow()):
        count = min(narrow(), lines - first)
        solve_lines(g, narrow, move_along, way, u, total, (first, count, axis), work, r, weight,
                    factor, shape)


@per_diffusivity
def semi_implicit(u, total, steps, tau, grid, shape):
    """u ← mean over the m axes of (I + m τ K_lᵀ diag(g(K_l u)) K_l)⁻¹ u, `steps` times, row by row.

    g must be nonnegative: there is no pivoting.  `total` is space for a row.
    """
    tau, shape = to_type_of(u, tau, shape)
    sizes, strides, inverses = grid
    to, axes = u.dtype.type, sizes.size
    longest = sizes.max() if axes else 1
    work = np.empty((longest + 1) * 2 * wide(), u.dtype), np.empty(2 * wide(), u.dtype)
    total[:] = 0  # and stays so where there is one axis alone
    factor = to(1) / to(max(axes, 1))
    for b in range(u.shape[0]):
        for _ in range(steps):
            for k in range(axes):
                r, axis = to(inverses[k]), (sizes[k], strides[k])
                weight = to(axes) * tau * r * r
                if k == axes - 1:
                    solve_last_axis(g, end_sum, u[b], total, work, axis, r, weight, factor, shape)
                elif k == 0:
                    solve_axis(g, begin_sum, u[b], total, work, axis, r, weight, factor, shape)
                else:
                    solve_axis(g, add_to_sum, u[b], total, work, axis, r, weight, factor, shape)
