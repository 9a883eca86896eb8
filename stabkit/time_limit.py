"""How long a task may take: loops that could stop earlier ask whether its time is over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf
from time import monotonic

LONGEST = 1e12  # seconds; so many trials still have a number

_UNTIL: ContextVar[float] = ContextVar("until", default=inf)
_LEAST: ContextVar[float] = ContextVar("least", default=0.0)


@contextmanager
def time_limit(until: float, least: float = 0.0) -> Iterator[None]:
    """Let what is done inside the block end at a time on the clock of ``time.monotonic``.

    A limit that is set around the block and comes earlier holds on.  A search inside may take
    `least` seconds, whatever was done before it.
    """
    tokens = _UNTIL.set(min(until, _UNTIL.get())), _LEAST.set(least)
    try:
        yield
    finally:
        _UNTIL.reset(tokens[0])
        _LEAST.reset(tokens[1])


@contextmanager
def keep_least_time() -> Iterator[None]:
    """Let what is done inside the block have its least time, even where the limit has passed."""
    with at_least(_LEAST.get()):
        yield


@contextmanager
def at_least(seconds: float) -> Iterator[None]:
    """Let what is done inside the block have so many seconds, whatever the limit."""
    token = _UNTIL.set(max(monotonic() + seconds, _UNTIL.get()))
    try:
        yield
    finally:
        _UNTIL.reset(token)


def time_is_limited() -> bool:
    """Whether there is a limit at all."""
    return _UNTIL.get() < inf


def seconds_left() -> float:
    """Until the limit; infinitely many where there is none."""
    return max(_UNTIL.get() - monotonic(), 0.0)


def time_would_be_over(seconds: float) -> bool:
    """Whether the limit will have passed after so many seconds more."""
    return monotonic() + seconds >= _UNTIL.get()


def time_is_over() -> bool:
    """Whether the limit has passed; never where there is none."""
    until = _UNTIL.get()
    return until < inf and monotonic() >= until


def time_is_long_over(seconds: float) -> bool:
    """Whether the limit passed so many seconds ago; never where there is none."""
    return monotonic() - seconds >= _UNTIL.get()
