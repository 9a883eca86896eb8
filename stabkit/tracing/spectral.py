"""A step that is diagonal in a basis of modes: a factor for every mode, a quotient in dt.

``np.fft.ifft(g * np.fft.fft(u)).real`` multiplies every mode by a number.  The function is run on a
signal that stands for all of them: a transform of it is an array of factors, each of which knows
its mode, and NumPy does the arithmetic with them as with other objects.
"""

from __future__ import annotations

import sys
from fractions import Fraction
from typing import Any

import numpy as np
from flint import fmpq_poly

from stabkit.aliases import Argument, Function, Rational
from stabkit.arithmetic.flint_rationals import to_fmpq
from stabkit.arithmetic.rational import Constant
from stabkit.errors import (
    UNFIT,
    StabkitError,
    TracingStopped,
    Undecided,
    in_words,
    limits_in_words,
)
from stabkit.tracing.cosines import cosine_transforms
from stabkit.tracing.libraries import with_stand_ins
from stabkit.tracing.modes import FOURIER, Factor, Modes, Signal, is_zero, number, stop_tracing
from stabkit.tracing.run import as_shape, takes_step
from stabkit.tracing.state import refuse_state

_MODES = 4096
_CLOSE = 1e-8


def _forward(half: bool, axes: int | None) -> Function:
    def run(a: Any, *args: Argument, **options: Argument) -> Any:
        if not isinstance(a, Signal):
            return _PLAIN[half, axes, True](a, *args, **options)
        _check(a, args, options, axes)
        if a.basis not in (None, FOURIER):
            stop_tracing("modes of two different bases")
        return a.factors[..., :a.shape[-1] // 2 + 1].copy() if half else a.factors.copy()
    return run


def _backward(half: bool, axes: int | None, shape: tuple[int, ...]) -> Function:
    def run(a: Any, *args: Argument, **options: Argument) -> Any:
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
            if factor.mode not in (None, there) or (factor.mode is None and not is_zero(factor)):
                stop_tracing("modes that have changed their places")
            factor = factor if there == place else factor.conjugate()
            out[place] = Factor(factor.re, factor.im, factor.den, place)
        found = Signal(out, FOURIER)
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
    """The factors of :func:`modes_of` alone."""
    return modes_of(function, shape, seed, at).factors


def modes_of(function: Function, shape: Any, seed: int = 0, at: Fraction | None = None) -> Modes:
    """The factors of a step that is diagonal in a basis of waves or of cosines.

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
            result = with_stand_ins(function, _transforms(shape) | cosine_transforms())(*args)
    except Undecided:
        raise
    except (StabkitError, *UNFIT) as error:
        raise TracingStopped(f"it raises {in_words(error)} on modes") from error
    if not isinstance(result, Signal) or result.shape != shape:
        raise TracingStopped("it returns no real array of the shape of its input")
    factors, basis = result.factors, result.basis or FOURIER
    rng = np.random.default_rng([seed, 11])
    for step in (Fraction(1, 64), Fraction(3, 7)) if at is None else (at,):
        u = rng.standard_normal(shape)
        beside = (float(step),) if takes_step(function) else ()
        made = np.asarray(function(u.copy(), *beside))
        wanted = basis.backward(values_at(factors, step) * basis.forward(u))
        if np.iscomplexobj(made) or not (
                np.abs(made - wanted) <= _CLOSE * (1 + np.abs(wanted))).all():
            raise TracingStopped("the function does not do on numbers what it did on modes")
    refuse_state(function, lambda: function(u.copy(), *beside))
    return Modes(factors, basis)


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
