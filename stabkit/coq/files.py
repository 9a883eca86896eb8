"""Files for Coq: a theorem each, and the library that they use."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from pathlib import Path

from stabkit.coq.addition import addition_script, indent_lines
from stabkit.coq.context import Data, context, with_what_occurs
from stabkit.coq.induction import Induction
from stabkit.coq.lines import rows
from stabkit.coq.names import KEYWORDS, with_names
from stabkit.coq.pieces import pieces
from stabkit.proof.text import relation

#: The library: vectors and the rules of proofs, lines, and rings.
LIBRARY = tuple(Path(__file__).with_name(name) for name in ("Stabkit.v", "Lines.v", "Rings.v"))
#: Facts about fluxes, which no theorem needs: they suppose them.
FLUXES = Path(__file__).with_name("Fluxes.v")
#: The first line of every file, by which it is known again.
MARK = "(* Written by stabkit export. *)"
#: Said of an identity that needs nothing that is supposed.
MULTIPLIED_OUT = ("Both sides as stabkit multiplied them out on symbols: Coq checks that they are "
                  "equal, not that they are those of the claim.")


def identifier(name: str) -> str:
    """A name for a theorem and its file, which neither Coq nor the library has for its own."""
    stem = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_")
    own = {*KEYWORDS, *(word for library in LIBRARY
                        for word in re.findall(r"\w+", library.read_text("utf-8")))}
    return stem if stem[:1].islower() and stem not in own else f"theorem_{stem}"


def theorem(name: str, statement: Data, proof: Data, says: str = "") -> str:
    """A theorem of the kernel's, as a file that Coq accepts."""
    return file(name, says, [(statement, proof)])


def file(name: str, says: str, proofs: Sequence[tuple[Data, Data]]) -> str:
    """A file of what a claim says of all members of its classes: its theorems, numbered if several.

    Parameters
    ----------
    name, says : str
        The claim and its statement in words.
    proofs : sequence of pairs of dict
        Statements with their proofs.

    Raises
    ------
    InvalidArgument
        For a rule that is not written for Coq.
    """
    stem, lines = identifier(name), []
    for number, (statement, proof) in enumerate(proofs, 1):
        made = stem if len(proofs) == 1 else f"{stem}_part_{number}"
        lines += ["", *with_names(KINDS[statement["kind"]](made, statement, proof))]
    return "\n".join(line for long in [
        MARK, *comment(f"{name}: {says}"), "", "Require Import Stabkit Lines Rings.", *lines, ""]
        for line in wrap(long))


def comment(text: str) -> list[str]:
    """A comment; what would end it, or open a string in it, is written another way."""
    for mark, other in (("(*", "( *"), ("*)", "* )"), ('"', "''")):
        text = text.replace(mark, other)
    return ["(* " + " ".join(text.split()) + " *)"]


def wrap(line: str) -> list[str]:
    """A line in pieces of less than 100 columns; Coq takes a new line for a space."""
    indent = line[:len(line) - len(line.lstrip())]
    return textwrap.wrap(line, 99, initial_indent="", subsequent_indent=indent + "  ",
                         break_long_words=False, break_on_hyphens=False) or [""]


def _algebra(name: str, statement: Data, proof: Data) -> list[str]:
    made = context(with_what_occurs(statement, proof))
    left, sign = relation(statement["goal"], (">=", "=="))
    goal = made.terms.read(left, made.names)
    note = comment(MULTIPLIED_OUT) if sign == "==" and not proof["steps"] else []
    return [*note, f"Theorem {name} :", *indent_lines([binder.write() for binder in made.binders]),
            f"  {made.proposition(goal, sign)}.", "Proof.",
            f"  intros {' '.join(binder.name for binder in made.binders)}.",
            *indent_lines(addition_script(made, goal, sign, proof)), "Qed."]


def _iteration(name: str, statement: Data, proof: Data) -> list[str]:
    return Induction(name, statement, proof).write()


KINDS = {"algebra": _algebra, "iteration": _iteration, "rows": rows, "pieces": pieces}
