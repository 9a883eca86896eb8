"""The nearest network of the same form that has a certificate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from stabkit.audit.advice import scaling_of
from stabkit.audit.composition import composition_of
from stabkit.audit.network_audit import Request, audit_graph
from stabkit.audit.result import Audit
from stabkit.errors import InvalidArgument
from stabkit.networks.blocks import ACTIVATION, AFFINE, DIFFUSION, RESIDUAL, Block, blocks_of
from stabkit.networks.graph import Graph
from stabkit.networks.segments import joined
from stabkit.networks.step_sizes import certified_step
from stabkit.networks.transposed_block import diffusion_block
from stabkit.stability.verdict import PROVED


@dataclass(frozen=True)
class Repair:
    """A network with a certificate.

    Attributes
    ----------
    graph : Graph
    changes : tuple of str
        What was changed, one sentence per block; empty if nothing was: then ``graph`` is the one
        that was given.
    audit : Audit
        Of the changed network, for the contraction of differences.
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
    parts, changes = [], []
    for block in blocks_of(graph):
        changed, said = _repaired(block)
        parts.append(changed)
        changes += said
    result = joined(parts)
    scaling = scaling_of(composition_of(result))
    if scaling is not None:
        parts, how = _with_scaled(blocks_of(result), *scaling)
        result, changes = joined(parts), [*changes, how]
    result = replace(result, source=f"{name}, made stable")
    return Repair(result, tuple(changes), audit_graph(result, request, budget, seed))


def _with_scaled(blocks: list[Block], scaled: Block, size: Fraction) -> tuple[list[Graph], str]:
    """The blocks with one of them, named like `scaled`, times a number."""
    factor = _down(size) * (1 - 2.0**-40)  # room for the rounding of the weights
    parts = []
    for block in blocks:
        nodes = list(block.graph.nodes)
        if block.name == scaled.name and block.form == AFFINE:
            smaller = [(i, layer) for i, node in enumerate(nodes)
                       if (layer := node.layer.scaled(factor)) is not None]
            if not smaller:
                raise InvalidArgument(f"model: {block.name} has no weights that could be scaled")
            place, layer = smaller[-1]
            nodes[place] = replace(nodes[place], layer=layer)
        parts.append(replace(block.graph, nodes=nodes))
    return parts, f"{scaled.name}: scaled by {factor:.6g}"


def _repaired(block: Block) -> tuple[Graph, list[str]]:
    bound = block.bound
    if (bound is not None and bound <= 1) or block.form in (AFFINE, ACTIVATION):
        return block.graph, []
    safe = certified_step(block) if block.form in (DIFFUSION, RESIDUAL) else None
    if safe is None:
        raise InvalidArgument(f"model: {block.name} ({block.form}) has no certificate and no form "
                              "that could be given one")
    nearest = abs(block.transpose.nearest) if block.transpose else float(safe)
    tau = min(nearest, _down(safe)) or _down(safe)
    said = f"step {tau:.6g} instead of {float(block.tau):.6g}" \
        if block.form == DIFFUSION and block.tau is not None else \
        f"the second map replaced by -{tau:.6g} times the transpose of the first"
    return diffusion_block(block, tau), [f"{block.name}: {said}"]


def _down(value: Fraction) -> float:
    """The largest float that is not above."""
    near = float(value)
    return near if Fraction(near) <= value else float(np.nextafter(near, 0))
