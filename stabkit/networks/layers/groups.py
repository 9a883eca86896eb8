"""Layers that see groups of entries, each group as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from stabkit.networks.layers.layer import Layer, Signal


@dataclass(frozen=True, eq=False)
class Groups(Layer):
    """A map of groups of entries, the same for every group; none of these is linear.

    Attributes
    ----------
    places : ndarray of int, shape (groups, length)
        The (flat) places of the entries of every group; each place occurs once.
    """

    mixes: ClassVar[bool] = True

    places: np.ndarray

    @property
    def is_linear(self) -> bool:
        return False

    def rows_of(self, x: Signal) -> np.ndarray:
        """The entries of a batch by groups, of shape (batch, groups, length)."""
        return x.reshape(len(x), -1)[:, self.places]
