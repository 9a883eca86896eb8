"""Operators that compare signals: maxima and minima of several, and sorting."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from math import prod

import numpy as np

from stabkit import fluxes
from stabkit.audit.reading import entrywise
from stabkit.audit.reading.builder import View
from stabkit.audit.reading.operator import Constant, Operator, Value
from stabkit.networks.layers import Sorting
from stabkit.networks.layers.activation import flux_of


def extreme(op: Operator) -> View:
    """Max and Min of signals and constants."""
    views = [value for value in op.inputs if isinstance(value, View)]
    known = [op.constant(number) for number, value in enumerate(op.inputs)
             if not isinstance(value, View)]
    made = views[0] if len(views) == 1 else _of_signals(op, views)
    return _with_numbers(op, made, known) if known else made


def _with_numbers(op: Operator, view: View, known: list[np.ndarray]) -> View:
    """max(x, a) = a + relu(x − a), min(x, a) = a − relu(a − x); of one number a Clip."""
    bound = reduce(np.maximum if op.kind == "Max" else np.minimum, known)
    beyond = replace(op, inputs=[view, Constant(bound, op.build.name)])
    if bound.size and np.broadcast_shapes(bound.shape, view.shape) == view.shape and (
            bound == bound.flat[0]).all():
        return entrywise.clip(beyond)
    wide, values = entrywise.beside(beyond, view, 1)
    sign, a = 1.0 if op.kind == "Max" else -1.0, np.asarray(values)
    away = op.build.scale(wide, None if sign > 0 else sign, -sign * a)
    kept = entrywise.activate(op, flux_of(fluxes.relu), away)
    return op.build.scale(kept, None if sign > 0 else sign, a)


def _of_signals(op: Operator, views: list[View]) -> View:
    """Entry by entry the last or the first of them in order.

    Both of the same signals are places of one layer, so that MaxMin is an isometry of pieces.
    """
    shape = np.broadcast_shapes(*(view.shape for view in views))
    size, lead = prod(op.build.of_one_sample(shape)), op.build.batch
    rows = op.build.join([op.build.reshape(op.build.broadcast(view, shape), (lead, size))
                          for view in views], 1)
    places = np.arange(len(views) * size).reshape(len(views), size).T
    start = (len(views) - 1) * size if op.kind == "Max" else 0
    ordered = op.build.add(Sorting(places), [rows], rows.shape)
    chosen = op.build.move(ordered, lambda index: index[:, start:start + size])
    return op.build.reshape(chosen, shape)


def top(op: Operator) -> list[Value]:
    """TopK of all or some entries along an axis, in order, without their places."""
    view = op.signal(0)
    axis, count = op.axis(len(view.shape), -1), (op.sizes(1) or [0])[0]
    if axis == 0 and op.build.has_batch(view.shape):
        raise op.refuse("an order of the samples of a batch")
    if not 1 <= count <= view.shape[axis] or not op.integer("sorted", 1):
        raise op.refuse("entries without an order, or more of them than there are")
    shape = op.build.of_one_sample(view.shape)
    inside = axis - (len(view.shape) - len(shape))
    index = np.moveaxis(np.arange(prod(shape)).reshape(shape), inside, -1)
    ordered = op.build.add(Sorting(index.reshape(-1, shape[inside])), [view], view.shape)
    falling = op.integer("largest", 1)
    return [op.build.move(ordered, lambda entries: np.take(
        np.flip(entries, axis) if falling else entries, np.arange(count), axis=axis))]
