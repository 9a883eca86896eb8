"""Normalisation layers: scale ⊙ N(y) + bias, with one scale and one bias per channel.

N is the identity, standardises every channel with the mean and the variance of the batch or with
frozen ones, or is N_tv of ruthotto2018 (9).  A frozen batch normalisation is an affine map of every
image on its own; with the statistics of the batch the images of a batch depend on each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

import numpy as np

from stabkit.aliases import Array, Rational, Signal
from stabkit.arithmetic.backend import beside, namespace
from stabkit.errors import InvalidArgument
from stabkit.schemes import TotalVariation

Map = Callable[[Any], Any]


def unchanged(images: Signal) -> Any:
    """N(y) = y."""
    return images


@dataclass(frozen=True, eq=False)
class FrozenStatistics:
    """N(y) = (y − m)/√(v + ε) with a fixed mean m and variance v of every channel.

    Attributes
    ----------
    mean, variance : ndarray, shape (channels,)
    eps : float
    """

    mean: np.ndarray
    variance: np.ndarray
    eps: float = 1e-5

    def __call__(self, images: Signal) -> Signal:
        xp = namespace(images)
        mean, variance = (beside(part, images) for part in (self.mean, self.variance))
        spread = xp.astype(xp.sqrt(variance + self.eps), images.dtype)
        return (images - _per_channel(xp.astype(mean, images.dtype))) / _per_channel(spread)


@dataclass(frozen=True, eq=False)
class BatchStatistics:
    """N(y) = (y − m)/√(v + ε) with the mean and variance of every channel over the batch."""

    eps: float = 1e-5

    def __call__(self, images: Signal) -> Signal:
        return self.frozen(images)(images)

    def frozen(self, images: Signal) -> FrozenStatistics:
        """The map with the statistics of these images, fixed."""
        xp, axes = namespace(images), (0, 2, 3)
        return FrozenStatistics(xp.mean(images, axis=axes), xp.var(images, axis=axes), self.eps)


@dataclass(frozen=True, eq=False)
class PixelVariation:
    """N_tv(y)_p = y_p/√(|y_p|² + ε), y_p the channels of pixel p  (9)."""

    eps: Rational = "1/1000"

    def __call__(self, images: Signal) -> Signal:
        reshape, layer = namespace(images).reshape, TotalVariation(self.eps, images.shape[1])
        flat = reshape(images, (images.shape[0], -1))
        size = flat.shape[1]
        return reshape(layer.apply(flat, layer.lengths(flat, size), size), images.shape)


@dataclass(frozen=True, eq=False)
class Normalisation:
    """y ↦ scale ⊙ N(y) + bias.

    Attributes
    ----------
    scale, bias : ndarray, shape (channels,)
    standardise : callable
        N: `unchanged`, :class:`BatchStatistics`, :class:`FrozenStatistics` or
        :class:`PixelVariation`.
    """

    scale: np.ndarray
    bias: np.ndarray
    standardise: Map = field(default=unchanged)

    def __post_init__(self) -> None:
        if self.scale.ndim != 1 or self.scale.shape != self.bias.shape:
            raise InvalidArgument("scale, bias: must be vectors of one length, got shapes "
                                  f"{self.scale.shape} and {self.bias.shape}")

    @property
    def parameters(self) -> int:
        """The number of weights."""
        return self.scale.size + self.bias.size

    def __call__(self, images: Signal) -> Signal:
        """Images (samples, channels, rows, columns) to images of the same shape."""
        if images.shape[1] != self.scale.size:
            raise InvalidArgument(f"images: must have {self.scale.size} channels, got shape "
                                  f"{images.shape}")
        scale, bias = (_per_channel(beside(part, images)) for part in (self.scale, self.bias))
        return scale * self.standardise(images) + bias


def fresh(channels: int, standardise: Map = unchanged) -> Normalisation:
    """A normalisation with scales 1 and biases 0."""
    return Normalisation(np.ones(channels), np.zeros(channels), standardise)


def frozen(model: Map, images: np.ndarray) -> Any:
    """The same model with all batch statistics frozen at those that these images give it.

    Parameters
    ----------
    model : callable
        A dataclass, of which some parts are :class:`BatchStatistics`, applied to images.
    images : ndarray, shape (samples, channels, rows, columns)
    """
    watched = _replace(model, BatchStatistics, _Recording)
    watched(images)
    return _replace(watched, _Recording, lambda part: part.found)


@dataclass(eq=False)
class _Recording:
    """Batch statistics that remember the last images."""

    part: BatchStatistics
    found: FrozenStatistics | None = None

    def __call__(self, images: Signal) -> Signal:
        self.found = self.part.frozen(images)
        return self.found(images)


def _replace(tree: Any, kind: type, change: Callable[[Array], Array]) -> Any:
    """A model with every part of a kind replaced; a model without any is returned as it is."""
    if isinstance(tree, kind):
        return change(tree)
    if isinstance(tree, tuple):
        parts = tuple(_replace(part, kind, change) for part in tree)
        return parts if any(a is not b for a, b in zip(parts, tree, strict=True)) else tree
    if is_dataclass(tree) and not isinstance(tree, type):
        new = {f.name: _replace(getattr(tree, f.name), kind, change) for f in fields(tree)}
        changed = {name: part for name, part in new.items() if part is not getattr(tree, name)}
        return replace(tree, **changed) if changed else tree
    return tree


def _per_channel(values: np.ndarray) -> np.ndarray:
    return values[:, None, None]
