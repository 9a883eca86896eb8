"""What a notion asks of symbols, as the goal of a statement."""

from __future__ import annotations

from stabkit.proof.symbols import norm2
from stabkit.proof.text import text_of
from stabkit.proof.words import Expression
from stabkit.stability.notions import Notion


def goal_of(notion: Notion, pairs: list[tuple[Expression, Expression]]) -> str:
    """The margin of pairs of signals before and after, as it would be written by hand."""
    margin = notion.margin(*(x for pair in pairs for x in pair))
    before, after = pairs[0] if len(pairs) == 1 else (
        x - y for x, y in zip(*pairs, strict=True))
    norms = before.T @ before - after.T @ after if before.to == after.to else None
    if norms is not None and (norms - margin).is_zero():
        return f"{norm2(before)} - {norm2(after)}"
    content = min(abs(c) for c in margin.terms.values())
    whole = all((c / content).denominator == 1 for c in margin.terms.values())
    return text_of(margin / content if whole else margin)
