"""The audit of a network: how its time is shared, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import inf
from time import monotonic

from stabkit.arithmetic.one_thread import one_thread
from stabkit.audit.advice import advise
from stabkit.audit.advice_in_ball import advise_in_ball
from stabkit.audit.ascent import is_late
from stabkit.audit.ball import Ball, judge_ball
from stabkit.audit.block_report import Task, report_on
from stabkit.audit.composition import Composition, composition_of, widened_composition
from stabkit.audit.decision import TRIALS_PER_SECOND, Known, judgements_of
from stabkit.audit.questions import BOUNDED, NOTIONS, select_notions
from stabkit.audit.requirements import check
from stabkit.audit.result import Audit, BlockReport, Judgement, Local
from stabkit.audit.rounded_weights import before_rounding, unit_of
from stabkit.audit.witnesses import Quotient, is_quick, largest_quotient, seconds_to_enclose
from stabkit.networks.blocks import Block
from stabkit.networks.graph import Graph
from stabkit.networks.layers import Product
from stabkit.networks.segments import share_layers
from stabkit.stability.verdict import PROVED
from stabkit.time_limit import time_is_over, time_limit

ONE = Fraction(1)
_FOR_ALL_ELSE = 0.85
_LEAST = 0.3  # seconds that a part of an audit may take, whatever the budget


@dataclass(frozen=True)
class Request:
    """What is asked: notions, the constant in question, and how the numbers are taken."""

    notions: Sequence[str] | None
    at_most: Fraction | None
    rounding: str
    ball: Ball | None = None


@one_thread
def audit_graph(graph: Graph, request: Request, budget: float, seed: int,
                advance: Callable[[str], None] = lambda name: None) -> Audit:
    """Audit a network; see :func:`stabkit.audit`."""
    start, early = monotonic(), 0.2 if request.ball else 0.4
    check(graph)
    graph = share_layers(graph)
    unit = unit_of(graph) if request.rounding == "intervals" else Fraction(0)
    until = start + max(early * budget, _LEAST)
    with time_limit(inf if is_quick(graph) else until):
        network = widened_composition(graph, unit) if unit else composition_of(
            graph, advance, until)
    asked = _notions_to_judge(request, graph, network.blocks)
    trials = max(256, int(budget * TRIALS_PER_SECOND / (len(NOTIONS) + len(network.blocks))))
    task = Task(trials, seed, advance, start + _FOR_ALL_ELSE * budget)  # the rest is for advice
    first, local = _judge_in_ball(network, request, task)
    quotient = _quotient(network, task, budget, unit)
    advance("witness")
    meant = _network_before_rounding(network, task) if request.rounding == "snapped" else None
    known = Known(network, meant, quotient, task, request.rounding)
    judgements = first + judgements_of(known, asked, None if request.ball else request.at_most)
    with time_limit(max(task.until, monotonic() + _LEAST)):
        reports = tuple(report_on(block, bound, asked, task)
                        for block, bound in zip(network.blocks, network.bounds, strict=True))
    upper = network.upper
    if any(item.notion == "contraction" and item.status is PROVED and not item.rounding
           for item in judgements):
        upper = min(upper or ONE, ONE)
    with time_limit(max(start + budget, monotonic() + _LEAST)):
        unbounded = _first_unbounded_layer(graph) if upper is None else ""
    advice = _advice(network, reports, judgements, request, local,
                     replace(task, until=max(start + budget, monotonic() + _LEAST)))
    return Audit(graph.source, graph.shape, graph.output_shape, graph.weights, reports,
                 tuple(judgements), quotient.lower if quotient else None, upper, advice, seed,
                 budget, request.rounding, local, unbounded)


def _advice(network: Composition, reports: Sequence[BlockReport], judgements: Sequence[Judgement],
            request: Request, local: Local | None, task: Task) -> tuple[str, ...]:
    if request.ball is None:
        return advise(network, reports, judgements, request.at_most, task)
    asked = next(item for item in judgements if "local constant" in item.notion)
    with time_limit(task.until):
        here = advise_in_ball(network, request.ball, request.at_most or ONE, [asked], local,
                              task.until, task.seed)
    others = [item for item in judgements if item is not asked]
    return here + advise(network, reports, others, None, task)


def _first_unbounded_layer(graph: Graph) -> str:
    """In words, the first layer without a certified Lipschitz constant, if there is time to say."""
    for node in graph.nodes:
        if time_is_over():
            break
        product = isinstance(node.layer, Product)
        if product or (not node.layer.joins and node.layer.bound is None):
            why = "multiplies two signals, and that has no constant" if product else \
                "has no constant that is certified"
            return f"{node.name!r} ({node.kind}) {why} on the whole space"
    return ""


def _judge_in_ball(network: Composition, request: Request, task: Task
                   ) -> tuple[list[Judgement], Local | None]:
    if request.ball is None:
        return [], None
    now = monotonic()
    judged, local = judge_ball(network, request.ball, request.at_most or ONE,
                               now + max(0.6 * (task.until - now), 0.0), task.seed)
    task.advance("ball")
    return [judged], local


def _network_before_rounding(network: Composition, task: Task
                             ) -> tuple[Composition, tuple[str, ...]] | None:
    with time_limit(task.until):
        if is_late(network.graph):
            return None
    with time_limit(inf if is_quick(network.graph) else max(task.until, monotonic() + _LEAST)):
        return before_rounding(network)


def _quotient(network: Composition, task: Task, budget: float, unit: Fraction) -> Quotient | None:
    """A pair that is driven apart; little is looked for where a constant of 1 is certified."""
    graph, now = network.graph, monotonic()
    left = max(task.until - now, 0.2 * budget)
    # Where the shapes differ, most notions do not apply.
    share = 0.05 if network.upper is not None and network.upper <= 1 else \
        0.35 if graph.shape == graph.output_shape else 0.6
    whole = max(left * (share + 0.15), _LEAST)
    last = max(0.15 * left, min(2 * seconds_to_enclose(graph), 0.8 * whole))
    with time_limit(now + whole):
        return largest_quotient(graph, now + whole - last, task.seed, unit, network.upper)


def _notions_to_judge(request: Request, graph: Graph, blocks: Sequence[Block]) -> list[str]:
    if request.notions or request.at_most is not None or request.ball is not None:
        return select_notions(request.notions or (), tuple(NOTIONS))
    if any(block.couplings for block in blocks):
        return [BOUNDED]
    return ["contraction" if graph.has_bias else "euclidean"]
