"""Operators as sets before 7 write them: broadcasting is asked for, by an axis."""

from __future__ import annotations

from dataclasses import replace

from stabkit.audit.reading.builder import View
from stabkit.audit.reading.movement import shape_of
from stabkit.audit.reading.operator import Constant, Operator

PLAIN = 7  # the first operator set whose operators broadcast as NumPy does
_BROADCAST = ("Add", "Sub", "Mul", "Div", "Pow", "And", "Or", "Equal", "Greater", "Less")


def old_form(op: Operator) -> Operator:
    """The operator as it would be written today, or a refusal."""
    if op.kind in ("BatchNormalization", "Dropout") and not op.integer("is_test", 0):
        raise op.refuse("a layer in training form (is_test = 0); export the network for inference")
    if op.kind not in _BROADCAST or len(op.inputs) != 2:
        return op
    first, second = op.inputs
    if not isinstance(first, (Constant, View)) or not isinstance(second, (Constant, View)):
        return op
    shape, other = shape_of(first), shape_of(second)
    if shape == other:
        return op
    if not op.integer("broadcast", 0) or not isinstance(second, Constant):
        raise op.refuse(f"operands of shapes {shape} and {other} without broadcasting of a "
                        "constant")
    rank, own = len(shape), second.values.ndim
    axis = op.axis(rank, rank - own) if own < rank else 0
    values = second.values.reshape(*other, *[1] * max(rank - axis - own, 0))
    return replace(op, inputs=[first, Constant(values, second.name)])
