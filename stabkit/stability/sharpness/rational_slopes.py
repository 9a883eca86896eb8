"""Slopes of quotients of polynomials in one input, such as u²/(u² + (1 − u)²), exactly."""

from __future__ import annotations

from fractions import Fraction

from flint import fmpq_poly

from stabkit.arithmetic.flint_rationals import to_fmpq
from stabkit.stability.sharpness.homogeneous import (
    Piece,
    Quotient,
    at_most,
    coefficients_of,
    inside,
    on_line,
    samples,
    simple_bounds,
)
from stabkit.stability.sharpness.ratios import Bounds
from stabkit.stability.sharpness.signs import cells
from stabkit.tracing.trees import Operation, Sum

_DEGREE = 24  # of numerators and denominators


class _NotRational(ArithmeticError):
    """The function is no quotient of polynomials in one input."""


def rational_slope(node: Operation, side: Bounds, name: int) -> Bounds | None:
    """The least and the largest slope between the ends of a side; None where it is not known."""
    try:
        num, den = _operation(node, name)
    except _NotRational:
        return None
    if not _has_no_root(den, side):
        return None
    slope = Quotient(num.derivative() * den - num * den.derivative(), den * den, 0)
    piece = Piece(*side, slope)
    values = [slope.at(x) for x in (*samples(*side), *(x for x in side if x is not None))]
    found = []
    for sign in (-1, 1):
        top = max(sign * v for v in values)
        bound = next((b for b in simple_bounds(top) if b >= top and at_most(slope, b, sign, piece)),
                     None)
        if bound is None:
            return None
        found.append(sign * bound)
    return found[0], found[1]


def _has_no_root(p: fmpq_poly, side: Bounds) -> bool:
    if any(x is not None and p(to_fmpq(x)) == 0 for x in side):
        return False
    sign = 1 if p(to_fmpq(inside(*side))) > 0 else -1
    line = cells([coefficients_of(on_line(p * sign, Piece(*side, Quotient(p, p, 0))))])
    return len(line) == 1 and line[0].holds is True


def _operation(node: Operation, name: int) -> tuple[fmpq_poly, fmpq_poly]:
    if node.name not in ("multiply", "divide"):
        raise _NotRational
    (a, b), (c, d) = (_sum(part, name) for part in node.parts)
    if node.name == "divide":
        if c == 0:
            raise _NotRational
        c, d = d, c
    num, den = a * c, b * d
    if max(num.degree(), den.degree()) > _DEGREE:
        raise _NotRational
    return num, den


def _sum(s: Sum, name: int) -> tuple[fmpq_poly, fmpq_poly]:
    if any(k != name for k, _ in s.linear):
        raise _NotRational
    slope = sum((c for _, c in s.linear), Fraction(0))
    num, den = fmpq_poly([to_fmpq(s.constant), to_fmpq(slope)]), fmpq_poly([1])
    for c, node in s.nodes:
        a, b = _operation(node, name)
        num, den = (num + a * to_fmpq(c), den) if b == den else \
            (num * b + a * den * to_fmpq(c), den * b)
    return num, den
