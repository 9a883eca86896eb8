"""What a claim has to show of all members of its classes, and the proofs that are known.

The claim's body runs on symbols, one for any member of each class: its schemes write what a step
makes of a signal, its notion writes the margin, its classes write what is assumed.  So neither a
proof nor a file has a part in the statement.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import singledispatch
from itertools import product
from typing import Any

from stabkit.aliases import Configuration, Fields, Record, Signal
from stabkit.claims.claim import Claim
from stabkit.claims.members import check_member
from stabkit.classes import OneOf
from stabkit.errors import STOPPED, HypothesisNotMet, InvalidArgument, InvalidEvidence
from stabkit.proof import check, read
from stabkit.proof.elimination import by_equations
from stabkit.proof.grids import GridDifference
from stabkit.proof.parts import Count, Family, Quotient, Size
from stabkit.proof.rows import CHECKS
from stabkit.proof.sites import LineDifference, rows
from stabkit.proof.symbols import Symbols, as_square
from stabkit.proof.text import text_of
from stabkit.proof.words import Expression, expression
from stabkit.schemes import FSI, Chain, Explicit, Implicit, IsotropicExplicit, Scheme
from stabkit.schemes.scheme import attributes
from stabkit.stability.goal import goal_of
from stabkit.stability.notions import Notion
from stabkit.stability.property import AllOf, Always, AtMost, Example, Identity, Property, Stable
from stabkit.stability.verdict import Evidence

Statement = Record


def statements(entry: Claim) -> list[Statement]:
    """The statements about all members of a claim's classes that together are the claim.

    Raises
    ------
    InvalidArgument
        If the claim names no classes, or its body, a scheme or a notion needs more of a symbol
        than is assumed of it.
    """
    return _different(statement for _, statement in obligations(entry))


def _different(found: Iterable[Statement]) -> list[Statement]:
    """Each once, as parts of a claim may say the same."""
    kept: list[Statement] = []
    for each in found:
        kept += [each] if each not in kept else []
    return kept


def obligations(entry: Claim) -> list[tuple[Property, Statement]]:
    """The parts of what the claim returns for symbols, each with its statement."""
    if not entry.for_all:
        raise InvalidArgument(f"claim {entry.name}: it names no classes")
    return [(part, statement) for choice in _choices(entry)
            for part, statement, _ in _obligations(entry, choice)]


def _choices(entry: Claim) -> list[Record]:
    """The values of the arguments that are one of several, in all combinations."""
    several = {name: kind.values for name, kind in entry.for_all.items()
               if isinstance(kind, OneOf)}
    return [dict(zip(several, values, strict=True)) for values in product(*several.values())]


# A part of a claim, its statement, and the symbols that stand for the arguments.
Obligation = tuple[Property, Statement, Configuration]


def _obligations(entry: Claim, choice: Configuration) -> list[Obligation]:
    try:
        count = len(parts_of(_on_symbols(entry, choice)[1]))
        return [_obligation(entry, choice, number) for number in range(count)]
    except STOPPED as error:
        raise InvalidArgument(f"claim {entry.name}: for_all: {error}") from error


def _obligation(entry: Claim, choice: Configuration, number: int) -> Obligation:
    # Each part has symbols of its own, so that none depends on what another has visited.
    symbols, what, arguments = _on_symbols(entry, choice)
    part = parts_of(what)[number]
    return part, statement_of(part, symbols), arguments


def _on_symbols(entry: Claim, choice: Configuration
                ) -> tuple[Symbols, Property, Configuration]:
    symbols = Symbols()
    arguments = {name: choice[name] if name in choice else kind.symbol(symbols, name)
                 for name, kind in entry.for_all.items()}
    return symbols, entry.body(**arguments), arguments


def parts_of(what: Property) -> list[Property]:
    """The properties that together are this one, but for examples: they are not for all."""
    if isinstance(what, Example):
        return []
    return [each for part in what.parts for each in parts_of(part)] if isinstance(what, AllOf) \
        else [what]


def examples(what: Property) -> list[Property]:
    """The parts that no proof for all speaks of."""
    if isinstance(what, AllOf):
        return [each for part in what.parts for each in examples(part)]
    return [what.make()] if isinstance(what, Example) else []


@singledispatch
def statement_of(what: object, symbols: Symbols) -> Statement:
    """What a property of symbols says, as a statement."""
    raise InvalidArgument(f"a {type(what).__name__} is not stated for all")


@statement_of.register
def _(what: Stable, symbols: Symbols) -> Statement:
    _is_known(what.scheme, what.notion)
    if what.notion.name in CHECKS:  # what is shown by the rows of a matrix
        return _on_lines(what.scheme, what.notion)
    if isinstance(what.scheme, Chain) and isinstance(what.scheme.schemes, Family):
        return _any_number(what.scheme.schemes, what.notion, symbols)
    if _count(what.scheme) is not None:
        return _any_length(what.scheme, what.notion, symbols)
    space = space_of(what.scheme)
    pairs = [what.scheme.pair(symbols.vector(name, space))
             for name in "uv"[:what.notion.signals]]
    return symbols.shows(goal_of(what.notion, pairs))


@statement_of.register
def _(what: Identity, symbols: Symbols) -> Statement:
    """Both sides, as they are computed, are equal as sums of words."""
    return _relation(what, symbols, "==")


@statement_of.register
def _(what: Always, symbols: Symbols) -> Statement:
    """By induction over the steps: the margin in letters for the state."""
    _are_symbols(what.given)
    first = [expression(x) for x in what.start(**what.given)]
    now = [symbols.vector(symbols.free("state"), x.to) for x in first]
    names = [min(x.letters) for x in now]
    number = what.numbered(symbols.parameter("l", ">= 0") if what.counted else None)
    known = set(symbols.data["vectors"])
    after = [_expression_of(x, symbols) for x in what.step(*now, **number)]
    anew = [name for name in symbols.data["vectors"] if name not in {*known, *symbols.values}]
    return symbols.iterates(
        what.margin(tuple(now), **number, **what.given), relation=what.relation,
        start=dict(zip(names, first, strict=True)), after=dict(zip(names, after, strict=True)),
        changing=anew, counter="l" if what.counted else None)


@statement_of.register
def _(what: AtMost, symbols: Symbols) -> Statement:
    return _relation(what, symbols, ">=")


def _are_symbols(given: Fields) -> None:
    numbers = [name for name, value in given.items() if not isinstance(value, Expression)]
    if numbers or not given:
        raise InvalidArgument("at given points nothing is shown for all: "
                              f"{', '.join(numbers) or 'nothing'} must be an argument of a class")


def _relation(what: Identity | AtMost, symbols: Symbols, sign: str) -> Statement:
    _are_symbols(what.given)
    for side in (what.left, what.right):
        if isinstance(side, Scheme):
            _is_known(side)
    left, right = (expression(side(**what.given)) for side in (what.left, what.right))
    if sign == ">=":
        left, right = right, left
    return symbols.shows(f"{_side(left)} - {_side(right)}", sign)


def _side(x: Expression) -> str:
    return as_square(x) or f"({text_of(x)})"


def _is_known(scheme: Scheme, notion: Notion | None = None) -> None:
    """Refuse code of others, which may do on symbols what it does not do on numbers."""
    if not all(part.trusted for part in _schemes(scheme)):
        raise InvalidArgument(f"the step of {type(scheme).__name__} is not the package's own")
    if notion is None:
        return
    module = getattr(notion.margin, "__module__", type(notion.margin).__module__)
    if not str(module).startswith("stabkit."):
        raise InvalidArgument(f"the notion {notion} is not the package's own")


def _schemes(scheme: Scheme) -> Iterator[Scheme]:
    yield scheme
    if isinstance(scheme, Chain):
        inner = scheme.schemes
        for part in [inner.member] if isinstance(inner, Family) else inner:
            yield from _schemes(part)


def space_of(scheme: Scheme) -> str:
    """The name of the space of its signals."""
    if not isinstance(scheme.size, Size):
        raise InvalidArgument("its signals have a fixed length, so it is not for all")
    return scheme.size.space


def _count(scheme: Scheme) -> Count | None:
    return next((value for value in attributes(scheme).values()
                 if isinstance(value, Count)), None)


def _on_lines(scheme: Scheme, notion: Notion) -> Statement:
    """What a line keeps, from the kinds of rows that lines of every length have."""
    parts = scheme.schemes if isinstance(scheme, Chain) else None
    repeated = isinstance(parts, Family)
    if isinstance(parts, Family):  # what each step keeps, all keep, if it is on one line
        scheme = parts.member
    K = getattr(scheme, "K", None)
    if isinstance(K, GridDifference) and isinstance(scheme, Explicit | IsotropicExplicit) \
            and not repeated:
        return K.rows(scheme.step, "explicit", notion.name)
    if not isinstance(scheme, Explicit | FSI | Implicit) or not isinstance(K, LineDifference):
        raise InvalidArgument(f"{notion}: is stated of explicit and implicit steps on a line")
    implicit = isinstance(scheme, Implicit)

    def outcome_of(u: Signal) -> Any:
        return scheme.pair(u)[0] if implicit else scheme.step(u)

    return rows(K, outcome_of, "implicit" if implicit else "explicit", notion.name, repeated)


def _any_number(family: Family, notion: Notion, symbols: Symbols) -> Statement:
    """After every number of members, each with letters of its own."""
    names = ("u", "v") if notion.signals == 1 else ("u", "v", "y", "z")
    held = set().union(*(x.letters for x in attributes(family.member).values()
                         if isinstance(x, Expression)))
    for name in names:  # an argument of that name may belong to other parts of the claim
        if name not in held:
            symbols.data.get("vectors", {}).pop(name, None)
    letters = [symbols.vector(name, space_of(family.member)) for name in names]
    first, now = letters[:notion.signals], letters[notion.signals:]
    after = {str(letter): x for letter, x in zip(
        names[notion.signals:], [family.member.step(x) for x in now], strict=True)}
    return symbols.iterates(
        goal_of(notion, list(zip(first, now, strict=True))),
        start=dict(zip(names[notion.signals:], first, strict=True)), after=after,
        changing=family.letters)


def _any_length(scheme: Any, notion: Notion, symbols: Symbols) -> Statement:
    """After every number of inner steps."""
    if notion.signals != 1:
        raise InvalidArgument(f"any number of inner steps: not stated for {notion}")
    space = space_of(scheme)
    u, number = symbols.vector("u", space), symbols.parameter("l", ">= 0")
    kept, first = scheme.begin(u)
    scheme.following(kept, first, 0)  # visits where proofs by induction begin
    now = [symbols.vector(name, space) for name in scheme.states]
    after = [_expression_of(x, symbols) for x in scheme.following(kept, tuple(now), number)]
    new = [name for name in ("after",) if name in symbols.data["vectors"]]
    used = any(re.search(r"\bl\b", text) for text in _texts([symbols.data, list(
        map(text_of, after))]) if text != "l")
    if not used:
        del symbols.data["parameters"]["l"]
    return symbols.iterates(
        goal_of(notion, [(u, now[0])]), start=dict(zip(scheme.states, first, strict=True)),
        after=dict(zip(scheme.states, after, strict=True)), changing=new,
        counter="l" if used else None)


def _expression_of(x: Signal, symbols: Symbols) -> Expression:
    """An expression; a quotient becomes a vector that an equation determines."""
    if not isinstance(x, Quotient):
        return x
    made = symbols.vector(symbols.free("after"), x.numerator.to)
    symbols.equation(symbols.free("cycle"), x.denominator * made - x.numerator)
    return made


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    for part in data.values() if isinstance(data, Mapping) else data if isinstance(
            data, list) else ():
        yield from _texts(part)


# -- proofs ------------------------------------------------------------------------------------


def proof_of(statement: Statement) -> Record | None:
    """A proof that the kernel accepts for the statement, or None.

    A search by a solver, whose proofs are checked alike, has its place here.
    """
    return next((proof for source in SOURCES for proof in source(statement)
                 if _holds(statement, proof)), None)


def _from_theorems(statement: Statement) -> Iterator[Record]:
    """The proofs of theorems that speak of the same things; they may assume less."""
    from stabkit.proof.theorems import THEOREMS

    for theorem in THEOREMS.values():
        known = theorem.statement
        if known["kind"] == statement["kind"] and \
                set(known.get("operators", ())) <= set(statement.get("operators", ())) and all(
                    set(known.get(key, ())) == set(statement.get(key, ()))
                    for key in ("visits", "state", "equations")):
            yield theorem.proof


def _by_expanding(statement: Statement) -> Iterator[Record]:
    """An identity of sums of words shows itself when both sides are multiplied out."""
    if statement["kind"] == "algebra" and statement["goal"].endswith(" == 0"):
        yield {"steps": []}


def _by_equations(statement: Statement) -> Iterator[Record]:
    """The same where equations say what stands for some letters."""
    if statement["kind"] == "algebra" and statement["goal"].endswith(" == 0"):
        made = read(statement)
        yield {"steps": by_equations(made.setting, made.goal)}


#: Where proofs come from: functions of a statement that give candidates.
SOURCES: list[Callable[[Statement], Iterator[Record]]] = [_by_expanding, _by_equations,
                                                                  _from_theorems]


def _holds(statement: Statement, proof: Record) -> bool:
    try:
        check(statement, proof)
    except InvalidEvidence:
        return False
    return True


# -- what a verdict says -----------------------------------------------------------------------


def shown_for_all(entry: Claim, configurations: Iterable[Configuration]
                  ) -> tuple[Evidence, ...]:
    """Proofs of a claim's statements, one for each; none if one has no proof that is known.

    Raises
    ------
    InvalidArgument
        If a listed configuration is no member of the classes.
    """
    stated = statements(entry)
    if not stated:
        raise InvalidArgument(f"claim {entry.name}: nothing of it is stated for all")
    proofs = [proof_of(statement) for statement in stated]
    if None in proofs:
        return ()
    choices = [(choice, [(part, read(statement), arguments) for part, statement, arguments in
                         _obligations(entry, choice)]) for choice in _choices(entry)]
    for configuration in configurations:
        _check_membership(entry, configuration, choices)
    return tuple(Evidence("proof", "rational", {"statement": statement, "proof": proof})
                 for statement, proof in zip(stated, proofs, strict=True))


def _check_membership(entry: Claim, configuration: Configuration,
                      choices: list[tuple[dict, list[Obligation]]]) -> None:
    try:
        for name, kind in entry.for_all.items():
            if not kind.admits(configuration[name]):
                raise InvalidArgument(f"{name} is no member of its class {kind}")
        concrete = parts_of(entry.body(**configuration))
        stated = next(stated for choice, stated in choices if all(
            configuration[name] == value for name, value in choice.items()))
        for (symbolic, statement, arguments), part in zip(stated, concrete, strict=True):
            check_member(symbolic, part, statement, arguments, configuration)
    except HypothesisNotMet:
        return  # the statement does not speak of it
    except InvalidArgument as error:
        text = ", ".join(f"{name} = {value!r:.60}" for name, value in configuration.items())
        raise InvalidArgument(f"claim {entry.name}: for_all does not cover what is listed: {error} "
                              f"(where {text})") from None
