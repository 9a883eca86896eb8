"""A scheme as it was meant: with the numbers in place of the floats that are their rounding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from stabkit.arithmetic.rational import Constant
from stabkit.arithmetic.rounding import size
from stabkit.fluxes.flux import Flux
from stabkit.operators import Operator


def as_meant(part: Any) -> Any:
    """A scheme, or a part of one, as it was meant; the same object if it has no floats.

    Operators, fluxes and steps have a meaning; whatever else a part holds is exact.
    """
    if isinstance(part, (Operator, Flux)):
        return part.meant()
    if isinstance(part, Constant):
        return part.meant
    if isinstance(part, tuple):
        known = {id(each): as_meant(each) for each in part}  # the same part twice stays the same
        twins = tuple(known[id(each)] for each in part)
        return part if all(a is b for a, b in zip(part, twins, strict=True)) else twins
    if isinstance(part, type) or not is_dataclass(part):
        return part
    changed = {}
    for each in fields(part):
        value = getattr(part, each.name)
        twin = as_meant(value) if each.init else value
        if twin is not value:
            changed[each.name] = twin
    whole: Any = part
    return replace(whole, **changed) if changed else whole


def differences(part: Any, twin: Any, name: str = "", fluxes: bool = True) -> Iterator[str]:
    """Say in words where a scheme and what was meant differ, and by how much.

    Its fluxes too, unless `fluxes` is false.
    """
    if part is twin or (isinstance(part, Flux) and not fluxes):
        return
    if isinstance(part, Operator):
        same = np.array_equal(part.columns, twin.columns) and \
            np.array_equal(part.row_of_entry, twin.row_of_entry)
        apart = part.values - twin.values if same else (part - twin).values
        largest = max(map(abs, apart), default=Fraction(0))
        yield f"the entries of {name or part.label} lie up to {size(largest)} from those meant"
    elif isinstance(part, Fraction):
        if part == twin:
            return
        side = "above" if part > twin else "below"
        yield f"the double {float(part)!r} of {name} lies {size(part - twin)} {side} {twin}"
    elif isinstance(part, Flux):
        for where, given, intended in part.intended[1]:
            yield from differences(given, intended, where)
    elif isinstance(part, tuple):
        for one, other in zip(part, twin, strict=True):
            yield from differences(one, other, name, fluxes)
    else:
        for each in fields(part):
            yield from differences(getattr(part, each.name), getattr(twin, each.name), each.name,
                                   fluxes)
