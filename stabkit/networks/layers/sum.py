"""x₁ + x₂ + …, with signs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import ClassVar

import numpy as np

from stabkit.arithmetic.transcript import Term
from stabkit.networks.layers.float_errors import TINY, UP, Enclosure, U, norms
from stabkit.networks.layers.layer import Bounds, Layer, Shape, Signal


@dataclass(frozen=True, eq=False)
class Sum(Layer):
    """x₁ + x₂ + …, with signs; a skip connection ends in one.

    Attributes
    ----------
    signs : tuple of {1, -1}
    """

    joins: ClassVar[bool] = True

    signs: tuple[int, ...] = (1, 1)

    def apply(self, x: Signal, *more: Signal) -> Signal:
        return reduce(np.add, [part if sign > 0 else -part
                               for sign, part in zip(self.signs, (x, *more), strict=True)])

    def adjoint(self, d: Signal, at: Sequence[Signal]) -> list[Signal]:
        return [sign * d for sign in self.signs]

    def term(self, terms: Sequence[Term], shapes: Sequence[Shape], shape: Shape) -> Term:
        total = terms[0] if self.signs[0] > 0 else -terms[0]
        for sign, term in zip(self.signs[1:], terms[1:], strict=True):
            total = total + term if sign > 0 else total - term
        return total

    def joint_bound(self, bounds: Bounds, unit: Fraction) -> Fraction | None:
        return sum(bounds, Fraction(0))

    def enclose(self, inputs: Sequence[Enclosure], unit: float) -> Enclosure:
        middles, errors = zip(*inputs, strict=True)
        total = sum(np.abs(part) for part in middles)
        return self.apply(*middles), UP * (
            sum(errors) + norms(UP * len(inputs) * U * total)) + TINY
