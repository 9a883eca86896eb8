"""Operators that only move, repeat or drop entries, of signals and of constants alike.

Each says what it does to an array; a signal is moved by moving the numbers of its places.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from math import prod
from typing import Literal

import numpy as np

from stabkit.audit.reading.builder import ABSENT, View
from stabkit.audit.reading.operator import Array, Constant, Operator, Value, within
from stabkit.audit.reading.tensors import finite
from stabkit.errors import InvalidArgument

Function = Callable[[np.ndarray], np.ndarray]


def shape_of(value: Value | None) -> tuple[int, ...]:
    if isinstance(value, View):
        return value.shape
    if isinstance(value, Constant):
        return value.values.shape
    raise InvalidArgument("its input is missing or no array")


# -- the same entries in the same order ------------------------------------------------------------
def _reshape(op: Operator, shape: tuple[int, ...]) -> tuple[int, ...]:
    wanted = op.sizes(1)
    if wanted is None:
        raise InvalidArgument("its new shape is missing")
    copied = [shape[i] if size == 0 and not op.integer("allowzero", 0) and i < len(shape) else size
              for i, size in enumerate(wanted)]
    if copied.count(-1) > 1 or min(copied, default=0) < -1:
        raise InvalidArgument(f"shape {wanted} is none")
    rest = prod(size for size in copied if size != -1)
    if -1 in copied and (rest == 0 or prod(shape) % rest):
        raise InvalidArgument(f"shape {shape} cannot become {wanted}")
    return tuple(prod(shape) // rest if size == -1 else size for size in copied)


def _flatten(op: Operator, shape: tuple[int, ...]) -> tuple[int, ...]:
    axis = op.integer("axis", 1)
    axis += len(shape) if axis < 0 else 0
    return (prod(shape[:axis]), prod(shape[axis:]))


def _axes(op: Operator) -> list[int] | None:
    return op.sizes(1) if op.has(1) else op.integers("axes")


def _squeeze(op: Operator, shape: tuple[int, ...]) -> tuple[int, ...]:
    axes = _axes(op)
    dropped = [i for i, size in enumerate(shape) if size == 1] if axes is None else \
        [within(axis, len(shape)) for axis in axes]
    if any(shape[axis] != 1 for axis in dropped):
        raise InvalidArgument(f"axes {dropped} of shape {shape} are not all of size 1")
    return tuple(size for i, size in enumerate(shape) if i not in dropped)


def _unsqueeze(op: Operator, shape: tuple[int, ...]) -> tuple[int, ...]:
    axes = _axes(op) or []
    rank = len(shape) + len(axes)
    new = {within(axis, rank) for axis in axes}
    if len(new) < len(axes):
        raise InvalidArgument(f"axes {axes} name one of them twice")
    rest = iter(shape)
    return tuple(1 if i in new else next(rest) for i in range(rank))


RESHAPES = {
    "Reshape": _reshape, "Flatten": _flatten, "Squeeze": _squeeze, "Unsqueeze": _unsqueeze,
}


# -- entries that move -----------------------------------------------------------------------------
def _transpose(op: Operator, shape: tuple[int, ...]) -> Function:
    asked = op.integers("perm")
    order = list(range(len(shape)))[::-1] if asked is None else asked
    if sorted(order) != list(range(len(shape))):
        raise InvalidArgument(f"perm {order} is no order of {len(shape)} axes")
    return lambda array: array.transpose(order)


def _slice(op: Operator, shape: tuple[int, ...]) -> Function:
    if op.opset < 10:
        starts, ends, axes = (op.integers(name) for name in ("starts", "ends", "axes"))
        steps = None
    else:
        starts, ends, axes, steps = (op.sizes(number) for number in (1, 2, 3, 4))
    starts, ends = starts or [], ends or []
    axes = list(range(len(starts))) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise InvalidArgument(f"starts {starts}, ends {ends}, axes {axes} and steps {steps} do not "
                              "belong together")
    cut = [slice(None)] * len(shape)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        cut[within(axis, len(shape))] = slice(start, end, step)
    return lambda array: array[tuple(cut)]


def _gather(op: Operator, shape: tuple[int, ...]) -> Function:
    axis, chosen = op.axis(len(shape), 0), op.constant(1)
    if chosen.dtype.kind not in "iu":
        raise InvalidArgument("its indices must be integers")
    op.build.spend(chosen.size * prod(shape) // max(shape[axis], 1))
    return lambda array: np.take(array, chosen, axis=axis)


def _gather_nd(op: Operator, shape: tuple[int, ...]) -> Function:
    places = op.constant(1)
    if places.dtype.kind not in "iu" or places.ndim < 1 or op.integer("batch_dims", 0):
        raise op.refuse("indices that are no integers, or several batch axes")
    count = places.shape[-1]
    op.build.spend(places.size // max(count, 1) * prod(shape[count:]))
    return lambda array: array[tuple(np.moveaxis(places, -1, 0))]


def _expand(op: Operator, shape: tuple[int, ...]) -> Function:
    wanted = np.broadcast_shapes(shape, tuple(op.sizes(1) or ()))
    op.build.spend(prod(wanted))
    return lambda array: np.broadcast_to(array, wanted)


def _tile(op: Operator, shape: tuple[int, ...]) -> Function:
    counts = op.sizes(1) or []
    if len(counts) != len(shape) or min(counts, default=0) < 0:
        raise InvalidArgument(f"shape {shape} cannot be repeated {counts} times")
    op.build.spend(prod(shape) * prod(counts))
    return lambda array: np.tile(array, counts)


PADDINGS: tuple[Literal["constant", "wrap", "reflect", "edge"], ...] = (
    "constant", "wrap", "reflect", "edge")


def _pad(op: Operator, shape: tuple[int, ...]) -> Function:
    pads = op.integers("pads") or op.integers("paddings") if op.opset < 11 else op.sizes(1)
    axes, asked = op.sizes(3), op.text("mode", "constant")
    axes = list(range(len(shape))) if axes is None else axes
    pads, mode = pads or [], next((mode for mode in PADDINGS if mode == asked), None)
    if len(pads) != 2 * len(axes) or mode is None:
        raise InvalidArgument(f"padding {pads} in mode {asked!r} of shape {shape} is unknown")
    both = [(0, 0)] * len(shape)
    for axis, before, after in zip(axes, pads[:len(axes)], pads[len(axes):], strict=True):
        both[within(axis, len(shape))] = (before, after)
    op.build.spend(prod(max(n + a, 0) + max(b, 0) for n, (a, b) in zip(shape, both, strict=True)))
    cut = tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(shape, both, strict=True))
    grown = [(max(a, 0), max(b, 0)) for a, b in both]
    value, signal = _pad_value(op), isinstance(op.value(0), View)
    if mode != "constant":
        return lambda array: np.pad(array[cut], grown, mode=mode)
    return lambda array: np.pad(array[cut], grown,
                                constant_values=ABSENT if signal else value)


def pad(op: Operator) -> list[Value]:
    """Pad; numbers other than zero beside a signal are added to zeros."""
    value = op.array(0)
    shape = shape_of(value)
    made = move(op, value, _pad(op, shape))
    number = _pad_value(op)
    if not isinstance(made, View) or number == 0 or op.text("mode", "constant") != "constant":
        return [made]
    if not np.isfinite(number):
        raise op.refuse(f"padding with {number}")
    # Of a constant of zeros.
    beside = replace(op, inputs=[Constant(np.zeros(shape), "zeros"), *op.inputs[1:]])
    return [add_constant(op, made, _pad(beside, shape)(np.zeros(shape)))]


def _pad_value(op: Operator) -> float:
    return float(op.constant(2).item()) if op.has(2) and op.opset >= 11 else op.number("value", 0)


def _depth_to_space(op: Operator, shape: tuple[int, ...]) -> Function:
    b, mode = op.integer("blocksize"), op.text("mode", "DCR")
    if len(shape) != 4 or b < 1 or shape[1] % (b * b):
        raise InvalidArgument(f"shape {shape} has no blocks of size {b}")
    n, c, h, w = shape
    split, order = ((n, b, b, c // b**2, h, w), (0, 3, 4, 1, 5, 2)) if mode == "DCR" else \
        ((n, c // b**2, b, b, h, w), (0, 1, 4, 2, 5, 3))
    return lambda a: a.reshape(split).transpose(order).reshape(n, c // b**2, h * b, w * b)


def _space_to_depth(op: Operator, shape: tuple[int, ...]) -> Function:
    b, mode = op.integer("blocksize"), op.text("mode", "DCR")
    if len(shape) != 4 or b < 1 or shape[2] % b or shape[3] % b or mode not in ("DCR", "CRD"):
        raise InvalidArgument(f"shape {shape} has no blocks of size {b}")
    n, c, h, w = shape
    order = (0, 3, 5, 1, 2, 4) if mode == "DCR" else (0, 1, 3, 5, 2, 4)
    return lambda a: a.reshape(n, c, h // b, b, w // b, b).transpose(order).reshape(
        n, c * b * b, h // b, w // b)


MOVES = {
    "Transpose": _transpose, "Slice": _slice, "Gather": _gather, "GatherND": _gather_nd,
    "Expand": _expand, "Tile": _tile,
    "DepthToSpace": _depth_to_space, "SpaceToDepth": _space_to_depth,
}


# -- what becomes of a value -----------------------------------------------------------------------
def move(op: Operator, value: Array, function: Function, name: str = "") -> Array:
    """A signal or a constant moved; what has no entries depends on nothing."""
    if isinstance(value, View):
        moved = function(op.build.index(value))
        return op.build.at(value.node, moved) if moved.size else Constant(
            np.zeros(moved.shape, np.float32), op.build.name)
    op.build.spend(value.values.size)
    return Constant(function(value.values), name or value.name)


def reshape_value(op: Operator, value: Array, shape: tuple[int, ...]) -> Array:
    if isinstance(value, View):
        return op.build.reshape(value, shape)
    return Constant(value.values.reshape(shape), value.name)


def read_movement(op: Operator) -> list[Value]:
    """The outputs of an operator of `RESHAPES` or `MOVES`."""
    value = op.array(0)
    shape = shape_of(value)
    if op.kind in RESHAPES:
        return [reshape_value(op, value, RESHAPES[op.kind](op, shape))]
    return [move(op, value, MOVES[op.kind](op, shape))]


def split(op: Operator) -> list[Value]:
    """Split: pieces along an axis, as many as there are outputs or as their lengths say."""
    value = op.array(0)
    shape = shape_of(value)
    axis = op.axis(len(shape), 0)
    lengths = op.sizes(1) if op.has(1) else op.integers("split")
    if lengths is None:
        piece = -(-shape[axis] // max(op.outputs, 1))
        lengths = [min(piece, shape[axis] - i * piece) for i in range(op.outputs)]
    return [*_pieces(op, value, axis, lengths)]


def split_to_sequence(op: Operator) -> list[Value]:
    """A list of pieces, of given lengths or all of one."""
    value = op.array(0)
    shape = shape_of(value)
    axis = op.axis(len(shape), 0)
    given = op.sizes(1) or [1]
    if op.has(1) and op.constant(1).ndim == 0:
        size = max(given[0], 1)
        given = [min(size, shape[axis] - at) for at in range(0, shape[axis], size)]
    elif not op.has(1):
        given = [1] * shape[axis]
    pieces = _pieces(op, value, axis, given)
    if not op.has(1) and not op.integer("keepdims", 1):
        pieces = [reshape_value(op, piece, shape[:axis] + shape[axis + 1:]) for piece in pieces]
    return [pieces]


def _pieces(op: Operator, value: Array, axis: int, lengths: list[int]) -> list[Array]:
    size = shape_of(value)[axis]
    if sum(lengths) != size or min(lengths, default=0) < 0:
        raise InvalidArgument(f"pieces {lengths} do not add up to {size}")
    ends = np.cumsum(lengths)
    return [move(op, value, partial(_piece, axis, int(end - length), int(end)))
            for end, length in zip(ends, lengths, strict=True)]


def _piece(axis: int, start: int, end: int, array: np.ndarray) -> np.ndarray:
    return array[(slice(None),) * axis + (slice(start, end),)]


def sequence_at(op: Operator) -> list[Value]:
    pieces, number = op.value(0), op.sizes(1)
    if not isinstance(pieces, list) or not number or not -len(pieces) <= number[0] < len(pieces):
        raise InvalidArgument("its inputs must be a sequence and a number in it")
    return [pieces[number[0]]]


def concat(op: Operator) -> list[Value]:
    """Concat; constants beside signals are zeros of which a bias makes what they are."""
    if any(value is None or isinstance(value, list) for value in op.inputs) or not op.inputs:
        raise InvalidArgument("an input is missing")
    values = [op.array(number) for number in range(len(op.inputs))]
    rank = len(shape_of(values[0]))
    axis = op.axis(rank, 1 if op.opset < 4 else None)
    if any(len(shape_of(value)) != rank for value in values):
        raise InvalidArgument("its inputs differ in their number of axes")
    return [side_by_side(op, values, axis)]


def stack(op: Operator, values: Sequence[Array], axis: int = 0) -> Array:
    """Arrays of one shape along a new axis."""
    shape = shape_of(values[0])
    wide = [reshape_value(op, value, (*shape[:axis], 1, *shape[axis:])) for value in values]
    return side_by_side(op, wide, axis)


def side_by_side(op: Operator, values: Sequence[Array], axis: int) -> Array:
    """Arrays along an axis that they have."""
    values = [value for value in values if prod(shape_of(value))] or values
    known = [value for value in values if isinstance(value, Constant)]
    if len(known) == len(values):
        op.build.spend(sum(value.values.size for value in known))
        return Constant(np.concatenate([value.values for value in known], axis), known[0].name)
    signals = [value for value in values if isinstance(value, View)]
    views = [value if isinstance(value, View) else _zeros(op, value, signals[0])
             for value in values]
    made = op.build.join(views, axis)
    if not known:
        return made
    bias = np.concatenate([finite(value.values, value.name) if isinstance(value, Constant) else
                           np.zeros(value.shape) for value in values], axis)
    return add_constant(op, made, bias)


def add_constant(op: Operator, view: View, bias: np.ndarray) -> View:
    """A signal plus a constant of its shape."""
    if not bias.any():
        return view
    if op.build.has_batch(view.shape):
        if (bias != bias[:1]).any():
            raise op.refuse("constants that differ between the samples of a batch")
        bias = bias[0]
    return op.build.scale(view, bias=bias)


def _zeros(op: Operator, value: Constant, beside: View) -> View:
    count = value.values.size // op.build.batch
    return View(beside.node, value.values.shape, np.full(count, ABSENT))
