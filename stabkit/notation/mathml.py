"""Statements with their formulas as MathML, which browsers draw themselves."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

from stabkit.notation.html import words_html
from stabkit.notation.tokens import COMBINING, Token, paragraphs, render
from stabkit.notation.tree import BINARY, RELATIONS, SEPARATORS, Node, parse

_SIGNS = {"<=": "≤", ">=": "≥", "!=": "≠", "Σ": "∑", "*": "∗"}
_FRACTIONS = {"½": ("1", "2"), "¼": ("1", "4")}
_ACCENTS = dict(zip(COMBINING, "˙¨^~¯", strict=True))
_LARGE = frozenset("∑∫")
_IDENTIFIERS = frozenset("∞∇…⊤")
_GAP = '<mspace width="0.22em"></mspace>'
_LONG = 12   # signs, from which on a line may end before + and −
_PUNCTUATION = frozenset(",;:.")
_TALL = ("fraction", "matrix")


def to_mathml(text: str) -> str:
    """A statement as HTML: formulas in ``<math>``, paragraphs by ``<br>``."""
    written = "<br>".join(render(part, words_html, _formula_mathml) for part in paragraphs(text))
    # A line must not end between a formula and its punctuation.
    return re.sub(r"((?:\()?)(<math>(?:(?!</?math>).)*</math>)([.,;:)]*)",
                  lambda found: found[2] if not found[1] + found[3] else
                  f'<span class="kept">{found[0]}</span>', written)


def _formula_mathml(run: list[Token]) -> str:
    """One or more ``<math>`` elements: browsers break no line inside one."""
    out: list[str] = []
    clause: list[Node] = []
    nodes = _flat(parse(run))
    for place, node in enumerate(nodes):
        if _ends_clause(nodes, place):
            out.append(_math(clause) + node.text)
            clause = []
        elif clause or node.kind != "space":
            clause.append(node)
        else:
            out.append(" ")
    return "".join([*out, _math(clause)])


def _ends_clause(nodes: Sequence[Node], place: int) -> bool:
    """Whether a comma or colon belongs to the sentence: outside of brackets, a space after it."""
    depth = sum((node.kind == "open") - (node.kind == "close") for node in nodes[:place])
    following = nodes[place + 1] if place + 1 < len(nodes) else None
    return nodes[place].kind == "sign" and nodes[place].text in _PUNCTUATION and depth == 0 and (
        following is None or following.kind == "space")


def _math(nodes: Sequence[Node]) -> str:
    if not nodes:
        return ""
    return "<wbr>".join(f"<math>{''.join(chunk)}</math>" for chunk in _chunks(nodes))


def _flat(nodes: Iterable[Node]) -> list[Node]:
    """Nodes with long brackets taken apart, so that a line may end inside them."""
    out = []
    for node in nodes:
        if node.kind == "group" and node.width > 3 * _LONG and not (node.up or node.down):
            out += [Node("open", node.text[0]), *_flat(node.parts), Node("close", node.text[1])]
        else:
            out.append(node)
    return out


def _chunks(nodes: Sequence[Node]) -> list[list[str]]:
    chunks: list[list[str]] = [[]]
    width = 0
    for place, node in enumerate(nodes):
        sign = node.text if node.kind == "sign" else ""
        before = _LONG / 3 if sign in RELATIONS else _LONG
        if sign and (sign in RELATIONS or sign in BINARY) and width > before and \
                not _prefix(nodes, place):
            chunks.append([])
            width = 0
        chunks[-1].append(_element(nodes, place))
        width += node.width
        if sign in SEPARATORS and place + 1 < len(nodes):
            chunks.append([])
            width = 0
    return chunks


def _element(nodes: Sequence[Node], place: int) -> str:
    node = nodes[place]
    if node.kind == "space":
        between = [other for other in (*nodes[place - 1:place], *nodes[place + 1:place + 2])
                   if other.kind != "space"]
        close = len(between) < 2 or any(other.kind in ("sign", "open", "close")
                                        and other.text not in "∞…()[]" for other in between)
        entry = len(between) == 2 and between[0].atomic and _prefix(nodes, place + 1)
        return "" if close and not entry else _GAP
    if node.kind == "sign" and node.text == "−" and _prefix(nodes, place):
        return '<mo form="prefix">−</mo>'
    written = _scripts(node)
    follows = nodes[place + 1] if place + 1 < len(nodes) else None
    if node.kind == "function" and follows and follows.kind in ("group", "open"):
        written += "<mo>\u2061</mo>"
    return written


def _prefix(nodes: Sequence[Node], place: int) -> bool:
    """Whether a minus belongs to what follows it: "[1 −2 1]", "x = −y", "(−a)"."""
    if nodes[place].kind != "sign" or nodes[place].text not in "−±":
        return False
    follows = nodes[place + 1] if place + 1 < len(nodes) else None
    if follows is None or follows.kind == "space":
        return False
    before = nodes[place - 1] if place else None
    return before is None or before.kind in ("sign", "open", "space")


def _row(nodes: Sequence[Node]) -> str:
    inner = [_element(nodes, place) for place in range(len(nodes))]
    elements = [element for element in inner if element]
    return inner[0] if len(elements) == 1 and len(inner) == 1 else \
        f"<mrow>{''.join(elements)}</mrow>"


def _scripts(node: Node) -> str:
    base = _single(node)
    if node.up and node.down:
        return f"<msubsup>{base}{_small(node.down)}{_small(node.up)}</msubsup>"
    if node.up:
        return f"<msup>{base}{_small(node.up)}</msup>"
    if node.down:
        return f"<msub>{base}{_small(node.down)}</msub>"
    return base


def _small(nodes: Sequence[Node]) -> str:
    """A script; a sign alone, as in u⁺, gets no room around it."""
    if len(nodes) == 1 and nodes[0].kind == "sign":
        return f'<mo lspace="0" rspace="0">{_SIGNS.get(nodes[0].text, nodes[0].text)}</mo>'
    return _row(nodes)


def _single(node: Node) -> str:
    """A node without its scripts."""
    if node.kind == "fraction":
        above, below = (_row(part.parts) for part in node.parts)
        return f"<mfrac>{above}{below}</mfrac>"
    if node.kind == "root":
        inner = node.parts[0]
        return f"<msqrt>{_row(inner.parts if inner.text == '()' else node.parts)}</msqrt>"
    if node.kind == "matrix":
        return _matrix(node)
    if node.kind == "group":
        return _group(node)
    if node.kind == "row":
        return _row(node.parts)
    return _leaf(node)


def _group(node: Node) -> str:
    tall = "true" if _is_tall(node.parts) else "false"
    opening, closing = (f'<mo form="{form}" stretchy="{tall}" fence="true" symmetric="true">'
                        f"{sign}</mo>" for form, sign in zip(("prefix", "postfix"), node.text,
                                                             strict=True))
    return f"<mrow>{opening}{_row(node.parts)}{closing}</mrow>"


def _is_tall(nodes: Iterable[Node]) -> bool:
    return any(node.kind in _TALL or _is_tall(node.parts) for node in nodes)


def _matrix(node: Node) -> str:
    rows = "".join("<mtr>" + "".join(f"<mtd>{_row(entry.parts)}</mtd>" for entry in row.parts)
                   + "</mtr>" for row in node.parts)
    return (f'<mrow><mo form="prefix" fence="true">[</mo><mtable>{rows}</mtable>'
            f'<mo form="postfix" fence="true">]</mo></mrow>')


def _leaf(node: Node) -> str:
    kind, text = node.kind, node.text
    if text in _FRACTIONS:
        return "<mfrac><mn>{}</mn><mn>{}</mn></mfrac>".format(*_FRACTIONS[text])
    if kind == "number":
        return f"<mn>{text}</mn>"
    if kind == "letter" and text != "Σ":
        return _letter(text)
    if kind == "function" or text in _IDENTIFIERS:
        normal = ' mathvariant="normal"' if len(text) == 1 else ""
        return f"<mi{normal}>{text}</mi>"
    sign = _SIGNS.get(text, text)
    if sign in _LARGE:
        return f'<mo movablelimits="false">{sign}</mo>'
    if kind in ("open", "close"):
        form = "prefix" if kind == "open" else "postfix"
        return f'<mo form="{form}" stretchy="false">{html.escape(sign)}</mo>'
    if text in RELATIONS or text in BINARY or text == ":":
        return f'<mo form="infix">{html.escape(sign, quote=False)}</mo>'
    fence = ' stretchy="false"' if sign in "()[]{}|‖⟨⟩⌊⌋⌈⌉" else ""
    return f"<mo{fence}>{html.escape(sign, quote=False)}</mo>"


def _letter(text: str) -> str:
    letter, accent = text[0], text[1:]
    italic = letter.islower() or letter.isascii() or letter == "∂"
    if len(text) > 1 and accent not in _ACCENTS:  # a product such as BC
        return f"<mrow>{''.join(f'<mi>{sign}</mi>' for sign in text)}</mrow>"
    written = f"<mi>{letter}</mi>" if italic else f'<mi mathvariant="normal">{letter}</mi>'
    return f'<mover accent="true">{written}<mo>{_ACCENTS[accent]}</mo></mover>' if accent else \
        written
