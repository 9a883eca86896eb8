"""Operators that together compute one function of one signal, entry by entry, as one activation.

A file writes u/√(1 + u²) as a product, a sum, a root and a quotient, none of which has a Lipschitz
constant alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from heapq import heappop, heappush
from time import monotonic
from types import MappingProxyType
from typing import ClassVar

import numpy as np

from stabkit.arithmetic.rational import Constant
from stabkit.audit.reading.recognition import flux_of_formula
from stabkit.errors import InvalidArgument, StabkitError
from stabkit.fluxes.continuity import has_value_at
from stabkit.fluxes.expression import VARIABLE, Expression, as_expression
from stabkit.fluxes.flux import Flux
from stabkit.networks.graph import Graph, Node
from stabkit.networks.layers import (
    Activation,
    Layer,
    Product,
    Reshaping,
    Scaling,
    Signal,
    Sum,
)
from stabkit.networks.layers.activation import certified_slopes
from stabkit.networks.segments import prune

_LONGEST = 60   # operations of a formula
_MOST = 16      # formulas of one graph that are looked at
_SECONDS = 20.0  # in which looking at one begins


@dataclass(frozen=True, eq=False)
class Choice(Layer):
    """(x, y, z) ↦ y where x > c (or x >= c), z elsewhere; it stands in graphs that are being read.
    """

    joins: ClassVar[bool] = True

    threshold: float
    strict: bool

    @property
    def is_linear(self) -> bool:
        return False

    def apply(self, x: Signal, *more: Signal) -> Signal:
        return np.where(x > self.threshold if self.strict else x >= self.threshold, *more)

    def adjoint(self, d: Signal, at: Sequence[Signal]) -> list[Signal]:
        taken = self.apply(at[0], np.ones_like(d), np.zeros_like(d))
        return [np.zeros_like(d), d * taken, d * (1 - taken)]


def fuse(graph: Graph) -> Graph:
    """The graph with one activation in the place of operators that have no constant alone.

    Raises
    ------
    InvalidArgument
        A choice between signals is left that is no function of one signal.
    """
    nodes, done, tried, until = list(graph.nodes), set[int](), 0, monotonic() + _SECONDS
    if not any(_is_rough(node.layer) for node in nodes):
        return graph
    for last in range(len(nodes) - 1, -1, -1):
        if last in done or isinstance(nodes[last].layer, Scaling | Reshaping):
            continue
        for source, inside in _rough_sources(nodes, last):
            if tried > _MOST or monotonic() > until:
                break
            tried += 1
            source, inside, multiples = _past_scalings(nodes, source, inside)
            formula = _formula(nodes, source, inside, multiples)
            if formula is None:
                continue
            try:
                flux = flux_of_formula(formula, _name(nodes, inside))
            except StabkitError:  # such as one that has no value at a point where it jumps
                continue
            if certified_slopes(flux) is not None or any(
                    isinstance(nodes[number].layer, Choice) for number in inside):
                nodes[last] = replace(nodes[last], layer=Activation(flux), inputs=(source,))
                done |= set(inside)
                break
    for node in (made := prune(replace(graph, nodes=nodes))).nodes:
        if isinstance(node.layer, Choice):
            raise InvalidArgument(f"node {node.name!r} ({node.kind}): not supported: a choice "
                                  "between signals that is no function of one signal")
    return made


def formulas_behind(nodes: Sequence[Node], last: int) -> Iterator[tuple[int, Expression]]:
    """Nodes that a node is a function of, entry by entry, nearest first, and the formula."""
    for source, inside, _ in _sources(nodes, last):
        formula = _formula(nodes, source, inside)
        if formula is not None:
            yield source, formula


def _name(nodes: Sequence[Node], inside: Sequence[int]) -> str:
    """What a formula is called: by its operators."""
    kinds = dict.fromkeys(nodes[number].kind.lower() for number in inside)
    return "_".join(kinds)[:40]


def _rough_sources(nodes: Sequence[Node], last: int) -> Iterator[tuple[int, list[int]]]:
    """The sources of a node behind operators that have no constant alone, and what is between.

    First come those right before such an operator, farthest first; then those farther away, as in
    exp(tanh u).
    """
    found = list(_sources(nodes, last))
    counts = [0, *(rough for _, _, rough in found)]
    right = [number for number, (item, before) in enumerate(zip(found, counts, strict=False))
             if item[2] > before]
    beyond = range(right[-1] + 1, len(found)) if right else ()
    yield from (found[number][:2] for number in (*right[::-1], *beyond))


def _sources(nodes: Sequence[Node], last: int) -> Iterator[tuple[int, list[int], int]]:
    """Nodes that a node is a function of, entry by entry, nearest first.

    With each what is between, and how many operators there have no constant of their own.
    """
    waiting, inside, rough = [-last], list[int](), 0
    while waiting:
        number = -heappop(waiting)
        while waiting and -waiting[0] == number:
            heappop(waiting)
        if not waiting and number != last:
            yield number, list(inside), rough
        if number < 0 or len(inside) >= _LONGEST or not _is_entrywise(nodes[number]):
            break
        inside.append(number)
        rough += _is_rough(nodes[number].layer)
        for source in nodes[number].inputs:
            heappush(waiting, -source)


def _past_scalings(nodes: Sequence[Node], source: int, inside: list[int]
                   ) -> tuple[int, list[int], dict[int, Expression]]:
    """The same behind the scalings that a formula begins with, which remain scalings.

    With them the nodes that are multiples of the new source.
    """
    rest, multiples = sorted(inside), dict[int, Expression]()
    while not multiples:
        users = [number for number in rest if source in nodes[number].inputs]
        factors = [_factor(nodes[number].layer) for number in users]
        alone = len(users) == 1 and isinstance(nodes[users[0]].layer, Scaling)
        if not alone and (not users or not all(factors)):
            break
        source = users[0]
        multiples = {user: as_expression(VARIABLE * Constant(factor / factors[0]))
                     for user, factor in zip(users[1:], factors[1:], strict=True)}
        rest = [number for number in rest if number not in users]
    return source, rest, multiples


def _factor(layer: Layer) -> Fraction:
    """f of the layer f x, 0 of others."""
    if not isinstance(layer, Scaling) or layer.bias is not None or layer.factors is None:
        return Fraction(0)
    return Fraction(np.asarray(layer.factors).item())


def _is_entrywise(node: Node) -> bool:
    layer = node.layer
    if isinstance(layer, Scaling):
        return all(part is None or np.size(part) == 1 for part in (layer.factors, layer.bias))
    return isinstance(layer, Activation | Sum | Product | Choice) or (
        isinstance(layer, Reshaping) and layer.order is None)


def _is_rough(layer: Layer) -> bool:
    return isinstance(layer, Product | Choice) or (
        isinstance(layer, Activation) and certified_slopes(layer.flux) is None)


def _formula(nodes: Sequence[Node], source: int, inside: Sequence[int],
             multiples: Mapping[int, Expression] = MappingProxyType({})) -> Expression | None:
    """What a node computes from another one; None where that is a long formula."""
    found = {source: VARIABLE, **multiples}
    lengths = dict.fromkeys(found, 1)
    for number in sorted(inside):
        node = nodes[number]
        lengths[number] = 2 + sum(lengths[each] for each in node.inputs)
        if lengths[number] > _LONGEST:
            return None
        found[number] = as_expression(_result_of(node.layer, found, node.inputs))
    return found[max(inside)]


def _without_zero(flux: Flux) -> Expression:
    """Φ as an expression; without the piece {0} that serves a quotient by s, as in tanh s/s."""
    first, last = flux.pieces[0], flux.pieces[-1]
    if len(flux.pieces) == 2 and flux.facts.odd and first.upto == 0:
        whole = flux.expression(last, "activation")
        if has_value_at(whole, Fraction(0)) and whole.at(Fraction(0)) == 0:
            return whole
    return as_expression(flux.activation(VARIABLE))


def _result_of(layer: Layer, found: Mapping[int, Expression], inputs: Sequence[int]) -> Expression:
    first: Expression
    first, *rest = (found[source] for source in inputs)
    if isinstance(layer, Activation):
        return _without_zero(layer.flux).at(first)
    if isinstance(layer, Product):
        return first * rest[0]
    if isinstance(layer, Sum):
        total = first if layer.signs[0] > 0 else -first
        for sign, part in zip(layer.signs[1:], rest, strict=True):
            total = total + part if sign > 0 else total - part
        return total
    if isinstance(layer, Choice):
        edge = Constant(Fraction(layer.threshold))
        return Expression.where(first > edge if layer.strict else first >= edge, *rest)
    if isinstance(layer, Scaling):
        for given, joined in ((layer.factors, "*"), (layer.bias, "+")):
            if given is not None:
                value = Constant(Fraction(np.asarray(given).item()))
                first = as_expression(first * value if joined == "*" else first + value)
    return first
