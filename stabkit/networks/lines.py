"""Lines beside which an activation lies on a range, and between which its slopes are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import inf

import numpy as np

from stabkit.arithmetic.enclosure import Interval, precision
from stabkit.errors import Undecided
from stabkit.fluxes.flux import Flux
from stabkit.networks.layers.activation import leak_of
from stabkit.networks.layers.float_errors import TINY, UP, U

_CELLS = 8  # parts of a range on which a slope is enclosed

Ends = tuple[Fraction, Fraction]
_Line = tuple[float, float, float, float, float]


@dataclass(frozen=True, eq=False)
class Lines:
    """For every entry |Φ(z) − slope z − shift| <= margin, and low <= Φ′(z) <= high.

    Where an entry's range is not bounded, `margin` is infinite.
    """

    low: np.ndarray
    high: np.ndarray
    slope: np.ndarray
    shift: np.ndarray
    margin: np.ndarray


def lines_beside(flux: Flux, low: np.ndarray, high: np.ndarray, known: Ends) -> Lines:
    """Lines for ranges [low, high] of an activation whose slopes lie in `known` everywhere."""
    leak = leak_of(flux)
    if leak is not None:
        return _with_leak(leak, low, high)
    found = [_line(flux, float(a), float(b), known) for a, b in zip(low, high, strict=True)]
    return Lines(*np.array(found, dtype=float).reshape(-1, 5).T)


def _with_leak(leak: float, low: np.ndarray, high: np.ndarray) -> Lines:
    """max(z, 0) + a min(z, 0): on both sides of the kink the chord of the range."""
    ends = np.where(low >= 0, 1.0, leak), np.where(high <= 0, leak, 1.0)
    bounded = np.isfinite(low) & np.isfinite(high)
    a, b = np.where(bounded, low, -1.0), np.where(bounded, high, 1.0)
    bent = (a < 0) & (b > 0)
    slope = np.where(bent, (b - leak * a) / np.where(bent, b - a, 1.0), ends[0])
    # Φ − slope z at both ends and the kink, between which it is straight.
    values = np.stack([(leak - slope) * a, (1 - slope) * b, 0 * a])
    least, most = values.min(axis=0), values.max(axis=0)
    lost = 8 * U * (1 + abs(leak) + np.abs(slope)) * np.maximum(np.abs(a), np.abs(b)) + TINY
    shift = np.where(bent, (least + most) / 2, 0.0)
    margin = np.where(bent, UP * (most - least) / 2 + lost, 0.0)
    return Lines(np.minimum(*ends), np.maximum(*ends), np.where(bounded, slope, 0.0),
                 np.where(bounded, shift, 0.0), np.where(bounded, margin, inf))


def _line(flux: Flux, a: float, b: float, known: Ends) -> _Line:
    """Slopes on parts of a range, and the line that they leave from its middle on."""
    low, high = down(known[0]), -down(-known[1])
    if not (np.isfinite(a) and np.isfinite(b)):
        return low, high, 0.0, 0.0, inf
    cuts = [Fraction(a) + (Fraction(b) - Fraction(a)) * k / _CELLS for k in range(_CELLS + 1)]
    steep = [_slopes(flux, one, other, known) for one, other in pairwise(cuts)]
    slope = sum(one + other for one, other in steep) / (2 * _CELLS)
    near = cuts[_CELLS // 2]
    try:
        with precision(64):
            value = Interval(0) + flux.activation(near)
    except Undecided:
        return low, high, 0.0, 0.0, inf
    # Φ − slope z rises between these numbers on the parts to the right, and to the left of `near`.
    width = (b - a) / _CELLS
    right = [((one - slope) * width, (other - slope) * width) for one, other in steep]
    left = [(-other, -one) for one, other in reversed(right[:_CELLS // 2])]
    lows, highs = zip(_away(left), _away(right[_CELLS // 2:]), strict=True)
    least, most = min(lows), max(highs)
    middle, size = float(value), max(abs(a), abs(b))
    half = max(value.upper - Fraction(middle), Fraction(middle) - value.lower)
    lost = 64 * U * ((abs(low) + abs(high) + abs(slope)) * size + abs(middle)) + float(half) * UP
    shift = middle - slope * float(near) + (most + least) / 2
    return (min(one for one, _ in steep), max(other for _, other in steep), slope, shift,
            UP * ((most - least) / 2 + lost) + TINY)


def _away(rises: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The least and the largest value of a sum of rises, on the way, too."""
    least = most = below = above = 0.0
    for low, high in rises:
        least, most = min(least, below + min(low, 0.0)), max(most, above + max(high, 0.0))
        below, above = below + low, above + high
    return least, most


def _slopes(flux: Flux, a: Fraction, b: Fraction, known: Ends) -> tuple[float, float]:
    """The range of Φ′ on [a, b], within the one that is known, rounded outward."""
    low, high = known
    try:
        with precision(64):
            found = Interval(0) + flux.slope(Interval(a, b))
        if found.is_finite:
            low, high = max(low, found.lower), min(high, found.upper)
    except Undecided:
        pass
    return down(low), -down(-high)


def down(value: Fraction) -> float:
    """The largest float that is not above a number."""
    near = float(value)
    return near if Fraction(near) <= value else float(np.nextafter(near, -inf))
