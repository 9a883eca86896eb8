"""The derivative of a network at an input, forward and backward, in floats for searching only."""

from __future__ import annotations

from typing import Any

import numpy as np

from stabkit.audit.evaluation import (
    apply,
    correlate,
    correlate_adjoint,
    counted,
    pooled_places,
    summing,
)
from stabkit.audit.layers import (
    Activation,
    Concatenation,
    Convolution,
    Dense,
    Graph,
    Pooling,
    Reshaping,
    Scaling,
    Selection,
    Sum,
    TransposedConvolution,
)
from stabkit.audit.network import without_bias

Kept = dict[int, np.ndarray]


def forward(graph: Graph, kept: Kept, d: np.ndarray) -> np.ndarray:
    """The derivative at the input whose values were kept, applied to a direction."""
    found = {-1: d}
    for number, node in enumerate(graph.nodes):
        inputs = [found[source] for source in node.inputs]
        at = kept[node.inputs[0]]
        if isinstance(node.layer, Activation):
            made = inputs[0] * node.layer.flux.slope(at)
        elif isinstance(node.layer, Pooling) and node.layer.kind == "max":
            made = np.take_along_axis(_flat(inputs[0]), _winners(node.layer, at), axis=-1)
        else:
            made = apply(without_bias(node.layer), inputs)
        found[number] = made.reshape(len(d), *node.shape)
    return found[len(graph.nodes) - 1]


def backward(graph: Graph, kept: Kept, d: np.ndarray) -> np.ndarray:
    """The adjoint of the derivative, applied to a direction of the output."""
    pulled: dict[int, Any] = {len(graph.nodes) - 1: d}
    for number in reversed(range(len(graph.nodes))):
        node = graph.nodes[number]
        if number not in pulled:
            continue
        parts = _adjoint(node.layer, pulled.pop(number), [kept[source] for source in node.inputs])
        for source, part in zip(node.inputs, parts, strict=True):
            part = part.reshape(kept[source].shape)
            pulled[source] = pulled[source] + part if source in pulled else part
    return pulled.get(-1, np.zeros_like(kept[-1]))


def _adjoint(layer: Any, d: np.ndarray, at: list[np.ndarray]) -> list[np.ndarray]:
    if isinstance(layer, Sum):
        return [sign * d for sign in layer.signs]
    if isinstance(layer, Concatenation):
        ends = np.cumsum([part.shape[layer.axis + 1] for part in at])[:-1]
        return np.split(d, ends, axis=layer.axis + 1)
    return [_single_adjoint(layer, d, at[0])]


def _single_adjoint(layer: Any, d: np.ndarray, at: np.ndarray) -> np.ndarray:
    if isinstance(layer, Dense):
        return d.reshape(len(d), -1) @ np.asarray(layer.weights, dtype=d.dtype)
    if isinstance(layer, Convolution):
        return correlate_adjoint(layer, d)
    if isinstance(layer, TransposedConvolution):
        return correlate(layer.convolution, d)
    if isinstance(layer, Scaling):
        return d if layer.factors is None else d * layer.factors
    if isinstance(layer, Activation):
        return d * layer.flux.slope(at)
    if isinstance(layer, Pooling) and layer.kind == "mean":
        return correlate_adjoint(summing(layer), d / counted(layer))
    places = _winners(layer, at) if isinstance(layer, Pooling) else _order(layer, d)
    out = np.zeros((len(d), *([layer.shape[0]] if isinstance(layer, Pooling) else []),
                    _flat(at).shape[-1] if isinstance(layer, Pooling) else at[0].size))
    shaped = d.reshape(places.shape) if isinstance(layer, Pooling) else d.reshape(len(d), -1)
    np.add.at(out, (*np.indices(shaped.shape)[:-1], np.broadcast_to(places, shaped.shape)), shaped)
    return out


def _order(layer: Any, d: np.ndarray) -> np.ndarray:
    order = layer.places if isinstance(layer, Selection) else layer.order
    size = d[0].size
    return np.arange(size) if order is None and isinstance(layer, Reshaping) else np.ravel(order)


def _flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(*x.shape[:2], -1)


def _winners(layer: Pooling, at: np.ndarray) -> np.ndarray:
    """The place of the largest entry of every window, shape (batch, channels, windows)."""
    places, flat = pooled_places(layer), _flat(at)
    seen = np.where(places >= 0, flat[..., places], -np.inf)
    return np.take_along_axis(np.broadcast_to(places, seen.shape), seen.argmax(-1)[..., None],
                              axis=-1)[..., 0]
