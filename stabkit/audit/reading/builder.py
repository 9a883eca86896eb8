"""A graph in the making: layers are added one by one, and moved entries are only remembered.

The network's input may have a batch axis in front.  The layers of a graph have none, so every
operator must leave the samples of a batch apart; whatever mixes them is refused.  A batch of
unknown size is read as one sample.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np

from stabkit.aliases import Array
from stabkit.audit.reading import memory
from stabkit.errors import InvalidArgument
from stabkit.networks.graph import Graph, Node
from stabkit.networks.layers import (
    Concatenation,
    Convolution,
    Layer,
    Reshaping,
    Scaling,
    Selection,
    Shape,
    Sum,
)

MOST_MOVES = 1 << 28  # entries that a file may have moved about, or folded: some seconds
ABSENT = -1  # the place of an entry that is zero


@dataclass(frozen=True, eq=False)
class View:
    """A signal: entries of the result of a node.

    Attributes
    ----------
    node : int
        -1 is the network's input.
    shape : tuple of int
        With the batch axis.
    places : ndarray of int, or None
        For each entry (of one sample) its flat place in the result of the node, or ``ABSENT``;
        ``None``: all of them, in order.
    """

    node: int
    shape: Shape
    places: np.ndarray | None = None


class Builder:
    """Adds layers to a graph.

    Attributes
    ----------
    name, kind : str
        Of the operator that is being read, for the nodes it adds.
    batch : int
        How many samples the leading axis holds.
    element : int
        ONNX's number of the type of the input's entries, which constants are cast to.
    """

    def __init__(self, shape: Shape, batched: bool, source: str = "", element: int = 1):
        self.batched, self.batch = batched, shape[0] if batched else 1
        self.source, self.name, self.kind, self.element = source, "input", "Input", element
        self.nodes: list[Node] = []
        self.moves = 0
        self.means: dict[int, View] = {}  # of what rows a node is the mean
        self.sums: dict[int, View] = {}  # and of which the sum
        self.lengths: dict[int, View] = {}  # and of which it has the lengths
        self._alike: dict[tuple | None, int] = {}
        self._settled: dict[tuple, tuple[int, Any]] = {}
        self.input = View(-1, shape)
        self.shape = self.of_one_sample(shape)
        self._afford(shape)

    # -- shapes --------------------------------------------------------------------------------
    def of_one_sample(self, shape: Shape) -> Shape:
        """A shape without its batch axis."""
        if self.batched and len(shape) > 1 and shape[0] == self.batch:
            return shape[1:]
        if self.batch > 1:
            raise InvalidArgument(f"a result of shape {shape} does not keep the {self.batch} "
                                  "samples of the batch apart; export with a batch of one")
        return shape or (1,)

    def has_batch(self, shape: Shape) -> bool:
        return self.batched and len(shape) > 1 and shape[0] == self.batch

    def shape_of(self, node: int) -> Shape:
        return self.shape if node < 0 else self.nodes[node].shape

    def _afford(self, shape: Shape) -> None:
        if prod(shape) == 0:
            raise InvalidArgument(f"a signal of shape {shape} has no entries")
        memory.require(8 * prod(shape), f"a signal of shape {shape}")

    def spend(self, entries: int) -> None:
        """Pay for work on so many entries; a hostile file could ask for any amount."""
        self.moves += entries
        if self.moves > MOST_MOVES:
            raise InvalidArgument(f"the file asks to move more than {MOST_MOVES} entries about")

    # -- layers --------------------------------------------------------------------------------
    def add(self, layer: Layer, inputs: Sequence[View], shape: Shape) -> View:
        """Add a layer; `shape` is that of its result, with the batch axis."""
        self._afford(shape)
        numbers = tuple(self.settle(view) for view in inputs)
        return View(self._append(layer, numbers, self.of_one_sample(shape)), shape)

    def _append(self, layer: Layer, inputs: tuple[int, ...], shape: Shape) -> int:
        """The number of a new node; without weights, what is computed twice is one node."""
        key = None if any(array.size for array in layer.arrays) else (layer.key, inputs, shape)
        if key is None or key not in self._alike:
            self._alike[key] = len(self.nodes)
            self.nodes.append(Node(self.name, self.kind, layer, inputs, shape))
        return self._alike[key]

    def scale(self, view: View, factors: Array = None, bias: Array = None) -> View:
        """f x + b; scalar factors that follow each other are multiplied where that is exact."""
        if bias is None and np.ndim(factors) == 0:
            before = self.nodes[view.node].layer if view.node >= 0 else None
            number = view.node
            if isinstance(before, Scaling) and before.bias is None and \
                    before.factors is not None and before.factors.ndim == 0:
                both = Fraction(float(factors)) * Fraction(float(before.factors))
                if Fraction(float(both)) == both:
                    factors, number = float(both), self.nodes[view.node].inputs[0]
            view = View(number, view.shape, view.places)
            if factors == 1:
                return view
        return self.add(Scaling(None if factors is None else np.asarray(factors),
                                None if bias is None else np.asarray(bias)), [view], view.shape)

    def minus(self, view: View, other: View) -> View:
        """The difference of two signals."""
        shape = np.broadcast_shapes(view.shape, other.shape)
        return self.add(Sum((1, -1)), [self.broadcast(each, shape) for each in (view, other)],
                        shape)

    def settle(self, view: View) -> int:
        """The number of a node whose result is the signal, with its entries moved there."""
        shape = self.of_one_sample(view.shape)
        if view.places is None and shape == self.shape_of(view.node):
            return view.node
        key = (view.node, shape, id(view.places))
        if key not in self._settled:
            self._settled[key] = (self._move(view, shape), view.places)
        return self._settled[key][0]

    def _move(self, view: View, shape: Shape) -> int:
        places, inputs, count = view.places, (view.node,), prod(self.shape_of(view.node))
        if places is None:
            return self._append(Reshaping(), inputs, shape)
        absent = places == ABSENT
        if not absent.any():
            permuted = len(places) == count and (np.bincount(places, minlength=count) == 1).all()
            return self._append(Reshaping(places) if permuted else Selection(places), inputs,
                                shape)
        if (padded := self.padding(view)) is not None and not padded[1]:
            channels, *sizes = self.shape_of(view.node)
            return self._append(Convolution(
                np.ones((channels, 1, *(1 for _ in sizes))), None, (channels, *sizes),
                (1,) * len(sizes), padded[0], (1,) * len(sizes), groups=channels), inputs, shape)
        # Zeros are entries times zero: of places that are not otherwise used, as far as there are.
        spare = np.setdiff1d(np.arange(count), places)
        filled = places.copy()
        filled[absent] = np.resize(spare if len(spare) else [0], absent.sum())
        picked = self._append(Selection(filled), inputs, shape)
        return self._append(Scaling((~absent).astype(float).reshape(shape)), (picked,), shape)

    def padding(self, view: View) -> tuple[tuple[tuple[int, int], ...], bool] | None:
        """The padding per axis, and whether it is periodic, if a signal is a padded one."""
        before, after = self.shape_of(view.node), self.of_one_sample(view.shape)
        if view.places is None or len(before) != len(after) or len(before) < 2 or \
                before[0] != after[0] or any(n > m for n, m in zip(before, after, strict=True)):
            return None
        index, places = np.arange(prod(before)).reshape(before), view.places.reshape(after)
        self.spend(2 * places.size)
        present = np.argwhere(places == 0)  # where the first entry stands
        first = np.unravel_index(max(int(places.flat[0]), 0), before)
        for periodic in (False, True):
            if not periodic and len(present) != 1:
                continue
            left = [int(n - at) % n for n, at in zip(before, first, strict=True)] if periodic \
                else [int(at) for at in present[0]]
            pads = [(lead, m - n - lead)
                    for lead, n, m in zip(left, before, after, strict=True)]
            if min(map(min, pads)) < 0 or pads[0] != (0, 0):
                continue
            padded = np.pad(index, pads, mode="wrap") if periodic else \
                np.pad(index, pads, constant_values=ABSENT)
            if (padded == places).all():
                return tuple(pads[1:]), periodic
        return None

    # -- moving entries ------------------------------------------------------------------------
    def reshape(self, view: View, shape: Shape) -> View:
        """The same entries in the same order."""
        if prod(shape) != prod(view.shape):
            raise InvalidArgument(f"shape {view.shape} cannot become {shape}")
        self.of_one_sample(shape)
        return View(view.node, shape, view.places)

    def move(self, view: View, function: Callable[[np.ndarray], np.ndarray]) -> View:
        """What `function`, which only moves, repeats or drops entries, makes of a signal."""
        moved = function(self.index(view))
        return self.at(view.node, moved)

    def join(self, views: Sequence[View], axis: int) -> View:
        """Signals side by side along an axis of the full shape."""
        shapes = [view.shape for view in views]
        axis = axis % len(shapes[0])
        rests = {shape[:axis] + shape[axis + 1:] for shape in shapes}
        if len(rests) > 1:
            raise InvalidArgument(f"shapes {', '.join(map(str, shapes))} cannot be joined along "
                                  f"axis {axis}")
        if len({view.node for view in views}) == 1:
            return self.at(views[0].node, np.concatenate([self.index(v) for v in views], axis))
        total = list(shapes[0])
        total[axis] = sum(shape[axis] for shape in shapes)
        lead = [self.has_batch(shape) for shape in (*shapes, tuple(total))]
        if len(set(lead)) > 1 or (lead[0] and axis == 0):
            if self.batch > 1:
                raise InvalidArgument("signals are joined along the batch axis")
            # Of one sample: the leading axis of length 1 was another one, such as that of time.
            return self.reshape(self.join([self.reshape(view, (1, *view.shape)) for view in views],
                                          axis + 1), tuple(total))
        return self.add(Concatenation(axis - lead[0]), views, tuple(total))

    def broadcast(self, view: View, shape: Shape) -> View:
        if view.shape == shape:
            return view
        if prod(view.shape) == prod(shape):
            return self.reshape(view, shape)
        self.spend(prod(shape))
        return self.move(view, lambda index: np.broadcast_to(index, shape))

    def index(self, view: View) -> np.ndarray:
        """The places of all samples, in the shape of the signal."""
        count = prod(self.shape_of(view.node))
        self.spend(prod(view.shape))
        memory.require(32 * prod(view.shape), f"moving the entries of a signal {view.shape}")
        one = np.arange(count) if view.places is None else view.places
        if self.batch == 1:
            return one.reshape(view.shape)
        samples = count * np.arange(self.batch)[:, None]
        return np.where(one == ABSENT, ABSENT, one + samples).reshape(view.shape)

    def at(self, node: int, places: np.ndarray) -> View:
        """The view of these places of all samples."""
        self.spend(places.size)
        self._afford(places.shape)
        count, shape = prod(self.shape_of(node)), tuple(map(int, places.shape))
        one = np.ascontiguousarray(places, dtype=np.int64).reshape(-1)
        if self.batch > 1:
            self.of_one_sample(shape)
            samples = one.reshape(self.batch, -1)
            one, shift = samples[0], count * np.arange(self.batch)[:, None]
            if (samples != np.where(one == ABSENT, ABSENT, one + shift)).any() or \
                    (one >= count).any():
                raise InvalidArgument("the samples of a batch are mixed; export with a batch of "
                                      "one")
        whole = len(one) == count and (one == np.arange(count)).all()
        return View(node, shape, None if whole else one)

    # -- the end -------------------------------------------------------------------------------
    def finish(self, output: View) -> Graph:
        """The graph of the nodes that the output rests on."""
        last = self.settle(output)
        if last < 0:
            last = self._append(Reshaping(), (-1,), self.shape)
        needed, waiting = set(), [last]
        while waiting:
            number = waiting.pop()
            if number >= 0 and number not in needed:
                needed.add(number)
                waiting += self.nodes[number].inputs
        kept = sorted(needed)
        new = {old: number for number, old in enumerate(kept)} | {-1: -1}
        nodes = [Node(node.name, node.kind, node.layer, tuple(new[i] for i in node.inputs),
                      node.shape) for node in (self.nodes[old] for old in kept)]
        return Graph(nodes, self.shape, self.source)
