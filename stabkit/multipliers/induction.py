"""Search a proof of any number of steps, with the goal itself as what each step keeps."""

from __future__ import annotations

from stabkit.aliases import Record
from stabkit.multipliers.search import search_sum
from stabkit.proof import iteration


def search_induction(statement: iteration.Statement, goal: str) -> tuple[dict | None, str]:
    """A proof by induction that the goal holds after every number of steps, or None and why.

    Parameters
    ----------
    statement : iteration.Statement
    goal : str
        As the statement writes it.
    """
    hollow: Record = {"steps": []}
    proof: Record = {"invariants": {"J": goal}, "base": {"J": hollow},
                             "step": {"J": hollow}, "end": hollow}
    parts = iteration.obligations(statement, proof)
    base, why = search_sum(parts[0][1])
    end, why_not = search_sum(parts[-1][1]) if base is not None else (None, "")
    if base is None or end is None:
        return None, why or why_not
    return {**proof, "base": {"J": base}, "step": {"J": end}, "end": end}, ""


