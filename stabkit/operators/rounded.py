"""Operators built of numbers such as a grid size: what was meant when they are floats."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

from stabkit.aliases import Array
from stabkit.arithmetic.rounding import is_rounded, meant
from stabkit.operators.operator import Operator

P = ParamSpec("P")
T = TypeVar("T")


def noting_what_was_meant(make: Callable[P, T]) -> Callable[P, T]:
    """Let an operator built of floats know the one that is built of what was meant by them."""
    @wraps(make)
    def made(*arguments: P.args, **named: P.kwargs) -> T:
        given: Any = make(*arguments, **named)
        intended: Any = [_meant(value) for value in arguments]
        by_name: Any = {name: _meant(value) for name, value in named.items()}
        pairs = [*zip(arguments, intended, strict=True),
                 *((named[name], by_name[name]) for name in named)]
        if all(value is other for value, other in pairs):
            return given
        twins: Any = make(*intended, **by_name)
        several = isinstance(given, (list, tuple))
        for one, twin in zip(given, twins, strict=True) if several else [(given, twins)]:
            if isinstance(one, Operator):
                one.stands_for(twin)
        return given
    return made


def _meant(value: Array) -> Any:
    """What was meant by a float or by those in a sequence; the same object if there are none."""
    if is_rounded(value):
        near = meant(value)
        return value if near == Fraction(float(value)) else near
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        flat = [_meant(entry) for entry in value.ravel()]
        if not any(isinstance(entry, Fraction) for entry in flat):
            return value
        return np.array(flat, dtype=object).reshape(value.shape)
    if isinstance(value, (list, tuple)):
        parts = [_meant(part) for part in value]
        return value if all(a is b for a, b in zip(value, parts, strict=True)) else \
            type(value)(parts)
    return value
