"""The flux: one nonlinearity with four faces.

A flux Φ belongs to a diffusivity g (Φ(s) = g(s) s), a regulariser Ψ (Φ = Ψ′/2), a shrinkage
function S (S(r) = r (1 − 4τ/h² g(√2 r/h))) and, as it stands, an activation (alt2020, Table 1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import scipy

from stabkit.backend import is_foreign, namespace, to_host
from stabkit.derivative import Dual, derivative
from stabkit.enclosure import Interval
from stabkit.entries import Entries, plain
from stabkit.errors import HypothesisNotMet, InvalidArgument, Undecided
from stabkit.rational import Constant, fraction
from stabkit.transcript import Term, Transcript

Function = Callable[[Any], Any]

NAMES = {"activation": "phi", "diffusivity": "g", "regulariser": "psi", "slope": "dphi",
         "shrinkage": "S"}


@dataclass(frozen=True)
class Piece:
    """The formulas of a flux up to a breakpoint (``None``: up to infinity), in one variable s.

    ``slope`` is Φ′ inside the piece.  A face that has no closed form is ``None``.
    """

    upto: Fraction | None
    activation: Function
    diffusivity: Function | None = None
    regulariser: Function | None = None
    slope: Function | None = None


@dataclass(frozen=True)
class Facts:
    """What a flux declares about itself; ``stabkit.certificates`` checks every one with balls.

    Attributes
    ----------
    odd : bool
        Φ(−s) = −Φ(s).
    slopes : (Fraction, Fraction)
        A range that holds Φ′ wherever it exists and, for a continuous Φ, all difference
        quotients.
    diffusivities : (Fraction, Fraction) or None
        A range that holds g; its upper end is sup g.  ``None`` if g is unbounded.
    continuous, smooth : bool
        Φ continuous; Φ continuously differentiable.
    """

    odd: bool
    slopes: tuple[Fraction, Fraction]
    diffusivities: tuple[Fraction, Fraction] | None
    continuous: bool = True
    smooth: bool = False

    @property
    def monotone(self) -> bool:
        """Φ is nondecreasing."""
        return self.continuous and self.slopes[0] >= 0

    @property
    def linear(self) -> bool:
        """Φ is linear."""
        return self.continuous and self.slopes[0] == self.slopes[1]

    @property
    def lipschitz(self) -> Fraction | None:
        """The Lipschitz constant of Φ, or None if Φ jumps."""
        return max(abs(self.slopes[0]), abs(self.slopes[1])) if self.continuous else None

    @property
    def sup_diffusivity(self) -> Fraction | None:
        """sup g."""
        return self.diffusivities and self.diffusivities[1]


@dataclass(frozen=True, eq=False)
class Flux:
    """A nonlinearity Φ, given piece by piece, with its other faces and its facts.

    Parameters
    ----------
    name : str
    pieces : sequence of Piece
        In order.  For an odd flux they are pieces of |s| and their formulas must hold for both
        signs of s; otherwise they are pieces of the real line.  A breakpoint belongs to the piece
        before it.
    facts : Facts
    parameters : mapping
        For display and evidence.
    kernel : (int, float) or None
        Code and contrast parameter of the compiled twin.
    """

    name: str
    pieces: Sequence[Piece]
    facts: Facts
    parameters: Mapping[str, Any] = field(default_factory=dict)
    kernel: tuple[int, float] | tuple[int, float, float] | None = None
    piecewise_linear: bool = False
    transcendental: bool = False

    def __repr__(self) -> str:
        inside = ", ".join(f"{key}={value}" for key, value in self.parameters.items())
        return f"{self.name}({inside})" if inside else self.name

    # -- the four faces ------------------------------------------------------------------------
    def activation(self, s: Any) -> Any:
        """Φ(s), entry by entry."""
        return self._face("activation", s)

    __call__ = activation

    def diffusivity(self, s: Any) -> Any:
        """g(s) = Φ(s)/s, continued to s = 0."""
        return self._face("diffusivity", s)

    def regulariser(self, s: Any) -> Any:
        """Ψ(s) = 2 ∫₀ˢ Φ; in closed form, or by quadrature for floats."""
        if all(piece.regulariser for piece in self.pieces) or isinstance(s, Term):
            return self._face("regulariser", s)
        if is_foreign(s):  # a quadrature for each entry stays on the host
            return namespace(s).asarray(self.regulariser(to_host(s)))
        if np.asarray(s).dtype == object:
            raise HypothesisNotMet(f"{self.name}: its regulariser has no closed form, so it is "
                                   "known in floating point only")
        points = [float(piece.upto) for piece in self.pieces if piece.upto is not None]

        def integral(x: float) -> float:
            inside = [p for p in (*points, *(-p for p in points)) if 0 < p / x < 1] if x else []
            return 2 * scipy.integrate.quad(self.activation, 0, x, points=inside or None)[0]

        return np.vectorize(integral, otypes=[float])(s)[()]

    def shrinkage(self, r: Any, tau: Any = Fraction(1, 4), h: Any = 1) -> Any:
        """S(r) = r (1 − (4τ/h²) g(√2 r/h)) (alt2020, eq. (10)); floats or intervals."""
        weight, inverse = _weights(tau, h)
        return r * (1 - weight * self.diffusivity(inverse * (r * _root_two(r))))

    def half_difference_shrinkage(self, d: Any, tau: Any = Fraction(1, 4), h: Any = 1) -> Any:
        """S on an unnormalised Haar coefficient d = (a − b)/2, that is S(√2 d)/√2.

        It equals d (1 − (4τ/h²) g(2d/h)), so it stays rational where g does.
        """
        weight, inverse = _weights(tau, h)
        return d * (1 - weight * self.diffusivity(2 * inverse * d))

    def slope(self, s: Any) -> Any:
        """Φ′(s); at a breakpoint that of the piece before it."""
        return self._face("slope", s)

    def formula(self, face: str = "activation") -> str:
        """A face as a text in x, in the language of evidence."""
        return self._text(face, Term(Transcript(), "x")).text

    # -- evaluation in every arithmetic --------------------------------------------------------
    def piece_formula(self, piece: Piece, face: str) -> Function:
        """The formula of a face on a piece, in one variable s."""
        formula = getattr(piece, face)
        if formula is not None:
            return formula
        if face == "diffusivity":
            return lambda s: piece.activation(s) / s
        if face == "slope":
            return lambda s: derivative(piece.activation, s)
        raise HypothesisNotMet(f"{self.name}: its {face} has no closed form")

    def _face(self, face: str, s: Any) -> Any:
        if isinstance(s, Term):
            return s.call(s.log.function((self, face), NAMES[face], lambda x: self._text(face, x)))
        if not isinstance(s, np.ndarray):
            if isinstance(s, (Fraction, Interval, Dual, int)):
                return self._at(face, s)
            if isinstance(s, Entries) or is_foreign(s):
                return self._on_foreign(face, s)
        array = np.asarray(s)
        if array.dtype == object:
            values = np.empty(array.shape, dtype=object)
            for index, entry in np.ndenumerate(array):
                values[index] = self._at(face, entry)
            return values
        return self._on_floats(face, array)[()]

    def _text(self, face: str, x: Term) -> Term:
        *inner, last = self.pieces
        text = self.piece_formula(last, face)(x)
        size = abs(x) if self.facts.odd else x
        for piece in reversed(inner):
            here = self.piece_formula(piece, face)(x)
            here = here if isinstance(here, Term) else Term(x.log, str(here))
            text = text if isinstance(text, Term) else Term(x.log, str(text))
            if here.text == text.text:
                continue
            text = here.when(f"{size.text} <= {piece.upto}", text)
        return text if isinstance(text, Term) else Term(x.log, str(text))

    def _at(self, face: str, s: Any) -> Any:
        value, *others = self.values_on(face, s)
        for other in others:
            value = (value if isinstance(value, Interval) else Interval(value)).hull(other)
        return value

    def values_on(self, face: str, s: Any) -> list[Any]:
        """A face at a point or on an interval: one value for each piece that is met.

        An enclosure may straddle a breakpoint; then every piece it meets counts.
        """
        if self.transcendental and isinstance(s, (Fraction, int)):
            s = Interval(s)
        elif self.transcendental and isinstance(s, Dual) and isinstance(
                s.value, (Fraction, int)):
            s = Dual(Interval(s.value), s.slope)
        met, size = [], abs(s) if self.facts.odd else s
        for piece in self.pieces:
            try:
                inside = piece.upto is None or bool(size <= piece.upto)
            except Undecided:
                met.append(self.piece_formula(piece, face)(s))
                continue
            if inside:
                met.append(self.piece_formula(piece, face)(s))
                break
        return met

    def _on_floats(self, face: str, s: np.ndarray) -> np.ndarray:
        *inner, last = self.pieces
        size = np.abs(s) if inner and self.facts.odd else s
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            value = self.piece_formula(last, face)(s)
            for piece in reversed(inner):
                edge = s.dtype.type(piece.upto)
                value = np.where(size <= edge, self.piece_formula(piece, face)(s), value)
        value = np.asarray(value, dtype=s.dtype)
        return value + 0.0 if value.shape == s.shape else value + np.zeros_like(s)

    def _on_foreign(self, face: str, s: Any) -> Any:
        # The same in the names of the library of s.
        if isinstance(s, Entries):
            return Entries(self._on_foreign(face, s.array))
        xp = namespace(s)
        nothing = xp.zeros_like(s)
        size = xp.abs(s) if self.facts.odd else s
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            *inner, last = self.pieces
            value = plain(self.piece_formula(last, face)(Entries(s))) + nothing
            for piece in reversed(inner):
                here = plain(self.piece_formula(piece, face)(Entries(s))) + nothing
                value = xp.where(size <= float(piece.upto), here, value)  # type: ignore[arg-type]
        return value

    def breakpoints(self) -> list[Fraction]:
        """The points of the real line where the pieces meet, in order."""
        ends = [piece.upto for piece in self.pieces if piece.upto is not None]
        return sorted({*ends, *(-end for end in ends)}) if self.facts.odd else ends


def _weights(tau: Any, h: Any) -> tuple[Constant, Constant]:
    tau, h = fraction(tau, "tau"), fraction(h, "h")
    if tau <= 0 or h <= 0:
        raise InvalidArgument(f"tau, h: must be positive, got tau={tau}, h={h}")
    return Constant(4 * tau / h**2), Constant(1 / h)


def _root_two(beside: Any) -> Any:
    if isinstance(beside, Entries) or is_foreign(beside):
        return float(np.sqrt(2.0))
    exact = isinstance(beside, (Fraction, Interval, int, Dual)) or \
        np.asarray(beside).dtype == object
    return Interval(2).sqrt() if exact else np.asarray(beside).dtype.type(np.sqrt(2.0))


# -- a user's own function -----------------------------------------------------------------------
def from_activation(activation: Function, facts: Facts, *, name: str = "custom",
                    diffusivity_at_zero: Any = None) -> Flux:
    """A flux from Φ, written with arithmetic and ``np.exp``, ``np.sqrt``, ``np.tanh``, ...

    The other faces follow: g = Φ/s (its value at 0 must be given if Φ/s cannot be evaluated
    there), Φ′ by differentiation, Ψ by quadrature.
    """
    at_zero = None if diffusivity_at_zero is None else fraction(diffusivity_at_zero)

    def diffusivity(s: Any) -> Any:
        many = isinstance(s, (np.ndarray, Entries))
        if at_zero is not None and not many and not isinstance(s, (Term, Interval)) and s == 0:
            return at_zero
        quotient = activation(s) / s
        if at_zero is not None and many:
            return np.where(s == 0, float(at_zero), quotient)
        return quotient

    return Flux(name, [Piece(None, activation, diffusivity)], facts)


def from_diffusivity(diffusivity: Function, facts: Facts, *, name: str = "custom") -> Flux:
    """A flux from its diffusivity g(s): Φ(s) = g(s) s."""
    return Flux(name, [Piece(None, lambda s: diffusivity(s) * s, diffusivity)], facts)


def from_regulariser(regulariser: Function, facts: Facts, *, name: str = "custom") -> Flux:
    """A flux from its regulariser Ψ(s), differentiated automatically: Φ = Ψ′/2."""
    def activation(s: Any) -> Any:
        if isinstance(s, Term):
            raise HypothesisNotMet(f"{name}: Φ = Ψ′/2 is computed, it cannot be written down")
        if isinstance(s, (np.ndarray, Entries)):
            with np.errstate(all="ignore"):
                return derivative(regulariser, s) / 2
        return derivative(regulariser, s) / 2

    return Flux(name, [Piece(None, activation, None, regulariser)], facts)


def from_shrinkage(shrinkage: Function, facts: Facts, tau: Any = Fraction(1, 4), h: Any = 1, *,
                   name: str = "custom") -> Flux:
    """A flux from a shrinkage function S: Φ(s) = (h²/4τ) s − (h/(2√2 τ)) S(h s/√2) (alt2020)."""
    weight, inverse = _weights(tau, h)
    own, back = Constant(1 / weight), Constant(2 * inverse / weight)
    grid = Constant(1 / inverse)

    def activation(s: Any) -> Any:
        root = _root_two(s)
        return own * s - back / root * shrinkage(grid * s / root)

    return Flux(name, [Piece(None, activation)], facts, transcendental=True)
