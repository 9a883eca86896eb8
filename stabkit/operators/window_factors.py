"""Wide windows as products of windows of three, with proven digits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb, fmpq, fmpq_poly

from stabkit.aliases import Array
from stabkit.arithmetic.enclosure import precision, to_fraction
from stabkit.arithmetic.flint_rationals import from_fmpq, to_fmpq
from stabkit.errors import InvalidArgument
from stabkit.operators.stencils import stencil

_PRECISIONS = (128, 256, 512, 1024, 2048, 4096, 8192)


@dataclass(frozen=True, eq=False)
class Factors:
    """A window of width 2m + 1 as ``scale`` times a product of m real windows of three.

    Attributes
    ----------
    scale : Fraction
        The last tap of the window that is not zero.
    windows : ndarray, shape (m, 3)
        Rational taps; the last tap of each that is not zero is 1.
    radius : Fraction
        There are real windows that differ by at most this in every tap and whose product is
        exactly the given window; 0 if those in `windows` are such.
    """

    scale: Fraction
    windows: np.ndarray
    radius: Fraction


def factorise(window: Array, digits: int = 12) -> Factors:
    """Split a window of width 2m + 1 into m real windows of three (m >= 1).

    A window is a real polynomial of degree at most 2m in the shift, and those are products of
    real quadratics; so this is always possible.  The taps are in general irrational.

    Parameters
    ----------
    window : array_like, 1-D
        Exact rationals.
    digits : int
        Decimal places of the taps that are not rational.

    Returns
    -------
    Factors

    Examples
    --------
    >>> factorise([1, 4, 6, 4, 1]).windows.astype(int)
    array([[1, 2, 1],
           [1, 2, 1]])
    """
    taps = stencil(window, "window")
    if taps.ndim != 1 or len(taps) < 3 or digits < 1:
        raise InvalidArgument(f"factorise: needs a 1-D window of at least three taps and digits "
                              f">= 1, got shape {taps.shape} and digits={digits}")
    count = len(taps) // 2
    if not any(taps):
        return Factors(Fraction(0), _pad([[Fraction(1)]] * count), Fraction(0))
    scale = next(tap for tap in reversed(taps) if tap != 0)
    pieces = _known_quadratics(taps, digits)
    exact = all(isinstance(tap, fmpq) for piece in pieces for tap in piece)
    rows = [[_round(tap, digits) for tap in piece] for piece in pieces]
    rows += [[Fraction(1)]] * (count - len(rows))
    return Factors(scale, _pad(rows), Fraction(0) if exact else Fraction(1, 10**digits))


def _known_quadratics(taps: np.ndarray, digits: int) -> list[list[Array]]:
    polynomial = fmpq_poly([to_fmpq(tap) for tap in taps])
    for bits in _PRECISIONS:
        with precision(bits):
            pieces = _quadratics(polynomial)
            if all(_is_known(tap, digits) for piece in pieces for tap in piece):
                return pieces
    raise InvalidArgument(f"digits: {digits} are too many for this window")


def _quadratics(polynomial: fmpq_poly) -> list[list[Array]]:
    """Monic real factors of degree <= 2, as few as possible; taps are fmpq or enclosures."""
    pieces: list[list[Array]] = []
    rational: list[Array] = []
    real: list[Array] = []
    for factor, multiplicity in polynomial.factor()[1]:
        taps = [fmpq(tap) / factor.leading_coefficient() for tap in factor.coeffs()]
        if len(taps) == 3:
            pieces += [taps] * multiplicity
        elif len(taps) == 2:
            rational += [-taps[0]] * multiplicity
        else:
            roots_of: Any = factor.complex_roots()
            for root, _ in roots_of:
                if root.imag == 0:
                    real += [root.real] * multiplicity
                elif root.imag > 0:
                    size = root.real * root.real + root.imag * root.imag
                    pieces += [[size, -2 * root.real, fmpq(1)]] * multiplicity
    roots = rational + real
    for a, b in zip(roots[::2], roots[1::2], strict=False):
        pieces.append([a * b, -(a + b), fmpq(1)])
    if len(roots) % 2:
        pieces.append([-roots[-1], fmpq(1)])
    return pieces


def _is_known(tap: Array, digits: int) -> bool:
    return isinstance(tap, fmpq) or bool(tap.rad() * 2 * arb(10) ** digits < 1)


def _round(tap: Array, digits: int) -> Fraction:
    if isinstance(tap, fmpq):
        return from_fmpq(tap)
    unit = Fraction(1, 10**digits)
    return round(to_fraction(tap.mid()) / unit) * unit


def _pad(rows: Sequence[Sequence[Fraction]]) -> np.ndarray:
    padded = np.full((len(rows), 3), Fraction(0), dtype=object)
    for number, row in enumerate(rows):
        padded[number, :len(row)] = row
    return padded
