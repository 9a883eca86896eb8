"""The fluxes Φ(s), each with two parameters q and p, in the order of `FluxCode`.

q is the contrast parameter or threshold (a slope for `leaky_relu` and `linear`).  Every one maps
0 to 0 (for q > 0) and NaN to NaN.  1/q² is formed once, so the loops divide once per site.
"""

# ruff: noqa: F821 - the name `flux` is bound when a kernel is compiled
from __future__ import annotations

from typing import Any

import numpy as np

from stabkit.codes import FluxCode
from stabkit.kernels import Family
from stabkit.kernels.exponential import exponential
from stabkit.kernels.parts import inner

flux: Any  # the code of a flux, bound by number


@inner
def identity(s, q, p):
    """s."""
    return s


@inner
def charbonnier(s, q, p):
    """s / √(1 + s²/q²)."""
    one = type(s)(1)
    return s / np.sqrt(one + s * s * (one / (q * q)))


@inner
def soft(s, q, p):
    """s for |s| <= q, q sgn s beyond."""
    low = q if s > q else s  # in this form two instructions, which pass NaN on
    return -q if low < -q else low


@inner
def perona_malik(s, q, p):
    """s exp(−s²/(2q²))."""
    return s * exponential(-(s * s) * (type(s)(0.5) / (q * q)))


@inner
def garrote(s, q, p):
    """s for |s| <= q, q²/s beyond."""
    return q * q / s if abs(s) > q else s


@inner
def hard(s, q, p):
    """s for |s| <= q, 0 beyond."""
    return type(s)(0) if abs(s) > q else s


@inner
def rational(s, q, p):
    """s / (1 + s²/q²)."""
    one = type(s)(1)
    return s / (one + s * s * (one / (q * q)))


@inner
def weickert(s, q, p):
    """s − s exp(−3.31488 q⁸/s⁸), 0 at 0."""
    r = s * s * (type(s)(1) / (q * q))
    r = r * r
    return s - s * exponential(type(s)(-3.31488) / (r * r))


@inner
def leaky_relu(s, q, p):
    """s for s > 0, q s otherwise."""
    return q * s if s <= 0 else s


@inner
def tanh(s, q, p):
    """tanh s."""
    return np.tanh(s)


@inner
def linear(s, q, p):
    """q s."""
    return q * s


@inner
def firm(s, q, p):
    """s for |s| <= q, falling linearly to 0 at p > q, 0 beyond."""
    a = abs(s)
    fall = q / (p - q) * (p - a)
    outer = type(s)(0) if a >= p else (fall if s > 0 else -fall)
    return outer if a > q else s


FLUXES = tuple(globals()[code.name.lower()] for code in FluxCode)


def per_flux(function):
    """Make `function`, which calls ``flux(s, q, p)``, a kernel to be indexed by a flux code."""
    return Family(function, flux=FLUXES)


@inner
def bend(flux, s, f, shape):
    """f = Φ(s).

    f is not s: of a flux that is the identity somewhere the compiler would make a masked store.
    """
    for j in range(s.size):
        f[j] = flux(s[j], shape[0], shape[1])


@per_flux
def phi(s, f, shape):
    """f = Φ(s) for flat arrays; `shape` is (q, p)."""
    to = s.dtype.type
    bend(flux, s, f, (to(shape[0]), to(shape[1])))
