"""Explicit steps on a grid whose diffusivity depends on the length of the whole gradient.

A signal holds the sites of a grid in C order and `grid` is (sizes, strides, r) of the axes, as in
`stabkit.kernels.grid_steps`.  The edges of one line of an axis, or of the rows beside it, lie next
to each other in memory: loops run over them, CHUNK at a time.
"""

# ruff: noqa: F821 - the name `flux` is bound when a kernel is compiled
from __future__ import annotations

from typing import Any

import numpy as np

from stabkit.kernels.fluxes import per_flux
from stabkit.kernels.parts import inner
from stabkit.kernels.steps import scratch, to_type_of

flux: Any  # the code of a flux, bound by number

CHUNK = 2048  # edges at a time


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
def add_square(low, high, square):
    """square += ((low + high)/2)²."""
    half = square.dtype.type(0.5)
    for j in range(square.size):
        mean = half * (low[j] + high[j])
        square[j] = square[j] + mean * mean


@inner
def flow(flux, low, high, r, square, shape, f):
    """f = g(√(s² + square)) s/h with s = (high − low)/h and g(x) = Φ(x)/x, continued to 0."""
    tiny = f.dtype.type(2.0**-60)
    for j in range(f.size):
        s = r * high[j] - r * low[j]
        length = np.sqrt(s * s + square[j])
        length = tiny if length == 0 else length
        f[j] = flux(length, shape[0], shape[1]) / length * s * r


@inner
def accumulate(sign, f, total):
    """total += sign f."""
    for j in range(f.size):
        total[j] = total[j] + sign * f[j]


@inner
def add_edges(flux, u, axis, grid, slopes, shape, work, total):
    """total += Kᵀ(g ⊙ K u) for the edges along an axis."""
    sizes, strides, inverses = grid
    one, r = u.dtype.type(1), u.dtype.type(inverses[axis])
    stride, whole = strides[axis], sizes[axis] * strides[axis]
    for first in range(0, u.size, whole):
        last = first + whole - stride
        for a in range(first, last, CHUNK):
            b = min(a + CHUNK, last)
            square, f = work[0][:b - a], work[1][:b - a]
            square[:] = 0
            for other in range(sizes.size):
                if other != axis:
                    add_square(slopes[other][a:b], slopes[other][a + stride:b + stride], square)
            flow(flux, u[a:b], u[a + stride:b + stride], r, square, shape, f)
            accumulate(-one, f, total[a:b])
            accumulate(one, f, total[a + stride:b + stride])


@per_flux
def isotropic(u, steps, tau, grid, shape):
    """u ← u − τ Kᵀ(g(|∇u|) ⊙ K u), `steps` times, for every row of the batch u."""
    tau, shape = to_type_of(u, tau, shape)
    sizes, strides, inverses = grid
    slopes = scratch(sizes.size + 1, u.shape[1], u)
    work = scratch(2, CHUNK, u)
    total = slopes[sizes.size][:u.shape[1]]
    for b in range(u.shape[0]):
        for _ in range(steps):
            for axis in range(sizes.size):
                central(u[b], sizes[axis], strides[axis], u.dtype.type(inverses[axis]),
                        slopes[axis][:u.shape[1]])
            total[:] = 0
            for axis in range(sizes.size):
                add_edges(flux, u[b], axis, grid, slopes, shape, work, total)
            accumulate(-tau, total, u[b])
