"""Statements about functions of one real variable that are polynomials on each of some pieces.

A statement is ``{"kind": "pieces", "variable": "y", "on": ["-inf", "inf"], "goal": "max(y, 0) -
max(-y, 0) - y == 0"}`` with max, min and abs; a proof is ``{"breaks": ["0"]}``: between the breaks
no argument of these changes its order, which Sturm chains decide, as they do for the goal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from stabkit.errors import InvalidEvidence
from stabkit.proof.aliases import Data
from stabkit.proof.polynomials import End, coefficients, nonnegative
from stabkit.proof.text import fields, new_name, parse, rational, relation
from stabkit.proof.words import Expression, parameter

MAX_BREAKS = 100


@dataclass(frozen=True)
class Statement:
    """A goal for all values of the variable between two ends."""

    variable: str
    ends: tuple[End, End]
    goal: str
    relation: str


def read(data: dict) -> Statement:
    """The statement that a dictionary describes."""
    data = fields(data, ("kind", "variable", "on", "goal"))
    left, sign = relation(data["goal"], (">=", "=="))
    if not isinstance(data["on"], list) or len(data["on"]) != 2:
        raise InvalidEvidence("on: needs a list of two ends")
    low, high = data["on"]
    ends = low, high = (None if low == "-inf" else rational(low),
                        None if high == "inf" else rational(high))
    if low is not None and high is not None and low >= high:
        raise InvalidEvidence("on: the interval is empty")
    return Statement(new_name(data["variable"], ("max", "min", "abs")), ends, left, sign)


def check(statement: Statement, proof: Data) -> None:
    """Decide the goal on every piece.

    Raises
    ------
    InvalidEvidence
        If breaks are missing or out of order, or the goal does not hold.
    """
    for piece, shown in pieces(statement, proof):
        if not (shown.is_zero() if statement.relation == "==" else piece.nonnegative(shown)):
            raise InvalidEvidence(f"the goal does not hold between {piece.low} and {piece.high}")


def pieces(statement: Statement, proof: Data) -> Iterator[tuple[Piece, Expression]]:
    """The pieces, each with what the left side of the goal is on it."""
    breaks = fields(proof, ("breaks",))["breaks"]
    if not isinstance(breaks, list) or len(breaks) > MAX_BREAKS:
        raise InvalidEvidence(f"breaks: needs a list of at most {MAX_BREAKS} fractions")
    low, high = statement.ends
    points = [low, *map(rational, breaks), high]
    if any(a is not None and b is not None and a >= b for a, b in pairwise(points)):
        raise InvalidEvidence("breaks: must increase, from end to end")
    for a, b in pairwise(points):
        piece = Piece(statement.variable, a, b)
        yield piece, parse(
            statement.goal, {statement.variable: parameter(statement.variable)},
            {"max": (piece.max, 2), "min": (piece.min, 2), "abs": (piece.abs, 1)})


@dataclass(frozen=True)
class Piece:
    """What max, min and abs are between two breaks."""

    variable: str
    low: End
    high: End
    orders: list[Expression] = field(default_factory=list)  # that are >= 0 on it

    def nonnegative(self, x: Expression) -> bool:
        return nonnegative(coefficients(x, self.variable), self.low, self.high)

    def max(self, x: Expression, y: Expression) -> Expression:
        for larger, smaller in ((x, y), (y, x)):
            if self.nonnegative(larger - smaller):
                self.orders.append(larger - smaller)
                return larger
        raise InvalidEvidence(f"breaks: one is missing between {self.low} and {self.high}")

    def min(self, x: Expression, y: Expression) -> Expression:
        return -self.max(-x, -y)

    def abs(self, x: Expression) -> Expression:
        return self.max(x, -x)
