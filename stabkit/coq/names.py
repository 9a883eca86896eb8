"""Names for Coq: a symbol's own where nothing else in its theorem is called so.

While a theorem is written a symbol stands between two marks that no other text has.  Once all of
it is there, each gets its own name, or that with further underscores, if it is a keyword or a word
of the text: of the library, of a tactic, or of another kind of symbol, such as a space.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

#: What Coq, and notations of its library, take for no name.
KEYWORDS = frozenset({
    "Axiom", "CoFixpoint", "Definition", "Fixpoint", "Hypothesis", "IF", "Parameter", "Prop",
    "SProp", "Set", "Theorem", "Type", "Variable", "as", "at", "by", "cofix", "else", "end",
    "exists", "exists2", "fix", "for", "forall", "fun", "if", "in", "let", "match", "mod",
    "return", "then", "using", "where", "with"})
_SYMBOL, _WORD = re.compile("‹([^›]*)›"), re.compile(r"[A-Za-z_][\w']*")


def symbol(name: str, suffix: str = "", kind: str = "") -> str:
    """A symbol of the kernel's, or what belongs to it; of two kinds it may be two symbols."""
    return f"‹{kind}:{name}:{suffix}›"


def space_symbol(name: str) -> str:
    """The dimension of a space, whose name may also be that of something else."""
    return symbol(name, kind="space")


def with_names(lines: Sequence[str]) -> list[str]:
    """The text with names in place of symbols, the same one in the same place everywhere."""
    text = "\n".join(lines)
    taken, chosen = {*KEYWORDS, *_WORD.findall(_SYMBOL.sub(" ", text))}, dict[str, str]()
    for found in dict.fromkeys(_SYMBOL.findall(text)):
        _, name, suffix = found.split(":")
        chosen[found] = _free(name + suffix, taken)
        taken.add(chosen[found])
    return _SYMBOL.sub(lambda mark: chosen[mark[1]], text).split("\n")


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name
