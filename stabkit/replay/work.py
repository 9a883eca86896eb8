"""The allowance of a calculation: how many steps it may take, and with how many bits.

It belongs to the calculation in progress, not to the process: threads do not disturb each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from stabkit.errors import InvalidEvidence

MAX_STEPS = 5_000_000  # of one piece of evidence: some seconds
MAX_STEPS_OF_FILE = 100_000_000  # of all of them: some minutes


class Exhausted(InvalidEvidence):
    """A calculation is longer, or its numbers are larger, than the checker accepts."""


class Work:
    """What is left of an allowance, and what a calculation met.

    Parameters
    ----------
    steps : int, optional
        What is left to the file; one calculation may take `MAX_STEPS` at most.
    rounding : bool

    Attributes
    ----------
    steps_left : int
    precision : int
        Leading bits that are kept of an endpoint.
    rounding : bool
        Whether long fractions may become intervals.
    met_interval : bool
        Whether any number was not rational.
    """

    def __init__(self, steps: int | None = None, rounding: bool = False):
        self.allowed = MAX_STEPS if steps is None else min(steps, MAX_STEPS)
        self.limit = (f"the calculation takes more than {MAX_STEPS} steps"
                      if self.allowed == MAX_STEPS else
                      f"the calculations of the file take more than {MAX_STEPS_OF_FILE} steps")
        self.steps_left, self.precision = self.allowed, 64
        self.rounding, self.met_interval = rounding, False

    @property
    def used_steps(self) -> int:
        return self.allowed - self.steps_left

    def spend(self, steps: int) -> None:
        self.steps_left -= steps
        if self.steps_left < 0:
            raise Exhausted(self.limit)


_IN_PROGRESS: ContextVar[Work | None] = ContextVar("work", default=None)


def current() -> Work:
    """The work of the calculation in progress; a number outside of any has its own."""
    return _IN_PROGRESS.get() or Work()


def spend(steps: int) -> None:
    """Take steps from the allowance of the calculation in progress."""
    work = _IN_PROGRESS.get()
    if work is not None:
        work.spend(steps)


@contextmanager
def draw_on(work: Work) -> Iterator[Work]:
    """Let a calculation draw on `work` inside the block."""
    token = _IN_PROGRESS.set(work)
    try:
        yield work
    finally:
        _IN_PROGRESS.reset(token)
