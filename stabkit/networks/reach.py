"""Between which numbers the entries of signals lie, whatever the input: what bounds a gate.

Activations such as tanh are bounded by themselves; what is only moved, added, multiplied or scaled
stays bounded.  With x̄ and ȳ the means of two values, x y − x′y′ = ȳ (x − x′) + x̄ (y − y′): so a
product of bounded signals has slopes between their bounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from stabkit import fluxes
from stabkit.networks.graph import Graph, Node
from stabkit.networks.layers import (
    Activation,
    Concatenation,
    Layer,
    Product,
    Reshaping,
    Scaling,
    Selection,
    Shape,
    Sum,
)
from stabkit.networks.layers.activation import certified_range
from stabkit.networks.layers.float_errors import TINY, UP, U

Reach = tuple[np.ndarray, np.ndarray]  # the least and the largest value of every entry
_UP = 1 + 2.0**-48                     # the roundings of a sum or a product of two
_FREE = Activation(fluxes.identity())  # whose slopes are given


def reaches_of(graph: Graph) -> dict[int, Reach]:
    """The reach of the results of nodes, where one is known, rounded outward."""
    found: dict[int, Reach] = {}
    for number, node in enumerate(graph.nodes):
        inputs = [found[source] for source in node.inputs if source in found]
        made = _mean(graph, number, found)
        if made is None and (isinstance(node.layer, Activation) or len(inputs) == len(node.inputs)):
            made = _reach(node, inputs)
        if made is not None:
            found[number] = made
    return found


def _reach(node: Node, inputs: Sequence[Reach]) -> Reach | None:
    layer, shape = node.layer, node.shape
    if isinstance(layer, Activation):
        ends = certified_range(layer.flux)
        return ends and (np.full(shape, float(ends[0])), np.full(shape, float(ends[1])))
    if isinstance(layer, Selection | Reshaping | Concatenation):
        low, high = (layer.apply(*(part[side][None] for part in inputs)).reshape(shape)
                     for side in (0, 1))
        return low, high
    if isinstance(layer, Product):
        (a, b), (c, d) = inputs
        return _wider(np.stack([a * c, a * d, b * c, b * d]))
    if isinstance(layer, Sum):
        pairs = [part if sign > 0 else (-part[1], -part[0])
                 for sign, part in zip(layer.signs, inputs, strict=True)]
        low, high = np.zeros(shape), np.zeros(shape)
        for one in pairs:
            low, high = _wider(np.stack([low + one[0]]))[0], _wider(np.stack([high + one[1]]))[1]
        return low, high
    return _reach_behind(layer, *inputs[0], shape) if layer.is_linear and not layer.joins else None


def _reach_behind(layer: Layer, low: np.ndarray, high: np.ndarray, shape: Shape) -> Reach:
    """The reach behind a linear layer: of the middles, and of the sizes of weights around them."""
    middle, half = (low + high) / 2, (high - low) / 2 * _UP + TINY
    out, size = layer.apply(middle[None])[0], layer.absolute()
    around = size.without_bias().apply(half[None])[0]
    lost = (layer.roundings + 2) * U * size.apply((np.abs(middle) + half)[None])[0]
    away = UP * (around + lost) + TINY
    return (out - away).reshape(shape), (out + away).reshape(shape)


def _wider(values: np.ndarray) -> Reach:
    """The least and the largest of a few values for every entry, and a little more."""
    low, high = values.min(axis=0), values.max(axis=0)
    return np.where(low < 0, low * _UP, low / _UP) - TINY, \
        np.where(high > 0, high * _UP, high / _UP) + TINY


def _mean(graph: Graph, number: int, found: Mapping[int, Reach]) -> Reach | None:
    """n + z (h − n) with z in [0, 1] lies between n and h: the state of a GRU."""
    node = graph.nodes[number]
    if not isinstance(node.layer, Sum) or node.layer.signs != (1, 1) or min(node.inputs) < 0:
        return None
    for n, p in (node.inputs, node.inputs[::-1]):
        if not isinstance(graph.nodes[p].layer, Product) or n not in found:
            continue
        for z, away in (graph.nodes[p].inputs, graph.nodes[p].inputs[::-1]):
            if z not in found or away < 0 or found[z][0].min() < 0 or found[z][1].max() > 1:
                continue
            other = _minus(graph.nodes[away], n, found)
            if other is not None:
                return np.minimum(found[n][0], other[0]), np.maximum(found[n][1], other[1])
    return None


def _minus(node: Node, n: int, found: Mapping[int, Reach]) -> Reach | None:
    """The reach of h, where a node is h − n."""
    layer, shape = node.layer, node.shape
    if isinstance(layer, Sum) and layer.signs == (1, -1) and node.inputs[1] == n:
        return found.get(node.inputs[0])
    if isinstance(layer, Scaling) and node.inputs == (n,) and layer.factor == -1:
        h = np.broadcast_to(0.0 if layer.bias is None else np.asarray(layer.bias, dtype=float),
                            shape)
        return _wider(h[None])
    return None


def with_free_slopes(graph: Graph) -> tuple[Graph, dict[int, Reach]] | None:
    """The graph with x v + y w for its products, and the slopes of v and w by node.

    None where a factor is not bounded.
    """
    if not any(isinstance(node.layer, Product) for node in graph.nodes):
        return graph, {}
    reaches = reaches_of(graph)
    nodes: list[Node] = []
    slopes: dict[int, Reach] = {}
    place = {-1: -1}
    for number, node in enumerate(graph.nodes):
        inputs = tuple(place[source] for source in node.inputs)
        if isinstance(node.layer, Product):
            for source, other in zip(inputs, node.inputs[::-1], strict=True):
                if other not in reaches:
                    return None
                slopes[len(nodes)] = reaches[other][0].ravel(), reaches[other][1].ravel()
                nodes.append(replace(node, layer=_FREE, inputs=(source,)))
            node = replace(node, layer=Sum())
            inputs = len(nodes) - 2, len(nodes) - 1
        nodes.append(replace(node, inputs=inputs))
        place[number] = len(nodes) - 1
    return replace(graph, nodes=nodes), slopes


def bound_with_products(graph: Graph) -> Fraction | None:
    """A Lipschitz constant of a graph with products of bounded signals; None where one is not."""
    made = with_free_slopes(graph)
    if made is None:
        return None
    free, slopes = made
    nodes = [node if number not in slopes else replace(node, layer=Scaling(np.maximum(
        np.abs(slopes[number][0]), np.abs(slopes[number][1])).reshape(node.shape)))
        for number, node in enumerate(free.nodes)]
    return replace(free, nodes=nodes).bound
