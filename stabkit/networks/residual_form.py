"""Blocks u ↦ u + W₂Φ(W₁u + b) + c however they are wired: by slices, sums and joins.

Such a segment has one flux, applied to signals that are linear in the input, and the rest of it is
linear, too.  Its four parts are read off unit signals, in rational arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import prod

import numpy as np

from stabkit.arithmetic.rational import fractions
from stabkit.fluxes.flux import Flux
from stabkit.networks.graph import Graph, Node
from stabkit.networks.layers import Activation, Dense, Layer, Signal
from stabkit.networks.layers.layer import formula

_WIDEST = 512         # entries of a signal up to which a segment is read off unit signals
_MOST = 4_000_000     # entries of all signals, for all unit signals


def residual_parts(segment: Graph) -> tuple[Graph, Graph, Flux] | None:
    """W₁ with b, W₂ with c, and Φ of a segment that is such a block; else None."""
    nodes = segment.nodes
    fluxes = {i: node.layer.flux for i, node in enumerate(nodes)
              if isinstance(node.layer, Activation)}
    active = list(fluxes)
    sizes = [segment.size, *(prod(node.shape) for node in nodes)]
    if not active or nodes[-1].shape != segment.shape or max(sizes) > _WIDEST or \
            max(sizes) * sum(sizes) > _MOST or _depends(segment, active) or not all(
                node.layer.is_linear for i, node in enumerate(nodes) if i not in active):
        return None
    flux = fluxes[active[0]]
    if any(formula(fluxes[i]) != formula(flux) for i in active[1:]):
        return None
    unit = fractions(np.eye(segment.size, dtype=int)).reshape(-1, *segment.shape)
    still = {i: _zeros(segment.size, nodes[i].shape) for i in active}
    linear = _results(segment, unit, still, bias=False)
    if (linear[len(nodes) - 1].reshape(unit.shape) != unit).any():
        return None
    zero = _zeros(1, segment.shape)
    offsets = _results(segment, zero, {i: _zeros(1, nodes[i].shape) for i in active}, bias=True)
    rows, columns, biases = [], [], []
    for i in active:
        source = nodes[i].inputs[0]
        rows.append(linear[source].reshape(segment.size, -1).T)
        biases.append(offsets[source].reshape(-1))
        columns.append(_response(segment, i, active).T)
    W1, W2, b = _merge_rows(np.concatenate(rows), np.concatenate(columns, axis=1),
                            np.concatenate(biases), flux.facts.odd)
    if not len(W1):
        return None
    c = offsets[len(nodes) - 1].reshape(-1)
    return named_map("first", segment, _dense(W1, b)), \
        named_map("second", segment, _dense(W2, c)), flux


def _depends(segment: Graph, active: list[int]) -> bool:
    """Whether an activation depends on another one."""
    behind: set[int] = set()
    for number, node in enumerate(segment.nodes):
        after = any(source in behind for source in node.inputs)
        if number in active and after:
            return True
        if after or number in active:
            behind.add(number)
    return False


def _zeros(count: int, shape: tuple[int, ...]) -> Signal:
    zeros = np.empty((count, *shape), dtype=object)
    zeros.fill(Fraction(0))
    return zeros


def _results(segment: Graph, x: np.ndarray, given: Mapping[int, np.ndarray], bias: bool
             ) -> dict[int, np.ndarray]:
    """The results of all nodes, where those of some are given."""
    found = {-1: x, **given}
    for number, node in enumerate(segment.nodes):
        if number not in given:
            layer = node.layer if bias else node.layer.without_bias()
            found[number] = layer.apply(*(found[source] for source in node.inputs)).reshape(
                len(x), *node.shape)
    return found


def _response(segment: Graph, number: int, active: list[int]) -> np.ndarray:
    """What unit signals as the result of one activation do to the output."""
    size, nodes = prod(segment.nodes[number].shape), segment.nodes
    given = {i: _zeros(size, nodes[i].shape) for i in active}
    given[number] = fractions(np.eye(size, dtype=int)).reshape(size, *nodes[number].shape)
    found = _results(segment, _zeros(size, segment.shape), given, bias=False)
    return found[len(nodes) - 1].reshape(size, -1)


def _merge_rows(W1: np.ndarray, W2: np.ndarray, b: np.ndarray, odd: bool
                ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same block with each row of (W₁, b) once, and none that W₂ leaves out."""
    place: dict[tuple, int] = {}
    rows: list[np.ndarray] = []
    columns: list[np.ndarray] = []
    for row, shift, column in zip(W1, b, W2.T, strict=True):
        key, turned = (*row, shift), tuple(-x for x in (*row, shift))
        if odd and turned in place:
            columns[place[turned]] = columns[place[turned]] - column
        elif key in place:
            columns[place[key]] = columns[place[key]] + column
        else:
            place[key] = len(rows)
            rows.append(np.array(key, dtype=object))
            columns.append(column)
    kept = [i for i, column in enumerate(columns) if any(column)
            and not (odd and not any(rows[i]))]
    if not kept:
        return W1[:0], W2[:, :0], b[:0]
    both = np.stack([rows[i] for i in kept])
    return both[:, :-1], np.stack([columns[i] for i in kept], axis=1), both[:, -1]


def named_map(which: str, segment: Graph, layer: Layer) -> Graph:
    """One of the two maps of a segment as a graph."""
    node = Node(f"{which} map of {segment.nodes[-1].name}", "Gemm", layer, (-1,),
                (layer.sides[0],))
    return Graph([node], (layer.sides[1],))


def _dense(weights: np.ndarray, bias: np.ndarray) -> Dense:
    return Dense(weights, bias if bias.any() else None)
