"""Shift-invariant Haar shrinkage on the finest scale (alt2020, eq. (10))."""

# ruff: noqa: F821 - the name `flux` is bound when a kernel is compiled
from __future__ import annotations

from math import sqrt
from typing import Any

from numba.core.types import NoneType

from stabkit.kernels.fluxes import per_flux
from stabkit.kernels.linear import PERIODIC
from stabkit.kernels.parts import choose, inner

flux: Any  # the code of a flux, bound by number

_ROOT = 1 / sqrt(2)


def times(weight, x):
    """weight x, or x, which has the same bits, where None stands for 1."""


@choose(times)
def _times(weight, x):
    if isinstance(weight, NoneType):
        return lambda weight, x: x
    return lambda weight, x: type(x)(weight) * x


@inner
def shrink(flux, a, b, root, weight, shape):
    """S((a − b)/√2) with S(r) = r − weight Φ(r)."""
    r = (a - b) * root
    return r - times(weight, flux(r, shape[0], shape[1]))


@inner
def haar_row(flux, f, u, weight, shape, before, after):
    """u of one signal f, with the samples before the first and after the last."""
    to = f.dtype.type
    quarter, two, root, half = to(0.25), to(2), to(_ROOT), to(_ROOT / 2)
    n = f.size
    left, middle, right = f[: n - 2], f[1 : n - 1], f[2:]
    inside = u[1 : n - 1]
    for i in range(n - 2):
        detail = (shrink(flux, middle[i], right[i], root, weight, shape)
                  - shrink(flux, left[i], middle[i], root, weight, shape))
        inside[i] = (left[i] + two * middle[i] + right[i]) * quarter + detail * half
    for i in (0, n - 1):
        a = f[i - 1] if i > 0 else before
        b = f[i + 1] if i < n - 1 else after
        detail = (shrink(flux, f[i], b, root, weight, shape)
                  - shrink(flux, a, f[i], root, weight, shape))
        u[i] = (a + two * f[i] + b) * quarter + detail * half


@per_flux
def haar(f, u, weight, shape, boundary):
    """uᵢ = (f_{i−1} + 2fᵢ + f_{i+1})/4 + (S((fᵢ − f_{i+1})/√2) − S((f_{i−1} − fᵢ)/√2))/(2√2).

    For every row of f (B, N), into u.  S(r) = r − weight Φ(r) with the flux Φ of the code: for
    weight 1, or None for it, and shape (θ, ·) codes 2, 5 and 4 are soft, hard and garrote shrinkage
    with threshold θ.  `boundary` is PERIODIC, or NATURAL: mirrored, f_0 = f_1 and f_{N+1} = f_N.
    """
    to = f.dtype.type
    shape = to(shape[0]), to(shape[1])
    n = f.shape[1]
    for b in range(f.shape[0]):
        first, last = f[b, 0], f[b, n - 1]
        before, after = (last, first) if boundary == PERIODIC else (first, last)
        haar_row(flux, f[b], u[b], weight, shape, before, after)
