"""What to change: one sentence per place, naming the layer and the number.

Each change was made, and the changed network judged again, before it is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import inf
from time import monotonic

import numpy as np

from stabkit.audit.block_report import Task, decide_or_say_why, notion_of, why_not
from stabkit.audit.changes import below, least_change
from stabkit.audit.composition import Composition, composition_of
from stabkit.audit.decision import above, whole
from stabkit.audit.questions import BOUNDED, CONSTANT, MODES
from stabkit.audit.result import BlockReport, Judgement
from stabkit.audit.reversible import calm_network
from stabkit.audit.witnesses import is_quick
from stabkit.errors import InvalidArgument
from stabkit.networks.blocks import DIFFUSION, Block, blocks_of
from stabkit.networks.segments import join_graphs
from stabkit.networks.transposed_block import diffusion_block
from stabkit.stability.verdict import INAPPLICABLE, PROVED
from stabkit.time_limit import time_limit

ONE = Fraction(1)


def advise(network: Composition, reports: Sequence[BlockReport], judgements: Sequence[Judgement],
           at_most: Fraction | None, task: Task) -> tuple[str, ...]:
    """What to change so that the notions that count are proved; nothing where none was found.

    The constant of a small network is looked at to the end, whatever the clock says.
    """
    lacking = {item.notion.split()[0]: item for item in judgements
               if item.counts and item.status not in (PROVED, INAPPLICABLE)}
    advice: list[str] = []
    with time_limit(task.until):
        if BOUNDED in lacking or MODES in lacking:
            advice += _on_reversible(network, lacking, task)
    until = inf if is_quick(network.graph) else task.until
    with time_limit(until):
        if "euclidean" in lacking and network.graph.has_bias:
            advice += _on_biases(network, until)
        elif {"euclidean", "contraction", CONSTANT} & set(lacking):
            goal = at_most if CONSTANT in lacking and at_most is not None else ONE
            if {"euclidean", "contraction"} & set(lacking):
                goal = min(goal, ONE)
            made = least_change(network, goal, until)
            advice += made.said if made else ()
    with time_limit(task.until):
        if not {"euclidean", "contraction", CONSTANT} & set(lacking) and \
                len({"range", "sign", "energy"} & set(lacking)) == 1:
            advice += _on_steps(network, reports, next(iter(lacking)), task)
    return tuple(advice)


def _on_reversible(network: Composition, lacking: dict[str, Judgement], task: Task) -> list[str]:
    made = calm_network(network.blocks, task.seed)
    if made is not None and (made.has_one_bound or BOUNDED not in lacking):
        return list(made.said)
    more = [f"{text}; then no mode of a block alone grows" for text in made.said] if made else []
    if BOUNDED in lacking and network.upper is not None:
        more.append("a bound at any depth is known for contractions, and for equal linear Verlet "
                    "steps; if only this depth counts, ask for its constant: --at-most "
                    f"{above(network.upper)} is proved")
    return more


def _on_biases(network: Composition, until: float) -> list[str]:
    """A norm bound needs 0 to stay 0: without the biases, and with what else it takes then."""
    blocks = [block for block in network.blocks if block.has_bias]
    plain = network.graph.without_bias()
    if plain.has_bias:
        return []
    made = least_change(composition_of(plain, until=until), ONE, until)
    names = ", ".join(_layers_with_bias(blocks)[:3])
    return [] if made is None else [
        f"{names}: a bias moves the zero signal, so no norm bound holds for every input; ask for "
        "contraction, or leave the bias out", *made.said]


def _layers_with_bias(blocks: Sequence[Block]) -> list[str]:
    return [node.name for block in blocks for node in block.graph.nodes
            if node.layer.constant is not None and np.any(node.layer.constant)]


def _on_steps(network: Composition, reports: Sequence[BlockReport], name: str, task: Task
              ) -> list[str]:
    """Smaller steps of diffusion blocks, for a notion that is no matter of one constant."""
    graphs, said = [], []
    for block, report in zip(network.blocks, reports, strict=True):
        graph, tau = block.graph, block.tau
        if block.form == DIFFUSION and report.safe is not None and tau is not None and \
                report.statuses.get(name) is not PROVED and report.safe < tau:
            step = Fraction(below(report.safe))
            try:
                graph = diffusion_block(block, step)
            except InvalidArgument:
                return []
            said.append(f"{block.name}: step at most {float(step):.6g}, it is {float(tau):.6g}")
        graphs.append(graph)
    changed = join_graphs(graphs)
    blocks = blocks_of(changed)
    if not said or not changed.is_small or why_not(name, changed, blocks) or \
            monotonic() >= task.until:
        return []
    scheme = whole(changed, blocks)
    found = decide_or_say_why(scheme, notion_of(name, scheme), min(task.trials, 256), task.seed)
    return said if found.status is PROVED else []
