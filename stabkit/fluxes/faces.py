"""The faces of a flux, piece by piece: derived from Φ, or given by hand and proved to be the same.

A face that is given is compared, as an expression, with the one that follows from Φ.  If they are
equal it is used, since a good formula has tight enclosures; if they differ at a point, the flux is
refused; and if neither can be shown, the derived face is used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import inf
from typing import Any

import numpy as np

from stabkit.aliases import Rational, Scalar
from stabkit.arithmetic.enclosure import precision
from stabkit.arithmetic.rational import Constant, fraction
from stabkit.arithmetic.rounding import is_rounded, meaning
from stabkit.errors import InvalidArgument, Undecided
from stabkit.fluxes.continuity import has_value_at, is_continuous
from stabkit.fluxes.expression import VARIABLE, Expression, as_expression
from stabkit.fluxes.fading import as_fading_sum
from stabkit.fluxes.polynomials import line
from stabkit.fluxes.recording import record
from stabkit.fluxes.vanishing import vanishes, vanishes_almost

Cell = tuple[Any, Any]
Faces = dict[str, Expression]

Function = Callable[[Any], Any]

_FAR = (Fraction(1, 7), 1, Fraction(5, 2), 11, 100, 10**4, 10**6)


@dataclass(frozen=True)
class Piece:
    """The formulas of a flux up to a breakpoint (``None``: up to infinity), in one variable s.

    ``activation`` alone says what the flux is.  A face that is left out is derived from it; one
    that is given (``slope`` is Φ′ inside the piece) must be the derived one in another form;
    otherwise the flux is refused.
    """

    upto: Fraction | None
    activation: Function
    diffusivity: Function | None = None
    regulariser: Function | None = None
    slope: Function | None = None


@dataclass(frozen=True)
class Facts:
    """What a flux declares about itself; ``stabkit.stability.certificates`` checks it with balls.

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

    def __post_init__(self) -> None:
        for name in ("slopes", "diffusivities"):
            given = getattr(self, name)
            if given is None and name == "diffusivities":
                continue
            if not isinstance(given, Sequence) or len(given) != 2:
                raise InvalidArgument(f"{name}: must be a pair of numbers, got {given!r}")
            low, high = (_end(end, name) for end in given)
            if low > high:
                raise InvalidArgument(f"{name}: the lower end comes first, got {given}")
            object.__setattr__(self, name, (low, high))

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
    def steepest_descent(self) -> Fraction:
        """L₋ = sup(−Φ′), or 0 where Φ does not fall."""
        return max(-self.slopes[0], Fraction(0))

    @property
    def sup_diffusivity(self) -> Fraction | None:
        """sup g."""
        return self.diffusivities and self.diffusivities[1]


def _end(value: Rational, name: str) -> Fraction:
    end = fraction(value, name)
    return Constant(end).note_meaning(meaning(value)) if is_rounded(value) and \
        meaning(value) != end else end


def as_facts(facts: Any) -> Facts:
    """Facts as they are; an error for anything else."""
    if not isinstance(facts, Facts):
        raise InvalidArgument(f"facts: must be of type Facts, as in Facts(odd=True, slopes=(0, 1), "
                              f"diffusivities=(0, 1)), got {facts!r:.60}")
    return facts


def cells_of(edges: Sequence[Fraction | None], odd: bool) -> list[list[Cell]]:
    """For each piece the closed cells of the real line that belong to it; the first may be a point.

    Raises
    ------
    InvalidArgument
        If the breakpoints do not increase, or do not end with ``None``.
    """
    inner = [edge for edge in edges[:-1] if edge is not None]
    if not edges or edges[-1] is not None or len(inner) < len(edges) - 1:
        raise InvalidArgument("pieces: upto must be a breakpoint of every piece but the last, and "
                              f"None of that, got {[str(edge) for edge in edges]}")
    if any(a >= b for a, b in pairwise(inner)) or (odd and inner and inner[0] < 0):
        raise InvalidArgument("pieces: the breakpoints must increase" + (
            " from 0 on, as those of an odd flux are pieces of |s|" if odd else "")
            + f", got {', '.join(map(str, inner))}")
    cells: list[list[Cell]] = []
    start = Fraction(0) if odd else -inf
    for edge in edges:
        end = inf if edge is None else edge
        if not odd or start == end:
            cells.append([(start, end)])
        else:
            cells.append([(-end, end)] if start == 0 and not cells else
                         [(-end, -start), (start, end)])
        start = end
    return cells


def with_diffusivity(edge: Fraction | None, phi: Scalar, at_zero: Fraction | None, odd: bool
                     ) -> list[Piece]:
    """A piece with the given diffusivity at s = 0, where Φ/s may have no value of its own."""
    if at_zero is None:
        return [Piece(edge, phi)]
    c = Constant(at_zero)
    if odd and not has_value_at(record(phi), Fraction(0)):
        return [Piece(Fraction(0), lambda s: c * s, lambda s: c + 0 * s), Piece(edge, phi)]

    def diffusivity(s: Scalar) -> Scalar:
        if isinstance(s, Expression):
            return Expression.where(s == 0, c, record(phi).at(s) / s)
        return np.where(s == 0, float(c), phi(s) / s)

    return [Piece(edge, phi, diffusivity)]


def faces_of(pieces: Sequence, odd: bool, name: str) -> list[Faces]:
    """The expressions of the faces of every piece.

    Parameters
    ----------
    pieces : sequence of Piece

    Raises
    ------
    InvalidArgument
        If a formula is no expression in s, or a face differs from the one that follows from Φ.
    """
    cells = cells_of([piece.upto for piece in pieces], odd)
    made = [_of_piece(piece, of, name) for piece, of in zip(pieces, cells, strict=True)]
    if any("regulariser" not in faces for faces in made) or not _joins(made, pieces, cells, name):
        for faces in made:
            faces.pop("regulariser", None)
    return made


def _of_piece(piece: Any, cells: list[Cell], name: str) -> Faces:
    phi = record(piece.activation, f"{name}: activation")
    derived = {"activation": phi, "diffusivity": phi / VARIABLE,
               "slope": as_fading_sum(phi.derivative)}
    faces = dict(derived)
    for face in ("diffusivity", "slope", "regulariser"):
        if getattr(piece, face) is None:
            continue
        hand = record(getattr(piece, face), f"{name}: {face}")
        if cells[0][0] == cells[0][1] and face != "diffusivity":
            pass  # a single point; its neighbours determine it
        elif face == "regulariser":
            if not all(is_continuous(hand, *cell) for cell in cells):
                raise InvalidArgument(f"{name}: the regulariser is not shown to be continuous, as "
                                      "2 ∫ Φ from 0 is; leave it out, and it is integrated")
            _belongs(hand.derivative, 2 * phi, cells, name, "derivative of the regulariser")
        elif face == "diffusivity":
            _belongs(hand * VARIABLE, phi, cells, name, face)
        else:
            _belongs(hand, derived["slope"], cells, name, face)
        faces[face] = hand
    return faces


def _belongs(hand: Expression, derived: Expression, cells: list[Cell], name: str, face: str
             ) -> None:
    """Refuse an expression that is not proved equal to another one on some cells."""
    if hand.text == derived.text:
        return
    if face == "diffusivity" and any(
            part.operation in ("where", "sign", "floor") and not _at_zero(part)
            for side in (hand, derived) for part in side.parts()):
        proved = False  # they could differ at single points
    else:
        # Slopes and derivatives are asked for but for single points.
        compare = vanishes if face == "diffusivity" else vanishes_almost
        proved = all(compare(hand - derived, *cell) for cell in cells)
    if proved:
        return
    for cell in cells:
        for point in _points(*cell):
            if (values := _apart(hand, derived, point)) is not None:
                shown = "diffusivity times s" if face == "diffusivity" else face
                raise InvalidArgument(
                    f"{name}: the {face} does not belong to the activation: at s = {point} the "
                    f"{shown} is {values[0]}, and {values[1]} follows from the activation; leave "
                    "it out, and it is derived")
    raise InvalidArgument(f"{name}: the {face} is not shown to belong to the activation, though no "
                          "point was found where it differs; leave it out, and it is derived")


def _at_zero(part: Expression) -> bool:
    # np.where(s == 0, g(0), Φ(s)/s): whatever g(0) is, g(s) s is 0 there.
    return part.operation == "where" and part.arguments[0].text == (VARIABLE == 0).text


def _points(low: Scalar, high: Scalar) -> list[Fraction]:
    if low == high:
        return [Fraction(low)]
    if low == -inf and high == inf:
        return [sign * Fraction(x) for x in _FAR for sign in (1, -1)]
    if high == inf:
        return [low + x for x in _FAR]
    if low == -inf:
        return [high - x for x in _FAR]
    return [low + (high - low) * Fraction(k, 16) for k in (4, 12, 5, 1, 15, 7, 9)]


def _apart(first: Expression, second: Expression, point: Fraction) -> tuple | None:
    try:
        with precision(256):
            values = first.at(point), second.at(point)
            return values if bool(values[0] != values[1]) else None
    except (Undecided, ArithmeticError):
        return None


def _joins(made: list[Faces], pieces: Sequence, cells: list[list[Cell]], name: str) -> bool:
    """Whether Ψ(0) = 0 and the regularisers of neighbours meet; refused where they do not."""
    zero = next(k for k, of in enumerate(cells) for low, high in of if low <= 0 <= high)
    meets = [(made[zero]["regulariser"], as_expression(0), Fraction(0))]
    for k, (inner, outer) in enumerate(pairwise(made)):
        edge = pieces[k].upto
        both = {edge, -edge} if len(cells[k + 1]) == 2 else {edge}
        meets += [(outer["regulariser"], inner["regulariser"], point) for point in both]
    joins = True
    for here, there, point in meets:
        if (values := _apart(here, there, point)) is not None:
            raise InvalidArgument(f"{name}: the regulariser is {values[0]} at s = {point}, where "
                                  f"{values[1]} is needed for it to be 2 ∫ Φ from 0; leave it out, "
                                  "and it is integrated")
        joins &= vanishes(here - there, point, point)
    return joins


def line_of(face: str, faces: Sequence[Faces], cells: Sequence[Sequence[Cell]]) -> Fraction:
    """The c of an activation c s, the only kind that can be applied to symbols."""
    lines = {line(each["activation"], *cell) for each, inside in zip(faces, cells, strict=True)
             for cell in inside}
    start, slope = lines.pop() or (None, None)
    if face != "activation" or lines or start != 0 or slope is None:
        raise InvalidArgument(f"flux: its {face} has no expression in symbols")
    return slope
