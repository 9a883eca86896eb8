"""For which steps a box is kept by a step that is linear or quadratic in the signal.

Written as Σⱼ Cⱼ(u) uⱼ with coefficients Cⱼ affine in the signal, an output is a mean of inputs
where they are >= 0 and sum to 1; and a step that grows with every input keeps the box if it keeps
its two corners.  Both are inequalities that are affine in u, so the corners of the box decide
them, with polynomials in dt.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from stabkit.errors import Undecided
from stabkit.stability.invariants import StaysIn
from stabkit.stability.sharpness.bound import StepBound
from stabkit.stability.sharpness.ends import intervals
from stabkit.stability.sharpness.inequalities import certificate, witness
from stabkit.stability.sharpness.linear import Steps
from stabkit.stability.sharpness.polynomials import OUTSIDE
from stabkit.stability.sharpness.rows import Polynomial, tightest
from stabkit.stability.sharpness.signs import cells
from stabkit.tracing import Trace
from stabkit.tracing.form import Form

_ROWS = 4096  # outputs that are looked at one by one
_FEW = 3  # inputs of one output for which points between the corners are tried as well
_CORNERS = 10  # inputs of one output whose corners are all tried

MEANS = "means of inputs, with coefficients that the box keeps nonnegative"
GROWING = "outputs that grow with every input or are affine in each, so that corners decide"

Coefficients = dict[int, Fraction]  # a polynomial in the step, by its powers
Linear = dict[int, Coefficients]    # an affine form: under 0 its constant, else by column


@dataclass
class Row:
    """One output: an affine form plus products of two."""

    linear: Linear
    products: list[tuple[Linear, Linear]] = field(default_factory=list)


def by_box(found: Trace, notion: StaysIn, name: str) -> StepBound:
    """The sets of steps for which every signal of the box is taken into it."""
    rows = list(_rows(found))
    low, high = notion.box.spread(found.shape)
    box = {k + 1: (a, b) for k, (a, b) in enumerate(zip(low, high, strict=True))}
    if len(set(box.values())) == 1:  # rows that differ in their places alone say the same
        rows = list({_sort(row): row for row in rows}.values())
    ends = [box[k + 1] for k in range(len(rows))]
    necessary = [p for row, own in zip(rows, ends, strict=True) for p in _necessary_rows(row, box,
                                                                                         own)]
    _, refuted = intervals(cells(_fractions(necessary)))
    best: tuple[Steps, str, list] = ((), "", [])
    for how, conditions in ((MEANS, _means(rows, box)), (GROWING, _monotone(rows, box, ends))):
        if conditions is None:
            continue
        proved, _ = intervals(cells(_fractions(conditions)))
        if proved and (not best[0] or _size(proved) > _size(best[0])):
            best = proved, how, conditions
    proved, how, conditions = best
    kind = "linear" if found.is_linear else "quadratic"
    shape = " x ".join(map(str, found.shape))
    lines = [f"{kind}, for shape {shape}" + (f"; proof by {how}" if proved else "")]
    return StepBound(notion.name, proved, refuted, tuple(filter(None, (
        certificate(conditions, steps, _words(how)) for steps in proved))), tuple(filter(None, (
            witness(necessary, steps, OUTSIDE) for steps in refuted))), variable=name,
        rounding=found.rounding, by="a corner of the box" if refuted else "", lines=tuple(lines))


def _sort(row: Row) -> Any:
    """A row with its inputs numbered in the order of their places."""
    number = {0: 0, **{k: n for n, k in enumerate(_all_of(row), 1)}}

    def key_of(linear: Linear) -> Any:
        return tuple(sorted((number[k], tuple(sorted(p.items()))) for k, p in linear.items()))

    return key_of(row.linear), tuple((key_of(a), key_of(b)) for a, b in row.products)


def _size(proved: Steps) -> Fraction:
    return Fraction(10**30) if proved[-1][1] is None else proved[-1][1]


def _fractions(polynomials: list[Polynomial]) -> list[list[Fraction]]:
    return [[Fraction(c) for c in p] for p in tightest(list(dict.fromkeys(polynomials)))]


def _rows(found: Trace) -> Iterator[Row]:
    """The outputs; Undecided where they are no quadratics, or too many."""
    if found.size > _ROWS:
        raise Undecided(f"boxes are looked at row by row, up to {_ROWS} entries")
    factors: dict[int, tuple[Linear, Linear]] = {}
    for node in found.nodes:
        if node.name not in ("multiply", "square") or any(
                part.columns.size and int(part.columns.max()) > found.size for part in node.parts):
            raise Undecided(f"a box is shown to be kept by steps with products of two linear "
                            f"forms, and this one has np.{node.name} ({node.line})")
        parts = [_linears(part) for part in node.parts]
        for k in range(node.count):
            factors[node.first + k] = parts[0][k], parts[-1][k]
    for linear in _linears(found.form):
        row = Row({k: c for k, c in linear.items() if k <= found.size})
        for column, c in linear.items():
            if column > found.size:
                a, b = factors[column]
                row.products.append(({k: _times(p, c) for k, p in a.items()}, b))
        yield row


def _linears(form: Form) -> list[Linear]:
    if len(form.denominator) > 1:
        raise Undecided("the step divides by a polynomial in dt")
    out: list[Linear] = [{} for _ in range(form.count)]
    for row, column, p in zip(form.rows.tolist(), form.columns.tolist(),
                              form.numerators.tolist(), strict=True):
        out[row][column] = {k: Fraction(c, form.denominator[0]) for k, c in enumerate(p) if c}
    return out


def _times(p: Coefficients, q: Coefficients) -> Coefficients:
    out: Coefficients = {}
    for (i, a), (j, b) in product(p.items(), q.items()):
        out[i + j] = out.get(i + j, Fraction(0)) + a * b
    return out


def _add(p: Coefficients, q: Coefficients, factor: Fraction = Fraction(1)) -> Coefficients:
    out = dict(p)
    for k, c in q.items():
        out[k] = out.get(k, Fraction(0)) + factor * c
    return out


def _poly(p: Coefficients) -> Polynomial:
    """As integers, times a positive number."""
    scale = int(np.lcm.reduce([1, *(c.denominator for c in p.values())]))
    return tuple(int(p.get(k, Fraction(0)) * scale) for k in range(max(p, default=0) + 1))


def _corners(columns: list[int], box: dict[int, tuple[Fraction, Fraction]]
             ) -> Iterator[dict[int, Fraction]]:
    if len(columns) > _CORNERS:
        raise Undecided(f"an output depends on more than {_CORNERS} inputs")
    for values in product(*(box[k] for k in columns)):
        yield dict(zip(columns, values, strict=True))


def _grid(columns: list[int], box: dict[int, tuple[Fraction, Fraction]]
          ) -> Iterator[dict[int, Fraction]]:
    for values in product(*([low + (high - low) * Fraction(k, 4) for k in range(5)]
                            for low, high in (box[c] for c in columns))):
        yield dict(zip(columns, values, strict=True))


def _value(linear: Linear, at: dict[int, Fraction]) -> Coefficients:
    total = dict(linear.get(0, {}))
    for column, p in linear.items():
        if column:
            total = _add(total, p, at[column])
    return total


def _columns(*linears: Linear) -> list[int]:
    return sorted({column for linear in linears for column in linear if column})


def _output(row: Row, at: dict[int, Fraction]) -> Coefficients:
    total = _value(row.linear, at)
    for a, b in row.products:
        total = _add(total, _times(_value(a, at), _value(b, at)))
    return total


def _all_of(row: Row) -> list[int]:
    return _columns(row.linear, *(part for pair in row.products for part in pair))


def _necessary_rows(row: Row, box: dict, own: tuple[Fraction, Fraction]) -> Iterator[Polynomial]:
    """What is necessary: corners of the box are taken into it."""
    columns = _all_of(row)
    points = _corners(columns, box) if len(columns) > _FEW else _grid(columns, box)
    for at in points:
        value = _output(row, at)
        yield _poly(_add(value, {0: Fraction(1)}, -own[0]))
        yield _poly(_add({0: own[1]}, value, Fraction(-1)))


def _means(rows: list[Row], box: dict) -> list[Polynomial] | None:
    """That all coefficients are >= 0 and sum to 1; None where a product has no such form."""
    if len({box[k] for k in box}) != 1:  # a mean keeps one interval for all
        return None
    found = []
    for row in rows:
        coefficients: dict[int, Linear] = {k: {0: p} for k, p in row.linear.items() if k}
        constant = row.linear.get(0, {})
        total: Linear = {0: _sum_of(row.linear)}
        for a, b in row.products:
            a, b = (a, b) if _is_difference(b) else (b, a)
            if not _is_difference(b):
                return None
            for k, p in b.items():
                own = coefficients.setdefault(k, {})
                for column, q in a.items():
                    own[column] = _add(own.get(column, {}), _times(p, q))
        if any(constant.values()) or _poly(_add(total[0], {0: Fraction(-1)})) != (0,):
            return None
        for linear in coefficients.values():
            found += [_poly(_value(linear, at)) for at in _corners(_columns(linear), box)]
    return found


def _sum_of(linear: Linear) -> Coefficients:
    total: Coefficients = {}
    for column, p in linear.items():
        if column:
            total = _add(total, p)
    return {k: c for k, c in total.items() if c}


def _is_difference(linear: Linear) -> bool:
    return not any(linear.get(0, {}).values()) and not _sum_of(linear)


def _monotone(rows: list[Row], box: dict, ends: list) -> list[Polynomial] | None:
    """That outputs grow with every input, and two corners of the box are taken into it."""
    found: list[Polynomial] = []
    for row, own in zip(rows, ends, strict=True):
        if not any(set(_columns(a)) & set(_columns(b)) for a, b in row.products):
            found += _necessary_rows(row, box,
                                     own)  # affine in each input: its range is that of the corners
            continue
        for k in _all_of(row):
            slope: Linear = {0: row.linear.get(k, {})}
            for a, b in row.products:
                for p, other in ((a.get(k, {}), b), (b.get(k, {}), a)):
                    for column, q in other.items() if p else ():
                        slope[column] = _add(slope.get(column, {}), _times(p, q))
            found += [_poly(_value(slope, at)) for at in _corners(_columns(slope), box)]
        low, high = ({k: box[k][side] for k in _all_of(row)} for side in (0, 1))
        found += [_poly(_add(_output(row, low), {0: Fraction(1)}, -own[0])),
                  _poly(_add({0: own[1]}, _output(row, high), Fraction(-1)))]
    return found


def _words(how: str) -> str:
    return (f"the step, run once on symbols, is {how}; each p is such an inequality at a corner of "
            "the box, a polynomial in dt from the constant upwards, and the others follow from "
            "them")
