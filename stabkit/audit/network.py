"""A network as a scheme: in floats, in exact numbers, and written down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from stabkit.audit.evaluation import apply, evaluate, pooled_places
from stabkit.audit.layers import (
    Activation,
    Concatenation,
    Convolution,
    Dense,
    Graph,
    Node,
    Pooling,
    Reshaping,
    Scaling,
    Selection,
    Shape,
    Sum,
    TransposedConvolution,
)
from stabkit.operators import Operator, from_matrix
from stabkit.rational import fractions
from stabkit.schemes import Scheme
from stabkit.transcript import Term, Transcript, named

#: A network is small if its linear layers, as matrices, have no more entries than this together:
#: then it is decided in rational numbers, and its evidence can be written down and replayed.
SMALL = 20_000
_WIDEST = 256
_DEEPEST = 600  # layers of which the evidence is still read by the checker


@dataclass(frozen=True, eq=False)
class Network(Scheme):
    """A graph as a map u ↦ u⁺ on flat signals.

    Where the shapes of input and output differ, u⁺ has another length, and only those notions
    that measure u and u⁺ apart apply.
    """

    graph: Graph

    @property
    def size(self) -> int:
        return self.graph.size

    def step(self, u: Any) -> Any:
        if isinstance(u, Term):
            return _written(self.graph, u)
        x = u.reshape(-1, *self.graph.shape)
        return evaluate(self.graph, x).reshape(*u.shape[:-1], -1)


def is_narrow(graph: Graph) -> bool:
    """Whether the signals of a network are short enough to be computed in rational numbers."""
    return max([graph.size, *(prod(node.shape) for node in graph.nodes)]) <= _WIDEST


def is_small(graph: Graph) -> bool:
    """Whether a network is decided in rational numbers."""
    if len(graph.nodes) > _DEEPEST or not is_narrow(graph):
        return False
    shapes = {-1: graph.shape, **{i: node.shape for i, node in enumerate(graph.nodes)}}
    entries = sum(prod(node.shape) * prod(shapes[node.inputs[0]]) for node in graph.nodes
                  if isinstance(node.layer, (Dense, Convolution, TransposedConvolution, Pooling)))
    return entries <= SMALL


def is_linear_layer(layer: Any) -> bool:
    """Whether a layer is a linear map plus a constant."""
    return not isinstance(layer, (Activation, Sum, Concatenation)) and not (
        isinstance(layer, Pooling) and layer.kind == "max")


def is_linear_node(layer: Any) -> bool:
    """Whether a layer of one or several signals is linear up to a constant."""
    return is_linear_layer(layer) or isinstance(layer, (Sum, Concatenation))


def without_bias(layer: Any) -> Any:
    """The linear part of a layer."""
    return replace(layer, bias=None) if getattr(layer, "bias", None) is not None else layer


def chain(layers: Sequence[Any], shapes: Sequence[Shape], shape: Shape) -> Graph:
    """Layers one after the other as a graph; `shapes` are those of their results."""
    return Graph([Node(f"layer {i + 1}", type(layer).__name__, layer, (i - 1,), out)
                  for i, (layer, out) in enumerate(zip(layers, shapes, strict=True))], shape)


def matrix_of(layers: Graph) -> Operator:
    """The exact matrix of a small chain of linear layers, their biases left out."""
    unit = fractions(np.eye(layers.size, dtype=int)).reshape(-1, *layers.shape)
    linear = replace(layers, nodes=[replace(node, layer=without_bias(node.layer))
                                    for node in layers.nodes])
    images = evaluate(linear, unit) if layers.nodes else unit
    return from_matrix(images.reshape(layers.size, -1).T)


def offset_of(layers: Graph) -> np.ndarray:
    """What a graph makes of zero, exactly and flat."""
    zero = fractions(np.zeros((1, *layers.shape), dtype=int))
    return (evaluate(layers, zero) if layers.nodes else zero).ravel()


# -- writing down ----------------------------------------------------------------------------------
def _written(graph: Graph, u: Term) -> Term:
    found, shapes = {-1: u}, {-1: graph.shape}
    for number, node in enumerate(graph.nodes):
        inputs = [found[source] for source in node.inputs]
        shape = [shapes[source] for source in node.inputs]
        found[number] = named(_term(node.layer, inputs, shape, node.shape), "v")
        shapes[number] = node.shape
    return found[len(graph.nodes) - 1]


def _term(layer: Any, inputs: list[Term], shapes: list[Shape], shape: Shape) -> Term:
    u = inputs[0]
    if isinstance(layer, Activation):
        return layer.flux.activation(u)
    if isinstance(layer, Sum):
        total = u if layer.signs[0] > 0 else -u
        for sign, term in zip(layer.signs[1:], inputs[1:], strict=True):
            total = total + term if sign > 0 else total - term
        return total
    if isinstance(layer, (Reshaping, Selection)):
        order = layer.order if isinstance(layer, Reshaping) else layer.places
        return u if order is None else _picked(u, np.ravel(order))
    if isinstance(layer, Concatenation):
        return _beside_each_other(layer, inputs, shapes)
    if isinstance(layer, Pooling) and layer.kind == "max":
        return _largest(layer, u)
    if isinstance(layer, Scaling):
        return _scaled(layer, u, shape)
    return _affine(layer, u, shapes[0], shape)


def _affine(layer: Any, u: Term, source: Shape, shape: Shape) -> Term:
    one = chain([layer], [shape], source)
    out = u.log.give_once((layer, "matrix"), "W", lambda: matrix_of(one).exact()) @ u
    if getattr(layer, "bias", None) is None:
        return out
    return out + u.log.give_once((layer, "bias"), "b", lambda: offset_of(one))


def _scaled(layer: Scaling, u: Term, shape: Shape) -> Term:
    if layer.factors is not None:
        u = _vector(layer.factors, u.log, (layer, "factors"), "f", shape) * u
    return u if layer.bias is None else u + _vector(
        layer.bias, u.log, (layer, "bias"), "b", shape)


def _vector(values: np.ndarray, log: Transcript, owner: Any, name: str, shape: Shape) -> Term:
    return log.give_once(owner, name, lambda: fractions(np.broadcast_to(values, shape)).ravel())


def _picked(u: Term, order: np.ndarray) -> Term:
    if len(order) and (np.diff(order) == 1).all():
        return u[int(order[0]):int(order[-1]) + 1]
    u = named(u, "v")
    return u.log.term("[" + ", ".join(u[int(place)].text for place in order) + "]")


def _beside_each_other(layer: Concatenation, inputs: list[Term], shapes: list[Shape]) -> Term:
    joined = named(inputs[0].call("concat", *inputs[1:]), "v")
    starts = np.cumsum([0, *map(prod, shapes)])
    places = np.concatenate([np.arange(prod(shape)).reshape(shape) + start for shape, start in
                             zip(shapes, starts[:-1], strict=True)], axis=layer.axis)
    return _picked(joined, places.ravel())


def _largest(layer: Pooling, u: Term) -> Term:
    u, inside = named(u, "v"), prod(layer.shape[1:])
    parts = [", ".join(u[int(channel * inside + place)].text for place in window if place >= 0)
             for channel in range(layer.shape[0]) for window in pooled_places(layer)]
    return u.log.term("[" + ", ".join(f"max({part})" for part in parts) + "]")


def result_shape(layer: Any, shape: Shape) -> Shape:
    """The shape of what a layer makes of one signal."""
    return tuple(apply(layer, [np.zeros((1, *shape))]).shape[1:])
