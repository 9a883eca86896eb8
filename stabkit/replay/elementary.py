"""Elementary functions of the checker's numbers, enclosed with Arb balls.

Each is a fraction where that is known exactly (``exp(0)``, ``sqrt(9/4)``), else an interval.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from flint import arb

from stabkit.errors import Undecided
from stabkit.replay.precision import precision
from stabkit.replay.reals import (
    INF,
    MAX_EXP,
    Interval,
    Undefined,
    ends,
    hull,
    infinite,
    interval,
    minimum,
    power,
    sign,
)
from stabkit.replay.work import current

EXACT = {  # function -> (argument, value)
    "exp": (0, 1), "log": (1, 0), "sin": (0, 0), "cos": (0, 1), "tanh": (0, 0), "atan": (0, 0),
    "erf": (0, 0),
}


def at(function: str, x: Fraction):
    """The value of one of Arb's functions at the fraction `x`."""
    if function in EXACT and x == EXACT[function][0]:
        return Fraction(EXACT[function][1])
    return _enclose(lambda: getattr(arb(x.numerator) / arb(x.denominator), function)())


def _enclose(calculate: Callable[[], arb]):
    """The ball that Arb calculates, as an interval, with the precision of the calculation."""
    work = current()
    work.spend(work.precision // 8)
    with precision(work.precision):
        ball = calculate()
        ends_of_ball = ball.lower(), ball.upper()
    if not ball.is_finite():
        raise Undecided(f"{ball} is not bounded")
    return interval(*map(_dyadic, ends_of_ball))


def _dyadic(end: arb) -> Fraction:
    mantissa, exponent = (int(part) for part in end.man_exp())
    return Fraction(mantissa << max(exponent, 0), 1 << max(-exponent, 0))


def pi():
    return _enclose(arb.pi)


def _image_if_increasing(function, x):
    """The image of `x` under an increasing function, given at endpoints."""
    lo, hi = ends(x)
    if lo == hi:
        return function(lo)
    return interval(ends(function(lo))[0], ends(function(hi))[1])


def exp(x):
    return _image_if_increasing(_exp, x)


def _exp(x):
    if abs(x) <= MAX_EXP:
        return at("exp", x)
    if infinite(x):
        return INF if x > 0 else Fraction(0)
    bound = at("exp", Fraction(MAX_EXP if x > 0 else -MAX_EXP))
    return Interval(bound.lo, INF) if x > 0 else Interval(Fraction(0), bound.hi)


def sqrt(x):
    _require_nonnegative("sqrt", x)
    return _image_if_increasing(_sqrt, x)


def _sqrt(x):
    if infinite(x):
        return INF
    root = Fraction(math.isqrt(x.numerator), math.isqrt(x.denominator))
    return root if root * root == x else at("sqrt", x)


def log(x):
    """The logarithm; on an interval that begins at 0 it is unbounded below."""
    _require_nonnegative("log", x)
    if ends(x)[1] == 0:
        raise Undefined("log of 0")
    return _image_if_increasing(_log, x)


def _log(x):
    if x == 0 or infinite(x):
        return INF if x else -INF
    return at("log", x)


def _require_nonnegative(function: str, x) -> None:
    lo, hi = ends(x)
    if hi < 0:
        raise Undefined(f"{function} of a negative number")
    if lo < 0:
        raise Undecided(f"{function} of a number that may be negative")


def tanh(x):
    return _image_if_increasing(lambda end: sign(end) if infinite(end) else at("tanh", end), x)


def erf(x):
    return _image_if_increasing(lambda end: sign(end) if infinite(end) else at("erf", end), x)


def atan(x):
    return _image_if_increasing(
        lambda end: sign(end) * pi() / 2 if infinite(end) else at("atan", end), x)


def sin(x):
    return _wave("sin", x, Fraction(1, 2))


def cos(x):
    return _wave("cos", x, Fraction(0))


def _wave(function: str, x, offset: Fraction):
    """sin or cos: the values at both ends, and (-1)**k wherever (k + offset) pi lies between."""
    lo, hi = ends(x)
    if lo == hi:
        return at(function, lo)
    if infinite(lo) or infinite(hi):
        return interval(Fraction(-1), Fraction(1))
    first = math.floor(ends(lo / pi())[0] - offset)
    last = math.floor(ends(hi / pi())[1] - offset)
    image = hull(at(function, lo), at(function, hi))
    for k in range(first + 1, min(last, first + 2) + 1):
        image = hull(image, Fraction((-1) ** k))
    return image


def decay(k: int, x):
    """x**k exp(-x) for x >= 0: it grows up to x = k and falls beyond."""
    _require_nonnegative("decay", x)
    lo, hi = ends(x)
    top = _decay(k, min(max(Fraction(k), lo), hi))
    if lo == hi:
        return top
    return interval(ends(minimum(_decay(k, lo), _decay(k, hi)))[0], ends(top)[1])


def _decay(k: int, x):
    return Fraction(0) if infinite(x) else power(x, Fraction(k)) * exp(-x)
