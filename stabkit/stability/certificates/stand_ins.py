"""Symbols in the places of a scheme's matrices, fluxes and vectors, on which its own step runs.

What the step writes then holds for all of them.  Matrices that are multiples of each other, or of
each other's transposes, have one letter.  Code of others may tell symbols from arrays, so what it
writes is compared with what it computes, at random exact signals.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import count
from math import ceil
from typing import Any

import numpy as np

from stabkit.aliases import Record, Signal
from stabkit.arithmetic.enclosure import Interval, as_interval
from stabkit.arithmetic.rational import fractions, is_psd
from stabkit.arithmetic.transcript import Transcript
from stabkit.errors import InvalidArgument
from stabkit.fluxes.flux import Flux
from stabkit.operators import Operator, from_matrix, gram, norm_squared
from stabkit.operators.row_blocks import as_evidence, is_written_out
from stabkit.operators.row_bounds import gram_bound
from stabkit.proof.symbols import Symbols
from stabkit.proof.words import Expression
from stabkit.schemes import Scheme
from stabkit.schemes.scheme import attributes
from stabkit.stability.certificates.flux_bounds import (
    conditions_or_none,
    show_diffusivity,
    show_slopes,
)
from stabkit.stability.certificates.written_steps import Written, WrittenFlux, WrittenOperator

_SPACES = "NMPQRSTUVW"
_ROOM = 1 + Fraction(1, 10**9)  # a bound of a norm may be larger by this factor, and simpler
_SHORT = 10**5
_ELIMINATED = 32**3 * 96  # cubed columns times bits of the entries
ZERO = Fraction(0)
_SCALES = (1, Fraction(1, 2**10), 2**10, 2**20)  # of random signals that are compared
_AGAIN = 64  # times that one of them is computed
_NEAR = 1e-6  # how far, relatively, floats may take a step


class StandIns:
    """The symbols, what they stand for, and what is shown of that.

    Attributes
    ----------
    symbols : Symbols
    room : Fraction
        By which a bound of a norm may be larger, relatively, to be a simple number.
    members : dict of str to Operator, Flux or ndarray
        What the letters stand for.
    shows : list of str
        Conditions of the transcript `log` that say what is assumed of the letters.
    """

    def __init__(self, size: int, room: Fraction = ZERO):
        self.room = room
        self.symbols, self.log = Symbols(), Transcript()
        self.members: Record = {}
        self.shows: list[str] = []
        self._spaces = {size: _SPACES[0]}
        self._known: list[tuple[Any, Any]] = []
        self._letters: dict[str, WrittenOperator] = {}
        self._fluxes: list[tuple[WrittenFlux, Flux]] = []

    def put(self, scheme: Scheme, **more: Any) -> Scheme:
        """A copy of a scheme with symbols in place of its parts, and `more` of its attributes."""
        made = copy.copy(scheme)
        for name, value in {**attributes(scheme), **more}.items():
            object.__setattr__(made, name, value if name in more else self.of(value))
        return made

    def of(self, value: Any) -> Any:
        """What stands for a value; numbers stand for themselves."""
        if isinstance(value, float):
            return Fraction(value)
        if isinstance(value, (tuple, list)):
            return type(value)(self.of(each) for each in value)
        for thing, symbol in self._known:
            if thing is value:
                return symbol
        make: Callable[[Any], Any] | None = None
        if isinstance(value, Scheme):
            make = self.put
        elif isinstance(value, Operator):
            make = self._operator
        elif isinstance(value, Flux):
            make = self._flux
        elif isinstance(value, np.ndarray) and value.ndim in (1, 2):
            make = self._vector if value.ndim == 1 else lambda x: self._operator(from_matrix(x))
        if make is None:
            return value
        self._known.append((value, make(value)))
        return self._known[-1][1]

    def space(self, size: int) -> str:
        """The name of the space of that dimension."""
        if size not in self._spaces:
            if len(self._spaces) == len(_SPACES):
                raise InvalidArgument("it has vectors of too many lengths")
            self._spaces[size] = _SPACES[len(self._spaces)]
        return self._spaces[size]

    def _operator(self, K: Operator) -> Any:
        if type(K) is not Operator:
            raise InvalidArgument("an operator of its own class may compute something else")
        multiple = self._multiple(K)
        if multiple is not None:
            return multiple
        letter = self.log.give_once(K, "K", lambda: as_evidence(K)).text
        if _is_eliminated(K):
            bound = _bound(K, self.room)
            self.shows.append(f"psd({bound} * I({K.shape[1]}) - {letter}.T @ {letter})")
        else:
            bound = gram_bound(K)
            self.shows.append(f"gram_bound({letter}) <= {bound}")
        self.members[letter] = K
        to, of = (self.space(size) for size in K.shape)
        plain = self.symbols.operator(letter, of, to, bound=bound)
        self._letters[letter] = WrittenOperator(to, of, plain.terms, K.shape)
        return self._letters[letter]

    def _multiple(self, K: Operator) -> Any:
        """A multiple of a letter or its transpose that this matrix is, or None."""
        for letter, other in self.members.items():
            if not isinstance(other, Operator) or not (is_written_out(K) and is_written_out(other)):
                continue
            for turned, end in ((other, ""), (other.T, ".T")):
                c = _ratio(K, turned)
                if c is not None:
                    given = self.log.give_once(K, "K", K.exact).text
                    self.shows.append(f"{given} == {c} * {letter}{end}")
                    symbol = self._letters[letter]
                    made = c * (symbol.T if end else symbol)
                    return WrittenOperator(made.to, made.of, made.terms, K.shape)
        return None

    def _flux(self, flux: Flux) -> Any:
        if type(flux) is not Flux:
            raise InvalidArgument("a flux of its own class may compute something else")
        facts = flux.facts
        known: Record = {}
        for name, ends, show in (
                ("slopes", facts.slopes if facts.continuous else None, show_slopes),
                ("sector", facts.diffusivities, show_diffusivity)):
            shown = None if ends is None else conditions_or_none(show(self.log, flux, *ends))
            if shown is not None:
                known[name] = ends
                self.shows += shown
        name = self.symbols.free("phi")
        plain = self.symbols.flux(name, **known)
        made = WrittenFlux(self.symbols, name, plain.facts, plain.meaning)
        self.members[name] = flux
        self._fluxes.append((made, flux))
        return made

    def _vector(self, x: np.ndarray) -> Any:
        exact = fractions(x, "vector")
        name = self.symbols.free("b")
        self.members[name] = exact
        return Written.of_plain(self.symbols.vector(name, self.space(len(exact))))

    def points(self) -> list[Expression]:
        """Where fluxes were evaluated."""
        return [point for flux, _ in self._fluxes for _, point in flux.points()]

    def agrees(self, letters: Mapping[str, int], stated: Sequence[Sequence[Expression]],
               pair: Callable[[Any], tuple[Any, Any]], **values: Fraction) -> bool:
        """Whether the pair that is written is the one that is computed, at random signals.

        Parameters
        ----------
        letters : mapping of str to int
            The vectors that the signal is made of, and their lengths.
        stated : (before, after)
            Each as the vectors that it is made of.
        pair : callable
            What is computed.
        **values : Fraction
            Of parameters.
        """
        rng = np.random.default_rng([*letters.values()])
        for scale in _SCALES:
            known: Record = dict(values)
            for name, size in letters.items():
                known[name] = np.array([scale * Fraction(int(k), 16) for k in
                                        rng.integers(-64, 65, size)], dtype=object)
            u = np.concatenate([known[name] for name in letters])
            found = pair(u)
            for parts, computed in zip(stated, found, strict=True):
                if not _equal(np.concatenate([self._value(x, known) for x in parts]), computed):
                    return False
            if not values and not _is_near(found, pair, u.astype(float), scale == 1):
                return False
        return True

    def _value(self, x: Expression, known: Record) -> Signal:
        """What an expression is, with these values of letters; those of fluxes are computed."""
        size = next(size for size, space in self._spaces.items() if space == x.to)
        total: Any = np.full(size, Fraction(0), dtype=object)
        for (word, powers), c in x.terms.items():
            for name, exponent in powers:
                c = c * known[name] ** exponent
            y = self._letter(word[-1].name, known)
            for letter in reversed(word[:-1]):
                K = self.members[letter.name]
                y = (K.T if letter.turned else K) @ y
            total = total + c * y
        return total

    def _letter(self, name: str, known: Record) -> Signal:
        if name not in known:
            known[name] = next((flux.activation(self._value(point, known))
                                for symbol, flux in self._fluxes
                                for value, point in symbol.points() if value == name), None)
            if known[name] is None:
                known[name] = self.members[name]
        return known[name]


def _equal(x: Any, y: Any) -> bool:
    """Equal in every entry, or as near as balls tell."""
    x, y = (np.asarray(part, dtype=object) for part in (x, y))
    if x.shape != y.shape:
        return False
    for a, b in zip(x.flat, y.flat, strict=True):
        if isinstance(a, Interval) or isinstance(b, Interval):
            if not as_interval(a).overlaps(b):
                return False
        elif not isinstance(a, (int, Fraction)) or not isinstance(b, (int, Fraction)) or a != b:
            return False
    return True


def _is_near(exact: Any, pair: Callable[[Any], Any], u: np.ndarray, again: bool) -> bool:
    """Whether floats give about the same, and each time what they gave before."""
    with np.errstate(all="ignore"):
        floats = [np.concatenate(pair(u.copy())) for _ in range(_AGAIN if again else 1)]
    wanted = np.array([float(x) for x in np.concatenate(exact)])
    off = np.abs(wanted - floats[0]).max(initial=0)
    return all(np.array_equal(floats[0], other) for other in floats) and \
        off <= _NEAR * np.abs(wanted).max(initial=0)


def _ratio(K: Operator, other: Operator) -> Fraction | None:
    """The number c with K = c·other, or None."""
    if K.shape != other.shape:
        return None
    mine, others = K.exact(), other.exact()
    places = np.argwhere(others != 0)
    if not len(places):
        return None
    c = Fraction(mine[tuple(places[0])] / others[tuple(places[0])])
    return c if c and (mine == c * others).all() else None


def _is_eliminated(K: Operator) -> bool:
    """Whether c I − KᵀK is small enough to be eliminated in fractions, in some seconds."""
    bits = max((max(x.numerator.bit_length(), x.denominator.bit_length())
                for x in map(Fraction, K.values)), default=1)
    return is_written_out(K) and K.shape[1]**3 * bits <= _ELIMINATED


def _bound(K: Operator, room: Fraction) -> Fraction:
    """‖K‖², or a number hardly larger with a short denominator; any shorter one within the room."""
    top = norm_squared(K).upper
    if room:
        return next(Fraction(ceil(top * d), d) for d in count(1)
                    if ceil(top * d) <= top * d * (1 + room))
    near = top.limit_denominator(_SHORT)
    if near >= top or is_psd(near * np.eye(K.shape[1], dtype=int) - gram(K)):
        return near
    return Fraction(ceil(top * _ROOM * _SHORT**2), _SHORT**2)
