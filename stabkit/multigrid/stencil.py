"""Stencils of any shape, and their matrices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from stabkit.aliases import Rational, Signal
from stabkit.arithmetic.rational import fraction, fractions
from stabkit.errors import InvalidArgument
from stabkit.multigrid.matrices import assemble, number
from stabkit.operators.boundary import DIRICHLET, Boundary
from stabkit.operators.convolution import Convolution


@dataclass(frozen=True)
class Stencil:
    """Weights at integer offsets: (S u)_x = Σ w_k u_{x+k}.

    ``c * s``, ``s + t`` and ``s.outer(t)`` (tensor product) are stencils again.

    Attributes
    ----------
    taps : tuple of (offset, weight)
        Offsets are tuples of d integers, weights exact rationals.
    """

    taps: tuple[tuple[tuple[int, ...], Fraction], ...]

    @property
    def dimension(self) -> int:
        return len(self.taps[0][0])

    @property
    def total(self) -> Fraction:
        """The sum of the weights, the symbol at frequency 0."""
        return sum((weight for _, weight in self.taps), Fraction(0))

    @property
    def centre(self) -> Fraction:
        """The weight at offset 0."""
        return dict(self.taps).get((0,) * self.dimension, Fraction(0))

    def __mul__(self, factor: Rational) -> Stencil:
        factor = fraction(factor, "factor")
        return Stencil(tuple((offset, factor * weight) for offset, weight in self.taps))

    __rmul__ = __mul__

    def __add__(self, other: Stencil) -> Stencil:
        weights = dict(self.taps)
        for offset, weight in other.taps:
            weights[offset] = weights.get(offset, Fraction(0)) + weight
        return Stencil(tuple(weights.items()))

    def outer(self, other: Stencil) -> Stencil:
        return Stencil(tuple((a + b, v * w) for a, v in self.taps for b, w in other.taps))


def stencil(weights: Any, centre: Sequence[int] | None = None) -> Stencil:
    """Make a stencil of an array of weights; zeros are dropped.

    Parameters
    ----------
    weights : array_like, 1-D to 3-D
        Numbers or texts such as ``"1/2"``.
    centre : sequence of int, optional
        The index of offset 0; the middle by default, which needs odd sizes.
    """
    exact = fractions(weights, "weights")
    if exact.ndim not in (1, 2, 3) or exact.size == 0:
        raise InvalidArgument(f"weights: must be an array of one to three dimensions, got shape "
                              f"{exact.shape}")
    if centre is None:
        if any(size % 2 == 0 for size in exact.shape):
            raise InvalidArgument(f"weights: shape {exact.shape} has no middle; give centre=")
        centre = [size // 2 for size in exact.shape]
    taps = tuple((tuple(int(i) - int(c) for i, c in zip(index, centre, strict=True)), weight)
                 for index, weight in np.ndenumerate(exact) if weight != 0)
    if not taps:
        raise InvalidArgument("weights: all are zero")
    return Stencil(taps)


def correlation(weights: Stencil, shape: Sequence[int], source: Sequence[int], *, stride: int = 1,
                start: int = 0, boundary: Boundary = DIRICHLET, dtype: DTypeLike = float) -> Signal:
    """The matrix of u ↦ Σ w_k u_{stride·x + start + k}, from grid `source` to grid `shape`.

    Parameters
    ----------
    weights : Stencil
    shape, source : sequence of int
        The two grids.
    stride, start : int
        Where point x of `shape` lies on `source`.
    boundary : Boundary
    dtype : {float, object}
        For a sparse matrix of floats, or an exact one.
    """
    if not weights.dimension == len(shape) == len(source):
        raise InvalidArgument(f"weights: a {weights.dimension}-D stencil does not fit grids "
                              f"{tuple(source)} and {tuple(shape)}")
    first = [min(axis) for axis in zip(*(offset for offset, _ in weights.taps), strict=True)]
    last = [max(axis) for axis in zip(*(offset for offset, _ in weights.taps), strict=True)]
    kernel = np.full((1, 1, *(b - a + 1 for a, b in zip(first, last, strict=True))), Fraction(0),
                     dtype=object)
    for offset, weight in weights.taps:
        kernel[(0, 0, *(k - a for k, a in zip(offset, first, strict=True)))] = weight
    pads = tuple((-start - a, stride * (m - 1) + 1 + start + b - n) for a, b, m, n in
                 zip(first, last, shape, source, strict=True))
    rows, columns, numbers, signs = Convolution(kernel, stride, boundary, pads=pads).entries(source)
    values = np.array([number(weight, dtype) for weight in kernel.flat], dtype=dtype)
    return assemble((prod(shape), prod(source)), rows, columns, signs * values[numbers])
