"""The exponential function of vectorised loops, with the same bits on every machine.

e^x = 2^k e^r with k = round(x / ln 2) and |r| <= ln 2 / 2; ln 2 is split in two (Cody and Waite
1980), e^r is its Taylor polynomial of degree 13.  Its terms are paired by Estrin's scheme, but for
the last two: Horner's chain of 13 would leave the processor waiting.  Every fused multiply-add is
asked for by name, so no compiler option changes a bit.  At most 1 ulp from e^x; 0 below x = −708.
"""

from __future__ import annotations

from collections.abc import Callable
from math import factorial

import numpy as np
from numba.core.types import float64, int64
from numba.extending import intrinsic

from stabkit.kernels.parts import inner

#: A function of its own arguments, for type checkers too.
instruction: Callable[[Callable], Callable] = intrinsic

_LOG2E = 1.4426950408889634
_LN2_HIGH, _LN2_LOW = 0.693147180369123816490, 1.90821492927058770002e-10
SHIFT = 1.5 * 2.0**52  # adding it rounds to an integer, found in the low bits
_LOWEST, _HIGHEST = -708.0, 709.782712893384
_TAYLOR = tuple(1.0 / factorial(k) for k in range(14))


@instruction
def fma(context, a, b, c):
    """a b + c, rounded once."""
    return float64(float64, float64, float64), lambda _, builder, __, parts: builder.fma(*parts)


@instruction
def times_power(context, x, k):
    """x 2ᵏ for a normal result: k, the lowest bits of a float, goes to the exponent of x."""
    def generate(context, builder, signature, parts):
        word, real = context.get_value_type(int64), context.get_value_type(float64)
        bits, power = (builder.bitcast(part, word) for part in parts)
        shifted = builder.shl(power, word(52))
        return builder.bitcast(builder.add(bits, shifted), real)

    return float64(float64, float64), generate


@inner
def pair(k, r):
    """Terms k and k + 1 of the Taylor polynomial, over rᵏ."""
    return fma(_TAYLOR[k + 1], r, _TAYLOR[k])


@inner
def taylor(r):
    """1 + r + r²/2! + … + r¹³/13!."""
    r2 = r * r
    r4 = r2 * r2
    low = fma(pair(4, r), r2, pair(2, r))
    middle = fma(pair(8, r), r2, pair(6, r))
    high = fma(pair(12, r), r2, pair(10, r))
    tail = fma(fma(high, r4, middle), r4, low)
    return fma(fma(tail, r, 1.0), r, 1.0)


@inner
def exponential(x):
    """e^x, in the type of x."""
    y = np.float64(x)
    shifted = fma(y, _LOG2E, SHIFT)
    k = shifted - SHIFT
    p = taylor(fma(-k, _LN2_LOW, fma(-k, _LN2_HIGH, y)))
    e = times_power(p, shifted)
    e = 0.0 if y < _LOWEST else (np.inf if y > _HIGHEST else e)
    # p of a NaN is one; with y in its place the compiler would mask the store, which is slow
    return type(x)(e if y == y else p)
