"""Ranges of numbers that a class names: of an empty one everything is true, so none is taken."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from stabkit.errors import InvalidArgument, InvalidEvidence
from stabkit.proof.polynomials import coefficients
from stabkit.proof.text import parse, relation
from stabkit.proof.words import parameter


def require_values(signs: Mapping[str, str], conditions: Mapping[str, str]) -> None:
    """Raise InvalidArgument if conditions of the first degree on one number leave no value for it.

    Others, of several numbers or of a higher degree, are not looked at.
    """
    below = {name: (Fraction(0), sign == "> 0") for name, sign in signs.items() if sign != "any"}
    above: dict[str, tuple[Fraction, bool]] = {}  # with whether the end itself is allowed
    known = {name: parameter(name) for name in signs}
    for text in conditions.values():
        try:
            left, sign = relation(text, (">=", ">"))
            read = parse(left, known)
            name, = read.letters
            ends = coefficients(read, name)
        except (InvalidEvidence, ValueError):
            continue
        if len(ends) != 2:
            continue
        end, strict = -ends[0] / ends[1], sign == ">"
        if ends[1] > 0:  # of equal ends the strict one counts
            below[name] = max(below.get(name, (end, strict)), (end, strict))
        else:
            above[name] = min(above.get(name, (end, not strict)), (end, not strict))
        if name in below and name in above:
            (low, over), (high, at) = below[name], above[name]
            if low > high or (low == high and (over or not at)):
                raise InvalidArgument(f"{name}: no number lies between {low} and {high} as the "
                                      "conditions on it ask")
