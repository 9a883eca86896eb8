"""For which steps no mode grows of a step that is diagonal in a basis of waves or of cosines."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from flint import fmpq_poly

from stabkit.aliases import Function
from stabkit.arithmetic.transcript import Transcript
from stabkit.errors import Undecided
from stabkit.stability.confirmation import confirm_evidence
from stabkit.stability.invariants import POWER_BOUNDED
from stabkit.stability.notions import CONTRACTION, EUCLIDEAN, Notion
from stabkit.stability.sharpness.bound import StepBound
from stabkit.stability.sharpness.ends import intervals
from stabkit.stability.sharpness.inequalities import certificate
from stabkit.stability.sharpness.signs import cells
from stabkit.stability.verdict import Evidence, calculation
from stabkit.tracing.modes import FOURIER, Basis, Factor
from stabkit.tracing.spectral import modes_of

_WRITTEN = 300  # polynomials in a certificate
NOTIONS = (EUCLIDEAN, CONTRACTION, POWER_BOUNDED)


def by_modes(function: Function, notion: Notion, shape: tuple[int, ...], name: str,
             seed: int, dt: Fraction | None = None) -> StepBound:
    """EUCLIDEAN, CONTRACTION or POWER_BOUNDED: |g| <= 1 for the factor g of every mode.

    Raises
    ------
    Undecided
        For another notion, or a step that is not diagonal.
    """
    if notion not in NOTIONS:
        raise Undecided(f"there is no certificate of the notion '{notion.name}' for steps by "
                        "Fourier transforms")
    modes = modes_of(function, shape, seed, dt)
    rooms: dict[tuple[int, ...], tuple[int, ...]] = {}
    for place, factor in np.ndenumerate(modes.factors):
        rooms.setdefault(_room(factor), tuple(place))
    whole = list(rooms)
    proved, refuted = intervals(cells([[Fraction(c) for c in p] for p in whole]))
    by = "p is |den|^2 - |num|^2 of the factor of a mode, a polynomial in dt from the constant " \
         "upwards, for the step run once on its modes"
    certificates = [] if len(whole) > _WRITTEN else [certificate(whole, steps, by)
                                                     for steps in proved]
    witnesses, mode = [], ""
    signals: tuple[np.ndarray, ...] = ()
    for low, high in refuted:
        found = _find_growing_mode(rooms, low, high)
        if found is not None:
            p, place = found
            witnesses.append(_witness(p, place, low, high))
            if not mode:
                mode, signals = _mode_name(place), (_wave(place, shape, modes.basis),)
    lines = (f"diagonal in {modes.basis.name}, {len(whole)} different modes, for shape "
             f"{' x '.join(map(str, shape))}"
             + ("; proof by a factor of modulus 1 at most for every mode" if proved else ""),)
    return StepBound(notion.name, proved, refuted, tuple(filter(None, certificates)),
                     tuple(filter(None, witnesses)), variable=name, by=mode, lines=lines,
                     signals=signals * notion.signals if notion.signals == 1 else
                     tuple(s for u in signals for s in (u, 0 * u)))


def _room(factor: Factor) -> tuple[int, ...]:
    """|den|² − |num|² with integer coefficients, up to a positive factor."""
    p: fmpq_poly = factor.den * factor.den - factor.re * factor.re - factor.im * factor.im
    numerators = p.numer()
    content = numerators.content() if numerators != 0 else 1
    return tuple(int(c) // int(content) for c in numerators.coeffs()) or (0,)


def _find_growing_mode(rooms: dict, low: Fraction, high: Fraction | None
                       ) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """A mode that grows at all steps of an interval."""
    for p, place in rooms.items():
        _, bad = intervals(cells([[Fraction(c) for c in p]]))
        if any(a <= low and (b is None or (high is not None and high <= b)) for a, b in bad):
            return p, place
    return None


def _witness(p: tuple[int, ...], place: tuple[int, ...], low: Fraction, high: Fraction | None
             ) -> Evidence | None:
    log = Transcript()
    name = log.give("p", [Fraction(-c) for c in p]).text
    shows = f"polyval({name}, {low}) > 0" if low == high else \
        f"positive_on({name}, {low}, {'inf' if high is None else high})"
    return confirm_evidence(calculation(
        "witness", log, [shows], f"p is |num|^2 - |den|^2 of the factor of {_mode_name(place)}, a "
        "polynomial in dt: it grows"))


def _mode_name(place: tuple[int, ...]) -> str:
    return f"mode {place[0] if len(place) == 1 else place}"


def _wave(place: tuple[int, ...], shape: tuple[int, ...], basis: Basis) -> np.ndarray:
    """The mode as a signal, rounded."""
    if basis != FOURIER:
        unit = np.zeros(shape)
        unit[place] = 1
        wave = np.asarray(basis.backward(unit)).ravel()
        return np.array([Fraction(round(x * 1024), 1024) for x in wave / np.abs(wave).max()],
                        dtype=object)
    angle = sum(2 * np.pi * k * np.arange(n).reshape([-1 if a == b else 1 for b in range(
        len(shape))]) / n for a, (k, n) in enumerate(zip(place, shape, strict=True)))
    wave = np.broadcast_to(np.cos(angle), shape).ravel()
    return np.array([Fraction(round(x * 1024), 1024) for x in wave], dtype=object)
