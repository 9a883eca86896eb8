"""What a linear map is, with a matrix or without."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from stabkit.aliases import Array, Signal


class LinearMap(ABC):
    """A linear map of ``shape`` (M, N) on the last axis, with an adjoint: matrices or not."""

    shape: tuple[int, int]
    dtype = np.dtype(float)  # of its products with floats

    @property
    @abstractmethod
    def T(self) -> LinearMap:
        """The adjoint."""

    @abstractmethod
    def __matmul__(self, u: Signal) -> Array:
        """The image of u."""

    def matvec(self, u: Signal) -> Array:
        """The image of one signal; this and ``rmatvec`` are what ``aslinearoperator`` asks for."""
        return self @ np.ravel(u)

    def rmatvec(self, v: Signal) -> Array:
        """The image of one signal under the adjoint."""
        return self.T @ np.ravel(v)

    @abstractmethod
    def exact(self) -> np.ndarray:
        """The dense matrix as an object array of fractions."""
