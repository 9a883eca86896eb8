"""Many explicit steps with the reflecting first difference, at the speed of the flux.

A tile of sites is stored in lanes: ``w[i * LANES + l]`` is site i of lane l, where a lane is a run
of consecutive sites of one signal, or a signal of a batch.  One pass over the rows of a tile is a
step of all lanes at once; every interface flux is computed once.  A tile stays in cache for many
steps; a tile that is only a part of its signal carries a halo of one site per step, which goes
wrong step by step from its end and is thrown away.  Operations and their order are those of
`stabkit.kernels.steps.explicit`, so are the bits.
"""

# ruff: noqa: F821 - the name `flux` is bound when a kernel is compiled
from __future__ import annotations

import numpy as np

from stabkit.kernels import inner
from stabkit.kernels.fluxes import per_flux
from stabkit.kernels.linear import NATURAL
from stabkit.kernels.steps import copy, explicit_row, scratch, typed

LANES = 32
TILE = 8192  # sites of a tile: 64 KiB of float64
BLOCK = 64  # steps in one visit of a tile
SHORT = 2048  # sites up to which a batch has a signal per lane


@inner
def step_rows(flux, w, carry, rows, step, shape):
    """Step the rows of w but the last; `carry` holds the fluxes before, in the end after them."""
    tau, r = step
    for i in range(rows - 1):
        row = w[i * LANES : (i + 2) * LANES]
        for lane in range(LANES):
            x = row[lane]
            f = flux(r * row[lane + LANES] - r * x, shape[0], shape[1])
            row[lane] = x - tau * (r * carry[lane] - r * f)
            carry[lane] = f


@inner
def step_tile(flux, w, edges, end, step, shape):
    """One step of a tile; edges[1] holds the fluxes after each lane, `end` is the last site."""
    carry, border = edges[0], edges[1]
    tau, r = step
    rows = w.size // LANES
    row, lane = end % rows, end // rows
    for k in range(LANES):
        carry[k] = border[k - 1] if k > 0 else w.dtype.type(0)
    step_rows(flux, w, carry, min(row + 1, rows), step, shape)
    if row < rows - 1:
        at = row * LANES + lane
        last = w[at] - tau * (r * carry[lane])
        step_rows(flux, w[row * LANES :], carry, 2, step, shape)
        w[at], carry[lane] = last, w.dtype.type(0)
        step_rows(flux, w[(row + 1) * LANES :], carry, rows - row - 1, step, shape)
    for k in range(LANES):
        at = (rows - 1) * LANES + k
        w[at] = w[at] - tau * (r * carry[k] - r * border[k])


@inner
def step_signal(flux, w, edges, end, steps, step, shape):
    """`steps` steps of a tile whose lanes follow one another in one signal."""
    border, r, rows = edges[1], step[1], w.size // LANES
    for _ in range(steps):
        for k in range(LANES - 1):
            s = r * w[k + 1] - r * w[(rows - 1) * LANES + k]
            border[k] = flux(s, shape[0], shape[1])
        border[LANES - 1] = w.dtype.type(0)
        if end % rows == rows - 1:
            border[end // rows] = w.dtype.type(0)
        step_tile(flux, w, edges, end, step, shape)


@inner
def load(u, w, rows):
    """Put consecutive runs of u into the lanes of w."""
    for k in range(LANES):
        for i in range(min(rows, max(0, u.size - k * rows))):
            w[i * LANES + k] = u[k * rows + i]


@inner
def store(u, w, rows, first, last):
    """Take sites first, …, last − 1 back from the lanes of w."""
    for k in range(LANES):
        for i in range(max(0, first - k * rows), min(rows, last - k * rows)):
            u[k * rows + i] = w[i * LANES + k]


@inner
def diffuse_signal(flux, u, work, edges, steps, step, shape):
    """`steps` steps of one signal, tile by tile, at most BLOCK at a time."""
    n = u.size
    w, strip, kept = work
    width = n if n <= 2 * TILE else TILE
    block = steps if width == n else BLOCK
    for done in range(0, steps, block):
        m = min(block, steps - done)
        for a in range(0, n, width):
            b = min(a + width, n)
            low, high = max(0, a - m), min(n, b + m)
            copy(strip[: a - low], kept[: a - low])
            copy(strip[a - low : high - low], u[a:high])
            if b < n:
                copy(kept[:m], u[b - m : b])
            size = high - low
            rows = (size + LANES - 1) // LANES
            load(strip[:size], w, rows)
            step_signal(flux, w[: rows * LANES], edges, size - 1, m, step, shape)
            store(strip, w, rows, a - low, b - low)
            copy(u[a:b], strip[a - low : b - low])


@inner
def diffuse_batch(flux, u, w, edges, steps, step, shape):
    """`steps` steps of LANES short signals at once."""
    n = u.shape[1]
    for i in range(n):
        for k in range(LANES):
            w[i * LANES + k] = u[k, i]
    for k in range(LANES):
        edges[1, k] = w.dtype.type(0)
    for _ in range(steps):
        step_tile(flux, w[: n * LANES], edges, n - 1, step, shape)
    for k in range(LANES):
        for i in range(n):
            u[k, i] = w[i * LANES + k]


@per_flux
def diffuse(u, steps, tau, r, shape):
    """`steps` explicit steps of every row of u, in place: K the reflecting difference, r = 1/h.

    A transposition is paid once per BLOCK steps; below 4 steps, or 256 sites of a lone signal,
    the plain loop runs.
    """
    tau, shape = typed(u, tau, shape)
    count, n = u.shape
    whole = count // LANES * LANES if n <= SHORT else 0
    tile = n if n <= 2 * TILE else TILE + 2 * BLOCK
    w = np.zeros(max(tile, n * LANES if whole > 0 else 0) + LANES, u.dtype)
    edges = np.zeros((2, LANES), u.dtype)
    work = w, np.empty(tile, u.dtype), np.empty(BLOCK, u.dtype)
    short = scratch(2, n + 1, u)
    for b in range(0, whole, LANES):
        diffuse_batch(flux, u[b : b + LANES], w, edges, steps, (tau, u.dtype.type(r)), shape)
    for b in range(whole, count):
        if n < 256 or steps < 4:
            explicit_row(flux, u[b], short, steps, tau, (NATURAL, (-r, r)), shape)
        else:
            diffuse_signal(flux, u[b], work, edges, steps, (tau, u.dtype.type(r)), shape)
