"""What a user's step is given in place of arrays: expressions, and states of two vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from stabkit.aliases import Function, Operand, Scalar
from stabkit.errors import InvalidArgument
from stabkit.proof.parts import SymbolicFlux
from stabkit.proof.words import Expression

VISITS = 8  # of fluxes in one statement


@dataclass(frozen=True, eq=False)
class Written(Expression):
    """An expression beside which floats are the numbers that they are, as in a user's step."""

    __array_ufunc__ = None  # numbers of NumPy leave the operation to it

    @classmethod
    def of_plain(cls, x: Expression) -> Written:
        return cls(x.to, x.of, x.terms)

    @property
    def T(self) -> Written:
        return self.of_plain(Expression.T.fget(self))  # type: ignore[attr-defined]

    def __add__(self, other: Operand) -> Written:
        return self.of_plain(super().__add__(_exact(other)))

    def __sub__(self, other: Operand) -> Written:
        return self.of_plain(super().__sub__(_exact(other)))

    def __rsub__(self, other: Operand) -> Written:
        return -self + other  # Python asks this class first, also for Expression − Written

    def __neg__(self) -> Written:
        return self.of_plain(super().__neg__())

    def __mul__(self, other: Operand) -> Written:
        return self.of_plain(super().__mul__(_exact(other)))

    def __truediv__(self, other: Operand) -> Written:
        return self.of_plain(super().__truediv__(_exact(other)))

    def __matmul__(self, other: Expression) -> Written:
        return self.of_plain(super().__matmul__(other))

    __radd__, __rmul__ = __add__, __mul__

    def __array_function__(self, function: Function, types: Any, args: Any, kwargs: Any) -> Any:
        return _of_numpy(function, args)

    def meant(self) -> Written:
        """Itself: a symbol is no rounding."""
        return self


@dataclass(frozen=True, eq=False)
class WrittenOperator(Written):
    """A matrix as a letter, with the numbers of its rows and columns."""

    shape: tuple[int, ...] = ()

    @property
    def T(self) -> WrittenOperator:
        turned = super().T
        return WrittenOperator(turned.to, turned.of, turned.terms, self.shape[::-1])


def _exact(x: Any) -> Any:
    return Fraction(float(x)) if isinstance(x, (float, np.floating)) else \
        int(x) if isinstance(x, np.integer) else x


class WrittenFlux(SymbolicFlux):
    """A flux whose values are of this kind."""

    def __call__(self, s: Scalar) -> Any:
        made = Written.of_plain(super().__call__(s))
        if len(self._points) > VISITS:
            raise InvalidArgument("it evaluates its flux too often for a search")
        return made

    activation = __call__

    def points(self) -> list[tuple[str, Expression]]:
        """The letters of its values, and where it was evaluated."""
        return [(visit["value"], point) for point, visit in self._points]


class _Unvalued:
    """Of what has no value yet, nothing is true or equal, so no step can branch on it."""

    def __bool__(self) -> bool:
        raise InvalidArgument("a state of symbols has no value to compare")

    def __eq__(self, other: object) -> bool:
        return bool(self)

    __hash__ = object.__hash__


class State(_Unvalued):
    """Two vectors of one length in one array, as in a scheme with momentum or of two steps.

    It can be cut in its middle, added, multiplied with numbers, and joined again.
    """

    __array_ufunc__ = None

    def __init__(self, parts: Sequence[Expression], half: int):
        self.parts = tuple(Written.of_plain(part) for part in parts)
        self.half = half
        if len(self.parts) != 2 or len({part.to for part in self.parts}) != 1:
            raise InvalidArgument("a state is two vectors of one length")

    @property
    def shape(self) -> tuple[int]:
        return (2 * self.half,)

    def __len__(self) -> int:
        return 2 * self.half

    def __getitem__(self, place: Any) -> Written:
        if isinstance(place, tuple) and len(place) == 2 and place[0] is ...:
            place = place[1]
        if isinstance(place, slice):
            ends = place.indices(2 * self.half)
            for number, part in enumerate(self.parts):
                if ends == (number * self.half, (number + 1) * self.half, 1):
                    return part
        raise InvalidArgument("a state of symbols is cut in its middle only")

    def _each(self, act: Callable[..., Expression], other: Operand) -> State:
        others = other.parts if isinstance(other, State) else (other, other)
        return State([act(x, y) for x, y in zip(self.parts, others, strict=True)], self.half)

    def __add__(self, other: State) -> State:
        return self._each(lambda x, y: x + y, other)

    def __sub__(self, other: State) -> State:
        return self._each(lambda x, y: x - y, other)

    def __neg__(self) -> State:
        return self * -1

    def __mul__(self, number: Any) -> State:
        return self._each(lambda x, y: x * y, number)

    __rmul__ = __mul__

    def __truediv__(self, number: Any) -> State:
        return self._each(lambda x, y: x / y, number)

    def __array_function__(self, function: Function, types: Any, args: Any, kwargs: Any) -> Any:
        return _of_numpy(function, args)


@dataclass(frozen=True, eq=False)
class Joined(_Unvalued):
    """The vectors that a step joins, whose length it does not know."""

    parts: tuple[Any, ...]


def _of_numpy(function: Function, args: Any) -> Any:
    """Cutting and joining, which are all that is known of NumPy's functions."""
    if function in (np.concatenate, np.hstack):
        return Joined(tuple(args[0]))
    if function in (np.split, np.array_split) and isinstance(args[0], State) and args[1] == 2:
        return list(args[0].parts)
    raise InvalidArgument(f"np.{function.__name__} is not written on symbols")
