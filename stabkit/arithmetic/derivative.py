"""Forward-mode derivatives of scalar expressions, in whatever arithmetic the argument has."""

from __future__ import annotations

from collections.abc import Callable

from stabkit.aliases import Operand, Rational, Scalar
from stabkit.arithmetic.elementary import decay, function, pi_beside
from stabkit.arithmetic.rational import quotient

_exp, _sqrt, _log, _tanh, _arctan, _sin, _cos, _erf, _sign, _floor, _max, _min = map(function, (
    "exp", "sqrt", "log", "tanh", "arctan", "sin", "cos", "erf", "sign", "floor", "max", "min"))


class Dual:
    """A value with its derivative; knows the operations that expressions are made of.

    A derivative that is the number 0 stays one, so constants add nothing to an expression.
    """

    __slots__ = ("slope", "value")

    def __init__(self, value: Scalar, slope: Scalar = 0):
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
        return Dual(self.value * other.value,
                    _times(self.slope, other.value) + _times(other.slope, self.value))

    __rmul__ = __mul__

    def __truediv__(self, other):
        other = _dual(other)
        ratio = quotient(self.value, other.value)
        rise = self.slope - _times(other.slope, ratio)
        return Dual(ratio, _over(rise, other.value))

    def __rtruediv__(self, other):
        return _dual(other) / self

    def __pow__(self, exponent: int):
        if exponent == 0:
            return Dual(self.value**0)
        return Dual(self.value**exponent,
                    _times(self.slope, exponent * self.value ** (exponent - 1)))

    def __abs__(self):
        return Dual(abs(self.value), _times(self.slope, _sign(self.value)))

    def __le__(self, other):
        return self.value <= _dual(other).value

    def __lt__(self, other):
        return self.value < _dual(other).value

    def __ge__(self, other):
        return _dual(other).value <= self.value

    def __gt__(self, other):
        return _dual(other).value < self.value

    def __eq__(self, other):
        return self.value == _dual(other).value

    __hash__ = None  # type: ignore[assignment]  # so Python says "no hash"

    def through(self, value: Scalar, rise: Scalar) -> Dual:
        """The image under a function whose value and derivative here are given."""
        return Dual(value, rise * self.slope)

    # -- functions, by their names in expressions --------------------------------------------------
    def exp(self):
        value = _exp(self.value)
        return Dual(value, _times(self.slope, value))

    def sqrt(self):
        value = _sqrt(self.value)
        return Dual(value, _over(self.slope, 2 * value))

    def log(self):
        return Dual(_log(self.value), _over(self.slope, self.value))

    def tanh(self):
        value = _tanh(self.value)
        return Dual(value, _times(self.slope, 1 - value**2))

    def arctan(self):
        return Dual(_arctan(self.value), _over(self.slope, 1 + self.value**2))

    def sin(self):
        return Dual(_sin(self.value), _times(self.slope, _cos(self.value)))

    def cos(self):
        return Dual(_cos(self.value), _times(self.slope, -_sin(self.value)))

    def erf(self):
        gauss = _exp(-(self.value**2))
        return Dual(_erf(self.value), _times(self.slope, 2 / _sqrt(self.pi()) * gauss))

    def decay(self, k: int):
        # (xᵏ e⁻ˣ)′ = k xᵏ⁻¹ e⁻ˣ − xᵏ e⁻ˣ
        before = k * decay(self.value, k - 1) if k else 0
        return Dual(decay(self.value, k), _times(self.slope, before - decay(self.value, k)))

    def sign(self):
        return Dual(_sign(self.value))

    def floor(self):
        return Dual(_floor(self.value))

    def max(self, other):
        other = _dual(other)
        return Dual(_max(self.value, other.value),
                    self.value.where(other.value < self.value, self.slope, other.slope))

    def min(self, other):
        other = _dual(other)
        return Dual(_min(self.value, other.value),
                    self.value.where(self.value < other.value, self.slope, other.slope))

    def pi(self):
        """π, as a value."""
        return pi_beside(self.value)

    def where(self, condition, yes, no):
        """`yes` where a condition holds, else `no`."""
        yes, no = _dual(yes), _dual(no)
        return Dual(self.value.where(condition, yes.value, no.value),
                    self.value.where(condition, yes.slope, no.slope))


def _times(slope: Scalar, factor: Rational) -> Scalar:
    return 0 if isinstance(slope, int) and slope == 0 else slope * factor


def _over(slope: Scalar, divisor: Operand) -> Scalar:
    return 0 if isinstance(slope, int) and slope == 0 else quotient(slope, divisor)


def _dual(value: Scalar) -> Dual:
    return value if isinstance(value, Dual) else Dual(value)


def derivative(function: Callable[[Scalar], Scalar], at: Scalar) -> Scalar:
    """The derivative of a scalar `function` at a point: an expression, fraction or interval."""
    return _dual(function(Dual(at, 1))).slope
