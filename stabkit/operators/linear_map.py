"""What a linear map is, with a matrix or without."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from stabkit.arithmetic.backend import Signal


class LinearMap(ABC):
    """A linear map of ``shape`` (M, N) on the last axis, with an adjoint: matrices or not."""

    shape: tuple[int, int]

    @property
    @abstractmethod
    def T(self) -> LinearMap:
        """The adjoint."""

    @abstractmethod
    def __matmul__(self, u: Signal) -> Any:
        """The image of u."""

    @abstractmethod
    def exact(self) -> np.ndarray:
        """The dense matrix as an object array of fractions."""
