"""Properties: what a claim says, as data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from stabkit.aliases import Fields, Function, NotionName, Rational, Record
from stabkit.arithmetic.rational import fraction
from stabkit.errors import InvalidArgument, several
from stabkit.fluxes.flux import Flux
from stabkit.operators import Operator, as_operator
from stabkit.schemes import Implicit, Scheme
from stabkit.stability.notions import Notion, as_notion

FACES = ("activation", "diffusivity", "slope", "regulariser")


@dataclass(frozen=True, eq=False)
class Stable:
    """The scheme is stable in the sense of a notion, for every input.

    Parameters
    ----------
    scheme : Scheme
    notion : Notion or str
        A notion, or the name of one, such as ``"range"``.
    """

    scheme: Scheme
    notion: Notion

    if TYPE_CHECKING:  # a name, too, which becomes a notion
        def __init__(self, scheme: Scheme, notion: Notion | NotionName) -> None: ...

    def __post_init__(self) -> None:
        if isinstance(self.scheme, Notion):
            raise InvalidArgument(f"scheme: got the notion {self.scheme!r}; write Stable(scheme, "
                                  "notion), the scheme first")
        if not isinstance(self.scheme, Scheme):
            hint = "; wrap a function as Function(step, length=N)" if callable(self.scheme) else ""
            raise InvalidArgument(f"scheme: must be a Scheme, got {self.scheme!r}{hint}")
        object.__setattr__(self, "notion", as_notion(self.notion))


@dataclass(frozen=True, eq=False)
class FaceWithin:
    """low <= face(s) <= high for every real s (or on the cells between given points).

    Parameters
    ----------
    flux : Flux
    face : {"activation", "diffusivity", "slope", "regulariser"}
    low, high : rational or None
        ``None`` leaves that side open.

    Raises
    ------
    InvalidArgument
        If there is no such face, or a bound is no finite rational number.
    """

    flux: Flux
    face: str
    low: Rational
    high: Rational

    def __post_init__(self) -> None:
        if not isinstance(self.flux, Flux):
            raise InvalidArgument(f"flux: must be a Flux, got {self.flux!r}")
        if not (isinstance(self.face, str) and self.face in FACES):
            raise InvalidArgument(f"face: must be one of {', '.join(FACES)}, got {self.face!r}")
        for name in ("low", "high"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, Fraction):
                object.__setattr__(self, name, fraction(value, name))


@dataclass(frozen=True, eq=False)
class NormAtMost:
    """‖K u‖² <= square ‖u‖² for every u."""

    K: Operator
    square: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "K", as_operator(self.K, "K"))
        fraction(self.square, "square")


@dataclass(frozen=True, eq=False)
class UniqueSolution:
    """The equation of an implicit step has exactly one solution for every input."""

    scheme: Implicit

    def __post_init__(self) -> None:
        if not isinstance(self.scheme, Implicit):
            raise InvalidArgument(f"scheme: must be an Implicit scheme, got {self.scheme!r}")


@dataclass(frozen=True, eq=False)
class Not:
    """The negation: proved where the property is refuted, and the other way round.

    ``Not(Calculation(...))`` says that a calculation refutes the statement.
    """

    what: Any


@dataclass(frozen=True, eq=False)
class AllOf:
    """Every one of several properties."""

    parts: Sequence[Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", several(self.parts, "parts"))


@dataclass(frozen=True, eq=False)
class Example:
    """What is checked at the listed values beside what a claim says of all members of its classes.

    It is decided as what `make` returns; of symbols it is not made, so no proof for all speaks of
    it.
    """

    make: Callable[[], Any]


@dataclass(frozen=True, eq=False)
class Either:
    """Proved where `shows` is, refuted where `against` is proved, open where neither is.

    For statements with one certificate for them and another one against them, neither of which
    is necessary: that a certificate fails says nothing.

    Parameters
    ----------
    shows : property
        What suffices for the statement.
    against : property, optional
        What suffices for its negation.
    """

    shows: Any
    against: Any = None


@dataclass(frozen=True, eq=False)
class Identity:
    """``left(**given) == right(**given)``, exactly, for what is given.

    Parameters
    ----------
    left, right : callable
        Array expressions of the quantities in `given`; they are evaluated on exact arrays and
        written down from the same expressions.
    given : mapping
        Names to exact rationals, vectors or matrices.
    by : str
        Why equality there settles the claim.
    """

    left: Function
    right: Function
    given: Fields
    by: str = ""


@dataclass(frozen=True, eq=False)
class AtMost:
    """``left(**given) <= right(**given)``, for what is given; see :class:`Identity`."""

    left: Function
    right: Function
    given: Fields
    by: str = ""


@dataclass(frozen=True, eq=False)
class Always:
    """A margin stays >= 0, or == 0, after any number of steps.

    Parameters
    ----------
    start : callable
        ``start(**given)``: the state before the first step, a tuple.
    step : callable
        ``step(*state)``: the state after a step.
    margin : callable
        ``margin(state, **given)``.
    counted : bool
        Step and margin depend on the number of steps before: ``step(*state, number=number)`` and
        ``margin(state, number=number, **given)``.
    given : mapping
        As in :class:`Identity`.
    relation : {">=", "=="}
    by : str
        Why it stays so; at numbers a few steps are shown.
    """

    start: Callable[..., tuple]
    step: Callable[..., tuple]
    margin: Function
    given: Fields
    relation: str = ">="
    by: str = ""
    counted: bool = False

    def numbered(self, number: Any) -> Record:
        """The number of steps, as step and margin take it."""
        return {"number": number} if self.counted else {}

    def after(self, count: int) -> Identity | AtMost:
        """What it says after so many steps."""
        def margin(**given: Any) -> Any:
            state = self.start(**given)
            for number in range(count):
                state = self.step(*state, **self.numbered(number))
            return self.margin(state, **self.numbered(count), **given)

        if self.relation == "==":
            return Identity(margin, lambda **given: 0, self.given, self.by)
        return AtMost(lambda **given: 0, margin, self.given, self.by)


@dataclass(frozen=True, eq=False)
class Calculation:
    """Conditions that a short exact calculation shows, in the language of evidence.

    Parameters
    ----------
    given : mapping
        Names to exact rationals, vectors or matrices.
    let : sequence of (str, str)
        Definitions in order, ``("v", "K @ u")`` or ``("phi(x)", "x / (1 + x*x)")``.
    shows : sequence of str
        The conditions; the property holds if all do.
    by : str
        Why they settle the claim.
    necessary : bool
        The property fails where a condition does; else nothing is decided there.
    """

    given: Fields = field(default_factory=dict)
    let: Sequence[Sequence[str]] = ()
    shows: Sequence[str] = ()
    by: str = ""
    necessary: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "let", several(self.let, "let"))
        object.__setattr__(self, "shows", several(self.shows, "shows"))


@dataclass(frozen=True, eq=False)
class Experiment:
    """A numerical experiment in floating point: it can support a statement, not decide it.

    Parameters
    ----------
    run : callable
        Returns whether the experiment agrees with the statement, how many runs were made, and the
        worst value met.
    """

    run: Callable[[], tuple[bool, int, float]]


Property = (Stable | FaceWithin | NormAtMost | UniqueSolution | Not | AllOf | Example | Either
            | Identity | AtMost | Always | Calculation | Experiment)
