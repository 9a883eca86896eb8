"""Mathematics in plain Unicode, as statements are written, turned into HTML and LaTeX.

A statement such as ``0 < τ <= h²/(2 g_max)`` is cut into words and formulas; what stands in a
formula keeps its place (₊ ² ᵀ become real sub- and superscripts, √(…) a root), letters become
italic.  No formula is interpreted: the reader sees what the author of the statement wrote.
"""

from __future__ import annotations

import html
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
             "min", "rank", "sgn", "sin", "sup", "tan", "tanh", "tr"}
ACRONYMS = {"TV", "MG", "AI"}
COMBINING = {"\u0307": "dot", "\u0302": "hat", "\u0303": "tilde", "\u0304": "bar"}
_ACCENTS = "".join(COMBINING)

_WORD = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f"

_TOKEN = re.compile(rf"""
    (?P<code>`[^`]+`|[A-Za-z]{{2,}}(?:_[A-Za-z]\w*)+|[a-z]{{2,}}\d{{4}})  # perona_malik, alt2021
  | (?P<word>[{_WORD}][{_WORD}'’-]*[{_WORD}])
  | (?P<root>√)
  | (?P<up>[{_UP}]+) | (?P<down>[{_DOWN}]+)
  | (?P<raised>\^(?:\{{[^}}]*\}}|\([^()]*\)|[A-Za-z0-9*]))
  | (?P<lowered>_(?:\{{[^}}]*\}}|[A-Za-z0-9]+))
  | (?P<letter>[A-Za-z\u0370-\u03ff∂𝒟ℝℤℕℂ][{_ACCENTS}]?)
  | (?P<number>\d+(?:\.\d+)?)
  | (?P<space>\s+)
  | (?P<sign><=|>=|!=|.)
""", re.VERBOSE)

_LATEX = {
    "≤": r"\le ", "<=": r"\le ", "≥": r"\ge ", ">=": r"\ge ", "≠": r"\ne ", "!=": r"\ne ",
    "‖": r"\|", "−": "-", "·": r"\cdot ", "×": r"\times ", "±": r"\pm ", "→": r"\to ",
    "←": r"\gets ", "⇒": r"\Rightarrow ",
    "↦": r"\mapsto ", "∞": r"\infty ", "∈": r"\in ", "⊙": r"\odot ", "⊗": r"\otimes ",
    "∇": r"\nabla ", "∂": r"\partial ", "Σ": r"\sum ", "Π": r"\prod ", "∫": r"\int ",
    "…": r"\dots ", "½": r"\tfrac12 ", "¼": r"\tfrac14 ", "′": "'", "″": "''", "‴": "'''",
    "⁗": "''''", "∘": r"\circ ", "≈": r"\approx ", "⊂": r"\subset ", "∪": r"\cup ",
    "𝒟": r"\mathcal{D}", "ℝ": r"\mathbb{R}", "ℤ": r"\mathbb{Z}", "ℕ": r"\mathbb{N}",
    "ℂ": r"\mathbb{C}", "{": r"\{", "}": r"\}", "%": r"\%", "&": r"\&", "#": r"\#", "_": r"\_",
    "*": "*", "⊤": r"\top ", "⟨": r"\langle ", "⟩": r"\rangle ", "⁻": "-",
    "⌊": r"\lfloor ", "⌋": r"\rfloor ",
}
_TEXT = {"\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "%": r"\%", "&": r"\&", "#": r"\#",
         "_": r"\_", "$": r"\$", "^": r"\^{}", "~": r"\~{}", "–": "--", "—": "---", "“": "``",
         "”": "''", "’": "'", "…": r"\dots{}", "°": r"$^\circ$", '"': "''", "`": "`"}

Token = tuple[str, str]


def to_html(text: str) -> str:
    """A statement as HTML: formulas in ``<span class="math">``, paragraphs by ``<br>``."""
    return "<br>".join(_joined(part, _words_html, _formula_html) for part in _paragraphs(text))


def to_latex(text: str) -> str:
    """A statement as LaTeX: formulas between dollars; needs amsmath and amssymb."""
    return r"\par ".join(_joined(part, _words_latex, _formula_latex) for part in _paragraphs(text))


def to_plain(text: str) -> str:
    """A statement as text, with real signs in place of ``<=`` and ``>=``."""
    return "\n\n".join(_paragraphs(text)).replace("<=", "≤").replace(">=", "≥").replace("!=", "≠")


def _paragraphs(text: str) -> list[str]:
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", text.strip()) if part.strip()]


def _joined(text: str, words: Callable[[str], str], formula: Callable[[list[Token]], str]) -> str:
    out = []
    for is_formula, tokens in _segments(_tokens(text)):
        plain = "".join(value for _, value in tokens)
        out.append(formula(tokens) if is_formula else words(plain))
    return "".join(out)


def _tokens(text: str) -> list[Token]:
    spread = "".join(_decomposed(letter) for letter in text)
    found = [(match.lastgroup, match[0]) for match in _TOKEN.finditer(spread)]
    return [_as_meant(found, place) for place in range(len(found))]


def _decomposed(letter: str) -> str:
    parts = unicodedata.normalize("NFD", letter)
    return parts if len(parts) == 2 and parts[1] in _ACCENTS else letter


def _as_meant(tokens: list[Token], place: int) -> Token:
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


def _segments(tokens: list[Token]) -> Iterator[tuple[bool, list[Token]]]:
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


_BEFORE = frozenset("([‖|−∇Σ∫±{⟨<>=·→") | {"<=", ">="}
_AFTER = frozenset(")]‖|′″}⟩∞=→½") | {"<=", ">="}


def _formula_in(run: list[Token]) -> tuple[int, int]:
    """Where the formula in a run without words begins and ends: brackets stay balanced."""
    inside = [place for place, (kind, _) in enumerate(run) if kind in _INSIDE]
    if all(run[place][0] == "number" for place in inside):
        return 0, 0  # a number alone is read as text
    first, last = inside[0], inside[-1] + 1
    while first > 0 and run[first - 1][1] in _BEFORE:
        first -= 1
    while last < len(run):
        step = 2 if run[last][0] == "space" and last + 1 < len(run) else 1
        if run[last + step - 1][1] not in _AFTER:
            break
        last += step
    for opening, closing in ("()", "[]"):
        while _surplus(run[first:last], opening, closing) > 0 and run[first][1] == opening:
            first += 1
        while _surplus(run[first:last], opening, closing) < 0 and run[last - 1][1] == closing:
            last -= 1
    return first, last


def _surplus(run: list[Token], opening: str, closing: str) -> int:
    return sum((value == opening) - (value == closing) for _, value in run)


def _under_root(tokens: list[Token], place: int) -> int:
    """The end of what stands under the root sign at `place`: a bracket or one token."""
    place += 1
    if place < len(tokens) and tokens[place][1] == "(":
        depth = 0
        for end in range(place, len(tokens)):
            depth += (tokens[end][1] == "(") - (tokens[end][1] == ")")
            if depth == 0:
                return end + 1
    return min(place + 1, len(tokens))


def _formula(tokens: list[Token], single: Callable[[str, str], str],
             root: Callable[[str], str]) -> str:
    out, place = [], 0
    while place < len(tokens):
        kind, value = tokens[place]
        if kind == "root":
            end = _under_root(tokens, place)
            inner = tokens[place + 1:end]
            if inner and inner[0][1] == "(" and inner[-1][1] == ")":
                inner = inner[1:-1]
            out.append(root(_formula(inner, single, root)))
            place = end
            continue
        out.append(single(kind, value))
        place += 1
    return "".join(out)


def _script(kind: str, value: str) -> str:
    """The text of a sub- or superscript."""
    if kind in ("raised", "lowered"):
        bare = value[1:]
        return bare[1:-1] if bare[0] in "{(" else bare
    return value.translate(SUPERSCRIPTS if kind == "up" else SUBSCRIPTS)


# -- HTML ------------------------------------------------------------------------------------------
def _words_html(text: str) -> str:
    return re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))


def _formula_html(tokens: list[Token]) -> str:
    inner = _formula(tokens, _single_html, lambda inner: (
        f'<span class="root">√<span class="radicand">{inner}</span></span>'))
    # A short formula is not broken across lines.
    short = sum(len(value) for _, value in tokens) <= 24
    return f'<span class="math{" short" if short else ""}">{inner}</span>'


def _single_html(kind: str, value: str) -> str:
    if kind in ("up", "raised", "down", "lowered"):
        tag = "sup" if kind in ("up", "raised") else "sub"
        script = _script(kind, value)
        inner = script if len(script) > 1 and script.isalpha() else _formula(
            _tokens(script), _single_html, lambda inner: f"√({inner})")
        return f"<{tag}>{inner}</{tag}>"
    if kind == "letter" and (value[0].islower() or value[0].isascii()):
        return f"<i>{value}</i>"
    # A bar belongs to what follows it: no line ends after it.
    signs = {"<=": "≤", ">=": "≥", "!=": "≠", "|": "|\u2060"}
    return html.escape(signs.get(value, value), quote=False)


# -- LaTeX -----------------------------------------------------------------------------------------
def _words_latex(text: str) -> str:
    opened = re.sub(r'(^|[\s(])"', r"\1“", text)
    written = "".join(_TEXT.get(letter, letter if letter.isascii() or letter.isalpha() else
                                f"${_LATEX[letter].strip()}$" if letter in _LATEX else letter)
                      for letter in opened)
    return re.sub("`([^`]+)`", r"\\texttt{\1}", written)


def _formula_latex(tokens: list[Token]) -> str:
    inner = _formula(tokens, _single_latex, lambda inner: rf"\sqrt{{{inner}}}")
    # Two scripts in a row are one script: x^{a}^{b} is no LaTeX.
    inner = re.sub(r"\^\{([^{}]*)\}\^\{", r"^{\1", inner)
    inner = re.sub(r"(\\[A-Za-z]+) (?![A-Za-z0-9\\])", r"\1", re.sub(" +", " ", inner)).strip()
    return "".join(f"${part}$" if number % 2 == 0 else part
                   for number, part in enumerate(_clauses(inner)))


def _clauses(formula: str) -> list[str]:
    """A formula cut at the commas and colons outside of its brackets, where a line may break."""
    parts, depth = [""], 0
    for place, sign in enumerate(formula):
        depth += (sign in "([{") - (sign in ")]}")
        ends = sign in ",:;" and depth == 0 and formula[place + 1:place + 2] == " "
        if ends and parts[-1].strip():
            parts += [f"{sign} ", ""]
        elif parts[-1] or sign != " ":
            parts[-1] += sign
    return [part if number % 2 else part.strip() for number, part in enumerate(parts)]


def _single_latex(kind: str, value: str) -> str:
    if kind in ("up", "raised", "down", "lowered"):
        mark, script = ("^" if kind in ("up", "raised") else "_"), _script(kind, value)
        if len(script) > 1 and script.isalpha() and script.isascii():
            return rf"{mark}{{\mathrm{{{script}}}}}"
        inner = _formula(_tokens(script), _single_latex, lambda inner: rf"\sqrt{{{inner}}}")
        return f"{mark}{{{inner}}}"
    if kind == "function":
        known = {"sgn", "id", "diag", "rank", "atan", "tr"}
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
