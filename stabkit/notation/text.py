"""Statements as plain text."""

from stabkit.notation.tokens import paragraphs


def to_plain(text: str) -> str:
    """A statement as text, with real signs in place of ``<=`` and ``>=``."""
    return "\n\n".join(paragraphs(text)).replace("<=", "≤").replace(">=", "≥").replace("!=", "≠")
