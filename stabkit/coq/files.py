"""Files for Coq: a theorem each, and the library that they use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stabkit.coq.addition import added, indented
from stabkit.coq.context import context
from stabkit.coq.induction import Induction
from stabkit.coq.templates import pieces, rows
from stabkit.proof.text import relation

LIBRARY = Path(__file__).with_name("Stabkit.v")


def identifier(name: str) -> str:
    """A name for a theorem and its file."""
    return re.sub(r"\W+", "_", name).strip("_")


def theorem(name: str, statement: Mapping[str, Any], proof: Mapping[str, Any], says: str = "") -> str:
    """A theorem of the kernel's, as a file that Coq accepts."""
    body = KINDS[statement["kind"]](identifier(name), statement, proof)
    comment = f"(* {says} *)\n" if says else ""
    return "\n".join(["Require Import Stabkit.", "", comment + body[0], *body[1:],
                      f"Print Assumptions {identifier(name)}.", ""])


def _algebra(name: str, statement: Mapping[str, Any], proof: Mapping[str, Any]) -> list[str]:
    made = context(statement)
    left, sign = relation(statement["goal"], (">=", "=="))
    goal = made.terms.read(left, made.names)
    return [f"Theorem {name} :", *indented([binder.written() for binder in made.binders]),
            f"  {made.proposition(goal, sign)}.", "Proof.", f"  intros {' '.join(b.name for b in made.binders)}.",
            *indented(added(made, goal, sign, proof)), "Qed."]


def _iteration(name: str, statement: Mapping[str, Any], proof: Mapping[str, Any]) -> list[str]:
    return Induction(name, statement, proof).written()


KINDS = {"algebra": _algebra, "iteration": _iteration, "rows": rows, "pieces": pieces}
