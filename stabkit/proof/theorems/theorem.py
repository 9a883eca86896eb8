"""What a theorem of the collection consists of."""

from __future__ import annotations

from dataclasses import dataclass

from stabkit.proof.aliases import Record


@dataclass(frozen=True)
class Theorem:
    """A statement with its proof.

    Attributes
    ----------
    name : str
    says : str
        The statement in words; it carries no weight.
    statement, proof : dict
        As :func:`stabkit.proof.check` reads them.
    """

    name: str
    says: str
    statement: Record
    proof: Record
