"""The flux that a formula is: its slopes are suspected in floats, and the checker confirms them.

Some formulas are enclosed well on endless intervals only if their slope is written in one way.
What is proved to be such a formula, with other numbers, gets the slope that belongs to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from math import inf, isqrt
from time import monotonic

import numpy as np

from stabkit.aliases import Scalar
from stabkit.arithmetic.enclosure import Interval, precision
from stabkit.arithmetic.rational import Constant
from stabkit.audit.reading.diffusivities import biweight, eighth_power, firm, hard
from stabkit.audit.reading.switching_points import agrees_at_switches
from stabkit.errors import StabkitError, Undecided
from stabkit.fluxes import activations
from stabkit.fluxes.dictionary import decay
from stabkit.fluxes.expression import VARIABLE, Expression
from stabkit.fluxes.flux import Facts, Flux, Piece, from_activation
from stabkit.fluxes.kinks import split
from stabkit.fluxes.polynomials import line, polynomial
from stabkit.fluxes.tails import far_out
from stabkit.fluxes.vanishing import vanishes
from stabkit.networks.layers.activation import certified_slopes
from stabkit.operators.singular_values import upper_root
from stabkit.time_limit import time_is_over, time_limit

_GRID = np.unique(np.concatenate([np.linspace(-40, 40, 16001), np.geomspace(1e-7, 1e7, 4000),
                                  -np.geomspace(1e-7, 1e7, 4000)]))
_FAR = 30.0          # of the grid
_STEEP = 1e6         # beyond it a slope is taken for one without a bound
_DIGITS = 1 << 80    # of the denominator of a parameter
_SECONDS = 30.0      # to confirm guesses of one formula
_FOUND: dict[str, Flux] = {}
_MOST = 4096

Slopes = tuple[Fraction, Fraction]


def flux_of_formula(formula: Expression, name: str) -> Flux:
    """The flux with a formula in one variable, on the whole line.

    Its facts are those that the checker confirms; where none are found, the flux counts as one
    without a bound of its slopes.
    """
    if formula.text not in _FOUND:
        if len(_FOUND) >= _MOST:
            _FOUND.clear()
        try:
            _FOUND[formula.text] = _recognise(formula, name)
        except Undecided:  # the time is over, and with more of it one may be found
            return _unbounded_flux(formula, name)
    return _FOUND[formula.text]


def _recognise(formula: Expression, name: str) -> Flux:
    for known in (_shrinkage, _garrote, _root, _quotient, _gauss, _softsign, _bell, _gelu_by_tanh,
                  _log_sigmoid, biweight, eighth_power, hard, firm):
        try:
            found = known(formula, name)
        except (StabkitError, ArithmeticError, ValueError, TypeError):
            continue
        if found is not None and agrees_at_switches(formula, found):
            return found
    best: Flux | None = None
    with time_limit(monotonic() + _SECONDS):
        for guesses in _guesses(formula, name):
            for flux in guesses:  # the widest range of slopes first
                if time_is_over() or certified_slopes(flux) is None:
                    break
                best = flux
            if best is None and time_is_over():
                raise Undecided("the time is over")
            if best is not None:
                return best
    return _unbounded_flux(formula, name)


def _unbounded_flux(formula: Expression, name: str) -> Flux:
    # A flux that is not continuous, as far as is known, has no certified slopes.
    def with_parity(odd: bool) -> Flux:
        return from_activation(formula, Facts(odd, (Fraction(0), Fraction(1)), None,
                                              continuous=False), name=name)

    try:
        return with_parity(False)
    except StabkitError:  # pieces of |s| may have a value at both ends
        return with_parity(True)


# -- slopes that are suspected ---------------------------------------------------------------------
def _guesses(formula: Expression, name: str) -> Iterator[Iterator[Flux]]:
    """The flux with ranges of slopes that floats suggest, in the ways in which it can be written.
    """
    with np.errstate(all="ignore"):
        steep = np.asarray(formula.derivative.at(_GRID), dtype=float) + 0 * _GRID
        values = np.asarray(formula.at(_GRID), dtype=float) + 0 * _GRID
    known = np.isfinite(steep)
    if not np.isfinite(values[np.abs(_GRID) < 1]).all() or not known.any():
        return
    steep, at = steep[known], np.abs(_GRID[known])
    ends = float(steep.min()), float(steep.max())
    if max(map(abs, ends)) > _STEEP:
        return
    whole = _enclose_slope(formula, -inf, inf)
    size = max(Fraction(1, 1000), *(abs(Fraction(end)) for end in ends))
    low, high = (Fraction(end).limit_denominator(10**4) for end in ends)
    # What a slope comes to only far out it need not pass by any room.
    beside = [0 if at[place] >= _FAR else 1 for place in (steep.argmin(), steep.argmax())]
    rooms = dict.fromkeys(((20, 20), (1, 1), tuple(beside), (0, 0)))
    ranges = [(low - a * size / 1000, high + b * size / 1000) for a, b in rooms]
    def plain(slopes: Slopes) -> Flux:
        return from_activation(formula, Facts(False, slopes, None), name=name)

    def with_tails(slopes: Slopes) -> Flux:
        return _with_tails(formula, slopes, name)

    far_out_known = all(_enclose_slope(formula, *end) is not None for end in (
        (-inf, -_FAR), (_FAR, inf)))
    for make in (plain, with_tails) if far_out_known else (with_tails, plain):
        yield _fluxes_of(make, ranges)
    if whole:
        yield _fluxes_of(plain, [whole])


def _fluxes_of(make: Callable[[Slopes], Flux], ranges: Sequence[Slopes]) -> Iterator[Flux]:
    for slopes in ranges:
        try:
            yield make(slopes)
        except (StabkitError, ArithmeticError):
            return


def _with_tails(formula: Expression, slopes: Slopes, name: str) -> Flux:
    """The flux with its slopes far from 0 written so that intervals enclose them there."""
    parts = split(formula, False)
    start = 1 + max((abs(edge) for edge, _ in parts[:-1] if edge is not None), default=Fraction(0))
    cut = [(-start, parts[0][1]), *parts[:-1], (start, parts[-1][1]), parts[-1]]
    ends = {0: -1, len(cut) - 1: 1}
    return Flux(name, [Piece(edge, phi, None, None, far_out(
        phi.derivative, start, ends[place]) if place in ends else None)
        for place, (edge, phi) in enumerate(cut)], Facts(False, slopes, None))


def _enclose_slope(formula: Expression, low: float, high: float
                   ) -> tuple[Fraction, Fraction] | None:
    """What the slope is enclosed in at once, if that is bounded."""
    try:
        found = Interval(0) + formula.derivative.at(Interval(low, high))
        return (found.lower, found.upper) if found.is_finite else None
    except (StabkitError, ArithmeticError):
        return None


# -- formulas whose slope is known in a good form --------------------------------------------------
def _is(formula: Expression, other: Expression, *cells: tuple[Fraction | float, Fraction | float]
        ) -> bool:
    return all(vanishes(formula - other, *cell) for cell in cells or ((-inf, inf),))


def number(value: Scalar) -> Fraction:
    """The fraction of few digits that an enclosure holds."""
    interval = Interval(0) + value
    return ((interval.lower + interval.upper) / 2).limit_denominator(_DIGITS)


def _values(formula: Expression, *points: int) -> list[Interval]:
    with precision(512):
        return [Interval(0) + formula.at(Fraction(point)) for point in points]


def _factor(formula: Expression) -> Fraction | None:
    """The slope at 0, if that is a number other than 0 and the value there is 0."""
    with precision(512):
        value, slope = formula.at(Fraction(0)), formula.derivative.at(Fraction(0))
        c = number(slope)
        return c if c and value == 0 else None


def _uses(formula: Expression, *operations: str) -> bool:
    return any(part.operation in operations for part in formula.parts())


def _facts(odd: bool, ends: tuple[Fraction, Fraction], c: Fraction,
           diffusivities: bool = True) -> Facts:
    slopes = (min(end * c for end in ends), max(end * c for end in ends))
    return Facts(odd, slopes, (min(Fraction(0), c), max(Fraction(0), c)) if diffusivities else None,
                 smooth=True)


def _root(formula: Expression, name: str) -> Flux | None:
    """±s/√(b + a s²), as Charbonnier's flux and the curvature of a graph."""
    if not _uses(formula, "sqrt"):
        return None
    with precision(512):
        steep, one = Interval(0) + formula.derivative.at(Fraction(0)), _values(formula, 1)[0]
        b = Constant(number(1 / steep**2))
        a = Constant(number(1 / one**2) - b)
        sign = Constant(1 if bool(steep > 0) else -1)
    made = sign * VARIABLE / np.sqrt(b + a * VARIABLE**2)
    if a <= 0 or b <= 0 or not _is(formula, made):
        return None
    return Flux("charbonnier", [Piece(
        None, made, lambda s: sign / np.sqrt(b + a * s**2), None,
        lambda s: sign * b / np.sqrt(b + a * s**2) ** 3)],
        _facts(True, (Fraction(0), Fraction(1)), sign * upper_root(Fraction(1) / b)),
        {"a": a, "b": b, "sign": sign})


def _quotient(formula: Expression, name: str) -> Flux | None:
    """c s/(1 + a s²), the rational flux of Perona and Malik."""
    c = _factor(formula)
    if c is None:
        return None
    a, k = Constant(c / Fraction(formula.at(Fraction(1))) - 1), Constant(c)
    made = k * VARIABLE / (1 + a * VARIABLE**2)
    if a <= 0 or not _is(formula, made):
        return None
    double, eighth, quarter = Constant(2 * c), Constant(c / 8), Constant(1, 4)
    return Flux("rational", [Piece(
        None, made, lambda s: k / (1 + a * s**2), None,
        lambda s: double * (1 / (1 + a * s**2) - quarter) ** 2 - eighth)],
        _facts(True, (Fraction(-1, 8), Fraction(1)), c), {"a": a, "factor": c})


def _gauss(formula: Expression, name: str) -> Flux | None:
    """c s exp(−a s²), the exponential flux of Perona and Malik."""
    c = _factor(formula) if _uses(formula, "exp") else None
    if c is None:
        return None
    with precision(512):
        a, k = Constant(number(-(_values(formula, 1)[0] / c).log())), Constant(c)

    def bell(s: Scalar) -> Scalar:
        return k * np.exp(-(a * s**2))

    if a <= 0 or not _is(formula, VARIABLE * bell(VARIABLE)):
        return None
    double = Constant(2 * c)
    return Flux("perona_malik", [Piece(
        None, lambda s: s * bell(s), bell, None, lambda s: bell(s) - double * decay(1, a * s**2))],
        _facts(True, (Fraction(-447, 1000), Fraction(1)), c), {"a": a, "factor": c})


def _gelu_by_tanh(formula: Expression, name: str) -> Flux | None:
    """The approximation of GELU by tanh: s (1 + tanh u)/2 with u = k s + m s³.

    As s u′ = 3u − 2ks and ks = u/(1 + m s²/k), its slope is (1 + tanh u)/2 plus or minus
    |u| (1 − tanh² u) (3/2 − 1/(1 + m s²/k)), which is bounded where u is endless.
    """
    inner = [part.arguments[0] for part in formula.parts() if part.operation == "tanh"]
    if len({part.text for part in inner}) != 1:
        return None
    u = inner[0]
    made = VARIABLE * (1 + np.tanh(u)) / 2
    terms = polynomial(u, Fraction(0), inf)
    if terms is None or len(terms) != 4 or terms[0] or terms[2] or terms[1] <= 0 or terms[3] <= 0:
        return None
    if not _is(formula, made):
        return None
    m = Constant(terms[3] / terms[1])

    def slope(sign: int) -> Expression:
        x = 2 * u if sign > 0 else -2 * u
        bump = decay(1, x) / (1 + np.exp(-x)) ** 2 * (3 - 2 / (1 + m * VARIABLE**2))
        return (1 + np.tanh(u)) / 2 + bump if sign > 0 else (1 + np.tanh(u)) / 2 - bump

    return next((flux for low, high in ((Fraction(-133, 1000), Fraction(1133, 1000)),
                                        (Fraction(-1, 2), Fraction(3, 2)), (Fraction(-2), 3))
                 if certified_slopes(flux := Flux("gelu_tanh", [
                     Piece(upto, made, (1 + np.tanh(u)) / 2, None, slope(sign))
                     for upto, sign in ((Fraction(0), -1), (None, 1))],
                     Facts(False, (low, Fraction(high)), (Fraction(0), Fraction(1)), smooth=True),
                     {"u": u.text}))), None)


def _garrote(formula: Expression, name: str) -> Flux | None:
    """c s for |s| <= q, c q²/s beyond, as written by c s q²/max(q², s²)."""
    c = _factor(formula) if _uses(formula, "max", "min", "where", "abs") else None
    if c is None:
        return None
    far = Fraction(2**40)
    square = Constant(number(far * formula.at(far) / c))
    q, k = Constant(isqrt(square.numerator), isqrt(square.denominator)), Constant(c)
    if q <= 0 or q**2 != square or not _is(formula, k * VARIABLE, (-q, q)) or not _is(
            formula, k * square / VARIABLE, (-inf, -q), (q, inf)):
        return None
    return Flux("garrote", [
        Piece(Fraction(q), lambda s: k * s, lambda s: k, None, lambda s: k),
        Piece(None, lambda s: k * square / s, lambda s: k * square / s**2, None,
              lambda s: -k * square / s**2)],
        Facts(True, (-abs(c), abs(c)), (min(Fraction(0), c), max(Fraction(0), c))),
        {"threshold": q, "factor": c})


def _softsign(formula: Expression, name: str) -> Flux | None:
    """c s/(1 + a|s|)."""
    c = _factor(formula)
    if c is None or not _uses(formula, "abs", "where"):
        return None
    a, k = Constant(c / Fraction(formula.at(Fraction(1))) - 1), Constant(c)
    made = k * VARIABLE / (1 + a * abs(VARIABLE))
    if a <= 0 or not _is(formula, made, (-inf, 0), (0, inf)):
        return None
    if a == c == 1:
        return activations.softsign()
    return Flux("softsign", [Piece(
        None, made, lambda s: k / (1 + a * abs(s)), None,
        lambda s: k / (1 + a * abs(s)) ** 2)],
        _facts(True, (Fraction(0), Fraction(1)), c), {"weight": a, "factor": c})


def _bell(formula: Expression, name: str) -> Flux | None:
    """c exp(−a s²), whose steepest slope is c √(2a/e)."""
    if not _uses(formula, "exp"):
        return None
    with precision(512):
        zero, one = _values(formula, 0, 1)
        c = number(zero)
        a = Constant(number(-(one / c).log()))
    k = Constant(c)
    made = k * np.exp(-(a * VARIABLE**2))
    if a <= 0 or not _is(formula, made):
        return None
    steep = abs(c) * Fraction(float(np.sqrt(2 * float(a) / np.e)) * (1 + 1e-9))
    eight = Constant(2 * Fraction(a))

    def slope(sign: int) -> Expression:
        # 2as exp(−as²) is ±√(2a) √(x e⁻ˣ) with x = 2as².
        bump = np.sqrt(eight * decay(1, eight * VARIABLE**2))
        return -(k * bump) if sign > 0 else k * bump

    return Flux("bell", [Piece(upto, made, None, None, slope(sign))
                         for upto, sign in ((Fraction(0), -1), (None, 1))],
                Facts(False, (-steep, steep), None, smooth=True), {"weight": a, "factor": c})


def _log_sigmoid(formula: Expression, name: str) -> Flux | None:
    """−ln(1 + e⁻ˢ)."""
    if not _uses(formula, "log"):
        return None
    turned = activations.softplus()

    def phi(s: Scalar) -> Scalar:
        return -turned.activation(-s)

    if not all(_is(formula, phi(VARIABLE), cell) or _is(
            (2 * formula).exp(), (2 * phi(VARIABLE)).exp(), cell)
            for cell in ((-inf, 0), (0, inf))):
        return None
    return Flux("log_sigmoid", [Piece(None, phi, None, None, lambda s: (1 - np.tanh(s / 2)) / 2)],
                Facts(False, (Fraction(0), Fraction(1)), None, smooth=True))


def _shrinkage(formula: Expression, name: str) -> Flux | None:
    """Soft shrinkage, however it is written; and what is a line on both sides of one point."""
    if not _uses(formula, "sign", "max", "min", "where", "abs"):
        return None
    far = line(formula, Fraction(2**40), inf)
    if far is None or far[1] != 1 or far[0] >= 0:
        return None
    q = -far[0]
    soft = activations.soft_shrinkage(q)
    alike = all(_is(formula, soft.expression(piece, "activation"), *inside)
                for piece, inside in zip(soft.pieces, soft.cells(), strict=True))
    return soft if alike else None
