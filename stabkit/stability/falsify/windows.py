"""Violations of large schemes by signals that vanish outside a small window.

A diffusion step moves only samples that rows of K join to others: a signal that is zero outside a
window is zero, before and after, outside a somewhat larger one.  So the margin of such a signal is
that of the small scheme there, exactly, however large the whole is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from stabkit.aliases import Margin, Signal
from stabkit.arithmetic.backend import from_host
from stabkit.errors import StabkitError
from stabkit.fluxes.flux import Flux
from stabkit.operators import Operator
from stabkit.operators.row_blocks import row_blocks
from stabkit.schemes import FSI, DiffusionScheme, Explicit, FixedPoint, Scheme
from stabkit.stability.falsify.exactness import Judge, Signals, exact_margin
from stabkit.stability.falsify.inputs import amplitudes
from stabkit.stability.falsify.search import search
from stabkit.stability.notions import (
    CONTRACTION,
    EUCLIDEAN,
    RANGE,
    SIGN,
    Decrease,
    Energy,
    Notion,
    energy,
)

LARGE = 256  # unknowns beyond which windows are looked at
_WIDTHS = (24, 56, 400)  # samples in a window; long ones for steps just beyond a bound
_PLACES = 12
_MOST_STEPS = 5
_TRIALS = 256
_VECTORS = 4


class Window(Scheme):
    """A diffusion scheme on signals that vanish outside some samples.

    Its free parameter holds those samples; the pair is the signal and its step on all samples
    that can differ from zero, and on one more, where there is one.
    """

    def __init__(self, scheme: DiffusionScheme, inside: np.ndarray):
        rows, columns = _reach(scheme.K, inside, scheme.inner_steps)
        outside = np.setdiff1d(np.arange(min(scheme.size, columns.size + 1)), columns)[:1]
        columns = np.union1d(columns, outside)
        self.whole, self.inside = scheme, inside
        self.small = replace(scheme, K=_part(scheme.K, rows, columns))
        self.places = np.full(columns.size, inside.size)
        self.places[np.searchsorted(columns, inside)] = np.arange(inside.size)
        rows = _rows_of(scheme.K, inside)
        self._near = _part(scheme.K, rows, inside)

    @property
    def operators(self) -> tuple[Operator, ...]:
        return (self._near,)

    @property
    def fluxes(self) -> tuple[Flux, ...]:
        return self.whole.fluxes

    @property
    def inner_steps(self) -> int:
        return self.whole.inner_steps

    @property
    def size(self) -> int:
        return self.inside.size

    def step(self, x: Signal) -> Signal:
        return self.pair(x)[1]

    def pair(self, x: Signal) -> tuple[Any, Any]:
        zero = np.zeros((*x.shape[:-1], 1), dtype=x.dtype) if x.dtype != object else \
            np.full((*x.shape[:-1], 1), Fraction(0))
        u = np.concatenate([x, zero], axis=-1)[..., self.places]
        return u, self.small(u)

    def signal(self, x: np.ndarray) -> np.ndarray:
        """The samples in their places among zeros."""
        u = np.full(self.whole.size, Fraction(0))
        u[self.inside] = x
        return u


@dataclass(frozen=True)
class Found:
    """What was found in windows: exact signals of the whole size, or None; and what was tried."""

    signals: Signals | None
    margin: Margin
    trials: int
    windows: int
    widest: int


def has_windows(scheme: Scheme, notion: Notion) -> bool:
    """Whether the margin of a signal that vanishes outside a window is that of a small scheme."""
    if not scheme.certifiable or scheme.inner_steps > _MOST_STEPS or \
            not isinstance(scheme, Explicit | FixedPoint | FSI) or \
            (isinstance(scheme, FSI) and scheme.printed) or not scheme.K.is_known:
        return False
    try:
        if scheme.flux.activation(Fraction(0)) != 0:
            return False
    except (StabkitError, ArithmeticError):
        return False
    return notion in (EUCLIDEAN, CONTRACTION, RANGE, SIGN) or _is_own_energy(scheme, notion)


def _is_own_energy(scheme: Any, notion: Notion) -> bool:
    functional = notion.margin.functional if type(notion.margin) is Decrease else None
    return type(functional) is Energy and functional.K is scheme.K and \
        functional.flux is scheme.flux


def search_windows(scheme: Any, notion: Notion, *, trials: int, seed: int) -> Found:
    """Look for a violation in windows around rows of every kind.

    Parameters
    ----------
    scheme, notion
        Such that :func:`has_windows`.
    trials : int
        Random signals per window, at most.
    seed : int
    """
    tried, count, widest = 0, 0, 0
    for inside in _insides(scheme.K):
        window = Window(scheme, inside)
        near = notion if not _is_own_energy(scheme, notion) else \
            energy(Energy(window.small.K, scheme.flux))
        found = search(window, near, trials=min(trials, _TRIALS), seed=seed + count,
                       extra=_modes(window), violated=Judge(window, near))
        tried, count, widest = tried + found.trials, count + 1, max(widest, inside.size)
        if found.witness is not None:
            margin = exact_margin(window, near, found.witness)
            return Found(tuple(map(window.signal, found.witness)), margin, tried, count, widest)
    return Found(None, None, tried, count, widest)


def _insides(K: Operator) -> Iterator[np.ndarray]:
    """Samples around the first, middle and last rows of blocks, small windows first."""
    seeds = _seeds(K)
    for width in _WIDTHS:
        known = set()
        for seed in seeds:
            inside = _around(K, seed, min(width, K.shape[1]))
            if inside.tobytes() not in known:
                known.add(inside.tobytes())
                yield inside
        seeds = seeds[:2]


def _seeds(K: Operator) -> list[int]:
    """Columns of rows of every kind: the middle of the longest block first, then rare rows."""
    blocks = [block for block in row_blocks(K) or () if block.at]
    if not blocks:
        return [K.shape[1] // 2, 0, K.shape[1] - 1]
    longest = max(blocks, key=lambda block: block.count)
    rare = sorted(blocks, key=lambda block: block.count)
    places = [int(longest.shifts()[longest.count // 2]) + longest.at[0]]
    for block in rare[:_PLACES]:
        shifts = block.shifts()
        places += [int(shifts[0]) + block.at[0], int(shifts[-1]) + block.at[-1]]
    return list(dict.fromkeys(places))[:_PLACES]


def _around(K: Operator, seed: int, width: int) -> np.ndarray:
    """The samples nearest to one of them, over rows that join them, in order."""
    inside = np.array([seed])
    while inside.size < width:
        more = _columns_of(K, _rows_of(K, inside))
        new = np.setdiff1d(more, inside)
        if not new.size:
            break
        inside = np.union1d(inside, new[np.argsort(abs(new - seed), kind="stable")]
                            [:width - inside.size])
    return inside


def _reach(K: Operator, inside: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows that see, and the samples that such signals reach in some steps."""
    columns = inside
    for _ in range(steps):
        columns = np.union1d(columns, _columns_of(K, _rows_of(K, columns)))
    rows = _rows_of(K, columns)  # those that the energy after the step needs
    return rows, np.union1d(columns, _columns_of(K, rows))


def _rows_of(K: Operator, columns: np.ndarray) -> np.ndarray:
    return _columns_of(K.T, columns)


def _columns_of(K: Operator, rows: np.ndarray) -> np.ndarray:
    starts, ends = K._starts[rows], K._starts[rows + 1]
    if not rows.size:
        return np.zeros(0, dtype=np.int64)
    return np.unique(np.concatenate([K.columns[a:b] for a, b in zip(starts, ends, strict=True)]))


def _part(K: Operator, rows: np.ndarray, columns: np.ndarray) -> Operator:
    """Some rows of K at some columns."""
    found: tuple[list, list, list] = ([], [], [])
    place = {int(j): k for k, j in enumerate(columns)}
    for i, row in enumerate(rows.tolist()):
        for k in range(int(K._starts[row]), int(K._starts[row + 1])):
            j = place.get(int(K.columns[k]))
            if j is not None:
                for entries, entry in zip(found, (i, j, K._palette[K._code[k]]), strict=True):
                    entries.append(entry)
    return Operator((rows.size, columns.size), *found)


def _modes(window: Window) -> np.ndarray | None:
    """The stiffest modes of a wide window, at every amplitude: they break the least excess."""
    (K,) = window.operators
    if window.size <= 64:
        return None  # the structured signals hold them
    a = K.sparse()
    vectors = np.linalg.eigh((a.T @ a).toarray())[1].T[::-1][:_VECTORS]
    vectors = vectors / np.abs(vectors).max(axis=1, keepdims=True)
    return from_host((amplitudes(window)[:, None, None] * vectors[None]).reshape(-1, window.size))
