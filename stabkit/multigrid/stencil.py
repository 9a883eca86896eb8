"""Stencils, what they see outside the grid, and their matrices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from math import prod
from typing import Any

import numpy as np

from stabkit.errors import InvalidArgument
from stabkit.multigrid.arithmetic import FLOAT
from stabkit.rational import fraction, fractions

Padding = Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray]]


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

    def __mul__(self, factor: Any) -> Stencil:
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
    weights : array_like, 1-D or 2-D
        Numbers or texts such as ``"1/2"``.
    centre : sequence of int, optional
        The index of offset 0; the middle by default, which needs odd sizes.
    """
    exact = fractions(weights, "weights")
    if exact.ndim not in (1, 2) or exact.size == 0:
        raise InvalidArgument(f"weights: must be a 1-D or 2-D array, got shape {exact.shape}")
    if centre is None:
        if any(size % 2 == 0 for size in exact.shape):
            raise InvalidArgument(f"weights: shape {exact.shape} has no middle; give centre=")
        centre = [size // 2 for size in exact.shape]
    taps = tuple((tuple(int(i) - int(c) for i, c in zip(index, centre, strict=True)), weight)
                 for index, weight in np.ndenumerate(exact) if weight != 0)
    if not taps:
        raise InvalidArgument("weights: all are zero")
    return Stencil(taps)


# -- paddings: where the value at an index outside 0 … n-1 is taken from, and with which factor ----
def zero(index: np.ndarray, n: int):
    """Nothing outside."""
    inside = (index >= 0) & (index < n)
    return np.where(inside, index, 0), inside.astype(int)


def wrap(index: np.ndarray, n: int):
    """Periodic continuation."""
    return index % n, np.ones_like(index)


def mirror(index: np.ndarray, n: int):
    """Even continuation about the cell faces: u₋₁ = u₀."""
    place = index % (2 * n)
    return np.minimum(place, 2 * n - 1 - place), np.ones_like(index)


def odd_mirror(index: np.ndarray, n: int):
    """Odd continuation about the cell faces: u₋₁ = −u₀."""
    place, _ = mirror(index, n)
    return place, np.where((index // n) % 2 == 0, 1, -1)


def reflect(index: np.ndarray, n: int):
    """Even continuation about the boundary nodes: u₋₁ = u₁."""
    place = index % (2 * n - 2)
    return np.minimum(place, 2 * n - 2 - place), np.ones_like(index)


def correlation(weights: Stencil, shape: Sequence[int], source: Sequence[int], *, stride: int = 1,
                start: int = 0, padding: Padding = zero, arithmetic: Any = FLOAT) -> Any:
    """The matrix of u ↦ Σ w_k u_{stride·x + start + k}, from grid `source` to grid `shape`.

    Parameters
    ----------
    weights : Stencil
    shape, source : sequence of int
        The two grids.
    stride, start : int
        Where point x of `shape` lies on `source`.
    padding : callable
        ``zero``, ``wrap``, ``mirror``, ``odd_mirror``, ``reflect``, or your own.
    arithmetic : FLOAT or EXACT
    """
    if not weights.dimension == len(shape) == len(source):
        raise InvalidArgument(f"weights: a {weights.dimension}-D stencil does not fit grids "
                              f"{tuple(source)} and {tuple(shape)}")
    numbers = np.arange(prod(shape)).reshape(shape)
    rows, columns, values = [], [], []
    for offset, weight in weights.taps:
        axes = [padding(stride * np.arange(n) + start + k, m)
                for n, m, k in zip(shape, source, offset, strict=True)]
        places = np.ravel_multi_index(
            np.meshgrid(*(place for place, _ in axes), indexing="ij"), source)
        factors = reduce(np.multiply.outer, (factor for _, factor in axes))
        kept = factors != 0
        rows.append(numbers[kept])
        columns.append(places[kept])
        values.append(factors[kept] * arithmetic.number(weight))
    return arithmetic.assemble((prod(shape), prod(source)), np.concatenate(rows),
                               np.concatenate(columns), np.concatenate(values))
