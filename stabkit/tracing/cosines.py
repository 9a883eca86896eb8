"""Transforms by cosines and sines of SciPy, for steps that are diagonal in such a basis."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import numpy as np

from stabkit.aliases import Argument, Function
from stabkit.tracing.modes import Basis, Factor, Signal, is_zero, number, stop_tracing

#: The types whose modes are orthogonal, with any norm; a norm of its own makes them longer only.
_ORTHOGONAL = {"dct": (2, 4), "dst": (1, 2, 4)}


def cosine_transforms() -> dict[int, Any]:
    """Stand-ins for the transforms by cosines and sines, where SciPy's are loaded."""
    library = sys.modules.get("scipy.fft")
    found: dict[int, Any] = {}
    for kind in ("dct", "dst") if library is not None else ():
        for suffix in ("", "n"):
            there, back = (getattr(library, name + suffix) for name in (kind, "i" + kind))
            several = tuple(getattr(library, name + "n") for name in (kind, "i" + kind))
            found[id(there)] = partial(_forward, there, kind, suffix, several)
            found[id(back)] = partial(_backward, back, kind, suffix, several)
    return found


def _basis(kind: str, suffix: str, several: tuple[Function, Function], axes: int,
           args: tuple, options: dict) -> Basis:
    """The basis that a call means."""
    type_ = args[0] if args else options.get("type", 2)
    axis = options.get("axis", -1)
    if len(args) > 1 or set(options) - {"type", "norm", "workers", "axis"} or \
            (not suffix and (axes != 1 or axis not in (0, -1))):
        stop_tracing("a transform of some axes, or of another length; use dctn")
    norm = options.get("norm")
    if type_ not in _ORTHOGONAL[kind] and not (kind == "dst" and type_ == 3 and norm == "ortho") \
            and not (kind == "dct" and type_ == 3 and norm == "ortho"):
        stop_tracing(f"a {kind} of type {type_}, whose modes are not orthogonal,")
    name = f"a basis of {'cosines' if kind == 'dct' else 'sines'} (type {type_})"
    there, back = several
    return _known_basis(name, there, back, type_, norm)


_BASES: dict[tuple, Basis] = {}


def _known_basis(name: str, there: Function, back: Function, type_: int, norm: Any) -> Basis:
    """One object for one basis."""
    return _BASES.setdefault((name, norm), Basis(name, partial(there, type=type_, norm=norm),
                                                 partial(back, type=type_, norm=norm)))


def _forward(plain: Function, kind: str, suffix: str, several: tuple, a: Any, *args: Argument,
             **options: Argument) -> Any:
    if not isinstance(a, Signal):
        return plain(a, *args, **options)
    basis = _basis(kind, suffix, several, a.ndim, args, options)
    if a.basis not in (None, basis):
        stop_tracing("modes of two different bases, or of two norms")
    out = np.empty(a.shape, dtype=object)
    for place, factor in np.ndenumerate(a.factors):
        out[place] = Factor(factor.re, factor.im, factor.den, (id(basis), *place))
    return out


def _backward(plain: Function, kind: str, suffix: str, several: tuple, a: Any, *args: Argument,
              **options: Argument) -> Any:
    if not (isinstance(a, np.ndarray) and a.dtype == object):
        return plain(a, *args, **options)
    basis = _basis(kind, suffix, several, a.ndim, args, options)
    out = np.empty(a.shape, dtype=object)
    for place, entry in np.ndenumerate(a):
        factor = number(entry)
        if factor.mode != (id(basis), *place) and not is_zero(factor):
            stop_tracing("modes that have changed their places, or of another basis or norm,")
        if factor.im != 0:
            stop_tracing("a complex factor of a cosine")
        out[place] = Factor(factor.re, factor.im, factor.den, place)
    return Signal(out, basis)
