"""Claims: statements of papers and of users, as functions that return properties."""

from __future__ import annotations

import difflib
import fnmatch
import importlib
import importlib.util
import inspect
import os
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import islice, product
from math import prod
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from stabkit.aliases import Configuration, Record
from stabkit.arithmetic.rational import integer
from stabkit.classes import Class, checked
from stabkit.errors import InvalidArgument
from stabkit.stability.property import Property
from stabkit.stability.verdict import PROVED, Status
from stabkit.user_files import execute

PAPERS = ("alt2020", "alt2021", "ruthotto2018", "haber2017", "he2019")
SOFTWARE = "software"
SOURCES = (*PAPERS, SOFTWARE)
MOST = 10**6  # configurations of a claim; an iterator may have no end


@dataclass(frozen=True)
class Draw:
    """Values of an axis that are drawn at random: ``make(rng)``, `count` times.

    The generator is seeded by the run's seed and the claim's name, so a draw can be repeated.
    """

    make: Callable[[np.random.Generator], Any]
    count: int


@dataclass(frozen=True, eq=False)
class Claim:
    """A statement with the configurations on which it is decided.

    Attributes
    ----------
    name : str
        ``paper.statement``; fixed once published.
    location : str
        Theorem or equation; begins with "derived" if the source does not print it.
    notion, weight, quote : str
    expected : Status
    within : mapping of str to sequence or Draw
        Per argument the values for which the hypotheses hold; all combinations, at most a million,
        are decided.
    beyond : mapping of str to sequence
        Values that replace some of `within` and lie just outside: there the statement must be
        refuted, else its bound is not sharp.
    some : bool
        The statement asks for some configuration instead of all of them.
    body : callable
        Takes one value per argument, returns a property.
    for_all : mapping of str to Class
        Per argument the class that the statement speaks of; see :mod:`stabkit.classes`.
    """

    name: str
    location: str
    notion: str
    weight: str
    quote: str
    expected: Status
    within: Configuration
    beyond: Mapping[str, Sequence[Any]]
    some: bool
    body: Callable[..., Property] = field(repr=False)
    for_all: Mapping[str, Class] = field(default_factory=dict)

    @property
    def paper(self) -> str:
        """The first word of the name."""
        return self.name.partition(".")[0]

    @property
    def reading(self) -> str:
        """"corrected" or "printed"."""
        corrected = self.name.endswith("_corrected") or self.location.startswith("derived")
        return "corrected" if corrected else "printed"

    @property
    def kind(self) -> str:
        """"as printed" or "as documented"; where it is not there, "corrected" or "derived"."""
        if self.reading == "printed":
            return "as documented" if self.paper == SOFTWARE else "as printed"
        return "corrected" if self.name.endswith("_corrected") else "derived"

    @property
    def statement(self) -> str:
        """The statement in the symbols of its source."""
        return inspect.cleandoc(self.body.__doc__ or "")

    @property
    def source(self) -> str:
        """The function of the claim as it is written."""
        return textwrap.dedent(inspect.getsource(self.body)).rstrip()

    def __call__(self, **configuration: Any) -> Property:
        return self.body(**configuration)

    def _repr_html_(self) -> str:
        """The statement as Jupyter shows it."""
        from stabkit.notation import to_html  # a terminal needs none

        quote = f"<blockquote>{escape(self.quote)}</blockquote>" if self.quote else ""
        return (f"<div><code>{self.name}</code> <small>{to_html(self.location)}, {self.reading}, "
                f"{self.notion}</small>{quote}<p>{to_html(self.statement)}</p></div>")

    def configurations(self, seed: int = 0, *, beyond: bool = False) -> Iterator[Record]:
        """All combinations of the values within, or just beyond, the hypotheses."""
        axes = {**self.within, **self.beyond} if beyond else dict(self.within)
        columns = [self._values(name, values, seed) for name, values in axes.items()]
        for values in product(*columns):
            yield dict(zip(axes, values, strict=True))

    def _values(self, name: str, values: Any, seed: int) -> list[Any]:
        if not isinstance(values, Draw):
            return list(values)
        rng = np.random.default_rng([seed, *f"{self.name}/{name}".encode()])
        return [values.make(rng) for _ in range(values.count)]


def claim(location: str, *, notion: str = "identity", weight: str = "core", quote: str = "",
          expect: Status | str = PROVED, within: Configuration | None = None,
          beyond: Mapping[str, Sequence[Any]] | None = None, some: bool = False,
          for_all: Mapping[str, Class] | None = None
          ) -> Callable[[Callable[..., Property]], Claim]:
    """Turn a function into a claim; its name is the function's, after the paper or file.

    Parameters
    ----------
    location : str
        Theorem, equation or page of the source; "derived ..." if the source does not print it.
    notion, weight, quote : str
        As in :class:`Claim`.
    expect : Status
        The expected verdict.
    within, beyond, some, for_all
        As in :class:`Claim`.

    Examples
    --------
    >>> from stabkit import claim, difference, fluxes, Explicit, EUCLIDEAN, Stable
    >>> @claim("README", notion="euclidean", within=dict(n=(2, 3, 4)))
    ... def steps_of_a_quarter_are_stable(n):
    ...     '''|u+| <= |u| for tau = 1/4.'''
    ...     return Stable(Explicit(difference(1, n), fluxes.soft(), "1/4"), EUCLIDEAN)
    """
    def decorate(body: Callable[..., Property]) -> Claim:
        if not (body.__doc__ or "").strip():
            raise InvalidArgument(f"claim {body.__name__}: needs a docstring with its statement")
        axes = _axes(within or {})
        arguments = set(inspect.signature(body).parameters)
        if arguments != set(axes):
            raise InvalidArgument(f"claim {body.__name__}: takes {sorted(arguments)}, but within "
                                  f"gives {sorted(axes)}")
        unknown = sorted(set(beyond or {}) - arguments)
        if unknown:
            raise InvalidArgument(f"claim {body.__name__}: beyond names unknown arguments "
                                  f"{unknown}")
        outside = _axes(beyond or {})
        for listed in (axes, axes | outside):
            if prod(map(_count, listed.values())) > MOST:
                raise InvalidArgument(f"claim {body.__name__}: it has more than {MOST} "
                                      "configurations; Draw(make, count) takes some of them")
        classes = checked(for_all or {}, f"claim {body.__name__}")
        if classes and (set(classes) != arguments or some):
            raise InvalidArgument(f"claim {body.__name__}: for_all needs a class for each of "
                                  f"{sorted(arguments)}, and a statement on all of them")
        return Claim(f"{_source(body.__module__)}.{body.__name__}", location, notion, weight, quote,
                     Status(expect), axes, outside, some, body, classes)
    return decorate


def _axes(given: Configuration) -> Record:
    # A generator would be empty when it is asked again.
    for name, values in given.items():
        if not isinstance(values, (Draw, Iterable)):
            raise InvalidArgument(f"{name}: must be a sequence of values, got {values!r}; "
                                  f"one value is ({values!r},)")
    return {name: values if isinstance(values, Draw) else tuple(islice(values, MOST + 1))
            for name, values in given.items()}


def _count(values: Draw | tuple) -> int:
    return integer(values.count, "count") if isinstance(values, Draw) else len(values)


def _source(module: str) -> str:
    parts = module.split(".")
    return parts[2] if parts[:2] == ["stabkit", "claims"] else parts[-1]


def collect(module: ModuleType) -> list[Claim]:
    """The claims of a module and of its submodules, in the order they were written."""
    found: list[Claim] = []
    for value in vars(module).values():
        if isinstance(value, Claim):
            found.append(value)
        elif inspect.ismodule(value) and value.__name__.startswith(f"{module.__name__}."):
            found.extend(collect(value))
    return found


def registry(sources: Iterable[str] = SOURCES) -> dict[str, Claim]:
    """The built-in claims by name, paper by paper, then those of public software."""
    found: dict[str, Claim] = {}
    for source in sources:
        if importlib.util.find_spec(f"stabkit.claims.{source}") is not None:
            for entry in collect(room(source)):
                found[entry.name] = entry
    return found


def room(source: str) -> ModuleType:
    """The module of a paper's claims, or of those of public software; its docstring cites it."""
    return importlib.import_module(f"stabkit.claims.{source}")


def load_claims(path: str | Path) -> list[Claim]:
    """Execute a Python file of claims and return them.

    Raises
    ------
    InvalidArgument
        If the file cannot be read, raises, or has no claims; the message names file and line.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise InvalidArgument(f"claims file: must be a path, got {type(path).__name__}")
    path = Path(path)
    if not os.path.isfile(path):  # which is False of a name that is too long
        raise InvalidArgument(f"claims file: there is no file {path}")
    if not path.stem.isidentifier():
        raise InvalidArgument(f"claims file: the name {path.stem!r} must be an identifier, because "
                              "it begins the names of its claims")
    try:
        module = execute(path, "stabkit_own_claims")
    except InvalidArgument as error:
        raise InvalidArgument(f"claims file: {error}") from error.__cause__
    found = collect(module)
    if not found:
        raise InvalidArgument(f"claims file: {path} defines no claims; decorate a function with "
                              "@stabkit.claim(...)")
    return all_different(found)


def all_different(claims: Sequence[Claim]) -> list[Claim]:
    """The claims, each once.

    Raises
    ------
    InvalidArgument
        If two of them have one name, as verdicts are told apart by it.
    """
    found = list({id(entry): entry for entry in claims}.values())
    names = [entry.name for entry in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidArgument(f"claims: two of them have the name {twice}; rename one")
    return found


def select(claims: Mapping[str, Claim], patterns: Sequence[str]) -> list[Claim]:
    """The claims that match names or globs, in their own order; all without patterns.

    Raises
    ------
    InvalidArgument
        If a pattern matches nothing; the message names the nearest claims.
    """
    chosen: set[str] = set()
    for pattern in patterns:
        found = fnmatch.filter(claims, pattern)
        if not found:
            near = difflib.get_close_matches(pattern, claims, 3, 0.5)
            near = near or [name for name in claims if pattern.lower() in name.lower()][:3]
            hint = f"; did you mean {', '.join(near)}?" if near else "; see 'stabkit claims'"
            raise InvalidArgument(f"claim: nothing matches {pattern!r}{hint}")
        chosen.update(found)
    return [entry for name, entry in claims.items() if not patterns or name in chosen]


def find(claims: Iterable[Claim], source: str | None = None, status: str | None = None,
         words: str | None = None) -> list[Claim]:
    """The claims of a source, with an expected verdict, that say all of some words.

    Raises
    ------
    InvalidArgument
        If there is no such source or verdict, or no such claim.
    """
    if source is not None and source not in SOURCES:
        raise InvalidArgument(f"paper: must be one of {', '.join(SOURCES)}, got {source!r}")
    if status is not None and status not in list(Status):
        raise InvalidArgument(f"verdict: must be one of {', '.join(Status)}, got {status!r}")
    wanted = (words or "").casefold().split()
    found = [
        entry for entry in claims
        if source in (None, entry.paper) and status in (None, str(entry.expected))
        and all(word in _text(entry) for word in wanted)]
    if not found:
        raise InvalidArgument("claims: none is like that; ask for less, or see 'stabkit claims'")
    return found


def _text(entry: Claim) -> str:
    return " ".join((entry.name.replace("_", " "), entry.name, entry.notion, entry.location,
                     entry.statement)).casefold()
