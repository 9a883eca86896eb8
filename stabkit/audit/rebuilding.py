"""A residual block written anew with the transposed structure u − τW₁ᵀΦ(W₁u + b) + c."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from stabkit.audit.blocks import Block
from stabkit.audit.layers import (
    Convolution,
    Dense,
    Graph,
    Node,
    Reshaping,
    Scaling,
    Sum,
    TransposedConvolution,
)
from stabkit.audit.network import without_bias
from stabkit.errors import InvalidArgument


def diffusion_block(block: Block, tau: float | Fraction, before: Graph | None = None) -> Graph:
    """u − τW₁ᵀΦ(W₁u + b) + c with Φ and the last layer's c of a block, and its W₁, b or others.

    Raises
    ------
    InvalidArgument
        Where W₁ has a layer without a transpose, or a bias stands inside the second map.
    """
    before = before or block.before
    nodes = list(before.nodes)
    count = len(nodes)
    shapes = [before.shape, *(node.shape for node in nodes)]
    backward = list(zip(reversed(nodes), reversed(shapes[:-1]), strict=True))
    nodes.append(Node("activation", block.flux.name, _activation(block), (count - 1,),
                      shapes[-1]))
    for node, shape in backward:
        nodes.append(Node(f"{node.name} transposed", node.kind, _adjoint(node, block),
                          (len(nodes) - 1,), shape))
    shape, scalar = block.graph.shape, object if isinstance(tau, Fraction) else float
    nodes.append(Node("step", "Mul", Scaling(np.array(tau, dtype=scalar)), (len(nodes) - 1,),
                      shape))
    nodes.append(Node(block.graph.nodes[-1].name, "Sub", Sum((1, -1)), (-1, len(nodes) - 1),
                      shape))
    bias = _last_bias(block)
    if bias is not None:
        nodes.append(Node("bias", "Add", Scaling(None, bias), (len(nodes) - 1,), shape))
    return Graph(nodes, shape, block.graph.source)


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
    bias, shape = np.asarray(biased[0].bias), block.graph.shape
    if isinstance(biased[0], Scaling):
        return bias
    return bias.reshape(shape) if isinstance(biased[0], Dense) else \
        bias.reshape(-1, *[1] * (len(shape) - 1))
