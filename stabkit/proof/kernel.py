"""The entrance: statements and proofs of all kinds."""

from __future__ import annotations

from typing import Any

from stabkit.errors import InvalidEvidence
from stabkit.proof import algebra, iteration, pieces, rows
from stabkit.proof.aliases import Data
from stabkit.proof.words import limited_work

KINDS = {"algebra": algebra, "iteration": iteration, "rows": rows, "pieces": pieces}


def read(statement: Any) -> Any:
    """Read a statement strictly.

    Raises
    ------
    InvalidEvidence
        If it is not a statement.
    """
    return _kind(statement).read(statement)


def check(statement: Any, proof: Data) -> None:
    """Return if the proof shows the statement, else raise.

    Parameters
    ----------
    statement, proof : dict
        Of JSON's types; numbers are texts, so that none is rounded.  The statement must come from
        the claim and not from where the proof comes from: a proof shows a statement, never what
        somebody wants to read into it.

    Raises
    ------
    InvalidEvidence
        If something is not of the form, passes a limit of size, or is not shown; it says what.
    """
    try:
        with limited_work():
            _kind(statement).check(read(statement), proof)
    except RecursionError:
        raise InvalidEvidence("it is nested too deeply") from None


def _kind(statement: Any) -> Any:
    kind = statement.get("kind") if isinstance(statement, dict) else None
    if not isinstance(kind, str) or kind not in KINDS:
        raise InvalidEvidence(f"kind: must be one of {', '.join(KINDS)}")
    return KINDS[kind]
