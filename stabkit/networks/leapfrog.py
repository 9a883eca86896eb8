"""Leapfrog steps (Y, Z) ↦ (2Y − Z + G(Y), Y), read as reversible steps.

With V = Y − Z the step is V⁺ = V + G(Y), Y⁺ = Y + V⁺: a reversible block whose second branch is the
identity.  The change of coordinates keeps the eigenvalues of the linearised step.
"""

from __future__ import annotations

from collections.abc import Container
from fractions import Fraction

import numpy as np

from stabkit.fluxes import identity
from stabkit.networks.couplings import Branch, Coupling, half_of
from stabkit.networks.graph import Graph, Node
from stabkit.networks.layers import Activation, Concatenation, Scaling, Sum
from stabkit.networks.segments import part
from stabkit.networks.transposes import compare


def leapfrog_of(segment: Graph) -> Coupling | None:
    """The step that a segment is, in the coordinates (V, Y), or None."""
    nodes, last = segment.nodes, segment.nodes[-1]
    if not isinstance(last.layer, Concatenation) or len(last.inputs) != 2 or last.layer.axis != 0:
        return None
    halves = {number: half for number, node in enumerate(nodes)
              if (half := half_of(node, segment)) is not None}
    new, old = last.inputs
    if halves.get(old) != 0:
        return None
    known: dict[int, Fraction] = {0: Fraction(0), 1: Fraction(0)}
    others = []
    for number, factor in terms_of(segment, new, halves).items():
        if number in halves:
            known[halves[number]] += factor
        else:
            others.append((number, factor))
    if (known[0], known[1]) != (2, -1) or len(others) != 1:
        return None
    first = _branch(segment, *others[0], halves)
    return None if first is None else Coupling(first, _still(first.before.shape), leaps=True)


def terms_of(segment: Graph, end: int, known: Container[int]) -> dict[int, Fraction]:
    """A signal as a sum of multiples of known ones and of what else there is, by their nodes."""
    found = {end: Fraction(1)}
    for number in range(end, -1, -1):
        node = segment.nodes[number]
        if number in known or number not in found:
            continue
        factor = node.layer.factor
        if isinstance(node.layer, Sum):
            factors = tuple(map(Fraction, node.layer.signs))
        elif factor is not None and node.layer.constant_beside(node.shape) is None:
            factors = (factor,)
        else:
            continue
        weight = found.pop(number)
        for source, each in zip(node.inputs, factors, strict=True):
            found[source] = found.get(source, Fraction(0)) + weight * each
    return found


def _branch(segment: Graph, end: int, factor: Fraction, halves: dict[int, int]) -> Branch | None:
    """G with its factor, if it is c W₂Φ(W₁Y + b) of the first half."""
    nodes, path, number = segment.nodes, [], end
    while number >= 0 and number not in halves and len(nodes[number].inputs) == 1:
        path.append(number)
        number = nodes[number].inputs[0]
    path.reverse()
    curved = [n for n in path if not nodes[n].layer.is_linear or nodes[n].layer.joins]
    if halves.get(number) != 0 or len(curved) != 1:
        return None
    where, layer = path.index(curved[0]), nodes[curved[0]].layer
    if not isinstance(layer, Activation):
        return None
    before = part(segment, path[:where], number)
    after = multiple(part(segment, path[where + 1:], curved[0]), factor)
    return Branch(before, after, layer.flux, compare(before, after))


def _still(shape: tuple[int, ...]) -> Branch:
    """V ↦ V as a branch."""
    one = Graph([Node("V", "Identity", Scaling(np.array(1.0)), (-1,), shape)], shape, "")
    return Branch(one, one, identity(), compare(one, one))


def multiple(chain: Graph, factor: Fraction) -> Graph:
    """A chain of layers times a number."""
    if factor == 1:
        return chain
    scaled = Node("factor", "Mul", Scaling(np.array(factor, dtype=object)),
                  (len(chain.nodes) - 1,), chain.output_shape)
    return Graph([*chain.nodes, scaled], chain.shape, chain.source)
