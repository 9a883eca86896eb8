"""A network as a scheme: in floats, in exact numbers, and written down."""

from __future__ import annotations

from dataclasses import dataclass

from stabkit.aliases import Signal
from stabkit.arithmetic.transcript import Term, named
from stabkit.networks.graph import Graph, evaluate
from stabkit.schemes import Scheme


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

    def step(self, u: Signal) -> Signal:
        if isinstance(u, Term):
            return _write_graph(self.graph, u)
        x = u.reshape(-1, *self.graph.shape)
        return evaluate(self.graph, x).reshape(*u.shape[:-1], -1)


def _write_graph(graph: Graph, u: Term) -> Term:
    found, shapes = {-1: u}, {-1: graph.shape}
    for number, node in enumerate(graph.nodes):
        found[number] = named(node.layer.term([found[source] for source in node.inputs],
                                              [shapes[source] for source in node.inputs],
                                              node.shape), "v")
        shapes[number] = node.shape
    return found[len(graph.nodes) - 1]
