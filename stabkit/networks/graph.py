"""A network as a graph of layers: its values, its matrix where it is linear, its Lipschitz bound.

What is costly is computed once and kept by the graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from stabkit.arithmetic.rational import fractions
from stabkit.errors import Undecided
from stabkit.networks.layers import Layer, Shape, Signal
from stabkit.networks.layers.dense import EXACT_SIDE, is_short
from stabkit.operators import Operator, from_matrix, norm_squared
from stabkit.operators.singular_values import square_bound, upper_root
from stabkit.time_limit import time_is_over

#: A network is small if its linear layers, as matrices, have no more entries than this together:
#: then it is decided in rational numbers, and its evidence can be written down and replayed.
SMALL = 20_000
_WIDEST = 256
_DEEPEST = 600  # layers of which the evidence is still read by the checker
_MERGED = 20_000_000  # entries of all signals for all unit signals, to multiply layers
_CALL = 2_000   # operations that a call of a layer counts for


@dataclass(frozen=True, eq=False)
class Node:
    """One layer in its place.

    Attributes
    ----------
    name : str
        As the user's file says it, for messages: ``"/block/conv1"``.
    kind : str
        The operator's own name there: ``"Conv"``, ``"BatchNormalization"``.
    layer : Layer
    inputs : tuple of int
        Numbers of the nodes it is applied to; -1 is the network's input.
    shape : tuple of int
        Of its result.
    """

    name: str
    kind: str
    layer: Layer
    inputs: tuple[int, ...]
    shape: Shape


@dataclass(frozen=True, eq=False)
class Graph:
    """A network: nodes in an order in which each follows its inputs; the last one is the output.

    Attributes
    ----------
    shape : tuple of int
        Of the network's input.
    source : str
        Where it came from, for messages and reports.
    """

    nodes: Sequence[Node]
    shape: Shape
    source: str = ""

    # -- what it is ----------------------------------------------------------------------------
    @property
    def size(self) -> int:
        """The number of entries of an input."""
        return prod(self.shape)

    @property
    def output_shape(self) -> Shape:
        return self.nodes[-1].shape if self.nodes else self.shape

    @cached_property
    def weights(self) -> int:
        """The number of weights, biases and factors."""
        return sum(array.size for node in self.nodes for array in node.layer.arrays)

    @cached_property
    def key(self) -> tuple[Any, ...]:
        """What is equal for graphs that are the same map in the same form, whatever their names."""
        return (self.shape, *((node.layer.key, node.inputs, node.shape) for node in self.nodes))

    @cached_property
    def is_narrow(self) -> bool:
        """Whether its signals are short enough to be computed in rational numbers."""
        return max([self.size, *(prod(node.shape) for node in self.nodes)]) <= _WIDEST

    @cached_property
    def is_small(self) -> bool:
        """Whether it is decided in rational numbers."""
        if len(self.nodes) > _DEEPEST or not self.is_narrow:
            return False
        shapes = {-1: self.shape, **{i: node.shape for i, node in enumerate(self.nodes)}}
        return sum(prod(node.shape) * prod(shapes[node.inputs[0]]) for node in self.nodes
                   if node.layer.mixes) <= SMALL

    @cached_property
    def work(self) -> float:
        """About how many operations an evaluation takes."""
        return float(sum(prod(node.shape) * node.layer.cost + _CALL for node in self.nodes))

    @cached_property
    def has_bias(self) -> bool:
        """Whether a layer adds a constant that is not zero, or does not vanish at 0."""
        return any(node.layer.moves_zero for node in self.nodes)

    # -- what it does --------------------------------------------------------------------------
    def values(self, x: Signal, keep: bool = False, hurried: bool = False) -> dict[int, Signal]:
        """The results of the nodes by number (-1 is `x`): the last one's, or with `keep` all.

        Where it is `hurried`, it raises ``Undecided`` as soon as the time is over.
        """
        last_use = self.last_uses
        found = {-1: x}
        for number, node in enumerate(self.nodes):
            if hurried and time_is_over():
                raise Undecided("the time is over")
            inputs = [found[source] for source in node.inputs]
            found[number] = node.layer.apply(*inputs).reshape(len(x), *node.shape)
            if not keep:
                for source in node.inputs:
                    if last_use[source] == number:
                        found.pop(source, None)
        return found

    @cached_property
    def last_uses(self) -> dict[int, int]:
        """For each result that is used the number of the last node that uses it."""
        return {source: number for number, node in enumerate(self.nodes) for source in node.inputs}

    def without_bias(self) -> Graph:
        """The same without the biases of its layers."""
        return replace(self, nodes=[replace(node, layer=node.layer.without_bias())
                                    for node in self.nodes])

    @cached_property
    def matrix(self) -> Operator:
        """The exact matrix of a small linear graph, its biases left out."""
        unit = fractions(np.eye(self.size, dtype=int)).reshape(-1, *self.shape)
        return from_matrix(evaluate(self.without_bias(), unit).reshape(self.size, -1).T)

    @cached_property
    def offset(self) -> np.ndarray:
        """What it makes of zero, exactly and flat."""
        return evaluate(self, fractions(np.zeros((1, *self.shape), dtype=int))).ravel()

    # -- bounds --------------------------------------------------------------------------------
    @cached_property
    def bound(self) -> Fraction | None:
        """A certified Lipschitz constant, or None where an activation has none.

        Bounds of layers add over a sum, add in squares side by side, and multiply in a row.
        """
        return self.widened_bound(Fraction(0))

    def widened_bound(self, unit: Fraction) -> Fraction | None:
        """The same for every graph whose weights are within a relative `unit` of these."""
        found: dict[int, Fraction | None] = {-1: Fraction(1)}
        for number, node in enumerate(self.nodes):
            inputs = [bound for source in node.inputs if (bound := found[source]) is not None]
            found[number] = node.layer.joint_bound(inputs, unit) \
                if len(inputs) == len(node.inputs) else None
        return found[len(self.nodes) - 1]

    @cached_property
    def square(self) -> Fraction:
        """A certified upper bound of the squared norm of a linear graph, biases left out."""
        if not self.nodes:
            return Fraction(1)
        if not time_is_over() and self.is_small and min(
                self.size, prod(self.output_shape)) <= EXACT_SIDE and all(
                is_short(np.asarray(array)) for node in self.nodes for array in
                node.layer.without_bias().arrays):
            return norm_squared(self.matrix).upper
        bound = self.bound
        if bound is None:  # linear layers have a norm
            raise TypeError(f"{self.source or 'graph'}: is not linear")
        entries = self.size * sum(prod(node.shape) for node in self.nodes)
        if sum(node.layer.mixes for node in self.nodes) < 2 or entries > _MERGED or time_is_over():
            return bound**2
        merged = self._merged_square()
        return bound**2 if merged is None else min(bound**2, merged)

    @np.errstate(over="ignore", invalid="ignore")
    def _merged_square(self) -> Fraction | None:
        """The squared norm of the product of all layers, its rounding errors counted.

        None where no float holds it.
        """
        found = {-1: (np.eye(self.size).reshape(-1, *self.shape), np.zeros(self.size))}
        for number, node in enumerate(self.nodes):
            middle, error = node.layer.without_bias().enclose(
                [found[source] for source in node.inputs], 0.0)
            found[number] = middle.reshape(-1, *node.shape), error
        middle, error = found[len(self.nodes) - 1]
        if not (np.isfinite(middle).all() and np.isfinite(np.sum(error * error))):
            return None
        away = Fraction(float(np.sqrt(np.sum(error * error)))) * (1 + Fraction(1, 2**20))
        return (upper_root(square_bound(middle.reshape(1, self.size, -1))) + away) ** 2


def evaluate(graph: Graph, x: Signal) -> Signal:
    """The network's output.

    Parameters
    ----------
    x : ndarray, shape (batch, *graph.shape)
        Floats, or an object array of fractions or intervals.
    """
    return graph.values(x)[len(graph.nodes) - 1]


def chain(layers: Sequence[Layer], shapes: Sequence[Shape], shape: Shape) -> Graph:
    """Layers one after the other as a graph; `shapes` are those of their results."""
    return Graph([Node(f"layer {i + 1}", type(layer).__name__, layer, (i - 1,), out)
                  for i, (layer, out) in enumerate(zip(layers, shapes, strict=True))], shape)
