"""First differences on lines of any length, seen from one site.

A scheme that runs on a :class:`Site` writes what it makes of the value there: a sum over the
values at the site and its neighbours, with coefficients in the weights g of the edges between
them.  The kinds of sites that a line has give the kinds of rows of its matrix, for every length.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stabkit.errors import InvalidArgument, require_value
from stabkit.proof.aliases import Record
from stabkit.proof.parts import Size, SymbolicFlux, end_of_weight
from stabkit.proof.symbols import Symbols
from stabkit.proof.text import text_of
from stabkit.proof.words import NUMBERS, Expression, expression, parameter, vector

#: Edges that a site has, to the left and to the right.
LINE: dict[str, tuple[str, ...]] = {
    "first": ("1",), "inner": ("-1", "1"), "last": ("-1",), "single": ()}
#: The same where there are edges to zeros outside; and on a ring, which has no ends.
KINDS: dict[str, dict[str, tuple[str, ...]]] = {
    "reflecting": LINE,
    "dirichlet": dict.fromkeys(LINE, ("-1", "1")),
    "periodic": {"inner": ("-1", "1"), "single": ()},
}
SIGNS, WEIGHTS = {"-1": -1, "1": 1}, {"-1": "l", "1": "r"}


@dataclass(frozen=True, eq=False)
class Length:
    """Any number of samples of a line."""

    symbols: Symbols

    def difference(self, order: int, h: Any, boundary: str) -> LineDifference:
        """The first difference with this grid size, on a line of this length."""
        if order != 1 or boundary not in KINDS:
            raise InvalidArgument("difference: of a line of any length only the first difference "
                                  f"is known, with the boundaries {', '.join(KINDS)}")
        return LineDifference(self.symbols, expression(h), boundary)


@dataclass(frozen=True, eq=False)
class LineDifference:
    """(u_{i+1} − u_i)/h on a line of any length, or its adjoint."""

    symbols: Symbols
    h: Expression
    boundary: str
    adjoint: bool = False

    @property
    def T(self) -> LineDifference:
        return LineDifference(self.symbols, self.h, self.boundary, not self.adjoint)

    @property
    def shape(self) -> tuple[Size, Size]:
        return Size("edges"), Size("line")

    def __matmul__(self, x: Any) -> Any:
        if self.adjoint:
            if not isinstance(x, Edges) or x.line.K.boundary != self.boundary:
                raise InvalidArgument("K.T @ f: needs values at the edges of the line")
            total = expression(0)
            for edge, f in x.values.items():  # (f_l − f_r)/h
                total = total - SIGNS[edge] * f
            return Site(x.line, total, x.degree + 1)
        if not isinstance(x, Site) or x.line.value is not x:
            raise InvalidArgument("K @ u: of a site only the signal itself has neighbours")
        return Edges(x.line, {edge: SIGNS[edge] * (x.line.neighbour(edge) - x.numerator)
                              for edge in x.line.edges}, 1)


class Line:
    """A site of a kind, its value and its neighbours."""

    def __init__(self, K: LineDifference, kind: str):
        self.K, self.kind, self.edges = K, kind, KINDS[K.boundary][kind]
        self.outside = {"first": ("-1",), "last": ("1",), "single": ("-1", "1")}.get(kind, ())
        self.value = Site(self, vector("u0", NUMBERS), 0)
        self.flux: SymbolicFlux | None = None  # once it was applied to the edges

    def neighbour(self, edge: str) -> Expression:
        """The value beyond an edge: a letter, or zero outside."""
        return vector("u_" + WEIGHTS[edge], NUMBERS) if edge not in self.outside else \
            Expression(NUMBERS, NUMBERS, {})

    def row(self, made: Any, ends: dict[str, str]) -> dict[str, str]:
        """The coefficients in what a scheme made of the value; notes the ends of their weights."""
        if not isinstance(made, Site) or made.line is not self:
            raise InvalidArgument("the scheme does not give a value at the site")
        letters = {"0": "u0"} | {edge: "u_" + WEIGHTS[edge] for edge in self.edges
                                 if edge not in self.outside}
        return {name: text_of(self._coefficient(made, letter, ends))
                for name, letter in letters.items()}

    def _coefficient(self, made: Site, letter: str, ends: dict[str, str]) -> Expression:
        """A polynomial in the weights τg/h², where the numerator has τg and a power of h."""
        total = expression(0)
        for (word, powers), c in made.numerator.terms.items():
            if [each.name for each in word] != [letter]:
                if len(word) != 1:
                    raise InvalidArgument("the step is not linear in the values")
                continue
            total = total + c * self._weights(dict(powers), made.degree, ends)
        return total

    def _weights(self, powers: dict[str, int], degree: int, ends: dict[str, str]) -> Expression:
        found, steps = expression(1), 0
        for edge in self.edges:
            k = powers.pop("g" + WEIGHTS[edge], 0)
            found, steps = found * parameter(WEIGHTS[edge]) ** k, steps + k
        if steps:
            tau = next((name for name in powers if name in self.K.symbols.portions), "")
            if powers.pop(tau, 0) != steps:
                raise InvalidArgument("the step is no polynomial in tau·g")
            self._note_ends(tau, ends)
        for name in self.K.h.letters:
            if powers.pop(name, 0) != degree - 2 * steps:
                raise InvalidArgument("the step is no polynomial in tau·g/h**2")
        if powers:
            raise InvalidArgument(f"{', '.join(powers)}: is not part of a weight tau·g/h**2")
        return found if self.K.h.letters else \
            found * self.K.h.terms[(), ()] ** (2 * steps - degree)

    def _note_ends(self, tau: str, ends: dict[str, str]) -> None:
        """The largest value of τg/h² by what is assumed of them."""
        flux = require_value(self.flux, "a line: its flux was applied to no edge")
        ends |= dict.fromkeys("lr", end_of_weight(
            self.K.symbols.portions[tau], flux, expression(1), self.K.h**2))


@dataclass(frozen=True, eq=False)
class Edges:
    """Values at the edges beside a site, over h**degree."""

    line: Line
    values: Mapping[str, Expression]
    degree: int

    def through(self, flux: SymbolicFlux) -> Edges:
        """Φ(s) = g s at every edge, with 0 <= g."""
        low, _ = flux.facts.quotients
        if low is None or low.terms or self.degree != 1 or self.line.flux not in (None, flux):
            raise InvalidArgument("a line: needs one flux with g >= 0, of the differences")
        self.line.flux = flux
        return Edges(self.line, {edge: parameter("g" + WEIGHTS[edge]) * s
                                 for edge, s in self.values.items()}, self.degree)


    def weights(self, flux: SymbolicFlux) -> EdgeWeights:
        """g at every edge."""
        self.through(flux)
        return EdgeWeights(self.line, flux)


@dataclass(frozen=True, eq=False)
class EdgeWeights:
    """The weights g of the edges beside a site."""

    line: Line
    flux: SymbolicFlux

    def __mul__(self, values: Edges) -> Edges:
        if not isinstance(values, Edges) or values.line is not self.line:
            raise InvalidArgument("weights: are multiplied with values at the edges of their line")
        return values.through(self.flux)


@dataclass(frozen=True, eq=False)
class Site:
    """A value at a site: a numerator over h**degree."""

    line: Line
    numerator: Expression
    degree: int

    def __add__(self, other: Site) -> Site:
        if not isinstance(other, Site) or other.line is not self.line:
            raise InvalidArgument("a site: only values there can be added")
        degree, h = max(self.degree, other.degree), self.line.K.h
        return Site(self.line, self.numerator * h ** (degree - self.degree)
                    + other.numerator * h ** (degree - other.degree), degree)

    def __mul__(self, factor: Any) -> Site:
        return Site(self.line, expression(factor) * self.numerator, self.degree)

    __rmul__ = __mul__

    def __sub__(self, other: Site) -> Site:
        return self + other * -1


def rows(K: LineDifference, make: Any, step: str, keeps: str, repeated: bool = False
         ) -> Record:
    """The statement that a scheme keeps the range, say, on lines of every length.

    Parameters
    ----------
    K : LineDifference
    make : callable
        What the scheme makes of a site's value; for an implicit one, the value before.
    step : {"explicit", "implicit"}
    keeps : {"range", "sign", "variation", "extrema", "contrast", "mean", "cyclic sign"}
    repeated : bool
        After any number of such steps.
    """
    ends: dict[str, str] = {}
    lines = [Line(K, kind) for kind in KINDS[K.boundary]]
    found = {line.kind: line.row(make(line.value), ends) for line in lines}
    if not ends:
        raise InvalidArgument("a line: no weight tau·g/h**2 is found in the step")
    if keeps == "contrast" and not all(_does_not_fall(line.flux) for line in lines if line.flux):
        raise InvalidArgument("contrast: the slopes of the flux must lie where its g does, in "
                              "[0, L]")
    return {"kind": "rows", "step": step, "keeps": keeps, "weights": ends, "rows": found} | (
        {"steps": "any number"} if repeated else {})


def _does_not_fall(flux: SymbolicFlux) -> bool:
    """Whether the slopes lie in the interval of g, which begins at 0."""
    ends = zip(flux.facts.slopes or (), flux.facts.quotients, strict=False)
    return [one is not None and other is not None and not (one - other).terms
            for one, other in ends] == [True, True]
