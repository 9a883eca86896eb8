"""A step on a grid with ends that is a part of a periodic one: its norm is bounded by the symbol.

Where a row reads beyond the end of an axis there are zeros, or the signal mirrored about the face,
or the other end.  Zeros: the step is a periodic one between an extension by zeros and a
restriction, neither of which makes a norm larger.  Mirrored, with a stencil that is even along the
axis: signals that are mirrored on twice the length stay so, and their norm is √2 times that of the
half.
"""

from __future__ import annotations

import numpy as np

from stabkit.tracing import Kinds
from stabkit.tracing.form import CONSTANT

_MOST = 100_000  # rows near a face
_Stencil = dict[tuple[int, ...], tuple[int, ...]]
_MODES = ("wrap", "zero", "mirror")


def middle_row(kinds: Kinds) -> int | None:
    """A row whose stencil is that of the periodic step, or None if the step is no part of one."""
    shape, form = kinds.shape, kinds.form
    if np.prod(shape) != form.count or (form.columns == CONSTANT).any():
        return None
    middle = tuple(n // 2 for n in shape)
    stencil = _row_of(kinds, middle)
    reach = [max((abs(o[a]) for o in stencil), default=0) for a in range(len(shape))]
    if any(n < 4 * r + 1 for n, r in zip(shape, reach, strict=True)):
        return None
    modes = []
    for axis, r in enumerate(reach):
        place = tuple(0 if a == axis else m for a, m in enumerate(middle))
        mode = next((m for m in _MODES if r == 0 or _row_of(kinds, place) == _expected_stencil(
            stencil, place, shape, ["wrap" if a != axis else m for a in range(len(shape))])), None)
        if mode is None or (mode == "mirror" and not _is_even(stencil, axis)):
            return None
        modes.append(mode)
    inner = [range(r, n - r) for n, r in zip(shape, reach, strict=True)]
    near = form.count - int(np.prod([len(part) for part in inner]))
    if near > _MOST or not _all_alike(kinds, stencil, inner):
        return None
    inside = np.zeros(shape, dtype=bool)
    inside[tuple(slice(part.start, part.stop) for part in inner)] = True
    if any(_row_of(kinds, place) != _expected_stencil(stencil, place, shape, modes)
           for place in map(tuple, np.argwhere(~inside).tolist())):
        return None
    return int(np.ravel_multi_index(middle, shape))


def _row_of(kinds: Kinds, place: tuple[int, ...]) -> _Stencil:
    """Where a row reads, from its place on, not counted around; with the coefficients."""
    row = int(np.ravel_multi_index(place, kinds.shape))
    columns = np.unravel_index(kinds.form.columns[kinds.entries(row)] - 1, kinds.shape)
    offsets = zip(*((c - i).tolist() for c, i in zip(columns, place, strict=True)), strict=True)
    return dict(zip(offsets, map(tuple, kinds.numerators_of(row)), strict=True))


def _expected_stencil(stencil: _Stencil, place: tuple[int, ...], shape: tuple[int, ...],
                      modes: list[str]) -> _Stencil:
    """The row at a place, with what lies beyond the ends put where the modes say."""
    out: _Stencil = {}
    for offset, c in stencil.items():
        folded = [_fold(i + o, n, mode) for i, o, n, mode in zip(
            place, offset, shape, modes, strict=True)]
        if None not in folded:
            key = tuple(k - i for k, i in zip(folded, place, strict=True))  # type: ignore[operator]
            out[key] = tuple(a + b for a, b in zip(out.get(key, (0,) * len(c)), c, strict=True))
    return {key: c for key, c in out.items() if any(c)}


def _fold(k: int, n: int, mode: str) -> int | None:
    if 0 <= k < n:
        return k
    if mode == "zero":
        return None
    return k % n if mode == "wrap" else -1 - k if k < 0 else 2 * n - 1 - k


def _is_even(stencil: _Stencil, axis: int) -> bool:
    return all(stencil.get(tuple(-o if a == axis else o for a, o in enumerate(offset))) == c
               for offset, c in stencil.items())


def _all_alike(kinds: Kinds, stencil: _Stencil, inner: list[range]) -> bool:
    """Whether all rows that reach no end have the stencil."""
    form, shape = kinds.form, kinds.shape
    strides = [int(np.prod(shape[a + 1:])) for a in range(len(shape))]
    flat = {sum(o * s for o, s in zip(offset, strides, strict=True)): c
            for offset, c in stencil.items()}
    places = np.arange(form.count).reshape(shape)
    rows = places[tuple(slice(part.start, part.stop) for part in inner)].ravel()
    first = form.starts[rows]
    if not (form.starts[rows + 1] - first == len(flat)).all():
        return False
    return all((form.columns[first + k] - 1 - rows == offset).all()
               and (form.numerators[first + k] == np.array(c)).all()
               for k, (offset, c) in enumerate(sorted(flat.items())))
