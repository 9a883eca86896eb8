"""Exact evidence against a statement for all: a member of each class, and signals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, product
from typing import Any

import numpy as np

from stabkit.aliases import Fields, Function, Signal
from stabkit.claims.obligations import parts_of
from stabkit.classes import (
    AnyFlux,
    AnyOperator,
    AnyReal,
    AnyVector,
    Class,
    Fixed,
    Positive,
    Such,
    UpTo,
)
from stabkit.errors import STOPPED, InvalidArgument
from stabkit.multipliers.worst_case import WorstCase
from stabkit.operators import Operator, from_matrix
from stabkit.proof import read
from stabkit.proof.parts import Portion
from stabkit.proof.setting import Setting
from stabkit.proof.words import expression
from stabkit.prover.instance import facts_of, is_possible
from stabkit.prover.piecewise_linear import Ends, linear
from stabkit.prover.question import Bounded, Question, as_tuple, names_of
from stabkit.prover.witnesses import SIZES, Members, members, norms_of
from stabkit.schemes import Scheme
from stabkit.stability.confirmation import written_witness
from stabkit.stability.falsify import exact_margin
from stabkit.stability.growing_powers import growth_evidence
from stabkit.stability.notions import as_notion
from stabkit.stability.property import Stable
from stabkit.stability.verdict import Evidence

Values = dict[str, Fraction]  # of parameters

ZERO, ONE = Fraction(0), Fraction(1)
LONG = Fraction(100)  # a step that has no end
SIMPLE = (Fraction(2), ONE, Fraction(1, 2), Fraction(-1), ZERO)  # values of numbers of a class
BELOW = Fraction(999, 1000)  # of a step that does not reach its end
MOST_VALUES = 8


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
                     question: Question, worst: WorstCase | None = None, seed: int = 0
                     ) -> Evidence | None:
    """A witness that the independent checker confirms, or None.

    Parameters
    ----------
    what, notion, classes
        As ``prove`` takes them.
    question : Question
        The statement that they make.
    worst : WorstCase, optional
        Of this statement.
    seed : int
    """
    search = _steps_that_grow if isinstance(notion, Bounded) else _steps_that_fail
    for values in islice(_values(question, classes), MOST_VALUES):
        found = next((evidence for evidence in search(
            what, notion, classes, question, values, worst, seed) if evidence is not None), None)
        if found is not None:
            return found
    return None


def _steps_that_fail(what: Function, notion: Any, classes: Mapping[str, Class], question: Question,
                     values: Values, worst: WorstCase | None, seed: int) -> Iterator[Evidence
                                                                                     | None]:
    """One step that makes the margin negative."""
    if question.statement["kind"] != "algebra":
        return
    for found in members(question.statement, values, worst, seed):
        try:
            yield _witness(what, notion, _arguments(classes, found, values), found)
        except STOPPED:
            continue


def _steps_that_grow(what: Function, notion: Bounded, classes: Mapping[str, Class],
                     question: Question, values: Values, worst: WorstCase | None, seed: int
                     ) -> Iterator[Evidence | None]:
    """A linear step whose powers grow."""
    given = read(question.statement).setting
    for size in SIZES if is_possible(given, values) else ():
        for found in _linear_members(given, classes, values, size):
            try:
                step = what(**_arguments(classes, found, values))
                yield growth_evidence(lambda *z, step=step: as_tuple(step(*z)),
                                      lambda *z: as_tuple(notion.of(*z)) if notion.of else z[:1],
                                      names_of(step), size)
            except STOPPED:
                continue


def _linear_members(given: Setting, classes: Mapping[str, Class], values: Values, size: int
                    ) -> Iterator[Members]:
    """Each flux has the slope of an end, or one in between; operators are diagonal, 0 but once."""
    put = {name: expression(x) for name, x in values.items()}
    operators = {name: np.diag(np.array([norm, ZERO][:size]))
                 for name, norm in norms_of(given, put).items()}
    vectors = {name: np.array([ZERO] * size) for name, kind in classes.items()
               if isinstance(kind, AnyVector)}
    kinds = {kind.called(name): kind for name, kind in classes.items()
             if isinstance(kind, AnyFlux)}
    facts = facts_of(given, put)
    known = {letter: facts[letter] for letter in kinds}
    for slopes in product(*map(_slopes, known.values())):
        fluxes = {letter: made for slope, (letter, kind) in zip(slopes, kinds.items(), strict=True)
                  if (made := linear(slope, known[letter], kind.odd)) is not None}
        if len(fluxes) == len(kinds):
            yield Members(operators, vectors, fluxes)


def _slopes(known: Mapping[str, Ends]) -> list[Fraction]:
    low, high = known.get("slopes", known.get("sector", (None, None)))
    low = (ZERO if high is None else high - 1) if low is None else low
    high = low + 1 if high is None else high
    return list(dict.fromkeys([high, low, (low + high) / 2]))


def _values(question: Question, classes: Mapping[str, Class]) -> Iterator[Values]:
    """Numbers for the parameters: 1, of other numbers simple ones, and the largest step allowed.

    A step without an end is short, and long.
    """
    signs = question.statement.get("parameters", {})
    free = [name for name in signs if name not in question.portions]
    choices = [SIMPLE if isinstance(classes.get(name), (Such, AnyReal)) else (ONE,)
               for name in free]
    is_open = any(portion.top is None for portion in question.portions.values())
    for chosen, endless in product(product(*choices), (ONE, LONG) if is_open else (ONE,)):
        values = dict(zip(free, chosen, strict=True))
        if all(_put_portion(values, name, portion, endless)
               for name, portion in question.portions.items()):
            yield values


def _put_portion(values: Values, name: str, portion: Portion, endless: Fraction) -> bool:
    """Give a step its largest value, if it has one."""
    if portion.top is None:
        values[name] = endless
        return True
    put = {key: expression(value) for key, value in values.items()}
    top, over = (x.put(put).terms.get(((), ()), ZERO) for x in (portion.top, portion.over))
    if over:
        values[name] = top / over * (BELOW if portion.strict else 1)
    return bool(over)


def _arguments(classes: Mapping[str, Class], found: Members, values: Values) -> Fields:
    return {name: _member(name, kind, found, values) for name, kind in classes.items()}


def _member(name: str, kind: Class, found: Members, values: Values) -> Any:
    """The member of a class that the argument of this name has."""
    made: Any = None
    if isinstance(kind, AnyOperator):
        made = from_matrix(found.operators[kind.letter or name])
    elif isinstance(kind, AnyFlux):
        made = found.fluxes[kind.called(name)]
    elif isinstance(kind, UpTo):
        endless = values.get(name, max(values.values(), default=ONE))  # where a step is made of it
        made = endless if kind.top is None else Fraction(kind.top) * (BELOW if kind.strict else 1)
    elif isinstance(kind, AnyVector):
        return found.vectors[name]
    elif isinstance(kind, Fixed):
        made = kind.value
    elif isinstance(kind, (Positive, Such, AnyReal)):
        made = values[name]
    if made is None or not kind.admits(made):
        raise InvalidArgument(f"{name}: no member of {kind} is tried")
    return made


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
        margin = exact_margin(scheme, notion, inputs)
        if margin is not None and margin < 0:
            evidence = written_witness(scheme, notion, inputs, margin)[0]
            if evidence is not None:
                return evidence
    return None
