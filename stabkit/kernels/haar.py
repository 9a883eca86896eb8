"""Shift-invariant Haar shrinkage on the finest scale (alt2020, eq. (10))."""

# ruff: noqa: F821 - the name `flux` is bound when a kernel is compiled
from __future__ import annotations

from math import sqrt

from stabkit.kernels import inner
from stabkit.kernels.fluxes import per_flux
from stabkit.kernels.linear import PERIODIC

_ROOT = 1 / sqrt(2)


@inner
def shrink(flux, a, b, root, shape):
    """S((a − b)/√2) with S(r) = r − Φ(r): soft, hard, garrote shrinkage of the flux so named."""
    r = (a - b) * root
    return r - flux(r, shape[0], shape[1])


@inner
def haar_row(flux, f, u, shape, before, after):
    """u of one signal f, with the samples before the first and after the last."""
    to = f.dtype.type
    quarter, half, root, weight = to(0.25), to(2), to(_ROOT), to(_ROOT / 2)
    n = f.size
    left, middle, right = f[: n - 2], f[1 : n - 1], f[2:]
    inside = u[1 : n - 1]
    for i in range(n - 2):
        detail = (shrink(flux, middle[i], right[i], root, shape)
                  - shrink(flux, left[i], middle[i], root, shape))
        inside[i] = (left[i] + half * middle[i] + right[i]) * quarter + detail * weight
    for i in (0, n - 1):
        a = f[i - 1] if i > 0 else before
        b = f[i + 1] if i < n - 1 else after
        detail = shrink(flux, f[i], b, root, shape) - shrink(flux, a, f[i], root, shape)
        u[i] = (a + half * f[i] + b) * quarter + detail * weight


@per_flux
def haar(f, u, shape, boundary):
    """uᵢ = (f_{i−1} + 2fᵢ + f_{i+1})/4 + (S((fᵢ − f_{i+1})/√2) − S((f_{i−1} − fᵢ)/√2))/(2√2).

    For every row of f (B, N), into u.  S(r) = r − Φ(r) with the flux Φ of the code and shape =
    (θ, ·): codes 2, 5 and 4 are soft, hard and garrote shrinkage with threshold θ.  `boundary` is
    PERIODIC, or NATURAL: mirrored, f_0 = f_1 and f_{N+1} = f_N.
    """
    to = f.dtype.type
    shape = (to(shape[0]), to(shape[1]))
    n = f.shape[1]
    for b in range(f.shape[0]):
        first, last = f[b, 0], f[b, n - 1]
        before, after = (last, first) if boundary == PERIODIC else (first, last)
        haar_row(flux, f[b], u[b], shape, before, after)
