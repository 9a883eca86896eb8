"""A step that is diagonal in Fourier's basis: a factor for every mode, a quotient in dt.

``np.fft.ifft(g * np.fft.fft(u)).real`` multiplies every mode by a number.  The function is run on a
signal that stands for all of them: a transform of it is an array of factors, each of which knows
its mode, and NumPy does the arithmetic with them as with other objects.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NoReturn

import numpy as np
from flint import fmpq_poly

from stabkit.aliases import Function, Operand, Rational
from stabkit.arithmetic.flint_rationals import to_fmpq
from stabkit.arithmetic.rational import Constant
from stabkit.arithmetic.rounding import is_rounded, meaning
from stabkit.errors import (
    UNFIT,
    StabkitError,
    TracingStopped,
    Undecided,
    in_words,
    limits_in_words,
)
from stabkit.tracing.libraries import with_stand_ins
from stabkit.tracing.run import as_shape, takes_step
from stabkit.tracing.state import refuse_state
from stabkit.tracing.tracer import line_of_user

_MODES = 4096
_CLOSE = 1e-8


def stop_tracing(what: str) -> NoReturn:
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
    if a.mode != b.mode and not (_is_zero(a) or _is_zero(b)):
        stop_tracing("a sum of different modes, or of a mode and a number")
    mode = b.mode if _is_zero(a) else a.mode
    if a.den == b.den:
        return Factor(a.re + b.re, a.im + b.im, a.den, mode)
    return Factor(a.re * b.den + b.re * a.den, a.im * b.den + b.im * a.den, a.den * b.den, mode)


def _is_zero(a: Factor) -> bool:
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

    def __init__(self, factors: np.ndarray):
        self.factors = factors
        self.shape, self.ndim, self.size = factors.shape, factors.ndim, factors.size

    def _by(self, other: Operand, operation: Callable[[Any, Any], Any]) -> Signal:
        if isinstance(other, np.ndarray) and other.ndim == 0:
            other = other.item()
        if isinstance(other, Signal) or (not isinstance(other, Factor) and np.ndim(other)):
            stop_tracing("a product with an array or with the data, beside a Fourier transform")
        return Signal(operation(self.factors, number(other)))

    def __add__(self, other: Operand) -> Signal:
        if not isinstance(other, Signal):
            stop_tracing("a source, beside a Fourier transform")
        return Signal(self.factors + other.factors)

    __radd__ = __add__

    def __sub__(self, other: Operand) -> Signal:
        return self + -other

    def __rsub__(self, other: Operand) -> Signal:
        return -self + other

    def __neg__(self) -> Signal:
        return Signal(-self.factors)

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
        mirrored = self.factors
        for axis in range(self.ndim):
            mirrored = np.roll(np.flip(mirrored, axis), 1, axis)
        out = np.empty(self.shape, dtype=object)
        for place, factor in np.ndenumerate(self.factors):
            other: Operand = mirrored[place]
            mean = _times(_add(_bare(factor), _bare(other).conjugate()), Fraction(1, 2))
            out[place] = Factor(mean.re, mean.im, mean.den, place)
        return Signal(out)

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


def _bare(factor: Factor) -> Factor:
    return Factor(factor.re, factor.im, factor.den)


def _forward(half: bool, axes: int | None) -> Function:
    def run(a: Any, *args: Any, **options: Any) -> Any:
        if not isinstance(a, Signal):
            return _PLAIN[half, axes, True](a, *args, **options)
        _check(a, args, options, axes)
        return a.factors[..., :a.shape[-1] // 2 + 1].copy() if half else a.factors.copy()
    return run


def _backward(half: bool, axes: int | None, shape: tuple[int, ...]) -> Function:
    def run(a: Any, *args: Any, **options: Any) -> Any:
        if not (isinstance(a, np.ndarray) and a.dtype == object):
            return _PLAIN[half, axes, False](a, *args, **options)
        wide = (*shape[:-1], shape[-1] // 2 + 1) if half else shape
        if a.shape != wide or (half and shape[-1] % 2 and not (args or options)):
            stop_tracing("a transform of another length")
        out = np.empty(shape, dtype=object)
        for place in np.ndindex(shape):
            there = place
            if half and place[-1] >= wide[-1]:
                there = tuple((n - k) % n for k, n in zip(place, shape, strict=True))
            factor = number(a[there])
            if factor.mode not in (None, there) or (factor.mode is None and not _is_zero(factor)):
                stop_tracing("modes that have changed their places")
            factor = factor if there == place else factor.conjugate()
            out[place] = Factor(factor.re, factor.im, factor.den, place)
        found = Signal(out)
        return found.real if half else found
    return run


def _check(a: Signal, args: tuple, options: dict, axes: int | None) -> None:
    if args or set(options) - {"workers"} or (axes is not None and a.ndim != axes):
        stop_tracing("a transform of some axes, or with a length or norm of its own")


_PLAIN: dict[tuple[bool, int | None, bool], Any] = {}


def _transforms(shape: tuple[int, ...]) -> dict[int, Any]:
    """Stand-ins for the transforms of NumPy and SciPy."""
    found: dict[int, Any] = {}
    for library in (np.fft, sys.modules.get("scipy.fft")):
        for suffix, axes in (("", 1), ("2", 2), ("n", None)) if library is not None else ():
            for half in (False, True):
                names = ("rfft", "irfft") if half else ("fft", "ifft")
                forward, backward = (getattr(library, name + suffix) for name in names)
                _PLAIN[half, axes, True], _PLAIN[half, axes, False] = forward, backward
                found[id(forward)] = _forward(half, axes)
                found[id(backward)] = _backward(half, axes, shape)
    return found


def factors_of(function: Function, shape: Any, seed: int = 0,
               at: Fraction | None = None) -> np.ndarray:
    """The factors of a step that is diagonal in Fourier's basis, as an array of its shape.

    With `at` the step is that number, else it is left open.

    Raises
    ------
    TracingStopped
        If it does something else, with the line; or if the function does not do what its factors
        say.
    """
    shape = as_shape(shape)
    if np.prod(shape) > _MODES:
        raise TracingStopped(f"transforms are followed up to {_MODES} modes")
    unit = np.empty(shape, dtype=object)
    for place in np.ndindex(shape):
        unit[place] = Factor(fmpq_poly([1]), fmpq_poly([]), fmpq_poly([1]), place)
    dt: Rational = Factor(fmpq_poly([0, 1]), fmpq_poly([]), fmpq_poly([1])) if at is None else \
        Constant(at)
    args: Any = (Signal(unit), dt) if takes_step(function) else (Signal(unit),)
    try:
        with limits_in_words():
            result = with_stand_ins(function, _transforms(shape))(*args)
    except Undecided:
        raise
    except (StabkitError, *UNFIT) as error:
        raise TracingStopped(f"it raises {in_words(error)} on modes") from error
    if not isinstance(result, Signal) or result.shape != shape:
        raise TracingStopped("it returns no real array of the shape of its input")
    factors = result.factors
    rng = np.random.default_rng([seed, 11])
    for step in (Fraction(1, 64), Fraction(3, 7)) if at is None else (at,):
        u = rng.standard_normal(shape)
        beside = (float(step),) if takes_step(function) else ()
        made = np.asarray(function(u.copy(), *beside))
        wanted = np.fft.ifftn(values_at(factors, step) * np.fft.fftn(u))
        if np.iscomplexobj(made) or not (
                np.abs(made - wanted) <= _CLOSE * (1 + np.abs(wanted))).all():
            raise TracingStopped("the function does not do on numbers what it did on modes")
    refuse_state(function, lambda: function(u.copy(), *beside))
    return factors


def values_at(factors: np.ndarray, dt: Fraction) -> np.ndarray:
    """In floats: the factors at a step."""
    x = to_fmpq(dt)

    def at(p: fmpq_poly) -> float:
        value = p(x)
        return int(value.p) / int(value.q)

    out = np.empty(factors.shape, dtype=complex)
    for place, factor in np.ndenumerate(factors):
        out[place] = (at(factor.re) + 1j * at(factor.im)) / at(factor.den)
    return out
