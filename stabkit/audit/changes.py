"""The smallest change of a network by which a constant is certified: made, and judged again.

First what is nearly there is put right: the sign of a second map, a second map that is nearly the
transpose of the first, a step that is too large.  What is missing then is one number: that by which
a layer is scaled, or the steps of blocks; the one nearest to 1 is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from math import inf, sqrt
from time import monotonic

import numpy as np

from stabkit.audit.composition import Composition, composition_of, scale_block
from stabkit.errors import InvalidArgument, require_value
from stabkit.networks.blocks import AFFINE, DIFFUSION, RESIDUAL, Block, recognise
from stabkit.networks.branches import times, with_step_times
from stabkit.networks.graph import Graph, Node
from stabkit.networks.layers import Scaling
from stabkit.networks.segments import join_graphs
from stabkit.networks.step_sizes import certified_step
from stabkit.networks.transposed_block import diffusion_block
from stabkit.time_limit import time_is_over

NEAR = 0.1   # relative distance up to which a second map is called nearly transposed
_ROOM = (0.0, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2)  # relative: what the rounding of weights may take
_SMALLEST = 1 / 64  # of a step
_TRIALS = 14
_ENOUGH = 1e-4  # relative: a step that is nearer than this is the largest one
_ALL_BUT = 1e-3  # relative, above the constant: what steps alone may leave over
_NAMED = 6


@dataclass(frozen=True, eq=False)
class Change:
    """A network that is changed, with what is certified of it.

    Attributes
    ----------
    network : Composition
    said : tuple of str
        What was changed, one sentence per place.
    factor : Fraction
        By which something was scaled.
    """

    network: Composition
    said: tuple[str, ...]
    factor: Fraction = Fraction(1)


def least_change(network: Composition, at_most: Fraction, until: float) -> Change | None:
    """The smallest change after which `at_most` is certified, or None where none was found."""
    near = _restore(network, until)
    if _is_certified(near.network, at_most):
        return near
    found = [made for way in (_with_smaller_steps, _with_smaller_layer)
             if (made := way(near.network, at_most, until)) is not None]
    # The blocks stay of their kind, if they can.
    if not found:
        found = [made for way in (_with_smaller_steps_and_result, _with_smaller_result)
                 if (made := way(near.network, at_most, until)) is not None]
    best = max(found, key=lambda made: made.factor, default=None)
    return best and replace(best, said=(*near.said, *best.said))


def _is_certified(network: Composition, at_most: Fraction) -> bool:
    return network.upper is not None and network.upper <= at_most


def below(value: Fraction, digits: int = 6) -> str:
    """A positive number rounded down to some digits."""
    text = f"{float(value):.{digits}g}"
    if Fraction(text) > value:
        size = Fraction(10) ** (int(f"{float(value):.2e}".split("e")[1]) + 1 - digits)
        text = f"{float((value // size) * size):.{digits}g}"
    return text


# -- what is nearly there --------------------------------------------------------------------------
def _restore(network: Composition, until: float) -> Change:
    """The network whose blocks have the transposed structure and a safe step, where it is near."""
    graphs, said = [], []
    for block in network.blocks:
        made = None if time_is_over() else block.once("restored", partial(_restore_block, block))
        if made is None:
            graphs.append(block.graph)
            continue
        restored, tau = made
        graphs.append(restored)
        said.append(_restoration(block, tau))
    return Change(composition_of(replace(join_graphs(graphs), source=network.graph.source),
                                 until=until), tuple(said)) if said else Change(network, ())


def _restore_block(block: Block) -> tuple[Graph, Fraction] | None:
    if block.form not in (DIFFUSION, RESIDUAL) or (block.bound is not None and block.bound <= 1):
        return None
    tau = _safe_tau(block)
    if tau is None:
        return None
    try:
        return diffusion_block(block, float(tau)), tau
    except InvalidArgument:
        return None


def _safe_tau(block: Block) -> Fraction | None:
    """The step, in a few digits, that a block which is nearly a diffusion block may have."""
    safe, found = certified_step(block), block.transpose
    if safe is None or found is None:
        return None
    if found.factor is not None:
        return min(abs(found.factor), Fraction(below(safe)))
    if found.distance <= NEAR and found.nearest < 0:
        return min(Fraction(-found.nearest), Fraction(below(safe)))
    return None


def _restoration(block: Block, tau: Fraction) -> str:
    """What is to be changed in a block which is nearly a diffusion block, so that its step is tau.
    """
    found = require_value(block.transpose, "block: its second map is near no transpose")
    if block.form == DIFFUSION and block.tau is not None:
        return f"{block.name}: step at most {float(tau):.6g}, it is {float(block.tau):.6g}"
    second = next((node for node in (block.after.nodes if block.after else ())
                   if node.layer.layout is not None), None)
    name = block.name if second is None else second.name
    kind = "map" if second is None else (
        "convolution" if "Conv" in type(second.layer).__name__ or "Conv" in second.kind
        else "matrix")
    written = abs(found.factor) if found.factor is not None else Fraction(-found.nearest)
    smaller = "" if tau == written else \
        f", and take -{float(tau):.6g} times the transpose of the first"
    if found.factor is not None:
        return f"{name}: reverse the sign of the second {kind}{smaller}"
    return (f"{name}: transpose the second {kind} exactly; it is {found.distance:.2g} (relative) "
            f"away from {found.nearest:.6g} times the first one's transpose{smaller}")


# -- one number ------------------------------------------------------------------------------------
def _with_smaller_steps(network: Composition, at_most: Fraction, until: float) -> Change | None:
    """All blocks that are no contractions with their steps times one number.

    The largest that is certified: between one that is and one that is not, the next is where a
    straight line through their constants says, or in the middle.
    """
    places = [number for number, block in enumerate(network.blocks)
              if block.form != AFFINE and (block.bound is None or block.bound > 1)]
    if not places or at_most < 1:
        return None
    goal, best = float(at_most), _with_steps(network, places, _SMALLEST, until)
    if best is None or not _is_certified(best.network, at_most):
        return None
    low, high = (_SMALLEST, _upper(best.network)), (1.0, _upper(network))
    for number in range(_TRIALS):
        if monotonic() >= until or low[1] >= goal * (1 - _ENOUGH):
            break
        slope = (high[1] - low[1]) / (high[0] - low[0])
        straight = low[0] + (goal * (1 - _ENOUGH / 2) - low[1]) / slope if slope > 0 else inf
        # The constant may grow with a power of the step, of which a line knows nothing.
        far = straight - low[0] > (high[0] - low[0]) / 16 and straight < high[0]
        tried = straight if far and number % 3 < 2 else sqrt(low[0] * high[0])
        factor = float(below(Fraction(tried), 4))
        made = _with_steps(network, places, factor, until) if low[0] < factor < high[0] else None
        if made is None:
            break
        if _is_certified(made.network, at_most):
            low, best = (factor, _upper(made.network)), made
        else:
            high = factor, _upper(made.network)
    return best


def _with_smaller_steps_and_result(network: Composition, at_most: Fraction, until: float
                                   ) -> Change | None:
    """Steps that all but do, and the result of the network times a number that is all but 1.

    A block that keeps some differences as they are, as a Runge-Kutta step of a gradient flow does
    where the gradient is flat, is certified by floats only up to a little more than 1.
    """
    steps = _with_smaller_steps(network, at_most * (1 + Fraction(_ALL_BUT)), until)
    made = steps and _with_smaller_result(steps.network, at_most, until)
    return steps and made and replace(made, said=(*steps.said, *made.said),
                                      factor=steps.factor * made.factor)


def _upper(network: Composition) -> float:
    return inf if network.upper is None else float(network.upper)


def _with_steps(network: Composition, places: list[int], factor: float, until: float
                ) -> Change | None:
    graphs, names = [block.graph for block in network.blocks], []
    for number in places:
        made = with_step_times(graphs[number], factor)
        if made is None:
            return None
        graphs[number], own = made
        names += own
    names = list(dict.fromkeys(names))
    more = f" and {len(names) - _NAMED} more in the other blocks" if len(names) > _NAMED else ""
    said = f"{', '.join(names[:_NAMED])}{more}: scale by {factor:.4g}"
    graph = replace(join_graphs(graphs), source=network.graph.source)
    quick = until if len(network.blocks) == 1 else -inf
    return Change(composition_of(graph, until=quick), (said,), Fraction(factor))


def _with_smaller_layer(network: Composition, at_most: Fraction, until: float) -> Change | None:
    """The last layer that all signals pass times a number: those before it stay as they are."""
    found = next(_weights_last_first(network), None)
    if found is None:
        return None
    name = network.blocks[found[0]].graph.nodes[found[1]].name
    return _scale_one_block(network, at_most, until, found[0],
                            lambda factor: _with_layer_times(network, found,
                                                             factor), f"{name}: scale by")


def _with_layer_times(network: Composition, found: tuple[int, int], factor: float) -> Block:
    """The block of a layer, with that layer times a number."""
    graph, nodes = network.blocks[found[0]].graph, list(network.blocks[found[0]].graph.nodes)
    node = nodes[found[1]]
    nodes[found[1]] = replace(node, layer=times(node.layer, factor) or node.layer)
    return recognise(replace(graph, nodes=nodes))


def scale_last_layer(network: Composition, factor: Fraction, until: float) -> Change | None:
    """The last layer times a number a little below `factor`; nothing is certified of it."""
    found = next(_weights_last_first(network), None)
    if found is None:
        return None
    factor = Fraction(below(factor * (1 - Fraction(_ROOM[1]))))
    made = scale_block(network, found[0], _with_layer_times(network, found, float(factor)), factor,
                       until)
    name = network.blocks[found[0]].graph.nodes[found[1]].name
    return Change(made, (f"{name}: scale by {float(factor):.6g}",), factor)


def _with_smaller_result(network: Composition, at_most: Fraction, until: float) -> Change | None:
    """The result of the network times a number."""
    last, name = network.graph.output_shape, network.graph.nodes[-1].name

    def block_times(factor: float) -> Block:
        return recognise(Graph([Node(f"{name} times {factor:.6g}", "Mul", Scaling(
            np.array(factor)), (-1,), last)], last))

    return _scale_one_block(network, at_most, until, len(network.blocks), block_times,
                            f"{name}: multiply its result by")


def _scale_one_block(network: Composition, at_most: Fraction, until: float, number: int,
                     scaled: Callable[[float], Block], said: str) -> Change | None:
    """The largest factor of a block that does, as weights are rounded."""
    if network.upper is None:
        return None
    for room in _ROOM:
        factor = Fraction(below(at_most / network.upper * (1 - Fraction(room))))
        made = scale_block(network, number, scaled(float(factor)), factor, until)
        if _is_certified(made, at_most):
            return Change(made, (f"{said} {float(factor):.6g}",), factor)
        if monotonic() >= until:
            break
    return None


def _weights_last_first(network: Composition) -> Iterator[tuple[int, int]]:
    """The layers of affine blocks through which every signal passes, the last one first."""
    for number in reversed(range(len(network.blocks))):
        block = network.blocks[number]
        if block.form != AFFINE:
            continue
        place = len(block.graph.nodes) - 1
        while place >= 0 and len(block.graph.nodes[place].inputs) == 1:
            if times(block.graph.nodes[place].layer, 1.0) is not None:
                yield number, place
            place = block.graph.nodes[place].inputs[0]
