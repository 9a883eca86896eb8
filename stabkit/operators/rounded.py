"""Operators built from numbers such as a grid size: what was meant when these are floats."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

from stabkit.aliases import Array
from stabkit.arithmetic.rounding import is_rounded, meaning
from stabkit.operators.operator import Operator

P = ParamSpec("P")
T = TypeVar("T")


def note_meaning(make: Callable[P, T]) -> Callable[P, T]:
    """Let an operator built from floats know the one built from what was meant by them."""
    @wraps(make)
    def make_and_note(*arguments: P.args, **named: P.kwargs) -> T:
        given: Any = make(*arguments, **named)
        intended: Any = [_meaning(value) for value in arguments]
        by_name: Any = {name: _meaning(value) for name, value in named.items()}
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
    return make_and_note


def _meaning(value: Array) -> Any:
    """What was meant by a float, or by the floats of a sequence; the same object without any."""
    if is_rounded(value):
        near = meaning(value)
        return value if near == Fraction(float(value)) else near
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        flat = [_meaning(entry) for entry in value.ravel()]
        if not any(isinstance(entry, Fraction) for entry in flat):
            return value
        return np.array(flat, dtype=object).reshape(value.shape)
    if isinstance(value, (list, tuple)):
        parts = [_meaning(part) for part in value]
        return value if all(a is b for a, b in zip(value, parts, strict=True)) else \
            type(value)(parts)
    return value
