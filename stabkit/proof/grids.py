"""Differences along the edges of grids of any shape and dimension, or of any graph.

A scheme that runs on a :class:`Pixel` writes what it makes of the value there: a sum of that value
and of the mean of its neighbours, weighted by what the scheme gives each.  With the diffusivities
0 <= g <= G at the edges, Σ g/h² over the edges at a site is at most G times Σ 1/h², of which the
statement knows a bound; a site at a boundary has fewer edges.  So one kind of row is enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from stabkit.errors import InvalidArgument, require_value
from stabkit.proof.aliases import Record
from stabkit.proof.parts import SymbolicFlux, SymbolicOperator, end_of_weight
from stabkit.proof.symbols import Symbols
from stabkit.proof.text import text_of
from stabkit.proof.words import NUMBERS, Expression, parameter, vector

HERE, MEAN, TOTAL = "u0", "u_mean", "G"


@dataclass(frozen=True, eq=False)
class GridShape:
    """Any grid; `edges` is at least Σ 1/h² over the edges at each site, 2 for each axis if h = 1.
    """

    symbols: Symbols
    edges: Expression

    def across(self) -> AcrossDifference:
        """A derivative across every edge."""
        made = self.symbols.operator(self.symbols.free("B"))
        return AcrossDifference(made.to, made.of, made.terms)

    def differences(self, offsets: Sequence[Sequence[int]]) -> GridDifference:
        """The differences to p + o and from p − o at each p, if `edges` counts two for each o."""
        counted = set(self.edges.terms) <= {((), ())}
        if not counted or (2 * len(offsets) - self.edges).terms.get(((), ()), 0) > 0:
            raise InvalidArgument(f"offsets: {len(offsets)} of them make {2 * len(offsets)} edges "
                                  f"at a site, and the grid is said to have {text_of(self.edges)}"
                                  " at most")
        return self.gradient()

    def gradient(self) -> GridDifference:
        """(u_q − u_p)/h along every edge, with ‖K‖² <= 2 edges (Geršgorin's discs of KᵀK)."""
        bound = 2 * self.edges
        made = self.symbols.operator("K", bound=bound)
        return GridDifference(made.to, made.of, made.terms, bound, self)


@dataclass(frozen=True, eq=False)
class GridDifference(SymbolicOperator):
    """The differences along the edges of a grid, or their adjoint."""

    grid: GridShape | None = None
    adjoint: bool = False

    @cached_property
    def T(self) -> GridDifference:
        turned = Expression.T.fget(self)  # type: ignore[attr-defined]
        return GridDifference(turned.to, turned.of, turned.terms, self.bound, self.grid,
                              not self.adjoint)

    def __matmul__(self, x: Any) -> Any:
        if isinstance(x, Expression):
            return super().__matmul__(x)
        if self.adjoint and isinstance(x, Flow):
            change = parameter(TOTAL) * (vector(HERE, NUMBERS) - vector(MEAN, NUMBERS))
            return Pixel(x.pixel, change)
        if not self.adjoint and isinstance(x, Pixel) and x.first is x:
            return EdgeValues(x)
        raise InvalidArgument("a grid: only the differences of the signal itself are known, and "
                              "what a flux makes of them")

    def rows(self, make: Any, step: str, keeps: str) -> Record:
        """The statement that a scheme keeps the range on grids of every shape.

        Parameters
        ----------
        make : callable
            What the scheme makes of a pixel's value.
        step : {"explicit", "implicit"}
        keeps : {"range"}
        """
        if step != "explicit" or keeps != "range":
            raise InvalidArgument(f"{keeps}: of a grid of any shape only the range is known, of "
                                  "explicit steps")
        pixel = Pixel(None, vector(HERE, NUMBERS))
        made = make(pixel)
        if not isinstance(made, Pixel) or made.first is not pixel:
            raise InvalidArgument("the scheme does not give a value at the site")
        ends: dict[str, str] = {}
        row = {name: text_of(self._coefficient(made, letter, ends))
               for name, letter in (("0", HERE), ("mean", MEAN))}
        if not ends:
            raise InvalidArgument("a grid: no weight tau·g/h**2 is found in the step")
        return {"kind": "rows", "step": step, "keeps": keeps, "weights": ends,
                "rows": {"site": row}}

    def _coefficient(self, made: Pixel, letter: str, ends: dict[str, str]) -> Expression:
        """A polynomial in the weight w = τ Σ g/h²; τ may also be a number."""
        total = Expression(NUMBERS, NUMBERS, {})
        for (word, powers), c in made.numerator.terms.items():
            if len(word) != 1:
                raise InvalidArgument("the step is not linear in the values")
            if word[0].name == letter:
                total = total + c * self._weight(made.first, dict(powers), ends)
        return total

    def _weight(self, pixel: Pixel, powers: dict[str, int], ends: dict[str, str]) -> Expression:
        k = powers.pop(TOTAL, 0)
        tau = next((name for name in powers if name in self._grid.symbols.portions), "")
        if powers.pop(tau, k) != k or powers:
            raise InvalidArgument("the step is no polynomial in tau·g/h**2")
        if k and ends.setdefault("w", end := self._end(pixel, tau)) != end:
            raise InvalidArgument("a grid: needs one step")
        return parameter("w") ** k

    def _end(self, pixel: Pixel, tau: str) -> str:
        """The largest value of τ Σ g/h² by what is assumed."""
        (flux,) = pixel.fluxes
        return end_of_weight(self._grid.symbols.portions.get(tau), flux, self._grid.edges)

    @property
    def _grid(self) -> GridShape:
        return require_value(self.grid, "a grid: it has no shape")


@dataclass(frozen=True, eq=False)
class Pixel:
    """A value at a site, in letters for that of the signal and for the mean of its neighbours."""

    start: Pixel | None  # whose value is that of the signal; None for itself
    numerator: Expression
    fluxes: list[SymbolicFlux] = field(default_factory=list)

    @property
    def first(self) -> Pixel:
        return self if self.start is None else self.start

    def __add__(self, other: Any) -> Pixel:
        if not isinstance(other, Pixel) or other.first is not self.first:
            raise InvalidArgument("a site: only values there can be added")
        return Pixel(self.first, self.numerator + other.numerator)

    def __sub__(self, other: Any) -> Pixel:
        return self + other * -1

    def __mul__(self, factor: Any) -> Pixel:
        return Pixel(self.first, factor * self.numerator)

    __rmul__ = __mul__


@dataclass(frozen=True, eq=False)
class EdgeValues:
    """Values at the edges of a site: differences, or what is made of several of them."""

    pixel: Pixel
    differences: bool = True

    def __pow__(self, exponent: int) -> EdgeValues:
        return EdgeValues(self.pixel, False)

    def __add__(self, other: EdgeValues) -> EdgeValues:
        return EdgeValues(self.pixel, False)

    def root(self) -> EdgeValues:
        """√ of each."""
        return EdgeValues(self.pixel, False)

    def through(self, flux: SymbolicFlux) -> Flow:
        """Φ(s) = g s at every edge, with 0 <= g."""
        return self.weights(flux) * self

    def weights(self, flux: SymbolicFlux) -> EdgeWeights:
        """g at every edge, wherever it is evaluated."""
        low, _ = flux.facts.quotients
        if low is None or low.terms or self.pixel.fluxes not in ([], [flux]):
            raise InvalidArgument("a grid: needs one flux with g >= 0")
        self.pixel.fluxes[:] = [flux]
        return EdgeWeights(self.pixel)


@dataclass(frozen=True)
class EdgeWeights:
    """The weights g of the edges of a site."""

    pixel: Pixel

    def __mul__(self, values: Any) -> Flow:
        if not isinstance(values, EdgeValues) or not values.differences or \
                values.pixel is not self.pixel:
            raise InvalidArgument("weights: are multiplied with the differences at their edges")
        return Flow(self.pixel)


@dataclass(frozen=True)
class Flow:
    """g times the differences at the edges of a site."""

    pixel: Pixel


@dataclass(frozen=True, eq=False)
class AcrossDifference(SymbolicOperator):
    """Derivatives across the edges, of which nothing is used."""

    def __matmul__(self, x: Any) -> Any:
        return EdgeValues(x, False) if isinstance(x, Pixel) else super().__matmul__(x)
