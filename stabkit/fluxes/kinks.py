"""The pieces of an expression: cut where np.where, np.maximum and the like switch.

Every kink asks for the sign of something, as max(a, b) asks for that of a − b.  Where that is a
polynomial of degree one in s its zero is a breakpoint, and the pieces beside it have no kink.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from math import inf
from typing import Any

import numpy as np

from stabkit.aliases import Scalar
from stabkit.arithmetic.enclosure import Interval
from stabkit.errors import InvalidArgument, Undecided
from stabkit.fluxes.expression import VARIABLE, Expression
from stabkit.fluxes.polynomials import line
from stabkit.fluxes.vanishing import vanishes

_ROUNDS = 8
_SUSPECTED, _HALVINGS = 16, 50
_POSITIVE = 2.0 ** np.arange(-10, 10, 1 / 32)
_GRID = np.concatenate([-_POSITIVE[::-1], [0], _POSITIVE])
_RELATIONS = ("<", "<=")

Cell = tuple[Any, Any]


def split(phi: Expression, odd: bool) -> list[tuple[Fraction | None, Expression]]:
    """Breakpoints and expressions of the pieces; the whole as one where nothing can be cut.

    For an odd flux they are pieces of |s|.

    Raises
    ------
    InvalidArgument
        If the expression has another value at a breakpoint than in the piece before it.
    """
    edges = _edges(phi, set(), odd)
    if not edges:
        return [(None, phi)]
    pieces = [(_edge(cells), _one(phi, cells)) for cells in _cells(edges, odd)]
    for edge, piece in pieces[:-1]:
        for point in (edge, -edge) if odd else (edge,):  # type: ignore[operator]  # the last one has none
            _same_at(point, phi, piece)
    if odd:
        _same_at(Fraction(0), phi, pieces[0][1])
    return pieces


def kinks(phi: Expression) -> set[Fraction]:
    """0, and the points at which a kink switches, as far as they are known exactly."""
    return _edges(phi, {Fraction(0)}, False)


def suspects(phi: Expression) -> set[Fraction]:
    """Points near which an expression may jump or bend, found in floats; the smallest few.

    Where a kink depends on the sign of s² − 2, or that is a denominator, no breakpoint is exact.
    """
    found = {point for part in phi.parts() for asked in _decisive_parts(part)
             for point in _changes(asked)}
    return set(sorted(found, key=abs)[:_SUSPECTED])


def _decisive_parts(part: Expression) -> Iterator[Expression]:
    asked = part.arguments[1] if part.operation == "/" else part if part.operation == "floor" \
        else _argument(part)
    if isinstance(asked, Expression):
        yield asked


def _changes(asked: Expression) -> Iterator[Fraction]:
    """Where the sign of an expression changes between two points of a grid, to 50 bits."""
    def signs(s: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            value = np.asarray(asked.at(s), dtype=float) + 0 * s
        return value if asked.operation == "floor" else np.sign(value)

    at = signs(_GRID)
    here = np.flatnonzero((at[:-1] != at[1:]) & np.isfinite(at[:-1]) & np.isfinite(at[1:]))
    low, high = _GRID[here], _GRID[here + 1]
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        before = signs(middle) == at[here]
        low, high = np.where(before, middle, low), np.where(before, high, middle)
    yield from map(Fraction, high.tolist())


def _edges(phi: Expression, edges: set[Fraction], odd: bool) -> set[Fraction]:
    for _ in range(_ROUNDS):
        found = {point for cells in _cells(edges, odd) for cell in cells
                 for point in _zeros(_resolve(phi, [cell]), cell)}
        found = {abs(point) for point in found if point} if odd else found
        if found <= edges:
            break
        edges = edges | found
    return edges


def _same_at(point: Any, phi: Expression, piece: Expression) -> None:
    if not vanishes(phi - piece, point, point):
        raise InvalidArgument(
            f"activation: at s = {point} it has not the value of the piece before it, as a "
            "breakpoint must; use the other one of < and <=")


def _cells(edges: set[Fraction], odd: bool) -> list[list[Cell]]:
    if not odd:
        return [[cell] for cell in pairwise([-inf, *sorted(edges), inf])]
    ends: list[Fraction | float] = [Fraction(0), *sorted(edges), inf]
    return [[(-b, -a), (a, b)] for a, b in pairwise(ends)]


def _edge(cells: list[Cell]) -> Fraction | None:
    end = cells[-1][1]
    return None if end == inf else end


def _one(phi: Expression, cells: list[Cell]) -> Expression:
    """One expression for the cells on both sides of 0."""
    made = [_resolve(phi, [cell]) for cell in cells]
    if len(cells) == 1 or made[0].text == made[1].text:
        return made[-1]
    both = _resolve(phi, cells)
    if both.text != phi.text:
        return both
    mirrored = made[1].at(abs(VARIABLE))
    for candidate in (mirrored * VARIABLE.sign(), mirrored):  # odd, as Φ, or even, as g and Ψ
        if vanishes(candidate - made[0], *cells[0]):
            return candidate
    return phi


def _argument(part: Expression) -> Expression | None:
    """The expression on whose sign a kink depends."""
    if part.operation in ("max", "min", *_RELATIONS):
        return part.arguments[0] - part.arguments[1]
    return part.arguments[0] if part.operation in ("abs", "sign") else None


def _zeros(expression: Expression, cell: Cell) -> Iterator[Fraction]:
    for part in expression.parts():
        asked = _argument(part)
        known = None if asked is None else line(asked, *cell)
        if known is not None and known[1] and (part.operation not in ("abs", "sign") or known[0]):
            point = -known[0] / known[1]
            if cell[0] < point < cell[1]:
                yield point


def _resolve(expression: Expression, cells: list[Cell]) -> Expression:
    """The expression without the kinks that are decided in the same way on all cells."""
    name = expression.operation
    parts = tuple(_resolve(part, cells) if isinstance(part, Expression) else part
                  for part in expression.arguments)
    if name == "where" and isinstance(parts[0], bool):
        return parts[1] if parts[0] else parts[2]
    made = _connect(name, parts)
    if made is not None:
        return made
    here = Expression(name, *parts)
    asked = _argument(here)
    find = _strict_sign if name in _RELATIONS else _sign
    signs = {None} if asked is None else {find(asked, cell) for cell in cells}
    sign = signs.pop()
    if signs or sign is None:
        return here
    if name in _RELATIONS:
        holds: Any = sign < 0 or (sign == 0 and name == "<=")
        return holds
    if name in ("max", "min"):
        return parts[0] if (sign > 0) == (name == "max") else parts[1]
    if name == "abs":
        return parts[0] if sign > 0 else -parts[0]
    return here


def _connect(name: str, parts: tuple) -> Scalar:
    # and, or and not of what is decided.
    known = [part for part in parts if isinstance(part, bool)]
    if name == "not" and known:
        return not known[0]
    if name in ("and", "or") and known:
        if (name == "or") in known:
            return name == "or"
        rest = [part for part in parts if not isinstance(part, bool)]
        return rest[0] if rest else name == "and"
    return None


def _strict_sign(asked: Expression, cell: Cell) -> int | None:
    """The sign inside a cell, 0 if it is 0 throughout; < and <= differ where it is 0."""
    known = line(asked, *cell)
    if known is not None:
        return _sign(asked, cell) if any(known) else 0
    value = asked.at(Interval(*cell))
    for sign in (1, -1):
        try:
            if sign * value > 0:
                return sign
        except (Undecided, ArithmeticError):
            continue
    return None


def _sign(asked: Expression, cell: Cell) -> int | None:
    """The sign on a cell, which may be 0 at some points."""
    value = asked.at(Interval(*cell))
    for sign in (1, -1):
        try:
            if sign * value >= 0:
                return sign
        except (Undecided, ArithmeticError):
            continue
    return None
