"""The values of operations of numbers alone, such as those of a difference across a closed face."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import isqrt


def _root(x: Fraction) -> Fraction | None:
    if x < 0:
        return None
    top, below = isqrt(x.numerator), isqrt(x.denominator)
    found = Fraction(top, below)
    return found if found**2 == x else None


def _at_zero(value: int) -> Callable[[Fraction], Fraction | None]:
    return lambda x: None if x else Fraction(value)


_COMPARED: dict[str, Callable[..., bool]] = {
    "greater": lambda x, y: x > y, "greater_equal": lambda x, y: x >= y,
    "less": lambda x, y: x < y, "less_equal": lambda x, y: x <= y,
    "equal": lambda x, y: x == y, "not_equal": lambda x, y: x != y,
    "logical_and": lambda x, y: bool(x and y), "logical_or": lambda x, y: bool(x or y),
    "logical_not": lambda x: not x}
_VALUES: dict[str, Callable[..., Fraction | None]] = {
    "multiply": lambda x, y: x * y, "divide": lambda x, y: x / y if y else None,
    "absolute": abs, "fabs": abs, "sign": lambda x: Fraction((x > 0) - (x < 0)),
    "maximum": max, "minimum": min, "fmax": max, "fmin": min,
    "where": lambda holds, yes, no: yes if holds else no, "sqrt": _root,
    "hypot": lambda x, y: _root(x * x + y * y),
    **{name: _at_zero(1) for name in ("exp", "cos", "cosh")},
    **{name: _at_zero(0) for name in ("tanh", "sin", "arctan", "sinh", "expm1", "log1p")},
    **{name: lambda *x, holds=holds: Fraction(holds(*x)) for name, holds in _COMPARED.items()}}


def value_of(name: str, parts: Sequence[Fraction]) -> Fraction | None:
    """What a function of NumPy gives for numbers; None where that is no fraction, or not known."""
    known = _VALUES.get(name)
    return None if known is None else known(*parts)
