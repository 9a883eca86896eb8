"""Run a formula to get its expression; refuse what only pretends to be a formula."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import isfinite

import numpy as np

from stabkit.aliases import Scalar
from stabkit.arithmetic.enclosure import Interval
from stabkit.errors import InvalidArgument, StabkitError
from stabkit.fluxes.expression import HOW, VARIABLE, Expression, as_expression

_OWN = {"stabkit.fluxes.dictionary", "stabkit.fluxes.activations"}  # tested elsewhere
_ROUNDING = Fraction(1, 2**16)


def record(formula: Callable[[Scalar], Scalar], name: str = "formula") -> Expression:
    """The expression of a formula in one variable, by running it.

    Raises
    ------
    InvalidArgument
        If it branches, calls something that cannot be decided, or gives another answer when it is
        run again or on numbers; `name` says which formula it was.
    """
    if isinstance(formula, Expression):
        return formula
    try:
        found = as_expression(formula(VARIABLE))
        _is_one_function(formula, found, name)
    except InvalidArgument as error:
        raise InvalidArgument(str(error).replace("formula", name, 1)) from None
    except (TypeError, AttributeError, ValueError, ArithmeticError, LookupError) as error:
        raise InvalidArgument(f"{name}: it is no expression in one number s ({error}); {HOW}"
                              ) from None
    return found


_POINTS = tuple(Fraction(p, q) for p, q in (
    (1, 3), (-1, 3), (2, 1), (-2, 1), (17, 4), (-29, 3), (40, 1), (-41, 1)))


def _is_one_function(formula: Callable[[Scalar], Scalar], found: Expression, name: str) -> None:
    """Refuse a formula that is not its expression, such as one with a memory or a random one."""
    if getattr(formula, "__module__", None) in _OWN:
        return
    if as_expression(formula(VARIABLE)).text != found.text:
        raise InvalidArgument(f"{name}: it answers differently when it is asked twice")
    together = _of_array(formula)
    for place, point in enumerate(_POINTS):
        try:
            value = found.at(Interval(point))
            with np.errstate(all="ignore"):
                number = float(formula(np.float64(point)))
            # ~True is -2 in Python, so a formula with ~ says nothing about an Interval.
            own = number if "not(" in found.text else _one(formula(Interval(point)))
        except (StabkitError, TypeError, ArithmeticError, ValueError, AttributeError):
            continue  # it has no value there
        near = (Interval(0) + value) * Interval(1 - _ROUNDING, 1 + _ROUNDING) + \
            Interval(-_ROUNDING, _ROUNDING)
        if together is not None and isfinite(together[place]) and not near.overlaps(
                float(together[place])):
            number = float(together[place])
        if not near.overlaps(own) or (isfinite(number) and not near.overlaps(number)):
            raise InvalidArgument(f"{name}: it computes {number:.6g} at s = {point}, but as an "
                                  f"expression it is {float(Interval(0) + value):.6g} there; it "
                                  "must not look at what it is given")


def _of_array(formula: Callable[[Scalar], Scalar]) -> np.ndarray | None:
    """What a formula makes of an array of the points, or None where it takes none."""
    try:
        with np.errstate(all="ignore"):
            made = np.asarray(formula(np.array([float(point) for point in _POINTS])), dtype=float)
    except (StabkitError, TypeError, ArithmeticError, ValueError, AttributeError):
        return None
    return np.broadcast_to(made, (len(_POINTS),)) if made.ndim < 2 and made.size in (
        1, len(_POINTS)) else None


def _one(value: Scalar) -> Scalar:
    # NumPy turns unknown numbers into arrays, and integers of Python into its own.
    return value.item() if isinstance(value, (np.ndarray, np.generic)) else value
