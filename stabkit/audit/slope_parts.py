"""Certified constants of parts of a network that are better than the product of their blocks'."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from time import monotonic

from stabkit.arithmetic.rational import fractions
from stabkit.arithmetic.transcript import Transcript
from stabkit.audit.bounds import product
from stabkit.networks.blocks import ACTIVATION, AFFINE, Block, usable
from stabkit.networks.layers import Activation, Product
from stabkit.networks.layers.activation import slope_evidence
from stabkit.networks.segments import join_graphs
from stabkit.networks.slope_bound import (
    SlopeBound,
    active_entries,
    may_have_slope_bound,
    rescale_bound,
    slope_bound,
)
from stabkit.networks.slope_form import MOST
from stabkit.replay.cells import inequality
from stabkit.stability.confirmation import confirm_evidence
from stabkit.stability.verdict import Evidence, calculation
from stabkit.time_limit import time_would_be_over

_SHOWN = 80  # entries of (x, v) up to which the matrix inequality is written down
_QUICK = 24  # up to which it is on any clock
_SECONDS = 6.0  # that the longest one takes, about

Bounds = Sequence[Fraction | None]


@dataclass(frozen=True, eq=False)
class Part:
    """Some blocks in a row with a constant of their own.

    Attributes
    ----------
    blocks : list of Block
    constant : Fraction or None
        That of the slopes, or else the product of those of the blocks.
    slopes : SlopeBound or None
    """

    blocks: list[Block]
    constant: Fraction | None
    slopes: SlopeBound | None = None


def parts_of(blocks: Sequence[Block], bounds: Bounds, until: float) -> list[Part]:
    """A network cut into parts, each as long as its multipliers can still be found."""
    runs = _runs(blocks)
    left = sum(map(_is_worth, runs))
    parts, start = [], 0
    for run in runs:
        own = product(bounds[start:start + len(run)])
        start += len(run)
        found = None
        if _is_worth(run) and (own is None or own > 1):
            now = monotonic()
            found = slope_bound(join_graphs([block.graph for block in run]), now + max(
                until - now, 0.0) / max(left, 1))
            left -= 1
        parts.append(_part(run, own, found))
    return parts


def _part(blocks: list[Block], own: Fraction | None, slopes: SlopeBound | None) -> Part:
    """The part with the constant of the slopes, where that is less and can be used."""
    if slopes is None or (own is not None and slopes.constant >= own) or \
            usable(slopes.constant) is None:
        return Part(blocks, own)
    return Part(blocks, slopes.constant, slopes)


def _is_worth(run: Sequence[Block]) -> bool:
    """Whether multipliers may know more of a run than the constants of its blocks."""
    return len(run) > 1 or (run[0].form not in (AFFINE, ACTIVATION)
                            and may_have_slope_bound(run[0].graph))


def scaled_parts(parts: Sequence[Part], number: int, block: Block, factor: Fraction, until: float
                 ) -> list[Part]:
    """The parts with a block in the place of the one that it is `factor` times, or at the end."""
    found, start = list(parts), 0
    for place, part in enumerate(parts):
        inside = number - start
        start += len(part.blocks)
        if not 0 <= inside < len(part.blocks):
            continue
        blocks = [*part.blocks[:inside], block, *part.blocks[inside + 1:]]
        own = product([one.bound for one in blocks])
        slopes = None if part.slopes is None else rescale_bound(
            part.slopes, join_graphs([one.graph for one in blocks]), join_graphs(
                [one.graph for one in blocks[:inside]]) if inside else None, float(factor), until)
        found[place] = _part(blocks, own, slopes)
        return found
    return [*found, Part([block], block.bound)] if found else []


def better_bounds(blocks: Sequence[Block], bounds: Bounds, until: float
                  ) -> list[Fraction | None]:
    """The constants of blocks, where they are more than one layer by multipliers of their own."""
    found = list(bounds)
    for number, (block, own) in enumerate(zip(blocks, bounds, strict=True)):
        if not _is_worth([block]) or (own is not None and own <= 1) or monotonic() >= until:
            continue
        slopes = block.once("slopes", partial(slope_bound, block.graph, until))
        if slopes is not None and (own is None or slopes.constant < own):
            found[number] = usable(slopes.constant)
    return found


def _runs(blocks: Sequence[Block]) -> list[list[Block]]:
    """Blocks in a row that are few enough activations together."""
    runs: list[list[Block]] = []
    active = 0
    for block in blocks:
        own = active_entries(block.graph)
        fits = block.form == AFFINE or may_have_slope_bound(block.graph)
        if runs and fits and active + own <= MOST:
            runs[-1].append(block)
            active += own
        else:
            runs.append([block])
            active = own if fits else MOST + 1
    return runs


# -- evidence --------------------------------------------------------------------------------------
def slope_calculation(bound: SlopeBound, at_most: Fraction, by: str) -> tuple[Evidence, ...]:
    """That a constant holds: the matrix inequality, if it is small; else that it was certified."""
    size = bound.form.size
    written = size <= _QUICK or (size <= _SHOWN and not time_would_be_over(
        _SECONDS * (size / _SHOWN) ** 3))
    shown = confirm_evidence(slope_inequality(bound, at_most, by)) if written else None
    if shown is not None:
        return (shown,)
    log = Transcript()
    name = log.give("L", bound.constant).text
    return (calculation("certificate", log, [f"{name} <= {at_most}"], (
        f"{name} is a Lipschitz constant that multipliers for the slopes of {len(bound.weights)} "
        "activations certify: a matrix inequality that stabkit has checked with every rounding "
        f"error counted, taken as given here; {by}")),)


def slope_inequality(bound: SlopeBound, at_most: Fraction, by: str) -> Evidence:
    """The matrix inequality, written down."""
    form, log = bound.form, Transcript()
    log.give("C", fractions(form.output.matrix))
    log.give("square", Fraction(bound.square))
    log.give("L", bound.constant)
    let, shows = inequality(form.inputs, bool(len(form.low)))
    shows.append(f"L <= {at_most}")
    if not len(form.low):
        return calculation("certificate", log, shows, (
            "the network is linear for these inputs, y = C x for their differences; C is taken as "
            f"given, up to rounding errors that stabkit has counted; {by}"))
    log.give("G", fractions(form.input_rows))
    for name, values in (("t", bound.weights), ("a", form.low), ("b", form.high)):
        log.give(name, fractions(values))
    log.let += let
    return calculation("certificate", log, shows, (
        "w = (x, v) is the difference of two inputs and of all activations, x = J w, v = E w, "
        "z = G w what the activations see, y = C w that of the outputs (where inputs outnumber "
        "what sees them, x is what is left of them by a map of norm at most 1); v_j = s_j z_j with "
        "slopes s_j in [a_j, b_j], so (v - a z)'t(v - b z) <= 0, and M >= 0 proves |y| <= L |x|; "
        f"G and C are taken as given, up to rounding errors that stabkit has counted; {by}"))


def evidence_of_parts(parts: Sequence[Part], at_most: Fraction, by: str) -> tuple[Evidence, ...]:
    """That the constants of parts in a row multiply to `at_most` at most."""
    blocks = [block for part in parts for block in part.blocks]
    if any(isinstance(node.layer, Product) for block in blocks for node in block.graph.nodes):
        by = ("the factors of products lie between bounds that stabkit has computed with every "
              f"rounding error counted, and that are taken as given here; {by}")
    if len(parts) == 1 and parts[0].slopes is not None:
        return (*slope_certificates(blocks), *slope_calculation(parts[0].slopes, at_most, by))
    made: list[Evidence] = list(slope_certificates(blocks))
    log = Transcript()
    factors = [log.give("L", part.constant).text for part in parts]
    for part in parts:
        if part.slopes is not None and part.constant is not None:
            made += slope_calculation(part.slopes, part.constant, "of a part of the network")
    return (*made, calculation("certificate", log, [f"{' * '.join(factors)} <= {at_most}"], (
        "the Lipschitz constants of parts in a row multiply; those that no other piece of evidence "
        "shows are bounds that stabkit has computed with every rounding error counted, and are "
        f"taken as given here; {by}")))


def slope_certificates(blocks: Sequence[Block]) -> list[Evidence]:
    """The certificates of the slopes of all activations, each once."""
    found: list[Evidence] = []
    for block in blocks:
        for node in block.graph.nodes:
            if isinstance(node.layer, Activation):
                evidence = slope_evidence(node.layer.flux)
                if evidence is not None and evidence not in found:
                    found.append(evidence)
    return found
