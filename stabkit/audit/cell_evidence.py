"""The evidence for a ball that was cut into cells: an inequality for each, and where they lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from stabkit.arithmetic.transcript import Transcript
from stabkit.audit.slope_parts import slope_inequality
from stabkit.networks.affine_forms import Cell
from stabkit.networks.ball_bound import BallBound
from stabkit.networks.slope_bound import SlopeBound
from stabkit.replay.cells import MAX_BOXES
from stabkit.stability.confirmation import confirm_evidence
from stabkit.stability.verdict import Evidence, calculation
from stabkit.time_limit import time_would_be_over

_LARGEST = 80        # entries of (x, v) of an inequality that is written down
_QUICK = 24          # of one that is written on any clock, if it is among
_ALWAYS = 8          # the first ones
_SECONDS = 6.0       # that the longest one takes, about
_NUMBERS = 150_000   # that are written down: some megabytes

Bounded = tuple[list[Cell], Fraction]


def evidence_of_cells(inside: BallBound, radius: Fraction, at_most: Fraction, by: str
                      ) -> tuple[Evidence, ...]:
    """A certificate for every cell, the largest constants first.

    Constants whose inequalities are too large, or too many, are listed with the cells that they
    are for, and taken as given.
    """
    made: list[Evidence] = []
    given: list[Bounded] = []
    boxes, numbers = 0, 0
    for cells, bound in inside.parts:
        size = bound.form.size
        own = size * (len(bound.form.low) + len(bound.form.output.matrix))
        seconds = _SECONDS * (size / _LARGEST) ** 3
        fits = numbers + own <= _NUMBERS and boxes + len(cells) <= MAX_BOXES // 2 and \
            size <= _LARGEST and ((size <= _QUICK and len(made) < _ALWAYS)
                                  or not time_would_be_over(seconds))
        written = slope_inequality(bound, at_most, by) if fits else None
        shown = None if written is None else confirm_evidence(
            _of_cells(written, cells, bound, radius, at_most))
        if shown is None:
            given.append((cells, bound.constant))
            continue
        made.append(shown)
        boxes, numbers = boxes + len(cells), numbers + own
    if given:
        made.append(_given_cells(given, inside.parts[0][1], radius, at_most, by))
    return tuple(made)


def _given_cells(given: Sequence[Bounded], bound: SlopeBound, radius: Fraction, at_most: Fraction,
                 by: str) -> Evidence:
    several = _larger_cells([(cell, constant) for cells, constant in given for cell in cells],
                            MAX_BOXES // 2)
    log = Transcript()
    log.give("L", [constant for _, constant in several])
    return _of_cells(calculation("certificate", log, [
        f"len(L) == {len(several)}", f"max(L) <= {at_most}"], (
        "L holds Lipschitz constants for cells of the ball that multipliers for the slopes of "
        "activations certify, by matrix inequalities that stabkit has checked with every rounding "
        f"error counted, taken as given here; {by}")),
        [cell for cell, _ in several], bound, radius, at_most)


def _larger_cells(cells: list[tuple[Cell, Fraction]], count: int) -> list[tuple[Cell, Fraction]]:
    """At most so many cells, each with the largest constant of those that it was cut into."""
    while len(cells) > count:
        deepest = max(_depth(cell) for cell, _ in cells)
        found: dict[int, tuple[Cell, Fraction]] = {}
        for cell, constant in cells:
            one = cell if cell.whole is None or _depth(cell) < deepest else cell.whole
            known = found.get(id(one), (one, constant))
            found[id(one)] = one, max(known[1], constant)
        cells = list(found.values())
    return cells


def _depth(cell: Cell) -> int:
    depth = 0
    while cell.whole is not None:
        cell, depth = cell.whole, depth + 1
    return depth


def _of_cells(written: Evidence, cells: Sequence[Cell], bound: SlopeBound, radius: Fraction,
              at_most: Fraction) -> Evidence:
    """The evidence with the place of its cells; sides that were not cut are left out."""
    boxes = []
    for cell in cells:
        top = cell
        while top.whole is not None:
            top = top.whole
        boxes.append({str(axis): [_end(cell.low[axis], top.low[axis], "-inf"),
                                  _end(cell.high[axis], top.high[axis], "inf")]
                      for axis in range(len(cell.low))
                      if cell.low[axis] != top.low[axis] or cell.high[axis] != top.high[axis]})
    return replace(written, data={**written.data, "cells": {
        "radius": str(radius), "at_most": str(at_most), "inputs": bound.form.inputs,
        "boxes": boxes}})


def _end(value: float, of_ball: float, endless: str) -> str:
    return endless if value == of_ball else str(Fraction(value))
