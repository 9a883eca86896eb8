"""The outputs of a step that is not linear, one by one: linear forms, and trees of operations.

Rows whose trees are equal but for the names of their inputs are one sort; what is found out about
a sort holds for all of its rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from stabkit.errors import Undecided
from stabkit.tracing.folding import value_of
from stabkit.tracing.form import CONSTANT, Form
from stabkit.tracing.run import Trace

Polynomial = tuple[Fraction, ...]  # in the step, from the constant upwards
_ROWS = 20_000
_LARGE = 400  # operations of one row


@dataclass(frozen=True)
class Sum:
    """constant + Σ cⱼ uⱼ + Σ c_k node_k, without the step.

    Attributes
    ----------
    constant : Fraction
    linear : tuple of (int, Fraction)
        By the place of the input, in order.
    nodes : tuple of (Fraction, Operation)
    """

    constant: Fraction
    linear: tuple[tuple[int, Fraction], ...]
    nodes: tuple[tuple[Fraction, Operation], ...] = ()

    @cached_property
    def inputs(self) -> frozenset[int]:
        """The places of all inputs below."""
        return frozenset(k for k, _ in self.linear).union(*(
            part.inputs for _, node in self.nodes for part in node.parts))

    @property
    def is_linear(self) -> bool:
        """Whether it is a linear form without a constant."""
        return not self.nodes and not self.constant

    def over(self, other: Sum) -> Fraction | None:
        """c with this = c·other, or None."""
        a, b = ([(0, s.constant), *s.linear, *((node, c) for c, node in s.nodes)]
                for s in (self, other))
        c = next((x / y for (_, x), (_, y) in zip(a, b, strict=False) if x and y), None)
        return c if c and len(a) == len(b) and all(
            i == j and x == c * y for (i, x), (j, y) in zip(a, b, strict=True)) else None


@dataclass(frozen=True)
class Operation:
    """A function of NumPy of sums."""

    name: str
    parts: tuple[Sum, ...]
    line: str


@dataclass(frozen=True)
class Row:
    """One output, with polynomials in the step as coefficients.

    Attributes
    ----------
    constant : Polynomial
    linear : tuple of (int, Polynomial)
    nodes : tuple of (Polynomial, Operation)
    places : tuple of int
        For the numbers of the inputs: their places in the array, that of the output first.
    """

    constant: Polynomial
    linear: tuple[tuple[int, Polynomial], ...]
    nodes: tuple[tuple[Polynomial, Operation], ...]
    places: tuple[int, ...]


def sorts_of_rows(found: Trace) -> dict[tuple, list[Row]]:
    """The rows of a step, by sort: equal but for `places`.

    Raises
    ------
    Undecided
        If there are too many, or the step enters below an operation or a denominator.
    """
    if found.size > _ROWS:
        raise Undecided(f"a step that is not linear is looked at row by row, up to {_ROWS} "
                        "entries; take a smaller shape")
    rows: dict[tuple, list[Row]] = {}
    for row in _Trees(found).rows():
        rows.setdefault((row.constant, row.linear, row.nodes), []).append(row)
    return rows


class _Trees:
    def __init__(self, found: Trace):
        self.size, self.form, self.nodes = found.size, found.form, found.nodes
        self.numbers: dict[int, Fraction | None] = {}
        system = next((node for node in found.nodes if node.name == "solve"), None)
        if system is not None:
            raise Undecided("the step solves a linear system, and something else in it is not "
                            f"linear ({system.line})")
        self.entries = [[rows_of_form(part) for part in node.parts] for node in found.nodes]
        if len(found.form.denominator) > 1:
            raise Undecided("the step divides by a polynomial in dt")

    def rows(self) -> Iterator[Row]:
        divisor = self.form.denominator[0]
        for number, terms in enumerate(rows_of_form(self.form)):
            self.names: dict[int, int] = {number: 0}
            self.count = 0
            constant: Polynomial = (Fraction(0),)
            linear, nodes = [], []
            for column, p in terms:
                poly = tuple(Fraction(c, divisor) for c in p)
                if column == CONSTANT:
                    constant = poly
                elif column <= self.size:
                    linear.append((self._name(column - 1), poly))
                elif (value := self._number(column)) is not None:
                    constant = _add(constant, poly, value)
                else:
                    factor, node = self._operation(column)
                    nodes.append((tuple(factor * c for c in poly), node))
            yield Row(constant, tuple(linear), tuple(nodes), tuple(self.names))

    def _name(self, place: int) -> int:
        return self.names.setdefault(place, len(self.names))

    def _number(self, column: int) -> Fraction | None:
        """The value of an operation of numbers, or of a product with 0; else None."""
        if column not in self.numbers:
            at, entry = self._place(column)
            node = self.nodes[at]
            values = [self._value(part[entry], form.denominator)
                      for part, form in zip(self.entries[at], node.parts, strict=True)]
            self.numbers[column] = Fraction(0) if node.name == "multiply" and 0 in values else \
                None if None in values else value_of(node.name, values)  # type: ignore[arg-type]
        return self.numbers[column]

    def _value(self, terms: list, denominator: tuple[int, ...]) -> Fraction | None:
        total = Fraction(0)
        for column, p in terms:
            value = Fraction(1) if column == CONSTANT else \
                None if column <= self.size else self._number(column)
            if value is None or (value and (len(denominator) > 1 or any(p[1:]))):
                return None
            total += value * Fraction(p[0], denominator[0])
        return total

    def _place(self, column: int) -> tuple[int, int]:
        at = next(k for k, node in enumerate(self.nodes)
                  if node.first <= column < node.first + node.count)
        return at, column - self.nodes[at].first

    def _operation(self, column: int) -> tuple[Fraction, Operation]:
        """A number and the operation that it multiplies; −d·d is −1 times a square."""
        self.count += 1
        if self.count > _LARGE:
            raise Undecided(f"an output needs more than {_LARGE} operations")
        at, entry = self._place(column)
        node = self.nodes[at]
        parts = tuple(self._sum(part[entry], form.denominator, node.line)
                      for part, form in zip(self.entries[at], node.parts, strict=True))
        factor = parts[0].over(parts[1]) if node.name == "multiply" else None
        if factor is None:
            return Fraction(1), Operation(node.name, parts, node.line)
        return factor, Operation(node.name, (parts[1], parts[1]), node.line)

    def _sum(self, terms: list, denominator: tuple[int, ...], line: str) -> Sum:
        constant, linear, nodes = Fraction(0), [], []
        for column, p in terms:
            if len(denominator) > 1 or any(p[1:]):
                raise Undecided(f"the step enters below an operation that is not linear ({line})")
            c = Fraction(p[0], denominator[0])
            if column == CONSTANT:
                constant = c
            elif column <= self.size:
                linear.append((self._name(column - 1), c))
            elif (value := self._number(column)) is not None:
                constant += c * value
            else:
                factor, node = self._operation(column)
                nodes.append((c * factor, node))
        return Sum(constant, tuple(sorted(linear)), tuple(nodes))


def _add(p: Polynomial, q: Polynomial, factor: Fraction) -> Polynomial:
    width = max(len(p), len(q)) if factor else len(p)
    return tuple((p[k] if k < len(p) else Fraction(0))
                 + factor * (q[k] if k < len(q) else Fraction(0)) for k in range(width))


def rows_of_form(form: Form) -> list[list[tuple[int, list[int]]]]:
    """For every row its columns with their numerators."""
    out: list[list[Any]] = [[] for _ in range(form.count)]
    for row, column, p in zip(form.rows.tolist(), form.columns.tolist(),
                              form.numerators.tolist(), strict=True):
        out[row].append((column, p))
    return out
