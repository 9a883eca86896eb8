"""Functions of one linear form, such as fluxes with thresholds: exact bounds of φ(s)/s and φ′.

Between the points where one of its comparisons changes such a function is a quotient of
polynomials in s; at these points it is looked at on its own, as a single value may be another one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache

from flint import fmpq_poly

from stabkit.stability.sharpness.homogeneous import (
    Line,
    NotHomogeneous,
    Piece,
    Quotient,
    bounds_of,
    limiter_ratios,
    limits_at_ends,
    pieces_of,
)
from stabkit.stability.sharpness.ratios import ONE, ZERO, Form, Inputs, Ratio, multiple, ratios
from stabkit.tracing.trees import Operation, Polynomial, Row, Sum

_MINUS = fmpq_poly([0, -1])


@dataclass(frozen=True)
class Curve:
    """φ of one form s, piece by piece.

    Attributes
    ----------
    form : tuple of (int, Fraction)
        s.
    pieces : list of Piece
        Open intervals that cover the line, and the points between them.
    """

    form: Form
    pieces: list[Piece]

    @cached_property
    def ratio(self) -> tuple[Fraction, Fraction] | None:
        """Bounds of r in φ(s) = r s."""
        return bounds_of(self.pieces, by_r=True)

    @cached_property
    def slope(self) -> tuple[Fraction, Fraction] | None:
        """Bounds of all difference quotients; None where it jumps."""
        if not self._is_continuous():
            return None
        return bounds_of([Piece(p.low, p.high, _derivative(p.value)) for p in self.pieces
                          if not p.is_point], by_r=False)

    @cached_property
    def parity(self) -> int:
        """1 if it is even, −1 if it is odd, else 0."""
        mirrored = {(p.low, p.high): p.value for p in self.pieces}
        for sign in (1, -1):
            if all(_are_equal(p, mirrored.get((_minus(p.high), _minus(p.low))), sign)
                   for p in self.pieces):
                return sign
        return 0

    def _is_continuous(self) -> bool:
        values = {p.low: p.value.at(p.low) for p in self.pieces if p.low is not None and p.is_point}
        return all(end is None or limit == values[end] for p in self.pieces if not p.is_point
                   for end, limit in zip((p.low, p.high), limits_at_ends(p.value, p), strict=True))


def _minus(end: Fraction | None) -> Fraction | None:
    return None if end is None else -end


def _are_equal(piece: Piece, other: Quotient | None, sign: int) -> bool:
    """φ(s) = ± φ(−s) on a piece."""
    if other is None:
        return False
    if piece.low is not None and piece.is_point:
        return piece.value.at(piece.low) == sign * other.at(-piece.low)
    here = piece.value
    return bool(here.num * other.den(_MINUS) == sign * other.num(_MINUS) * here.den)


def _derivative(q: Quotient) -> Quotient:
    return Quotient(q.num.derivative() * q.den - q.num * q.den.derivative(), q.den * q.den, 0)


@lru_cache(maxsize=256)
def curve_of(node: Operation) -> Curve | None:
    """An operation as a function of one form; None where it is none that is known exactly."""
    form = only_form(node)
    if form is None:
        return None
    try:
        return Curve(form, pieces_of(node, Line({form: (ZERO, ONE)}, 0)))
    except (NotHomogeneous, ZeroDivisionError):
        return None


def only_form(node: Operation) -> Form | None:
    """The form that an operation is a function of, beside constants."""
    found: list[Form] = []

    def is_only(s: Sum) -> bool:
        found.extend([s.linear] if s.linear and not found else [])
        return (not s.linear or multiple(s.linear, found[0]) is not None) and all(
            is_only(part) for _, inner in s.nodes for part in inner.parts)

    return found[0] if all(map(is_only, node.parts)) and found else None


def all_ratios(node: Operation, inputs: Inputs) -> Iterator[Ratio]:
    """The ways to write an operation as a bounded multiple of a linear form."""
    curve = curve_of(node)
    if curve is not None and curve.ratio is not None:
        yield Ratio(curve.form, *curve.ratio)
    yield from ratios(node, inputs)
    yield from limiter_ratios(node)


def join_operations(row: Row) -> Row:
    """The row with operations of the same form, times multiples of one polynomial, as one."""
    groups: list[tuple[Form | None, Polynomial, list[tuple[Fraction, Operation]]]] = []
    for p, node in row.nodes:
        form = only_form(node)
        for other, q, terms in groups:
            c = _over(p, q)
            if c is not None and form is not None and other is not None and multiple(
                    form, other) is not None:
                terms.append((c, node))
                break
        else:
            groups.append((form, p, [(ONE, node)]))
    return Row(row.constant, row.linear, tuple(
        (p, terms[0][1] if len(terms) == 1 else Operation(
            "sum", (Sum(ZERO, (), tuple(terms)),), terms[0][1].line))
        for _, p, terms in groups), row.places)


def _over(p: Polynomial, q: Polynomial) -> Fraction | None:
    """c with p = c q, or None."""
    at = next((k for k, c in enumerate(q) if c), None)
    if at is None or len(p) != len(q):
        return None
    c = p[at] / q[at]
    return c if c and p == tuple(c * x for x in q) else None
