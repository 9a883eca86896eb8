"""Many steps with the reflecting first difference, at the speed of the flux.

A tile of sites is stored in lanes: site i of lane l is ``w[i * width + l]``, where a lane is a run
of consecutive sites of one signal, or a signal of a batch.  Schemes with a second state, u_{l−1}
of FSI or the start of a fixed point iteration, keep it LANES entries behind the first one.  One
pass over the rows of a tile is a step of all lanes at once; every interface flux is computed once.
A tile stays in cache for many steps; a tile that is only a part of its signal carries a halo of
one site per step, which goes wrong step by step from its end and is thrown away.  Operations and
their order are those of `stabkit.kernels.steps`, so are the bits.
"""

# ruff: noqa: F821 - the name `flux` is bound when a kernel is compiled
from __future__ import annotations

from typing import Any

import numpy as np
from numba.core.types import NoneType

from stabkit.kernels.fluxes import per_flux
from stabkit.kernels.parts import choose, inner
from stabkit.kernels.steps import copy, to_type_of

flux: Any  # the code of a flux, bound by number

LANES = 32
TWO = 2 * LANES  # the width of a row with two states
TILE = 16384  # numbers in a tile: 128 KiB of float64
BLOCK = 64  # steps in one visit of a tile, an even number
RUN = 64  # rows that are transposed together
SHORT = 2048  # sites up to which a batch has a signal per lane
BORDERS = 96  # sites that cost as much as a step's borders between the lanes of one signal


def apart(a, b, r):
    """r a − r b for r = 1/h, or a − b, which has the same bits, where None stands for 1."""


@choose(apart)
def _apart(a, b, r):
    if isinstance(r, NoneType):
        return lambda a, b, r: a - b
    return lambda a, b, r: r * a - r * b


def follow(down, old, step):
    """The new value: down = u − τ Kᵀ f, or α down + β old for step = (τ, r, α, β)."""


@choose(follow)
def _follow(down, old, step):
    if len(step) == 2:
        return lambda down, old, step: down
    return lambda down, old, step: step[2] * down + step[3] * old


@inner
def fill_borders(flux, first, last, edges, end, r, shape):
    """The fluxes from the last site of each lane to the first one of the next; the carry is 0."""
    carry, border, zero = edges[0], edges[1], edges.dtype.type(0)
    lane, chained = end[1], end[2]
    for k in range(carry.size):
        carry[k] = border[k] = zero
    if chained:
        for k in range(lane):
            border[k] = flux(apart(first[k + 1], last[k], r), shape[0], shape[1])
        for k in range(lane):
            carry[k + 1] = border[k]


def step_tile(flux, w, edges, end, step, shape, width, here, start, there):
    """One step of a tile.

    end = (row, lane, chained): where the last site is, and whether the lanes are one signal.
    `width` is that of a row; u, what τ Kᵀ f is taken from and what is replaced begin at `here`,
    `start` and `there` in it.  These four are constants to the compiler, so it vectorises the row.
    """


@choose(step_tile, prefer_literal=True)
def _step_tile(flux, w, edges, end, step, shape, width, here, start, there):
    WIDTH, HERE, START, THERE = (place.literal_value for place in (width, here, start, there))

    def one(flux, w, edges, end, step, shape, width, here, start, there):
        tau, r = step[0], step[1]
        carry, border = edges[0], edges[1]
        rows = (w.size + WIDTH - 1) // WIDTH  # w may begin within its first row
        row, lane = end[0], end[1]
        fill_borders(flux, w[HERE:], w[(rows - 1) * WIDTH + HERE:], edges, end, r, shape)
        done, last = 0, w.dtype.type(0)
        # The rows before the last site's, its row, those behind; no constant, or it is unrolled.
        for part in range(3 if row < rows - 1 else 1):
            at = row * WIDTH + lane
            if part == 1:
                down = w[at + START] - tau * apart(carry[lane], w.dtype.type(0), r)
                last = follow(down, w[at + THERE], step)
            until = min(rows - 1, (row, row + 1, rows)[part])
            for i in range(done, until - 1, 2):
                u = w[i * WIDTH : (i + 3) * WIDTH]
                for k in range(LANES):
                    below, here, above = u[k + HERE], u[k + HERE + WIDTH], u[k + HERE + 2 * WIDTH]
                    f = flux(apart(here, below, r), shape[0], shape[1])
                    g = flux(apart(above, here, r), shape[0], shape[1])
                    down = u[k + START] - tau * apart(carry[k], f, r)
                    u[k + THERE] = follow(down, u[k + THERE], step)
                    down = u[k + START + WIDTH] - tau * apart(f, g, r)
                    u[k + THERE + WIDTH] = follow(down, u[k + THERE + WIDTH], step)
                    carry[k] = g
            if (until - done) % 2 == 1:
                u = w[(until - 1) * WIDTH : (until + 1) * WIDTH]
                for k in range(LANES):
                    f = flux(apart(u[k + HERE + WIDTH], u[k + HERE], r), shape[0], shape[1])
                    down = u[k + START] - tau * apart(carry[k], f, r)
                    u[k + THERE] = follow(down, u[k + THERE], step)
                    carry[k] = f
            if part == 1:
                w[at + THERE], carry[lane] = last, w.dtype.type(0)
            done = until
        for k in range(carry.size):
            at = (rows - 1) * WIDTH + k
            down = w[at + START] - tau * apart(carry[k], border[k], r)
            w[at + THERE] = follow(down, w[at + THERE], step)

    return one


# -- schemes: step number k of a tile --------------------------------------------------------------
@inner
def explicit_step(flux, w, edges, end, k, step, shape):
    """u ← u − τ Kᵀ Φ(K u)."""
    step_tile(flux, w, edges, end, step, shape, LANES, 0, 0, 0)


@inner
def fixed_point_step(flux, w, edges, end, k, step, shape):
    """v ← u − τ Kᵀ Φ(K v), u being the second state."""
    step_tile(flux, w, edges, end, step, shape, TWO, 0, LANES, 0)


def fsi_swing(flux, w, edges, end, k, step, shape, width, other):
    """u_{k+1} takes the place of u_{k−1}: the states, at 0 and `other`, swap from step to step."""


@choose(fsi_swing, prefer_literal=True)
def _fsi_swing(flux, w, edges, end, k, step, shape, width, other):
    WIDTH, OTHER = width.literal_value, other.literal_value

    def one(flux, w, edges, end, k, step, shape, width, other):
        alpha, to = (4 * k + 2) / (2 * k + 3), w.dtype.type
        step = step[0], step[1], to(alpha), to(1 - alpha)
        if k % 2 == 0:
            step_tile(flux, w, edges, end, step, shape, WIDTH, 0, 0, OTHER)
        else:
            step_tile(flux, w, edges, end, step, shape, WIDTH, OTHER, OTHER, 0)

    return one


@inner
def fsi_step(flux, w, edges, end, k, step, shape):
    """One extrapolated step."""
    fsi_swing(flux, w, edges, end, k, step, shape, TWO, LANES)


# -- signals ---------------------------------------------------------------------------------------
@inner
def load(u, first, w, rows, width, lanes):
    """Put u into the lanes of w from site `first` on, RUN rows at a time: they stay in cache."""
    for top in range(0, rows, RUN):
        for k in range(lanes):
            at = k * rows - first
            for i in range(max(top, -at), min(top + RUN, rows, u.size - at)):
                w[i * width + k] = u[at + i]


@inner
def store(u, first, w, rows, width, lanes):
    """Take u back from there."""
    for top in range(0, rows, RUN):
        for k in range(lanes):
            at = k * rows - first
            for i in range(max(top, -at), min(top + RUN, rows, u.size - at)):
                u[at + i] = w[i * width + k]


@inner
def step_signal(flux, scheme, states, work, steps, step, shape):
    """`steps` steps of one signal, tile by tile, at most BLOCK at a time.

    states (S, N) are the states of the scheme, in the order of the lanes.
    """
    count, n = states.shape
    w, edges, kept = work
    lanes = edges.shape[1]
    width = count * lanes
    size = n if n <= 2 * TILE // count else TILE // count
    block = steps if size == n else BLOCK
    for done in range(0, steps, block):
        m = min(block, steps - done)
        for a in range(0, n, size):
            b = min(a + size, n)
            low, high = max(0, a - m), min(n, b + m)
            rows = (high - low + lanes - 1) // lanes
            tile = w[: rows * width]
            for s in range(count):
                load(kept[s, : a - low], 0, tile[s * lanes :], rows, width, lanes)
                load(states[s, a:high], a - low, tile[s * lanes :], rows, width, lanes)
                if b < n:
                    copy(kept[s, :m], states[s, b - m : b])
            end = (high - low - 1) % rows, (high - low - 1) // rows, True
            for k in range(done, done + m):
                scheme(flux, tile, edges, end, k, step, shape)
            for s in range(count):
                store(states[s, a:b], a - low, tile[s * lanes :], rows, width, lanes)


@inner
def step_batch(flux, scheme, u, work, steps, step, shape, count, result):
    """`steps` steps of at most LANES short signals at once, each being all states at first."""
    w, edges = work[0], work[1]
    n, lanes = u.shape[1], edges.shape[1]
    width = count * lanes
    for s in range(count):
        for k in range(u.shape[0]):
            for i in range(n):
                w[i * width + s * lanes + k] = u[k, i]
    end = n - 1, lanes - 1, False
    for k in range(steps):
        scheme(flux, w[: n * width], edges, end, k, step, shape)
    for k in range(u.shape[0]):
        for i in range(n):
            u[k, i] = w[i * width + result * lanes + k]


@inner
def step_rows(flux, scheme, u, steps, step, shape, count, result):
    """`steps` steps of every row of u, in place; state `result` of `count` is what they make."""
    batch, n = u.shape
    tile = min(n, 2 * TILE // count + 2 * BLOCK)
    sites = max(tile, n * LANES if n <= SHORT else 0) + LANES
    edges = np.empty((2, LANES), u.dtype)
    states = np.empty((count, 0 if count == 1 else n), u.dtype)
    work = np.zeros(count * sites, u.dtype), edges, np.empty((count, BLOCK), u.dtype)
    b = 0
    while b < batch:
        rows = u[b : b + LANES]
        if n <= SHORT and rows.shape[0] * (n + BORDERS) > LANES * n:
            step_batch(flux, scheme, rows, work, steps, step, shape, count, result)
            b += rows.shape[0]
            continue
        if count > 1:
            for s in range(count):
                copy(states[s], u[b])
        step_signal(flux, scheme, states if count > 1 else u[b : b + 1], work, steps, step, shape)
        if count > 1:
            copy(u[b], states[result])
        b += 1


# -- kernels ---------------------------------------------------------------------------------------
def spacing(r, u):
    """r in the type of u; None, for r = 1, stays."""


@choose(spacing)
def _spacing(r, u):
    if isinstance(r, NoneType):
        return lambda r, u: None
    return lambda r, u: u.dtype.type(r)


@per_flux
def explicit(u, steps, tau, r, shape):
    """`stabkit.kernels.steps.explicit` with the reflecting difference; r is 1/h, or None for 1."""
    tau, shape = to_type_of(u, tau, shape)
    step = tau, spacing(r, u)
    step_rows(flux, explicit_step, u, steps, step, shape, 1, 0)


@per_flux
def fixed_point(u, steps, tau, r, shape):
    """`stabkit.kernels.steps.fixed_point` with that difference."""
    tau, shape = to_type_of(u, tau, shape)
    step = tau, spacing(r, u)
    step_rows(flux, fixed_point_step, u, steps, step, shape, 2, 0)


@per_flux
def fsi(u, steps, tau, r, shape):
    """`stabkit.kernels.steps.fsi` with that difference, without freezing."""
    tau, shape = to_type_of(u, tau, shape)
    step = tau, spacing(r, u)
    step_rows(flux, fsi_step, u, steps, step, shape, 2, steps % 2)
