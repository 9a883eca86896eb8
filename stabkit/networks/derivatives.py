"""The derivative of a network at an input, forward and backward, in floats for searching only."""

from __future__ import annotations

import numpy as np

from stabkit.networks.graph import Graph
from stabkit.networks.layers import Signal

Kept = dict[int, Signal]  # the values of all nodes at an input


def forward(graph: Graph, kept: Kept, d: Signal) -> Signal:
    """The derivative at the input whose values were kept, applied to a direction."""
    found = {-1: d}
    for number, node in enumerate(graph.nodes):
        made = node.layer.derivative([found[source] for source in node.inputs],
                                     [kept[source] for source in node.inputs])
        found[number] = made.reshape(len(d), *node.shape)
    return found[len(graph.nodes) - 1]


def backward(graph: Graph, kept: Kept, d: Signal) -> Signal:
    """The adjoint of the derivative, applied to a direction of the output."""
    pulled = {len(graph.nodes) - 1: d}
    for number in reversed(range(len(graph.nodes))):
        node = graph.nodes[number]
        if number not in pulled:
            continue
        parts = node.layer.adjoint(pulled.pop(number), [kept[source] for source in node.inputs])
        for source, part in zip(node.inputs, parts, strict=True):
            part = part.reshape(kept[source].shape)
            pulled[source] = pulled[source] + part if source in pulled else part
    return pulled.get(-1, np.zeros_like(kept[-1]))
