"""The diffusivities g = Φ(s)/s of the fluxes as fractions, in the order of `FluxCode`.

Each gives numerator and denominator, which is positive, from s and its square: whoever divides
anyway, divides once for both, and nobody asks for the root of a squared length where the square
will do.  q and p are as in `stabkit.kernels.fluxes`; at 0 it is the limit from above.
"""

# ruff: noqa: F821 - the name `g` is bound when a kernel is compiled
from __future__ import annotations

from typing import Any

import numpy as np

from stabkit.codes import FluxCode
from stabkit.kernels import Family
from stabkit.kernels.exponential import exponential
from stabkit.kernels.parts import inner

g: Any  # the diffusivity of a flux, bound by number


@inner
def identity(s, square, q, p):
    """1."""
    one = type(s)(1)
    return one, one


@inner
def charbonnier(s, square, q, p):
    """1 / √(1 + s²/q²)."""
    one = type(s)(1)
    return one, np.sqrt(one + square * (one / (q * q)))


@inner
def soft(s, square, q, p):
    """1 for |s| <= q, q/|s| beyond."""
    one, a = type(s)(1), abs(s)
    return (q if a > q else one), (a if a > q else one)


@inner
def perona_malik(s, square, q, p):
    """exp(−s²/(2q²))."""
    return exponential(-square * (type(s)(0.5) / (q * q))), type(s)(1)


@inner
def garrote(s, square, q, p):
    """1 for |s| <= q, q²/s² beyond."""
    one, a = type(s)(1), abs(s)
    return (q * q if a > q else one), (square if a > q else one)


@inner
def hard(s, square, q, p):
    """1 for |s| <= q, 0 beyond."""
    one = type(s)(1)
    return (type(s)(0) if abs(s) > q else one), one


@inner
def rational(s, square, q, p):
    """1 / (1 + s²/q²)."""
    one = type(s)(1)
    return one, one + square * (one / (q * q))


@inner
def weickert(s, square, q, p):
    """1 − exp(−3.31488 q⁸/s⁸)."""
    one = type(s)(1)
    r = square * (one / (q * q))
    r = r * r
    return one - exponential(type(s)(-3.31488) / (r * r)), one


@inner
def leaky_relu(s, square, q, p):
    """1 for s >= 0, q otherwise."""
    one = type(s)(1)
    return (q if s < 0 else one), one


@inner
def tanh(s, square, q, p):
    """tanh(s)/s."""
    a = abs(s)
    a = type(s)(2.0**-60) if a == 0 else a
    return np.tanh(a), a


@inner
def linear(s, square, q, p):
    """q."""
    return q, type(s)(1)


@inner
def firm(s, square, q, p):
    """1 for |s| <= q, q (p/|s| − 1)/(p − q) up to p > q, 0 beyond."""
    one, a = type(s)(1), abs(s)
    outer = type(s)(0) if a >= p else q * (p - a)
    return (outer if a > q else one), ((p - q) * a if a > q else one)


DIFFUSIVITIES = tuple(globals()[code.name.lower()] for code in FluxCode)


def per_diffusivity(function):
    """Make `function`, which calls ``g(s, s², q, p)``, a kernel to be indexed by a flux code."""
    return Family(function, g=DIFFUSIVITIES)


@per_diffusivity
def diffusivity(s, out, shape):
    """out = g(s) for flat arrays; `shape` is (q, p)."""
    to = s.dtype.type
    q, p = to(shape[0]), to(shape[1])
    for j in range(s.size):
        above, below = g(s[j], s[j] * s[j], q, p)
        out[j] = above / below
