"""A network as a composition of blocks: their certified constants, and that of the whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property, partial
from math import inf
from time import monotonic

import numpy as np

from stabkit.audit.bounds import evidence_of, product
from stabkit.audit.slope_parts import (
    Part,
    better_bounds,
    evidence_of_parts,
    parts_of,
    scaled_parts,
)
from stabkit.networks.balance import balance_factors
from stabkit.networks.blocks import Block, blocks_of, usable
from stabkit.networks.graph import Graph
from stabkit.networks.layers.activation import diffusivity_evidence
from stabkit.networks.segments import join_graphs
from stabkit.stability.confirmation import confirm_all
from stabkit.stability.notions import Notion
from stabkit.stability.verdict import Evidence
from stabkit.time_limit import time_is_over

Bounds = list[Fraction | None]
_NEARLY_ONE = Fraction(1001, 1000)


@dataclass(frozen=True, eq=False)
class Composition:
    """A network with what is certified of it.

    Attributes
    ----------
    graph : Graph
    blocks : list of Block
    bounds : list of Fraction or None
        The Lipschitz constant of every block.
    even : tuple of (list of Block, list of Fraction or None)
        The same map, with diagonal factors moved through its activations where that lessens the
        product of the constants.
    parts : list of Part
        The network cut into longer parts with constants of their own; or none.
    """

    graph: Graph
    blocks: list[Block]
    bounds: Bounds
    even: tuple[list[Block], Bounds]
    parts: list[Part] = field(default_factory=list)

    @cached_property
    def upper(self) -> Fraction | None:
        """A certified Lipschitz constant of the network."""
        found = [bound for whole in (self.bounds, self.even[1], _constants(self.parts))
                 if (bound := usable(product(whole))) is not None]
        return min(found, default=None)

    def shows(self, at_most: Fraction, by: str) -> tuple[Evidence, ...] | None:
        """Confirmed evidence that the constant of the network is `at_most`, or None."""
        for blocks, bounds in ((self.blocks, self.bounds), self.even):
            whole, known = product(bounds), _known_bounds(bounds)
            if whole is not None and whole <= at_most:
                moved = "" if blocks is self.blocks else \
                    "diagonal factors were moved through activations with phi(ts) = t phi(s); "
                return confirm_all(evidence_of(blocks, known, at_most, moved + by))
        whole = product(_constants(self.parts))
        return confirm_all(evidence_of_parts(self.parts, at_most, by)) \
            if whole is not None and whole <= at_most else None

    def contracts(self, notion: Notion, by: str) -> tuple[Evidence, ...] | None:
        """The same for the constant 1: certificates of the blocks that have some, and the rest."""
        evidence: list[Evidence] = []
        rest: list[Block] = []
        bounds: Bounds = []
        for block, bound in zip(self.blocks, self.bounds, strict=True):
            made = None if time_is_over() else block.certificates(notion)
            if made is not None and bound is not None and bound <= 1:
                evidence += made
            else:
                rest.append(block)
                bounds.append(bound)
        whole = product(bounds)
        if whole is None or whole > 1:
            return self.shows(Fraction(1), by)
        if rest:
            evidence += evidence_of(rest, _known_bounds(bounds), Fraction(1), by)
        # What is too long to be checked in time is replaced by constants, taken as given.
        return confirm_all(evidence) or self.shows(Fraction(1), by)

    def keeps_norm(self, by: str) -> tuple[Evidence, ...] | None:
        """Confirmed evidence that no block lets a norm grow, by its diffusivities; or None."""
        gains = [None if time_is_over() else block.gain for block in self.blocks]
        whole = product(gains)
        return None if whole is None or whole > 1 else confirm_all(evidence_of(
            self.blocks, _known_bounds(gains), Fraction(1), by, diffusivity_evidence))


def _known_bounds(bounds: Bounds) -> list[Fraction]:
    return [bound for bound in bounds if bound is not None]


def _constants(parts: Sequence[Part]) -> Bounds:
    return [part.constant for part in parts] or [None]


def composition_of(graph: Graph, advance: Callable[[str], None] = lambda name: None,
                   until: float = -inf) -> Composition:
    """Read a network: its numbers as they stand; multipliers are looked for up to a time."""
    blocks = blocks_of(graph)
    bounds = []
    for block in blocks:
        bounds.append(None if time_is_over() else block.bound)
        advance(block.name)
    found = Composition(graph, blocks, bounds, (blocks, bounds))
    if found.upper is not None and found.upper <= 1:
        return found
    now = monotonic()
    parts = parts_of(blocks, bounds, now + 0.8 * (until - now))
    if len(blocks) > 1:
        bounds = better_bounds(blocks, bounds, until)
    found = replace(found, parts=parts, bounds=bounds, even=(blocks, bounds))
    known = any(part.slopes is not None for part in found.parts)
    if not graph.is_small or (known and found.upper is not None and found.upper > _NEARLY_ONE):
        return found  # multipliers do what diagonal factors do, and more, but not exactly
    even = balance_factors(blocks)
    return found if even is blocks else replace(
        found, even=(even, [None if time_is_over() else block.bound for block in even]))


def scale_block(network: Composition, number: int, block: Block, factor: Fraction, until: float
                ) -> Composition:
    """The network with a block in the place of the affine one that it is `factor` times, or at the
    end: what is certified of the others is kept, and multipliers are scaled."""
    blocks, bounds = list(network.blocks), list(network.bounds)
    blocks[number:number + 1], bounds[number:number + 1] = [block], [block.bound]
    graph = replace(join_graphs([one.graph for one in blocks]), source=network.graph.source)
    known = [bound for bound in map(product, (network.bounds, _constants(network.parts)))
             if bound is not None]
    if network.upper is None or network.upper not in known:  # moved factors made it
        return composition_of(graph, until=until)
    return Composition(graph, blocks, bounds, (blocks, bounds),
                       scaled_parts(network.parts, number, block, factor, until))


def widened_composition(graph: Graph, unit: Fraction) -> Composition:
    """The same for every network whose weights are within a relative `unit` of these."""
    blocks = blocks_of(graph)
    bounds = [usable(block.once(("widened", unit), partial(block.graph.widened_bound, unit)))
              for block in blocks]
    return Composition(graph, blocks, bounds, (blocks, bounds))


def largest_block(network: Composition) -> Block:
    """The block with the largest constant."""
    sizes = [float("inf") if bound is None else float(bound) for bound in network.bounds]
    return network.blocks[int(np.argmax(sizes))]
