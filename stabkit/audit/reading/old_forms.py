"""Operators as sets before 7 write them: broadcasting is asked for, by an axis."""

from __future__ import annotations

from dataclasses import replace

from stabkit.audit.reading.operator import Constant, Operator

PLAIN = 7  # the first operator set whose operators broadcast as NumPy does
_BROADCAST = ("Add", "Sub", "Mul", "Div", "Pow", "And", "Or", "Equal", "Greater", "Less")


def old_form(op: Operator) -> Operator:
    """The operator as it would be written today, or a refusal."""
    if op.kind in ("BatchNormalization", "Dropout") and not op.integer("is_test", 0):
        raise op.refuse("a layer in training form (is_test = 0); export the network for inference")
    if op.kind not in _BROADCAST or len(op.inputs) != 2:
        return op
    shapes = [value.values.shape if isinstance(value, Constant) else getattr(value, "shape", None)
              for value in op.inputs]
    if None in shapes or shapes[0] == shapes[1]:
        return op
    second = op.inputs[1]
    if not op.integer("broadcast", 0) or not isinstance(second, Constant):
        raise op.refuse(f"operands of shapes {shapes[0]} and {shapes[1]} without broadcasting of a "
                        "constant")
    rank, own = len(shapes[0]), second.values.ndim
    axis = op.axis(rank, rank - own) if own < rank else 0
    values = second.values.reshape(*shapes[1], *[1] * max(rank - axis - own, 0))
    return replace(op, inputs=[op.inputs[0], Constant(values, second.name)])
