"""Many inputs through one door: what comes out, how long it takes, what it leaves in memory."""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from stabkit.errors import StabkitError

ROUND = 500  # inputs that Hypothesis draws before it forgets them


@dataclass(frozen=True)
class Door:
    """A way into the package.

    Attributes
    ----------
    inputs : strategy, or a function of a random.Random
    enter : callable
        Gives one input; what it raises beside a StabkitError is a find.
    limit : float
        Seconds of the processor that one input may take, and ten times as many by the clock.
    """

    inputs: SearchStrategy | Callable[[Random], Any]
    enter: Callable[[Any], object]
    limit: float = 10.0


@dataclass
class Count:
    """What came of it; a find is told once for each place where it arises."""

    tried: int = 0
    refused: int = 0
    slowest: float = 0.0
    start: int = 0
    growth: int = 0
    finds: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return (f"{self.tried} tried, {self.tried - self.refused} accepted, {self.refused} refused,"
                f" {len(self.finds)} finds, slowest {self.slowest:.1f} s, memory "
                f"{self.growth / 1e6:+.0f} MB after the first tenth")


class TooLong(BaseException):
    """An input takes more time than it may."""


class Enough(BaseException):
    """The time for all inputs is over."""


def offer(door: Door, item: Any, count: Count) -> None:
    """Give one input and note what comes of it."""
    begin = time.process_time()
    stopped = False

    def stop(number: int, frame: Any) -> None:
        nonlocal stopped
        stopped = True
        raise TooLong

    signal.signal(signal.SIGALRM, stop)
    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_REAL, 10 * door.limit)
    signal.setitimer(signal.ITIMER_PROF, door.limit)
    try:
        door.enter(item)
    except StabkitError as error:
        if not stopped:
            count.refused += 1
        else:  # the end of a user's code is told as an error of it
            _note(count, TooLong().with_traceback(error.__traceback__), item)
    except (Exception, TooLong) as error:
        _note(count, error, item)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_PROF, 0)
    count.tried += 1
    count.slowest = max(count.slowest, time.process_time() - begin)


def drive(door: Door, inputs: int, number: int = 0, seconds: float = float("inf")) -> Count:
    """Give so many inputs, or as many as the time allows, drawn from the seed `number`."""
    count, begin = Count(), time.monotonic()

    def once(item: Any) -> None:
        passed = time.monotonic() - begin
        if passed > seconds or count.tried >= inputs:
            raise Enough
        offer(door, item, count)
        if not count.start and (10 * count.tried >= inputs or 10 * passed > seconds):
            count.start = resident()

    random = Random(number)
    try:
        while True:
            if isinstance(door.inputs, SearchStrategy):
                _drawn(door.inputs, once, random.getrandbits(32))
            else:
                once(door.inputs(random))
    except Enough:
        pass
    count.growth = resident() - count.start
    return count


def _drawn(inputs: SearchStrategy, once: Callable[[Any], None], number: int) -> None:
    test = given(inputs)(once)
    seed(number)(settings(
        max_examples=ROUND, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck))(test))()


def resident() -> int:
    """The bytes of memory that this process has; where there is no /proc, the most it has had."""
    if not os.path.exists("/proc/self/statm"):
        import resource  # which Windows has not; it has no alarm either

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most << 10  # in kB but on macOS
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _note(count: Count, error: BaseException, item: Any) -> None:
    trace = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in trace if "/stabkit/" in frame.filename] or trace
    place = f"{own[-1].filename.rpartition('/stabkit/')[2]}:{own[-1].lineno}"
    text = str(error).strip().splitlines() or [""]
    count.finds.setdefault(f"{type(error).__name__} at {place}",
                           f"{text[0][:200]}\n      {item!r:.2000}")
