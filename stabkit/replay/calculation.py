"""One calculation of the evidence: given numbers, definitions, and what they are to show."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from typing import Any, NamedTuple

from stabkit.errors import InvalidEvidence, Undecided
from stabkit.replay.algebra import MAX_LENGTH, array, shape
from stabkit.replay.calculator import Calculator, as_text
from stabkit.replay.fields import Data, Fields, Record
from stabkit.replay.language import MAX_CHARACTERS, Function, new_name, parse, parse_head, shorten
from stabkit.replay.reals import INF, equal, less, negation, pay_for_bits
from stabkit.replay.rows import read_rows
from stabkit.replay.settled import Confirmed, Source
from stabkit.replay.work import Exhausted, Work, draw_on, spend

MAX_LINES = 2000
PRECISIONS = (64, 128, 256, 512, 1024, 2048, 4096)

_RATIONAL = re.compile(r"-?[0-9]{1,4300}(/[0-9]{1,4300})?")


@contextmanager
def at(place: str) -> Iterator[None]:
    """Name the place in the file where invalid evidence was found."""
    try:
        yield
    except InvalidEvidence as error:
        raise type(error)(f"{place}: {error}") from None


class Definition(NamedTuple):
    """``name = expression`` or, with parameters, ``name(parameters) = expression``."""

    name: str
    parameters: tuple[str, ...]
    expression: ast.expr


class Calculation:
    """The data of a witness or certificate, read and ready to run.

    Reading it and running it draw on one allowance, of `steps` at most.
    """

    def __init__(self, data: Fields, rounding: bool = False,
                 steps: int | None = None):
        self.work = Work(steps, rounding)
        self.names: set[str] = set()
        self.functions: dict[str, Function] = {}
        with draw_on(self.work):
            self._read(data)
        self.source = Source(data, rounding)

    def _read(self, data: Fields) -> None:
        for part in ("given", "let", "shows"):
            if len(data[part]) > MAX_LINES:
                raise InvalidEvidence(f"{part}: has more than {MAX_LINES} entries")
        with at("given"):
            self.given = {self._new(name): _read_value(x) for name, x in data["given"].items()}
        self.names.update(self.given)
        self.let = []
        for k, definition in enumerate(data["let"]):
            with at(f"let[{k}]"):
                self.let.append(self._definition(definition))
        self.shows = []
        for k, text in enumerate(data["shows"]):
            with at(f"shows[{k}]"):
                self.shows.append((text, self._expression(text)))
        with at("facts"):
            _check_facts(data.get("facts", {}), data["shows"])
        with at("margin"):
            self.margin_text = data.get("margin")
            self.margin = self._expression(data["margin"]) if "margin" in data else None
        with at("margin_value"):
            self.margin_value = _margin_value(data)

    def _new(self, name: str) -> str:
        return new_name(name, self.names, self.functions)

    def _expression(self, text: Data, parameters: tuple[str, ...] = ()) -> ast.expr:
        if not isinstance(text, str):
            raise InvalidEvidence("an expression must be a string")
        spend(len(text))
        return parse(text, self.names.union(parameters) if parameters else self.names,
                     self.functions)

    def _definition(self, pair: Any) -> Definition:
        if not isinstance(pair, list) or [type(part) for part in pair] != [str, str]:
            raise InvalidEvidence("a definition is a pair of a name and an expression")
        name, parameters = parse_head(pair[0])
        # The expression is read first: what it defines is not yet known in it.
        made = Definition(self._new(name), parameters, self._expression(pair[1], parameters))
        if parameters:
            self.functions[name] = Function(parameters, made.expression)
        else:
            self.names.add(name)
        return made

    @property
    def rational(self) -> bool:
        """Whether the calculation met rational numbers only."""
        return not self.work.met_interval

    def decide(self) -> tuple[bool, str]:
        """Whether all is shown, and why; with more and more precision while that is undecided."""
        undecided = ""
        try:
            for self.work.precision in PRECISIONS:
                try:
                    with draw_on(self.work):
                        return self._run()
                except Undecided as error:
                    undecided = f"undecided with {self.work.precision} bits: {error}"
                except Exhausted:
                    if not undecided:
                        raise
                    break
        except RecursionError:
            raise InvalidEvidence("the definitions are nested too deeply") from None
        except ArithmeticError as error:
            return False, f"it does not exist: {error}"
        return False, undecided

    def _run(self) -> tuple[bool, str]:
        known = {text: self._look_up("condition", text) for text, _ in self.shows}
        calculator, shown = self._calculator(self._spared_names(known)), []
        for text, expression in self.shows:
            if (before := known[text]) is not None:
                spend(before.steps)
                shown.append(before.shown)
                continue
            start = self.work.steps_left
            with at(shorten(text)):
                truth, values = self._show(calculator, expression)
            line = f"{text}{values}{calculator.open_cell}"
            if truth is None:
                raise Undecided(line)
            if not truth:
                return False, f"it does not hold that {line}"
            shown.append(f"{text}{values}")
            self._note("condition", text, shown[-1], start)
        if self.margin is not None and (
                difference := self._margin_differs(self.margin, calculator)):
            return False, difference
        return True, "; ".join(shown)

    def _look_up(self, kind: str, text: str) -> Confirmed | None:
        return self.source.look_up(kind, text, self.work.precision)

    def _note(self, kind: str, text: str, shown: str, steps_left: int) -> None:
        if self.work.rounding or self.rational:
            self.source.confirm(kind, text, self.work.precision,
                                Confirmed(shown, steps_left - self.work.steps_left))

    def _spared_names(self, known: Mapping[str, Confirmed | None]) -> set[str]:
        """The names of which only conditions speak that were confirmed before."""
        left = [text for text, shown in known.items() if shown is None]
        if self.margin_text is not None:
            left.append(self.margin_text)
        spoken_of = self.source.names(known.keys() - left)
        left += [name for name, parameters, _ in self.let if name not in spoken_of
                 or not (parameters or self._look_up("definition", name))]
        return spoken_of - self.source.names(left)

    def _calculator(self, without: Container[str] = ()) -> Calculator:
        """A calculator that knows the values of all definitions but some."""
        calculator = Calculator(self.given, self.functions)
        for name, parameters, expression in self.let:
            if parameters:
                continue
            if name in without and (before := self._look_up("definition", name)) is not None:
                spend(before.steps)
                continue
            start = self.work.steps_left
            with at(name):
                calculator.values[name] = calculator.value(expression, {})
            self._note("definition", name, "", start)
        return calculator

    def values(self) -> Record:
        """What is given and what is defined, by name."""
        with draw_on(self.work):
            return self._calculator().values

    @staticmethod
    def _show(calculator: Calculator, expression: ast.expr) -> tuple[bool | None, str]:
        if isinstance(expression, ast.Compare):
            truth, values = calculator.comparison(expression, {})
            return truth, f": {values}"
        return calculator.truth(expression, {}), ""

    def _margin_differs(self, expression: ast.expr, calculator: Calculator) -> str:
        """Empty if the margin is the stated one; a stated float may be off by its last place."""
        with at("margin"):
            margin, stated = calculator.numbers(expression, {}), self.margin_value
            if shape(margin):
                raise InvalidEvidence("it must be a number")
        if stated is None:
            return ""
        if isinstance(stated, Fraction):
            agrees = equal(margin, stated)
        else:
            place = Fraction(math.ulp(stated))
            agrees = negation(less(place, abs(margin - Fraction(stated))))
        spelled = as_text(stated) if isinstance(stated, Fraction) else repr(stated)
        message = f"the margin {as_text(margin)} is not the stated {spelled}"
        if agrees is None:
            raise Undecided(message)
        return "" if agrees else message


def _check_facts(facts: Fields, shows: list[str]) -> None:
    """A fact is a name for some of the conditions."""
    for name, conditions in facts.items():
        if not name or not name.isprintable() or len(name) > MAX_CHARACTERS:
            raise InvalidEvidence(f"{shorten(name)} is not a name in one line")
        if not isinstance(conditions, list) or not conditions or any(
                text not in shows for text in conditions):
            raise InvalidEvidence(f"{shorten(name)} is not some of the conditions")


def _read_value(value: Data):
    """A rational number, or a vector or matrix of them; vectors may hold infinities."""
    if isinstance(value, str):
        return _rational(value)
    if isinstance(value, dict):
        return _vector_of(value["runs"]) if set(value) == {"runs"} else \
            read_rows(value, _rational)
    if not isinstance(value, list):
        raise InvalidEvidence(f"{shorten(str(value))} is not a string, or a list of strings")
    if value and isinstance(value[0], list):
        return array(array(_rational(x) for x in row) if isinstance(row, list) else _read_value(row)
                     for row in value)
    infinities = {"inf": INF, "-inf": -INF}
    return array(infinities[x] if x in ("inf", "-inf") else _rational(x) for x in value)


def _vector_of(runs: Any) -> tuple:
    """The vector of some runs: how often some entries are repeated, and the entries."""
    if not isinstance(runs, list) or len(runs) > MAX_LENGTH:
        raise InvalidEvidence("runs: must be a list, not too long")
    found: list[Fraction] = []
    for run in runs:
        if not isinstance(run, list) or [type(part) for part in run] != [int, list] or run[0] < 1:
            raise InvalidEvidence("a run is how often some entries are repeated, and the entries")
        count, entries = run
        if len(found) + count * len(entries) > MAX_LENGTH:
            raise Exhausted(f"a vector has more than {MAX_LENGTH} entries")
        found += [_rational(entry) for entry in entries] * count
    return array(found)


def _rational(text: Data) -> Fraction:
    if not isinstance(text, str) or not _RATIONAL.fullmatch(text):
        raise InvalidEvidence(f"{shorten(str(text))} is not a rational number like \"-3/4\"")
    numerator, _, denominator = text.partition("/")
    if denominator and not int(denominator):
        raise InvalidEvidence(f"{shorten(text)} divides by zero")
    return pay_for_bits(Fraction(int(numerator), int(denominator or 1)))


def _margin_value(data: Fields) -> Fraction | float | None:
    value = data.get("margin_value")
    if value is None:
        return None
    if "margin" not in data:
        raise InvalidEvidence("there is no margin to compare it with")
    if type(value) is float:
        if not math.isfinite(value):
            raise InvalidEvidence(f"{value} is no number")
        return value
    return Fraction(value) if type(value) is int else _rational(value)
