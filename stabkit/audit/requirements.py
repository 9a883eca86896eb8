"""What a graph must be before it is audited: finite numbers, and a size that memory can hold."""

from __future__ import annotations

from math import prod

import numpy as np

from stabkit.audit.reading import memory
from stabkit.errors import InvalidArgument
from stabkit.networks.graph import Graph
from stabkit.operators.singular_values import WIDEST

_BYTES = 8
_LARGEST = 1e100
_SIGNALS = 3  # of each node, at once
_COPIES = 6  # of the widest signal or weights at once, and of a Gram matrix

#: Bytes for each entry of an input: the audit of one layer, whose output is of the same size.
LEAST = _BYTES * _SIGNALS * 2


def check(graph: Graph) -> None:
    """Raise InvalidArgument for an empty graph, a number that is not finite, or too large a size.
    """
    if not graph.nodes:
        raise InvalidArgument(f"model: {graph.source or 'the graph'} has no layers")
    for node in graph.nodes:
        for array in node.layer.arrays:
            numbers = np.asarray(array, dtype=float)
            if not np.isfinite(numbers).all():
                raise InvalidArgument(f"model: {node.name} ({node.kind}) has a number that is not "
                                      "finite")
            if np.abs(numbers).max(initial=0) > _LARGEST:
                raise InvalidArgument(f"model: {node.name} ({node.kind}) has a number beyond "
                                      f"{_LARGEST:.0e}, whose products overflow; scale it")
    memory.require(bytes_of_audit(graph), f"model: auditing {graph.source or 'this network'}")


def bytes_of_audit(graph: Graph) -> int:
    """About how many bytes an audit takes."""
    signals = sum(prod(node.shape) for node in graph.nodes)
    largest = max((array.size for node in graph.nodes for array in node.layer.arrays),
                  default=0)
    gram = max((min(WIDEST, *node.layer.sides) ** 2 for node in graph.nodes), default=0)
    return _BYTES * (_SIGNALS * signals + _COPIES * (largest + 2 * gram))

