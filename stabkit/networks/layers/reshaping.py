"""The same entries in another order or shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from stabkit.arithmetic.transcript import Term
from stabkit.networks.layers.layer import Layer, Shape, Signal, pick_entries, spread


@dataclass(frozen=True, eq=False)
class Reshaping(Layer):
    """The same entries in another order or shape: flatten, reshape, transpose.

    Attributes
    ----------
    order : ndarray of int, or None
        Entry i of the result is entry order[i] of the (flattened) signal.
    """

    order: np.ndarray | None = None

    def apply(self, x: Signal, *more: Signal) -> Signal:
        return x if self.order is None else x.reshape(len(x), -1)[:, np.ravel(self.order)]

    def adjoint(self, d: Signal, at: Sequence[Signal]) -> list[Signal]:
        return [d if self.order is None else spread(
            d.reshape(len(d), -1), np.ravel(self.order), at[0][0].size)]

    def term(self, terms: Sequence[Term], shapes: Sequence[Shape], shape: Shape) -> Term:
        return terms[0] if self.order is None else pick_entries(terms[0], np.ravel(self.order))

    @property
    def square(self) -> Fraction:
        return Fraction(1) if self.order is None else repeats(self.order)

    @property
    def factor(self) -> Fraction | None:
        return Fraction(1) if self.order is None else None

    @property
    def transpose(self) -> Reshaping:
        return Reshaping(None if self.order is None else np.argsort(np.ravel(self.order)))


def repeats(places: np.ndarray) -> Fraction:
    """How often an entry is picked, at most."""
    return Fraction(int(np.bincount(np.ravel(places)).max()))
