"""Bounds Cⱼ with f(w) − f(u) = Σⱼ Cⱼ (wⱼ − uⱼ) for all inputs u, w of a box.

They are slopes where f has some, and say the same where it has kinks: of a root of squares
√(Σ sₖ²), for one, the difference is Σ rₖ (sₖ(w) − sₖ(u)) with Σ rₖ² <= 1.
"""

from __future__ import annotations

from fractions import Fraction

from stabkit.stability.sharpness.line_functions import curve_of
from stabkit.stability.sharpness.rational_slopes import rational_slope
from stabkit.stability.sharpness.ratios import (
    ALL,
    EXTREMES,
    ONE,
    ZERO,
    Bounds,
    Inputs,
    hull,
    inverse,
    plus,
    root,
    scale_bounds,
    times,
)
from stabkit.tracing.trees import Operation, Sum

_SLOPES: dict[str, Bounds] = {"tanh": (ZERO, ONE), "arctan": (ZERO, ONE), "sin": (-ONE, ONE),
                              "cos": (-ONE, ONE)}
_MODULUS = ("absolute", "fabs")


class Differences:
    """Bounds of the coefficients, by operation and input."""

    def __init__(self, inputs: Inputs):
        self.inputs = inputs
        self.known: dict[tuple[Operation, int], Bounds] = {}

    def of_sum(self, s: Sum, name: int) -> Bounds:
        """Of a sum in one input."""
        total: Bounds = (ZERO, ZERO)
        for k, c in s.linear:
            if k == name:
                total = plus(total, (c, c))
        for c, node in s.nodes:
            total = plus(total, scale_bounds(self.of(node, name), c))
        return total

    def of(self, node: Operation, name: int) -> Bounds:
        """Of an operation in one input."""
        if all(name not in part.inputs for part in node.parts):
            return ZERO, ZERO
        key = node, name
        if key not in self.known:
            found = self._of(node, name)
            self.known[key] = self._of_curve(node, name) if None in found else found
        return self.known[key]

    def _of_curve(self, node: Operation, name: int) -> Bounds:
        """Of a function of one form, by its slopes."""
        curve = curve_of(node)
        return ALL if curve is None or curve.slope is None else scale_bounds(
            curve.slope, dict(curve.form)[name])

    def _of(self, node: Operation, name: int) -> Bounds:
        parts = node.parts
        inner = [self.of_sum(part, name) for part in parts]
        values = [self.inputs.of_sum(part) for part in parts]
        if node.name in _SLOPES:
            return times(_SLOPES[node.name], inner[0])
        if node.name in _MODULUS:
            return times(_sign(values[0]), inner[0])
        if node.name in EXTREMES:
            return self._extreme(node.name in ("maximum", "fmax"), values, inner)
        if node.name == "multiply":
            if parts[0] == parts[1]:
                return times(scale_bounds(values[0], Fraction(2)), inner[0])
            return plus(times(values[0], inner[1]), times(values[1], inner[0]))
        if node.name == "divide":
            exact = rational_slope(node, self.inputs.box.get(name, ALL), name)
            if exact is not None:
                return exact
            under = inverse(values[1])
            quotient = times(values[0], under)
            return times(plus(inner[0], scale_bounds(times(quotient, inner[1]), -ONE)), under)
        if node.name == "exp":
            return times(self.inputs.of(node), inner[0])
        if node.name in ("sqrt", "hypot"):
            return self._root(node, name, values, inner)
        return ALL

    def _extreme(self, largest: bool, values: list[Bounds], inner: list[Bounds]) -> Bounds:
        a, b = values if largest else [scale_bounds(v, -ONE) for v in values]
        if a[0] is not None and b[1] is not None and a[0] >= b[1]:
            return inner[0]
        if b[0] is not None and a[1] is not None and b[0] >= a[1]:
            return inner[1]
        return hull(*inner)

    def _root(self, node: Operation, name: int, values: list[Bounds], inner: list[Bounds]
              ) -> Bounds:
        squares = [(ONE, part) for part in node.parts] if node.name == "hypot" else \
            _squares(node.parts[0])
        if squares is None:
            low = values[0][0]
            return ALL if low is None or low <= 0 else \
                times((ZERO, 1 / (2 * root(low))), inner[0])
        low, high = ZERO, ZERO
        for c, s in squares:
            each = times(_sign(self.inputs.of_sum(s)), self.of_sum(s, name))
            if each[0] is None or each[1] is None:
                return ALL
            low, high = low + c * min(each[0], ZERO)**2, high + c * max(each[1], ZERO)**2
        return -root(low, upwards=True), root(high, upwards=True)


def _sign(value: Bounds) -> Bounds:
    """What a modulus multiplies differences with, or a square over its root."""
    return (ZERO if value[0] is not None and value[0] >= 0 else -ONE,
            ZERO if value[1] is not None and value[1] <= 0 else ONE)


def _squares(s: Sum) -> list[tuple[Fraction, Sum]] | None:
    """cₖ, sₖ where a sum is a constant plus Σ cₖ sₖ², none of it negative; else None."""
    if s.linear or s.constant < 0:
        return None
    found = [(c, _root_of(node)) for c, node in s.nodes]
    if any(part is None or c < 0 for c, part in found):
        return None
    return [(c, part) for c, part in found if part is not None]


def _root_of(node: Operation) -> Sum | None:
    """s where an operation is s²; the larger of two squares is that of the larger modulus."""
    if node.name == "multiply" and node.parts[0] == node.parts[1]:
        return node.parts[0]
    if node.name not in ("maximum", "fmax"):
        return None
    sides = [_root_of(part.nodes[0][1]) if not part.constant and not part.linear and [
        c for c, _ in part.nodes] == [1] else None for part in node.parts]
    if None in sides:
        return None
    moduli = tuple(_alone(Operation("absolute", (side,), node.line)) for side in sides if side)
    return _alone(Operation("maximum", moduli, node.line))


def _alone(node: Operation) -> Sum:
    return Sum(ZERO, (), ((ONE, node),))
