"""Reversible blocks: Y⁺ = Y + G₁(Z), Z⁺ = Z + G₂(Y⁺) on the halves of a signal.

With Gᵢ(x) = cᵢKᵢᵀΦ(Kᵢx + bᵢ) and c₁c₂ < 0 the block is a Verlet step of a Hamiltonian flow.  The
linearised step is S = [[I, A], [B, I + BA]] with det S = 1, A = G₁′ and B = G₂′; an eigenvalue λ
of S obeys (λ − 1)² = λν for an eigenvalue ν of BA.  If −BA has eigenvalues in [0, 4], all λ have
modulus 1, forward and backward; if one λ has modulus > 1, another has modulus < 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from stabkit.fluxes.flux import Flux
from stabkit.networks.graph import Graph, Node
from stabkit.networks.layers import Activation, Concatenation, Selection, Sum
from stabkit.networks.layers.activation import certified_slopes
from stabkit.networks.segments import apply_sign, part
from stabkit.networks.transposes import Transpose, compare


@dataclass(frozen=True, eq=False)
class Branch:
    """x ↦ W₂Φ(W₁x + b) + c."""

    before: Graph
    after: Graph
    flux: Flux
    transpose: Transpose | None

    @property
    def factor(self) -> Fraction | None:
        """c if W₂ = c W₁ᵀ exactly."""
        return self.transpose.factor if self.transpose is not None else None


@dataclass(frozen=True, eq=False)
class Coupling:
    """The two branches of a reversible block, the one that acts first in front.

    Attributes
    ----------
    first, second : Branch
    leaps : bool
        Whether it is a leapfrog step in the coordinates (Y − Z, Y), see
        :mod:`stabkit.networks.leapfrog`.
    """

    first: Branch
    second: Branch
    leaps: bool = False

    @property
    def size(self) -> int:
        """The length of a state."""
        return self.first.before.size + self.second.before.size

    @property
    def is_hamiltonian(self) -> bool:
        """Whether both branches are transposed exactly, with opposite signs."""
        return self.square is not None

    @property
    def square(self) -> Fraction | None:
        """|c₁c₂|, the square of the step δ of a Hamiltonian block."""
        a, b = self.first.factor, self.second.factor
        return -a * b if a is not None and b is not None and a * b < 0 else None

    def largest_square(self) -> Fraction | None:
        """The largest |c₁c₂| for which no mode grows, as certified; None where none is."""
        bound = self._bound()
        return None if not bound else 4 / bound

    def _bound(self) -> Fraction | None:
        total = Fraction(1)
        for branch in (self.first, self.second):
            slopes = certified_slopes(branch.flux)
            if slopes is None or slopes[0] < 0:
                return None
            total *= slopes[1] * branch.before.square
        return total


def couplings_of(segment: Graph) -> tuple[Coupling, ...]:
    """The reversible steps that a segment consists of, first one first; empty if it does not."""
    nodes, last = segment.nodes, segment.nodes[-1]
    if not isinstance(last.layer, Concatenation) or len(last.inputs) != 2 or last.layer.axis != 0:
        return ()
    current = [{i for i, node in enumerate(nodes) if half_of(node, segment) == half}
               for half in (0, 1)]
    moves: list[tuple[int, Branch]] = []
    unlike: dict[Any, Branch] = {}  # equal ones are compared, and decided, once
    for number, node in enumerate(nodes):
        if not isinstance(node.layer, Sum):
            continue
        roles = {i: f"half {half}" for half in (0, 1) for i in current[half]}
        made = next(((half, branch) for half in (0, 1) if (branch := _branch(
            segment, number, roles, f"half {half}", f"half {1 - half}", unlike)) is not None), None)
        if made is None:
            return ()
        moves.append(made)
        current[made[0]] = {number}
    ends = sorted(last.inputs)
    if len(moves) % 2 or not moves or ends != sorted(n for half in current for n in half) or \
            any(one[0] == two[0] for one, two in pairwise(moves)):
        return ()
    pairs = [(moves[i][1], moves[i + 1][1]) for i in range(0, len(moves), 2)]
    steps = {pair: Coupling(*pair) for pair in pairs}
    return tuple(steps[pair] for pair in pairs)


def half_of(node: Node, segment: Graph) -> int | None:
    """Which half of the input a node selects, or None."""
    size = segment.size
    if not isinstance(node.layer, Selection) or node.inputs != (-1,) or size % 2 or \
            segment.shape[0] % 2 or 2 * prod(node.shape) != size:
        return None
    places = np.ravel(node.layer.places)
    return next((half for half in (0, 1) if (places == np.arange(size // 2) + half * (
        size // 2)).all()), None)


def _branch(segment: Graph, end: int, roles: dict[int, str], skip: str, source: str,
            unlike: dict[Any, Branch]) -> Branch | None:
    """The branch of the sum at a node, whose other term has the role `skip`."""
    nodes, last = segment.nodes, segment.nodes[end].layer
    if not isinstance(last, Sum) or len(nodes[end].inputs) != 2:
        return None
    inputs = nodes[end].inputs
    for place in (0, 1):
        if roles.get(inputs[place]) != skip or last.signs[place] < 0:
            continue
        path, number = [], inputs[1 - place]
        while number >= 0 and number not in roles and len(nodes[number].inputs) == 1:
            path.append(number)
            number = nodes[number].inputs[0]
        path.reverse()
        curved = [n for n in path if not nodes[n].layer.is_linear or nodes[n].layer.joins]
        if roles.get(number) != source or len(curved) != 1:
            continue
        where, layer = path.index(curved[0]), nodes[curved[0]].layer
        if not isinstance(layer, Activation):
            continue
        before = part(segment, path[:where], number)
        after = apply_sign(part(segment, path[where + 1:], curved[0]), last.signs[1 - place])
        key = before.key, after.key, layer.key
        if key not in unlike:
            unlike[key] = Branch(before, after, layer.flux, compare(before, after))
        return unlike[key]
    return None
