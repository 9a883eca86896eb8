"""Check what a flux declares about itself."""

from __future__ import annotations

from fractions import Fraction

from stabkit.certificates.flux_bounds import bounding_cells
from stabkit.enclosure import Interval, precision
from stabkit.errors import HypothesisNotMet, Undecided
from stabkit.flux import Flux

_POINTS = tuple(Fraction(p, q) for q in (1, 2, 3, 7) for p in range(1, 5 * q + 1))


def check_facts(flux: Flux) -> dict[str, bool | None]:
    """Check every declared fact of a flux.

    Returns
    -------
    dict
        For "slopes" and "diffusivities" whether branch and bound with balls proves the range on
        the whole real line; for "continuous" whether the pieces meet, exactly; for "odd" whether
        Φ(−s) = −Φ(s) at rational points (an enclosure can only fail to contradict it).  ``True``
        and ``False`` are certain, ``None`` means undecided.
    """
    facts = flux.facts
    slopes = facts.slopes if facts.continuous else (None, facts.slopes[1])
    found: dict[str, bool | None] = {"slopes": _within(flux, "slope", *slopes)}
    if facts.diffusivities is not None:
        found["diffusivities"] = _within(flux, "diffusivity", *facts.diffusivities)
        if found["diffusivities"] is None and facts.continuous:
            # g is a mean of slopes, so a range of slopes is one of g.
            shown = bounding_cells(flux, "slope", *facts.diffusivities) is not None
            found["diffusivities"] = True if shown else None
    found["continuous"] = _meets(flux) if facts.continuous else True
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
        except (Undecided, HypothesisNotMet, ZeroDivisionError):
            continue
    return None


def _meets(flux: Flux) -> bool | None:
    with precision(256):
        for piece, after in zip(flux.pieces, flux.pieces[1:], strict=False):
            if piece.upto == 0:
                continue
            at = Interval(piece.upto) if flux.transcendental else piece.upto
            try:
                if piece.activation(at) != after.activation(at):
                    return False
            except Undecided:
                return None
    return True


def _odd(flux: Flux) -> bool:
    for point in _POINTS:
        total = flux.activation(point) + flux.activation(-point)
        if not (total.overlaps(0) if isinstance(total, Interval) else total == 0):
            return False
    return True
