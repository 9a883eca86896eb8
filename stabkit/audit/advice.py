"""What to change: one sentence per fault, naming the layer and the number."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from stabkit.audit.bounds import product
from stabkit.audit.composition import Composition
from stabkit.audit.questions import BOUNDED
from stabkit.audit.result import BlockReport, Judgement
from stabkit.networks.blocks import (
    ACTIVATION,
    AFFINE,
    COUPLING,
    DIFFUSION,
    HAMILTONIAN,
    RESIDUAL,
    Block,
)
from stabkit.networks.step_sizes import certified_step, largest_modal_step, modal_step
from stabkit.stability.verdict import PROVED, REFUTED

_NEAR = 0.1  # relative distance up to which a second map is called nearly transposed


def note_on(block: Block) -> str:
    """What was recognised, in a few words."""
    found = block.transpose
    if block.form == HAMILTONIAN:
        return "Verlet steps: both second maps are transposes, with opposite signs"
    if block.form == COUPLING:
        return _coupling_note(block)
    if block.form == DIFFUSION:
        return "the second map is exactly -tau times the transpose of the first"
    if block.form != RESIDUAL or found is None:
        return ""
    if found.factor is not None:
        return "the second map is the transpose of the first with the sign of an anti-diffusion"
    if found.distance <= _NEAR and found.nearest < 0:
        return (f"nearly transposed: the second map is {found.distance:.2g} (relative) away from "
                f"{found.nearest:.6g} times the transpose of the first")
    return "the second map is not a multiple of the transpose of the first"


def advise(network: Composition, reports: Sequence[BlockReport], judgements: Sequence[Judgement],
           at_most: Fraction) -> tuple[str, ...]:
    """What to change so that the notions that count are kept."""
    blocks = network.blocks
    if all(item.status is PROVED for item in judgements if item.counts):
        return ()
    advice = [text for block, report in zip(blocks, reports, strict=True)
              if (text := _on_block(block, report))]
    scaling = scaling_of(network, at_most if not advice else max(at_most, Fraction(1)))
    if scaling is not None:
        advice.append(f"{scaling[0].name}: scale by {below(scaling[1])}")
    asked = [item for item in judgements if item.counts and item.status is REFUTED]
    if not advice and any(item.notion == BOUNDED and item.status is not PROVED
                          for item in judgements if item.counts):
        advice.append("a bound at any depth is known for contractions, and for equal linear "
                      "Verlet steps; if only this depth counts, ask for its constant (--at-most)")
    biased = [block for block in blocks if block.has_bias]
    if biased and any(item.notion == "euclidean" for item in asked):
        names = ", ".join(_biased(biased)[:3])
        advice.append(f"{names}: a bias moves the zero signal, so no norm bound holds for every "
                      "input; ask for contraction, or leave the bias out")
    return tuple(advice)


def scaling_of(network: Composition, at_most: Fraction = Fraction(1)
               ) -> tuple[Block, Fraction] | None:
    """The affine block to scale, and the factor, so that plain layers have a small constant.

    The other blocks count as contractions, which is what they are to be made.
    """
    plain = [(block, bound) for block, bound in zip(network.blocks, network.bounds, strict=True)
             if block.form in (AFFINE, ACTIVATION)]
    affine = [(bound, -number) for number, (block, bound) in enumerate(plain)
              if block.form == AFFINE and bound is not None]
    whole = network.upper if len(plain) == len(network.blocks) else product([b for _, b in plain])
    if not affine or whole is None or whole <= at_most:
        return None
    return plain[-max(affine)[1]][0], at_most / whole


def _biased(blocks: Sequence[Block]) -> list[str]:
    return [node.name for block in blocks for node in block.graph.nodes
            if node.layer.constant is not None and np.any(node.layer.constant)]


def _on_block(block: Block, report: BlockReport) -> str:
    if report.statuses and all(status is PROVED for status in report.statuses.values()):
        return ""
    if block.form == HAMILTONIAN:
        return _at_most(block.name, largest_modal_step(block), modal_step(block))
    if block.form == COUPLING:
        return f"{block.name}: {_coupling_advice(block)}"
    if block.form == DIFFUSION:
        return _at_most(block.name, report.safe or certified_step(block), block.tau)
    return _on_residual(block) if block.form == RESIDUAL else ""


def _at_most(name: str, safe: Fraction | None, step: Fraction | None) -> str:
    return "" if safe is None or step is None or step <= safe else \
        f"{name}: step at most {below(safe)}, it is {float(step):.6g}"


def _coupling_note(block: Block) -> str:
    which = _not_transposed(block)
    if not which:
        return "reversible; both second maps are transposes, but with the same sign"
    return f"reversible; the {which} update is not built with the transpose of its first map"


def _coupling_advice(block: Block) -> str:
    which = _not_transposed(block)
    if not which:
        return "reverse the sign of one of the two updates"
    return f"transpose the second map of the {which} update exactly"


def _not_transposed(block: Block) -> str:
    """The updates of the first step that is not Hamiltonian without the transposed structure."""
    step = next(step for step in block.couplings if not step.is_hamiltonian)
    return " and ".join(word for word, branch in (("first", step.first), ("second", step.second))
                        if branch.factor is None)


def _on_residual(block: Block) -> str:
    second = next((node for node in (block.after.nodes if block.after else ())
                   if node.layer.layout is not None), None)
    name = block.name if second is None else second.name
    kind = "map" if second is None else (
        "convolution" if "Conv" in type(second.layer).__name__ or
        "Conv" in second.kind else "matrix")
    found = block.transpose
    if found is not None and found.factor is not None:
        return f"{name}: reverse the sign of the second {kind}"
    if found is not None and found.distance <= _NEAR and found.nearest < 0:
        return (f"{name}: transpose the second {kind} exactly; it is {found.distance:.2g} "
                f"(relative) away from {found.nearest:.6g} times the first one's transpose")
    return (f"{name}: transpose the second {kind}, that is, take -tau times the transpose of the "
            "first")


def below(value: Fraction) -> str:
    """A positive number rounded down to three digits that is safe to follow."""
    text = f"{float(value):.3g}"
    if Fraction(text) > value:
        size = Fraction(10) ** (int(f"{float(value):.2e}".split("e")[1]) - 2)
        text = f"{float((value // size) * size):.3g}"
    return text
