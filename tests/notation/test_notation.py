"""Notation: statements in plain Unicode become HTML, MathML and LaTeX that say the same."""

import html
import re
import unicodedata
import xml.etree.ElementTree as Element

import pytest

from stabkit.claims.claim import registry
from stabkit.notation import to_html, to_latex, to_mathml, to_plain


@pytest.mark.parametrize("text, expected", [
    ("u <= h²", "<i>u</i> ≤ <i>h</i><sup>2</sup>"),
    ("K_j", "<i>K</i><sub><i>j</i></sub>"),
    ("g_max", "<i>g</i><sub>max</sub>"),
    ("Kᵀ", "<i>K</i><sup>⊤</sup>"),
    ("u^{l+1}", "<i>u</i><sup><i>l</i>+1</sup>"),
    ("√(b/a)", '<span class="radicand"><i>b</i>/<i>a</i></span>'),
    ("x < 0", "&lt;"),
    ("K(t)_ij", "(<i>t</i>)<sub><i>i</i><i>j</i></sub>"),
    ("ẏ", "<i>ẏ</i>"),
])
def test_notation_becomes_html(text, expected):
    assert unicodedata.normalize("NFC", expected) in unicodedata.normalize("NFC", to_html(text))


@pytest.mark.parametrize("text, expected", [
    ("‖T(u)‖ <= ‖u‖", r"$\|T(u)\| \le \|u\|$"),
    ("τ <= 2/(L‖K‖²)", r"$\tau \le 2/(L\|K\|^{2})$"),
    ("√ε", r"$\sqrt{\epsilon}$"),
    ("perona_malik", r"perona\_malik"),
    ("a step of a third", "a step of a third"),
    ("λmax(B)", r"$\lambda_{\mathrm{max}}(B)$"),
])
def test_notation_becomes_latex(text, expected):
    assert to_latex(text) == expected


def test_words_are_not_formulas():
    assert to_html("a step of the scheme") == "a step of the scheme"
    assert "<i>a</i>" in to_html("σ(x) = a x")
    assert to_plain("a <= b\n  and c") == "a ≤ b and c"


@pytest.mark.slow
def test_all_statements_can_be_written():
    for claim in registry().values():
        for text in (claim.statement, claim.location):
            assert to_latex(text).count("$") % 2 == 0
            Element.fromstring(f"<p>{to_html(text).replace('<br>', '<br/>')}</p>")
            assert to_latex(text).isascii(), claim.name


#: So many parts an element must have.
ARITY = {"mfrac": 2, "msup": 2, "msub": 2, "msubsup": 3, "mover": 2}


# -- MathML ----------------------------------------------------------------------------------------
def shape(text):
    """A formula in MathML as nested tags, without spaces, fences and attributes."""
    def told(element):
        inner = "".join(told(child) for child in element) or (element.text or "").strip()
        if element.tag in ("math", "mrow", "span"):
            return inner
        return f" {inner} " if element.tag in ("mi", "mn", "mo", "mspace") else \
            f"{element.tag[1:]}({inner})"
    written = to_mathml(text).replace("<br>", "<br/>").replace("<wbr>", "")
    return " ".join(told(Element.fromstring(f"<math>{written}</math>")).split())


@pytest.mark.parametrize("text, expected", [
    ("h²/(2 g_max)", "frac(sup( h 2 ) 2 sub( g max ))"),        # all of the bracket is below
    ("a b/c", "a frac( b c )"),                                 # only what touches the slash
    ("2τ/h²", "frac( 2 τ sup( h 2 ))"),
    ("x/(1 + y/z)", "frac( x 1 + y / z )"),                     # a bar within a bar would be tiny
    ("2/(L‖K‖²)", "frac( 2 L sup( ‖ K ‖ 2 ))"),                 # the square is that of the norm
    ("‖A u‖ + |v|", "‖ A u ‖ + | v |"),
    ("Kᵀ", "sup( K ⊤ )"),
    ("u^{l+1}", "sup( u l + 1 )"),
    ("x_j²", "subsup( x j 2 )"),
    ("K(t)_ij", "K sub( ( t ) i j )"),
    ("x^(−1/2)", "sup( x − 1 / 2 )"),
    ("√(b/a)", "sqrt(frac( b a ))"),
    ("√n m", "sqrt( n ) m"),
    ("ẏ = y″", "over( y ˙ ) = sup( y ″ )"),
    ("E* E", "sup( E ∗ ) E"),
    ("s * y", "s ∗ y"),
    ("A := B", "A := B"),
    ("[1 −2 1; c 4 b]/h²", "[ table(tr(td( 1 )td( − 2 )td( 1 ))tr(td( c )td( 4 )td( b ))) ] / "
                           "sup( h 2 )"),
    ("[[1, 0], [−m, 1]]", "[ table(tr(td( 1 )td( 0 ))tr(td( − m )td( 1 ))) ]"),
    ("(a, b)/c", "( a , b ) / c"),                              # a pair is not a numerator
    ("[a, b]", "[ a , b ]"),
    ("(1/m) exp(V/m)", "frac( 1 m ) exp \u2061 ( frac( V m ) )"),
    ("u (v", "u ( v"),                                          # a bracket of the sentence
])
def test_notation_becomes_mathml(text, expected):
    assert shape(text) == expected


def test_a_minus_of_its_own_stands_close_to_its_number():
    written = to_mathml("a − b = −c and [1 −2 x; y 0 0]")
    minus = re.findall('<mo form="(prefix|infix)">−</mo>', written)
    assert minus == ["infix", "prefix", "prefix"]


def test_a_long_formula_may_be_broken_and_its_punctuation_stays_with_it():
    written = to_mathml("‖u + v + w‖² <= ‖u‖² + ‖v‖² + ‖w‖² + 2(‖u‖‖v‖ + ‖v‖‖w‖), for x.")
    assert written.count("<wbr>") >= 2 and "</math>,</span>" in written
    assert "<wbr><math><mo form=\"infix\">≤</mo>" in written


@pytest.mark.slow
def test_every_sign_of_a_statement_is_in_its_mathml():
    """Letters and digits of all statements, in their order, are those of the MathML."""
    def signs(text):
        plain = unicodedata.normalize("NFKD", text)
        return re.findall(r"[A-Za-z\u0370-\u03ff0-9]", plain.replace("½", "12").replace("¼", "14"))

    for claim in registry().values():
        bare = html.unescape(re.sub("<[^>]*>", "", to_mathml(claim.statement)))
        # A superscript stands after a subscript, whatever came first.
        assert sorted(signs(bare.replace("⊤", "T").replace("∑", "Σ"))) == sorted(signs(
            claim.statement.replace("ᵀ", "T").replace("`", ""))), claim.name


@pytest.mark.slow
def test_all_statements_are_well_formed_mathml():
    for claim in registry().values():
        for text in (claim.statement, claim.location):
            written = to_mathml(text).replace("<br>", "<br/>").replace("<wbr>", "<wbr/>")
            root = Element.fromstring(f"<p>{written}</p>")
            for element in root.iter():
                count = ARITY.get(element.tag, len(element))
                assert len(element) == count, claim.name
