"""A box cut by planes: its cells with their corners, exactly.

A plane is (c₀, c₁, ..., cₙ) and stands for c₀ + Σ cⱼ xⱼ = 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, product

Point = tuple[Fraction, ...]
Plane = tuple[Fraction, ...]
ZERO = Fraction(0)


def side(plane: Plane, point: Point) -> Fraction:
    """Positive on one side of a plane, negative on the other, 0 on it."""
    return plane[0] + sum((c * x for c, x in zip(plane[1:], point, strict=True)), ZERO)


def centre(points: Sequence[Point]) -> Point:
    """Their mean."""
    return tuple(sum(xs, ZERO) / len(points) for xs in zip(*points, strict=True))


@dataclass(frozen=True)
class Cell:
    """The convex hull of its corners; some points inside it may be among them."""

    corners: tuple[Point, ...]

    @property
    def inside(self) -> Point:
        """A point that is on no plane that cuts the box."""
        return centre(self.corners)

    def faces(self, planes: Sequence[Plane]) -> Iterator[tuple[Point, ...]]:
        """The corners of each face in which planes meet the cell."""
        known = {frozenset(self.corners)}
        for plane in planes:
            on = frozenset(p for p in self.corners if side(plane, p) == 0)
            known |= {on & face for face in known}
        known -= {frozenset(), frozenset(self.corners)}
        for face in known:
            yield tuple(face)


def box_of(sides: Sequence[tuple[Fraction, Fraction]]) -> tuple[Cell, list[Plane]]:
    """A box as a cell, and the planes of its faces."""
    n = len(sides)
    faces = [(sign * end, *(-sign * Fraction(int(j == k)) for j in range(n)))
             for k, ends in enumerate(sides) for sign, end in zip((-1, 1), ends, strict=True)]
    return Cell(tuple(product(*sides))), faces


def cut_by(cells: Sequence[Cell], plane: Plane, others: Sequence[Plane]) -> list[Cell]:
    """The cells, each cut by a plane that goes through it; `others` bound them."""
    found: list[Cell] = []
    for cell in cells:
        sides = {p: side(plane, p) for p in cell.corners}
        above = [p for p, s in sides.items() if s > 0]
        below = [p for p, s in sides.items() if s < 0]
        if not above or not below:
            found.append(cell)
            continue
        on = {p for p, s in sides.items() if s == 0}
        on |= set(_between(above, below, sides, others))
        found += [Cell((*above, *sorted(on))), Cell((*below, *sorted(on)))]
    return found


def _between(above: list[Point], below: list[Point], sides: dict[Point, Fraction],
             others: Sequence[Plane]) -> Iterator[Point]:
    """Where edges cross the plane; an edge lies in as many planes as there are axes, but for one.
    """
    met = {p: {k for k, plane in enumerate(others) if side(plane, p) == 0}
           for p in (*above, *below)}
    for p, q in product(above, below):
        if len(met[p] & met[q]) >= len(p) - 1:
            share = sides[p] / (sides[p] - sides[q])
            yield tuple(x + share * (y - x) for x, y in zip(p, q, strict=True))


def grid_inside(face: Sequence[Point]) -> Iterator[Point]:
    """Points inside a face, at which a quadratic that vanishes there vanishes on all of it."""
    middle = centre(face)
    near = [centre((middle, p)) for p in face]
    yield middle
    yield from near
    for p, q in combinations(near, 2):
        yield centre((p, q))
