"""Operators that compare signals: maxima and minima of several, and sorting."""

from __future__ import annotations

from math import prod

import numpy as np

from stabkit.audit.reading.builder import View
from stabkit.audit.reading.operator import Operator, Value
from stabkit.networks.layers import Sorting


def extreme(op: Operator) -> View:
    """Max and Min of signals: entry by entry the last or the first of them in order.

    Both of the same signals are places of one layer, so that MaxMin is an isometry of pieces.
    """
    views = [op.signal(number) for number in range(len(op.inputs))]
    shape = np.broadcast_shapes(*(view.shape for view in views))
    size, lead = prod(op.build.of_one_sample(shape)), op.build.batch
    rows = op.build.join([op.build.reshape(op.build.broadcast(view, shape), (lead, size))
                          for view in views], 1)
    places = np.arange(len(views) * size).reshape(len(views), size).T
    start = (len(views) - 1) * size if op.kind == "Max" else 0
    ordered = op.build.add_once(Sorting(places), [rows], rows.shape)
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
    ordered = op.build.add_once(Sorting(index.reshape(-1, shape[inside])), [view], view.shape)
    falling = op.integer("largest", 1)
    return [op.build.move(ordered, lambda entries: np.take(
        np.flip(entries, axis) if falling else entries, np.arange(count), axis=axis))]
