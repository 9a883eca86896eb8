"""Normalisations that are computed from the signal itself, softmax, and shrinkage."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import prod

import numpy as np

from stabkit import fluxes
from stabkit.audit.reading.builder import View
from stabkit.audit.reading.entrywise import activate
from stabkit.audit.reading.masks import masked_softmax
from stabkit.audit.reading.operator import Masked, Operator
from stabkit.errors import InvalidArgument
from stabkit.fluxes import activations
from stabkit.networks.layers import LocalResponse, Normalisation, Softmax, Sum


def _one(op: Operator, view: View) -> tuple[int, ...]:
    """The shape of one sample, whose batch axis must be there."""
    if not op.build.has_batch(view.shape):
        raise op.refuse(f"a signal of shape {view.shape} without a batch axis")
    return view.shape[1:]


def _inner(op: Operator, view: View, default: int) -> tuple[tuple[int, ...], int]:
    """The shape of one sample, with a batch axis or without, and the axis that is asked for."""
    lead = int(op.build.has_batch(view.shape))
    return view.shape[lead:], op.axis(len(view.shape), default) - lead


def softmax(op: Operator) -> View:
    """Softmax and LogSoftmax along an axis; before operator set 13 along all from it on."""
    given = op.value(0)
    view = given.view if isinstance(given, Masked) else op.signal(0)
    shape, axis = _inner(op, view, -1 if op.opset >= 13 else 1)
    if axis < 0:
        raise op.refuse("a softmax over the batch axis")
    index = np.arange(prod(shape)).reshape(shape)
    places = np.moveaxis(index, axis, -1).reshape(-1, shape[axis]) if op.opset >= 13 else \
        index.reshape(prod(shape[:axis]), -1)
    if isinstance(given, Masked):
        return masked_softmax(op, given, places)
    return op.build.add(Softmax(places, op.kind == "LogSoftmax"), [view], view.shape)


def layer_norm(op: Operator) -> View:
    """LayerNormalization and RMSNormalization over the axes from one on."""
    view = op.signal(0)
    shape, axis = _inner(op, view, -1)
    if axis < 0:
        raise op.refuse("a normalisation over the batch axis")
    places = np.arange(prod(shape)).reshape(prod(shape[:axis]), -1)
    made = _normalise(op, view, places, op.kind == "LayerNormalization")
    return _scale_and_shift(op, made, [op.weights(1), op.weights(2)], lambda part: part)


def local_response(op: Operator) -> View:
    """LRN: x/(k + α s/size)^β with the sum s of x² over `size` channels around."""
    view = op.signal(0)
    if len(_one(op, view)) < 2:
        raise op.refuse(f"a signal of shape {view.shape} without channels and sizes")
    size, beta = op.integer("size"), Fraction(op.number("beta", 0.75))
    a, k = (Fraction(op.number(name, value)) for name, value in (("alpha", 1e-4), ("bias", 1.0)))
    if size < 1 or a < 0 or k < Fraction(1, 10**9) or (4 * beta).denominator > 1 or not (
            0 <= beta <= 4):
        raise op.refuse(f"alpha {float(a)}, beta {float(beta)}, bias {float(k)}, size {size}; only "
                        "positive numbers, and quarters for beta")
    before, after = (size - 1) // 2, size // 2
    return op.build.add(LocalResponse(before, after, a / size, k, int(4 * beta)), [view],
                        view.shape)


def group_norm(op: Operator) -> View:
    """GroupNormalization and InstanceNormalization of (batch, channels, sizes ...)."""
    view = op.signal(0)
    shape = _one(op, view)
    groups = shape[0] if op.kind == "InstanceNormalization" else op.integer("num_groups")
    if groups < 1 or shape[0] % groups:
        raise InvalidArgument(f"{shape[0]} channels do not fall into {groups} groups")
    made = _normalise(op, view, np.arange(prod(shape)).reshape(groups, -1), True)

    def per_channel(part: np.ndarray) -> np.ndarray:
        if part.size not in (groups, shape[0]):
            raise InvalidArgument(f"{part.size} factors do not fit {shape[0]} channels")
        wide = np.repeat(part.ravel(), shape[0] // part.size)
        return wide.reshape(-1, *[1] * (len(shape) - 1))

    return _scale_and_shift(op, made, [op.weights(1), op.weights(2)], per_channel)


def _normalise(op: Operator, view: View, places: np.ndarray, centred: bool) -> View:
    epsilon = Fraction(op.number("epsilon", 1e-5))
    if epsilon <= 0:
        raise op.refuse("a normalisation with epsilon 0, which is not continuous")
    return op.build.add(Normalisation(places, epsilon, centred), [view], view.shape)


def _scale_and_shift(op: Operator, view: View, parts: list[np.ndarray | None],
                     wide: Callable[[np.ndarray], np.ndarray]) -> View:
    factors, bias = (None if part is None else wide(part) for part in parts)
    return view if factors is None and bias is None else op.build.scale(view, factors, bias)


def shrink(op: Operator) -> View:
    """Shrink: soft shrinkage where the bias is the threshold, x − Φ(x) with the hard flux where 0.
    """
    threshold, bias = Fraction(op.number("lambd", 0.5)), Fraction(op.number("bias", 0.0))
    view = op.signal(0)
    if threshold <= 0 or bias not in (0, threshold):
        raise op.refuse("a shrinkage that is neither soft (bias = lambd) nor hard (bias = 0)")
    if bias:
        return activate(op, activations.soft_shrinkage(threshold), view)
    return op.build.add(Sum((1, -1)), [view, activate(op, fluxes.hard(threshold), view)],
                        view.shape)
