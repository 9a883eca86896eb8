"""Bernstein's form of a polynomial on the unit cube: its coefficients bound it from both sides.

On 0 <= y <= 1 the polynomial Σⱼ cⱼ yʲ of degree n is Σᵢ bᵢ C(n, i) yⁱ (1 − y)ⁿ⁻ⁱ with
bᵢ = Σⱼ C(i, j)/C(n, j) cⱼ, a mean of the bᵢ; those at corners are values of it.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import comb

Powers = dict[tuple[int, ...], Fraction]


def bernstein(powers: Powers, axes: int) -> Powers:
    """The coefficients along the first `axes` exponents; further exponents stay powers."""
    degrees = [max((key[a] for key in powers), default=0) for a in range(axes)]
    for a, n in enumerate(degrees):
        found: Powers = {}
        for key, value in powers.items():
            for i in range(key[a], n + 1):
                place = (*key[:a], i, *key[a + 1:])
                found[place] = found.get(place, Fraction(0)) + \
                    value * Fraction(comb(i, key[a]), comb(n, key[a]))
        powers = found
    rest = {key[axes:] for key in powers}
    for index in product(*(range(n + 1) for n in degrees)):
        for tail in rest:
            powers.setdefault((*index, *tail), Fraction(0))
    return powers
