"""The nearest network of the same form that has a certificate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from time import monotonic

from stabkit.audit.changes import least_change
from stabkit.audit.composition import composition_of, largest_block
from stabkit.audit.network_audit import Request, audit_graph
from stabkit.audit.questions import BOUNDED, MODES
from stabkit.audit.result import Audit
from stabkit.audit.reversible import calm_network
from stabkit.errors import InvalidArgument
from stabkit.networks.blocks import blocks_of
from stabkit.networks.graph import Graph
from stabkit.stability.verdict import PROVED


@dataclass(frozen=True)
class Repair:
    """A network with a certificate.

    Attributes
    ----------
    graph : Graph
    changes : tuple of str
        What was changed, one sentence per place; empty if nothing was: then ``graph`` is the one
        that was given.
    audit : Audit
        Of the changed network, for the contraction of differences; of one with reversible blocks,
        for its growth at any depth and the modes of its blocks.
    """

    graph: Graph
    changes: tuple[str, ...]
    audit: Audit


def repair(graph: Graph, name: str, budget: float, seed: int) -> Repair:
    """See :func:`stabkit.make_stable`; `name` is how the result calls the network."""
    request = Request(("contraction",), None, "snapped")
    found = audit_graph(graph, request, budget, seed)
    if found.status is PROVED:
        return Repair(graph, (), found)
    blocks, network = blocks_of(graph), None
    if any(block.couplings for block in blocks):
        request = Request((BOUNDED, MODES), None, "snapped")
        found = audit_graph(graph, request, budget, seed)
        if all(item.status is PROVED for item in found.judgements if item.notion == MODES):
            return Repair(graph, (), found)
        calm = calm_network(blocks, seed)
        made = None if calm is None else (calm.graph, tuple(calm.said))
    else:
        network = composition_of(graph, until=monotonic() + budget)
        change = least_change(network, Fraction(1), monotonic() + 2 * budget)
        made = None if change is None else (change.network.graph, change.said)
    if made is None:
        worst = largest_block(network or composition_of(graph))
        raise InvalidArgument(f"model: {worst.name} ({worst.form}) has no certificate, and no "
                              "change was found that gives it one")
    result = replace(made[0], source=f"{name}, made stable")
    return Repair(result, made[1], audit_graph(result, request, budget, seed))
