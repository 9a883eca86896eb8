"""Classes that a claim names for its arguments: what it says holds for all of their members.

Beside each argument's listed values a claim can name a class, ``for_all=dict(K=AnyOperator(),
flux=AnyFlux(slopes=(0, "L")), ratio=UpTo(1))``.  Its body then runs once more, on a symbol for any
member of each class, and returns the statement to be proved; see :mod:`stabkit.claims.obligations`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np

from stabkit.aliases import Fields, Rational, Signal
from stabkit.arithmetic.rational import fraction, fractions, is_psd
from stabkit.errors import InvalidArgument
from stabkit.fluxes.class_ends import in_order, require_members
from stabkit.fluxes.dictionary import relu
from stabkit.fluxes.flux import Flux
from stabkit.operators import Operator, norm_squared
from stabkit.proof.maps import PositivePart, SymbolicMap
from stabkit.proof.parts import Count, Family
from stabkit.proof.sites import Length
from stabkit.proof.symbols import Symbols

Member: TypeAlias = Any  # of a class: an operator, a flux, a number
Symbol: TypeAlias = Any  # what stands for every member in a statement


class Class(ABC):
    """A class of values of an argument."""

    @abstractmethod
    def symbol(self, symbols: Symbols, name: str) -> Symbol:
        """A symbol for any member; what is assumed of it is noted among the symbols."""

    @abstractmethod
    def admits(self, value: Member) -> bool:
        """Whether a listed value is a member; what parameters assume is checked elsewhere."""


@dataclass(frozen=True)
class AnyOperator(Class):
    """Any matrix K, of any size; c stands for any number with ‖K‖² <= c.

    Parameters
    ----------
    of, to : str
        Names of the spaces; operators that are applied to the same vectors share one.
    letter : str
        What the statement calls it; by default, as the argument is called.
    square : rational, optional
        A number in place of c: ‖K‖² <= square.
    constants : bool
        Whether K maps constant signals to 0; the statement calls one of them `one`.
    """

    of: str = "N"
    to: str = "M"
    letter: str = ""
    square: Any = None
    constants: bool = False

    def symbol(self, symbols: Symbols, name: str) -> Symbol:
        letter = self.letter or name
        bound = symbols.parameter("c" if letter == "K" else f"c_{letter}", ">= 0") \
            if self.square is None else fraction(self.square, "square")
        made = symbols.operator(letter, self.of, self.to, bound=bound)
        if self.constants:
            symbols.equation("constants", made @ symbols.vector("one", self.of))
        return made

    def admits(self, value: Member) -> bool:
        return isinstance(value, Operator) and (
            self.square is None or norm_squared(value).upper <= fraction(self.square, "square")
        ) and not (self.constants and np.any(value.exact().sum(axis=1) != 0))


@dataclass(frozen=True)
class AnySymmetric(Class):
    """Any symmetric matrix, or any with its eigenvalues between two rational numbers."""

    low: Rational = None
    high: Rational = None
    space: str = "N"

    def symbol(self, symbols: Symbols, name: str) -> Symbol:
        M = symbols.operator(name, self.space, self.space, symmetric=True)
        low, high = in_order(self.low, self.high, name)
        if low is not None:
            symbols.form(f"{name}_low", self.space, lambda x: x.T @ M @ x - low * (x.T @ x))
        if high is not None:
            symbols.form(f"{name}_high", self.space, lambda x: high * (x.T @ x) - x.T @ M @ x)
        return M

    def admits(self, value: Member) -> bool:
        if not isinstance(value, Operator) or value.shape[0] != value.shape[1]:
            return False
        M, one = value.exact(), np.eye(value.shape[0], dtype=int)
        return not np.any(M != M.T) and all(
            end is None or is_psd(sign * (M - fraction(end) * one))
            for end, sign in ((self.low, 1), (self.high, -1)))


@dataclass(frozen=True)
class AnyFlux(Class):
    """Any flux Φ whose slopes, or whose g(s) = Φ(s)/s, lie in intervals.

    Parameters
    ----------
    diffusivities, slopes : (low, high), optional
        Ends are rational numbers, ``None`` for no end, ``"L"`` or ``"-L"`` for the Lipschitz
        constant (for sup g, if nothing is said of slopes), and ``"-m"`` for −L₋, the steepest
        descent.  Slopes are difference quotients, so a flux with two ends of slopes is continuous.
    letter : str
        What the statement calls it; by default, as the argument is called, or phi.
    odd : bool
        Φ(−s) = −Φ(s).
    from_zero : bool
        Proofs may use Φ(0) = 0; g needs two ends, or one below beside slopes with one above.

    Notes
    -----
    ``diffusivities=(0, None), slopes=("-L", "L")`` is g >= 0, Lipschitz: g <= L follows.
    """

    diffusivities: tuple[Any, Any] | None = None
    slopes: tuple[Any, Any] | None = None
    letter: str = ""
    odd: bool = False
    from_zero: bool = False

    def called(self, name: str) -> str:
        """What a statement calls the flux that is the argument of this name."""
        return self.letter or ("phi" if name == "flux" else name)

    def symbol(self, symbols: Symbols, name: str) -> Symbol:
        letter_of_flux = self.called(name)
        suffix = "" if letter_of_flux == "phi" else f"_{letter_of_flux}"
        meaning, letters = {}, {}
        ends = [end for interval in (self.diffusivities, self.slopes) for end in interval or ()]
        for letter, sign, fact in (
                ("L", "> 0", "lipschitz" if self.slopes else "sup_diffusivity"),
                ("m", ">= 0", "steepest_descent")):
            if any(end in (letter, f"-{letter}") for end in ends):
                letters[letter] = symbols.parameter(letter + suffix, sign)
                meaning[letter + suffix] = fact
        sector, slopes = (interval and tuple(_end(end, letters) for end in interval)
                          for interval in (self.diffusivities, self.slopes))
        require_members(sector, slopes)
        made = symbols.flux(letter_of_flux, sector, slopes, meaning, self.odd, self.from_zero)
        if self.from_zero and any(end is None for end in made.facts.quotients):
            raise InvalidArgument(f"{name}: Φ(0) = 0 needs two ends of g, or one and one of slopes")
        return made

    def admits(self, value: Member) -> bool:
        return isinstance(value, Flux) and (value.facts.odd or not self.odd)


def _end(end: Any, letters: Fields) -> Any:
    if end is None or not isinstance(end, str) or end.removeprefix("-") not in letters:
        return None if end is None else fraction(end, "end of an interval")
    return -letters[end[1:]] if end[0] == "-" else letters[end]


@dataclass(frozen=True)
class UpTo(Class):
    """Any number in (0, top]; any positive number for the top None.

    It can be a step, or be multiplied with a step.
    """

    top: Any = None
    strict: bool = False

    def symbol(self, symbols: Symbols, name: str) -> Symbol:
        return symbols.portion(None if self.top is None else fraction(self.top, "top"),
                               self.strict)

    def admits(self, value: Member) -> bool:
        number = fraction(value, "value")
        top = None if self.top is None else fraction(self.top, "top")
        return number > 0 and (top is None or number < top or (number == top and not self.strict))


def below(top: Any) -> UpTo:
    """Any number in (0, top)."""
    return UpTo(top, strict=True)


@dataclass(frozen=True)
class AnyCount(Class):
    """Any number 1, 2, 3, ... of inner steps."""

    def symbol(self, symbols: Symbols, name: str) -> Symbol:
        return Count()

    def admits(self, value: Member) -> bool:
        return isinstance(value, int) and value >= 1


@dataclass(frozen=True)
class Fixed(Class):
    """This value alone."""

    value: Any

    def symbol(self, symbols: Symbols, name: str) -> Symbol:
        return self.value

    def admits(self, value: Member) -> bool:
        return value is self.value or (type(value) is type(self.value) in (int, str, Fraction)
                                       and value == self.value)


@dataclass(frozen=True)
class AnyLength(Class):
    """Any number of samples of a line, on which ``difference(1, n, h, boundary)`` is made."""

    def symbol(self, symbols: Symbols, name: str) -> Symbol:
        return Length(symbols)

    def admits(self, value: Member) -> bool:
        return isinstance(value, int) and value >= 1


@dataclass(frozen=True)
class Positive(Class):
    """Any number > 0, such as a grid size; it is a parameter of the statement."""

    def symbol(self, symbols: Symbols, name: str) -> Symbol:
        return symbols.parameter(name)

    def admits(self, value: Member) -> bool:
        return fraction(value, "value") > 0


@dataclass(frozen=True)
class Such(Class):
    """Any number of a sign with conditions on it and on the bounds of other arguments.

    Parameters
    ----------
    conditions : tuple of str
        As a statement writes them, such as ``"4 - c*delta**2 >= 0"``, where c bounds ‖K‖².
    sign : {"any", ">= 0", "> 0"}
    """

    conditions: tuple[str, ...]
    sign: str = "any"

    def symbol(self, symbols: Symbols, name: str) -> Symbol:
        made = symbols.parameter(name, self.sign)
        for condition in self.conditions:
            symbols.note("assume", symbols.free("condition"), condition)
        return made

    def admits(self, value: Member) -> bool:
        number = fraction(value, "value")
        return self.sign == "any" or number > 0 or (number == 0 and self.sign == ">= 0")


@dataclass(frozen=True)
class AnyReal(Class):
    """Any real number, or any in [low, high]."""

    low: Rational = None
    high: Rational = None

    def symbol(self, symbols: Symbols, name: str) -> Symbol:
        made = symbols.parameter(name, "any")
        for end, sign in ((self.low, 1), (self.high, -1)):
            if end is not None:
                symbols.assume(f"{name}_{'low' if sign > 0 else 'high'}",
                               sign * (made - fraction(end, "end")))
        return made

    def admits(self, value: Member) -> bool:
        number = fraction(value, "value")
        return (self.low is None or number >= fraction(self.low)) and (
            self.high is None or number <= fraction(self.high))


@dataclass(frozen=True)
class AnyVector(Class):
    """Any vector of a space; a listed one is a sequence of rational numbers, or a seed for some."""

    space: str = "N"

    def symbol(self, symbols: Symbols, name: str) -> Symbol:
        return symbols.vector(name, self.space)

    def admits(self, value: Member) -> bool:
        return isinstance(value, int) or fractions(value, "value").ndim == 1


@dataclass(frozen=True)
class AnyMap(Class):
    """Any map from vectors of one space to vectors of another, linear or not."""

    of: str = "N"
    to: str = "N"

    def symbol(self, symbols: Symbols, name: str) -> Symbol:
        return SymbolicMap(symbols, name, self.of, self.to)

    def admits(self, value: Member) -> bool:
        return callable(value)


@dataclass(frozen=True)
class Relu(Class):
    """ReLU, of which ReLU(x) − ReLU(−x) = x is assumed, and nothing else."""

    def symbol(self, symbols: Symbols, name: str) -> Symbol:
        return PositivePart(symbols, name)

    def admits(self, value: Member) -> bool:
        return isinstance(value, Flux) and repr(value) == repr(relu())


class _Unseen:
    """What no statement for all may look at."""

    def __getattr__(self, name: str) -> Any:
        raise InvalidArgument("an argument that chooses examples is no part of what is said of all")

    def __eq__(self, other: object) -> bool:
        return bool(self)

    def __bool__(self) -> bool:
        raise InvalidArgument("an argument that chooses examples is no part of what is said of all")

    __hash__ = object.__hash__


@dataclass(frozen=True)
class ForExamples(Class):
    """Values that choose examples alone, ``Example(lambda: ...)``, which symbols do not run."""

    def symbol(self, symbols: Symbols, name: str) -> Symbol:
        return _Unseen()

    def admits(self, value: Member) -> bool:
        return True


def signal(given: Any, size: Any, draw: Callable[[np.random.Generator, int], Any]) -> Signal:
    """A vector as it is given, or drawn from the seed that is given for it."""
    return draw(np.random.default_rng(given), size) if isinstance(given, int) else given


class OneOf(Class):
    """Some values, each of which has a statement of its own."""

    def __init__(self, *values: Any):
        self.values = values

    def symbol(self, symbols: Symbols, name: str) -> Symbol:
        raise InvalidArgument(f"{name}: one of several values is no symbol")

    def admits(self, value: Member) -> bool:
        return any(value is each or value == each for each in self.values)


class AnyNumberOf(Class):
    """Any number of members, each with arguments of its own, for :meth:`stabkit.schemes.Chain.of`.

    Parameters
    ----------
    **classes : Class
        Of the arguments of one member; a listed value is a sequence of mappings with these keys.
    """

    def __init__(self, **classes: Class):
        self.classes = classes

    def symbol(self, symbols: Symbols, name: str) -> Symbol:
        before = symbols.declarations()
        member = {key: kind.symbol(symbols, key) for key, kind in self.classes.items()}
        return Family(symbols, member, tuple(each for each in symbols.declarations()
                                             if each not in before))

    def admits(self, value: Member) -> bool:
        return all(set(member) == set(self.classes) and all(
            kind.admits(member[key]) for key, kind in self.classes.items()) for member in value)


def checked(given: Fields, where: str) -> dict[str, Class]:
    """The classes of a claim's arguments."""
    for name, kind in given.items():
        if not isinstance(kind, Class):
            raise InvalidArgument(f"{where}: for_all gives {name} no class but {kind!r}; see "
                                  "stabkit.classes")
    return dict(given)
