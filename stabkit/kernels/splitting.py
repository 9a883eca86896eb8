"""Additive operator splitting on a grid: tridiagonal systems along every axis, many lines at once.

A signal holds the sites of a grid in C order and `grid` is (sizes, strides, r) of the axes, as in
`stabkit.kernels.grid_steps`.  LANES lines along an axis are gathered into a block, a row of which
holds one site of each; so elimination, a chain along the line, is a loop over vectors.
"""

# ruff: noqa: F821 - the name `flux` is bound when a kernel is compiled
from __future__ import annotations

from typing import Any

import numpy as np

from stabkit.kernels.fluxes import per_flux
from stabkit.kernels.parts import inner
from stabkit.kernels.steps import scratch, to_type_of

flux: Any  # the code of a flux, bound by number

LANES = 64  # lines at a time: their blocks stay in cache up to some thousand sites
TILE = 8  # sites of one line that are read or written together


@inner
def gather(u, first, count, size, stride, block):
    """`count` lines from number `first` on into the rows of `block`, site by site."""
    if stride == 1:
        for low in range(0, size, TILE):
            for lane in range(count):
                start = (first + lane) * size
                for i in range(low, min(low + TILE, size)):
                    block[i, lane] = u[start + i]
    else:
        start = first // stride * stride * size + first % stride
        for i in range(size):
            row = u[start + i * stride:start + i * stride + count]
            for lane in range(count):
                block[i, lane] = row[lane]


@inner
def add_lines(total, first, count, size, stride, block):
    """The reverse of `gather`, added to `total`."""
    if stride == 1:
        for low in range(0, size, TILE):
            for lane in range(count):
                start = (first + lane) * size
                for i in range(low, min(low + TILE, size)):
                    total[start + i] += block[i, lane]
    else:
        start = first // stride * stride * size + first % stride
        for i in range(size):
            row = total[start + i * stride:start + i * stride + count]
            for lane in range(count):
                row[lane] += block[i, lane]


@inner
def weigh(flux, low, high, r, weight, shape, w):
    """w = `weight` g(r (high − low)), where g(s) = Φ(s)/s, continued to 0 by a tiny s."""
    tiny = w.dtype.type(2.0**-60)
    for lane in range(w.size):
        s = r * high[lane] - r * low[lane]
        s = tiny if s == 0 else s
        w[lane] = flux(s, shape[0], shape[1]) / s * weight


@inner
def begin(x, w, c):
    """Eliminate the first site of each line."""
    one = x.dtype.type(1)
    for lane in range(x.size):
        inverse = one / (one + w[lane])
        c[lane] = w[lane] * inverse
        x[lane] = x[lane] * inverse


@inner
def eliminate_site(x, before, c_before, x_before, w, c):
    """Eliminate a site with the weights `before` and w: what is left is x[i] − c x[i + 1]."""
    one = x.dtype.type(1)
    for lane in range(x.size):
        near = before[lane]
        inverse = one / (one + w[lane] + near * (one - c_before[lane]))
        c[lane] = w[lane] * inverse
        x[lane] = (x[lane] + near * x_before[lane]) * inverse


@inner
def substitute_site(x, c, x_after):
    """The solution at a site from that at the next one."""
    for lane in range(x.size):
        x[lane] = x[lane] + c[lane] * x_after[lane]


@inner
def solve_lines(flux, block, w, c, count, size, r, weight, shape):
    """Solve the systems of the lines in `block`, whose diffusivities are those of its own rows."""
    for i in range(size):
        here = w[i % 2, :count]
        if i < size - 1:
            weigh(flux, block[i, :count], block[i + 1, :count], r, weight, shape, here)
        else:
            here[:] = 0
        if i == 0:
            begin(block[0, :count], here, c[0, :count])
        else:
            eliminate_site(block[i, :count], w[1 - i % 2, :count], c[i - 1, :count],
                           block[i - 1, :count], here, c[i, :count])
    for i in range(size - 2, -1, -1):
        substitute_site(block[i, :count], c[i, :count], block[i + 1, :count])


@inner
def add_axis(flux, u, total, work, size, stride, r, weight, shape):
    """Add the solutions of all lines along an axis to `total`."""
    block, c, w = work
    lines = u.size // size
    first = 0
    while first < lines:
        count = min(LANES, lines - first if stride == 1 else stride - first % stride)
        gather(u, first, count, size, stride, block)
        solve_lines(flux, block, w, c, count, size, r, weight, shape)
        add_lines(total, first, count, size, stride, block)
        first += count


@per_flux
def semi_implicit(u, steps, tau, grid, shape):
    """u ← mean over the m axes of (I + m τ K_lᵀ diag(g(K_l u)) K_l)⁻¹ u, `steps` times, row by row.

    g = Φ(s)/s must be nonnegative: there is no pivoting.
    """
    tau, shape = to_type_of(u, tau, shape)
    sizes, strides, inverses = grid
    to, axes = u.dtype.type, sizes.size
    longest = sizes.max() if axes else 1
    blocks = np.empty((2, longest, LANES), u.dtype)
    work = blocks[0], blocks[1], np.empty((2, LANES), u.dtype)
    total = scratch(1, u.shape[1], u)[0][:u.shape[1]]
    for b in range(u.shape[0]):
        for _ in range(steps):
            total[:] = 0
            for axis in range(axes):
                r = to(inverses[axis])
                add_axis(flux, u[b], total, work, sizes[axis], strides[axis], r,
                         to(axes) * tau * r * r, shape)
            for i in range(total.size):
                u[b, i] = total[i] / to(axes)
