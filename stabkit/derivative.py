"""Forward-mode derivatives of scalar expressions, in whatever arithmetic the argument has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from stabkit.transcript import Term


class Dual:
    """A value with its derivative; knows the operations that fluxes are written with."""

    __slots__ = ("slope", "value")

    def __init__(self, value: Any, slope: Any = 0):
        self.value, self.slope = value, slope

    def __add__(self, other):
        other = _dual(other)
        return Dual(self.value + other.value, self.slope + other.slope)

    __radd__ = __add__

    def __neg__(self):
        return Dual(-self.value, -self.slope)

    def __sub__(self, other):
        return self + -_dual(other)

    def __rsub__(self, other):
        return -self + other

    def __mul__(self, other):
        other = _dual(other)
        return Dual(self.value * other.value, self.slope * other.value + self.value * other.slope)

    __rmul__ = __mul__

    def __truediv__(self, other):
        other = _dual(other)
        quotient = self.value / other.value
        return Dual(quotient, (self.slope - quotient * other.slope) / other.value)

    def __rtruediv__(self, other):
        return _dual(other) / self

    def __pow__(self, exponent: int):
        if exponent == 0:
            return Dual(self.value**0)
        return Dual(self.value**exponent, exponent * self.value ** (exponent - 1) * self.slope)

    def __abs__(self):
        if isinstance(self.value, Term):
            return Dual(abs(self.value), self.value.call("sign") * self.slope)
        return self if self.value >= 0 else -self

    def __le__(self, other):
        return self.value <= _dual(other).value

    def __lt__(self, other):
        return self.value < _dual(other).value

    def __ge__(self, other):
        return not self < other

    def __gt__(self, other):
        return not self <= other

    def exp(self):
        value = np.exp(self.value)
        return Dual(value, value * self.slope)

    def sqrt(self):
        value = np.sqrt(self.value)
        return Dual(value, self.slope / (2 * value))

    def log(self):
        return Dual(np.log(self.value), self.slope / self.value)

    def tanh(self):
        value = np.tanh(self.value)
        return Dual(value, (1 - value**2) * self.slope)

    def arctan(self):
        return Dual(np.arctan(self.value), self.slope / (1 + self.value**2))


def _dual(value: Any) -> Dual:
    return value if isinstance(value, Dual) else Dual(value)


def derivative(function: Callable[[Any], Any], at: Any) -> Any:
    """The derivative of a scalar `function` at a point (float, fraction or interval)."""
    return _dual(function(Dual(at, 1))).slope
