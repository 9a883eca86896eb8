"""Layers that see groups of entries as a whole: normalisations, softmax and its logarithm."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from stabkit.arithmetic.enclosure import Interval, precision
from stabkit.arithmetic.transcript import Term, named
from stabkit.networks.layers.float_errors import TINY, UP, Enclosure, grow, norms
from stabkit.networks.layers.groups import Groups
from stabkit.networks.layers.layer import Shape, Signal, pick_entries
from stabkit.operators.singular_values import upper_root


@dataclass(frozen=True, eq=False)
class Grouped(Groups):
    """One map of every group of entries to as many."""

    @property
    def moves_zero(self) -> bool:
        return False

    @abstractmethod
    def of_floats(self, rows: np.ndarray) -> np.ndarray:
        """The result for floats of shape (..., length)."""

    @abstractmethod
    def of_exact(self, row: list[Any]) -> list[Any]:
        """The result for one group of fractions or intervals."""

    @abstractmethod
    def slope(self, rows: np.ndarray, d: np.ndarray, adjoint: bool) -> np.ndarray:
        """The derivative at some rows, or its adjoint, applied to directions."""

    @abstractmethod
    def _write_group(self, v: Term) -> Term:
        """The result for one group that is written down."""

    def term(self, terms: Sequence[Term], shapes: Sequence[Shape], shape: Shape) -> Term:
        u = named(terms[0], "v")
        parts = [named(self._write_group(named(pick_entries(u, group), "v")),
                       "v") for group in self.places]
        joined = parts[0].call("concat", *parts[1:]) if len(parts) > 1 else parts[0]
        return pick_entries(named(joined, "v"), np.argsort(self.places.ravel()))

    def _back(self, rows: np.ndarray, like: Signal) -> Signal:
        out = np.empty((len(rows), like[0].size), dtype=rows.dtype)
        out[:, self.places] = rows
        return out.reshape(like.shape)

    def apply(self, x: Signal, *more: Signal) -> Signal:
        rows = self.rows_of(x)
        if x.dtype != object:
            return self._back(self.of_floats(rows), x)
        made = np.empty(rows.shape, dtype=object)
        for place in np.ndindex(rows.shape[:-1]):
            made[place] = self.of_exact(list(rows[place]))
        return self._back(made, x)

    def derivative(self, directions: Sequence[Signal], at: Sequence[Signal]) -> Signal:
        rows, moved = self.rows_of(at[0]), self.rows_of(directions[0])
        return self._back(self.slope(rows, moved, False), at[0])

    def adjoint(self, d: Signal, at: Sequence[Signal]) -> list[Signal]:
        d = d.reshape(at[0].shape)
        return [self._back(self.slope(self.rows_of(at[0]), self.rows_of(d), True), at[0])]

    def enclose(self, inputs: Sequence[Enclosure], unit: float) -> Enclosure:
        middle, error = inputs[0]
        rows = self.rows_of(middle)
        out, own = np.empty_like(rows), np.empty_like(rows)
        with precision(64):
            for place in np.ndindex(rows.shape[:-1]):
                images = self.of_exact([Interval(float(value)) for value in rows[place]])
                near = np.array([float(image) for image in images])
                out[place] = near
                own[place] = [float(max(image.upper - Fraction(value), Fraction(value)
                                        - image.lower)) * UP + TINY
                              for image, value in zip(images, near, strict=True)]
        return self._back(out, middle), UP * (grow(self._bound_near(rows, error), error) + norms(
            self._back(own, middle))) + TINY

    def _bound_near(self, rows: np.ndarray, error: np.ndarray) -> Fraction | None:
        """A constant for inputs within some distances of the given ones."""
        return self.bound


@dataclass(frozen=True, eq=False)
class Normalisation(Grouped):
    """x ↦ (x − m)/√(v + ε) with the mean m (or 0) and the mean square v of x − m, in every group.

    The derivative is (P − y yᵀ/n)/√(v + ε) with a projection P and the result y, so its norm is
    at most 1/√ε: a bound that inputs near a constant come to, and most others are far from.
    Where it is `summed`, v is the sum of the squares and n = 1, as in N_tv of ruthotto2018.
    """

    epsilon: Fraction
    centred: bool = True
    summed: bool = False

    @cached_property
    def bound(self) -> Fraction | None:
        return upper_root(1 / self.epsilon)

    def of_floats(self, rows: np.ndarray) -> np.ndarray:
        return self._scale_rows(rows)[0]

    def _scale_rows(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        moved = self._centre(rows)
        size = np.sqrt(self._mean(moved**2) + float(self.epsilon))
        return moved / size, size

    def _mean(self, rows: np.ndarray) -> np.ndarray:
        return (np.sum if self.summed else np.mean)(rows, axis=-1, keepdims=True)

    def _centre(self, rows: np.ndarray) -> np.ndarray:
        return rows - rows.mean(axis=-1, keepdims=True) if self.centred else rows

    def of_exact(self, row: list[Any]) -> list[Any]:
        count = len(row)
        if self.centred:
            mean = sum(row[1:], row[0]) / count
            row = [value - mean for value in row]
        squares = [value * value for value in row]
        total = sum(squares[1:], squares[0]) / (1 if self.summed else count)
        size = _interval(total + self.epsilon).sqrt()
        return [value / size for value in row]

    def slope(self, rows: np.ndarray, d: np.ndarray, adjoint: bool) -> np.ndarray:
        y, size = self._scale_rows(rows)
        return (self._centre(d) - y * self._mean(y * d)) / size

    def _write_group(self, v: Term) -> Term:
        count = self.places.shape[1]
        moved = named(v - v.call("sum") / count, "v") if self.centred else v
        total = moved.call("norm2") if self.summed else moved.call("norm2") / count
        return moved / (total + self.epsilon).call("sqrt")


@dataclass(frozen=True, eq=False)
class Direction(Grouped):
    """x ↦ x/max(|x|, r) in every group, as ``torch.nn.functional.normalize``.

    That is 1/r times the projection onto the ball of radius r, which brings no two points further
    apart; so 1/r is its constant, and the least one, as it is x/r near 0.
    """

    radius: Fraction

    @cached_property
    def bound(self) -> Fraction | None:
        return 1 / self.radius

    def _bound_near(self, rows: np.ndarray, error: np.ndarray) -> Fraction | None:
        """1/m where all groups stay longer than m > r: a projection onto a larger ball, over m."""
        shortest = float(np.sqrt(np.sum(rows**2, axis=-1)).min(initial=np.inf))
        least = shortest * (1 - 2.0**-20) - 2 * float(error.max(initial=0))
        return 1 / Fraction(least) if self.radius < least < np.inf else self.bound

    def of_floats(self, rows: np.ndarray) -> np.ndarray:
        return rows / self._size(rows)

    def _size(self, rows: np.ndarray) -> np.ndarray:
        return np.maximum(np.sqrt(np.sum(rows**2, axis=-1, keepdims=True)), float(self.radius))

    def of_exact(self, row: list[Any]) -> list[Any]:
        squares = [value * value for value in row]
        total, r = sum(squares[1:], squares[0]), self.radius
        if not isinstance(total, Interval) and total <= r**2:
            return [value / r for value in row]
        size = _interval(total).sqrt()
        size = Interval(max(size.lower, r), max(size.upper, r))
        return [value / size for value in row]

    def slope(self, rows: np.ndarray, d: np.ndarray, adjoint: bool) -> np.ndarray:
        size = self._size(rows)
        y = rows / size
        along = np.sum(y * d, axis=-1, keepdims=True)
        return (d - np.where(size > float(self.radius), along * y, 0.0)) / size

    def _write_group(self, v: Term) -> Term:
        maximum: Any = np.maximum  # of terms, too
        return v / maximum(v.call("norm2").call("sqrt"), self.radius)


@dataclass(frozen=True, eq=False)
class Softmax(Grouped):
    """x ↦ exp(x)/Σ exp(x) in every group, or its logarithm.

    The derivative is diag(p) − p pᵀ, whose rows have the absolute sums 2 p (1 − p) <= 1/2; that of
    the logarithm I − 1 pᵀ, of norm up to √n.
    """

    logarithm: bool = False

    @cached_property
    def bound(self) -> Fraction | None:
        return upper_root(Fraction(self.places.shape[1])) if self.logarithm else Fraction(1, 2)

    @property
    def moves_zero(self) -> bool:
        return True

    def of_floats(self, rows: np.ndarray) -> np.ndarray:
        moved = rows - rows.max(axis=-1, keepdims=True)
        whole = np.exp(moved).sum(axis=-1, keepdims=True)
        return moved - np.log(whole) if self.logarithm else np.exp(moved) / whole

    def of_exact(self, row: list[Any]) -> list[Any]:
        top = Fraction(max(float(value) for value in row))  # any number will do
        moved = [_interval(value - top) for value in row]
        powers = [value.exp() for value in moved]
        whole = sum(powers[1:], powers[0])
        return [value - whole.log() for value in moved] if self.logarithm else \
            [value / whole for value in powers]

    def slope(self, rows: np.ndarray, d: np.ndarray, adjoint: bool) -> np.ndarray:
        moved = rows - rows.max(axis=-1, keepdims=True)
        p = np.exp(moved)
        p /= p.sum(axis=-1, keepdims=True)
        if not self.logarithm:
            return p * (d - np.sum(p * d, axis=-1, keepdims=True))
        return d - p * d.sum(axis=-1, keepdims=True) if adjoint else \
            d - np.sum(p * d, axis=-1, keepdims=True)

    def _write_group(self, v: Term) -> Term:
        powers = named(v.call("exp"), "v")
        whole = powers.call("sum")
        return v - whole.call("log") if self.logarithm else powers / whole


def _interval(value: Any) -> Interval:
    return value if isinstance(value, Interval) else Interval(value)
