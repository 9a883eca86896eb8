"""From the cells of the positive line to closed intervals with ends that can be read."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import floor, log10

from stabkit.arithmetic.transcript import LARGEST
from stabkit.errors import Undecided
from stabkit.stability.sharpness.limits import Beside
from stabkit.stability.sharpness.linear import End, Steps, runs
from stabkit.stability.sharpness.signs import Cell, simplest

_NEAR = Fraction(1, 10**9)  # relatively, of a proved end to an irrational root
_DIGITS = 4    # of the first refuted step
_CLOSE_BY = 6  # of a proved end before a step at which it fails; as many as are printed


def intervals(found: list[Cell]) -> tuple[Steps, Steps]:
    """Where everything holds, and where something fails everywhere; the rest is left out.

    Raises
    ------
    Undecided
        If an end has more digits than Python writes.
    """
    proved = tuple((_inside(run[0].low, before, run, 1), _inside(run[-1].high, after, run, -1))
                   for before, run, after in runs(found, True))
    refuted = tuple((_beyond(run[0], run[0].low, 1), _beyond(run[-1], run[-1].high, -1))
                    for _, run, _ in runs(found, False))
    if any(max(end.numerator, end.denominator) >= LARGEST for steps in (*proved, *refuted)
           for end in steps if end is not None):
        raise Undecided("the steps end at a fraction of more than 4300 digits; give the "
                        "coefficients a common denominator")
    return proved, refuted


def _inside(end: End, beside: Cell | None, run: Sequence[Cell], way: int) -> End:
    """The end of a proved run: exact, or next to an irrational number a simple one within."""
    cell = run[0 if way > 0 else -1]
    if end is None or end == 0 or beside is None or cell.is_point:
        return end
    if beside.is_point and beside.holds is False:  # the end itself does not belong to it
        return Beside.of(_beyond(cell, end, way, _CLOSE_BY), end, False)
    if beside.holds is not None:
        return end
    away = end * _NEAR
    if cell.high is not None:
        away = min(away, (cell.high - cell.low) / 2)
    near = simplest(*sorted((end, end + way * away))) if away else end
    return near if beside.root is None else Beside.of(near, beside.root, beside.closed)


def _beyond(cell: Cell, end: End, way: int, digits: int = _DIGITS) -> End:
    """The end of a refuted run, which is open but at a point: a short decimal within."""
    if end is None or end == 0 or cell.is_point:
        return end
    while True:
        near = _decimal(end, digits, way)
        if (cell.high is None or near < cell.high) and near > cell.low:
            return near
        digits += 1


def _decimal(x: Fraction, digits: int, way: int) -> Fraction:
    """The next decimal of so many digits above x, or below it; never x itself."""
    unit = Fraction(10) ** (floor(log10(float(x))) + 1 - digits)
    whole = x / unit
    return unit * (floor(whole) + 1 if way > 0 else -floor(-whole) - 1)
