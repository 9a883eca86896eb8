"""The exceptions of stabkit; every one derives from :class:`StabkitError`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from traceback import format_exception_only
from typing import Any, TypeVar

T = TypeVar("T")


class StabkitError(Exception):
    """Root of all errors that stabkit raises on purpose."""


class InvalidArgument(StabkitError, ValueError):
    """An argument cannot be used; the message names it, its value, and what to do."""


class ClaimsFailed(InvalidArgument):
    """Claims could not be decided because their own code fails; the others are.

    Attributes
    ----------
    failures : tuple of str
        One line for each: its name, what went wrong, and where.
    verdicts : tuple of Verdict
        Of the other claims.
    """

    def __init__(self, failures: tuple[str, ...], verdicts: tuple = ()):
        super().__init__("; ".join(failures))
        self.failures, self.verdicts = failures, verdicts


class TimeOver(StabkitError):
    """The time for all claims together is over, and some are not decided.

    Attributes
    ----------
    verdicts : tuple of Verdict
        Of those that are.
    """

    def __init__(self, message: str, verdicts: tuple = ()):
        super().__init__(message)
        self.verdicts = verdicts


class Contradiction(StabkitError):
    """A statement is proved for all members of its classes and refuted for one of them."""


class HypothesisNotMet(StabkitError):
    """The arguments are valid, but the mathematical hypothesis of a statement fails for them."""


class NotStable(StabkitError, AssertionError):
    """A test asserts a notion of stability, and it is refuted; or not proved, where that is asked.

    Attributes
    ----------
    outcome : Outcome
        Status, evidence, margin and number of trials.
    inputs, outputs : tuple of ndarray
        The signals of the witness and what the step makes of them; empty without a witness.
    """

    def __init__(self, message: str, outcome: Any = None, inputs: tuple = (),
                 outputs: tuple = ()):
        super().__init__(message)
        self.outcome, self.inputs, self.outputs = outcome, inputs, outputs


class Undecided(StabkitError, ArithmeticError):
    """A comparison of overlapping enclosures: more precision or a smaller domain is needed."""


class NoValue(Undecided):
    """A face of a flux has no value at a point, whatever the precision."""


class WorkerDied(Undecided):
    """The system ended the process that was at work, whenever the work was tried."""


class TracingStopped(Undecided):
    """A function does something that cannot be followed on symbols; the message tells the line."""


class InvalidEvidence(StabkitError):
    """A file is not a readable verdict file, or its evidence is not of the known form."""


#: What code may raise that was written for numbers and meets symbols, or a step that is left open.
STOPPED = (StabkitError, TypeError, ValueError, AttributeError, ArithmeticError, LookupError)
#: What code of others may raise on arguments that it was not written for.
UNFIT = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, NameError,
         RuntimeError, AssertionError)


def require_value(value: T | None, reason: str) -> T:
    """A value that a statement needs.

    Raises
    ------
    HypothesisNotMet
        Where there is none; the message is the reason.
    """
    if value is None:
        raise HypothesisNotMet(reason)
    return value


def several(values: Any, name: str) -> tuple:
    """The members of an argument that is to have several.

    Raises
    ------
    InvalidArgument
        Where it has none that could be taken one by one.
    """
    try:
        return tuple(values)
    except TypeError:
        raise InvalidArgument(f"{name}: must be a sequence, got {type(values).__name__}") from None


def of_kind(value: object, kind: type, name: str) -> None:
    """Refuse an argument that is of another kind.

    Raises
    ------
    InvalidArgument
        The message tells both kinds.
    """
    if not isinstance(value, kind):
        raise InvalidArgument(f"{name}: must be of the kind {kind.__name__}, got "
                              f"{type(value).__name__}")


def in_words(error: BaseException) -> str:
    """An error in one line: what it is, and the first line of what it says."""
    # The message of an error of others may itself raise, which this function is ready for.
    said = format_exception_only(error)[-1].partition(": ")[2].strip()
    return f"{type(error).__name__}: {said.splitlines()[0] if said else 'no message'}"


@contextmanager
def limits_in_words() -> Iterator[None]:
    """Let what memory, depth or size do not allow end as a question that stays open.

    Raises
    ------
    Undecided
        In place of a MemoryError, RecursionError or OverflowError; the message tells the limit.
    """
    try:
        yield
    except (MemoryError, RecursionError, OverflowError) as limit:
        raise Undecided(f"it is too large to be decided: {in_words(limit)}") from limit
