"""Exact numbers for users' steps: floats beside them count as the rationals that they are.

``1.5 * u`` of plain fractions is a float, and so are ``math.exp(x)`` and ``x.astype(float)``.  With
the numbers of this module the first is a fraction again, and the others are refused: a step that
leaves exact arithmetic is known in floating point only, and is never taken for an exact one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from stabkit.aliases import Operand, Scalar
from stabkit.arithmetic.enclosure import Interval
from stabkit.arithmetic.rational import Constant

_LONGEST = 4096  # bits; a longer fraction continues as a ball, or orbits would grow without end


class Exact(Constant):
    """A rational beside which floats, of Python and of NumPy, count as the rationals they are.

    NumPy's functions of it, such as ``np.exp``, give balls; so do fractions that grow too long.
    """

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        inputs = tuple(np.asarray(part, dtype=object) if isinstance(part, Exact) else part
                       for part in inputs)
        return getattr(ufunc, method)(*inputs, **kwargs)

    def __float__(self):
        raise TypeError("an exact number is not rounded to a float")

    def __neg__(self):
        return Exact(Fraction.__neg__(self))

    def __abs__(self):
        return Exact(Fraction.__abs__(self))

    def __pow__(self, exponent):
        whole: Any = as_rational(exponent)
        if isinstance(whole, (int, Fraction)) and whole.denominator == 1:
            short = abs(int(whole)) * _bits(self) <= _LONGEST
            return _keep(Fraction.__pow__(self, int(whole))) if short else \
                Interval(self) ** int(whole)
        if whole == Fraction(1, 2):
            return self.sqrt()
        return (Interval(self).log() * exponent).exp()

    def __rpow__(self, base):
        return as_rational(base) ** int(self) if self.denominator == 1 else NotImplemented

    def sqrt(self) -> Scalar:
        """√, exact where it is rational."""
        if self < 0:
            return float("nan")
        root = Fraction(math.isqrt(self.numerator), math.isqrt(self.denominator))
        return Exact(root) if root**2 == self else Interval(self).sqrt()


def _operation(name: str) -> Callable[[Scalar, Scalar], Scalar]:
    """An operation of fractions that takes floats as exact, and keeps fractions short."""
    plain = getattr(Fraction, name)

    def method(self: Exact, other: Operand) -> Any:
        return _keep(plain(self, as_rational(other)))

    return method


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod"):
    setattr(Exact, f"__{_name}__", _operation(f"__{_name}__"))
    setattr(Exact, f"__r{_name}__", _operation(f"__r{_name}__"))
for _name in ("exp", "log", "tanh", "arctan", "cos"):
    setattr(Exact, _name, lambda self, name=_name: getattr(Interval(self), name)())


def as_rational(value: Scalar) -> Scalar:
    """A finite Python or NumPy number as a fraction; anything else unchanged."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and math.isfinite(value):
        return Fraction(value)
    return value


def _bits(value: Fraction) -> int:
    return max(value.numerator.bit_length(), value.denominator.bit_length())


def _keep(value: Scalar) -> Scalar:
    if type(value) is not Fraction:
        return value
    return Exact(value) if _bits(value) <= _LONGEST else Interval(value)


def exactly(u: np.ndarray) -> np.ndarray:
    """A copy of an object array whose fractions are :class:`Exact`."""
    return _map(u, lambda x: Exact(x) if isinstance(x, (int, Fraction)) else x)


def plainly(u: np.ndarray) -> np.ndarray:
    """A copy of an object array whose numbers are plain fractions; balls stay."""
    return _map(u, lambda x: Fraction(x) if isinstance(x, (int, Fraction)) else as_rational(x))


def _map(u: np.ndarray, change: Callable[[Scalar], Scalar]) -> np.ndarray:
    made = np.empty(u.shape, dtype=object)
    for index, entry in np.ndenumerate(u):
        made[index] = change(entry)
    return made
