"""How long a task may take: loops that could stop earlier ask whether its time is over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf
from time import monotonic

_UNTIL: ContextVar[float] = ContextVar("until", default=inf)


@contextmanager
def time_limit(until: float) -> Iterator[None]:
    """Let what is done inside the block end at a time on the clock of ``time.monotonic``.

    A limit that is set around the block and comes earlier holds on.
    """
    token = _UNTIL.set(min(until, _UNTIL.get()))
    try:
        yield
    finally:
        _UNTIL.reset(token)


def time_is_over() -> bool:
    """Whether the limit has passed; never where there is none."""
    until = _UNTIL.get()
    return until < inf and monotonic() >= until
