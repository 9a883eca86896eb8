"""Float signals with bounds of their errors: what a network makes of an input, certainly.

An enclosure is a pair (middle, radius) of float arrays; the exact value lies within the radius.
With γ = (n + 4) u for sums of n products, a float product of matrices is off by at most
γ |W||x| (in any order of summation), and the radius grows by |W| times that of the input.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np

from stabkit.audit.evaluation import apply, counted
from stabkit.audit.layers import (
    Activation,
    Convolution,
    Dense,
    Graph,
    Pooling,
    Scaling,
    Sum,
    TransposedConvolution,
)
from stabkit.enclosure import Interval, precision
from stabkit.flux import Flux

_U = 2.0**-53
_UP = 1 + 2.0**-20  # covers the rounding of the radii themselves
_TINY = 2.0**-1000  # covers underflow

Enclosure = tuple[np.ndarray, np.ndarray]


def enclose(graph: Graph, x: np.ndarray) -> Enclosure:
    """Enclose the outputs for float inputs of shape (batch, *graph.shape)."""
    found: dict[int, Enclosure] = {-1: (x, np.zeros_like(x))}
    last_use = {source: number for number, node in enumerate(graph.nodes)
                for source in node.inputs}
    for number, node in enumerate(graph.nodes):
        parts = _through(node.layer, [found[source] for source in node.inputs])
        found[number] = tuple(part.reshape(len(x), *node.shape) for part in parts)
        for source in node.inputs:
            if last_use[source] == number:
                found.pop(source, None)
    return found[len(graph.nodes) - 1]


def _through(layer: Any, inputs: list[Enclosure]) -> Enclosure:
    middles, radii = [pair[0] for pair in inputs], [pair[1] for pair in inputs]
    middle = apply(layer, middles) if not isinstance(layer, Activation) else middles[0]
    if isinstance(layer, Activation):
        return _activated(layer.flux, *inputs[0])
    if isinstance(layer, Sum):
        sizes = sum(np.abs(part) for part in middles)
        return middle, _UP * (sum(radii) + len(inputs) * _U * sizes) + _TINY
    if isinstance(layer, Pooling) and layer.kind == "max":
        # A largest entry moves no further than the entries do; below every entry is -inf.
        wide = np.broadcast_to(radii[0].max(axis=tuple(range(1, radii[0].ndim)), keepdims=True),
                               radii[0].shape)
        return middle, apply(layer, [wide])
    terms = _terms(layer)
    if terms == 0:  # entries are moved, not changed
        return middle, apply(layer, radii)
    size = absolute(layer)
    return middle, _UP * (apply(_unbiased(size), radii) * (1 + terms * _U) + terms * _U * apply(
        size, [np.abs(middles[0])])) + _TINY


def _terms(layer: Any) -> int:
    """How many roundings an output may have seen; 0 where entries are only moved."""
    if isinstance(layer, Dense):
        return layer.weights.shape[1] + 4
    if isinstance(layer, Convolution):
        return int(np.prod(layer.weights.shape[1:])) + 4
    if isinstance(layer, TransposedConvolution):
        inner = layer.convolution.weights
        return int(inner.shape[0] * np.prod(inner.shape[2:])) + 4
    if isinstance(layer, Pooling):
        return prod(layer.window) + int(counted(layer).max() > 0) + 4
    return 4 if isinstance(layer, Scaling) else 0


def absolute(layer: Any) -> Any:
    """The layer with the sizes of its weights."""
    if isinstance(layer, TransposedConvolution):
        return replace(layer, convolution=absolute(layer.convolution), bias=_size(layer.bias))
    changes = {name: _size(getattr(layer, name)) for name in ("weights", "factors", "bias")
               if hasattr(layer, name)}
    return replace(layer, **changes) if changes else layer


def _unbiased(layer: Any) -> Any:
    return replace(layer, bias=None) if hasattr(layer, "bias") else layer


def _size(values: np.ndarray | None) -> np.ndarray | None:
    return None if values is None else np.abs(np.asarray(values, dtype=float))


def _activated(flux: Flux, middle: np.ndarray, radius: np.ndarray) -> Enclosure:
    leak = _leak(flux)
    if leak is not None:
        out = np.where(middle > 0, middle, leak * middle)
        size = max(1.0, abs(leak))
        return out, _UP * (size * radius + 2 * _U * size * np.abs(middle)) + _TINY
    out, spread = np.empty_like(middle), np.empty_like(middle)
    with precision(64):
        for place, value in np.ndenumerate(middle):
            exact, error = Fraction(float(value)), Fraction(float(radius[place]))
            image = flux.activation(Interval(exact - error, exact + error))
            image = image if isinstance(image, Interval) else Interval(image)
            out[place] = float(image)
            half = max(image.upper - Fraction(float(out[place])),
                       Fraction(float(out[place])) - image.lower)
            spread[place] = float(half) * _UP + _TINY
    return out, spread


def _leak(flux: Flux) -> float | None:
    """The slope a of an activation max(s, 0) + a min(s, 0) that a float holds; else None."""
    if len(flux.pieces) != 2 or flux.pieces[0].upto != 0 or flux.facts.odd or \
            not flux.piecewise_linear:
        return None
    below, above = flux.activation(Fraction(-1)), flux.activation(Fraction(1))
    both = flux.activation(Fraction(-2)) == 2 * below and flux.activation(Fraction(2)) == 2
    return float(-below) if above == 1 and both and Fraction(float(below)) == below else None


def norm_between(middle: np.ndarray, radius: np.ndarray) -> tuple[Fraction, Fraction]:
    """Certain bounds of the Euclidean norm of what an enclosure holds."""
    size = Fraction(float(np.sqrt(np.sum(middle * middle))))
    slack = 1 + Fraction(middle.size + 8, 2**52)
    away = Fraction(float(np.sqrt(np.sum(radius * radius)))) * (1 + Fraction(1, 2**20))
    return max(size / slack - away, Fraction(0)), size * slack + away + Fraction(1, 2**500)
