"""A flux, entry by entry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np

from stabkit.aliases import Scalar
from stabkit.arithmetic.enclosure import Interval, precision
from stabkit.arithmetic.transcript import Term, Transcript
from stabkit.errors import Undecided
from stabkit.fluxes.flux import Flux
from stabkit.networks.layers.float_errors import TINY, UP, Enclosure, U, grow, norms
from stabkit.networks.layers.layer import Layer, Shape, Signal
from stabkit.networks.layers.scaling import Scaling
from stabkit.replay import check
from stabkit.stability.certificates.flux_bounds import conditions_or_none, show_bounds, show_slopes
from stabkit.stability.verdict import Evidence, calculation
from stabkit.time_limit import at_least, time_is_long_over, time_is_over

_SECONDS = 5.0
_LATE = 0.5    # seconds after the end
_BATCH = 1024  # entries between two looks at the clock
_SHOWN: dict[Flux, Evidence | None] = {}
_MOST = 1 << 14


@dataclass(frozen=True, eq=False)
class Activation(Layer):
    """A flux, entry by entry."""

    flux: Flux

    @property
    def is_linear(self) -> bool:
        return False

    def apply(self, x: Signal, *more: Signal) -> Signal:
        return self.flux.activation(x)

    def derivative(self, directions: Sequence[Signal], at: Sequence[Signal]) -> Signal:
        return directions[0] * self.flux.slope(at[0])

    def adjoint(self, d: Signal, at: Sequence[Signal]) -> list[Signal]:
        return [d * self.flux.slope(at[0])]

    def term(self, terms: Sequence[Term], shapes: Sequence[Shape], shape: Shape) -> Term:
        return self.flux.activation(terms[0])

    @property
    def bound(self) -> Fraction | None:
        slopes = certified_slopes(self.flux)
        return None if slopes is None else max(abs(slopes[0]), abs(slopes[1]))

    def enclose(self, inputs: Sequence[Enclosure], unit: float) -> Enclosure:
        middle, error = inputs[0]
        if self.bound is None:  # the error is that of the image of what is so near
            away = error.reshape(-1, *[1] * (middle.ndim - 1))
            out, own = _activate_floats(self.flux, middle, away)
            return out, UP * norms(own) + TINY
        out, own = _activate_floats(self.flux, middle)
        return out, UP * (grow(self.bound, error) + norms(own)) + TINY

    def straight(self) -> Layer | None:
        slopes = certified_slopes(self.flux)
        return Scaling(np.array(slopes[0], dtype=object)) \
            if slopes is not None and slopes[0] == slopes[1] else None

    def derivative_at_zero(self) -> Layer | None:
        slope = self.flux.slope(Fraction(0)) if self.flux.facts.smooth else None
        return Scaling(np.array(slope, dtype=object)) if isinstance(slope, Fraction) else None

    @property
    def moves_zero(self) -> bool:
        try:
            return self.flux.activation(Fraction(0)) != 0
        except Undecided:
            return True


@lru_cache(maxsize=256, typed=True)  # a float may be rounded, a fraction is not
def flux_of(make: Callable[..., Flux], *numbers: Scalar) -> Flux:
    """The one flux of all nodes that have it: what is found out about it is found out once."""
    return make(*numbers)


def certified_slopes(flux: Flux) -> tuple[Fraction, Fraction] | None:
    """The declared range of difference quotients, if the checker confirms it."""
    evidence = slope_evidence(flux)
    return None if evidence is None else flux.facts.slopes


def slope_evidence(flux: Flux) -> Evidence | None:
    """The certificate that an activation is continuous with slopes in the declared range.

    None, too, where the time has long been over, as in networks of thousands of fluxes.
    """
    if flux not in _SHOWN:
        if time_is_long_over(_LATE):
            return None
        if len(_SHOWN) >= _MOST:
            _SHOWN.clear()
        _SHOWN[flux] = _evidence(flux)
    return _SHOWN[flux]


def _evidence(flux: Flux) -> Evidence | None:
    if not flux.facts.continuous:
        return None
    log, (low, high) = Transcript(), flux.facts.slopes
    with at_least(_SECONDS):  # a function of one variable: milliseconds, and all else rests on it
        shows = conditions_or_none(show_slopes(log, flux, low, high))
    if shows is None:
        return None
    return _accepted_calculation(
        log, shows, "phi is continuous and its difference quotients are means of "
        f"slopes in [{low}, {high}]")


@lru_cache(maxsize=256)
def certified_range(flux: Flux) -> tuple[Fraction, Fraction] | None:
    """Ends between which all values of an activation lie, [0, 1] or [−1, 1], as the checker says.
    """
    for low, high in ((Fraction(0), Fraction(1)), (Fraction(-1), Fraction(1))):
        log = Transcript()
        with at_least(_SECONDS):
            shown = show_bounds(log, flux, "activation", low, high)
        if shown is not None and _accepted_calculation(
                log, [shown], f"phi lies in [{low}, {high}]") is not None:
            return low, high
    return None


@lru_cache(maxsize=256)
def diffusivity_evidence(flux: Flux) -> Evidence | None:
    """The certificate that Φ(s)/s lies in the declared range for every s, jumps or not."""
    ends = flux.facts.diffusivities
    if ends is None:
        return None
    log, (low, high) = Transcript(), ends
    with at_least(_SECONDS):
        shown = show_bounds(log, flux, "diffusivity", low, high)
    return None if shown is None else _accepted_calculation(
        log, [shown], f"phi(s) = g(s) s with g in [{low}, {high}]")


def _accepted_calculation(log: Transcript, shows: Sequence[str], because: str) -> Evidence | None:
    """A certificate in balls, or else in fractions, if the checker accepts it."""
    for arithmetic in ("ball", "rational"):
        made = calculation("certificate", log, shows, because, arithmetic=arithmetic)
        if check(made.to_json({})) is None:
            return made
    return None


def _activate_floats(flux: Flux, middle: np.ndarray, error: np.ndarray | None = None) -> Enclosure:
    """The activation at floats that may be off, and a bound of the error of each entry."""
    leak = leak_of(flux) if error is None else None
    if leak is not None:
        out = np.where(middle > 0, middle, leak * middle)
        return out, 2 * U * np.abs(out) + TINY
    out, errors = np.empty_like(middle), np.empty_like(middle)
    away = np.broadcast_to(np.float64(0) if error is None else error, middle.shape)
    with precision(64):
        for number, (place, value) in enumerate(np.ndenumerate(middle)):
            if number and number % _BATCH == 0 and time_is_over():
                raise Undecided("the time is over")
            image = Interval(0) + flux.activation(_around(flux, float(value), float(away[place])))
            if not image.is_finite:
                out[place], errors[place] = value, np.inf
                continue
            near = float(image)
            half = max(image.upper - Fraction(near), Fraction(near) - image.lower)
            out[place], errors[place] = near, float(half) * UP + TINY
    return out, errors


def _around(flux: Flux, value: float, off: float) -> Interval:
    """What an argument lies in that is a float up to an error; that of a root is not negative."""
    if off == 0:
        return Interval(value)
    if not np.isfinite(off):
        return Interval(-np.inf, np.inf)
    low, high = Fraction(value) - Fraction(off), Fraction(value) + Fraction(off)
    return Interval(max(low, Fraction(0)) if high >= 0 and flux.formula() == "sqrt(x)" else low,
                    high)


@lru_cache(maxsize=_MOST)
def leak_of(flux: Flux) -> float | None:
    """The slope a of an activation max(s, 0) + a min(s, 0) that a float holds; else None."""
    if len(flux.pieces) != 2 or flux.pieces[0].upto != 0 or flux.facts.odd or \
            not flux.piecewise_linear:
        return None
    below, above = flux.activation(Fraction(-1)), flux.activation(Fraction(1))
    both = flux.activation(Fraction(-2)) == 2 * below and flux.activation(Fraction(2)) == 2
    return float(-below) if above == 1 and both and Fraction(float(below)) == below else None
