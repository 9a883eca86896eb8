"""What each layer does to arrays of shape (batch, *signal): floats, and exact numbers.

The linear layers also have their adjoints.  A convolution is a sum over its taps, each a product
of a small matrix of channels with a shifted signal, so nothing larger than a signal is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce, singledispatch
from itertools import product
from math import prod
from typing import Any

import numpy as np

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
    Shape,
    Sum,
    TransposedConvolution,
)
from stabkit.enclosure import Interval
from stabkit.errors import InvalidArgument
from stabkit.rational import fractions


def evaluate(graph: Graph, x: np.ndarray) -> np.ndarray:
    """The network's output.

    Parameters
    ----------
    x : ndarray, shape (batch, *graph.shape)
        Floats, or an object array of fractions or intervals.
    """
    return values(graph, x)[len(graph.nodes) - 1]


def values(graph: Graph, x: np.ndarray, keep: bool = False) -> dict[int, np.ndarray]:
    """The results of the nodes by their numbers (-1 is `x`): the last one's, or with `keep` all."""
    last_use = {source: number for number, node in enumerate(graph.nodes)
                for source in node.inputs}
    found = {-1: x}
    for number, node in enumerate(graph.nodes):
        inputs = [found[source] for source in node.inputs]
        found[number] = apply(node.layer, inputs).reshape(len(x), *node.shape)
        if not keep:
            for source in node.inputs:
                if last_use[source] == number:
                    found.pop(source, None)
    return found


def apply(layer: Any, inputs: Sequence[np.ndarray]) -> np.ndarray:
    """The result of a layer; a shape that only splits or joins axes is left to the node."""
    return _apply(layer, *inputs)


@singledispatch
def _apply(layer: Any, *inputs: np.ndarray) -> np.ndarray:
    raise InvalidArgument(f"layer: {type(layer).__name__} is not known")


@_apply.register
def _(layer: Dense, x: np.ndarray) -> np.ndarray:
    return _shifted(x.reshape(len(x), -1) @ beside(layer.weights, x).T, layer.bias, 1)


@_apply.register
def _(layer: Convolution, x: np.ndarray) -> np.ndarray:
    return _shifted(correlate(layer, x), layer.bias, x.ndim - 1)


@_apply.register
def _(layer: TransposedConvolution, x: np.ndarray) -> np.ndarray:
    return _shifted(correlate_adjoint(layer.convolution, x), layer.bias, x.ndim - 1)


@_apply.register
def _(layer: Scaling, x: np.ndarray) -> np.ndarray:
    if layer.factors is not None:
        x = beside(layer.factors, x) * x
    return x if layer.bias is None else x + beside(layer.bias, x)


@_apply.register
def _(layer: Activation, x: np.ndarray) -> np.ndarray:
    return layer.flux.activation(x)


@_apply.register
def _(layer: Reshaping, x: np.ndarray) -> np.ndarray:
    return x if layer.order is None else x.reshape(len(x), -1)[:, np.ravel(layer.order)]


@_apply.register
def _(layer: Selection, x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1)[:, np.ravel(layer.places)]


@_apply.register
def _(layer: Pooling, x: np.ndarray) -> np.ndarray:
    if layer.kind == "max":
        return _largest(layer, x)
    total = correlate(summing(layer), x)
    counts = counted(layer)
    return total / (counts.astype(object) if x.dtype == object else counts.astype(x.dtype))


@_apply.register
def _(layer: Sum, *inputs: np.ndarray) -> np.ndarray:
    signed = [x if sign > 0 else -x for sign, x in zip(layer.signs, inputs, strict=True)]
    return reduce(np.add, signed)


@_apply.register
def _(layer: Concatenation, *inputs: np.ndarray) -> np.ndarray:
    return np.concatenate(inputs, axis=layer.axis + 1)


def beside(weights: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Weights in the arithmetic of a signal."""
    return fractions(weights) if x.dtype == object else np.asarray(weights, dtype=x.dtype)


def _shifted(x: np.ndarray, bias: np.ndarray | None, axes: int) -> np.ndarray:
    return x if bias is None else x + beside(bias, x).reshape(-1, *[1] * (axes - 1))


# -- convolutions ----------------------------------------------------------------------------------
def output_sizes(layer: Convolution | Pooling) -> Shape:
    """The sizes of the result, without its channels."""
    taps = layer.window if isinstance(layer, Pooling) else layer.weights.shape[2:]
    dilation = getattr(layer, "dilation", (1,) * len(taps))
    return tuple((n + sum(pad) - d * (k - 1) - 1) // s + 1 for n, pad, d, k, s in
                 zip(layer.shape[1:], layer.padding, dilation, taps, layer.stride, strict=True))


def correlate(layer: Convolution, x: np.ndarray) -> np.ndarray:
    """The convolution without its bias; `x` has shape (batch, c_in, *sizes)."""
    mode = {"mode": "wrap"} if layer.periodic else {}
    padded = np.pad(x, ((0, 0), (0, 0), *layer.padding), **mode)
    sizes, groups = output_sizes(layer), layer.groups
    weights = _grouped(layer, x)
    out: Any = 0
    for tap, window in _windows(layer, sizes):
        seen = padded[(slice(None), slice(None), *window)].reshape(
            len(x), groups, -1, prod(sizes))
        out = out + np.matmul(weights[(..., *tap)], seen)
    return out.reshape(len(x), -1, *sizes)


def correlate_adjoint(layer: Convolution, y: np.ndarray) -> np.ndarray:
    """The adjoint of :func:`correlate`; `y` has shape (batch, c_out, *output sizes)."""
    sizes, groups = output_sizes(layer), layer.groups
    weights = _grouped(layer, y).swapaxes(1, 2)
    padded = np.zeros((len(y), layer.shape[0], *(
        n + sum(pad) for n, pad in zip(layer.shape[1:], layer.padding, strict=True))), y.dtype)
    flat = y.reshape(len(y), groups, -1, prod(sizes))
    for tap, window in _windows(layer, sizes):
        place = (slice(None), slice(None), *window)
        spread = np.matmul(weights[(..., *tap)], flat)
        padded[place] = padded[place] + spread.reshape(padded[place].shape)
    if layer.periodic:
        return _folded(layer, padded)
    return padded[(slice(None), slice(None), *(
        slice(before, before + n) for n, (before, _) in
        zip(layer.shape[1:], layer.padding, strict=True)))]


def _grouped(layer: Convolution, x: np.ndarray) -> np.ndarray:
    weights = beside(layer.weights, x)
    return weights.reshape(layer.groups, -1, *weights.shape[1:])


def _windows(layer: Convolution, sizes: Shape) -> Iterator[tuple[tuple, tuple[slice, ...]]]:
    """Each tap with the part of the padded signal that it meets."""
    for tap in product(*map(range, layer.weights.shape[2:])):
        yield tap, tuple(slice(k * d, k * d + s * (m - 1) + 1, s) for k, d, s, m in
                         zip(tap, layer.dilation, layer.stride, sizes, strict=True))


def _folded(layer: Convolution, padded: np.ndarray) -> np.ndarray:
    """Add what stands in the periodic padding to the entries it is a copy of."""
    for axis, (n, (before, _)) in enumerate(zip(layer.shape[1:], layer.padding, strict=True), 2):
        front = np.moveaxis(padded, axis, 0)
        folded = np.zeros((n, *front.shape[1:]), padded.dtype)
        for place in range(len(front)):
            to = (place - before) % n
            folded[to] = folded[to] + front[place]
        padded = np.moveaxis(folded, 0, axis)
    return padded


# -- pooling ---------------------------------------------------------------------------------------
def summing(layer: Pooling) -> Convolution:
    """The sums over windows as a convolution with one stencil of ones per channel."""
    channels = layer.shape[0]
    return Convolution(np.ones((channels, 1, *layer.window)), None, layer.shape, layer.stride,
                       layer.padding, (1,) * len(layer.window), groups=channels)


def counted(layer: Pooling) -> np.ndarray:
    """How many entries each window's mean is divided by, shape (*output sizes)."""
    if layer.counts_padding:
        return np.full(output_sizes(layer), prod(layer.window))
    inside = (pooled_places(layer) >= 0).sum(axis=1)
    return inside.reshape(output_sizes(layer))


def pooled_places(layer: Pooling) -> np.ndarray:
    """Per window (of one channel) and tap the flat place that is read, or -1 outside."""
    places = np.zeros((1, 1), dtype=np.int64)
    for n, k, s, (before, _), m in zip(layer.shape[1:], layer.window, layer.stride, layer.padding,
                                       output_sizes(layer), strict=True):
        at = np.arange(m)[:, None] * s + np.arange(k) - before
        at = np.where((at >= 0) & (at < n), at, -1)[None, :, None, :]
        old = places[:, None, :, None]
        places = np.where((old < 0) | (at < 0), -1, old * n + at).reshape(
            places.shape[0] * m, places.shape[1] * k)
    return places


def _largest(layer: Pooling, x: np.ndarray) -> np.ndarray:
    places = pooled_places(layer)
    flat = x.reshape(len(x), layer.shape[0], -1)
    if x.dtype == object:
        out = np.empty((*flat.shape[:2], len(places)), dtype=object)
        for b, c, i in np.ndindex(out.shape):
            out[b, c, i] = reduce(_greater, (flat[b, c, j] for j in places[i] if j >= 0))
    else:
        out = np.full((*flat.shape[:2], len(places)), -np.inf, x.dtype)
        for tap in places.T:
            seen = np.where(tap >= 0, flat[..., tap], -np.inf)
            np.maximum(out, seen, out=out)
    return out.reshape(len(x), layer.shape[0], *output_sizes(layer))


def _greater(a: Any, b: Any) -> Any:
    if isinstance(a, Interval) or isinstance(b, Interval):
        return -((-a if isinstance(a, Interval) else Interval(-a)).lesser(-b))
    return max(a, b)
