"""What a block adds to its state, and the same block with a smaller step.

A state is the input of a block, some of its entries, a multiple of a state, or a sum with one; what
is added to a state is an increment.  u + h F(u) with s h for h has its increments times s, whatever
F is: in residual, Runge-Kutta, leapfrog, mixer and Verlet blocks alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from stabkit.networks.graph import Graph, Node
from stabkit.networks.layers import Concatenation, Layer, Reshaping, Scaling, Selection, Sum


def increments(block: Graph) -> list[int]:
    """The nodes whose results are added to a state, and used for nothing else; or none."""
    states, found = {-1}, []
    for number, node in enumerate(block.nodes):
        own = [source for source in node.inputs if source in states]
        if isinstance(node.layer, Sum) and own:
            states.add(number)
            found += [source for source in node.inputs if source not in states]
        elif len(own) == len(node.inputs) and (isinstance(
                node.layer, Selection | Reshaping | Concatenation) or node.layer.factor):
            states.add(number)
    return list(dict.fromkeys(found)) if all(
        found.count(number) == _uses(block, number) for number in found) else []


def with_step_times(block: Graph, factor: float | Sequence[float], apart: bool = False
                    ) -> tuple[Graph, list[str]] | None:
    """The block with its step times a number, and the layers that it stands in; None without one.

    There may be a number for every increment; `apart`, it stands in a layer of its own, which
    leaves transposes exact.
    """
    changed: dict[int, list[Layer]] = {}
    names = []
    places = increments(block)
    factors = [factor] * len(places) if isinstance(factor, float) else factor
    for number, size in zip(places, factors, strict=True):
        place = None if apart else _last_weights(block, number)
        layer = None if place is None else times(block.nodes[place].layer, size)
        if place is None or layer is None:
            place, made = number, [block.nodes[number].layer, Scaling(np.array(float(size)))]
        else:
            made = [layer]
        changed[place] = made
        names.append(block.nodes[place].name)
    return (with_layers(block, changed), names) if changed else None


def _uses(block: Graph, number: int) -> int:
    return sum(node.inputs.count(number) for node in block.nodes)


def _last_weights(block: Graph, number: int) -> int | None:
    """The last weights of an increment, where nothing else sees what they make."""
    first = number
    while number >= 0:
        node = block.nodes[number]
        if not node.layer.is_linear or node.layer.joins or (
                number != first and _uses(block, number) > 1):
            return None
        if times(node.layer, 1.0) is not None:
            return number
        number, = node.inputs
    return None


def times(layer: Layer, factor: float) -> Layer | None:
    """A layer times a number, its bias as it is; None if it has no weights.

    Weights that single precision holds stay such weights.
    """
    made, said = layer.map_weights(lambda weights, _: (_times(weights, factor), ["scaled"]))
    return made if said else None


def _times(weights: np.ndarray, factor: float) -> np.ndarray:
    given = np.asarray(weights, dtype=float)
    with np.errstate(over="ignore"):
        single = given.astype(np.float32)
    made = given * factor
    return made.astype(np.float32).astype(float) if (single == given).all() else made


def with_layers(graph: Graph, changed: Mapping[int, Sequence[Layer]]) -> Graph:
    """The graph with layers in a row in the place of some nodes; those keep the shape."""
    nodes: list[Node] = []
    place = {-1: -1}
    for number, node in enumerate(graph.nodes):
        sources = tuple(place[source] for source in node.inputs)
        for layer in changed.get(number, (node.layer,)):
            nodes.append(replace(node, layer=layer, inputs=sources))
            sources = (len(nodes) - 1,)
        place[number] = len(nodes) - 1
    return replace(graph, nodes=nodes)
