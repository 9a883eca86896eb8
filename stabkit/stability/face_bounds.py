"""Whether a face of a flux stays within a range."""

from __future__ import annotations

from fractions import Fraction

from stabkit.arithmetic.transcript import Transcript
from stabkit.errors import Undecided
from stabkit.fluxes.flux import Flux
from stabkit.stability.certificates import show_bounds
from stabkit.stability.confirmation import confirm_evidence
from stabkit.stability.property import FaceWithin
from stabkit.stability.verdict import PROVED, REFUTED, UNDECIDED, Evidence, Outcome, calculation


def decide_face(what: FaceWithin) -> Outcome:
    """By cells that cover the real line, or by a point at which it leaves the range."""
    log = Transcript()
    known = type(what.flux) is Flux  # what derives from it may compute something else
    shown = show_bounds(log, what.flux, what.face, what.low, what.high) if known else None
    if shown is not None:
        certificate = confirm_evidence(
            calculation("certificate", log, [shown], "the cells cover the real line"))
        if certificate is not None:
            return Outcome(PROVED, (certificate,))
    for point in _points(what.flux):
        witness = _outside(what, point)
        if witness is not None:
            return Outcome(REFUTED, (witness,))
    return Outcome(UNDECIDED, reason=f"the {what.face} could not be enclosed well enough")


def _points(flux: Flux) -> list[Fraction]:
    """Simple rationals, dense around the breakpoints."""
    simple = {Fraction(i, d) for d in (1, 2, 3, 4, 10) for i in range(-12 * d, 12 * d + 1)}
    near = {point + sign * Fraction(1, 10**k) for point in flux.breakpoints()
            for sign in (-1, 1) for k in (1, 2, 3, 4, 6, 9)}
    return sorted({*simple, *near, *flux.breakpoints()},
                  key=lambda x: (x.denominator, abs(x), x < 0))


def _outside(what: FaceWithin, point: Fraction) -> Evidence | None:
    try:
        value = getattr(what.flux, what.face)(point)
        below = what.low is not None and value < what.low
        above = what.high is not None and value > what.high
    except (Undecided, ArithmeticError):
        return None
    if not (below or above):
        return None
    log = Transcript()
    text = getattr(what.flux, what.face)(log.give("s", point)).text
    shown = f"{text} < {what.low}" if below else f"{text} > {what.high}"
    return confirm_evidence(
        calculation("witness", log, [shown], f"the {what.face} leaves its range at s"))
