"""Diffusion steps T(u) = u − τ Kᵀ Φ(K u) and what is made of them.

Each kernel changes the rows of a batch u (B, N) in place.  `K` is an operator in a form of
`stabkit.kernels.linear`, `shape` the parameters (q, p) of the flux.
"""

# ruff: noqa: F821 - the name `flux` is bound when a kernel is compiled
from __future__ import annotations

from typing import Any

import numpy as np
from numba.core.types import NoneType

from stabkit.kernels.fluxes import bend, per_flux
from stabkit.kernels.linear import (
    LANES,
    apply,
    apply_edges,
    apply_inside,
    height,
    is_laned,
    is_stencil,
    lane_row,
    lanes_of,
    pull,
)
from stabkit.kernels.parts import choose, inner

flux: Any  # the code of a flux, bound by number

BLOCK = 512  # fluxes formed at a time: 4 KiB of float64


@inner
def scratch(count, size, like):
    """`count` arrays of at least `size`, an odd number of half pages apart: no 4K aliasing."""
    half = 2048 // like.itemsize
    stride = (size // half + 2) // 2 * 2 * half + half
    return np.empty((count, stride), like.dtype)


@inner
def to_type_of(u, tau, shape):
    """Step size and flux parameters in the type of u."""
    to = u.dtype.type
    return to(tau), (to(shape[0]), to(shape[1]))


@inner
def copy(v, u):
    """v = u."""
    for i in range(u.size):
        v[i] = u[i]


@inner
def freeze(flux, s, g, shape):
    """The diffusivities g = Φ(s)/s, continued to s = 0 by a tiny s, which takes its place."""
    tiny = s.dtype.type(2.0**-60)
    for j in range(s.size):
        s[j] = tiny if s[j] == 0 else s[j]
    bend(flux, s, g, shape)
    for j in range(s.size):
        g[j] = g[j] / s[j]


def update(v, u, f, K, step):
    """v = u − τ Kᵀ f for step = (τ,), v = α (u − τ Kᵀ f) + β v for step = (τ, α, β)."""


def _descend(v, u, f, K, step):
    for i in range(v.size):
        v[i] = u[i] - step[0] * pull(K, f, i)


def _extrapolate(v, u, f, K, step):
    for i in range(v.size):
        v[i] = step[1] * (u[i] - step[0] * pull(K, f, i)) + step[2] * v[i]


def _descend_lanes(v, u, f, K, step):
    for i in range(v.size // LANES):
        lane_row(K[3], K[4], K[5], f, i, K[6])
        after, before = lanes_of(v, i), lanes_of(u, i)
        for lane in range(after.size):
            after[lane] = before[lane] - step[0] * K[6][lane]


def _extrapolate_lanes(v, u, f, K, step):
    for i in range(v.size // LANES):
        lane_row(K[3], K[4], K[5], f, i, K[6])
        after, before = lanes_of(v, i), lanes_of(u, i)
        for lane in range(after.size):
            down = before[lane] - step[0] * K[6][lane]
            after[lane] = step[1] * down + step[2] * after[lane]


@choose(update)
def _update(v, u, f, K, step):
    if is_laned(K):
        return _descend_lanes if len(step) == 1 else _extrapolate_lanes
    return _descend if len(step) == 1 else _extrapolate


def respond(flux, s, f, g, shape):
    """f = Φ(s), or f = g s where diffusivities g are given."""


def _scale(flux, s, f, g, shape):
    for j in range(s.size):
        f[j] = g[j] * s[j]


@choose(respond)
def _respond(flux, s, f, g, shape):
    if isinstance(g, NoneType):
        return lambda flux, s, f, g, shape: bend(flux, s, f, shape)
    return _scale


def sweep(flux, u, images, work, K, step, shape):
    """One step: images = (v, start), v = start − τ Kᵀ Φ(K u) or as `update` says.

    v, start and u may be the same array; work = (s, f, g) with g as in `respond`.
    """


def _sweep_blocks(flux, u, images, work, K, step, shape):
    # Fluxes are formed block by block, each a little ahead of the sites it changes, in cache.
    v, start = images
    s, f, g = work
    n, edge = u.size, len(K[1]) - 1
    apply_edges(K, u, s)
    last = max(n, edge)
    respond(flux, s[:edge], f[:edge], part(g, 0, edge), shape)
    respond(flux, s[last:n + edge], f[last:n + edge], part(g, last, n + edge), shape)
    done = 0
    for a in range(edge, n, BLOCK):
        b = min(a + BLOCK, n)
        apply_inside(K, u[a - edge:], s[:b - a])
        respond(flux, s[:b - a], f[a:b], part(g, a, b), shape)
        update(v[done:b - edge], start[done:b - edge], f[done:], K, step)
        done = b - edge
    update(v[done:], start[done:], f[done:], K, step)


def _sweep_whole(flux, u, images, work, K, step, shape):
    s, f, g = work
    apply(K, u, s)
    respond(flux, s, f, g, shape)
    update(images[0], images[1], f, K, step)


@choose(sweep)
def _sweep(flux, u, images, work, K, step, shape):
    return _sweep_blocks if is_stencil(K) else _sweep_whole


def part(g, first, last):
    """g[first:last], nothing of nothing."""


@choose(part)
def _part(g, first, last):
    if isinstance(g, NoneType):
        return lambda g, first, last: None
    return lambda g, first, last: g[first:last]


@inner
def explicit_row(flux, u, work, steps, tau, K, shape):
    """`steps` explicit steps of one signal."""
    m = height(K, u.size)
    for _ in range(steps):
        sweep(flux, u, (u, u), (work[0][:m], work[1][:m], None), K, (tau,), shape)


@inner
def fsi_row(flux, u, work, steps, tau, K, shape, g):
    """One cycle of `steps` extrapolated steps of one signal, with diffusivities as in `respond`."""
    m = height(K, u.size)
    s, f, old = work[0][:m], work[1][:m], work[2][:u.size]
    copy(old, u)
    for step in range(steps):
        alpha = (4 * step + 2) / (2 * step + 3)
        how = tau, u.dtype.type(alpha), u.dtype.type(1 - alpha)
        sweep(flux, u, (old, u), (s, f, g), K, how, shape)
        u, old = old, u
    if steps % 2:
        copy(old, u)


@inner
def free_fsi_row(flux, u, work, steps, tau, K, shape):
    """The fluxes are formed anew in every step."""
    fsi_row(flux, u, work, steps, tau, K, shape, None)


@inner
def frozen_fsi_row(flux, u, work, steps, tau, K, shape):
    """The diffusivities of u are kept."""
    m = height(K, u.size)
    s, g = work[0][:m], work[3][:m]
    apply(K, u, s)
    freeze(flux, s, g, shape)
    fsi_row(flux, u, work, steps, tau, K, shape, g)


@inner
def fixed_point_row(flux, u, work, steps, tau, K, shape):
    """`steps` iterations v ← u − τ Kᵀ Φ(K v) from v = u, for one signal."""
    m, start = height(K, u.size), work[2][:u.size]
    copy(start, u)
    for _ in range(steps):
        sweep(flux, u, (u, start), (work[0][:m], work[1][:m], None), K, (tau,), shape)


@per_flux
def explicit(u, steps, tau, K, shape):
    """u ← u − τ Kᵀ Φ(K u), `steps` times, for every row."""
    tau, shape = to_type_of(u, tau, shape)
    work = scratch(2, max(u.shape[1], height(K, u.shape[1])), u)
    for b in range(u.shape[0]):
        explicit_row(flux, u[b], work, steps, tau, K, shape)


@per_flux
def fsi(u, steps, tau, K, shape):
    """One FSI cycle u_{l+1} = α_l (u_l − τ Kᵀ Φ(K u_l)) + (1 − α_l) u_{l−1} for every row.

    α_l = (4l + 2)/(2l + 3), u_{−1} = u_0, l = 0, …, steps − 1.
    """
    tau, shape = to_type_of(u, tau, shape)
    work = scratch(3, max(u.shape[1], height(K, u.shape[1])), u)
    for b in range(u.shape[0]):
        free_fsi_row(flux, u[b], work, steps, tau, K, shape)


@per_flux
def frozen_fsi(u, steps, tau, K, shape):
    """The same with g · K u_l for Φ(K u_l), the diffusivities g = Φ(s)/s being those of K u_0."""
    tau, shape = to_type_of(u, tau, shape)
    work = scratch(4, max(u.shape[1], height(K, u.shape[1])), u)
    for b in range(u.shape[0]):
        frozen_fsi_row(flux, u[b], work, steps, tau, K, shape)


@per_flux
def fixed_point(u, steps, tau, K, shape):
    """`steps` iterations v ← u − τ Kᵀ Φ(K v), from v = u, for every row; v replaces u."""
    tau, shape = to_type_of(u, tau, shape)
    work = scratch(3, max(u.shape[1], height(K, u.shape[1])), u)
    for b in range(u.shape[0]):
        fixed_point_row(flux, u[b], work, steps, tau, K, shape)
