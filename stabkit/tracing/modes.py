"""A signal by its modes: a factor for each of them, a quotient of polynomials in the step.

NumPy does the arithmetic with arrays of factors as with other objects; each factor knows its mode.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NoReturn

import numpy as np
from flint import fmpq_poly

from stabkit.aliases import Function, Operand
from stabkit.arithmetic.flint_rationals import to_fmpq
from stabkit.arithmetic.rounding import is_rounded, meaning
from stabkit.errors import TracingStopped
from stabkit.tracing.tracer import line_of_user


@dataclass(frozen=True)
class Basis:
    """An orthogonal basis of signals; `forward` and `backward` are its transforms in floats."""

    name: str
    forward: Function
    backward: Function


FOURIER = Basis("Fourier's basis", np.fft.fftn, np.fft.ifftn)


@dataclass(frozen=True, eq=False)
class Modes:
    """The factors of a step for the modes of a basis, in an array of its shape."""

    factors: np.ndarray
    basis: Basis


def stop_tracing(what: str) -> NoReturn:
    """Refuse what cannot be followed."""
    raise TracingStopped(f"{what} ({line_of_user()})")


@dataclass(frozen=True, eq=False)
class Factor:
    """(re + i im)/den in the step, times a mode of the signal where `mode` tells which."""

    re: fmpq_poly
    im: fmpq_poly
    den: fmpq_poly
    mode: tuple[int, ...] | None = None

    __array_ufunc__ = None

    def _spread(self, other: Operand, operation: Callable[[Any, Any], Any]) -> Any:
        if isinstance(other, np.ndarray):
            out = np.empty(other.shape, dtype=object)
            for place, entry in np.ndenumerate(other):
                out[place] = operation(self, entry)
            return out
        return NotImplemented if isinstance(other, Signal) else operation(self, number(other))

    def __add__(self, other: Operand) -> Any:
        return self._spread(other, _add)

    __radd__ = __add__

    def __neg__(self) -> Factor:
        return Factor(-self.re, -self.im, self.den, self.mode)

    def __sub__(self, other: Operand) -> Any:
        return self._spread(other, lambda a, b: _add(a, -number(b)))

    def __rsub__(self, other: Operand) -> Any:
        return -self + other

    def __mul__(self, other: Operand) -> Any:
        return self._spread(other, _times)

    __rmul__ = __mul__

    def __truediv__(self, other: Operand) -> Any:
        return self._spread(other, lambda a, b: _times(a, number(b).inverse()))

    def __rtruediv__(self, other: Operand) -> Any:
        return self.inverse() * other

    def __pow__(self, n: Any) -> Any:
        if n != int(n) or n < 0:
            stop_tracing("a power that is no whole number")
        out = number(1)
        for _ in range(int(n)):
            out = _times(out, self)
        return out

    def inverse(self) -> Factor:
        """1/x."""
        if self.mode is not None:
            stop_tracing("a division by the data")
        size = self.re * self.re + self.im * self.im
        if size == 0:
            stop_tracing("a division by 0")
        if self.im == 0:
            return Factor(self.den, fmpq_poly([]), self.re)
        return Factor(self.re * self.den, -self.im * self.den, size)

    def conjugate(self) -> Factor:
        return Factor(self.re, -self.im, self.den, self.mode)

    def exp(self) -> NoReturn:
        stop_tracing("np.exp of the step, or of another function that is no quotient of "
                     "polynomials,")

    log = sqrt = sin = cos = tanh = sinh = cosh = exp

    def __float__(self) -> float:
        stop_tracing("float() looks at a value")

    def __bool__(self) -> bool:
        stop_tracing("a branch on a value")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        stop_tracing(f"np.{name} of the step or of the data is not followed")


def number(value: Any) -> Factor:
    """A number as a factor without a mode."""
    if isinstance(value, Factor):
        return value
    if isinstance(value, (complex, np.complexfloating)):
        return Factor(_exact(value.real), _exact(value.imag), fmpq_poly([1]))
    return Factor(_exact(value), fmpq_poly([]), fmpq_poly([1]))


def _exact(value: Any) -> fmpq_poly:
    value = value.item() if isinstance(value, np.generic) else value
    try:
        taken = meaning(value) if is_rounded(value) else Fraction(value)
    except (TypeError, ValueError, OverflowError):
        stop_tracing(f"{value!r:.40} is no number that is followed")
    return fmpq_poly([to_fmpq(taken)])


def _add(a: Factor, b: Any) -> Factor:
    b = number(b)
    if a.mode != b.mode and not (is_zero(a) or is_zero(b)):
        stop_tracing("a sum of different modes, or of a mode and a number")
    mode = b.mode if is_zero(a) else a.mode
    if a.den == b.den:
        return Factor(a.re + b.re, a.im + b.im, a.den, mode)
    return Factor(a.re * b.den + b.re * a.den, a.im * b.den + b.im * a.den, a.den * b.den, mode)


def is_zero(a: Factor) -> bool:
    """Whether a factor vanishes at every step."""
    return a.re == 0 and a.im == 0


def _times(a: Factor, b: Any) -> Factor:
    b = number(b)
    if a.mode is not None and b.mode is not None:
        stop_tracing("a product of the data with itself")
    return Factor(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re, a.den * b.den,
                  a.mode if b.mode is None else b.mode)


class Signal:
    """The data, with a factor for every mode."""

    __array_ufunc__ = None
    __hash__ = None  # type: ignore[assignment]  # so Python says "no hash"
    dtype = np.dtype(float)

    def __init__(self, factors: np.ndarray, basis: Basis | None = None):
        self.factors, self.basis = factors, basis
        self.shape, self.ndim, self.size = factors.shape, factors.ndim, factors.size

    def _by(self, other: Operand, operation: Callable[[Any, Any], Any]) -> Signal:
        if isinstance(other, np.ndarray) and other.ndim == 0:
            other = other.item()
        if isinstance(other, Signal) or (not isinstance(other, Factor) and np.ndim(other)):
            stop_tracing("a product with an array or with the data, beside a Fourier transform")
        return Signal(operation(self.factors, number(other)), self.basis)

    def __add__(self, other: Operand) -> Signal:
        if not isinstance(other, Signal):
            stop_tracing("a source, beside a Fourier transform")
        if self.basis and other.basis and self.basis != other.basis:
            stop_tracing("modes of two different bases")
        return Signal(self.factors + other.factors, self.basis or other.basis)

    __radd__ = __add__

    def __sub__(self, other: Operand) -> Signal:
        return self + -other

    def __rsub__(self, other: Operand) -> Signal:
        return -self + other

    def __neg__(self) -> Signal:
        return Signal(-self.factors, self.basis)

    def __mul__(self, other: Operand) -> Signal:
        return self._by(other, lambda a, b: a * b)

    __rmul__ = __mul__

    def __truediv__(self, other: Operand) -> Signal:
        return self._by(other, lambda a, b: a / b)

    def copy(self) -> Signal:
        return self

    def __len__(self) -> int:
        return int(self.shape[0])

    @property
    def real(self) -> Signal:
        """Of a signal, the real part has the mean of a factor and the mirrored conjugate."""
        if self.basis != FOURIER:
            return self
        mirrored = self.factors
        for axis in range(self.ndim):
            mirrored = np.roll(np.flip(mirrored, axis), 1, axis)
        out = np.empty(self.shape, dtype=object)
        for place, factor in np.ndenumerate(self.factors):
            other: Operand = mirrored[place]
            mean = _times(_add(bare(factor), bare(other).conjugate()), Fraction(1, 2))
            out[place] = Factor(mean.re, mean.im, mean.den, place)
        return Signal(out, self.basis)

    def __array_function__(self, func: Any, types: Any, args: Any, options: Any) -> Any:
        if func is np.real:
            return args[0].real
        stop_tracing(f"np.{func.__name__} beside a Fourier transform is not followed")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        stop_tracing(f"the attribute {name} beside a Fourier transform is not followed")

    def __getitem__(self, key: Any) -> Any:
        stop_tracing("a part of the data, beside a Fourier transform")

    def __pow__(self, exponent: Any) -> Any:
        stop_tracing("a power of the data")


def bare(factor: Factor) -> Factor:
    """A factor without its mode."""
    return Factor(factor.re, factor.im, factor.den)
