"""What a flux may claim on the whole real line, shown by cells on which intervals decide it.

The conditions are written in the language of evidence, and the checker decides them again.
:func:`show_slopes` is all that it takes to conclude about differences of Φ: the slopes, that Φ is
continuous inside every piece, and that neighbouring pieces meet.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache, partial
from itertools import pairwise
from math import inf
from typing import Any

from stabkit.aliases import Rational
from stabkit.arithmetic.enclosure import Interval
from stabkit.arithmetic.transcript import Term, Transcript, as_text
from stabkit.errors import require_value
from stabkit.fluxes.continuity import Need, cells_of, cover, first_ends, has_value_at, needs
from stabkit.fluxes.flux import Flux
from stabkit.fluxes.polynomials import polynomial

# A bound that is attained, such as q/|s| <= 1 at s = q, fails here by the rounding of q alone.
# The checker has exact endpoints and decides it; the cells need only be narrow enough.
_SLACK = Fraction(1, 2**96)

_ENDS = {"diffusivity": "ends", "slope": "slope_ends", "activation": "value_ends"}

Shows = list[str | None]


def conditions_or_none(shows: Shows) -> list[str] | None:
    """The conditions, or None where one of them cannot be shown."""
    found = [condition for condition in shows if condition is not None]
    return found if len(found) == len(shows) else None


@lru_cache(maxsize=256)
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
    pieces = list(zip(flux.pieces, flux.cells(), strict=True))

    def holds(a: Fraction | float, b: Fraction | float) -> bool:
        # The ends of an Interval are rounded; which pieces a cell meets is decided exactly.
        x = Interval(a, b)
        values = [flux.expression(piece, face).at(x) for piece, cells in pieces
                  if any((p < b and a < q) or a <= p == q <= b for p, q in cells)]
        return all((low is None or value >= low - slack) and (
            high is None or value <= high + slack) for value in values)

    return cover(first_ends(-inf, inf, flux.breakpoints()), holds)


def show_bounds(transcript: Transcript, flux: Flux, face: str, low: Fraction | None,
                high: Fraction | None) -> str | None:
    """The condition that proves ``low <= face <= high`` on ℝ, in the language of evidence.

    The cells and the face are added to the transcript; the checker decides them.  ``None`` if the
    bound cannot be shown.
    """
    size = 1 + max(abs(end) for end in (low or Fraction(0), high or Fraction(0)))
    cells = bounding_cells(flux, face, low, high, slack=_SLACK * size)
    if cells is None:
        return None
    value = getattr(flux, face)(transcript.term("x")).text
    given = transcript.give_once((flux, face, low, high), _ENDS[face], lambda: cells).text
    left = "" if low is None else f"{low} <= "
    right = "" if high is None else f" <= {high}"
    return f"all({left}{value}{right} for x in cells({given}))"


def show_slopes(transcript: Transcript, flux: Flux, low: Fraction | None, high: Fraction | None,
                jumps: str = "==") -> Shows:
    """The conditions that prove that difference quotients of Φ lie in [low, high].

    Parameters
    ----------
    jumps : {"==", ">="}
        With ``">="`` Φ may jump downwards where its pieces meet.

    Returns
    -------
    list of str or None
        For the checker to confirm; an entry ``None`` says that something cannot be shown.
    """
    slopes = [show_bounds(transcript, flux, "slope", low, high)]
    transcript.fact(f"{flux}: slopes {_range(low, high)}", slopes)
    meets = [*show_continuous(transcript, flux), *show_junctions(transcript, flux, jumps)]
    word = "continuous" if jumps == "==" else "falls where it jumps"
    transcript.fact(f"{flux}: {word}", meets)
    return [*slopes, *meets]


def show_diffusivity(transcript: Transcript, flux: Flux, low: Fraction | None,
                     high: Fraction | None) -> Shows:
    """The conditions that prove Φ(s) = g(s) s with low <= g <= high; by slopes where g resists."""
    at_zero = _value(transcript, flux, "0") + " == 0"
    shown = show_bounds(transcript, flux, "diffusivity", low, high)
    if shown is not None or not flux.facts.continuous:
        transcript.fact(f"{flux}: sector {_range(low, high)}", [shown, at_zero])
        return [shown, at_zero]
    transcript.fact(f"{flux}: zero at 0", [at_zero])
    return [*show_slopes(transcript, flux, low, high), at_zero]


def _range(low: Fraction | None, high: Fraction | None) -> str:
    return f"[{'-inf' if low is None else low}, {'inf' if high is None else high}]"


def show_linear(transcript: Transcript, flux: Flux) -> Shows:
    """The conditions that prove that Φ(s) = c s, where the slopes are declared to be c."""
    low, high = flux.facts.slopes
    shows = show_slopes(transcript, flux, low, high) if low == high else [None]
    return [*shows, _value(transcript, flux, "0") + " == 0"]


def show_continuous(transcript: Transcript, flux: Flux) -> Shows:
    """The conditions that prove that Φ is continuous inside every piece, ends included.

    An end at 0 where a formula has no value is left to :func:`show_junctions`.
    """
    shows: Shows = []
    for need, low, high, ends in _needs(flux):
        if ends is not None:
            given = transcript.give_once(("ends", ends), "piece_ends", partial(tuple, ends)).text
            text = need.text(transcript.term("x"))
            shows.append(f"all({text} for x in cells({given}))")
        else:
            shows.append(_only_at_zero(need, low, high))
    return shows


@lru_cache(maxsize=256)
def _needs(flux: Flux) -> list[tuple[Need, Any, Any, tuple | None]]:
    """What makes Φ continuous on the cells of its pieces, and cells that decide it, or None."""
    return [(need, low, high, cells_of(need, low, high))
            for piece, cells in zip(flux.pieces, flux.cells(), strict=True)
            for low, high in cells if low < high
            for need in needs(flux.expression(piece, "activation"))]


def _only_at_zero(need: Need, low: Rational, high: Rational) -> str | None:
    # A denominator that is a polynomial with no root but the end 0 of the cell.
    if need.relation != "!=" or 0 not in (low, high):
        return None
    coefficients = polynomial(need.argument, low, high)
    if coefficients is None or not any(coefficients):
        return None
    side = 1 if low == 0 else -1
    end = high if low == 0 else -low
    q = ", ".join(as_text(c * side**k) for k, c in enumerate(coefficients))
    return f"roots_in([{q}], 0, {'inf' if end == inf else end}) == 0"


def show_junctions(transcript: Transcript, flux: Flux, sign: str = "==") -> Shows:
    """The conditions that prove that Φ is continuous where its pieces meet.

    With the sign ``">="`` they say that it jumps downwards at most.
    """
    shows: Shows = []
    for inner, outer in pairwise(flux.pieces):
        edge = require_value(inner.upto, "pieces: only the last one has no end")

        def value(piece: Any, point: Fraction) -> str:
            made = flux.expression(piece, "activation").at(transcript.term(str(point)))
            return made.text if isinstance(made, Term) else as_text(made)

        if edge == 0 and not all(has_value_at(flux.expression(piece, "activation"), edge)
                                 for piece in (inner, outer)):
            shows += _meets_at_zero(transcript, flux)
            continue
        if edge != 0 and flux.expression(inner, "activation").text == flux.expression(
                outer, "activation").text:
            continue  # one formula, which is continuous on both sides with the edge
        shows.append(f"{value(inner, edge)} {sign} {value(outer, edge)}")
        if flux.facts.odd and edge != 0:
            shows.append(f"{value(outer, -edge)} {sign} {value(inner, -edge)}")
    return shows


def _meets_at_zero(transcript: Transcript, flux: Flux) -> Shows:
    # |Φ(s)| <= c |s| near 0, where a formula has no value at 0 itself.
    if flux.facts.diffusivities is None:
        return [None]
    return [_value(transcript, flux, "0") + " == 0",
            show_bounds(transcript, flux, "diffusivity", *flux.facts.diffusivities)]


def _value(transcript: Transcript, flux: Flux, point: str) -> str:
    return flux.activation(transcript.term(point)).text
