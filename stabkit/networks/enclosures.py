"""Float signals with bounds of their errors: what a network makes of an input, certainly."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from stabkit.networks.graph import Graph
from stabkit.networks.layers import Signal
from stabkit.networks.layers.float_errors import Enclosure


def enclose(graph: Graph, x: Signal, unit: float = 0.0) -> Enclosure:
    """Enclose the outputs for float inputs of shape (batch, *graph.shape).

    They hold for all weights within a relative `unit` of those that stand there.
    """
    found: dict[int, Enclosure] = {-1: (x, np.zeros(len(x)))}
    last_use = graph.last_uses
    for number, node in enumerate(graph.nodes):
        middle, error = node.layer.enclose([found[source] for source in node.inputs], unit)
        found[number] = middle.reshape(len(x), *node.shape), error
        for source in node.inputs:
            if last_use[source] == number:
                found.pop(source, None)
    return found[len(graph.nodes) - 1]


def norm_between(x: Signal, error: float) -> tuple[Fraction, Fraction]:
    """Certain bounds of the Euclidean norm of a signal that `x` is so near to."""
    size = Fraction(float(np.sqrt(np.sum(x * x))))
    slack = 1 + Fraction(x.size + 8, 2**52)
    away = Fraction(error)
    return max(size / slack - away, Fraction(0)), size * slack + away + Fraction(1, 2**500)
