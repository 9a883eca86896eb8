"""The product of two signals, entry by entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np

from stabkit.arithmetic.transcript import Term
from stabkit.networks.layers.float_errors import TINY, UP, Enclosure, U, norms
from stabkit.networks.layers.layer import Bounds, Layer, Shape, Signal


@dataclass(frozen=True, eq=False)
class Product(Layer):
    """(x, y) ↦ x y, entry by entry: a gate.

    It has no Lipschitz constant on the whole space, as its slope in x is y.
    """

    joins: ClassVar[bool] = True

    @property
    def is_linear(self) -> bool:
        return False

    def apply(self, x: Signal, *more: Signal) -> Signal:
        return x * more[0]

    def derivative(self, directions: Sequence[Signal], at: Sequence[Signal]) -> Signal:
        return directions[0] * at[1] + at[0] * directions[1]

    def adjoint(self, d: Signal, at: Sequence[Signal]) -> list[Signal]:
        return [d * at[1], d * at[0]]

    def term(self, terms: Sequence[Term], shapes: Sequence[Shape], shape: Shape) -> Term:
        return terms[0] * terms[1]

    def joint_bound(self, bounds: Bounds, unit: Fraction) -> Fraction | None:
        return None

    def enclose(self, inputs: Sequence[Enclosure], unit: float) -> Enclosure:
        (x, off), (y, away) = inputs
        out = x * y
        return out, UP * (_largest(y) * off + _largest(x) * away + off * away
                          + U * norms(out)) + TINY


def _largest(x: Signal) -> np.ndarray:
    """The largest size of an entry of every signal."""
    found: np.ndarray = np.abs(x).reshape(len(x), -1).max(axis=1)
    return found
