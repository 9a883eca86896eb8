"""A constant of a network in a ball: the largest of those in the cells that the ball is cut into.

The way between two inputs of a ball crosses cells, and what a network makes of it is no longer than
the largest constant of a cell times its length.  In a smaller cell fewer activations can switch.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from heapq import heappop, heappush
from time import monotonic

import numpy as np

from stabkit.networks.affine_forms import Cell
from stabkit.networks.graph import Graph
from stabkit.networks.local_slopes import Neighbourhood
from stabkit.networks.slope_bound import SlopeBound, quick_slope_bound, slope_bound

_WHOLE = 0.4  # of the time, for the ball as one cell
_MOST = 100_000
_FIRST = 64    # cells after which cutting must have helped, and again at twice as many
_HELPED = Fraction(99, 100)


@dataclass(frozen=True, eq=False)
class BallBound:
    """A certified constant.

    Attributes
    ----------
    parts : list of (list of Cell, SlopeBound)
        The cells that the ball was cut into, with the bound that holds in them; the largest first.
    soon : Fraction
        What was certified when half of the time was over.
    """

    parts: list[tuple[list[Cell], SlopeBound]]
    soon: Fraction

    @property
    def constant(self) -> Fraction:
        """The largest of the cells."""
        return self.parts[0][1].constant

    @property
    def cells(self) -> int:
        """Into so many the ball was cut."""
        return sum(len(cells) for cells, _ in self.parts)


def ball_bound(graph: Graph, centre: np.ndarray, radius: float, until: float,
               enough: Fraction = Fraction(0)) -> BallBound | None:
    """The least constant in a ball that is found by a time, or one that is small `enough`.

    Parameters
    ----------
    graph : Graph
    centre : ndarray, shape graph.shape
    radius : float
    until : float
        On the clock of ``time.monotonic``.
    enough : Fraction, optional

    Returns
    -------
    BallBound or None
        Every rounding error is counted; None where :func:`slope_bound` is.
    """
    near = Neighbourhood(graph, centre)
    if near.form is None:
        return None
    ball = near.ball(radius)
    slopes, axis = near.slopes(ball)
    now = monotonic()
    whole = slope_bound(graph, now + _WHOLE * max(until - now, 0.0), slopes)
    if whole is None:
        return None
    cells: list[tuple[Fraction, int, Cell, int, SlopeBound]] = []  # the largest constant first
    heappush(cells, (-whole.constant, 0, ball, axis, whole))
    last = soon = whole.constant
    number, count, half = 0, _FIRST, (now + until) / 2
    while -cells[0][0] > enough and monotonic() < until and number < _MOST:
        if len(cells) >= count:
            if -cells[0][0] > _HELPED * last:
                break
            last, count = -cells[0][0], 2 * count
        if monotonic() < half:
            soon = -cells[0][0]
        _, _, cell, axis, bound = heappop(cells)
        for part in cell.halves(axis):
            number += 1
            slopes, next_axis = near.slopes(part)
            own = quick_slope_bound(graph, slopes)
            better = bound if own is None or own.constant >= bound.constant else own
            heappush(cells, (-better.constant, number, part, next_axis, better))
    return BallBound(_by_bound(cells), max(soon, -cells[0][0]))


def _by_bound(cells: list[tuple[Fraction, int, Cell, int, SlopeBound]]
              ) -> list[tuple[list[Cell], SlopeBound]]:
    """Cells whose bound is that of one that they were cut from together."""
    found: dict[int, tuple[list[Cell], SlopeBound]] = {}
    for _, _, cell, _, bound in sorted(cells, key=lambda item: item[:2]):
        found.setdefault(id(bound), ([], bound))[0].append(cell)
    return list(found.values())
