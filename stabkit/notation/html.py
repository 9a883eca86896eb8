"""Statements as HTML that needs no style: italics, sub- and superscripts."""

from __future__ import annotations

import html
import re

from stabkit.notation.tokens import (
    Token,
    formula,
    is_word,
    paragraphs,
    render,
    script,
    script_tokens,
)


def to_html(text: str) -> str:
    """A statement as HTML: formulas in ``<span class="math">``, paragraphs by ``<br>``."""
    return "<br>".join(render(part, words_html, _formula_html) for part in paragraphs(text))


def words_html(text: str) -> str:
    """Words between formulas, what stands between backquotes as code."""
    signs = text.replace("<=", "≤").replace(">=", "≥").replace("!=", "≠")
    return re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(signs, quote=False))


def _formula_html(run: list[Token]) -> str:
    inner = formula(run, _single_html, lambda inner: (
        f'<span class="root">√<span class="radicand">{inner}</span></span>'))
    # A short formula is not broken across lines.
    short = sum(len(value) for _, value in run) <= 24
    return f'<span class="math{" short" if short else ""}">{inner}</span>'


def _single_html(kind: str, value: str) -> str:
    if kind in ("up", "raised", "down", "lowered"):
        tag = "sup" if kind in ("up", "raised") else "sub"
        raised = script(kind, value)
        inner = raised if is_word(raised) else formula(
            script_tokens(raised), _single_html, lambda inner: f"√({inner})")
        return f"<{tag}>{inner}</{tag}>"
    if kind == "letter" and (value[0].islower() or value[0].isascii()):
        return f"<i>{value}</i>"
    # A bar belongs to what follows it: no line ends after it.
    signs = {"<=": "≤", ">=": "≥", "!=": "≠", "|": "|\u2060"}
    return html.escape(signs.get(value, value), quote=False)
