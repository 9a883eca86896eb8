"""A graph cut where a single signal passes: a network as a composition of maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from stabkit.networks.graph import Graph, Node
from stabkit.networks.layers import Layer, Scaling, Sum


def prune(graph: Graph) -> Graph:
    """The graph without the nodes that its output does not depend on."""
    needed, todo = set(), [len(graph.nodes) - 1]
    while todo:
        number = todo.pop()
        if number >= 0 and number not in needed:
            needed.add(number)
            todo += graph.nodes[number].inputs
    kept = sorted(needed)
    return part(graph, kept, -1) if len(kept) < len(graph.nodes) else graph


def share_layers(graph: Graph) -> Graph:
    """The graph with one layer in the place of equal ones: what is costly is found out once."""
    known: dict[tuple[Any, ...], Layer] = {}
    nodes = [replace(node, layer=known.setdefault(node.layer.key, node.layer))
             for node in graph.nodes]
    return replace(graph, nodes=nodes) if len(known) < len(nodes) else graph


def segments(graph: Graph) -> list[Graph]:
    """The parts between the cuts, first one first; their composition is the graph.

    A cut is a place in the order of the nodes that only one signal crosses.
    """
    graph = prune(graph)
    last_use = graph.last_uses
    parts, begin, start, alive = [], -1, 0, {-1}
    for number in range(len(graph.nodes)):
        alive = {source for source in alive if last_use[source] > number} | {number}
        if len(alive) == 1:
            parts.append(part(graph, range(start, number + 1), begin))
            begin, start = number, number + 1
    return parts


def part(graph: Graph, numbers: Sequence[int], begin: int) -> Graph:
    """Some nodes as a graph of its own, whose input is the result of the node `begin`."""
    place = {begin: -1, **{number: i for i, number in enumerate(numbers)}}
    nodes = [replace(graph.nodes[number],
                     inputs=tuple(place[source] for source in graph.nodes[number].inputs))
             for number in numbers]
    return Graph(nodes, graph.shape if begin < 0 else graph.nodes[begin].shape, graph.source)


def join_graphs(parts: Sequence[Graph]) -> Graph:
    """The composition of graphs as one graph."""
    nodes: list[Node] = []
    for piece in parts:
        shift, begin = len(nodes), len(nodes) - 1
        nodes += [replace(node, inputs=tuple(
            begin if source < 0 else source + shift for source in node.inputs))
            for node in piece.nodes]
    return Graph(nodes, parts[0].shape, parts[0].source)


def path_to(graph: Graph, number: int) -> list[Node] | None:
    """The nodes from the input to a node, if they are one after the other; else None."""
    found: list[Node] = []
    while number >= 0:
        node = graph.nodes[number]
        if len(node.inputs) != 1:
            return None
        found.append(node)
        number = node.inputs[0]
    return found[::-1]


def added_chain(graph: Graph) -> tuple[list[Node], int] | None:
    """The nodes of F and the sign of a graph u ± F(u), where F is one chain of layers."""
    sources, last = graph.nodes[-1].inputs, graph.nodes[-1].layer
    if not isinstance(last, Sum) or sorted(sources)[0] != -1 or len(sources) != 2 or \
            sources[0] == sources[1]:
        return None
    skip = sources.index(-1)
    path = path_to(graph, sources[1 - skip]) if last.signs[skip] > 0 else None
    return None if path is None else (path, last.signs[1 - skip])


def apply_sign(chain: Graph, sign: int) -> Graph:
    """A chain of layers, or its negative."""
    if sign > 0:
        return chain
    turned = Node("sign", "Neg", Scaling(np.array(-1.0)), (len(chain.nodes) - 1,),
                  chain.output_shape)
    return replace(chain, nodes=[*chain.nodes, turned])
