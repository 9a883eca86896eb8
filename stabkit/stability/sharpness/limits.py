"""Ends of intervals that are no rational numbers, or do not belong to them."""

from __future__ import annotations

from fractions import Fraction

from stabkit.arithmetic.algebraic import Algebraic

_LONG = 2000  # denominators of fractions that are shown as such


class Beside(Fraction):
    """A rational step in an interval, close to its exact end.

    Attributes
    ----------
    limit : Algebraic or Fraction or None
        The end itself.
    belongs : bool
        Whether the end belongs to the interval.
    """

    limit: Algebraic | Fraction | None = None
    belongs: bool = True

    @classmethod
    def of(cls, near: Fraction, limit: Algebraic | Fraction, belongs: bool = True) -> Beside:
        """The step `near`, which stands for an end."""
        found = cls(near)
        found.limit, found.belongs = limit, belongs
        return found


def in_words(x: Fraction, variable: str) -> str:
    """An end, exactly, but for long fractions, of which a decimal is shown."""
    limit = x.limit if isinstance(x, Beside) and x.limit is not None else x
    if isinstance(limit, Algebraic):
        return limit.words(variable)
    return str(limit) if limit.denominator <= _LONG else f"{float(limit):.7g}"


def belongs(x: Fraction) -> bool:
    """Whether an end belongs to its interval."""
    return not isinstance(x, Beside) or x.belongs
