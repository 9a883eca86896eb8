"""The free algebra of words in which proofs are added up.

A word is a product of letters: operators K: N → M, vectors (operators from the space "1"), and
numbers (from "1" to "1").  Its coefficient is a polynomial in commuting parameters.  An identity
between sums of words holds for matrices of every size, because only the axioms of matrices are
used: sums, products, and transposes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from stabkit.errors import InvalidEvidence

MAX_LETTERS = 24  # of a word
MAX_TERMS = 1000  # of a sum
MAX_PAIRS = 20_000  # of terms that one product multiplies
MAX_DIGITS = 400  # of a numerator or denominator
MAX_POWER = 64
MAX_WORK = 400_000  # terms that one check may collect, some seconds
NUMBERS = "1"  # the space of numbers

_left: ContextVar[list[int] | None] = ContextVar("left", default=None)


@contextmanager
def limited_work() -> Iterator[None]:
    """Inside, refuse to go on after so many terms."""
    token = _left.set([MAX_WORK])
    try:
        yield
    finally:
        _left.reset(token)


def spend(count: int) -> None:
    """Pay for the work on so many terms."""
    left = _left.get()
    if left is not None:
        left[0] -= count
        if left[0] < 0:
            raise InvalidEvidence("it takes too much work to check")


class Letter(NamedTuple):
    """A symbol: an operator from the space `of` to the space `to`."""

    name: str
    to: str
    of: str
    symmetric: bool = False
    turned: bool = False  # whether it stands for its transpose

    @property
    def T(self) -> Letter:
        return self if self.symmetric else Letter(self.name, self.of, self.to, False,
                                                  not self.turned)


Word = tuple[Letter, ...]
Powers = tuple[tuple[str, int], ...]  # of parameters, in the order of their names


@dataclass(frozen=True, eq=False)
class Expression:
    """A sum of words with polynomial coefficients, all from the space `of` to the space `to`.

    Attributes
    ----------
    to, of : str
        Names of spaces; a vector is of "1", a number or quadratic form also goes to "1".
    terms : mapping of (word, powers of parameters) to Fraction

    Raises
    ------
    InvalidEvidence
        By the operations +, −, *, @, **, where spaces do not fit or a limit of size is passed.
    """

    to: str
    of: str
    terms: Mapping[tuple[Word, Powers], Fraction]

    def __bool__(self) -> bool:
        raise InvalidEvidence("a symbol has no value, so it is neither true nor false")

    def __eq__(self, other: object) -> bool:
        raise InvalidEvidence("a symbol has no value to compare")

    __hash__ = object.__hash__
    __lt__ = __le__ = __gt__ = __ge__ = __eq__

    @property
    def T(self) -> Expression:
        turned = ((_transpose_word(word), powers, c) for (word, powers), c in self.terms.items())
        return _collect(self.of, self.to, turned)

    def __add__(self, other: Any) -> Expression:
        other = expression(other)
        if not other.terms or not self.terms:
            return self if self.terms or not other.terms else other
        if (self.to, self.of) != (other.to, other.of):
            raise InvalidEvidence(f"{_kind(self)} and {_kind(other)} cannot be added")
        both = [*self.terms.items(), *other.terms.items()]
        return _collect(self.to, self.of, ((word, powers, c) for (word, powers), c in both))

    __radd__ = __add__

    def __neg__(self) -> Expression:
        return Expression(self.to, self.of, {key: -c for key, c in self.terms.items()})

    def __sub__(self, other: Any) -> Expression:
        return self + -expression(other)

    def __rsub__(self, other: Any) -> Expression:
        return expression(other) - self

    def __mul__(self, other: Any) -> Expression:
        """The product with a coefficient, which may stand on either side."""
        if hasattr(other, "numerator") and not isinstance(other, (int, Fraction)):
            return NotImplemented  # a fraction of symbols knows how to be multiplied
        other = expression(other)
        if not (self.scalar or other.scalar):
            raise InvalidEvidence("* needs a coefficient on one side; words are multiplied by @")
        to, of = (other.to, other.of) if self.scalar else (self.to, self.of)
        return _product(to, of, self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Expression:
        number = expression(other).terms
        if list(number) != [((), ())]:
            raise InvalidEvidence("/ needs a rational number, not 0, on its right")
        return self * (1 / number[(), ()])

    def __pow__(self, exponent: int) -> Expression:
        if not self.scalar or not 0 <= exponent <= MAX_POWER:
            raise InvalidEvidence(f"** needs a coefficient and an exponent from 0 to {MAX_POWER}")
        power = expression(1)
        for _ in range(exponent):
            power = power * self
        return power

    def __matmul__(self, other: Expression) -> Expression:
        if self.of != other.to:
            raise InvalidEvidence(f"{_kind(self)} cannot be applied to {_kind(other)}")
        return _product(self.to, other.of, self, other)

    @property
    def scalar(self) -> bool:
        """Whether it is a coefficient: no word has letters."""
        return all(not word for word, _ in self.terms)

    @property
    def letters(self) -> set[str]:
        """The names of letters and parameters that it holds."""
        return {name for word, powers in self.terms
                for name in [*(letter.name for letter in word), *(name for name, _ in powers)]}

    def is_zero(self) -> bool:
        """Whether it vanishes for all matrices; a number equals its transpose."""
        if (self.to, self.of) != (NUMBERS, NUMBERS):
            return not self.terms
        folded = ((min(word, _transpose_word(word)), powers, c)
                  for (word, powers), c in self.terms.items())
        return not _collect(NUMBERS, NUMBERS, folded).terms

    def put(self, values: Mapping[str, Expression]) -> Expression:
        """With expressions in place of letters and parameters of these names."""
        if not self.letters & set(values):
            return self
        total = Expression(self.to, self.of, {})
        for (word, powers), c in self.terms.items():
            factor = expression(c)
            for name, exponent in powers:
                factor = factor * values.get(name, parameter(name)) ** exponent
            for position, letter in enumerate(word):
                value = values.get(letter.name)
                value = single(letter) if value is None else value.T if letter.turned else value
                if value.terms and (value.to, value.of) != (letter.to, letter.of):
                    raise InvalidEvidence(f"{letter.name}: {_kind(value)} does not fit")
                value = Expression(letter.to, letter.of, value.terms)
                factor = factor @ value if position else factor * value
            total = total + factor
        return Expression(self.to, self.of, total.terms)


def expression(value: Any) -> Expression:
    """A number as an expression; an expression as it is."""
    if isinstance(value, Expression):
        return value
    if not isinstance(value, (int, Fraction)):
        raise InvalidEvidence(f"{value!r} is no rational number")
    value = Fraction(value)
    return Expression(NUMBERS, NUMBERS, {((), ()): value} if value else {})


def parameter(name: str) -> Expression:
    return Expression(NUMBERS, NUMBERS, {((), ((name, 1),)): Fraction(1)})


def single(letter: Letter) -> Expression:
    return Expression(letter.to, letter.of, {((letter,), ()): Fraction(1)})


def operator(name: str, of: str, to: str, symmetric: bool = False) -> Expression:
    return single(Letter(name, to, of, symmetric))


def vector(name: str, space: str) -> Expression:
    """A vector of a space; a number for the space "1"."""
    return single(Letter(name, space, NUMBERS, space == NUMBERS))


def dot(x: Expression, y: Expression) -> Expression:
    return x.T @ y


def _transpose_word(word: Word) -> Word:
    return tuple(letter.T for letter in reversed(word))


def _kind(x: Expression) -> str:
    if x.of != NUMBERS:
        return f"an operator {x.of} -> {x.to}"
    return "a number" if x.to == NUMBERS else f"a vector of {x.to}"


def _product(to: str, of: str, x: Expression, y: Expression) -> Expression:
    if len(x.terms) * len(y.terms) > MAX_PAIRS:
        raise InvalidEvidence("a product has too many terms")
    spend(len(x.terms) * len(y.terms))
    return _collect(to, of, ((v + w, _times(a, b), c * d) for (v, a), c in x.terms.items()
                             for (w, b), d in y.terms.items()))


def _times(a: Powers, b: Powers) -> Powers:
    if not a or not b:
        return a or b
    total = dict(a)
    for name, exponent in b:
        total[name] = total.get(name, 0) + exponent
    return tuple(sorted(total.items()))


def _collect(to: str, of: str, terms: Any) -> Expression:
    total: dict[tuple[Word, Powers], Fraction] = {}
    for word, powers, c in terms:
        key = word, powers
        before = total.get(key)
        if before is not None:
            total[key] = before + c
            continue
        total[key] = c
        if len(word) > MAX_LETTERS or len(total) > MAX_TERMS or \
                (powers and sum(exponent for _, exponent in powers) > MAX_POWER):
            raise InvalidEvidence("a word, a power or a sum is too long")
    spend(len(total))
    total = {key: c for key, c in total.items() if c}
    too_large = 10**MAX_DIGITS
    if any(abs(c.numerator) >= too_large or c.denominator >= too_large for c in total.values()):
        raise InvalidEvidence(f"a coefficient has more than {MAX_DIGITS} digits")
    return Expression(to, of, total)
