"""Check what a flux declares about itself."""

from __future__ import annotations

from fractions import Fraction

from stabkit.arithmetic.enclosure import precision
from stabkit.arithmetic.transcript import Transcript
from stabkit.errors import HypothesisNotMet, Undecided, require_value
from stabkit.fluxes.flux import Flux
from stabkit.replay import check
from stabkit.stability.certificates.flux_bounds import (
    bounding_cells,
    conditions_or_none,
    show_continuous,
    show_junctions,
)
from stabkit.stability.verdict import calculation

_POINTS = tuple(Fraction(p, q) for q in (1, 2, 3, 7) for p in range(1, 5 * q + 1))


def check_facts(flux: Flux) -> dict[str, bool | None]:
    """Check every declared fact of a flux.

    Returns
    -------
    dict
        For "slopes" and "diffusivities" whether branch and bound with balls proves the range on
        the whole real line; for "continuous" whether Φ is continuous inside its pieces and they
        meet; for "odd" whether Φ(−s) = −Φ(s) as an expression.  ``True`` and ``False`` are
        certain, ``None`` means undecided.
    """
    facts = flux.facts
    slopes = facts.slopes if facts.continuous else (None, facts.slopes[1])
    found: dict[str, bool | None] = {"slopes": _within(flux, "slope", *slopes)}
    if facts.diffusivities is not None:
        found["diffusivities"] = _within(flux, "diffusivity", *facts.diffusivities)
        if found["diffusivities"] is None and facts.continuous:
            # g is a mean of slopes, so a range of slopes is one of g.
            shown = bounding_cells(flux, "slope", *facts.diffusivities) is not None
            found["diffusivities"] = True if shown and _continuous(flux) else None
    found["continuous"] = _continuous(flux) if facts.continuous else True
    found["odd"] = _odd(flux) if facts.odd else True
    return found


def _within(flux: Flux, face: str, low: Fraction | None, high: Fraction | None) -> bool | None:
    if bounding_cells(flux, face, low, high) is not None:
        return True
    evaluate = getattr(flux, face)
    for point in (*_POINTS, *(-point for point in _POINTS)):
        try:
            value = evaluate(point)
            if (low is not None and value < low) or (high is not None and value > high):
                return False
        except (Undecided, HypothesisNotMet):
            continue
    return None


def _continuous(flux: Flux) -> bool | None:
    """Whether the checker confirms continuity; False if two pieces certainly do not meet."""
    for inner, outer in zip(flux.pieces, flux.pieces[1:], strict=False):
        here, there = (flux.expression(piece, "activation") for piece in (inner, outer))
        edge = require_value(inner.upto, "pieces: only the last one has no end")
        for point in {edge, -edge} if flux.facts.odd else {edge}:
            try:
                with precision(256):
                    if here.at(point) != there.at(point):
                        return False
            except (Undecided, ZeroDivisionError):
                continue
    log = Transcript()
    shows = conditions_or_none([*show_continuous(log, flux), *show_junctions(log, flux)])
    if shows is None:
        return None
    made = calculation("certificate", log, shows, "every operation is continuous there",
                       arithmetic="ball")
    return True if not shows or check(made.to_json({})) is None else None


def _odd(flux: Flux) -> bool | None:
    if flux.is_odd:
        return True
    for point in _POINTS:
        try:
            if flux.activation(point) + flux.activation(-point) != 0:
                return False
        except (Undecided, HypothesisNotMet):
            continue
    return None
