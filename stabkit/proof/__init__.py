"""A kernel for proofs "for all": of every size, every operator, every flux of a class.

What must be shown is a *statement*: data that a scheme writes when it runs on symbols
(:mod:`stabkit.proof.symbols`), and that no proof can choose or weaken.  A *proof* is data, too: a
list of named rules with exact multipliers.  The kernel adds up, in an algebra of words that holds
for matrices of every size, and accepts if nothing is left over.  Whatever found the proof, by hand
or by a solver, is not needed to check it.  It needs the standard library and the exceptions of
stabkit.  To be read in this order:

A file holds ``{"statement": ..., "proof": ...}``.  Who checks it derives the statement from the
claim anew, compares it with the one in the file, entry by entry, and calls
``check(statement, proof)``, which raises unless the proof shows the statement.

==============  ==================================================================================
words           the algebra: letters with spaces, words, polynomials in parameters as coefficients
text            how expressions are written: ``u - tau*K.T@f``
setting         what a statement declares and assumes
facts           the rules that may be added up, each a known fact
algebra         a goal of one step: the sum
iteration       a goal after any number of steps: induction, over depth or cycle length
polynomials     signs of polynomials: Sturm chains, Bernstein's form
rows            range and sign on lines of every length, from the rows of the matrix
pieces          functions of one variable that are polynomials on pieces
kernel          statements and proofs of all kinds
parts           symbols in the places of operators, fluxes, steps and counts
elimination     equations where a sum needs them
symbols         statements, from schemes that run on symbols
prose           a statement and its proof as a person would write them
recipes         programs that add a proof up anew, where there is no stabkit
theorems        what is proved
==============  ==================================================================================
"""

from typing import Any

from stabkit.proof.kernel import check, read
from stabkit.proof.prose import explain, reach
from stabkit.proof.recipes import recipe

__all__ = ["THEOREMS", "Theorem", "check", "explain", "reach", "read", "recipe"]


def __getattr__(name: str) -> Any:
    """The theorems are made when they are first asked for."""
    if name in ("THEOREMS", "Theorem"):
        from stabkit.proof import theorems

        return getattr(theorems, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
