"""Some entries of a signal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from stabkit.arithmetic.transcript import Term
from stabkit.networks.layers.layer import Layer, Shape, Signal, pick_entries, spread
from stabkit.networks.layers.reshaping import repeats


@dataclass(frozen=True, eq=False)
class Selection(Layer):
    """Some entries of a signal: split, slice, chunk.

    Attributes
    ----------
    places : ndarray of int
        The (flat) places that are kept, in order.
    """

    places: np.ndarray

    def apply(self, x: Signal, *more: Signal) -> Signal:
        return x.reshape(len(x), -1)[:, np.ravel(self.places)]

    def adjoint(self, d: Signal, at: Sequence[Signal]) -> list[Signal]:
        return [spread(d.reshape(len(d), -1), np.ravel(self.places), at[0][0].size)]

    def term(self, terms: Sequence[Term], shapes: Sequence[Shape], shape: Shape) -> Term:
        return pick_entries(terms[0], np.ravel(self.places))

    @property
    def square(self) -> Fraction:
        return repeats(self.places)
