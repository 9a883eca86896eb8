"""Statements as LaTeX."""

from __future__ import annotations

import re
import unicodedata

from stabkit.notation.tokens import (
    COMBINING,
    Token,
    formula,
    is_word,
    paragraphs,
    render,
    script,
    script_tokens,
)

_LATEX = {
    "≤": r"\le ", "<=": r"\le ", "≥": r"\ge ", ">=": r"\ge ", "≠": r"\ne ", "!=": r"\ne ",
    "‖": r"\|", "−": "-", "·": r"\cdot ", "×": r"\times ", "±": r"\pm ", "→": r"\to ",
    "←": r"\gets ", "⇒": r"\Rightarrow ",
    "↦": r"\mapsto ", "∞": r"\infty ", "∈": r"\in ", "⊙": r"\odot ", "⊗": r"\otimes ",
    "∇": r"\nabla ", "∂": r"\partial ", "Σ": r"\sum ", "Π": r"\Pi ", "∫": r"\int ",
    "…": r"\dots ", "½": r"\tfrac12 ", "¼": r"\tfrac14 ", "′": "'", "″": "''", "‴": "'''",
    "⁗": "''''", "∘": r"\circ ", "≈": r"\approx ", "⊂": r"\subset ", "∪": r"\cup ",
    "𝒟": r"\mathcal{D}", "ℝ": r"\mathbb{R}", "ℤ": r"\mathbb{Z}", "ℕ": r"\mathbb{N}",
    "ℂ": r"\mathbb{C}", "{": r"\{", "}": r"\}", "%": r"\%", "&": r"\&", "#": r"\#", "_": r"\_",
    "*": "*", "⊤": r"\top ", "⟨": r"\langle ", "⟩": r"\rangle ", "⁻": "-",
    "⌊": r"\lfloor ", "⌋": r"\rfloor ", "⌈": r"\lceil ", "⌉": r"\rceil ",
}
_TEXT = {"\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "%": r"\%", "&": r"\&", "#": r"\#",
         "_": r"\_", "$": r"\$", "^": r"\^{}", "~": r"\~{}", "–": "--", "—": "---", "“": "``",
         "<": "$<$", ">": "$>$", "|": "$|$", "”": "''", "’": "'",
         "…": r"\dots{}", "°": r"$^\circ$", '"': "''", "`": "`"}


def to_latex(text: str) -> str:
    """A statement as LaTeX: formulas between dollars; needs amsmath and amssymb."""
    return r"\par ".join(render(part, _words_latex, _formula_latex) for part in paragraphs(text))


def _words_latex(text: str) -> str:
    opened = re.sub(r'(^|[\s(])"', r"\1“", text)
    for written, sign in (("<=", "≤"), (">=", "≥"), ("!=", "≠")):
        opened = opened.replace(written, sign)
    written = "".join(_TEXT.get(letter, letter if letter.isascii() or letter.isalpha() else
                                f"${_LATEX[letter].strip()}$" if letter in _LATEX else letter)
                      for letter in opened)
    return re.sub("`([^`]+)`", r"\\texttt{\1}", written)


def _formula_latex(run: list[Token]) -> str:
    inner = formula(run, _single_latex, lambda inner: rf"\sqrt{{{inner}}}")
    # Two scripts in a row are one script: x^{a}^{b} is no LaTeX.
    inner = re.sub(r"\^\{([^{}]*)\}\^\{", r"^{\1", inner)
    inner = re.sub(r"(\\[A-Za-z]+) (?![A-Za-z0-9\\])", r"\1", re.sub(" +", " ", inner)).strip()
    return "".join(f"${part}$" if number % 2 == 0 else part
                   for number, part in enumerate(_clauses(inner)))


def _clauses(text: str) -> list[str]:
    """A formula cut at the commas and colons outside of its brackets, where a line may break."""
    parts, depth = [""], 0
    for place, sign in enumerate(text):
        depth += (sign in "([{") - (sign in ")]}")
        ends = sign in ",:;." and depth == 0 and text[place + 1:place + 2] == " "
        if ends and parts[-1].strip():
            parts += [f"{sign} ", ""]
        elif parts[-1] or sign != " ":
            parts[-1] += sign
    return [part if number % 2 else part.strip() for number, part in enumerate(parts)]


def _single_latex(kind: str, value: str) -> str:
    if kind in ("up", "raised", "down", "lowered"):
        mark, small = ("^" if kind in ("up", "raised") else "_"), script(kind, value)
        if is_word(small):
            return rf"{mark}{{\mathrm{{{small}}}}}"
        inner = formula(script_tokens(small), _single_latex, lambda inner: rf"\sqrt{{{inner}}}")
        return f"{mark}{{{inner}}}"
    if kind == "function":
        known = {"sgn", "id", "diag", "rank", "atan", "tr", "vec"}
        return rf"\operatorname{{{value}}}" if value in known else rf"\{value} "
    if kind == "letter":
        return _letter_latex(value)
    return " " if kind == "space" else _LATEX.get(value, value)


def _letter_latex(value: str) -> str:
    letter, accent = (value[0], value[1:]) if value[1:] in COMBINING else (value, "")
    written = _LATEX.get(letter) or letter
    if len(letter) == 1 and not letter.isascii() and letter not in _LATEX:
        name = unicodedata.name(letter, "").split()
        if name[:1] == ["GREEK"]:
            written = "\\" + (name[3].lower() if name[1] == "SMALL" else name[3].capitalize())
            written = {"\\lamda": "\\lambda", "\\Lamda": "\\Lambda"}.get(written, written) + " "
    return rf"\{COMBINING[accent]}{{{written}}}" if accent else written
