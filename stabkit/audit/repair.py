"""The nearest network of the same form that has a certificate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from stabkit.audit.advice import scaling_of
from stabkit.audit.blocks import ACTIVATION, AFFINE, DIFFUSION, RESIDUAL, Block, blocks_of
from stabkit.audit.bounds import block_bound
from stabkit.audit.case import case_of
from stabkit.audit.decision import Request, audit_graph
from stabkit.audit.layers import (
    Convolution,
    Dense,
    Graph,
    Scaling,
    TransposedConvolution,
)
from stabkit.audit.rebuilding import diffusion_block
from stabkit.audit.result import Audit
from stabkit.audit.segments import joined
from stabkit.audit.steps import certified_step
from stabkit.errors import InvalidArgument
from stabkit.verdict import PROVED


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
    scaling = scaling_of(case_of(result))
    if scaling is not None:
        parts, said = _with_scaled(blocks_of(result), *scaling)
        result, changes = joined(parts), [*changes, said]
    result = replace(result, source=f"{name}, made stable")
    return Repair(result, tuple(changes), audit_graph(result, request, budget, seed))


def _with_scaled(blocks: list[Block], scaled: Block, size: Fraction) -> tuple[list[Graph], str]:
    """The blocks with one of them, named like `scaled`, times a number."""
    factor = _down(size) * (1 - 2.0**-40)  # room for the rounding of the weights
    parts = []
    for block in blocks:
        nodes = list(block.graph.nodes)
        if block.name == scaled.name and block.form == AFFINE:
            place = max((i for i, node in enumerate(nodes) if _has_weights(node.layer)),
                        default=None)
            if place is None:
                raise InvalidArgument(f"model: {block.name} has no weights that could be scaled")
            nodes[place] = replace(nodes[place], layer=_scaled(nodes[place].layer, factor))
        parts.append(replace(block.graph, nodes=nodes))
    return parts, f"{scaled.name}: scaled by {factor:.6g}"


def _repaired(block: Block) -> tuple[Graph, list[str]]:
    bound = block_bound(block)
    if (bound is not None and bound <= 1) or block.form in (AFFINE, ACTIVATION):
        return block.graph, []
    safe = certified_step(block) if block.form in (DIFFUSION, RESIDUAL) else None
    if safe is None:
        raise InvalidArgument(f"model: {block.name} ({block.form}) has no certificate and no form "
                              "that could be given one")
    nearest = abs(block.transpose.nearest) if block.transpose else float(safe)
    tau = min(nearest, _down(safe)) or _down(safe)
    said = f"step {tau:.6g} instead of {float(block.tau):.6g}" if block.form == DIFFUSION else \
        f"the second map replaced by -{tau:.6g} times the transpose of the first"
    return diffusion_block(block, tau), [f"{block.name}: {said}"]


def _has_weights(layer: Any) -> bool:
    return isinstance(layer, (Dense, Convolution, TransposedConvolution)) or (
        isinstance(layer, Scaling) and layer.factors is not None)


def _scaled(layer: Any, factor: float) -> Any:
    """A linear layer times a number; its bias stays."""
    if isinstance(layer, (Dense, Convolution)):
        return replace(layer, weights=np.asarray(layer.weights, dtype=float) * factor)
    if isinstance(layer, TransposedConvolution):
        return replace(layer, convolution=_scaled(layer.convolution, factor))
    return replace(layer, factors=np.asarray(layer.factors, dtype=float) * factor)


def _down(value: Fraction) -> float:
    """The largest float that is not above."""
    near = float(value)
    return near if Fraction(near) <= value else float(np.nextafter(near, 0))
