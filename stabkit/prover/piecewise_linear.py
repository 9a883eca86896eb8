"""A flux through given points: straight lines between them, so that it is exact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import combinations, pairwise

from stabkit.arithmetic.rational import Constant
from stabkit.fluxes.flux import Facts, Flux, Piece

Point = tuple[Fraction, Fraction]
Ends = tuple[Fraction | None, Fraction | None]
ZERO = Fraction(0)


def admits(points: Sequence[Point], known: Mapping[str, Ends]) -> bool:
    """Whether points lie on a flux of the class: one value at each place, slopes, sector."""
    for s, f in points if "sector" in known else ():
        low, high = known["sector"]
        if (s == 0 and f != 0) or (low is not None and f * s < low * s * s) or (
                high is not None and f * s > high * s * s):
            return False
    zero = [(ZERO, ZERO)] if "sector" in known else []
    for (s, f), (t, g) in combinations([*points, *zero], 2):
        if s == t and f != g:
            return False
        low, high = known.get("slopes", (None, None))
        rise, run = (f - g) * (s - t), (s - t) ** 2
        if (low is not None and rise < low * run) or (high is not None and rise > high * run):
            return False
    return True


def flux_through(points: Sequence[Point], known: Mapping[str, Ends]) -> Flux:
    """The flux of straight lines through points that the class admits.

    Beyond the last points it rises with the largest slope that the class allows, so that the
    Lipschitz constant of the class is its own.
    """
    places = dict(points)
    if "sector" in known:
        places[ZERO] = ZERO
    knots = sorted(places.items())
    top = next((end for end in (known.get("slopes", (None, None))[1],
                                known.get("sector", (None, None))[1]) if end is not None),
               Fraction(1))
    pieces = [_piece(knots[0][0], knots[0], top)]
    pieces += [_piece(right[0], left, (right[1] - left[1]) / (right[0] - left[0]))
               for left, right in pairwise(knots)]
    pieces.append(_piece(None, knots[-1], top))
    rises = [top, *((g - f) / (t - s) for (s, f), (t, g) in pairwise(knots))]
    low, high = known.get("slopes", (None, None))
    slopes = (min(rises) if low is None else low, max(rises) if high is None else high)
    below, above = known.get("sector", (None, None))
    facts = Facts(False, slopes, None if below is None or above is None else (below, above))
    return Flux("piecewise linear", pieces, facts, {
        "points": "; ".join(f"({s}, {f})" for s, f in knots)})


def _piece(upto: Fraction | None, through: Point, slope: Fraction) -> Piece:
    s0, f0 = through
    rise, shift = Constant(slope), Constant(f0 - slope * s0)
    if shift == 0:
        return Piece(upto, lambda s: rise * s, lambda s: rise + 0 * s, None, lambda s: rise + 0 * s)
    return Piece(upto, lambda s: rise * s + shift, None, None, lambda s: rise + 0 * s)
