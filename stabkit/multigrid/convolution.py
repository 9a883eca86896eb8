"""Blocks of convolutional networks, in any arithmetic: floats, fractions, enclosures.

Signals have shape (channels, *grid) with a 1-D or 2-D grid.  A block is a callable; the linear
ones state their number of parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from itertools import product
from math import prod
from typing import Any

import numpy as np
import scipy.sparse

from stabkit.backend import beside, is_foreign, like, namespace
from stabkit.errors import InvalidArgument
from stabkit.multigrid.stencil import Padding, zero
from stabkit.operators.sparse import Portable

Map = Callable[[Any], Any]


def _checked_kernel(kernel: Any) -> np.ndarray:
    weights = np.asarray(kernel)
    if weights.ndim not in (3, 4) or any(size % 2 == 0 for size in weights.shape[2:]):
        raise InvalidArgument("kernel: must have shape (channels out, channels in, odd[, odd]), "
                              f"got {weights.shape}")
    return weights


def _places(size: int, out: int, tap: int, half: int, stride: int, padding: Padding):
    return padding(stride * np.arange(out) + tap - half, size)


@dataclass(frozen=True, eq=False)
class Convolution:
    """(K * f)_i = Σ_k K_k f_{stride·i + k}, the networks' convolution (he2019, 3.7 and 3.13).

    Attributes
    ----------
    kernel : ndarray, shape (channels out, channels in, k[, k])
        Odd sizes, read as in he2019: a correlation.
    stride : int
        m samples give ⌈m / stride⌉.
    padding : callable
        See `stabkit.multigrid.stencil`.
    bias : ndarray, shape (channels out,), optional
    """

    kernel: np.ndarray
    stride: int = 1
    padding: Padding = zero
    bias: np.ndarray | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "kernel", _checked_kernel(self.kernel))
        if self.stride < 1:
            raise InvalidArgument(f"stride: must be at least 1, got {self.stride}")

    @property
    def parameters(self) -> int:
        return self.kernel.size + (0 if self.bias is None else np.size(self.bias))

    def output_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        return tuple(-(-n // self.stride) for n in shape)

    def __call__(self, f: Any) -> Any:
        f = f if is_foreign(f) else np.asarray(f)
        if f.ndim != self.kernel.ndim - 1 or f.shape[0] != self.kernel.shape[1]:
            raise InvalidArgument(f"f: must have {self.kernel.shape[1]} channels on a "
                                  f"{self.kernel.ndim - 2}-D grid, got shape {f.shape}")
        xp, kernel, out = namespace(f), _beside(self.kernel, f), self.output_shape(f.shape[1:])
        total = xp.zeros((kernel.shape[0], *out), dtype=xp.result_type(f, kernel))
        for tap in product(*map(range, kernel.shape[2:])):
            places, factors = _taps(f.shape[1:], out, tap, self)
            seen = f
            for axis, place in enumerate(places, start=1):
                seen = xp.take(seen, xp.asarray(place), axis=axis)
            total = total + xp.tensordot(kernel[(..., *tap)], seen * like(factors, f), axes=1)
        if self.bias is not None:
            bias = np.asarray(self.bias).reshape(-1, *[1] * len(out))
            total = total + _beside(bias, f)
        return total


@dataclass(frozen=True, eq=False)
class TransposedConvolution:
    """The adjoint of a strided convolution without bias ("deconvolution"), onto a given grid.

    Attributes
    ----------
    convolution : Convolution
    shape : tuple of int
        The fine grid.
    """

    convolution: Convolution
    shape: tuple[int, ...]

    def __call__(self, v: Any) -> Any:
        v = v if is_foreign(v) else np.asarray(v)
        kernel = self.convolution.kernel
        coarse = self.convolution.output_shape(self.shape)
        if v.shape != (len(kernel), *coarse):
            raise InvalidArgument(f"v: must have shape {(len(kernel), *coarse)}, got {v.shape}")
        if is_foreign(v):
            return self._gathered(v, coarse)
        total = np.zeros((kernel.shape[1], *self.shape), dtype=np.result_type(v, kernel))
        for tap in product(*map(range, kernel.shape[2:])):
            places, factors = _taps(self.shape, coarse, tap, self.convolution)
            sent = np.tensordot(kernel[(..., *tap)].T, v, axes=1) * like(factors, v)
            np.add.at(total, (slice(None), *np.ix_(*places)), sent)
        return total

    def _gathered(self, v: Any, coarse: Sequence[int]) -> Any:
        # The same without scattering, which the standard of arrays has not.
        xp, kernel = namespace(v), _beside(self.convolution.kernel, v)
        total = xp.zeros((kernel.shape[1], *self.shape), dtype=xp.result_type(v, kernel))
        for tap in product(*map(range, kernel.shape[2:])):
            sent = xp.tensordot(kernel[(..., *tap)].T, v, axes=1)
            axes = _axes(self.shape, coarse, tap, self.convolution)
            for axis, (places, factors) in enumerate(axes, start=1):
                kept = np.flatnonzero(factors)
                to = scipy.sparse.coo_array((factors[kept].astype(float), (places[kept], kept)),
                                            shape=(self.shape[axis - 1], coarse[axis - 1]))
                sent = xp.moveaxis(
                    Portable(to).along_last(xp.moveaxis(sent, axis, -1)), -1, axis)
            total = total + sent
        return total

    @property
    def parameters(self) -> int:
        return self.convolution.kernel.size


def _taps(fine: Sequence[int], coarse: Sequence[int], tap: Sequence[int], convolution: Convolution):
    # Where every output sample looks for this tap, and with which factor.
    axes = _axes(fine, coarse, tap, convolution)
    factors = axes[0][1]
    for _, factor in axes[1:]:
        factors = np.multiply.outer(factors, factor)
    return [place for place, _ in axes], factors


def _axes(fine: Sequence[int], coarse: Sequence[int], tap: Sequence[int], convolution: Convolution):
    return [_places(n, m, k, size // 2, convolution.stride, convolution.padding)
            for n, m, k, size in zip(fine, coarse, tap, convolution.kernel.shape[2:], strict=True)]


def _beside(weights: Any, f: Any) -> Any:
    # Other libraries know neither fractions nor integers beside floats.
    if not is_foreign(f) or is_foreign(weights):
        return weights
    return beside(weights if weights.dtype.kind == "f" else weights.astype(np.float64), f)


def channelwise(kernel: Any, channels: int, **options: Any) -> Convolution:
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

    def __call__(self, f: Any) -> Any:
        xp = namespace(f)
        for axis in range(1, f.ndim):
            n = f.shape[axis]
            middle, largest = np.arange(0, n, self.stride), None
            for offset in range(-self.k, self.k + 1):
                # What lies outside is replaced by the border, which is in the window.
                place = xp.asarray(np.clip(middle + offset, 0, n - 1))
                seen = xp.take(f, place, axis=axis)
                largest = seen if largest is None else xp.maximum(largest, seen)
            f = largest
        return f


def average_pooling(f: Any) -> Any:
    """The mean of every channel, shape (channels,)."""
    xp = namespace(f)
    return xp.sum(xp.reshape(f, (f.shape[0], -1)), axis=1) / prod(f.shape[1:])


@dataclass(frozen=True, eq=False)
class Dense:
    """f ↦ W f + b on the flattened signal."""

    weights: np.ndarray
    bias: np.ndarray | None = None

    def __call__(self, f: Any) -> Any:
        image = _beside(np.asarray(self.weights), f) @ namespace(f).reshape(f, (-1,))
        return image if self.bias is None else image + _beside(np.asarray(self.bias), f)

    @property
    def parameters(self) -> int:
        return np.size(self.weights) + (0 if self.bias is None else np.size(self.bias))


def relu(f: Any) -> Any:
    """max(f, 0)."""
    return namespace(f).maximum(f, 0)


def identity(f: Any) -> Any:
    """f."""
    return f


def nothing(f: Any) -> Any:
    """0, in the shape of f."""
    return 0 * f


@dataclass(frozen=True)
class Composition:
    """The maps one after another, the first one first."""

    maps: tuple[Map, ...]

    def __call__(self, f: Any) -> Any:
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
    if hasattr(model, "parameters"):
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
