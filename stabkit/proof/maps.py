"""Maps of which little is known: nothing, one equation, or that they do not fall."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stabkit.errors import InvalidArgument
from stabkit.proof.parts import SymbolicOperator
from stabkit.proof.words import NUMBERS, Expression, expression, operator


class SymbolicMap:
    """Any map from one space to another, linear or not: equal points have one value, a letter."""

    def __init__(self, symbols: Any, name: str, of: str, to: str):
        self.symbols, self.name, self.of, self.to = symbols, name, of, to
        self._points: list[tuple[Expression, Expression]] = []

    def __call__(self, x: Expression) -> Expression:
        if (x.to, x.of) != (self.of, NUMBERS):
            raise InvalidArgument(f"{self.name}: maps vectors of {self.of}, got one of {x.to}")
        known = self._known_value(x)
        return self._new(x) if known is None else known

    def _known_value(self, x: Expression) -> Expression | None:
        return next((value for point, value in self._points if not (point - x).terms), None)

    def _new(self, x: Expression) -> Expression:
        name = self.symbols.free(self.name)
        value = self.symbols.vector(name, self.to)
        self.symbols.values[name] = x
        self._points.append((x, value))
        return value


class PositivePart:
    """ReLU in every entry: ReLU(x) − ReLU(−x) = x, and ReLU(y) = y if y is a value of it."""

    def __init__(self, symbols: Any, name: str):
        self.symbols, self.name = symbols, name
        self._maps: dict[str, SymbolicMap] = {}

    def __call__(self, x: Expression) -> Expression:
        values = self._maps.setdefault(x.to, SymbolicMap(self.symbols, self.name, x.to, x.to))
        if any(not (value - x).terms for _, value in values._points):
            return x
        if values._known_value(x) is None:
            self.symbols.equation(self.symbols.free("split"), values(x) - values(-x) - x)
        return values(x)


@dataclass(frozen=True, eq=False)
class Returning(SymbolicOperator):
    """An operator with another one that returns what it was applied to, such as its inverse."""

    symbols: Any = None
    back: Expression | None = None

    def __matmul__(self, x: Any) -> Any:
        made = super().__matmul__(x)
        if x.of == NUMBERS and self.back is not None:
            self.symbols.equation(self.symbols.free("returned"), self.back @ made - x)
        return made


def with_return(symbols: Any, name: str, space: str, back: Expression | None = None) -> Returning:
    """An operator whose adjoint, or another operator, returns what it was applied to."""
    made = operator(name, space, space)
    return Returning(made.to, made.of, made.terms, None, symbols,
                     made.T if back is None else back)


@dataclass(frozen=True, eq=False)
class Eigenpair:
    """λ = a + ib with the vectors p + ir and q + is, of which a claim says what vanishes."""

    symbols: Any
    a: Expression
    b: Expression
    p: Expression
    r: Expression
    q: Expression
    s: Expression

    def vanishes(self, left: Expression) -> None:
        """Assume that a vector is 0."""
        self.symbols.equation(self.symbols.free("eigen"), left)


class Scaling:
    """Numbers s >= 0, one for each entry.

    If σ does not fall, then neither does x ↦ σ(s x + b), for each s and b; it is a flux of its own,
    another one at every entry.
    """

    def __init__(self, symbols: Any):
        self.symbols = symbols
        self._made: list[tuple[Any, Expression | None, Any]] = []

    def __mul__(self, x: Expression) -> Scaled:
        return Scaled(self, x, None)

    def after(self, flux: Any, bias: Expression | None) -> Any:
        """x ↦ σ(s x + b), the same for the same σ and b; its slopes at a point have some bound."""
        for known, b, made in self._made:
            if known is flux and (b is bias or not (b is None or bias is None or (b - bias).terms)):
                return made
        low, _ = flux.facts.slopes or (None, None)
        if low is None or low.terms:
            raise InvalidArgument(f"{flux.name}: beside a scaling it must not fall")
        made = self.symbols.flux(self.symbols.free(f"{flux.name}_scaled"), slopes=(0, None))
        self._made.append((flux, bias, made))
        return made


@dataclass(frozen=True)
class Scaled:
    """s ⊙ x + b."""

    scaling: Scaling
    x: Expression
    bias: Expression | None

    def __add__(self, bias: Expression) -> Scaled:
        return Scaled(self.scaling, self.x, bias if self.bias is None else self.bias + bias)

    def through(self, flux: Any) -> Expression:
        """σ(s ⊙ x + b)."""
        return self.scaling.after(flux, self.bias)(self.x)

    def slopes(self, flux: Any) -> Any:
        """σ′(s ⊙ x + b) ⊙ s, the slopes in x."""
        made, symbols = self.scaling.after(flux, self.bias), self.scaling.symbols
        return made.slope(self.x, (expression(0), symbols.parameter(symbols.free("L"))))
