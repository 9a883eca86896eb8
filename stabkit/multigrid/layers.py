"""Blocks of convolutional networks, in any arithmetic: floats, fractions, enclosures.

Signals have shape (channels, *grid) with a 1-D or 2-D grid.  A block is a callable; the linear
ones state their number of parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from math import prod
from typing import Any

import numpy as np

from stabkit.aliases import Array, Matrix, Signal
from stabkit.arithmetic.backend import namespace
from stabkit.operators.convolution import Convolution, weights_beside

Map = Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class TransposedConvolution:
    """The adjoint of a convolution without its bias ("deconvolution"), onto a given grid.

    Attributes
    ----------
    convolution : Convolution
    shape : tuple of int
        The fine grid.
    """

    convolution: Convolution
    shape: tuple[int, ...]

    def __call__(self, v: Signal) -> Signal:
        return self.convolution.adjoint(v, self.shape)

    @property
    def parameters(self) -> int:
        return self.convolution.kernel.size


def channelwise(kernel: Array, channels: int, **options: Any) -> Convolution:
    """The same one-channel kernel for each channel, as in Π ⊗ I (he2019, 6.24)."""
    taps = np.asarray(kernel)
    full = np.zeros((channels, channels, *taps.shape), dtype=taps.dtype)
    for channel in range(channels):
        full[channel, channel] = taps
    return Convolution(full, **options)


@dataclass(frozen=True)
class MaxPooling:
    """The maximum over windows of 2k+1 samples per axis inside the grid (he2019, 4.16)."""

    k: int = 1
    stride: int = 2

    def __call__(self, f: Signal) -> Signal:
        xp = namespace(f)
        for axis in range(1, f.ndim):
            n = f.shape[axis]
            middle, largest = np.arange(0, n, self.stride), None
            for offset in range(-self.k, self.k + 1):
                # Samples outside are replaced by the border, which is in the window.
                place = xp.asarray(np.clip(middle + offset, 0, n - 1))
                seen = xp.take(f, place, axis=axis)
                largest = seen if largest is None else xp.maximum(largest, seen)
            f = largest
        return f


def average_pooling(f: Signal) -> Signal:
    """The mean of every channel, shape (channels,)."""
    xp = namespace(f)
    return xp.sum(xp.reshape(f, (f.shape[0], -1)), axis=1) / prod(f.shape[1:])


@dataclass(frozen=True, eq=False)
class Dense:
    """f ↦ W f + b on the flattened signal."""

    weights: np.ndarray
    bias: np.ndarray | None = None

    def __call__(self, f: Signal) -> Signal:
        image = weights_beside(np.asarray(self.weights), f) @ namespace(f).reshape(f, (-1,))
        return image if self.bias is None else image + weights_beside(np.asarray(self.bias), f)

    @property
    def parameters(self) -> int:
        return np.size(self.weights) + (0 if self.bias is None else np.size(self.bias))


def relu(f: Signal) -> Signal:
    """max(f, 0)."""
    return namespace(f).maximum(f, 0)


def identity(f: Signal) -> Matrix:
    """f."""
    return f


def nothing(f: Signal) -> Any:
    """0, in the shape of f."""
    return 0 * f


@dataclass(frozen=True)
class Composition:
    """The maps one after another, the first one first."""

    maps: tuple[Map, ...]

    def __call__(self, f: Signal) -> Signal:
        for each in self.maps:
            f = each(f)
        return f


def chain(*maps: Map) -> Composition:
    """The maps one after another, the first one first."""
    return Composition(maps)


def parameters(model: Any) -> int:
    """The number of parameters of a model; a block that occurs twice counts once."""
    return sum({id(block): block.parameters for block in _blocks(model)}.values())


def _blocks(model: Any):
    if isinstance(getattr(model, "parameters", None), int):
        yield model
    elif isinstance(model, (tuple, list)):
        for part in model:
            yield from _blocks(part)
    elif is_dataclass(model):
        for field in fields(model):
            yield from _blocks(getattr(model, field.name))


def matrix_of(linear: Map, shape: Sequence[int]) -> np.ndarray:
    """The matrix of a linear map on arrays of this shape, as an object array of its values."""
    columns = []
    for index in np.ndindex(*shape):
        unit = np.zeros(shape, dtype=object)
        unit[index] = 1
        columns.append(np.ravel(linear(unit)))
    return np.array(columns, dtype=object).T
