"""Symbols in the places of a scheme's matrices, fluxes and vectors, on which its own step runs.

What the step writes then holds for all of them.  Matrices that are multiples of each other, or of
each other's transposes, have one letter.  Code of others may tell symbols from arrays, so what it
writes is compared with what it computes, at random exact signals.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

import numpy as np

from stabkit.aliases import Signal
from stabkit.arithmetic.enclosure import Interval
from stabkit.arithmetic.rational import fractions, is_psd
from stabkit.arithmetic.transcript import Transcript
from stabkit.errors import InvalidArgument
from stabkit.fluxes.flux import Flux
from stabkit.operators import Operator, from_matrix, gram, norm_squared
from stabkit.operators.row_blocks import is_written_out, written
from stabkit.operators.row_bounds import gram_bound
from stabkit.proof.parts import SymbolicFlux
from stabkit.proof.symbols import Symbols
from stabkit.proof.words import Expression
from stabkit.schemes import Scheme
from stabkit.stability.certificates.flux_bounds import all_shown, show_diffusivity, show_slopes

_SPACES = "NMPQRSTUVW"
_ROOM = 1 + Fraction(1, 10**9)  # a bound of a norm may be larger by this factor, and simpler
_SHORT = 10**5
_SIGNALS = 3  # random ones, at which what is written is compared with what is computed


@dataclass(frozen=True, eq=False)
class Written(Expression):
    """An expression beside which floats are the numbers that they are, as in a user's step."""

    __array_ufunc__ = None  # numbers of NumPy leave the operation to it

    @property
    def T(self) -> Written:
        return _written(Expression.T.fget(self))  # type: ignore[attr-defined]

    def __add__(self, other: Any) -> Written:
        return _written(super().__add__(_exact(other)))

    def __sub__(self, other: Any) -> Written:
        return _written(super().__sub__(_exact(other)))

    def __rsub__(self, other: Any) -> Written:
        return _written(super().__rsub__(_exact(other)))

    def __neg__(self) -> Written:
        return _written(super().__neg__())

    def __mul__(self, other: Any) -> Written:
        return _written(super().__mul__(_exact(other)))

    def __truediv__(self, other: Any) -> Written:
        return _written(super().__truediv__(_exact(other)))

    def __matmul__(self, other: Expression) -> Written:
        return _written(super().__matmul__(other))

    __radd__, __rmul__ = __add__, __mul__

    def meant(self) -> Written:
        return self


def _written(x: Expression) -> Written:
    return Written(x.to, x.of, x.terms)


def _exact(x: Any) -> Any:
    return Fraction(float(x)) if isinstance(x, (float, np.floating)) else \
        int(x) if isinstance(x, np.integer) else x


class _WrittenFlux(SymbolicFlux):
    def __call__(self, s: Any) -> Any:
        return _written(super().__call__(s))

    activation = __call__


class StandIns:
    """The symbols, what they stand for, and what is shown of that.

    Attributes
    ----------
    symbols : Symbols
    members : dict of str to Operator, Flux or ndarray
        What the letters stand for.
    shows : list of str
        Conditions of the transcript `log` that say what is assumed of the letters.
    """

    def __init__(self, size: int):
        self.symbols, self.log = Symbols(), Transcript()
        self.members: dict[str, Any] = {}
        self.shows: list[str] = []
        self._spaces = {size: _SPACES[0]}
        self._known: list[tuple[Any, Any]] = []
        self._letters: dict[str, Written] = {}
        self._fluxes: list[tuple[_WrittenFlux, Flux]] = []

    def put(self, scheme: Scheme, **more: Any) -> Scheme:
        """A copy of a scheme with symbols in place of its parts, and `more` of its attributes."""
        made = copy.copy(scheme)
        for name, value in {**vars(scheme), **more}.items():
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
        letter = self.log.give_once(K, "K", lambda: written(K)).text
        if is_written_out(K):
            bound = _bound(K)
            self.shows.append(f"psd({bound} * I({K.shape[1]}) - {letter}.T @ {letter})")
        else:
            bound = gram_bound(K)
            self.shows.append(f"gram_bound({letter}) <= {bound}")
        self.members[letter] = K
        to, of = (self.space(size) for size in K.shape)
        self._letters[letter] = _written(self.symbols.operator(letter, of, to, bound=bound))
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
                    return c * (symbol.T if end else symbol)
        return None

    def _flux(self, flux: Flux) -> Any:
        if type(flux) is not Flux:
            raise InvalidArgument("a flux of its own class may compute something else")
        facts = flux.facts
        known: dict[str, Any] = {}
        for name, ends, show in (
                ("slopes", facts.slopes if facts.continuous else None, show_slopes),
                ("sector", facts.diffusivities, show_diffusivity)):
            shown = None if ends is None else all_shown(show(self.log, flux, *ends))
            if shown is not None:
                known[name] = ends
                self.shows += shown
        name = self.symbols.free("phi")
        plain = self.symbols.flux(name, **known)
        made = _WrittenFlux(self.symbols, name, plain.facts, plain.meaning)
        self.members[name] = flux
        self._fluxes.append((made, flux))
        return made

    def _vector(self, x: np.ndarray) -> Any:
        exact = fractions(x, "vector")
        name = self.symbols.free("b")
        self.members[name] = exact
        return _written(self.symbols.vector(name, self.space(len(exact))))

    @staticmethod
    def of_letter(x: Expression) -> Any:
        """A vector of the statement, as the step of a user is given it."""
        return _written(x)

    def value(self, x: Expression, letters: dict[str, Any]) -> Signal:
        """What an expression is, with these values of letters; those of fluxes are computed."""
        total: Any = 0
        for (word, powers), c in x.terms.items():
            for name, exponent in powers:
                c = c * letters[name] ** exponent
            y = self._letter(word[-1].name, letters)
            for letter in reversed(word[:-1]):
                K = self.members[letter.name]
                y = (K.T if letter.turned else K) @ y
            total = total + c * y
        return total

    def _letter(self, name: str, letters: dict[str, Any]) -> Signal:
        if name not in letters:
            found = [(flux, point) for symbol, flux in self._fluxes
                     for point, visit in symbol._points if visit["value"] == name]
            letters[name] = found[0][0].activation(self.value(found[0][1], letters)) if found \
                else self.members[name]
        return letters[name]

    def agrees(self, written_pair: tuple[Expression, Expression],
               pair: Callable[[Any], tuple[Any, Any]], name: str, size: int, seed: int = 0,
               **values: Fraction) -> bool:
        """Whether the pair that is written is the one that is computed, at random signals."""
        rng = np.random.default_rng([seed, size])
        for _ in range(_SIGNALS):
            u = np.array([Fraction(int(k), 16) for k in rng.integers(-64, 65, size)], dtype=object)
            letters: dict[str, Any] = {name: u, **values}
            for x, computed in zip(written_pair, pair(u), strict=True):
                if not _equal(self.value(x, letters), computed):
                    return False
        return True


def _equal(x: Any, y: Any) -> bool:
    """Equal in every entry, or as near as balls tell."""
    x, y = (np.asarray(part, dtype=object) for part in (x, y))
    if x.shape != y.shape:
        return False
    for a, b in zip(x.flat, y.flat, strict=True):
        if isinstance(a, Interval) or isinstance(b, Interval):
            if not (a if isinstance(a, Interval) else Interval(a)).overlaps(b):
                return False
        elif not isinstance(a, (int, Fraction)) or not isinstance(b, (int, Fraction)) or a != b:
            return False
    return True


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


def _bound(K: Operator) -> Fraction:
    """‖K‖², or a number hardly larger with a short denominator."""
    top = norm_squared(K).upper
    near = top.limit_denominator(_SHORT)
    if near >= top or is_psd(near * np.eye(K.shape[1], dtype=int) - gram(K)):
        return near
    return Fraction(ceil(top * _ROOM * _SHORT**2), _SHORT**2)
