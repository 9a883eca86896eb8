"""Signals side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import ClassVar

import numpy as np

from stabkit.arithmetic.transcript import Term, named
from stabkit.networks.layers.float_errors import TINY, UP, Enclosure
from stabkit.networks.layers.layer import Bounds, Layer, Shape, Signal, pick_entries
from stabkit.operators.singular_values import upper_root


@dataclass(frozen=True, eq=False)
class Concatenation(Layer):
    """Signals side by side along an axis of their shape (0 is the channels)."""

    joins: ClassVar[bool] = True

    axis: int = 0

    def apply(self, x: Signal, *more: Signal) -> Signal:
        return np.concatenate((x, *more), axis=self.axis + 1)

    def adjoint(self, d: Signal, at: Sequence[Signal]) -> list[Signal]:
        ends = np.cumsum([part.shape[self.axis + 1] for part in at])[:-1]
        return np.split(d, ends, axis=self.axis + 1)

    def term(self, terms: Sequence[Term], shapes: Sequence[Shape], shape: Shape) -> Term:
        joined = named(terms[0].call("concat", *terms[1:]), "v")
        starts = np.cumsum([0, *map(prod, shapes)])
        places = np.concatenate([np.arange(prod(one)).reshape(one) + start for one, start in
                                 zip(shapes, starts[:-1], strict=True)], axis=self.axis)
        return pick_entries(joined, places.ravel())

    def joint_bound(self, bounds: Bounds, unit: Fraction) -> Fraction | None:
        return upper_root(sum((bound**2 for bound in bounds), Fraction(0)))

    def enclose(self, inputs: Sequence[Enclosure], unit: float) -> Enclosure:
        middles, errors = zip(*inputs, strict=True)
        return self.apply(*middles), UP * np.sqrt(sum(error**2 for error in errors)) + TINY
