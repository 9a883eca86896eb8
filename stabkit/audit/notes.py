"""What was recognised in a block, in a few words."""

from __future__ import annotations

from stabkit.audit.changes import NEAR
from stabkit.networks.blocks import (
    COUPLING,
    DIFFUSION,
    HAMILTONIAN,
    LEAPFROG,
    PARABOLIC,
    RESIDUAL,
    Block,
)


def note_on(block: Block) -> str:
    """What was recognised, in a few words."""
    found = block.transpose
    if block.form == HAMILTONIAN:
        return "Verlet steps: both second maps are transposes, with opposite signs"
    if block.form == LEAPFROG:
        return "a leapfrog step: its second map is the transpose of the first"
    if block.form == COUPLING:
        return _coupling_note(block)
    if block.form == DIFFUSION:
        return "the second map is exactly -tau times the transpose of the first"
    if block.form == PARABOLIC:
        return ("a total variation normalisation inside; the second map is exactly -tau times the "
                "transpose of the first")
    if block.cycle is not None:
        return (f"a fast semi-iterative cycle of {block.cycle.length} steps, up to the rounding of "
                "its coefficients; its diffusivities change within it, so no certificate knows it")
    if block.form != RESIDUAL or found is None:
        return ""
    if found.factor is not None:
        return "the second map is the transpose of the first with the sign of an anti-diffusion"
    if found.distance <= NEAR and found.nearest < 0:
        return (f"nearly transposed: the second map is {found.distance:.2g} (relative) away from "
                f"{found.nearest:.6g} times the transpose of the first")
    return "the second map is not a multiple of the transpose of the first"


def _coupling_note(block: Block) -> str:
    step = next(step for step in block.couplings if not step.is_hamiltonian)
    which = " and ".join(word for word, branch in (("first", step.first), ("second", step.second))
                         if branch.factor is None)
    if not which:
        return "reversible; both second maps are transposes, but with the same sign"
    return f"reversible; the {which} update is not built with the transpose of its first map"
