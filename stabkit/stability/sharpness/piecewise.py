"""Functions that are quadratic between planes: fluxes with moduli, maxima and branches.

The slopes of a quadratic are affine, so on a cell between planes the corners decide their signs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

from flint import Ordering, fmpq, fmpq_mpoly_ctx

from stabkit.arithmetic.flint_rationals import from_fmpq, to_fmpq
from stabkit.errors import Undecided
from stabkit.stability.sharpness.polytopes import (
    Cell,
    Plane,
    Point,
    box_of,
    cut_by,
    grid_inside,
    side,
)
from stabkit.tracing.trees import Operation, Sum

ZERO, ONE = Fraction(0), Fraction(1)
Quadratic = dict[tuple[int, ...], Fraction]  # by the inputs of a term, sorted: (), (j,) or (j, k)
_CELLS = 400
_LARGEST = 40_000  # evaluations of operations
_COMPARED: dict[str, Callable[[int], bool]] = {
    "greater": lambda s: s > 0, "greater_equal": lambda s: s >= 0, "less": lambda s: s < 0,
    "less_equal": lambda s: s <= 0, "equal": lambda s: s == 0, "not_equal": lambda s: s != 0}
_MAY_JUMP = ("where", "sign", *_COMPARED, "logical_and", "logical_or", "logical_not")


class NotPiecewise(ArithmeticError):
    """The function is not quadratic between planes."""


class Pieces:
    """Some operations of the same inputs on a box, as quadratics on its cells.

    Parameters
    ----------
    nodes : sequence of Operation
    names : sequence of int
        The inputs, each an axis.
    sides : sequence of (Fraction, Fraction)
        Of the box.

    Raises
    ------
    NotPiecewise
        If an operation is of another kind, or there is too much to look at.
    Undecided
        If a function jumps.
    """

    def __init__(self, nodes: Sequence[Operation], names: Sequence[int],
                 sides: Sequence[tuple[Fraction, Fraction]]):
        self.nodes, self.work = nodes, 0
        self.axis = {name: axis for axis, name in enumerate(names)}
        whole, self.faces = box_of(sides)
        self.planes: list[Plane] = []
        self.seen: set[Plane] = set()  # also those that only touch the box
        self.cells: list[tuple[Cell, list[Quadratic]]] = []
        waiting = [whole]
        while waiting:
            cell = waiting.pop()
            met: list[Plane] = []
            found = [self._node(node, cell.inside, met) for node in nodes]
            self.seen |= set(met)
            new = next((p for p in met if _goes_through(p, cell.corners)), None)
            if new is None:
                self.cells.append((cell, found))
                continue
            if new not in self.planes:
                self.planes.append(new)
            waiting += cut_by([cell], new, [*self.faces, *self.planes])
            if len(waiting) + len(self.cells) > _CELLS:
                raise NotPiecewise
        if any(_contains(node, _MAY_JUMP) for node in nodes):
            self._check_continuous()

    @property
    def are_homogeneous(self) -> bool:
        """Whether all functions are linear between planes through the origin."""
        return not any(plane[0] for plane in self.planes) and all(
            len(key) == 1 for _, quadratics in self.cells for q in quadratics
            for key, c in q.items() if c)

    def polar(self) -> Iterator[tuple[Point, Point, list[Fraction]]]:
        """For two corners x, y of a cell: B(x, y) of every operation.

        B is affine in both, with B(x, x) = q(x): at Σ λᵢ xᵢ the quadratic is Σ λᵢ λⱼ B(xᵢ, xⱼ).
        """
        for cell, quadratics in self.cells:
            for k, x in enumerate(cell.corners):
                for y in cell.corners[k:]:
                    yield x, y, [_polar(q, x, y) for q in quadratics]

    def slopes(self, name: int) -> set[tuple[Fraction, ...]]:
        """The slopes of all operations in an input, at all corners of all cells."""
        axis = self.axis[name]
        return {tuple(_slope(q, axis, corner) for q in quadratics)
                for cell, quadratics in self.cells for corner in cell.corners}

    def values(self, point: Point) -> list[Fraction]:
        """Of all operations at a point."""
        return [_value(self._node(node, point, []), point) for node in self.nodes]

    def _check_continuous(self) -> None:
        """On every face of a cell the functions are what they are in the cell."""
        known: dict[Point, list[Fraction]] = {}
        for cell, quadratics in self.cells:
            for face in cell.faces(sorted(self.seen)):
                for point in grid_inside(face):
                    if point not in known:
                        known[point] = self._values_on(face, point)
                    if [_value(q, point) for q in quadratics] != known[point]:
                        line = next(n.line for n in self.nodes if _contains(n, _MAY_JUMP))
                        raise Undecided(f"a function jumps ({line})")

    def _values_on(self, face: Sequence[Point], point: Point) -> list[Fraction]:
        """The values at a point of a face, which no plane cuts that was not seen from the cells."""
        met: list[Plane] = []
        found = [_value(self._node(node, point, met), point) for node in self.nodes]
        if any(_goes_through(plane, face) for plane in set(met) - self.seen):
            raise NotPiecewise
        return found

    # -- one operation at a point and around it --------------------------------------------------
    def _sum(self, s: Sum, at: Point, met: list[Plane]) -> Quadratic:
        total: Quadratic = {(): s.constant}
        for name, c in s.linear:
            total[(self.axis[name],)] = total.get((self.axis[name],), ZERO) + c
        for c, node in s.nodes:
            _add(total, self._node(node, at, met), c)
        return total

    def _node(self, node: Operation, at: Point, met: list[Plane]) -> Quadratic:
        name = node.name
        self.work += 1
        if self.work > _LARGEST:
            raise NotPiecewise

        def run(part: Sum) -> Quadratic:
            return self._sum(part, at, met)

        if name == "multiply":
            return _product(*map(run, node.parts))
        if name in ("absolute", "fabs", "sign"):
            inner = run(node.parts[0])
            sign = self._sign(inner, at, met)
            return {(): Fraction(sign)} if name == "sign" else \
                {key: sign * c for key, c in inner.items()}
        if name in ("maximum", "minimum", "fmax", "fmin"):
            a, b = map(run, node.parts)
            sign = self._sign(_less(a, b), at, met)
            return a if (sign >= 0) == (name in ("maximum", "fmax")) else b
        if name == "where":
            return run(node.parts[1] if self._holds(node.parts[0], at, met) else node.parts[2])
        if name in _COMPARED or name.startswith("logical"):
            return {(): Fraction(self._test(node, at, met))}
        raise NotPiecewise

    def _sign(self, q: Quadratic, at: Point, met: list[Plane]) -> int:
        n = len(self.axis)
        planes = [tuple(q.get(key, ZERO) for key in ((), *((j,) for j in range(n))))] \
            if all(len(key) < 2 or not c for key, c in q.items()) else _factors(q, n)
        for plane in planes:
            scale = next((abs(c) for c in plane[1:] if c), None)
            if scale is not None:
                met.append(tuple(c / scale for c in plane))
        value = _value(q, at)
        return (value > 0) - (value < 0)

    def _holds(self, s: Sum, at: Point, met: list[Plane]) -> bool:
        if not s.constant and not s.linear and len(s.nodes) == 1 and s.nodes[0][0] == 1 and (
                s.nodes[0][1].name in _COMPARED or s.nodes[0][1].name.startswith("logical")):
            return self._test(s.nodes[0][1], at, met)
        return self._sign(self._sum(s, at, met), at, met) != 0

    def _test(self, node: Operation, at: Point, met: list[Plane]) -> bool:
        if node.name in _COMPARED:
            a, b = (self._sum(part, at, met) for part in node.parts)
            return _COMPARED[node.name](self._sign(_less(a, b), at, met))
        held = [self._holds(part, at, met) for part in node.parts]
        return {"logical_and": all, "logical_or": any, "logical_not": lambda h: not h[0]}[
            node.name](held)


def _factors(q: Quadratic, n: int) -> list[Plane]:
    """The planes on which a quadratic vanishes that is a product of two affine functions."""
    ring = fmpq_mpoly_ctx.get([f"x{j}" for j in range(n)], Ordering.lex)
    whole = ring.from_dict({tuple(key.count(j) for j in range(n)): to_fmpq(c)
                            for key, c in q.items() if c})
    planes = []
    for factor, _ in whole.factor()[1]:
        if factor.total_degree() > 1:
            raise NotPiecewise
        terms = factor.to_dict()
        planes.append(tuple(from_fmpq(terms.get(tuple(int(k == j) for k in range(n)), fmpq(0)))
                            for j in range(-1, n)))
    return planes


def _polar(q: Quadratic, x: Point, y: Point) -> Fraction:
    total = ZERO
    for key, c in q.items():
        if len(key) == 2:
            j, k = key
            total += c * (x[j] * y[k] + x[k] * y[j]) / 2
        else:
            total += c * (x[key[0]] + y[key[0]]) / 2 if key else c
    return total


def _goes_through(plane: Plane, corners: Sequence[Point]) -> bool:
    signs = {(s > 0) - (s < 0) for s in (side(plane, p) for p in corners)}
    return {-1, 1} <= signs


def _contains(node: Operation, names: Sequence[str]) -> bool:
    return node.name in names or any(
        _contains(inner, names) for part in node.parts for _, inner in part.nodes)


def _add(total: Quadratic, other: Quadratic, factor: Fraction) -> None:
    for key, c in other.items():
        total[key] = total.get(key, ZERO) + factor * c


def _less(a: Quadratic, b: Quadratic) -> Quadratic:
    found = dict(a)
    _add(found, b, -ONE)
    return found


def _product(a: Quadratic, b: Quadratic) -> Quadratic:
    out: Quadratic = {}
    for i, x in a.items():
        for j, y in b.items():
            if x and y:
                key: Any = tuple(sorted(i + j))
                if len(key) > 2:
                    raise NotPiecewise
                out[key] = out.get(key, ZERO) + x * y
    return out


def _value(q: Quadratic, at: Point) -> Fraction:
    total = ZERO
    for key, c in q.items():
        for axis in key:
            c *= at[axis]
        total += c
    return total


def _slope(q: Quadratic, axis: int, at: Point) -> Fraction:
    total = q.get((axis,), ZERO)
    for key, c in q.items():
        if len(key) == 2 and axis in key:
            j, k = key
            total += c * at[k if j == axis else j] * (2 if j == k else 1)
    return total
