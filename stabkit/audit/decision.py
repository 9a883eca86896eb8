"""Every notion decided for the whole of a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from time import monotonic

import numpy as np

from stabkit.audit.block_report import Task, alone, decide_or_say_why, notion_of, why_not
from stabkit.audit.composition import (
    Composition,
    largest_block,
)
from stabkit.audit.depth import judge_depth
from stabkit.audit.modes import judge_modes
from stabkit.audit.questions import (
    BOUNDED,
    CONSTANT,
    MODES,
    NOTIONS,
    constant_name,
    notion_of_name,
)
from stabkit.audit.result import Judgement
from stabkit.audit.rounded_weights import unit_of
from stabkit.audit.witnesses import Quotient, growth_of_one, is_quick, shows_more
from stabkit.networks.blocks import Block
from stabkit.networks.graph import Graph
from stabkit.networks.network import Network
from stabkit.schemes import Chain, Scheme
from stabkit.stability.certificates import certify
from stabkit.stability.confirmation import confirm_all
from stabkit.stability.verdict import INAPPLICABLE, PROVED, REFUTED, UNDECIDED, Evidence, Outcome
from stabkit.time_limit import at_least, time_is_over, time_limit

TRIALS_PER_SECOND = 2_000
_SEARCHED = 0.2  # seconds that a notion is searched, whatever the budget
_OF_COUNTED = 0.5  # of the time that is left, for a notion that counts
LEAST = 0.5  # seconds that a notion that counts may be searched, whatever the budget
ONE = Fraction(1)


@dataclass(frozen=True)
class Known:
    """What the notions are decided from.

    Attributes
    ----------
    network : Composition
        The network, or all those within rounding of it.
    meant : (Composition, tuple of str) or None
        The network that was meant, and how it differs.
    quotient : Quotient or None
    task : Task
    """

    network: Composition
    meant: tuple[Composition, tuple[str, ...]] | None
    quotient: Quotient | None
    task: Task
    rounding: str


def judgements_of(known: Known, asked: Sequence[str], at_most: Fraction | None) -> list[Judgement]:
    plain = [name for name in NOTIONS if name not in (BOUNDED, MODES)]
    decided = {}
    for number, name in enumerate(sorted(plain, key=lambda name: name not in asked)):
        now, counts = monotonic(), name in asked
        left = max(known.task.until - now, 0.0)
        share = left * _OF_COUNTED if counts else left / (len(plain) - number)
        least = 0.0 if name == "energy" and not counts else _SEARCHED
        with time_limit(now + max(share, LEAST if counts else 0.0), least):
            decided[name] = _judge_notion(name, counts, known)
    found = [decided[name] for name in plain]
    contracts = next(item for item in found if item.notion == "contraction")
    if at_most is not None:
        found.insert(0, _constant(known, at_most, contracts))
    if BOUNDED in asked or any(block.couplings for block in known.network.blocks):
        found.append(_judge_boundedness(BOUNDED in asked, known, contracts))
    return found + _modes(MODES in asked, known.network.blocks, known.task)


# -- one notion ------------------------------------------------------------------------------------
def _judge_notion(name: str, counts: bool, known: Known) -> Judgement:
    network, task = known.network, known.task
    reason = why_not(name, network.graph, network.blocks)
    if reason:
        return Judgement(name, "forward", INAPPLICABLE, counts, reason=reason)
    outcome = _decide_notion(name, counts, known)
    rounding = ""
    if outcome.status is not PROVED and known.meant is not None:
        proof = _proof_as_meant(name, known.meant[0])
        if proof is not None:
            rounding = _note_on_rounding(known.meant[1], _as_they_stand(name, network, outcome))
            outcome = Outcome(PROVED, proof)
    elif known.rounding == "intervals" and outcome.status in (PROVED, REFUTED):
        rounding = f"{outcome.status} for all weights that round to those in the file"
    task.advance(f"{name} ({outcome.status})")
    layer = ""
    if len(network.blocks) == 1 and not rounding:
        alone(name, network.blocks[0], task, outcome.status)
    if outcome.status is not PROVED and len(network.blocks) > 1:
        with at_least(_SEARCHED):
            layer = _culprit(name, network, task)
    return _judgement(name, counts, outcome, layer, rounding)


def _judgement(name: str, counts: bool, outcome: Outcome, layer: str = "", rounding: str = ""
               ) -> Judgement:
    return Judgement(name, "forward", outcome.status, counts, outcome.evidence, outcome.signals,
                     layer, outcome.trials, outcome.reason, rounding)


def _note_on_rounding(changes: Sequence[str], numbers: str) -> str:
    return f"proved for the numbers that were meant ({'; '.join(changes)}); for those " \
           f"in the file: {numbers}"


def _as_they_stand(name: str, network: Composition, outcome: Outcome) -> str:
    """What holds for the very numbers of the file."""
    if name in ("euclidean", "contraction", CONSTANT):
        return "no constant is certified" if network.upper is None else \
            f"the constant is at most {above(network.upper)}"
    away = f", by {-float(outcome.margin):.2g}" if outcome.margin is not None else ""
    return f"{outcome.status}{away}"


def above(value: Fraction) -> str:
    """A number with digits that tell it from 1, rounded up."""
    digits = 6
    while digits < 17 and value > 1 and round(value, digits - 2) <= 1:
        digits += 1
    whole, rest = divmod(-(-value * 10**digits // 1), 10**digits)  # a double has too few digits
    return f"{whole}.{rest:0{digits}d}".rstrip("0").rstrip(".")


def _by(name: str) -> str:
    return "so the network contracts differences" + (
        "" if name == "contraction" else ", and 0 is mapped to 0")


def _decide_notion(name: str, counts: bool, known: Known) -> Outcome:
    network, quotient, graph = known.network, known.quotient, known.network.graph
    lipschitz = name == "contraction" or (name == "euclidean" and not graph.has_bias)
    if known.rounding == "intervals":
        return _decide_within_rounding(name, known) if lipschitz else Outcome(
            UNDECIDED, reason="not decided for all weights within rounding; take the numbers as "
                              "they stand (exact) or as they were meant (snapped)")
    if lipschitz and network.upper is not None and network.upper <= 1:
        proof = network.contracts(notion_of_name(name), _by(name))
        if proof is not None:
            return Outcome(PROVED, proof)
    if name == "contraction" and quotient is not None and quotient.lower > 1:
        return Outcome(REFUTED, quotient.evidence, signals=quotient.signals)
    if name == "euclidean" and not graph.is_small:
        proof = network.keeps_norm("so the norm of no signal grows")
        return Outcome(PROVED, proof) if proof is not None else _growth(known) or Outcome(
            UNDECIDED, reason=_open(name, network.upper))
    if not graph.is_small:
        return Outcome(UNDECIDED, reason=_open(name, network.upper))
    if not counts and not is_quick(graph) and monotonic() >= known.task.until:
        return Outcome(UNDECIDED, reason="no time was left")
    scheme = whole(graph, network.blocks)
    found = read_witness(decide_or_say_why(scheme, notion_of(name, scheme), known.task.trials,
                                           known.task.seed))
    grows = name == "euclidean" and found.status is UNDECIDED
    return (_growth(known) if grows else None) or found


def _growth(known: Known) -> Outcome | None:
    """That the norm of a single input grows, from the growth of differences."""
    graph = known.network.graph
    grown = growth_of_one(graph, known.task.seed)
    moved = grown is not None and len(grown.signals) == 1
    # The other input of the pair is 0, which stays 0 where there is no bias.
    if grown is not None and (moved or (grown.lower > 1 and not graph.has_bias)):
        return Outcome(REFUTED, grown.evidence, signals=grown.signals[:1])
    return None


def _decide_within_rounding(name: str, known: Known) -> Outcome:
    """A notion for all networks within rounding of the file's numbers."""
    network, quotient = known.network, known.quotient
    if name == "euclidean":
        quotient = growth_of_one(network.graph, known.task.seed, unit_of(network.graph))
    if network.upper is not None and network.upper <= 1:
        proof = network.shows(ONE, _by("contraction"))
        if proof is not None:
            return Outcome(PROVED, proof)
    if quotient is not None and quotient.lower > 1:
        signals = quotient.signals[:1] if name == "euclidean" else quotient.signals
        return Outcome(REFUTED, quotient.evidence, signals=signals)
    return Outcome(UNDECIDED, reason=_open(name, network.upper))


def _proof_as_meant(name: str, network: Composition) -> tuple[Evidence, ...] | None:
    """Certificates only: a search would find again what it found for the file's numbers."""
    lipschitz = name == "contraction" or (name == "euclidean" and not network.graph.has_bias)
    if lipschitz and network.upper is not None and network.upper <= 1:
        return network.contracts(notion_of_name(name), _by(name))
    if not network.graph.is_small or why_not(name, network.graph, network.blocks):
        return None
    scheme = whole(network.graph, network.blocks)
    found = certify(scheme, notion_of(name, scheme))
    return confirm_all(found) if found else None


def _open(name: str, upper: Fraction | None) -> str:
    if name in ("euclidean", "contraction"):
        known = "none is certified" if upper is None else f"{above(upper)} is certified"
        return f"a Lipschitz constant up to 1 would prove it, {known}"
    return "the network is too large for this notion's search"


def read_witness(outcome: Outcome) -> Outcome:
    """An outcome with the signals of its witness, read from the evidence."""
    if outcome.status is not REFUTED:
        return outcome
    given = outcome.evidence[0].data["given"]
    signals = tuple(np.array([Fraction(x) for x in given[name]], dtype=object)
                    for name in ("u", "w") if isinstance(given.get(name), list))
    return replace(outcome, signals=signals)


def whole(graph: Graph, blocks: Sequence[Block]) -> Scheme:
    """A small network as the composition of the schemes that its blocks are."""
    if not all(block.keeps_shape for block in blocks):
        return Network(graph)
    return blocks[0].scheme if len(blocks) == 1 else Chain([block.scheme for block in blocks])


# -- the constant in question ----------------------------------------------------------------------
def _constant(known: Known, at_most: Fraction, contracts: Judgement) -> Judgement:
    """Whether |u⁺ − w⁺| <= L |u − w| for the constant L that is asked for."""
    network, quotient, rounding = known.network, known.quotient, ""
    name = constant_name(at_most)
    if at_most >= 1 and contracts.status is PROVED and not contracts.rounding:
        return replace(contracts, notion=name, counts=True)
    by = f"so {float(at_most):.9g} is a Lipschitz constant of the network"
    outcome = Outcome(UNDECIDED, reason="the certified bounds lie on both sides of it")
    evidence = network.shows(at_most, by)
    if evidence is not None:
        outcome = Outcome(PROVED, evidence)
    elif quotient is not None and quotient.lower > at_most:
        evidence = shows_more(network.graph, quotient, at_most)
        if evidence is not None:
            pair = quotient.best or quotient.signals  # of the evidence, in either case
            outcome = Outcome(REFUTED, evidence, signals=pair)
    if outcome.status is not PROVED and known.meant is not None:
        evidence = known.meant[0].shows(at_most, by)
        if evidence is not None:
            rounding = _note_on_rounding(known.meant[1], _as_they_stand(CONSTANT, network, outcome))
            outcome = Outcome(PROVED, evidence)
    return _judgement(name, True, outcome, "", rounding)


# -- depth -----------------------------------------------------------------------------------------
def _judge_boundedness(counts: bool, known: Known, contracts: Judgement) -> Judgement:
    network, quotient = known.network, known.quotient
    if network.graph.shape != network.graph.output_shape:
        return Judgement(BOUNDED, "forward", INAPPLICABLE, counts,
                         reason=why_not("range", network.graph, network.blocks))
    if contracts.status is PROVED:
        return replace(contracts, notion=BOUNDED, counts=counts)
    outcome = judge_depth(network.blocks)
    known.task.advance(BOUNDED)
    if outcome.status is UNDECIDED and quotient is not None and quotient.lower > 1:
        outcome = replace(outcome, reason=f"{outcome.reason}; a pair of inputs is driven apart "
                                          f"by the factor {float(quotient.lower):.3g}")
    return _judgement(BOUNDED, counts, outcome)


def _modes(counts: bool, blocks: list[Block], task: Task) -> list[Judgement]:
    """Of each reversible block alone: forward, and backward, which is the same."""
    coupled = [block for block in blocks if block.couplings]
    if not coupled:
        none = Judgement(MODES, "forward", INAPPLICABLE, counts,
                         reason="the network has no reversible block")
        return [none] if counts else []
    found: list[tuple[str, Outcome]] = []
    with time_limit(max(task.until, monotonic() + (LEAST if counts else 0.0))):
        for block in coupled:
            found += [(block.name, judge_modes(step, task.seed)) for step in block.couplings]
            task.advance(block.name)
    name, outcome = next((pair for status in (REFUTED, UNDECIDED) for pair in found
                          if pair[1].status is status), ("", None))
    if outcome is None:
        outcome = Outcome(PROVED, tuple(item for _, one in found for item in one.evidence))
    forward = replace(_judgement(MODES, counts, read_witness(outcome), name),
                      reason=outcome.reason or "of each block alone; nothing follows from it for "
                                               "the network")
    return [forward, replace(forward, direction="backward")]


def _culprit(name: str, network: Composition, task: Task) -> str:
    """The block that breaks a notion, or the one with the largest constant."""
    for block in network.blocks:
        if time_is_over() and not is_quick(network.graph):
            break
        if block.is_small and alone(name, block, task) is REFUTED:
            return block.name
    if name not in ("euclidean", "contraction"):
        return ""
    if all(bound is not None and bound <= 1 for bound in network.bounds):
        return ""
    return largest_block(network).name
