"""What a scheme is: a one-step map u ↦ u⁺ on signals of one length."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from stabkit.aliases import Argument, Rational, Record, Signal
from stabkit.arithmetic.backend import in_parts, is_foreign, namespace
from stabkit.arithmetic.derivative import Dual
from stabkit.arithmetic.enclosure import Interval
from stabkit.arithmetic.linearised import Linearised
from stabkit.arithmetic.open_step import Unknown
from stabkit.arithmetic.rational import Constant, fraction, fractions, integer
from stabkit.arithmetic.rounding import is_rounded, meaning
from stabkit.arithmetic.transcript import Term
from stabkit.errors import InvalidArgument, several
from stabkit.fluxes.flux import Flux
from stabkit.operators import Operator, as_operator
from stabkit.proof.parts import (
    Count,
    Family,
    Portion,
    Size,
    SymbolicFlux,
    SymbolicNumber,
    SymbolicOperator,
)
from stabkit.proof.sites import LineDifference
from stabkit.proof.words import Expression
from stabkit.schemes.foreign_steps import guard
from stabkit.schemes.meant import as_meant


class Scheme(ABC):
    """A one-step map on ℝᴺ, written as an array expression.

    The arrays decide how it is computed: floats of shape (..., N) fast, object arrays of fractions
    or intervals exactly, and a :class:`~stabkit.arithmetic.transcript.Term` writes the step down.
    A scheme may be unstable; it never refuses a step size.

    Attributes
    ----------
    operators : tuple of Operator
    fluxes : tuple of Flux
        What the step is made of, at any depth; a search looks for inputs that suit them.
    inner_steps : int
        The number of inner steps that one step takes.
    trusted : bool
        Whether the step is the package's own.  A user's step gets copies and exact numbers, its
        results are checked, and no certificate takes its facts for granted.
    exact : bool
        Whether the step has a meaning beyond floating point.
    tau : rational
        The step size, which schemes with one have under this name; a search varies it.
    """

    if TYPE_CHECKING:  # properties or attributes: either will do
        @property
        def operators(self) -> tuple[Operator, ...]: ...
        @property
        def fluxes(self) -> tuple[Flux, ...]: ...
        @property
        def inner_steps(self) -> int: ...
        @property
        def exact(self) -> bool: ...
    else:
        operators, fluxes, inner_steps, exact = (), (), 1, True
    trusted: ClassVar[bool] = True

    def __init_subclass__(cls, **options: Argument) -> None:
        super().__init_subclass__(**options)
        if cls.__module__.partition(".")[0] != __name__.partition(".")[0]:
            cls.trusted = False

    @property
    def is_linear(self) -> bool:
        """Whether the step is a linear map, by the facts of its fluxes."""
        return False

    @property
    def certifiable(self) -> bool:
        """Whether certificates apply to it: step, operators and fluxes are the package's own.

        Classes derived from them may compute something else.
        """
        return self.trusted and all(type(K) is Operator for K in self.operators) and \
            all(type(flux) is Flux for flux in self.fluxes)

    @property
    @abstractmethod
    def size(self) -> int:
        """The length N of the signals."""

    @abstractmethod
    def step(self, u: Signal) -> Signal:
        """The expression of one step; `u` is valid."""

    def advance(self, u: Signal, steps: int) -> Signal:
        """`steps` steps in a row; `u` is valid."""
        for _ in range(steps):
            u = self.step(u) if self.trusted else guard(self, u)
        return u

    def __call__(self, u: Signal) -> Signal:
        """One step for a signal or a batch of signals.

        Parameters
        ----------
        u : array_like, shape (N,) or (..., N)
            float32 or float64, of any array library, or an object array of fractions or intervals.

        Raises
        ------
        InvalidArgument
            For another length, an integer or complex dtype, or an entry that is not finite.
        """
        if isinstance(u, (Term, Expression, Linearised)):
            return self.step(u)
        u = as_signal(u, self.size)
        step = self.step if self.trusted else self._once
        return step(u) if isinstance(u, np.ndarray) else in_parts(step, u)

    def _once(self, u: Signal) -> Signal:
        return guard(self, u)

    def as_meant(self) -> Scheme:
        """The scheme with the numbers in place of the floats that are their rounding.

        The scheme itself if there are none; see ``stabkit.arithmetic.rounding``.
        """
        return as_meant(self)

    def pair(self, x: Signal) -> tuple[Signal, Signal]:
        """A pair (u, u⁺) from a free parameter; every pair of the scheme has this form.

        It is (x, T(x)) unless the scheme is given implicitly.
        """
        return x, self(x)


@runtime_checkable
class HasStep(Protocol):
    """A scheme with a step size; a search varies it."""

    @property
    def tau(self) -> Signal: ...


def as_signal(u: Signal, size: int, name: str = "u") -> Signal:
    """Check a signal or a batch of signals once, where it comes in."""
    array = u if is_foreign(u) else _as_array(u)
    xp = namespace(array)
    if array.ndim == 0 or array.shape[-1] != size:
        raise InvalidArgument(f"{name}: the last axis must have length {size}, got shape "
                              f"{array.shape}")
    if array.dtype == object:
        for index, entry in np.ndenumerate(array):
            if not isinstance(entry, (int, Fraction, Interval, Dual)):
                raise InvalidArgument(f"{name}: an object array must hold fractions or intervals, "
                                      f"got {entry!r} at index {index}")
        return array
    if array.dtype not in (xp.float32, xp.float64):
        raise InvalidArgument(f"{name}: dtype must be float32, float64 or exact (object), got "
                              f"{array.dtype}; convert with u.astype(float)")
    finite = xp.isfinite(array)
    if not xp.all(finite):
        first = xp.argmin(xp.reshape(xp.astype(finite, xp.int8), (-1,)))
        place = tuple(int(i) for i in np.unravel_index(int(first), array.shape))
        raise InvalidArgument(f"{name}: must be finite, got {array[place]} at index {place}")
    return array


def _as_array(u: Signal) -> np.ndarray:
    """A signal as it comes: an array, a list of numbers or texts, a sparse row, a series."""
    if isinstance(u, np.ndarray):
        return u
    array = np.asarray(u.toarray() if hasattr(u, "toarray") else u)
    if array.dtype.kind in "iu":
        return array.astype(float)
    return fractions(array, "u") if array.dtype.kind == "U" and array.ndim else array


def as_count(value: Any, name: str) -> Any:
    """Check an integer >= 1, which may be NumPy's but no truth value, and return it."""
    if isinstance(value, (Count, Size)):
        return value
    return integer(value, name, 1)


LONGEST = 10**6  # steps of one after another, each of which is listed

#: Their symbols, on which a scheme runs for a statement about a whole class.
SYMBOLS = {Operator: (SymbolicOperator, LineDifference), Flux: (SymbolicFlux,)}


def attributes(scheme: Scheme) -> Record:
    """What a scheme is made of, operators, fluxes and numbers, by the names of the attributes."""
    return vars(scheme)


def as_part(value: Any, kind: type, name: str) -> Any:
    """A part of a scheme, of the type that it must have, or a symbol for it.

    A matrix of any kind becomes an operator.
    """
    if kind is Operator and not isinstance(value, SYMBOLS[kind]):
        return as_operator(value, name)
    if not isinstance(value, (kind, *SYMBOLS.get(kind, ()))):
        made = {Flux: "one of stabkit.fluxes, or from_activation"}
        hint = f"; make it with {made[kind]}" if kind in made else ""
        shown = " ".join(f"{value!r:.80}".split())
        raise InvalidArgument(f"{name}: must be of type {kind.__name__}, got {shown}{hint}")
    return value


def as_step(step: Rational, name: str = "step") -> Rational:
    """A step size as an exact constant; negative and zero steps are refused.

    An open step stays open, if all steps that it stands for are positive.
    """
    if isinstance(step, Portion):
        return step.parameter()
    if isinstance(step, SymbolicNumber) and step.sign == "> 0":
        return step
    if isinstance(step, Unknown):
        if step.is_increasing() or step > 0:
            return step
        raise InvalidArgument(f"{name}: must be positive, got {step}")
    value = Constant(fraction(step, name))
    if value <= 0:
        raise InvalidArgument(f"{name}: must be positive, got {step}")
    if isinstance(step, Constant):
        return value.note_meaning(step.meant)
    return value.note_meaning(meaning(step)) if is_rounded(step) else value


@dataclass(frozen=True, eq=False)
class Chain(Scheme):
    """The composition of schemes, first one first: a network."""

    schemes: Sequence[Scheme]

    @classmethod
    def of(cls, make: Callable[..., Scheme], members: Any) -> Chain:
        """The chain of ``make(**member)`` for each member, a mapping of arguments."""
        parts: Any = members.map(make) if isinstance(members, Family) else \
            [make(**member) for member in members]
        return cls(parts)

    def __post_init__(self) -> None:
        if isinstance(self.schemes, Family):
            as_part(self.schemes.member, Scheme, "schemes")
            return
        object.__setattr__(self, "schemes", several(self.schemes, "schemes"))
        for scheme in self.schemes:
            as_part(scheme, Scheme, "schemes")
        sizes = {scheme.size for scheme in self.schemes}
        if len(sizes) != 1:
            raise InvalidArgument(f"schemes: need at least one, all of one size; got {sizes}")

    @cached_property
    def size(self) -> int:
        return self.schemes[0].size

    @property
    def operators(self) -> tuple[Operator, ...]:
        return tuple(K for part in dict.fromkeys(self.schemes) for K in part.operators)

    @property
    def fluxes(self) -> tuple[Flux, ...]:
        return tuple(flux for part in dict.fromkeys(self.schemes) for flux in part.fluxes)

    @property
    def inner_steps(self) -> int:
        return sum(part.inner_steps for part in self.schemes)

    @property
    def exact(self) -> bool:
        return all(part.exact for part in dict.fromkeys(self.schemes))

    @property
    def is_linear(self) -> bool:
        return all(part.trusted and part.is_linear for part in dict.fromkeys(self.schemes))

    def step(self, u: Signal) -> Signal:
        # Equal steps in a row are left to the scheme, which may have a faster way.
        for scheme, equal in groupby(self.schemes):
            u = scheme.advance(u, sum(1 for _ in equal))
        return u


def repeat(scheme: Scheme, times: int) -> Chain:
    """The same step `times` times."""
    count = as_count(times, "times")
    if isinstance(count, int) and count > LONGEST:
        raise InvalidArgument(f"times: must be at most {LONGEST}, got {count}")
    return Chain([scheme] * count)
