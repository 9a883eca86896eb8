"""Statements are written by schemes that run on symbols.

A scheme is a function of a vector that uses +, −, *, @, ``K.T`` and ``flux.activation``; it runs on
arrays and on symbols alike.  On symbols each evaluation of a flux becomes a visit with a letter for
its value, and a notion turns what comes out into a goal.  So the statement is not typed in, and a
proof has no part in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from itertools import combinations, count
from types import MappingProxyType
from typing import Any

from stabkit.errors import InvalidArgument
from stabkit.proof.aliases import Data, Fields, Record
from stabkit.proof.number_ranges import require_values
from stabkit.proof.parts import (
    Portion,
    SymbolicFacts,
    SymbolicFlux,
    SymbolicNumber,
    SymbolicOperator,
    symbolic_operator,
)
from stabkit.proof.text import text_of
from stabkit.proof.words import NUMBERS, Expression, Word, dot, expression, parameter, vector

Step = Callable[[Expression], Expression]
Pair = Callable[[Expression], tuple[Expression, Expression]]


class Symbols:
    """The symbols of a statement, written down as they are made."""

    def __init__(self) -> None:
        self.data: dict[str, Record] = {}
        self.portions: dict[str, Portion] = {}  # by the name of their parameter
        self.values: dict[str, Expression] = {}  # letters for values of maps, and where those are

    def note(self, key: str, name: str, entry: Data) -> None:
        if name in self.data.get(key, {}):
            raise InvalidArgument(f"{name}: one letter would stand for two things; an argument "
                                  "needs another name")
        self.data.setdefault(key, {})[name] = entry
        if key == "assume":
            require_values(self.data.get("parameters", {}), self.data[key])

    def declarations(self) -> list[str]:
        """The names of parameters, operators and fluxes, which may differ from step to step."""
        return [name for key in ("parameters", "operators", "fluxes")
                for name in self.data.get(key, {})]

    def free(self, name: str) -> str:
        """The name, with a number if it is taken."""
        taken = {entry for entries in self.data.values() for entry in entries}
        return name if name not in taken else next(
            made for made in (f"{name}{k}" for k in count(1)) if made not in taken)

    def parameter(self, name: str, sign: str = "> 0") -> SymbolicNumber:
        """A real number; `sign` is "> 0", ">= 0" or "any"."""
        self.note("parameters", name, sign)
        return SymbolicNumber(NUMBERS, NUMBERS, parameter(name).terms, sign)

    def assume(self, name: str, condition: Any, strict: bool = False) -> None:
        """A condition on the parameters: the expression is >= 0, or > 0."""
        self.note("assume", name, f"{text_of(condition)} {'>' if strict else '>='} 0")

    def operator(self, name: str, of: str = "N", to: str = "M", symmetric: bool = False,
                 bound: Any = None) -> SymbolicOperator:
        """A linear map; `bound` is a number c with ‖K‖² <= c."""
        if isinstance(bound, Fraction) and bound < 0:
            raise InvalidArgument(f"square: no operator has ‖K‖² <= {bound}; give a number >= 0")
        self.note("operators", name, f"{of} -> {to}" + " symmetric" * symmetric)
        if bound is not None:
            self.note("bounds", name, text_of(expression(bound)))
        return symbolic_operator(name, of, to, symmetric, bound)

    def form(self, name: str, space: str, holds: Callable[[Expression], Expression]) -> None:
        """Assume of every vector x of a space that holds(x) >= 0."""
        text = f"{text_of(holds(vector('x', space)))} >= 0"
        self.note("forms", name, {"of": "x", "in": space, "holds": text})

    def vector(self, name: str, space: str = "N") -> Expression:
        self.note("vectors", name, space)
        return vector(name, space)

    def equation(self, name: str, left: Expression) -> None:
        """Assume that an expression is 0."""
        self.note("equations", name, f"{text_of(left)} == 0")

    def know(self, name: str, left: Expression) -> None:
        """Assume that a number is >= 0."""
        self.note("known", name, f"{text_of(left)} >= 0")

    def portion(self, top: Any = None, strict: bool = False) -> Portion:
        """A number in (0, top], or (0, top); without an end for None."""
        if isinstance(top, Fraction) and top <= 0:
            raise InvalidArgument(f"top: no number lies in (0, {top}]; give one > 0")
        return Portion(self, None if top is None else expression(top), strict=strict)

    def flux(self, name: str = "phi", sector: Any = None, slopes: Any = None,
             meaning: Mapping[str, str] = MappingProxyType({}), odd: bool = False,
             from_zero: bool = False) -> SymbolicFlux:
        """A flux of which some facts are assumed, each an interval; None is an open end."""
        facts = {}
        for kind, ends in (("sector", sector), ("slopes", slopes)):
            if ends is not None:
                facts[kind] = [endless if end is None else text_of(expression(end))
                               for end, endless in zip(ends, ("-inf", "inf"), strict=True)]
        self.note("fluxes", name, facts)
        return SymbolicFlux(self, name, SymbolicFacts(
            _expressions(slopes), _expressions(sector), odd, from_zero), meaning)

    def shows(self, left: Expression | str, relation: str = ">=") -> Record:
        """The statement that an expression, or what a text says, is >= 0, or == 0."""
        return {"kind": "algebra", **self.data, "goal": f"{_text(left)} {relation} 0"}

    def iterates(self, goal: Expression | str, *, start: Fields,
                 after: Mapping[str, Expression], relation: str = ">=",
                 changing: Iterable[str] = (), counter: str | None = None) -> Record:
        """The statement that a goal holds after any number of steps, from `start` by `after`.

        The names in `start` are vectors made before; they become the state.  What a map makes of
        the state changes with it.
        """
        data: Record = {key: dict(entries) for key, entries in self.data.items()}
        state = {name: data["vectors"].pop(name) for name in start}
        data["state"] = state
        data["start"] = {name: text_of(expression(x)) for name, x in start.items()}
        data["next"] = {name: text_of(x) for name, x in after.items()}
        if counter is not None:
            del data["parameters"][counter]
            data["counter"] = counter
        changing = [*changing]
        moving = {*state, *changing, *([] if counter is None else [counter])}
        changing += [name for name in self._follow(moving) if name not in changing]
        if changing:
            data["changing"] = changing
        return {"kind": "iteration", **data, "goal": f"{_text(goal)} {relation} 0"}

    def _follow(self, letters: set[str]) -> list[str]:
        """The values of maps at points that depend on these letters, also by other values."""
        made = {name: point.letters for name, point in self.values.items()}
        for visit in self.data.get("visits", {}).values():
            made |= dict.fromkeys((visit["value"], visit.get("energy", "")), _words(visit["at"]))
        count = -1
        while count < len(letters):
            count = len(letters)
            letters = letters | {name for name, at in made.items() if at & letters}
        return [name for name in self.values if name in letters]


def _words(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z_]\w*", text))


def _expressions(ends: Any) -> tuple[Any, Any] | None:
    """The two ends of an interval, if it is one."""
    if not ends:
        return None
    low, high = (None if end is None else expression(end) for end in ends)
    return low, high


def _text(x: Expression | str) -> str:
    return x if isinstance(x, str) else text_of(x)


def norm2(x: Expression) -> str:
    """The text of |x|², not multiplied out."""
    text = text_of(x) if len(x.terms) == 1 and text_of(x).isidentifier() else f"({text_of(x)})"
    return f"{text}.T@{text}"


def as_square(x: Expression) -> str:
    """The text of c·|y|² if it is that, for a polynomial c in parameters and a vector y; or ""."""
    for word, _ in x.terms:
        half = word[len(word) // 2:]
        first = tuple(letter.T for letter in reversed(half))
        if half and word == first + half and half[-1].of == NUMBERS:
            times, y = _behind(x, first, half)
            if y is not None and (times * dot(y, y) - x).is_zero():
                one = not (times - 1).terms
                return norm2(y) if one else f"({text_of(times)})*({norm2(y)})"
    return ""


def _behind(x: Expression, first: Word, half: Word) -> tuple[Expression, Expression | None]:
    """What stands before the half with itself, and what behind the first one, divided by that."""
    found: dict[Word, dict] = {}
    for (word, powers), c in x.terms.items():
        if word[:len(first)] == first and len(word) > len(first):
            found.setdefault(word[len(first):], {})[powers] = c
    times, terms = found[half], {}
    divisor, number = min(times.items(), key=lambda entry: sum(k for _, k in entry[0]))
    for word, factor in found.items():
        for powers, c in factor.items() if len(times) == 1 else [(divisor, factor.get(divisor, 0))]:
            left = {name: dict(powers).get(name, 0) - dict(divisor).get(name, 0)
                    for name in {*dict(powers), *dict(divisor)}}
            if min(left.values(), default=0) < 0:
                return expression(0), None
            terms[word, tuple(sorted((name, k) for name, k in left.items() if k))] = c / number
    made: dict[tuple[Word, Any], Fraction] = {((), powers): c for powers, c in times.items()}
    return Expression(NUMBERS, NUMBERS, made), Expression(half[0].to, NUMBERS, {
        key: c for key, c in terms.items() if c})


# -- schemes -----------------------------------------------------------------------------------


def explicit(K: Any, flux: Any, tau: Any, bias: Any = 0) -> Step:
    """u ↦ u − τ KᵀΦ(K u + b)."""
    return lambda u: u - tau * (K.T @ flux.activation(K @ u + bias))


def fixed_point(K: Any, flux: Any, tau: Any, iterations: int) -> Step:
    """v ← u − τ KᵀΦ(K v), so many times from v = u."""
    def step(u: Any) -> Any:
        v = u
        for _ in range(iterations):
            v = u - tau * (K.T @ flux.activation(K @ v))
        return v
    return step


def implicit(K: Any, flux: Any, tau: Any, bias: Any = 0) -> Pair:
    """v ↦ (u, v) with v = u − τ KᵀΦ(K v + b)."""
    return lambda v: (v + tau * (K.T @ flux.activation(K @ v + bias)), v)


def forwards(step: Step) -> Pair:
    """An explicit step as a pair of what is before and what is after it."""
    return lambda u: (u, step(u))


# -- notions -----------------------------------------------------------------------------------


def euclidean(symbols: Symbols, pair: Pair) -> Record:
    """|after| <= |before|."""
    before, after = pair(symbols.vector("u"))
    return symbols.shows(f"{norm2(before)} - {norm2(after)}")


def contraction(symbols: Symbols, pair: Pair, factor: Any = 1) -> Record:
    """The difference of two solutions grows at most by a factor."""
    one, two = pair(symbols.vector("u")), pair(symbols.vector("v"))
    before, after = (x - y for x, y in zip(one, two, strict=True))
    times = "" if factor == 1 else f"({text_of(expression(factor))})**2*"
    return symbols.shows(f"{times}{norm2(before)} - {norm2(after)}")


def energy(symbols: Symbols, pair: Pair, K: Any, flux: SymbolicFlux) -> Record:
    """ΣP((K u)ᵢ) does not grow."""
    before, after = pair(symbols.vector("u"))
    return symbols.shows(flux.energy(K @ before) - flux.energy(K @ after))


def any_number(symbols: Symbols, step: Step, changing: Iterable[str] = ()) -> Record:
    """|after| <= |before| for any number of steps; each may have what is `changing` to itself."""
    u, v = symbols.vector("u"), symbols.vector("v")
    return symbols.iterates(f"{norm2(u)} - {norm2(v)}", start={"v": u}, after={"v": step(v)},
                            changing=changing)


def any_number_contracts(symbols: Symbols, step: Step,
                         changing: Iterable[str] = ()) -> Record:
    """Differences do not grow in any number of steps."""
    u, v, y, z = (symbols.vector(name) for name in "uvyz")
    return symbols.iterates(f"{norm2(u - v)} - {norm2(y - z)}", start={"y": u, "z": v},
                            after={"y": step(y), "z": step(z)}, changing=changing)


def any_number_energy(symbols: Symbols, step: Step, K: Any, flux: SymbolicFlux) -> Record:
    """ΣP((K u)ᵢ) does not grow in any number of steps."""
    u, v = symbols.vector("u"), symbols.vector("v")
    fall = flux.energy(K @ u) - flux.energy(K @ v)
    return symbols.iterates(fall, start={"v": u}, after={"v": step(v)})


def any_number_implicit(symbols: Symbols, pair: Pair,
                        changing: Iterable[str] = ()) -> Record:
    """|after| <= |before| for any number of steps v ↦ y, of which v follows from y."""
    u, v, y = (symbols.vector(name) for name in "uvy")
    symbols.equation("solves", v - pair(y)[0])
    return symbols.iterates(f"{norm2(u)} - {norm2(v)}", start={"v": u}, after={"v": y},
                            changing=[*changing, "y"])


def line(sign: int, end: str, keeps: str) -> Record:
    """I − sign·τDᵀG D on a line with two ends, D the difference of neighbours; weights τg/h²."""
    edges = {"-1": "l", "1": "r"}
    present = {"first": ["1"], "inner": ["-1", "1"], "last": ["-1"], "single": []}
    return _rows(sign, end, keeps, edges, present)


def grid(sign: int, end: str, dimensions: int) -> Record:
    """The same along each axis of a grid or ring; any neighbours may be missing at its ends."""
    edges = {f"{side}{axis}": f"w{side}{axis}" for axis in range(1, dimensions + 1)
             for side in ("before", "after")}
    present = {" ".join(names) or "alone": list(names) for count in range(len(edges) + 1)
               for names in combinations(edges, count)}
    return _rows(sign, end, "range", edges, present)


def _rows(sign: int, end: str, keeps: str, edges: dict[str, str],
          present: dict[str, list[str]]) -> Record:
    """Rows of u ↦ u + sign Σ weight·(neighbour − u) over the neighbours that are present."""
    numbers = {name: f"u{k}" for k, name in enumerate(["0", *edges])}
    u = {name: vector(letter, NUMBERS) for name, letter in numbers.items()}
    rows = {}
    for kind, names in present.items():
        after = u["0"]
        for name in names:
            after = after + sign * parameter(edges[name]) * (u[name] - u["0"])
        rows[kind] = {name: text_of(_coefficient(after, letter))
                      for name, letter in numbers.items() if name in ("0", *names)}
    return {"kind": "rows", "step": "explicit" if sign > 0 else "implicit", "keeps": keeps,
            "weights": dict.fromkeys(edges.values(), end), "rows": rows}


def _coefficient(x: Expression, name: str) -> Expression:
    """The coefficient of a number in an expression that is linear in it."""
    return Expression(NUMBERS, NUMBERS, {((), powers): c for (word, powers), c in x.terms.items()
                                         if word and word[0].name == name})
