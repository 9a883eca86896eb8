"""A statement cut into words and formulas, and a formula into its signs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator

SUPERSCRIPTS = str.maketrans(
    "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵀᴺᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ",
    "0123456789+−=()⊤Nabcdefghijklmnoprstuvwxyz")
SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ",
                           "0123456789+−=()aehijklmnoprstuvx")
_UP, _DOWN = ("".join(map(chr, table)) for table in (SUPERSCRIPTS, SUBSCRIPTS))

FUNCTIONS = {"arctan", "atan", "cos", "det", "diag", "dim", "exp", "id", "ker", "ln", "log", "max",
             "min", "rank", "sgn", "sin", "sup", "tan", "tanh", "tr", "vec"}
ACRONYMS = {"TV", "MG", "AI"}
COMBINING = {"\u0307": "dot", "\u0308": "ddot", "\u0302": "hat", "\u0303": "tilde", "\u0304": "bar"}
_ACCENTS = "".join(COMBINING)
_INDICES = frozenset("ijklmnpq")

_WORD = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f"

_TOKEN = re.compile(rf"""
    (?P<code>`[^`]+`|[A-Za-z]{{2,}}(?:_[A-Za-z]\w*)+|[a-z]{{2,}}\d{{4}})  # perona_malik, alt2021
  | (?P<word>\d-D\b|[{_WORD}][{_WORD}'’-]*[{_WORD}])
  | (?P<root>√)
  | (?P<up>[{_UP}]+) | (?P<down>[{_DOWN}]+)
  | (?P<raised>\^(?:\{{[^}}]*\}}|\([^()]*\)|[A-Za-z0-9*]))
  | (?P<lowered>_(?:\{{[^}}]*\}}|[a-z]+|[A-Z]|\d+))
  | (?P<letter>[A-Za-z\u0370-\u03ff∂𝒟ℝℤℕℂ][{_ACCENTS}]?)
  | (?P<number>\d+(?:\.\d+)?)
  | (?P<space>\s+)
  | (?P<sign><=|>=|!=|.)
""", re.VERBOSE)

Token = tuple[str, str]


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a text, each on one line."""
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", text.strip()) if part.strip()]


def render(text: str, words: Callable[[str], str], written: Callable[[list[Token]], str]) -> str:
    """A paragraph, its words and its formulas each rendered by a function of their own."""
    out = []
    for is_formula, run in segments(tokenise(text)):
        plain = "".join(value for _, value in run)
        out.append(written(run) if is_formula else words(plain))
    return "".join(out)


def tokenise(text: str) -> list[Token]:
    """Words, letters, numbers, scripts and signs, each with its kind."""
    spread = "".join(_decomposition(letter) for letter in text)
    found = [(match.lastgroup or "", match[0]) for match in _TOKEN.finditer(spread)]
    return [_classify(found, place) for place in range(len(found))]


def _decomposition(letter: str) -> str:
    parts = unicodedata.normalize("NFD", letter)
    return parts if len(parts) == 2 and parts[1] in _ACCENTS else letter


def _classify(tokens: list[Token], place: int) -> Token:
    """A letter or word as a part of a formula ("letter", "function") or as a word."""
    kind, value = tokens[place]
    if kind == "word":
        if value in ("min", "max") and place and tokens[place - 1] == ("letter", "λ"):
            return "lowered", f"_{value}"
        if value in FUNCTIONS:
            return "function", value
        product = len(value) == 2 and value[1].isupper() and value not in ACRONYMS
        return ("letter" if product else kind), value
    before = "".join(text for _, text in tokens[max(place - 2, 0):place]).strip()
    if kind == "letter" and (value == "a" or (value == "A" and before in ("", ".", ")."))):
        following = [entry for entry in tokens[place + 1:place + 3] if entry[0] != "space"]
        follows_word = bool(following) and (following[0][0] in ("word", "code") or (
            following[0][0] == "number" and tokens[place + 1][0] == "space"))
        return ("word", value) if follows_word else (kind, value)
    return kind, value


_INSIDE = {"letter", "function", "number", "up", "down", "raised", "lowered", "root"}


def segments(tokens: list[Token]) -> Iterator[tuple[bool, list[Token]]]:
    """Yield runs of tokens, each with whether it is a formula."""
    run: list[Token] = []
    words: list[Token] = []
    for token in [*tokens, ("word", "")]:
        if token[0] not in ("word", "code"):
            run.append(token)
            continue
        first, last = _formula_in(run)
        words += run[:first]
        if first < last:
            if words:
                yield False, words
            yield True, run[first:last]
            words = []
        words += [*run[last:], token]
        run = []
    if words:
        yield False, words


_BEFORE = frozenset("([‖|−∇Σ∫±{⟨⌈<>=·→") | {"<=", ">="}
_AFTER = frozenset(")]‖|′″}⟩∞=→½") | {"<=", ">="}


def _formula_in(run: list[Token]) -> tuple[int, int]:
    """Where the formula in a run without words begins and ends: brackets stay balanced."""
    inside = [place for place, (kind, _) in enumerate(run) if kind in _INSIDE]
    signs = {value for _, value in run}
    matrix = "[" in signs and "," not in signs
    if all(run[place][0] == "number" for place in inside) and not matrix:
        return 0, 0  # a number alone is read as text
    first, last = inside[0], inside[-1] + 1
    while first > 0 and run[first - 1][1] in _BEFORE:
        first -= 1
    while last < len(run):
        step = 2 if run[last][0] == "space" and last + 1 < len(run) else 1
        if run[last + step - 1][1] not in _AFTER:
            break
        last += step
    for brackets in ("()", "[]"):
        while run[first][1] == brackets[0] and not _is_closed(run[first:last], brackets):
            first += 1
        while run[last - 1][1] == brackets[1] and not _is_closed(
                run[first:last][::-1], brackets[::-1]):
            last -= 1
    return first, last


def _is_closed(run: list[Token], brackets: str) -> bool:
    """Whether the bracket with which a run begins is closed in it."""
    depth = 0
    for _, value in run:
        depth += (value == brackets[0]) - (value == brackets[1])
        if depth == 0:
            return True
    return False


def under_root(tokens: list[Token], place: int) -> int:
    """The end of what stands under the root sign at `place`: a bracket or one token."""
    place += 1
    if place < len(tokens) and tokens[place][1] == "(":
        depth = 0
        for end in range(place, len(tokens)):
            depth += (tokens[end][1] == "(") - (tokens[end][1] == ")")
            if depth == 0:
                return end + 1
    return min(place + 1, len(tokens))


def formula(tokens: list[Token], single: Callable[[str, str], str],
            root: Callable[[str], str]) -> str:
    """A formula sign by sign; what stands under a root is written first."""
    out, place = [], 0
    while place < len(tokens):
        kind, value = tokens[place]
        if kind == "root":
            end = under_root(tokens, place)
            inner = tokens[place + 1:end]
            if inner and inner[0][1] == "(" and inner[-1][1] == ")":
                inner = inner[1:-1]
            out.append(root(formula(inner, single, root)))
            place = end
            continue
        out.append(single(kind, value))
        place += 1
    return "".join(out)


def script(kind: str, value: str) -> str:
    """The text of a sub- or superscript."""
    if kind in ("raised", "lowered"):
        bare = value[1:]
        return bare[1:-1] if bare[0] in "{(" else bare
    return value.translate(SUPERSCRIPTS if kind == "up" else SUBSCRIPTS)


def is_word(small: str) -> bool:
    """Whether a script such as "max" is a word; "ij" is two indices."""
    return len(small) > 1 and small.isalpha() and small.isascii() and not set(small) <= _INDICES


def script_tokens(small: str) -> list[Token]:
    """What a script that is not a word is made of."""
    return [("letter", index) for index in small] if set(small) <= _INDICES else tokenise(small)
