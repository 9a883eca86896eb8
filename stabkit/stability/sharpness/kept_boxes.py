"""For which steps a box is kept by a step whose outputs are quadratic between planes.

On a cell with the corners xᵢ an output is Σ λᵢ λⱼ B(xᵢ, xⱼ) at Σ λᵢ xᵢ, with weights >= 0 that sum
to 1; so it is between the least and the largest B, and those with i = j are values of it.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from stabkit.aliases import Signal
from stabkit.errors import Undecided
from stabkit.stability.invariants import StaysIn
from stabkit.stability.sharpness.bound import StepBound
from stabkit.stability.sharpness.ends import intervals
from stabkit.stability.sharpness.inequalities import certificate, witness
from stabkit.stability.sharpness.linear import Steps
from stabkit.stability.sharpness.monotone import as_integers, sum_polynomials
from stabkit.stability.sharpness.piecewise import NotPiecewise, Pieces
from stabkit.stability.sharpness.polynomials import OUTSIDE
from stabkit.stability.sharpness.rows import Polynomial as Whole
from stabkit.stability.sharpness.rows import tightest, value
from stabkit.stability.sharpness.signs import Cell, cells
from stabkit.tracing import Trace
from stabkit.tracing.trees import Operation, Row, Sum, sorts_of_rows

WORDS = "quadratics between planes, whose corners and what is between two of them stay in the box"
_AXES = 3  # inputs of one output
_BY = (f"the outputs are {WORDS}; each p is how far they are inside, a polynomial in dt from the "
       "constant upwards, and the others follow from them")


def by_pieces(found: Trace, notion: StaysIn, name: str) -> StepBound:
    """A box that is kept, with the steps at which a corner of a cell leaves it.

    Raises
    ------
    Undecided
        If an output has too many inputs, or is no such function.
    """
    low, high = notion.box.spread(found.shape)
    sorts = {(sort, tuple((low[k], high[k]) for k in row.places)): row
             for sort, rows in sorts_of_rows(found).items() for row in rows}
    necessary: dict[Whole, Signal] = {}
    between: list[Whole] = []
    for (_, sides), row in sorts.items():
        _add_conditions(row, sides, necessary, between, np.array(low, dtype=object))
    corners = list(necessary)
    conditions = list(dict.fromkeys([*corners, *between]))
    proved = intervals(_line(conditions))[0]
    refuted = intervals(_line(corners))[1]
    number = "1 sort" if len(sorts) == 1 else f"{len(sorts)} sorts"
    lines = (f"quadratic between planes, {number} of rows, for shape "
             f"{' x '.join(map(str, found.shape))}" + (f"; proof by {WORDS}" if proved else ""),)
    return StepBound(notion.name, proved, refuted, tuple(filter(None, (
        certificate(conditions, steps, _BY) for steps in proved))), tuple(filter(None, (
            witness(corners, steps, OUTSIDE) for steps in refuted))), variable=name,
        rounding=found.rounding, lines=lines, signals=_leaving(necessary, refuted))


def _line(polynomials: list) -> list[Cell]:
    return cells([[Fraction(c) for c in p] for p in tightest(polynomials)])


def _leaving(necessary: dict[Whole, Signal], refuted: Steps) -> tuple[Signal, ...]:
    """The signal that leaves the box at the smallest refuted step."""
    if not refuted:
        return ()
    low, high = refuted[0]
    at = low or (Fraction(1) if high is None else high / 2)
    return next(((u,) for p, u in necessary.items() if value(p, at) < 0), ())


def _add_conditions(row: Row, sides: tuple[tuple[Fraction, Fraction], ...],
                    necessary: dict[Whole, Signal], between: list[Whole],
                    elsewhere: Signal) -> None:
    """How far an output is inside the box at corners of cells, and what is between two of them.

    For each corner the signal, which is `elsewhere` at the places that the output does not read.
    """
    names = range(len(row.places))
    if len(names) > _AXES:
        raise Undecided(f"an output depends on more than {_AXES} inputs")
    inputs = [Operation("multiply", (Sum(Fraction(0), ((k, Fraction(1)),)),
                                     Sum(Fraction(1), ())), "") for k, _ in row.linear]
    polynomials = [p for p, _ in row.nodes] + [p for _, p in row.linear]
    try:
        pieces = Pieces([*(node for _, node in row.nodes), *inputs], names, sides)
    except NotPiecewise:
        raise Undecided("an output is not quadratic between planes") from None
    low, high = sides[0]
    for x, y, values in pieces.polar():
        p = sum_polynomials([row.constant, *(tuple(c * a for a in q) for c, q in zip(
            values, polynomials, strict=True))])
        below = tuple(-c for c in p)
        for inside in map(as_integers, (sum_polynomials([p, (-low,)]),
                                        sum_polynomials([(high,), below]))):
            if x != y:
                between.append(inside)
            elif inside not in necessary:
                signal = elsewhere.copy()
                signal[list(row.places)] = x
                necessary[inside] = signal
