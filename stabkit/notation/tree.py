"""A formula as a tree: brackets, scripts, roots, fractions and matrices.

Only what the signs say is read: a/b is a fraction whose parts are what touches the slash (in a
fraction, another slash stays one), ‖ opens and closes in turn, and rows in square brackets that
are parted by semicolons are a matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from stabkit.notation.tokens import Token, is_word, script, script_tokens

BRACKETS = {"(": ")", "[": "]", "{": "}", "⟨": "⟩", "⌊": "⌋", "⌈": "⌉"}
BARS = "‖|"
PRIMES = {"′": "′", "″": "″", "‴": "‴", "⁗": "⁗"}
RELATIONS = frozenset("=<>≤≥≠≈→←⇒↦∈⊂") | {"<=", ">=", "!=", ":="}
BINARY = frozenset("+−±·×⊙⊗∘∪*")
SEPARATORS = frozenset(",;")


@dataclass(frozen=True)
class Node:
    """A part of a formula.

    Attributes
    ----------
    kind : str
        "letter", "function", "number", "sign", "space", "group" (with brackets), "row" (without),
        "root", "fraction" or "matrix".
    text : str
        The letter, number or sign; of a group its opening and closing bracket.
    parts : tuple of Node
        What is inside; numerator and denominator; the rows of a matrix.
    up, down : tuple of Node
        Its super- and subscript.
    """

    kind: str
    text: str = ""
    parts: tuple[Node, ...] = ()
    up: tuple[Node, ...] = field(default=(), kw_only=True)
    down: tuple[Node, ...] = field(default=(), kw_only=True)

    @property
    def atomic(self) -> bool:
        """Whether it can be a factor."""
        return self.kind not in ("sign", "space")

    @property
    def width(self) -> int:
        """Roughly how many signs wide it is."""
        inner = [part.width for part in self.parts]
        inside = max(inner, default=0) if self.kind in ("fraction", "matrix") else sum(inner)
        scripts = sum(part.width for part in (*self.up, *self.down))
        return (0 if self.kind in ("row", "fraction") else len(self.text)) + inside + scripts


def parse(tokens: list[Token]) -> list[Node]:
    """Return a formula's parts, in order."""
    return _with_fractions(_until("", tokens, 0)[0])


def _until(closing: str, tokens: list[Token], place: int) -> tuple[list[Node], int]:
    """The nodes up to a closing bracket (past it), or to the end."""
    nodes: list[Node] = []
    while place < len(tokens):
        kind, value = tokens[place]
        if closing and value == closing and (closing not in BARS or _ends(nodes)):
            return nodes, place + 1
        if kind == "root":
            inner, place = _one(tokens, place + 1)
            nodes.append(Node("root", "√", (inner,)))
        elif kind in ("up", "raised", "down", "lowered") or value in PRIMES or \
                _is_adjoint(nodes, tokens, place):
            _attach(nodes, kind, value)
            place += 1
        else:
            node, place = _one(tokens, place)
            nodes.append(node)
    return nodes, place


def _is_adjoint(nodes: list[Node], tokens: list[Token], place: int) -> bool:
    """Whether a star belongs to what it follows, as in "E* E"; in "s * y" it stands between."""
    following = tokens[place + 1][0] if place + 1 < len(tokens) else "space"
    return tokens[place][1] == "*" and bool(nodes) and nodes[-1].atomic and following == "space"


def _one(tokens: list[Token], place: int) -> tuple[Node, int]:
    """The node that begins at a place, without its scripts."""
    if place >= len(tokens):
        return Node("row"), place
    kind, value = tokens[place]
    closing = value if value in BARS else BRACKETS.get(value)
    if closing is not None:
        inside, end = _until(closing, tokens, place + 1)
        if end <= len(tokens) and tokens[end - 1][1] == closing and end - 1 > place:
            return _brackets(value + closing, inside), end
    if value == ":" and place + 1 < len(tokens) and tokens[place + 1][1] == "=":
        return Node("sign", ":="), place + 2
    known = kind if kind in ("letter", "function", "number", "space") else "sign"
    return Node(known, value), place + 1


def _ends(nodes: list[Node]) -> bool:
    """Whether a bar after these nodes closes: there is something, and it wants nothing more."""
    last = next((node for node in reversed(nodes) if node.kind != "space"), None)
    return last is not None and (last.atomic or last.text in "∞·*…")


def _attach(nodes: list[Node], kind: str, value: str) -> None:
    base = nodes.pop() if nodes and nodes[-1].kind != "space" else Node("row")
    if value in PRIMES or value == "*":
        nodes.append(replace(base, up=(*base.up, Node("sign", value))))
        return
    raised = script(kind, value)
    parts = (Node("function", raised),) if is_word(raised) else \
        tuple(_until("", script_tokens(raised), 0)[0])
    if kind in ("up", "raised"):
        nodes.append(replace(base, up=(*base.up, *parts)))
    else:
        nodes.append(replace(base, down=(*base.down, *parts)))


def _brackets(brackets: str, inside: list[Node]) -> Node:
    rows = _rows(inside) if brackets == "[]" else None
    if rows is not None:
        return Node("matrix", brackets, rows)
    return Node("group", brackets, tuple(inside))


def _rows(inside: list[Node]) -> tuple[Node, ...] | None:
    """The rows of a matrix, each a row of entries; None if the brackets hold something else."""
    nested = [node for node in inside if node.kind in ("group", "matrix")
              and node.text == "[]"]
    others = [node for node in inside if node not in nested and node.kind != "space"
              and node.text != ","]
    if len(nested) > 1 and not others:
        return tuple(row for node in nested for row in _nested_rows(node))
    rows = _split(inside, ";")
    split = [entries for row in rows if (entries := _entries(row)) is not None]
    if len(split) < len(rows) or (len(rows) == 1 and len(split[0]) == 1):
        return None
    return tuple(Node("row", parts=tuple(entries)) for entries in split)


def _nested_rows(node: Node) -> tuple[Node, ...]:
    if node.kind == "matrix":
        return node.parts
    entries = [Node("row", parts=tuple(part)) for part in _split(list(node.parts), ",")]
    return (Node("row", parts=tuple(entries)),)


def _split(nodes: list[Node], sign: str) -> list[list[Node]]:
    parts: list[list[Node]] = [[]]
    for node in nodes:
        if node.kind == "sign" and node.text == sign:
            parts.append([])
        else:
            parts[-1].append(node)
    return parts


def _entries(row: list[Node]) -> list[Node] | None:
    """The entries of a matrix row that stand with spaces between them, or None."""
    if any(node.kind == "sign" and node.text in ",…=<>" for node in row):
        return None
    entries: list[list[Node]] = [[]]
    for node in row:
        if node.kind == "space":
            entries.append([])
        else:
            entries[-1].append(node)
    entries = [entry for entry in entries if entry]
    if not entries or any(not any(node.atomic for node in entry) for entry in entries):
        return None  # a lone sign: the spaces belong to a sum
    return [Node("row", parts=tuple(entry)) for entry in entries]


def _with_fractions(nodes: Sequence[Node]) -> list[Node]:
    """Put what touches a slash on both sides into a fraction."""
    out: list[Node] = []
    place = 0
    while place < len(nodes):
        node = nodes[place]
        slash = node.kind == "sign" and node.text == "/"
        end = _end_of_product(nodes, place + 1)
        above: list[Node] = []
        while slash and end > place + 1 and out and out[-1].atomic:
            above.insert(0, out.pop())
        if not above or any(_is_list(part) for part in above):
            inside = tuple(_with_fractions(node.parts)) if node.kind in ("group", "root", "row") \
                else node.parts
            out += [*above, replace(node, parts=inside)]
            place += 1
            continue
        out.append(Node("fraction", "/", (_bare(above), _bare(nodes[place + 1:end]))))
        place = end
    return [_without_needless_brackets(out, place) for place in range(len(out))]


def _is_list(node: Node) -> bool:
    """Whether a node has entries, so that a slash behind it is not the bar of a fraction."""
    return node.kind == "matrix" or (node.kind == "group" and any(
        part.text == "," for part in node.parts))


def _end_of_product(nodes: Sequence[Node], place: int) -> int:
    while place < len(nodes) and nodes[place].atomic:
        place += 1
    return place


def _without_needless_brackets(nodes: Sequence[Node], place: int) -> Node:
    """A bracket around a fraction and nothing else, unless it is the argument of a function."""
    node = nodes[place]
    argument = place > 0 and nodes[place - 1].kind in ("letter", "function")
    plain = node.kind == "group" and node.text == "()" and not (node.up or node.down)
    if plain and not argument and [part.kind for part in node.parts] == ["fraction"]:
        return node.parts[0]
    return node


def _bare(nodes: Sequence[Node]) -> Node:
    """A row without the brackets around all of it."""
    if len(nodes) == 1 and nodes[0].kind == "group" and nodes[0].text in ("()", "[]") and not (
            nodes[0].up or nodes[0].down):
        return Node("row", parts=nodes[0].parts)
    return Node("row", parts=tuple(nodes))
