"""The flux: one nonlinearity with four faces.

A flux Φ belongs to a diffusivity g (Φ(s) = g(s) s), a regulariser Ψ (Φ = Ψ′/2), a shrinkage
function S (S(r) = r (1 − 4τ/h² g(√2 r/h))) and, as it stands, an activation (alt2020, Table 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import inf
from typing import Any

import numpy as np

from stabkit.aliases import Fields, Number, Rational, Scalar
from stabkit.arithmetic.backend import is_foreign, namespace, to_host
from stabkit.arithmetic.derivative import Dual
from stabkit.arithmetic.enclosure import Interval, hull_of
from stabkit.arithmetic.foreign import Entries, plain
from stabkit.arithmetic.linearised import Linearised
from stabkit.arithmetic.rational import Constant, fraction
from stabkit.arithmetic.transcript import Term, Transcript
from stabkit.codes import FluxCode
from stabkit.errors import HypothesisNotMet, InvalidArgument, NoValue, Undecided
from stabkit.fluxes.continuity import is_continuous
from stabkit.fluxes.expression import TRANSCENDENTAL, VARIABLE, Expression, as_expression
from stabkit.fluxes.faces import (
    Faces,
    Facts,
    Function,
    Piece,
    as_facts,
    cells_of,
    faces_of,
    line_of,
    with_diffusivity,
)
from stabkit.fluxes.kinks import split
from stabkit.fluxes.polynomials import line
from stabkit.fluxes.quadrature import float_integral, integral_from_zero
from stabkit.fluxes.recording import record
from stabkit.fluxes.rounded import Rounding, as_meant, note_meaning
from stabkit.fluxes.vanishing import vanishes
from stabkit.proof.words import Expression as Symbols

NAMES = dict(activation="phi", diffusivity="g", regulariser="psi", slope="dphi", shrinkage="S")
RISE = "′"  # behind the name of a face: its derivative


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

    Attributes
    ----------
    kernel : (FluxCode, float) or (FluxCode, float, float) or None
        Code and parameters of the compiled twin, which only the fluxes of the dictionary have.

    Raises
    ------
    InvalidArgument
        If a formula is no expression in s, the breakpoints do not increase, or a face does not
        belong to the activation; the message names a point where it differs.
    """

    name: str
    pieces: Sequence[Piece]
    facts: Facts
    parameters: Fields = field(default_factory=dict)
    kernel: tuple[FluxCode, float] | tuple[FluxCode, float, float] | None = field(
        default=None, init=False)
    making: tuple[Function, Fields] | None = field(default=None, init=False)  # what made it

    def __post_init__(self) -> None:
        object.__setattr__(self, "pieces", tuple(self.pieces))
        self._faces  # noqa: B018 - refuses at once faces that do not belong together

    @cached_property
    def _faces(self) -> list[Faces]:
        return faces_of(self.pieces, as_facts(self.facts).odd, self.name)

    def meant(self) -> Flux:
        """The flux with the numbers that its floats were meant to be; itself without floats."""
        return self.intended[0]

    @cached_property
    def intended(self) -> tuple[Flux, tuple[Rounding, ...]]:
        """The flux that was meant, and each number that differs: its place, itself, its meaning."""
        return as_meant(self) if type(self) is Flux else (self, ())  # others may differ

    # -- what is found from the expressions --------------------------------------------------------
    @cached_property
    def transcendental(self) -> bool:
        """Whether Φ, g or Φ′ is irrational at some rational numbers."""
        return any(part.operation in TRANSCENDENTAL for faces in self._faces
                   for face in ("activation", "diffusivity", "slope")
                   for part in faces[face].parts())

    @cached_property
    def piecewise_linear(self) -> bool:
        """Whether Φ is a s + b on every piece (for an odd flux, on either of its cells)."""
        return all(line(faces["activation"], *cell) is not None
                   for faces, cells in zip(self._faces, self.cells(), strict=True)
                   for cell in cells)

    @cached_property
    def is_odd(self) -> bool:
        """Whether Φ(−s) = −Φ(s) is proved, as an expression on every piece."""
        mirrored = -VARIABLE
        if not self.facts.odd:
            return False
        return all(vanishes(faces["activation"].at(mirrored) + faces["activation"], *cell)
                   for faces, cells in zip(self._faces, self.cells(), strict=True)
                   for cell in cells)

    def cells(self) -> list[list[tuple[Scalar, Scalar]]]:
        """The closed cells of the real line that belong to each piece."""
        return cells_of([piece.upto for piece in self.pieces], self.facts.odd)

    def __repr__(self) -> str:
        inside = ", ".join(f"{key}={value}" for key, value in self.parameters.items())
        return f"{self.name}({inside})" if inside else self.name

    # -- the four faces ------------------------------------------------------------------------
    def activation(self, s: Scalar) -> Scalar:
        """Φ(s), entry by entry."""
        return self._face("activation", s)

    __call__ = activation

    def diffusivity(self, s: Scalar) -> Scalar:
        """g(s) = Φ(s)/s, continued to s = 0."""
        return self._face("diffusivity", s)

    def regulariser(self, s: Scalar) -> Scalar:
        """Ψ(s) = 2 ∫₀ˢ Φ; in closed form, or by quadrature (with error bounds in exact numbers)."""
        if all("regulariser" in faces for faces in self._faces) or isinstance(s, Term | Expression):
            return self._face("regulariser", s)
        if is_foreign(s):  # a quadrature for each entry stays on the host
            return namespace(s).asarray(self.regulariser(to_host(s)))
        if isinstance(s, Fraction | int | Interval) or np.asarray(s).dtype == object:
            return np.vectorize(self._integral, otypes=[object])(np.asarray(s, dtype=object))[()]
        return 2 * float_integral(self.activation, self.breakpoints(), s)[()]

    @cached_property
    def _integrable(self) -> bool:
        return all(is_continuous(faces["activation"], *cell) for faces, cells in
                   zip(self._faces, self.cells(), strict=True) for cell in cells)

    def _integral(self, x: Scalar) -> Interval:
        # Φ over the whole of an interval times its width, beside the integral up to one end.
        if not self._integrable:
            raise HypothesisNotMet(f"{self.name}: its regulariser is known in floats only, as the "
                                   "activation is not shown to be continuous")
        low, high = (x.lo, x.hi) if isinstance(x, Interval) else (x, x)
        if isinstance(x, Interval) and not x.is_finite:
            return Interval(-inf, inf)
        near = x.lower if isinstance(x, Interval) else Fraction(x)
        total = integral_from_zero([(faces["activation"], cells) for faces, cells in zip(
            self._faces, self.cells(), strict=True)], self.breakpoints(), near)
        rise = Interval(0) if low == high else self.activation(x) * Interval(0, high - low)
        return 2 * total + 2 * rise

    def shrinkage(self, r: Scalar, tau: Rational = Fraction(1, 4), h: Rational = 1) -> Scalar:
        """S(r) = r (1 − (4τ/h²) g(√2 r/h)) (alt2020, eq. (10)); floats or intervals."""
        weight, inverse = _weights(tau, h)
        return r * (1 - weight * self.diffusivity(inverse * (r * _root_two(r))))

    def half_difference_shrinkage(self, d: Scalar, tau: Rational = Fraction(1, 4), h: Rational = 1
                                 ) -> Scalar:
        """S on an unnormalised Haar coefficient d = (a − b)/2, that is S(√2 d)/√2.

        It equals d (1 − (4τ/h²) g(2d/h)), so it stays rational where g does.
        """
        weight, inverse = _weights(tau, h)
        return d * (1 - weight * self.diffusivity(2 * inverse * d))

    def slope(self, s: Scalar) -> Scalar:
        """Φ′(s); at a breakpoint that of the piece before it."""
        return self._face("slope", s)

    def formula(self, face: str = "activation") -> str:
        """A face as a text in x, in the language of evidence."""
        return self._text(face, Term(Transcript(), "x")).text

    # -- evaluation in every arithmetic --------------------------------------------------------
    def expression(self, piece: Piece, face: str) -> Expression:
        """The expression of a face on a piece: given and proved, or derived from Φ."""
        if face.endswith(RISE):
            return self.expression(piece, face.removesuffix(RISE)).derivative
        # No dictionary by identity: a copy's pieces have others, maybe those of other ones before.
        found = next(faces for own, faces in zip(self.pieces, self._faces, strict=True)
                     if own is piece).get(face)
        if found is None:
            raise HypothesisNotMet(f"{self.name}: its {face} has no closed form")
        return found

    def _float_formula(self, piece: Piece, face: str) -> Function:
        # A formula is run as it was given, so that its bits are those that its author expects.
        formula = getattr(piece, face, None)
        if face == "diffusivity" and formula is None:
            return lambda s: self._float_formula(piece, "activation")(s) / s
        return self.expression(piece, face).at if formula is None else formula

    def _floats(self, piece: Piece, face: str, s: np.ndarray) -> Scalar:
        try:
            value = self._float_formula(piece, face)(s)
        except ZeroDivisionError:  # a fraction in a user's formula has made Python's floats of s
            value = self.expression(piece, face).at(s)
        return np.where(np.isnan(s), s, value) if np.ndim(value) == 0 else value

    def _face(self, face: str, s: Scalar) -> Scalar:
        if isinstance(s, Symbols):
            return line_of(face, self._faces, self.cells()) * s
        if isinstance(s, Term):
            return s.call(s.log.function((self, face), NAMES[face], lambda x: self._text(face, x)))
        if not isinstance(s, np.ndarray):
            if isinstance(s, (Fraction, Interval, int)):
                return self._at(face, Fraction(s) if isinstance(s, int) else s)
            if isinstance(s, (Dual, Linearised)):
                rise = "slope" if face == "activation" else face + RISE
                return s.through(self._face(face, s.value), self._face(rise, s.value))
            if isinstance(s, Expression):
                return self._compose(face, s)
            if isinstance(s, Entries) or is_foreign(s):
                return self._on_foreign(face, s)
            if _is_recorded(s):
                return self._compose(face, VARIABLE).at(s)
        array = np.asarray(s)
        if array.dtype == object:
            values = np.empty(array.shape, dtype=object)
            for index, entry in np.ndenumerate(array):
                followed = isinstance(entry, (Dual, Linearised)) or _is_recorded(entry)
                values[index] = (self._face if followed else self._at)(face, entry)
            return values
        return self._on_floats(face, array)[()]

    def _text(self, face: str, x: Term) -> Term:
        text = self._compose(face, VARIABLE).at(x)
        return text if isinstance(text, Term) else Term(x.log, str(text))

    def _compose(self, face: str, s: Expression) -> Expression:
        # One expression for all pieces.
        *inner, last = self.pieces
        made = as_expression(self.expression(last, face).at(s))
        size = abs(s) if self.facts.odd else s
        for piece in reversed(inner):
            here = as_expression(self.expression(piece, face).at(s))
            if here.text != made.text:
                made = Expression.where(size <= piece.upto, here, made)
        return made

    def _at(self, face: str, s: Scalar) -> Scalar:
        return hull_of(self.values_on(face, s))

    def _pieces_at(self, s: Scalar) -> list[Piece]:
        # An enclosure may straddle a breakpoint; then every piece it meets counts.
        met, size = [], abs(s) if self.facts.odd else s
        for piece in self.pieces:
            try:
                inside = piece.upto is None or bool(size <= piece.upto)
            except Undecided:
                met.append(piece)
                continue
            if inside:
                return [*met, piece]
        return met

    def values_on(self, face: str, s: Scalar) -> list[Scalar]:
        """A face at a point or on an interval: one value for each piece that it meets.

        Raises
        ------
        NoValue
            If the face has no value at the point.
        """
        try:
            return [self.expression(piece, face).at(s) for piece in self._pieces_at(s)]
        except (ZeroDivisionError, NoValue):
            raise NoValue(f"{self}: its {face} has no value at s = {s}") from None

    def _on_floats(self, face: str, s: np.ndarray) -> np.ndarray:
        *inner, last = self.pieces
        size = np.abs(s) if inner and self.facts.odd else s
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            value = self._floats(last, face, s)
            for piece in reversed(inner):
                edge = s.dtype.type(piece.upto)
                value = np.where(size <= edge, self._floats(piece, face, s), value)
        return np.asarray(value, dtype=s.dtype) + np.zeros((), s.dtype)

    def _on_foreign(self, face: str, s: Scalar) -> Scalar:
        # The same with the names of the library that s is from.
        if isinstance(s, Entries):
            return Entries(self._on_foreign(face, s.array))
        xp = namespace(s)
        nothing = xp.zeros_like(s)
        size = xp.abs(s) if self.facts.odd else s
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            *inner, last = self.pieces
            value = plain(self._float_formula(last, face)(Entries(s))) + nothing
            for piece in reversed(inner):
                here = plain(self._float_formula(piece, face)(Entries(s))) + nothing
                value = xp.where(size <= float(piece.upto), here, value)  # type: ignore[arg-type]
        return value

    def breakpoints(self) -> list[Fraction]:
        """The points of the real line where the pieces meet, in order."""
        ends = [piece.upto for piece in self.pieces if piece.upto is not None]
        return sorted({*ends, *(-end for end in ends)}) if self.facts.odd else ends


def _is_recorded(s: Scalar) -> bool:
    """Whether s records what NumPy does with it, as the symbols of a traced step do."""
    return hasattr(s, "__array_function__") and not isinstance(s, (np.ndarray, Term, Expression))


def _weights(tau: Rational, h: Rational) -> tuple[Constant, Constant]:
    tau, h = fraction(tau, "tau"), fraction(h, "h")
    if tau <= 0 or h <= 0:
        raise InvalidArgument(f"tau, h: must be positive, got tau={tau}, h={h}")
    return Constant(4 * tau / h**2), Constant(1 / h)


def _root_two(beside: Scalar) -> Scalar:
    if isinstance(beside, Expression):
        return as_expression(2).sqrt()
    if isinstance(beside, Entries) or is_foreign(beside):
        return float(np.sqrt(2.0))
    exact = isinstance(beside, (Fraction, Interval, int, Dual)) or \
        np.asarray(beside).dtype == object
    return Interval(2).sqrt() if exact else np.asarray(beside).dtype.type(np.sqrt(2.0))


# -- a user's own function -----------------------------------------------------------------------
@note_meaning
def from_activation(activation: Function, facts: Facts, *, name: str = "custom",
                    diffusivity_at_zero: Number | None = None) -> Flux:
    """A flux from Φ, written with arithmetic and ``np.exp``, ``np.sqrt``, ``np.tanh``, ...

    The other faces follow: g = Φ/s (its value at 0 must be given if Φ/s cannot be evaluated
    there), Φ′ by differentiation, Ψ by quadrature.  ``np.where``, ``np.maximum`` and the
    like become pieces.
    """
    at_zero = None if diffusivity_at_zero is None else fraction(
        diffusivity_at_zero, "diffusivity_at_zero")
    parts = split(record(activation, f"{name}: activation"), as_facts(facts).odd)
    first = next(k for k, (edge, _) in enumerate(parts) if edge is None or edge >= 0)
    return Flux(name, [piece for k, (edge, phi) in enumerate(parts)
                       for piece in with_diffusivity(edge, phi, at_zero if k == first else None,
                                                      facts.odd)], facts)


@note_meaning
def from_diffusivity(diffusivity: Function, facts: Facts, *, name: str = "custom") -> Flux:
    """A flux from its diffusivity g(s): Φ(s) = g(s) s."""
    def piece(edge: Fraction | None, g: Any) -> Piece:
        return Piece(edge, lambda s: g(s) * s, g)

    parts = split(record(diffusivity, f"{name}: diffusivity"), as_facts(facts).odd)
    return Flux(name, [piece(*part) for part in parts], facts)


@note_meaning
def from_regulariser(regulariser: Function, facts: Facts, *, name: str = "custom") -> Flux:
    """A flux from its regulariser Ψ(s), differentiated automatically: Φ = Ψ′/2."""
    parts = split(record(regulariser, f"{name}: regulariser"), as_facts(facts).odd)
    return Flux(name, [Piece(edge, record(psi).derivative / 2, None, psi)
                       for edge, psi in parts], facts)


@note_meaning
def from_shrinkage(shrinkage: Function, facts: Facts, tau: Number = Fraction(1, 4),
                   h: Number = 1, *, name: str = "custom") -> Flux:
    """A flux from a shrinkage function S: Φ(s) = (h²/4τ) s − (h/(2√2 τ)) S(h s/√2) (alt2020)."""
    weight, inverse = _weights(tau, h)
    own, back = Constant(1 / weight), Constant(2 * inverse / weight)
    grid = Constant(1 / inverse)

    def activation(s: Scalar) -> Scalar:
        root = _root_two(s)
        return own * s - back / root * shrinkage(grid * s / root)

    return from_activation(activation, facts, name=name)
