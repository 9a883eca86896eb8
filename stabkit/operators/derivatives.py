"""The derivative of a step as a linear map: products with it and its adjoint, and its matrix."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import scipy

from stabkit.aliases import Matrix, Signal
from stabkit.arithmetic.linearised import Linearised, Row, Tape
from stabkit.arithmetic.rational import fractions, solve
from stabkit.errors import InvalidArgument
from stabkit.operators.linear_map import LinearMap

_LARGEST_INVERSE = 4096  # rows up to which the matrix of an inverse is written out


def derivative(function: Callable[[Any], Any], u: Signal) -> Derivative:
    """The derivative of a function of arrays at u, which is run once.

    Parameters
    ----------
    function : callable
        Made of operators, fluxes and arithmetic.
    u : ndarray, shape (N,)
    """
    image = function(Linearised(u))
    if not isinstance(image, Linearised):  # it does not depend on u
        image = Linearised(np.asarray(image), Tape(u.shape[-1]), 0) * 0
    return Derivative(image.tape, image.line)


class SparseMap(LinearMap):
    """A map in floats that knows its adjoint's images and writes its matrix down when asked."""

    __array_ufunc__ = None  # numbers and arrays of NumPy leave the product to the map

    @abstractmethod
    def adjoint_image(self, w: Signal) -> np.ndarray:
        """The image under the adjoint."""

    @abstractmethod
    def sparse(self) -> scipy.sparse.csr_array:
        """The matrix."""

    @cached_property
    def T(self) -> SparseMap:
        """The adjoint."""
        return Transposed(self)

    def exact(self) -> np.ndarray:
        """The dense matrix of the numbers that its floats are."""
        return fractions(self.sparse().toarray(), "J")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.sparse().toarray().astype(dtype or float)


class Derivative(SparseMap):
    """A derivative J: ``J @ v``, ``J.T @ w``, ``J.sparse()``, and ``numpy.asarray(J)``.

    Products follow the step that was recorded, until ``sparse()`` is called once: from then on they
    are those of the matrix, which takes some 20 of them to write down and is up to 8 times faster.

    Attributes
    ----------
    shape : (int, int)
    """

    def __init__(self, tape: Tape, line: int):
        self._tape, self._line = tape, line
        self.shape = (tape.lines[line][0], tape.lines[0][0])

    def __matmul__(self, v: Signal) -> np.ndarray:
        v = _signal(v, self.shape[1])
        return _times(self._matrix, v) if self._is_written else self._tape.image(self._line, v)

    def adjoint_image(self, w: Signal) -> np.ndarray:
        w = _signal(w, self.shape[0])
        return _times(self._matrix.T, w) if self._is_written else \
            self._tape.adjoint_image(self._line, w)

    @property
    def _is_written(self) -> bool:
        return "_matrix" in self.__dict__

    @cached_property
    def _matrix(self) -> scipy.sparse.csr_array:
        return self._tape.sparse(self._line)

    def sparse(self) -> scipy.sparse.csr_array:
        return self._matrix

    @cached_property
    def rows(self) -> list[Row]:
        """The rows of the matrix, by column, in the arithmetic of the point."""
        return self._tape.rows(self._line)

    def __repr__(self) -> str:
        return f"J ({self.shape[0]}x{self.shape[1]})"


class Transposed(SparseMap):
    """The adjoint of a map."""

    def __init__(self, map: SparseMap):
        self._map, self.shape = map, map.shape[::-1]

    @cached_property
    def T(self) -> SparseMap:
        return self._map

    def __matmul__(self, w: Signal) -> np.ndarray:
        return self._map.adjoint_image(w)

    def adjoint_image(self, v: Signal) -> np.ndarray:
        return self._map @ v

    def sparse(self) -> scipy.sparse.csr_array:
        return self._map.sparse().T.tocsr()


class Inverse(SparseMap):
    """The inverse of a square map M with a sparse matrix: products solve with M.

    Attributes
    ----------
    inverse : LinearMap
        M.
    """

    def __init__(self, inverse: Any):
        self.inverse, self.shape = inverse, inverse.shape

    @cached_property
    def _factors(self) -> Any:
        try:
            return scipy.sparse.linalg.splu(self.inverse.sparse().tocsc())
        except RuntimeError as error:
            raise InvalidArgument("u: the derivative of the implicit step does not exist here, its "
                                  "equation being singular") from error

    def __matmul__(self, v: Signal) -> np.ndarray:
        return self._solve(v, "N")

    def adjoint_image(self, w: Signal) -> np.ndarray:
        return self._solve(w, "T")

    def _solve(self, v: Signal, side: str) -> np.ndarray:
        v = _signal(v, self.shape[0])
        return self._factors.solve(v.reshape(-1, self.shape[0]).T, side).T.reshape(v.shape)

    def sparse(self) -> scipy.sparse.csr_array:
        """The matrix, which is full."""
        if self.shape[0] > _LARGEST_INVERSE:
            raise InvalidArgument(f"J: the derivative of an implicit step has all of its "
                                  f"{self.shape[0]}^2 entries; multiply by it, or take the sparse "
                                  "matrix of its inverse, J.inverse")
        return scipy.sparse.csr_array(self @ np.eye(self.shape[0])).T.tocsr()

    @cached_property
    def rows(self) -> list[list[tuple[int, Fraction]]]:
        """Per row the pairs (column, entry), in fractions."""
        n, rows = self.shape[0], self.inverse.rows
        dense = np.full((n, n), Fraction(0), dtype=object)
        for i, row in enumerate(rows):
            for j, entry in row.items():
                dense[i, j] = entry
        return [list(enumerate(row)) for row in solve(dense, np.eye(n, dtype=int))]


def _times(matrix: Matrix, v: np.ndarray) -> np.ndarray:
    """The image of every signal along the last axis."""
    return (matrix @ v.reshape(-1, v.shape[-1]).T).T.reshape(*v.shape[:-1], matrix.shape[0])


def _signal(v: Signal, size: int) -> np.ndarray:
    v = np.asarray(v, dtype=float)
    if v.ndim == 0 or v.shape[-1] != size:
        raise InvalidArgument(f"v: the last axis must have length {size}, got shape {v.shape}")
    return v
