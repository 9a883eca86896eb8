"""Whether the powers of a matrix stay bounded, by a condition that is necessary and sufficient."""

from __future__ import annotations

from collections.abc import Sequence

from stabkit.arithmetic.transcript import Transcript
from stabkit.claims.ruthotto2018.networks import show
from stabkit.stability.property import AllOf, Property

WHY = ("det V = 1, so for |trace V| < 2 the eigenvalues are two different points of the unit "
       "circle; else they are real, 1/λ and λ with |λ| >= 1, and the iterates grow, exponentially "
       "or linearly, unless x is an eigenvector of 1/λ")


def bounded(log: Transcript, name: str, start: Sequence | None = None, *, grows: str = "no"
            ) -> Property:
    """That the iterates Vʲx of a 2×2 matrix V of determinant 1 stay bounded.

    Parameters
    ----------
    log : Transcript
        Knows V by `name`.
    name : str
    start : sequence of rational, optional
        x; every x if left out.
    grows : {"no", "linearly"}
        Growth that is allowed: none, or by a multiple of 1 + j.

    Returns
    -------
    Property
        Proved or refuted for every rational V of determinant 1, open for others.
    """
    one = f"det({name}) == 1"
    if grows == "linearly":
        stays = f"abs(trace({name})) <= 2"
    else:
        starts = [log.give("x", x).text for x in ([start] if start is not None else
                                                  [[1, 0], [0, 1]])]
        stays = " and ".join(f"(abs(trace({name})) < 2 or {_shrinks(name, x)})" for x in starts)
    return AllOf([show(log, [one], "the lemma holds for this determinant"),
                  show(log, [f"not ({one}) or ({stays})"], WHY, necessary=True)])


def _shrinks(V: str, x: str) -> str:
    """x is an eigenvector, or zero, and does not become longer."""
    return (f"({x}[0] * ({V} @ {x})[1] == {x}[1] * ({V} @ {x})[0] and "
            f"norm2({V} @ {x}) <= norm2({x}))")
