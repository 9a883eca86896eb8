"""x ↦ W x + b on vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from flint import fmpq_mat

from stabkit.arithmetic.rational import fraction, fractions, from_flint, to_flint
from stabkit.networks.layers.layer import Change, Layer, Shape, Signal, Weights, add_bias, beside
from stabkit.operators import from_matrix, norm_squared
from stabkit.operators.singular_values import square_bound, upper_root
from stabkit.time_limit import time_is_over

EXACT_SIDE = 32  # smaller side up to which a norm is enclosed in rational arithmetic
_FEW, _SHORT = 64, 4096  # entries; denominators


@dataclass(frozen=True, eq=False)
class Dense(Layer):
    """x ↦ W x + b on vectors.

    Attributes
    ----------
    weights : ndarray, shape (M, N)
    bias : ndarray, shape (M,), or None
    """

    mixes: ClassVar[bool] = True

    weights: Weights
    bias: Weights | None = None

    def apply(self, x: Signal, *more: Signal) -> Signal:
        rows = x.reshape(len(x), -1)
        if x.dtype == object and all(type(entry) is Fraction for entry in rows.flat):
            return add_bias(from_flint(to_flint(rows) * self._exact), self.bias)
        return add_bias(rows @ beside(self.weights, x).T, self.bias)

    @cached_property
    def _exact(self) -> fmpq_mat:
        """The transposed weights, as FLINT multiplies them."""
        return to_flint(np.asarray(self.weights).T)

    def matrix(self, shape: Shape) -> np.ndarray:
        return fractions(self.weights)

    def adjoint(self, d: Signal, at: Sequence[Signal]) -> list[Signal]:
        return [d.reshape(len(d), -1) @ np.asarray(self.weights, dtype=d.dtype)]

    @property
    def square(self) -> Fraction:
        weights = np.asarray(self.weights)
        if min(weights.shape) <= EXACT_SIDE and weights.size <= EXACT_SIDE**2 and \
                is_short(weights) and not time_is_over():
            return norm_squared(from_matrix(weights)).upper
        floats = weights.astype(float)
        return with_rest(_near_orthogonal(floats, square_bound(floats[None])), weights, floats, 1)

    @property
    def size(self) -> Fraction:
        return upper_root(sum_of_squares(self.weights))

    @property
    def roundings(self) -> int:
        return self.weights.shape[1] + 4

    @property
    def cost(self) -> int:
        return self.weights[0].size

    @property
    def sides(self) -> tuple[int, int]:
        return self.weights.shape[0], self.weights.shape[1]

    def constant_beside(self, shape: Shape) -> Weights | None:
        return None if self.bias is None else np.asarray(self.bias).reshape(shape)

    @property
    def transpose(self) -> Dense:
        return Dense(self.weights.T)

    @property
    def layout(self) -> tuple[Any, ...]:
        return "dense", self.weights.shape

    def map_weights(self, change: Change) -> tuple[Layer, list[str]]:
        values, said = change(self.weights, True)
        return (self.with_parts(weights=values) if said else self), said


def is_short(weights: Weights) -> bool:
    """Whether exact arithmetic with these weights is quick: they are few, or have few digits."""
    if weights.size <= _FEW:
        return True
    if weights.dtype == object:
        return all(fraction(w).denominator < _SHORT for w in weights.flat)
    scaled = np.asarray(weights, dtype=float) * _SHORT
    return bool((scaled == np.round(scaled)).all() and (np.abs(scaled) < _SHORT**2).all())


def sum_of_squares(weights: Weights) -> Fraction:
    """A certified upper bound of the sum of the squares of all weights."""
    weights = np.asarray(weights, dtype=float)
    slack = 1 + Fraction(weights.size + 8, 2**50)
    return Fraction(float(np.sum(weights * weights))) * slack**2


def with_rest(square: Fraction, weights: Weights, floats: np.ndarray, taps: int) -> Fraction:
    """A bound for weights, from one for the floats nearest to them."""
    if weights.dtype != object:
        return square
    rest = sum(((fraction(w) - Fraction(float(x))) ** 2
                for w, x in zip(weights.flat, floats.flat, strict=True)), Fraction(0))
    return square if rest == 0 else (upper_root(square) + upper_root(taps * rest)) ** 2


def _near_orthogonal(a: np.ndarray, square: Fraction) -> Fraction:
    """‖A‖² <= c + ‖AᵀA − c I‖, with the mean c of the diagonal, which is tight for orthogonal A;
    or the bound that is given.
    """
    if not Fraction(1, 2**100) < square < 2**100:
        return square
    a = a if a.shape[0] >= a.shape[1] else a.T
    gram = a.T @ a
    c = float(np.mean(np.diag(gram)))
    away = gram - c * np.eye(len(gram))
    frobenius = Fraction(float(np.linalg.norm(away))) * (1 + Fraction(gram.size + 8, 2**52))
    # A product of floats with m terms is off by at most (m + 2) u |A|ᵀ|A|, whose norm is <= ‖A‖²_F.
    whole = Fraction(float(np.sum(a * a))) * (1 + Fraction(a.size + 8, 2**52))
    return min(square, Fraction(c) + frobenius + (whole + abs(Fraction(c))) * Fraction(
        len(a) + 8, 2**52) + Fraction(1, 2**300))
