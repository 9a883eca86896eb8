"""Reversible blocks whose modes do not grow: the smallest change that keeps them reversible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from stabkit.audit.changes import NEAR, below
from stabkit.audit.depth import judge_depth
from stabkit.audit.modes import judge_modes
from stabkit.networks.blocks import Block, blocks_of, recognise
from stabkit.networks.branches import increments, with_layers, with_step_times
from stabkit.networks.couplings import Branch, Coupling
from stabkit.networks.graph import Graph
from stabkit.networks.layers import Layer, Scaling
from stabkit.networks.segments import join_graphs
from stabkit.networks.step_sizes import largest_modal_step, modal_step
from stabkit.stability.verdict import PROVED

Made = tuple[Graph, list[str]]


@dataclass(frozen=True, eq=False)
class Calmed:
    """A reversible network none of whose blocks has a growing mode, as proved.

    Attributes
    ----------
    graph : Graph
    said : list of str
        What was changed, one sentence per block.
    has_one_bound : bool
        Whether the growth of differences has one bound at any depth, as proved.
    """

    graph: Graph
    said: list[str]
    has_one_bound: bool


def calm_network(blocks: Sequence[Block], seed: int) -> Calmed | None:
    """The network with opposite signs, exact transposes and safe steps, where that is near."""
    graphs: list[Graph] = []
    said: list[str] = []
    for block in blocks:
        made = _calm_block(block) if block.couplings else None
        graphs.append(made[0] if made else block.graph)
        said += made[1] if made else []
    if not said:
        return None
    graph = join_graphs(graphs)
    changed = blocks_of(graph)
    if not all(judge_modes(step, seed).status is PROVED
               for block in changed for step in block.couplings):
        return None
    return Calmed(graph, said, judge_depth(changed).status is PROVED)


def _calm_block(block: Block) -> Made | None:
    said: list[str] = []
    for way in (_with_transposes, _with_signs, _with_steps):
        made = way(block)
        if made is not None:
            block, said = recognise(made[0]), [*said, *made[1]]
    return (block.graph, said) if said else None


def _with_transposes(block: Block) -> Made | None:
    """Second maps that are nearly transposes of the first ones, exactly."""
    changed: dict[int, Sequence[Layer]] = {}
    said: list[str] = []
    for step in block.couplings:
        for branch in (step.first, step.second):
            if branch.factor is not None:
                continue
            place, layers = _transposed_layers(branch, block.graph)
            if not layers:
                return None
            changed |= dict.fromkeys(place, layers)
            said.append(f"{block.graph.nodes[place[0]].name}: transpose the second map exactly, "
                        f"that is, take {_factor(branch):.6g} times the transpose of the first")
    return (with_layers(block.graph, changed), list(dict.fromkeys(said))) if changed else None


def _transposed_layers(branch: Branch, graph: Graph) -> tuple[list[int], Sequence[Layer]]:
    """Where the second map of a branch stands, and the layers that are to stand there."""
    found = branch.transpose
    firsts, seconds = ([node.layer for node in chain.nodes if node.layer.factor is None]
                       for chain in (branch.before, branch.after))
    if found is None or found.distance > NEAR or len(firsts) != 1 or len(seconds) != 1:
        return [], ()
    adjoint, second = firsts[0].transpose, seconds[0]
    rest = np.prod([float(node.layer.factor) for node in branch.after.nodes
                    if node.layer.factor is not None])
    place = [number for number, node in enumerate(graph.nodes) if node.layer is second]
    if adjoint is None or not place:
        return [], ()
    bias = second.constant_beside(graph.nodes[place[0]].shape)
    return place, (adjoint, Scaling(np.array(_factor(branch) / rest), bias))


def _factor(branch: Branch) -> float:
    return branch.transpose.nearest if branch.transpose else 0.0


def _with_signs(block: Block) -> Made | None:
    """Opposite signs of the two updates of a step."""
    factors = [sign for step in block.couplings for sign in (1.0, _sign(step))]
    if min(factors, default=1.0) > 0 or len(increments(block.graph)) != len(factors):
        return None
    made = with_step_times(block.graph, factors, apart=True)
    return made and (made[0], [f"{block.name}: reverse the sign of one of the two updates"])


def _sign(step: Coupling) -> float:
    a, b = step.first.factor, step.second.factor
    return -1.0 if a is not None and b is not None and a * b > 0 else 1.0


def _with_steps(block: Block) -> Made | None:
    """Steps up to which no mode grows."""
    if not block.couplings or not all(step.is_hamiltonian for step in block.couplings):
        return None
    safe, step = largest_modal_step(block), modal_step(block)
    if safe is None or step <= safe:
        return None
    factor = float(Fraction(below(safe / step)))
    if any(part.leaps for part in block.couplings):  # whose one increment has the step's square
        factor = float(below(Fraction(factor) ** 2))
    made = with_step_times(block.graph, factor, apart=True)
    return made and (made[0], [f"{block.name}: step at most {below(safe)}, it is "
                               f"{float(step):.6g}"])
