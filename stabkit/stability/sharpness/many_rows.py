"""The conditions of many rows that are affine in the step, at once: those that say what all say.

Of conditions a + b t >= 0 only three kinds count: one with the largest root and b > 0, one with the
smallest root and b < 0, and one that is negative at every t > 0.  Floats tell which may be such
ones; exact numbers choose among these.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from stabkit.stability.notions import MAX_NORM, RANGE, Notion
from stabkit.stability.sharpness.condition import Condition
from stabkit.tracing import Kinds
from stabkit.tracing.form import CONSTANT

MANY = 2000  # rows, beyond which they are looked at in arrays
_FITS = 1 << 61  # what sums of a row may reach as int64
_NEAR = 1e-12  # relatively, how close to the outermost root in floats others are kept
_ALWAYS = Condition((1,), 0, "pixel")  # where no row cuts the line


def tight_conditions(kinds: Kinds, notion: Notion) -> list[Condition] | None:
    """What the conditions of all rows come to; None where rows are few, or of another kind."""
    form = kinds.form
    if len(kinds.examples) <= MANY or form.numerators.dtype == object or \
            form.numerators.shape[1] > 2 or len(form.denominator) > 1 or \
            (form.columns == CONSTANT).any() or form.denominator[0] >= _FITS or \
            np.abs(form.numerators).max() * int(np.diff(form.starts).max()) >= _FITS:
        return None
    at = np.zeros((form.rows.size, 2), dtype=np.int64)
    at[:, :form.numerators.shape[1]] = form.numerators
    whole = np.array([form.denominator[0], 0])
    if notion is MAX_NORM:
        return _of_moduli(kinds, at, whole)
    found = _outermost(at, form.rows, "pixel", form.columns - 1)
    if notion is RANGE:
        missing = whole - _by_rows(kinds, at)
        if missing.any():
            rows = np.arange(form.count)
            found += _outermost(missing, rows, "constant") + _outermost(-missing, rows, "constant")
    return found or [_ALWAYS]


def _by_rows(kinds: Kinds, values: np.ndarray) -> np.ndarray:
    """Sums of the entries of every row."""
    total = np.zeros((len(values) + 1, 2), dtype=np.int64)
    np.cumsum(values, axis=0, out=total[1:])  # wraps around, and so do the differences
    return total[kinds.form.starts[1:]] - total[kinds.form.starts[:-1]]


def _of_moduli(kinds: Kinds, at: np.ndarray, whole: np.ndarray) -> list[Condition] | None:
    """1 less the sum of moduli, where at most one entry of a row changes its sign."""
    a, b = at.T
    changing = ((a > 0) & (b < 0)) | ((a < 0) & (b > 0))
    if np.bincount(kinds.form.rows[changing], minlength=kinds.form.count).max() > 1:
        return None
    fixed = at * np.where(changing, 0, np.where((a < 0) | (b < 0), -1, 1))[:, None]
    sums, own = _by_rows(kinds, fixed), _by_rows(kinds, at * changing[:, None])
    rows = np.arange(kinds.form.count)
    return [condition for sign in (1, -1)
            for condition in _outermost(whole - sums - sign * own, rows, "signs")] or [_ALWAYS]


def _outermost(values: np.ndarray, rows: np.ndarray, signal: str, columns: np.ndarray | None = None
               ) -> list[Condition]:
    """Of a + b t >= 0 for the rows of `values` those that cut the positive line furthest in."""
    a, b = values.T
    with np.errstate(all="ignore"):
        root = -a.astype(float) / b
    falling, rising = b < 0, (b > 0) & (a < 0)
    chosen = np.flatnonzero((a < 0) & (b == 0))[:1].tolist()
    if falling.any():
        least = root[falling].min()
        near = np.flatnonzero(falling & (root <= least + _NEAR * abs(least)))
        chosen.append(min(_different(values, near), key=lambda k: Fraction(-int(a[k]), int(b[k]))))
    if rising.any():
        most = root[rising].max()
        near = np.flatnonzero(rising & (root >= most - _NEAR * abs(most)))
        chosen.append(max(_different(values, near), key=lambda k: Fraction(-int(a[k]), int(b[k]))))
    return [Condition((int(a[k]), int(b[k])), int(rows[k]), signal,
                      -1 if columns is None else int(columns[k])) for k in chosen]


def _different(values: np.ndarray, places: np.ndarray) -> list[int]:
    """Of some places one for each of the different pairs there."""
    return places[np.unique(values[places], axis=0, return_index=True)[1]].tolist()
