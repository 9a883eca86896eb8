"""Diffusion steps T(u) = u − τ Kᵀ Φ(K u) and what is made of them.

Each kernel changes the rows of a batch u (B, N) in place.  `K` is an operator in a form of
`stabkit.kernels.linear`, `shape` the parameters (q, p) of the flux.
"""

# ruff: noqa: F821 - the name `flux` is bound when a kernel is compiled
from __future__ import annotations

import numpy as np

from stabkit.kernels import inner
from stabkit.kernels.fluxes import bend, per_flux
from stabkit.kernels.linear import apply, height, pull


@inner
def scratch(count, size, like):
    """`count` arrays of at least `size`, an odd number of half pages apart: no 4K aliasing."""
    half = 2048 // like.itemsize
    stride = (size // half + 2) // 2 * 2 * half + half
    return np.empty((count, stride), like.dtype)


@inner
def typed(u, tau, shape):
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
    """The diffusivities g = Φ(s)/s, continued to s = 0 by a tiny s."""
    tiny = s.dtype.type(2.0**-60)
    for j in range(s.size):
        g[j] = tiny if s[j] == 0 else s[j]
    bend(flux, g, shape)
    for j in range(s.size):
        g[j] = g[j] / (tiny if s[j] == 0 else s[j])


@inner
def descend(v, u, f, tau, K):
    """v = u − τ Kᵀ f."""
    for i in range(u.size):
        v[i] = u[i] - tau * pull(K, f, i)


@inner
def explicit_row(flux, u, work, steps, tau, K, shape):
    """`steps` explicit steps of one signal."""
    f = work[0][: height(K, u.size)]
    for _ in range(steps):
        apply(K, u, f)
        bend(flux, f, shape)
        descend(u, u, f, tau, K)


@inner
def extrapolate(old, u, f, tau, K, step):
    """old = α (u − τ Kᵀ f) + (1 − α) old with α = (4l + 2)/(2l + 3)."""
    alpha = (4 * step + 2) / (2 * step + 3)
    a, b = u.dtype.type(alpha), u.dtype.type(1 - alpha)
    for i in range(u.size):
        old[i] = a * (u[i] - tau * pull(K, f, i)) + b * old[i]


@inner
def fsi_row(flux, u, work, steps, tau, K, shape, frozen):
    """One cycle of `steps` extrapolated steps of one signal."""
    f, g = work[0][: height(K, u.size)], work[1][: height(K, u.size)]
    old = work[2][: u.size]
    copy(old, u)
    if frozen:
        apply(K, u, f)
        freeze(flux, f, g, shape)
    for step in range(steps):
        apply(K, u, f)
        if frozen:
            for j in range(f.size):
                f[j] = g[j] * f[j]
        else:
            bend(flux, f, shape)
        extrapolate(old, u, f, tau, K, step)
        u, old = old, u
    if steps % 2:
        copy(old, u)


@inner
def fixed_point_row(flux, u, work, steps, tau, K, shape):
    """`steps` iterations v ← u − τ Kᵀ Φ(K v) from v = u, for one signal."""
    f, start = work[0][: height(K, u.size)], work[1][: u.size]
    copy(start, u)
    for _ in range(steps):
        apply(K, u, f)
        bend(flux, f, shape)
        descend(u, start, f, tau, K)


@per_flux
def explicit(u, steps, tau, K, shape):
    """u ← u − τ Kᵀ Φ(K u), `steps` times, for every row."""
    tau, shape = typed(u, tau, shape)
    work = scratch(1, max(u.shape[1], height(K, u.shape[1])), u)
    for b in range(u.shape[0]):
        explicit_row(flux, u[b], work, steps, tau, K, shape)


@per_flux
def fsi(u, steps, tau, K, shape, frozen):
    """One FSI cycle u_{l+1} = α_l (u_l − τ Kᵀ Φ(K u_l)) + (1 − α_l) u_{l−1} for every row.

    α_l = (4l + 2)/(2l + 3), u_{−1} = u_0, l = 0, …, steps − 1.  If `frozen`, Φ(K u_l) is replaced
    by g · K u_l with the diffusivities g = Φ(s)/s at s = K u_0.
    """
    tau, shape = typed(u, tau, shape)
    work = scratch(3, max(u.shape[1], height(K, u.shape[1])), u)
    for b in range(u.shape[0]):
        fsi_row(flux, u[b], work, steps, tau, K, shape, frozen)


@per_flux
def fixed_point(u, steps, tau, K, shape):
    """`steps` iterations v ← u − τ Kᵀ Φ(K v), from v = u, for every row; v replaces u."""
    tau, shape = typed(u, tau, shape)
    work = scratch(2, max(u.shape[1], height(K, u.shape[1])), u)
    for b in range(u.shape[0]):
        fixed_point_row(flux, u[b], work, steps, tau, K, shape)
