"""What a theorem of the collection consists of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


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
    statement: dict[str, Any]
    proof: dict[str, Any]
