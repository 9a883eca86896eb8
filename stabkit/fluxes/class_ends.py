"""Ends of the intervals in which a class of fluxes has its slopes and diffusivities."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from stabkit.arithmetic.rational import fraction
from stabkit.errors import InvalidArgument


def require_members(diffusivities: tuple[Any, Any] | None, slopes: tuple[Any, Any] | None) -> None:
    """Raise InvalidArgument if no flux has these ends, as far as they are numbers.

    A diffusivity g that lies between two ends is a slope, too, as Φ(0) = 0.
    """
    numbers = {name: ends for name, ends in (("diffusivities", diffusivities), ("slopes", slopes))
               if ends and all(isinstance(end, Fraction) for end in ends)}
    for name, (low, high) in numbers.items():
        in_order(low, high, name)
    if len(numbers) == 2 and max(low for low, _ in numbers.values()) > min(
            high for _, high in numbers.values()):
        raise InvalidArgument("slopes: no flux has such slopes and such diffusivities, which are "
                              "slopes too; the intervals must meet")


def in_order(low: Any, high: Any, name: str) -> tuple[Fraction | None, Fraction | None]:
    """Two ends as fractions, None for no end; InvalidArgument if the lower one is above the other.
    """
    a, b = (None if end is None else fraction(end, name) for end in (low, high))
    if a is not None and b is not None and a > b:
        raise InvalidArgument(f"{name}: the lower end comes first, got ({a}, {b})")
    return a, b
