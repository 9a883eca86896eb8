"""The nearest network of the same form that has a certificate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from stabkit.audit.blocks import AFFINE, DIFFUSION, RESIDUAL, Block, blocks_of
from stabkit.audit.bounds import block_bound
from stabkit.audit.entrance import as_model, audit
from stabkit.audit.layers import (
    Convolution,
    Dense,
    Graph,
    Node,
    Reshaping,
    Scaling,
    Shape,
    Sum,
    TransposedConvolution,
)
from stabkit.audit.network import without_bias
from stabkit.audit.result import Audit
from stabkit.audit.segments import joined
from stabkit.audit.steps import certified_step
from stabkit.errors import InvalidArgument


@dataclass(frozen=True)
class Repair:
    """A network with a certificate.

    Attributes
    ----------
    graph : Graph
    changes : tuple of str
        What was changed, one sentence per block; empty if nothing was.
    audit : Audit
        Of the changed network, for the contraction of differences.
    """

    graph: Graph
    changes: tuple[str, ...]
    audit: Audit


def make_stable(model: Any, shape: Shape | int | None = None, *, budget: float = 5.0,
                seed: int = 0) -> Repair:
    """See :func:`stabkit.make_stable`."""
    if isinstance(shape, int):
        shape = (shape,)
    graph = as_model(model, shape)
    if not isinstance(graph, Graph):
        raise InvalidArgument(f"model: must be a file, a torch module or a graph, got "
                              f"{type(model).__name__}")
    parts, changes = [], []
    for block in blocks_of(graph):
        changed, said = _repaired(block)
        parts.append(changed)
        changes += said
    result = joined(parts)
    name = str(model) if isinstance(model, (str, Path)) else graph.source
    result = replace(result, source=f"{name}, made stable" if changes else name)
    return Repair(result, tuple(changes), audit(result, notions=["contraction"], budget=budget,
                                                seed=seed))


def _repaired(block: Block) -> tuple[Graph, list[str]]:
    bound = block_bound(block)
    if bound is not None and bound <= 1:
        return block.graph, []
    if block.form == AFFINE and bound:
        factor = _down(1 / bound) * (1 - 2.0**-40)  # room for the rounding of the weights
        *_, last = block.graph.nodes
        node = replace(last, layer=_scaled(last.layer, factor, block))
        return replace(block.graph, nodes=[*block.graph.nodes[:-1], node]), [
            f"{block.name}: scaled by {factor:.6g}"]
    safe = certified_step(block) if block.form in (DIFFUSION, RESIDUAL) else None
    if safe is None:
        raise InvalidArgument(f"model: {block.name} ({block.form}) has no certificate and no form "
                              "that could be given one")
    nearest = abs(block.transpose.nearest) if block.transpose else float(safe)
    tau = min(nearest, _down(safe)) or _down(safe)
    said = f"step {tau:.6g} instead of {float(block.tau):.6g}" if block.form == DIFFUSION else \
        f"the second map replaced by -{tau:.6g} times the transpose of the first"
    return _diffusion(block, tau), [f"{block.name}: {said}"]


def _scaled(layer: Any, factor: float, block: Block) -> Any:
    """A linear layer times a number; its bias stays."""
    if isinstance(layer, (Dense, Convolution)):
        return replace(layer, weights=np.asarray(layer.weights, dtype=float) * factor)
    if isinstance(layer, TransposedConvolution):
        return replace(layer, convolution=_scaled(layer.convolution, factor, block))
    if isinstance(layer, Scaling) and layer.factors is not None:
        return replace(layer, factors=np.asarray(layer.factors, dtype=float) * factor)
    raise InvalidArgument(f"model: {block.name} has no weights that could be scaled")


def _down(value: Fraction) -> float:
    """The largest float that is not above."""
    near = float(value)
    return near if Fraction(near) <= value else float(np.nextafter(near, 0))


def _diffusion(block: Block, tau: float) -> Graph:
    """u − τW₁ᵀΦ(W₁u + b) + c with W₁, Φ, b and the last layer's c of a block."""
    before = list(block.before.nodes)
    count = len(before)
    shapes = [block.before.shape, *(node.shape for node in before)]
    nodes = [*before, Node("activation", block.flux.name, _activation(block), (count - 1,),
                           shapes[-1])]
    for node, shape in zip(reversed(before), reversed(shapes[:-1]), strict=True):
        nodes.append(Node(f"{node.name} transposed", node.kind, _adjoint(node, block),
                          (len(nodes) - 1,), shape))
    shape = block.graph.shape
    nodes.append(Node("step", "Mul", Scaling(np.array(tau)), (len(nodes) - 1,), shape))
    nodes.append(Node(block.graph.nodes[-1].name, "Sub", Sum((1, -1)), (-1, len(nodes) - 1),
                      shape))
    bias = _last_bias(block)
    if bias is not None:
        nodes.append(Node("bias", "Add", Scaling(None, bias), (len(nodes) - 1,), shape))
    return Graph(nodes, shape)


def _activation(block: Block) -> Any:
    return next(node.layer for node in block.graph.nodes
                if getattr(node.layer, "flux", None) is block.flux)


def _adjoint(node: Node, block: Block) -> Any:
    layer = without_bias(node.layer)
    if isinstance(layer, Dense):
        return Dense(layer.weights.T)
    if isinstance(layer, Convolution):
        return TransposedConvolution(layer)
    if isinstance(layer, TransposedConvolution):
        return layer.convolution
    if isinstance(layer, Scaling):
        return layer
    if isinstance(layer, Reshaping):
        return Reshaping(None if layer.order is None else np.argsort(np.ravel(layer.order)))
    raise InvalidArgument(f"model: {node.name} in {block.name} has no transpose among the layers")


def _last_bias(block: Block) -> np.ndarray | None:
    """What the second chain adds, where it is its last layer's own bias."""
    layers = [node.layer for node in block.after.nodes]
    biased = [layer for layer in layers if getattr(layer, "bias", None) is not None
              and np.any(layer.bias)]
    if not biased:
        return None
    if biased != layers[-1:]:
        raise InvalidArgument(f"model: {block.name} adds a bias inside its second map; move it to "
                              "the end")
    bias = np.asarray(biased[0].bias)
    return bias if isinstance(biased[0], Scaling) else bias.reshape(
        -1, *[1] * (len(block.graph.shape) - 1))
