"""Sign changes along a signal and around a ring."""

from __future__ import annotations

from itertools import pairwise

from stabkit.aliases import Library, Margin, Signal
from stabkit.arithmetic.backend import namespace
from stabkit.arithmetic.transcript import Term


def sign_changes(u: Signal) -> Margin:
    """S(u): the sign changes along the last axis, zeros dropped."""
    if isinstance(u, Term):
        return u.call("sign_changes")
    if u.dtype == object:
        signs = [1 if entry > 0 else -1 for entry in u if entry != 0]
        return sum(a != b for a, b in pairwise(signs))
    xp = namespace(u)
    signs = xp.astype(u > 0, xp.int8) - xp.astype(u < 0, xp.int8)
    if not xp.all(signs):
        signs = _carry_forward(xp, signs)
    changes = signs[..., 1:] * signs[..., :-1] < 0
    return xp.sum(xp.astype(changes, xp.int64), axis=-1)


def _carry_forward(xp: Library, signs: Signal) -> Margin:
    # A zero takes the sign before it, so zeros are dropped: the last sign among 1, 2, 4, ... ones.
    reach, n = 1, signs.shape[-1]
    while reach < n:
        later = signs[..., reach:]
        later = later + xp.astype(later == 0, xp.int8) * signs[..., :-reach]
        signs = xp.concat([signs[..., :reach], later], axis=-1)
        reach *= 2
    return signs


def changes_around(u: Signal) -> Margin:
    """The sign changes around a ring: once more along it than along the line that it is cut to."""
    along = sign_changes(u)
    if isinstance(u, Term):
        return sign_changes(u.call("concat", u)) - along
    return along + along % 2  # around a ring their number is even
