"""Diagonal factors moved through activations: the same network, with smaller norms in a row.

An activation with Φ(ts) = tΦ(s) for t > 0, such as ReLU, has Φ(D x) = D Φ(x) for every diagonal
D > 0; so B Φ(A x + b) = (B D⁻¹) Φ(D A x + D b).
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from stabkit.fluxes.flux import Flux
from stabkit.networks.blocks import ACTIVATION, AFFINE, Block
from stabkit.networks.graph import Graph, Node
from stabkit.networks.layers import Scaling
from stabkit.time_limit import time_is_over

_BETTER = 1 - 1e-9  # by which a product of norms must shrink to be worth a change


def balance_factors(blocks: list[Block]) -> list[Block]:
    """The same network with other factors, as far as there is time; `blocks` itself where that does
    not help."""
    found, changed = list(blocks), False
    for i in range(1, len(found) - 1):
        if time_is_over():
            break
        one, middle, two = found[i - 1:i + 2]
        if (one.form, middle.form, two.form) != (AFFINE, ACTIVATION, AFFINE) or \
                middle.flux is None or not is_homogeneous(middle.flux):
            continue
        factors = _factors(one.graph.matrix.exact().astype(float),
                           two.graph.matrix.exact().astype(float))
        if factors is not None:
            found[i - 1], found[i + 1] = _append_factors(one, factors), _prepend_factors(two,
                                                                                         factors)
            changed = True
    return found if changed else blocks


def is_homogeneous(flux: Flux) -> bool:
    """Whether Φ(ts) = tΦ(s) for t > 0: straight on both sides of 0, and 0 there."""
    one, zero = Fraction(1), Fraction(0)
    return flux.piecewise_linear and not any(flux.breakpoints()) and \
        flux.activation(zero) == 0 and all(
            flux.activation(2 * s) == 2 * flux.activation(s) for s in (one, -one))


def _factors(A: np.ndarray, B: np.ndarray) -> np.ndarray | None:
    """Positive numbers d for which ‖diag(d) A‖ ‖B diag(1/d)‖ is smaller, or None."""
    rows, columns = np.linalg.norm(A, axis=1), np.linalg.norm(B, axis=0)
    rows, columns = (np.where(sizes > 0, sizes, 1.0) for sizes in (rows, columns))
    best, least = None, np.linalg.norm(A, 2) * np.linalg.norm(B, 2) * _BETTER
    for tried in (1 / rows, columns, np.sqrt(columns / rows)):
        size = np.linalg.norm(tried[:, None] * A, 2) * np.linalg.norm(B / tried, 2)
        if np.isfinite(size) and size < least and (tried > 0).all():
            best, least = tried, size
    if best is None:
        return None
    return np.array([Fraction(float(d)).limit_denominator(2**20) or Fraction(float(d))
                     for d in best], dtype=object)


def _append_factors(block: Block, factors: np.ndarray) -> Block:
    last = block.graph.nodes[-1]
    node = Node(last.name, "Mul", Scaling(factors.reshape(last.shape)),
                (len(block.graph.nodes) - 1,), last.shape)
    return replace(block, graph=replace(block.graph, nodes=[*block.graph.nodes, node]))


def _prepend_factors(block: Block, factors: np.ndarray) -> Block:
    graph, inverse = block.graph, np.array([1 / d for d in factors], dtype=object)
    first = Node(graph.nodes[0].name, "Mul", Scaling(inverse.reshape(graph.shape)), (-1,),
                 graph.shape)
    shifted = [replace(node, inputs=tuple(i + 1 if i >= 0 else 0 for i in node.inputs))
               for node in graph.nodes]
    return replace(block, graph=Graph([first, *shifted], graph.shape, graph.source))
