"""Fluxes with diffusivities in [0, c] whose slopes are of no help: they fall steeply, or jump.

Each is c times one of the dictionary, found from values of a formula and proved to be it.
"""

from __future__ import annotations

from fractions import Fraction
from math import inf, isqrt

import numpy as np

from stabkit.arithmetic.enclosure import Interval, precision
from stabkit.arithmetic.rational import Constant
from stabkit.fluxes.dictionary import decay
from stabkit.fluxes.expression import VARIABLE, Expression
from stabkit.fluxes.flux import Facts, Flux, Piece
from stabkit.fluxes.vanishing import vanishes

_DIGITS = 1 << 80  # of the denominator of a parameter
_NEAR, _TINY = Fraction(1, 64), Fraction(1, 2**40)


def _number(value: object) -> Fraction:
    interval = Interval(0) + value
    return ((interval.lower + interval.upper) / 2).limit_denominator(_DIGITS)


def _uses(formula: Expression, *operations: str) -> bool:
    return any(part.operation in operations for part in formula.parts())


def _factor(formula: Expression, at: Fraction) -> Fraction | None:
    """c > 0 with Φ(s) = c s at a number so near to 0 that nothing else is seen there."""
    with precision(512):
        found = _number(formula.at(at) / at)
    return found if found > 0 else None


def biweight(formula: Expression, name: str) -> Flux | None:
    """c s (1 − s²/q²)² for |s| <= q, 0 beyond: Tukey's."""
    if not _uses(formula, "max", "min", "where"):
        return None
    with precision(512):
        slope = formula.derivative.at(Fraction(0))
    c = _number(slope)
    if c <= 0:
        return None
    with precision(512):
        root = (Interval(0) + formula.at(_NEAR) / (c * _NEAR)).sqrt()
        square = _number(_NEAR**2 / (1 - root))
    q, k, over = Fraction(isqrt(square.numerator), isqrt(square.denominator)), Constant(c), \
        Constant(1 / square)
    inside = k * VARIABLE * (1 - over * VARIABLE**2) ** 2
    if q**2 != square or not vanishes(formula - inside, -q, q) or not _ends(formula, q):
        return None
    return Flux("tukey", [
        Piece(q, inside, lambda s: k * (1 - over * s**2) ** 2, None,
              lambda s: k * (1 - over * s**2 * (6 - 5 * (over * s**2)))),
        _nothing()],
        Facts(True, (Fraction(-401, 500) * c, c), (Fraction(0), c), smooth=True),
        {"edge": q, "factor": c})


def eighth_power(formula: Expression, name: str) -> Flux | None:
    """c s (1 − exp(−w/s⁸)): Weickert's."""
    c = _factor(formula, _NEAR) if _uses(formula, "exp") else None
    if c is None:
        return None
    with precision(512):
        w = Constant(_number(-(1 - Interval(0) - formula.at(Fraction(1)) / c).log()))
    k = Constant(c)

    def fall(s: Expression) -> Expression:
        return np.exp(-w / s**8)

    if w <= 0 or not vanishes(formula - k * VARIABLE * (1 - fall(VARIABLE)), -inf, inf):
        return None
    return Flux("weickert", [
        _line(Fraction(0), k),
        Piece(None, lambda s: k * s - k * s * fall(s), lambda s: k - k * fall(s), None,
              lambda s: k - k * fall(s) - 8 * (k * decay(1, w / s**8)))],
        Facts(True, (Fraction(-467, 200) * c, c), (Fraction(0), c), smooth=True),
        {"weight": w, "factor": c})


def hard(formula: Expression, name: str) -> Flux | None:
    """c s for |s| <= q, 0 beyond, as written by a choice."""
    c = _factor(formula, _TINY) if _uses(formula, "where") else None
    q = c and _end(formula)
    if c is None or q is None:
        return None
    k = Constant(c)
    if formula.at(q) != c * q or formula.at(-q) != -c * q or \
            not vanishes(formula - k * VARIABLE, -q, q) or not _ends(formula, q):
        return None
    return Flux("hard", [_line(q, k), _nothing()],
                Facts(True, (Fraction(0), c), (Fraction(0), c), continuous=False),
                {"threshold": q, "factor": c})


def firm(formula: Expression, name: str) -> Flux | None:
    """c s for |s| <= q₁, then a line down to 0 at q₂: the firm one."""
    c = _factor(formula, _TINY) if _uses(formula, "max", "min", "where") else None
    q2 = c and _end(formula)
    if c is None or q2 is None:
        return None
    fall = -Fraction(formula.derivative.at(q2 * (1 - _NEAR**4))) / c
    if fall <= 0:
        return None
    q1, k, end, down = q2 * fall / (1 + fall), Constant(c), Constant(q2), Constant(c * fall)
    if not vanishes(formula - k * VARIABLE, -q1, q1) or not _ends(formula, q2) or not all(
            vanishes(formula - down * (sign * end - VARIABLE), *cell)
            for sign, cell in ((1, (q1, q2)), (-1, (-q2, -q1)))):
        return None
    return Flux("firm", [
        _line(q1, k), Piece(q2, lambda s: down * (end - abs(s)) * s / abs(s),
                            lambda s: down * (end - abs(s)) / abs(s), None, lambda s: 0 * s - down),
        _nothing()],
        Facts(True, (-c * fall, c), (Fraction(0), c)), {"lower": q1, "upper": q2, "factor": c})


def _end(formula: Expression) -> Fraction | None:
    """The number from which a formula is 0, if there is one: some float of the file."""
    low, high = _TINY, 1 / _TINY
    if formula.at(high) != 0:
        return None
    while high - low > low / 2**60:
        middle = (low + high) / 2
        low, high = (low, middle) if formula.at(middle) == 0 else (middle, high)
    return high.limit_denominator(1 << 53)


def _ends(formula: Expression, q: Fraction) -> bool:
    return all(vanishes(formula, *cell, inside=True) for cell in ((-inf, -q), (q, inf)))


def _line(upto: Fraction, k: Constant) -> Piece:
    return Piece(upto, lambda s: k * s, lambda s: k + 0 * s, None, lambda s: k + 0 * s)


def _nothing() -> Piece:
    return Piece(None, *(lambda s: 0 * s,) * 2, None, lambda s: 0 * s)
