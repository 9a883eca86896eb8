"""A residual block written anew with the transposed structure u − τW₁ᵀΦ(W₁u + b) + c."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from stabkit.errors import InvalidArgument
from stabkit.networks.blocks import Block
from stabkit.networks.graph import Graph, Node
from stabkit.networks.layers import Activation, Layer, Scaling, Sum


def diffusion_block(block: Block, tau: float | Fraction, before: Graph | None = None) -> Graph:
    """u − τW₁ᵀΦ(W₁u + b) + c with Φ and the last layer's c of a block, and its W₁, b or others.

    Raises
    ------
    InvalidArgument
        Where W₁ has a layer without a transpose, or a bias stands inside the second map.
    """
    first, _, flux = block.parts
    before = before or first
    nodes = list(before.nodes)
    count = len(nodes)
    shapes = [before.shape, *(node.shape for node in nodes)]
    backward = list(zip(reversed(nodes), reversed(shapes[:-1]), strict=True))
    nodes.append(Node("activation", flux.name, _activation(block), (count - 1,),
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


def _activation(block: Block) -> Layer:
    return next(node.layer for node in block.graph.nodes
                if isinstance(node.layer, Activation) and node.layer.flux is block.flux)


def _adjoint(node: Node, block: Block) -> Layer:
    adjoint = node.layer.transpose
    if adjoint is None:
        raise InvalidArgument(f"model: {node.name} in {block.name} has no transpose among the "
                              "layers")
    return adjoint


def _last_bias(block: Block) -> np.ndarray | None:
    """What the second chain adds, where it is its last layer's own bias."""
    layers = [node.layer for node in block.parts[1].nodes]
    biased = [layer for layer in layers if layer.constant is not None and np.any(layer.constant)]
    if not biased:
        return None
    if biased != layers[-1:]:
        raise InvalidArgument(f"model: {block.name} adds a bias inside its second map; move it to "
                              "the end")
    return biased[0].constant_beside(block.graph.shape)
