"""Symbols in the places where a scheme has an operator, a flux, a step or a count.

A scheme is made of them as of a matrix and a number, and its own expression runs on them.  Whatever
needs more than is assumed of them, a size, an entry, a branch that depends on a value, raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

from stabkit.errors import InvalidArgument
from stabkit.proof.setting import quotients
from stabkit.proof.text import text_of
from stabkit.proof.words import NUMBERS, Expression, expression, operator, vector


@dataclass(frozen=True, eq=False)
class SymbolicOperator(Expression):
    """A linear map of any size, with ‖K‖² <= bound if there is one."""

    bound: Expression | None = None

    @property
    def shape(self) -> tuple[Size, Size]:
        """Numbers of rows and columns, of which nothing is known."""
        return Size(self.to), Size(self.of)

    @cached_property
    def T(self) -> SymbolicOperator:
        """The adjoint, which has the same norm."""
        turned = Expression.T.fget(self)  # type: ignore[attr-defined]
        return SymbolicOperator(turned.to, turned.of, turned.terms, self.bound)

    def __mul__(self, factor: Any) -> SymbolicOperator:
        made = super().__mul__(factor)
        return SymbolicOperator(made.to, made.of, made.terms)

    __rmul__ = __mul__

    def __neg__(self) -> SymbolicOperator:
        return self * -1

    def meant(self) -> SymbolicOperator:
        """Itself: a symbol is no rounding."""
        return self

    def stable_step(self, lipschitz: Any, ratio: Any) -> Portion:
        """A step of at most ratio · 2/(L·bound)."""
        if self.bound is None or not isinstance(ratio, Portion):
            raise InvalidArgument("stable_step: of a symbol it needs a bound of its norm, and a "
                                  "ratio that is one, too")
        return ratio * 2 / lipschitz / self.bound


@dataclass(frozen=True, eq=False)
class SymbolicNumber(Expression):
    """A real number, with what is assumed of its sign."""

    sign: str = "any"

    def __mul__(self, factor: Any) -> Any:
        return factor * self if isinstance(factor, SymbolicOperator) else super().__mul__(factor)


@dataclass(frozen=True, eq=False)
class SymbolicFacts:
    """What is assumed of a flux: intervals of its slopes and of Φ(s)/s, with ends in parameters."""

    slopes: tuple[Any, Any] | None
    diffusivities: tuple[Any, Any] | None
    odd: bool = False  # then P is even, and each visit has a mirrored one
    from_zero: bool = False  # Φ(0) = 0 is used, and P(0) = 0

    @property
    def quotients(self) -> tuple[Any, Any]:
        """The interval of Φ(s)/s."""
        return quotients(self.diffusivities, self.slopes)

    @property
    def lipschitz(self) -> Expression:
        low, high = self.slopes or (None, None)
        if low is None or high is None or not (_is_zero(low) or _is_zero(low + high)):
            raise InvalidArgument("lipschitz: the slopes of the symbol have to lie in [-L, L] or "
                                  "[0, L]")
        return high

    @property
    def sup_diffusivity(self) -> Expression:
        _, high = self.quotients
        if high is None:
            raise InvalidArgument("sup_diffusivity: nothing is assumed of it")
        return high

    @property
    def steepest_descent(self) -> Expression:
        if self.slopes is None or self.slopes[0] is None:
            raise InvalidArgument("steepest_descent: nothing is assumed of it")
        return -self.slopes[0]


class SymbolicFlux:
    """A flux Φ applied to symbols; equal points are one visit."""

    kernel = None  # no compiled twin

    def __init__(self, symbols: Any, name: str, facts: SymbolicFacts,
                 meaning: Mapping[str, str]):
        self.symbols, self.name, self.facts = symbols, name, facts
        self.meaning = meaning  # parameter -> which fact of a flux it is
        self._points: list[tuple[Expression, dict[str, str]]] = []
        self._weighted: list[tuple[str, Expression, Weights]] = []

    def meant(self) -> SymbolicFlux:
        """Itself: a symbol is no rounding."""
        return self

    def __call__(self, s: Any) -> Any:
        if not isinstance(s, Expression):
            return s.through(self)  # of what has values at edges
        return vector(self._visit(s)["value"], s.to)

    activation = __call__

    def energy(self, s: Expression) -> Expression:
        """ΣP(sᵢ) with P' = Φ."""
        return vector(self._visit(s)["energy"], NUMBERS)

    def regulariser(self, s: Expression) -> Densities:
        """Ψ = 2P in every entry."""
        return Densities(2 * self.energy(s))

    def diffusivity(self, s: Any) -> Any:
        """Φ(s)/s in every entry; what is assumed of it is its interval."""
        if not isinstance(s, Expression):
            return s.weights(self)
        return self._weights(s, "G", self.facts.quotients, "diffusivity")

    def slope(self, s: Any, ends: Any = None) -> Weights:
        """Φ′(s) in every entry, in the interval of slopes, or between other `ends` at this s."""
        if not isinstance(s, Expression):
            return s.slopes(self)
        return self._weights(s, "D", ends or self.facts.slopes, "slope")

    def _weights(self, s: Expression, letter: str, ends: Any, what: str) -> Weights:
        """Equal points have equal weights."""
        for kind, point, weights in self._weighted:
            if (kind, point.to, point.of) == (letter, s.to, s.of) and _is_zero(point - s):
                return weights
        low, high = ends or (None, None)
        if low is None or high is None:
            raise InvalidArgument(f"{what}: no interval with two ends is assumed of it")
        W = self.symbols.operator(name := self.symbols.free(letter), s.to, s.to, symmetric=True)
        self.symbols.values[name] = s
        self.symbols.form(self.symbols.free("weights"), s.to,
                          lambda x: (W @ x - low * x).T @ (high * x - W @ x))
        self._weighted.append((letter, s, Weights(W)))
        return Weights(W)

    def _visit(self, s: Expression) -> dict[str, str]:
        for point, visit in self._points:
            if (point.to, point.of) == (s.to, s.of) and (point - s).is_zero():
                return visit
        number = len([name for name in self.symbols.data.get("visits", {}) if name[0] == "E"])
        visit = {"flux": self.name, "at": text_of(s), "value": f"f{number}",
                 "energy": f"p{number}"}
        self.symbols.note("visits", f"E{number}", visit)
        self._points.append((s, visit))
        if self.facts.odd:
            self._also(f"M{number}", text_of(-s), f"m{number}", f"q{number}")
            self._is_zero(f"odd{number}", f"m{number} + f{number}")
            self._is_zero(f"even{number}", f"q{number} - p{number}")
        if self.facts.from_zero and len(self._points) == 1:
            self._also("Z", f"0*({text_of(s)})", "fz", "pz")
            self._is_zero("flat", "fz")
            self._is_zero("origin", "pz")
        return visit

    def _also(self, name: str, at: str, value: str, energy: str) -> None:
        self.symbols.note("visits", name, {"flux": self.name, "at": at, "value": value,
                                           "energy": energy})

    def _is_zero(self, name: str, text: str) -> None:
        self.symbols.note("equations", name, f"{text} == 0")


@dataclass(frozen=True)
class Densities:
    """Numbers, one for each entry, of which the sum is known."""

    total: Expression

    def call(self, function: str) -> Expression:
        """Their sum, which is all that can be asked for."""
        if function != "sum":
            raise InvalidArgument(f"{function}: only the sum of densities is known")
        return self.total


@dataclass(frozen=True)
class Weights:
    """Numbers, one for each entry, that are multiplied with the entries of vectors."""

    diagonal: Expression

    def __mul__(self, x: Expression) -> Expression:
        return self.diagonal @ x


@dataclass(eq=False)
class Portion:
    """A number in (0, top/over], or (0, top/over); both are products of what is >= 0.

    It can be multiplied and divided as long as it stays that.  It becomes a parameter where a
    scheme takes it for its step, or a vector is multiplied with it.  Of all that is made from one
    ratio only one number can, because two would be independent; in formulas also its multiples.
    """

    symbols: Any
    top: Expression | None  # None: no end
    over: Expression = field(default_factory=lambda: expression(1))
    strict: bool = False
    used: list[Any] = field(default_factory=list)  # shared: the portion that is a parameter

    def __mul__(self, factor: Any) -> Any:
        if isinstance(factor, Expression) and not factor.scalar:
            return self._multiple() * factor
        return self._portion(self.top if self.top is None else self.top * self._size(factor),
                          self.over)

    __rmul__ = __mul__

    def __truediv__(self, divisor: Any) -> Portion:
        return self._portion(self.top, self.over * self._size(divisor))

    def _portion(self, top: Expression | None, over: Expression) -> Portion:
        if top is not None:
            c = over.terms.get(((), ()))
            if c and len(over.terms) == 1:  # a number is divided by at once
                top, over = top / c, expression(1)
        return Portion(self.symbols, top, over, self.strict, self.used)

    def _size(self, factor: Any) -> Expression:
        found = expression(factor)
        signs = self.symbols.data.get("parameters", {})
        if not found.scalar or len(found.terms) != 1 or not all(
                c > 0 and all(signs[name] != "any" for name, _ in powers)
                for (_, powers), c in found.terms.items()):
            raise InvalidArgument(f"{text_of(found)}: is not seen to be positive")
        return found

    def parameter(self, name: str = "tau", condition: str = "step") -> Expression:
        """The number as a parameter, of which nothing but its interval is assumed."""
        if not self.used:
            made = self.symbols.parameter(self.symbols.free(name))
            if self.top is not None:
                self.symbols.assume(self.symbols.free(condition), self.top - made * self.over,
                                    self.strict)
            self.symbols.portions[next(iter(made.letters))] = self
            self.used += [self, made]
        if not self._equals(self.used[0]):
            raise InvalidArgument("ratio: it is used for two different steps, which symbols would "
                                  "take for independent ones")
        return self.used[1]

    def _multiple(self) -> Expression:
        """The number, as a multiple of the parameter that its ratio already is."""
        times = self._times(self.used[0]) if self.used else None
        return self.parameter() if times is None or times == 1 else times * self.used[1]

    def _times(self, other: Portion) -> Fraction | None:
        """How many times another portion of the same ratio it is, if that is a number."""
        if self._equals(other):
            return Fraction(1)
        if self.top is None or other.top is None:
            return None
        mine, others = self.top * other.over, other.top * self.over
        if mine.terms.keys() != others.terms.keys():
            return None
        times = {c / others.terms[key] for key, c in mine.terms.items()}
        return times.pop() if len(times) == 1 else None

    def _equals(self, other: Portion) -> bool:
        if self.top is None or other.top is None:
            return self is other
        return _is_zero(self.top * other.over - other.top * self.over)

    def __le__(self, other: Any) -> bool:
        return self._compare(other)

    def __gt__(self, other: Any) -> bool:
        return not self._compare(other)

    def _compare(self, other: Any) -> bool:
        if isinstance(other, (int, Fraction)) and self.top is not None and _is_zero(
                self.over - 1) and set(self.top.terms) == {((), ())} and \
                self.top.terms[(), ()] <= other:
            return True
        raise InvalidArgument("ratio: a symbol has no value to compare")

    def __eq__(self, other: Any) -> bool:
        raise InvalidArgument("ratio: a symbol has no value to compare")

    __hash__ = object.__hash__
    __lt__ = __ge__ = __eq__

    def __bool__(self) -> bool:
        return True  # it is positive


@dataclass(frozen=True, eq=False)
class Count:
    """Any number 1, 2, 3, ... of inner steps."""


@dataclass(frozen=True)
class Size:
    """The number of entries of the vectors of a space."""

    space: str


@dataclass(frozen=True, eq=False)
class Family:
    """Any number of members of one kind, each with letters of its own; `letters` are theirs."""

    symbols: Any
    member: Any
    letters: tuple[str, ...] = ()

    def map(self, make: Any) -> Family:
        """What `make` makes of each member; what that declares is the member's own, too."""
        before = self.symbols.declarations()
        made = make(**self.member)
        new = tuple(name for name in self.symbols.declarations() if name not in before)
        return Family(self.symbols, made, (*self.letters, *new))


@dataclass(frozen=True)
class Quotient:
    """An expression divided by a polynomial in parameters."""

    numerator: Expression
    denominator: Expression

    def __mul__(self, x: Any) -> Quotient:
        return Quotient(self.numerator * x, self.denominator)

    __rmul__ = __mul__

    def __add__(self, other: Quotient) -> Quotient:
        if not isinstance(other, Quotient) or not _is_zero(self.denominator - other.denominator):
            raise InvalidArgument("a sum of symbols with different denominators")
        return Quotient(self.numerator + other.numerator, self.denominator)

    def __rsub__(self, number: Any) -> Quotient:
        return Quotient(number * self.denominator - self.numerator, self.denominator)


def quotient(x: Any, y: Any) -> Quotient:
    """x/y for polynomials in parameters."""
    return Quotient(expression(x), expression(y))


def symbolic_operator(name: str, of: str, to: str, symmetric: bool, bound: Any) -> SymbolicOperator:
    made = operator(name, of, to, symmetric)
    return SymbolicOperator(made.to, made.of, made.terms,
                            None if bound is None else expression(bound))


def _is_zero(x: Expression) -> bool:
    return not x.terms


def end_of_weight(tau: Portion | None, flux: SymbolicFlux, edges: Expression, over: Any = 1
                  ) -> str:
    """The largest value of τ g · edges / over by what is assumed; None for a τ that is a number.
    """
    _, high = flux.facts.quotients
    if high is None or (tau is not None and tau.top is None):
        return "inf"
    above, below = high * edges, expression(over)
    if tau is not None:
        above, below = above * tau.top, tau.over * below
    if len(above.terms) != 1 or set(above.terms) != set(below.terms):
        raise InvalidArgument("the bound of tau·g/h**2 is no number: "
                              f"({text_of(above)})/({text_of(below)})")
    (key, c), = above.terms.items()
    return str(c / below.terms[key])
