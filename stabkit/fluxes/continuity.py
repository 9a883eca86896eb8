"""Where an expression is continuous: where every operation in it is, for all its arguments there.

Sums, products, exp, tanh, abs, max and the like are continuous everywhere; a quotient where its
denominator is not 0, a root of what is not negative, a logarithm of what is positive; sign, floor
and np.where only where their argument decides them for the whole cell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from math import inf
from typing import Any, NamedTuple

from stabkit.aliases import Scalar
from stabkit.arithmetic.enclosure import Interval, precision
from stabkit.arithmetic.transcript import Term
from stabkit.errors import HypothesisNotMet, Undecided
from stabkit.fluxes.expression import Expression
from stabkit.time_limit import time_is_over

_CELLS = 4096
_NARROWEST = Fraction(1, 2**24)


class Need(NamedTuple):
    """A condition under which an operation is continuous: a sign of `argument`, or a decision."""

    argument: Expression
    relation: str  # "!=", ">=", ">" (to 0), or "" for a condition that is to be decided

    def holds(self, x: Scalar) -> bool:
        """Whether it certainly holds for every s in an interval."""
        value = self.argument.at(x)
        if not self.relation:
            return isinstance(value, bool)
        if self.relation == "!=":
            return bool(value != 0)
        return bool(value >= 0 if self.relation == ">=" else value > 0)

    def text(self, x: Term) -> str:
        """The condition in the language of evidence."""
        value = self.argument.at(x)
        text = value.text if isinstance(value, Term) else str(value)
        return f"{text} {self.relation} 0" if self.relation else f"({text}) or not ({text})"


def needs(expression: Expression) -> list[Need]:
    """The conditions under which an expression is continuous."""
    found: dict[tuple[str, str], Need] = {}
    for part in expression.parts():
        for need in _own_needs(part):
            found.setdefault((need.argument.text, need.relation), need)
    return list(found.values())


def _own_needs(part: Expression) -> Iterator[Need]:
    name, arguments = part.operation, part.arguments
    if name == "/" and (arguments[1].operation != "constant" or arguments[1].value == 0):
        yield Need(arguments[1], "!=")
    elif name == "**" and arguments[1] < 0:
        yield Need(arguments[0], "!=")
    elif name in ("sqrt", "log"):
        yield Need(arguments[0], ">=" if name == "sqrt" else ">")
    elif name == "sign":
        yield Need(arguments[0], "!=")
    elif name == "floor":  # never decided, as a closed cell ends where it jumps
        yield Need(part == part, "")
    elif name == "where":
        yield Need(arguments[0], "")


def cover(ends: Sequence, holds: Callable[[Any, Any], bool]) -> tuple | None:
    """Cut cells until ``holds(a, b)`` on each; return the ends of the cells, or None.

    Parameters
    ----------
    ends : sequence of Fraction or ±inf, increasing
    holds : callable
        May raise Undecided.
    """
    def certain(a: Scalar, b: Scalar) -> bool:
        try:
            return holds(a, b)
        except (Undecided, HypothesisNotMet, ZeroDivisionError):
            return False

    todo, done = list(pairwise(ends)), []
    with precision(128):
        while todo:
            if time_is_over():  # an answer would be remembered
                raise Undecided("the time is over")
            a, b = todo.pop()
            if certain(a, b):
                done.append((a, b))
                continue
            cut = _middle(a, b)
            if cut is None or len(done) + len(todo) > _CELLS:
                return None
            todo += [(a, cut), (cut, b)]
    return tuple(sorted({end for cell in done for end in cell}))


def _middle(a: Scalar, b: Scalar) -> Scalar:
    """A number between two ends; None where a cell is not to be cut further."""
    if a == -inf:
        return 2 * b if abs(b) < 2**20 else None
    if b == inf:
        return 2 * a if abs(a) < 2**20 else None
    return (a + b) / 2 if b - a > _NARROWEST else None


def first_ends(low: Scalar, high: Scalar, points: Sequence = ()) -> list:
    """The cells to begin with: cut at 0, at the given points, and where the tails begin."""
    known = [abs(end) for end in (low, high, *points) if abs(end) != inf]
    reach = max(Fraction(8), *(8 * end for end in known), Fraction(0))
    inside = {-reach, Fraction(0), reach, *points}
    return [low, *sorted(point for point in inside if low < point < high), high]


def cells_of(need: Need, low: Scalar, high: Scalar) -> tuple | None:
    """Cells that cover [low, high], on each of which a need is certain; or None."""
    return cover(first_ends(low, high), lambda a, b: need.holds(Interval(a, b)))


def is_continuous(expression: Expression, low: Scalar, high: Scalar) -> bool:
    """Whether it is shown to be continuous on the closed cell."""
    return low == high or all(cells_of(need, low, high) for need in needs(expression))


def has_value_at(expression: Expression, point: Fraction) -> bool:
    """Whether its value at a point is shown to exist."""
    try:
        with precision(128):
            return all(need.holds(Interval(point)) for need in needs(expression) if need.relation)
    except (Undecided, ArithmeticError):
        return False
