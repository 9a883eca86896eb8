"""Maps of which nothing is known, or one equation."""

from __future__ import annotations

from typing import Any

from stabkit.errors import InvalidArgument
from stabkit.proof.words import NUMBERS, Expression


class SymbolicMap:
    """Any map from one space to another, linear or not: equal points have one value, a letter."""

    def __init__(self, symbols: Any, name: str, of: str, to: str):
        self.symbols, self.name, self.of, self.to = symbols, name, of, to
        self._points: list[tuple[Expression, Expression]] = []

    def __call__(self, x: Expression) -> Expression:
        if (x.to, x.of) != (self.of, NUMBERS):
            raise InvalidArgument(f"{self.name}: maps vectors of {self.of}, got one of {x.to}")
        known = self._known(x)
        return self._new(x) if known is None else known

    def _known(self, x: Expression) -> Expression | None:
        return next((value for point, value in self._points if not (point - x).terms), None)

    def _new(self, x: Expression) -> Expression:
        name = self.symbols.free(self.name)
        value = self.symbols.vector(name, self.to)
        self.symbols.values[name] = x
        self._points.append((x, value))
        return value


class PositivePart:
    """ReLU in every entry, of which ReLU(x) − ReLU(−x) = x is assumed."""

    def __init__(self, symbols: Any, name: str):
        self.symbols, self.name = symbols, name
        self._maps: dict[str, SymbolicMap] = {}

    def __call__(self, x: Expression) -> Expression:
        values = self._maps.setdefault(x.to, SymbolicMap(self.symbols, self.name, x.to, x.to))
        if values._known(x) is None:
            self.symbols.equation(self.symbols.free("split"), values(x) - values(-x) - x)
        return values(x)
