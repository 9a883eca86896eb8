"""What activations see of the inputs in a cell: affine forms, propagated from layer to layer.

With y for the x of a form, from a centre on, and a symbol ε in [−1, 1] for what each activation may
depart from a line, z = m + X (y − y₀) + E ε, up to d.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from stabkit.networks.layers.float_errors import TINY, UP, U
from stabkit.networks.lines import Lines
from stabkit.networks.slope_form import Rows, SlopeForm


@dataclass(frozen=True, eq=False)
class Cell:
    """All y with low <= y <= high and |y| <= radius.

    Attributes
    ----------
    low, high : ndarray
    radius : float
    whole : Cell or None
        What it is a half of.
    """

    low: np.ndarray
    high: np.ndarray
    radius: float
    whole: Cell | None = None

    @property
    def middle(self) -> np.ndarray:
        return (self.low + self.high) / 2

    @property
    def largest(self) -> np.ndarray:
        """The largest size of every entry."""
        return np.maximum(np.abs(self.low), np.abs(self.high))

    @property
    def half(self) -> np.ndarray:
        """How far an entry may be from the middle."""
        return UP * (self.high - self.low) / 2 + 4 * U * self.largest + TINY

    @property
    def is_empty(self) -> bool:
        """Whether no point of the box is within the radius, for certain."""
        nearest = np.clip(0.0, self.low, self.high)
        return bool(np.sqrt(np.sum(nearest**2)) > UP * self.radius)

    def halves(self, axis: int) -> Iterator[Cell]:
        """The two halves along an axis, where they are not empty."""
        for end in ("low", "high"):
            made = {"low": self.low.copy(), "high": self.high.copy()}
            made[end][axis] = self.middle[axis]
            cell = Cell(**made, radius=self.radius, whole=self)
            if not cell.is_empty:
                yield cell


class AffineForms:
    """The forms of all activations of one cell, group by group.

    Attributes
    ----------
    shifts, X, E, errors : ndarray
        Of what activations give, from their values at the centre on; empty behind the last group.
    """

    def __init__(self, form: SlopeForm, cell: Cell):
        self.form, self.cell = form, cell
        count = len(form.low)
        self.shifts, self.errors, self.sizes = np.zeros(count), np.zeros(count), np.zeros(count)
        self.X, self.E = np.zeros((count, form.inputs)), np.zeros((count, 0))
        self._seen: tuple[np.ndarray, ...] = ()

    def arguments(self, rows: Rows, at_centre: np.ndarray, error: float, before: int
                  ) -> tuple[np.ndarray, np.ndarray]:
        """The range of what a group sees, from its rows and what it sees at the centre.

        `before` is the number of activations in front of it.
        """
        n, cell = self.form.inputs, self.cell
        Gx, Gv = rows.matrix[:, :n], rows.matrix[:, n:n + before]
        reach = cell.largest
        middle = at_centre + Gx @ cell.middle + Gv @ self.shifts[:before]
        X, E = Gx + Gv @ self.X[:before], Gv @ self.E[:before]
        sizes = self.sizes[:before]
        weight = np.abs(at_centre) + np.abs(Gx) @ reach + np.abs(Gv) @ sizes
        own = float(rows.error[:n] @ reach + rows.error[n:n + before] @ sizes)
        away = UP * (np.abs(Gv) @ self.errors[:before] + error + own
                     + 4 * (n + 2 * before + 16) * U * weight) + TINY
        beside = np.abs(E).sum(axis=1)
        by_box = UP * (np.abs(X) @ cell.half + beside + away)
        by_ball = UP * (cell.radius * np.sqrt(np.sum(X * X, axis=1)) + beside + away)
        inner = middle - X @ cell.middle
        low = np.maximum(middle - by_box, inner - by_ball)
        high = np.minimum(middle + by_box, inner + by_ball)
        slack = 8 * U * (np.abs(middle) + np.abs(X) @ reach) + TINY
        known = np.isfinite(low) & np.isfinite(high)
        self._seen = np.where(known, middle, 0.0), np.where(known[:, None], X, 0.0), \
            np.where(known[:, None], E, 0.0), np.where(known, away, np.inf)
        return np.where(known, low - slack, -np.inf), np.where(known, high + slack, np.inf)

    def pass_through(self, lines: Lines, at_centre: np.ndarray, error: float, group: slice) -> None:
        """Go on behind a group whose activations lie beside lines; at the centre they have values.
        """
        middle, X, E, away = self._seen
        s, t = lines.slope, lines.shift
        known = np.isfinite(lines.margin) & np.isfinite(away)
        shifts = s * middle + t - at_centre
        sizes = np.abs(s * middle) + np.abs(t) + np.abs(at_centre)
        self.shifts[group] = np.where(known, shifts, 0.0)
        self.X[group] = np.where(known, s, 0.0)[:, None] * X
        beside = np.where(known, s, 0.0)[:, None] * E
        lost = np.abs(s) * np.where(known, away, 0.0) + error + 8 * U * sizes
        own = np.flatnonzero(known & (lines.margin > 0))
        wide = np.zeros((len(self.shifts), self.E.shape[1] + len(own)))
        wide[:, :self.E.shape[1]] = self.E
        wide[group, :self.E.shape[1]] = beside
        wide[group.start + own, self.E.shape[1] + np.arange(len(own))] = lines.margin[own]
        self.E = wide
        self.errors[group] = np.where(known, UP * lost + TINY, np.inf)
        self.sizes[group] = np.where(known, UP * (sizes + np.abs(self.X[group]) @ self.cell.largest
                                                  + np.abs(wide[group]).sum(axis=1) + lost), np.inf)

    def pulls(self, width: np.ndarray, freedom: np.ndarray) -> np.ndarray:
        """How much of the widths of what a group sees comes from every entry of y."""
        part = np.abs(self._seen[1]) * self.cell.half / np.maximum(width, TINY)[:, None]
        return np.where(np.isfinite(width) & (freedom > 0), freedom, 0.0) @ np.nan_to_num(part)
