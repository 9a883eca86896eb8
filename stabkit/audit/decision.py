"""The audit: every notion decided for a network and for its blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from stabkit.audit.admission import admit
from stabkit.audit.advice import advise, note_on
from stabkit.audit.blocks import DIFFUSION, HAMILTONIAN, Block, blocks_of, has_bias
from stabkit.audit.bounds import block_bound, evidence_of, product
from stabkit.audit.coupling import judge_modes
from stabkit.audit.layers import Graph
from stabkit.audit.network import Network, is_small
from stabkit.audit.result import Audit, BlockReport, Judgement
from stabkit.audit.steps import certified_step, with_step
from stabkit.audit.witnesses import Quotient, growth_of_one, largest_quotient
from stabkit.certificates import certify
from stabkit.decide import confirm_evidence, decide
from stabkit.errors import InvalidArgument
from stabkit.notions import CONTRACTION, EUCLIDEAN, RANGE, SIGN, Energy, Notion, energy
from stabkit.operators.norms import rational_sqrt
from stabkit.property import Stable
from stabkit.schemes import Chain, DiffusionScheme, Scheme
from stabkit.sharpness import step_bound
from stabkit.verdict import (
    INAPPLICABLE,
    PROVED,
    REFUTED,
    UNDECIDED,
    Outcome,
    Status,
)

NOTIONS = {"euclidean": EUCLIDEAN, "contraction": CONTRACTION, "range": RANGE, "sign": SIGN,
           "energy": None, "modes": None}
TRIALS_PER_SECOND = 2_000
_LONGEST_STEP_SEARCH = 24  # signal length up to which the sharp step is bisected
ONE = Fraction(1)


@dataclass(frozen=True)
class Task:
    """How hard to look: trials per notion, the seed, and who hears of progress."""

    trials: int
    seed: int
    advance: Callable[[str], None]


def audit_graph(graph: Graph, notions: Sequence[str] | None, budget: float, seed: int,
                advance: Callable[[str], None]) -> Audit:
    """Audit a network; see :func:`stabkit.audit`."""
    admit(graph)
    blocks = blocks_of(graph)
    asked = _asked(notions, graph, blocks)
    bounds = []
    for block in blocks:
        bounds.append(block_bound(block))
        advance(block.name)
    upper = product(bounds)
    task = Task(max(256, int(budget * TRIALS_PER_SECOND / (len(NOTIONS) + len(blocks)))), seed,
                advance)
    quotient = largest_quotient(graph, budget / 4, seed)
    advance("witness")
    judgements = [_judged(name, name in asked, graph, blocks, bounds, quotient, task)
                  for name in NOTIONS if name != "modes"]
    judgements += _modes("modes" in asked, blocks, task)
    reports = tuple(_report(block, bound, asked, task)
                    for block, bound in zip(blocks, bounds, strict=True))
    lower = quotient.lower if quotient else None
    return Audit(graph.source, graph.shape, graph.nodes[-1].shape, graph.weights, reports,
                 tuple(judgements), lower, upper, advise(blocks, reports, judgements), seed,
                 budget)


def _asked(notions: Sequence[str] | None, graph: Graph, blocks: Sequence[Block]) -> list[str]:
    if notions:
        unknown = [name for name in notions if name not in NOTIONS]
        if unknown:
            raise InvalidArgument(f"notion: must be among {', '.join(NOTIONS)}, got "
                                  f"{unknown[0]!r}")
        return list(notions)
    if any(block.couplings for block in blocks):
        return ["modes"]
    return ["contraction" if has_bias(graph) else "euclidean"]


# -- one notion ------------------------------------------------------------------------------------
def _judged(name: str, counts: bool, graph: Graph, blocks: list[Block],
            bounds: list[Fraction | None], quotient: Quotient | None, task: Task) -> Judgement:
    reason = _why_not(name, graph, blocks)
    if reason:
        return Judgement(name, "forward", INAPPLICABLE, counts, reason=reason)
    outcome = _decided(name, graph, blocks, bounds, quotient, task)
    task.advance(name)
    layer = ""
    if outcome.status is not PROVED and len(blocks) > 1:
        layer = _culprit(name, blocks, bounds, task)
    signals = outcome.signals if isinstance(outcome, Shown) else ()
    return Judgement(name, "forward", outcome.status, counts, outcome.evidence, signals, layer,
                     outcome.trials, outcome.reason)


@dataclass(frozen=True)
class Shown(Outcome):
    """An outcome with the signals that show a refutation."""

    signals: tuple[np.ndarray, ...] = ()


def _why_not(name: str, graph: Graph, blocks: list[Block]) -> str:
    """Why a notion does not apply to a network, or nothing."""
    shape, out = graph.shape, graph.nodes[-1].shape
    if name in ("range", "sign", "energy") and shape != out:
        return f"input and output differ in shape: {shape} and {out}"
    if name == "sign" and len([n for n in shape if n > 1]) > 1:
        return f"sign changes are counted along one axis, the signal has the shape {shape}"
    if name == "energy" and not (len(blocks) == 1 and isinstance(blocks[0].scheme,
                                                                 DiffusionScheme)):
        return "only a single small diffusion block without bias has an energy that is known here"
    return ""


def _decided(name: str, graph: Graph, blocks: list[Block], bounds: list[Fraction | None],
             quotient: Quotient | None, task: Task) -> Outcome:
    known = name == "contraction" or (name == "euclidean" and not has_bias(graph))
    upper = product(bounds)
    if known and upper is not None and upper <= 1:
        proof = _proof(name, blocks, bounds)
        if proof is not None:
            return Outcome(PROVED, proof)
    if name == "contraction" and quotient is not None and quotient.lower > 1:
        return Shown(REFUTED, quotient.evidence, signals=quotient.signals)
    if name == "euclidean" and not is_small(graph):
        grown = growth_of_one(graph, task.seed)
        moved = grown is not None and len(grown.signals) == 1
        # The other input of the pair is 0, which stays 0 where there is no bias.
        if grown is not None and (moved or (grown.lower > 1 and not has_bias(graph))):
            return Shown(REFUTED, grown.evidence, signals=grown.signals[:1])
    if not is_small(graph):
        return Outcome(UNDECIDED, reason=_open(name, upper))
    scheme = whole(graph, blocks)
    outcome = decide(Stable(scheme, _notion(name, scheme)), trials=task.trials, seed=task.seed)
    return shown(outcome)


def _open(name: str, upper: Fraction | None) -> str:
    if name in ("euclidean", "contraction"):
        known = "none is certified" if upper is None else f"{float(upper):.6g} is certified"
        return f"a Lipschitz constant up to 1 would prove it, {known}"
    return "the network is too large for this notion's search"


def _proof(name: str, blocks: list[Block], bounds: list[Fraction | None]) -> Any:
    """Certificates of small blocks, and for the others that their constants are at most 1."""
    evidence, rest, constants = [], [], []
    for block, bound in zip(blocks, bounds, strict=True):
        made = certify(block.scheme, NOTIONS[name]) if is_small(block.graph) else None
        if made is not None and bound is not None and bound <= 1:
            evidence += made
        else:
            rest.append(block)
            constants.append(bound)
    if rest:
        at_most = ONE
        evidence += evidence_of(rest, constants, at_most, "so the network contracts differences"
                                + ("" if name == "contraction" else ", and 0 is mapped to 0"))
    confirmed = tuple(item and confirm_evidence(item) for item in evidence)
    return confirmed if all(confirmed) else None


def shown(outcome: Outcome) -> Outcome:
    """An outcome with the signals of its witness, read from the evidence."""
    if outcome.status is not REFUTED:
        return outcome
    given = outcome.evidence[0].data["given"]
    signals = tuple(np.array([Fraction(x) for x in given[name]], dtype=object)
                    for name in ("u", "w") if isinstance(given.get(name), list))
    return Shown(outcome.status, outcome.evidence, outcome.margin, outcome.trials,
                 outcome.reason, signals)


def whole(graph: Graph, blocks: Sequence[Block]) -> Scheme:
    """A small network as the composition of the schemes that its blocks are."""
    if not all(block.keeps_shape for block in blocks):
        return Network(graph)
    return blocks[0].scheme if len(blocks) == 1 else Chain([block.scheme for block in blocks])


def _notion(name: str, scheme: Scheme) -> Notion:
    return energy(Energy(scheme.K, scheme.flux)) if name == "energy" else NOTIONS[name]


def _modes(counts: bool, blocks: list[Block], task: Task) -> list[Judgement]:
    """Of all reversible blocks, each by itself: forward, and backward, which is the same."""
    coupled = [block for block in blocks if block.couplings]
    if not coupled:
        none = Judgement("modes", "forward", INAPPLICABLE, counts,
                         reason="the network has no reversible block")
        return [none] if counts else []
    found = []
    for block in coupled:
        found += [(block, judge_modes(step, task.seed)) for step in block.couplings]
        task.advance(block.name)
    bad = next((pair for status in (REFUTED, UNDECIDED) for pair in found
                if pair[1].status is status), None)
    if bad is not None:
        block, outcome = bad
        outcome = shown(outcome)
        signals = outcome.signals if isinstance(outcome, Shown) else ()
        return [Judgement("modes", direction, outcome.status, counts, outcome.evidence, signals,
                          block.name, outcome.trials, outcome.reason)
                for direction in ("forward", "backward")]
    evidence = tuple(item for _, outcome in found for item in outcome.evidence)
    return [Judgement("modes", direction, PROVED, counts, evidence)
            for direction in ("forward", "backward")]


# -- one block -------------------------------------------------------------------------------------
def _culprit(name: str, blocks: list[Block], bounds: list[Fraction | None], task: Task) -> str:
    """The block that breaks a notion, or the one with the largest constant."""
    for block in blocks:
        if is_small(block.graph) and _alone(name, block, task) is REFUTED:
            return block.name
    if name not in ("euclidean", "contraction"):
        return ""
    sizes = [float("inf") if bound is None else float(bound) for bound in bounds]
    return blocks[int(np.argmax(sizes))].name if max(sizes) > 1 else ""


def _alone(name: str, block: Block, task: Task) -> Status:
    if _why_not(name, block.graph, [block]):
        return INAPPLICABLE
    scheme = block.scheme
    return decide(Stable(scheme, _notion(name, scheme)), trials=min(task.trials, 1024),
                  seed=task.seed).status


def _report(block: Block, bound: Fraction | None, asked: Sequence[str], task: Task
            ) -> BlockReport:
    safe = unsafe = None
    statuses = {}
    if is_small(block.graph):
        statuses = {name: _alone(name, block, task) for name in asked if name != "modes"}
    elif bound is not None and bound <= 1:
        statuses = {name: PROVED for name in asked
                    if name == "contraction" or (name == "euclidean" and not block.has_bias)}
    step = block.tau if block.form == DIFFUSION else None
    if block.form == DIFFUSION:
        safe, unsafe = _steps(block, asked[0], task)
    if block.form == HAMILTONIAN:
        largest = [part.largest_square() for part in block.couplings]
        step = max(rational_sqrt(part.square, up=True) for part in block.couplings)
        safe = None if None in largest else min(rational_sqrt(x, up=False) for x in largest)
    if block.couplings:
        found = [judge_modes(part, task.seed).status for part in block.couplings]
        statuses["modes"] = next(status for status in (REFUTED, UNDECIDED, PROVED)
                                 if status in found)
    return BlockReport(block.name, block.form, bound, step, safe, unsafe, statuses,
                       note_on(block))


def _steps(block: Block, name: str, task: Task) -> tuple[Fraction | None, Fraction | None]:
    """The largest certified and the smallest refuted step of a diffusion block."""
    safe = certified_step(block)
    if not is_small(block.graph) or block.graph.size > _LONGEST_STEP_SEARCH or safe is None \
            or name == "modes" or _why_not(name, block.graph, [block]):
        return safe, None
    found = step_bound(lambda tau: with_step(block, tau), _notion(name, block.scheme), safe,
                       halvings=8, trials=256, seed=task.seed)
    certified = [step for step in (safe, found.certified) if step is not None] \
        if name in ("euclidean", "contraction") else [found.certified]
    return max(certified, default=None) if None not in certified else None, \
        found.refuted[0][0] if found.refuted else None

