"""The precision of Arb, which is one for the whole process, lent to one thread at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

from flint import ctx

_LENT = RLock()


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Work with `bits` bits of precision inside the block; other threads wait for its end."""
    with _LENT:
        before, ctx.prec = ctx.prec, bits
        try:
            yield
        finally:
            ctx.prec = before
