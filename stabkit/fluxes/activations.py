"""The activations of networks, as fluxes: sigmoid, GELU, SiLU, ELU, clipping and the like.

They bend the whole line rather than come from diffusivities, so most are not odd, and those that do
not vanish at 0 have no bounded g.  Every slope formula is written so that interval arithmetic
encloses it well on the whole line; a piece that begins at 0 serves its slope only.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import scipy

from stabkit.aliases import Number, Scalar
from stabkit.arithmetic.rational import Constant, fraction
from stabkit.errors import InvalidArgument
from stabkit.fluxes.dictionary import ONE, UNIT, ZERO, _always, _positive, decay, positive_part
from stabkit.fluxes.expression import Expression, as_expression
from stabkit.fluxes.flux import Facts, Flux, Piece
from stabkit.fluxes.rounded import note_meaning


def erf(x: Scalar) -> Scalar:
    """(2/√π) ∫₀ˣ exp(−t²) dt."""
    return x.erf() if isinstance(x, Expression) else scipy.special.erf(x)


def _irrational(exact: Callable[[], Expression], value: float) -> Callable[[Scalar], Scalar]:
    """An irrational constant, in the arithmetic of the number beside it."""
    def beside(s: Scalar) -> Scalar:
        if isinstance(s, Expression):
            return exact()
        if isinstance(s, float | np.ndarray | np.generic) and np.asarray(s).dtype.kind == "f":
            return np.asarray(s).dtype.type(value)
        return value

    return beside


_erf_rise = _irrational(lambda: 2 / Expression.pi().sqrt(), 2 / math.sqrt(math.pi))


def sigmoid() -> Flux:
    """Φ(s) = 1/(1 + e⁻ˢ) = (1 + tanh(s/2))/2."""
    return Flux("sigmoid", [Piece(
        None, lambda s: (1 + np.tanh(s / 2)) / 2, None, None,
        lambda s: (1 - np.tanh(s / 2) ** 2) / 4)],
        Facts(False, (ZERO, Fraction(1, 4)), None, smooth=True))


def softplus() -> Flux:
    """Φ(s) = ln(1 + eˢ), written so that it does not overflow."""
    return Flux("softplus", [Piece(
        None, lambda s: positive_part(s) + np.log(1 + np.exp(-abs(s))), None, None,
        lambda s: (1 + np.tanh(s / 2)) / 2)],
        Facts(False, UNIT, None, smooth=True))


@note_meaning
def elu(alpha: Number = 1) -> Flux:
    """Φ(s) = s for s > 0, α (eˢ − 1) for s <= 0 (Clevert et al. 2016)."""
    a = _positive(alpha, "alpha")
    top = (ZERO, max(ONE, Fraction(a)))
    return Flux("elu", [
        Piece(ZERO, lambda s: a * (np.exp(s) - 1), None, None, lambda s: a * np.exp(s)),
        Piece(None, lambda s: s, _always(1), None, _always(1))],
        Facts(False, top, top, smooth=a == 1), {"alpha": alpha})


@note_meaning
def silu(steepness: Number = 1) -> Flux:
    """Φ(s) = s/(1 + exp(−βs)), also called Swish; Φ′ lies between about −0.09984 and 1.09984."""
    beta = _positive(steepness, "steepness")

    def g(s: Scalar) -> Scalar:
        return (1 + np.tanh(beta * s / 2)) / 2

    def slope(sign: int) -> Callable[[Scalar], Scalar]:
        # βs σ(βs) σ(−βs) is sign · d(|βs|) with d(x) = x e⁻ˣ/(1 + e⁻ˣ)².
        def on_one_side(s: Scalar) -> Scalar:
            x = beta * s if sign > 0 else -(beta * s)
            bump = decay(1, x) / (1 + np.exp(-x)) ** 2
            return g(s) + bump if sign > 0 else g(s) - bump
        return on_one_side

    return Flux("silu", [Piece(upto, lambda s: s * g(s), g, None, slope(sign))
                         for upto, sign in ((ZERO, -1), (None, 1))],
                Facts(False, (Fraction(-1, 10), Fraction(11, 10)), UNIT, smooth=True),
                {"steepness": steepness})


@note_meaning
def gelu(variance: Number = 1) -> Flux:
    """Φ(s) = s (1 + erf(s/√(2v)))/2; Φ′ lies between about −0.12891 and 1.12891.

    The variance v is 1 in the definition (Hendrycks and Gimpel 2016); files that write √2 with
    few digits mean a neighbour of it.
    """
    v = _positive(variance, "variance")
    double, double_pi = Fraction(2 * v), _irrational(lambda: 2 * Expression.pi(), 2 * math.pi)
    root = _irrational(as_expression(double).sqrt, math.sqrt(double))

    def g(s: Scalar) -> Scalar:
        return (1 + erf(s / root(s))) / 2

    def slope(sign: int) -> Callable[[Scalar], Scalar]:
        # (s/√(2πv)) exp(−s²/(2v)) is sign · √(x e⁻ˣ/(2π)) with x = s²/v.
        def on_one_side(s: Scalar) -> Scalar:
            bump = np.sqrt(decay(1, s**2 / v) / double_pi(s))
            return g(s) + bump if sign > 0 else g(s) - bump
        return on_one_side

    return Flux("gelu", [Piece(upto, lambda s: s * g(s), g, None, slope(sign))
                         for upto, sign in ((ZERO, -1), (None, 1))],
                Facts(False, (Fraction(-129, 1000), Fraction(1129, 1000)), UNIT, smooth=True),
                {} if v == 1 else {"variance": variance})


def mish() -> Flux:
    """Φ(s) = s tanh(ln(1 + eˢ)) (Misra 2020); Φ′ lies between about −0.1132 and 1.0886."""
    # tanh ln(1 + w) = (w² + 2w)/(w² + 2w + 2); for s > 0 both sides are divided by w² = e²ˢ.
    def fall(s: Scalar) -> Scalar:
        w = np.exp(s)
        return w * (w + 2) / (w * (w + 2) + 2)

    def rise(s: Scalar) -> Scalar:
        z = np.exp(-s)
        return 1 - 2 * z**2 / (1 + 2 * z * (1 + z))

    def slope_below(s: Scalar) -> Scalar:
        w = np.exp(s)
        return fall(s) - 4 * decay(1, -s) * (1 + w) / (w * (w + 2) + 2) ** 2

    def slope_above(s: Scalar) -> Scalar:
        z = np.exp(-s)
        return rise(s) + 2 * decay(1, 2 * s) * (1 + z) / (1 + 2 * z * (1 + z)) ** 2

    return Flux("mish", [Piece(ZERO, lambda s: s * fall(s), fall, None, slope_below),
                         Piece(None, lambda s: s * rise(s), rise, None, slope_above)],
                Facts(False, (Fraction(-114, 1000), Fraction(1089, 1000)), UNIT, smooth=True))


def error_function() -> Flux:
    """Φ(s) = erf s, whose steepest slope is 2/√π."""
    top = (ZERO, Fraction(1129, 1000))
    return Flux("error_function", [
        Piece(ZERO, lambda s: s, _erf_rise, None, _erf_rise),
        Piece(None, erf, lambda s: erf(s) / s, None, lambda s: np.exp(-(s**2)) * _erf_rise(s))],
        Facts(True, top, top, smooth=True))


@note_meaning
def clip(lower: Number | None = -1, upper: Number | None = 1) -> Flux:
    """Φ(s) = min(max(s, a), b), the hard tanh; ``None`` leaves a side open."""
    low = None if lower is None else fraction(lower, "lower")
    high = None if upper is None else fraction(upper, "upper")
    if low is not None and high is not None and low >= high:
        raise InvalidArgument(f"lower, upper: must increase, got {lower} and {upper}")
    held = (low is None or low <= 0) and (high is None or high >= 0)  # Φ(0) = 0
    pieces = [] if low is None else [_level(low, low)]
    pieces.append(Piece(high, lambda s: s, _always(1), None, _always(1)))
    pieces += [] if high is None else [_level(None, high)]
    return Flux("clip", pieces, Facts(False, UNIT, UNIT if held else None),
                {name: end for name, end in (("lower", lower), ("upper", upper))
                 if end is not None})


def _level(upto: Fraction | None, value: Fraction) -> Piece:
    exact = Constant(value)
    quotient = _always(0) if value == 0 else lambda s: exact / s
    return Piece(upto, _always(value), quotient, None, _always(0))


@note_meaning
def hard_swish(factor: Number = Fraction(1, 6), offset: Number = Fraction(1, 2)) -> Flux:
    """Φ(s) = s min(max(αs + β, 0), 1)."""
    a, b = _positive(factor, "factor"), Constant(fraction(offset, "offset"))
    kinks = (-Fraction(b), 2 - Fraction(b))  # the slopes 2αs + β at both ends of the middle
    slopes = (min(ZERO, *kinks), max(ONE, *kinks))
    return Flux("hard_swish", [
        Piece(Fraction(-b / a), _always(0), _always(0), None, _always(0)),
        Piece(Fraction((1 - b) / a), lambda s: s * (a * s + b), lambda s: a * s + b, None,
              lambda s: 2 * a * s + b),
        Piece(None, lambda s: s, _always(1), None, _always(1))],
        Facts(False, slopes, UNIT), {"factor": factor, "offset": offset})


@note_meaning
def soft_shrinkage(threshold: Number = 1) -> Flux:
    """Φ(s) = sgn(s) max(|s| − q, 0)."""
    q = _positive(threshold, "threshold")
    return Flux("soft_shrinkage", [
        Piece(Fraction(q), _always(0), _always(0), None, _always(0)),
        Piece(None, lambda s: s - q * s / abs(s), lambda s: 1 - q / abs(s), None, _always(1))],
        Facts(True, UNIT, UNIT), {"threshold": threshold})


def softsign() -> Flux:
    """Φ(s) = s/(1 + |s|)."""
    return Flux("softsign", [Piece(
        None, lambda s: s / (1 + abs(s)), lambda s: 1 / (1 + abs(s)), None,
        lambda s: 1 / (1 + abs(s)) ** 2)],
        Facts(True, UNIT, UNIT, smooth=True))
