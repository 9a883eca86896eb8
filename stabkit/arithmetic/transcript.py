"""Transcripts: an array expression run on names instead of numbers.

A scheme is written once, as an array expression.  Run on floats it computes, run on fractions it
proves, and run on a :class:`Term` it writes itself down in the small language that
``stabkit replay`` reads.  So the evidence of a verdict shows the very scheme that was searched.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from stabkit.aliases import Array, Operand, Record, Scalar
from stabkit.arithmetic.rational import fraction
from stabkit.errors import InvalidArgument

SUM, PRODUCT, POWER, ATOM = 1, 2, 3, 4
_LONGEST = 1 << 20  # characters of an expression
LARGEST = 10**4300  # Python writes and reads no longer integers
#: In place of a number that is not written, so that no checker accepts what rests on it.
TOO_LONG = "a number of more than 4300 digits"
_LONG, _WORTH = 256, 8  # entries of a vector that is written in runs, and of a run

_OPERATORS = {
    np.add: ("+", SUM), np.subtract: ("-", SUM), np.multiply: ("*", PRODUCT),
    np.divide: ("/", PRODUCT), np.matmul: ("@", PRODUCT),
}
_CALLS = {
    np.exp: "exp", np.sqrt: "sqrt", np.log: "log", np.tanh: "tanh", np.absolute: "abs",
    np.sign: "sign", np.cos: "cos", np.sin: "sin", np.arctan: "atan", np.maximum: "max",
    np.minimum: "min",
}
_WORD = re.compile(r"[A-Za-z_]\w*")
_FUNCTIONS = {np.sum: "sum", np.min: "min", np.max: "max", np.dot: "dot"}


class Transcript:
    """The lines of one calculation: what is given, and what is defined from it, in order.

    Parameters
    ----------
    entrywise : bool
        Write matrices out, however large: the checker multiplies others with vectors only.
    """

    def __init__(self, *, entrywise: bool = False) -> None:
        self.entrywise = entrywise
        self.given: Record = {}
        self.let: list[list[str]] = []
        self.facts: dict[str, Record] = {}
        self._written: dict[Any, str] = {}

    def give(self, name: str, value: Scalar) -> Term:
        """Add a given quantity under `name` (numbered if taken) and return its term."""
        name = self._free(name)
        self.given[name] = _in_runs(as_text(value))
        return Term(self, name)

    def give_once(self, owner: Any, name: str, value: Callable[[], Any]) -> Term:
        """Like :meth:`give`, but the same `owner` (hashable) is written down only once."""
        if owner not in self._written:
            self._written[owner] = self.give(name, value()).text
        return Term(self, self._written[owner])

    def term(self, expression: str) -> Term:
        """An expression of the language as a term (it is not checked)."""
        return Term(self, expression, 0)

    def define(self, name: str, term: Term) -> Term:
        """Add the line ``name = term`` and return the term of the name."""
        name = self._free(name)
        self.let.append([name, term.text])
        return Term(self, name)

    def function(self, owner: Any, name: str, body: Callable[[Term], Term]) -> str:
        """Define the scalar function ``name(x) = body(x)`` once per `owner`; return its name."""
        if owner not in self._written:
            text = body(Term(self, "x")).text
            self._written[owner] = self._free(name)
            self.let.append([f"{self._written[owner]}(x)", text])
        return self._written[owner]

    def fact(self, name: str, conditions: Sequence[str | None]) -> None:
        """Declare some conditions, with all that they mention, a fact of its own.

        There is none without conditions, or if one of them could not be shown (None).
        """
        shows = [text for text in conditions if text is not None]
        if not shows or len(shows) < len(conditions):
            return
        names = dependencies(shows, self.given, self.let)
        self.facts[name] = {
            "given": {key: value for key, value in self.given.items() if key in names},
            "let": [line for line in self.let if _head(line) in names], "shows": shows}

    def _free(self, name: str) -> str:
        taken = set(self.given) | {left.split("(")[0] for left, _ in self.let}
        if name not in taken:
            return name
        number = 1
        while f"{name}{number}" in taken:
            number += 1
        return f"{name}{number}"


class Term:
    """A quantity in a transcript; arithmetic on it writes the expression."""

    __slots__ = ("level", "log", "text")
    __hash__ = None  # type: ignore[assignment]  # so Python says "no hash"
    __iter__ = None  # its length is not known here, so a loop over it would not end

    def __init__(self, log: Transcript, text: str, level: int = ATOM):
        if len(text) > _LONGEST:
            raise InvalidArgument(f"transcript: an expression has more than {_LONGEST} characters; "
                                  "name intermediate results with "
                                  "stabkit.arithmetic.transcript.named")
        self.log, self.text, self.level = log, text, level

    def _infix(self, left: Operand, sign: str, right: Operand, level: int) -> Term:
        # A factor 1 and an added 0 are left out: people read this.
        if sign in "*/" and isinstance(right, Fraction | int) and right == 1:
            return left
        if sign == "*" and isinstance(left, Fraction | int) and left == 1:
            return right
        return Term(self.log, f"{_spell(left, level)} {sign} {_spell(right, level + 1)}", level)

    def __add__(self, other):
        return self._infix(self, "+", other, SUM)

    def __radd__(self, other):
        return self._infix(other, "+", self, SUM)

    def __sub__(self, other):
        return self._infix(self, "-", other, SUM)

    def __rsub__(self, other):
        return self._infix(other, "-", self, SUM)

    def __mul__(self, other):
        return self._infix(self, "*", other, PRODUCT)

    def __rmul__(self, other):
        return self._infix(other, "*", self, PRODUCT)

    def __truediv__(self, other):
        return self._infix(self, "/", other, PRODUCT)

    def __rtruediv__(self, other):
        return self._infix(other, "/", self, PRODUCT)

    def __matmul__(self, other):
        return self._infix(self, "@", other, PRODUCT)

    def __rmatmul__(self, other):
        return self._infix(other, "@", self, PRODUCT)

    def __pow__(self, exponent: int):
        return Term(self.log, f"{_spell(self, ATOM)}**{_spell(exponent, ATOM)}", POWER)

    def __neg__(self):
        return Term(self.log, f"-{_spell(self, POWER)}", SUM)

    def __abs__(self):
        return self.call("abs")

    def __getitem__(self, index):
        return Term(self.log, f"{_spell(self, ATOM)}[{_index(index)}]")

    def call(self, function: str, *others: Array) -> Term:
        """The value of a function of the language at this quantity (and others)."""
        return Term(self.log, f"{function}({', '.join(_spell(part) for part in (self, *others))})")

    def when(self, condition: str, otherwise: Term) -> Term:
        """This quantity where `condition` holds, `otherwise` elsewhere."""
        return Term(self.log, f"{_spell(self, SUM)} if {condition} else {otherwise.text}", 0)

    def equals(self, other: Operand) -> str:
        """The condition that this quantity is the other one."""
        return self.compare(self, "==", other).text

    def compare(self, left: Operand, sign: str, right: Operand) -> Term:
        """The text of a comparison, as a condition for :meth:`when`."""
        return Term(self.log, f"{_spell(left, SUM)} {sign} {_spell(right, SUM)}", 0)

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        if method != "__call__" or kwargs:
            return NotImplemented
        if ufunc in _OPERATORS:
            sign, level = _OPERATORS[ufunc]
            return self._infix(inputs[0], sign, inputs[1], level)
        if ufunc is np.negative:
            return -self
        if ufunc is np.power:
            return inputs[0] ** inputs[1]
        return self._call(_CALLS.get(ufunc), inputs)

    def __array_function__(self, func, types, args, kwargs):
        if func is np.roll and len(args) == 2 and not kwargs and isinstance(args[1], int):
            return _roll(*args)
        if func is np.concatenate and len(args) == 1 and not kwargs:
            first, *others = args[0]
            return self._call("concat", (first, *others))
        if set(kwargs) - {"axis"}:
            return NotImplemented
        return self._call(_FUNCTIONS.get(func), args)

    def _call(self, name: str | None, parts):
        if name is None:
            return NotImplemented
        return Term(self.log, f"{name}({', '.join(_spell(part) for part in parts)})")


def _head(line: Sequence[str]) -> str:
    """The name that a line defines."""
    return line[0].partition("(")[0]


def dependencies(texts: Iterable[str], given: Iterable[str], let: Iterable[Sequence[str]]
                 ) -> set[str]:
    """The given and defined names that expressions mention, directly or by definitions."""
    bodies = {**dict.fromkeys(given, ""), **{_head(line): line[1] for line in let}}
    names: set[str] = set()
    left = {word for text in texts for word in _WORD.findall(text)}
    while left:
        new = (left & bodies.keys()) - names
        names |= new
        left = {word for name in new for word in _WORD.findall(bodies[name])}
    return names


def _roll(u: Term, shift: int) -> Term:
    return u[-shift:].call("concat", u[:-shift]) if shift else u


def named(value: Scalar, name: str) -> Scalar:
    """Give a quantity a name of its own in its transcript; numbers pass through."""
    return value.log.define(name, value) if isinstance(value, Term) else value


def as_text(value: Scalar) -> Scalar:
    """An exact number, vector or matrix as strings of rationals, or TOO_LONG.

    Raises
    ------
    InvalidArgument
        If an entry is not an exact real number (or an infinity, which cells may have).
    """
    if isinstance(value, dict):  # a matrix of blocks, which is text already
        return value
    if isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim):
        return [as_text(entry) for entry in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return "inf" if value > 0 else "-inf"
    if isinstance(value, (int, float, Fraction, str)) and value == value:
        exact = fraction(value, "transcript")
        return TOO_LONG if max(abs(exact.numerator), exact.denominator) >= LARGEST else str(exact)
    raise InvalidArgument(f"transcript: {value!r} is not an exact real number")


def _in_runs(written: Any) -> Scalar:
    """A long vector as runs: how often some entries in a row are repeated, and the entries."""
    if not isinstance(written, list) or len(written) <= _LONG or isinstance(written[0], list):
        return written
    runs: list[list] = []
    start = 0
    while start < len(written):
        count, period = max((_count_repeats(written, start, period), period) for period in (1, 2))
        if count * period < _WORTH:
            count, period = 1, 1
        if count == 1 and runs and runs[-1][0] == 1:
            runs[-1][1] += written[start:start + period]
        else:
            runs.append([count, written[start:start + period]])
        start += count * period
    kept = sum(len(entries) for _, entries in runs)
    return {"runs": runs} if 2 * kept < len(written) else written


def _count_repeats(written: list[str], start: int, period: int) -> int:
    """How often the next entries of one period are repeated from there on."""
    stop = start + period
    while stop < len(written) and written[stop] == written[stop - period]:
        stop += 1
    return (stop - start) // period


def _spell(part: Any, level: int = 0) -> str:
    if isinstance(part, Term):
        return f"({part.text})" if part.level < level else part.text
    if isinstance(part, (list, tuple, np.ndarray)):
        return "[" + ", ".join(_spell(entry) for entry in part) + "]"
    text = as_text(part)
    own = SUM if text.startswith("-") else PRODUCT if "/" in text else ATOM
    return f"({text})" if own < level else text


def _index(index: Any) -> str:
    parts = index if isinstance(index, tuple) else (index,)
    return ", ".join(
        f"{'' if part.start is None else part.start}:{'' if part.stop is None else part.stop}"
        if isinstance(part, slice) else str(int(part)) for part in parts)
