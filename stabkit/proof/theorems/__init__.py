"""Theorems that are proved for all members of the classes that they name."""

from stabkit.proof.theorems import (
    cycles,
    energies,
    explicit,
    flows,
    found,
    grids,
    implicit,
    lines,
    multigrid,
    networks,
    operators,
    short_cycles,
)
from stabkit.proof.theorems.theorem import Theorem

THEOREMS: dict[str, Theorem] = {
    theorem.name: theorem
    for room in (explicit, implicit, found, networks, cycles, multigrid, lines, operators,
                 short_cycles, flows, grids, energies)
    for theorem in room.theorems()
}

__all__ = ["THEOREMS", "Theorem"]
