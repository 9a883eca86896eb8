"""Bounds of a face of a flux on the whole real line, by branch and bound with intervals."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from math import inf
from typing import Any

from stabkit.derivative import derivative
from stabkit.enclosure import Interval, precision
from stabkit.errors import HypothesisNotMet, Undecided
from stabkit.flux import Flux, Piece
from stabkit.transcript import Term, Transcript, as_text

_CELLS = 4096
_NARROWEST = Fraction(1, 2**24)
# A bound that is attained, such as q/|s| <= 1 at s = q, fails here by the rounding of q alone.
# The checker has exact endpoints and decides it; the cells need only be narrow enough.
_SLACK = Fraction(1, 2**96)


@lru_cache(maxsize=1024)
def bounding_cells(flux: Flux, face: str, low: Fraction | None, high: Fraction | None, *,
                   slack: Fraction = Fraction(0)) -> tuple[Fraction | float, ...] | None:
    """Cut the real line into cells on each of which ``low <= face <= high`` is certain.

    Parameters
    ----------
    flux : Flux
    face : {"diffusivity", "slope", "activation"}
    low, high : Fraction or None
        ``None`` leaves that side open.
    slack : Fraction
        Widens the range on both sides, for cells that are decided again elsewhere.

    Returns
    -------
    tuple or None
        The ends of the cells, from -inf to inf; ``None`` if some cell cannot be decided.
    """
    def holds(a: Fraction | float, b: Fraction | float) -> bool:
        try:
            return all((low is None or value >= low - slack) and (
                high is None or value <= high + slack)
                       for value in _values(flux, face, a, b))
        except (Undecided, HypothesisNotMet):
            return False

    breaks = flux.breakpoints()
    reach = max([Fraction(8), *(8 * abs(point) for point in breaks)])
    ends: list = [-inf, *sorted({-reach, *breaks, Fraction(0), reach}), inf]
    todo = list(pairwise(ends))
    done: list = []
    with precision(128):
        while todo:
            a, b = todo.pop()
            if holds(a, b):
                done.append((a, b))
                continue
            cut = _middle(a, b)
            if cut is None or len(done) + len(todo) > _CELLS:
                return None
            todo += [(a, cut), (cut, b)]
    return tuple(sorted({end for cell in done for end in cell}))


def _values(flux: Flux, face: str, a: Fraction | float, b: Fraction | float) -> list:
    # The ends of an Interval are rounded; which pieces a cell meets is decided by its exact ends.
    low, high = sorted((abs(a), abs(b))) if flux.facts.odd else (a, b)
    values, start, x = [], 0 if flux.facts.odd else -inf, Interval(a, b)
    for piece in flux.pieces:
        end = inf if piece.upto is None else piece.upto
        if (start < high and low < end) or low <= start == end <= high:
            values.append(flux.piece_formula(piece, face)(x))
        start = end
    return values


@lru_cache(maxsize=256)
def faces_agree(flux: Flux) -> bool:
    """Whether Φ, g and Φ′ do not contradict each other at rational points of every piece.

    A certificate bounds one face and concludes about another, so faces that were given
    separately and do not belong together must not be certified.
    """
    try:
        with precision(128):
            return all(_agree(piece, flux, point) for piece, point in _sample(flux))
    except (TypeError, ArithmeticError, HypothesisNotMet):
        return False  # a user's function that has no exact values cannot be certified


def _sample(flux: Flux) -> list[tuple[Piece, Fraction]]:
    start, points = (Fraction(0) if flux.facts.odd else None), []
    for piece in flux.pieces:
        end = piece.upto
        low = (end - 4 if end is not None else Fraction(-4)) if start is None else start
        high = low + 4 if end is None else end
        inside = [low + (high - low) * Fraction(k, 8) for k in range(1, 8)]
        signs = (1, -1) if flux.facts.odd else (1,)
        points += [(piece, sign * x) for x in inside for sign in signs if high > low and x]
        start = end
    return points


def _agree(piece: Piece, flux: Flux, point: Fraction) -> bool:
    at = Interval(point)  # also Φ that knows exp or tanh has a value there
    value = piece.activation(at)
    pairs = [(value, flux.piece_formula(piece, "diffusivity")(at) * at),
             (derivative(piece.activation, at), flux.piece_formula(piece, "slope")(at))]
    return all(_equal(a, b) for a, b in pairs)


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, Interval):
        return a.overlaps(b)
    return b.overlaps(a) if isinstance(b, Interval) else a == b


def _middle(a: Fraction | float, b: Fraction | float) -> Fraction | None:
    if a == -inf:
        return 2 * b if abs(b) < 2**20 else None
    if b == inf:
        return 2 * a if abs(a) < 2**20 else None
    return (a + b) / 2 if b - a > _NARROWEST else None


def show_bounds(transcript: Transcript, flux: Flux, face: str, low: Fraction | None,
                high: Fraction | None) -> str | None:
    """The condition that proves ``low <= face <= high`` on ℝ, in the language of evidence.

    The cells and the face are added to the transcript; the checker decides them.  ``None`` if the
    bound cannot be shown.
    """
    if not faces_agree(flux):
        return None
    size = 1 + max(abs(end) for end in (low or 0, high or 0))
    cells = bounding_cells(flux, face, low, high, slack=_SLACK * size)
    if cells is None:
        return None
    value = getattr(flux, face)(transcript.term("x")).text
    given = transcript.give_once((flux, face, low, high), "ends", lambda: cells).text
    left = "" if low is None else f"{low} <= "
    right = "" if high is None else f" <= {high}"
    return f"all({left}{value}{right} for x in cells({given}))"


def show_junctions(transcript: Transcript, flux: Flux, sign: str = "==") -> list[str | None]:
    """The conditions that prove that Φ is continuous where its pieces meet.

    With the sign ``">="`` they say that it jumps downwards at most.  They are for the checker to
    confirm; an entry ``None`` says that a condition cannot be written down.
    """
    shows: list[str | None] = []

    def value(piece: Piece, edge: Fraction) -> str:
        made = piece.activation(transcript.term(str(edge)))
        return made.text if isinstance(made, Term) else as_text(made)

    for inner, outer in pairwise(flux.pieces):
        edge = inner.upto
        if edge == 0 and flux.facts.diffusivities is not None:
            # |Φ(s)| <= c |s| near 0, also where a formula has no value at 0 itself.
            shown = show_bounds(transcript, flux, "diffusivity", *flux.facts.diffusivities)
            if shown is not None:
                shows += [f"{flux.activation(transcript.term('0')).text} == 0", shown]
                continue
        shows.append(f"{value(inner, edge)} {sign} {value(outer, edge)}")
        if flux.facts.odd and edge != 0:
            shows.append(f"{value(outer, -edge)} {sign} {value(inner, -edge)}")
    return shows


def show_linear(transcript: Transcript, flux: Flux) -> list[str | None]:
    """The conditions that prove that Φ(s) = c s, where the slopes are declared to be c."""
    low, high = flux.facts.slopes
    return [show_bounds(transcript, flux, "slope", low, high) if low == high else None,
            f"{flux.activation(transcript.term('0')).text} == 0",
            *show_junctions(transcript, flux)]
