"""The dictionary of fluxes (alt2020, Table 3, and the fluxes it leaves out).

Each flux gives its faces as the sources print them; that they belong together is proved.
Every slope formula is written so that interval arithmetic encloses it well on the whole line.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from stabkit.aliases import Number, Rational, Scalar
from stabkit.arithmetic.foreign import Entries
from stabkit.arithmetic.rational import Constant, fraction
from stabkit.codes import FluxCode
from stabkit.errors import InvalidArgument
from stabkit.fluxes.expression import Expression
from stabkit.fluxes.flux import Facts, Flux, Piece
from stabkit.fluxes.rounded import note_meaning

ZERO, ONE = Fraction(0), Fraction(1)
UNIT = (ZERO, ONE)
_LARGEST = Fraction(10**300)  # of a parameter, which the compiled twin takes as a double


def _positive(value: Scalar, name: str) -> Constant:
    number = Constant(fraction(value, name))
    if number <= 0:
        raise InvalidArgument(f"{name}: must be positive, got {value}")
    _check_size(number, name)
    return number


def _check_size(number: Fraction, name: str) -> None:
    if number and not 1 / _LARGEST <= abs(number) <= _LARGEST:
        raise InvalidArgument(f"{name}: must lie between 1e-300 and 1e300 in size")


def _always(value: Scalar) -> Callable[[Scalar], Scalar]:
    """The constant function, exact wherever the argument is; a NaN stays one."""
    exact = Constant(value)

    def constant(s: Scalar) -> Scalar:
        return exact + 0 * s if isinstance(s, (np.ndarray, Entries)) else exact  # type: ignore[operator]

    return constant


def _linear(factor: Rational) -> tuple:
    # The faces of the flux c s.
    c = Constant(factor)
    return (lambda s: c * s, _always(c), lambda s: c * s * s, _always(c))


def _inner(upto: Fraction) -> Piece:
    return Piece(upto, lambda s: s, _always(1), lambda s: s * s, _always(1))


def positive_part(x: Scalar) -> Scalar:
    """max(x, 0)."""
    return np.maximum(x, 0)


def decay(k: int, x: Scalar) -> Scalar:
    """xᵏ e⁻ˣ for x >= 0, one operation because an interval of it has a sharp enclosure."""
    return x.decay(k) if isinstance(x, Expression) else x**k * np.exp(-x)


def _with_kernel(flux: Flux, code: FluxCode, *parameters: float) -> Flux:
    # The one place where an expression gets its compiled twin; tests compare the two.
    object.__setattr__(flux, "kernel", (code, *parameters))
    return flux


def identity() -> Flux:
    """Constant diffusivity: Φ(s) = s, Ψ(s) = s² (Whittaker-Tikhonov)."""
    inner = _inner(ONE)
    flux = Flux("identity", [Piece(None, inner.activation, inner.diffusivity, inner.regulariser,
                                   inner.slope)],
                Facts(True, (ONE, ONE), (ONE, ONE), smooth=True))
    return _with_kernel(flux, FluxCode.IDENTITY, 1.0)


@note_meaning
def scaled_identity(factor: Number) -> Flux:
    """Φ(s) = c s, also for c <= 0."""
    c = fraction(factor, "factor")
    _check_size(c, "factor")
    flux = Flux("scaled_identity", [Piece(None, *_linear(c))],
                Facts(True, (c, c), (c, c), smooth=True), {"factor": c})
    return _with_kernel(flux, FluxCode.LINEAR, float(c))


@note_meaning
def charbonnier(contrast: Number = 1) -> Flux:
    """g = 1/√(1 + s²/λ²) (Charbonnier et al. 1994)."""
    square = Constant(_positive(contrast, "contrast") ** 2)

    def root(s: Scalar) -> Scalar:
        return np.sqrt(1 + s**2 / square)

    flux = Flux("charbonnier", [Piece(
        None, lambda s: s / root(s), lambda s: 1 / root(s),
        lambda s: 2 * square * (root(s) - 1), lambda s: 1 / root(s) ** 3)],
        Facts(True, UNIT, UNIT, smooth=True), {"contrast": contrast})
    return _with_kernel(flux, FluxCode.CHARBONNIER, float(fraction(contrast)))


@note_meaning
def soft(threshold: Number = 1) -> Flux:
    """Truncated total variation: Φ = s for |s| <= q, q sgn s beyond; Huber; soft shrinkage."""
    q = _positive(threshold, "threshold")
    square = Constant(q**2)
    flux = Flux("soft", [_inner(q), Piece(
        None, lambda s: q * s / abs(s), lambda s: q / abs(s),
        lambda s: 2 * q * abs(s) - square, _always(0))],
        Facts(True, UNIT, UNIT), {"threshold": threshold})
    return _with_kernel(flux, FluxCode.SOFT, float(q))


@note_meaning
def perona_malik(contrast: Number = 1) -> Flux:
    """g = exp(−s²/(2λ²)) (Perona and Malik 1990)."""
    square = Constant(_positive(contrast, "contrast") ** 2)
    twice = Constant(2 * square)

    def gauss(s: Scalar) -> Scalar:
        return np.exp(-(s**2) / twice)

    flux = Flux("perona_malik", [Piece(
        None, lambda s: s * gauss(s), gauss, lambda s: 2 * square * (1 - gauss(s)),
        lambda s: gauss(s) - 2 * decay(1, s**2 / twice))],
        Facts(True, (Fraction(-447, 1000), ONE), UNIT, smooth=True), {"contrast": contrast})
    return _with_kernel(flux, FluxCode.PERONA_MALIK, float(fraction(contrast)))


@note_meaning
def garrote(threshold: Number = 1) -> Flux:
    """Truncated balanced forward-backward: Φ = s for |s| <= q, q²/s beyond; garrote shrinkage."""
    q = _positive(threshold, "threshold")
    square = Constant(q**2)
    flux = Flux("garrote", [_inner(q), Piece(
        None, lambda s: square / s, lambda s: square / s**2,
        lambda s: square * (1 + np.log(s**2 / square)), lambda s: -square / s**2)],
        Facts(True, (-ONE, ONE), UNIT), {"threshold": threshold})
    return _with_kernel(flux, FluxCode.GARROTE, float(q))


@note_meaning
def hard(threshold: Number = 1) -> Flux:
    """Truncated quadratic: Φ = s for |s| <= q, 0 beyond; hard shrinkage.  It jumps at q."""
    q = _positive(threshold, "threshold")
    square = Constant(q**2)
    flux = Flux("hard", [_inner(q), Piece(
        None, _always(0), _always(0), _always(square), _always(0))],
        Facts(True, UNIT, UNIT, continuous=False), {"threshold": threshold})
    return _with_kernel(flux, FluxCode.HARD, float(q))


@note_meaning
def rational(contrast: Number = 1) -> Flux:
    """g = 1/(1 + s²/λ²), the other diffusivity of Perona and Malik (1990)."""
    square = Constant(_positive(contrast, "contrast") ** 2)
    quarter, eighth = Constant(1, 4), Constant(1, 8)

    def g(s: Scalar) -> Scalar:
        return 1 / (1 + s**2 / square)

    flux = Flux("rational", [Piece(
        None, lambda s: s / (1 + s**2 / square), g, lambda s: square * np.log(1 + s**2 / square),
        lambda s: 2 * (g(s) - quarter) ** 2 - eighth)],
        Facts(True, (Fraction(-1, 8), ONE), UNIT, smooth=True), {"contrast": contrast})
    return _with_kernel(flux, FluxCode.RATIONAL, float(fraction(contrast)))


@note_meaning
def weickert(contrast: Number = 1) -> Flux:
    """g = 1 − exp(−3.31488 λ⁸/s⁸), g(0) = 1 (Weickert 1998, m = 4).

    Its Lipschitz constant, about 2.335, is larger than sup g = 1.
    """
    weight = Constant(Fraction(331488, 100000) * _positive(contrast, "contrast") ** 8)
    flux = Flux("weickert", [_inner(ZERO), Piece(
        None, lambda s: s - s * np.exp(-weight / s**8), lambda s: 1 - np.exp(-weight / s**8), None,
        lambda s: 1 - np.exp(-weight / s**8) - 8 * decay(1, weight / s**8))],
        Facts(True, (Fraction(-467, 200), ONE), UNIT, smooth=True), {"contrast": contrast})
    return _with_kernel(flux, FluxCode.WEICKERT, float(fraction(contrast)))


@note_meaning
def firm(lower: Number = 1, upper: Number = 2) -> Flux:
    """Firm shrinkage (Gao and Bruce 1997): Φ = s up to q₁, then down to 0 at q₂."""
    q1, q2 = _positive(lower, "lower"), _positive(upper, "upper")
    if q1 >= q2:
        raise InvalidArgument(f"lower, upper: must increase, got {lower} and {upper}")
    fall = Constant(q1 / (q2 - q1))
    end = Constant(q2)
    flux = Flux("firm", [
        _inner(q1),
        Piece(q2, lambda s: fall * positive_part(end - abs(s)) * s / abs(s),
              lambda s: fall * positive_part(end - abs(s)) / abs(s), None,
              _always(-fall)),
        Piece(None, _always(0), _always(0), None, _always(0))],
        Facts(True, (-Fraction(fall), ONE), UNIT), {"lower": lower, "upper": upper})
    return _with_kernel(flux, FluxCode.FIRM, float(q1), float(q2))


@note_meaning
def tukey(edge: Scalar = 1) -> Flux:
    """g = (1 − s²/σ²)²/2 for |s| <= σ, 0 beyond: Tukey's biweight (Black et al. 1998).

    Its largest diffusivity is 1/2.
    """
    sigma = _positive(edge, "edge")
    square = Constant(sigma**2)
    half, sixth = Constant(1, 2), Constant(square / 6)

    def inside(s: Scalar) -> Scalar:
        return 1 - s**2 / square

    return Flux("tukey", [
        Piece(sigma, lambda s: half * s * inside(s) ** 2, lambda s: half * inside(s) ** 2,
              lambda s: sixth - sixth * inside(s) ** 3,
              lambda s: half - s**2 / square * (3 - Constant(5, 2) * (s**2 / square))),
        Piece(None, _always(0), _always(0), _always(sixth), _always(0))],
        Facts(True, (Fraction(-401, 1000), Fraction(1, 2)), (ZERO, Fraction(1, 2)), smooth=True),
        {"edge": edge})


def relu() -> Flux:
    """Φ(s) = max(s, 0)."""
    return leaky_relu(0, name="relu")


@note_meaning
def leaky_relu(slope: Scalar = Fraction(1, 100), *, name: str = "leaky_relu") -> Flux:
    """Φ(s) = s for s > 0, a s for s <= 0."""
    a = fraction(slope, "slope")
    _check_size(a, "slope")
    low, high = min(a, ONE), max(a, ONE)
    flux = Flux(name, [Piece(ZERO, *_linear(a)), Piece(None, *_linear(1))],
                Facts(False, (low, high), (low, high)), {} if name == "relu" else {"slope": slope})
    return _with_kernel(flux, FluxCode.LEAKY_RELU, float(a))


def tanh() -> Flux:
    """Φ(s) = tanh s."""
    flux = Flux("tanh", [
        _inner(ZERO),
        Piece(None, np.tanh, lambda s: np.tanh(s) / s, None, lambda s: 1 - np.tanh(s) ** 2)],
        Facts(True, UNIT, UNIT, smooth=True))
    return _with_kernel(flux, FluxCode.TANH, 1.0)


def cubic() -> Flux:
    """Φ(s) = s³: nondecreasing and smooth, but not Lipschitz."""
    return Flux("cubic", [Piece(None, lambda s: s**3, lambda s: s**2, lambda s: s**4 / 2,
                                lambda s: 3 * s**2)],
                Facts(True, (ZERO, ONE), None, continuous=False, smooth=True))


DICTIONARY = {
    "identity": identity, "charbonnier": charbonnier, "soft": soft, "perona_malik": perona_malik,
    "garrote": garrote, "hard": hard,
}
