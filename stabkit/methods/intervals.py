"""How far a polynomial stays nonpositive, from 0 on: exact, by its real roots."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import inf

from flint import fmpq_poly

from stabkit.arithmetic.enclosure import Interval, from_ball, precision
from stabkit.arithmetic.flint_rationals import from_fmpq, to_fmpq
from stabkit.arithmetic.roots import complex_roots
from stabkit.errors import Undecided


def first_exit(p: fmpq_poly) -> Interval:
    """The largest r with p <= 0 on [0, r], where p(0) <= 0; it may be infinite.

    Between neighbouring real roots p has one sign, that at a rational in between.
    """
    if p.degree() < 1:
        return Interval(inf) if p.degree() < 0 or p[0] <= 0 else Interval(0)
    return first_failure(positive_roots(p), lambda r: p(to_fmpq(r)) <= 0)


def first_failure(changes: list[Interval], holds: Callable[[Fraction], bool]) -> Interval:
    """The largest r such that a condition holds between 0 and r; it may be infinite.

    Parameters
    ----------
    changes : list of Interval
        Where it may begin or cease to hold, in order, apart from one another and from 0.
    holds : callable
        Whether it holds at a rational between two of them, or beyond the last.
    """
    for here, after in zip([Interval(0), *changes], [*changes, None], strict=True):
        if not holds(here.upper + 1 if after is None else (here.upper + after.lower) / 2):
            return here
    return Interval(inf)


def positive_roots(p: fmpq_poly) -> list[Interval]:
    """The different positive roots, in order, apart from one another and from 0."""
    while p[0] == 0 and p.degree() > 0:  # the root 0 is seen from its coefficient
        p = fmpq_poly(p.coeffs()[1:])
    with precision(128):
        found = [root.real for root, _ in complex_roots(p) if root.imag.is_zero()]
    if any(root.contains(0) for root in found):
        raise Undecided("a root of the polynomial is too close to 0 to be told from it")
    return sorted((from_ball(root) for root in found if root > 0),
                  key=lambda root: root.lower)


def on_imaginary_axis(p: fmpq_poly) -> fmpq_poly:
    """|p(iy)|² as a polynomial in w = y²."""
    even = fmpq_poly([c * (-1) ** k for k, c in enumerate(p.coeffs()[::2])])
    odd = fmpq_poly([c * (-1) ** k for k, c in enumerate(p.coeffs()[1::2])])
    return even**2 + fmpq_poly([0, 1]) * odd**2


def at(p: fmpq_poly, x: Fraction) -> Fraction:
    """The value at a rational."""
    return from_fmpq(p(to_fmpq(x)))


def over(p: fmpq_poly, x: Interval) -> Interval:
    """Enclose the values on an interval."""
    total = Interval(0)
    for coefficient in reversed(p.coeffs()):
        total = total * x + Interval(from_fmpq(coefficient))
    return total
