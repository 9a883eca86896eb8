"""The functions that expressions are made of, for every kind of number that an expression meets.

Fractions stay exact where the function keeps them rational and become intervals elsewhere; arrays
go to their library; terms write the function's name; all others have it as a method.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import scipy

from stabkit.aliases import Array, Function, Scalar
from stabkit.arithmetic.enclosure import Interval, as_interval, pi
from stabkit.arithmetic.foreign import Entries, plain
from stabkit.arithmetic.rational import Constant
from stabkit.arithmetic.transcript import Term
from stabkit.errors import Undecided

_WRITTEN = {"arctan": "atan"}
_NUMPY = {"max": "maximum", "min": "minimum"}
_ARRAYS = (np.ndarray, np.generic, float, Entries)
_EXACT: dict[str, Function] = {
    "abs": abs, "max": max, "min": min, "floor": lambda x: Constant(math.floor(x)),
    "sign": lambda x: Constant((x > 0) - (x < 0)),
}


def _in_library(name: str, parts: tuple) -> Array:
    if name == "erf":
        return scipy.special.erf(*parts)
    if name == "decay":
        return parts[0] ** parts[1] * np.exp(-parts[0])
    return getattr(np, _NUMPY.get(name, name))(*parts)


def function(name: str) -> Function:
    """The function of a name, such as ``"exp"`` or ``"max"``, in every arithmetic."""
    exact = _EXACT.get(name)

    def apply(x: Scalar, *others: Array) -> Scalar:
        parts = (x, *others)
        terms = [part for part in parts if isinstance(part, Term)]
        if terms:
            return _as_term(terms[0], x).call(_WRITTEN.get(name, name), *others)
        if any(isinstance(part, _ARRAYS) for part in parts):
            return _in_library(name, parts)
        if isinstance(x, Fraction | int):
            if not all(isinstance(part, Fraction | int) for part in others):
                return _by_name(name, (others[0], x))  # max and min, of either order
            if exact:
                return exact(*parts)
            x = Interval(x)
        return _by_name(name, (x, *others))

    return apply


def _by_name(name: str, parts: tuple) -> Scalar:
    """The function of a number that has it as a method; the symbols of a step follow NumPy's."""
    x, *others = parts
    return getattr(x, name)(*others) if hasattr(type(x), name) else _in_library(name, parts)


def decay(x: Scalar, k: int) -> Scalar:
    """xᵏ e⁻ˣ for x >= 0, one operation because an interval of it has a sharp enclosure."""
    if isinstance(x, Term):
        return Term(x.log, str(k)).call("decay", x)
    if isinstance(x, _ARRAYS):
        return _in_library("decay", (x, k))
    return _by_name("decay", (Interval(x) if isinstance(x, Fraction | int) else x, k))


def pi_beside(x: Scalar) -> Scalar:
    """π in the arithmetic of a number that it stands beside."""
    if isinstance(x, Term):
        return Term(x.log, "pi")
    if isinstance(x, np.ndarray | np.generic) and x.dtype.kind == "f":
        return x.dtype.type(math.pi)
    if isinstance(x, float | Entries):
        return math.pi
    return x.pi() if hasattr(type(x), "pi") else pi()


def of_numbers(apply: Function, x: Scalar, *numbers: Scalar) -> Scalar:
    """A function of exact numbers, such as √2, in the arithmetic of x."""
    if isinstance(x, Term):
        return apply(*(_as_term(x, number) for number in numbers))
    value = apply(*numbers)
    if not isinstance(x, _ARRAYS) or not isinstance(value, Interval):
        return value
    return x.dtype.type(float(value)) if isinstance(x, np.ndarray | np.generic) else float(value)


def relation(sign: str, apply: Callable[[Scalar, Scalar], Scalar]
            ) -> Callable[[Scalar, Scalar], Scalar]:
    """A comparison; for terms, its text."""
    def compare(x: Scalar, y: Scalar) -> Scalar:
        term = x if isinstance(x, Term) else y
        return term.compare(x, sign, y) if isinstance(term, Term) else apply(x, y)

    return compare


def connective(word: str, apply: Function) -> Function:
    """``and``, ``or`` and ``not``; for terms, their text."""
    def join(*parts: Any) -> Scalar:
        if not isinstance(parts[0], Term):
            return apply(*parts)
        spelled = [f"({part.text})" for part in parts]
        text = f"{word} {spelled[0]}" if len(parts) == 1 else f" {word} ".join(spelled)
        return Term(parts[0].log, text, 0)

    return join


def negation(x: Scalar) -> Scalar:
    """The negation of a condition."""
    return not x if isinstance(x, bool) else ~x


def select(condition: Callable, yes: Callable, no: Callable) -> Callable[[Scalar], Scalar]:
    """``np.where``: an interval that may fall on both sides gets the hull of both."""
    def at(x: Scalar) -> Scalar:
        try:
            holds = condition(x)
        except Undecided:
            first = yes(x)
            return as_interval(first).hull(no(x))
        if isinstance(holds, bool):
            return yes(x) if holds else no(x)
        return _where(holds, yes(x), no(x))

    return at


def _where(holds: Scalar, yes: Scalar, no: Scalar) -> Scalar:
    if isinstance(holds, Term):
        return _as_term(holds, yes).when(holds.text, _as_term(holds, no))
    if isinstance(holds, np.ndarray | np.generic | Entries):
        other_library: Any = holds  # NumPy's own function, by the array's own protocol
        return np.where(holds, plain(yes), plain(no)) if not isinstance(holds, Entries) else \
            np.where(other_library, yes, no)
    own = next((part for part in (yes, no, holds) if hasattr(type(part), "where")), None)
    return np.where(holds, yes, no) if own is None else own.where(holds, yes, no)


def _as_term(beside: Term, value: Scalar) -> Term:
    return value if isinstance(value, Term) else Term(beside.log, str(value))
