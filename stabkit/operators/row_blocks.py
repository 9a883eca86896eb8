"""The few kinds of rows that a large operator is made of.

The rows of a stencil are one row, repeated and shifted; on a grid in nested loops.  The blocks are
the operator, exactly: :func:`entries_of` gives its entries back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from stabkit.aliases import Matrix, Record
from stabkit.errors import Undecided

_WIDEST = 64  # entries in a row of a stencil
_MOST = 1 << 12  # blocks that are worth writing down
_NESTED = 4
_SMALL = 64  # rows and columns up to which all entries are written down
MOST_ENTRIES = 1 << 16


@dataclass(frozen=True)
class RowBlock:
    """One row, repeated (count, shift) times in nested loops, the first one outermost.

    Attributes
    ----------
    values : tuple of Fraction
    at : tuple of int
        Where the first of the rows has its entries.
    times : tuple of (int, int)
    """

    values: tuple[Fraction, ...]
    at: tuple[int, ...]
    times: tuple[tuple[int, int], ...] = ()

    @property
    def count(self) -> int:
        """The number of rows."""
        return prod(count for count, _ in self.times)

    def shifts(self) -> np.ndarray:
        """How far each row lies to the right of the first one."""
        found = np.zeros(1, dtype=np.int64)
        for count, shift in self.times:
            found = (found[:, None] + np.arange(count) * shift).ravel()
        return found

    def to_json(self) -> Record:
        return {"values": [str(value) for value in self.values], "at": list(self.at),
                "times": [list(pair) for pair in self.times]}


@lru_cache(maxsize=64)
def row_blocks(K: Matrix) -> tuple[RowBlock, ...] | None:
    """The operator as blocks of equal rows, from the first row to the last.

    Returns
    -------
    tuple of RowBlock or None
        None if they are more than 4096, or too long, or depend on a step that is left open.
    """
    if not K.is_known or K.spread is not None:
        return None
    starts, columns, code, palette = _without_zeros(K)
    lengths = np.diff(starts)
    if lengths.max(initial=0) > _WIDEST:
        return None
    first, kinds = _kinds(starts, columns, code, lengths)
    runs = _runs(first, np.any(kinds[1:] != kinds[:-1], axis=1))
    if runs is None:
        return None
    blocks = []
    for start, stop in runs:
        a, b = starts[start], starts[start + 1]
        shift = int(first[start + 1] - first[start]) if stop - start > 1 else 0
        blocks.append(RowBlock(tuple(palette[c] for c in code[a:b].tolist()),
                               tuple(columns[a:b].tolist()),
                               ((stop - start, shift),) if stop - start > 1 else ()))
    for _ in range(_NESTED - 1):
        blocks = list(_nest(blocks))
    return tuple(blocks) if len(blocks) <= _MOST and _is_made_of(K, blocks) else None


def numbered_values(K: Matrix) -> tuple[np.ndarray, list[Fraction]]:
    """Which number each stored entry is, in the list of those that occur."""
    values = list(map(Fraction, K._palette.tolist()))
    distinct = list(dict.fromkeys(values))
    number = {value: i for i, value in enumerate(distinct)}
    table = np.array([number[value] for value in values], dtype=np.int64)
    return (table[K._code] if K._code.size else K._code), distinct


def _without_zeros(K: Matrix) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[Fraction]]:
    """Starts of the rows, columns, and numbers of the values; equal values have one number."""
    code, palette = numbered_values(K)
    kept = code != (palette.index(Fraction(0)) if Fraction(0) in palette else -1)
    starts = np.concatenate([[0], np.cumsum(kept)])[K._starts]
    return starts, K.columns[kept], code[kept], palette


def _kinds(starts: np.ndarray, columns: np.ndarray, code: np.ndarray, lengths: np.ndarray
           ) -> tuple[np.ndarray, np.ndarray]:
    """The first column of each row, and a line of numbers that tells rows apart up to shifts."""
    m, width = lengths.size, int(lengths.max(initial=0))
    first = np.zeros(m, dtype=np.int64)
    first[lengths > 0] = columns[starts[:-1][lengths > 0]]
    kinds = np.full((m, 2 * width), -1, dtype=np.int64)
    row = np.repeat(np.arange(m), lengths)
    place = np.arange(columns.size) - np.repeat(starts[:-1], lengths)
    kinds[row, 2 * place] = columns - first[row]
    kinds[row, 2 * place + 1] = code
    return first, kinds


def _runs(first: np.ndarray, differs: np.ndarray) -> list[tuple[int, int]] | None:
    """The longest runs of equal rows with equally spaced first columns; None if too many."""
    step = np.diff(first)
    turns = differs.copy()
    turns[1:] |= step[1:] != step[:-1]
    places = np.flatnonzero(turns) + 1
    if places.size > 64 * _MOST:
        return None
    begins = [0]
    for place in places.tolist():
        # The second row of a run may lie anywhere: it sets the distance.
        if differs[place - 1] or place > begins[-1] + 1:
            begins.append(place)
    return list(pairwise([*begins, first.size]))


def _nest(blocks: Sequence[RowBlock]) -> Iterator[RowBlock]:
    """Equally spaced repetitions of a block as one block, with one more loop around it."""
    start = 0
    while start < len(blocks):
        block, stop = blocks[start], start + 1
        while stop < len(blocks) and _follows(blocks, start, stop):
            stop += 1
        if stop - start > 1:
            shift = _distance(block, blocks[start + 1])
            yield RowBlock(block.values, block.at, ((stop - start, shift), *block.times))
        else:
            yield block
        start = stop


def _follows(blocks: Sequence[RowBlock], start: int, place: int) -> bool:
    block, other = blocks[start], blocks[place]
    if not block.at or block.values != other.values or block.times != other.times or \
            len(block.times) == _NESTED:
        return False
    shift = _distance(block, blocks[start + 1])
    return other.at == tuple(j + (place - start) * shift for j in block.at)


def _distance(block: RowBlock, other: RowBlock) -> int:
    return other.at[0] - block.at[0] if block.at and other.at else 0


def entries_of(blocks: Sequence[RowBlock]) -> tuple[np.ndarray, np.ndarray, np.ndarray, list]:
    """Row, column and number of the value of every entry, row by row; and the values."""
    values = list(dict.fromkeys(value for block in blocks for value in block.values))
    rows, columns, code, row = [], [], [], 0
    for block in blocks:
        places = np.array(block.at, dtype=np.int64) + block.shifts()[:, None]
        rows.append(np.repeat(row + np.arange(block.count), len(block.at)))
        columns.append(places.ravel())
        code.append(np.tile([values.index(value) for value in block.values], block.count))
        row += block.count
    return np.concatenate(rows), np.concatenate(columns), \
        np.concatenate(code).astype(np.int64), values


def _is_made_of(K: Matrix, blocks: Sequence[RowBlock]) -> bool:
    """Whether the blocks have exactly the entries of K; this checks the search above."""
    rows, columns, code, values = entries_of(blocks)
    number = {value: i for i, value in enumerate(values)}
    stored = np.array([number.get(value, -1 if value else -2) for value in K._palette.tolist()],
                      dtype=np.int64)[K._code]
    kept = stored != -2
    return sum(block.count for block in blocks) == K.shape[0] and \
        np.array_equal(rows, K.row_of_entry[kept]) and \
        np.array_equal(columns, K.columns[kept]) and np.array_equal(code, stored[kept])


def is_written_out(K: Matrix) -> bool:
    """Whether evidence holds every entry of K: it is small, or its rows have nothing in common."""
    m, n = K.shape
    return max(m, n) <= _SMALL or (m * n <= MOST_ENTRIES and row_blocks(K) is None)


def as_evidence(K: Matrix) -> Any:
    """K as evidence holds it: all entries, or blocks of equal rows.

    Raises
    ------
    Undecided
        If it is too large for both.
    """
    check_room(K)
    if is_written_out(K):
        return K.exact()
    return {"shape": list(K.shape), "rows": [block.to_json() for block in row_blocks(K) or ()]}


def check_room(K: Matrix) -> None:
    """Refuse matrices that are too large to be written down, before they are made.

    Raises
    ------
    Undecided
    """
    if not is_written_out(K) and row_blocks(K) is None:
        raise Undecided(f"no certificate is tried with matrices of more than {MOST_ENTRIES} "
                        f"entries in rows of more than {_MOST} kinds, and one has {K.shape[0]} x "
                        f"{K.shape[1]}")
