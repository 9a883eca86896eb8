"""Mathematics in plain Unicode, as statements are written, turned into HTML, MathML and LaTeX.

A statement such as ``0 < τ <= h²/(2 g_max)`` is cut into words and formulas; what stands in a
formula keeps its place (₊ ² ᵀ become real sub- and superscripts, √(…) a root, in MathML also a/b a
fraction and [1 0; 0 1] a matrix), letters become italic.  Nothing is rewritten beyond that: the
reader sees what the author of the statement wrote.
"""

from stabkit.notation.html import to_html
from stabkit.notation.latex import to_latex
from stabkit.notation.mathml import to_mathml
from stabkit.notation.text import to_plain

__all__ = ["to_html", "to_latex", "to_mathml", "to_plain"]
