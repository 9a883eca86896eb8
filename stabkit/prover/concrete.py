"""Exact evidence against a statement for all: a member of each class, and signals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from stabkit.aliases import Fields, Function, Signal
from stabkit.claims.obligations import parts_of
from stabkit.classes import AnyFlux, AnyOperator, AnyVector, Class, Fixed, Positive, UpTo
from stabkit.errors import STOPPED, InvalidArgument
from stabkit.operators import Operator, from_matrix
from stabkit.prover.piecewise_linear import flux_through
from stabkit.prover.question import Question
from stabkit.prover.witnesses import Members, members
from stabkit.schemes import Scheme
from stabkit.stability.certificates import check_facts
from stabkit.stability.confirmation import written_witness
from stabkit.stability.falsify import exact_margin
from stabkit.stability.notions import as_notion
from stabkit.stability.property import Stable
from stabkit.stability.verdict import Evidence

ONE = Fraction(1)


@dataclass(frozen=True, eq=False)
class OwnStep(Scheme):
    """A step that is given as a function; it is evaluated exactly."""

    function: Callable[[Any], Any]
    length: int
    parts: tuple[tuple[Any, ...], tuple[Any, ...]] = ((), ())

    @property
    def size(self) -> int:
        return self.length

    @property
    def operators(self) -> tuple[Any, ...]:
        return self.parts[0]

    @property
    def fluxes(self) -> tuple[Any, ...]:
        return self.parts[1]

    def step(self, u: Signal) -> Any:
        return self.function(u)


def evidence_against(what: Function, notion: Any, classes: Mapping[str, Class],
                     question: Question, seed: int = 0) -> Evidence | None:
    """A witness that the independent checker confirms, or None."""
    values = _values(question)
    if values is None or question.statement["kind"] != "algebra":
        return None
    letters = {kind.letter or ("phi" if name == "flux" else name): name
               for name, kind in classes.items() if isinstance(kind, AnyFlux)}
    for found in members(question.statement, values, seed):
        try:
            arguments = {name: _member(name, kind, found, question, letters, values)
                         for name, kind in classes.items()}
            evidence = _witness(what, notion, arguments, found)
        except STOPPED:
            continue
        if evidence is not None:
            return evidence
    return None


def _values(question: Question) -> dict[str, Fraction] | None:
    """Numbers for the parameters: 1, and the largest step that is allowed."""
    signs = question.statement.get("parameters", {})
    if "any" in signs.values():
        return None
    values = {name: ONE for name in signs if name not in question.portions}
    for name, portion in question.portions.items():
        if portion.top is None:
            values[name] = ONE
            continue
        put = {key: 1 * (portion.over * 0 + value) for key, value in values.items()}
        top, over = (x.put(put).terms.get(((), ()), Fraction(0))
                     for x in (portion.top, portion.over))
        if not over:
            return None
        values[name] = top / over
    return values


def _member(name: str, kind: Class, found: Members, question: Question,
            letters: Mapping[str, str], values: Mapping[str, Fraction]) -> Any:
    """The member of a class that the argument of this name has."""
    if isinstance(kind, AnyOperator):
        return from_matrix(found.operators[kind.letter or name])
    if isinstance(kind, AnyFlux):
        letter = next(key for key, argument in letters.items() if argument == name)
        ends = {key: (_end(low, values), _end(high, values))
                for key, (low, high) in question.statement["fluxes"][letter].items()}
        flux = flux_through(found.points[letter], ends)
        check_facts(flux)
        return flux
    if isinstance(kind, UpTo):
        return ONE if kind.top is None else Fraction(kind.top)
    if isinstance(kind, AnyVector):
        return found.vectors[name]
    if isinstance(kind, Fixed):
        return kind.value
    if isinstance(kind, Positive):
        return ONE
    raise InvalidArgument(f"{name}: no member of {kind} is tried")


def _end(text: str, values: Mapping[str, Fraction]) -> Fraction | None:
    if text in ("inf", "-inf"):
        return None
    sign, name = (-1, text[1:]) if text[0] == "-" else (1, text)
    return sign * (values[name] if name in values else Fraction(name))


def _witness(what: Function, notion: Any, arguments: Fields,
             found: Members) -> Evidence | None:
    signals = tuple(found.vectors[name] for name in "uv" if name in found.vectors)
    for part in parts_of(what(**arguments)):
        if isinstance(part, Stable):
            scheme, notion = part.scheme, part.notion
        elif isinstance(part, Scheme):
            scheme, notion = part, as_notion(notion)
        elif callable(part):
            kinds = tuple(tuple(x for x in arguments.values() if isinstance(x, kind))
                          for kind in (Operator, type(next(iter(arguments.values())))))
            scheme, notion = OwnStep(part, len(signals[0]), kinds), as_notion(notion)
        else:
            continue
        inputs = signals[:notion.signals]
        if len(inputs) < notion.signals or not all(isinstance(u, np.ndarray) for u in inputs):
            continue
        inputs = _as_given(scheme, inputs)
        margin = exact_margin(scheme, notion, inputs)
        if margin is not None and margin < 0:
            evidence = written_witness(scheme, notion, inputs, margin)[0]
            if evidence is not None:
                return evidence
    return None


def _as_given(scheme: Scheme, inputs: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
    return tuple(np.array([Fraction(x) for x in u], dtype=object) for u in inputs)
