"""Parameters that no scaling puts to 1 take the largest value that a condition allows.

Of ‖K‖² <= c with a condition such as 2 − Lcτ >= 0 that is c = 2, when τ = L = 1.  If c is a number
and 0 < τ <= top, the relation of K is not of one weight; then K is scaled all the same, as
‖√τ K‖² <= c τ <= c top.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from stabkit.errors import InvalidArgument
from stabkit.proof.setting import Setting
from stabkit.proof.words import Expression

Weight = dict[str, Fraction]  # the power of each parameter that is scaled away


@dataclass(frozen=True)
class Top:
    """The condition that bounds ‖K‖² when τ and L are 1, by its name.

    The condition is slope times (value − ‖K‖²), of that weight.
    """

    condition: str
    slope: Fraction
    value: Fraction
    weight: Weight


@dataclass(frozen=True)
class Ceiling:
    """The condition a − b·τ >= 0, by its name; a, b are positive numbers, and top = a/b.

    Without one, numbers that bound operators are left out.
    """

    condition: str = ""
    parameter: str = ""
    slope: Fraction = Fraction(0)
    top: Fraction | None = None


class Scaled(Protocol):
    """What is used of a :class:`~stabkit.multipliers.scaling.Scaling`."""

    given: Setting
    values: dict[str, Expression]
    tops: dict[str, Top]

    def put(self, x: Expression) -> Expression: ...

    def weight(self, x: Expression) -> Weight: ...


def ceilings(given: Setting) -> Iterator[Ceiling]:
    """The conditions on one parameter alone, and none, if numbers bound operators."""
    if all(bound.terms.keys() != {((), ())} for bound in given.bounds.values()):
        return
    for name, x in given.assume.items():
        terms = dict(x.terms)
        constant = terms.pop(((), ()), Fraction(0))
        if len(terms) == 1 and constant > 0:
            ((_, powers), slope), = terms.items()
            if slope < 0 and [k for _, k in powers] == [1]:
                yield Ceiling(name, powers[0][0], -slope, constant / -slope)
    yield Ceiling()


def find_tops(made: Scaled, conditions: list[Expression]) -> None:
    """Put the largest value, by a condition on it alone, to each parameter that bounds an operator.

    Raises
    ------
    InvalidArgument
        For a parameter that stands elsewhere too.
    """
    given = made.given
    left = [name for name in given.signs if name not in given.assume
            and name not in made.values]
    for name in left:
        of = [K for K, bound in given.bounds.items() if name in bound.letters]
        elsewhere = [x for x in conditions if name in x.letters
                     and not any(x is y for y in (*given.bounds.values(), *given.assume.values()))]
        simple = all(dict(made.put(given.bounds[K]).terms) == {((), ((name, 1),)): 1} for K in of)
        if elsewhere or not of or not simple:
            raise InvalidArgument(
                f"{name}: it can neither be scaled away nor put to its largest value, so the "
                "search does not know what to do with it; give a number in its place")
        top = _top(made, name)
        for K in of:
            if top is not None:
                made.tops[K] = top


def _top(made: Scaled, name: str) -> Top | None:
    """The condition a − b·name >= 0, a and b positive; None if there is none."""
    for condition, x in made.given.assume.items():
        terms = dict(made.put(x).terms)
        slope = -terms.pop(((), ((name, 1),)), Fraction(0))
        constant = terms.pop(((), ()), Fraction(0))
        if not terms and slope > 0 and constant > 0:
            return Top(condition, slope, constant / slope, made.weight(x))
    return None


def find_tops_of_numbers(made: Scaled, ceiling: Ceiling) -> None:
    """c τ <= c top for operators with ‖K‖² <= c that are scaled by √τ; none for others."""
    for name, bound in made.given.bounds.items():
        if bound.terms.keys() != {((), ())} or ceiling.top is None:
            continue
        K, c = made.given.names[name], bound.terms[(), ()]
        weight = {letter: k for letter, k in made.weight(K.T @ K).items() if k}
        if weight == {ceiling.parameter: 1}:
            made.tops[name] = Top(ceiling.condition, ceiling.slope / c, c * ceiling.top, {})
        elif weight:
            raise InvalidArgument(f"{name}: its bound cannot be scaled")
