"""Euclidean lengths of groups of entries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from stabkit.arithmetic.enclosure import Interval, precision
from stabkit.arithmetic.transcript import Term, named
from stabkit.networks.layers.float_errors import TINY, UP, Enclosure, U, grow, norms
from stabkit.networks.layers.groups import Groups
from stabkit.networks.layers.layer import Shape, Signal, pick_entries, spread


@dataclass(frozen=True, eq=False)
class Length(Groups):
    """x ↦ the Euclidean norm of every group of entries; 1-Lipschitz by the triangle inequality."""

    @cached_property
    def bound(self) -> Fraction | None:
        return Fraction(1)

    def apply(self, x: Signal, *more: Signal) -> Signal:
        squares = np.sum(np.square(self.rows_of(x)), axis=-1)
        if x.dtype != object:
            return np.sqrt(squares)
        with precision(64):
            roots = [(Interval(0) + value).sqrt() for value in squares.flat]
        return np.array(roots, dtype=object).reshape(squares.shape)

    def _direction(self, x: Signal) -> np.ndarray:
        """The gradient of every length; 0 where the length is 0, where there is none."""
        rows = self.rows_of(x)
        sizes = np.sqrt(np.sum(rows * rows, axis=-1, keepdims=True))
        return rows / np.where(sizes == 0, 1, sizes)

    def derivative(self, directions: Sequence[Signal], at: Sequence[Signal]) -> Signal:
        return np.sum(self._direction(at[0]) * self.rows_of(directions[0]), axis=-1)

    def adjoint(self, d: Signal, at: Sequence[Signal]) -> list[Signal]:
        rows = self._direction(at[0]) * d.reshape(len(d), -1, 1)
        return [spread(rows.reshape(len(d), -1), self.places.ravel(), at[0][0].size)]

    def term(self, terms: Sequence[Term], shapes: Sequence[Shape], shape: Shape) -> Term:
        u = named(terms[0], "v")
        parts = [named(pick_entries(u, group), "v").call("norm2").call("sqrt").text
                 for group in self.places]
        return u.log.term(f"[{', '.join(parts)}]")

    def enclose(self, inputs: Sequence[Enclosure], unit: float) -> Enclosure:
        middle, error = inputs[0]
        out = self.apply(middle)
        own = (self.places.shape[1] + 4) * U * norms(out)
        return out, UP * (grow(self.bound, error) + own) + TINY
