"""Many steps with the reflecting gradient of a grid, in any dimension, one pass over memory a step.

A signal holds the sites of a grid in C order; the neighbour of site p on an axis is p + stride.
`grid` is (sizes, strides, r) of the axes, r = 1/h; the first size is taken from the signal, so a
kernel serves a part of a grid as well.  A sweep takes CHUNK sites after another, whatever the rows
of the grid: fluxes to their neighbours are formed before they change and wait until the neighbour's
turn, so each flux is computed once and a step is made in place.  Operations and their order are
those of `stabkit.kernels.steps` with the gradient as a matrix, so are the bits.
"""

# ruff: noqa: F821 - the name `flux` is bound when a kernel is compiled
from __future__ import annotations

from typing import Any

from stabkit.kernels.difference_steps import follow
from stabkit.kernels.fluxes import per_flux
from stabkit.kernels.parts import inner
from stabkit.kernels.steps import copy, scratch, to_type_of

flux: Any  # the code of a flux, bound by number

CHUNK = 2048  # sites at a time: few enough to stay in cache, many for the vectors


@inner
def clear(f):
    """f = 0."""
    for j in range(f.size):
        f[j] = 0


@inner
def pass_far(flux, low, high, r, shape, waiting, total):
    """total += (waiting − f)/h with the fluxes f = Φ((high − low)/h), which wait from then on."""
    for j in range(total.size):
        fresh = flux(r * high[j] - r * low[j], shape[0], shape[1])
        total[j] = total[j] + r * waiting[j] - r * fresh
        waiting[j] = fresh


@inner
def end_axis(r, waiting, total):
    """The same at the end of an axis: no flux leaves, and none waits."""
    for j in range(total.size):
        total[j] = total[j] + r * waiting[j]
        waiting[j] = 0


@inner
def far_axis(flux, u, first, stride, size, r, shape, waiting, total):
    """Add the fluxes of an axis whose stride is CHUNK at least to `total`, from site `first` on."""
    at = 0
    while at < total.size:
        site = first + at
        place = site % stride
        count = min(total.size - at, stride - place)
        part, held = total[at:at + count], waiting[place:place + count]
        if site // stride % size == size - 1:
            end_axis(r, held, part)
        else:
            pass_far(flux, u[site:site + count], u[site + stride:site + stride + count], r, shape,
                     held, part)
        at += count


@inner
def form_fluxes(flux, u, first, count, stride, size, r, shape, f):
    """The fluxes from `count` sites, from `first` on, to f[stride:]; f has those before them.

    None leaves where the axis ends, that is every `size` strides.
    """
    inside = f[stride:stride + min(count, max(u.size - stride - first, 0))]
    low, high = u[first:first + inside.size], u[first + stride:first + stride + inside.size]
    for j in range(inside.size):
        inside[j] = flux(r * high[j] - r * low[j], shape[0], shape[1])
    period = stride * size
    end = first // period * period + period - stride  # the first site from which none leaves
    while end < first + count:
        for site in range(max(end, first), min(end + stride, first + count)):
            f[stride + site - first] = 0
        end += period


@inner
def add(arriving, leaving, r, total):
    """total += (arriving − leaving)/h."""
    for j in range(total.size):
        total[j] = total[j] + r * arriving[j] - r * leaving[j]


@inner
def land(v, start, f, r, step, total):
    """v = start − τ (total + (f[j] − f[j + 1])/h), or what `follow` makes of it.

    It is formed in `total`: v and start may be one array, which would keep the loop from being
    vectorised.
    """
    for j in range(total.size):
        down = start[j] - step[0] * (total[j] + r * f[j] - r * f[j + 1])
        total[j] = follow(down, v[j], step)
    copy(v, total)


@inner
def sweep_grid(flux, u, v, start, grid, work, step, shape):
    """One step from u: v = start − τ Kᵀ Φ(K u), or what `follow` makes of it.

    v and start may be u; `work` has a row for each axis and one more, `step` is as in `follow`.
    """
    sizes, strides, r = grid
    last, to = sizes.size - 1, u.dtype.type
    for axis in range(last + 1):
        clear(work[axis][:strides[axis]])
    for first in range(0, u.size, CHUNK):
        count = min(CHUNK, u.size - first)
        total = work[last + 1][:count]
        clear(total)
        for axis in range(last + 1):
            stride, inverse = strides[axis], to(r[axis])
            size = u.size // stride if axis == 0 else sizes[axis]
            held = work[axis][:stride + CHUNK]
            if stride >= CHUNK:
                far_axis(flux, u, first, stride, size, inverse, shape, held, total)
            else:
                form_fluxes(flux, u, first, count, stride, size, inverse, shape, held)
                if axis < last:
                    add(held, held[stride:], inverse, total)
                else:
                    land(v[first:first + count], start[first:first + count], held, inverse, step,
                         total)
                copy(held[:stride], held[count:count + stride])


@inner
def room(u, grid, more):
    """Space for a sweep, and for `more` arrays like a signal."""
    return scratch(grid[1].size + 1, grid[1][0] + CHUNK, u), scratch(more, u.shape[1], u)


@per_flux
def explicit(u, steps, tau, grid, shape):
    """u ← u − τ Kᵀ Φ(K u), `steps` times, for every row of the batch u."""
    tau, shape = to_type_of(u, tau, shape)
    work, _ = room(u, grid, 0)
    for b in range(u.shape[0]):
        for _ in range(steps):
            sweep_grid(flux, u[b], u[b], u[b], grid, work, (tau, tau), shape)


@per_flux
def fixed_point(u, steps, tau, grid, shape):
    """`steps` iterations v ← u − τ Kᵀ Φ(K v) from v = u, for every row of the batch u."""
    tau, shape = to_type_of(u, tau, shape)
    work, kept = room(u, grid, 1)
    start = kept[0][:u.shape[1]]
    for b in range(u.shape[0]):
        copy(start, u[b])
        for _ in range(steps):
            sweep_grid(flux, u[b], u[b], start, grid, work, (tau, tau), shape)


@per_flux
def fsi(u, steps, tau, grid, shape):
    """A cycle of FSI as `stabkit.kernels.steps.fsi`, without freezing, for every row of u."""
    tau, shape = to_type_of(u, tau, shape)
    work, kept = room(u, grid, 1)
    to = u.dtype.type
    for b in range(u.shape[0]):
        now, old = u[b], kept[0][:u.shape[1]]
        copy(old, now)
        for number in range(steps):
            alpha = (4 * number + 2) / (2 * number + 3)
            step = tau, tau, to(alpha), to(1 - alpha)
            sweep_grid(flux, now, old, now, grid, work, step, shape)
            now, old = old, now
        if steps % 2:
            copy(old, now)
