"""One block of a network by itself: what the table of blocks says of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from stabkit.audit.modes import judge_modes
from stabkit.audit.notes import note_on
from stabkit.audit.questions import BOUNDED, MODES, notion_of_name
from stabkit.audit.result import BlockReport
from stabkit.errors import InvalidEvidence
from stabkit.networks.blocks import CYCLE, DIFFUSION, HAMILTONIAN, LEAPFROG, PARABOLIC, Block
from stabkit.networks.graph import Graph
from stabkit.networks.step_sizes import certified_step, largest_modal_step, modal_step, with_step
from stabkit.schemes import DiffusionScheme, Scheme
from stabkit.stability.decide import decide
from stabkit.stability.notions import Energy, Notion, energy
from stabkit.stability.property import Stable
from stabkit.stability.sharpness import step_bound
from stabkit.stability.verdict import (
    INAPPLICABLE,
    PROVED,
    SUPPORTED,
    UNDECIDED,
    Outcome,
    Status,
    worst,
)
from stabkit.time_limit import time_is_over

_LONGEST_STEP_SEARCH = 24  # signal length up to which the sharp step is bisected
Steps = tuple[Fraction | None, Fraction | None]


@dataclass(frozen=True)
class Task:
    """How hard to look: trials per notion, the seed, who hears of progress, and until when."""

    trials: int
    seed: int
    advance: Callable[[str], None]
    until: float


def why_not(name: str, graph: Graph, blocks: Sequence[Block]) -> str:
    """Why a notion does not apply to a network, or nothing."""
    shape, out = graph.shape, graph.output_shape
    if name in ("range", "sign", "energy") and shape != out:
        return f"input and output differ in shape: {shape} and {out}"
    if name == "sign" and len([n for n in shape if n > 1]) > 1:
        return f"sign changes are counted along one axis, the signal has the shape {shape}"
    if name == "energy" and not (len(blocks) == 1 and isinstance(blocks[0].scheme,
                                                                 DiffusionScheme)):
        return "only a single small diffusion block without bias has an energy that is known here"
    return ""


def notion_of(name: str, scheme: Scheme) -> Notion:
    """A notion of a scheme by its name."""
    if name == "energy" and isinstance(scheme, DiffusionScheme):
        return energy(Energy(scheme.K, scheme.flux))
    return notion_of_name(name)


def alone(name: str, block: Block, task: Task) -> Status:
    """What becomes of a notion for one small block; equal blocks are decided once."""
    return block.once((name, task.trials, task.seed), lambda: _alone(name, block, task))


def _alone(name: str, block: Block, task: Task) -> Status:
    if why_not(name, block.graph, [block]):
        return INAPPLICABLE
    scheme = block.scheme
    return decide_or_say_why(scheme, notion_of(name, scheme), min(task.trials, 1024),
                             task.seed).status


def decide_or_say_why(scheme: Scheme, notion: Notion, trials: int, seed: int) -> Outcome:
    """Decide a notion; what is too long for the checker is undecided, and says so."""
    try:
        found = decide(Stable(scheme, notion), trials=trials, seed=seed)
        return Outcome(UNDECIDED, reason="no certificate, and no time was left to search") \
            if found.status is SUPPORTED and not found.trials else found
    except InvalidEvidence as limit:
        return Outcome(UNDECIDED, reason=f"the evidence is too long for the checker ({limit})")


def report_on(block: Block, bound: Fraction | None, asked: Sequence[str], task: Task
              ) -> BlockReport:
    """The row of a block; its steps are for the notion that was asked for first, or left out."""
    statuses = {}
    if block.is_small and not time_is_over():
        statuses = {name: alone(name, block, task) for name in asked
                    if name not in (BOUNDED, MODES)}
    else:
        known = {"contraction": bound, "euclidean": block.gain if "euclidean" in asked else None}
        statuses = {name: PROVED for name in asked
                    if (constant := known.get(name)) is not None and constant <= 1}
    step: Fraction | None = None
    steps: Steps = None, None
    if block.form in (DIFFUSION, PARABOLIC):
        name = asked[0] if asked else "contraction"
        step, steps = block.tau, block.once(("steps", name), lambda: _steps(block, name, task))
    if block.form == CYCLE:
        step = block.tau
    if block.form in (HAMILTONIAN, LEAPFROG):
        step = modal_step(block)
        steps = (largest_modal_step(block) if asked[:1] == [MODES] else None), None
    if block.couplings:
        statuses[MODES] = worst(judge_modes(part, task.seed).status for part in block.couplings)
    return BlockReport(block.name, block.form, bound, step, *steps, statuses, note_on(block))


def _steps(block: Block, name: str, task: Task) -> Steps:
    """The largest certified and the smallest refuted step of a diffusion block, for a notion."""
    normed = name == "contraction" or (name == "euclidean" and not block.has_bias)
    safe = certified_step(block) if normed else None
    if block.normalised is not None:
        return block.normalised.largest_step if name == "euclidean" and normed else None, None
    if name in (BOUNDED, MODES) or not block.is_small or \
            time_is_over() or block.graph.size > _LONGEST_STEP_SEARCH or \
            why_not(name, block.graph, [block]):
        return safe, None
    start = safe or certified_step(block)
    if start is None:
        return None, None
    found = step_bound(lambda tau: with_step(block, tau), notion_of(name, block.scheme), start,
                       halvings=8, trials=256, seed=task.seed)
    return max((step for step in (safe, found.certified) if step is not None),
               default=None), found.refuted[0][0] if found.refuted else None
