"""Fast semi-iterative cycles uˡ⁺¹ = αₗ(uˡ − τKᵀΦ(K uˡ)) + (1 − αₗ)uˡ⁻¹ (alt2021, eq. (7))."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from stabkit.networks.graph import Graph
from stabkit.networks.layers import Activation
from stabkit.networks.layers.layer import formula
from stabkit.networks.leapfrog import multiple, terms_of
from stabkit.networks.segments import part
from stabkit.networks.transposes import compare

_NEAR = Fraction(1, 2**20)  # of the coefficients, which a file holds as floats


@dataclass(frozen=True)
class Cycle:
    """What such a cycle is, up to the rounding of its coefficients.

    Attributes
    ----------
    length : int
        Inner steps.
    tau : Fraction
        That of the first one.
    """

    length: int
    tau: Fraction


def cycle_of(segment: Graph) -> Cycle | None:
    """The cycle that a segment is, or None."""
    nodes = segment.nodes
    active = [number for number, node in enumerate(nodes) if not node.layer.is_linear]
    fluxes = [layer.flux for number in active
              if isinstance(layer := nodes[number].layer, Activation)]
    if not 1 <= len(active) == len(fluxes) or len({formula(flux) for flux in fluxes}) > 1:
        return None
    states = [_start_of_chain(segment, number) for number in active] + [len(nodes) - 1]
    if states[0] != -1 or any(one >= other for one, other in pairwise(states)):
        return None
    inner = [part(segment, range(state + 1, number), state) for state, number in
             zip(states, active, strict=False)]
    if any(chain.key != inner[0].key for chain in inner):
        return None
    steps = [_step(segment, states, number, inner[0], active[number])
             for number in range(len(active))]
    found = [tau for tau in steps if tau is not None]
    alike = len(found) == len(steps) and all(abs(tau - found[0]) <= _NEAR * found[0]
                                             for tau in found)
    return Cycle(len(found), found[0]) if alike else None


def _start_of_chain(segment: Graph, number: int) -> int:
    """The last node before another one that is no link of a chain of single layers."""
    while number >= 0 and len(segment.nodes[number].inputs) == 1:
        number, = segment.nodes[number].inputs
    return number


def _step(segment: Graph, states: list[int], number: int, before: Graph, active: int
          ) -> Fraction | None:
    """τ of the inner step from a state to the next one, if it is one."""
    alpha = Fraction(4 * number + 2, 2 * number + 3)
    wanted = {states[number]: alpha}
    last = states[max(number - 1, 0)]
    wanted[last] = wanted.get(last, Fraction(0)) + 1 - alpha
    terms = terms_of(segment, states[number + 1], states[:number + 1])
    others = [node for node in terms if node not in wanted]
    if len(others) != 1 or any(abs(terms.get(state, Fraction(0)) - value) > _NEAR
                               for state, value in wanted.items()):
        return None
    path, end = list[int](), others[0]
    while end > active and len(segment.nodes[end].inputs) == 1:
        path.append(end)
        end, = segment.nodes[end].inputs
    if end != active:
        return None
    after = multiple(part(segment, path[::-1], active), terms[others[0]])
    transpose = compare(before, after)
    factor = None if transpose is None else transpose.factor
    return None if factor is None or factor >= 0 else -factor / alpha
