"""Entries chosen by places that are known, and entries put into places."""

from __future__ import annotations

from math import prod

import numpy as np

from stabkit.audit.reading.builder import ABSENT, View
from stabkit.audit.reading.movement import Function, add_constant, move, shape_of
from stabkit.audit.reading.operator import Array, Constant, Operator
from stabkit.audit.reading.tensors import finite
from stabkit.errors import InvalidArgument


def _indices(op: Operator, number: int = 1) -> np.ndarray:
    found = op.constant(number)
    if found.dtype.kind not in "iu":
        raise InvalidArgument("its indices must be integers")
    op.build.spend(found.size)
    return found


def gather_elements(op: Operator, shape: tuple[int, ...]) -> Function:
    axis, indices = op.axis(len(shape), 0), _indices(op)
    if indices.ndim != len(shape):
        raise InvalidArgument(f"indices of shape {indices.shape} do not fit a signal {shape}")

    def take(array: np.ndarray) -> np.ndarray:
        cut = tuple(slice(None) if at == axis else slice(size)
                    for at, size in enumerate(indices.shape))
        return np.take_along_axis(array[cut], indices, axis)

    return take


def compress(op: Operator, shape: tuple[int, ...]) -> Function:
    kept = op.constant(1).astype(bool).ravel()
    axis = op.axis(len(shape)) if "axis" in op.attributes else None
    return lambda array: np.compress(kept, array, axis=axis)


def triangle(op: Operator, shape: tuple[int, ...]) -> Function:
    """Trilu of a signal: zeros on one side of a diagonal."""
    upper, (rows, columns), k = op.integer("upper", 1), shape[-2:], (op.sizes(1) or [0])[0]
    below = np.tri(rows, columns, k - 1 if upper else k) != 0
    inside = ~below if upper else below
    return lambda array: np.where(inside, array, ABSENT)


def reverse_sequence(op: Operator, shape: tuple[int, ...]) -> Function:
    """The beginnings of sequences turned round."""
    batch, time = op.integer("batch_axis", 1), op.integer("time_axis", 0)
    lengths = op.sizes(1) or []
    if {batch, time} != {0, 1} or len(lengths) != shape[batch] or not all(
            0 <= length <= shape[time] for length in lengths):
        raise InvalidArgument(f"lengths {lengths} do not fit a signal of shape {shape}")

    def turn(array: np.ndarray) -> np.ndarray:
        made = np.moveaxis(array, batch, 0).copy()
        for row, length in zip(made, lengths, strict=True):
            row[:length] = row[:length][::-1]
        return np.moveaxis(made, 0, batch)

    return turn


_CHOICES = {"GatherElements": gather_elements, "Compress": compress, "Trilu": triangle,
            "ReverseSequence": reverse_sequence}
CHOICES = tuple(_CHOICES)


def choose(op: Operator) -> Array:
    value = op.array(0)
    return move(op, value, _CHOICES[op.kind](op, shape_of(value)))


# -- entries that are put into places --------------------------------------------------------------
def scatter_nd(op: Operator) -> Array:
    """ScatterND: slices put into the places that the last axis of the indices names."""
    indices, shape = _indices(op), shape_of(op.value(0))
    return _put(op, tuple(np.moveaxis(indices, -1, 0)),
                indices.shape[:-1] + shape[indices.shape[-1]:])


def scatter_elements(op: Operator) -> Array:
    """ScatterElements: entries put into places along an axis."""
    indices, shape = _indices(op), shape_of(op.value(0))
    axis = op.axis(len(shape), 0)
    places: list[np.ndarray] = list(np.indices(indices.shape, sparse=True))
    if len(places) != len(shape):
        raise InvalidArgument(f"indices of shape {indices.shape} do not fit a signal {shape}")
    places[axis] = indices
    return _put(op, tuple(places), indices.shape)


def _put(op: Operator, places: tuple[np.ndarray, ...], wanted: tuple[int, ...]) -> Array:
    """The first input with the third one in some of its places."""
    data, updates = op.array(0), op.array(2)
    shape, new, build = shape_of(data), shape_of(updates), op.build
    if op.text("reduction", "none") != "none" or build.batch > 1:
        raise op.refuse("entries that are added to others, or a batch of several samples")
    if new != wanted:
        raise InvalidArgument(f"entries of shape {new} are put where {wanted} is needed")
    count = prod(shape)
    build.spend(2 * (count + prod(new)))
    target = np.arange(count).reshape(shape)
    seen = np.zeros(shape, dtype=np.int64)
    np.add.at(seen, places, 1)
    if (seen > 1).any():
        raise op.refuse("several entries for one place")
    target[places] = count + np.arange(prod(new)).reshape(new)
    if isinstance(data, View) and isinstance(updates, View):
        flat = [build.reshape(view, (1, prod(view.shape))) for view in (data, updates)]
        return build.move(build.join(flat, 1), lambda index: index[0][target])
    view, known, inside = (data, updates, target < count) if isinstance(data, View) else (
        updates, data, target >= count)
    if not isinstance(view, View) or not isinstance(known, Constant):
        raise op.refuse("constants alone")
    at = np.where(target < count, target, target - count)
    kept = np.where(inside, at, 0)
    made = build.move(view, lambda index: np.where(inside, index.ravel()[kept], ABSENT))
    values = finite(known.values, known.name).ravel()
    return add_constant(op, made, np.where(inside, 0, values[np.where(inside, 0, at)]))
