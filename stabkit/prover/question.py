"""What is to be shown, as statements that the kernel reads: a scheme or step runs on symbols."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stabkit.aliases import Fields, Function, Record
from stabkit.claims.claim import Claim
from stabkit.claims.obligations import obligations, parts_of, space_of, statement_of
from stabkit.classes import Class
from stabkit.errors import STOPPED, InvalidArgument
from stabkit.proof.parts import Count, Family
from stabkit.proof.symbols import Symbols, norm2
from stabkit.proof.words import Expression, dot
from stabkit.schemes import Scheme
from stabkit.schemes.scheme import attributes
from stabkit.stability.goal import goal_of
from stabkit.stability.notions import Notion, as_notion
from stabkit.stability.property import Property, Stable


@dataclass(frozen=True)
class Bounded:
    """|what is bounded|² after every number of steps is at most C·|measure of the start|².

    See :func:`bounded`.
    """

    of: Function | None = None
    by: Function | None = None


def bounded(of: Function | None = None, by: Function | None = None) -> Bounded:
    """The notion that a step of one or more vectors keeps something bounded for all time.

    ``prove`` looks for a constant C with Σ|of(state after n steps)|² <= C Σ|by(start)|² for every
    n, and for a form of the state that does not grow.

    Parameters
    ----------
    of : callable, optional
        Of the vectors of the state, a vector or a tuple of vectors; by default the first one.
    by : callable, optional
        The same of the start; by default all of them.
    """
    return Bounded(of, by)


@dataclass(frozen=True)
class Question:
    """One statement.

    Attributes
    ----------
    statement : dict
        For a bound whose constant is to be found, that of the iteration without a goal.
    before : Expression or None
        The form by which growth is measured, if the goal is before − after >= 0.
    portions : mapping of str to Portion
        The steps that the statement leaves open, by their parameters.
    state : callable or None
        For a bound: the statement with a goal.
    texts : (str, str)
        For a bound: the forms by which and of which it is.
    """

    statement: Record
    before: Expression | None = None
    portions: Fields = field(default_factory=dict)
    state: Callable[[str], Record] | None = None
    texts: tuple[str, str] = ("", "")


def questions(what: Any, notion: Any, classes: Mapping[str, Class], spaces: tuple[str, ...]
              ) -> list[Question]:
    """The statements that together are what is asked.

    Raises
    ------
    InvalidArgument
        If what is asked is of no known kind, or needs more of a symbol than is assumed of it.
    """
    if isinstance(what, Claim):
        return [Question(statement, _growth_of(part)) for part, statement in obligations(what)]
    if isinstance(what, Scheme) or not callable(what):
        raise InvalidArgument(
            f"what: must be a function of members of classes, as in prove(lambda K, flux, ratio: "
            f"Explicit(K, flux, stable_step(K, flux.facts.lipschitz, ratio)), EUCLIDEAN, "
            f"K=AnyOperator(), ...), or a claim with for_all; got {what!r:.60}; one scheme with "
            "numbers is decided by stabkit.decide")
    try:
        count = len(parts_of(_property(_make_arguments(what, classes)[1], notion)))
        return [_question(what, notion, classes, spaces, number) for number in range(count)]
    except STOPPED as error:
        raise InvalidArgument(f"what: its statement cannot be written: {error}") from error


def _make_arguments(what: Function, classes: Mapping[str, Class]) -> tuple[Symbols, Any]:
    symbols = Symbols()
    arguments = {name: kind.symbol(symbols, name) for name, kind in classes.items()}
    missing = [name for name, parameter in inspect.signature(what).parameters.items()
               if name not in arguments and parameter.default is parameter.empty]
    if missing:
        raise InvalidArgument(f"{missing[0]}: needs a class, such as {missing[0]}=AnyOperator(); "
                              "see stabkit.classes")
    return symbols, what(**arguments)


def _property(made: Any, notion: Any) -> Any:
    if isinstance(made, Scheme):
        if notion is None or isinstance(notion, Bounded):
            raise InvalidArgument("notion: a scheme needs one, such as EUCLIDEAN")
        return Stable(made, notion)
    return made


def _question(what: Function, notion: Any, classes: Mapping[str, Class],
              spaces: tuple[str, ...], number: int) -> Question:
    symbols, made = _make_arguments(what, classes)
    part = parts_of(_property(made, notion))[number]
    if isinstance(part, Property):
        statement = statement_of(part, symbols)
        return Question(statement, _growth_of(part), symbols.portions)
    if not callable(part):
        raise InvalidArgument(f"what: must return a scheme, a property or a step, got {part!r:.60}")
    if isinstance(notion, Bounded):
        return _bound(symbols, part, notion, spaces)
    return _step(symbols, part, as_notion(notion), spaces)


def _growth_of(part: Any) -> Expression | None:
    """The square of what is before the step, for a scheme and a notion that compare two."""
    if not isinstance(part, Stable) or part.notion.functional is not None or isinstance(
            getattr(part.scheme, "schemes", None), Family) or any(
            isinstance(value, Count) for value in attributes(part.scheme).values()):
        return None
    symbols = Symbols()
    try:
        space = space_of(part.scheme)
        pairs = [part.scheme.pair(symbols.vector(name, space))
                 for name in "uv"[:part.notion.signals]]
        return _growth(pairs)
    except STOPPED:
        return None


def _growth(pairs: list[tuple[Any, Any]]) -> Expression:
    first = pairs[0][0] if len(pairs) == 1 else pairs[0][0] - pairs[1][0]
    return dot(first, first)


def _step(symbols: Symbols, step: Callable[[Any], Any], notion: Notion, spaces: tuple[str, ...]
          ) -> Question:
    """Of one's own step u ↦ u⁺."""
    if len(names_of(step)) != 1:
        raise InvalidArgument(f"notion: {notion} is of steps of one vector; for a step of several "
                              "ask for bounded(...)")
    letters = [symbols.vector(name, spaces[0] if spaces else "N")
               for name in "uv"[:notion.signals]]
    pairs = [(u, step(u)) for u in letters]
    growth = None if notion.functional is not None else _growth(pairs)
    return Question(symbols.shows(goal_of(notion, pairs)), growth, symbols.portions)


def names_of(step: Function) -> list[str]:
    """What a step calls the vectors that it is given."""
    return [name for name, parameter in inspect.signature(step).parameters.items()
            if parameter.default is parameter.empty]


def _bound(symbols: Symbols, step: Function, notion: Bounded, spaces: tuple[str, ...]
           ) -> Question:
    """Of one's own step of several vectors, each with its name there."""
    names = names_of(step)
    spaces = spaces or ("N",) * len(names)
    if len(spaces) != len(names):
        raise InvalidArgument(f"spaces: needs one for each of {', '.join(names)}")
    first = [symbols.vector(f"{name}_0", space) for name, space in zip(names, spaces, strict=True)]
    now = [symbols.vector(name, space) for name, space in zip(names, spaces, strict=True)]
    as_tuple(step(*first))  # visits where proofs by induction begin
    after = as_tuple(step(*now))
    by = _squares(as_tuple(notion.by(*first)) if notion.by else first)
    of = _squares(as_tuple(notion.of(*now)) if notion.of else now[:1])

    def state(goal: str) -> Record:
        return symbols.iterates(
            goal.removesuffix(" >= 0"), start=dict(zip(names, first, strict=True)),
            after=dict(zip(names, after, strict=True)))

    return Question(state(f"{by} >= 0"), None, symbols.portions, state, (by, of))


def as_tuple(x: Any) -> tuple[Any, ...]:
    """The vectors that a step or a measure gives."""
    return tuple(x) if isinstance(x, (tuple, list)) else (x,)


def _squares(vectors: Any) -> str:
    return " + ".join(norm2(x) for x in vectors)
