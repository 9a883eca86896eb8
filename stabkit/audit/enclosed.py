"""Float signals with bounds of their errors: what a network makes of an input, certainly.

An enclosure is a float array with one number per signal, a bound of the Euclidean norm of its
error.  With γ = (n + 4) u for sums of n products, a float product of matrices is off by at most
γ |W||x| (in any order of summation); an error that came in grows by the layer's certified norm.
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
    Concatenation,
    Convolution,
    Dense,
    Graph,
    Pooling,
    Scaling,
    Sum,
    TransposedConvolution,
)
from stabkit.audit.lipschitz import layer_bound, size_of
from stabkit.enclosure import Interval, precision
from stabkit.flux import Flux

_U = 2.0**-53
_UP = 1 + 2.0**-20  # covers the rounding of the radii themselves
_TINY = 2.0**-1000  # covers underflow

Enclosure = tuple[np.ndarray, np.ndarray]


def enclose(graph: Graph, x: np.ndarray, unit: float = 0.0) -> Enclosure:
    """Enclose the outputs for float inputs of shape (batch, *graph.shape).

    They hold for all weights within a relative `unit` of those that stand there.
    """
    found: dict[int, Enclosure] = {-1: (x, np.zeros(len(x)))}
    last_use = {source: number for number, node in enumerate(graph.nodes)
                for source in node.inputs}
    for number, node in enumerate(graph.nodes):
        middle, error = _through(node.layer, [found[source] for source in node.inputs], unit)
        found[number] = middle.reshape(len(x), *node.shape), error
        for source in node.inputs:
            if last_use[source] == number:
                found.pop(source, None)
    return found[len(graph.nodes) - 1]


def _through(layer: Any, inputs: list[Enclosure], unit: float) -> Enclosure:
    middles, errors = [pair[0] for pair in inputs], [pair[1] for pair in inputs]
    if isinstance(layer, Sum):
        sizes = sum(np.abs(part) for part in middles)
        return apply(layer, middles), _UP * (
            sum(errors) + _norms(_UP * len(inputs) * _U * sizes)) + _TINY
    if isinstance(layer, Concatenation):
        return apply(layer, middles), _UP * np.sqrt(sum(error**2 for error in errors)) + _TINY
    bound = layer_bound(layer)
    if unit and bound is not None and not isinstance(layer, Activation):
        bound += Fraction(unit) * size_of(layer)
    grown = _UP * (np.inf if bound is None else float(bound) * _UP) * errors[0] \
        if errors[0].any() else errors[0]
    if isinstance(layer, Activation):
        middle, own = _activated(layer.flux, middles[0])
        return middle, _UP * (grown + _norms(own)) + _TINY
    middle, terms = apply(layer, middles), _terms(layer)
    if terms == 0:  # entries are moved or chosen, not changed
        return middle, grown
    own = apply(absolute(layer), [np.abs(middles[0])])
    return middle, _UP * (grown + (terms * _U + unit * _UP) * _norms(own)) + _TINY


def _norms(x: np.ndarray) -> np.ndarray:
    """An upper bound of the Euclidean norm of every signal."""
    return _UP * np.sqrt(np.sum(np.square(x), axis=tuple(range(1, x.ndim)))) + _TINY


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


def _size(values: np.ndarray | None) -> np.ndarray | None:
    return None if values is None else np.abs(np.asarray(values, dtype=float))


def _activated(flux: Flux, middle: np.ndarray) -> Enclosure:
    """The activation at floats, and a bound of the error of each entry."""
    leak = _leak(flux)
    if leak is not None:
        out = np.where(middle > 0, middle, leak * middle)
        return out, 2 * _U * np.abs(out) + _TINY
    out, spread = np.empty_like(middle), np.empty_like(middle)
    with precision(64):
        for place, value in np.ndenumerate(middle):
            image = flux.activation(Interval(float(value)))
            image = image if isinstance(image, Interval) else Interval(image)
            near = float(image)
            half = max(image.upper - Fraction(near), Fraction(near) - image.lower)
            out[place], spread[place] = near, float(half) * _UP + _TINY
    return out, spread


def _leak(flux: Flux) -> float | None:
    """The slope a of an activation max(s, 0) + a min(s, 0) that a float holds; else None."""
    if len(flux.pieces) != 2 or flux.pieces[0].upto != 0 or flux.facts.odd or \
            not flux.piecewise_linear:
        return None
    below, above = flux.activation(Fraction(-1)), flux.activation(Fraction(1))
    both = flux.activation(Fraction(-2)) == 2 * below and flux.activation(Fraction(2)) == 2
    return float(-below) if above == 1 and both and Fraction(float(below)) == below else None


def norm_between(x: np.ndarray, error: float) -> tuple[Fraction, Fraction]:
    """Certain bounds of the Euclidean norm of a signal that `x` is so near to."""
    size = Fraction(float(np.sqrt(np.sum(x * x))))
    slack = 1 + Fraction(x.size + 8, 2**52)
    away = Fraction(error)
    return max(size / slack - away, Fraction(0)), size * slack + away + Fraction(1, 2**500)
