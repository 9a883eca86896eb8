"""A network as a composition of blocks: their certified constants, and that of the whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

import numpy as np

from stabkit.audit.bounds import evidence_of, product
from stabkit.networks.balance import balanced
from stabkit.networks.blocks import Block, blocks_of, usable
from stabkit.networks.graph import Graph
from stabkit.stability.confirmation import confirm_all
from stabkit.stability.notions import Notion
from stabkit.stability.verdict import Evidence

Bounds = list[Fraction | None]


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
    """

    graph: Graph
    blocks: list[Block]
    bounds: Bounds
    even: tuple[list[Block], Bounds]

    @property
    def upper(self) -> Fraction | None:
        """A certified Lipschitz constant of the network."""
        found = [bound for whole in (self.bounds, self.even[1])
                 if (bound := usable(product(whole))) is not None]
        return min(found, default=None)

    def shows(self, at_most: Fraction, by: str) -> tuple[Evidence, ...] | None:
        """Confirmed evidence that the constant of the network is `at_most`, or None."""
        for blocks, bounds in ((self.blocks, self.bounds), self.even):
            whole, known = product(bounds), _known(bounds)
            if whole is not None and whole <= at_most:
                moved = "" if blocks is self.blocks else \
                    "diagonal factors were moved through activations with phi(ts) = t phi(s); "
                return confirm_all(evidence_of(blocks, known, at_most, moved + by))
        return None

    def contracts(self, notion: Notion, by: str) -> tuple[Evidence, ...] | None:
        """The same for the constant 1: certificates of the blocks that have some, and the rest."""
        evidence: list[Evidence] = []
        rest: list[Block] = []
        bounds: Bounds = []
        for block, bound in zip(self.blocks, self.bounds, strict=True):
            made = block.certificates(notion)
            if made is not None and bound is not None and bound <= 1:
                evidence += made
            else:
                rest.append(block)
                bounds.append(bound)
        whole = product(bounds)
        if whole is None or whole > 1:
            return self.shows(Fraction(1), by)
        if rest:
            evidence += evidence_of(rest, _known(bounds), Fraction(1), by)
        return confirm_all(evidence)


def _known(bounds: Bounds) -> list[Fraction]:
    return [bound for bound in bounds if bound is not None]


def composition_of(graph: Graph, advance: Callable[[str], None] = lambda name: None) -> Composition:
    """Read a network: its numbers as they stand."""
    blocks = blocks_of(graph)
    bounds = []
    for block in blocks:
        bounds.append(block.bound)
        advance(block.name)
    even = balanced(blocks) if graph.is_small else blocks
    return Composition(graph, blocks, bounds,
                (even, bounds if even is blocks else [block.bound for block in even]))


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
