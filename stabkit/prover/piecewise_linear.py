"""A flux through given points: straight lines between them, so that it is exact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import combinations, pairwise
from typing import Any

import numpy as np

from stabkit.arithmetic.rational import Constant
from stabkit.fluxes.flux import Facts, Flux, Piece

Point = tuple[Fraction, Fraction]
Ends = tuple[Fraction | None, Fraction | None]
Known = Mapping[str, Ends]  # "sector", "slopes"
ZERO = Fraction(0)


def admits(points: Sequence[Point], known: Known) -> bool:
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


def admissible_points(points: Sequence[tuple[Any, Any]], known: Known, odd: bool, unit: int
                      ) -> list[Point]:
    """Points near others, of fractions over a unit, that the class admits."""
    given = [(Fraction(round(s * unit), unit), Fraction(round(f * unit), unit)) for s, f in points]
    knots = _knots(given, known, odd)
    start = next((k for k, (s, _) in enumerate(knots) if s >= 0), 0)
    made = dict(knots[start:start + 1])
    for (s, _), (t, g) in pairwise(knots[start:]):
        made[t] = _clip(g, (s, made[s]), t, known)
    for (s, _), (t, g) in pairwise(knots[start::-1]):
        made[t] = -made[-t] if odd else _clip(g, (s, made[s]), t, known)
    return [(s, made[s]) for s, _ in given]


def _clip(f: Fraction, before: Point, s: Fraction, known: Known) -> Fraction:
    """The value nearest to f that the slope from the point before and the sector allow at s."""
    t, g = before
    low, high = known.get("slopes", (None, None))
    if s < t:
        low, high = high, low
    lowest = [] if low is None else [g + low * (s - t)]
    highest = [] if high is None else [g + high * (s - t)]
    low, high = known.get("sector", (None, None))
    if s < 0:
        low, high = high, low
    lowest += [] if low is None else [low * s]
    highest += [] if high is None else [high * s]
    return max([min([f, *highest]), *lowest])


def flux_through(points: Sequence[Point], known: Known, odd: bool = False,
                 weights: Sequence[Fraction] = ()) -> Flux | None:
    """The flux of straight lines through points that the class admits, or None.

    Beyond the last points it rises with the largest slope that the class allows, so that the
    Lipschitz constant of the class is its own.

    Parameters
    ----------
    points : sequence of (s, Φ(s))
    known : mapping of str to (low, high)
    odd : bool
        Φ(−s) = −Φ(s).
    weights : sequence of Fraction, optional
        One for each point, of sum 0: Σ weight·P(s) is made as small as the slopes allow.
    """
    knots = _knots(points, known, odd)
    knots = _bend(knots, known, dict(_weigh(points, weights, odd)))
    slopes, sector = known.get("slopes", (None, None)), known.get("sector", (None, None))
    end = next((end for end in (slopes[1], sector[1]) if end is not None), Fraction(1))
    rises = [end, *((g - f) / (t - s) for (s, f), (t, g) in pairwise(knots)), end]
    facts = _facts(known, odd, min(rises), max(rises))
    # Φ(s)/s is monotone on every line, so it is within what it is at the ends.
    if not (admits(knots, known) and all(_between(end, ends) for ends in (slopes, sector))):
        return None
    lines = _lines(knots, rises)
    if odd:
        lines = [line for line in lines if line[0] is None or line[0] > 0]
    return Flux("piecewise linear", [_piece(*line, odd) for line in lines], facts, {
        "points": "; ".join(f"({s}, {f})" for s, f in knots if s >= 0 or not odd)})


def linear(slope: Fraction, known: Known, odd: bool = False) -> Flux | None:
    """Φ(s) = slope·s with the facts of a class, or None if it is no member."""
    ends = known.get("slopes", (slope, slope))
    sector = known.get("sector", (slope, slope))
    if not all(_between(slope, each) for each in (ends, sector)):
        return None
    return Flux("linear", [_piece(None, slope, ZERO, ZERO, odd)],
                _facts(known, odd, slope, slope), {"slope": str(slope)})


def _facts(known: Known, odd: bool, least: Fraction, largest: Fraction) -> Facts:
    """The facts of a class, with what it leaves open as a flux has it."""
    low, high = known.get("slopes", (None, None))
    below, above = known.get("sector", (None, None))
    return Facts(odd, (least if low is None else low, largest if high is None else high),
                 None if below is None or above is None else (below, above))


def _between(rise: Fraction, ends: Ends) -> bool:
    low, high = ends
    return (low is None or low <= rise) and (high is None or rise <= high)


def _knots(points: Sequence[Point], known: Known, odd: bool) -> list[Point]:
    places = dict(points)
    if odd:
        places |= {-s: -f for s, f in points}
    if odd or "sector" in known:
        places[ZERO] = ZERO
    return sorted(places.items())


def _weigh(points: Sequence[Point], weights: Sequence[Fraction], odd: bool
           ) -> Iterator[tuple[Fraction, Fraction]]:
    """What the primitive at each place counts; it is even for an odd flux."""
    total: dict[Fraction, Fraction] = {}
    for (s, _), weight in zip(points, weights, strict=False):
        for place in (s, -s) if odd else (s,):
            total[place] = total.get(place, ZERO) + weight
    yield from total.items()


def _bend(knots: list[Point], known: Known, weights: Mapping[Fraction, Fraction]) -> list[Point]:
    """The knots, with one more in each gap whose integral should be small or large."""
    low, high = known.get("slopes", (None, None))
    if low is None or high is None or low == high or not any(weights.values()):
        return knots
    made = list(knots)
    for (s, f), (t, g) in pairwise(knots):
        beyond = sum((weight for place, weight in weights.items() if place >= t), ZERO)
        if beyond:
            first, last = (low, high) if beyond > 0 else (high, low)
            x = (g - f + first * s - last * t) / (first - last)
            corner = x, f + first * (x - s)
            if s < x < t and admits([(s, f), corner, (t, g)], known):
                made.append(corner)
    return sorted(made)


def _lines(knots: Sequence[Point], rises: Sequence[Fraction]
           ) -> list[tuple[Fraction | None, Fraction, Fraction, Fraction]]:
    """End, slope, shift and the constant of the regulariser, of the lines from left to right."""
    ends = [*(s for s, _ in knots), None]
    through = [knots[0], *knots]
    shifts = [f - rise * s for (s, f), rise in zip(through, rises, strict=True)]
    start = next(k for k, end in enumerate(ends) if end is None or end >= 0)
    constants = [ZERO] * len(ends)

    def jump(k: int) -> Fraction:
        """What the integral of line k + 1 has too much at the end of line k."""
        s = knots[k][0]
        return (rises[k + 1] - rises[k]) * s * s + 2 * (shifts[k + 1] - shifts[k]) * s

    for k in range(start, len(knots)):
        constants[k + 1] = constants[k] - jump(k)
    for k in reversed(range(start)):
        constants[k] = constants[k + 1] + jump(k)
    return list(zip(ends, rises, shifts, constants, strict=True))


def _piece(upto: Fraction | None, slope: Fraction, shift: Fraction, constant: Fraction, odd: bool
           ) -> Piece:
    """Φ(s) = slope·s + shift, for an odd flux with the sign of s, and twice its integral."""
    rise, more, c = Constant(slope), Constant(shift), Constant(constant)

    def through_zero(s: Any) -> Any:
        return rise * s

    def activation(s: Any) -> Any:
        return rise * s + more * (np.sign(s) if odd else 1)

    def regulariser(s: Any) -> Any:
        return rise * s * s + 2 * more * (abs(s) if odd else s) + c

    if not shift:
        return Piece(upto, through_zero, lambda s: rise + 0 * s, regulariser,
                     lambda s: rise + 0 * s)
    return Piece(upto, activation, None, regulariser, lambda s: rise + 0 * s)
