"""Rows that are alike: the same neighbours with the same coefficients, at the same faces."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from stabkit.tracing.form import CONSTANT, Form

_SEED = 20260101


@dataclass(frozen=True, eq=False)
class Kinds:
    """The rows of a linear form on a grid, grouped.

    Attributes
    ----------
    shape : tuple of int
    form : Form
    examples : ndarray of int
        A row of every stencil: of those rows that read the same neighbours (counted around the
        grid) with the same coefficients.
    counts : ndarray of int
        How many rows have the stencil.
    number : int
        How many kinds there are; rows of one stencil on several faces of the grid are told apart.
    """

    shape: tuple[int, ...]
    form: Form
    examples: np.ndarray
    counts: np.ndarray
    number: int

    @property
    def is_uniform(self) -> bool:
        """Whether all rows have one stencil, counted around the grid: the step is periodic."""
        return len(self.examples) == 1

    def entries(self, row: int) -> slice:
        """Where the entries of a row are in the form."""
        return slice(int(self.form.starts[row]), int(self.form.starts[row + 1]))

    def columns_of(self, row: int) -> list[int]:
        """The flat places of the inputs that a row reads; −1 for its constant."""
        return [int(c) - 1 for c in self.form.columns[self.entries(row)]]

    def numerators_of(self, row: int) -> list[list[int]]:
        """The numerators of its coefficients."""
        return [[int(c) for c in entry] for entry in self.form.numerators[self.entries(row)]]

    def offsets_of(self, row: int) -> list[tuple[int, ...]]:
        """Where the inputs lie from the row, each axis counted around from −n/2 to n/2.

        Of a constant, ().
        """
        at = np.unravel_index(row, self.shape)
        found: list[tuple[int, ...]] = []
        for column in self.columns_of(row):
            if column < 0:
                found.append(())
                continue
            away = (int(c) - int(i) for c, i in zip(
                np.unravel_index(column, self.shape), at, strict=True))
            found.append(tuple((d + (n - 1) // 2) % n - (n - 1) // 2
                               for d, n in zip(away, self.shape, strict=True)))
        return found

    @property
    def words(self) -> str:
        """In words: how many kinds."""
        return "1 kind of rows" if self.number == 1 else f"{self.number} kinds of rows"


def kinds_of(form: Form, shape: tuple[int, ...]) -> Kinds:
    """Group the rows of a form whose unknowns are the entries of an array of that shape."""
    stencil = _labels(form, shape)
    _, first, inverse, counts = np.unique(stencil, return_index=True, return_inverse=True,
                                          return_counts=True)
    if len(first) == 1:
        number = 1
    else:
        number = np.unique(inverse.ravel() * 3**len(shape) + _faces(shape)).size \
            if prod(shape) == form.count else len(first)
    return Kinds(shape, form, first, counts, int(number))


def _labels(form: Form, shape: tuple[int, ...]) -> np.ndarray:
    """A number for each row, equal for rows of one stencil and for no others."""
    entry = _number_rows(np.column_stack([_offsets(form, shape), _coefficients(form)]))
    lengths = np.diff(form.starts)
    draw = np.random.default_rng(_SEED).integers(0, 2**63, int(entry.max(initial=0)) + 1,
                                                 dtype=np.uint64)
    total = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(draw[entry])])
    hashes = total[form.starts[1:]] - total[form.starts[:-1]]
    _, first, label = np.unique(hashes, return_index=True, return_inverse=True)
    label = label.ravel()
    # What a sum of random numbers says alike is compared entry by entry.
    like = first[label]
    alike = lengths == lengths[like]
    if alike.all():
        order = np.argsort(form.rows * (int(entry.max(initial=0)) + 1) + entry, kind="stable")
        sorted_entries = entry[order]
        place = np.arange(entry.size) - form.starts[form.rows]
        alike = sorted_entries == sorted_entries[form.starts[like[form.rows]] + place]
    return label if alike.all() else np.arange(form.count)


def _offsets(form: Form, shape: tuple[int, ...]) -> np.ndarray:
    """Around the grid from row to column; −1 for the constant."""
    if prod(shape) != form.count:
        return form.columns
    offset = np.zeros(form.rows.size, dtype=np.int64)
    row, column = form.rows, form.columns - 1
    stride = prod(shape)
    for n in shape:
        stride //= n
        offset = offset * n + (column // stride - row // stride) % n
    return np.where(form.columns == CONSTANT, -1, offset)


def _coefficients(form: Form) -> np.ndarray:
    if form.numerators.dtype != object:
        return _number_rows(form.numerators)
    known: dict[tuple, int] = {}
    return np.array([known.setdefault(tuple(row), len(known))
                     for row in form.numerators.tolist()], dtype=np.int64)


def _number_rows(rows: np.ndarray) -> np.ndarray:
    """A number for each row of integers, equal for equal rows and for no others."""
    label = np.zeros(len(rows), dtype=np.int64)
    for column in rows.T:
        values = _rank(column)
        label = _rank(label * (int(values.max(initial=0)) + 1) + values)
    return label


def _rank(values: np.ndarray) -> np.ndarray:
    """Which of the different values, in order, each one is."""
    if not values.size:
        return values
    low, high = int(values.min()), int(values.max())
    if high - low > 4 * values.size:
        return np.unique(values, return_inverse=True)[1].ravel()
    there = np.zeros(high - low + 1, dtype=np.int64)
    there[values - low] = 1
    return (np.cumsum(there) - 1)[values - low]


def _faces(shape: tuple[int, ...]) -> np.ndarray:
    code = np.zeros(shape, dtype=np.int64)
    for axis, n in enumerate(shape):
        at = np.ones(n, dtype=np.int64)
        at[0], at[-1] = 0, 2
        code = code * 3 + at.reshape([-1 if k == axis else 1 for k in range(len(shape))])
    return code.ravel()
